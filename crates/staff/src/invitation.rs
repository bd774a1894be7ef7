//! Invitations: an account without a password, and a link in a mail that gives it one, once.

use crate::{
    By, Grant, Staff, StaffName,
    account::{Account, account, email_key, locked, person_name},
    colleagues::UNUSED,
    fields,
    grants::grants,
    log_in::{LoggedIn, is_open},
    messages::{self, letterhead},
    new_password::new_password,
    password::SECOND_CLICK,
    reasons::{self, unhashed},
    roles::{self, Held},
    schema::staff,
    trail,
};
use approvals::{Action, Asked, Difference, Performer, Wish};
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
use tenancy::{Insurer, insurer_of};

/// The links' purpose in the guard.
pub const INVITATION: &str = "staff_invitation";
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
    /// The link, for an insurer whose mails reach nobody: [`Staff::invitation_address`].
    pub link: TenantSecret,
    /// False where they had been invited before; the link of then is closed.
    pub is_new: bool,
}

/// What became of an invitation.
#[derive(Debug, Clone)]
pub enum Invited {
    /// It is on its way.
    Sent(Sent),
    /// Another must agree to its roles first.
    Waits,
}

/// Whom to invite, read and checked.
struct Invitee {
    email: EmailAddress,
    name: String,
    grants: Held,
}

impl Invitee {
    fn read(by: By<'_>, invitation: &Invitation) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        let email = FieldError::gather(fields::EMAIL, EmailAddress::parse(&invitation.email), &mut errors);
        let name = FieldError::gather(fields::NAME, person_name(&invitation.name), &mut errors);
        let (Some(email), Some(name)) = (email, name) else {
            return Err(Refusal::fields(errors));
        };
        let grants = roles::checked(by.tenant(), &invitation.grants)?;
        Ok(Self { email, name, grants })
    }

    /// Of a wish.
    fn wished(parameters: &serde_json::Value) -> Option<Self> {
        let text = |name: &str| parameters.get(name).and_then(serde_json::Value::as_str);
        Some(Self {
            email: EmailAddress::parse(text("email")?).ok()?,
            name: text("name")?.to_owned(),
            grants: grants(parameters)?,
        })
    }

    fn difference(&self, before: &Held) -> Difference {
        let new = |label: &str, value: &str| (label.to_owned(), String::new(), value.to_owned());
        vec![
            new("招待する人", &self.name),
            new("メールアドレス", self.email.as_str()),
            ("役割".to_owned(), roles::words(before), roles::words(&self.grants)),
        ]
    }
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
    pub async fn invite(
        &self,
        origin: &Origin,
        by: By<'_>,
        invitation: &Invitation,
    ) -> Result<Outcome<Invited>, Outage> {
        let invitee = match Invitee::read(by, invitation) {
            Ok(invitee) => invitee,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        // Before the transaction, which would hold a connection while it waits for another.
        let insurer = self.insurer(by.tenant()).await?;
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let before = match before(&tx, &invitee).await? {
            Outcome::Done(before) => before,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let nobody = StaffId(uuid::Uuid::nil());
        if let By::Clerk(clerk) = by
            && (self.gives(&before, &invitee.grants) || self.takes(by, nobody, &before, &invitee.grants))
        {
            let wish = Wish {
                action: Action::Grant,
                kind: INVITATION,
                subject: self.subject_of(&invitee.email),
                person: None,
                beneficiary: None,
                also: [].into(),
                parameters: json!({ "email": invitee.email.as_str(), "name": invitee.name, "grants": invitee.grants }),
                difference: invitee.difference(&before),
            };
            match self.approvals.ask(&mut tx, now, clerk.asker(origin), wish).await? {
                Outcome::Done(Asked::GoesOn) => {}
                Outcome::Done(Asked::Waits(_)) => {
                    tx.commit().await?;
                    return Ok(Outcome::Done(Invited::Waits));
                }
                Outcome::Refused(refusal) => return Ok(refusal.into()),
            }
        }
        let sent = self.send(&mut tx, (origin, by), (&insurer, &invitee), now).await?;
        if matches!(sent, Outcome::Done(_)) {
            let about = (Action::Grant, self.subject_of(&invitee.email));
            self.approvals.end(&mut tx, now, about).await?;
            tx.commit().await?;
        }
        Ok(sent.map(Invited::Sent))
    }

    /// Makes the account and mails the link, in the transaction of whoever may.
    async fn send(
        &self,
        tx: &mut TenantTransaction,
        (origin, by): (&Origin, By<'_>),
        (insurer, invitee): (&Insurer, &Invitee),
        now: DateTime<Utc>,
    ) -> Result<Outcome<Sent>, Outage> {
        let is_new = insert(tx, StaffId::new(now), &invitee.email, &invitee.name, by, now).await?;
        let found = by_email(tx, &invitee.email).await?;
        let Some(found) = found else {
            return Err(database::DatabaseError::Statement(diesel::result::Error::NotFound).into());
        };
        if is_here(&found) {
            return Ok(reasons::STAFF_KNOWN.into());
        }
        let what = (found.staff_id, INVITATION);
        if let Err(refusal) = self.may_mail(tx, by, what, now).await? {
            return Ok(refusal.into());
        }
        if !is_new {
            renew(tx, found.staff_id, &invitee.name, now).await?;
            links::close(tx, now, found.staff_id.0, INVITATION).await?;
        }
        let change = roles::replace(tx, found.staff_id, &invitee.grants, by, now).await?;
        let link = links::issue(tx, &self.keys, now, found.staff_id.0, INVITATION, LIFE).await?;
        let message = messages::Invited {
            letterhead: letterhead(insurer, &self.console_url),
            name: invitee.name.clone(),
            url: self.invitation_address(&link),
            hours: LIFE.num_hours(),
        };
        let (to, until) = ((found.staff_id, found.email.as_str()), Some(now + LIFE));
        self.write_to(tx, insurer, to, until, &message, now).await?;
        let about = (Some(found.staff_id), change);
        trail::record(tx, now, origin, by.actor(), ("staff.invite", "done"), about).await?;
        Ok(Outcome::Done(Sent {
            staff_id: found.staff_id,
            email: found.email,
            until: now + LIFE,
            link,
            is_new,
        }))
    }

    /// Where an invitation is accepted.
    pub fn invitation_address(&self, link: &TenantSecret) -> String {
        self.address("/console/invitation", link)
    }

    /// Sends the mail of an invitation that nobody has accepted once more; its first link is closed.
    pub async fn invite_again(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<Sent>, Outage> {
        let now = self.clock.now();
        let insurer = self.insurer(by.tenant()).await?;
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let Some(found) = locked(&tx, id).await? else {
            return Ok(kernel::outcome::NOT_FOUND.into());
        };
        let Ok(email) = EmailAddress::parse(&found.email) else {
            return Ok(kernel::outcome::NOT_FOUND.into());
        };
        let invitee = Invitee {
            email,
            name: found.name,
            grants: roles::held(&tx, id).await?,
        };
        let sent = self.send(&mut tx, (origin, by), (&insurer, &invitee), now).await?;
        if matches!(sent, Outcome::Done(_)) {
            tx.commit().await?;
        }
        Ok(sent)
    }

    /// What a wish to invite is about, while there is no account: the address, by a keyed hash.
    fn subject_of(&self, email: &EmailAddress) -> uuid::Uuid {
        let hash = self.keys.hash("staff_invitation_wish", email_key(email).as_bytes());
        let last: [u8; 16] = hash.last_chunk().copied().unwrap_or_default();
        uuid::Uuid::from_bytes(last)
    }

    pub(crate) fn invitation_performer(&self) -> Performer {
        let staff = self.clone();
        Performer::new(
            Action::Grant,
            INVITATION,
            |tx, agreed| {
                Box::pin(async move {
                    let Some(invitee) = Invitee::wished(&agreed.parameters) else {
                        return Ok(kernel::outcome::NOT_FOUND.into());
                    };
                    Ok(before(tx, &invitee).await?.map(|before| invitee.difference(&before)))
                })
            },
            move |tx, agreed| {
                let staff = staff.clone();
                Box::pin(async move {
                    let Some(invitee) = Invitee::wished(&agreed.parameters) else {
                        return Ok(kernel::outcome::NOT_FOUND.into());
                    };
                    let by = (&agreed.origin, By::Wish(agreed));
                    let insurer = insurer_of(tx).await?;
                    let sent = staff.send(tx, by, (&insurer, &invitee), agreed.now).await?;
                    Ok(sent.map(|_| ()))
                })
            },
        )
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

/// The roles that an address has already, where it was invited and has not come; refused where it works here.
async fn before(tx: &TenantTransaction, invitee: &Invitee) -> Result<Outcome<Held>, Outage> {
    Ok(match by_email(tx, &invitee.email).await? {
        Some(found) if is_here(&found) => reasons::STAFF_KNOWN.into(),
        Some(found) => Outcome::Done(roles::held(tx, found.staff_id).await?),
        None => Outcome::Done(Held::new()),
    })
}

/// True for whoever has accepted, and whom somebody shut out.
fn is_here(found: &Account) -> bool {
    found.has_come() || found.suspended_for.as_deref().is_some_and(|why| why != UNUSED)
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
