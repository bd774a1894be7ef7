//! Daily numbers for the console: registrations, and sign-ups that failed by reason and workplace. They name nobody, and
//! outlive the accounts and jobs that they were counted from.
//!
//! A day's registrations are counted once it is over; those of the days since are counted where they stand, so that a
//! registration writes no row for which another would wait, and is seen at once. Failures are added by the worker, for
//! which nobody waits.

use crate::schema::{registration_days, sign_up_failures};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    dsl::max,
    prelude::*,
    sql_types::{BigInt, Date, Integer, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, calendar};
use roster::protection::not_protected;

/// How long daily numbers are kept, in days.
const KEPT: u64 = 400;
/// Of locks of the days' numbers, beside the insurer's id.
const LOCK: i32 = 0x7461_6c79;
/// Registrations may still be under way with an earlier time.
const UNDER_WAY: TimeDelta = TimeDelta::hours(1);

/// Registrations of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Day {
    /// In Japan.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub registrations: i64,
}

/// Why an identity led nowhere, as far as the roster tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// Nobody has the number.
    UnknownNumber,
    /// The number is the roster's; the birth date, name or 社員番号 is another.
    OtherFacts,
    /// Nothing typed tells several people apart.
    Alike,
    /// The person is registered already.
    Registered,
}

impl FailureReason {
    /// All of them, as they are listed.
    pub const ALL: [Self; 4] = [Self::UnknownNumber, Self::OtherFacts, Self::Alike, Self::Registered];

    fn as_str(self) -> &'static str {
        match self {
            Self::UnknownNumber => "unknown_number",
            Self::OtherFacts => "other_facts",
            Self::Alike => "alike",
            Self::Registered => "registered",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Failures by reason, and by workplace where they have one: the most first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// By reason.
    pub reasons: Vec<(FailureReason, i64)>,
    /// By 事業所コード and folded 記号.
    pub workplaces: Vec<FailuresAt>,
}

/// Failures with a workplace's numbers.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct FailuresAt {
    /// 事業所コード; empty where the roster has none.
    #[diesel(sql_type = Text)]
    pub workplace_code: String,
    /// 記号 as it is folded for matching.
    #[diesel(sql_type = Text)]
    pub symbol_key: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub attempts: i64,
}

/// The registrations of the last `days` days, today's included, each day once.
pub async fn registrations(tx: &TenantTransaction, now: DateTime<Utc>, days: u64) -> Result<Vec<Day>, DatabaseError> {
    let first = first_of(now, days);
    let query = diesel::sql_query(registrations_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(first)
        .bind::<Timestamptz, _>(calendar::start_of_day(first));
    let known: Vec<Day> = Prepared(query).load(&mut &**tx).await?;
    let of = |day: NaiveDate| known.iter().find(|known| known.day == day);
    let all = first.iter_days().take(usize::try_from(days).unwrap_or_default());
    Ok(all
        .map(|day| of(day).copied().unwrap_or(Day { day, registrations: 0 }))
        .collect())
}

/// The failures of the last `days` days; at most so many workplaces.
pub async fn failures(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    days: u64,
    workplaces: i64,
) -> Result<Failures, DatabaseError> {
    #[derive(QueryableByName)]
    struct Of {
        #[diesel(sql_type = Text)]
        reason: String,
        #[diesel(sql_type = BigInt)]
        attempts: i64,
    }
    let first = first_of(now, days);
    let by_reason = diesel::sql_query(BY_REASON)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(first);
    let by_workplace = diesel::sql_query(BY_WORKPLACE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(first)
        .bind::<BigInt, _>(workplaces);
    let (mut one, mut other) = (&**tx, &**tx);
    let (reasons, workplaces) = futures_util::try_join!(
        Prepared(by_reason).load::<Of>(&mut one),
        Prepared(by_workplace).load::<FailuresAt>(&mut other)
    )?;
    let known = reasons.into_iter();
    Ok(Failures {
        reasons: known
            .filter_map(|of| Some((FailureReason::read(&of.reason)?, of.attempts)))
            .collect(),
        workplaces,
    })
}

/// Adds a failure.
pub(crate) async fn add_failure(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    reason: FailureReason,
    (workplace_code, symbol_key): (&str, &str),
) -> Result<(), DatabaseError> {
    diesel::sql_query(ADD_FAILURE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .bind::<Text, _>(reason.as_str())
        .bind::<Text, _>(workplace_code)
        .bind::<Text, _>(symbol_key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counts the days that are over and not counted yet, at first all that are kept; deletes what has served its time: for a
/// job. Gives how many rows went.
pub async fn keep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    close_days(tx, now).await?;
    let (tenant, before) = (tx.tenant(), first_of(now, KEPT));
    let days = diesel::delete(registration_days::table)
        .filter(registration_days::tenant_id.eq(tenant))
        .filter(registration_days::day.lt(before))
        .execute(&mut **tx)
        .await?;
    let failures = diesel::delete(sign_up_failures::table)
        .filter(sign_up_failures::tenant_id.eq(tenant))
        // With both ends: by one alone PostgreSQL expects a third of the table and reads it whole.
        .filter(sign_up_failures::day.between(before - Days::new(800), before - Days::new(1)))
        .execute(&mut **tx)
        .await?;
    Ok(days + failures)
}

async fn close_days(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    lock(tx).await?;
    let tenant = tx.tenant();
    // The first that is not over.
    let open = calendar::today_in_japan(now - UNDER_WAY);
    let last: Option<NaiveDate> = registration_days::table
        .filter(registration_days::tenant_id.eq(tenant))
        .select(max(registration_days::day))
        .first(&mut **tx)
        .await?;
    let from = last.map_or_else(|| first_of(now, KEPT), |last| last + Days::new(1));
    if from >= open {
        return Ok(());
    }
    let counted: Vec<Day> = diesel::sql_query(count_sql())
        .bind::<Integer, _>(tenant)
        .bind::<Timestamptz, _>(calendar::start_of_day(from))
        .bind::<Timestamptz, _>(calendar::start_of_day(open))
        .load(&mut **tx)
        .await?;
    let of = |day: NaiveDate| counted.iter().find(|counted| counted.day == day);
    // At first from the first registration on: before it there is nothing to tell.
    let first = match last {
        Some(_) => from,
        None => counted
            .as_slice()
            .first()
            .map_or(open - Days::new(1), |first| first.day),
    };
    let rows: Vec<_> = first
        .iter_days()
        .take_while(|day| *day < open)
        .map(|day| {
            let registrations = of(day).map_or(0, |counted| i32::try_from(counted.registrations).unwrap_or(i32::MAX));
            (
                registration_days::tenant_id.eq(tenant),
                registration_days::day.eq(day),
                registration_days::registrations.eq(registrations),
            )
        })
        .collect();
    // Another node may have counted meanwhile, and to the same end.
    diesel::insert_into(registration_days::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes the registrations of somebody who is protected from now on out of their days, or puts them back (`by` -1 or 1).
pub(crate) async fn move_registrations(
    tx: &mut TenantTransaction,
    person: PersonId,
    by: i32,
) -> Result<(), DatabaseError> {
    lock(tx).await?;
    diesel::sql_query(MOVE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .bind::<Integer, _>(by)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Until the transaction's end nobody else counts an insurer's days or moves a registration: a day that is being counted has
/// no row yet from which whoever is protected at that moment could be taken out.
async fn lock(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    tx.advisory_lock(LOCK, tx.tenant().0).await
}

/// The first of so many days, of which today is the last.
fn first_of(now: DateTime<Utc>, days: u64) -> NaiveDate {
    calendar::today_in_japan(now) - Days::new(days.saturating_sub(1))
}

/// Whose a registration is, though they have closed the account since; in words that an index may be asked by.
const WHOSE: &str = "CASE WHEN a.closed_person_id IS NULL THEN a.person_id ELSE a.closed_person_id END";

/// The protected are in no day's number, for everybody.
fn registrations_sql() -> String {
    format!(
        "SELECT day, registrations::int8 AS registrations FROM registration_days WHERE tenant_id = $1 AND day >= $2
         UNION ALL
         SELECT (a.registered_at AT TIME ZONE 'Asia/Tokyo')::date AS day, count(*) AS registrations FROM accounts a
         WHERE a.tenant_id = $1 AND {} AND a.registered_at >= greatest($3, (
             SELECT (max(d.day) + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' FROM registration_days d WHERE d.tenant_id = $1))
         GROUP BY 1",
        not_protected(WHOSE)
    )
}

fn count_sql() -> String {
    format!(
        "SELECT (a.registered_at AT TIME ZONE 'Asia/Tokyo')::date AS day, count(*) AS registrations FROM accounts a
         WHERE a.tenant_id = $1 AND a.registered_at >= $2 AND a.registered_at < $3 AND {} GROUP BY 1 ORDER BY 1",
        not_protected(WHOSE)
    )
}

/// One account is open at most, and any number closed, of one day perhaps.
const MOVE: &str = "
    UPDATE registration_days d SET registrations = d.registrations + $3 * made.registrations
    FROM (
        SELECT (a.registered_at AT TIME ZONE 'Asia/Tokyo')::date AS day, count(*) AS registrations
        FROM accounts a
        WHERE a.tenant_id = $1 AND (a.person_id = $2 OR a.closed_person_id = $2) GROUP BY 1
    ) made
    WHERE d.tenant_id = $1 AND d.day = made.day";

const BY_REASON: &str = "
    SELECT reason, sum(attempts) AS attempts FROM sign_up_failures
    WHERE tenant_id = $1 AND day >= $2 AND day <= $2 + 400 GROUP BY reason ORDER BY attempts DESC, reason";

const BY_WORKPLACE: &str = "
    SELECT workplace_code, symbol_key, sum(attempts) AS attempts FROM sign_up_failures
    WHERE tenant_id = $1 AND day >= $2 AND day <= $2 + 400 AND reason <> 'unknown_number'
    GROUP BY workplace_code, symbol_key ORDER BY attempts DESC, workplace_code, symbol_key LIMIT $3";

const ADD_FAILURE: &str = "
    INSERT INTO sign_up_failures AS f (tenant_id, day, reason, workplace_code, symbol_key, attempts)
    VALUES ($1, $2, $3, $4, $5, 1)
    ON CONFLICT (tenant_id, day, reason, workplace_code, symbol_key) DO UPDATE SET attempts = f.attempts + 1";
