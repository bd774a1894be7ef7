//! Which posts may change anything: those that a page of our own sent (security.md 43). No token: `Sec-Fetch-Site`, which
//! every current browser sends and no script can forge, and for older ones `Origin`. Neither header means no.

use kernel::is_loopback;
use poem::http::HeaderMap;
use url::Url;

/// True where the request was sent by a page of ours.
pub fn is_own(headers: &HeaderMap, public_url: &Url) -> bool {
    if let Some(site) = edge::line(headers, "sec-fetch-site") {
        // `none` is the person at the browser itself, as when a page is sent again after a restart.
        return matches!(&*site, "same-origin" | "none");
    }
    let Some(origin) = edge::line(headers, "origin") else {
        return false;
    };
    let on_this_machine = || is_loopback(public_url) && is_own_host(&origin, edge::line(headers, "host").as_deref());
    origin == public_url.origin().ascii_serialization() || on_this_machine()
}

/// Of a portal on the machine itself (demo, tests) the port may differ from the public address's: there the host header
/// is the measure.
fn is_own_host(origin: &str, host: Option<&str>) -> bool {
    let (Ok(origin), Some(host)) = (Url::parse(origin), host) else {
        return false;
    };
    let Ok(asked) = Url::parse(&format!("{}://{host}", origin.scheme())) else {
        return false;
    };
    is_loopback(&asked) && asked.origin() == origin.origin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn own(headers: &[(&'static str, &str)]) -> bool {
        own_of("https://portal.example/", headers)
    }

    fn own_of(public_url: &str, headers: &[(&'static str, &str)]) -> bool {
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        is_own(&map, &public_url.parse().unwrap())
    }

    #[test]
    fn our_own_pages_may_post() {
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("origin", "https://portal.example")]));
    }

    #[test]
    fn only_a_portal_on_this_machine_takes_another_port_for_its_own() {
        for here in [
            [("origin", "http://127.0.0.1:4711"), ("host", "127.0.0.1:4711")],
            [("origin", "http://localhost:8081"), ("host", "localhost:8081")],
        ] {
            assert!(own_of("http://localhost:8080", &here), "{here:?}");
            assert!(!own(&here), "{here:?}");
        }
    }

    #[test]
    fn everybody_else_may_not() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://portal.example")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "null")],
            &[("origin", "https://portal.example.evil.example")],
            &[("origin", "http://portal.example")],
            &[("origin", "https://evil.example"), ("host", "evil.example")],
            &[("origin", "http://localhost:8080"), ("host", "localhost:8081")],
            &[("origin", "http://evil.example"), ("host", "localhost:8080")],
        ] {
            assert!(!own(headers), "{headers:?}");
            assert!(!own_of("http://localhost:4711", headers), "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_byte_of_a_header_panics_or_makes_a_foreign_page_ours(
            name in prop::sample::select(vec!["origin", "sec-fetch-site", "host"]),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.insert(name, value);
            }
            let ours = matches!(&bytes[..], b"same-origin" | b"none" | b"https://portal.example");
            prop_assert!(ours || !is_own(&headers, &"https://portal.example/".parse().unwrap()));
        }
    }
}
