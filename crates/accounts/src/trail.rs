//! The pipeline's lines in the audit trail: every step and every refusal, by codes, ids and keyed hashes only
//! (security.md 55). Each names its ticket or account, and what was typed by its hash, so that it can be told who was
//! attacked. What is refused unseen is counted, and told in one line once its minute is over (security.md 72).

use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::refusals;
pub(crate) use guard::refusals::{Held, Typed, note as note_held};
use kernel::{AccountId, Outcome, TicketId};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a line is about: a kind and an id.
pub(crate) type Object = (&'static str, Uuid);

/// A ticket as a line names it.
pub(crate) fn ticket(id: TicketId) -> Object {
    ("ticket", id.0)
}

/// An account as a line names it.
pub(crate) fn account(id: AccountId) -> Object {
    ("account", id.0)
}

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
        Actor::Member(id) => Some(account(id)),
        _ => None,
    };
    write(tx, now, origin, actor, action, outcome, (object, json!({}))).await
}

/// A line about somebody not logged in: what it is about, and what explains it.
pub(crate) async fn record_visitor(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    action: &'static str,
    outcome: &'static str,
    about: (Option<Object>, Value),
) -> Result<(), DatabaseError> {
    write(tx, now, origin, Actor::Visitor, action, outcome, about).await
}

async fn write(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    action: &'static str,
    outcome: &'static str,
    (object, detail): (Option<Object>, Value),
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor,
        action,
        object,
        outcome,
        detail,
    };
    audit::record(tx, now, origin, entry).await
}

/// What became of a use case, as a line says it.
pub(crate) fn word<T>(outcome: &Outcome<T>) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Refused(refusal) => refusal.code(),
    }
}

guard::held! {
    IDENTITY_HELD = "refused_identity" "sign_up.identify" "refused" "number";
    IDENTITY_NETWORK_HELD = "refused_identity_network" "sign_up.identify" "refused" "network";
    IDENTITY_UNREAD = "unread_identity" "sign_up.identify" "fields" "network";
    ACCOUNT_HELD = "refused_account" "sign_up.create" "refused" "ticket";
    SEND_NETWORK_HELD = "refused_send_network" "sign_up.create" "refused" "network";
    CODE_HELD = "refused_code" "sign_up.confirm" "refused" "ticket";
    CODE_NETWORK_HELD = "refused_code_network" "sign_up.confirm" "refused" "network";
    CODE_UNREAD = "unread_code" "sign_up.confirm" "fields" "network";
    LOG_IN_HELD = "refused_log_in" "session.open" "refused" "user_id";
    LOG_IN_NETWORK_HELD = "refused_log_in_network" "session.open" "refused" "network";
    RESET_HELD = "refused_reset" "password.forgot" "refused" "user_id";
    RESET_NETWORK_HELD = "refused_reset_network" "password.forgot" "refused" "network";
    RESET_UNREAD = "unread_reset" "password.forgot" "fields" "network";
    REMINDER_HELD = "refused_reminder" "user_id.forgot" "refused" "number";
    REMINDER_NETWORK_HELD = "refused_reminder_network" "user_id.forgot" "refused" "network";
    REMINDER_UNREAD = "unread_reminder" "user_id.forgot" "fields" "network";
    DEAD_LINK = "dead_link" "password.reset" "link_expired" "network";
}

/// Tells the refusals that no further one told: for a job; gives how many lines.
pub async fn tell_refusals(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    refusals::tell(tx, now, ALL).await
}
