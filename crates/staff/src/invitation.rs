//! Invitations: an account without a password, and a link in a mail that gives it one, once.

use crate::{
    By, Grant, Staff, StaffName,
    account::{Account, account, email_key, locked, person_name},
    fields,
    log_in::{LoggedIn, is_open},
    messages::{Invited, letterhead},
    new_password::new_password,
    password::SECOND_CLICK,
    reasons::{self, unhashed},
    roles,
    schema::staff,
    trail,
};
use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    Password,
    links::{self, LinkState},
};
use kernel::{EmailAddress, FieldError, Outage, Outcome, Refusal, StaffId, TenantSecret};
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// The links' purpose in the guard.
pub(crate) const INVITATION: &str = "staff_invitation";
/// How long an invitation waits.
pub(crate) const LIFE: TimeDelta = TimeDelta::hours(72);

/// Whom to invite.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// メールアドレス.
    pub email: String,
    /// 氏名.
    pub name: String,
    /// What they may do.
    pub grants: Vec<Grant>,
}

/// An invitation on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The account.
    pub staff_id: StaffId,
    /// Where the mail goes.
    pub email: String,
    /// Until when its link works.
    pub until: DateTime<Utc>,
    /// False where they had been invited before; the link of then is closed.
    pub is_new: bool,
}

/// The page behind an invitation.
#[derive(Debug, Clone)]
pub struct InvitationView {
    /// Who invites.
    pub insurer: Arc<Insurer>,
    /// The address that was invited.
    pub email: String,
    /// 氏名, as whoever invited wrote it.
    pub name: String,
}

/// What they fill in.
#[derive(Clone)]
pub struct AcceptForm {
    /// 氏名.
    pub name: String,
    /// パスワード.
    pub password: String,
}

impl Staff {
    /// Invites somebody by mail. Whoever was invited before and has not come gets a new link; whoever works here already is
    /// a refusal.
    pub async fn invite(&self, origin: &Origin, by: By<'_>, invitation: &Invitation) -> Result<Outcome<Sent>, Outage> {
        let mut errors = Vec::new();
        let email = FieldError::gather(fields::EMAIL, EmailAddress::parse(&invitation.email), &mut errors);
        let name = FieldError::gather(fields::NAME, person_name(&invitation.name), &mut errors);
        let (Some(email), Some(name)) = (email, name) else {
            return Ok(Refusal::fields(errors).into());
        };
        let grants = match roles::checked(by.tenant(), &invitation.grants) {
            Ok(grants) => grants,
            Err(refusal) => return Ok(refusal.into()),
        };
        let insurer = self.insurer(by.tenant()).await?;
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let new = StaffId::new(now);
        let is_new = insert(&tx, new, &email, &name, by, now).await?;
        let found = by_email(&tx, &email).await?;
        let Some(found) = found else {
            return Err(database::DatabaseError::Statement(diesel::result::Error::NotFound).into());
        };
        if found.has_come() || found.suspended_for.as_deref() == Some("colleague") {
            return Ok(reasons::STAFF_KNOWN.into());
        }
        if !is_new {
            renew(&tx, found.staff_id, &name, now).await?;
            links::close(&mut tx, now, found.staff_id.0, INVITATION).await?;
        }
        let change = roles::replace(&tx, found.staff_id, &grants, by, now).await?;
        let link = links::issue(&mut tx, &self.keys, now, found.staff_id.0, INVITATION, LIFE).await?;
        let message = Invited {
            letterhead: letterhead(&insurer, &self.console_url),
            name,
            url: self.address("/console/invitation", &link),
            hours: LIFE.num_hours(),
        };
        self.write_to(
            &mut tx,
            &insurer,
            (found.staff_id, found.email.as_str()),
            Some(now + LIFE),
            &message,
            now,
        )
        .await?;
        let about = (Some(found.staff_id), change);
        trail::record(&tx, now, origin, by.actor(), ("staff.invite", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(Sent {
            staff_id: found.staff_id,
            email: found.email,
            until: now + LIFE,
            is_new,
        }))
    }

    /// What an invitation's link opens. Looking does not use it up.
    pub async fn invitation(&self, origin: &Origin, link: &TenantSecret) -> Result<Outcome<InvitationView>, Outage> {
        let opened = self.open_link(origin, link, INVITATION).await?;
        Ok(opened.map(|(insurer, found)| InvitationView {
            insurer,
            email: found.email,
            name: found.name,
        }))
    }

    /// Accepts it: name and password are set, and the session that it opens leads to the set-up of a second factor. A
    /// second click on the same form comes in as the first did.
    pub async fn accept(
        &self,
        origin: &Origin,
        agent: &str,
        link: &TenantSecret,
        form: &AcceptForm,
    ) -> Result<Outcome<LoggedIn>, Outage> {
        if let Some(entered) = self.second_click(origin, agent, link, &form.password).await? {
            return Ok(Outcome::Done(entered));
        }
        let (insurer, found) = match self.open_link(origin, link, INVITATION).await? {
            Outcome::Done(opened) => opened,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let mut errors = Vec::new();
        let name = FieldError::gather(fields::NAME, person_name(&form.name), &mut errors);
        let context = name.as_deref().unwrap_or(&found.name);
        let password = new_password(&insurer, &found.email_key, context, &form.password);
        let password = FieldError::gather(fields::PASSWORD, password, &mut errors);
        let (Some(name), Some(password)) = (name, password) else {
            return Ok(Refusal::fields(errors).into());
        };
        let owner = found.staff_id.of(insurer.tenant_id);
        let hash = match self.hasher.hash(origin, owner, password).await {
            Ok(hash) => hash,
            Err(error) => return Ok(unhashed(error)?.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        let held = locked(&tx, found.staff_id).await?;
        let used = links::use_up(&mut tx, &self.keys, now, &link.secret, INVITATION).await?;
        let is_theirs = held.is_some_and(|held| !held.has_come() && held.suspended_at.is_none());
        if !is_theirs || !matches!(used, LinkState::Open { .. }) {
            tx.rollback().await?;
            // Of two clicks at the same time, this one came second.
            return Ok(match self.second_click(origin, agent, link, &form.password).await? {
                Some(entered) => Outcome::Done(entered),
                None => reasons::STAFF_LINK_ENDED.into(),
            });
        }
        let tenant = tx.tenant();
        diesel::update(staff::table)
            .filter(staff::tenant_id.eq(tenant))
            .filter(staff::staff_id.eq(found.staff_id))
            .set((
                staff::name.eq(&name),
                staff::password.eq(Some(hash)),
                staff::password_changed_at.eq(now),
                staff::last_log_in_at.eq(now),
                staff::guesses.eq(0),
                staff::device_guesses.eq(0),
            ))
            .execute(&mut *tx)
            .await?;
        let about = (Some(found.staff_id), json!({}));
        let actor = Actor::Staff(found.staff_id.0);
        trail::record(&tx, now, origin, actor, ("staff.accept", "done"), about).await?;
        let entered = self
            .open_session(&mut tx, &insurer, &found, (origin, agent), now)
            .await?;
        tx.commit().await?;
        // What was guessed at the mail while it had no password is over.
        self.forgive_guesses(origin, StaffName::of(&insurer, &found.email_key).typed())
            .await?;
        Ok(Outcome::Done(entered))
    }

    /// The session of a form that was sent once more, with the password that the first one has just set.
    async fn second_click(
        &self,
        origin: &Origin,
        agent: &str,
        link: &TenantSecret,
        typed: &str,
    ) -> Result<Option<LoggedIn>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(link.tenant).read().await?;
        let state = links::peek(&mut tx, &self.keys, now, &link.secret, INVITATION).await?;
        let found = match state {
            LinkState::Used { subject, at } if now - at <= SECOND_CLICK => {
                let found = account(&tx, StaffId(subject)).await?;
                found.filter(|found| found.password_changed_at == Some(at) && found.suspended_at.is_none())
            }
            _ => None,
        };
        tx.commit().await?;
        let Some(found) = found.filter(|_| is_open(&insurer)) else {
            return Ok(None);
        };
        let verdict = self.hasher.verify(origin, Password::typed(typed), found.stored()).await;
        if !verdict.is_ok_and(|verdict| verdict.matches) {
            return Ok(None);
        }
        let mut tx = self.database.tenant(link.tenant).write(Durability::Safe).await?;
        let entered = self
            .open_session(&mut tx, &insurer, &found, (origin, agent), now)
            .await?;
        tx.commit().await?;
        Ok(Some(entered))
    }
}

/// A new account without a password; false where the address has one already.
async fn insert(
    tx: &TenantTransaction,
    id: StaffId,
    email: &EmailAddress,
    name: &str,
    by: By<'_>,
    now: DateTime<Utc>,
) -> Result<bool, database::DatabaseError> {
    let inserted = diesel::insert_into(staff::table)
        .values((
            staff::tenant_id.eq(tx.tenant()),
            staff::staff_id.eq(id),
            staff::email.eq(email.as_str()),
            staff::email_key.eq(email_key(email)),
            staff::name.eq(name),
            staff::guesses.eq(0),
            staff::device_guesses.eq(0),
            staff::factor_guesses.eq(0),
            staff::created_at.eq(now),
            staff::invited_by.eq(by.id()),
        ))
        .on_conflict((staff::tenant_id, staff::email_key))
        .do_nothing()
        .execute(&mut &**tx)
        .await?;
    Ok(inserted > 0)
}

async fn by_email(tx: &TenantTransaction, email: &EmailAddress) -> Result<Option<Account>, database::DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::email_key.eq(email_key(email)))
        .select(Account::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// Whoever is invited anew counts as unused from now on.
async fn renew(
    tx: &TenantTransaction,
    id: StaffId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), database::DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(staff::table)
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .set((
            staff::name.eq(name),
            staff::resumed_at.eq(now),
            staff::suspended_at.eq(None::<DateTime<Utc>>),
            staff::suspended_for.eq(None::<String>),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}
