//! Who may agree: whoever has held the action's permission over everybody for a week, and is let in.

use crate::{Action, Boxed};
use access::{
    EXPORT_PERSONAL, MEMBERS_EDIT, MEMBERS_EMAIL, MEMBERS_PROTECT, NOTICES_PUBLISH, Permission, ROSTER_IMPORT,
    SETTINGS_EDIT, STAFF_MANAGE, TERMS_EDIT,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{StaffId, TenantId};
use std::collections::BTreeSet;

/// Whoever holds a permission for less does not agree by it: who gives themself a helper waits so long for them.
pub const LEAST_HELD: TimeDelta = TimeDelta::days(7);

/// What allows to ask for an action, and so to agree to it.
pub fn permission(action: Action) -> Permission {
    match action {
        Action::Terms => TERMS_EDIT,
        Action::Notice => NOTICES_PUBLISH,
        Action::Export => EXPORT_PERSONAL,
        Action::Grant | Action::ResetFactor => STAFF_MANAGE,
        Action::ImportLoss => ROSTER_IMPORT,
        Action::BirthDate => MEMBERS_EDIT,
        Action::MemberMail => MEMBERS_EMAIL,
        Action::LiftProtection => MEMBERS_PROTECT,
        Action::SwitchOff => SETTINGS_EDIT,
    }
}

/// Every permission by which somebody agrees to something: giving one is as grave as making an administrator.
pub fn agreeing() -> BTreeSet<Permission> {
    let all = Action::SWITCHED.into_iter().chain([Action::SwitchOff]);
    all.map(permission).collect()
}

/// Somebody who may agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Able {
    /// Who.
    pub staff_id: StaffId,
    /// Their address.
    pub email: String,
    /// False where a colleague has suspended them, or they were let in again within [`LEAST_HELD`]: they agree to nothing, but
    /// four eyes don't end by shutting one pair.
    pub is_active: bool,
}

/// Somebody who is let in, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// Their address.
    pub email: String,
    /// What they may do.
    pub permissions: BTreeSet<Permission>,
}

/// What wishes need to know of an insurer's staff. Brought by staff, whose tables say it.
pub trait Colleagues: Send + Sync {
    /// Who has held a permission over everybody for [`LEAST_HELD`], those whom a colleague suspended among them.
    fn able<'a>(
        &'a self,
        tx: &'a TenantTransaction,
        now: DateTime<Utc>,
        permission: Permission,
    ) -> Boxed<'a, Result<Vec<Able>, DatabaseError>>;

    /// One of them; none where they are suspended or nobody's.
    fn one<'a>(&'a self, tx: &'a TenantTransaction, id: StaffId)
    -> Boxed<'a, Result<Option<Colleague>, DatabaseError>>;
}

/// Somebody who looks at wishes.
#[derive(Debug, Clone, Copy)]
pub struct Eye<'a> {
    /// Whose staff.
    pub tenant: TenantId,
    /// Who.
    pub staff_id: StaffId,
    /// What they may do: they see others' wishes for it.
    pub holds: &'a BTreeSet<Permission>,
    /// What of it they have held for [`LEAST_HELD`], over everybody: they agree to others' wishes for it.
    pub agrees: &'a BTreeSet<Permission>,
}

impl Eye<'_> {
    pub(crate) fn sees(&self, action: Action, asked_by: StaffId) -> bool {
        asked_by == self.staff_id || self.holds.contains(&permission(action))
    }
}

/// The words of the actions that these permissions allow.
pub(crate) fn words(permissions: &BTreeSet<Permission>) -> Vec<&'static str> {
    let all = Action::SWITCHED.into_iter().chain([Action::SwitchOff]);
    all.filter(|action| permissions.contains(&permission(*action)))
        .map(Action::as_str)
        .collect()
}
