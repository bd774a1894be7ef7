//! What died: it stands in `due` under `dead.` and its queue's name until somebody has it tried again or drops it, or until
//! it has served its time. The platform's operators see it over all insurers; what a job knew is shown to nobody.

use crate::queue::jobs;
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{JobId, TenantId};
use uuid::Uuid;

/// Which of all that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Of this queue.
    Of(&'static str),
    /// Of every other.
    ButOf(&'static str),
}

/// Something that died.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Dead {
    /// Whose it is.
    #[diesel(sql_type = Integer)]
    pub tenant_id: TenantId,
    /// Its queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// The queue's own id of it.
    #[diesel(sql_type = SqlUuid)]
    pub item: Uuid,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub died_at: DateTime<Utc>,
}

/// What a dead job's row tells beside.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct DeadJob {
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last try failed: codes, nothing personal.
    pub last_error: Option<String>,
    /// When it was wanted.
    pub created_at: DateTime<Utc>,
}

/// What died over all insurers, the last first, after one of them; so many at most.
pub async fn list(
    database: &Database,
    which: Which,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Dead>, DatabaseError> {
    let (queue, is_of) = match which {
        Which::Of(queue) => (queue, true),
        Which::ButOf(queue) => (queue, false),
    };
    let (died_at, item) = after.unwrap_or((LATEST, Uuid::max()));
    let statement = diesel::sql_query(LIST)
        .bind::<Text, _>(queue)
        .bind::<Bool, _>(is_of)
        .bind::<Timestamptz, _>(died_at)
        .bind::<SqlUuid, _>(item)
        .bind::<BigInt, _>(limit);
    let mut tx = database.directory().await?;
    let dead = Prepared(statement).load(&mut *tx).await?;
    tx.commit().await?;
    Ok(dead)
}

/// A dead job of this insurer.
pub async fn job(tx: &TenantTransaction, id: JobId) -> Result<Option<DeadJob>, DatabaseError> {
    Ok(jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant()))
        .filter(jobs::job_id.eq(id))
        .filter(jobs::dead_at.is_not_null())
        .select(DeadJob::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// Has a dead job tried again from its first try on; its queue, or none where it isn't dead any more.
pub async fn retry(tx: &mut TenantTransaction, now: DateTime<Utc>, id: JobId) -> Result<Option<String>, DatabaseError> {
    let dead = jobs::table.find((tx.tenant(), id)).filter(jobs::dead_at.is_not_null());
    let queue: Option<String> = diesel::update(dead)
        .set((
            jobs::dead_at.eq(None::<DateTime<Utc>>),
            jobs::attempts.eq(0),
            jobs::last_error.eq(None::<String>),
        ))
        .returning(jobs::queue)
        .get_result(&mut **tx)
        .await
        .optional()?;
    if let Some(queue) = &queue {
        revive(tx, now, queue, id.0).await?;
    }
    Ok(queue)
}

/// Deletes a dead job; its queue, or none where it isn't dead any more.
pub async fn discard(tx: &mut TenantTransaction, id: JobId) -> Result<Option<String>, DatabaseError> {
    let dead = jobs::table.find((tx.tenant(), id)).filter(jobs::dead_at.is_not_null());
    let queue: Option<String> = diesel::delete(dead)
        .returning(jobs::queue)
        .get_result(&mut **tx)
        .await
        .optional()?;
    if let Some(queue) = &queue {
        forget(tx, vec![(queue.clone(), id.0)]).await?;
    }
    Ok(queue)
}

/// Puts what died back into its queue, to be worked on at once.
pub async fn revive(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    queue: &str,
    item: Uuid,
) -> Result<(), DatabaseError> {
    let statement = diesel::sql_query(REVIVE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(item)
        .bind::<Timestamptz, _>(now);
    Prepared(statement).execute(&mut **tx).await?;
    tx.ring();
    Ok(())
}

/// Takes what died in this queue before `before` out of `due`; gives how many.
pub async fn sweep_queue(
    tx: &mut TenantTransaction,
    queue: &'static str,
    before: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    let statement = diesel::sql_query(SWEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(queue)
        .bind::<Timestamptz, _>(before);
    Ok(Prepared(statement).execute(&mut **tx).await?)
}

/// Deletes dead letters that died before `before`, and what a stranger typed with them; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let dead = jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant()))
        .filter(jobs::dead_at.lt(before));
    let gone: Vec<(String, Uuid)> = diesel::delete(dead)
        .returning((jobs::queue, jobs::job_id))
        .get_results(&mut **tx)
        .await?;
    let count = gone.len();
    forget(tx, gone).await?;
    Ok(count)
}

async fn forget(tx: &mut TenantTransaction, gone: Vec<(String, Uuid)>) -> Result<(), DatabaseError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (queues, items): (Vec<String>, Vec<Uuid>) = gone.into_iter().unzip();
    let statement = diesel::sql_query(FORGET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Text>, _>(queues)
        .bind::<Array<SqlUuid>, _>(items);
    Prepared(statement).execute(&mut **tx).await?;
    Ok(())
}

/// A first page begins here: after everything.
const LATEST: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(latest) => latest,
    None => DateTime::UNIX_EPOCH,
};

const LIST: &str = "
    SELECT tenant_id, substr(queue, 6) AS queue, item, due_at AS died_at FROM due
    WHERE queue LIKE 'dead.%' AND (queue = 'dead.' || $1) = $2 AND (due_at, item) < ($3, $4)
    ORDER BY due_at DESC, item DESC LIMIT $5";

const REVIVE: &str = "
    UPDATE due SET queue = $2, due_at = $4, since = $4, turn = $4, takes = 0
    WHERE tenant_id = $1 AND queue = 'dead.' || $2 AND item = $3";

const SWEEP: &str = "
    DELETE FROM due WHERE tenant_id = $1 AND queue = 'dead.' || $2 AND due_at < $3";

const FORGET: &str = "
    DELETE FROM due USING unnest($2::text[], $3::uuid[]) AS gone (queue, item)
    WHERE due.tenant_id = $1 AND due.queue = 'dead.' || gone.queue AND due.item = gone.item";
