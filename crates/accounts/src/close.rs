//! Closing an account. Whoever had it is a stranger from then on: what they know opens nothing, and their user ID is nobody
//! else's for a year ([`crate::forget`]). The person is free to sign up again, to a new account with nothing of the old.
//!
//! The row is emptied, not deleted: consents and the trail hang on it. Its `person_id` becomes its own id, so that whatever
//! is asked by person passes it by; whose it was stands in `closed_person_id`.

use crate::{
    Accounts, Member,
    account::actor,
    desk_email,
    forget::OfNobody,
    messages::{AccountClosed, letterhead, sender},
    reasons,
    recover::{RESET, SECOND_CLICK},
    registrations,
    schema::{accounts, email_changes, mail_wishes, sign_up_tickets},
    session::AccountRow,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{links, sessions};
use kernel::{AccountId, Outage, Outcome, PersonId, Refusal};
use serde_json::json;
use tenancy::Insurer;

/// Why an account is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Its owner wished it, on their own page.
    Own,
    /// Staff did it.
    Desk,
}

impl Closing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Desk => "desk",
        }
    }
}

impl Accounts {
    /// Closes the member's own account, with the present password as proof (security.md 42). The second of two clicks is told
    /// what the first one did.
    pub async fn close_own(
        &self,
        origin: &Origin,
        member: &Member,
        current_password: &str,
    ) -> Result<Outcome<()>, Outage> {
        if let Outcome::Refused(refusal) = self.prove_present_password(origin, member, current_password).await? {
            return self.after_closing(member, refusal).await;
        }
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        let by = (actor(member), origin);
        let closed = self.close(&mut tx, &member.insurer, member.account_id, by, Closing::Own);
        if !closed.await? {
            drop(tx);
            return self.after_closing(member, reasons::SESSION_ENDED.into()).await;
        }
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Closes an account, in the transaction of who does it: every session and reset link ends, and its owner is told by mail.
    /// False where there is no such account, or none any more.
    pub async fn close(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        id: AccountId,
        (actor, origin): (Actor, &Origin),
        why: Closing,
    ) -> Result<bool, Outage> {
        let now = self.clock.now();
        let Some(found) = lock(tx, id).await? else {
            return Ok(false);
        };
        let message = AccountClosed {
            letterhead: letterhead(insurer, &self.public_url),
            at: now,
            by_desk: why == Closing::Desk,
        };
        self.write_to(tx, &found, sender(insurer), None, &message, now).await?;
        empty(tx, &found, now).await?;
        self.list(tx, found.person_id, false).await?;
        sessions::end_all(tx, id.0, None).await?;
        links::close(tx, now, id.0, RESET).await?;
        let entry = Entry {
            actor,
            action: "account.close",
            object: Some(("account", id.0)),
            outcome: "done",
            detail: json!({ "why": why.as_str() }),
        };
        audit::record(tx, now, origin, entry).await?;
        registrations::tell(tx, now, registrations::Kind::Closed, (id, found.person_id));
        let event = jobs::Event {
            kind: "member.closed",
            subject: found.person_id.0,
            payload: json!({}),
        };
        jobs::publish(tx, now, event);
        Ok(true)
    }

    /// What to say of a closing that was refused: it is done, where the first of two clicks did it just now.
    async fn after_closing(&self, member: &Member, refusal: Refusal) -> Result<Outcome<()>, Outage> {
        if !refusal.is(reasons::SESSION_ENDED) {
            return Ok(refusal.into());
        }
        let since = self.clock.now() - SECOND_CLICK;
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        Ok(if closed_since(&tx, member.account_id, since).await? {
            Outcome::Done(())
        } else {
            refusal.into()
        })
    }
}

/// The account, held against all who would change it.
pub(crate) async fn lock(tx: &TenantTransaction, id: AccountId) -> Result<Option<AccountRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .filter(accounts::emptied_at.is_null())
        .select(AccountRow::as_select())
        .for_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

async fn empty(tx: &mut TenantTransaction, found: &AccountRow, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let (tenant, id) = (tx.tenant(), found.account_id);
    diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            OfNobody::at(now),
            accounts::person_id.eq(PersonId(id.0)),
            accounts::closed_person_id.eq(found.person_id),
        ))
        .execute(&mut **tx)
        .await?;
    diesel::delete(email_changes::table)
        .filter(email_changes::tenant_id.eq(tenant))
        .filter(email_changes::account_id.eq(id))
        .execute(&mut **tx)
        .await?;
    desk_email::end(tx, id).await?;
    // The links in mails sent so far stay good, and say so.
    diesel::update(mail_wishes::table)
        .filter(mail_wishes::tenant_id.eq(tenant))
        .filter(mail_wishes::account_id.eq(id))
        .filter(mail_wishes::off_at.is_null())
        .set(mail_wishes::off_at.eq(now))
        .execute(&mut **tx)
        .await?;
    // Sign-ups that were under way beside the one that made it would open the next, and the one itself would tell that it did.
    diesel::update(sign_up_tickets::table)
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::person_id.eq(found.person_id))
        .filter(sign_up_tickets::expires_at.gt(now))
        .set(sign_up_tickets::expires_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn closed_since(tx: &TenantTransaction, id: AccountId, since: DateTime<Utc>) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let closed = accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .filter(accounts::closed_person_id.is_not_null())
        .filter(accounts::emptied_at.ge(since));
    Ok(diesel::select(diesel::dsl::exists(closed))
        .get_result(&mut &**tx)
        .await?)
}
