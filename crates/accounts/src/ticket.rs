//! A sign-up under way: the ticket in the visitor's cookie, what it has come to, and what its pages show.
//!
//! The match with the roster and the step live here on the server; steps can't be skipped (security.md 4, 12).

use crate::{Accounts, email_change, limits::span, login_names, reasons, schema::sign_up_tickets};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{
    EmailAddress, MailId, NameKeys, Outage, Outcome, Owner, PersonId, TenantId, TenantSecret, TicketId, UserId,
};
use mail::MailState;
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

/// A code under way.
#[derive(Debug, Clone)]
pub struct CodeView {
    /// Where it went: the address as given, or the mask of the insurer's.
    pub sent_to: String,
    /// An address that some senders refuse (manual 1-4): warn.
    pub unusual: bool,
    /// When the code ends.
    pub expires_at: DateTime<Utc>,
    /// When another may be asked for.
    pub resend_at: DateTime<Utc>,
    /// Mails left.
    pub sends_left: u32,
    /// Tries left.
    pub tries_left: u32,
    /// What became of the mail.
    pub mail: MailState,
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
        if left(self.limits.code_tries, row.tries) == 0 {
            return Ok(reasons::CODE_TRIES_USED_UP.into());
        }
        let mail = match row.mail_id {
            Some(id) => mail::state(&mut tx, id).await?,
            None => None,
        };
        tx.commit().await?;
        let email = self.ticket_email(&row)?;
        let code = match (&email, row.last_sent_at) {
            (Some(email), Some(sent_at)) => Some(CodeView {
                sent_to: row.email_hint.clone().unwrap_or_else(|| email.as_str().to_owned()),
                unusual: email.is_unusual(),
                expires_at: sent_at + span(self.limits.code_life),
                resend_at: sent_at + span(self.limits.resend_after),
                sends_left: left(self.limits.code_sends, row.sends),
                tries_left: left(self.limits.code_tries, row.tries),
                mail: mail.unwrap_or(MailState::Queued),
            }),
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

pub(crate) fn left(most: u32, used: i32) -> u32 {
    most.saturating_sub(u32::try_from(used).unwrap_or(0))
}

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
}

/// Deletes sign-ups whose ticket ended before `before`, with the user IDs they had reserved, and changes of address whose
/// time ended before it: for a job; gives how many sign-ups and changes.
pub async fn sweep(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    before: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let ended: Vec<(TicketId, Option<String>)> = diesel::delete(sign_up_tickets::table)
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::expires_at.lt(before))
        .returning((sign_up_tickets::ticket_id, sign_up_tickets::user_id))
        .get_results(&mut **tx)
        .await?;
    let tickets: Vec<TicketId> = ended.iter().map(|(ticket, _)| *ticket).collect();
    let reserved: Vec<Vec<u8>> = ended
        .iter()
        .filter_map(|(_, user_id)| UserId::typed(user_id.as_deref()?).ok())
        .flat_map(|user_id| names.hashes(&user_id.folded()))
        .collect();
    login_names::give_up(tx, &reserved, &tickets).await?;
    Ok(ended.len() + email_change::sweep(tx, before).await?)
}
