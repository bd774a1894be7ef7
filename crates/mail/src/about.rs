//! The mails about somebody, as staff are shown them.

use crate::outbox::table::mails;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A mail as staff are shown it: never what it said.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = mails)]
pub struct SentMail {
    /// Which kind.
    pub template: String,
    /// To whom, masked.
    pub masked_to: String,
    /// `queued`, `sent`, `expired`, `undeliverable` or `kept`.
    pub state: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// The mails about somebody that are kept, but those of some templates; the latest first, `limit` at most.
pub async fn about(
    tx: &TenantTransaction,
    subject: Uuid,
    untold: &[&str],
    limit: i64,
) -> Result<Vec<SentMail>, DatabaseError> {
    Ok(mails::table
        .filter(mails::tenant_id.eq(tx.tenant()))
        .filter(mails::subject_id.eq(subject))
        .filter(mails::template.ne_all(untold))
        .order(mails::mail_id.desc())
        .limit(limit)
        .select(SentMail::as_select())
        .load(&mut &**tx)
        .await?)
}
