//! What a module shows on a person's page for staff.

use crate::Boxed;
use access::Permission;
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use kernel::{AccountId, PersonId};
use pages::visit::Trouble;
use std::sync::Arc;

/// A part of the page, for whoever may do this.
#[derive(Clone)]
pub struct PersonPanel {
    /// What their roles must allow.
    pub permission: Permission,
    /// Draws it.
    pub draw: DrawPanel,
}

/// Gives a `<section>` as HTML, or nothing where there is nothing to say. It reads in a transaction of the person's
/// insurer, and the page asks it only for people whom it may show.
pub type DrawPanel =
    Arc<dyn for<'a> Fn(&'a TenantTransaction, &'a Shown) -> Boxed<'a, Result<Option<String>, Trouble>> + Send + Sync>;

/// Whose page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Who.
    pub person: PersonId,
    /// Their account.
    pub account: Option<AccountId>,
    /// True where whoever looks reaches everybody of the insurer.
    pub reaches_all: bool,
    /// The time of the request.
    pub now: DateTime<Utc>,
}
