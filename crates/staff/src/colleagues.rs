//! Who works here: the list, and what an administrator, or the operator at the command line, does with it.

use crate::{
    By, Staff,
    account::{Account, locked},
    invitation::INVITATION,
    log_in::FACTOR_RESET,
    messages::{Resumed, Suspended, letterhead},
    password::RESET,
    reasons, roles,
    schema::{staff, staff_factors, staff_roles},
    trail,
};
use access::Role;
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{links, sessions};
use kernel::{EmailAddress, Outage, Outcome, StaffId, TenantId, outcome};
use serde_json::json;
use tenancy::Insurer;

/// For what somebody is suspended: a colleague's word,
const BY_COLLEAGUE: &str = "colleague";
/// the operator's at the command line,
const BY_OPERATOR: &str = "operator";
/// or because nobody has logged in for long.
pub(crate) const UNUSED: &str = "unused";
/// As what mails about somebody who is let in again are counted.
const RESUMED: &str = "staff_let_in_again";

impl Staff {
    /// Lets somebody in no more: their sessions and links end at once, and a mail tells them. The last administrator can
    /// only be suspended from the command line. Whom a colleague suspends counts on where it is asked whether two can agree,
    /// or one would end four eyes by shutting the others'; whom the operator suspends, also after a colleague, does not.
    pub async fn suspend(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<()>, Outage> {
        let insurer = self.insurer(by.tenant()).await?;
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let keepers = keepers(&tx).await?;
        let Some(found) = locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let why = if by.is_staff() { BY_COLLEAGUE } else { BY_OPERATOR };
        if found.suspended_at.is_some() && (by.is_staff() || found.suspended_for.as_deref() == Some(why)) {
            return Ok(Outcome::Done(()));
        }
        if by.is_staff() && keepers == [id] {
            return Ok(reasons::LAST_ADMINISTRATOR.into());
        }
        if by.id() == Some(id.0) {
            return Ok(reasons::OWN_ACCOUNT.into());
        }
        self.shut_out(&mut tx, &insurer, &found, why, now).await?;
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
        self.shut_out(tx, insurer, found, UNUSED, now).await?;
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
            unused: why == UNUSED,
        };
        self.write_to(tx, insurer, (id, &found.email), None, &message, now)
            .await
    }

    /// Lets them in again; from now on the account counts as unused anew. They and the administrators are told by mail.
    pub async fn resume(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<()>, Outage> {
        let insurer = self.insurer(by.tenant()).await?;
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let Some(found) = locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.suspended_at.is_none() {
            return Ok(Outcome::Done(()));
        }
        if let Err(refusal) = self.may_mail(&tx, by, (id, RESUMED), now).await? {
            return Ok(refusal.into());
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
            .execute(&mut *tx)
            .await?;
        let message = Resumed {
            letterhead: letterhead(&insurer, &self.console_url),
            name: found.name,
            at: now,
        };
        self.write_to(&mut tx, &insurer, (id, &found.email), None, &message, now)
            .await?;
        self.mail_to_administrators(&mut tx, &insurer, Some(id), &message, now)
            .await?;
        let about = (Some(id), json!({}));
        trail::record(&tx, now, origin, by.actor(), ("staff.resume", "done"), about).await?;
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

/// Who runs this insurer and may come in, in one order, their roles kept from others' changes: of two who would remove each
/// other at the same time the second counts what the first left.
pub(crate) async fn keepers(tx: &TenantTransaction) -> Result<Vec<StaffId>, DatabaseError> {
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

/// Those of them who have accepted and are not suspended. Whoever is bounded runs nothing, whatever else they hold.
async fn able(tx: &TenantTransaction, mut ids: Vec<StaffId>) -> Result<Vec<(StaffId, String)>, DatabaseError> {
    let tenant = tx.tenant();
    let is_bounded = staff_roles::symbols
        .is_not_null()
        .or(staff_roles::workplaces.is_not_null());
    let bounded: Vec<StaffId> = staff_roles::table
        .filter(staff_roles::tenant_id.eq(tenant))
        .filter(is_bounded)
        .select(staff_roles::staff_id)
        .load(&mut &**tx)
        .await?;
    ids.retain(|id| !bounded.contains(id));
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq_any(ids))
        .filter(staff::suspended_at.is_null())
        .filter(
            staff::password_changed_at
                .is_not_null()
                .or(staff::last_log_in_at.is_not_null()),
        )
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
    /// A colleague suspended it, or the operator.
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
    /// By what a form that shows these roles is told from one that showed others.
    pub roles_mark: String,
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
            roles_mark: roles::mark(&marked(&roles, account.staff_id)),
            factors: factors
                .iter()
                .filter(|(id, _)| *id == account.staff_id)
                .map(|(_, kind)| kind.clone())
                .collect(),
        };
        Ok(accounts.iter().map(colleague).collect())
    }
}

/// Somebody's roles, as their mark is made of.
fn marked(roles: &[HeldRow], id: StaffId) -> roles::Held {
    let own = roles.iter().filter(|row| row.staff_id == id);
    let bounds = |row: &HeldRow| roles::Bounds::new(row.symbols.clone(), row.workplaces.clone());
    own.map(|row| (row.role.clone(), bounds(row))).collect()
}

fn state(account: &Account) -> State {
    match (account.suspended_at, account.suspended_for.as_deref()) {
        (Some(at), Some(UNUSED)) => State::Unused(at),
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
