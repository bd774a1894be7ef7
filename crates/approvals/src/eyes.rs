//! Who may agree: whoever has held the action's permission over everybody for a week, and is let in.

use crate::{Action, Boxed, Row};
use access::{
    EXPORT_PERSONAL, MEMBERS_EDIT, MEMBERS_EMAIL, MEMBERS_PROTECT, NOTICES_PUBLISH, Permission, ROSTER_IMPORT,
    SETTINGS_EDIT, STAFF_MANAGE, STATEMENTS_PUBLISH, TERMS_EDIT,
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
        Action::Statements => STATEMENTS_PUBLISH,
        Action::Export => EXPORT_PERSONAL,
        Action::Grant | Action::ResetFactor => STAFF_MANAGE,
        Action::ImportLoss => ROSTER_IMPORT,
        Action::BirthDate => MEMBERS_EDIT,
        Action::MemberMail => MEMBERS_EMAIL,
        Action::LiftProtection | Action::Proof => MEMBERS_PROTECT,
        Action::SwitchOff => SETTINGS_EDIT,
    }
}

/// Every permission by which somebody agrees to something: giving one is as grave as making an administrator.
pub fn agreeing() -> BTreeSet<Permission> {
    let all = Action::SWITCHED.into_iter().chain([Action::SwitchOff]);
    all.map(permission).collect()
}

/// Each of these is by what somebody agrees to a wish: its action's permission, or all of those whose holders' eyes it takes
/// away.
pub(crate) fn ways(action: Action, also: &BTreeSet<Permission>) -> impl Iterator<Item = BTreeSet<Permission>> + use<> {
    let own = BTreeSet::from([permission(action)]);
    std::iter::once(own).chain((!also.is_empty()).then(|| also.clone()))
}

/// Somebody who may agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Able {
    /// Who.
    pub staff_id: StaffId,
    /// Their address.
    pub email: String,
    /// True where they are one of those by whom it is told whether two can agree: they have held the permission for
    /// [`LEAST_HELD`]. Whom a colleague suspended counts on, for four eyes don't end by shutting one pair.
    pub counts: bool,
    /// From when on they agree: [`LEAST_HELD`] after they were given it, or let in again. Never while they are suspended.
    pub agrees_from: Option<DateTime<Utc>>,
}

impl Able {
    pub(crate) fn agrees_at(&self, at: DateTime<Utc>) -> bool {
        self.agrees_from.is_some_and(|from| from <= at)
    }

    /// As whoever needs another permission beside it.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            counts: self.counts && other.counts,
            agrees_from: self.agrees_from.max(other.agrees_from),
            ..self
        }
    }

    /// As whoever may by another permission as well.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            counts: self.counts || other.counts,
            agrees_from: self.agrees_from.min(other.agrees_from),
            ..self
        }
    }
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
    /// Who holds a permission over everybody and has come in, those whom a colleague suspended among them.
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
    /// True where the wish's own page is theirs to open. That of a proof names protected people: whoever may see them no more
    /// doesn't by having asked.
    pub fn sees(&self, row: &Row) -> bool {
        let is_own = row.asked_by == self.staff_id && row.action() != Some(Action::Proof);
        is_own || row.is_answered_by(self.holds)
    }
}

/// The words of the actions that these permissions allow.
pub(crate) fn words(permissions: &BTreeSet<Permission>) -> Vec<&'static str> {
    let all = Action::SWITCHED.into_iter().chain([Action::SwitchOff]);
    all.filter(|action| permissions.contains(&permission(*action)))
        .map(Action::as_str)
        .collect()
}
