//! Log-in (manual 1-5): the same statements and one hash whether the user ID exists or not (security.md 27).

use crate::{
    Accounts, DueTerms, Limits, Outage, Outcome, Refusal, consent,
    limits::ODD_LOG_IN,
    login_names,
    messages::{OddLogIn, letterhead, sender},
    refusal::unhashed,
    schema::accounts,
    session::{AccountRow, Credentials, credentials},
    trail,
};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{
    FutureExt as _,
    future::{OptionFuture, try_join, try_join_all, try_join3, try_join4},
};
use guard::{
    Password, sessions, throttle,
    throttle::{Rule, Taken},
};
use kernel::{AccountId, FieldError, Problem, TenantId, TenantSecret, UserId};
use moka::future::Cache;
use scoped_futures::ScopedFutureExt as _;
use std::{sync::Arc, time::Duration};
use tenancy::Insurer;

/// A log-in after so many wrong passwords within a day is told to the member by mail: more than a forgetful evening,
/// far less than a guesser needs.
const ODD_FAILURES: u32 = 5;

/// The log-in fields as typed.
#[derive(Clone)]
pub struct LogInForm {
    /// ユーザーID.
    pub user_id: String,
    /// パスワード.
    pub password: String,
    /// The browser's own name, where it has logged in with this user ID before (OWASP's device cookies): its tries are
    /// counted apart, so that a stranger's guessing never keeps the owner out. Programs have none.
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
}

impl Accounts {
    /// Checks user ID and password and opens a session.
    pub async fn log_in(&self, origin: &Origin, agent: &str, form: LogInForm) -> Result<Outcome<LoggedIn>, Outage> {
        let mut errors = Vec::new();
        if kernel::text::normalize(&form.user_id).is_empty() {
            errors.push(FieldError::new("user_id", Problem::Empty));
        }
        if form.password.is_empty() {
            errors.push(FieldError::new("password", Problem::Empty));
        }
        if !errors.is_empty() {
            return Ok(Refusal::Fields(errors).into());
        }
        // What can't be a user ID is nobody's: looked up all the same, and counted as what it is.
        let user_id = UserId::typed(&form.user_id).ok().map(|id| id.folded());
        let folded = user_id.clone().unwrap_or_default();
        let typed = user_id.unwrap_or_else(|| kernel::text::normalize(&form.user_id).to_lowercase());
        let counted = Counted::new(origin, typed, form.device.as_deref());

        // In a rush those who are sent away cost nothing: no try, no statement.
        let place = match self.hasher.place(origin) {
            Ok(place) => place,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let owner = self.account_named(&folded).await?;
        if let Some(until) = self
            .full_networks
            .get(&counted.network)
            .await
            .filter(|until| *until > self.clock.now())
        {
            return self.hold_off(owner, &counted, origin, until).await;
        }

        // An unknown user ID is nobody's at the platform, and costs the same to count and to look into.
        let (tenant, id) = owner.unwrap_or((TenantId::PLATFORM, AccountId(uuid::Uuid::nil())));
        let (tx, (wait, found)) = self
            .database
            .tenant(tenant)
            .write_with(Durability::Relaxed, |tx| {
                try_join(self.take_tries(tx, &counted), credentials(tx, id)).scope_boxed()
            })
            .await?;
        tx.commit().await?;
        if let Some(until) = wait {
            return self.hold_off(owner, &counted, origin, until).await;
        }
        let password = Password::typed(&form.password);
        let stored = found.as_ref().map(Credentials::stored);
        let verdict = match self.hasher.verify_at(place, password.clone(), stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                // Nothing was looked at, so nothing was tried.
                for (rule, key) in counted.tries(&self.limits) {
                    self.give_back(tenant, &rule, key).await?;
                }
                return Ok(unhashed(error)?.into());
            }
        };

        let Some(found) = found.filter(|_| verdict.matches) else {
            return self.fail(owner, &counted, origin).await;
        };
        let rehashed = if verdict.rehash {
            self.hasher.hash(origin, id.of(tenant), password).await.ok()
        } else {
            None
        };
        self.open(origin, agent, tenant, found.account, rehashed, &counted)
            .await
    }

    /// Takes a try of each rule; the time to wait until, where one refuses.
    async fn take_tries(
        &self,
        tx: &TenantTransaction,
        counted: &Counted,
    ) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        let (now, tries) = (self.clock.now(), counted.tries(&self.limits));
        let taken = tries
            .iter()
            .map(|(rule, key)| throttle::take(tx, &self.keys, now, rule, key));
        let taken = try_join_all(taken).await?;
        let wait = taken.iter().find_map(|taken| match taken {
            Taken::Wait { until } => Some(*until),
            Taken::Free => None,
        });
        if wait.is_some() {
            // Whom one rule refuses has tried nothing: the other doesn't count it, or a refused crowd would lock an ID.
            for ((rule, key), taken) in tries.iter().zip(&taken) {
                if *taken == Taken::Free {
                    throttle::give_back(tx, &self.keys, now, rule, key).await?;
                }
            }
        }
        Ok(wait)
    }

    /// Too many tries: nothing is looked at until then.
    async fn hold_off(
        &self,
        owner: Option<(TenantId, AccountId)>,
        counted: &Counted,
        origin: &Origin,
        until: DateTime<Utc>,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        self.note_refused(owner, &counted.typed, origin, "wait").await?;
        Ok(Refusal::Wait { until }.into())
    }

    /// The password was wrong, or the user ID nobody's. A network's count is generous: a node knows that it is full once
    /// a failure told it so, and what is under way meanwhile exceeds it. Each user ID's own is exact.
    async fn fail(
        &self,
        owner: Option<(TenantId, AccountId)>,
        counted: &Counted,
        origin: &Origin,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        let (now, network) = (self.clock.now(), self.limits.log_in_network());
        let (tx, full) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                throttle::count_failure(tx, &self.keys, now, &network, &counted.network).scope_boxed()
            })
            .await?;
        tx.commit().await?;
        if let Some(until) = full {
            self.full_networks.insert(counted.network.clone(), until).await;
        }
        self.note_refused(owner, &counted.typed, origin, "log_in_failed")
            .await?;
        Ok(Refusal::LogInFailed.into())
    }

    /// A log-in that failed, in the trail of whoever's it would have been.
    async fn note_refused(
        &self,
        owner: Option<(TenantId, AccountId)>,
        typed: &str,
        origin: &Origin,
        outcome: &'static str,
    ) -> Result<(), Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let (tenant, account) = owner.map_or((TenantId::PLATFORM, None), |(tenant, account)| (tenant, Some(account)));
        let (tx, ()) = self
            .database
            .tenant(tenant)
            .write_with(Durability::Safe, |tx| {
                trail::record_log_in_refused(tx, keys, now, origin, account, typed, outcome).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
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
        counted: &Counted,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(Refusal::LogInFailed.into());
        };
        let platform = self.directory.platform().await?;
        let now = self.clock.now();
        let account_id = found.account_id;
        let actor = Actor::Member(account_id);
        let limits = sessions::Limits {
            idle: insurer.session.idle(),
            absolute: insurer.session.absolute(),
        };
        let kind = sessions::SubjectKind::Member;
        let (mut tx, (noted, failures, person, (session, consents_required, ()))) = self
            .database
            .tenant(tenant)
            .write_with(Durability::Safe, |tx| {
                try_join4(
                    note_log_in(tx, &found, now, rehashed.as_ref()),
                    self.forgive_tries(tx, counted),
                    roster::person(tx, found.person_id),
                    try_join3(
                        sessions::open(tx, &self.keys, now, kind, account_id.0, limits, origin, agent),
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
            person.access(now, insurer.after_loss_days)
        });
        let refusal = match (insurer.is_open(), access) {
            (false, _) => Some(Refusal::InsurerSuspended),
            (true, roster::Access::Ended) => Some(Refusal::CoverageEnded),
            _ => None,
        };
        if let Some(refusal) = refusal {
            tx.rollback().await?;
            let (tx, _) = self
                .database
                .tenant(tenant)
                .write_with(Durability::Safe, |tx| {
                    let told = trail::record(tx, now, origin, actor, "session.open", refusal.code());
                    try_join(self.forgive_tries(tx, counted), told).scope_boxed()
                })
                .await?;
            tx.commit().await?;
            return Ok(refusal.into());
        }
        if failures >= ODD_FAILURES {
            self.tell_of_odd_log_in(&mut tx, &insurer, &found, failures, now)
                .await?;
        }
        tx.commit().await?;
        Ok(Outcome::Done(LoggedIn {
            session,
            expires_at: now + limits.absolute,
            consents_required,
            insurer,
        }))
    }

    /// Mails the member that somebody came in after so many wrong passwords (security.md 30), once a day at most.
    async fn tell_of_odd_log_in(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &AccountRow,
        failures: u32,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let key = found.account_id.to_string();
        if throttle::take(tx, &self.keys, now, &ODD_LOG_IN, &key).await? != Taken::Free {
            return Ok(());
        }
        let message = OddLogIn {
            letterhead: letterhead(insurer, &self.public_url),
            at: now,
            failures,
        };
        self.write_to(tx, found, sender(insurer), None, &message, now).await
    }

    /// A right password clears what wrong ones counted for this ID from here; what strangers share only gets its try
    /// back, or one good log-in would clear a guesser's. Answers how many wrong ones strangers have had for this ID within
    /// the window.
    async fn forgive_tries(&self, tx: &TenantTransaction, counted: &Counted) -> Result<u32, DatabaseError> {
        let (now, by_id, own) = (self.clock.now(), self.limits.log_in_id(), self.limits.log_in());
        // In the order of the tries, so that two log-ins never wait for each other.
        let by_id = counted
            .by_stranger
            .then(|| throttle::give_back(tx, &self.keys, now, &by_id, &counted.typed));
        let own = throttle::forgive(tx, &self.keys, &own, &counted.own);
        let (left, ()) = try_join(OptionFuture::from(by_id).map(Option::transpose), own).await?;
        Ok(left.unwrap_or(0))
    }

    /// A new password proves its owner: what strangers counted for this ID is forgotten, and what was counted from here.
    pub(crate) async fn forgive_guesses(
        &self,
        tx: &TenantTransaction,
        origin: &Origin,
        user_id: &str,
    ) -> Result<(), DatabaseError> {
        let folded = UserId::typed(user_id).map_or_else(|_| String::new(), |id| id.folded());
        let counted = Counted::new(origin, folded, None);
        throttle::forgive(tx, &self.keys, &self.limits.log_in_id(), &counted.typed).await?;
        throttle::forgive(tx, &self.keys, &self.limits.log_in(), &counted.own).await
    }

    /// Takes a try of a rule in a transaction of its own: the time to wait until, where it is to be refused.
    pub(crate) async fn take_try(
        &self,
        tenant: TenantId,
        rule: &Rule<'_>,
        key: &str,
    ) -> Result<Option<DateTime<Utc>>, Outage> {
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let taken = throttle::take(&tx, &self.keys, self.clock.now(), rule, key).await?;
        tx.commit().await?;
        Ok(match taken {
            Taken::Free => None,
            Taken::Wait { until } => Some(until),
        })
    }

    /// Gives a try back: it was no failure.
    pub(crate) async fn give_back(&self, tenant: TenantId, rule: &Rule<'_>, key: &str) -> Result<(), Outage> {
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        throttle::give_back(&tx, &self.keys, self.clock.now(), rule, key).await?;
        Ok(tx.commit().await?)
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

/// Networks whose failed log-ins are used up, as far as this node knows, and until when. Forgotten, one is heard of again
/// at its next failure.
pub(crate) fn full_networks() -> Cache<String, DateTime<Utc>> {
    Cache::builder()
        .max_capacity(10_000)
        .time_to_live(Duration::from_hours(24))
        .build()
}

/// What a log-in's tries are counted on.
struct Counted {
    network: String,
    /// What was typed as user ID, folded.
    typed: String,
    /// What was typed, from this network or this browser.
    own: String,
    /// Whether the user ID has not logged in with this browser before.
    by_stranger: bool,
}

impl Counted {
    fn new(origin: &Origin, typed: String, device: Option<&str>) -> Self {
        let network = origin.network();
        Self {
            own: format!("{typed}|{}", device.unwrap_or(&network)),
            by_stranger: device.is_none(),
            network,
            typed,
        }
    }

    /// What is counted before the hash, each with its key.
    fn tries<'a>(&'a self, limits: &'a Limits) -> Vec<(Rule<'a>, &'a str)> {
        let by_id = self.by_stranger.then(|| (limits.log_in_id(), &*self.typed));
        by_id.into_iter().chain([(limits.log_in(), &*self.own)]).collect()
    }
}

/// This log-in becomes the last, the last becomes 前回ログイン; false where the password is not the one that was found.
async fn note_log_in(
    tx: &TenantTransaction,
    found: &AccountRow,
    now: DateTime<Utc>,
    rehashed: Option<&guard::PasswordHash>,
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
        ));
    Ok(Prepared(noted).execute(&mut &**tx).await? > 0)
}
