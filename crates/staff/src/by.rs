//! By whom something is done to an account.

use crate::Clerk;
use audit::Actor;
use kernel::TenantId;
use uuid::Uuid;

/// By whom, and so at which insurer.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// Somebody inside, at their own insurer; what they may do was asked before.
    Clerk(&'a Clerk),
    /// The operator at the command line.
    Operator(TenantId),
}

impl By<'_> {
    /// At which insurer.
    pub fn tenant(self) -> TenantId {
        match self {
            Self::Clerk(clerk) => clerk.insurer.tenant_id,
            Self::Operator(tenant) => tenant,
        }
    }

    pub(crate) fn actor(self) -> Actor {
        match self {
            Self::Clerk(clerk) => clerk.actor(),
            Self::Operator(_) => Actor::Operator,
        }
    }

    pub(crate) fn id(self) -> Option<Uuid> {
        match self {
            Self::Clerk(clerk) => Some(clerk.staff_id.0),
            Self::Operator(_) => None,
        }
    }

    pub(crate) fn is_clerk(self) -> bool {
        matches!(self, Self::Clerk(_))
    }
}
