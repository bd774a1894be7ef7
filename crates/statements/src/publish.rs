//! 公開: which version of a label counts. One small transaction each, whatever the delivery's size; people who look at the same
//! moment see the one or the other, never both and never none.

use crate::{
    Deliveries,
    delivery::{self, Delivery, State},
    kind::Kind,
    month::Month,
    reasons::{ALREADY_PUBLISHED, NO_DELIVERY, NOT_READY, PAST, PURGED, TAKEN_BACK},
    schema::statement_deliveries as t,
    shared,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, SubsecRound as _, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jobs::{Event, Job};
use kernel::{DeliveryId, Outage, Outcome, Reason, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// What publishing the largest delivery of corrections may take.
const LONG: Duration = Duration::from_mins(5);

/// What was published, or withdrawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// It.
    pub delivery: Delivery,
    /// The version in whose place it is.
    pub replaced: Option<i32>,
    /// Rows that count now and didn't, or the other way round, because of it.
    pub superseded: u64,
}

/// Publishes a delivery when its time has come, unless somebody has decided otherwise meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishAt {
    kind: Kind,
    delivery: DeliveryId,
    at: DateTime<Utc>,
}

impl Job for PublishAt {
    const QUEUE: &'static str = "statement_publish";
    const PATIENCE: Duration = LONG;
}

impl Deliveries {
    /// Publishes a version of a label, in the place of the one that is published. Without a version: one that
    /// waits for it and is newer than all that were, or, where nothing is published, the one that was replaced last.
    pub async fn publish(
        &self,
        tenant: TenantId,
        by: (Actor, Origin),
        (kind, label, version): (Kind, Month, Option<i32>),
    ) -> Result<Outcome<Published>, Outage> {
        let mut tx = self.begin(tenant).await?;
        let heads = delivery::lock(&mut tx, kind).await?;
        let candidate = match candidate(&heads, label, version) {
            Ok(candidate) => candidate,
            Err(reason) => return Ok(reason.into()),
        };
        let published = put_in_force(&mut tx, self.clock.now(), by, (&heads, candidate)).await?;
        tx.commit().await?;
        Ok(Outcome::Done(published))
    }

    /// Has a version published at a time to come. It is forgotten once the label is published or withdrawn before.
    pub async fn publish_at(
        &self,
        tenant: TenantId,
        by: (Actor, Origin),
        (kind, label, version): (Kind, Month, Option<i32>),
        at: DateTime<Utc>,
    ) -> Result<Outcome<Delivery>, Outage> {
        let (now, at) = (self.clock.now(), at.trunc_subsecs(6));
        if at <= now {
            return Ok(PAST.into());
        }
        let mut tx = self.begin(tenant).await?;
        let heads = delivery::lock(&mut tx, kind).await?;
        let candidate = match candidate(&heads, label, version) {
            Ok(candidate) => candidate,
            Err(reason) => return Ok(reason.into()),
        };
        forget_time(&mut tx, kind, label).await?;
        diesel::update(t::table.find((tenant, candidate.delivery.0)))
            .set(t::publish_at.eq(at))
            .execute(&mut *tx)
            .await?;
        let job = PublishAt {
            kind,
            delivery: candidate.id,
            at,
        };
        jobs::enqueue(&mut tx, &self.keys, now, at, &job).await?;
        let detail = json!({
            "kind": kind.as_str(), "label": label.to_string(), "version": candidate.version, "at": at,
        });
        record(&tx, now, by, "statements.publish", candidate.id, detail).await?;
        tx.commit().await?;
        let delivery = Delivery {
            publish_at: Some(at),
            ..candidate.clone()
        };
        Ok(Outcome::Done(delivery))
    }

    /// Publishes what is due; nothing where somebody decided otherwise.
    pub async fn publish_due(&self, tenant: TenantId, job: PublishAt) -> Result<(), DatabaseError> {
        let mut tx = self.begin(tenant).await?;
        let heads = delivery::lock(&mut tx, job.kind).await?;
        let waits = |head: &&Delivery| head.id == job.delivery && head.publish_at == Some(job.at);
        if let Some(candidate) = heads.iter().find(waits).filter(|head| head.may_be_published()) {
            let by = (Actor::System, Origin::worker());
            put_in_force(&mut tx, self.clock.now(), by, (&heads, candidate)).await?;
        }
        tx.commit().await
    }

    /// Takes back what is published of a label, or else what is to be published.
    pub async fn withdraw(
        &self,
        tenant: TenantId,
        by: (Actor, Origin),
        (kind, label): (Kind, Month),
    ) -> Result<Outcome<Published>, Outage> {
        let mut tx = self.begin(tenant).await?;
        let heads = delivery::lock(&mut tx, kind).await?;
        // Behind the lock: what is published later counts from later.
        let now = self.clock.now();
        let of_label = || heads.iter().filter(|head| head.label == label);
        let published = of_label().find(|head| head.state == State::Published);
        let Some(head) = published.or_else(|| of_label().find(|head| head.publish_at.is_some())) else {
            return Ok(NO_DELIVERY.into());
        };
        forget_time(&mut tx, kind, label).await?;
        let mut superseded = 0;
        let detail = json!({ "kind": kind.as_str(), "label": label.to_string(), "version": head.version });
        if published.is_some() {
            end(&mut tx, now, (head, State::Withdrawn)).await?;
            superseded = shared::settle(&mut tx, kind, head.delivery).await?;
            let event = Event {
                kind: "statement.withdrawn",
                subject: head.id.0,
                payload: detail.clone(),
            };
            jobs::publish(&mut tx, now, event);
        }
        record(&tx, now, by, "statements.withdraw", head.id, detail).await?;
        let delivery = delivery::one(&tx, head.delivery).await?;
        tx.commit().await?;
        Ok(match delivery {
            Some(delivery) => Outcome::Done(Published {
                delivery,
                replaced: None,
                superseded,
            }),
            None => NO_DELIVERY.into(),
        })
    }

    async fn begin(&self, tenant: TenantId) -> Result<TenantTransaction, DatabaseError> {
        self.database.tenant(tenant).within(LONG).write(Durability::Safe).await
    }
}

/// Which version is meant.
fn candidate(heads: &[Delivery], label: Month, version: Option<i32>) -> Result<&Delivery, Reason> {
    let of_label = || heads.iter().filter(move |head| head.label == label);
    let published = of_label().find(|head| head.state == State::Published);
    if let Some(version) = version {
        let head = of_label().find(|head| head.version == version).ok_or(NO_DELIVERY)?;
        return match head.state {
            State::Published => Err(ALREADY_PUBLISHED),
            State::Checked | State::Loading | State::Refused => Err(NOT_READY),
            State::Ready | State::Replaced | State::Withdrawn if head.purged_at.is_some() => Err(PURGED),
            State::Ready | State::Replaced | State::Withdrawn => Ok(head),
        };
    }
    let in_state = |state| of_label().filter(move |head| head.state == state && head.may_be_published());
    // One that was passed over for a later one is shown by its version alone.
    let shown = of_label()
        .filter(|head| head.published_at.is_some())
        .map(|head| head.version)
        .max();
    let ready = in_state(State::Ready).max_by_key(|head| head.version);
    let ready = ready.filter(|ready| Some(ready.version) > shown);
    match (ready, published) {
        (Some(ready), _) => Ok(ready),
        (None, Some(_)) => Err(ALREADY_PUBLISHED),
        (None, None) => in_state(State::Replaced)
            .max_by_key(|head| head.ended_at)
            .ok_or(if shown.is_some() { TAKEN_BACK } else { NO_DELIVERY }),
    }
}

/// Publishes one, under the lock of its kind.
async fn put_in_force(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: (Actor, Origin),
    (heads, candidate): (&[Delivery], &Delivery),
) -> Result<Published, DatabaseError> {
    let Delivery { kind, label, id, .. } = *candidate;
    forget_time(tx, kind, label).await?;
    let before = heads
        .iter()
        .find(|head| head.label == label && head.state == State::Published);
    if let Some(before) = before {
        end(tx, now, (before, State::Replaced)).await?;
    }
    diesel::update(t::table.find((tx.tenant(), candidate.delivery.0)))
        .set((
            t::state.eq(State::Published.as_str()),
            t::published_at.eq(now),
            t::ended_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(&mut **tx)
        .await?;
    let mut superseded = shared::settle(tx, kind, candidate.delivery).await?;
    if let Some(before) = before {
        superseded += shared::settle(tx, kind, before.delivery).await?;
    }
    let replaced = before.map(|before| before.version);
    let detail = json!({
        "kind": kind.as_str(), "label": label.to_string(), "version": candidate.version, "replaced": replaced,
        "rows": candidate.rows, "superseded": superseded,
    });
    let event = Event {
        kind: "statement.published",
        subject: id.0,
        payload: detail.clone(),
    };
    jobs::publish(tx, now, event);
    record(tx, now, by, "statements.publish", id, detail).await?;
    let delivery = Delivery {
        state: State::Published,
        publish_at: None,
        published_at: Some(now),
        ended_at: None,
        ..candidate.clone()
    };
    Ok(Published {
        delivery,
        replaced,
        superseded,
    })
}

/// Ends what is published.
async fn end(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (head, state): (&Delivery, State),
) -> Result<(), DatabaseError> {
    diesel::update(t::table.find((tx.tenant(), head.delivery.0)))
        .set((t::state.eq(state.as_str()), t::ended_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets what of a label was to be published.
async fn forget_time(tx: &mut TenantTransaction, kind: Kind, label: Month) -> Result<(), DatabaseError> {
    let waiting = t::table
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::label.eq(label.first()))
        .filter(t::publish_at.is_not_null());
    diesel::update(waiting)
        .set(t::publish_at.eq(None::<DateTime<Utc>>))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    (actor, origin): (Actor, Origin),
    action: &'static str,
    delivery: DeliveryId,
    detail: serde_json::Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor,
        action,
        object: Some(("delivery", delivery.0)),
        outcome: "done",
        detail,
    };
    audit::record(tx, now, &origin, entry).await
}
