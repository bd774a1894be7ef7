//! A sign-up under way: the ticket in the visitor's cookie, what it has come to, and what its pages show.
//!
//! The match with the roster and the step live here on the server; steps can't be skipped (security.md 4, 12).

use crate::{
    Accounts,
    codes::{CodeFor, CodeView, UnderWay},
    reasons,
    schema::sign_up_tickets,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{EmailAddress, MailId, Outage, Outcome, Owner, PersonId, TenantId, TenantSecret, TicketId};
use std::sync::Arc;
use tenancy::Insurer;

/// Where a sign-up stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Identity is proven; user ID, password and e-mail are to be given.
    Account,
    /// A code was sent and is to be typed.
    Code,
}

/// What the pages of a sign-up show.
#[derive(Debug, Clone)]
pub struct TicketView {
    /// Whose portal.
    pub insurer: Arc<Insurer>,
    /// The page it has come to.
    pub step: Step,
    /// 記号 as typed.
    pub symbol: String,
    /// 番号 as typed.
    pub number: String,
    /// ユーザーID as given.
    pub user_id: Option<String>,
    /// The mask of the address the insurer registered; it can't be edited here.
    pub email_hint: Option<String>,
    /// The address as given.
    pub email: Option<String>,
    /// When the ticket ends.
    pub expires_at: DateTime<Utc>,
    /// The code under way.
    pub code: Option<CodeView>,
}

impl Accounts {
    /// What the page of this ticket shows; refused where the ticket is unknown, done, too old or out of tries.
    pub async fn ticket(&self, ticket: &TenantSecret) -> Result<Outcome<TicketView>, Outage> {
        let Some(insurer) = self.directory.by_tenant(ticket.tenant).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        let mut tx = self.database.tenant(ticket.tenant).read().await?;
        let Some(row) = self.find_ticket(&mut tx, ticket).await? else {
            return Ok(reasons::TICKET_EXPIRED.into());
        };
        if let Some(reason) = self.codes_used_up(row.tries, None) {
            return Ok(reason.into());
        }
        let mail = match row.mail_id {
            Some(id) => mail::state(&mut tx, id).await?,
            None => None,
        };
        tx.commit().await?;
        let email = self.ticket_email(&row)?;
        let code = match (&email, row.last_sent_at) {
            (Some(email), Some(sent_at)) => {
                let code = UnderWay {
                    sent_at,
                    tries: row.tries,
                    sends: row.sends,
                    mail,
                };
                Some(self.code_view(email, row.email_hint.as_deref(), &code))
            }
            _ => None,
        };
        Ok(Outcome::Done(TicketView {
            insurer,
            step: if code.is_some() { Step::Code } else { Step::Account },
            symbol: row.symbol,
            number: row.number,
            user_id: row.user_id,
            email: if row.email_hint.is_some() {
                None
            } else {
                email.map(|email| email.as_str().to_owned())
            },
            email_hint: row.email_hint,
            expires_at: row.expires_at,
            code,
        }))
    }

    /// The live ticket of a secret.
    pub(crate) async fn find_ticket(
        &self,
        tx: &mut TenantTransaction,
        ticket: &TenantSecret,
    ) -> Result<Option<TicketRow>, DatabaseError> {
        let row = self.find_ticket_even_done(tx, ticket).await?;
        Ok(row.filter(|row| row.registered_at.is_none()))
    }

    /// The ticket of a secret within its life, whether it has led to an account or not.
    pub(crate) async fn find_ticket_even_done(
        &self,
        tx: &mut TenantTransaction,
        ticket: &TenantSecret,
    ) -> Result<Option<TicketRow>, DatabaseError> {
        let tenant = tx.tenant();
        for hash in ticket.secret.hashes(&self.keys, PURPOSE) {
            let row = sign_up_tickets::table
                .filter(sign_up_tickets::tenant_id.eq(tenant))
                .filter(sign_up_tickets::secret_hash.eq(hash))
                .filter(sign_up_tickets::expires_at.gt(self.clock.now()))
                .select(TicketRow::as_select())
                .first(&mut **tx)
                .await
                .optional()?;
            if row.is_some() {
                return Ok(row);
            }
        }
        Ok(None)
    }

    /// The sealed address of a ticket.
    pub(crate) fn ticket_email(&self, row: &TicketRow) -> Result<Option<EmailAddress>, Outage> {
        let Some(sealed) = &row.email else { return Ok(None) };
        let plain = self.keys.open(PURPOSE, row.owner(), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| kernel::KeyError::Sealed)?;
        Ok(EmailAddress::parse(text).ok())
    }

    /// Seals an address for a ticket.
    pub(crate) fn seal_ticket_email(&self, owner: Owner, email: &EmailAddress) -> Vec<u8> {
        self.keys.seal(PURPOSE, owner, email.as_str().as_bytes())
    }
}

/// What ticket secrets are hashed and ticket addresses are sealed for.
pub(crate) const PURPOSE: &str = "ticket";

#[derive(Queryable, Selectable)]
#[diesel(table_name = sign_up_tickets)]
pub(crate) struct TicketRow {
    tenant_id: TenantId,
    pub ticket_id: TicketId,
    pub person_id: PersonId,
    pub symbol: String,
    pub number: String,
    pub email_hint: Option<String>,
    pub user_id: Option<String>,
    pub password: Option<guard::PasswordHash>,
    /// Sealed: where the code goes. From the first step on where the insurer registered an address, so that the mask
    /// shown is always of the address in use.
    pub email: Option<Vec<u8>>,
    pub tries: i32,
    pub sends: i32,
    pub last_sent_at: Option<DateTime<Utc>>,
    pub mail_id: Option<MailId>,
    pub expires_at: DateTime<Utc>,
    pub registered_at: Option<DateTime<Utc>>,
}

impl TicketRow {
    /// Whose what is sealed in it is.
    pub fn owner(&self) -> Owner {
        self.ticket_id.of(self.tenant_id)
    }

    /// What its codes prove.
    pub fn code(&self) -> CodeFor {
        CodeFor {
            purpose: "sign_up",
            subject: self.ticket_id.0,
            person: self.person_id,
        }
    }
}

/// A ticket that has not led to an account.
#[diesel::dsl::auto_type(no_type_alias)]
pub(crate) fn live_ticket(tenant: TenantId, ticket: TicketId) -> _ {
    sign_up_tickets::table
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::ticket_id.eq(ticket))
        .filter(sign_up_tickets::registered_at.is_null())
}

/// The ticket as it is now, locked: of requests side by side each sees what the one before it wrote.
pub(crate) async fn lock_ticket(
    tx: &mut TenantTransaction,
    ticket: TicketId,
) -> Result<Option<TicketRow>, DatabaseError> {
    Ok(live_ticket(tx.tenant(), ticket)
        .select(TicketRow::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?)
}
