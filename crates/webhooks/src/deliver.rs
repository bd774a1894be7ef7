//! Sending: the worker takes an endpoint that something waits for, a few messages at a time, sends them outside any transaction and
//! notes what became of them. An endpoint that hangs holds its own place and no other's, for one try; then it stands behind all that
//! answer, from whom a quarter of the places is never taken. All endpoints of an insurer have half of them: so many that begin to hang
//! at the same time keep nobody else's from being sent to.
//!
//! At least once: a worker that is killed leaves a lease that runs out, and what it may have sent is sent again under the same id. In
//! order of a subject: while a message waits for its next try, no later one of the same subject is sent.

use crate::{
    Message, Webhooks,
    deliveries::{QUEUE, give_up},
    endpoint::{Row, held_of_any},
    fan_out::SUSPENDED,
    gate::{Gate, Shut},
    payload,
    send::{Answer, Sending},
    settle::{self, Ended},
    sign::Secret,
};
use chrono::{DateTime, TimeDelta, Utc};
use clients::Grant;
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use futures_util::{StreamExt as _, stream};
use jobs::{Due, LetGo, Noting, Queue, due};
use kernel::{InsurerCode, KeyError, WebhookId};
use std::{pin::Pin, time::Duration};
use tenancy::Insurer;
use tokio::time::Instant;
use url::Url;

/// Endpoints that a worker serves side by side: one that hangs holds its own place.
const WIDTH: usize = 32;
/// Endpoints of one insurer.
const SHARE: usize = WIDTH / 2;
/// Messages that are on their way to one endpoint at the same time.
const ABREAST: usize = 4;
/// Messages that are read, and noted, in one transaction.
const BATCH: i64 = 20;
/// How long an endpoint keeps its place while there is more for it; then nothing more leaves, and others have their turn.
const TURN: Duration = Duration::from_secs(5);
/// How long an endpoint rests that gave no answer, whatever else waits for it.
const REST: TimeDelta = TimeDelta::seconds(5);
/// How often an endpoint is taken without coming to any end: it must be what ends the worker.
const TAKES: i16 = 5;
/// How long what does not open waits for a worker that has its key.
const WITHOUT_KEY: TimeDelta = TimeDelta::seconds(30);

/// Sends: a queue for a worker.
pub(crate) struct Courier(pub(crate) Webhooks);

impl Queue for Courier {
    fn name(&self) -> &'static str {
        QUEUE
    }

    fn width(&self) -> usize {
        WIDTH
    }

    fn share(&self) -> usize {
        SHARE
    }

    fn work(&self, due: Due, let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.0.serve(due, let_go))
    }
}

/// What is due. Where an earlier message of its subject waits, it stands behind that one.
#[derive(QueryableByName)]
struct Turn {
    #[diesel(embed)]
    message: Message,
    #[diesel(sql_type = Timestamptz)]
    next_at: DateTime<Utc>,
    /// When that one is tried next.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    behind: Option<DateTime<Utc>>,
}

/// What is sent to an endpoint next; nothing, where all that was looked at is to be sent later or not at all.
pub(crate) struct Batch {
    pub(crate) row: Row,
    pub(crate) grant: Grant,
    pub(crate) insurer: Insurer,
    pub(crate) messages: Vec<Message>,
    /// When it was asked whether they may be told.
    pub(crate) asked: Instant,
    url: Url,
    secrets: Vec<Secret>,
}

impl Webhooks {
    async fn serve(&self, mut due: Due, let_go: LetGo) -> Result<(), DatabaseError> {
        let until = Instant::now() + TURN;
        loop {
            let Some(batch) = self.begin(&due).await? else {
                return Ok(());
            };
            let (ended, is_told) = if due.takes > TAKES {
                (batch.all_ended("never_ended"), false)
            } else {
                self.send(&due, &batch, until, let_go.clone()).await
            };
            due.rank = settle::rank(&due, &ended);
            let stays = !is_told && Instant::now() < until && !ended.iter().any(Ended::is_unanswered);
            let noted = match self.noted(&due, &batch, &ended, stays).await {
                // Or it would be sent again, as often as it may be taken.
                Err(error @ DatabaseError::Statement(_)) => {
                    let (tenant, webhook) = (due.tenant.0, due.item);
                    tracing::error!(tenant, %webhook, %error, "what became of webhooks was refused; that is noted instead");
                    self.note(&due, &batch, &batch.all_ended("unnoted"), false).await?
                }
                noted => noted?,
            };
            if !noted {
                return Ok(());
            }
        }
    }

    /// What is sent next; none where nothing is, and the endpoint is out of the queue or stands in it for later.
    async fn begin(&self, due: &Due) -> Result<Option<Batch>, DatabaseError> {
        let (now, id, asked) = (self.clock.now(), WebhookId(due.item), Instant::now());
        let mut tx = self.database.tenant(due.tenant).write(Durability::Relaxed).await?;
        let batch = match held_of_any(&tx, id).await? {
            Some(row) => self.batch(&mut tx, due, row, (now, asked)).await?,
            None => Next::Nothing,
        };
        match batch {
            Next::Batch(batch) => {
                tx.commit().await?;
                return Ok(Some(*batch));
            }
            Next::Later(at) => _ = due::postpone(&mut tx, due, at, due.rank).await?,
            Next::Nothing => _ = settle::leave(&mut tx, due, now, None).await?,
        }
        tx.commit().await?;
        Ok(None)
    }

    async fn batch(
        &self,
        tx: &mut TenantTransaction,
        due: &Due,
        row: Row,
        (now, asked): (DateTime<Utc>, Instant),
    ) -> Result<Next, DatabaseError> {
        let (insurer, grant) = match self.admits(tx, &row, now).await? {
            Ok(by) => by,
            Err(Shut::Suspended) => return Ok(Next::Later(now + SUSPENDED)),
            Err(Shut::ForGood(why)) => {
                give_up(tx, now, row.webhook_id, why).await?;
                return Ok(Next::Nothing);
            }
        };
        let Some(messages) = self.messages(tx, &row, &grant, now).await? else {
            return Ok(Next::Nothing);
        };
        let secrets = match self.secrets(tx, &row, now) {
            Ok(secrets) => secrets,
            Err(error) => {
                let (tenant, webhook) = (due.tenant.0, due.item);
                tracing::warn!(tenant, %webhook, %error, "a webhook's secret does not open");
                return Ok(Next::Later(now + WITHOUT_KEY));
            }
        };
        // What is kept was read when it was set; what the settings admit by now is asked once more.
        let Ok(url) = self.settings.read(&row.url) else {
            give_up(tx, now, row.webhook_id, "address_refused").await?;
            return Ok(Next::Nothing);
        };
        Ok(Next::Batch(Box::new(Batch {
            row,
            grant,
            insurer,
            messages,
            asked,
            url,
            secrets,
        })))
    }

    /// The next messages, the first of each subject; none where none is due. On the way what the client may not be told any more is
    /// given up, and what stands behind a later one is put off until that is tried: or it would be read whenever anything is sent.
    /// Where that is all, there are no messages; the rest comes next, when this is committed.
    async fn messages(
        &self,
        tx: &mut TenantTransaction,
        row: &Row,
        grant: &Grant,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<Message>>, DatabaseError> {
        let due = diesel::sql_query(DUE)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(row.webhook_id)
            .bind::<Timestamptz, _>(now)
            .bind::<BigInt, _>(BATCH);
        let due: Vec<Turn> = Prepared(due).load(&mut **tx).await?;
        if due.is_empty() {
            return Ok(None);
        }
        let later = due.iter().filter_map(|turn| {
            let behind = turn.behind.filter(|at| *at > turn.next_at)?;
            Some((turn.message.event_id, behind))
        });
        settle::put_off(tx, row.webhook_id, &later.collect::<Vec<_>>()).await?;
        let first = due.into_iter().filter(|turn| turn.behind.is_none());
        let first: Vec<Message> = first.map(|turn| turn.message).collect();
        let told = self.may_be_told(tx, grant, &first).await?;
        let (told, withheld): (Vec<Message>, Vec<Message>) =
            first.into_iter().partition(|message| told.contains(&message.event_id));
        settle::withhold(tx, now, row.webhook_id, &withheld).await?;
        Ok(Some(told))
    }

    fn secrets(&self, tx: &TenantTransaction, row: &Row, now: DateTime<Utc>) -> Result<Vec<Secret>, KeyError> {
        let old = row
            .old_secret
            .as_ref()
            .filter(|_| row.old_until.is_some_and(|until| until > now));
        let sealed = row.secret.iter().chain(old);
        sealed
            .map(|sealed| Secret::open(&self.keys, tx.tenant(), row.webhook_id, sealed))
            .collect()
    }

    /// Sends them, as many abreast as there may be, until one gets no answer or the turn is over; what came to its end before the worker
    /// was told to let go, and whether it was.
    async fn send<'a>(&self, due: &Due, batch: &'a Batch, until: Instant, let_go: LetGo) -> (Vec<Ended<'a>>, bool) {
        let gate = Gate::new(self, due, batch, until);
        let sending: Vec<_> = batch
            .messages
            .iter()
            .map(|message| self.try_one(&gate, batch, message))
            .collect();
        let mut sending = stream::iter(sending).buffer_unordered(ABREAST);
        let mut ended = Vec::new();
        loop {
            match let_go.clone().or(sending.next()).await {
                Some(Some(one)) => ended.extend(one),
                Some(None) => return (ended, false),
                None => return (ended, true),
            }
        }
    }

    /// How it ended; none where it is not sent now.
    async fn try_one<'a>(&self, gate: &Gate<'_>, batch: &Batch, message: &'a Message) -> Option<Ended<'a>> {
        if !gate.lets_out(message).await {
            return None;
        }
        let begun = Instant::now();
        let answer = jobs::caught(self.send_one(batch, message)).await;
        let ended = Ended {
            message,
            answer: answer.unwrap_or(Answer::Nothing("internal")),
            took: begun.elapsed(),
        };
        if ended.is_unanswered() {
            gate.shut().await;
        }
        Some(ended)
    }

    async fn send_one(&self, batch: &Batch, message: &Message) -> Answer {
        let insurer = batch.insurer.code.as_ref().map(InsurerCode::as_str).unwrap_or_default();
        let Some(body) = payload::body(&self.kinds, insurer, message) else {
            return Answer::Nothing("internal");
        };
        let sending = Sending {
            id: message.event_id.to_string(),
            seconds: self.clock.now().timestamp(),
            body,
            secrets: &batch.secrets,
        };
        self.sender.send(&batch.url, &sending).await
    }

    /// Notes what became of them, over an outage too; true where the endpoint stays with this worker.
    async fn noted(&self, due: &Due, batch: &Batch, ended: &[Ended<'_>], stays: bool) -> Result<bool, DatabaseError> {
        let mut noting = Noting::new(&self.database);
        loop {
            match self.note(due, batch, ended, stays).await {
                Ok(noted) => return Ok(noted),
                Err(error) => noting.again(error).await?,
            }
        }
    }

    async fn note(&self, due: &Due, batch: &Batch, ended: &[Ended<'_>], stays: bool) -> Result<bool, DatabaseError> {
        let now = self.clock.now();
        // Asked before the transaction, which would hold a connection while it waits for another.
        let contact = if batch.gives_up(now, ended).is_some() {
            self.clients.contact(batch.grant.client).await?
        } else {
            None
        };
        let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
        // One that has ended meanwhile is told of no more.
        if let Some(row) = held_of_any(&tx, batch.row.webhook_id).await? {
            self.settle(&mut tx, now, (batch, &row), ended, contact).await?;
        }
        let rests = ended.iter().any(Ended::is_unanswered).then_some(now + REST);
        let left = if stays {
            settle::stays(&mut tx, due, now).await?
        } else {
            settle::leave(&mut tx, due, now, rests).await?
        };
        let Some(stays) = left else {
            tracing::warn!(tenant = due.tenant.0, webhook = %due.item, "a webhook's lease ran out; whoever has it now decides");
            tx.rollback().await?;
            return Ok(false);
        };
        tx.commit().await?;
        for one in ended {
            one.count();
        }
        Ok(stays)
    }
}

impl Batch {
    /// The end of all of it, without a word from the receiver.
    fn all_ended(&self, why: &'static str) -> Vec<Ended<'_>> {
        let ended = |message| Ended {
            message,
            answer: Answer::Nothing(why),
            took: Duration::ZERO,
        };
        self.messages.iter().map(ended).collect()
    }
}

/// What becomes of an endpoint next.
enum Next {
    Batch(Box<Batch>),
    Later(DateTime<Utc>),
    Nothing,
}

const DUE: &str = "\
SELECT d.event_id, d.kind, d.subject, d.person_id, d.of_kind, d.sequence, d.happened_at, d.tries, d.next_at, e.next_at AS behind
FROM (
    SELECT * FROM webhook_deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND next_at <= $3
    ORDER BY next_at, position LIMIT $4) AS d
LEFT JOIN LATERAL (
    SELECT next_at FROM webhook_deliveries
    WHERE tenant_id = $1 AND webhook_id = $2 AND subject = d.subject AND finished_at IS NULL AND position < d.position
    ORDER BY position LIMIT 1) AS e ON true
ORDER BY d.next_at, d.position";
