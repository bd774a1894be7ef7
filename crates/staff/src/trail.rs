//! Staff's own lines in the audit trail, by codes, ids and keyed hashes only (security.md 55), and what is refused unseen.

use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::refusals;
pub(crate) use guard::refusals::{Typed, note as note_held};
use kernel::StaffId;
use serde_json::Value;

guard::held! {
    LOG_IN_HELD = "refused_staff_log_in" "session.open" "refused" "staff";
    LOG_IN_NETWORK_HELD = "refused_staff_log_in_network" "session.open" "refused" "network";
    RESET_HELD = "refused_staff_reset" "password.forgot" "refused" "staff";
    RESET_NETWORK_HELD = "refused_staff_reset_network" "password.forgot" "refused" "network";
    FACTOR_HELD = "refused_staff_factor" "factor.prove" "refused" "staff";
    DEAD_LINK = "dead_staff_link" "staff.link" "link_ended" "network";
}

/// A line about somebody who works here, in the transaction of what it tells; `about` is none where nobody was found.
pub(crate) async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    (action, outcome): (&'static str, &'static str),
    (about, detail): (Option<StaffId>, Value),
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor,
        action,
        object: about.map(|id| ("staff", id.0)),
        outcome,
        detail,
    };
    audit::record(tx, now, origin, entry).await
}

/// Tells the refusals that no further one told: for a job; gives how many lines.
pub async fn tell_refusals(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    refusals::tell(tx, now, ALL).await
}
