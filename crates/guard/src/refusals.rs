//! What is refused unseen, for the trail: counted on a keyed hash of what was typed, and told in one line once its minute
//! is over (security.md 72).

use crate::throttle::{self, Refusals};
use audit::{Actor, Entry, Origin};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::Keys;
use serde_json::{Map, Value};

/// Something typed, as a keyed hash: it tells many tries at one from a try at many, and nothing else.
#[derive(Debug, Clone)]
pub struct Typed {
    what: &'static str,
    hash: Vec<u8>,
}

impl Typed {
    /// `what` names it in the line.
    pub fn of(keys: &Keys, what: &'static str, text: &str) -> Self {
        let hash = keys.hash("typed", format!("{what}\0{text}").as_bytes());
        Self { what, hash }
    }

    /// Where a request came from.
    pub fn network(keys: &Keys, origin: &Origin) -> Self {
        Self::of(keys, "network", &origin.network())
    }

    /// Adds it to what explains a line.
    #[must_use]
    pub fn into(self, mut detail: Value) -> Value {
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
pub struct Held {
    /// What the refusals are counted as.
    pub rule: &'static str,
    /// What was wanted.
    pub action: &'static str,
    /// Why it was refused.
    pub outcome: &'static str,
    /// What the hash is of.
    pub what: &'static str,
}

/// Counts a refusal, and tells those of the minute before.
pub async fn note(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    held: &Held,
    typed: &Typed,
) -> Result<(), DatabaseError> {
    match throttle::count_refusal(tx, now, held.rule, &typed.hash).await? {
        Some(over) => tell_one(tx, now, origin, held, &over).await,
        None => Ok(()),
    }
}

/// Tells the refusals of these that no further one told: for a job; gives how many lines.
pub async fn tell(tx: &mut TenantTransaction, now: DateTime<Utc>, all: &[Held]) -> Result<usize, DatabaseError> {
    let rules: Vec<&str> = all.iter().map(|held| held.rule).collect();
    let over = throttle::finished_refusals(tx, now, &rules).await?;
    for refusals in &over {
        if let Some(held) = all.iter().find(|held| held.rule == refusals.rule) {
            tell_one(tx, now, &Origin::worker(), held, refusals).await?;
        }
    }
    Ok(over.len())
}

async fn tell_one(
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
    let entry = Entry {
        actor: Actor::Visitor,
        action: held.action,
        object: None,
        outcome: held.outcome,
        detail: detail.into(),
    };
    audit::record(tx, now, origin, entry).await
}

/// Declares what may be refused unseen, and `ALL` of it: name, rule, action, outcome, what the hash is of.
#[macro_export]
macro_rules! held {
    ($($name:ident = $rule:literal $action:literal $outcome:literal $what:literal;)*) => {
        $(pub(crate) const $name: $crate::refusals::Held =
            $crate::refusals::Held { rule: $rule, action: $action, outcome: $outcome, what: $what };)*
        const ALL: &[$crate::refusals::Held] = &[$($name),*];
    };
}
