//! The pipeline's lines in the audit trail: every step and every refusal, by codes and ids only (security.md 55).

use audit::{Actor, Entry, Origin};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{AccountId, Keys};
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

/// What a typed user ID that is nobody's is hashed for.
const TYPED: &str = "typed-user-id";

/// A log-in that was refused: about the account where the user ID is one's, else with a keyed hash of what was typed, which
/// tells many tries at one from a try at many.
pub(crate) async fn record_log_in_refused(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    origin: &Origin,
    account: Option<AccountId>,
    typed: &str,
    outcome: &'static str,
) -> Result<(), DatabaseError> {
    // Hashed for a known one too, whose log-in must not be the quicker (security.md 27).
    let typed = URL_SAFE_NO_PAD.encode(keys.hash(TYPED, typed.as_bytes()));
    let entry = Entry {
        actor: Actor::Visitor,
        action: "session.open",
        object: account.map(|account| ("account", account.0)),
        outcome,
        detail: match account {
            Some(_) => json!({}),
            None => json!({ "user_id_hash": typed }),
        },
    };
    audit::record(tx, now, origin, entry).await
}
