//! Step 3 (manual 1-4): the code, and the account it makes.

use super::{CODE, code_of, code_verdict, live_ticket, read_code};
use crate::{
    Accounts, Outage, Outcome, Refusal, login_names,
    schema::{accounts, sign_up_tickets},
    ticket::{TicketRow, left},
    trail::record_visitor,
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{PasswordHash, codes};
use kernel::{AccountId, FieldError, Problem, TenantSecret, UserId};
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// A finished registration.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The user ID, to be written down.
    pub user_id: UserId,
    /// Whose member.
    pub insurer: Arc<Insurer>,
}

impl Accounts {
    /// Step 3: the code. A try is taken first; the fifth wrong one ends the ticket. The right code a second time (a
    /// double click, the back button) is told the same again. Where the user ID was lost meanwhile, step 2 comes again.
    pub async fn confirm(
        &self,
        origin: &Origin,
        ticket: &TenantSecret,
        code: &str,
    ) -> Result<Outcome<Registered>, Outage> {
        let Some(insurer) = self.directory.by_tenant(ticket.tenant).await? else {
            return Ok(Refusal::TicketExpired.into());
        };
        if !insurer.is_open() {
            return Ok(Refusal::InsurerSuspended.into());
        }
        let typed = match read_code(code) {
            Ok(typed) => typed,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(ticket.tenant).write(Durability::Safe).await?;
        let Some(row) = self.find_ticket_even_done(&mut tx, ticket).await? else {
            return Ok(Refusal::TicketExpired.into());
        };
        let outcome = if row.registered_at.is_some() {
            self.confirm_again(&mut tx, &insurer, &row, &typed, now).await?
        } else if row.last_sent_at.is_none() {
            Refusal::StepMissing.into()
        } else {
            self.confirm_first(&mut tx, &insurer, &row, &typed, now).await?
        };
        record_visitor(&tx, now, origin, "sign_up.confirm", code_of(&outcome), json!({})).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    async fn confirm_first(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Arc<Insurer>,
        row: &TicketRow,
        typed: &codes::TypedCode,
        now: DateTime<Utc>,
    ) -> Result<Outcome<Registered>, Outage> {
        let most = i32::try_from(self.limits.code_tries).unwrap_or(i32::MAX);
        let taken: Option<TicketRow> = diesel::update(live_ticket(tx.tenant(), row.ticket_id))
            .filter(sign_up_tickets::tries.lt(most))
            .set(sign_up_tickets::tries.eq(sign_up_tickets::tries + 1))
            .returning(TicketRow::as_returning())
            .get_result(&mut **tx)
            .await
            .optional()?;
        // What the row says now, under its lock: a form posted beside this one may have changed it.
        let Some(row) = taken else {
            // Either the tries are gone, or a request beside this one has just registered.
            return self.confirm_again(tx, insurer, row, typed, now).await;
        };
        // Asked before the code is used up: with another user ID it is good for the rest of its time.
        if let Some(Ok(user_id)) = row.user_id.as_deref().map(UserId::typed)
            && !login_names::is_free(tx, &self.names, &user_id, &row, now).await?
        {
            return Ok(user_id_taken().into());
        }
        let verdict = codes::check(tx, &self.keys, now, row.ticket_id.0, CODE, typed).await?;
        if let Err(refusal) = code_verdict(verdict, left(self.limits.code_tries, row.tries)) {
            return Ok(refusal.into());
        }
        Ok(match self.register(tx, &row, now).await? {
            Ok(user_id) => Outcome::Done(Registered {
                user_id,
                insurer: Arc::clone(insurer),
            }),
            Err(refusal) => refusal.into(),
        })
    }

    /// A ticket that has led to an account already, or has no tries left.
    async fn confirm_again(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Arc<Insurer>,
        row: &TicketRow,
        typed: &codes::TypedCode,
        now: DateTime<Utc>,
    ) -> Result<Outcome<Registered>, Outage> {
        let done: Option<DateTime<Utc>> = sign_up_tickets::table
            .filter(sign_up_tickets::tenant_id.eq(tx.tenant()))
            .filter(sign_up_tickets::ticket_id.eq(row.ticket_id))
            .select(sign_up_tickets::registered_at)
            .first(&mut **tx)
            .await?;
        if done.is_none() {
            return Ok(Refusal::CodeTriesUsedUp.into());
        }
        let verdict = codes::check(tx, &self.keys, now, row.ticket_id.0, CODE, typed).await?;
        let user_id = row.user_id.as_deref().map(UserId::typed);
        Ok(match (verdict, user_id) {
            (codes::CodeVerdict::Used, Some(Ok(user_id))) => Outcome::Done(Registered {
                user_id,
                insurer: Arc::clone(insurer),
            }),
            _ => Refusal::TicketExpired.into(),
        })
    }

    /// Writes the account, unless the person got one through another ticket meanwhile.
    async fn register(
        &self,
        tx: &mut TenantTransaction,
        row: &TicketRow,
        now: DateTime<Utc>,
    ) -> Result<Result<UserId, Refusal>, Outage> {
        let tenant = tx.tenant();
        let email = self.ticket_email(row)?;
        let (Some(Ok(user_id)), Some(password), Some(email)) =
            (row.user_id.as_deref().map(UserId::typed), &row.password, email)
        else {
            return Ok(Err(Refusal::StepMissing));
        };
        // Reserved once more: a later sign-up of the same person may have given the name up.
        if !login_names::reserve(tx, &self.names, &user_id, row, now).await? {
            return Ok(Err(user_id_taken()));
        }
        let account_id = AccountId::new(now);
        let password = password.handed_over(&self.keys, row.owner(), account_id.of(tenant))?;
        let made = diesel::insert_into(accounts::table)
            .values((
                accounts::tenant_id.eq(tenant),
                accounts::account_id.eq(account_id),
                accounts::person_id.eq(row.person_id),
                accounts::user_id.eq(user_id.as_str()),
                accounts::password.eq(password),
                accounts::password_changed_at.eq(now),
                accounts::email.eq(email.as_str()),
                accounts::email_proven_at.eq(now),
                accounts::registered_at.eq(now),
            ))
            .on_conflict((accounts::tenant_id, accounts::person_id))
            .do_nothing()
            .execute(&mut **tx)
            .await?;
        if made == 0 {
            return Ok(Err(Refusal::TicketExpired));
        }
        login_names::hand_over(tx, &self.names, &user_id, row, account_id).await?;
        diesel::update(live_ticket(tenant, row.ticket_id))
            .set((
                sign_up_tickets::registered_at.eq(now),
                sign_up_tickets::password.eq(None::<PasswordHash>),
                sign_up_tickets::email.eq(None::<Vec<u8>>),
            ))
            .execute(&mut **tx)
            .await?;
        let event = jobs::Event {
            kind: "member.registered",
            subject: row.person_id.0,
            payload: json!({}),
        };
        jobs::publish(tx, now, event).await?;
        Ok(Ok(user_id))
    }
}

fn user_id_taken() -> Refusal {
    Refusal::Fields(vec![FieldError::new("user_id", Problem::UserIdTaken)])
}
