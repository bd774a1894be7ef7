//! Answers: pages, redirects, cookies, and compression where it pays.

use crate::{headers, visit::Trouble};
use edge::{Coding, WORTH_BYTES};
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};
use tenancy::Insurer;

/// What a handler gives back.
pub type Reply = Result<Response, Trouble>;

/// Marks a text worth compressing.
#[derive(Clone, Copy)]
pub struct Compressible;

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
    edge::compress(response, accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
