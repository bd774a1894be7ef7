//! Compression where it pays, as whoever asks likes it: of pages and of the API's reads. What holds a secret that a
//! stranger's words could stand beside is never given to it.

use crate::headers::lines;
use poem::{
    IntoResponse as _, Response,
    http::{HeaderMap, HeaderValue, header},
    web::{Compress, CompressionAlgo, CompressionLevel},
};

/// Below this, compression costs more than it saves.
pub const WORTH_BYTES: usize = 1024;
/// Quick, and within a few percent of the best for pages of this size.
const BROTLI: CompressionLevel = CompressionLevel::Precise(4);
const GZIP: CompressionLevel = CompressionLevel::Precise(5);

/// The same answer in a coding that is accepted; either way a cache is told that it hangs on that.
pub fn compress(response: Response, accepted: Option<Coding>) -> Response {
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
        let lines: Vec<_> = lines(headers, "accept-encoding").collect();
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
