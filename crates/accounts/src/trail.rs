//! The pipeline's lines in the audit trail: every step and every refusal, by codes and ids only (security.md 55).

use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use serde_json::{Value, json};

/// A line about the actor themself, in the transaction of what it tells.
pub(crate) async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    action: &'static str,
    outcome: &'static str,
) -> Result<(), DatabaseError> {
    let object = match actor {
        Actor::Member(account) => Some(("account", account.0)),
        _ => None,
    };
    let entry = Entry {
        actor,
        action,
        object,
        outcome,
        detail: json!({}),
    };
    audit::record(tx, now, origin, entry).await
}

/// A line about somebody not logged in, with what explains it.
pub(crate) async fn record_visitor(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    action: &'static str,
    outcome: &'static str,
    detail: Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: Actor::Visitor,
        action,
        object: None,
        outcome,
        detail,
    };
    audit::record(tx, now, origin, entry).await
}
