//! `due`: what waits to be worked on, over all insurers. Holds ids and times, nothing personal.

use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::{dsl::min, prelude::*};
use diesel_async::RunQueryDsl;
use kernel::TenantId;
use uuid::Uuid;

mod table {
    diesel::table! {
        due (tenant_id, queue, item) {
            tenant_id -> Integer,
            queue -> Text,
            item -> Uuid,
            due_at -> Timestamptz,
            since -> Timestamptz,
        }
    }
}
use table::due;

/// One thing to be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Due {
    /// Whose it is.
    pub tenant: TenantId,
    /// The queue's own id of it.
    pub item: Uuid,
    /// When it was first due, however often it was tried since.
    pub since: DateTime<Utc>,
}

/// Puts an item into a queue, or moves it there: the time it is due, or its lease's end while it is worked on. A move
/// does not make it younger.
pub async fn schedule(
    tx: &mut TenantTransaction,
    queue: &str,
    item: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::insert_into(due::table)
        .values((
            due::tenant_id.eq(tx.tenant()),
            due::queue.eq(queue),
            due::item.eq(item),
            due::due_at.eq(due_at),
            due::since.eq(due_at),
        ))
        .on_conflict((due::tenant_id, due::queue, due::item))
        .do_update()
        .set(due::due_at.eq(due_at))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes a finished item out of its queue.
pub async fn remove(tx: &mut TenantTransaction, queue: &str, item: Uuid) -> Result<(), DatabaseError> {
    diesel::delete(due::table.find((tx.tenant(), queue, item)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Up to `limit` items due by `now`, the longest waiting first; of one insurer, where it is named.
pub async fn waiting(
    database: &Database,
    queue: &str,
    of: Option<TenantId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, DatabaseError> {
    let mut tx = database.directory().await?;
    let mut items = due::table
        .filter(due::queue.eq(queue))
        .filter(due::due_at.le(now))
        .order(due::due_at)
        .limit(limit)
        .select((due::tenant_id, due::item, due::since))
        .into_boxed();
    if let Some(tenant) = of {
        items = items.filter(due::tenant_id.eq(tenant));
    }
    let items = items.load(&mut *tx).await?;
    tx.commit().await?;
    Ok(items)
}

/// Since when the longest waiting item of a queue has waited, whether it is due, leased, or to be tried again later.
pub(crate) async fn oldest(
    database: &Database,
    queue: &str,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    let mut tx = database.directory().await?;
    let oldest = due::table
        .filter(due::queue.eq(queue))
        .filter(due::since.le(now))
        .select(min(due::since))
        .first(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(oldest)
}
