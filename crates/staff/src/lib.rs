//! Who works for an insurer, and in tenant 0 for the platform: invitation, log-in with a second factor, roles, sessions of
//! the console, and the platform's support, let in for hours.
//!
//! Each public method of [`Staff`] is one use case. Whoever is logged in is a [`Clerk`]; what a clerk may do hangs on the
//! roles of their row, read anew with each request.

mod account;
mod by;
mod clerk;
mod colleagues;
mod eyes;
mod factors;
pub mod fields;
mod grants;
mod invitation;
mod log_in;
mod messages;
mod names;
mod new_password;
pub mod operate;
mod own_account;
mod password;
pub mod reasons;
mod roles;
mod rules;
mod schema;
pub mod support;
mod trail;
mod tries;
mod work;

pub use account::door_name;
pub use by::By;
pub use clerk::{Clerk, Stage};
pub use colleagues::{Colleague, HeldRole, State};
pub use factors::{AppOffer, CODES, FactorKind, FactorView, Factors, Proof, sweep as sweep_factors};
pub use invitation::{AcceptForm, INVITATION, Invitation, InvitationView, Invited, Sent};
pub use log_in::{FactorResetView, LogInForm, LoggedIn};
pub use messages::{FactorChange, registry};
pub use new_password::RULE as PASSWORD_RULE;
pub use own_account::{LogIn, LogInEnd, OwnAccount, OwnSession};
pub use password::ResetView;
pub use roles::Grant;
pub use trail::tell_refusals;

pub(crate) use account::StaffName;
pub use names::{names, roles_of, to_choose_from};

use access::Policy;
use approvals::Approvals;
use database::{Database, DatabaseError, Keyed, Kind};
use ground::Ground;
use guard::Hasher;
use kernel::{Clock, Keys, Outage, TenantId, TenantSecret};
use std::sync::Arc;
use tenancy::{Directory, Insurer};
use url::Url;
use webauthn_rs::Webauthn;

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 4] = [
    Keyed {
        table: "staff",
        column: "password",
        kind: Kind::Sealed {
            owner: "staff_id",
            purpose: guard::PEPPER,
        },
    },
    factors::KEYED[0],
    factors::KEYED[1],
    factors::KEYED[2],
];

/// The staff's use cases with all they stand on. Cheap to clone.
#[derive(Clone)]
pub struct Staff {
    database: Database,
    directory: Directory,
    keys: Keys,
    clock: Clock,
    hasher: Hasher,
    policy: Arc<Policy>,
    approvals: Approvals,
    console_url: Url,
    seen: moka::future::Cache<Vec<u8>, clerk::Ids>,
    /// None where the console's host can have no passkeys.
    webauthn: Option<Arc<Webauthn>>,
}

impl Staff {
    /// Puts it together. `console_url` is what links in mails begin with; its host is the passkeys' own.
    pub fn new(ground: &Ground, policy: Arc<Policy>, console_url: Url) -> Self {
        Self {
            database: ground.database.clone(),
            directory: ground.directory.clone(),
            keys: ground.keys.clone(),
            clock: ground.clock.clone(),
            hasher: ground.hasher.clone(),
            approvals: Approvals::new(ground, Arc::new(eyes::Eyes(Arc::clone(&policy))), console_url.clone()),
            policy,
            webauthn: factors::webauthn(&console_url).map(Arc::new),
            console_url,
            seen: clerk::seen_sessions(),
        }
    }

    /// What each role may do.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The wishes that wait for another's agreement.
    pub fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// The insurer of a tenant that is known to be there.
    async fn insurer(&self, tenant: TenantId) -> Result<Arc<Insurer>, Outage> {
        let insurer = self.directory.by_tenant(tenant).await?;
        Ok(insurer.ok_or(DatabaseError::Statement(diesel::result::Error::NotFound))?)
    }

    /// An address of the console, with a link's secret.
    fn address(&self, path: &str, link: &TenantSecret) -> String {
        let mut url = self.console_url.clone();
        url.set_path(path);
        url.query_pairs_mut().append_pair("token", &link.reveal());
        url.into()
    }
}
