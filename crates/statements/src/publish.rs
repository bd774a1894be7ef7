//! 公開: which version of a label counts. One small transaction each, whatever the delivery's size; people who look at the same
//! moment see the one or the other, never both and never none.

use crate::{
    Deliveries, announcement,
    delivery::{self, Delivery, State},
    kind::Kind,
    mailing,
    month::Month,
    reasons::{ALREADY_PUBLISHED, NO_DELIVERY, NOT_READY, PAST, PURGED, TAKEN_BACK},
    schema::statement_deliveries as t,
    shared,
    steps::{self, Why},
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, SubsecRound as _, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jobs::{Event, Job};
use kernel::{DeliveryId, Keys, Outage, Outcome, Reason, StaffId, TenantId};
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

/// How a version is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Manner {
    /// Which colleague wishes it.
    pub(crate) by: Option<StaffId>,
    /// Whether all members are told of it by a notice.
    pub(crate) notice: bool,
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
        let published = put_in_force(&mut tx, self.clock.now(), by, (&heads, candidate, Manner::default())).await?;
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
        let delivery = plan(&mut tx, &self.keys, now, by, (candidate, at, Manner::default())).await?;
        tx.commit().await?;
        Ok(Outcome::Done(delivery))
    }

    /// Publishes what is due; nothing where somebody decided otherwise.
    pub async fn publish_due(&self, tenant: TenantId, job: PublishAt) -> Result<(), DatabaseError> {
        let mut tx = self.begin(tenant).await?;
        let heads = delivery::lock(&mut tx, job.kind).await?;
        let waits = |head: &&Delivery| head.id == job.delivery && head.publish_at == Some(job.at);
        if let Some(candidate) = heads.iter().find(waits).filter(|head| head.may_be_published()) {
            let by = (Actor::System, Origin::worker());
            let steps = steps::of_one(&tx, candidate.delivery).await?;
            let manner = Manner {
                by: steps.publish_by,
                notice: steps.publish_notice,
            };
            put_in_force(&mut tx, self.clock.now(), by, (&heads, candidate, manner)).await?;
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
        let withdrawn = take_back(&mut tx, now, by, (head, None)).await?;
        tx.commit().await?;
        Ok(Outcome::Done(withdrawn))
    }

    pub(crate) async fn begin(&self, tenant: TenantId) -> Result<TenantTransaction, DatabaseError> {
        self.database.tenant(tenant).within(LONG).write(Durability::Safe).await
    }
}

/// Which version is meant.
pub(crate) fn candidate(heads: &[Delivery], label: Month, version: Option<i32>) -> Result<&Delivery, Reason> {
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

/// Has a version published at a time, under the lock of its kind.
pub(crate) async fn plan(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: (Actor, Origin),
    (candidate, at, manner): (&Delivery, DateTime<Utc>, Manner),
) -> Result<Delivery, DatabaseError> {
    let Delivery { kind, label, id, .. } = *candidate;
    forget_time(tx, kind, label).await?;
    diesel::update(t::table.find((tx.tenant(), candidate.delivery.0)))
        .set((
            t::publish_at.eq(at),
            t::publish_by.eq(manner.by),
            t::publish_notice.eq(manner.notice),
        ))
        .execute(&mut **tx)
        .await?;
    let job = PublishAt { kind, delivery: id, at };
    jobs::enqueue(tx, keys, now, at, &job).await?;
    let detail = json!({
        "kind": kind.as_str(), "label": label.to_string(), "version": candidate.version, "at": at,
        "notice": manner.notice,
    });
    record(tx, now, by, "statements.plan", id, detail).await?;
    Ok(Delivery {
        publish_at: Some(at),
        ..candidate.clone()
    })
}

/// Publishes one, under the lock of its kind.
pub(crate) async fn put_in_force(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: (Actor, Origin),
    (heads, candidate, manner): (&[Delivery], &Delivery, Manner),
) -> Result<Published, DatabaseError> {
    let Delivery { kind, label, id, .. } = *candidate;
    forget_time(tx, kind, label).await?;
    let before = heads
        .iter()
        .find(|head| head.label == label && head.state == State::Published);
    if let Some(before) = before {
        end(tx, now, (before, State::Replaced), (manner.by, None)).await?;
    }
    diesel::update(t::table.find((tx.tenant(), candidate.delivery.0)))
        .set((
            t::state.eq(State::Published.as_str()),
            t::published_at.eq(now),
            t::published_by.eq(manner.by),
            t::ended_at.eq(None::<DateTime<Utc>>),
            t::ended_by.eq(None::<StaffId>),
            t::ended_why.eq(None::<&str>),
        ))
        .execute(&mut **tx)
        .await?;
    let mut superseded = shared::settle(tx, kind, candidate.delivery).await?;
    if let Some(before) = before {
        superseded += shared::settle(tx, kind, before.delivery).await?;
    }
    let replaced = before.map(|before| before.version);
    let event = Event {
        kind: "statement.published",
        subject: id.0,
        payload: json!({ "kind": kind.as_str(), "label": label.to_string(), "version": candidate.version }),
    };
    jobs::publish(tx, now, event);
    // Between the wish and its time the insurer may have closed what the notice would lead to.
    let notice = manner.notice && is_open(tx, kind).await?;
    if notice {
        announcement::announce(tx, now, (by.0, &by.1), kind).await?;
    }
    let detail = json!({
        "kind": kind.as_str(), "label": label.to_string(), "version": candidate.version, "replaced": replaced,
        "rows": candidate.rows, "superseded": superseded, "notice": notice,
    });
    record(tx, now, by, "statements.publish", id, detail).await?;
    mailing::schedule(tx, now, candidate, before).await?;
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

/// Takes back what is published, or what is to be, under the lock of its kind.
pub(crate) async fn take_back(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: (Actor, Origin),
    (head, why): (&Delivery, Option<Why>),
) -> Result<Published, DatabaseError> {
    let Delivery { kind, label, id, .. } = *head;
    forget_time(tx, kind, label).await?;
    let mut superseded = 0;
    let mut withdrawn = Delivery {
        publish_at: None,
        ..head.clone()
    };
    let mut detail = json!({ "kind": kind.as_str(), "label": label.to_string(), "version": head.version });
    let mut action = "statements.plan.cancel";
    if head.state == State::Published {
        end(tx, now, (head, State::Withdrawn), (staff(by.0), why)).await?;
        superseded = shared::settle(tx, kind, head.delivery).await?;
        let event = Event {
            kind: "statement.withdrawn",
            subject: id.0,
            payload: detail.clone(),
        };
        jobs::publish(tx, now, event);
        action = "statements.withdraw";
        (withdrawn.state, withdrawn.ended_at) = (State::Withdrawn, Some(now));
    }
    if let (Some(detail), Some(why)) = (detail.as_object_mut(), why) {
        detail.insert("why".into(), why.as_str().into());
    }
    record(tx, now, by, action, id, detail).await?;
    Ok(Published {
        delivery: withdrawn,
        replaced: None,
        superseded,
    })
}

/// True where the insurer shows members what is published of a kind.
pub(crate) async fn is_open(tx: &TenantTransaction, kind: Kind) -> Result<bool, DatabaseError> {
    Ok(tenancy::insurer_of(tx).await?.modules.is_open(kind.feature()))
}

/// The colleague who does it, where it is one.
pub(crate) fn staff(actor: Actor) -> Option<StaffId> {
    match actor {
        Actor::Staff(id) => Some(StaffId(id)),
        _ => None,
    }
}

/// Ends what is published.
async fn end(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (head, state): (&Delivery, State),
    (by, why): (Option<StaffId>, Option<Why>),
) -> Result<(), DatabaseError> {
    diesel::update(t::table.find((tx.tenant(), head.delivery.0)))
        .set((
            t::state.eq(state.as_str()),
            t::ended_at.eq(now),
            t::ended_by.eq(by),
            t::ended_why.eq(why.map(Why::as_str)),
        ))
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
        .set((
            t::publish_at.eq(None::<DateTime<Utc>>),
            t::publish_by.eq(None::<StaffId>),
            t::publish_notice.eq(false),
        ))
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
