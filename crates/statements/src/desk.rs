//! Who works on statements by hand.

use access::MEMBERS_PROTECT;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::StaffId;
use serde_json::Value;
use staff::Clerk;
use uuid::Uuid;

/// A clerk, as the use cases know them.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Who.
    pub staff: StaffId,
    /// As the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
    /// Whether they may see protected people, who otherwise aren't there.
    pub sees_protected: bool,
}

impl<'a> Desk<'a> {
    /// Of whoever is inside.
    pub(crate) fn of(clerk: &Clerk, origin: &'a Origin) -> Self {
        Self {
            staff: clerk.staff_id,
            actor: clerk.actor(),
            origin,
            sees_protected: clerk.may(MEMBERS_PROTECT),
        }
    }

    /// A line of what they did.
    pub(crate) async fn record(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        (action, object): (&'static str, (&'static str, Uuid)),
        detail: Value,
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: self.actor,
            action,
            object: Some(object),
            outcome: "done",
            detail,
        };
        audit::record(tx, now, self.origin, entry).await
    }
}
