//! Jobs proper: a serialisable struct, a name, a handler. Sealed at rest, held with a lease, retried with growing waits,
//! kept as dead letters after the last try.

use crate::{
    Due, LetGo,
    due::{self, Rank},
    lease::{Noting, caught},
    worker::Queue,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
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
        last_error -> Nullable<Text>,
        dead_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

/// What payloads are sealed for.
const PURPOSE: &str = "job";
/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "jobs",
    column: "payload",
    kind: Kind::Sealed {
        owner: "job_id",
        purpose: PURPOSE,
    },
}];
/// The wait where this process lacks the key that sealed a job. Another may have it, as while keys are rotated.
const WITHOUT_KEY: TimeDelta = TimeDelta::seconds(30);
/// What is told of a job whose end the database refuses.
const UNNOTED: &str = "its end could not be noted";
/// The longest wait between two tries.
const LONGEST_WAIT_SECONDS: i64 = 3600;

/// A kind of job: what it needs to know, as a struct.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Its queue's name, one per kind.
    const QUEUE: &'static str;
    /// Tries before it is a dead letter.
    const TRIES: i32 = 8;
    /// How long one try may take. Its lease is renewed meanwhile.
    const PATIENCE: Duration = Duration::from_secs(100);
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
            jobs::payload.eq(keys.seal(PURPOSE, id.of(tx.tenant()), &payload)),
            jobs::attempts.eq(0),
            jobs::created_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    due::schedule(tx, J::QUEUE, id.0, due_at, Rank::Soon).await?;
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
    patience: Duration,
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
            patience: J::PATIENCE,
            handler,
        }
    }

    async fn work_on(&self, due: Due, let_go: LetGo) -> Result<(), DatabaseError> {
        let tenant = self.database.tenant(due.tenant);
        let mut tx = tenant.write(Durability::Relaxed).await?;
        let begun = begin(&mut tx, &due, self.tries, self.clock.now()).await?;
        tx.commit().await?;
        let Some(begun) = begun else { return Ok(()) };

        let ending = self.handle(&due, &begun, let_go).await;
        let (queue, tenant, job) = (due.queue, due.tenant.0, due.item);
        let noted = match self.noted(&due, &begun, &ending).await {
            Err(error @ DatabaseError::Statement(_)) => {
                tracing::error!(queue, tenant, %job, %error, "a job's end was refused; that is noted instead");
                self.note(&due, &begun, &ending.unnoted()).await?
            }
            noted => noted?,
        };
        if !noted {
            tracing::warn!(queue, tenant, %job, "a job's lease ran out before its end; whoever has it now decides");
        }
        Ok(())
    }

    /// Notes the end, over an outage too.
    async fn noted(&self, due: &Due, begun: &Begun, ending: &Ending) -> Result<bool, DatabaseError> {
        let mut noting = Noting::new(&self.database);
        loop {
            match self.note(due, begun, ending).await {
                Ok(noted) => return Ok(noted),
                Err(error) => noting.again(error).await?,
            }
        }
    }

    async fn note(&self, due: &Due, begun: &Begun, ending: &Ending) -> Result<bool, DatabaseError> {
        let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
        let noted = settle(&mut tx, due, begun, self.clock.now(), ending).await?;
        tx.commit().await?;
        Ok(noted)
    }

    async fn handle(&self, due: &Due, begun: &Begun, let_go: LetGo) -> Ending {
        let (queue, tenant, job, attempts) = (due.queue, due.tenant.0, due.item, begun.attempts);
        let error = match self.keys.open(PURPOSE, JobId(due.item).of(due.tenant), &begun.payload) {
            Ok(plain) => {
                let handler = async { (self.handler)(due.tenant, &plain).await };
                let handled = caught(tokio::time::timeout(self.patience, handler));
                match let_go.or(handled).await {
                    None => return Ending::GivenBack(TimeDelta::zero()),
                    Some(Ok(Ok(Ok(())))) => return Ending::Done,
                    Some(Ok(Ok(Err(error)))) => error,
                    Some(Ok(Err(_))) => JobError("timed out".into()),
                    Some(Err(_)) => JobError("panicked".into()),
                }
            }
            Err(KeyError::Missing(key)) => {
                tracing::warn!(queue, tenant, %job, key, "a job's key is not in this process's ring");
                return Ending::GivenBack(WITHOUT_KEY);
            }
            Err(error) => JobError(error.to_string()),
        };
        tracing::warn!(queue, tenant, %job, attempts, %error, "job failed");
        if attempts < self.tries {
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

    fn work(&self, due: Due, let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.work_on(due, let_go))
    }
}

/// True while a job is waiting, at work, or to be tried again; false of one that is done or dead.
pub async fn is_open(tx: &mut TenantTransaction, job: JobId) -> Result<bool, DatabaseError> {
    let open = jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant()))
        .filter(jobs::job_id.eq(job))
        .filter(jobs::dead_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx).await?)
}

/// A job under way.
struct Begun {
    payload: Vec<u8>,
    /// This one included.
    attempts: i32,
}

/// How a try ends.
enum Ending {
    Done,
    /// This try counts, and there will be another.
    Failed(JobError),
    /// This was the last try.
    Dead(JobError),
    /// This try does not count; the next is due after so long.
    GivenBack(TimeDelta),
}

impl Ending {
    /// What is noted in its place where the database refuses it. What has come to its end is laid aside, or its work
    /// would be done again; what is to be tried again still is.
    fn unnoted(&self) -> Self {
        let error = JobError(UNNOTED.into());
        match self {
            Self::Done | Self::Dead(_) => Self::Dead(error),
            Self::Failed(_) | Self::GivenBack(_) => Self::Failed(error),
        }
    }
}

/// 5 s, 10 s, 20 s … an hour at most.
fn wait_after(attempts: i32) -> TimeDelta {
    let exponent = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    TimeDelta::seconds((5 * 2i64.pow(exponent)).min(LONGEST_WAIT_SECONDS))
}

/// Counts the try. None where there is nothing to do: the job vanished, or its handler never came to an end, not even a bad
/// one, as often as it may be tried, and is a dead letter now.
async fn begin(
    tx: &mut TenantTransaction,
    due: &Due,
    tries: i32,
    now: DateTime<Utc>,
) -> Result<Option<Begun>, DatabaseError> {
    let job = jobs::table
        .find((tx.tenant(), due.item))
        .filter(jobs::dead_at.is_null());
    if i32::from(due.takes) > tries {
        tracing::warn!(queue = due.queue, tenant = tx.tenant().0, job = %due.item, "a job never came to an end");
        if due::bury(tx, due, now).await? {
            diesel::update(job)
                .set((jobs::last_error.eq("never came to an end"), jobs::dead_at.eq(now)))
                .execute(&mut **tx)
                .await?;
        }
        return Ok(None);
    }
    let begun: Option<(Vec<u8>, i32)> = diesel::update(job)
        .set(jobs::attempts.eq(jobs::attempts + 1))
        .returning((jobs::payload, jobs::attempts))
        .get_result(&mut **tx)
        .await
        .optional()?;
    let Some((payload, attempts)) = begun else {
        due::finish(tx, due).await?;
        return Ok(None);
    };
    Ok(Some(Begun { payload, attempts }))
}

/// Notes the end of a try; false where the job is no longer ours, and nothing was changed.
async fn settle(
    tx: &mut TenantTransaction,
    due: &Due,
    begun: &Begun,
    now: DateTime<Utc>,
    ending: &Ending,
) -> Result<bool, DatabaseError> {
    let ours = match ending {
        Ending::Done => due::finish(tx, due).await?,
        Ending::Dead(_) => due::bury(tx, due, now).await?,
        Ending::Failed(_) => due::put_back(tx, due, now + wait_after(begun.attempts)).await?,
        Ending::GivenBack(wait) => due::put_back(tx, due, now + *wait).await?,
    };
    if !ours {
        return Ok(false);
    }
    let job = jobs::table.find((tx.tenant(), due.item));
    let (attempts, error, dead_at) = match ending {
        Ending::Done => {
            diesel::delete(job).execute(&mut **tx).await?;
            return Ok(true);
        }
        Ending::Failed(error) => (begun.attempts, Some(&error.0), None),
        Ending::Dead(error) => (begun.attempts, Some(&error.0), Some(now)),
        Ending::GivenBack(_) => (begun.attempts - 1, None, None),
    };
    diesel::update(job)
        .set((
            jobs::attempts.eq(attempts),
            jobs::last_error.eq(error),
            jobs::dead_at.eq(dead_at),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(true)
}
