//! The member's own account: what is registered, the password, and where they are logged in.

use crate::{
    Accounts, DeskEmailTold, Member, fields,
    new_password::new_password,
    reasons,
    reasons::unhashed,
    recover::{SECOND_CLICK, folded},
    session::{AccountRow, account, credentials},
    trail,
    tries::guesses::{Guesser, end_guesses, give_back_guess, take_guess},
};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability};
use guard::{
    sessions::{self, Carrier},
    throttle::{self, Taken},
};
use kernel::{FieldError, Outage, Outcome, Problem, Refusal, SessionId, TenantSecret, outcome};
use scoped_futures::ScopedFutureExt as _;

/// The account page.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// ユーザーID.
    pub user_id: String,
    /// The proven address.
    pub email: String,
    /// Since when.
    pub registered_at: DateTime<Utc>,
    /// When the password was last set.
    pub password_changed_at: DateTime<Utc>,
    /// Where the member is logged in, the latest in use first.
    pub sessions: Vec<SessionView>,
    /// The change of address that the desk has begun.
    pub desk_email: Option<DeskEmailTold>,
}

/// A log-in that is still open.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// By which it can be ended.
    pub id: SessionId,
    /// True for the one that asks.
    pub current: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was last in use, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// From which address it was opened.
    pub address: Option<String>,
    /// With what.
    pub agent: String,
}

/// A new password, with the present one as proof.
#[derive(Clone)]
pub struct PasswordChange {
    /// 現在のパスワード.
    pub current_password: String,
    /// 新しいパスワード.
    pub password: String,
}

impl Accounts {
    /// The account page of a member.
    pub async fn account(&self, member: &Member) -> Result<AccountView, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let (mut tx, found) = tenant
            .read_with(|tx| account(tx, member.account_id).scope_boxed())
            .await?;
        let Some(found) = found else {
            return Err(DatabaseError::Statement(diesel::result::Error::NotFound).into());
        };
        let open = sessions::list(&mut tx, self.clock.now(), member.account_id.0).await?;
        let sessions = open
            .into_iter()
            .map(|session| SessionView {
                id: session.id,
                current: session.id == member.session.id,
                opened_at: session.created_at,
                last_seen_at: session.last_seen_at,
                address: session.address,
                agent: session.agent,
            })
            .collect();
        Ok(AccountView {
            user_id: found.user_id,
            email: found.email,
            registered_at: found.registered_at,
            password_changed_at: found.password_changed_at,
            sessions,
            desk_email: self.desk_email_told(&tx, member.account_id).await?,
        })
    }

    /// Changes the password; every other session ends and a mail tells the owner. This one goes on under a new token
    /// (security.md 38).
    pub async fn change_password(
        &self,
        origin: &Origin,
        member: &Member,
        form: PasswordChange,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut errors = Vec::new();
        if form.current_password.is_empty() {
            errors.push(FieldError::new(fields::CURRENT_PASSWORD, Problem::Empty));
        }
        let user_id = member.user_id.as_str();
        let password = new_password(&member.insurer, &member.person, user_id, &form.password);
        let password = FieldError::gather(fields::PASSWORD, password, &mut errors);
        if password.is_some() && form.password == form.current_password {
            errors.push(FieldError::new(fields::PASSWORD, Problem::PasswordUnchanged));
        }
        let Some(password) = password.filter(|_| errors.is_empty()) else {
            return Ok(Refusal::fields(errors).into());
        };
        let found = match self.prove_password(origin, member, &form.current_password).await? {
            Ok(found) => found,
            Err(refusal) => return self.after_change(origin, member, &form.password, refusal).await,
        };
        let hash = match self
            .hasher
            .hash(origin, found.account_id.of(tenant.id()), password)
            .await
        {
            Ok(hash) => hash,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let now = self.clock.now();
        let mut tx = tenant.write(Durability::Safe).await?;
        let kept = Some(member.session.id);
        let set = self
            .set_password(&mut tx, &member.insurer, &found, &hash, kept, now)
            .await?;
        let token = sessions::renew(&mut tx, &self.keys, Carrier::at(origin), &member.session).await?;
        let Some(token) = token.filter(|_| set) else {
            // Changed or logged out elsewhere meanwhile: nothing of this one stays.
            drop(tx);
            return self
                .after_change(origin, member, &form.password, reasons::SESSION_ENDED.into())
                .await;
        };
        trail::record(&tx, now, origin, actor(member), "password.change", "done").await?;
        tx.commit().await?;
        self.forgive_guesses(origin, &folded(&found)).await?;
        Ok(Outcome::Done(token))
    }

    /// What to say of a change that was refused: it is done, where this very password was set just now, by the first of
    /// two clicks.
    async fn after_change(
        &self,
        origin: &Origin,
        member: &Member,
        typed: &str,
        refusal: Refusal,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        if !refusal.is_any(&[outcome::FIELDS, reasons::SESSION_ENDED]) {
            return Ok(refusal.into());
        }
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let (_, found) = tenant
            .read_with(|tx| credentials(tx, member.account_id).scope_boxed())
            .await?;
        let since = self.clock.now() - SECOND_CLICK;
        let Some(found) = found.filter(|found| found.account.password_changed_at >= since) else {
            return Ok(refusal.into());
        };
        if self.is_password(origin, &found, typed).await != Ok(true) {
            return Ok(refusal.into());
        }
        let mut tx = tenant.write(Durability::Safe).await?;
        let token = sessions::renew(&mut tx, &self.keys, Carrier::at(origin), &member.session).await?;
        tx.commit().await?;
        Ok(token.map_or(refusal.into(), Outcome::Done))
    }

    /// The present password before something that matters (security.md 42), however lately it was typed.
    pub async fn prove_present_password(
        &self,
        origin: &Origin,
        member: &Member,
        typed: &str,
    ) -> Result<Outcome<()>, Outage> {
        if typed.is_empty() {
            return Ok(Refusal::field(FieldError::new(fields::CURRENT_PASSWORD, Problem::Empty)).into());
        }
        Ok(match self.prove_password(origin, member, typed).await? {
            Ok(_) => Outcome::Done(()),
            Err(refusal) => refusal.into(),
        })
    }

    /// Checks the present password before something that matters (security.md 42), by the waits of log-in and on a count
    /// of its own: whoever sits here has a session. In all they have no more guesses than the account's devices. The session
    /// notes when it was right.
    pub(crate) async fn prove_password(
        &self,
        origin: &Origin,
        member: &Member,
        typed: &str,
    ) -> Result<Result<AccountRow, Refusal>, Outage> {
        let (tenant, id) = (self.database.tenant(member.insurer.tenant_id), member.account_id);
        let (now, rule, key) = (self.clock.now(), self.limits.password_proof(), id.to_string());
        let tx = tenant.write(Durability::Safe).await?;
        if let Taken::Wait { until } = throttle::take(&tx, &self.keys, now, &rule, &key).await? {
            tx.commit().await?;
            return Ok(Err(reasons::wait(until)));
        }
        take_guess(&tx, id, Guesser::Device).await?;
        let found = credentials(&tx, id).await?;
        tx.commit().await?;
        let Some(found) = found else {
            return Ok(Err(reasons::SESSION_ENDED.into()));
        };
        let most = i32::try_from(self.limits.log_in_id_tries).unwrap_or(i32::MAX);
        if found.guesses(Guesser::Device) > most {
            return Ok(Err(reasons::LOG_IN_LOCKED.into()));
        }
        let right = self.is_password(origin, &found, typed).await;
        let tx = tenant.write(Durability::Safe).await?;
        let outcome = match right {
            Err(error) => {
                // Nothing was looked at, so nothing was tried.
                throttle::give_back(&tx, &self.keys, now, &rule, &key).await?;
                give_back_guess(&tx, id, Guesser::Device).await?;
                tx.commit().await?;
                return Ok(Err(unhashed(error)?));
            }
            Ok(false) => {
                trail::record(&tx, now, origin, actor(member), "password.prove", "password_wrong").await?;
                let wrong = FieldError::new(fields::CURRENT_PASSWORD, Problem::PasswordWrong);
                Err(Refusal::field(wrong))
            }
            Ok(true) => {
                throttle::forgive(&tx, &self.keys, &rule, &key).await?;
                end_guesses(&tx, id, Guesser::Device).await?;
                sessions::note_proof(&tx, now, &member.session).await?;
                Ok(found.account)
            }
        };
        tx.commit().await?;
        Ok(outcome)
    }

    /// Ends one of the member's sessions; another person's does not exist.
    pub async fn end_session(&self, origin: &Origin, member: &Member, id: SessionId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        if !sessions::end(&mut tx, member.account_id.0, id).await? {
            return Ok(outcome::NOT_FOUND.into());
        }
        trail::record(&tx, now, origin, actor(member), "session.end", "done").await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Ends every session but this one; how many.
    pub async fn end_other_sessions(&self, origin: &Origin, member: &Member) -> Result<usize, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let ended = sessions::end_all(&mut tx, member.account_id.0, Some(member.session.id)).await?;
        trail::record(&tx, now, origin, actor(member), "session.end_others", "done").await?;
        tx.commit().await?;
        Ok(ended)
    }
}

/// A member as the trail names them.
pub(crate) fn actor(member: &Member) -> Actor {
    Actor::Member(member.account_id)
}
