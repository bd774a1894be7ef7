//! Who wrote a draft or published a notice: somebody of the staff, or a program.

use database::{DatabaseError, TenantTransaction};
use kernel::{ClientId, StaffId};
use std::collections::HashMap;
use uuid::Uuid;

/// Who it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Author {
    /// One of the staff.
    Staff(StaffId),
    /// A program of another system.
    Client(ClientId),
}

impl Author {
    /// As its two columns hold it.
    pub(crate) fn read(id: Uuid, by_client: bool) -> Self {
        if by_client {
            Self::Client(ClientId(id))
        } else {
            Self::Staff(StaffId(id))
        }
    }

    /// Its id, and …
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Staff(StaffId(id)) | Self::Client(ClientId(id)) => id,
        }
    }

    /// … whether it is a program's.
    pub(crate) fn is_client(self) -> bool {
        matches!(self, Self::Client(_))
    }
}

/// What they are called; of whom nothing is known any more there is no name.
pub(crate) async fn names(
    tx: &TenantTransaction,
    authors: &[Author],
) -> Result<HashMap<Author, String>, DatabaseError> {
    let (mut staff, mut clients) = (Vec::new(), Vec::new());
    for author in authors {
        match author {
            Author::Staff(id) => staff.push(*id),
            Author::Client(id) => clients.push(*id),
        }
    }
    let staff = staff::names(tx, &staff).await?;
    let clients = clients::names(tx, &clients).await?;
    let staff = staff.into_iter().map(|(id, name)| (Author::Staff(id), name));
    let clients = clients.into_iter().map(|(id, name)| (Author::Client(id), name));
    Ok(staff.chain(clients).collect())
}
