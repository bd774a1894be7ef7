//! Forgotten password and forgotten user ID. What a stranger may ask has one answer and only enqueues; a worker
//! matches, so that the time tells nothing either (design.md §4).

mod reset;

pub(crate) use reset::{RESET, SECOND_CLICK};
pub use reset::{ResetForm, ResetView};

use crate::{
    Accounts, IdentityForm, fields,
    messages::{UserIdReminder, letterhead, sender},
    reasons,
    schema::accounts,
    session::{AccountRow, account},
    trail::{
        self, REMINDER_HELD, REMINDER_NETWORK_HELD, REMINDER_UNREAD, RESET_HELD, RESET_NETWORK_HELD, RESET_UNREAD,
        Typed, record_visitor,
    },
    tries::network,
    work::{ForgottenPassword, ForgottenUserId},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::network::asked_from;
use kernel::{
    BirthDate, EmailAddress, EmployeeNumber, FieldError, KanaName, Number, Outage, Outcome, Problem, Refusal, Symbol,
    TenantId, UserId,
};
use mail::{Letter, Message};
use roster::{Identity, Match};
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

impl Accounts {
    /// Asks for a mail with a reset link. One answer whatever is true. `device` names the browser or program where it has
    /// logged in with this user ID before: it asks by a count of its own.
    pub async fn forgot_password(
        &self,
        origin: &Origin,
        user_id: &str,
        device: Option<&str>,
    ) -> Result<Outcome<()>, Outage> {
        let user_id = match UserId::typed(user_id) {
            Ok(user_id) => user_id,
            Err(problem) => {
                self.note_unread(origin, &RESET_UNREAD).await?;
                return Ok(Refusal::field(FieldError::new(fields::USER_ID, problem)).into());
            }
        };
        let (places, by_network) = (network::places(origin), self.limits.recovery_network());
        if let Some(until) = self
            .network_wait(origin, &places, by_network, &RESET_NETWORK_HELD)
            .await?
        {
            return Ok(reasons::wait(until).into());
        }
        let folded = user_id.folded();
        let typed = Typed::of(&self.keys, "user_id", &folded);
        let tries = match device {
            Some(device) => vec![(self.limits.reset(1), format!("{folded}|{device}"))],
            None => asked_from(
                &places,
                &folded,
                |times| self.limits.reset(times),
                self.limits.reset_id(),
            ),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
        if let Some(until) = self.take_asked(&tx, origin, &tries, &RESET_HELD, &typed).await? {
            tx.commit().await?;
            return Ok(reasons::wait(until).into());
        }
        jobs::enqueue(&mut tx, &self.keys, now, now, &ForgottenPassword { folded }).await?;
        let about = (None, typed.into(json!({})));
        record_visitor(&tx, now, origin, "password.forgot", "done", about).await?;
        tx.commit().await?;
        self.count_network(&places, by_network).await?;
        Ok(Outcome::Done(()))
    }

    /// Asks for a mail with the user ID. One answer whatever is true.
    pub async fn forgot_user_id(&self, origin: &Origin, form: &IdentityForm) -> Result<Outcome<()>, Outage> {
        let (insurer, identity) = match self.read_identity(form).await? {
            Ok(read) => read,
            Err(errors) => {
                self.note_unread(origin, &REMINDER_UNREAD).await?;
                return Ok(Refusal::fields(errors).into());
            }
        };
        if !insurer.is_open() {
            return Ok(reasons::INSURER_SUSPENDED.into());
        }
        let (places, by_network) = (network::places_at(origin, &insurer), self.limits.recovery_network());
        if let Some(until) = self
            .network_wait(origin, &places, by_network, &REMINDER_NETWORK_HELD)
            .await?
        {
            return Ok(reasons::wait(until).into());
        }
        let key = format!("{}|{}", identity.symbol.key(), identity.number.key());
        let typed = Typed::of(&self.keys, "number", &key);
        let reminder = |times| self.limits.reminder(times);
        let tries = asked_from(&network::places(origin), &key, reminder, self.limits.reminder_id());
        let now = self.clock.now();
        let job = ForgottenUserId {
            symbol: identity.symbol.as_str().to_owned(),
            number: identity.number.as_str().to_owned(),
            birth_date: identity.birth_date.date(),
            kana_name: identity.kana_name.as_str().to_owned(),
            employee_number: identity
                .employee_number
                .as_ref()
                .map(|number| number.as_str().to_owned()),
        };
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        if let Some(until) = self.take_asked(&tx, origin, &tries, &REMINDER_HELD, &typed).await? {
            tx.commit().await?;
            return Ok(reasons::wait(until).into());
        }
        jobs::enqueue(&mut tx, &self.keys, now, now, &job).await?;
        let about = (None, typed.into(json!({})));
        record_visitor(&tx, now, origin, "user_id.forgot", "done", about).await?;
        tx.commit().await?;
        self.count_network(&places, by_network).await?;
        Ok(Outcome::Done(()))
    }

    /// Posts a message to an account's proven address.
    pub(crate) async fn write_to<M: Message>(
        &self,
        tx: &mut TenantTransaction,
        found: &AccountRow,
        sender: mail::Sender,
        expires_at: Option<DateTime<Utc>>,
        message: &M,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        if let Ok(to) = EmailAddress::parse(&found.email) {
            let letter = Letter {
                sender,
                to,
                subject_id: Some(found.person_id.0),
                expires_at,
                message,
            };
            mail::post(tx, &self.keys, now, letter).await?;
        }
        Ok(())
    }

    /// The insurer, while its portal is open: a suspended one mails nobody the way in.
    async fn serving(&self, tenant: TenantId) -> Result<Option<Arc<Insurer>>, Outage> {
        let insurer = self.directory.by_tenant(tenant).await?;
        Ok(insurer.filter(|insurer| insurer.is_open()))
    }

    /// Work on a forgotten password: a mail with a link, where the user ID is somebody's.
    pub(crate) async fn mail_reset(&self, job: ForgottenPassword) -> Result<(), Outage> {
        let Some((tenant, account_id)) = self.account_named(&job.folded).await? else {
            return Ok(());
        };
        let Some(insurer) = self.serving(tenant).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let Some(found) = account(&tx, account_id).await? else {
            return Ok(());
        };
        let typed = Typed::of(&self.keys, "user_id", &job.folded).into(json!({}));
        let about = (Some(trail::account(account_id)), typed);
        record_visitor(&tx, now, &Origin::worker(), "password.forgot", "mailed", about).await?;
        self.mail_reset_link(&mut tx, &insurer, &found, now).await?;
        Ok(tx.commit().await?)
    }

    /// Work on a forgotten user ID: a mail with it, where the identity is a registered person's.
    pub(crate) async fn mail_user_id(&self, tenant: TenantId, job: ForgottenUserId) -> Result<(), Outage> {
        let Some(insurer) = self.serving(tenant).await? else {
            return Ok(());
        };
        let Ok(identity) = identity_of(&job) else { return Ok(()) };
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let found = match roster::find(&mut tx, &insurer, &identity, now).await? {
            // They may read their statements alone, which takes a log-in as well.
            Match::None => roster::find_former(&mut tx, &insurer, &identity, now).await?,
            found => found,
        };
        if let Match::One { person, .. } = found
            && let Some(found) = account_of_person(&mut tx, person.person_id).await?
        {
            let number = format!("{}|{}", identity.symbol.key(), identity.number.key());
            let about = (
                Some(trail::account(found.account_id)),
                Typed::of(&self.keys, "number", &number).into(json!({})),
            );
            record_visitor(&tx, now, &Origin::worker(), "user_id.forgot", "mailed", about).await?;
            let message = UserIdReminder {
                letterhead: letterhead(&insurer, &self.public_url),
                user_id: found.user_id.clone(),
            };
            self.write_to(&mut tx, &found, sender(&insurer), None, &message, now)
                .await?;
        }
        Ok(tx.commit().await?)
    }
}

/// An account's user ID as log-ins are counted on it.
pub(crate) fn folded(found: &AccountRow) -> String {
    UserId::typed(&found.user_id).map_or_else(|_| String::new(), |id| id.folded())
}

fn identity_of(job: &ForgottenUserId) -> Result<Identity, Problem> {
    Ok(Identity {
        symbol: Symbol::parse(&job.symbol)?,
        number: Number::parse(&job.number)?,
        birth_date: BirthDate::parse_iso(&job.birth_date.to_string(), job.birth_date)?,
        kana_name: KanaName::parse(&job.kana_name)?,
        employee_number: job.employee_number.as_deref().map(EmployeeNumber::parse).transpose()?,
    })
}

async fn account_of_person(
    tx: &mut TenantTransaction,
    person: kernel::PersonId,
) -> Result<Option<AccountRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::person_id.eq(person))
        .select(AccountRow::as_select())
        .first(&mut **tx)
        .await
        .optional()?)
}
