//! Domain events: what happened, for whoever integrates. Written in the business transaction, never changed.
//!
//! Each has a position, which counts per insurer without gaps and in the order of commit: whoever remembers one misses
//! nothing and reads nothing twice. It is taken from the insurer's head row as the transaction's last step, for the row is
//! locked from then on. Where somebody follows the insurer's events, they are an item of the queue [`FEED`] from then on.

use crate::due::{self, Rank};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, Prepared, TenantDatabase, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::EventId;
use uuid::Uuid;

mod table {
    diesel::table! {
        events (tenant_id, event_id) {
            tenant_id -> Integer,
            event_id -> Uuid,
            kind -> Text,
            subject -> Uuid,
            payload -> Jsonb,
            at -> Timestamptz,
            position -> Nullable<BigInt>,
        }
    }
}
use table::events;

/// Rows of one INSERT: PostgreSQL takes 65,535 parameters.
const ROWS: usize = 5_000;
/// Rows deleted in one transaction.
const BATCH: i64 = 1_000;

/// The queue in which a followed insurer's events wait to be read, all of them as one item.
pub const FEED: &str = "events";
/// That item.
const ITEM: Uuid = Uuid::nil();

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// `member.registered`, `member.closed`, `member.coverage_lost`, `member.returned`, `consent.given`, `import.finished`,
    /// `roster.changed`, `notice.published`, `mail.undeliverable`, `statement.imported`, `statement.published`, `statement.withdrawn`,
    /// `disclosure.changed`.
    pub kind: &'static str,
    /// What it happened to.
    pub subject: Uuid,
    /// Ids, codes and counts; no personal data.
    pub payload: serde_json::Value,
}

/// Things of one kind that happened at once.
#[derive(Debug, Clone)]
pub struct SameEvents {
    /// As in [`Event`].
    pub kind: &'static str,
    /// What it happened to, an event each.
    pub subjects: Vec<Uuid>,
    /// Of every one of them.
    pub payload: serde_json::Value,
}

/// Writes an event in the transaction of what it tells.
pub fn publish(tx: &mut TenantTransaction, now: DateTime<Utc>, event: Event) {
    let Event { kind, subject, payload } = event;
    let subjects = vec![subject];
    publish_all(
        tx,
        now,
        SameEvents {
            kind,
            subjects,
            payload,
        },
    );
}

/// Writes many events of one kind, in the order of their subjects.
pub fn publish_all(tx: &mut TenantTransaction, now: DateTime<Utc>, events: SameEvents) {
    tx.at_the_end(move |tx| Box::pin(async move { write(tx, now, &events).await }));
}

async fn write(tx: &mut TenantTransaction, now: DateTime<Utc>, same: &SameEvents) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let count = i64::try_from(same.subjects.len()).unwrap_or(i64::MAX);
    let head = diesel::sql_query(HEAD)
        .bind::<Integer, _>(tenant)
        .bind::<BigInt, _>(count);
    let head: Head = Prepared(head).get_result(&mut **tx).await?;
    let mut position = head.position - count;
    for subjects in same.subjects.chunks(ROWS) {
        let rows: Vec<_> = subjects
            .iter()
            .map(|subject| {
                position += 1;
                (
                    events::tenant_id.eq(tenant),
                    events::event_id.eq(EventId::new(now)),
                    events::kind.eq(same.kind),
                    events::subject.eq(*subject),
                    events::payload.eq(&same.payload),
                    events::at.eq(now),
                    events::position.eq(position),
                )
            })
            .collect();
        diesel::insert_into(events::table)
            .values(rows)
            .execute(&mut **tx)
            .await?;
    }
    if head.followed {
        due::schedule(tx, FEED, ITEM, now, Rank::Soon).await?;
    }
    Ok(())
}

/// An event as whoever follows them reads it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct Read {
    /// Which.
    pub event_id: EventId,
    /// As in [`Event`].
    pub kind: String,
    /// What it happened to.
    pub subject: Uuid,
    /// Ids, codes and counts.
    pub payload: serde_json::Value,
    /// When.
    pub at: DateTime<Utc>,
    /// Where it stands among the insurer's.
    pub position: Option<i64>,
}

/// Has the insurer's events followed from now on; gives the position of the last one before. Until the transaction ends nobody
/// else publishes any: for its end.
pub async fn follow(tx: &mut TenantTransaction) -> Result<i64, DatabaseError> {
    let head = diesel::sql_query(FOLLOW).bind::<Integer, _>(tx.tenant());
    let head: Head = Prepared(head).get_result(&mut **tx).await?;
    Ok(head.position)
}

/// The events after a position, in order.
pub async fn read(tx: &TenantTransaction, after: i64, most: i64) -> Result<Vec<Read>, DatabaseError> {
    Ok(events::table
        .filter(events::tenant_id.eq(tx.tenant()))
        .filter(events::position.gt(after))
        .order(events::position)
        .limit(most)
        .select(Read::as_select())
        .load(&mut &**tx)
        .await?)
}

/// Deletes what happened before `before`, batch by batch; gives how many. The service may not: for the owner, who runs it
/// on schedule.
pub async fn forget(owner: &TenantDatabase, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let mut deleted = 0;
    loop {
        let mut tx = owner.write(Durability::Safe).await?;
        let of_tenant = events::table.filter(events::tenant_id.eq(tx.tenant()));
        let old: Vec<EventId> = of_tenant
            .filter(events::event_id.lt(EventId::least(before)))
            .order(events::event_id)
            .limit(BATCH)
            .select(events::event_id)
            .load(&mut *tx)
            .await?;
        let Some(last) = old.last() else {
            return Ok(deleted);
        };
        // By range: a list of ids reads the whole insurer.
        let old = of_tenant.filter(events::event_id.le(last));
        deleted += diesel::delete(old).execute(&mut *tx).await?;
        tx.commit().await?;
    }
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Bool)]
    followed: bool,
}

const HEAD: &str = "
    INSERT INTO event_heads (tenant_id, position) VALUES ($1, $2)
    ON CONFLICT (tenant_id) DO UPDATE SET position = event_heads.position + $2
    RETURNING position, followed";

const FOLLOW: &str = "
    INSERT INTO event_heads (tenant_id, position, followed) VALUES ($1, 0, true)
    ON CONFLICT (tenant_id) DO UPDATE SET followed = true
    RETURNING position, followed";
