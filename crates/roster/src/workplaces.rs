//! Workplaces: how many insured people each has and how many of them are registered, and, for whoever looks after one,
//! who. Counted whole by each import of a whole file and once a day, which reads the roster; a few changes are taken out and put
//! in once the day is counted; whoever asks adds the few registrations since then, so that the numbers are always those of now
//! and no registration waits for another's count.
//!
//! Of accounts nothing is read here but that there is one, and since when (design.md §1).

use crate::protection::{not_protected, not_protected_of_all};
use access::Reach;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, calendar};

/// Registrations may still be under way with an earlier time: they are counted with the later ones.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(5);
/// From so many registrations since the last count it is done anew.
const MANY: i64 = 1_000;

/// The condition on a person `p`, with the day in Japan as `$2`, of whom workplaces count and name: who is insured and
/// covered. The protected are left out here, for everybody: two who see different counts would learn of it.
pub fn counted_at_workplaces() -> String {
    counted(&not_protected("p.person_id"))
}

fn counted(not_protected: &str) -> String {
    format!("p.insured AND p.emptied_at IS NULL AND (p.lost_on IS NULL OR p.lost_on > $2) AND {not_protected}")
}

/// How many insured people there are, and how many of them are registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Share {
    /// Insured and covered.
    #[diesel(sql_type = BigInt)]
    pub insured: i64,
    /// Those with an account.
    #[diesel(sql_type = BigInt)]
    pub registered: i64,
}

/// A workplace: people of one 事業所コード and one 記号.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Workplace {
    /// 事業所コード; empty where the roster has none.
    #[diesel(sql_type = Text)]
    pub workplace_code: String,
    /// 記号 as it is folded for matching.
    #[diesel(sql_type = Text)]
    pub symbol_key: String,
    /// 記号 as it is written.
    #[diesel(sql_type = Text)]
    pub symbol: String,
    /// Its people.
    #[diesel(embed)]
    pub share: Share,
}

/// Where a page of workplaces goes on: after this one, by size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Its people, as they were counted.
    pub insured: i64,
    /// 事業所コード.
    pub workplace_code: String,
    /// Folded 記号.
    pub symbol_key: String,
}

/// Somebody of a workplace: as much as whoever looks after it may know.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Colleague {
    /// Who.
    #[diesel(sql_type = Uuid)]
    pub person_id: PersonId,
    /// 記号.
    #[diesel(sql_type = Text)]
    pub symbol: String,
    /// 番号.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// 氏名.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// With an account.
    #[diesel(sql_type = Bool)]
    pub registered: bool,
}

/// All of the insurer; none before the first count.
pub async fn total(tx: &TenantTransaction, now: DateTime<Utc>) -> Result<Option<Share>, DatabaseError> {
    let sql = format!(
        "WITH late AS ({LATE})
         SELECT t.insured::int8 AS insured, t.registered + (
             SELECT coalesce(sum(late.more), 0) FROM late {OF_LATE}
             WHERE p.tenant_id = $1 AND {}
         )::int8 AS registered
         FROM roster_tallies t WHERE t.tenant_id = $1",
        counted_at_workplaces()
    );
    let query = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now));
    Ok(Prepared(query).get_result(&mut &**tx).await.optional()?)
}

/// Workplaces within somebody's reach, the largest first.
pub async fn list(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    reach: &Reach,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Workplace>, DatabaseError> {
    let (symbols, codes) = bounds(reach);
    let query = diesel::sql_query(list_sql(reach))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .bind::<Nullable<Array<Text>>, _>(symbols)
        .bind::<Nullable<Array<Text>>, _>(codes)
        .bind::<Integer, _>(after.map_or(i32::MAX, |after| i32::try_from(after.insured).unwrap_or(i32::MAX)))
        .bind::<Text, _>(after.map_or("", |after| &after.workplace_code))
        .bind::<Text, _>(after.map_or("", |after| &after.symbol_key))
        .bind::<BigInt, _>(limit);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// The people of a workplace within somebody's reach, in the order of their numbers, after one of them.
pub async fn people(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    reach: &Reach,
    (workplace_code, symbol_key): (&str, &str),
    after: Option<PersonId>,
    limit: i64,
) -> Result<Vec<Colleague>, DatabaseError> {
    let (symbols, codes) = bounds(reach);
    let query = diesel::sql_query(people_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .bind::<Nullable<Array<Text>>, _>(symbols)
        .bind::<Nullable<Array<Text>>, _>(codes)
        .bind::<Text, _>(workplace_code)
        .bind::<Text, _>(symbol_key)
        .bind::<Uuid, _>(after.unwrap_or(PersonId(uuid::Uuid::nil())))
        .bind::<BigInt, _>(limit);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// Where the roster has a number, by its keys: 事業所コード and 記号's key.
pub async fn of_number(
    tx: &TenantTransaction,
    symbol_key: &str,
    number_key: &str,
) -> Result<Option<(String, String)>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Place {
        #[diesel(sql_type = Text)]
        workplace_code: String,
        #[diesel(sql_type = Text)]
        symbol_key: String,
    }
    let query = diesel::sql_query(of_number_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(symbol_key)
        .bind::<Text, _>(number_key);
    let place: Option<Place> = query.get_result(&mut &**tx).await.optional()?;
    Ok(place.map(|place| (place.workplace_code, place.symbol_key)))
}

/// Counts anew, in the transaction that changed the roster or who of it is protected.
pub(crate) async fn count(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let (to, today) = (now - UNDER_WAY, calendar::today_in_japan(now));
    // Whoever else counts waits here: each writes the same rows.
    diesel::sql_query(HOLD)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(to)
        .bind::<Date, _>(today)
        .execute(&mut **tx)
        .await?;
    diesel::sql_query("DELETE FROM roster_workplaces WHERE tenant_id = $1")
        .bind::<Integer, _>(tx.tenant())
        .execute(&mut **tx)
        .await?;
    diesel::sql_query(count_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(today)
        .bind::<Timestamptz, _>(to)
        .execute(&mut **tx)
        .await?;
    sum(tx).await
}

/// Sums the counts up.
pub(crate) async fn sum(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    for statement in [LEFT, SUM] {
        diesel::sql_query(statement)
            .bind::<Integer, _>(tx.tenant())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Has the counts until the transaction ends, for [`adjust`]; false where nobody has counted today: whoever was covered on
/// another day is not taken out by this one.
pub(crate) async fn hold(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<bool, DatabaseError> {
    let held = diesel::sql_query("SELECT FROM roster_tallies WHERE tenant_id = $1 AND counted_on = $2 FOR UPDATE")
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .execute(&mut **tx)
        .await?;
    Ok(held > 0)
}

/// Takes those whom the journal's entries after a position are about out of the counts as they are now (`by` -1), or puts them
/// in (1). Under [`hold`], before and after they are changed, and then [`sum`]: nobody else is read for a few.
pub(crate) async fn adjust(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    position: i64,
    by: i32,
) -> Result<(), DatabaseError> {
    diesel::sql_query(adjust_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .bind::<BigInt, _>(position)
        .bind::<Integer, _>(by)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counts anew where the last count is of another day, or many have registered since: for a job. True where it did.
pub async fn keep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<bool, DatabaseError> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = Date)]
        counted_on: NaiveDate,
        #[diesel(sql_type = BigInt)]
        since: i64,
    }
    let query = diesel::sql_query(COUNTED)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(MANY);
    let counted: Option<Counted> = query.get_result(&mut **tx).await.optional()?;
    let today = calendar::today_in_japan(now);
    if counted.is_some_and(|counted| counted.counted_on == today && counted.since < MANY) {
        return Ok(false);
    }
    count(tx, now).await?;
    Ok(true)
}

/// 記号 and 事業所コード that bound somebody; none where nothing does.
pub(crate) fn bounds(reach: &Reach) -> (Option<&[String]>, Option<&[String]>) {
    match reach {
        Reach::All => (None, None),
        Reach::Workplaces { symbols, codes } => (Some(symbols), Some(codes)),
    }
}

/// Who is bounded has a statement of their own: it reads their workplaces, not all by size.
fn list_sql(reach: &Reach) -> String {
    let within = match reach {
        Reach::All => "$3::text[] IS NULL AND $4::text[] IS NULL",
        Reach::Workplaces { .. } => "(symbol_key = ANY ($3) OR workplace_code = ANY ($4))",
    };
    format!(
        "WITH page AS (
             SELECT workplace_code, symbol_key, symbol, insured, registered FROM roster_workplaces
             WHERE tenant_id = $1 AND insured <= $5
               AND (insured < $5 OR (workplace_code, symbol_key) > ($6, $7))
               AND {within}
             ORDER BY insured DESC, workplace_code, symbol_key LIMIT $8
         ), late AS ({LATE}), late_at AS (
             SELECT p.workplace_code, p.symbol_key, sum(late.more) AS registered
             FROM late {OF_LATE}
             WHERE p.tenant_id = $1 AND {counted}
             GROUP BY p.workplace_code, p.symbol_key
         )
         SELECT page.workplace_code, page.symbol_key, page.symbol, page.insured::int8 AS insured,
             (page.registered + coalesce(late_at.registered, 0))::int8 AS registered
         FROM page
         LEFT JOIN late_at ON late_at.workplace_code = page.workplace_code AND late_at.symbol_key = page.symbol_key
         ORDER BY page.insured DESC, page.workplace_code, page.symbol_key",
        counted = counted_at_workplaces()
    )
}

fn people_sql() -> String {
    format!(
        "SELECT p.person_id, p.symbol, p.number, CASE WHEN p.name = '' THEN p.kana_name ELSE p.name END AS name,
             p.registered
         FROM persons p
         WHERE p.tenant_id = $1 AND p.workplace_code = $5 AND p.symbol_key = $6
           AND ($3::text[] IS NULL OR $6 = ANY ($3) OR $5 = ANY ($4))
           AND (p.number_key, p.person_id) > (
               coalesce((SELECT l.number_key FROM persons l WHERE l.tenant_id = $1 AND l.person_id = $7), ''), $7)
           AND {}
         ORDER BY p.number_key, p.person_id LIMIT $8",
        counted_at_workplaces()
    )
}

fn count_sql() -> String {
    format!(
        "INSERT INTO roster_workplaces (tenant_id, workplace_code, symbol_key, symbol, insured, registered)
         SELECT p.tenant_id, p.workplace_code, p.symbol_key, min(p.symbol), count(*), count(a.account_id)
         FROM persons p
         LEFT JOIN accounts a ON a.tenant_id = $1 AND a.person_id = p.person_id AND a.registered_at <= $3
         WHERE p.tenant_id = $1 AND {}
         GROUP BY p.tenant_id, p.workplace_code, p.symbol_key",
        counted(&not_protected_of_all("p.person_id"))
    )
}

fn adjust_sql() -> String {
    format!(
        "INSERT INTO roster_workplaces AS w (tenant_id, workplace_code, symbol_key, symbol, insured, registered)
         SELECT p.tenant_id, p.workplace_code, p.symbol_key, min(p.symbol), $4 * count(*), $4 * count(a.account_id)
         FROM roster_tallies t
         JOIN roster_changes c ON c.tenant_id = $1 AND c.position > $3
         CROSS JOIN LATERAL (SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = c.person_id OFFSET 0) p
         LEFT JOIN LATERAL (
             SELECT * FROM accounts q
             WHERE q.tenant_id = $1 AND q.person_id = p.person_id AND q.registered_at <= t.counted_to OFFSET 0
         ) a ON true
         WHERE t.tenant_id = $1 AND {}
         GROUP BY p.tenant_id, p.workplace_code, p.symbol_key
         ON CONFLICT (tenant_id, workplace_code, symbol_key) DO UPDATE
             SET insured = w.insured + excluded.insured, registered = w.registered + excluded.registered",
        counted_at_workplaces()
    )
}

/// Workplaces that everybody has left.
const LEFT: &str = "DELETE FROM roster_workplaces WHERE tenant_id = $1 AND insured <= 0";

/// Who has registered since the last count, and who has closed their account since, which was in it. What was counted up to
/// is five minutes before the count itself.
const LATE: &str = "
    SELECT a.person_id, 1 AS more FROM roster_tallies t
    JOIN accounts a ON a.tenant_id = $1 AND a.registered_at > t.counted_to
    WHERE t.tenant_id = $1
    UNION ALL
    SELECT a.closed_person_id AS person_id, -1 AS more FROM roster_tallies t
    JOIN accounts a ON a.tenant_id = $1 AND a.closed_person_id IS NOT NULL
        AND a.emptied_at > t.counted_to + interval '5 minutes' AND a.registered_at <= t.counted_to
    WHERE t.tenant_id = $1";

/// One by one, by their key: joined, the whole insurer would be read for a few.
const OF_LATE: &str = "CROSS JOIN LATERAL (
    SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = late.person_id OFFSET 0) p";

const HOLD: &str = "
    INSERT INTO roster_tallies (tenant_id, counted_to, counted_on, insured, registered) VALUES ($1, $2, $3, 0, 0)
    ON CONFLICT (tenant_id) DO UPDATE SET counted_to = excluded.counted_to, counted_on = excluded.counted_on";

const SUM: &str = "
    UPDATE roster_tallies t SET insured = s.insured, registered = s.registered
    FROM (SELECT coalesce(sum(insured), 0) AS insured, coalesce(sum(registered), 0) AS registered
          FROM roster_workplaces WHERE tenant_id = $1) s
    WHERE t.tenant_id = $1";

const COUNTED: &str = "
    SELECT t.counted_on, (
        SELECT count(*) FROM (
            SELECT FROM accounts a WHERE a.tenant_id = $1 AND a.registered_at > t.counted_to LIMIT $2) late
    ) AS since
    FROM roster_tallies t WHERE t.tenant_id = $1";

/// Of a household the insured's, and of its former holders the last to be in the roster.
fn of_number_sql() -> String {
    format!(
        "SELECT p.workplace_code, p.symbol_key FROM persons p
         WHERE p.tenant_id = $1 AND p.symbol_key = $2 AND p.number_key = $3 AND p.emptied_at IS NULL AND {}
         ORDER BY p.present DESC, p.insured DESC LIMIT 1",
        not_protected("p.person_id")
    )
}
