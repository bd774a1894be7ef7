//! Mails that reached nobody, as staff and the platform's operators see them: which kind, to which masked address, and why;
//! sending them again, and erasing what they say.

use crate::outbox::{MailState, QUEUE, table::mails};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{dsl, prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use kernel::MailId;

/// How long a mail that reached nobody may be sent again by hand.
pub const AGAIN_KEPT: TimeDelta = TimeDelta::days(7);
/// Written into statements, for the index is of these alone.
const LOST: &str = "state IN ('expired', 'undeliverable')";

/// A mail that reached nobody.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = mails)]
pub struct Undelivered {
    /// Its message's name.
    pub template: String,
    /// To whom, masked.
    pub masked_to: String,
    /// `expired`: not sent before its time was over; `undeliverable`: refused for good, or tried in vain for days.
    pub state: String,
    /// When that was clear.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The mails since then that reached nobody, the latest first, at most so many; and how many there are. Of those alone for which
/// `shown` holds, a condition on `mails` in a statement whose tenant is `$1`.
pub async fn undelivered(
    tx: &TenantTransaction,
    since: DateTime<Utc>,
    limit: i64,
    shown: &str,
) -> Result<(i64, Vec<Undelivered>), DatabaseError> {
    let lost = || {
        mails::table
            .filter(mails::tenant_id.eq(tx.tenant()))
            .filter(dsl::sql::<Bool>(LOST))
            .filter(mails::finished_at.ge(since))
            .filter(dsl::sql::<Bool>(shown))
    };
    let latest = lost()
        .order(mails::finished_at.desc())
        .limit(limit)
        .select(Undelivered::as_select());
    let (mut one, mut other) = (&**tx, &**tx);
    Ok(futures_util::try_join!(
        Prepared(lost().count()).get_result(&mut one),
        Prepared(latest).load(&mut other)
    )?)
}

/// A mail that may be sent again, if what it says is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct DeadMail {
    /// Its message's name.
    pub template: String,
    /// To whom, masked.
    pub masked_to: String,
    /// Why: the server's code, or ours.
    pub reason: Option<String>,
    /// What it says is kept: it may be sent again.
    pub lasts: bool,
}

/// A mail of this insurer's that reached nobody.
pub async fn mail(tx: &TenantTransaction, id: MailId) -> Result<Option<DeadMail>, DatabaseError> {
    Ok(mails::table
        .filter(mails::tenant_id.eq(tx.tenant()))
        .filter(mails::mail_id.eq(id))
        .filter(mails::state.eq(MailState::Undeliverable.as_str()))
        .select((
            mails::template,
            mails::masked_to,
            mails::last_error,
            mails::sealed.is_not_null(),
        ))
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// Has it sent again, with all of a new mail's tries; its message's name, or none where what it says is not kept any more.
pub async fn send_again(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    id: MailId,
) -> Result<Option<String>, DatabaseError> {
    let kept = mails::table
        .find((tx.tenant(), id))
        .filter(mails::state.eq(MailState::Undeliverable.as_str()))
        .filter(mails::finished_at.gt(now - AGAIN_KEPT))
        .filter(mails::sealed.is_not_null());
    let template: Option<String> = diesel::update(kept)
        .set((
            mails::state.eq(MailState::Queued.as_str()),
            mails::attempts.eq(0),
            mails::last_error.eq(None::<String>),
            mails::finished_at.eq(None::<DateTime<Utc>>),
            mails::again_at.eq(now),
        ))
        .returning(mails::template)
        .get_result(&mut **tx)
        .await
        .optional()?;
    if template.is_some() {
        jobs::dead::revive(tx, now, QUEUE, id.0).await?;
    }
    Ok(template)
}

/// Takes those that can't be sent again any more out of the queue of the dead, and erases what they say.
pub(crate) async fn erase(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let too_late = now - AGAIN_KEPT;
    jobs::dead::sweep_queue(tx, QUEUE, too_late).await?;
    let kept = mails::table
        .filter(mails::tenant_id.eq(tx.tenant()))
        .filter(dsl::sql::<Bool>(LOST))
        .filter(mails::finished_at.lt(too_late))
        .filter(mails::sealed.is_not_null());
    diesel::update(kept)
        .set(mails::sealed.eq(None::<Vec<u8>>))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
