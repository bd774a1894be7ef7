//! Mails of a sandbox: kept in the place of being sent, each with all it says, for [`KEPT`]. Whoever reads one holds its codes and
//! links, so who may is for the page that asks.

use crate::{
    Registry,
    outbox::{Begun, MailState, table::mails},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{dsl, prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use jobs::{Due, due};
use kernel::{Keys, MailId};
use uuid::Uuid;

/// How long a mail is kept.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// A mail of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMail {
    /// Which.
    pub id: MailId,
    /// The person or account it is about.
    pub subject_id: Option<Uuid>,
    /// Its message's name.
    pub template: String,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What its reader would have got; none where it does not open or does not read here.
    pub said: Option<Said>,
}

/// A mail as its reader would have got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The sender's name and address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

/// What opens mails and puts them into words.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The ring.
    pub keys: &'a Keys,
    /// The messages that are known.
    pub registry: &'a Registry,
}

/// The kept mails, the newest first, after one of them, `limit` at most; those alone for which `shown` holds, a condition on
/// `mails` in a statement whose tenant is `$1`.
pub async fn list(
    tx: &TenantTransaction,
    reader: Reader<'_>,
    now: DateTime<Utc>,
    (before, limit): (Option<MailId>, i64),
    shown: &str,
) -> Result<Vec<KeptMail>, DatabaseError> {
    let rows: Vec<Begun> = mails::table
        .filter(mails::tenant_id.eq(tx.tenant()))
        .filter(mails::mail_id.lt(before.unwrap_or(MailId(Uuid::max()))))
        .filter(mails::state.eq(MailState::Kept.as_str()))
        .filter(mails::finished_at.gt(now - KEPT))
        .filter(dsl::sql::<Bool>(shown))
        .order(mails::mail_id.desc())
        .limit(limit)
        .select(Begun::as_select())
        .load(&mut &**tx)
        .await?;
    Ok(rows.into_iter().map(|row| reader.read(row)).collect())
}

/// One of them.
pub async fn one(
    tx: &TenantTransaction,
    reader: Reader<'_>,
    now: DateTime<Utc>,
    id: MailId,
    shown: &str,
) -> Result<Option<KeptMail>, DatabaseError> {
    let row: Option<Begun> = mails::table
        .filter(mails::tenant_id.eq(tx.tenant()))
        .filter(mails::mail_id.eq(id))
        .filter(mails::state.eq(MailState::Kept.as_str()))
        .filter(mails::finished_at.gt(now - KEPT))
        .filter(dsl::sql::<Bool>(shown))
        .select(Begun::as_select())
        .first(&mut &**tx)
        .await
        .optional()?;
    Ok(row.map(|row| reader.read(row)))
}

impl Reader<'_> {
    fn read(self, row: Begun) -> KeptMail {
        let said = row.open(self.keys).and_then(|opened| {
            let words = self.registry.words(&row.template, &opened.parameters)?;
            Ok(Said {
                from: format!("{} <{}>", opened.sender_name, opened.sender),
                to: opened.to,
                subject: words.subject,
                text: words.text,
            })
        });
        KeptMail {
            id: row.mail_id,
            subject_id: row.subject_id,
            template: row.template,
            at: row.created_at,
            said: said.ok(),
        }
    }
}

/// Keeps a mail under way. Left alone where another has it now.
pub(crate) async fn keep(
    tx: &mut TenantTransaction,
    due: &Due,
    mail: &Begun,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    if due::finish(tx, due).await? {
        diesel::update(mails::table.find((tx.tenant(), mail.mail_id)))
            .set((mails::state.eq(MailState::Kept.as_str()), mails::finished_at.eq(now)))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Deletes those whose time is over; gives how many.
pub(crate) async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let over = mails::table
        .filter(mails::tenant_id.eq(tx.tenant()))
        .filter(mails::state.eq(MailState::Kept.as_str()))
        .filter(mails::finished_at.le(now - KEPT));
    Ok(diesel::delete(over).execute(&mut **tx).await?)
}
