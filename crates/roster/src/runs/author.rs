//! Who asks: somebody of the insurer's staff, or a program of another system.

use audit::{Actor, Origin};
use kernel::{ClientId, StaffId, TenantId};
use uuid::Uuid;

/// Which of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// One of the staff.
    Staff(StaffId),
    /// A program.
    Client(ClientId),
}

impl Author {
    /// As its two columns hold it.
    pub fn read(id: Uuid, by_client: bool) -> Self {
        if by_client {
            Self::Client(ClientId(id))
        } else {
            Self::Staff(StaffId(id))
        }
    }

    /// Its id, and …
    pub fn id(self) -> Uuid {
        match self {
            Self::Staff(StaffId(id)) | Self::Client(ClientId(id)) => id,
        }
    }

    /// … whether it is a program's.
    pub fn is_client(self) -> bool {
        matches!(self, Self::Client(_))
    }

    /// As the trail names whoever had a worker do something.
    pub fn actor(self) -> Actor {
        match self {
            Self::Staff(StaffId(id)) => Actor::Staff(id),
            Self::Client(ClientId(id)) => Actor::Client(id),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// At which insurer.
    pub tenant: TenantId,
    /// Who.
    pub author: Author,
    /// Their name, as the imports show it.
    pub name: &'a str,
    /// As the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
}
