//! All that a request may use, put together once by the binary and handed to both shells. Cheap to clone.

use accounts::Accounts;
use dashboard::Dashboard;
use database::Database;
use ipnet::IpNet;
use kernel::{Clock, Keys};
use notices::Notices;
use std::{sync::Arc, time::Duration};
use url::Url;

/// What the shells call.
#[derive(Clone)]
pub struct Services {
    /// Sign-up, log-in, recovery, consent, account.
    pub accounts: Accounts,
    /// Notices of the site, of insurers and to persons.
    pub notices: Notices,
    /// The my page's view model.
    pub dashboard: Dashboard,
    /// For reading pages, logos and terms texts.
    pub database: Database,
    /// Seals the short-lived cookies of the portal.
    pub keys: Keys,
    /// The time.
    pub clock: Clock,
    /// Where browsers find us; its origin is the one that forms may come from.
    pub public_url: Url,
    /// Limits and proxies.
    pub http: HttpSettings,
}

/// What the shells need to know of the outside.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Bytes read of a request's body at most.
    pub body_limit_bytes: usize,
    /// How long a request's body is waited for.
    pub body_time: Duration,
}

impl Default for HttpSettings {
    /// No proxy, and far more than the longest form needs.
    fn default() -> Self {
        Self {
            trusted_proxies: Arc::from([]),
            body_limit_bytes: 64 * 1024,
            body_time: Duration::from_secs(30),
        }
    }
}

impl Services {
    /// True where browsers reach us by https, so that HSTS may be promised.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
