//! The row of somebody who works here, with what proves them, and the names by which it is found.

use crate::{fields, schema::staff};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{PasswordHash, Stored, guesses::Guesser};
use kernel::{EmailAddress, FieldError, InsurerCode, Problem, StaffId, TenantId, text};
use tenancy::Insurer;

/// An account that nobody has logged in to for so long is suspended.
pub(crate) const UNUSED: TimeDelta = TimeDelta::days(90);
/// Characters of a name.
const LONGEST_NAME: usize = 60;

/// What identifies an account at the door: the insurer's code, none for the platform's own staff, and the mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StaffName {
    pub code: Option<InsurerCode>,
    /// As it is compared; of what can't be an address, what was typed.
    pub email_key: String,
}

impl StaffName {
    /// Reads a door's two fields; `code` is none at the platform's.
    pub(crate) fn read(code: Option<&str>, email: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let code = code.map(|code| FieldError::gather(fields::INSURER_CODE, InsurerCode::parse(code), errors));
        if text::normalize(email).is_empty() {
            errors.push(FieldError::new(fields::EMAIL, Problem::Empty));
        }
        if !errors.is_empty() {
            return None;
        }
        let email_key = EmailAddress::parse(email)
            .map_or_else(|_| text::normalize(email).to_lowercase(), |email| email_key(&email));
        Some(Self {
            code: code.flatten(),
            email_key,
        })
    }

    pub(crate) fn of(insurer: &Insurer, email_key: &str) -> Self {
        Self {
            code: insurer.code.clone(),
            email_key: email_key.to_owned(),
        }
    }

    /// What its tries are counted on.
    pub(crate) fn typed(&self) -> String {
        let code = self.code.as_ref().map_or("platform", InsurerCode::as_str);
        format!("{code}|{}", self.email_key)
    }
}

/// By what a browser knows an account that has logged in with it; none where the fields can't name one.
pub fn door_name(code: Option<&str>, email: &str) -> Option<String> {
    StaffName::read(code, email, &mut Vec::new()).map(|name| name.typed())
}

/// An address as it is compared: without width and case.
pub(crate) fn email_key(email: &EmailAddress) -> String {
    email.as_str().to_lowercase()
}

/// 氏名 as it is kept.
pub(crate) fn person_name(typed: &str) -> Result<String, Problem> {
    let name = text::normalize(typed);
    if name.is_empty() {
        return Err(Problem::Empty);
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Problem::TooLong { max: LONGEST_NAME });
    }
    if text::has_control(&name) {
        return Err(Problem::Characters);
    }
    Ok(name)
}

/// A row of `staff`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = staff)]
pub(crate) struct Account {
    tenant_id: TenantId,
    pub staff_id: StaffId,
    pub email: String,
    pub email_key: String,
    pub name: String,
    pub password: Option<PasswordHash>,
    pub password_changed_at: Option<DateTime<Utc>>,
    guesses: i32,
    device_guesses: i32,
    created_at: DateTime<Utc>,
    pub last_log_in_at: Option<DateTime<Utc>>,
    resumed_at: Option<DateTime<Utc>>,
    pub suspended_at: Option<DateTime<Utc>>,
    pub suspended_for: Option<String>,
    pub factor_reset_at: Option<DateTime<Utc>>,
}

impl Account {
    /// Wrong passwords since the last right one.
    pub(crate) fn guesses(&self, by: Guesser) -> i32 {
        match by {
            Guesser::Stranger => self.guesses,
            Guesser::Device => self.device_guesses,
        }
    }

    /// The hash, as this account's; none before the invitation is accepted.
    pub(crate) fn stored(&self) -> Option<Stored> {
        self.password.clone().map(|hash| Stored {
            hash,
            owner: self.staff_id.of(self.tenant_id),
        })
    }

    /// True once the invitation is accepted.
    pub(crate) fn has_come(&self) -> bool {
        self.password_changed_at.is_some() || self.last_log_in_at.is_some()
    }

    /// True where nobody has come in for so long that nobody comes in any more.
    pub(crate) fn is_unused(&self, now: DateTime<Utc>) -> bool {
        let used = self.last_log_in_at.max(self.resumed_at).max(Some(self.created_at));
        used.is_some_and(|used| used <= now - UNUSED)
    }
}

/// The account of an id.
pub(crate) async fn account(tx: &TenantTransaction, id: StaffId) -> Result<Option<Account>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .select(Account::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// [`account`], kept from others' changes until the transaction ends.
pub(crate) async fn locked(tx: &TenantTransaction, id: StaffId) -> Result<Option<Account>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .select(Account::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// The account of a mail address.
pub(crate) async fn account_of(tx: &TenantTransaction, email_key: &str) -> Result<Option<Account>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::email_key.eq(email_key))
        .select(Account::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// What becomes of an account's lasting counts of guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guess {
    /// One more, before it is looked at: fifty at once count as fifty.
    Taken,
    /// One less: nothing was looked at.
    GivenBack,
    /// None: the password was right.
    Ended,
}

/// Writes it, for the account of a mail address; whether there is one costs the same.
pub(crate) async fn guess(
    tx: &TenantTransaction,
    email_key: &str,
    by: Guesser,
    what: Guess,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let is = |of: Guesser, becomes: Guess| by == of && what == becomes;
    let guessed = diesel::update(staff::table)
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::email_key.eq(email_key))
        .set((
            is(Guesser::Stranger, Guess::Taken).then(|| staff::guesses.eq(staff::guesses + 1)),
            is(Guesser::Stranger, Guess::GivenBack).then(|| staff::guesses.eq(staff::guesses - 1)),
            is(Guesser::Stranger, Guess::Ended).then(|| staff::guesses.eq(0)),
            is(Guesser::Device, Guess::Taken).then(|| staff::device_guesses.eq(staff::device_guesses + 1)),
            is(Guesser::Device, Guess::GivenBack).then(|| staff::device_guesses.eq(staff::device_guesses - 1)),
            is(Guesser::Device, Guess::Ended).then(|| staff::device_guesses.eq(0)),
        ));
    Prepared(guessed).execute(&mut &**tx).await?;
    Ok(())
}
