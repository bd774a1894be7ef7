//! The reset link: what it opens, and the new password that it sets, once.

use super::folded;
use crate::{
    Accounts, fields,
    messages::{PasswordChanged, letterhead, sender},
    new_password::new_password,
    reasons,
    reasons::unhashed,
    schema::accounts,
    session::{AccountRow, Credentials, account, credentials},
    trail::{self, DEAD_LINK},
};
use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{HashError, Password, PasswordHash, links, links::LinkState, sessions};
use kernel::{AccountId, FieldError, Outage, Outcome, Refusal, TenantSecret};
use scoped_futures::ScopedFutureExt as _;
use std::sync::Arc;
use tenancy::Insurer;

/// The page behind a reset link.
#[derive(Debug, Clone)]
pub struct ResetView {
    /// Whose portal.
    pub insurer: Arc<Insurer>,
}

/// A new password.
#[derive(Clone)]
pub struct ResetForm {
    /// パスワード.
    pub password: String,
}

/// The link's purpose in the guard.
pub(crate) const RESET: &str = "password_reset";
/// A form sent again within this is a second click.
pub(crate) const SECOND_CLICK: TimeDelta = TimeDelta::minutes(1);

impl Accounts {
    /// What a reset link opens. Looking does not use it up.
    pub async fn reset_link(&self, origin: &Origin, link: &TenantSecret) -> Result<Outcome<ResetView>, Outage> {
        let outcome = self.look_at_link(link).await?;
        self.note_dead_link(origin, &outcome).await?;
        Ok(outcome)
    }

    async fn look_at_link(&self, link: &TenantSecret) -> Result<Outcome<ResetView>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(reasons::LINK_EXPIRED.into());
        };
        let mut tx = self.database.tenant(link.tenant).read().await?;
        let link = links::peek(&mut tx, &self.keys, self.clock.now(), &link.secret, RESET).await?;
        tx.commit().await?;
        Ok(match link {
            LinkState::Open { .. } if !insurer.is_open() => reasons::INSURER_SUSPENDED.into(),
            LinkState::Open { .. } => Outcome::Done(ResetView { insurer }),
            _ => reasons::LINK_EXPIRED.into(),
        })
    }

    /// Sets a new password with a link, which works once; every session ends and a mail tells the owner. A second click
    /// on the same form is told what the first one did.
    pub async fn reset_password(
        &self,
        origin: &Origin,
        link: &TenantSecret,
        form: ResetForm,
    ) -> Result<Outcome<Arc<Insurer>>, Outage> {
        let outcome = self.set_by_link(origin, link, form).await?;
        self.note_dead_link(origin, &outcome).await?;
        Ok(outcome)
    }

    /// The trail hears of links that open nothing (any more), for they may be guessed or stolen.
    async fn note_dead_link<T>(&self, origin: &Origin, outcome: &Outcome<T>) -> Result<(), Outage> {
        if outcome.is_refused(reasons::LINK_EXPIRED) {
            self.note_unread(origin, &DEAD_LINK).await?;
        }
        Ok(())
    }

    async fn set_by_link(
        &self,
        origin: &Origin,
        link: &TenantSecret,
        form: ResetForm,
    ) -> Result<Outcome<Arc<Insurer>>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(reasons::LINK_EXPIRED.into());
        };
        if !insurer.is_open() {
            return Ok(reasons::INSURER_SUSPENDED.into());
        }
        let tenant = self.database.tenant(link.tenant);
        let mut tx = tenant.read().await?;
        let found = match links::peek(&mut tx, &self.keys, self.clock.now(), &link.secret, RESET).await? {
            LinkState::Open { subject } => account(&tx, AccountId(subject)).await?,
            LinkState::Used { subject, at } => {
                tx.commit().await?;
                return self
                    .after_use(origin, insurer, AccountId(subject), at, &form.password)
                    .await;
            }
            LinkState::Late | LinkState::Unknown => None,
        };
        let Some(found) = found else {
            return Ok(reasons::LINK_EXPIRED.into());
        };
        let Some(person) = roster::person(&tx, found.person_id).await? else {
            return Ok(reasons::LINK_EXPIRED.into());
        };
        tx.commit().await?;
        let password = match new_password(&insurer, &person, &found.user_id, &form.password) {
            Ok(password) => password,
            Err(problem) => return Ok(Refusal::field(FieldError::new(fields::PASSWORD, problem)).into()),
        };
        let hash = match self
            .hasher
            .hash(origin, found.account_id.of(link.tenant), password)
            .await
        {
            Ok(hash) => hash,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let now = self.clock.now();
        let mut tx = tenant.write(Durability::Safe).await?;
        lock(&tx, found.account_id).await?;
        let used = links::use_up(&mut tx, &self.keys, now, &link.secret, RESET).await?;
        if let LinkState::Used { subject, at } = used {
            tx.commit().await?;
            return self
                .after_use(origin, insurer, AccountId(subject), at, &form.password)
                .await;
        }
        if !matches!(used, LinkState::Open { .. })
            || !self.set_password(&mut tx, &insurer, &found, &hash, None, now).await?
        {
            return Ok(reasons::LINK_EXPIRED.into());
        }
        trail::record(
            &tx,
            now,
            origin,
            Actor::Member(found.account_id),
            "password.reset",
            "done",
        )
        .await?;
        tx.commit().await?;
        self.forgive_guesses(origin, &folded(&found)).await?;
        Ok(Outcome::Done(insurer))
    }

    /// What to say of a link that was used at a time: it is done, where this very password was set with it just now.
    async fn after_use(
        &self,
        origin: &Origin,
        insurer: Arc<Insurer>,
        id: AccountId,
        at: DateTime<Utc>,
        typed: &str,
    ) -> Result<Outcome<Arc<Insurer>>, Outage> {
        if self.clock.now() - at > SECOND_CLICK {
            return Ok(reasons::LINK_EXPIRED.into());
        }
        let (_, found) = self
            .database
            .tenant(insurer.tenant_id)
            .read_with(|tx| credentials(tx, id).scope_boxed())
            .await?;
        let Some(found) = found.filter(|found| found.account.password_changed_at == at) else {
            return Ok(reasons::LINK_EXPIRED.into());
        };
        Ok(match self.is_password(origin, &found, typed).await {
            Ok(true) => Outcome::Done(insurer),
            Ok(false) => reasons::LINK_EXPIRED.into(),
            Err(error) => unhashed(error)?.into(),
        })
    }

    /// Writes a new password, ends every other session, closes reset links still under way and posts the notice; false,
    /// and nothing is written, where the password was changed since the account was found.
    pub(crate) async fn set_password(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &AccountRow,
        hash: &PasswordHash,
        keep: Option<kernel::SessionId>,
        now: DateTime<Utc>,
    ) -> Result<bool, Outage> {
        let tenant = tx.tenant();
        let written = diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::account_id.eq(found.account_id))
            .filter(accounts::password_changed_at.eq(found.password_changed_at))
            .set((
                accounts::password.eq(hash),
                accounts::password_changed_at.eq(now),
                accounts::guesses.eq(0),
                accounts::device_guesses.eq(0),
            ))
            .execute(&mut **tx)
            .await?;
        if written == 0 {
            return Ok(false);
        }
        sessions::end_all(tx, found.account_id.0, keep).await?;
        links::close(tx, now, found.account_id.0, RESET).await?;
        let message = PasswordChanged {
            letterhead: letterhead(insurer, &self.public_url),
            at: now,
        };
        self.write_to(tx, found, sender(insurer), None, &message, now).await?;
        Ok(true)
    }

    /// True where a password is the account's own.
    pub(crate) async fn is_password(
        &self,
        origin: &Origin,
        found: &Credentials,
        typed: &str,
    ) -> Result<bool, HashError> {
        let verdict = self.hasher.verify(origin, Password::typed(typed), Some(found.stored()));
        Ok(verdict.await?.matches)
    }
}

/// Makes whoever else would change this account wait: first the account, then its links, for everybody in this order.
async fn lock(tx: &TenantTransaction, id: AccountId) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .select(accounts::account_id)
        .for_no_key_update()
        .execute(&mut &**tx)
        .await?;
    Ok(())
}
