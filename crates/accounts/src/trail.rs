//! The pipeline's lines in the audit trail: every step and every refusal, by codes, ids and keyed hashes only
//! (security.md 55). Each names its ticket or account, and what was typed by its hash, so that it can be told who was
//! attacked. What is refused unseen is counted, and told in one line once its minute is over (security.md 72).

use audit::{Actor, Entry, Origin};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::throttle::{self, Refusals};
use kernel::{AccountId, Keys, Outcome, TicketId};
use serde_json::{Map, Value, json};
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

/// Something typed, as a keyed hash: it tells many tries at one from a try at many, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    what: &'static str,
    hash: Vec<u8>,
}

impl Typed {
    fn of(keys: &Keys, what: &'static str, text: &str) -> Self {
        let hash = keys.hash("typed", format!("{what}\0{text}").as_bytes());
        Self { what, hash }
    }

    /// A user ID, folded where it can be one.
    pub(crate) fn user_id(keys: &Keys, folded: &str) -> Self {
        Self::of(keys, "user_id", folded)
    }

    /// 記号 and 番号, by the key under which they are counted.
    pub(crate) fn number(keys: &Keys, key: &str) -> Self {
        Self::of(keys, "number", key)
    }

    /// An address of mail.
    pub(crate) fn email(keys: &Keys, email: &str) -> Self {
        Self::of(keys, "email", email)
    }

    /// A ticket, where nothing was typed.
    pub(crate) fn ticket(keys: &Keys, ticket: TicketId) -> Self {
        Self::of(keys, "ticket", &ticket.to_string())
    }

    /// Where a request came from.
    pub(crate) fn network(keys: &Keys, origin: &Origin) -> Self {
        Self::of(keys, "network", &origin.network())
    }

    /// Adds it to what explains a line.
    pub(crate) fn into(self, mut detail: Value) -> Value {
        if let Value::Object(detail) = &mut detail {
            write_hash(detail, self.what, &self.hash);
        }
        detail
    }
}

fn write_hash(detail: &mut Map<String, Value>, what: &str, hash: &[u8]) {
    detail.insert(format!("{what}_hash"), URL_SAFE_NO_PAD.encode(hash).into());
}

/// Something that may be refused unseen.
#[derive(Debug)]
pub(crate) struct Held {
    /// What the refusals are counted as.
    rule: &'static str,
    /// What was wanted.
    action: &'static str,
    /// Why it was refused.
    outcome: &'static str,
    /// What the hash is of.
    what: &'static str,
}

macro_rules! held {
    ($($name:ident = $rule:literal $action:literal $outcome:literal $what:literal;)*) => {
        $(pub(crate) const $name: Held =
            Held { rule: $rule, action: $action, outcome: $outcome, what: $what };)*
        const ALL: &[Held] = &[$($name),*];
    };
}
held! {
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

/// Counts a refusal, and tells those of the minute before.
pub(crate) async fn note_held(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    held: &Held,
    typed: &Typed,
) -> Result<(), DatabaseError> {
    match throttle::count_refusal(tx, now, held.rule, &typed.hash).await? {
        Some(over) => tell(tx, now, origin, held, &over).await,
        None => Ok(()),
    }
}

/// Tells the refusals that no further one told: for a job; gives how many lines.
pub async fn tell_refusals(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let rules: Vec<&str> = ALL.iter().map(|held| held.rule).collect();
    let over = throttle::finished_refusals(tx, now, &rules).await?;
    for refusals in &over {
        if let Some(held) = ALL.iter().find(|held| held.rule == refusals.rule) {
            tell(tx, now, &Origin::worker(), held, refusals).await?;
        }
    }
    Ok(over.len())
}

async fn tell(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    held: &Held,
    over: &Refusals,
) -> Result<(), DatabaseError> {
    let mut detail = Map::new();
    write_hash(&mut detail, held.what, &over.key_hash);
    detail.insert("refused".into(), over.count.into());
    detail.insert("from".into(), over.from.to_rfc3339().into());
    detail.insert("to".into(), over.to.to_rfc3339().into());
    record_visitor(tx, now, origin, held.action, held.outcome, (None, detail.into())).await
}
