//! By whom something is done to a client.

use audit::{Actor, Origin};
use kernel::TenantId;
use uuid::Uuid;

/// By whom and from where; what they may do was asked before.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who, as the trail of where it is done names them: staff as [`Actor::Staff`], at the platform, too.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
}

impl By<'_> {
    pub(crate) fn id(self) -> Option<Uuid> {
        match self.actor {
            Actor::Staff(id) | Actor::Platform(id) => Some(id),
            Actor::Support { operator, .. } => Some(operator),
            Actor::Visitor | Actor::Member(_) | Actor::Operator | Actor::Client(_) | Actor::System => None,
        }
    }

    /// As the trail of an insurer names whoever does something at the platform.
    pub(crate) fn seen_from(self, tenant: TenantId) -> Actor {
        match self.actor {
            Actor::Staff(id) if tenant != TenantId::PLATFORM => Actor::Platform(id),
            actor => actor,
        }
    }
}
