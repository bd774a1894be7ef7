//! The history of an insurer's settings: what stands, what each revision changed, and taking one back.

use crate::{
    Revising, Revision, Settings,
    apply::lock,
    directory::unreadable,
    revise::{current, revise},
    schema::insurer_revisions,
};
use audit::{Channel, Origin};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{Outage, Outcome, Reason, RefusalKind, TenantId, Words, outcome};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Revisions on a page.
pub const PAGE: i64 = 50;
/// Revisions of statements that are listed at most.
const OF_STATEMENTS_LISTED: i64 = 10;

/// What the revision changed has been changed again since.
pub const CHANGED_SINCE: Reason = Reason {
    code: "changed_since",
    kind: RefusalKind::Outdated,
    detail: "What this revision changed has been changed again since. Change it by its own form.",
    words: |_, _| {
        Words::new(
            "元に戻せませんでした",
            "この変更のあとに、同じ項目がもう一度変更されています。今の値を確かめて、設定の画面から変更してください。",
            &[("/console/settings", "設定へ")],
        )
    },
};
/// It was not made in the console, or it is of the terms or of four eyes.
pub const NOT_TAKEN_BACK: Reason = Reason {
    code: "not_taken_back",
    kind: RefusalKind::Outdated,
    detail: "Only what was changed on the settings' pages can be taken back.",
    words: |_, _| {
        Words::new(
            "元に戻せませんでした",
            "元に戻せるのは、設定の画面で行った変更だけです。規約は規約の画面から、承認が要る操作は承認の画面から改めてください。運営が行った変更は、運営にお問い合わせください。",
            &[("/console/settings/revisions", "変更の記録へ")],
        )
    },
};

/// What stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// By which a form says what it was shown with.
    pub revision: i64,
    /// All of it.
    pub settings: Settings,
    /// The domains on which the insurer may set its sender's address.
    pub sender_domains: Vec<String>,
}

/// A revision with the settings before and after it.
#[derive(Debug, Clone)]
pub struct Change {
    /// When, by whom, why.
    pub revision: Revision,
    /// None of the first.
    pub before: Option<Settings>,
    /// What it put in force.
    pub after: Settings,
}

impl Change {
    /// True where it was made on the settings' pages, which alone can be taken back: terms are written anew, and what is
    /// under four eyes leaves them by another's agreement alone.
    pub fn may_be_taken_back(&self) -> bool {
        let is_of_settings =
            |before: &Settings| before.terms == self.after.terms && before.approvals == self.after.approvals;
        self.revision.channel == Channel::Console.as_str() && self.before.as_ref().is_some_and(is_of_settings)
    }

    /// True where it changed how statements are shown, and nothing else.
    pub fn is_of_statements_alone(&self) -> bool {
        let is_of_statements = |before: &Settings| {
            let mut laid = before.clone();
            laid.statements = self.after.statements;
            before.statements != self.after.statements && laid == self.after
        };
        self.before.as_ref().is_some_and(is_of_statements)
    }
}

/// What stands in the transaction's insurer.
pub async fn standing(tx: &mut TenantTransaction) -> Result<Standing, DatabaseError> {
    let row = current(tx).await?;
    Ok(Standing {
        revision: row.revision,
        settings: row.settings()?,
        sender_domains: row.sender_domains,
    })
}

/// True where something was set after this revision, with which a form was shown.
pub async fn has_changed_since(tx: &mut TenantTransaction, revision: i64) -> Result<bool, DatabaseError> {
    Ok(crate::revise::newer_than(tx, revision).await?.is_some())
}

/// True where an insurer has settings of its console's.
pub async fn has_of_console(database: &Database, tenant: TenantId) -> Result<bool, DatabaseError> {
    let mut tx = database.tenant(tenant).read().await?;
    let last = crate::revise::last_of_console(&mut tx).await?;
    tx.commit().await?;
    Ok(last.is_some())
}

/// A page of revisions, the latest first, before `before` where that is given; and whether there are more.
pub async fn list(tx: &mut TenantTransaction, before: Option<i64>) -> Result<(Vec<Revision>, bool), DatabaseError> {
    let mut rows: Vec<Revision> = insurer_revisions::table
        .filter(insurer_revisions::tenant_id.eq(tx.tenant()))
        .filter(insurer_revisions::revision.lt(before.unwrap_or(i64::MAX)))
        .order(insurer_revisions::revision.desc())
        .limit(PAGE + 1)
        .select(Revision::as_select())
        .load(&mut **tx)
        .await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_more = rows.len() > page;
    rows.truncate(page);
    Ok((rows, has_more))
}

/// What a revision changed.
pub async fn change(tx: &mut TenantTransaction, revision: i64) -> Result<Option<Change>, DatabaseError> {
    let rows: Vec<(Revision, Value)> = insurer_revisions::table
        .filter(insurer_revisions::tenant_id.eq(tx.tenant()))
        .filter(insurer_revisions::revision.le(revision))
        .order(insurer_revisions::revision.desc())
        .limit(2)
        .select((Revision::as_select(), insurer_revisions::settings))
        .load(&mut **tx)
        .await?;
    let mut rows = rows.into_iter();
    let Some((found, after)) = rows.next().filter(|(found, _)| found.revision == revision) else {
        return Ok(None);
    };
    let before = rows.next().map(|(_, before)| read(before)).transpose()?;
    Ok(Some(Change {
        revision: found,
        before,
        after: read(after)?,
    }))
}

/// The latest revisions by which statements are shown another way, the latest first.
pub async fn of_statements(tx: &mut TenantTransaction) -> Result<Vec<Change>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        revision: i64,
    }
    let query = diesel::sql_query(OF_STATEMENTS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(OF_STATEMENTS_LISTED);
    let numbers: Vec<Number> = Prepared(query).load(&mut **tx).await?;
    let mut changes = Vec::new();
    for Number { revision } in numbers {
        changes.extend(change(tx, revision).await?);
    }
    // A setting that a later release added is no change.
    let differs = |change: &Change| {
        let before = change.before.as_ref().map(|before| before.statements);
        before.is_some_and(|before| before != change.after.statements)
    };
    changes.retain(differs);
    Ok(changes)
}

/// The settings that were in force at a revision, whether or not it has a line in the history.
pub async fn at(tx: &mut TenantTransaction, revision: i64) -> Result<Option<Settings>, DatabaseError> {
    let row: Option<Value> = insurer_revisions::table
        .filter(insurer_revisions::tenant_id.eq(tx.tenant()))
        .filter(insurer_revisions::revision.le(revision))
        .order(insurer_revisions::revision.desc())
        .select(insurer_revisions::settings)
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(read).transpose()
}

/// Puts back what stood before a revision, as a revision of its own: where all that it changed is still as it left it.
pub async fn take_back(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    revising: &Revising<'_>,
    revision: i64,
) -> Result<Outcome<i64>, Outage> {
    lock(tx).await?;
    let Some(change) = change(tx, revision).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    let Some(before) = change.before.as_ref().filter(|_| change.may_be_taken_back()) else {
        return Ok(NOT_TAKEN_BACK.into());
    };
    let stands = standing(tx).await?.settings;
    let (before, after, mut put) = (leaves(before)?, leaves(&change.after)?, leaves(&stands)?);
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        if put.get(key) != new {
            return Ok(CHANGED_SINCE.into());
        }
        match old {
            Some(old) => put.insert(key.clone(), old.clone()),
            None => put.remove(key),
        };
    }
    let back = read(whole(put))?;
    revise(tx, now, origin, revising, |settings| *settings = back).await
}

/// Where a value stands in stored settings: `["desk", "phone"]`.
type Key = Vec<String>;

/// The values of settings one by one. Lists are values, and so is the logo.
fn leaves(settings: &Settings) -> Result<BTreeMap<Key, Value>, DatabaseError> {
    let mut leaves = BTreeMap::new();
    let mut waiting = vec![(Key::new(), serde_json::to_value(settings).map_err(unreadable)?)];
    while let Some((key, value)) = waiting.pop() {
        match value {
            Value::Object(inner) if key != ["logo"] => {
                let below = |(name, value)| ([key.as_slice(), &[name]].concat(), value);
                waiting.extend(inner.into_iter().map(below));
            }
            value => drop(leaves.insert(key, value)),
        }
    }
    Ok(leaves)
}

/// What [`leaves`] took apart.
fn whole(leaves: BTreeMap<Key, Value>) -> Value {
    let mut whole = Map::new();
    for (key, value) in leaves {
        put_in(&mut whole, &key, value);
    }
    whole.into()
}

fn put_in(place: &mut Map<String, Value>, key: &[String], value: Value) {
    match key {
        [] => {}
        [last] => drop(place.insert(last.clone(), value)),
        [first, below @ ..] => {
            let inner = place.entry(first.clone()).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = inner {
                put_in(inner, below, value);
            }
        }
    }
}

fn read(stored: Value) -> Result<Settings, DatabaseError> {
    serde_json::from_value(stored).map_err(unreadable)
}

const OF_STATEMENTS: &str = "
    SELECT c.revision FROM (
        SELECT revision, settings -> 'statements' AS after, lag(settings -> 'statements') OVER revisions AS before
        FROM insurer_revisions WHERE tenant_id = $1
        WINDOW revisions AS (ORDER BY revision)) c
    WHERE c.after IS DISTINCT FROM c.before
    ORDER BY c.revision DESC LIMIT $2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogoHead, SharedNetwork};
    use kernel::Relation;

    #[test]
    fn settings_are_put_together_again_as_they_were_taken_apart() {
        let settings = Settings {
            relations: [("01".to_owned(), Relation::Principal)].into(),
            networks: vec![SharedNetwork {
                cidr: "192.0.2.0/28".parse().unwrap(),
                factor: 10,
            }],
            logo: Some(LogoHead {
                hash: "ab".into(),
                width: 1,
                height: 2,
            }),
            ..Settings::default()
        };
        assert_eq!(read(whole(leaves(&settings).unwrap())).unwrap(), settings);
    }
}
