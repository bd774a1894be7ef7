//! The key ring: one 32-byte master key per id, from which every purpose derives its own key by HKDF (RFC 5869).
//!
//! New things are closed with the current key; older ids still open what they closed. Keys never leave this type.

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Generate as _, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::{collections::BTreeMap, sync::Arc};
use zeroize::Zeroizing;

/// Why a sealed value did not open, or a ring could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The ring lacks the key it is to use: the current one, or the one that closed this value.
    #[error("no key `{0}` in the ring")]
    Missing(String),
    /// A key id is empty or longer than 255 bytes.
    #[error("key id `{0}` is empty or too long")]
    Id(String),
    /// The sealed bytes were cut, altered, or sealed for another purpose.
    #[error("sealed value does not open")]
    Sealed,
}

pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

/// The ring. Cheap to clone; prints nothing of itself.
#[derive(Clone)]
pub struct Keys {
    ring: Arc<BTreeMap<String, MasterKey>>,
    current: Arc<str>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// A ring of master keys by id, and the id that closes new things.
    pub fn new(current: &str, ring: impl IntoIterator<Item = (String, [u8; 32])>) -> Result<Self, KeyError> {
        let ring: BTreeMap<_, _> = ring.into_iter().map(|(id, key)| (id, Zeroizing::new(key))).collect();
        if let Some(id) = ring.keys().find(|id| id.is_empty() || u8::try_from(id.len()).is_err()) {
            return Err(KeyError::Id(id.clone()));
        }
        if !ring.contains_key(current) {
            return Err(KeyError::Missing(current.to_owned()));
        }
        Ok(Self {
            ring: Arc::new(ring),
            current: current.into(),
        })
    }

    /// Closes `plain` for one purpose, bound to `context` (a row's id, say): it opens only with both.
    /// Layout: one byte of id length, the key's id, 12 bytes of nonce, the ciphertext.
    pub fn seal(&self, purpose: &str, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = Nonce::generate();
        let cipher = self.cipher(&self.current, purpose);
        let closed = cipher.and_then(|c| {
            c.encrypt(
                &nonce,
                Payload {
                    msg: plain,
                    aad: context,
                },
            )
            .map_err(|_| KeyError::Sealed)
        });
        let mut sealed = Vec::with_capacity(plain.len() + 64);
        sealed.push(u8::try_from(self.current.len()).unwrap_or(u8::MAX));
        sealed.extend_from_slice(self.current.as_bytes());
        sealed.extend_from_slice(&nonce);
        // Encryption fails only past 64 GiB; such a value would simply never open.
        sealed.extend(closed.unwrap_or_default());
        sealed
    }

    /// Opens what [`Keys::seal`] closed, with whichever key of the ring closed it.
    pub fn open(&self, purpose: &str, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (id, rest) = split_id(sealed)?;
        let (nonce, closed) = rest.split_at_checked(12).ok_or(KeyError::Sealed)?;
        let nonce = Nonce::try_from(nonce).map_err(|_| KeyError::Sealed)?;
        self.cipher(id, purpose)?
            .decrypt(
                &nonce,
                Payload {
                    msg: closed,
                    aad: context,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Sealed)
    }

    /// True where `sealed` was closed with another key than the current one.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        split_id(sealed).is_ok_and(|(id, _)| id != &*self.current)
    }

    /// A keyed hash (HMAC-SHA-256) under the current key: how secrets, codes and throttle keys are stored.
    pub fn hash(&self, purpose: &str, value: &[u8]) -> Vec<u8> {
        self.hash_with(&self.current, purpose, value)
    }

    /// The keyed hashes under every key of the ring, the current one's first: for finding what an older key may have
    /// hashed. Look rows up by one after the other: all at once, as an array, is a plan that PostgreSQL prices by ten
    /// elements, and at a large insurer among small ones it reads the whole insurer instead.
    pub fn hashes(&self, purpose: &str, value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        let older = self.ring.keys().map(String::as_str).filter(|id| *id != &*self.current);
        std::iter::once(&*self.current)
            .chain(older)
            .map(move |id| self.hash_with(id, purpose, value))
    }

    fn hash_with(&self, id: &str, purpose: &str, value: &[u8]) -> Vec<u8> {
        let key = self.derived(id, purpose).unwrap_or_default();
        hmac(&key, value)
    }

    fn cipher(&self, id: &str, purpose: &str) -> Result<Aes256Gcm, KeyError> {
        Aes256Gcm::new_from_slice(&*self.derived(id, purpose)?).map_err(|_| KeyError::Sealed)
    }

    fn derived(&self, id: &str, purpose: &str) -> Result<MasterKey, KeyError> {
        let master = self.ring.get(id).ok_or_else(|| KeyError::Missing(id.to_owned()))?;
        Ok(derive(master, purpose))
    }
}

/// The key of one purpose.
pub(crate) fn derive(master: &MasterKey, purpose: &str) -> MasterKey {
    let mut derived = MasterKey::default();
    // HKDF refuses only what is longer than 255 hashes.
    let expanded = Hkdf::<Sha256>::new(Some(b"madoguchi"), &**master).expand(purpose.as_bytes(), &mut *derived);
    debug_assert!(expanded.is_ok());
    derived
}

/// HMAC-SHA-256.
pub(crate) fn hmac(key: &MasterKey, value: &[u8]) -> Vec<u8> {
    // HMAC takes a key of any length; the error exists only in the trait.
    Hmac::<Sha256>::new_from_slice(&**key)
        .map(|mut mac| {
            mac.update(value);
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}

fn split_id(sealed: &[u8]) -> Result<(&str, &[u8]), KeyError> {
    let (length, rest) = sealed.split_first().ok_or(KeyError::Sealed)?;
    let (id, rest) = rest.split_at_checked(usize::from(*length)).ok_or(KeyError::Sealed)?;
    Ok((std::str::from_utf8(id).map_err(|_| KeyError::Sealed)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(current: &str, keys: &[(&str, u8)]) -> Keys {
        Keys::new(current, keys.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32]))).unwrap()
    }

    #[test]
    fn an_older_key_still_opens_what_it_closed() {
        let sealed = ring("a", &[("a", 1)]).seal("mail", b"7", b"secret");
        let rotated = ring("b", &[("a", 1), ("b", 2)]);
        assert_eq!(&**rotated.open("mail", b"7", &sealed).unwrap(), b"secret");
        assert!(rotated.is_outdated(&sealed));
        assert_eq!(
            ring("b", &[("b", 2)]).open("mail", b"7", &sealed),
            Err(KeyError::Missing("a".into()))
        );
    }

    #[test]
    fn another_purpose_context_or_altered_byte_does_not_open() {
        let keys = ring("a", &[("a", 1)]);
        let mut sealed = keys.seal("mail", b"7", b"secret");
        assert_eq!(keys.open("code", b"7", &sealed), Err(KeyError::Sealed));
        assert_eq!(keys.open("mail", b"8", &sealed), Err(KeyError::Sealed));
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(keys.open("mail", b"7", &sealed), Err(KeyError::Sealed));
    }

    #[test]
    fn a_ring_without_its_current_key_is_refused() {
        assert!(matches!(
            Keys::new("x", [("a".to_owned(), [0; 32])]),
            Err(KeyError::Missing(_))
        ));
        assert!(matches!(
            Keys::new("", [(String::new(), [0; 32])]),
            Err(KeyError::Id(_))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_open_or_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(ring("a", &[("a", 1)]).open("mail", b"", &bytes).is_err());
        }
    }
}
