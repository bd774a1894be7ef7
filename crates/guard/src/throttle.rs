//! Throttles: so many tries within a window, then a wait that grows with each exhaustion (security.md 1, 3, 28).
//!
//! A try is taken before the check, in one statement, so fifty at the same time count as the rule allows ([`take`]).
//! Where a few more do no harm, as with a network's tries, a rule may be looked at before ([`look`]) and counted after
//! the check, where it failed ([`count_failure`]): then success costs no statement. What is counted hangs on what was
//! typed, existing or not, and is stored as a keyed hash, never plain. A new current key starts all counts anew.
//!
//! What is refused unseen is counted, too, and told once its minute is over ([`count_refusal`]): the audit trail is only
//! ever added to, and a flood must not be one of its lines each.

use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use futures_util::future::{try_join, try_join_all};
use kernel::Keys;
use std::time::Duration;

mod table {
    diesel::table! {
        throttles (tenant_id, rule, key_hash) {
            tenant_id -> Integer,
            rule -> Text,
            key_hash -> Binary,
            tries -> Integer,
            window_from -> Timestamptz,
            level -> Integer,
            admitted -> Bool,
            blocked_until -> Nullable<Timestamptz>,
            last_try_at -> Timestamptz,
        }
    }
}
use table::throttles;

/// After a day without a try the next exhaustion waits `waits[0]` again.
const QUIET: TimeDelta = TimeDelta::days(1);
/// How long refusals are counted before they are told.
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// How often something may be tried.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// What is throttled; keys of different rules never meet.
    pub name: &'a str,
    /// Tries within `window`, at least 1.
    pub tries: u32,
    /// The window, which begins with its first try.
    pub window: Duration,
    /// The wait after the first exhaustion, the second, …; the last repeats. Empty: until the window ends.
    pub waits: &'a [Duration],
}

impl<'a> Rule<'a> {
    /// One by its parts.
    pub const fn new(name: &'a str, tries: u32, window: Duration, waits: &'a [Duration]) -> Self {
        Self {
            name,
            tries,
            window,
            waits,
        }
    }

    /// So many times as many tries: for a network that is as many times as large as the smallest.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            tries: self.tries.saturating_mul(times),
            ..self
        }
    }
}

/// The names of the rules in the table at a source file's head, and of those that its code makes, each sorted: a file of rules
/// holds one against the other in a test of its own.
pub fn rules_of(source: &str) -> (Vec<&str>, Vec<&str>) {
    let (head, code) = source.split_once("\nuse ").unwrap_or_default();
    let code = code.split("\n#[cfg(test)]").next().unwrap_or_default();
    let rows = head
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
    // With a point in their names: the columns of what lasts.
    let mut table: Vec<&str> = rows.filter(|name| !name.contains('.')).collect();
    let made = code.split("(\"").skip(1);
    let mut made: Vec<&str> = made.filter_map(|rest| rest.split('"').next()).collect();
    table.sort_unstable();
    made.sort_unstable();
    (table, made)
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is counted; go on and check.
    Free,
    /// Not counted, not to be checked.
    Wait {
        /// From when on to try again.
        until: DateTime<Utc>,
    },
}

/// How a rule stands with a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Tries counted in this window.
    pub tries: u32,
    /// Until when further ones are to wait.
    pub wait: Option<DateTime<Utc>>,
    /// True where [`forgive`] has something to forgive.
    pub counted: bool,
}

/// How these rules stand with these keys, in their order. Counts nothing.
pub async fn look(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    watched: &[(Rule<'_>, String)],
) -> Result<Vec<Standing>, DatabaseError> {
    // One by one, in one round trip: a list of keys would be sought by reading all of the tenant's.
    let one = async |rule: &Rule<'_>, key: &str| {
        let statement = diesel::sql_query(LOOK)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Text, _>(rule.name)
            .bind::<Binary, _>(key_hash(keys, rule, key));
        let row: Option<Held> = Prepared(statement).get_result(&mut &**tx).await.optional()?;
        Ok(row.map(|row| row.standing(rule, now)).unwrap_or_default())
    };
    try_join_all(watched.iter().map(|(rule, key)| one(rule, key))).await
}

/// Takes a try. The last one a rule allows is still free; what comes after it waits.
pub async fn take(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<Taken, DatabaseError> {
    Ok(take_of(tx, keys, now, rule, key).await?.0)
}

/// [`take`], with how the rule stands with the key afterwards: for whoever is told of the tries left.
pub async fn take_of(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<(Taken, Standing), DatabaseError> {
    let row = upsert(tx, keys, now, rule, key).await?;
    let taken = match row.blocked_until {
        Some(until) if !row.admitted => Taken::Wait { until },
        _ => Taken::Free,
    };
    let standing = Standing {
        tries: u32::try_from(row.tries).unwrap_or(0),
        wait: row.blocked_until,
        counted: true,
    };
    Ok((taken, standing))
}

/// Takes a try of each; until when to wait, where one refuses. Whom one refuses has tried nothing: no other counts it, or
/// one neighbour's tries would use everybody's up.
pub async fn take_all(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    tries: &[(Rule<'_>, String)],
) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    for (nth, (rule, key)) in tries.iter().enumerate() {
        let Taken::Wait { until } = take(tx, keys, now, rule, key).await? else {
            continue;
        };
        for (rule, key) in tries.iter().take(nth) {
            give_back(tx, keys, now, rule, key).await?;
        }
        return Ok(Some(until));
    }
    Ok(None)
}

/// Counts a failure after the check: until when further tries are to wait, where that was the last the rule allows or
/// one more. What is under way meanwhile slips through, so only for what may: never for guesses at one secret.
pub async fn count_failure(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    Ok(upsert(tx, keys, now, rule, key).await?.blocked_until)
}

/// After success: forgets the count and the level. Only where success proves that the tries were its owner's; a
/// network's or an insurer's count takes [`give_back`].
pub async fn forgive(tx: &TenantTransaction, keys: &Keys, rule: &Rule<'_>, key: &str) -> Result<(), DatabaseError> {
    lower(tx, keys, None, rule, key).await.map(|_| ())
}

/// After success: gives the one try back and leaves the others counted. For keys that many share: a town hall's
/// address, whose hundred sign-ups must not count as failures, nor wipe out somebody's guessing. Answers how many stay
/// counted in this window.
pub async fn give_back(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<u32, DatabaseError> {
    lower(tx, keys, Some(now), rule, key).await
}

/// Takes one try off the count of now's window, or without a time everything.
async fn lower(
    tx: &TenantTransaction,
    keys: &Keys,
    now: Option<DateTime<Utc>>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<u32, DatabaseError> {
    let statement = diesel::sql_query(LOWER)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(rule.name)
        .bind::<Binary, _>(key_hash(keys, rule, key))
        .bind::<Nullable<Timestamptz>, _>(now);
    let left: Option<Left> = Prepared(statement).get_result(&mut &**tx).await.optional()?;
    Ok(left.and_then(|left| u32::try_from(left.tries).ok()).unwrap_or(0))
}

/// Counts and reports how many there were in this window, this one included; never refuses, whatever the rule's
/// `tries` and `waits`. For alarms and delays.
pub async fn count(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<u32, DatabaseError> {
    let endless = Rule {
        tries: u32::MAX,
        waits: &[],
        ..*rule
    };
    let row = upsert(tx, keys, now, &endless, key).await?;
    Ok(u32::try_from(row.tries).unwrap_or(0))
}

fn key_hash(keys: &Keys, rule: &Rule<'_>, key: &str) -> Vec<u8> {
    keys.hash("throttle", format!("{}\0{key}", rule.name).as_bytes())
}

fn delta(duration: Duration) -> TimeDelta {
    // Longer than chrono can tell is as good as never.
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(36_500))
}

/// Tries refused within a minute, without being looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    /// What they were counted as.
    pub rule: String,
    /// A keyed hash of what was typed.
    pub key_hash: Vec<u8>,
    /// How many.
    pub count: u32,
    /// The first of them.
    pub from: DateTime<Utc>,
    /// The last of them.
    pub to: DateTime<Utc>,
}

/// Counts a refusal on a keyed hash of what was typed; gives those of the minute before, where they are to be told now.
/// What no further refusal tells, [`finished_refusals`] does.
pub async fn count_refusal(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    rule: &'static str,
    key_hash: &[u8],
) -> Result<Option<Refusals>, DatabaseError> {
    let ended = diesel::sql_query(TELL_ONE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(rule)
        .bind::<Binary, _>(key_hash)
        .bind::<Timestamptz, _>(now - MINUTE);
    let ended = async { Prepared(ended).get_result::<Told>(&mut &**tx).await.optional() };
    let counted = diesel::sql_query(REFUSE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(rule)
        .bind::<Binary, _>(key_hash)
        .bind::<Timestamptz, _>(now);
    let counted = async { Prepared(counted).execute(&mut &**tx).await };
    let (ended, _) = try_join(ended, counted).await?;
    Ok(ended.map(Refusals::from))
}

/// The refusals of these rules whose minute is over, which are counted no longer.
pub async fn finished_refusals(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    rules: &[&'static str],
) -> Result<Vec<Refusals>, DatabaseError> {
    let ended: Vec<Told> = diesel::sql_query(TELL)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Text>, _>(rules)
        .bind::<Timestamptz, _>(now - MINUTE)
        .load(&mut **tx)
        .await?;
    Ok(ended.into_iter().map(Refusals::from).collect())
}

impl From<Told> for Refusals {
    fn from(told: Told) -> Self {
        Self {
            rule: told.rule,
            key_hash: told.key_hash,
            count: u32::try_from(told.tries).unwrap_or(0),
            from: told.window_from,
            to: told.last_try_at,
        }
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = throttles)]
struct Told {
    rule: String,
    key_hash: Vec<u8>,
    tries: i32,
    window_from: DateTime<Utc>,
    last_try_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
#[diesel(table_name = throttles)]
struct Held {
    tries: i32,
    window_from: DateTime<Utc>,
    level: i32,
    blocked_until: Option<DateTime<Utc>>,
}

impl Held {
    fn standing(&self, rule: &Rule<'_>, now: DateTime<Utc>) -> Standing {
        let runs = self.window_from > now - delta(rule.window) && self.blocked_until.is_none_or(|until| until > now);
        Standing {
            tries: if runs {
                u32::try_from(self.tries).unwrap_or(0)
            } else {
                0
            },
            wait: self.blocked_until.filter(|until| *until > now),
            counted: self.tries > 0 || self.level > 0 || self.blocked_until.is_some(),
        }
    }
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Integer)]
    tries: i32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    tries: i32,
    #[diesel(sql_type = Bool)]
    admitted: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    blocked_until: Option<DateTime<Utc>>,
}

async fn upsert(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<Row, DatabaseError> {
    // The ends of the possible waits, by level; time stays a parameter.
    let until: Vec<DateTime<Utc>> = rule.waits.iter().map(|wait| now + delta(*wait)).collect();
    let statement = diesel::sql_query(TAKE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(rule.name)
        .bind::<Binary, _>(key_hash(keys, rule, key))
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(i32::try_from(rule.tries.max(1)).unwrap_or(i32::MAX))
        .bind::<Timestamptz, _>(now - delta(rule.window))
        .bind::<Timestamptz, _>(now - QUIET)
        .bind::<Array<Timestamptz>, _>(until);
    Ok(Prepared(statement).get_result(&mut &**tx).await?)
}

// $4 now, $5 tries, $6 windows begun up to here are over (so $4 - $6 is how long one is), $7 quiet up to here, $8 ends of
// the waits by level; where there are none, the wait ends with the window.
// `s` is the row as it was; its lock makes the count exact. While it is blocked it stays as it is. A try after a block, or
// in a window that is over, is the first of a new one: `s.blocked_until IS NULL AND s.window_from > $6` is one that isn't.
// Flat CASEs, for a distributed PostgreSQL takes no subquery here.
const TAKE: &str = "\
INSERT INTO throttles AS s (tenant_id, rule, key_hash, tries, window_from, level, admitted, blocked_until, last_try_at)
VALUES (
    $1, $2, $3, 1, $4, CASE WHEN $5 = 1 THEN 1 ELSE 0 END, true,
    CASE WHEN $5 = 1 THEN coalesce($8[1], $4 + ($4 - $6)) END, $4
)
ON CONFLICT (tenant_id, rule, key_hash) DO UPDATE SET
    tries = CASE
        WHEN s.blocked_until > $4 THEN s.tries
        WHEN s.blocked_until IS NULL AND s.window_from > $6 THEN s.tries + 1
        ELSE 1
    END,
    window_from = CASE
        WHEN s.blocked_until > $4 THEN s.window_from
        WHEN s.blocked_until IS NULL AND s.window_from > $6 AND s.tries > 0 THEN s.window_from
        ELSE $4
    END,
    level = CASE
        WHEN s.blocked_until > $4 THEN s.level
        ELSE CASE WHEN coalesce(s.blocked_until, s.last_try_at) <= $7 THEN 0 ELSE s.level END
            + CASE WHEN $5 = 1 OR s.blocked_until IS NULL AND s.window_from > $6 AND s.tries + 1 >= $5 THEN 1 ELSE 0 END
    END,
    admitted = NOT coalesce(s.blocked_until > $4, false),
    blocked_until = CASE
        WHEN s.blocked_until > $4 THEN s.blocked_until
        WHEN $5 = 1 OR s.blocked_until IS NULL AND s.window_from > $6 AND s.tries + 1 >= $5 THEN coalesce(
            $8[least(
                CASE WHEN coalesce(s.blocked_until, s.last_try_at) <= $7 THEN 0 ELSE s.level END + 1,
                cardinality($8)
            )],
            CASE WHEN s.blocked_until IS NULL AND s.window_from > $6 AND s.tries > 0 THEN s.window_from ELSE $4 END
                + ($4 - $6)
        )
    END,
    last_try_at = CASE WHEN s.blocked_until > $4 THEN s.last_try_at ELSE $4 END
WHERE s.tenant_id = $1 RETURNING tries, admitted, blocked_until";

// A block that still runs was the work of the last try; without it there would be none. What is forgiven is emptied, not
// deleted: the next try finds its row, and the sweep takes the rows that nobody tries again.
const LOWER: &str = "\
UPDATE throttles SET
    tries = CASE WHEN $4 IS NULL THEN 0 ELSE tries - 1 END,
    level = CASE WHEN $4 IS NULL THEN 0 WHEN blocked_until > $4 THEN level - 1 ELSE level END,
    blocked_until = CASE WHEN $4 IS NULL OR blocked_until > $4 THEN NULL ELSE blocked_until END
WHERE tenant_id = $1 AND rule = $2 AND key_hash = $3 AND (tries > 0 OR $4 IS NULL) RETURNING tries";

const LOOK: &str = "\
SELECT tries, window_from, level, blocked_until FROM throttles
WHERE tenant_id = $1 AND rule = $2 AND key_hash = $3";

const REFUSE: &str = "\
INSERT INTO throttles AS s (tenant_id, rule, key_hash, tries, window_from, level, admitted, last_try_at)
VALUES ($1, $2, $3, 1, $4, 0, false, $4)
ON CONFLICT (tenant_id, rule, key_hash) DO UPDATE SET tries = s.tries + 1, last_try_at = $4 WHERE s.tenant_id = $1";

const TELL_ONE: &str = "\
DELETE FROM throttles WHERE tenant_id = $1 AND rule = $2 AND key_hash = $3 AND window_from <= $4
RETURNING rule, key_hash, tries, window_from, last_try_at";

const TELL: &str = "\
DELETE FROM throttles WHERE tenant_id = $1 AND rule = ANY($2) AND window_from <= $3
RETURNING rule, key_hash, tries, window_from, last_try_at";

pub(crate) async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let deleted = diesel::delete(
        throttles::table
            .filter(throttles::tenant_id.eq(tx.tenant()))
            .filter(throttles::last_try_at.lt(before))
            .filter(
                throttles::blocked_until
                    .is_null()
                    .or(throttles::blocked_until.lt(before)),
            ),
    )
    .execute(&mut **tx)
    .await?;
    Ok(deleted)
}
