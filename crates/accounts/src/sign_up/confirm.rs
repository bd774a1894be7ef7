//! Step 3 (manual 1-4): the code, and the account it makes.

use crate::{
    Accounts,
    codes::read_code,
    fields, login_names, reasons, registrations,
    schema::{accounts, sign_up_tickets},
    ticket::{TicketRow, live_ticket, lock_ticket},
    trail::{self, CODE_HELD, CODE_NETWORK_HELD, CODE_UNREAD, Typed, record_visitor},
    tries::{network, rules::CODE_INSURER},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{PasswordHash, codes};
use kernel::{AccountId, FieldError, Outage, Outcome, Problem, Refusal, TenantSecret, UserId};
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

/// What became of a typed code.
struct Judged {
    outcome: Outcome<Registered>,
    /// The account that this very request made.
    account: Option<AccountId>,
    /// A wrong code, which counts.
    wrong: bool,
}

impl<R: Into<Refusal>> From<R> for Judged {
    fn from(refusal: R) -> Self {
        Self {
            wrong: false,
            account: None,
            outcome: Outcome::Refused(refusal.into()),
        }
    }
}

impl Accounts {
    /// Step 3: the code. The fifth wrong one ends the ticket, and only wrong ones count. The right code a second time (a
    /// double click, the back button) is told the same again. Where the user ID was lost meanwhile, step 2 comes again.
    pub async fn confirm(
        &self,
        origin: &Origin,
        ticket: &TenantSecret,
        code: &str,
    ) -> Result<Outcome<Registered>, Outage> {
        let Some(insurer) = self.directory.by_tenant(ticket.tenant).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        if !insurer.is_open() {
            return Ok(reasons::INSURER_SUSPENDED.into());
        }
        let typed = match read_code(code) {
            Ok(typed) => typed,
            Err(refusal) => {
                self.note_unread(origin, &CODE_UNREAD).await?;
                return Ok(refusal.into());
            }
        };
        let (places, by_network) = (network::places_at(origin, &insurer), self.limits.code_network());
        if let Some(until) = self
            .network_wait(origin, &places, by_network, &CODE_NETWORK_HELD)
            .await?
        {
            return Ok(reasons::wait(until).into());
        }
        let now = self.clock.now();
        let mut tx = self.database.tenant(ticket.tenant).write(Durability::Safe).await?;
        let Some(row) = self.find_ticket_even_done(&mut tx, ticket).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        let judged = if row.registered_at.is_some() {
            self.confirm_again(&mut tx, &insurer, &row, &typed, now).await?
        } else if row.last_sent_at.is_none() {
            reasons::STEP_MISSING.into()
        } else {
            self.confirm_first(&mut tx, &insurer, &row, &typed, now).await?
        };
        let alarmed = judged.wrong && self.count_for_alarm(&tx, now, &CODE_INSURER).await?;
        if judged.wrong || judged.account.is_some() {
            let about = (Some(trail::ticket(row.ticket_id)), json!({ "account": judged.account }));
            record_visitor(&tx, now, origin, "sign_up.confirm", trail::word(&judged.outcome), about).await?;
        } else {
            // Costs no try, so there may be any number of them.
            trail::note_held(
                &tx,
                now,
                origin,
                &CODE_HELD,
                &Typed::of(&self.keys, "ticket", &row.ticket_id.to_string()),
            )
            .await?;
        }
        tx.commit().await?;
        if let (Outcome::Done(registered), Some(account)) = (&judged.outcome, judged.account)
            && let Err(outage) = self
                .carry_over(ticket.tenant, account, &registered.user_id.folded())
                .await
        {
            // The account is made all the same: who registered is not told that nothing was changed.
            tracing::warn!(cause = %outage, "guesses at a user ID before it was registered are not counted on");
        }
        if judged.wrong {
            self.count_network(&places, by_network).await?;
        }
        if alarmed {
            self.slow_down().await;
        }
        Ok(judged.outcome)
    }

    async fn confirm_first(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Arc<Insurer>,
        row: &TicketRow,
        typed: &codes::TypedCode,
        now: DateTime<Utc>,
    ) -> Result<Judged, Outage> {
        // What the row says now, under its lock: whoever types beside this one waits, so tries count exactly.
        let Some(row) = lock_ticket(tx, row.ticket_id).await? else {
            // A request beside this one has just registered.
            return self.confirm_again(tx, insurer, row, typed, now).await;
        };
        if let Some(reason) = self.codes_used_up(row.tries, None) {
            return Ok(reason.into());
        }
        // Asked before the code is used up: with another user ID it is good for the rest of its time.
        if let Some(Ok(user_id)) = row.user_id.as_deref().map(UserId::typed)
            && !login_names::is_free(tx, &self.names, &user_id, &row, now).await?
        {
            return Ok(user_id_taken().into());
        }
        let judged = self.judge_code(tx, row.code(), typed, row.tries).await?;
        if let Err(refusal) = judged {
            let wrong = refusal.is_any(&[reasons::CODE_WRONG, reasons::CODE_TRIES_USED_UP]);
            if wrong {
                diesel::update(live_ticket(tx.tenant(), row.ticket_id))
                    .set(sign_up_tickets::tries.eq(sign_up_tickets::tries + 1))
                    .execute(&mut **tx)
                    .await?;
            }
            return Ok(Judged {
                wrong,
                ..refusal.into()
            });
        }
        Ok(match self.register(tx, &row, now).await? {
            Ok((user_id, account)) => Judged {
                outcome: Outcome::Done(Registered {
                    user_id,
                    insurer: Arc::clone(insurer),
                }),
                account: Some(account),
                wrong: false,
            },
            Err(refusal) => refusal.into(),
        })
    }

    /// A ticket that has led to an account already.
    async fn confirm_again(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Arc<Insurer>,
        row: &TicketRow,
        typed: &codes::TypedCode,
        now: DateTime<Utc>,
    ) -> Result<Judged, Outage> {
        let code = row.code();
        let verdict = codes::check(tx, &self.keys, now, code.subject, code.purpose, typed).await?;
        let user_id = row.user_id.as_deref().map(UserId::typed);
        Ok(match (verdict, user_id) {
            (codes::CodeVerdict::Used, Some(Ok(user_id))) => Judged {
                outcome: Outcome::Done(Registered {
                    user_id,
                    insurer: Arc::clone(insurer),
                }),
                account: None,
                wrong: false,
            },
            _ => reasons::TICKET_EXPIRED.into(),
        })
    }

    /// Writes the account, unless the person got one through another ticket meanwhile, or is protected since.
    async fn register(
        &self,
        tx: &mut TenantTransaction,
        row: &TicketRow,
        now: DateTime<Utc>,
    ) -> Result<Result<(UserId, AccountId), Refusal>, Outage> {
        let tenant = tx.tenant();
        let email = self.ticket_email(row)?;
        let (Some(Ok(user_id)), Some(password), Some(email)) =
            (row.user_id.as_deref().map(UserId::typed), &row.password, email)
        else {
            return Ok(Err(reasons::STEP_MISSING.into()));
        };
        if roster::protection::is_protected(tx, row.person_id).await? {
            return Ok(Err(reasons::TICKET_EXPIRED.into()));
        }
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
            return Ok(Err(reasons::TICKET_EXPIRED.into()));
        }
        self.list(tx, row.person_id, true).await?;
        login_names::hand_over(tx, &self.names, &user_id, row, account_id).await?;
        diesel::update(live_ticket(tenant, row.ticket_id))
            .set((
                sign_up_tickets::registered_at.eq(now),
                sign_up_tickets::password.eq(None::<PasswordHash>),
                sign_up_tickets::email.eq(None::<Vec<u8>>),
            ))
            .execute(&mut **tx)
            .await?;
        let whose = (account_id, row.person_id);
        registrations::tell(tx, now, registrations::Kind::Registered, whose);
        let event = jobs::Event {
            kind: "member.registered",
            subject: row.person_id.0,
            payload: json!({}),
        };
        jobs::publish(tx, now, event);
        Ok(Ok((user_id, account_id)))
    }
}

fn user_id_taken() -> Refusal {
    Refusal::field(FieldError::new(fields::USER_ID, Problem::UserIdTaken))
}
