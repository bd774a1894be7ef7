//! Step 1 (manual 1-2): the typed identity against the roster. Every mismatch has one answer.

use crate::{
    Accounts, IdentityForm, alike, fields,
    messages::{AlreadyRegistered, letterhead, sender},
    reasons,
    schema::{accounts, sign_up_tickets},
    tallies::{self, FailureReason},
    ticket::PURPOSE,
    trail::{self, IDENTITY_HELD, IDENTITY_NETWORK_HELD, IDENTITY_UNREAD, Typed, record_visitor},
    tries::{limits::span, network, rules::IDENTITY_INSURER},
    work::{Ambiguous, Attempt},
};
use audit::Origin;
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::throttle;
use kernel::{
    AccountId, EmailAddress, FieldError, Outage, Outcome, PersonId, Problem, Refusal, TenantId, TenantSecret, TicketId,
    is_my_number,
};
use mail::Letter;
use roster::{Identity, Match};
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// A sign-up that may go on.
#[derive(Debug, Clone)]
pub struct Ticketed {
    /// The ticket, for the visitor's cookie or program.
    pub ticket: TenantSecret,
    /// Whose portal.
    pub insurer: Arc<Insurer>,
    /// The mask of the address the insurer registered, where it did.
    pub email_hint: Option<String>,
    /// When the ticket ends.
    pub expires_at: DateTime<Utc>,
}

impl Accounts {
    /// Step 1: matches the typed identity with the roster and opens a ticket. Every mismatch, a registered person
    /// included, gets one answer at the cost of the same statements (security.md 2).
    pub async fn identify(&self, origin: &Origin, form: &IdentityForm) -> Result<Outcome<Ticketed>, Outage> {
        let (insurer, identity) = match self.read_identity(form).await? {
            Ok(read) => read,
            Err(errors) => {
                self.note_unread(origin, &IDENTITY_UNREAD).await?;
                return Ok(Refusal::fields(errors).into());
            }
        };
        if !insurer.is_open() {
            return Ok(reasons::INSURER_SUSPENDED.into());
        }
        let (places, by_network) = (network::places_at(origin, &insurer), self.limits.identity_network());
        if let Some(until) = self
            .network_wait(origin, &places, by_network, &IDENTITY_NETWORK_HELD)
            .await?
        {
            return Ok(reasons::wait(until).into());
        }
        let (outcome, alarmed) = self.match_identity(origin, &insurer, &identity).await?;
        if outcome.is_refused(reasons::NOT_MATCHED) {
            self.count_network(&places, by_network).await?;
        }
        if alarmed {
            self.slow_down().await;
        }
        Ok(outcome)
    }

    /// What became of it, and whether the insurer's alarm stands.
    async fn match_identity(
        &self,
        origin: &Origin,
        insurer: &Arc<Insurer>,
        identity: &Identity,
    ) -> Result<(Outcome<Ticketed>, bool), Outage> {
        let now = self.clock.now();
        let key = format!("{}|{}", identity.symbol.key(), identity.number.key());
        let typed = Typed::of(&self.keys, "number", &key);
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        let rule = self.limits.identity();
        let (taken, standing) = throttle::take_of(&tx, &self.keys, now, &rule, &key).await?;
        if let throttle::Taken::Wait { until } = taken {
            trail::note_held(&tx, now, origin, &IDENTITY_HELD, &typed).await?;
            tx.commit().await?;
            return Ok((reasons::wait(until).into(), false));
        }
        let found = roster::find(&mut tx, insurer, identity, now).await?;
        let (person, ambiguous, level) = match found {
            Match::One { person, level } => (Some(person), None, level.as_str()),
            Match::Several { people } => (None, Some(Ambiguous { people }), "several"),
            Match::None => (None, None, "none"),
        };
        let registered = account_of(&mut tx, person.as_ref().map(|person| person.person_id)).await?;
        let free = if registered.is_some() { None } else { person };
        let Some(person) = free else {
            // The same job whoever it was: only the worker knows whether there is anybody to write to, or to tell of.
            let attempt = Attempt {
                account: registered,
                number: key.clone(),
                ambiguous,
            };
            jobs::enqueue(&mut tx, &self.keys, now, now, &attempt).await?;
            // No account is named here, though one may be known: with an index more to write, its line would take longer.
            // The worker's line names it.
            let level = if registered.is_some() { "registered" } else { level };
            let about = (None, typed.into(json!({ "level": level })));
            record_visitor(&tx, now, origin, "sign_up.identify", "not_matched", about).await?;
            let alarmed = self.count_for_alarm(&tx, now, &IDENTITY_INSURER).await?;
            tx.commit().await?;
            let mut refusal = reasons::not_matched(&rule, standing);
            // By what was typed alone, so it tells nothing of the roster.
            if is_my_number(identity.number.as_str()) {
                refusal.fields.push(FieldError::new(fields::NUMBER, Problem::MyNumber));
            }
            return Ok((refusal.into(), alarmed));
        };
        // Only this try: a number may be a whole household's, and whoever knows one of it could guess at the others for ever.
        throttle::give_back(&tx, &self.keys, now, &rule, &key).await?;
        let tickets = self.limits.identity_tickets();
        let begun = throttle::take(&tx, &self.keys, now, &tickets, &person.person_id.to_string()).await?;
        if let throttle::Taken::Wait { until } = begun {
            trail::note_held(&tx, now, origin, &IDENTITY_HELD, &typed).await?;
            tx.commit().await?;
            return Ok((reasons::wait(until).into(), false));
        }
        let (ticket, ticket_id) = (TenantSecret::random(insurer.tenant_id), TicketId::new(now));
        let email_hint = person.email.as_ref().map(EmailAddress::mask);
        let expires_at = now + span(self.limits.ticket_life);
        diesel::insert_into(sign_up_tickets::table)
            .values((
                sign_up_tickets::tenant_id.eq(tx.tenant()),
                sign_up_tickets::ticket_id.eq(ticket_id),
                sign_up_tickets::secret_hash.eq(ticket.secret.hash(&self.keys, PURPOSE)),
                sign_up_tickets::person_id.eq(person.person_id),
                // The roster's writing, which is that of the member's papers.
                sign_up_tickets::symbol.eq(person.symbol.as_str()),
                sign_up_tickets::number.eq(person.number.as_str()),
                sign_up_tickets::email_hint.eq(&email_hint),
                sign_up_tickets::email.eq(person
                    .email
                    .as_ref()
                    .map(|email| self.seal_ticket_email(ticket_id.of(insurer.tenant_id), email))),
                sign_up_tickets::tries.eq(0),
                sign_up_tickets::sends.eq(0),
                sign_up_tickets::created_at.eq(now),
                sign_up_tickets::expires_at.eq(expires_at),
            ))
            .execute(&mut *tx)
            .await?;
        let about = (Some(trail::ticket(ticket_id)), typed.into(json!({ "level": level })));
        record_visitor(&tx, now, origin, "sign_up.identify", "done", about).await?;
        tx.commit().await?;
        let begun = Ticketed {
            ticket,
            insurer: Arc::clone(insurer),
            email_hint,
            expires_at,
        };
        Ok((Outcome::Done(begun), false))
    }

    /// Work on a failed identity: people whom it can't tell apart become a task for staff, and a registered person gets a
    /// mail, once a day at most.
    pub(crate) async fn follow_up(&self, tenant: TenantId, attempt: Attempt) -> Result<(), Outage> {
        if let Some(ambiguous) = &attempt.ambiguous {
            self.leave_to_staff(tenant, &ambiguous.people).await?;
        }
        if let Some(account) = attempt.account {
            self.remind_registered(tenant, account, &attempt.number).await?;
        }
        // Last, for what failed before it is done again, and this would be counted again.
        self.tally_failure(tenant, &attempt).await
    }

    /// Counts it by reason, and by workplace where the number is the roster's: of whom it was nothing is kept.
    async fn tally_failure(&self, tenant: TenantId, attempt: &Attempt) -> Result<(), Outage> {
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let place = match attempt.number.rsplit_once('|') {
            Some((symbol, number)) => roster::workplaces::of_number(&tx, symbol, number).await?,
            None => None,
        };
        let reason = match (attempt.account, &attempt.ambiguous, &place) {
            (Some(_), ..) => FailureReason::Registered,
            (None, Some(_), _) => FailureReason::Alike,
            (None, None, Some(_)) => FailureReason::OtherFacts,
            (None, None, None) => FailureReason::UnknownNumber,
        };
        let (workplace, symbol) = place.unwrap_or_default();
        tallies::add_failure(&mut tx, self.clock.now(), reason, (&workplace, &symbol)).await?;
        Ok(tx.commit().await?)
    }

    /// The task for staff (design.md §3): which people of one number fold alike.
    async fn leave_to_staff(&self, tenant: TenantId, people: &[PersonId]) -> Result<(), Outage> {
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        alike::leave_to_staff(&mut tx, self.clock.now(), people).await?;
        Ok(tx.commit().await?)
    }

    /// The trail hears whose identity it was, and they get a mail.
    async fn remind_registered(&self, tenant: TenantId, account_id: AccountId, number: &str) -> Result<(), Outage> {
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let typed = Typed::of(&self.keys, "number", number).into(json!({}));
        let about = (Some(trail::account(account_id)), typed);
        record_visitor(&tx, now, &Origin::worker(), "sign_up.identify", "registered", about).await?;
        let due: Option<(String, PersonId)> = diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::account_id.eq(account_id))
            .filter(
                accounts::reminded_at
                    .is_null()
                    .or(accounts::reminded_at.lt(now - TimeDelta::days(1))),
            )
            .set(accounts::reminded_at.eq(now))
            .returning((accounts::email, accounts::person_id))
            .get_result(&mut *tx)
            .await
            .optional()?;
        if let Some((email, person_id)) = due
            && let Ok(to) = EmailAddress::parse(&email)
        {
            let message = AlreadyRegistered {
                letterhead: letterhead(&insurer, &self.public_url),
            };
            let letter = Letter {
                sender: sender(&insurer),
                to,
                subject_id: Some(person_id.0),
                expires_at: None,
                message: &message,
            };
            mail::post(&mut tx, &self.keys, now, letter).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The account of a person; asked also for nobody, so that every mismatch costs the same.
async fn account_of(tx: &mut TenantTransaction, person: Option<PersonId>) -> Result<Option<AccountId>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::person_id.eq(person.unwrap_or(PersonId(uuid::Uuid::nil()))))
        .select(accounts::account_id)
        .first(&mut **tx)
        .await
        .optional()?)
}

/// True for somebody who has an account.
pub async fn has_account(tx: &mut TenantTransaction, person: PersonId) -> Result<bool, DatabaseError> {
    Ok(account_of(tx, Some(person)).await?.is_some())
}
