//! Telling members by mail that something was published which they see: at most one mail per account and publication, none of
//! who sees nothing new, and none any more once it was taken back or replaced.
//!
//! The worker goes through the insurer's accounts by id, so many in a transaction, and keeps up to whom it came: after a crash the
//! next worker goes on from there, and nobody is told twice. Accounts, and not the delivery's people: of each the question is the
//! same whether they see rows of their own, of their family or of a ward, it costs some look-ups by key, and no million of rows has
//! to be sorted for its people. All of it is asked once more when the mail is sent.

use crate::{
    Deliveries,
    delivery::{Delivery, State},
    kind::Kind,
    messages::{About, NewStatement},
    month::{Month, Months},
    news::Change,
    portal, purge,
    schema::{statement_deliveries as d, statement_mailings as t},
    visibility::Viewer,
};
use accounts::{Accounts, LookedAt, Reader, Readers, Stream};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jobs::{
    Due, LetGo, Queue,
    due::{self, Rank},
};
use kernel::{AccountId, Clock, DeliveryId};
use std::{future::Future, pin::Pin, sync::Arc};
use tenancy::Insurer;

/// The queue's name in `due`.
const QUEUE: &str = "statement_mail";
/// How often a batch is taken without coming to any end: it must be what ends the worker.
const TAKES: i16 = 5;
/// Accounts looked at in a transaction.
const BATCH: u32 = 500;
/// How long mails wait where nobody may look, before it is asked again.
const SHUT: TimeDelta = TimeDelta::hours(1);
/// From when on nobody is told any more. So long the rows that were replaced are kept, by which new ones are known.
const OVER: TimeDelta = purge::KEPT;

/// Tells members of what is published now, in the place of another version. Where it was published before it goes on behind whom it
/// came to: nobody is told of a version twice, however often it is taken back and published anew.
pub(crate) async fn schedule(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    delivery: &Delivery,
    replaced: Option<&Delivery>,
) -> Result<(), DatabaseError> {
    let begun = (
        t::published_at.eq(now),
        t::replaced.eq(replaced.map(|replaced| replaced.delivery.0)),
        t::ended_at.eq(None::<DateTime<Utc>>),
    );
    diesel::insert_into(t::table)
        .values((
            t::tenant_id.eq(tx.tenant()),
            t::delivery_id.eq(delivery.id),
            begun,
            t::told.eq(0),
        ))
        .on_conflict((t::tenant_id, t::delivery_id))
        .do_update()
        .set(begun)
        .execute(&mut **tx)
        .await?;
    due::schedule(tx, QUEUE, delivery.id.0, now, Rank::Bulk).await
}

/// The queue for a worker, and what is asked before its mails are sent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mailing {
    database: Database,
    clock: Clock,
    accounts: Accounts,
}

impl Mailing {
    pub(crate) fn new(deliveries: &Deliveries, accounts: &Accounts) -> Self {
        Self {
            database: deliveries.database.clone(),
            clock: deliveries.clock.clone(),
            accounts: accounts.clone(),
        }
    }

    async fn go_on(&self, due: Due) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
        let again = if due.takes > TAKES {
            tracing::warn!(tenant = due.tenant.0, delivery = %due.item, "mails about statements never came to an end");
            end(&mut tx, DeliveryId(due.item), now).await?;
            None
        } else {
            self.tell(&mut tx, DeliveryId(due.item), now).await?
        };
        let ours = match again {
            Some(at) => due::put_back(&mut tx, &due, at).await?,
            None => due::finish(&mut tx, &due).await?,
        };
        if ours { tx.commit().await } else { tx.rollback().await }
    }

    /// Tells the next members; when there is more to do, if there is.
    async fn tell(
        &self,
        tx: &mut TenantTransaction,
        id: DeliveryId,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        let Some(at_work) = lock(tx, id).await? else {
            return Ok(None);
        };
        let publication = publication(tx, (id, at_work.published_at)).await?;
        let Some(publication) = publication.filter(|_| now < at_work.published_at + OVER) else {
            end(tx, id, now).await?;
            return Ok(None);
        };
        let insurer = tenancy::insurer_of(tx).await?;
        if !is_shown(&insurer, publication.change.kind) {
            return Ok(Some(now + SHUT));
        }
        let pace = insurer.statements.mails_per_minute;
        let next = (at_work.come_to, pace.min(BATCH).into());
        let LookedAt { last, readers } = self.accounts.readers(tx, &insurer, &Readers::Statements, next).await?;
        let Some(last) = last else {
            end(tx, id, now).await?;
            return Ok(None);
        };
        let readers = publication.seen_by(tx, &insurer, now, readers).await?;
        let told = self.post(tx, &insurer, &publication, &readers).await?;
        come_to(tx, id, (last, told)).await?;
        Ok(Some(now + spell(told, pace)))
    }

    async fn post(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        publication: &Publication,
        readers: &[Reader],
    ) -> Result<usize, DatabaseError> {
        let kind = publication.change.kind;
        let letterhead = self.accounts.letterhead(insurer);
        let page = self.accounts.link(match kind {
            Kind::Costs => portal::COSTS,
            Kind::Medicines => portal::MEDICINES,
        });
        let message = |reader: &Reader, links| {
            let about = About {
                delivery: publication.id,
                published_at: publication.published_at,
                account: reader.account_id,
            };
            NewStatement::new(letterhead.clone(), kind, page.clone(), links, about)
        };
        let until = Some(publication.published_at + OVER);
        let stream = (Stream::Statements, until);
        self.accounts.tell(tx, insurer, stream, readers, message).await
    }

    /// True where a mail still tells the truth, to somebody who wishes to hear it.
    async fn is_still_so(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        about: About,
    ) -> Result<bool, DatabaseError> {
        let Some(publication) = publication(tx, (about.delivery, about.published_at)).await? else {
            return Ok(false);
        };
        let insurer = tenancy::insurer_of(tx).await?;
        if !is_shown(&insurer, publication.change.kind) {
            return Ok(false);
        }
        let readers = Readers::StatementsOf(about.account);
        let LookedAt { readers, .. } = self.accounts.readers(tx, &insurer, &readers, (None, 1)).await?;
        let readers = publication.seen_by(tx, &insurer, now, readers).await?;
        Ok(!readers.is_empty())
    }
}

/// Adds the mails to those that the postman knows.
pub(crate) fn known_to(registry: mail::Registry, mailing: Mailing) -> mail::Registry {
    registry.with_asked(Arc::new(move |tx, now, message: NewStatement| {
        let mailing = mailing.clone();
        Box::pin(async move { mailing.is_still_so(tx, now, message.about).await })
    }))
}

impl Queue for Mailing {
    fn name(&self) -> &'static str {
        QUEUE
    }

    fn width(&self) -> usize {
        2
    }

    // A batch is one short transaction: there is nothing to let go of before its end.
    fn work(&self, due: Due, _let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.go_on(due))
    }
}

/// True where members may look at what is published.
fn is_shown(insurer: &Insurer, kind: Kind) -> bool {
    insurer.is_open() && insurer.modules.is_open(kind.feature())
}

/// How long so many mails take of the insurer's pace in a minute.
fn spell(told: usize, pace: u32) -> TimeDelta {
    let told = i64::try_from(told).unwrap_or(i64::MAX);
    TimeDelta::milliseconds(told.saturating_mul(60_000) / i64::from(pace.max(1)))
}

/// A publication that is in force.
struct Publication {
    id: DeliveryId,
    published_at: DateTime<Utc>,
    change: Change,
}

impl Publication {
    /// Those of these readers for whom there is something new.
    async fn seen_by(
        &self,
        tx: &TenantTransaction,
        insurer: &Insurer,
        now: DateTime<Utc>,
        mut readers: Vec<Reader>,
    ) -> Result<Vec<Reader>, DatabaseError> {
        let viewers: Vec<Viewer> = readers
            .iter()
            .map(|reader| Viewer {
                person: reader.person_id,
                proof: reader.proof,
            })
            .collect();
        let news = self.change.is_news_to(tx, &insurer.statements, now, &viewers).await?;
        let mut place = 0..;
        readers.retain(|_| place.next().is_some_and(|place| news.contains(&place)));
        Ok(readers)
    }
}

/// A mailing under way.
#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct AtWork {
    published_at: DateTime<Utc>,
    come_to: Option<AccountId>,
}

/// The mailing of a delivery, unless it has come to its end. Whoever publishes it anew waits.
async fn lock(tx: &mut TenantTransaction, id: DeliveryId) -> Result<Option<AtWork>, DatabaseError> {
    let at_work = t::table
        .find((tx.tenant(), id))
        .filter(t::ended_at.is_null())
        .select(AtWork::as_select())
        .for_update();
    Ok(at_work.first(&mut **tx).await.optional()?)
}

/// What is published since that very moment; none where it was taken back or replaced meanwhile, even if it is published anew.
async fn publication(
    tx: &TenantTransaction,
    (id, published_at): (DeliveryId, DateTime<Utc>),
) -> Result<Option<Publication>, DatabaseError> {
    let tenant = tx.tenant();
    let found: Option<(i32, String, Vec<Month>, Option<i32>)> = d::table
        .inner_join(t::table.on(t::tenant_id.eq(tenant).and(t::delivery_id.eq(d::delivery_id))))
        .filter(d::tenant_id.eq(tenant))
        .filter(d::delivery_id.eq(id))
        .filter(d::state.eq(State::Published.as_str()))
        .filter(d::published_at.eq(published_at))
        .filter(t::published_at.eq(published_at))
        .select((d::delivery, d::kind, d::months, t::replaced))
        .first(&mut &**tx)
        .await
        .optional()?;
    Ok(found.and_then(|(delivery, kind, months, replaced)| {
        let (first, last) = (*months.as_slice().first()?, *months.as_slice().last()?);
        let change = Change {
            kind: Kind::from_word(&kind)?,
            delivery,
            replaced,
            months: Months { first, last },
        };
        Some(Publication {
            id,
            published_at,
            change,
        })
    }))
}

/// Notes up to whom it came, and how many were told.
async fn come_to(
    tx: &mut TenantTransaction,
    id: DeliveryId,
    (last, told): (AccountId, usize),
) -> Result<(), DatabaseError> {
    let told = i32::try_from(told).unwrap_or(i32::MAX);
    diesel::update(t::table.find((tx.tenant(), id)))
        .set((t::come_to.eq(last), t::told.eq(t::told + told)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn end(tx: &mut TenantTransaction, id: DeliveryId, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    diesel::update(t::table.find((tx.tenant(), id)))
        .set(t::ended_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
