//! Deliveries sent once more: one, those of a time, or all that waits for a later try.

use crate::{
    Webhooks, Whose,
    deliveries::{KEPT, Progress, QUEUE, active},
    fields,
    reasons::{RANGE, WAITING},
    schema::webhook_deliveries,
    trail::record,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    dsl,
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use jobs::due::{self, Rank};
use kernel::{EventId, FieldError, Outcome, Problem, Refusal, WebhookId, outcome::NOT_FOUND};
use roster::protection::not_protected;
use serde_json::json;
use uuid::Uuid;

/// Deliveries that are sent once more at a time.
pub const MOST_AGAIN: i64 = 10_000;

/// How far deliveries are that may be sent once more, what has arrived the last.
const STATES: [Progress; 4] = [
    Progress::Waiting,
    Progress::Failed,
    Progress::GivenUp,
    Progress::Delivered,
];

/// Which deliveries are sent once more: what waits for a later try, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What happened from here on …
    pub from: DateTime<Utc>,
    /// … and before this.
    pub until: DateTime<Utc>,
    /// Also what has arrived.
    pub delivered: bool,
    /// Those about protected people, too.
    pub with_protected: bool,
}

impl Range {
    /// How far those are that it is about.
    fn states(self) -> &'static [Progress] {
        let [not_arrived @ .., _] = &STATES;
        if self.delivered { &STATES } else { not_arrived }
    }

    /// What is wrong with it.
    fn error(self, now: DateTime<Utc>) -> Option<FieldError> {
        if self.from >= self.until {
            return Some(FieldError::new(fields::UNTIL, Problem::NotLater));
        }
        let days = KEPT.num_days();
        (self.from < now - KEPT).then(|| FieldError::new(fields::FROM, Problem::TooLongAgo { days }))
    }
}

impl Webhooks {
    /// Sends one once more, under the id that it had; one that waits for a later try at once, after what it stands behind.
    pub async fn replay(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        (id, event): (WebhookId, EventId),
        with_protected: bool,
    ) -> Result<Outcome<()>, DatabaseError> {
        let now = self.clock.now();
        if let Outcome::Refused(refusal) = active(tx, now, whose, id).await? {
            return Ok(refusal.into());
        }
        let waits: Option<(Option<DateTime<Utc>>, Uuid, i64)> = webhook_deliveries::table
            .filter(webhook_deliveries::tenant_id.eq(tx.tenant()))
            .filter(webhook_deliveries::webhook_id.eq(id))
            .filter(webhook_deliveries::event_id.eq(event))
            .filter(dsl::sql::<Bool>(&seen(with_protected)))
            .select((
                webhook_deliveries::next_at,
                webhook_deliveries::subject,
                webhook_deliveries::position,
            ))
            .first(&mut **tx)
            .await
            .optional()?;
        match waits {
            None => return Ok(NOT_FOUND.into()),
            Some((Some(at), ..)) if at <= now => return Ok(WAITING.into()),
            Some((Some(_), subject, position)) => hasten_subject(tx, now, id, (subject, position)).await?,
            Some((None, ..)) => {
                diesel::update(webhook_deliveries::table.find((tx.tenant(), id, event)))
                    .set((
                        webhook_deliveries::state.eq(Progress::Waiting.as_str()),
                        webhook_deliveries::tries.eq(0),
                        webhook_deliveries::next_at.eq(now),
                        webhook_deliveries::finished_at.eq(None::<DateTime<Utc>>),
                    ))
                    .execute(&mut **tx)
                    .await?;
            }
        }
        record(
            tx,
            now,
            whose,
            "webhook.replay",
            json!({ "webhook": id, "event": event }),
        )
        .await?;
        due::schedule(tx, QUEUE, id.0, now, Rank::Soon).await?;
        Ok(Outcome::Done(()))
    }

    /// How many [`Self::replay_range`] would send once more now.
    pub async fn in_range(
        &self,
        tx: &TenantTransaction,
        id: WebhookId,
        range: Range,
    ) -> Result<Outcome<i64>, DatabaseError> {
        let now = self.clock.now();
        if let Some(error) = range.error(now) {
            return Ok(Refusal::field(error).into());
        }
        let mut deliveries = 0;
        for state in range.states() {
            let counted = diesel::sql_query(count(&seen(range.with_protected)))
                .bind::<Integer, _>(tx.tenant())
                .bind::<SqlUuid, _>(id)
                .bind::<Text, _>(state.as_str())
                .bind::<SqlUuid, _>(EventId::least(range.from))
                .bind::<SqlUuid, _>(EventId::least(range.until))
                .bind::<Timestamptz, _>(now)
                .bind::<BigInt, _>(MOST_AGAIN + 1);
            let counted: Count = Prepared(counted).get_result(&mut &**tx).await?;
            deliveries += counted.deliveries;
        }
        Ok(if deliveries > MOST_AGAIN {
            RANGE.into()
        } else {
            Outcome::Done(deliveries)
        })
    }

    /// Sends once more what happened in a range; how many that are.
    pub async fn replay_range(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        id: WebhookId,
        range: Range,
    ) -> Result<Outcome<i64>, DatabaseError> {
        let now = self.clock.now();
        if let Outcome::Refused(refusal) = active(tx, now, whose, id).await? {
            return Ok(refusal.into());
        }
        // Nobody else changes what is not on its way while the endpoint is held.
        let deliveries = match self.in_range(tx, id, range).await? {
            Outcome::Done(deliveries) => deliveries,
            refused @ Outcome::Refused(_) => return Ok(refused),
        };
        for state in range.states() {
            let sent = diesel::sql_query(again(&seen(range.with_protected)))
                .bind::<Integer, _>(tx.tenant())
                .bind::<SqlUuid, _>(id)
                .bind::<Text, _>(state.as_str())
                .bind::<SqlUuid, _>(EventId::least(range.from))
                .bind::<SqlUuid, _>(EventId::least(range.until))
                .bind::<Timestamptz, _>(now);
            Prepared(sent).execute(&mut **tx).await?;
        }
        let detail = json!({ "webhook": id, "from": range.from, "until": range.until, "deliveries": deliveries });
        record(tx, now, whose, "webhook.replay", detail).await?;
        due::schedule(tx, QUEUE, id.0, now, Rank::Soon).await?;
        Ok(Outcome::Done(deliveries))
    }
}

/// Has what waits for a later try sent to an endpoint at once, which the caller holds: tried as what is new. Of more than
/// [`MOST_AGAIN`] the next ones, and those of the same instant as the last of them; the rest has its time.
pub(crate) async fn hasten(tx: &mut TenantTransaction, now: DateTime<Utc>, id: WebhookId) -> Result<(), DatabaseError> {
    let hastened = diesel::sql_query(HASTEN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(MOST_AGAIN);
    if Prepared(hastened).execute(&mut **tx).await? > 0 {
        due::schedule(tx, QUEUE, id.0, now, Rank::Soon).await?;
    }
    Ok(())
}

/// The same of one subject, up to a position: what is sent of it before.
async fn hasten_subject(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    id: WebhookId,
    (subject, position): (Uuid, i64),
) -> Result<(), DatabaseError> {
    let hastened = diesel::sql_query(HASTEN_SUBJECT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(subject)
        .bind::<BigInt, _>(position)
        .bind::<Timestamptz, _>(now);
    Prepared(hastened).execute(&mut **tx).await?;
    Ok(())
}

/// The condition that a delivery is for these eyes.
fn seen(with_protected: bool) -> String {
    if with_protected {
        "true".to_owned()
    } else {
        not_protected("webhook_deliveries.person_id")
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    deliveries: i64,
}

// A range is one of ids, which begin with the time, state by state: so it is read by the index of both, and nothing else of the
// endpoint's. What is to be sent now already is no part of it.
fn count(seen: &str) -> String {
    format!(
        "SELECT count(*) AS deliveries FROM (
    SELECT FROM webhook_deliveries
    WHERE tenant_id = $1 AND webhook_id = $2 AND state = $3 AND event_id >= $4 AND event_id < $5
        AND (next_at IS NULL OR next_at > $6) AND {seen} LIMIT $7) AS again"
    )
}

fn again(seen: &str) -> String {
    format!(
        "UPDATE webhook_deliveries SET state = 'waiting', tries = 0, next_at = $6, finished_at = NULL
WHERE tenant_id = $1 AND webhook_id = $2 AND state = $3 AND event_id >= $4 AND event_id < $5
    AND (next_at IS NULL OR next_at > $6) AND {seen}"
    )
}

const HASTEN: &str = "\
UPDATE webhook_deliveries SET tries = 0, next_at = $3
WHERE tenant_id = $1 AND webhook_id = $2 AND next_at > $3 AND next_at <= (
    SELECT max(next_at) FROM (
        SELECT next_at FROM webhook_deliveries
        WHERE tenant_id = $1 AND webhook_id = $2 AND next_at > $3 ORDER BY next_at LIMIT $4) AS first)";

const HASTEN_SUBJECT: &str = "\
UPDATE webhook_deliveries SET tries = 0, next_at = $5
WHERE tenant_id = $1 AND webhook_id = $2 AND subject = $3 AND finished_at IS NULL AND position <= $4";
