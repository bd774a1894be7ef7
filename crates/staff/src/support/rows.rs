//! The rows of wishes and grants: an insurer's own, and the platform's short list of what is open.

use crate::{
    schema::{staff, staff_roles, support_grants, support_open},
    support::WAITS,
};
use access::Role;
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{GrantId, StaffId, TenantId};

/// Lines of the administrators' list.
const LISTED: i64 = 50;
/// Of the platform's.
const OPEN: i64 = 200;

/// A wish for support, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = support_grants)]
pub struct SupportGrant {
    /// Which.
    pub grant_id: GrantId,
    /// Who asked: of the platform's staff.
    pub operator_id: StaffId,
    /// Their 氏名.
    pub operator_name: String,
    /// Why.
    pub reason: String,
    /// For how many hours.
    pub hours_wished: Option<i32>,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Which administrator granted it.
    pub granted_by: Option<StaffId>,
    /// When.
    pub granted_at: Option<DateTime<Utc>>,
    /// Until when.
    pub ends_at: Option<DateTime<Utc>>,
    /// When support first came in.
    pub entered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// `declined`, `administrator`, `operator`, `account` or `over`.
    pub ended_for: Option<String>,
}

/// How a wish or grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupportState {
    /// It waits for an answer.
    Asked,
    /// Support may come in until then.
    On(DateTime<Utc>),
    /// Declined, ended, or its time is over.
    Over,
}

impl SupportGrant {
    /// How it stands.
    pub fn state(&self, now: DateTime<Utc>) -> SupportState {
        match (self.ended_at, self.ends_at) {
            (None, Some(at)) if now < at => SupportState::On(at),
            (None, None) if now < self.asked_at + WAITS => SupportState::Asked,
            _ => SupportState::Over,
        }
    }
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Declined,
    Administrator,
    Operator,
    /// The operator may not come in themself any more.
    Account,
    Over,
}

impl Ended {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Account => "account",
            Self::Over => "over",
        }
    }
}

/// What is open, as the platform sees it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = support_open)]
pub struct OpenSupport {
    /// Which.
    pub grant_id: GrantId,
    /// At which insurer.
    pub tenant_id: TenantId,
    /// Who asked.
    pub operator_id: StaffId,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Until when they are let in; none while nobody has answered.
    pub ends_at: Option<DateTime<Utc>>,
}

/// What is open, the last asked for first.
pub(super) async fn open(database: &Database) -> Result<Vec<OpenSupport>, DatabaseError> {
    let mut tx = database.directory().await?;
    let found = support_open::table
        .order(support_open::grant_id.desc())
        .limit(OPEN)
        .select(OpenSupport::as_select())
        .load(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(found)
}

/// At which insurer an open grant is.
pub(super) async fn place(database: &Database, id: GrantId) -> Result<Option<TenantId>, DatabaseError> {
    let mut tx = database.directory().await?;
    let found = support_open::table
        .filter(support_open::grant_id.eq(id))
        .select(support_open::tenant_id)
        .first(&mut *tx)
        .await
        .optional()?;
    tx.commit().await?;
    Ok(found)
}

/// What this operator has open at this insurer.
pub(super) async fn open_of(tx: &TenantTransaction, operator: StaffId) -> Result<Option<GrantId>, DatabaseError> {
    Ok(support_open::table
        .filter(support_open::tenant_id.eq(tx.tenant()))
        .filter(support_open::operator_id.eq(operator))
        .select(support_open::grant_id)
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// Puts a wish on the platform's list; false where this operator has one there for this insurer.
pub(super) async fn announce(
    tx: &TenantTransaction,
    id: GrantId,
    operator: StaffId,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let written = diesel::insert_into(support_open::table)
        .values((
            support_open::grant_id.eq(id),
            support_open::tenant_id.eq(tx.tenant()),
            support_open::operator_id.eq(operator),
            support_open::asked_at.eq(now),
        ))
        .on_conflict((support_open::tenant_id, support_open::operator_id))
        .do_nothing()
        .execute(&mut &**tx)
        .await?;
    Ok(written > 0)
}

pub(super) async fn insert(
    tx: &TenantTransaction,
    id: GrantId,
    (operator, name): (StaffId, &str),
    (reason, hours): (&str, i32),
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::insert_into(support_grants::table)
        .values((
            support_grants::tenant_id.eq(tx.tenant()),
            support_grants::grant_id.eq(id),
            support_grants::operator_id.eq(operator),
            support_grants::operator_name.eq(name),
            support_grants::reason.eq(reason),
            support_grants::hours_wished.eq(hours),
            support_grants::asked_at.eq(now),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// One, its row kept from others' changes.
pub(super) async fn locked(tx: &TenantTransaction, id: GrantId) -> Result<Option<SupportGrant>, DatabaseError> {
    Ok(support_grants::table
        .filter(support_grants::tenant_id.eq(tx.tenant()))
        .filter(support_grants::grant_id.eq(id))
        .select(SupportGrant::as_select())
        .for_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

pub(super) async fn one(tx: &TenantTransaction, id: GrantId) -> Result<Option<SupportGrant>, DatabaseError> {
    Ok(support_grants::table
        .filter(support_grants::tenant_id.eq(tx.tenant()))
        .filter(support_grants::grant_id.eq(id))
        .select(SupportGrant::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

pub(super) async fn latest(tx: &TenantTransaction) -> Result<Vec<SupportGrant>, DatabaseError> {
    Ok(support_grants::table
        .filter(support_grants::tenant_id.eq(tx.tenant()))
        .order((support_grants::asked_at.desc(), support_grants::grant_id.desc()))
        .limit(LISTED)
        .select(SupportGrant::as_select())
        .load(&mut &**tx)
        .await?)
}

pub(super) async fn grant(
    tx: &TenantTransaction,
    id: GrantId,
    by: StaffId,
    now: DateTime<Utc>,
    ends_at: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::update(support_grants::table)
        .filter(support_grants::tenant_id.eq(tx.tenant()))
        .filter(support_grants::grant_id.eq(id))
        .set((
            support_grants::granted_by.eq(by),
            support_grants::granted_at.eq(now),
            support_grants::ends_at.eq(ends_at),
        ))
        .execute(&mut &**tx)
        .await?;
    diesel::update(support_open::table)
        .filter(support_open::tenant_id.eq(tx.tenant()))
        .filter(support_open::grant_id.eq(id))
        .set(support_open::ends_at.eq(ends_at))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// Notes the first time that support comes in.
pub(super) async fn note_entry(tx: &TenantTransaction, id: GrantId, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    diesel::update(support_grants::table)
        .filter(support_grants::tenant_id.eq(tx.tenant()))
        .filter(support_grants::grant_id.eq(id))
        .set(support_grants::entered_at.eq(now))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

pub(super) async fn end(
    tx: &TenantTransaction,
    found: &SupportGrant,
    why: Ended,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::update(support_grants::table)
        .filter(support_grants::tenant_id.eq(tx.tenant()))
        .filter(support_grants::grant_id.eq(found.grant_id))
        .set((
            support_grants::ended_at.eq(now),
            support_grants::ended_for.eq(why.as_str()),
        ))
        .execute(&mut &**tx)
        .await?;
    diesel::delete(support_open::table)
        .filter(support_open::tenant_id.eq(tx.tenant()))
        .filter(support_open::grant_id.eq(found.grant_id))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// True while an operator may come in themself, and nothing has happened since that ended their other sessions: asked
/// within tenant 0.
pub(super) async fn is_operator(
    tx: &TenantTransaction,
    id: StaffId,
    since: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let standing: i64 = staff::table
        .inner_join(
            staff_roles::table.on(staff_roles::tenant_id
                .eq(staff::tenant_id)
                .and(staff_roles::staff_id.eq(staff::staff_id))),
        )
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .filter(staff::suspended_at.is_null())
        .filter(
            staff::password_changed_at
                .is_null()
                .or(staff::password_changed_at.le(since)),
        )
        .filter(staff::factor_reset_at.is_null())
        .filter(staff::resumed_at.is_null().or(staff::resumed_at.le(since)))
        .filter(staff_roles::role.eq(Role::Operator.as_str()))
        .filter(staff_roles::granted_at.le(since))
        .count()
        .get_result(&mut &**tx)
        .await?;
    Ok(standing > 0)
}
