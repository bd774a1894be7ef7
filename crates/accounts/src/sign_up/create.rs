//! Step 2 (manual 1-3): user ID, password and address, and the code that goes to it.

use super::{CODE, code_of, live_ticket, new_password};
use crate::{
    Accounts, Outage, Outcome, Refusal,
    limits::span,
    login_names,
    messages::{VerificationCode, letterhead, sender},
    refusal::overloaded,
    schema::sign_up_tickets,
    ticket::{TicketRow, left},
    trail::record_visitor,
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::codes;
use kernel::{EmailAddress, FieldError, Problem, TenantSecret, UserId};
use mail::Letter;
use serde_json::json;
use tenancy::Insurer;

/// What the account step asks (manual 1-3).
#[derive(Clone)]
pub struct AccountForm {
    /// ユーザーID.
    pub user_id: String,
    /// パスワード.
    pub password: String,
    /// メールアドレス; not read where the insurer registered one.
    pub email: Option<String>,
}

/// A code is on its way.
#[derive(Debug, Clone)]
pub struct CodeSent {
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// To where: the address as given, or the mask of the insurer's.
    pub sent_to: String,
    /// An address that some senders refuse: warn.
    pub unusual: bool,
}

impl Accounts {
    /// Step 2: user ID, password and address; sends the code. The same form again within a minute sends nothing anew.
    pub async fn create(
        &self,
        origin: &Origin,
        ticket: &TenantSecret,
        form: AccountForm,
    ) -> Result<Outcome<CodeSent>, Outage> {
        let Some(insurer) = self.directory.by_tenant(ticket.tenant).await? else {
            return Ok(Refusal::TicketExpired.into());
        };
        let tenant = self.database.tenant(ticket.tenant);
        let mut tx = tenant.write().await?;
        let Some(row) = self.find_ticket(&mut tx, ticket).await? else {
            return Ok(Refusal::TicketExpired.into());
        };
        let person = roster::person(&tx, row.person_id).await?;
        let Some(person) = person else {
            return Ok(Refusal::TicketExpired.into());
        };

        let mut errors = Vec::new();
        let user_id = FieldError::gather("user_id", UserId::parse(&form.user_id), &mut errors);
        let password = new_password(&insurer, &person, &form.user_id, &form.password);
        let password = FieldError::gather("password", password, &mut errors);
        // The mask was shown and can't be edited: the roster's address counts, not what was posted.
        let email = match &person.email {
            Some(email) if row.email_hint.is_some() => Ok(email.clone()),
            _ => EmailAddress::parse(form.email.as_deref().unwrap_or_default()),
        };
        let email = FieldError::gather("email", email, &mut errors);
        if let Some(user_id) = &user_id
            && !login_names::reserve(&mut tx, user_id, &row, self.clock.now()).await?
        {
            errors.push(FieldError::new("user_id", Problem::UserIdTaken));
        }
        tx.commit().await?;
        let (Some(user_id), Some(password), Some(email), true) = (user_id, password, email, errors.is_empty()) else {
            errors.sort_by_key(|error| {
                ["user_id", "password", "email"]
                    .iter()
                    .position(|field| *field == error.field)
            });
            return Ok(Refusal::Fields(errors).into());
        };

        let Ok(password) = self.hasher.hash(password).await else {
            return Ok(overloaded());
        };
        let now = self.clock.now();
        let repeated = row
            .last_sent_at
            .is_some_and(|at| now < at + span(self.limits.resend_after))
            && row
                .user_id
                .as_deref()
                .is_some_and(|given| given.eq_ignore_ascii_case(user_id.as_str()))
            && self.ticket_email(&row)?.as_ref() == Some(&email);
        let mut tx = tenant.write().await?;
        let given = (
            sign_up_tickets::user_id.eq(user_id.as_str()),
            sign_up_tickets::password.eq(&password),
        );
        diesel::update(live_ticket(tx.tenant(), row.ticket_id))
            .set(given)
            .execute(&mut *tx)
            .await?;
        let outcome = if repeated {
            let sent_at = row.last_sent_at.unwrap_or(now);
            Outcome::Done(code_sent(sent_at + span(self.limits.code_life), &row, &email))
        } else {
            self.send_code(&mut tx, &insurer, &row, &email, now).await?
        };
        record_visitor(&tx, now, origin, "sign_up.create", code_of(&outcome), json!({})).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Sends another code to the same address, a minute after the last at the soonest; never unasked.
    pub async fn resend(&self, origin: &Origin, ticket: &TenantSecret) -> Result<Outcome<CodeSent>, Outage> {
        let Some(insurer) = self.directory.by_tenant(ticket.tenant).await? else {
            return Ok(Refusal::TicketExpired.into());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(ticket.tenant).write().await?;
        let Some(row) = self.find_ticket(&mut tx, ticket).await? else {
            return Ok(Refusal::TicketExpired.into());
        };
        let (Some(email), Some(sent_at)) = (self.ticket_email(&row)?, row.last_sent_at) else {
            return Ok(Refusal::StepMissing.into());
        };
        let next = sent_at + span(self.limits.resend_after);
        if now < next {
            return Ok(Refusal::ResendTooSoon { at: next }.into());
        }
        let outcome = self.send_code(&mut tx, &insurer, &row, &email, now).await?;
        record_visitor(&tx, now, origin, "sign_up.resend", code_of(&outcome), json!({})).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Takes one of the ticket's sends, issues a code and puts its mail into the outbox, all in one transaction. The
    /// address changes only together with a code sent to it, so no code ever proves another address.
    async fn send_code(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        row: &TicketRow,
        email: &EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<Outcome<CodeSent>, Outage> {
        let most = i32::try_from(self.limits.code_sends).unwrap_or(i32::MAX);
        // The send is taken where nobody else sent since the row was read: of two at once one wins, and both are told
        // of the one code.
        let taken = diesel::update(live_ticket(tx.tenant(), row.ticket_id))
            .filter(sign_up_tickets::sends.lt(most))
            .filter(sign_up_tickets::sends.eq(row.sends))
            .set((
                sign_up_tickets::sends.eq(sign_up_tickets::sends + 1),
                sign_up_tickets::last_sent_at.eq(now),
                sign_up_tickets::email.eq(self.seal_ticket_email(row.ticket_id, email)),
            ))
            .execute(&mut **tx)
            .await?;
        if taken == 0 {
            return self.beaten_to_the_send(tx, row, email, now).await;
        }
        let life = span(self.limits.code_life);
        let code = codes::issue(tx, &self.keys, now, row.ticket_id.0, CODE, life).await?;
        let message = VerificationCode {
            letterhead: letterhead(insurer, &self.public_url),
            code: code.digits().to_owned(),
        };
        let letter = Letter {
            sender: sender(insurer),
            to: email.clone(),
            subject_id: Some(row.person_id.0),
            expires_at: Some(now + life),
            message: &message,
        };
        let mail_id = mail::post(tx, &self.keys, now, letter).await?;
        diesel::update(live_ticket(tx.tenant(), row.ticket_id))
            .set(sign_up_tickets::mail_id.eq(mail_id))
            .execute(&mut **tx)
            .await?;
        Ok(Outcome::Done(code_sent(now + life, row, email)))
    }

    /// No send was to be had: all are used, or a request at the same moment sent first, to this address or another.
    async fn beaten_to_the_send(
        &self,
        tx: &mut TenantTransaction,
        row: &TicketRow,
        email: &EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<Outcome<CodeSent>, Outage> {
        if left(self.limits.code_sends, row.sends) == 0 {
            return Ok(Refusal::SendsUsedUp.into());
        }
        let present: TicketRow = live_ticket(tx.tenant(), row.ticket_id)
            .select(TicketRow::as_select())
            .first(&mut **tx)
            .await?;
        if self.ticket_email(&present)?.as_ref() == Some(email) {
            return Ok(Outcome::Done(code_sent(now + span(self.limits.code_life), row, email)));
        }
        Ok(Refusal::ResendTooSoon {
            at: now + span(self.limits.resend_after),
        }
        .into())
    }
}

fn code_sent(expires_at: DateTime<Utc>, row: &TicketRow, email: &EmailAddress) -> CodeSent {
    let sent_to = row.email_hint.clone().unwrap_or_else(|| email.as_str().to_owned());
    CodeSent {
        expires_at,
        sent_to,
        unusual: email.is_unusual(),
    }
}
