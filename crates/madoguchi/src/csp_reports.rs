//! Where browsers report what a page's policy kept from loading (security.md 44). A report carries the page's address,
//! which may hold a reset link: of all that is in it only the directive and the blocked host are kept.

use poem::{
    Request,
    http::{StatusCode, header},
};
use serde::Deserialize;
use url::Url;

/// What browsers send them as.
const MEDIA_TYPE: &str = "application/reports+json";
/// Far more than a browser sends at once; whoever sends more has something else in mind.
const LIMIT_BYTES: usize = 16 * 1024;
/// Lines that one request may write into the log.
const LIMIT_LINES: usize = 10;
/// What a page's policy names, and what it falls back from; anything else in a report is somebody's invention.
const DIRECTIVES: [&str; 14] = [
    "default-src",
    "style-src",
    "style-src-elem",
    "style-src-attr",
    "script-src",
    "script-src-elem",
    "script-src-attr",
    "img-src",
    "font-src",
    "connect-src",
    "frame-src",
    "form-action",
    "base-uri",
    "frame-ancestors",
];

/// A report, as far as it is read (W3C Reporting API, CSP 3).
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "type")]
    kind: String,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    effective_directive: String,
    #[serde(rename = "blockedURL")]
    blocked_url: String,
}

/// Takes reports from anybody: they change nothing.
pub(crate) async fn take(mut request: Request) -> StatusCode {
    if !edge::is_utf8_of(request.header(header::CONTENT_TYPE).unwrap_or_default(), MEDIA_TYPE) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let Ok(body) = edge::read_body(&mut request, LIMIT_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let Ok(reports) = serde_json::from_slice::<Vec<serde_json::Value>>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let reports = reports
        .into_iter()
        .filter_map(|report| serde_json::from_value::<Report>(report).ok());
    for report in reports
        .filter(|report| report.kind == "csp-violation")
        .take(LIMIT_LINES)
    {
        let directive = DIRECTIVES
            .iter()
            .find(|known| **known == report.body.effective_directive);
        let directive = directive.copied().unwrap_or("other");
        metrics::counter!("csp_reports_total", "directive" => directive).increment(1);
        tracing::warn!(
            directive,
            blocked = blocked(&report.body.blocked_url),
            "a page's policy kept something out"
        );
    }
    StatusCode::NO_CONTENT
}

/// The host, or the kind of thing where it came from none: `inline`, `eval`, `data`.
fn blocked(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => url.host_str().unwrap_or(url.scheme()).to_owned(),
        Err(_) if ["inline", "eval", "wasm-eval"].contains(&url) => url.to_owned(),
        Err(_) => "other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::blocked;

    #[test]
    fn of_an_address_only_the_host_is_kept() {
        for (url, kept) in [
            ("https://ads.example/pixel?token=7.secret", "ads.example"),
            ("data", "other"),
            ("data:image/png;base64,AAAA", "data"),
            ("inline", "inline"),
            ("7.secret", "other"),
            ("", "other"),
        ] {
            assert_eq!(blocked(url), kept, "{url}");
        }
    }
}
