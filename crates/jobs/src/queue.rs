//! Jobs proper: a serialisable struct, a name, a handler. Sealed at rest, claimed with a lease, retried with growing
//! waits, kept as dead letters after the last try.

use crate::{Due, LetGo, Worked, due, worker::Queue};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::{dsl::exists, prelude::*};
use diesel_async::RunQueryDsl;
use kernel::{Clock, JobId, KeyError, Keys, TenantId};
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

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
/// How long a handler may take: less than the lease, so that nobody else takes the job up meanwhile.
const PATIENCE: Duration = Duration::from_secs(100);
/// The wait where this process lacks the key that sealed a job. Another may have it, as while keys are rotated.
const WITHOUT_KEY: TimeDelta = TimeDelta::seconds(30);
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
            // serde's words may quote what somebody typed.
            Err(_) => Box::pin(async { Err(JobError("payload does not read".into())) }),
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

    async fn work_on(&self, item: Due, let_go: LetGo) -> Result<Worked, DatabaseError> {
        let tenant = self.database.tenant(item.tenant);
        let mut tx = tenant.write(Durability::Safe).await?;
        let claim = claim(&mut tx, self.queue, JobId(item.item), self.tries, self.clock.now()).await?;
        tx.commit().await?;
        let held = match claim {
            Claim::Ours(held) => held,
            Claim::Theirs => return Ok(Worked::Held),
            Claim::Ended => return Ok(Worked::Moved),
        };

        let ending = self.handle(item.tenant, &held, let_go).await;
        let mut tx = tenant.write(Durability::Safe).await?;
        if !settle(&mut tx, self.queue, &held, self.clock.now(), ending).await? {
            let (queue, tenant, job) = (self.queue, item.tenant.0, held.id);
            tracing::warn!(queue, tenant, %job, "a job's lease ran out before its end; whoever has it now decides");
        }
        tx.commit().await?;
        Ok(Worked::Moved)
    }

    async fn handle(&self, tenant: TenantId, held: &Held, let_go: LetGo) -> Ending {
        let error = match self.keys.open("job", held.id.0.as_bytes(), &held.payload) {
            Ok(plain) => {
                let handled = tokio::time::timeout(PATIENCE, (self.handler)(tenant, &plain));
                match let_go.or(handled).await {
                    None => return Ending::GivenBack(TimeDelta::zero()),
                    Some(Ok(Ok(()))) => return Ending::Done,
                    Some(Ok(Err(error))) => error,
                    Some(Err(_)) => JobError("timed out".into()),
                }
            }
            Err(KeyError::Missing(key)) => {
                let (queue, tenant, job) = (self.queue, tenant.0, held.id);
                tracing::warn!(queue, tenant, %job, key, "a job's key is not in this process's ring");
                return Ending::GivenBack(WITHOUT_KEY);
            }
            Err(error) => JobError(error.to_string()),
        };
        let (queue, tenant, job, attempts) = (self.queue, tenant.0, held.id, held.attempts);
        tracing::warn!(queue, tenant, %job, attempts, %error, "job failed");
        if held.attempts < self.tries {
            Ending::Failed(error)
        } else {
            Ending::Dead(error)
        }
    }
}

impl Queue for Jobs {
    fn name(&self) -> &'static str {
        self.queue
    }

    fn work(
        &self,
        due: Due,
        let_go: LetGo,
    ) -> Pin<Box<dyn Future<Output = Result<Worked, DatabaseError>> + Send + '_>> {
        Box::pin(self.work_on(due, let_go))
    }
}

/// Deletes dead letters that died before `before`, and what a stranger typed with them; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let dead = jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant()))
        .filter(jobs::dead_at.lt(before));
    Ok(diesel::delete(dead).execute(&mut **tx).await?)
}

/// A job that this worker holds the lease of.
struct Held {
    id: JobId,
    payload: Vec<u8>,
    attempts: i32,
    /// The lease, by its end: whoever claims the job later has another.
    until: DateTime<Utc>,
}

enum Claim {
    Ours(Held),
    /// Another worker has it.
    Theirs,
    /// There is nothing to do any more, and its line in `due` is gone.
    Ended,
}

/// How a lease ends.
enum Ending {
    Done,
    /// This try counts, and there will be another.
    Failed(JobError),
    /// This was the last try.
    Dead(JobError),
    /// This try does not count; the next is due after so long.
    GivenBack(TimeDelta),
}

/// 5 s, 10 s, 20 s … an hour at most.
fn wait_after(attempts: i32) -> TimeDelta {
    let exponent = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    TimeDelta::seconds((5 * 2i64.pow(exponent)).min(LONGEST_WAIT_SECONDS))
}

/// Takes the lease. A job that vanished takes its line in `due` with it; one whose handlers never came to an end, not
/// even a bad one, is a dead letter after as many leases as it has tries.
async fn claim(
    tx: &mut TenantTransaction,
    queue: &str,
    id: JobId,
    tries: i32,
    now: DateTime<Utc>,
) -> Result<Claim, DatabaseError> {
    let alive = jobs::table.find((tx.tenant(), id)).filter(jobs::dead_at.is_null());
    let found: Option<(Vec<u8>, i32, Option<DateTime<Utc>>)> = alive
        .select((jobs::payload, jobs::attempts, jobs::leased_until))
        .for_update()
        .skip_locked()
        .first(&mut **tx)
        .await
        .optional()?;
    let Some((payload, attempts, leased_until)) = found else {
        // Locked by another worker, or gone.
        if diesel::select(exists(alive)).get_result(&mut **tx).await? {
            return Ok(Claim::Theirs);
        }
        due::remove(tx, queue, id.0).await?;
        return Ok(Claim::Ended);
    };
    if leased_until.is_some_and(|until| until > now) {
        return Ok(Claim::Theirs);
    }
    let job = diesel::update(jobs::table.find((tx.tenant(), id)));
    if attempts >= tries {
        tracing::warn!(queue, tenant = tx.tenant().0, job = %id, attempts, "a job never came to an end");
        job.set((jobs::last_error.eq("never came to an end"), jobs::dead_at.eq(now)))
            .execute(&mut **tx)
            .await?;
        due::remove(tx, queue, id.0).await?;
        return Ok(Claim::Ended);
    }
    let held = Held {
        id,
        payload,
        attempts: attempts + 1,
        until: now + LEASE,
    };
    job.set((jobs::attempts.eq(held.attempts), jobs::leased_until.eq(held.until)))
        .execute(&mut **tx)
        .await?;
    due::schedule(tx, queue, id.0, held.until).await?;
    Ok(Claim::Ours(held))
}

/// Ends a lease; false where it is no longer ours, and nothing was changed.
async fn settle(
    tx: &mut TenantTransaction,
    queue: &str,
    held: &Held,
    now: DateTime<Utc>,
    ending: Ending,
) -> Result<bool, DatabaseError> {
    let ours = jobs::table
        .find((tx.tenant(), held.id))
        .filter(jobs::leased_until.eq(held.until));
    let (attempts, error, dead_at, next) = match ending {
        Ending::Done => {
            let done = diesel::delete(ours).execute(&mut **tx).await? > 0;
            if done {
                due::remove(tx, queue, held.id.0).await?;
            }
            return Ok(done);
        }
        Ending::Failed(error) => (held.attempts, Some(error.0), None, Some(wait_after(held.attempts))),
        Ending::Dead(error) => (held.attempts, Some(error.0), Some(now), None),
        Ending::GivenBack(wait) => (held.attempts - 1, None, None, Some(wait)),
    };
    let changed = diesel::update(ours)
        .set((
            jobs::attempts.eq(attempts),
            jobs::leased_until.eq(None::<DateTime<Utc>>),
            jobs::last_error.eq(error),
            jobs::dead_at.eq(dead_at),
        ))
        .execute(&mut **tx)
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    match next {
        Some(wait) => due::schedule(tx, queue, held.id.0, now + wait).await?,
        None => due::remove(tx, queue, held.id.0).await?,
    }
    Ok(true)
}
