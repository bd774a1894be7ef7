//! The member's own account: what is registered, the password, and where they are logged in.

use crate::{Accounts, Member, Outage, Outcome, Refusal, refusal::overloaded, session::account, trail};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::sessions;
use kernel::{FieldError, Problem, SessionId};

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
    pub async fn account(&self, tx: &mut TenantTransaction, member: &Member) -> Result<AccountView, Outage> {
        let Some(found) = account(tx, member.account_id).await? else {
            return Err(DatabaseError::Statement(diesel::result::Error::NotFound).into());
        };
        let open = sessions::list(tx, self.clock.now(), member.account_id.0).await?;
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
        })
    }

    /// Changes the password; every other session ends and a mail tells the owner.
    pub async fn change_password(
        &self,
        origin: &Origin,
        member: &Member,
        form: PasswordChange,
    ) -> Result<Outcome<()>, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut errors = Vec::new();
        if form.current_password.is_empty() {
            errors.push(FieldError::new("current_password", Problem::Empty));
        }
        let user_id = member.user_id.as_str();
        let screened = self
            .new_password(&member.insurer, &member.person, user_id, &form.password)
            .await;
        let Ok(password) = screened else {
            return Ok(overloaded());
        };
        let password = FieldError::gather("password", password, &mut errors);
        if password.is_some() && form.password == form.current_password {
            errors.push(FieldError::new("password", Problem::PasswordUnchanged));
        }
        let Some(password) = password.filter(|_| errors.is_empty()) else {
            return Ok(Refusal::Fields(errors).into());
        };
        if let Some(refusal) = self.prove_password(origin, member, &form.current_password).await? {
            return Ok(refusal.into());
        }
        let Ok(hash) = self.hasher.hash(password).await else {
            return Ok(overloaded());
        };
        let now = self.clock.now();
        let mut tx = tenant.write().await?;
        let Some(found) = account(&tx, member.account_id).await? else {
            return Ok(Refusal::SessionEnded.into());
        };
        self.set_password(&mut tx, &member.insurer, &found, &hash, Some(member.session.id), now)
            .await?;
        trail::record(&tx, now, origin, actor(member), "password.change", "done").await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Checks the present password before something that matters (security.md 42), on the log-in's own throttle.
    pub(crate) async fn prove_password(
        &self,
        origin: &Origin,
        member: &Member,
        typed: &str,
    ) -> Result<Option<Refusal>, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let key = member.account_id.to_string();
        if let Some(until) = self.take_try(tenant.id(), &self.limits.log_in(), &key).await? {
            return Ok(Some(Refusal::Wait { until }));
        }
        let tx = tenant.read().await?;
        let found = account(&tx, member.account_id).await?;
        tx.commit().await?;
        let Some(found) = found else {
            return Ok(Some(Refusal::SessionEnded));
        };
        match self.is_password(&found, typed).await {
            None => Ok(Some(Refusal::Overloaded)),
            Some(false) => {
                let tx = tenant.write().await?;
                let (now, outcome) = (self.clock.now(), "password_wrong");
                trail::record(&tx, now, origin, actor(member), "password.prove", outcome).await?;
                tx.commit().await?;
                let wrong = FieldError::new("current_password", Problem::PasswordWrong);
                Ok(Some(Refusal::Fields(vec![wrong])))
            }
            Some(true) => {
                let tx = tenant.write().await?;
                guard::throttle::forgive(&tx, &self.keys, &self.limits.log_in(), &key).await?;
                tx.commit().await?;
                Ok(None)
            }
        }
    }

    /// Ends one of the member's sessions; another person's does not exist.
    pub async fn end_session(&self, origin: &Origin, member: &Member, id: SessionId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(member.insurer.tenant_id).write().await?;
        if !sessions::end(&mut tx, member.account_id.0, id).await? {
            return Ok(Refusal::NotFound.into());
        }
        trail::record(&tx, now, origin, actor(member), "session.end", "done").await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Ends every session but this one; how many.
    pub async fn end_other_sessions(&self, origin: &Origin, member: &Member) -> Result<usize, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(member.insurer.tenant_id).write().await?;
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
