//! The console's home: panels, the pipeline's and the modules', each for whoever has its permission.

use crate::visit::Trouble;
use access::{Permission, Reach};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use staff::Clerk;
use std::{future::Future, pin::Pin, sync::Arc};

/// A panel's body under way; none where there is nothing to show of it.
pub type Drawing<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Trouble>> + Send + 'a>>;

/// Draws a panel for a clerk. All panels are drawn at the same time on one connection, so it should ask for all that it
/// needs at once.
pub type Draw = dyn for<'a> Fn(&'a TenantTransaction, &'a Clerk, DateTime<Utc>) -> Drawing<'a> + Send + Sync;

/// A panel of the console's home.
#[derive(Clone)]
pub struct HomePanel {
    /// Its place on the page: `registrations`.
    pub id: &'static str,
    /// Over it.
    pub heading: &'static str,
    /// Who sees it; none where everybody inside does.
    pub permission: Option<Permission>,
    /// True where it tells of the whole insurer: whoever's reach is bounded doesn't see it.
    pub of_all: bool,
    /// Its body, by a template of whoever owns it.
    pub draw: Arc<Draw>,
}

impl HomePanel {
    /// True where they see it.
    pub fn is_for(&self, clerk: &Clerk) -> bool {
        self.permission.is_none_or(|permission| clerk.may(permission)) && (!self.of_all || clerk.reach == Reach::All)
    }
}

/// What home says of tasks that wait for staff in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskWords {
    /// The module whose they are.
    pub module: &'static str,
    /// Its word for the state.
    pub state: &'static str,
    /// 「名寄せできない登録の確認」.
    pub text: &'static str,
    /// Where they are listed.
    pub path: &'static str,
}

/// What of a module waits for staff beside its tasks, as home lists it among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeTask {
    /// 「連携先から届いた明細の確認」.
    pub text: &'static str,
    /// Where it is decided on.
    pub path: String,
    /// How many there are.
    pub count: i64,
    /// Since when the oldest waits.
    pub since: DateTime<Utc>,
}

/// One under way; none where nothing waits.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Option<HomeTask>, DatabaseError>> + Send + 'a>>;

/// Asks what waits, by one statement.
pub type Ask = dyn for<'a> Fn(&'a TenantTransaction) -> Asking<'a> + Send + Sync;

/// Where home has a [`HomeTask`] from.
#[derive(Clone)]
pub struct HomeTaskSource {
    /// Who decides on it: nobody else is told.
    pub permission: Permission,
    /// What waits.
    pub ask: Arc<Ask>,
}
