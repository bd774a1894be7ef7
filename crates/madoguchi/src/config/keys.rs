//! `[keys]`: the ring of master keys and the key of user IDs, as texts, and how they become keys.

use super::{ConfigError, refuse};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{Keys, NameKeys};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[keys]`: the ring of master keys.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The id of the key that closes new things.
    pub current: String,
    /// Base64 of 32 bytes each, by id.
    #[serde(default)]
    pub ring: BTreeMap<String, String>,
    /// Base64 of 32 bytes: the key of user IDs, apart from the ring.
    pub names: String,
    /// The key of user IDs that `names` takes the place of, while that goes on; empty otherwise.
    pub names_old: String,
}

impl std::fmt::Debug for KeysConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.ring.keys().collect();
        let shown = |key: &str| if key.is_empty() { "" } else { "…" };
        f.debug_struct("KeysConfig")
            .field("current", &self.current)
            .field("ids", &ids)
            .field("names", &shown(&self.names))
            .field("names_old", &shown(&self.names_old))
            .finish_non_exhaustive()
    }
}

impl KeysConfig {
    pub(super) fn read(&self) -> Result<(Keys, NameKeys), ConfigError> {
        if self.current.is_empty() {
            return refuse(
                "keys.current",
                "is empty: name a key of keys.ring (see README, production)",
            );
        }
        let mut ring = Vec::new();
        for (id, text) in &self.ring {
            let Some(bytes) = key(text) else {
                return refuse("keys.ring", &format!("{id} must be base64 of 32 bytes"));
            };
            ring.push((id.clone(), bytes));
        }
        let names = self.names(&ring)?;
        let keys = Keys::new(&self.current.to_lowercase(), ring).map_err(|error| ConfigError::Value {
            name: "keys",
            reason: error.to_string(),
        })?;
        Ok((keys, names))
    }

    /// The key of user IDs, which is none of the ring's: those come and go.
    fn names(&self, ring: &[(String, [u8; 32])]) -> Result<NameKeys, ConfigError> {
        let Some(present) = key(&self.names) else {
            return refuse(
                "keys.names",
                "must be base64 of 32 bytes: the key of user IDs (see README, production)",
            );
        };
        let old = match &*self.names_old {
            "" => None,
            text => key(text),
        };
        if old.is_none() != self.names_old.is_empty() || old == Some(present) {
            return refuse(
                "keys.names_old",
                "must be base64 of 32 other bytes, or empty where keys.names takes no other's place",
            );
        }
        if ring.iter().any(|(_, key)| *key == present || Some(*key) == old) {
            return refuse("keys.names", "must be a key of its own, not one of keys.ring");
        }
        Ok(NameKeys::new(present, old))
    }
}

fn key(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn keys_are_needed_and_must_be_32_bytes() {
        let mut keys = Config::defaults().unwrap().keys;
        assert!(keys.read().is_err());
        keys = KeysConfig {
            current: "K1".into(),
            ring: [("k1".into(), STANDARD.encode([7; 31]))].into(),
            names: STANDARD.encode([8; 32]),
            names_old: String::new(),
        };
        assert!(keys.read().unwrap_err().to_string().contains("k1"));
        keys.ring.insert("k1".into(), STANDARD.encode([7; 32]));
        keys.read().unwrap();
    }

    #[test]
    fn the_key_of_user_ids_is_needed_and_is_none_of_the_ring_nor_its_own_successor() {
        let mut keys = Config::defaults().unwrap().keys;
        let [ring, names, old] = [7, 8, 9].map(|byte| STANDARD.encode([byte; 32]));
        keys.current = "k1".into();
        keys.ring.insert("k1".into(), ring.clone());
        for (present, before, named) in [
            ("", "", Some("keys.names:")),
            ("c2hvcnQ=", "", Some("keys.names:")),
            (&ring, "", Some("keys.names:")),
            (&names, "c2hvcnQ=", Some("keys.names_old:")),
            (&names, &names, Some("keys.names_old:")),
            (&names, &ring, Some("keys.names:")),
            (&names, "", None),
            (&names, &old, None),
        ] {
            (keys.names, keys.names_old) = (present.to_owned(), before.to_owned());
            let refused = keys.read().err().map(|error| error.to_string());
            let as_said = match (&refused, named) {
                (Some(refused), Some(named)) => refused.contains(named),
                (refused, named) => refused.is_none() && named.is_none(),
            };
            assert!(as_said, "{present} {before}: {refused:?}");
        }
    }
}
