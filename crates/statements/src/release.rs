//! Publishing and taking back as staff do it: what they were shown is what is done, or nothing. Whoever imported a delivery
//! publishes it alone only where that isn't under four eyes; anybody else is the second pair themself.

use crate::{
    Deliveries, against,
    delivery::{self, Delivery, DeliveryNo, State},
    kind::Kind,
    month::Month,
    publish::{self, Manner, Published, candidate, plan, put_in_force, staff, take_back},
    reasons::{ALREADY_PUBLISHED, MEANWHILE, NO_DELIVERY, NOT_OPEN, NOT_PUBLISHED, PAST, TWO_PUBLISH, WISH_PAST},
    shared,
    steps::{self, Why},
};
use approvals::{Action, Agreed, Approvals, Asked, Asker, Difference, Performer, Wish, is_under_four_eyes};
use audit::{Actor, Origin};
use chrono::{DateTime, Datelike as _, SubsecRound as _, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{DeliveryId, Outage, OutageKind, Outcome, Reason, TenantId, calendar, outcome};
use serde::{Deserialize, Serialize};

/// The farthest that is planned: farther is a slip of a year.
pub(crate) const FARTHEST: TimeDelta = TimeDelta::days(366);

/// What staff wish to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Of what.
    pub kind: Kind,
    /// 処理年月.
    pub label: Month,
    /// Which version.
    pub version: i32,
    /// As what they were shown it ([`Stand::seen`]).
    pub seen: String,
    /// When; at once where nothing is said.
    pub at: Option<DateTime<Utc>>,
    /// Whether all members are told of it by a notice.
    pub notice: bool,
}

impl Release {
    fn is_past(&self, now: DateTime<Utc>) -> bool {
        self.at.is_some_and(|at| at <= now)
    }
}

/// What became of such a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Released {
    /// It is published.
    Now(Published),
    /// It will be.
    Planned(Delivery),
    /// Another must agree.
    Waits,
}

/// A delivery among the versions of its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    /// It.
    pub delivery: Delivery,
    /// All versions of its label, itself among them, the newest first.
    pub versions: Vec<Delivery>,
}

impl Stand {
    /// One of an insurer's; none where there is no such.
    pub async fn find(tx: &TenantTransaction, delivery: DeliveryNo) -> Result<Option<Self>, DatabaseError> {
        let Some(found) = delivery::one(tx, delivery).await? else {
            return Ok(None);
        };
        let versions = delivery::versions(tx, found.kind, found.label).await?;
        // Both are of the same moment.
        let again = versions.iter().find(|version| version.delivery == delivery).cloned();
        Ok(again.map(|delivery| Self { delivery, versions }))
    }

    /// The version of the label that is published.
    pub fn published(&self) -> Option<&Delivery> {
        self.versions.iter().find(|version| version.state == State::Published)
    }

    /// What a form was shown for: of anything else it does nothing.
    pub fn seen(&self) -> String {
        seen(&self.versions, &self.delivery)
    }

    /// The same for a program, as its `ETag`.
    pub(crate) fn etag(&self) -> String {
        etag(&self.versions, &self.delivery)
    }

    /// Of how many rows it changes whether they count, were it published.
    pub async fn publishing_changes(&self, tx: &TenantTransaction) -> Result<u64, DatabaseError> {
        let goes = self.published().map(|published| published.delivery);
        shared::would_change(tx, self.delivery.kind, Some(self.delivery.delivery), goes).await
    }

    /// Of how many rows it changes whether they count, were it taken back.
    pub async fn taking_back_changes(&self, tx: &TenantTransaction) -> Result<u64, DatabaseError> {
        shared::would_change(tx, self.delivery.kind, None, Some(self.delivery.delivery)).await
    }
}

/// How a delivery stands, and which version of its label is published, as one word.
fn seen(heads: &[Delivery], of: &Delivery) -> String {
    let published = heads
        .iter()
        .find(|head| head.label == of.label && head.state == State::Published);
    let at = of.publish_at.map_or(0, |at| at.timestamp_micros());
    format!(
        "{}.{}.{}.{at}",
        of.version,
        of.state.as_str(),
        published.map_or(0, |head| head.version)
    )
}

impl Deliveries {
    /// Publishes what a colleague was shown, now or at its time, or asks another to agree.
    pub async fn release(
        &self,
        tenant: TenantId,
        (approvals, asker): (&Approvals, Asker<'_>),
        release: &Release,
    ) -> Result<Outcome<Released>, Outage> {
        let mut tx = self.begin(tenant).await?;
        let now = self.clock.now();
        let ready = match ready(&mut tx, release).await? {
            Ok(ready) => ready,
            Err(reason) => return Ok(reason.into()),
        };
        if release.is_past(now) {
            return Ok(PAST.into());
        }
        let imported_by = steps::of_one(&tx, ready.delivery.delivery).await?.imported_by;
        if imported_by == Some(asker.staff_id) {
            match approvals.ask(&mut tx, now, asker, ready.wish(release)?).await? {
                Outcome::Done(Asked::GoesOn) => {}
                Outcome::Done(Asked::Waits(_)) => {
                    tx.commit().await?;
                    return Ok(Outcome::Done(Released::Waits));
                }
                Outcome::Refused(refusal) => return Ok(refusal.into()),
            }
        }
        let by = (asker.actor, *asker.origin);
        let manner = Manner {
            by: staff(asker.actor),
            notice: release.notice,
        };
        let (heads, candidate) = (&ready.heads, &ready.delivery);
        let released = match release.at {
            Some(at) => Released::Planned(plan(&mut tx, &self.keys, now, by, (candidate, at, manner)).await?),
            None => Released::Now(put_in_force(&mut tx, now, by, (heads, candidate, manner)).await?),
        };
        tx.commit().await?;
        Ok(Outcome::Done(released))
    }

    /// Takes back what a colleague was shown as published, or as to be published.
    pub async fn recall(
        &self,
        tenant: TenantId,
        by: (Actor, Origin),
        (delivery, seen_as, why): (DeliveryNo, &str, Option<Why>),
    ) -> Result<Outcome<Published>, Outage> {
        let mut tx = self.begin(tenant).await?;
        let Some(found) = delivery::one(&tx, delivery).await? else {
            return Ok(NO_DELIVERY.into());
        };
        let heads = delivery::lock(&mut tx, found.kind).await?;
        let now = self.clock.now();
        let head = heads.iter().find(|head| head.delivery == delivery);
        let stands = |head: &&Delivery| seen(&heads, head) == seen_as;
        let is_there = |head: &&Delivery| head.state == State::Published || head.publish_at.is_some();
        let Some(head) = head.filter(stands).filter(is_there) else {
            return Ok(MEANWHILE.into());
        };
        let recalled = take_back(&mut tx, now, by, (head, why)).await?;
        tx.commit().await?;
        Ok(Outcome::Done(recalled))
    }
}

/// What a program wishes to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentRelease {
    /// Which.
    pub(crate) id: DeliveryId,
    /// When; at once where nothing is said.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Whether all members are told of it by a notice.
    pub(crate) notice: bool,
}

impl Deliveries {
    /// Publishes for a program what is `known` to it, now or at its time. Four eyes are two of the staff's, who do it themselves.
    pub(crate) async fn release_sent(
        &self,
        tx: &mut TenantTransaction,
        by: (Actor, Origin),
        release: SentRelease,
        known: impl Fn(&str) -> bool,
    ) -> Result<Outcome<Stand>, DatabaseError> {
        let (heads, head) = match known_to(tx, release.id, known).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if let Err(reason) = candidate(&heads, head.label, Some(head.version)) {
            return Ok(reason.into());
        }
        let (now, at) = (self.clock.now(), release.at.map(|at| at.trunc_subsecs(6)));
        if at.is_some_and(|at| at <= now) {
            return Ok(PAST.into());
        }
        if release.notice && !publish::is_open(tx, head.kind).await? {
            return Ok(NOT_OPEN.into());
        }
        if is_under_four_eyes(&tenancy::insurer_of(tx).await?, Action::Statements) {
            return Ok(TWO_PUBLISH.into());
        }
        let manner = Manner {
            by: None,
            notice: release.notice,
        };
        match at {
            Some(at) => _ = plan(tx, &self.keys, now, by, (&head, at, manner)).await?,
            None => _ = put_in_force(tx, now, by, (&heads, &head, manner)).await?,
        }
        as_it_is(tx, head.delivery).await
    }

    /// Takes back for a program what is `known` to it as published, or as to be published.
    pub(crate) async fn recall_sent(
        &self,
        tx: &mut TenantTransaction,
        by: (Actor, Origin),
        (id, why): (DeliveryId, Why),
        known: impl Fn(&str) -> bool,
    ) -> Result<Outcome<Stand>, DatabaseError> {
        let (_, head) = match known_to(tx, id, known).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let is_published = head.state == State::Published;
        if !is_published && head.publish_at.is_none() {
            return Ok(NOT_PUBLISHED.into());
        }
        let why = Some(why).filter(|_| is_published);
        take_back(tx, self.clock.now(), by, (&head, why)).await?;
        as_it_is(tx, head.delivery).await
    }
}

/// A delivery under the lock of its kind, where it stands as it is known, with all of the kind.
async fn known_to(
    tx: &mut TenantTransaction,
    id: DeliveryId,
    known: impl Fn(&str) -> bool,
) -> Result<Outcome<(Vec<Delivery>, Delivery)>, DatabaseError> {
    let Some(found) = delivery::by_id(tx, id).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    let heads = delivery::lock(tx, found.kind).await?;
    let Some(head) = heads.iter().find(|head| head.id == id).cloned() else {
        return Ok(outcome::NOT_FOUND.into());
    };
    Ok(if known(&etag(&heads, &head)) {
        Outcome::Done((heads, head))
    } else {
        outcome::CONDITION_FAILED.into()
    })
}

/// The same, and when the label was last published: what is published anew after it was replaced or taken back is another state.
fn etag(heads: &[Delivery], of: &Delivery) -> String {
    let of_label = heads.iter().filter(|head| head.label == of.label);
    let published_at = of_label.filter_map(|head| head.published_at).max();
    let at = published_at.map_or(0, |at| at.timestamp_micros());
    format!("\"{}.{at}\"", seen(heads, of))
}

async fn as_it_is(tx: &TenantTransaction, delivery: DeliveryNo) -> Result<Outcome<Stand>, DatabaseError> {
    let stand = Stand::find(tx, delivery).await?;
    Ok(stand.map_or_else(|| outcome::NOT_FOUND.into(), Outcome::Done))
}

/// A version that can be published as it was shown, under the lock of its kind.
struct Ready {
    heads: Vec<Delivery>,
    delivery: Delivery,
}

/// Looks whether it can be, until the transaction's end.
async fn ready(tx: &mut TenantTransaction, release: &Release) -> Result<Result<Ready, Reason>, DatabaseError> {
    let heads = delivery::lock(tx, release.kind).await?;
    let of = |head: &Delivery| head.label == release.label && head.version == release.version;
    let Some(delivery) = heads.iter().find(|head| of(head)).cloned() else {
        return Ok(Err(NO_DELIVERY));
    };
    if seen(&heads, &delivery) != release.seen {
        let is_published = delivery.state == State::Published;
        return Ok(Err(if is_published { ALREADY_PUBLISHED } else { MEANWHILE }));
    }
    if let Err(reason) = candidate(&heads, release.label, Some(release.version)) {
        return Ok(Err(reason));
    }
    if release.notice && !publish::is_open(tx, release.kind).await? {
        return Ok(Err(NOT_OPEN));
    }
    Ok(Ok(Ready { heads, delivery }))
}

impl Ready {
    fn wish(&self, release: &Release) -> Result<Wish, Outage> {
        let parameters = serde_json::to_value(release).map_err(|error| Outage::new(OutageKind::Fault, error))?;
        Ok(Wish {
            action: Action::Statements,
            kind: "",
            subject: self.delivery.id.0,
            person: None,
            beneficiary: None,
            also: [].into(),
            parameters,
            difference: self.difference(release),
        })
    }

    /// What whoever agrees is shown, all of it as it was found when the file was read: rows that wait become fewer by themselves.
    fn difference(&self, release: &Release) -> Difference {
        let delivery = &self.delivery;
        let version = |version: i32| format!("第{version}版");
        let of_label = |head: &&Delivery| head.label == delivery.label && head.state == State::Published;
        let goes = self.heads.iter().find(of_label);
        let before = goes.map(|head| version(head.version));
        let month = delivery.label.first();
        let label = format!("{} {}年{}月処理分", delivery.kind.label(), month.year(), month.month());
        let at = release.at.map_or_else(|| "承認されたとき".to_owned(), calendar::moment);
        let notice = if release.notice { "載せる" } else { "載せない" };
        let lines = [
            ("公開する提供分", String::new(), label),
            ("公開する版", before.unwrap_or_default(), version(delivery.version)),
            ("ファイル", String::new(), delivery.file_name.clone()),
            ("公開する日時", String::new(), at),
            ("お知らせ", String::new(), notice.to_owned()),
        ];
        let lines = lines.map(|(what, before, after)| against::Difference { what, before, after });
        let lines = lines.into_iter().chain(against::lines(delivery, goes));
        lines
            .map(|line| (line.what.to_owned(), line.before, line.after))
            .collect()
    }
}

/// How it is published once another has agreed: as it was shown, or not at all. It is the worker that does it: so many claims
/// may be corrected that it takes longer than a page.
pub(crate) fn performer(deliveries: &Deliveries) -> Performer {
    let keys = deliveries.keys.clone();
    Performer::new(
        Action::Statements,
        "",
        |tx, agreed| {
            Box::pin(async move {
                let release = wished(agreed)?;
                Ok(match ready(tx, &release).await? {
                    Ok(ready) => Outcome::Done(ready.difference(&release)),
                    Err(reason) => reason.into(),
                })
            })
        },
        move |tx, agreed| {
            let keys = keys.clone();
            Box::pin(async move {
                let release = wished(agreed)?;
                let ready = match ready(tx, &release).await? {
                    Ok(ready) => ready,
                    Err(reason) => return Ok(reason.into()),
                };
                // What was shown is as it was: only this is said, and why.
                if release.is_past(agreed.now) {
                    return Ok(WISH_PAST.into());
                }
                let manner = Manner {
                    by: Some(agreed.asked_by),
                    notice: release.notice,
                };
                let by = (Actor::Staff(agreed.asked_by.0), agreed.origin);
                let at = release.at.unwrap_or_else(|| agreed.now.trunc_subsecs(6));
                plan(tx, &keys, agreed.now, by, (&ready.delivery, at, manner)).await?;
                Ok(Outcome::Done(()))
            })
        },
    )
}

fn wished(agreed: &Agreed) -> Result<Release, Outage> {
    serde_json::from_value(agreed.parameters.clone()).map_err(|error| Outage::new(OutageKind::Fault, error))
}
