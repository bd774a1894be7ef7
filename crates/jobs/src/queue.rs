//! Jobs proper: a serialisable struct, a name, a handler. Sealed at rest, claimed with a lease, retried with growing
//! waits, kept as dead letters after the last try.

use crate::{Due, due, worker::Queue};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Clock, JobId, Keys, TenantId};
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, pin::Pin, sync::Arc};

diesel::table! {
    jobs (tenant_id, job_id) {
        tenant_id -> Integer,
        job_id -> Uuid,
        queue -> Text,
        payload -> Binary,
        attempts -> Integer,
        leased_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        dead_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

/// How long a worker may take before another takes the job up.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// The longest wait between two tries.
const LONGEST_WAIT_SECONDS: i64 = 3600;

/// A kind of job: what it needs to know, as a struct.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Its queue's name, one per kind.
    const QUEUE: &'static str;
    /// Tries before it is a dead letter.
    const TRIES: i32 = 8;
}

/// Why a try failed. The text goes into the row and the log: codes, nothing personal.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JobError(pub String);

impl<E: Into<DatabaseError>> From<E> for JobError {
    fn from(error: E) -> Self {
        Self(error.into().to_string())
    }
}

/// Writes a job into the queue, to be done from `due_at` on.
pub async fn enqueue<J: Job>(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
    job: &J,
) -> Result<JobId, DatabaseError> {
    let id = JobId::new(now);
    let payload = serde_json::to_vec(job)
        .map_err(|error| DatabaseError::Statement(diesel::result::Error::SerializationError(error.into())))?;
    diesel::insert_into(jobs::table)
        .values((
            jobs::tenant_id.eq(tx.tenant()),
            jobs::job_id.eq(id),
            jobs::queue.eq(J::QUEUE),
            jobs::payload.eq(keys.seal("job", id.0.as_bytes(), &payload)),
            jobs::attempts.eq(0),
            jobs::created_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    due::schedule(tx, J::QUEUE, id.0, due_at).await?;
    Ok(id)
}

type Outcome = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;
type Handler = Arc<dyn Fn(TenantId, &[u8]) -> Outcome + Send + Sync>;

/// One kind of job and its handler, as a queue for a [`crate::Worker`].
pub struct Jobs {
    database: Database,
    keys: Keys,
    clock: Clock,
    queue: &'static str,
    tries: i32,
    handler: Handler,
}

impl Jobs {
    /// Serves jobs of kind `J` with `handler`, which must be safe to run twice.
    pub fn new<J, H, F>(database: Database, keys: Keys, clock: Clock, handler: H) -> Self
    where
        J: Job,
        H: Fn(TenantId, J) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |tenant, payload| match serde_json::from_slice(payload) {
            Ok(job) => Box::pin(handler(tenant, job)),
            Err(error) => Box::pin(async move { Err(JobError(format!("payload does not read: {error}"))) }),
        });
        Self {
            database,
            keys,
            clock,
            queue: J::QUEUE,
            tries: J::TRIES,
            handler,
        }
    }

    async fn work_on(&self, item: Due) -> Result<(), DatabaseError> {
        let id = JobId(item.item);
        let tenant = self.database.tenant(item.tenant);
        let mut tx = tenant.write().await?;
        let Some((payload, attempts)) = claim(&mut tx, self.queue, id, self.clock.now()).await? else {
            return tx.commit().await;
        };
        tx.commit().await?;

        let outcome = match self.keys.open("job", id.0.as_bytes(), &payload) {
            Ok(plain) => (self.handler)(item.tenant, &plain).await,
            Err(error) => Err(JobError(error.to_string())),
        };

        let now = self.clock.now();
        let mut tx = tenant.write().await?;
        match outcome {
            Ok(()) => finish(&mut tx, self.queue, id).await?,
            Err(error) => {
                tracing::warn!(queue = self.queue, tenant = item.tenant.0, job = %id, attempts, %error, "job failed");
                let retry = (attempts < self.tries).then(|| now + wait_after(attempts));
                put_back(&mut tx, self.queue, id, now, retry, &error.0).await?;
            }
        }
        tx.commit().await
    }
}

impl Queue for Jobs {
    fn name(&self) -> &'static str {
        self.queue
    }

    fn work(&self, due: Due) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.work_on(due))
    }
}

/// 5 s, 10 s, 20 s … an hour at most.
fn wait_after(attempts: i32) -> TimeDelta {
    let exponent = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    TimeDelta::seconds((5 * 2i64.pow(exponent)).min(LONGEST_WAIT_SECONDS))
}

/// Takes the lease, or nothing where another worker holds it or the job is gone. A job that vanished takes its line
/// in `due` with it.
async fn claim(
    tx: &mut TenantTransaction,
    queue: &str,
    id: JobId,
    now: DateTime<Utc>,
) -> Result<Option<(Vec<u8>, i32)>, DatabaseError> {
    let found: Option<(Vec<u8>, i32, Option<DateTime<Utc>>)> = jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant()))
        .filter(jobs::job_id.eq(id))
        .filter(jobs::dead_at.is_null())
        .select((jobs::payload, jobs::attempts, jobs::leased_until))
        .for_update()
        .skip_locked()
        .first(&mut **tx)
        .await
        .optional()?;
    let Some((payload, attempts, leased_until)) = found else {
        return Ok(None);
    };
    if leased_until.is_some_and(|until| until > now) {
        return Ok(None);
    }
    diesel::update(
        jobs::table
            .filter(jobs::tenant_id.eq(tx.tenant()))
            .filter(jobs::job_id.eq(id)),
    )
    .set((jobs::attempts.eq(attempts + 1), jobs::leased_until.eq(now + LEASE)))
    .execute(&mut **tx)
    .await?;
    due::schedule(tx, queue, id.0, now + LEASE).await?;
    Ok(Some((payload, attempts + 1)))
}

async fn finish(tx: &mut TenantTransaction, queue: &str, id: JobId) -> Result<(), DatabaseError> {
    diesel::delete(
        jobs::table
            .filter(jobs::tenant_id.eq(tx.tenant()))
            .filter(jobs::job_id.eq(id)),
    )
    .execute(&mut **tx)
    .await?;
    due::remove(tx, queue, id.0).await
}

/// Back into the queue for `retry`, or among the dead letters.
async fn put_back(
    tx: &mut TenantTransaction,
    queue: &str,
    id: JobId,
    now: DateTime<Utc>,
    retry: Option<DateTime<Utc>>,
    error: &str,
) -> Result<(), DatabaseError> {
    let dead_at = retry.is_none().then_some(now);
    diesel::update(
        jobs::table
            .filter(jobs::tenant_id.eq(tx.tenant()))
            .filter(jobs::job_id.eq(id)),
    )
    .set((
        jobs::leased_until.eq(None::<DateTime<Utc>>),
        jobs::last_error.eq(error),
        jobs::dead_at.eq(dead_at),
    ))
    .execute(&mut **tx)
    .await?;
    match retry {
        Some(at) => due::schedule(tx, queue, id.0, at).await,
        None => due::remove(tx, queue, id.0).await,
    }
}
