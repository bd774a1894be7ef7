//! A new e-mail address: the present password, a code to the new address, a notice to the old one. Until the code is
//! typed nothing changes.

use crate::{
    Accounts, Member,
    account::actor,
    codes::{CodeFor, CodeSent, CodeView, UnderWay, read_code},
    desk_email, fields,
    messages::{EmailChangeCode, EmailChanged, letterhead, sender},
    read_email::read_email,
    reasons,
    recover::RESET,
    registrations,
    schema::{accounts, email_changes},
    session::account,
    trail,
    tries::limits::span,
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    links,
    sessions::{self, Carrier},
};
use kernel::{
    AccountId, EmailAddress, FieldError, KeyError, MailId, Outage, Outcome, PersonId, Problem, Refusal, TenantSecret,
};
use scoped_futures::ScopedFutureExt as _;

/// The address wanted, with the present password as proof.
#[derive(Clone)]
pub struct EmailChange {
    /// 現在のパスワード.
    pub current_password: String,
    /// 新しいメールアドレス.
    pub email: String,
    /// The address that was asked about before, as at sign-up.
    pub asked: Option<String>,
}

/// A change waiting for its code.
#[derive(Debug, Clone)]
pub struct EmailChangeView {
    /// The new address.
    pub email: String,
    /// Its code.
    pub code: CodeView,
}

/// What an address that nobody has proven yet is sealed for.
pub(crate) const EMAIL: &str = "email_change";

impl Accounts {
    /// Asks for a new address: sends a code to it.
    pub async fn change_email(
        &self,
        origin: &Origin,
        member: &Member,
        form: EmailChange,
    ) -> Result<Outcome<CodeSent>, Outage> {
        let mut errors = Vec::new();
        let email = read_email(&form.email, form.asked.as_deref());
        let email = FieldError::gather(fields::EMAIL, email, &mut errors);
        if email.as_ref() == Some(&member.email) {
            errors.push(FieldError::new(fields::EMAIL, Problem::EmailUnchanged));
        }
        if form.current_password.is_empty() {
            errors.push(FieldError::new(fields::CURRENT_PASSWORD, Problem::Empty));
        }
        let Some(email) = email.filter(|_| errors.is_empty()) else {
            return Ok(Refusal::fields(errors).into());
        };
        if let Err(refusal) = self.prove_password(origin, member, &form.current_password).await? {
            return Ok(refusal.into());
        }
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        lock(&mut tx, member.account_id).await?;
        let present = change(&tx, member.account_id).await?.filter(|row| row.expires_at > now);
        if let Some(row) = &present
            && self.wanted(member, &row.email)? == email
            && self.codes_used_up(row.tries, None).is_none()
            && now < row.last_sent_at + span(self.limits.resend_after)
        {
            // The same form a second time.
            return Ok(Outcome::Done(self.code_sent(&email, None, row.last_sent_at)));
        }
        if let Some(at) = present
            .as_ref()
            .map(|row| row.last_sent_at + span(self.limits.resend_after))
            && now < at
        {
            return Ok(reasons::resend_too_soon(at).into());
        }
        let outcome = self
            .send_change_code(&mut tx, member, &email, present.as_ref(), now)
            .await?;
        trail::record(&tx, now, origin, actor(member), "email.ask", trail::word(&outcome)).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// The change waiting for its code, where there is one.
    pub async fn email_change(&self, member: &Member) -> Result<Option<EmailChangeView>, Outage> {
        let now = self.clock.now();
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let (mut tx, row) = tenant
            .read_with(|tx| change(tx, member.account_id).scope_boxed())
            .await?;
        let Some(row) = row.filter(|row| row.expires_at > now) else {
            return Ok(None);
        };
        let code = UnderWay {
            sent_at: row.last_sent_at,
            tries: row.tries,
            sends: row.sends,
            mail: mail::state(&mut tx, row.mail_id).await?,
        };
        let email = self.wanted(member, &row.email)?;
        let code = self.code_view(&email, None, &code);
        let email = email.as_str().to_owned();
        Ok(Some(EmailChangeView { email, code }))
    }

    /// Sends another code, a minute after the last at the soonest.
    pub async fn resend_email_code(&self, origin: &Origin, member: &Member) -> Result<Outcome<CodeSent>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        lock(&mut tx, member.account_id).await?;
        let Some(row) = change(&tx, member.account_id).await?.filter(|row| row.expires_at > now) else {
            return Ok(reasons::STEP_MISSING.into());
        };
        let next = row.last_sent_at + span(self.limits.resend_after);
        if now < next {
            return Ok(reasons::resend_too_soon(next).into());
        }
        let email = self.wanted(member, &row.email)?;
        let outcome = self.send_change_code(&mut tx, member, &email, Some(&row), now).await?;
        trail::record(&tx, now, origin, actor(member), "email.resend", trail::word(&outcome)).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Writes the change with one more send taken, issues the code and posts it, all in one transaction.
    async fn send_change_code(
        &self,
        tx: &mut TenantTransaction,
        member: &Member,
        email: &EmailAddress,
        present: Option<&ChangeRow>,
        now: DateTime<Utc>,
    ) -> Result<Outcome<CodeSent>, Outage> {
        // Tries and sends count on for the life of a change, whatever address it asks for.
        let (tries, sends) = present.map_or((0, 0), |row| (row.tries, row.sends));
        if let Some(reason) = self.codes_used_up(tries, Some(sends)) {
            return Ok(reason.into());
        }
        if self.codes_locked(tx, member.person.person_id).await? {
            return Ok(reasons::CODES_LOCKED.into());
        }
        let message = |letterhead, code| EmailChangeCode { letterhead, code };
        let mail_id = self
            .mail_code(tx, &member.insurer, code_for(member), email, message, now)
            .await?;
        let expires_at = present.map_or(now + span(self.limits.ticket_life), |row| row.expires_at);
        let sealed = self
            .keys
            .seal(EMAIL, member.account_id.of(tx.tenant()), email.as_str().as_bytes());
        let row = (
            email_changes::email.eq(&sealed),
            email_changes::tries.eq(tries),
            email_changes::sends.eq(sends + 1),
            email_changes::last_sent_at.eq(now),
            email_changes::mail_id.eq(mail_id),
            email_changes::expires_at.eq(expires_at),
        );
        let key = (
            email_changes::tenant_id.eq(tx.tenant()),
            email_changes::account_id.eq(member.account_id),
        );
        diesel::insert_into(email_changes::table)
            .values((key, row))
            .on_conflict((email_changes::tenant_id, email_changes::account_id))
            .do_update()
            .set(row)
            .execute(&mut **tx)
            .await?;
        Ok(Outcome::Done(self.code_sent(email, None, now)))
    }

    /// The code: the address changes, the old one is told, and the session goes on under a new token (security.md 38).
    pub async fn confirm_email(
        &self,
        origin: &Origin,
        member: &Member,
        code: &str,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let typed = match read_code(code) {
            Ok(typed) => typed,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        lock(&mut tx, member.account_id).await?;
        let Some(row) = change(&tx, member.account_id).await?.filter(|row| row.expires_at > now) else {
            return Ok(reasons::STEP_MISSING.into());
        };
        if let Some(reason) = self.codes_used_up(row.tries, None) {
            return Ok(reason.into());
        }
        let judged = self.judge_code(&mut tx, code_for(member), &typed, row.tries).await?;
        if let Err(refusal) = judged {
            if refusal.is_any(&[reasons::CODE_WRONG, reasons::CODE_TRIES_USED_UP]) {
                count_try(&mut tx, member.account_id).await?;
            }
            trail::record(&tx, now, origin, actor(member), "email.confirm", refusal.code()).await?;
            tx.commit().await?;
            return Ok(refusal.into());
        }
        let wanted = self.wanted(member, &row.email)?;
        let Some(found) = account(&tx, member.account_id).await? else {
            return Ok(reasons::SESSION_ENDED.into());
        };
        adopt(&mut tx, member.account_id, &wanted, now).await?;
        let letterhead = letterhead(&member.insurer, &self.public_url);
        let message = EmailChanged {
            letterhead,
            at: now,
            masked: wanted.mask(),
        };
        // `found` still has the address before the change: it is the one to be told.
        self.write_to(&mut tx, &found, sender(&member.insurer), None, &message, now)
            .await?;
        let Some(token) = sessions::renew(&mut tx, &self.keys, Carrier::at(origin), &member.session).await? else {
            // Logged out elsewhere meanwhile: nothing of it stays.
            return Ok(reasons::SESSION_ENDED.into());
        };
        trail::record(&tx, now, origin, actor(member), "email.confirm", "done").await?;
        tx.commit().await?;
        Ok(Outcome::Done(token))
    }

    /// The sealed address of an account's change.
    fn wanted(&self, member: &Member, sealed: &[u8]) -> Result<EmailAddress, Outage> {
        let owner = member.account_id.of(member.insurer.tenant_id);
        let plain = self.keys.open(EMAIL, owner, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| KeyError::Sealed)?;
        Ok(EmailAddress::parse(text).map_err(|_| KeyError::Sealed)?)
    }
}

/// What the codes of a member's change prove.
fn code_for(member: &Member) -> CodeFor {
    CodeFor {
        purpose: "email_change",
        subject: member.account_id.0,
        person: member.person.person_id,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = email_changes)]
struct ChangeRow {
    email: Vec<u8>,
    tries: i32,
    sends: i32,
    last_sent_at: DateTime<Utc>,
    mail_id: MailId,
    expires_at: DateTime<Utc>,
}

/// One request at a time on an account's change: of two clicks one sends, and no send forgets a try taken beside it.
async fn lock(tx: &mut TenantTransaction, account: AccountId) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(account))
        .select(accounts::account_id)
        .for_update()
        .first::<AccountId>(&mut **tx)
        .await?;
    Ok(())
}

async fn change(tx: &TenantTransaction, account: AccountId) -> Result<Option<ChangeRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(email_changes::table
        .filter(email_changes::tenant_id.eq(tenant))
        .filter(email_changes::account_id.eq(account))
        .select(ChangeRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// Counts a wrong code on a change, whose account is locked.
async fn count_try(tx: &mut TenantTransaction, account: AccountId) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(email_changes::table)
        .filter(email_changes::tenant_id.eq(tenant))
        .filter(email_changes::account_id.eq(account))
        .set(email_changes::tries.eq(email_changes::tries + 1))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The proven address takes the old one's place, and every change under way is over.
pub(crate) async fn adopt(
    tx: &mut TenantTransaction,
    account: AccountId,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let person: PersonId = diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(account))
        .set((accounts::email.eq(email.as_str()), accounts::email_proven_at.eq(now)))
        .returning(accounts::person_id)
        .get_result(&mut **tx)
        .await?;
    registrations::tell(tx, now, registrations::Kind::EmailChanged, (account, person));
    diesel::delete(email_changes::table)
        .filter(email_changes::tenant_id.eq(tenant))
        .filter(email_changes::account_id.eq(account))
        .execute(&mut **tx)
        .await?;
    desk_email::end(tx, account).await?;
    // Links that went to the old address open nothing any more.
    desk_email::close_links(tx, now, account).await?;
    links::close(tx, now, account.0, RESET).await
}
