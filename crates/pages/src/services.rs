//! What every page stands on, put together once by the binary. Cheap to clone.

use crate::route::Table;
use access::Permission;
use accounts::Accounts;
use approvals::Performer;
use clients::Clients;
use database::Database;
use edge::HttpSettings;
use kernel::{Clock, Keys};
use mail::Registry;
use staff::Staff;
use std::sync::Arc;
use tenancy::Feature;
use url::Url;
use webhooks::Webhooks;

/// What mounting and visits use; a module's handlers bring what they use besides.
#[derive(Clone)]
pub struct Services {
    /// Sign-up, log-in, recovery, consent, account.
    pub accounts: Accounts,
    /// Staff: log-in, second factors, roles.
    pub staff: Staff,
    /// Programs of other systems.
    pub clients: Clients,
    /// What they are told of.
    pub webhooks: Webhooks,
    /// How what waits for another's agreement is done once it is there.
    pub performers: Arc<[Performer]>,
    /// Imports of rosters.
    pub rosters: roster::Runs,
    /// For reading pages, logos and terms texts.
    pub database: Database,
    /// Puts a sandbox's mails into words.
    pub mails: Registry,
    /// Seals the short-lived cookies of the portal.
    pub keys: Keys,
    /// The time.
    pub clock: Clock,
    /// Where browsers find us; its origin is the one that forms may come from.
    pub public_url: Url,
    /// Where staff find the console: a host of its own, or the portal's.
    pub console_url: Url,
    /// Limits and proxies.
    pub http: HttpSettings,
    /// Every page.
    pub table: Table,
    /// The members' menu, in its order.
    pub nav: Arc<[Nav]>,
    /// The menu of those whose coverage has ended, in its order; what is a feature's stands in it where that is open.
    pub former_nav: Arc<[(Option<Feature>, Nav)]>,
    /// The console's menu, in its order.
    pub console_nav: Arc<[ConsoleNav]>,
}

/// An entry of the members' menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nav {
    /// `/portal/notices`.
    pub path: &'static str,
    /// 「お知らせ」.
    pub text: &'static str,
}

/// An entry of the console's menu. One whose page lies below another's is for whoever may not open that other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleNav {
    /// `/console/members`.
    pub path: &'static str,
    /// 「加入者」.
    pub text: &'static str,
    /// What its page asks for; none where everybody inside may open it.
    pub permission: Option<Permission>,
}

impl Services {
    /// True where browsers reach us by https, so that HSTS may be promised.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
