//! Throttles: so many tries within a window, then a wait that grows with each exhaustion (security.md 1, 3, 28).
//!
//! A try is taken before the check, in one statement, so fifty at the same time count as the rule allows. What is
//! counted hangs on what was typed, existing or not, and is stored as a keyed hash, never plain. A new current key
//! starts all counts anew.

use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
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

/// How often something may be tried.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// What is throttled; keys of different rules never meet.
    pub name: &'a str,
    /// Tries within `window`, at least 1.
    pub tries: u32,
    /// The window, which begins with its first try.
    pub window: Duration,
    /// The wait after the first exhaustion, the second, …; the last repeats. Empty: the rest of the window.
    pub waits: &'a [Duration],
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

/// Takes a try. The last one a rule allows is still free; what comes after it waits.
pub async fn take(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    rule: &Rule<'_>,
    key: &str,
) -> Result<Taken, DatabaseError> {
    let taken = take_all(tx, keys, now, &[(*rule, key)]).await?;
    Ok(taken.into_iter().next().unwrap_or(Taken::Free))
}

/// Takes a try of each of several rules, in one statement; their answers in the same order. Every rule stands there once,
/// and whoever takes the same ones must name them in the same order, or two would wait for each other.
pub async fn take_all(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    tries: &[(Rule<'_>, &str)],
) -> Result<Vec<Taken>, DatabaseError> {
    let rows = upsert(tx, keys, now, tries).await?;
    let taken = tries.iter().map(|(rule, _)| {
        let row = rows.iter().find(|row| row.rule == rule.name)?;
        row.blocked_until.filter(|_| !row.admitted)
    });
    Ok(taken
        .map(|until| until.map_or(Taken::Free, |until| Taken::Wait { until }))
        .collect())
}

/// After success: forgets the count and the level. Only where success proves that the tries were its owner's; a
/// network's or an insurer's count takes [`give_back`].
pub async fn forgive(tx: &TenantTransaction, keys: &Keys, rule: &Rule<'_>, key: &str) -> Result<(), DatabaseError> {
    let now = DateTime::UNIX_EPOCH;
    lower_all(tx, keys, now, &[(*rule, key, After::Forgiven)])
        .await
        .map(|_| ())
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
    let left = lower_all(tx, keys, now, &[(*rule, key, After::GivenBack)]).await?;
    Ok(left.into_iter().next().unwrap_or(0))
}

/// What becomes of a count after success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// As by [`forgive`].
    Forgiven,
    /// As by [`give_back`].
    GivenBack,
}

/// [`forgive`] and [`give_back`] for several rules in one statement, as [`take_all`]; how many each has left.
pub async fn lower_all(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    counts: &[(Rule<'_>, &str, After)],
) -> Result<Vec<u32>, DatabaseError> {
    let rules: Vec<&str> = counts.iter().map(|(rule, ..)| rule.name).collect();
    let hashes: Vec<Vec<u8>> = counts.iter().map(|(rule, key, _)| key_hash(keys, rule, key)).collect();
    let forgiven: Vec<bool> = counts.iter().map(|(.., after)| *after == After::Forgiven).collect();
    let statement = diesel::sql_query(LOWER)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Text>, _>(&rules)
        .bind::<Array<Binary>, _>(hashes)
        .bind::<Array<Bool>, _>(forgiven)
        .bind::<Timestamptz, _>(now);
    let left: Vec<Left> = Prepared(statement).load(&mut &**tx).await?;
    let of = |rule: &str| left.iter().find(|left| left.rule == rule).map_or(0, |left| left.tries);
    Ok(rules
        .into_iter()
        .map(|rule| u32::try_from(of(rule)).unwrap_or(0))
        .collect())
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
    let rows = upsert(tx, keys, now, &[(endless, key)]).await?;
    let row = rows.into_iter().next();
    Ok(row.and_then(|row| u32::try_from(row.tries).ok()).unwrap_or(0))
}

fn key_hash(keys: &Keys, rule: &Rule<'_>, key: &str) -> Vec<u8> {
    keys.hash("throttle", format!("{}\0{key}", rule.name).as_bytes())
}

fn delta(duration: Duration) -> TimeDelta {
    // Longer than chrono can tell is as good as never.
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(36_500))
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = Integer)]
    tries: i32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    rule: String,
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
    tries: &[(Rule<'_>, &str)],
) -> Result<Vec<Row>, DatabaseError> {
    let rules: Vec<&str> = tries.iter().map(|(rule, _)| rule.name).collect();
    let hashes: Vec<Vec<u8>> = tries.iter().map(|(rule, key)| key_hash(keys, rule, key)).collect();
    let allowed = |rule: &Rule<'_>| i32::try_from(rule.tries.max(1)).unwrap_or(i32::MAX);
    let allowed: Vec<i32> = tries.iter().map(|(rule, _)| allowed(rule)).collect();
    let over: Vec<DateTime<Utc>> = tries.iter().map(|(rule, _)| now - delta(rule.window)).collect();
    // The ends of the possible waits, by rule and level; time stays a parameter.
    let ends: Vec<Vec<DateTime<Utc>>> = tries.iter().map(|(rule, _)| ends(rule, now)).collect();
    let levels = ends.iter().map(Vec::len).max().unwrap_or(0);
    let rectangle = ends.iter().flat_map(|ends| {
        let last = ends.last().copied().unwrap_or(now);
        ends.iter().copied().chain(std::iter::repeat(last)).take(levels)
    });
    let statement = diesel::sql_query(TAKE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Text>, _>(rules)
        .bind::<Array<Binary>, _>(hashes)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Integer>, _>(allowed)
        .bind::<Array<Timestamptz>, _>(over)
        .bind::<Timestamptz, _>(now - QUIET)
        .bind::<Array<Timestamptz>, _>(rectangle.collect::<Vec<_>>())
        .bind::<Integer, _>(i32::try_from(levels).unwrap_or(i32::MAX));
    Ok(Prepared(statement).load(&mut &**tx).await?)
}

/// When the wait of each level would end.
fn ends(rule: &Rule<'_>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let rest = [rule.window];
    let waits = if rule.waits.is_empty() { &rest[..] } else { rule.waits };
    waits.iter().map(|wait| now + delta(*wait)).collect()
}

// $2 rules, $3 their keys, $4 now, $5 tries by rule, $6 windows begun up to here are over, by rule, $7 quiet up to here,
// $8 ends of the waits by rule and level, $9 levels. `s` is the row as it was; its lock makes the count exact. Flat
// CASEs, for a distributed PostgreSQL takes no subquery here.
macro_rules! at {
    () => {
        "array_position($2, s.rule)"
    };
}
macro_rules! blocked {
    () => {
        "s.blocked_until > $4"
    };
}
macro_rules! tries {
    () => {
        concat!(
            "CASE WHEN s.blocked_until IS NOT NULL OR s.window_from <= $6[",
            at!(),
            "] THEN 1 ELSE s.tries + 1 END"
        )
    };
}
macro_rules! level {
    () => {
        "CASE WHEN coalesce(s.blocked_until, s.last_try_at) <= $7 THEN 0 ELSE s.level END"
    };
}
macro_rules! exhausted {
    () => {
        concat!(tries!(), " >= $5[", at!(), "]")
    };
}
const TAKE: &str = concat!(
    "INSERT INTO throttles AS s ",
    "(tenant_id, rule, key_hash, tries, window_from, level, admitted, blocked_until, last_try_at) ",
    "SELECT $1, k.rule, k.key_hash, 1, $4, CASE WHEN k.tries = 1 THEN 1 ELSE 0 END, true, ",
    "CASE WHEN k.tries = 1 THEN $8[(k.place - 1) * $9 + 1] END, $4 ",
    "FROM unnest($2, $3, $5) WITH ORDINALITY AS k (rule, key_hash, tries, place) ORDER BY k.place ",
    "ON CONFLICT (tenant_id, rule, key_hash) DO UPDATE SET ",
    concat!(
        "tries = CASE WHEN ",
        blocked!(),
        " THEN s.tries ELSE ",
        tries!(),
        " END, "
    ),
    concat!(
        "window_from = CASE WHEN ",
        blocked!(),
        " OR ",
        tries!(),
        " > 1 THEN s.window_from ELSE $4 END, "
    ),
    concat!("level = CASE WHEN ", blocked!(), " THEN s.level "),
    concat!(
        "WHEN ",
        exhausted!(),
        " THEN ",
        level!(),
        " + 1 ELSE ",
        level!(),
        " END, "
    ),
    concat!("admitted = NOT coalesce(", blocked!(), ", false), "),
    concat!("blocked_until = CASE WHEN ", blocked!(), " THEN s.blocked_until "),
    concat!(
        "WHEN ",
        exhausted!(),
        " THEN $8[(",
        at!(),
        " - 1) * $9 + least(",
        level!(),
        " + 1, $9)] END, "
    ),
    concat!(
        "last_try_at = CASE WHEN ",
        blocked!(),
        " THEN s.last_try_at ELSE $4 END "
    ),
    "WHERE s.tenant_id = $1 RETURNING rule, tries, admitted, blocked_until",
);

// A block that still runs was the work of the last try; without it there would be none. What is forgiven is emptied, not
// deleted: the next try finds its row, and the sweep takes the rows that nobody tries again.
const LOWER: &str = "\
UPDATE throttles AS s SET
    tries = CASE WHEN k.forgiven THEN 0 ELSE s.tries - 1 END,
    level = CASE WHEN k.forgiven THEN 0 WHEN s.blocked_until > $5 THEN s.level - 1 ELSE s.level END,
    blocked_until = CASE WHEN k.forgiven OR s.blocked_until > $5 THEN NULL ELSE s.blocked_until END
FROM unnest($2, $3, $4) AS k (rule, key_hash, forgiven)
WHERE s.tenant_id = $1 AND s.rule = k.rule AND s.key_hash = k.key_hash AND (s.tries > 0 OR k.forgiven)
RETURNING s.rule, s.tries";

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
