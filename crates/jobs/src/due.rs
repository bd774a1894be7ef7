//! `due`: what waits to be worked on, over all insurers. Holds ids, times and leases, nothing personal. Only this file looks
//! over all insurers.
//!
//! **Order.** A rank goes before all of the next, whoever's they are. Within a rank each item has a turn: its time, or a
//! second behind the last of its insurer's. So fifty thousand notices of one insurer stand in line for hours to come, and
//! what another posts meanwhile comes next. Nobody waits for a turn while a place is free; where items may hold their places
//! for long without anything to do, an insurer has no more than a share of them.
//!
//! **Leases.** Whoever takes an item has it for [`LEASE`], and longer while it renews; both go by the database's clock, the
//! only one that all workers share. An end is noted only by the holder, in the transaction of what it tells.

use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{TenantId, WorkerId};
use std::time::Duration;
use uuid::Uuid;

/// How long a worker has what it took. One that is killed leaves its items to the others after this.
pub const LEASE: Duration = Duration::from_secs(20);

/// How soon an item must be done: before all of a later rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rank {
    /// Somebody sits before a page that waits for it, and it won't be good for long: a code.
    Awaited,
    /// Somebody asked for it and looks out for it: a link.
    Soon,
    /// The rest; it may be very many.
    Bulk,
}

impl Rank {
    fn number(self) -> i16 {
        match self {
            Self::Awaited => 0,
            Self::Soon => 1,
            Self::Bulk => 2,
        }
    }

    fn of(number: i16) -> Self {
        match number {
            0 => Self::Awaited,
            1 => Self::Soon,
            _ => Self::Bulk,
        }
    }
}

/// One thing to be worked on, held by who took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Due {
    /// Whose it is.
    pub tenant: TenantId,
    /// What kind of work.
    pub queue: &'static str,
    /// The queue's own id of it.
    pub item: Uuid,
    /// How often it was taken, this time included, without coming to any end: more than a few times means that it ends
    /// its worker.
    pub takes: i16,
    /// As which it was taken.
    pub rank: Rank,
    holder: WorkerId,
}

/// How many items of a queue a worker has places for.
#[derive(Debug, Clone)]
pub(crate) struct Free {
    pub(crate) queue: &'static str,
    pub(crate) places: usize,
    /// Of these, how many may be filled with [`Rank::Bulk`].
    pub(crate) bulk: usize,
    /// How many items of one insurer it holds at most …
    pub(crate) share: usize,
    /// … and whose it holds, an insurer for each.
    pub(crate) held: Vec<TenantId>,
}

/// Puts an item into a queue, to be worked on from `due_at` on; one that waits there already is due then instead.
pub async fn schedule(
    tx: &mut TenantTransaction,
    queue: &'static str,
    item: Uuid,
    due_at: DateTime<Utc>,
    rank: Rank,
) -> Result<(), DatabaseError> {
    let statement = diesel::sql_query(SCHEDULE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(item)
        .bind::<Timestamptz, _>(due_at)
        .bind::<SmallInt, _>(rank.number());
    Prepared(statement).execute(&mut **tx).await?;
    tx.ring();
    Ok(())
}

/// As [`schedule`] for many items that are new, in one statement: each has its turn behind the one before it.
pub async fn schedule_all(
    tx: &mut TenantTransaction,
    queue: &'static str,
    items: Vec<Uuid>,
    due_at: DateTime<Utc>,
    rank: Rank,
) -> Result<(), DatabaseError> {
    let statement = diesel::sql_query(SCHEDULE_ALL)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(queue)
        .bind::<Array<SqlUuid>, _>(items)
        .bind::<Timestamptz, _>(due_at)
        .bind::<SmallInt, _>(rank.number());
    Prepared(statement).execute(&mut **tx).await?;
    tx.ring();
    Ok(())
}

/// Puts an item into a queue for each insurer that has none there: for work that goes on for ever.
pub async fn schedule_insurers(
    database: &Database,
    queue: &'static str,
    item: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let statement = diesel::sql_query(SCHEDULE_INSURERS)
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(item)
        .bind::<Timestamptz, _>(due_at)
        .bind::<SmallInt, _>(Rank::Bulk.number());
    let mut tx = database.directory().await?;
    Prepared(statement).execute(&mut *tx).await?;
    tx.commit().await
}

/// Takes an item that has come to its end out of its queue. False where it is no longer its holder's: another has it now.
pub async fn finish(tx: &mut TenantTransaction, due: &Due) -> Result<bool, DatabaseError> {
    let held = due::table
        .find((due.tenant, due.queue, due.item))
        .filter(due::leased_by.eq(due.holder));
    Ok(diesel::delete(held).execute(&mut **tx).await? > 0)
}

/// Gives an item back, to be worked on from `due_at` on, behind what its insurer has in line. False as with [`finish`].
pub async fn put_back(tx: &mut TenantTransaction, due: &Due, due_at: DateTime<Utc>) -> Result<bool, DatabaseError> {
    let statement = diesel::sql_query(PUT_BACK)
        .bind::<Integer, _>(due.tenant)
        .bind::<Text, _>(due.queue)
        .bind::<SqlUuid, _>(due.item)
        .bind::<Timestamptz, _>(due_at)
        .bind::<SqlUuid, _>(due.holder);
    Ok(Prepared(statement).execute(&mut **tx).await? > 0)
}

/// Holds an item until the transaction ends: whoever schedules it anew waits, and stands behind what is decided here. False as with
/// [`finish`].
pub async fn hold(tx: &mut TenantTransaction, due: &Due) -> Result<bool, DatabaseError> {
    let held = due::table
        .find((due.tenant, due.queue, due.item))
        .filter(due::leased_by.eq(due.holder))
        .select(due::queue)
        .for_update();
    let held: Option<String> = held.first(&mut **tx).await.optional()?;
    Ok(held.is_some())
}

/// Gives an item that was taken back for a later time of its own: it has waited for nothing till then. False as with [`finish`].
pub async fn postpone(
    tx: &mut TenantTransaction,
    due: &Due,
    due_at: DateTime<Utc>,
    rank: Rank,
) -> Result<bool, DatabaseError> {
    let ours = finish(tx, due).await?;
    if ours {
        schedule(tx, due.queue, due.item, due_at, rank).await?;
    }
    Ok(ours)
}

/// Lays an item aside that died: under `dead.` and its queue's name, which nobody takes from and no age counts. False as
/// with [`finish`].
pub async fn bury(tx: &mut TenantTransaction, due: &Due, now: DateTime<Utc>) -> Result<bool, DatabaseError> {
    let statement = diesel::sql_query(BURY)
        .bind::<Integer, _>(due.tenant)
        .bind::<Text, _>(due.queue)
        .bind::<SqlUuid, _>(due.item)
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(due.holder);
    Ok(Prepared(statement).execute(&mut **tx).await? > 0)
}

/// Takes as many items as there are places for, of all queues in one statement; of one insurer, where it is named.
pub(crate) async fn take(
    database: &Database,
    holder: WorkerId,
    free: &[Free],
    of: Option<TenantId>,
    now: DateTime<Utc>,
) -> Result<Vec<Due>, DatabaseError> {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let held = || {
        free.iter()
            .flat_map(|free| free.held.iter().map(move |tenant| (free.queue, *tenant)))
    };
    let statement = diesel::sql_query(TAKE)
        .bind::<SqlUuid, _>(holder)
        .bind::<Array<Text>, _>(free.iter().map(|free| free.queue).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(free.iter().map(|free| count(free.places)).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(free.iter().map(|free| count(free.bulk)).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Integer>, _>(of)
        .bind::<BigInt, _>(seconds(LEASE))
        .bind::<Array<BigInt>, _>(free.iter().map(|free| count(free.share)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(held().map(|(queue, _)| queue).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(held().map(|(_, tenant)| tenant).collect::<Vec<_>>());
    let mut tx = database.directory().await?;
    let taken: Vec<Taken> = Prepared(statement).load(&mut *tx).await?;
    tx.commit().await?;
    Ok(taken
        .into_iter()
        .filter_map(|taken| {
            let queue = free.iter().find(|free| free.queue == taken.queue)?.queue;
            Some(Due {
                tenant: taken.tenant_id,
                queue,
                item: taken.item,
                takes: taken.takes,
                rank: Rank::of(taken.rank),
                holder,
            })
        })
        .collect())
}

/// Renews the leases that `holder` has on these items. One that another has by now is left alone.
pub(crate) async fn renew(database: &Database, holder: WorkerId, held: &[Due]) -> Result<(), DatabaseError> {
    let statement = diesel::sql_query(RENEW)
        .bind::<SqlUuid, _>(holder)
        .bind::<Array<Integer>, _>(held.iter().map(|due| due.tenant).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(held.iter().map(|due| due.queue).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(held.iter().map(|due| due.item).collect::<Vec<_>>())
        .bind::<BigInt, _>(seconds(LEASE));
    let mut tx = database.directory().await?;
    Prepared(statement).execute(&mut *tx).await?;
    tx.commit().await
}

/// Since when the longest waiting item of each queue has waited, whether it is due, leased, or to be tried again later.
pub async fn oldest(
    database: &Database,
    queues: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<(String, Option<DateTime<Utc>>)>, DatabaseError> {
    let statement = diesel::sql_query(OLDEST)
        .bind::<Array<Text>, _>(queues)
        .bind::<Timestamptz, _>(now);
    let mut tx = database.directory().await?;
    let oldest: Vec<Oldest> = Prepared(statement).load(&mut *tx).await?;
    tx.commit().await?;
    Ok(oldest.into_iter().map(|row| (row.queue, row.since)).collect())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

mod table {
    diesel::table! {
        /// What statements in diesel's own words name of the table.
        due (tenant_id, queue, item) {
            tenant_id -> Integer,
            queue -> Text,
            item -> Uuid,
            leased_by -> Nullable<Uuid>,
        }
    }
}
use table::due;

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Integer)]
    tenant_id: TenantId,
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = SqlUuid)]
    item: Uuid,
    #[diesel(sql_type = SmallInt)]
    takes: i16,
    #[diesel(sql_type = SmallInt)]
    rank: i16,
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<DateTime<Utc>>,
}

const SCHEDULE: &str = "
    INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
    VALUES ($1, $2, $3, $4, $4, $5, greatest($4, (
        SELECT max(turn) + interval '1 second' FROM due WHERE tenant_id = $1 AND queue = $2 AND rank = $5)))
    ON CONFLICT (tenant_id, queue, item) DO UPDATE SET due_at = excluded.due_at, turn = excluded.turn";

const SCHEDULE_ALL: &str = "
    INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
    SELECT $1, $2, one.item, $4, $4, $5, greatest($4, line.turn) + one.nth * interval '1 second'
    FROM unnest($3::uuid[]) WITH ORDINALITY AS one (item, nth)
    CROSS JOIN (SELECT max(turn) AS turn FROM due WHERE tenant_id = $1 AND queue = $2 AND rank = $5) AS line";

const SCHEDULE_INSURERS: &str = "
    INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
    SELECT tenant_id, $1, $2, $3, $3, $4, $3 FROM insurers ON CONFLICT DO NOTHING";

const PUT_BACK: &str = "
    UPDATE due SET due_at = $4, leased_until = NULL, leased_by = NULL, takes = 0, turn = greatest($4, (
        SELECT max(line.turn) + interval '1 second' FROM due AS line
        WHERE line.tenant_id = $1 AND line.queue = $2 AND line.rank = due.rank))
    WHERE tenant_id = $1 AND queue = $2 AND item = $3 AND leased_by = $5";

const BURY: &str = "
    UPDATE due SET queue = 'dead.' || queue, due_at = $4, since = $4, leased_until = NULL, leased_by = NULL, takes = 0
    WHERE tenant_id = $1 AND queue = $2 AND item = $3 AND leased_by = $5";

/// Who comes at the same time passes over what is being taken here. The last LIMIT is more than a worker has places for; it
/// tells PostgreSQL that few rows are taken of many, so that it finds them by their key and doesn't read the table for them.
/// An insurer that holds its share is passed over; who takes more than is left of it at once leaves the rest.
const TAKE: &str = "
    WITH held AS MATERIALIZED (
        SELECT queue, tenant_id, count(*) AS places FROM unnest($9::text[], $10::int[]) AS one (queue, tenant_id) GROUP BY 1, 2
    ), taken AS MATERIALIZED (
        SELECT line.tenant_id, free.queue, line.item
        FROM unnest($2::text[], $3::bigint[], $4::bigint[], $8::bigint[]) AS free (queue, places, bulk, share)
        CROSS JOIN LATERAL (
            SELECT first.*, row_number() OVER (ORDER BY rank, turn) AS place,
                row_number() OVER (PARTITION BY tenant_id ORDER BY rank, turn) + coalesce((
                    SELECT places FROM held WHERE held.queue = free.queue AND held.tenant_id = first.tenant_id), 0) AS of_insurer
            FROM (
                SELECT tenant_id, item, rank, turn FROM due
                WHERE queue = free.queue AND due_at <= $5
                  AND (leased_until IS NULL OR leased_until <= clock_timestamp())
                  AND ($6::int IS NULL OR tenant_id = $6)
                  AND NOT EXISTS (SELECT FROM held
                    WHERE held.queue = free.queue AND held.tenant_id = due.tenant_id AND places >= free.share OFFSET 0)
                ORDER BY rank, turn LIMIT free.places FOR UPDATE SKIP LOCKED
            ) AS first
        ) AS line
        WHERE (line.rank < 2 OR line.place <= free.bulk) AND line.of_insurer <= free.share
        LIMIT 100
    )
    UPDATE due
    SET leased_until = clock_timestamp() + $7 * interval '1 second', leased_by = $1, takes = least(takes + 1, 1000)
    FROM taken
    WHERE due.tenant_id = taken.tenant_id AND due.queue = taken.queue AND due.item = taken.item
    RETURNING due.tenant_id, due.queue, due.item, due.takes, due.rank";

const RENEW: &str = "
    UPDATE due SET leased_until = clock_timestamp() + $5 * interval '1 second'
    FROM unnest($2::int[], $3::text[], $4::uuid[]) AS held (tenant_id, queue, item)
    WHERE due.tenant_id = held.tenant_id AND due.queue = held.queue AND due.item = held.item AND leased_by = $1";

const OLDEST: &str = "
    SELECT queue, (SELECT min(since) FROM due WHERE due.queue = served.queue AND since <= $2) AS since
    FROM unnest($1::text[]) AS served (queue)";
