//! Mails that reached nobody, as the platform's operators see them: which kind, to which masked address, and why.

use crate::outbox::{MailState, QUEUE, table::mails};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::MailId;

/// A mail that reached nobody.
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
        .filter(mails::finished_at.gt(now - crate::AGAIN_KEPT))
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
