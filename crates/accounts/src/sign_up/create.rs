//! Step 2 (manual 1-3): user ID, password and address, and the code that goes to it.

use crate::{
    Accounts,
    codes::CodeSent,
    fields, login_names,
    messages::VerificationCode,
    new_password::new_password,
    read_email::read_email,
    reasons,
    reasons::unhashed,
    schema::sign_up_tickets,
    ticket::{TicketRow, live_ticket, lock_ticket},
    trail::{self, ACCOUNT_HELD, SEND_NETWORK_HELD, Typed, record_visitor},
    tries::{limits::span, network},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    PasswordHash,
    throttle::{self, Taken},
};
use kernel::{EmailAddress, FieldError, Outage, Outcome, Problem, Refusal, TenantSecret, UserId};
use serde_json::json;
use std::sync::Arc;
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
    /// The address that was asked about before: [`Problem::EmailDoubtful`] is said once of each.
    pub asked: Option<String>,
}

/// What step 2 is to write: parsed, screened and hashed.
struct Given {
    user_id: UserId,
    password: PasswordHash,
    email: EmailAddress,
}

impl Accounts {
    /// Step 2: user ID, password and address; sends the code. Within a minute of one no other is sent, to whatever
    /// address. Refused, it leaves everything as it was.
    pub async fn create(
        &self,
        origin: &Origin,
        ticket: &TenantSecret,
        form: AccountForm,
    ) -> Result<Outcome<CodeSent>, Outage> {
        let insurer = match self.open_insurer(ticket).await? {
            Ok(insurer) => insurer,
            Err(refusal) => return Ok(refusal.into()),
        };
        let (places, by_network) = (network::places_at(origin, &insurer), self.limits.send_network());
        if let Some(until) = self
            .network_wait(origin, &places, by_network, &SEND_NETWORK_HELD)
            .await?
        {
            return Ok(reasons::wait(until).into());
        }
        let (row, given) = match self.read_account(origin, ticket, &insurer, form).await? {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(ticket.tenant).write(Durability::Safe).await?;
        let outcome = self.write_account(&mut tx, &insurer, &row, &given, now).await?;
        let typed = Typed::of(&self.keys, "user_id", &given.user_id.folded()).into(json!({}));
        let typed = Typed::of(&self.keys, "email", given.email.as_str()).into(typed);
        let about = (Some(trail::ticket(row.ticket_id)), typed);
        record_visitor(&tx, now, origin, "sign_up.create", trail::word(&outcome), about).await?;
        tx.commit().await?;
        if matches!(outcome, Outcome::Done(_)) {
            self.count_network(&places, by_network).await?;
        }
        Ok(outcome)
    }

    /// The insurer of a ticket, while its portal is open.
    async fn open_insurer(&self, ticket: &TenantSecret) -> Result<Result<Arc<Insurer>, Refusal>, Outage> {
        Ok(match self.directory.by_tenant(ticket.tenant).await? {
            None => Err(reasons::TICKET_EXPIRED.into()),
            Some(insurer) if !insurer.is_open() => Err(reasons::INSURER_SUSPENDED.into()),
            Some(insurer) => Ok(insurer),
        })
    }

    /// Takes one of the ticket's posts and reads the form: all that is to be mended, at once. The look-up of the password
    /// and its hash are work, and stand outside any transaction.
    async fn read_account(
        &self,
        origin: &Origin,
        ticket: &TenantSecret,
        insurer: &Insurer,
        form: AccountForm,
    ) -> Result<Result<(TicketRow, Given), Refusal>, Outage> {
        let now = self.clock.now();
        let mut errors = Vec::new();
        let user_id = FieldError::gather(fields::USER_ID, UserId::parse(&form.user_id), &mut errors);
        let mut tx = self.database.tenant(ticket.tenant).write(Durability::Safe).await?;
        let Some(row) = self.find_ticket(&mut tx, ticket).await? else {
            return Ok(Err(reasons::TICKET_EXPIRED.into()));
        };
        let Some(person) = roster::person(&tx, row.person_id).await? else {
            return Ok(Err(reasons::TICKET_EXPIRED.into()));
        };
        if let Some(reason) = self.codes_used_up(row.tries, None) {
            return Ok(Err(reason.into()));
        }
        if self.codes_locked(&mut tx, row.person_id).await? {
            return Ok(Err(reasons::CODES_LOCKED.into()));
        }
        let (rule, key) = (self.limits.account_posts(), row.ticket_id.to_string());
        if let Taken::Wait { until } = throttle::take(&tx, &self.keys, now, &rule, &key).await? {
            let typed = Typed::of(&self.keys, "ticket", &row.ticket_id.to_string());
            trail::note_held(&tx, now, origin, &ACCOUNT_HELD, &typed).await?;
            tx.commit().await?;
            return Ok(Err(reasons::wait(until)));
        }
        if let Some(user_id) = &user_id
            && !login_names::is_free(&mut tx, &self.names, user_id, &row, now).await?
        {
            errors.push(FieldError::new(fields::USER_ID, Problem::UserIdTaken));
            // Whoever asks for many learns which exist: the trail tells whose ticket it was.
            let typed = Typed::of(&self.keys, "user_id", &user_id.folded()).into(json!({}));
            let about = (Some(trail::ticket(row.ticket_id)), typed);
            record_visitor(&tx, now, origin, "sign_up.create", Problem::UserIdTaken.code(), about).await?;
        }
        tx.commit().await?;

        let password = new_password(insurer, &person, &form.user_id, &form.password);
        let password = FieldError::gather(fields::PASSWORD, password, &mut errors);
        // The mask was shown and can't be edited: the address behind it counts, not what was posted.
        let email = match self.ticket_email(&row)? {
            Some(email) if row.email_hint.is_some() => Ok(email),
            _ => read_email(form.email.as_deref().unwrap_or_default(), form.asked.as_deref()),
        };
        let email = FieldError::gather(fields::EMAIL, email, &mut errors);
        let (Some(user_id), Some(password), Some(email), true) = (user_id, password, email, errors.is_empty()) else {
            return Ok(Err(Refusal::fields(errors)));
        };
        let password = match self.hasher.hash(origin, row.owner(), password).await {
            Ok(password) => password,
            Err(error) => return Ok(Err(unhashed(error)?)),
        };
        let given = Given {
            user_id,
            password,
            email,
        };
        Ok(Ok((row, given)))
    }

    /// Reserves the user ID, writes what was given and sends the code; what refuses comes before the first write.
    async fn write_account(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        row: &TicketRow,
        given: &Given,
        now: DateTime<Utc>,
    ) -> Result<Outcome<CodeSent>, Outage> {
        let Some(row) = lock_ticket(tx, row.ticket_id).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        // A minute between two codes, to whomever they go; the same form a second time sends none.
        let sent_at = row.last_sent_at.filter(|at| now < *at + span(self.limits.resend_after));
        let again = sent_at.is_some() && self.ticket_email(&row)?.as_ref() == Some(&given.email);
        if let Some(reason) = self.codes_used_up(row.tries, (!again).then_some(row.sends)) {
            return Ok(reason.into());
        }
        if let Some(at) = sent_at.filter(|_| !again) {
            let at = at + span(self.limits.resend_after);
            return Ok(reasons::resend_too_soon(at).into());
        }
        if !login_names::reserve(tx, &self.names, &given.user_id, &row, now).await? {
            return Ok(Refusal::field(FieldError::new(fields::USER_ID, Problem::UserIdTaken)).into());
        }
        diesel::update(live_ticket(tx.tenant(), row.ticket_id))
            .set((
                sign_up_tickets::user_id.eq(given.user_id.as_str()),
                sign_up_tickets::password.eq(&given.password),
            ))
            .execute(&mut **tx)
            .await?;
        let sent = match sent_at {
            Some(at) => self.code_sent(&given.email, row.email_hint.as_deref(), at),
            None => self.send_code(tx, insurer, &row, &given.email, now).await?,
        };
        Ok(Outcome::Done(sent))
    }

    /// Sends another code to the same address, a minute after the last at the soonest; never unasked.
    pub async fn resend(&self, origin: &Origin, ticket: &TenantSecret) -> Result<Outcome<CodeSent>, Outage> {
        let insurer = match self.open_insurer(ticket).await? {
            Ok(insurer) => insurer,
            Err(refusal) => return Ok(refusal.into()),
        };
        let (places, by_network) = (network::places_at(origin, &insurer), self.limits.send_network());
        if let Some(until) = self
            .network_wait(origin, &places, by_network, &SEND_NETWORK_HELD)
            .await?
        {
            return Ok(reasons::wait(until).into());
        }
        let now = self.clock.now();
        let mut tx = self.database.tenant(ticket.tenant).write(Durability::Safe).await?;
        let Some(before) = self.find_ticket(&mut tx, ticket).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        let Some(sent_at) = before.last_sent_at else {
            return Ok(reasons::STEP_MISSING.into());
        };
        let next = sent_at + span(self.limits.resend_after);
        if now < next && self.codes_used_up(before.tries, None).is_none() {
            return Ok(reasons::resend_too_soon(next).into());
        }
        let Some(row) = lock_ticket(&mut tx, before.ticket_id).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        let (Some(email), Some(sent_at)) = (self.ticket_email(&row)?, row.last_sent_at) else {
            return Ok(reasons::STEP_MISSING.into());
        };
        // A double click: the request beside this one has sent, and both are told of the one code.
        let sent_beside = row.sends != before.sends;
        let sends = (!sent_beside).then_some(row.sends);
        let outcome = if let Some(reason) = self.codes_used_up(row.tries, sends) {
            reason.into()
        } else if self.codes_locked(&mut tx, row.person_id).await? {
            reasons::CODES_LOCKED.into()
        } else if sent_beside {
            Outcome::Done(self.code_sent(&email, row.email_hint.as_deref(), sent_at))
        } else {
            Outcome::Done(self.send_code(&mut tx, &insurer, &row, &email, now).await?)
        };
        let about = (
            Some(trail::ticket(row.ticket_id)),
            Typed::of(&self.keys, "email", email.as_str()).into(json!({})),
        );
        record_visitor(&tx, now, origin, "sign_up.resend", trail::word(&outcome), about).await?;
        tx.commit().await?;
        if matches!(outcome, Outcome::Done(_)) {
            self.count_network(&places, by_network).await?;
        }
        Ok(outcome)
    }

    /// Mails a code and counts the send, in the transaction that locked the ticket.
    /// The address changes only together with a code sent to it, so no code ever proves another address.
    async fn send_code(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        row: &TicketRow,
        email: &EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<CodeSent, Outage> {
        let message = |letterhead, code| VerificationCode { letterhead, code };
        let mail_id = self.mail_code(tx, insurer, row.code(), email, message, now).await?;
        diesel::update(live_ticket(tx.tenant(), row.ticket_id))
            .set((
                sign_up_tickets::sends.eq(sign_up_tickets::sends + 1),
                sign_up_tickets::last_sent_at.eq(now),
                sign_up_tickets::email.eq(self.seal_ticket_email(row.owner(), email)),
                sign_up_tickets::mail_id.eq(mail_id),
            ))
            .execute(&mut **tx)
            .await?;
        Ok(self.code_sent(email, row.email_hint.as_deref(), now))
    }
}
