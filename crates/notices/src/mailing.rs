//! Telling members by mail that there is a notice, where staff proposed it and the members wish it.
//!
//! The worker goes through the accounts by id, so many in a transaction, and keeps with the notice up to whom it came: after a
//! crash the next worker goes on from there, and nobody is told twice. Only who holds the notice's place in the queue may
//! commit.
//!
//! Of how many notices to all or to some of them they are told in a day is bounded, whoever publishes: by staff or a program that
//! has lost count nobody's box is filled. A notice to one person is in no such count.

use crate::{Audience, Notices, group::GroupColumns, reasons::MAILS_USED_UP, schema::notices};
use accounts::{Accounts, Readers};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Timestamptz},
};
use diesel_async::RunQueryDsl;
use jobs::{
    Due, LetGo, Queue,
    due::{self, Rank},
};
use kernel::{AccountId, Clock, NoticeId, PersonId, Refusal, calendar};
use std::{future::Future, pin::Pin};

/// The queue's name in `due`.
const QUEUE: &str = "notice_mail";
/// How often a batch is taken without coming to any end: it must be what ends the worker.
const TAKES: i16 = 5;
/// How long mails of a suspended insurer wait before they are looked at again.
const SUSPENDED: TimeDelta = TimeDelta::hours(1);

/// Notices to all or to some of an insurer's members of which they are told by mail on a day in Japan.
const A_DAY: i64 = 10;
/// Of locks of a day's mails, beside the insurer's id.
const LOCK: i32 = 0x6e6f_7469;

/// Until the transaction's end nobody else publishes what is told by mail: of two who count the same notices, one does.
pub(crate) async fn lock_day(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    tx.advisory_lock(LOCK, tx.tenant().0).await
}

/// What refuses one more notice that is told by mail on this day, where there are as many as a day takes.
pub(crate) async fn used_up(tx: &TenantTransaction, day: NaiveDate) -> Result<Option<Refusal>, DatabaseError> {
    let (begins, ends) = (
        calendar::start_of_day(day),
        calendar::start_of_day(day.succ_opt().unwrap_or(day)),
    );
    let query = diesel::sql_query(TOLD_OF)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(begins)
        .bind::<Timestamptz, _>(ends);
    let told: ToldOf = Prepared(query).get_result(&mut &**tx).await?;
    Ok((told.notices >= A_DAY).then(|| Refusal {
        until: Some(ends),
        ..MAILS_USED_UP.into()
    }))
}

/// Tells members of a notice from then on; again where it was to be told of at another time.
pub(crate) async fn schedule(
    tx: &mut TenantTransaction,
    id: NoticeId,
    from: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    due::schedule(tx, QUEUE, id.0, from, Rank::Bulk).await
}

/// The queue for a worker.
pub(crate) struct Mailing {
    database: Database,
    clock: Clock,
    accounts: Accounts,
}

impl Mailing {
    pub(crate) fn new(notices: &Notices, accounts: &Accounts) -> Self {
        Self {
            database: notices.database.clone(),
            clock: notices.clock.clone(),
            accounts: accounts.clone(),
        }
    }

    async fn go_on(&self, due: Due) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
        let again = if due.takes > TAKES {
            tracing::warn!(tenant = due.tenant.0, notice = %due.item, "mails about a notice never came to an end");
            None
        } else {
            self.tell(&mut tx, NoticeId(due.item), now).await?
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
        id: NoticeId,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        let Some(notice) = lock(tx, id).await?.filter(|notice| notice.is_to_be_told(now)) else {
            return Ok(None);
        };
        if notice.published_at > now {
            return Ok(Some(notice.published_at));
        }
        let group = notice.group.into_group();
        let readers = match (notice.audience, notice.person_id) {
            (Audience::Insurer, _) => Readers::Group(&group),
            (Audience::Person, Some(person)) => Readers::Person(person),
            // Whoever is at the door has no account there.
            (Audience::Site | Audience::Person, _) => return Ok(None),
        };
        let insurer = tenancy::insurer_of(tx).await?;
        if !insurer.is_open() {
            return Ok(Some(now + SUSPENDED));
        }
        let Some(last) = self.accounts.announce(tx, &insurer, &readers, notice.mailed_to).await? else {
            return Ok(None);
        };
        come_to(tx, id, last).await?;
        Ok(Some(now))
    }
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
struct ToTell {
    audience: Audience,
    person_id: Option<PersonId>,
    mail: bool,
    mailed_to: Option<AccountId>,
    published_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    #[diesel(embed)]
    group: GroupColumns,
}

impl ToTell {
    fn is_to_be_told(&self, now: DateTime<Utc>) -> bool {
        self.mail && self.ended_at.is_none_or(|end| end > now)
    }
}

async fn lock(tx: &mut TenantTransaction, id: NoticeId) -> Result<Option<ToTell>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(notices::table
        .filter(notices::tenant_id.eq(tenant))
        .filter(notices::notice_id.eq(id))
        .select(ToTell::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?)
}

/// Notes up to whom members were told.
async fn come_to(tx: &mut TenantTransaction, id: NoticeId, last: AccountId) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(notices::table)
        .filter(notices::tenant_id.eq(tenant))
        .filter(notices::notice_id.eq(id))
        .set(notices::mailed_to.eq(last))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct ToldOf {
    #[diesel(sql_type = BigInt)]
    notices: i64,
}

/// What was withdrawn before its day has told nobody.
const TOLD_OF: &str = "
    SELECT count(*) AS notices FROM notices n
    WHERE n.tenant_id = $1 AND n.audience <> 'person' AND n.mail AND n.published_at >= $2 AND n.published_at < $3
      AND (n.withdrawn_at IS NULL OR n.withdrawn_at >= n.published_at)";
