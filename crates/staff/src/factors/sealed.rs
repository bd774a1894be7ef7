//! What is sealed of a second factor: bound to insurer and row by its seal, and to whose it is by what is inside, so that
//! it serves no other row and nobody else.

use kernel::{KeyError, Keys, Outage, OutageKind, Owner, StaffId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// Something of somebody's.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed<T> {
    staff_id: StaffId,
    value: T,
}

/// Why it does not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum Closed {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("what is sealed does not read")]
    Text(#[from] serde_json::Error),
}

impl<T> Sealed<T> {
    pub(super) fn new(staff_id: StaffId, value: T) -> Self {
        Self { staff_id, value }
    }

    /// The value, where it is theirs.
    pub(super) fn of(self, staff_id: StaffId) -> Option<T> {
        (self.staff_id == staff_id).then_some(self.value)
    }
}

impl<T: Serialize> Sealed<T> {
    pub(super) fn close(&self, keys: &Keys, purpose: &str, owner: Owner) -> Result<Vec<u8>, Outage> {
        let plain = serde_json::to_vec(self).map(Zeroizing::new).map_err(fault)?;
        Ok(keys.seal(purpose, owner, &plain))
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    pub(super) fn open(keys: &Keys, purpose: &str, owner: Owner, sealed: &[u8]) -> Result<Self, Closed> {
        let plain = keys.open(purpose, owner, sealed)?;
        Ok(serde_json::from_slice(&plain)?)
    }
}

/// A fault of ours.
pub(super) fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Outage {
    Outage::new(OutageKind::Fault, error)
}
