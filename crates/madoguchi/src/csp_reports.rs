//! Where browsers report what a page's policy kept from loading (security.md 44). A report carries the page's address,
//! which may hold a reset link: of all that is in it only the directive and the blocked host are kept.

use audit::Channel;
use edge::{HttpSettings, Seldom};
use pages::Services;
use poem::{Request, http::StatusCode};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use url::Url;

/// What browsers send them as.
const MEDIA_TYPE: &str = "application/reports+json";
/// Far more than a browser sends at once; whoever sends more has something else in mind.
const LIMIT_BYTES: usize = 16 * 1024;
/// A browser sends what it has gathered, not each thing by itself.
const REPORTS_A_MINUTE: u32 = 20;
const MINUTE: Duration = Duration::from_mins(1);
/// Networks that are told apart within a minute; further ones wait for the next.
const MOST_NETWORKS: usize = 10_000;
/// One line a directive in so long, with how often it came meanwhile.
const LINE_EVERY: Duration = Duration::from_mins(1);
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

/// Takes reports from anybody: they change nothing. Each is counted; lines are written so seldom that nobody fills a disk
/// with them (security.md 72).
pub(crate) struct Reports {
    http: HttpSettings,
    networks: Networks,
    lines: [Seldom; DIRECTIVES.len() + 1],
    ignored: Seldom,
}

impl Reports {
    pub(crate) fn new(services: &Services) -> Self {
        Self {
            http: services.http.clone(),
            networks: Networks::default(),
            lines: std::array::from_fn(|_| Seldom::every(LINE_EVERY)),
            ignored: Seldom::every(LINE_EVERY),
        }
    }

    pub(crate) async fn take(&self, mut request: Request) -> StatusCode {
        let network = edge::origin(&request, Channel::Portal, &self.http.trusted_proxies).network();
        if !self.networks.may_report(network, Instant::now()) {
            if let Some(times) = self.ignored.pass() {
                tracing::warn!(times, "reports of networks that have sent too many are ignored");
            }
            return StatusCode::TOO_MANY_REQUESTS;
        }
        if !edge::is_media_type(&request, MEDIA_TYPE) {
            return StatusCode::UNSUPPORTED_MEDIA_TYPE;
        }
        let Ok(body) = edge::read_body(&mut request, LIMIT_BYTES, self.http.body_time).await else {
            return StatusCode::PAYLOAD_TOO_LARGE;
        };
        let Ok(reports) = serde_json::from_slice::<Vec<serde_json::Value>>(&body) else {
            return StatusCode::BAD_REQUEST;
        };
        let reports = reports
            .into_iter()
            .filter_map(|report| serde_json::from_value::<Report>(report).ok());
        for report in reports.filter(|report| report.kind == "csp-violation") {
            self.note(&report.body);
        }
        StatusCode::NO_CONTENT
    }

    fn note(&self, report: &Body) {
        let known = DIRECTIVES
            .iter()
            .zip(&self.lines)
            .find(|(known, _)| **known == report.effective_directive);
        let [.., other] = &self.lines;
        let (directive, line) = known.map_or(("other", other), |(directive, line)| (*directive, line));
        metrics::counter!("csp_reports_total", "directive" => directive).increment(1);
        if let Some(times) = line.pass() {
            let blocked = blocked(&report.blocked_url);
            tracing::warn!(directive, blocked, times, "a page's policy kept something out");
        }
    }
}

/// How many reports each network has sent within the minute.
#[derive(Default)]
struct Networks(Mutex<Option<(Instant, HashMap<String, u32>)>>);

impl Networks {
    fn may_report(&self, network: String, now: Instant) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, counts) = held.get_or_insert_with(|| (now, HashMap::new()));
        if now.duration_since(*begun) >= MINUTE {
            (*begun, *counts) = (now, HashMap::new());
        }
        if counts.len() >= MOST_NETWORKS && !counts.contains_key(&network) {
            return false;
        }
        let count = counts.entry(network).or_default();
        *count = count.saturating_add(1);
        *count <= REPORTS_A_MINUTE
    }
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
    use super::*;

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

    // security.md 72
    #[test]
    fn a_network_reports_so_often_a_minute_and_many_networks_take_no_more_memory() {
        let (networks, begun) = (Networks::default(), Instant::now());
        let report = |network: &str, second| networks.may_report(network.into(), begun + Duration::from_secs(second));
        assert!((0..REPORTS_A_MINUTE).all(|_| report("192.0.2.1", 1)));
        assert!(!report("192.0.2.1", 59) && report("192.0.2.2", 59));
        assert!(report("192.0.2.1", 61), "the next minute");
        for network in 0..MOST_NETWORKS * 2 {
            report(&network.to_string(), 62);
        }
        let held = networks.0.lock().unwrap();
        assert!(held.as_ref().unwrap().1.len() <= MOST_NETWORKS);
    }
}
