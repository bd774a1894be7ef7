//! Log-in (manual 1-5): the same statements and one hash whether the user ID exists or not (security.md 27).

use crate::{
    Accounts, DueTerms, consent, fields, login_names,
    messages::{OddLogIn, letterhead, sender},
    reasons,
    reasons::unhashed,
    schema::accounts,
    session::{AccountRow, Credentials, credentials},
    trail::{self, Typed, record_visitor},
    tries::guesses::{Admitted, Counted, Guesser, end_guesses, give_back_guess, take_guess},
};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::{try_join, try_join3, try_join4};
use guard::{Password, sessions};
use kernel::{AccountId, FieldError, Outage, Outcome, Problem, Refusal, TenantId, TenantSecret, UserId};
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// The log-in fields as typed.
#[derive(Clone)]
pub struct LogInForm {
    /// ユーザーID.
    pub user_id: String,
    /// パスワード.
    pub password: String,
    /// The browser's or program's own name, where it has logged in with this user ID before: its tries are counted apart,
    /// so that a stranger's guessing never keeps the owner out.
    pub device: Option<String>,
}

/// A new session.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The session's secret, for the cookie or program.
    pub session: TenantSecret,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Terms to be accepted before anything else opens.
    pub consents_required: Vec<DueTerms>,
    /// Whose member.
    pub insurer: Arc<Insurer>,
    /// What coverage leaves of their access.
    pub access: roster::Access,
}

impl Accounts {
    /// Checks user ID and password and opens a session.
    pub async fn log_in(&self, origin: &Origin, agent: &str, form: LogInForm) -> Result<Outcome<LoggedIn>, Outage> {
        let mut errors = Vec::new();
        if kernel::text::normalize(&form.user_id).is_empty() {
            errors.push(FieldError::new(fields::USER_ID, Problem::Empty));
        }
        if form.password.is_empty() {
            errors.push(FieldError::new(fields::PASSWORD, Problem::Empty));
        }
        if !errors.is_empty() {
            return Ok(Refusal::fields(errors).into());
        }
        // What can't be a user ID is nobody's: looked up all the same, and counted as what it is.
        let user_id = UserId::typed(&form.user_id).ok().map(|id| id.folded());
        let folded = user_id.clone().unwrap_or_default();
        let typed = user_id.unwrap_or_else(|| kernel::text::normalize(&form.user_id).to_lowercase());
        let counted = self.counted(origin, typed, form.device.as_deref());

        // In a rush those who are sent away cost nothing: no try, no statement.
        let place = match self.hasher.place(origin) {
            Ok(place) => place,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let admitted = match self.gate().admit(&counted).await? {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(refusal.into()),
        };
        let owner = self.account_named(&folded).await?;
        // An unknown user ID is nobody's at the platform, and costs the same to count and to look into.
        let (tenant, id) = owner.unwrap_or((TenantId::PLATFORM, AccountId(uuid::Uuid::nil())));
        let (tx, ((), found)) = self
            .database
            .tenant(tenant)
            .write_with(Durability::Relaxed, |tx| {
                try_join(take_guess(tx, id, counted.by), credentials(tx, id)).scope_boxed()
            })
            .await?;
        tx.commit().await?;
        let most = i32::try_from(self.limits.log_in_id_tries).unwrap_or(i32::MAX);
        if found.as_ref().is_some_and(|found| found.guesses(counted.by) > most) {
            return Ok(self.gate().hold_off_locked(&counted).await?.into());
        }
        let password = Password::typed(&form.password);
        let stored = found.as_ref().map(Credentials::stored);
        let verdict = match self.hasher.verify_at(place, password.clone(), stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                // Nothing was looked at, so nothing was tried.
                let tx = self.database.tenant(tenant).write(Durability::Relaxed).await?;
                give_back_guess(&tx, id, counted.by).await?;
                tx.commit().await?;
                return Ok(unhashed(error)?.into());
            }
        };

        let Some(found) = found.filter(|_| verdict.matches) else {
            return self.fail(owner, &counted, origin).await;
        };
        let rehashed = self.hasher.renewed(verdict, origin, id.of(tenant), password).await;
        let outcome = self
            .open(origin, agent, tenant, found.account, rehashed, (&counted, &admitted))
            .await?;
        if !outcome.is_refused(reasons::LOG_IN_FAILED) {
            self.gate().forgive_admitted(&counted, &admitted).await?;
        }
        Ok(outcome)
    }

    /// The password was wrong, or the user ID nobody's.
    async fn fail(
        &self,
        owner: Option<(TenantId, AccountId)>,
        counted: &Counted<'_>,
        origin: &Origin,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        self.gate().count(counted).await?;
        let now = self.clock.now();
        let typed = Typed::of(&self.keys, "user_id", &counted.typed).into(json!({}));
        let (tenant, about) = match owner {
            Some((tenant, account)) => (tenant, (Some(trail::account(account)), typed)),
            None => (TenantId::PLATFORM, (None, typed)),
        };
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        record_visitor(&tx, now, origin, "session.open", "log_in_failed", about).await?;
        tx.commit().await?;
        Ok(reasons::LOG_IN_FAILED.into())
    }

    /// The password was right: a session, unless insurer or coverage say no. All that belongs to it is written in one
    /// round trip, and taken back where it turns out not to be due.
    async fn open(
        &self,
        origin: &Origin,
        agent: &str,
        tenant: TenantId,
        found: AccountRow,
        rehashed: Option<guard::PasswordHash>,
        (counted, admitted): (&Counted<'_>, &Admitted),
    ) -> Result<Outcome<LoggedIn>, Outage> {
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(reasons::LOG_IN_FAILED.into());
        };
        let platform = self.directory.platform().await?;
        let now = self.clock.now();
        let account_id = found.account_id;
        let actor = Actor::Member(account_id);
        let limits = sessions::Limits {
            idle: insurer.session.idle(),
            absolute: insurer.session.absolute(),
        };
        let opening = sessions::Opening {
            proved_at: Some(now),
            ..sessions::Opening::new(sessions::SubjectKind::Member, account_id.0, limits, agent)
        };
        let (mut tx, (noted, person, (session, (), consents_required, ()))) = self
            .database
            .tenant(tenant)
            .write_with(Durability::Safe, |tx| {
                try_join3(
                    note_log_in(tx, &found, now, rehashed.as_ref(), counted.by),
                    roster::person(tx, found.person_id),
                    try_join4(
                        sessions::open(tx, &self.keys, now, origin, opening),
                        sessions::end_oldest(tx, account_id.0, self.limits.sessions),
                        consent::due(tx, account_id, &insurer, &platform, now),
                        trail::record(tx, now, origin, actor, "session.open", "done"),
                    ),
                )
                .scope_boxed()
            })
            .await?;
        if !noted {
            // The password was changed while this one was looked at: it opens nothing any more.
            tx.rollback().await?;
            return self.fail(Some((tenant, account_id)), counted, origin).await;
        }
        let access = person.map_or(roster::Access::Ended, |person| {
            person.access(now, insurer.after_loss_days, insurer.has_statements())
        });
        let reason = match (insurer.is_open(), access) {
            (false, _) => Some(reasons::INSURER_SUSPENDED),
            (true, roster::Access::Ended) => Some(reasons::COVERAGE_ENDED),
            _ => None,
        };
        if let Some(reason) = reason {
            tx.rollback().await?;
            // It proved its owner all the same.
            let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
            end_guesses(&tx, account_id, counted.by).await?;
            trail::record(&tx, now, origin, actor, "session.open", reason.code).await?;
            tx.commit().await?;
            return Ok(reason.into());
        }
        if let Some(failures) = counted.odd(&tx, &self.keys, now, admitted, account_id.0).await? {
            let message = OddLogIn {
                letterhead: letterhead(&insurer, &self.public_url),
                at: now,
                failures,
            };
            self.write_to(&mut tx, &found, sender(&insurer), None, &message, now)
                .await?;
        }
        tx.commit().await?;
        Ok(Outcome::Done(LoggedIn {
            session,
            expires_at: now + limits.absolute,
            consents_required,
            insurer,
            access,
        }))
    }

    /// Whose a user ID is, asked of the directory: by each of its hashes, for a known one must not be found the quicker
    /// (security.md 27).
    pub(crate) async fn account_named(&self, folded: &str) -> Result<Option<(TenantId, AccountId)>, Outage> {
        let mut owner = None;
        for hash in self.names.hashes(folded) {
            let found = self
                .database
                .look_up(|directory| login_names::owner(directory, &hash).scope_boxed())
                .await?;
            owner = owner.or(found);
        }
        Ok(owner)
    }
}

/// This log-in becomes the last, the last becomes 前回ログイン, and guesses of its kind count anew; false where the password is not the one that was found.
async fn note_log_in(
    tx: &TenantTransaction,
    found: &AccountRow,
    now: DateTime<Utc>,
    rehashed: Option<&guard::PasswordHash>,
    by: Guesser,
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let noted = diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(found.account_id))
        .filter(accounts::password_changed_at.eq(found.password_changed_at))
        .set((
            accounts::previous_log_in_at.eq(accounts::last_log_in_at),
            accounts::last_log_in_at.eq(now),
            rehashed.map(|hash| accounts::password.eq(hash)),
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(0)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(0)),
        ));
    Ok(Prepared(noted).execute(&mut &**tx).await? > 0)
}
