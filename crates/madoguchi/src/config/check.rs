//! What no single field of the configuration shows: numbers that would refuse everybody, addresses that don't go together, and
//! what a public service may not have.

use super::{Config, ConfigError, refuse};
use crate::telemetry;
use kernel::is_loopback;
use std::net::SocketAddr;

/// Days, leap days included: how long logs of access are expected to be kept (domain.md §7).
const FIVE_YEARS: u32 = 1827;
/// Days from the first of a year to the end of the next one's March, a leap day included: so long statements may be read after a
/// loss of coverage.
const TO_THE_SECOND_MARCH: u32 = 455;

impl Config {
    /// What no single field shows.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (name, url) in [
            ("http.public_url", Some(&self.http.public_url)),
            ("http.console_url", self.http.console_url.as_ref()),
        ] {
            let Some(url) = url else { continue };
            if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(url)) {
                let why = "must be https, or http on loopback: cookies and passwords pass here";
                return refuse(name, why);
            }
            if url.path() != "/" || url.query().is_some() {
                return refuse(name, "must be an origin without a path");
            }
        }
        self.check_console()?;
        for (name, url) in [
            ("database.url", Some(&self.database.url)),
            ("database.owner_url", self.database.owner_url.as_ref()),
        ] {
            let Some(url) = url.filter(|url| !url.is_empty()) else {
                continue;
            };
            if let Err(error) = database::check_url(url) {
                return refuse(name, &error.to_string());
            }
        }
        self.check_numbers()?;
        if !self.http.admin_listen.is_empty() && self.http.admin_listen.parse::<SocketAddr>().is_err() {
            return refuse("http.admin_listen", "must be an address and port, or empty");
        }
        if let Err(error) = mail::check_url(&self.mail.url) {
            return refuse("mail.url", &error.to_string());
        }
        if self.http.public_url.scheme() == "https" && !self.webhooks.is_guarded() {
            let why = "must allow nothing but public addresses by https where http.public_url is https";
            return refuse("webhooks", why);
        }
        if let Err(error) = telemetry::check_filter(&self.log.filter) {
            return refuse("log.filter", &error);
        }
        let limits = &self.limits;
        if limits.log_in_id_tries > 100 && self.http.public_url.scheme() == "https" {
            return refuse("limits.log_in_id_tries", "must be at most 100 (NIST SP 800-63B)");
        }
        if limits.code_life > 600 {
            return refuse("limits.code_life", "must be at most 600: the mail says ten minutes");
        }
        if self.retention.audit_days < FIVE_YEARS {
            return refuse(
                "retention.audit_days",
                "must be at least 1827: logs are kept for five years",
            );
        }
        if self.retention.person_days < TO_THE_SECOND_MARCH {
            return refuse(
                "retention.person_days",
                "must be at least 455: statements are read until the March after the year of the loss",
            );
        }
        Ok(())
    }

    /// Cookies know no ports, and what one of the two addresses promises of https is promised of the other.
    fn check_console(&self) -> Result<(), ConfigError> {
        let (portal, Some(console)) = (&self.http.public_url, &self.http.console_url) else {
            return Ok(());
        };
        if console.origin() != portal.origin() && console.host() == portal.host() {
            return refuse("http.console_url", "must be on a host of its own: another port is none");
        }
        if console.scheme() != portal.scheme() {
            return refuse(
                "http.console_url",
                "must be https where http.public_url is, and only there",
            );
        }
        Ok(())
    }

    /// Of these none would refuse nobody, as it may seem, but everybody.
    fn check_numbers(&self) -> Result<(), ConfigError> {
        let (http, limits, retention) = (&self.http, &self.limits, &self.retention);
        let timeouts = &self.database.timeouts;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for (name, number) in [
            ("database.connections", count(self.database.connections)),
            ("database.wait_seconds", self.database.wait_seconds),
            ("database.timeouts.connect", timeouts.connect),
            ("database.timeouts.statement", timeouts.statement),
            ("database.timeouts.lock", timeouts.lock),
            ("database.timeouts.idle_in_transaction", timeouts.idle_in_transaction),
            ("database.timeouts.transaction", timeouts.transaction),
            ("http.body_limit_bytes", count(http.body_limit_bytes)),
            ("http.idle_seconds", http.idle_seconds),
            ("http.header_seconds", http.header_seconds),
            ("http.body_seconds", http.body_seconds),
            ("http.connections", count(http.connections)),
            ("http.connections_per_address", count(http.connections_per_address)),
            ("http.requests", count(http.requests)),
            ("mail.connections", count(self.mail.connections)),
            ("hash.queue", count(self.hash.queue)),
            ("limits.identity_tries", limits.identity_tries.into()),
            ("limits.identity_network_tries", limits.identity_network_tries.into()),
            ("limits.network_window", limits.network_window),
            ("limits.identity_tickets", limits.identity_tickets.into()),
            ("limits.account_posts", limits.account_posts.into()),
            ("limits.log_in_tries", limits.log_in_tries.into()),
            ("limits.log_in_id_tries", limits.log_in_id_tries.into()),
            ("limits.log_in_network_tries", limits.log_in_network_tries.into()),
            ("limits.reset_tries", limits.reset_tries.into()),
            ("limits.recovery_network_tries", limits.recovery_network_tries.into()),
            ("limits.ticket_life", limits.ticket_life),
            ("limits.code_life", limits.code_life),
            ("limits.code_tries", limits.code_tries.into()),
            ("limits.code_sends", limits.code_sends.into()),
            ("limits.reset_life", limits.reset_life),
            ("retention.mail_days", retention.mail_days.into()),
            ("retention.dead_job_days", retention.dead_job_days.into()),
            ("retention.event_days", retention.event_days.into()),
            ("retention.roster_change_days", retention.roster_change_days.into()),
            ("retention.person_days", retention.person_days.into()),
        ] {
            if number == 0 {
                return refuse(name, "must be at least 1");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{config, with};

    #[test]
    fn the_defaults_read_and_pass_their_own_checks() {
        config().check().unwrap();
    }

    #[test]
    fn plain_http_is_refused_elsewhere_than_on_loopback() {
        let mut config = config();
        config.http.public_url = "http://portal.example.jp".parse().unwrap();
        assert!(config.check().unwrap_err().to_string().contains("http.public_url"));
        config.http.public_url = "https://portal.example.jp".parse().unwrap();
        config.check().unwrap();
    }

    // security.md 62
    #[test]
    fn what_lets_webhooks_go_inside_stops_the_start_of_a_public_service() {
        let checked = |public_url: &str, variables: &[(&str, &str)]| {
            let mut config = with(variables).unwrap();
            config.http.public_url = public_url.parse().unwrap();
            config.check().map_err(|error| error.to_string())
        };
        let (public, local) = ("https://portal.example.jp", "http://localhost:8080");
        for variable in [
            ("WEBHOOKS__ALLOW_HTTP", "true"),
            ("WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8,::1/128"),
        ] {
            assert!(
                checked(public, &[variable]).unwrap_err().contains("webhooks"),
                "{variable:?}"
            );
            checked(local, &[variable]).unwrap();
        }
        checked(public, &[("WEBHOOKS__DENY_NETWORKS", "203.0.113.0/24")]).unwrap();
    }

    // security.md 46
    #[test]
    fn the_consoles_address_is_a_host_of_its_own_by_https_or_the_portals() {
        let checked = |portal: &str, console: &str| {
            let mut config = config();
            config.http.public_url = portal.parse().unwrap();
            config.http.console_url = Some(console.parse().unwrap());
            config.check().map_err(|error| error.to_string())
        };
        let portal = "https://portal.example.jp";
        for console in [portal, "https://console.example.jp", "https://console.example.jp:8443"] {
            checked(portal, console).unwrap();
        }
        checked("http://localhost:8080", "http://127.0.0.1:8080").unwrap();
        for console in [
            "http://console.example.jp",
            "http://localhost:8080",
            "https://portal.example.jp:8443",
            "https://console.example.jp/console/",
            "https://console.example.jp/?a=b",
        ] {
            let refused = checked(portal, console).unwrap_err();
            assert!(refused.contains("http.console_url"), "{console}: {refused}");
        }
        let read = with(&[("HTTP__CONSOLE_URL", "https://console.example.jp")]).unwrap();
        assert_eq!(read.http.console_url.unwrap().as_str(), "https://console.example.jp/");
        assert!(with(&[("HTTP__CONSOLE_URL", "console.example.jp")]).is_err());
    }
}
