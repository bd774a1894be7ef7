//! Log-in, its first half: the same statements and one hash whether the mail is anybody's or not (security.md 27). The
//! session it opens leads to the proof of a second factor and nowhere else.

use crate::{
    Staff, StaffName,
    account::{Account, Guess, account, account_of, guess},
    fields,
    messages::{OddLogIn, letterhead},
    reasons::{self, unhashed},
    rules::{self, GUESSES, MOST_GUESSES},
    schema::staff,
    trail::{self, DEAD_LINK, Typed},
};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;
use guard::{
    Password, PasswordHash,
    guesses::{Admitted, Counted, Guesser},
    links::{self, LinkState},
    sessions,
};
use kernel::{EmailAddress, FieldError, Outage, Outcome, Problem, Reason, Refusal, StaffId, TenantId, TenantSecret};
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tenancy::Insurer;

/// How long a session of staff lasts.
const LIMITS: sessions::Limits = sessions::Limits {
    idle: Duration::from_mins(30),
    absolute: Duration::from_hours(12),
};
/// The purpose of the links that a colleague's reset of the second factor asks for.
pub(crate) const FACTOR_RESET: &str = "staff_factor_reset";

/// The log-in fields as typed.
#[derive(Clone)]
pub struct LogInForm {
    /// 保険者指定コード; none at the operators' door.
    pub code: Option<String>,
    /// メールアドレス.
    pub email: String,
    /// パスワード.
    pub password: String,
    /// The browser's own name, where this account has logged in with it before.
    pub device: Option<String>,
}

/// A new session, whose second factor is still to be proven.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The session's secret, for the cookie.
    pub session: TenantSecret,
    /// By what the browser knows the account from now on.
    pub door_name: String,
    /// Whose staff.
    pub insurer: Arc<Insurer>,
}

/// The page behind a link that a reset of the second factor mailed.
#[derive(Debug, Clone)]
pub struct FactorResetView {
    /// Whose staff.
    pub insurer: Arc<Insurer>,
    /// Their address.
    pub email: String,
}

/// A log-in under way.
struct Attempt<'a> {
    origin: &'a Origin,
    agent: &'a str,
    name: StaffName,
    password: &'a str,
    device: Option<&'a str>,
    /// The mailed link that they come by.
    link: Option<&'a TenantSecret>,
}

impl Staff {
    /// Checks code, mail and password and opens a session that waits for a second factor.
    pub async fn log_in(&self, origin: &Origin, agent: &str, form: &LogInForm) -> Result<Outcome<LoggedIn>, Outage> {
        let mut errors = Vec::new();
        let name = StaffName::read(form.code.as_deref(), &form.email, &mut errors);
        if form.password.is_empty() {
            errors.push(FieldError::new(fields::PASSWORD, Problem::Empty));
        }
        let Some(name) = name.filter(|_| errors.is_empty()) else {
            return Ok(Refusal::fields(errors).into());
        };
        self.attempt(&Attempt {
            origin,
            agent,
            name,
            password: &form.password,
            device: form.device.as_deref(),
            link: None,
        })
        .await
    }

    /// What the link of a reset second factor opens. Looking does not use it up.
    pub async fn factor_reset_link(
        &self,
        origin: &Origin,
        link: &TenantSecret,
    ) -> Result<Outcome<FactorResetView>, Outage> {
        let (insurer, found) = match self.open_link(origin, link, FACTOR_RESET).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        Ok(Outcome::Done(FactorResetView {
            insurer,
            email: found.email,
        }))
    }

    /// [`Staff::log_in`] by that link, which works once: whoever has mailbox and password sets up a second factor anew.
    pub async fn log_in_by_link(
        &self,
        origin: &Origin,
        agent: &str,
        link: &TenantSecret,
        password: &str,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        let (insurer, found) = match self.open_link(origin, link, FACTOR_RESET).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if password.is_empty() {
            return Ok(Refusal::field(FieldError::new(fields::PASSWORD, Problem::Empty)).into());
        }
        self.attempt(&Attempt {
            origin,
            agent,
            name: StaffName::of(&insurer, &found.email_key),
            password,
            device: None,
            link: Some(link),
        })
        .await
    }

    /// Whose a mailed link is, while it works and they may come in; a dead one is told to the trail, for it may be guessed
    /// or stolen.
    pub(crate) async fn open_link(
        &self,
        origin: &Origin,
        link: &TenantSecret,
        purpose: &'static str,
    ) -> Result<Outcome<(Arc<Insurer>, Account)>, Outage> {
        if let Some(insurer) = self.directory.by_tenant(link.tenant).await? {
            let mut tx = self.database.tenant(link.tenant).read().await?;
            let state = links::peek(&mut tx, &self.keys, self.clock.now(), &link.secret, purpose).await?;
            let found = match state {
                LinkState::Open { subject } => account(&tx, StaffId(subject)).await?,
                _ => None,
            };
            tx.commit().await?;
            match found {
                Some(_) if !is_open(&insurer) => return Ok(reasons::CONSOLE_CLOSED.into()),
                Some(found) if found.suspended_at.is_some() => return Ok(reasons::STAFF_SUSPENDED.into()),
                Some(found) => return Ok(Outcome::Done((insurer, found))),
                None => {}
            }
        }
        self.note_dead_link(origin).await?;
        Ok(reasons::STAFF_LINK_ENDED.into())
    }

    pub(crate) async fn note_dead_link(&self, origin: &Origin) -> Result<(), Outage> {
        let tx = self.platform_write(Durability::Relaxed).await?;
        let typed = Typed::network(&self.keys, origin);
        trail::note_held(&tx, self.clock.now(), origin, &DEAD_LINK, &typed).await?;
        Ok(tx.commit().await?)
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Outcome<LoggedIn>, Outage> {
        let Attempt { origin, name, .. } = attempt;
        let counted = Counted::new(GUESSES, origin, name.typed(), attempt.device);
        // In a rush those who are sent away cost nothing: no try, no statement.
        let place = match self.hasher.place(origin) {
            Ok(place) => place,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let admitted = match self.gate().admit(&counted).await? {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(refusal.into()),
        };
        let insurer = self.insurer_of(name).await?;
        // An unknown code's mail is looked for at the platform, where nobody has an empty one, and costs the same.
        let (tenant, key) = match &insurer {
            Some(insurer) => (insurer.tenant_id, &*name.email_key),
            None => (TenantId::PLATFORM, ""),
        };
        let (tx, ((), found)) = self
            .database
            .tenant(tenant)
            .write_with(Durability::Relaxed, |tx| {
                try_join(guess(tx, key, counted.by, Guess::Taken), account_of(tx, key)).scope_boxed()
            })
            .await?;
        tx.commit().await?;
        if found
            .as_ref()
            .is_some_and(|found| found.guesses(counted.by) > MOST_GUESSES)
        {
            return Ok(self.gate().hold_off_locked(&counted).await?.into());
        }
        let password = Password::typed(attempt.password);
        let stored = found.as_ref().and_then(Account::stored);
        let verdict = match self.hasher.verify_at(place, password.clone(), stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                // Nothing was looked at, so nothing was tried.
                let tx = self.database.tenant(tenant).write(Durability::Relaxed).await?;
                guess(&tx, key, counted.by, Guess::GivenBack).await?;
                tx.commit().await?;
                return Ok(unhashed(error)?.into());
            }
        };
        let (insurer, found) = match (insurer, found) {
            (Some(insurer), Some(found)) if verdict.matches => (insurer, found),
            (_, found) => return self.fail(tenant, found.map(|found| found.staff_id), &counted).await,
        };
        let owner = found.staff_id.of(tenant);
        let rehashed = self.hasher.renewed(verdict, origin, owner, password).await;
        let now = self.clock.now();
        let outcome = if let Some(reason) = why_not(attempt, &insurer, &found, now) {
            self.turn_away(attempt, &insurer, &found, counted.by, reason).await?
        } else {
            self.come_in(attempt, &insurer, &found, rehashed, (&counted, &admitted), now)
                .await?
        };
        if outcome.is_refused(reasons::STAFF_LOG_IN_FAILED) {
            return self.fail(tenant, Some(found.staff_id), &counted).await;
        }
        self.gate().forgive_admitted(&counted, &admitted).await?;
        Ok(outcome)
    }

    async fn insurer_of(&self, name: &StaffName) -> Result<Option<Arc<Insurer>>, Outage> {
        Ok(match &name.code {
            Some(code) => self.directory.by_code(code).await?,
            None => Some(self.directory.platform().await?),
        })
    }

    /// The password was wrong, or the mail nobody's.
    async fn fail(
        &self,
        tenant: TenantId,
        about: Option<StaffId>,
        counted: &Counted<'_>,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        self.gate().count(counted).await?;
        let detail = Typed::of(&self.keys, "staff", &counted.typed).into(json!({}));
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let what = ("session.open", reasons::STAFF_LOG_IN_FAILED.code);
        let (now, origin) = (self.clock.now(), counted.origin);
        trail::record(&tx, now, origin, Actor::Visitor, what, (about, detail)).await?;
        tx.commit().await?;
        Ok(reasons::STAFF_LOG_IN_FAILED.into())
    }

    /// They proved themself all the same: guesses end; an account that nobody used is suspended from now on.
    async fn turn_away(
        &self,
        attempt: &Attempt<'_>,
        insurer: &Insurer,
        found: &Account,
        by: Guesser,
        reason: Reason,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        let (now, actor) = (self.clock.now(), Actor::Staff(found.staff_id.0));
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        guess(&tx, &found.email_key, by, Guess::Ended).await?;
        if found.suspended_at.is_none() && found.is_unused(now) {
            self.suspend_unused(&mut tx, insurer, found, now).await?;
        }
        let about = (Some(found.staff_id), json!({}));
        trail::record(&tx, now, attempt.origin, actor, ("session.open", reason.code), about).await?;
        tx.commit().await?;
        Ok(reason.into())
    }

    /// A session; refused as failed where the password was changed, or the account suspended, while it was looked at.
    async fn come_in(
        &self,
        attempt: &Attempt<'_>,
        insurer: &Arc<Insurer>,
        found: &Account,
        rehashed: Option<PasswordHash>,
        (counted, admitted): (&Counted<'_>, &Admitted),
        now: DateTime<Utc>,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        if !note_password(&tx, found, rehashed, counted.by).await? {
            tx.rollback().await?;
            return Ok(reasons::STAFF_LOG_IN_FAILED.into());
        }
        // It stays good, and the only way in, until a factor is kept: who stops in between must not leave the password alone.
        if let Some(link) = attempt.link {
            let state = links::peek(&mut tx, &self.keys, now, &link.secret, FACTOR_RESET).await?;
            if !matches!(state, LinkState::Open { subject } if subject == found.staff_id.0) {
                tx.rollback().await?;
                return Ok(reasons::STAFF_LINK_ENDED.into());
            }
        }
        if let Some(failures) = counted.odd(&tx, &self.keys, now, admitted, found.staff_id.0).await? {
            let message = OddLogIn {
                letterhead: letterhead(insurer, &self.console_url),
                at: now,
                failures,
            };
            self.write_to(&mut tx, insurer, (found.staff_id, &found.email), None, &message, now)
                .await?;
        }
        let opened = self
            .open_session(&mut tx, insurer, found, (attempt.origin, attempt.agent), now)
            .await?;
        tx.commit().await?;
        Ok(Outcome::Done(opened))
    }

    /// Opens the session of somebody whose password is proven.
    pub(crate) async fn open_session(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Arc<Insurer>,
        found: &Account,
        (origin, agent): (&Origin, &str),
        now: DateTime<Utc>,
    ) -> Result<LoggedIn, DatabaseError> {
        let subject = found.staff_id.0;
        let opening = sessions::Opening::new(sessions::SubjectKind::Staff, subject, LIMITS, agent);
        let session = sessions::open(tx, &self.keys, now, origin, opening).await?;
        sessions::end_oldest(tx, subject, rules::SESSIONS).await?;
        let about = (Some(found.staff_id), json!({}));
        trail::record(tx, now, origin, Actor::Staff(subject), ("session.open", "done"), about).await?;
        Ok(LoggedIn {
            session,
            door_name: StaffName::of(insurer, &found.email_key).typed(),
            insurer: Arc::clone(insurer),
        })
    }

    /// Posts a message to somebody's address.
    pub(crate) async fn write_to<M: mail::Message>(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        (id, email): (StaffId, &str),
        expires_at: Option<DateTime<Utc>>,
        message: &M,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        if let Ok(to) = EmailAddress::parse(email) {
            let letter = mail::Letter {
                sender: mail::Sender {
                    name: insurer.sender.name.clone(),
                    address: insurer.sender.address.clone(),
                },
                to,
                subject_id: Some(id.0),
                expires_at,
                message,
            };
            mail::post(tx, &self.keys, now, letter).await?;
        }
        Ok(())
    }
}

/// True where its staff may come in: a suspended insurer's may not, the platform's always.
pub(crate) fn is_open(insurer: &Insurer) -> bool {
    insurer.is_open() || insurer.is_platform()
}

/// Why somebody with the right password does not come in, where they don't.
fn why_not(attempt: &Attempt<'_>, insurer: &Insurer, found: &Account, now: DateTime<Utc>) -> Option<Reason> {
    if !is_open(insurer) {
        return Some(reasons::CONSOLE_CLOSED);
    }
    if found.suspended_at.is_some() || found.is_unused(now) {
        return Some(reasons::STAFF_SUSPENDED);
    }
    (found.factor_reset_at.is_some() && attempt.link.is_none()).then_some(reasons::FACTOR_BY_LINK)
}

/// Guesses of its kind count anew; false where the password is not the one that was found any more, or the account is
/// suspended.
async fn note_password(
    tx: &TenantTransaction,
    found: &Account,
    rehashed: Option<PasswordHash>,
    by: Guesser,
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let noted = diesel::update(staff::table)
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(found.staff_id))
        .filter(staff::password_changed_at.is_not_distinct_from(found.password_changed_at))
        .filter(staff::factor_reset_at.is_not_distinct_from(found.factor_reset_at))
        .filter(staff::suspended_at.is_null())
        .set((
            rehashed.map(|hash| staff::password.eq(hash)),
            (by == Guesser::Stranger).then(|| staff::guesses.eq(0)),
            (by == Guesser::Device).then(|| staff::device_guesses.eq(0)),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(noted > 0)
}
