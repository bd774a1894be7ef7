//! What became of messages that were sent: noted, tried again after growing waits, given up; and of their endpoint, which is disabled
//! where nothing arrives for days.

use crate::{
    Message, Webhooks,
    deliver::Batch,
    endpoint::{GIVES_UP_AFTER, Row, Why},
    manage::disable,
    messages::{Letterhead, WebhookDisabled},
    schema::webhook_endpoints,
    send::Answer,
    trail::{by_worker, record},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use futures_util::future::try_join_all;
use jobs::{
    Due,
    due::{self, Rank},
};
use kernel::{EmailAddress, EventId, WebhookId};
use serde_json::json;
use std::time::Duration;

/// How long it is waited after each try; after the last there is no other.
const WAITS: [TimeDelta; 7] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(10),
];
/// An endpoint that takes longer to answer stands behind those that don't.
const SLOW: Duration = Duration::from_secs(2);
/// The answer of an endpoint that is gone for good.
const GONE: Answer = Answer::Status(410);

/// How a try of a message ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) message: &'a Message,
    pub(crate) answer: Answer,
    pub(crate) took: Duration,
}

impl Ended<'_> {
    /// True where there was no answer at all: others to this endpoint would hang as well.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.answer, Answer::Nothing(_))
    }

    /// For the metrics.
    pub(crate) fn count(&self) {
        let ending = match self.answer {
            answer if answer.is_taken() => "delivered",
            Answer::Status(_) => "refused",
            Answer::Nothing(_) => "failed",
        };
        metrics::counter!("webhook_deliveries_total", "ending" => ending).increment(1);
    }

    fn next_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let tried = usize::try_from(self.message.tries).unwrap_or(usize::MAX);
        let wait = WAITS.get(tried).copied().filter(|_| !self.answer.is_taken());
        wait.map(|wait| now + wait)
    }

    fn state(&self, now: DateTime<Utc>) -> &'static str {
        if self.answer.is_taken() {
            "delivered"
        } else if self.next_at(now).is_some() {
            "waiting"
        } else {
            "failed"
        }
    }
}

/// How soon the endpoint is served next: after all others where it has just kept its place waiting, and as before where nothing was sent.
pub(crate) fn rank(due: &Due, ended: &[Ended<'_>]) -> Rank {
    if ended.is_empty() {
        due.rank
    } else if ended.iter().any(|one| one.is_unanswered() || one.took > SLOW) {
        Rank::Bulk
    } else {
        Rank::Soon
    }
}

impl Batch {
    /// Why nothing is to be sent any more after this, if that is so.
    pub(crate) fn gives_up(&self, now: DateTime<Utc>, ended: &[Ended<'_>]) -> Option<Why> {
        if ended.iter().any(|one| one.answer == GONE) {
            return Some(Why::Gone);
        }
        let is_over = self
            .row
            .failing_since
            .is_some_and(|since| since <= now - GIVES_UP_AFTER);
        let none_arrived = !ended.is_empty() && !ended.iter().any(|one| one.answer.is_taken());
        (is_over && none_arrived).then_some(Why::Failing)
    }
}

impl Webhooks {
    /// Notes it, in the transaction that holds the endpoint.
    pub(crate) async fn settle(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        (batch, row): (&Batch, &Row),
        ended: &[Ended<'_>],
        contact: Option<EmailAddress>,
    ) -> Result<(), DatabaseError> {
        if ended.is_empty() {
            return Ok(());
        }
        note(tx, now, row.webhook_id, ended).await?;
        let arrived = ended.iter().any(|one| one.answer.is_taken());
        let (last_success_at, failing_since) = if arrived {
            (Some(now), None)
        } else {
            (row.last_success_at, row.failing_since.or(Some(now)))
        };
        diesel::update(webhook_endpoints::table.find((tx.tenant(), row.webhook_id)))
            .set((
                webhook_endpoints::last_success_at.eq(last_success_at),
                webhook_endpoints::failing_since.eq(failing_since),
            ))
            .execute(&mut **tx)
            .await?;
        let Some(why) = batch.gives_up(now, ended).filter(|_| row.is_active()) else {
            return Ok(());
        };
        let whose = by_worker(row.grant_id, batch.grant.client.client_id);
        let detail = json!({ "webhook": row.webhook_id, "why": why.as_str() });
        record(tx, now, whose, "webhook.disable", detail).await?;
        disable(tx, now, row, why).await?;
        let Some(to) = contact else { return Ok(()) };
        let insurer = &batch.insurer;
        let message = WebhookDisabled {
            letterhead: Letterhead::of(insurer),
            name: batch.grant.name.clone(),
            client_id: batch.grant.client.to_string(),
            webhook_id: row.webhook_id.to_string(),
            is_gone: why == Why::Gone,
        };
        let letter = mail::Letter {
            sender: mail::Sender {
                name: insurer.sender.name.clone(),
                address: insurer.sender.address.clone(),
            },
            to,
            subject_id: None,
            expires_at: None,
            message: &message,
        };
        mail::post(tx, &self.keys, now, letter).await?;
        Ok(())
    }
}

/// Leaves the endpoint to whoever takes it next: at once, when the next message is due, or after it has rested; out of the queue where
/// none waits. None where another has it by now, and what is in the transaction is not to be committed; never stays.
pub(crate) async fn leave(
    tx: &mut TenantTransaction,
    due: &Due,
    now: DateTime<Utc>,
    rests: Option<DateTime<Utc>>,
) -> Result<Option<bool>, DatabaseError> {
    // Whoever schedules it meanwhile waits, and finds it or makes it anew.
    if !due::hold(tx, due).await? {
        return Ok(None);
    }
    match next_at(tx, WebhookId(due.item)).await? {
        Some(at) => _ = due::postpone(tx, due, at.max(now).max(rests.unwrap_or(now)), due.rank).await?,
        None => _ = due::finish(tx, due).await?,
    }
    Ok(Some(false))
}

/// Goes on with the endpoint where there is more that is due; as [`leave`] where there isn't.
pub(crate) async fn stays(
    tx: &mut TenantTransaction,
    due: &Due,
    now: DateTime<Utc>,
) -> Result<Option<bool>, DatabaseError> {
    if next_at(tx, WebhookId(due.item)).await?.is_some_and(|at| at <= now) {
        return Ok(due::hold(tx, due).await?.then_some(true));
    }
    leave(tx, due, now, None).await
}

/// When the next message is due, or one that is to be put off.
async fn next_at(tx: &mut TenantTransaction, id: WebhookId) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Next {
        #[diesel(sql_type = Timestamptz)]
        next_at: DateTime<Utc>,
    }
    let next = diesel::sql_query(NEXT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id);
    let next: Option<Next> = Prepared(next).get_result(&mut **tx).await.optional()?;
    Ok(next.map(|next| next.next_at))
}

/// Notes how tries ended. What was given up or sent anew meanwhile stays as it is.
async fn note(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    id: WebhookId,
    ended: &[Ended<'_>],
) -> Result<(), DatabaseError> {
    let noted = ended.iter().map(|one| {
        let (status, reason) = match one.answer {
            Answer::Status(status) => (Some(i32::from(status)), None),
            Answer::Nothing(why) => (None, Some(why)),
        };
        let noted = diesel::sql_query(NOTE)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id)
            .bind::<SqlUuid, _>(one.message.event_id)
            .bind::<Text, _>(one.state(now))
            .bind::<Nullable<Timestamptz>, _>(one.next_at(now))
            .bind::<Nullable<Integer>, _>(status)
            .bind::<Nullable<Text>, _>(reason)
            .bind::<Timestamptz, _>(now);
        async move { Prepared(noted).execute(&mut &**tx).await }
    });
    try_join_all(noted).await?;
    Ok(())
}

/// Puts messages off until the ones are tried that they stand behind.
pub(crate) async fn put_off(
    tx: &TenantTransaction,
    id: WebhookId,
    later: &[(EventId, DateTime<Utc>)],
) -> Result<(), DatabaseError> {
    let put_off = later.iter().map(|(event, at)| {
        let put_off = diesel::sql_query(PUT_OFF)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id)
            .bind::<SqlUuid, _>(*event)
            .bind::<Timestamptz, _>(*at);
        async move { Prepared(put_off).execute(&mut &**tx).await }
    });
    try_join_all(put_off).await?;
    Ok(())
}

/// Gives up what the client may not be told any more.
pub(crate) async fn withhold(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    id: WebhookId,
    messages: &[Message],
) -> Result<(), DatabaseError> {
    let withheld = messages.iter().map(|message| {
        let withheld = diesel::sql_query(WITHHOLD)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id)
            .bind::<SqlUuid, _>(message.event_id)
            .bind::<Timestamptz, _>(now);
        async move { Prepared(withheld).execute(&mut &**tx).await }
    });
    try_join_all(withheld).await?;
    Ok(())
}

const NEXT: &str = "\
SELECT next_at FROM webhook_deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND next_at IS NOT NULL ORDER BY next_at LIMIT 1";

// One by one, without waiting for each: a list of ids the planner joins as it likes, and reads all of an endpoint of which it knows
// nothing. With the state, too, every index that it may take leads to the one row.
const NOTE: &str = "\
UPDATE webhook_deliveries
SET state = $4, tries = tries + 1, next_at = $5, status = $6, reason = $7,
    finished_at = CASE WHEN $5::timestamptz IS NULL THEN $8::timestamptz END
WHERE tenant_id = $1 AND webhook_id = $2 AND event_id = $3 AND state = 'waiting'";

const PUT_OFF: &str = "\
UPDATE webhook_deliveries SET next_at = $4
WHERE tenant_id = $1 AND webhook_id = $2 AND event_id = $3 AND state = 'waiting'";

const WITHHOLD: &str = "\
UPDATE webhook_deliveries SET state = 'given_up', next_at = NULL, reason = 'withheld', finished_at = $4
WHERE tenant_id = $1 AND webhook_id = $2 AND event_id = $3 AND state = 'waiting'";

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn message(tries: i32) -> Message {
        Message {
            event_id: EventId(Uuid::nil()),
            kind: "webhook.test".into(),
            subject: Uuid::nil(),
            person_id: None,
            sequence: 1,
            happened_at: DateTime::UNIX_EPOCH,
            of_kind: None,
            tries,
        }
    }

    #[test]
    fn a_message_is_tried_eight_times_after_the_waits_of_the_contract() {
        let now = DateTime::UNIX_EPOCH;
        for answer in [Answer::Status(500), Answer::Status(302), Answer::Nothing("timeout")] {
            let waits: Vec<_> = (0..8)
                .map(|tries| {
                    let message = message(tries);
                    let ended = Ended {
                        message: &message,
                        answer,
                        took: Duration::ZERO,
                    };
                    assert_eq!(ended.state(now), if tries < 7 { "waiting" } else { "failed" });
                    ended.next_at(now).map(|at| (at - now).num_seconds())
                })
                .collect();
            let hours = |hours: i64| Some(hours * 3600);
            let expected = [
                Some(5),
                Some(300),
                Some(1800),
                hours(2),
                hours(5),
                hours(10),
                hours(10),
                None,
            ];
            assert_eq!(waits, expected, "{answer:?}");
        }
    }

    #[test]
    fn only_what_was_taken_has_arrived() {
        let message = message(0);
        let state = |answer| {
            Ended {
                message: &message,
                answer,
                took: Duration::ZERO,
            }
            .state(DateTime::UNIX_EPOCH)
        };
        for taken in [200, 201, 204, 299] {
            assert_eq!(state(Answer::Status(taken)), "delivered");
        }
        for other in [199, 300, 301, 304, 400, 410, 500] {
            assert_eq!(state(Answer::Status(other)), "waiting");
        }
    }
}
