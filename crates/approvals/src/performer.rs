//! What is done at agreement: for each action two closures, brought by whoever owns it.

use crate::{Action, Decided, Difference};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use kernel::{Outage, Outcome, StaffId, TenantId};
use serde_json::Value;
use std::{future::Future, pin::Pin, sync::Arc};
use uuid::Uuid;

/// A future that borrows from whoever calls.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A wish that is being agreed to.
#[derive(Debug, Clone)]
pub struct Agreed {
    /// Whose insurer.
    pub tenant: TenantId,
    /// By what it is done.
    pub parameters: Value,
    /// What it is about.
    pub subject: Uuid,
    /// Who asked: in their name it is done.
    pub asked_by: StaffId,
    /// The time of the agreement.
    pub now: DateTime<Utc>,
    /// From where it was agreed.
    pub origin: Origin,
}

/// Makes the difference anew.
pub type Compute = Arc<
    dyn for<'a> Fn(&'a mut TenantTransaction, &'a Agreed) -> Boxed<'a, Result<Outcome<Difference>, Outage>>
        + Send
        + Sync,
>;

/// Does it.
pub type Perform =
    Arc<dyn for<'a> Fn(&'a mut TenantTransaction, &'a Agreed) -> Boxed<'a, Result<Outcome<()>, Outage>> + Send + Sync>;

/// How an action is done once it is agreed to.
#[derive(Clone)]
pub struct Performer {
    pub(crate) action: Action,
    pub(crate) kind: &'static str,
    difference: Compute,
    perform: Option<Perform>,
}

impl Performer {
    /// Of an action, and of one kind of it where there are several.
    pub fn new(
        action: Action,
        kind: &'static str,
        difference: impl for<'a> Fn(&'a mut TenantTransaction, &'a Agreed) -> Boxed<'a, Result<Outcome<Difference>, Outage>>
        + Send
        + Sync
        + 'static,
        perform: impl for<'a> Fn(&'a mut TenantTransaction, &'a Agreed) -> Boxed<'a, Result<Outcome<()>, Outage>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            perform: Some(Arc::new(perform)),
            ..Self::file(action, kind, difference)
        }
    }

    /// Of a file: agreed to, it waits for who asked.
    pub fn file(
        action: Action,
        kind: &'static str,
        difference: impl for<'a> Fn(&'a mut TenantTransaction, &'a Agreed) -> Boxed<'a, Result<Outcome<Difference>, Outage>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            action,
            kind,
            difference: Arc::new(difference),
            perform: None,
        }
    }

    /// Does it where the difference made anew is what was shown, else nothing.
    pub(crate) async fn do_as_shown(
        &self,
        tx: &mut TenantTransaction,
        agreed: &Agreed,
        shown: &Difference,
    ) -> Result<Option<Outcome<Decided>>, Outage> {
        let anew = (self.difference)(tx, agreed).await?;
        if !matches!(anew, Outcome::Done(anew) if anew == *shown) {
            return Ok(None);
        }
        Ok(Some(match &self.perform {
            Some(perform) => perform(tx, agreed).await?.map(|()| Decided::Done),
            None => Outcome::Done(Decided::FileWaits),
        }))
    }

    /// The one of an action.
    pub(crate) fn find<'a>(performers: &'a [Self], action: &str, kind: &str) -> Option<&'a Self> {
        performers
            .iter()
            .find(|performer| performer.action.as_str() == action && performer.kind == kind)
    }
}
