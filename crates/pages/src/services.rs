//! What every page stands on, put together once by the binary. Cheap to clone.

use crate::route::Table;
use accounts::Accounts;
use database::Database;
use edge::HttpSettings;
use kernel::{Clock, Keys};
use std::sync::Arc;
use url::Url;

/// What mounting and visits use; a module's handlers bring what they use besides.
#[derive(Clone)]
pub struct Services {
    /// Sign-up, log-in, recovery, consent, account.
    pub accounts: Accounts,
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
    /// Every page.
    pub table: Table,
    /// The members' menu, in its order.
    pub nav: Arc<[Nav]>,
}

/// An entry of the members' menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nav {
    /// `/portal/notices`.
    pub path: &'static str,
    /// 「お知らせ」.
    pub text: &'static str,
}

impl Services {
    /// True where browsers reach us by https, so that HSTS may be promised.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
