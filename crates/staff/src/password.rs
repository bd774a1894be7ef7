//! A forgotten password and a changed one. What a stranger may ask has one answer and only enqueues; a worker looks whose
//! the mail is, so that the time tells nothing either.

use crate::{
    Clerk, Staff, StaffName,
    account::{Account, Guess, account, guess, locked},
    fields,
    log_in::is_open,
    messages::{PasswordChanged, PasswordReset, letterhead},
    new_password::new_password,
    reasons::{self, unhashed},
    rules::{self, MOST_GUESSES, PASSWORD_PROOF, RECOVERY_NETWORK, RESET_ID},
    schema::staff,
    trail::{self, RESET_HELD, RESET_NETWORK_HELD, Typed},
    work::ForgottenPassword,
};
use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    Password, PasswordHash,
    guesses::Guesser,
    links::{self, LinkState},
    network::{self, asked_from, watched},
    sessions::{self, Carrier},
    throttle::{self, Taken},
};
use kernel::{FieldError, InsurerCode, Outage, Outcome, Problem, Refusal, SessionId, StaffId, TenantId, TenantSecret};
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// The link's purpose in the guard.
pub(crate) const RESET: &str = "staff_password_reset";
/// How long it works.
const LIFE: TimeDelta = TimeDelta::minutes(30);
/// A form sent again within this is a second click.
pub(crate) const SECOND_CLICK: TimeDelta = TimeDelta::minutes(1);

/// The page behind a reset link.
#[derive(Debug, Clone)]
pub struct ResetView {
    /// Whose staff.
    pub insurer: Arc<Insurer>,
    /// Their address.
    pub email: String,
}

impl Staff {
    /// Asks for a mail with a reset link; `code` is none at the operators' door. One answer whatever is true. `device` names
    /// the browser where this account has logged in with it before: it asks by a count of its own.
    pub async fn forgot_password(
        &self,
        origin: &Origin,
        code: Option<&str>,
        email: &str,
        device: Option<&str>,
    ) -> Result<Outcome<()>, Outage> {
        let mut errors = Vec::new();
        let Some(name) = StaffName::read(code, email, &mut errors) else {
            return Ok(Refusal::fields(errors).into());
        };
        let (now, places) = (self.clock.now(), network::places(origin));
        let by_network: Vec<_> = watched(&places, RECOVERY_NETWORK).collect();
        if let Some(until) = self.network_wait(&by_network).await? {
            let tx = self.platform_write(Durability::Relaxed).await?;
            let typed = Typed::network(&self.keys, origin);
            trail::note_held(&tx, now, origin, &RESET_NETWORK_HELD, &typed).await?;
            tx.commit().await?;
            return Ok(reasons::wait(until).into());
        }
        let text = name.typed();
        let typed = Typed::of(&self.keys, "staff", &text);
        let tries = match device {
            Some(device) => vec![(rules::reset(1), format!("{text}|{device}"))],
            None => asked_from(&places, &text, rules::reset, RESET_ID),
        };
        let mut tx = self.platform_write(Durability::Safe).await?;
        if let Some(until) = throttle::take_all(&tx, &self.keys, now, &tries).await? {
            trail::note_held(&tx, now, origin, &RESET_HELD, &typed).await?;
            tx.commit().await?;
            return Ok(reasons::wait(until).into());
        }
        let job = ForgottenPassword {
            code: name.code.as_ref().map(|code| code.as_str().to_owned()),
            email_key: name.email_key,
        };
        jobs::enqueue(&mut tx, &self.keys, now, now, &job).await?;
        let about = (None, typed.into(json!({})));
        trail::record(&tx, now, origin, Actor::Visitor, ("password.forgot", "done"), about).await?;
        network::count(&tx, &self.keys, now, &by_network).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Work on it: a mail with a link, where the mail is somebody's who may come in.
    pub(crate) async fn mail_reset(&self, job: ForgottenPassword) -> Result<(), Outage> {
        let insurer = match job.code.as_deref().map(InsurerCode::parse) {
            None => Some(self.directory.platform().await?),
            Some(Ok(code)) => self.directory.by_code(&code).await?,
            Some(Err(_)) => None,
        };
        let Some(insurer) = insurer.filter(|insurer| is_open(insurer)) else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        let found = crate::account::account_of(&tx, &job.email_key).await?;
        let may_come = |found: &Account| found.has_come() && found.suspended_at.is_none();
        let Some(found) = found.filter(|found| may_come(found) && !found.is_unused(now)) else {
            return Ok(());
        };
        let link = links::issue(&mut tx, &self.keys, now, found.staff_id.0, RESET, LIFE).await?;
        let message = PasswordReset {
            letterhead: letterhead(&insurer, &self.console_url),
            url: self.address("/console/password/reset", &link),
            minutes: LIFE.num_minutes(),
        };
        let to = (found.staff_id, found.email.as_str());
        self.write_to(&mut tx, &insurer, to, Some(now + LIFE), &message, now)
            .await?;
        let about = (Some(found.staff_id), json!({}));
        let what = ("password.forgot", "mailed");
        trail::record(&tx, now, &Origin::worker(), Actor::Visitor, what, about).await?;
        Ok(tx.commit().await?)
    }

    /// What a reset link opens. Looking does not use it up.
    pub async fn reset_link(&self, origin: &Origin, link: &TenantSecret) -> Result<Outcome<ResetView>, Outage> {
        let opened = self.open_link(origin, link, RESET).await?;
        Ok(opened.map(|(insurer, found)| ResetView {
            insurer,
            email: found.email,
        }))
    }

    /// Sets a new password with a link, which works once; every session ends and a mail tells its owner. The second factor
    /// is asked at the next log-in as ever. A second click on the same form is told what the first one did.
    pub async fn reset_password(
        &self,
        origin: &Origin,
        link: &TenantSecret,
        typed: &str,
    ) -> Result<Outcome<Arc<Insurer>>, Outage> {
        if let Some(insurer) = self.is_second_click(origin, link, typed).await? {
            return Ok(Outcome::Done(insurer));
        }
        let (insurer, found) = match self.open_link(origin, link, RESET).await? {
            Outcome::Done(opened) => opened,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let password = match new_password(&insurer, &found.email_key, &found.name, typed) {
            Ok(password) => password,
            Err(problem) => return Ok(Refusal::field(FieldError::new(fields::PASSWORD, problem)).into()),
        };
        let owner = found.staff_id.of(insurer.tenant_id);
        let hash = match self.hasher.hash(origin, owner, password).await {
            Ok(hash) => hash,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        let held = locked(&tx, found.staff_id).await?;
        let used = links::use_up(&mut tx, &self.keys, now, &link.secret, RESET).await?;
        let may = held.is_some_and(|held| held.suspended_at.is_none());
        if !may
            || !matches!(used, LinkState::Open { .. })
            || !self.set_password(&mut tx, &insurer, &found, &hash, None, now).await?
        {
            tx.rollback().await?;
            return Ok(match self.is_second_click(origin, link, typed).await? {
                Some(insurer) => Outcome::Done(insurer),
                None => reasons::STAFF_LINK_ENDED.into(),
            });
        }
        let about = (Some(found.staff_id), json!({}));
        let actor = Actor::Staff(found.staff_id.0);
        trail::record(&tx, now, origin, actor, ("password.reset", "done"), about).await?;
        tx.commit().await?;
        self.forgive_guesses(origin, StaffName::of(&insurer, &found.email_key).typed())
            .await?;
        Ok(Outcome::Done(insurer))
    }

    /// The insurer, where this very password was set with this link just now.
    async fn is_second_click(
        &self,
        origin: &Origin,
        link: &TenantSecret,
        typed: &str,
    ) -> Result<Option<Arc<Insurer>>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(link.tenant).read().await?;
        let found = match links::peek(&mut tx, &self.keys, now, &link.secret, RESET).await? {
            LinkState::Used { subject, at } if now - at <= SECOND_CLICK => {
                let found = account(&tx, StaffId(subject)).await?;
                found.filter(|found| found.password_changed_at == Some(at))
            }
            _ => None,
        };
        tx.commit().await?;
        let Some(found) = found else { return Ok(None) };
        let verdict = self.hasher.verify(origin, Password::typed(typed), found.stored()).await;
        Ok(verdict.is_ok_and(|verdict| verdict.matches).then_some(insurer))
    }

    /// Changes one's own password; every other session ends and a mail tells its owner. This one goes on under a new token
    /// (security.md 38).
    pub async fn change_password(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        current: &str,
        new: &str,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let mut errors = Vec::new();
        if current.is_empty() {
            errors.push(FieldError::new(fields::CURRENT_PASSWORD, Problem::Empty));
        }
        let (tenant, id) = (clerk.insurer.tenant_id, clerk.staff_id);
        let email_key = clerk.email.to_lowercase();
        let password = new_password(&clerk.insurer, &email_key, &clerk.name, new);
        let password = FieldError::gather(fields::PASSWORD, password, &mut errors);
        if password.is_some() && new == current {
            errors.push(FieldError::new(fields::PASSWORD, Problem::PasswordUnchanged));
        }
        let Some(password) = password.filter(|_| errors.is_empty()) else {
            return Ok(Refusal::fields(errors).into());
        };
        let found = match self.prove_password(origin, tenant, id, current).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(refusal.into()),
        };
        let hash = match self.hasher.hash(origin, id.of(tenant), password).await {
            Ok(hash) => hash,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let kept = Some(clerk.session.id);
        let set = self
            .set_password(&mut tx, &clerk.insurer, &found, &hash, kept, now)
            .await?;
        let token = sessions::renew(&mut tx, &self.keys, Carrier::Console, &clerk.session).await?;
        let Some(token) = token.filter(|_| set) else {
            // Changed or logged out elsewhere meanwhile: nothing of this one stays.
            tx.rollback().await?;
            return Ok(reasons::CONSOLE_SESSION_ENDED.into());
        };
        let about = (Some(id), json!({}));
        trail::record(&tx, now, origin, clerk.actor(), ("password.change", "done"), about).await?;
        tx.commit().await?;
        self.forgive_guesses(origin, StaffName::of(&clerk.insurer, &found.email_key).typed())
            .await?;
        Ok(Outcome::Done(token))
    }

    /// Checks the present password before something that matters (security.md 42), by the waits of log-in and on a count
    /// of its own; in all they have no more guesses than the account's devices.
    async fn prove_password(
        &self,
        origin: &Origin,
        tenant: TenantId,
        id: StaffId,
        typed: &str,
    ) -> Result<Result<Account, Refusal>, Outage> {
        let (now, key) = (self.clock.now(), id.to_string());
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        if let Taken::Wait { until } = throttle::take(&tx, &self.keys, now, &PASSWORD_PROOF, &key).await? {
            tx.commit().await?;
            return Ok(Err(reasons::wait(until)));
        }
        let Some(found) = account(&tx, id).await? else {
            return Ok(Err(reasons::CONSOLE_SESSION_ENDED.into()));
        };
        guess(&tx, &found.email_key, Guesser::Device, Guess::Taken).await?;
        tx.commit().await?;
        if found.guesses(Guesser::Device) >= MOST_GUESSES {
            return Ok(Err(reasons::STAFF_LOCKED.into()));
        }
        let verdict = self.hasher.verify(origin, Password::typed(typed), found.stored()).await;
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let outcome = match verdict {
            Err(error) => {
                // Nothing was looked at, so nothing was tried.
                throttle::give_back(&tx, &self.keys, now, &PASSWORD_PROOF, &key).await?;
                guess(&tx, &found.email_key, Guesser::Device, Guess::GivenBack).await?;
                Err(unhashed(error)?)
            }
            Ok(verdict) if !verdict.matches => {
                let (about, what) = ((Some(id), json!({})), ("password.prove", "password_wrong"));
                trail::record(&tx, now, origin, Actor::Staff(id.0), what, about).await?;
                let wrong = FieldError::new(fields::CURRENT_PASSWORD, Problem::PasswordWrong);
                Err(Refusal::field(wrong))
            }
            Ok(_) => {
                throttle::forgive(&tx, &self.keys, &PASSWORD_PROOF, &key).await?;
                guess(&tx, &found.email_key, Guesser::Device, Guess::Ended).await?;
                Ok(found)
            }
        };
        tx.commit().await?;
        Ok(outcome)
    }

    /// Writes a new password, ends every other session, closes reset links still under way and posts the notice; false,
    /// and nothing is written, where the password was changed since the account was found.
    async fn set_password(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &Account,
        hash: &PasswordHash,
        keep: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<bool, Outage> {
        let tenant = tx.tenant();
        let written = diesel::update(staff::table)
            .filter(staff::tenant_id.eq(tenant))
            .filter(staff::staff_id.eq(found.staff_id))
            .filter(staff::password_changed_at.is_not_distinct_from(found.password_changed_at))
            .set((
                staff::password.eq(Some(hash)),
                staff::password_changed_at.eq(now),
                staff::guesses.eq(0),
                staff::device_guesses.eq(0),
            ))
            .execute(&mut **tx)
            .await?;
        if written == 0 {
            return Ok(false);
        }
        sessions::end_all(tx, found.staff_id.0, keep).await?;
        links::close(tx, now, found.staff_id.0, RESET).await?;
        let message = PasswordChanged {
            letterhead: letterhead(insurer, &self.console_url),
            at: now,
        };
        let to = (found.staff_id, found.email.as_str());
        self.write_to(tx, insurer, to, None, &message, now).await?;
        Ok(true)
    }
}
