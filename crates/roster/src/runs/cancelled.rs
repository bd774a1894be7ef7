//! Why an import was cancelled, of rosters and of whatever else comes as they do: as the trail has it.

use super::WHY_SHUT;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{ImportId, StaffId};

/// Why an import was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// One of the staff ended it.
    Staff(StaffId),
    /// Its program did.
    Client,
    /// Its program's next file took its place.
    Replaced,
    /// Its program was shut out.
    Shut,
}

impl Cancelled {
    /// Reads it by what the trail calls it, of a run whose file came then; none where that is not known. Whose place another file
    /// takes has no line in the trail: a program's (`is_sent`) is kept as cancelled, and one of the staff's is not kept at all.
    pub async fn read(
        tx: &TenantTransaction,
        action: &str,
        (run, came): (ImportId, DateTime<Utc>),
        is_sent: bool,
    ) -> Result<Option<Self>, DatabaseError> {
        let lines = audit::about(tx, run.0, &[action], came, 1).await?;
        let Some(line) = lines.first() else {
            return Ok(is_sent.then_some(Self::Replaced));
        };
        Ok(match (line.actor_kind.as_str(), line.actor_id) {
            ("staff", Some(id)) => Some(Self::Staff(StaffId(id))),
            ("client", _) => Some(Self::Client),
            ("system", _) => Some(Self::Shut),
            _ => None,
        })
    }

    /// The word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Staff(_) => "staff",
            Self::Client => "client",
            Self::Replaced => "replaced",
            Self::Shut => WHY_SHUT,
        }
    }
}
