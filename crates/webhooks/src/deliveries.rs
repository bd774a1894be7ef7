//! What an endpoint is to be told, and what became of it: listed, and one to try it by.

use crate::{
    Webhook, Webhooks, Whose,
    endpoint::{Row, State as EndpointState},
    kinds::TEST,
    manage::found,
    reasons::DISABLED,
    schema::webhook_deliveries,
    trail::record,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    dsl,
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use jobs::due::{self, Rank};
use kernel::{EventId, Outcome, WebhookId};
use roster::protection::not_protected;
use serde_json::json;
use uuid::Uuid;

/// The queue of endpoints to which something is to be sent.
pub(crate) const QUEUE: &str = "webhook";
/// How long it is kept what became of a delivery; as far back it may be sent once more.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// To be sent, or to be tried again.
    Waiting,
    /// The receiver has taken it.
    Delivered,
    /// It was tried eight times in vain.
    Failed,
    /// It is not tried any more, for another reason.
    GivenUp,
}

impl Progress {
    /// As they are listed.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Failed, Self::GivenUp];

    /// The word in rows and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }

    /// Reads its word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|progress| progress.as_str() == word)
    }
}

/// What an endpoint is told of an event.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries)]
pub struct Delivery {
    /// Of which event.
    pub event_id: EventId,
    /// Its kind.
    pub kind: String,
    /// What it happened to.
    pub subject: Uuid,
    /// Where it stands among what the endpoint is told of that.
    pub sequence: i64,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    state: String,
    /// How often it was tried.
    pub tries: i32,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
    /// The status of the last try, where it had one.
    pub status: Option<i32>,
    /// Why it had none, or why it was given up.
    pub reason: Option<String>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Delivery {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress::read(&self.state).unwrap_or(Progress::GivenUp)
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Which {
    /// Of which endpoint.
    pub webhook: WebhookId,
    /// How far they are, all the same where none is named.
    pub progress: Option<Progress>,
    /// Those about protected people, too.
    pub with_protected: bool,
    /// After this one of the list.
    pub after: Option<EventId>,
    /// So many at most.
    pub limit: i64,
}

/// The latest first.
pub async fn list(tx: &TenantTransaction, which: Which) -> Result<Vec<Delivery>, DatabaseError> {
    let mut listed = webhook_deliveries::table
        .filter(webhook_deliveries::tenant_id.eq(tx.tenant()))
        .filter(webhook_deliveries::webhook_id.eq(which.webhook))
        .filter(webhook_deliveries::event_id.lt(which.after.unwrap_or(EventId(Uuid::max()))))
        .order(webhook_deliveries::event_id.desc())
        .limit(which.limit)
        .select(Delivery::as_select())
        .into_boxed();
    if let Some(progress) = which.progress {
        listed = listed.filter(webhook_deliveries::state.eq(progress.as_str()));
    }
    if !which.with_protected {
        listed = listed.filter(dsl::sql::<Bool>(&not_protected("webhook_deliveries.person_id")));
    }
    Ok(Prepared(listed).load(&mut &**tx).await?)
}

impl Webhooks {
    /// Sends one more message to this endpoint alone, to see whether it arrives; its id.
    pub async fn test(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        id: WebhookId,
    ) -> Result<Outcome<EventId>, DatabaseError> {
        let now = self.clock.now();
        let row = match active(tx, now, whose, id).await? {
            Outcome::Done(row) => row,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let event = EventId::new(now);
        let sequences = next(tx, &[(row.webhook_id, id.0, 1)]).await?;
        diesel::insert_into(webhook_deliveries::table)
            .values((
                webhook_deliveries::tenant_id.eq(tx.tenant()),
                webhook_deliveries::webhook_id.eq(id),
                webhook_deliveries::event_id.eq(event),
                webhook_deliveries::kind.eq(TEST.name),
                webhook_deliveries::subject.eq(id.0),
                webhook_deliveries::sequence.eq(sequences.iter().map(|(.., last)| *last).next().unwrap_or(1)),
                webhook_deliveries::position.eq(row.after_position),
                webhook_deliveries::happened_at.eq(now),
                webhook_deliveries::state.eq(Progress::Waiting.as_str()),
                webhook_deliveries::tries.eq(0),
                webhook_deliveries::next_at.eq(now),
            ))
            .execute(&mut **tx)
            .await?;
        record(tx, now, whose, "webhook.test", json!({ "webhook": id })).await?;
        due::schedule(tx, QUEUE, id.0, now, Rank::Soon).await?;
        Ok(Outcome::Done(event))
    }
}

impl Webhook {
    /// True where something is sent to it.
    pub fn is_active(&self) -> bool {
        self.state == EndpointState::Active
    }
}

/// The endpoint, held, where something is sent to it.
pub(crate) async fn active(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    whose: Whose<'_>,
    id: WebhookId,
) -> Result<Outcome<Row>, DatabaseError> {
    Ok(match found(tx, now, whose.grant, (id, |_: &str| true)).await? {
        Outcome::Done(row) if !row.is_active() => DISABLED.into(),
        found => found,
    })
}

/// Gives up all that waits for an endpoint, which the caller holds.
pub(crate) async fn give_up(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    id: WebhookId,
    why: &'static str,
) -> Result<(), DatabaseError> {
    let given_up = diesel::sql_query(GIVE_UP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(why)
        .bind::<Timestamptz, _>(now);
    Prepared(given_up).execute(&mut **tx).await?;
    Ok(())
}

/// Counts on so many of each endpoint and subject; the last numbers.
pub(crate) async fn next(
    tx: &mut TenantTransaction,
    more: &[(WebhookId, Uuid, i64)],
) -> Result<Vec<(WebhookId, Uuid, i64)>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = SqlUuid)]
        webhook_id: WebhookId,
        #[diesel(sql_type = SqlUuid)]
        subject: Uuid,
        #[diesel(sql_type = BigInt)]
        sequence: i64,
    }
    let counted = diesel::sql_query(NEXT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<diesel::sql_types::Array<SqlUuid>, _>(more.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind::<diesel::sql_types::Array<SqlUuid>, _>(more.iter().map(|(_, subject, _)| *subject).collect::<Vec<_>>())
        .bind::<diesel::sql_types::Array<BigInt>, _>(more.iter().map(|(.., more)| *more).collect::<Vec<_>>());
    let counted: Vec<Last> = Prepared(counted).load(&mut **tx).await?;
    let last = |last: Last| (last.webhook_id, last.subject, last.sequence);
    Ok(counted.into_iter().map(last).collect())
}

const GIVE_UP: &str = "\
UPDATE webhook_deliveries SET state = 'given_up', next_at = NULL, reason = $3, finished_at = $4
WHERE tenant_id = $1 AND webhook_id = $2 AND state = 'waiting'";

const NEXT: &str = "\
INSERT INTO webhook_sequences AS s (tenant_id, webhook_id, subject, sequence)
SELECT e.tenant_id, n.webhook_id, n.subject, n.more
FROM unnest($2::uuid[], $3::uuid[], $4::int8[]) AS n (webhook_id, subject, more) CROSS JOIN LATERAL (
    SELECT * FROM webhook_endpoints o WHERE o.tenant_id = $1 AND o.webhook_id = n.webhook_id OFFSET 0) e
ON CONFLICT (tenant_id, webhook_id, subject) DO UPDATE SET sequence = s.sequence + excluded.sequence
WHERE s.tenant_id = $1
RETURNING webhook_id, subject, sequence";
