//! By whom something is done to an account.

use crate::Clerk;
use approvals::Agreed;
use audit::Actor;
use kernel::TenantId;
use uuid::Uuid;

/// By whom, and so at which insurer.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// Somebody inside, at their own insurer; what they may do was asked before.
    Clerk(&'a Clerk),
    /// Somebody whose wish another has agreed to, in whose name it is done.
    Wish(&'a Agreed),
    /// The operator at the command line.
    Operator(TenantId),
}

impl By<'_> {
    /// At which insurer.
    pub fn tenant(self) -> TenantId {
        match self {
            Self::Clerk(clerk) => clerk.insurer.tenant_id,
            Self::Wish(agreed) => agreed.tenant,
            Self::Operator(tenant) => tenant,
        }
    }

    pub(crate) fn actor(self) -> Actor {
        match self {
            Self::Clerk(clerk) => clerk.actor(),
            Self::Wish(agreed) => Actor::Staff(agreed.asked_by.0),
            Self::Operator(_) => Actor::Operator,
        }
    }

    pub(crate) fn id(self) -> Option<Uuid> {
        match self {
            Self::Clerk(clerk) => Some(clerk.staff_id.0),
            Self::Wish(agreed) => Some(agreed.asked_by.0),
            Self::Operator(_) => None,
        }
    }

    /// True for the insurer's own staff, who may not do all that the operator may.
    pub(crate) fn is_staff(self) -> bool {
        !matches!(self, Self::Operator(_))
    }
}
