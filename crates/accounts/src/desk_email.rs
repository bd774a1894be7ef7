//! The address of an account as staff set it for a member who has called. The old address is told at once; the new one proves
//! itself by the code that is mailed to it; and a day must have passed before it counts, in which whoever reads the old one
//! can still stop it, and the member on their account's page. Until then nothing changes. An address that the member themself
//! sets meanwhile ends it.

mod stop;
mod wish;

pub(crate) use stop::close_links;
pub use stop::{DeskEmailStopped, DeskEmailToStop, DeskEmailTold};
pub use wish::email_difference;

use crate::{
    Accounts,
    close::lock,
    codes::{CodeFor, CodeSent, CodeView, UnderWay, read_code},
    desk::Desk,
    email_change::adopt,
    messages::{DeskEmailAsked, DeskEmailCode, EmailChanged, letterhead, sender},
    reasons,
    schema::desk_email_changes,
    session::AccountRow,
    tries::limits::span,
    work::DeskEmailDue,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, EmailAddress, KeyError, MailId, Outage, Outcome, StaffId, TenantId};
use serde_json::json;

/// How long the old address has to object.
const DELAY: TimeDelta = TimeDelta::hours(24);
/// How long a proven change waits for a worker.
const KEPT: TimeDelta = TimeDelta::days(7);
/// What the address is sealed for.
pub(crate) const EMAIL: &str = "desk_email_change";

/// A change under way.
#[derive(Debug, Clone)]
pub struct DeskEmailChange {
    /// The new address.
    pub email: String,
    /// From when it counts.
    pub counts_at: DateTime<Utc>,
    /// Its owner has told the code.
    pub is_proven: bool,
    /// Its code.
    pub code: CodeView,
}

impl Accounts {
    /// The change of an account that is under way.
    pub async fn desk_email(
        &self,
        tx: &mut TenantTransaction,
        id: AccountId,
    ) -> Result<Option<DeskEmailChange>, Outage> {
        let now = self.clock.now();
        let Some(row) = change(tx, id).await?.filter(|row| row.expires_at > now) else {
            return Ok(None);
        };
        let under_way = UnderWay {
            sent_at: row.last_sent_at,
            tries: row.tries,
            sends: row.sends,
            mail: mail::state(tx, row.mail_id).await?,
        };
        let email = self.desk_wanted(tx.tenant(), id, &row.email)?;
        Ok(Some(DeskEmailChange {
            code: self.code_view(&email, None, &under_way),
            email: email.as_str().to_owned(),
            counts_at: row.counts_at,
            is_proven: row.proven_at.is_some(),
        }))
    }

    /// Sets an address: the old one is told, and a code goes to the new one. The same address once more is another code for
    /// it; another address begins anew.
    pub async fn set_desk_email(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        staff: StaffId,
        (id, email): (AccountId, &EmailAddress),
    ) -> Result<Outcome<CodeSent>, Outage> {
        let now = self.clock.now();
        let Some(found) = lock(tx, id).await? else {
            return Ok(kernel::outcome::NOT_FOUND.into());
        };
        let present = change(tx, id).await?.filter(|row| row.expires_at > now);
        if let Some(at) = present
            .as_ref()
            .map(|row| row.last_sent_at + span(self.limits.resend_after))
            && now < at
        {
            return Ok(reasons::resend_too_soon(at).into());
        }
        // Tries and sends count on for the life of a change, whatever address it asks for.
        let (tries, sends) = present.as_ref().map_or((0, 0), |row| (row.tries, row.sends));
        if let Some(reason) = self.codes_used_up(tries, Some(sends)) {
            return Ok(reason.into());
        }
        if self.codes_locked(tx, found.person_id).await? {
            return Ok(reasons::CODES_LOCKED.into());
        }
        // Whoever takes a change back and begins another has all its sends again.
        if let Some(until) = self.mailed_enough(tx, id, now).await? {
            return Ok(reasons::resend_too_soon(until).into());
        }
        let again = match &present {
            Some(row) if row.proven_at.is_none() && self.desk_wanted(tx.tenant(), id, &row.email)? == *email => {
                Some(row.counts_at)
            }
            _ => None,
        };
        let counts_at = again.unwrap_or(now + DELAY);
        if again.is_none() {
            let message = DeskEmailAsked {
                letterhead: letterhead(by.insurer, &self.public_url),
                at: now,
                masked: email.mask(),
                counts_at,
                stop: Some(self.stop_url(tx, now, id).await?),
            };
            self.write_to(tx, &found, sender(by.insurer), None, &message, now)
                .await?;
        }
        let message = |letterhead, code| DeskEmailCode { letterhead, code };
        let mail_id = self
            .mail_code(tx, by.insurer, code_for(&found), email, message, now)
            .await?;
        let row = ChangeRow {
            email: self.keys.seal(EMAIL, id.of(tx.tenant()), email.as_str().as_bytes()),
            asked_by: staff,
            tries,
            sends: sends + 1,
            last_sent_at: now,
            mail_id,
            counts_at,
            proven_at: None,
            expires_at: counts_at,
        };
        write(tx, id, &row).await?;
        by.record(
            tx,
            now,
            "email.ask",
            ("account", id.0),
            json!({ "again": again.is_some() }),
        )
        .await?;
        Ok(Outcome::Done(self.code_sent(email, None, now)))
    }

    /// The code that the member has told: the address is theirs, and counts from then on. To be committed whatever comes of
    /// it: a wrong one counts.
    pub async fn prove_desk_email(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        (id, code): (AccountId, &str),
    ) -> Result<Outcome<DateTime<Utc>>, Outage> {
        let typed = match read_code(code) {
            Ok(typed) => typed,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let Some(found) = lock(tx, id).await? else {
            return Ok(kernel::outcome::NOT_FOUND.into());
        };
        let Some(row) = change(tx, id).await?.filter(|row| row.expires_at > now) else {
            return Ok(kernel::outcome::NOT_FOUND.into());
        };
        if row.proven_at.is_some() {
            // The second of two clicks.
            return Ok(Outcome::Done(row.counts_at));
        }
        if let Some(reason) = self.codes_used_up(row.tries, None) {
            return Ok(reason.into());
        }
        let judged = self.judge_code(tx, code_for(&found), &typed, row.tries).await?;
        let outcome = match &judged {
            Ok(()) => "done",
            Err(refusal) => refusal.code(),
        };
        let entry = Entry {
            actor: by.actor,
            action: "email.prove",
            object: Some(("account", id.0)),
            outcome,
            detail: json!({}),
        };
        audit::record(tx, now, by.origin, entry).await?;
        if let Err(refusal) = judged {
            if refusal.is_any(&[reasons::CODE_WRONG, reasons::CODE_TRIES_USED_UP]) {
                let tried = ChangeRow {
                    tries: row.tries + 1,
                    ..row
                };
                write(tx, id, &tried).await?;
            }
            return Ok(refusal.into());
        }
        let counts_at = row.counts_at;
        let proven = ChangeRow {
            proven_at: Some(now),
            expires_at: counts_at + KEPT,
            ..row
        };
        write(tx, id, &proven).await?;
        jobs::enqueue(tx, &self.keys, now, counts_at, &DeskEmailDue { account: id }).await?;
        Ok(Outcome::Done(counts_at))
    }

    /// Takes a change back before it counts; false where there is none.
    pub async fn cancel_desk_email(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        id: AccountId,
    ) -> Result<bool, Outage> {
        let now = self.clock.now();
        lock(tx, id).await?;
        let is_any = end(tx, id).await? > 0;
        if is_any {
            by.record(tx, now, "email.cancel", ("account", id.0), json!({})).await?;
        }
        Ok(is_any)
    }

    /// Work on a proven change whose day is over: from now on it is the account's address.
    pub(crate) async fn adopt_desk_email(&self, tenant: TenantId, job: DeskEmailDue) -> Result<(), Outage> {
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(());
        };
        let (now, id) = (self.clock.now(), job.account);
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let Some(found) = lock(&tx, id).await? else {
            return Ok(());
        };
        // Cancelled, or asked for anew: then another job is due for that one.
        let is_due = |row: &ChangeRow| row.proven_at.is_some() && row.counts_at <= now;
        let Some(row) = change(&tx, id).await?.filter(is_due) else {
            return Ok(());
        };
        let wanted = self.desk_wanted(tenant, id, &row.email)?;
        adopt(&mut tx, id, &wanted, now).await?;
        let message = EmailChanged {
            letterhead: letterhead(&insurer, &self.public_url),
            at: now,
            masked: wanted.mask(),
        };
        // `found` still has the address before: it is the one to be told.
        self.write_to(&mut tx, &found, sender(&insurer), None, &message, now)
            .await?;
        let entry = Entry {
            actor: Actor::System,
            action: "email.set",
            object: Some(("account", id.0)),
            outcome: "done",
            detail: json!({ "asked_by": row.asked_by }),
        };
        audit::record(&tx, now, &Origin::worker(), entry).await?;
        Ok(tx.commit().await?)
    }

    fn desk_wanted(&self, tenant: TenantId, id: AccountId, sealed: &[u8]) -> Result<EmailAddress, Outage> {
        let plain = self.keys.open(EMAIL, id.of(tenant), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| KeyError::Sealed)?;
        Ok(EmailAddress::parse(text).map_err(|_| KeyError::Sealed)?)
    }
}

fn code_for(found: &AccountRow) -> CodeFor {
    CodeFor {
        purpose: "desk_email",
        subject: found.account_id.0,
        person: found.person_id,
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = desk_email_changes, treat_none_as_null = true)]
struct ChangeRow {
    email: Vec<u8>,
    asked_by: StaffId,
    tries: i32,
    sends: i32,
    last_sent_at: DateTime<Utc>,
    mail_id: MailId,
    counts_at: DateTime<Utc>,
    proven_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
}

async fn change(tx: &TenantTransaction, id: AccountId) -> Result<Option<ChangeRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(desk_email_changes::table
        .filter(desk_email_changes::tenant_id.eq(tenant))
        .filter(desk_email_changes::account_id.eq(id))
        .select(ChangeRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

async fn write(tx: &mut TenantTransaction, id: AccountId, row: &ChangeRow) -> Result<(), DatabaseError> {
    let key = (
        desk_email_changes::tenant_id.eq(tx.tenant()),
        desk_email_changes::account_id.eq(id),
    );
    diesel::insert_into(desk_email_changes::table)
        .values((key, row))
        .on_conflict((desk_email_changes::tenant_id, desk_email_changes::account_id))
        .do_update()
        .set(row)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends the change of an account, if there is one.
pub(crate) async fn end(tx: &mut TenantTransaction, id: AccountId) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    Ok(diesel::delete(desk_email_changes::table)
        .filter(desk_email_changes::tenant_id.eq(tenant))
        .filter(desk_email_changes::account_id.eq(id))
        .execute(&mut **tx)
        .await?)
}

/// Deletes what nobody proved in time.
pub(crate) async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    Ok(diesel::delete(desk_email_changes::table)
        .filter(desk_email_changes::tenant_id.eq(tenant))
        .filter(desk_email_changes::expires_at.lt(before))
        .execute(&mut **tx)
        .await?)
}
