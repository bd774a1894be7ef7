//! Opening a notice: read it, and mark it as read by this member.
//!
//! This is the one thing that a GET writes (security.md 43): that it was read is what reading means, it is noted once
//! however often it is opened, and nothing but the member's own unread mark hangs on it. A HEAD reads nothing and marks
//! nothing.
//!
//! A notice that is another person's, another group's, another insurer's, not yet published or ended does not exist: all of them get
//! the same answer.

use crate::{
    Audience, Notice, NoticeHead, Notices, drafts,
    group::GroupColumns,
    schema::{notice_reads, notices},
};
use accounts::Member;
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::{dsl::exists, prelude::*};
use diesel_async::RunQueryDsl;
use kernel::{AccountId, NoticeId, Outage, Outcome, PersonId, TenantId, outcome};

/// How long a notice is unread that nobody opens: after that it has no mark, and its marks are deleted.
pub(crate) const UNREAD_FOR: TimeDelta = TimeDelta::days(365);

impl Notices {
    /// The notice, unmarked: for whoever asks whether it is there and reads nothing of it (HEAD).
    pub async fn peek(&self, member: &Member, id: NoticeId) -> Result<Outcome<Notice>, Outage> {
        let mut tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let notice = find(&mut tx, member, id, self.clock.now()).await?;
        tx.commit().await?;
        Ok(notice.map_or_else(|| outcome::NOT_FOUND.into(), Outcome::Done))
    }

    /// The notice, marked as read from now on. Refused as not found where it isn't this member's to read.
    pub async fn open(&self, member: &Member, id: NoticeId) -> Result<Outcome<Notice>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let Some(notice) = find(&mut tx, member, id, now).await? else {
            tx.commit().await?;
            return Ok(outcome::NOT_FOUND.into());
        };
        if notice.head.unread {
            mark(&mut tx, member, id, now).await?;
        }
        tx.commit().await?;
        Ok(Outcome::Done(notice))
    }
}

type Columns = (NoticeId, Audience, String, DateTime<Utc>, String, GroupColumns, bool);

async fn find(
    tx: &mut TenantTransaction,
    member: &Member,
    id: NoticeId,
    now: DateTime<Utc>,
) -> Result<Option<Notice>, DatabaseError> {
    let tenant: TenantId = tx.tenant();
    let reads = notice_reads::table
        .filter(notice_reads::tenant_id.eq(tenant))
        .filter(notice_reads::account_id.eq(member.account_id))
        .filter(notice_reads::notice_id.eq(id));
    let row = notices::table
        .filter(notices::tenant_id.eq(tenant))
        .filter(notices::notice_id.eq(id))
        .filter(
            notices::person_id
                .is_null()
                .or(notices::person_id.assume_not_null().eq(member.person.person_id)),
        )
        .filter(notices::published_at.le(now))
        .filter(
            notices::ended_at
                .is_null()
                .or(notices::ended_at.assume_not_null().gt(now)),
        )
        .select((
            notices::notice_id,
            notices::audience,
            notices::title,
            notices::published_at,
            notices::body,
            GroupColumns::as_select(),
            exists(reads),
        ))
        .first::<Columns>(&mut **tx)
        .await
        .optional()?;
    let Some((id, audience, title, published_at, body, group, read)) = row else {
        return Ok(None);
    };
    if !group.into_group().admits(tx, now, &member.person).await? {
        return Ok(None);
    }
    Ok(Some(Notice {
        head: NoticeHead {
            id,
            audience,
            title,
            published_at,
            unread: !read && published_at > now - UNREAD_FOR,
        },
        body,
    }))
}

/// Opened twice at the same time is read once.
async fn mark(
    tx: &mut TenantTransaction,
    member: &Member,
    id: NoticeId,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::insert_into(notice_reads::table)
        .values((
            notice_reads::tenant_id.eq(tx.tenant()),
            notice_reads::account_id.eq(member.account_id),
            notice_reads::notice_id.eq(id),
            notice_reads::at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes the marks of notices that have none any more; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    // Opened before this, published before this.
    let old = diesel::delete(notice_reads::table)
        .filter(notice_reads::tenant_id.eq(tenant))
        .filter(notice_reads::at.lt(now - UNREAD_FOR));
    Ok(old.execute(&mut **tx).await?)
}

/// Empties what was written to these people alone, and forgets what these accounts have opened.
pub async fn empty(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    people: &[PersonId],
    accounts: &[AccountId],
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    // One by one: for a list of ids PostgreSQL may read a large insurer whole.
    for person in people {
        diesel::update(notices::table)
            .filter(notices::tenant_id.eq(tenant))
            .filter(notices::audience.eq(Audience::Person))
            .filter(notices::person_id.eq(person))
            .set((
                notices::title.eq("－"),
                notices::body.eq(""),
                notices::updated_at.eq(now),
            ))
            .execute(&mut **tx)
            .await?;
        drafts::forget(tx, *person).await?;
    }
    for account in accounts {
        diesel::delete(notice_reads::table)
            .filter(notice_reads::tenant_id.eq(tenant))
            .filter(notice_reads::account_id.eq(account))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
