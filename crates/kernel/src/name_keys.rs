//! The key of user IDs: what the platform-wide directory of log-in names holds is a keyed hash and nothing else.
//!
//! It is apart from the ring. A hash that must be unique can't be sought under every key in turn: two people would get one
//! user ID, each under another key. So this key stays, and where it must change, both hashes are reserved until every
//! name has its new one.

use crate::keys::{MasterKey, derive, hmac};
use std::sync::Arc;

/// The name of the key that hashes folded user IDs.
const PURPOSE: &str = "login-name";

/// The key of user IDs, and the one it takes the place of while that goes on. Cheap to clone; prints nothing of itself.
#[derive(Clone)]
pub struct NameKeys(Arc<Held>);

struct Held {
    present: MasterKey,
    old: Option<MasterKey>,
}

impl std::fmt::Debug for NameKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NameKeys(…)")
    }
}

impl NameKeys {
    /// The key, and while it takes another's place that one too.
    pub fn new(present: [u8; 32], old: Option<[u8; 32]>) -> Self {
        Self(Arc::new(Held {
            present: MasterKey::new(present),
            old: old.map(MasterKey::new),
        }))
    }

    /// What tells the key from any other, and no more of it.
    pub fn proof(&self) -> Vec<u8> {
        proof(&self.0.present)
    }

    /// The same of the key whose place it takes, where there is one.
    pub fn old_proof(&self) -> Option<Vec<u8>> {
        self.0.old.as_ref().map(proof)
    }

    /// Under what a folded user ID is known: one hash, or while the key changes two, the lasting one first.
    pub fn hashes(&self, folded: &str) -> Vec<Vec<u8>> {
        let keys = std::iter::once(&self.0.present).chain(&self.0.old);
        keys.map(|key| hmac(&derive(key, PURPOSE), folded.as_bytes())).collect()
    }
}

fn proof(key: &MasterKey) -> Vec<u8> {
    hmac(&derive(key, "proof"), b"names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_hash_and_a_second_one_while_its_key_changes() {
        let (before, after) = (NameKeys::new([1; 32], None), NameKeys::new([2; 32], None));
        let between = NameKeys::new([2; 32], Some([1; 32]));
        let all = |keys: &NameKeys| keys.hashes("taro-1985");
        assert_eq!(all(&before).len(), 1);
        assert_ne!(all(&before), all(&after));
        assert_eq!(all(&between), [all(&after), all(&before)].concat());
        assert_ne!(all(&before), before.hashes("hanako-1985"));
        assert_eq!(between.proof(), after.proof());
        assert_eq!(between.old_proof(), Some(before.proof()));
        assert_eq!(format!("{between:?}"), "NameKeys(…)");
    }
}
