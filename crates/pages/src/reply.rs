//! Answers: pages, redirects, cookies, and compression where it pays.

use crate::{headers, visit::Trouble};
use poem::{
    IntoResponse, Response,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    web::{Compress, CompressionAlgo, CompressionLevel},
};
use tenancy::Insurer;

/// What a handler gives back.
pub type Reply = Result<Response, Trouble>;

/// Marks a text worth compressing.
#[derive(Clone, Copy)]
pub struct Compressible;

/// Below this, compression costs more than it saves.
const WORTH_BYTES: usize = 1024;
/// Quick, and within a few percent of the best for pages of this size.
const BROTLI: CompressionLevel = CompressionLevel::Precise(4);
const GZIP: CompressionLevel = CompressionLevel::Precise(5);

/// A page that wears the insurer's colours.
pub fn html(status: StatusCode, page: String, look: &Insurer) -> Response {
    let long = page.len() >= WORTH_BYTES;
    let mut response = Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(
            header::CONTENT_SECURITY_POLICY,
            headers::page_policy(look.brand.csp_hash()),
        )
        .header("reporting-endpoints", headers::reporting_endpoints())
        .body(page);
    if long {
        response.set_data(Compressible);
    }
    response
}

/// Lets a page's script ask this server how something goes.
pub fn may_fetch(mut response: Response) -> Response {
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|policy| policy.to_str().ok()).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&format!("{policy}; connect-src 'self'")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// After a post: another page, by GET.
pub fn see_other(address: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, address)
}

/// An address that has moved for good.
pub fn moved(address: &str) -> Response {
    redirect(StatusCode::PERMANENT_REDIRECT, address)
}

fn redirect(status: StatusCode, address: &str) -> Response {
    Response::builder()
        .status(status)
        .header(header::LOCATION, address)
        .finish()
}

/// Adds a `Set-Cookie`.
pub fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Adds `Retry-After`, where waiting helps.
pub fn with_pause(mut response: Response, seconds: Option<i64>) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Compresses what is worth it, as the browser likes it.
pub fn compress(response: Response, accepted: Option<Coding>) -> Response {
    if response.data::<Compressible>().is_none() {
        return response;
    }
    let mut response = match accepted {
        Some(Coding::Brotli) => Compress::new(response, CompressionAlgo::BR)
            .with_quality(BROTLI)
            .into_response(),
        Some(Coding::Gzip) => Compress::new(response, CompressionAlgo::GZIP)
            .with_quality(GZIP)
            .into_response(),
        None => response,
    };
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// The codings we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
}

impl Coding {
    /// The best of ours that the browser takes.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let lines: Vec<_> = edge::lines(headers, "accept-encoding").collect();
        let entries: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
        let takes = |coding: &str| {
            entries.iter().any(|entry| {
                let (name, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
                name.trim().eq_ignore_ascii_case(coding) && !is_zero(weight.trim())
            })
        };
        if takes("br") {
            Some(Self::Brotli)
        } else {
            takes("gzip").then_some(Self::Gzip)
        }
    }
}

/// `q=0`, `q=0.000`: not wanted.
fn is_zero(weight: &str) -> bool {
    let value = weight.strip_prefix("q=").unwrap_or_default();
    value.starts_with('0') && value.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepted(line: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(line));
        Coding::accepted(&headers)
    }

    #[test]
    fn the_browser_gets_the_best_coding_it_takes() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Coding::Brotli));
        assert_eq!(accepted("gzip;q=0.5, br;q=0"), Some(Coding::Gzip));
        assert_eq!(accepted("br;q=0.000, gzip;q=0.001"), Some(Coding::Gzip));
        assert_eq!(accepted("identity"), None);
        assert_eq!(accepted(""), None);
    }

    #[test]
    fn only_what_is_marked_is_compressed() {
        let small = compress(Response::builder().body("a"), Some(Coding::Brotli));
        assert!(small.header("content-encoding").is_none());
        let mut large = Response::builder().body("a".repeat(2000));
        large.set_data(Compressible);
        assert_eq!(
            compress(large, Some(Coding::Brotli)).header("content-encoding"),
            Some("br")
        );
    }

    proptest! {
        #[test]
        fn no_header_panics_and_what_is_taken_is_taken_when_it_stands_alone(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            near in "((br|gzip|BR|identity)(;q=[0-9.-]{0,4})?[, ]{0,2}){0,4}",
        ) {
            let odd = [b"br, ".as_slice(), &bytes, b", gzip"].concat();
            if let Ok(value) = HeaderValue::from_bytes(&odd) {
                let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
                prop_assert_eq!(Coding::accepted(&headers), Some(Coding::Brotli));
            }
            for line in [bytes.as_slice(), near.as_bytes()] {
                let mut headers = HeaderMap::new();
                if let Ok(value) = HeaderValue::from_bytes(line) {
                    headers.insert(header::ACCEPT_ENCODING, value);
                }
                let alone = match Coding::accepted(&headers) {
                    Some(Coding::Brotli) => accepted("br"),
                    Some(Coding::Gzip) => accepted("gzip"),
                    None => accepted("identity"),
                };
                prop_assert_eq!(alone, Coding::accepted(&headers));
            }
        }
    }
}
