//! Headers: those of a request as text, and what browsers are told about every answer, whichever shell wrote it
//! (security.md 44, 45).

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Version, header},
};
use std::borrow::Cow;

/// One year, subdomains included.
const HSTS: &str = "max-age=31536000; includeSubDomains";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()";
/// The policy of everything that is not a page.
const BARE_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Every line of a header as text. A byte that is no UTF-8 stands for itself alone: what separates the parts of a header
/// is ASCII, so a foreign cookie or a proxy's odd entry takes none of ours with it.
pub fn lines<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    let lines = headers.get_all(name).into_iter();
    lines.map(|line| String::from_utf8_lossy(line.as_bytes()))
}

/// The first line of a header as text, as [`lines`] has it.
pub fn line<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    lines(headers, name).next()
}

/// True where a request has one `Host`, or none where it needs none: HTTP/1.1 has one, whatever its target says (RFC 9112 §3.2).
pub fn has_one_host(request: &Request) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        count => count == 1,
    }
}

/// Adds what an answer does not carry yet. `no-store` goes on everything but files with an address by content.
pub fn harden(response: &mut Response, https: bool) {
    let headers = response.headers_mut();
    add(headers, header::CONTENT_SECURITY_POLICY, BARE_POLICY);
    add(headers, header::CACHE_CONTROL, "no-store");
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: with it browsers without Sec-Fetch-Site send `Origin: null` with our own forms.
    add(headers, header::REFERRER_POLICY, "same-origin");
    add(
        headers,
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    add(
        headers,
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    add(headers, HeaderName::from_static("permissions-policy"), PERMISSIONS);
    if https {
        add(headers, header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_says_itself_stays() {
        let mut file = Response::builder()
            .header("cache-control", "public, max-age=31536000, immutable")
            .finish();
        harden(&mut file, true);
        assert_eq!(
            file.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert!(file.header("strict-transport-security").is_some());
        let mut page = Response::default();
        harden(&mut page, false);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(page.header("strict-transport-security").is_none());
    }
}
