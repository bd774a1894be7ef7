//! Who wrote a draft or published a notice: somebody of the staff, or a program.

use database::{DatabaseError, TenantTransaction};
use kernel::StaffId;
use std::collections::HashMap;
use uuid::Uuid;

/// What a program is called where its name stands with somebody else.
const CLIENT: &str = "外部のシステム";

/// Who it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Author {
    /// One of the staff.
    Staff(StaffId),
    /// A program of another system.
    Client(Uuid),
}

impl Author {
    /// As its two columns hold it.
    pub(crate) fn read(id: Uuid, by_client: bool) -> Self {
        if by_client {
            Self::Client(id)
        } else {
            Self::Staff(StaffId(id))
        }
    }

    /// Its id, and …
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Staff(StaffId(id)) | Self::Client(id) => id,
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
    let staff: Vec<StaffId> = authors
        .iter()
        .filter(|author| !author.is_client())
        .map(|author| StaffId(author.id()))
        .collect();
    let named = staff::names(tx, &staff).await?;
    let mut names: HashMap<Author, String> = named
        .into_iter()
        .map(|(id, name)| (Author::Staff(id), name))
        .collect();
    let clients = authors.iter().filter(|author| author.is_client());
    names.extend(clients.map(|client| (*client, CLIENT.to_owned())));
    Ok(names)
}
