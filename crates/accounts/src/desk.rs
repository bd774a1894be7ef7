//! What the desk does for a member who has called: end their log-ins, take a lock away, mail the link to a new password. Each
//! is a line of the trail in the transaction of whoever asks, and its owner is told by mail. Nothing here gives staff a
//! password or a session.

use crate::{
    Accounts,
    close::lock,
    codes::wrong,
    messages::{AllLoggedOut, PasswordReset, Unlocked as UnlockedMail, letterhead, sender},
    reasons,
    recover::{RESET, folded},
    schema::accounts,
    session::AccountRow,
    tries::{limits::span, rules::DESK_MAILS},
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    links, sessions,
    throttle::{self, Taken},
};
use kernel::{AccountId, Outage, Outcome, PersonId, outcome};
use serde_json::{Value, json};
use tenancy::Insurer;

/// Who does something for a member.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Whose member.
    pub insurer: &'a Insurer,
    /// How the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
}

/// What was taken away.
#[derive(Debug, Clone, Default)]
pub struct Unlocked {
    /// Wrong passwords or codes.
    is_any: bool,
    /// The user ID, folded, whose counts at the platform are to end.
    user_id: Option<String>,
}

impl Unlocked {
    /// True where there was anything.
    pub fn is_any(&self) -> bool {
        self.is_any
    }
}

impl Accounts {
    /// Ends every log-in of an account; how many. None where there is no such account any more.
    pub async fn log_out_all(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        id: AccountId,
    ) -> Result<Option<usize>, Outage> {
        let Some(found) = lock(tx, id).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let ended = sessions::end_all(tx, id.0, None).await?;
        if ended > 0 {
            let message = AllLoggedOut {
                letterhead: letterhead(by.insurer, &self.public_url),
                at: now,
            };
            self.write_to(tx, &found, sender(by.insurer), None, &message, now)
                .await?;
        }
        by.record(tx, now, "session.end_all", ("account", id.0), json!({ "ended": ended }))
            .await?;
        Ok(Some(ended))
    }

    /// Takes away what wrong passwords and wrong codes have locked of a person. What is counted at the platform ends by
    /// [`Self::after_unlocking`], once this is committed.
    pub async fn unlock_for(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        (person, account): (PersonId, Option<AccountId>),
    ) -> Result<Unlocked, Outage> {
        let now = self.clock.now();
        let found = match account {
            Some(account) => lock(tx, account).await?,
            None => None,
        };
        let failures = wrong::clear(tx, person).await?;
        let passwords = match &found {
            Some(found) => forgive(tx, found.account_id).await?,
            None => false,
        };
        let is_any = passwords || failures.is_some();
        if is_any {
            if let Some(found) = &found {
                let message = UnlockedMail {
                    letterhead: letterhead(by.insurer, &self.public_url),
                    at: now,
                };
                self.write_to(tx, found, sender(by.insurer), None, &message, now)
                    .await?;
            }
            let detail = json!({ "codes": failures, "passwords": passwords });
            by.record(tx, now, "account.unlock", ("person", person.0), detail)
                .await?;
        }
        Ok(Unlocked {
            is_any,
            user_id: found.as_ref().map(folded),
        })
    }

    /// The rest of [`Self::unlock_for`]: the counts by user ID, which stand at the platform.
    pub async fn after_unlocking(&self, origin: &Origin, unlocked: &Unlocked) -> Result<(), Outage> {
        match &unlocked.user_id {
            Some(user_id) => self.forgive_guesses(origin, user_id).await,
            None => Ok(()),
        }
    }

    /// Mails an account the link to a new password.
    pub async fn start_reset(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        id: AccountId,
    ) -> Result<Outcome<()>, Outage> {
        let Some(found) = lock(tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let now = self.clock.now();
        if let Some(until) = self.mailed_enough(tx, id, now).await? {
            return Ok(reasons::resend_too_soon(until).into());
        }
        self.mail_reset_link(tx, by.insurer, &found, now).await?;
        by.record(tx, now, "password.mail_link", ("account", id.0), json!({}))
            .await?;
        Ok(Outcome::Done(()))
    }

    /// Until when staff have no more mailed for an account, where they have had so much: nobody's mailbox is filled by it.
    pub(crate) async fn mailed_enough(
        &self,
        tx: &TenantTransaction,
        id: AccountId,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        let taken = throttle::take(tx, &self.keys, now, &DESK_MAILS, &id.to_string()).await?;
        Ok(match taken {
            Taken::Free => None,
            Taken::Wait { until } => Some(until),
        })
    }

    /// A link that sets a new password, once, to the account's own address.
    pub(crate) async fn mail_reset_link(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &AccountRow,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let life = span(self.limits.reset_life);
        let link = links::issue(tx, &self.keys, now, found.account_id.0, RESET, life).await?;
        let mut url = self.public_url.clone();
        url.set_path("/portal/password/reset");
        url.query_pairs_mut().append_pair("token", &link.reveal());
        let message = PasswordReset {
            letterhead: letterhead(insurer, &self.public_url),
            url: url.into(),
            minutes: life.num_minutes(),
        };
        self.write_to(tx, found, sender(insurer), Some(now + life), &message, now)
            .await
    }
}

impl Desk<'_> {
    pub(crate) async fn record(
        self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        action: &'static str,
        object: (&'static str, uuid::Uuid),
        detail: Value,
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: self.actor,
            action,
            object: Some(object),
            outcome: "done",
            detail,
        };
        audit::record(tx, now, self.origin, entry).await
    }
}

/// False where no password had been wrong.
async fn forgive(tx: &mut TenantTransaction, id: AccountId) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let forgiven = diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .filter(accounts::guesses.gt(0).or(accounts::device_guesses.gt(0)))
        .set((accounts::guesses.eq(0), accounts::device_guesses.eq(0)))
        .execute(&mut **tx)
        .await?;
    Ok(forgiven > 0)
}
