//! Who works here: the list, and what an administrator, or the operator at the command line, does with it.

use crate::{
    By, Grant, Staff,
    account::{Account, locked},
    invitation::INVITATION,
    log_in::FACTOR_RESET,
    messages::{FactorChange, FactorResetLink, Suspended, letterhead},
    password::RESET,
    reasons, roles,
    schema::{staff, staff_codes, staff_factors, staff_roles},
    trail,
};
use access::Role;
use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{links, sessions};
use kernel::{EmailAddress, Outage, Outcome, StaffId, TenantId, outcome};
use serde_json::json;
use tenancy::Insurer;

/// How long the link of a reset second factor works.
const LINK_LIFE: TimeDelta = TimeDelta::hours(72);

impl Staff {
    /// Lets somebody in no more: their sessions and links end at once, and a mail tells them. The last administrator can
    /// only be suspended from the command line.
    pub async fn suspend(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<()>, Outage> {
        let insurer = self.insurer(by.tenant()).await?;
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let keepers = keepers(&tx).await?;
        let Some(found) = locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.suspended_at.is_some() {
            return Ok(Outcome::Done(()));
        }
        if by.is_clerk() && keepers == [id] {
            return Ok(reasons::LAST_ADMINISTRATOR.into());
        }
        self.shut_out(&mut tx, &insurer, &found, "colleague", now).await?;
        let about = (Some(id), json!({}));
        trail::record(&tx, now, origin, by.actor(), ("staff.suspend", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Suspends an account that nobody used, in the transaction that found it.
    pub(crate) async fn suspend_unused(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &Account,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        self.shut_out(tx, insurer, found, "unused", now).await?;
        let about = (Some(found.staff_id), json!({}));
        let what = ("staff.suspend", "unused");
        Ok(trail::record(tx, now, &Origin::worker(), Actor::System, what, about).await?)
    }

    async fn shut_out(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &Account,
        why: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let (tenant, id) = (tx.tenant(), found.staff_id);
        diesel::update(staff::table)
            .filter(staff::tenant_id.eq(tenant))
            .filter(staff::staff_id.eq(id))
            .set((staff::suspended_at.eq(now), staff::suspended_for.eq(why)))
            .execute(&mut **tx)
            .await?;
        sessions::end_all(tx, id.0, None).await?;
        for purpose in [INVITATION, RESET, FACTOR_RESET] {
            links::close(tx, now, id.0, purpose).await?;
        }
        let message = Suspended {
            letterhead: letterhead(insurer, &self.console_url),
            at: now,
            unused: why == "unused",
        };
        self.write_to(tx, insurer, (id, &found.email), None, &message, now)
            .await
    }

    /// Lets them in again; from now on the account counts as unused anew.
    pub async fn resume(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let Some(found) = locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.suspended_at.is_none() {
            return Ok(Outcome::Done(()));
        }
        let tenant = tx.tenant();
        diesel::update(staff::table)
            .filter(staff::tenant_id.eq(tenant))
            .filter(staff::staff_id.eq(id))
            .set((
                staff::suspended_at.eq(None::<DateTime<Utc>>),
                staff::suspended_for.eq(None::<String>),
                staff::resumed_at.eq(now),
            ))
            .execute(&mut &*tx)
            .await?;
        let about = (Some(id), json!({}));
        trail::record(&tx, now, origin, by.actor(), ("staff.resume", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Makes these their roles, and ends their sessions where that changes anything. Nobody gives themself anything, and no
    /// administrator takes the last one's role away.
    pub async fn set_roles(
        &self,
        origin: &Origin,
        by: By<'_>,
        id: StaffId,
        grants: &[Grant],
    ) -> Result<Outcome<()>, Outage> {
        let grants = match roles::checked(by.tenant(), grants) {
            Ok(grants) => grants,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let keepers = keepers(&tx).await?;
        if locked(&tx, id).await?.is_none() {
            return Ok(outcome::NOT_FOUND.into());
        }
        let before = roles::held(&tx, id).await?;
        if before == grants {
            return Ok(Outcome::Done(()));
        }
        let gains = grants.iter().any(|(role, bounds)| before.get(role) != Some(bounds));
        if by.id() == Some(id.0) && gains {
            return Ok(reasons::OWN_ROLES.into());
        }
        let keeps = grants.contains_key(roles::keeper(by.tenant()).as_str());
        if by.is_clerk() && keepers == [id] && !keeps {
            return Ok(reasons::LAST_ADMINISTRATOR.into());
        }
        let change = roles::replace(&tx, id, &grants, by, now).await?;
        sessions::end_all(&mut tx, id.0, None).await?;
        let about = (Some(id), change);
        trail::record(&tx, now, origin, by.actor(), ("staff.roles", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Takes somebody's second factors and printed codes away. Their sessions end, and only a mailed link lets them in to
    /// set up anew: whoever talked an administrator into this has no more than a password.
    pub async fn reset_factor(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<()>, Outage> {
        if by.id() == Some(id.0) {
            return Ok(reasons::OWN_FACTOR.into());
        }
        let insurer = self.insurer(by.tenant()).await?;
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let Some(found) = locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.suspended_at.is_some() {
            return Ok(reasons::COLLEAGUE_SUSPENDED.into());
        }
        if !found.has_come() {
            return Ok(reasons::NOT_ACCEPTED.into());
        }
        forget_factors(&mut tx, id, now).await?;
        sessions::end_all(&mut tx, id.0, None).await?;
        links::close(&mut tx, now, id.0, FACTOR_RESET).await?;
        let link = links::issue(&mut tx, &self.keys, now, id.0, FACTOR_RESET, LINK_LIFE).await?;
        let message = FactorResetLink {
            letterhead: letterhead(&insurer, &self.console_url),
            url: self.address("/console/login/link", &link),
            hours: LINK_LIFE.num_hours(),
        };
        let (to, until) = ((id, found.email.as_str()), Some(now + LINK_LIFE));
        self.write_to(&mut tx, &insurer, to, until, &message, now).await?;
        self.tell_of_factor(&mut tx, &insurer, id, FactorChange::Reset, now)
            .await?;
        let about = (Some(id), json!({}));
        trail::record(&tx, now, origin, by.actor(), ("staff.reset_factor", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Posts a message to every administrator who may come in, but for one.
    pub async fn mail_to_administrators<M: mail::Message>(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        but: Option<StaffId>,
        message: &M,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        for (id, email) in administrators(tx).await? {
            if Some(id) != but {
                self.write_to(tx, insurer, (id, &email), None, message, now).await?;
            }
        }
        Ok(())
    }

    /// Who has this address here.
    pub async fn named(&self, tenant: TenantId, email: &str) -> Result<Option<StaffId>, Outage> {
        let Ok(email) = EmailAddress::parse(email) else {
            return Ok(None);
        };
        let tx = self.database.tenant(tenant).read().await?;
        let found = crate::account::account_of(&tx, &crate::account::email_key(&email)).await?;
        tx.commit().await?;
        Ok(found.map(|found| found.staff_id))
    }

    /// Suspends whoever has not logged in for 90 days: for a job; gives how many.
    pub async fn sweep(&self, insurer: &Insurer, now: DateTime<Utc>) -> Result<usize, Outage> {
        let tenant = insurer.tenant_id;
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let before = now - crate::account::UNUSED;
        let idle: Vec<Account> = staff::table
            .filter(staff::tenant_id.eq(tenant))
            .filter(staff::suspended_at.is_null())
            .filter(staff::created_at.le(before))
            .filter(staff::last_log_in_at.is_null().or(staff::last_log_in_at.le(before)))
            .filter(staff::resumed_at.is_null().or(staff::resumed_at.le(before)))
            .select(Account::as_select())
            .for_no_key_update()
            .load(&mut *tx)
            .await?;
        for found in &idle {
            self.suspend_unused(&mut tx, insurer, found, now).await?;
        }
        tx.commit().await?;
        Ok(idle.len())
    }
}

async fn forget_factors(tx: &mut TenantTransaction, id: StaffId, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::delete(staff_factors::table)
        .filter(staff_factors::tenant_id.eq(tenant))
        .filter(staff_factors::staff_id.eq(id))
        .execute(&mut **tx)
        .await?;
    diesel::delete(staff_codes::table)
        .filter(staff_codes::tenant_id.eq(tenant))
        .filter(staff_codes::staff_id.eq(id))
        .execute(&mut **tx)
        .await?;
    diesel::update(staff::table)
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .set((staff::factor_guesses.eq(0), staff::factor_reset_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Who runs this insurer and may come in, in one order, their roles kept from others' changes: of two who would remove each
/// other at the same time the second counts what the first left.
async fn keepers(tx: &TenantTransaction) -> Result<Vec<StaffId>, DatabaseError> {
    let (tenant, role) = (tx.tenant(), roles::keeper(tx.tenant()));
    let held: Vec<StaffId> = staff_roles::table
        .filter(staff_roles::tenant_id.eq(tenant))
        .filter(staff_roles::role.eq(role.as_str()))
        .select(staff_roles::staff_id)
        .order(staff_roles::staff_id)
        .for_update()
        .load(&mut &**tx)
        .await?;
    let of = able(tx, held).await?;
    Ok(of.into_iter().map(|(id, _)| id).collect())
}

async fn administrators(tx: &TenantTransaction) -> Result<Vec<(StaffId, String)>, DatabaseError> {
    let (tenant, role) = (tx.tenant(), roles::keeper(tx.tenant()));
    let held: Vec<StaffId> = staff_roles::table
        .filter(staff_roles::tenant_id.eq(tenant))
        .filter(staff_roles::role.eq(role.as_str()))
        .select(staff_roles::staff_id)
        .load(&mut &**tx)
        .await?;
    able(tx, held).await
}

/// Those of them who have accepted and are not suspended.
async fn able(tx: &TenantTransaction, ids: Vec<StaffId>) -> Result<Vec<(StaffId, String)>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq_any(ids))
        .filter(staff::suspended_at.is_null())
        .filter(staff::last_log_in_at.is_not_null())
        .order(staff::staff_id)
        .select((staff::staff_id, staff::email))
        .load(&mut &**tx)
        .await?)
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The invitation is not accepted yet.
    Invited,
    /// They may come in.
    Active,
    /// A colleague suspended it.
    Suspended(DateTime<Utc>),
    /// Nobody used it for 90 days.
    Unused(DateTime<Utc>),
}

/// Somebody who works here.
#[derive(Debug, Clone)]
pub struct Colleague {
    /// Who.
    pub staff_id: StaffId,
    /// 氏名.
    pub name: String,
    /// Their address.
    pub email: String,
    /// How the account stands.
    pub state: State,
    /// When they last logged in.
    pub last_log_in_at: Option<DateTime<Utc>>,
    /// What they may do.
    pub roles: Vec<HeldRole>,
    /// The kinds of their second factors.
    pub factors: Vec<String>,
}

/// A role that somebody holds.
#[derive(Debug, Clone)]
pub struct HeldRole {
    /// Which.
    pub role: Role,
    /// 記号, where it is bounded.
    pub symbols: Vec<String>,
    /// 事業所コード, where it is bounded.
    pub workplaces: Vec<String>,
    /// Since when.
    pub granted_at: DateTime<Utc>,
    /// By whom; none where it was the operator at the command line.
    pub granted_by: Option<String>,
}

impl Staff {
    /// Who works here, by name.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<Colleague>, Outage> {
        let tx = self.database.tenant(tenant).read().await?;
        let accounts: Vec<Account> = staff::table
            .filter(staff::tenant_id.eq(tenant))
            .order((staff::name, staff::staff_id))
            .select(Account::as_select())
            .load(&mut &*tx)
            .await?;
        let roles: Vec<HeldRow> = staff_roles::table
            .filter(staff_roles::tenant_id.eq(tenant))
            .order((staff_roles::granted_at, staff_roles::role))
            .select(HeldRow::as_select())
            .load(&mut &*tx)
            .await?;
        let factors: Vec<(StaffId, String)> = staff_factors::table
            .filter(staff_factors::tenant_id.eq(tenant))
            .order((staff_factors::created_at, staff_factors::factor_id))
            .select((staff_factors::staff_id, staff_factors::kind))
            .load(&mut &*tx)
            .await?;
        tx.commit().await?;
        let name_of = |id: StaffId| {
            let found = accounts.iter().find(|account| account.staff_id == id);
            found.map(|account| account.name.clone())
        };
        let colleague = |account: &Account| Colleague {
            staff_id: account.staff_id,
            name: account.name.clone(),
            email: account.email.clone(),
            state: state(account),
            last_log_in_at: account.last_log_in_at,
            roles: roles
                .iter()
                .filter(|row| row.staff_id == account.staff_id)
                .filter_map(|row| row.held(name_of))
                .collect(),
            factors: factors
                .iter()
                .filter(|(id, _)| *id == account.staff_id)
                .map(|(_, kind)| kind.clone())
                .collect(),
        };
        Ok(accounts.iter().map(colleague).collect())
    }
}

fn state(account: &Account) -> State {
    match (account.suspended_at, account.suspended_for.as_deref()) {
        (Some(at), Some("unused")) => State::Unused(at),
        (Some(at), _) => State::Suspended(at),
        (None, _) if !account.has_come() => State::Invited,
        (None, _) => State::Active,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = staff_roles)]
struct HeldRow {
    staff_id: StaffId,
    role: String,
    symbols: Option<Vec<String>>,
    workplaces: Option<Vec<String>>,
    granted_by: Option<uuid::Uuid>,
    granted_at: DateTime<Utc>,
}

impl HeldRow {
    fn held(&self, name_of: impl Fn(StaffId) -> Option<String>) -> Option<HeldRole> {
        let texts = |texts: &Option<Vec<String>>| texts.iter().flatten().cloned().collect();
        Some(HeldRole {
            role: Role::read(&self.role)?,
            symbols: texts(&self.symbols),
            workplaces: texts(&self.workplaces),
            granted_at: self.granted_at,
            granted_by: self.granted_by.map(StaffId).and_then(name_of),
        })
    }
}
