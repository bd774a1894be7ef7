//! The key ring: one 32-byte master key per id, from which every purpose derives its own key by HKDF (RFC 5869).
//!
//! New things are closed with the current key; older ids still open what they closed. All that the ring makes begins
//! with the id of its key, so that the database can be asked what hangs on which. Keys never leave this type.

use crate::TenantId;
use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Generate as _, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;
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
    /// The sealed bytes were cut, altered, or sealed for another purpose or owner, or by another key of this id.
    #[error("sealed value does not open")]
    Sealed,
}

pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

/// Whose a sealed row is: copied to another row or insurer, it does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The insurer.
    pub tenant: TenantId,
    /// The row's id within it.
    pub id: Uuid,
}

/// What a sealed value is bound to, beside its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context<'a> {
    /// A row.
    Owned(Owner),
    /// A place outside the database: a cookie by its name, a device by the user ID it has logged in with.
    Named(&'a str),
}

impl From<Owner> for Context<'_> {
    fn from(owner: Owner) -> Self {
        Self::Owned(owner)
    }
}

impl Context<'_> {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Owned(Owner { tenant, id }) => [&[1], &tenant.0.to_be_bytes()[..], id.as_bytes()].concat(),
            Self::Named(name) => [&[2], name.as_bytes()].concat(),
        }
    }

    /// What values of the older form were bound to: a row's id without its insurer, or for passwords nothing.
    fn older_bytes(self) -> [Vec<u8>; 2] {
        match self {
            Self::Owned(Owner { id, .. }) => [id.as_bytes().to_vec(), Vec::new()],
            Self::Named(name) => [name.as_bytes().to_vec(), name.as_bytes().to_vec()],
        }
    }
}

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

    /// The ids of the ring.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ring.keys().map(String::as_str)
    }

    /// The id that closes new things.
    pub fn current(&self) -> &str {
        &self.current
    }

    /// What tells the key of an id from any other under the same id, and no more of it; `None` where the ring lacks it.
    pub fn proof(&self, id: &str) -> Option<Vec<u8>> {
        let key = self.derived(id, "proof").ok()?;
        Some(hmac(&key, id.as_bytes()))
    }

    /// Closes `plain` for one purpose and bound to `context`: it opens only with both.
    /// Layout: the [`header`], 12 bytes of nonce, the ciphertext.
    pub fn seal<'a>(&self, purpose: &str, context: impl Into<Context<'a>>, plain: &[u8]) -> Vec<u8> {
        let nonce = Nonce::generate();
        let aad = context.into().bytes();
        let cipher = self.cipher(&self.current, purpose);
        let closed = cipher.and_then(|c| {
            let payload = Payload { msg: plain, aad: &aad };
            c.encrypt(&nonce, payload).map_err(|_| KeyError::Sealed)
        });
        let mut sealed = header(&self.current);
        sealed.extend_from_slice(&nonce);
        // Encryption fails only past 64 GiB; such a value would simply never open.
        sealed.extend(closed.unwrap_or_default());
        sealed
    }

    /// Opens what [`Keys::seal`] closed, with whichever key of the ring closed it. Values of the older form open too, by
    /// what they were bound to.
    pub fn open<'a>(
        &self,
        purpose: &str,
        context: impl Into<Context<'a>>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (form, id, rest) = split(sealed)?;
        let (nonce, closed) = rest.split_at_checked(12).ok_or(KeyError::Sealed)?;
        let nonce = Nonce::try_from(nonce).map_err(|_| KeyError::Sealed)?;
        let cipher = self.cipher(id, purpose)?;
        let open = |aad: &Vec<u8>| cipher.decrypt(&nonce, Payload { msg: closed, aad }).ok();
        let context = context.into();
        let plain = match form {
            Form::Bound => open(&context.bytes()),
            Form::Older => context.older_bytes().iter().find_map(open),
        };
        plain.map(Zeroizing::new).ok_or(KeyError::Sealed)
    }

    /// The same value sealed anew, where [`Keys::is_outdated`] says that it should be.
    pub fn reseal<'a>(
        &self,
        purpose: &str,
        context: impl Into<Context<'a>>,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, KeyError> {
        if !self.is_outdated(sealed) {
            return Ok(None);
        }
        let context = context.into();
        let plain = self.open(purpose, context, sealed)?;
        Ok(Some(self.seal(purpose, context, &plain)))
    }

    /// What all begins with that the current key makes.
    pub fn mark(&self) -> Vec<u8> {
        header(&self.current)
    }

    /// True where `sealed` was closed with another key than the current one, or in the older form.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        !sealed.starts_with(&header(&self.current))
    }

    /// A keyed hash (HMAC-SHA-256) under the current key, behind its [`header`]: how secrets, codes and throttle keys are
    /// stored.
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
        [header(id), hmac(&key, value)].concat()
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

/// What stands before all that a key of the ring made: 0, the length of its id, the id. The older form of sealed values
/// begins with the length itself, which is never 0.
fn header(id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    [&[0, length], id.as_bytes()].concat()
}

enum Form {
    Bound,
    Older,
}

fn split(sealed: &[u8]) -> Result<(Form, &str, &[u8]), KeyError> {
    let (form, length, rest) = match sealed {
        [0, length, rest @ ..] => (Form::Bound, *length, rest),
        [length, rest @ ..] => (Form::Older, *length, rest),
        [] => return Err(KeyError::Sealed),
    };
    let (id, rest) = rest.split_at_checked(usize::from(length)).ok_or(KeyError::Sealed)?;
    Ok((form, std::str::from_utf8(id).map_err(|_| KeyError::Sealed)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(current: &str, keys: &[(&str, u8)]) -> Keys {
        Keys::new(current, keys.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32]))).unwrap()
    }

    fn owner(tenant: i32, id: u128) -> Owner {
        Owner {
            tenant: TenantId(tenant),
            id: Uuid::from_u128(id),
        }
    }

    /// A value as it was sealed before insurers were part of what it is bound to.
    fn older(keys: &Keys, purpose: &str, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let (id, nonce) = (keys.current(), Nonce::generate());
        let payload = Payload { msg: plain, aad };
        let closed = keys.cipher(id, purpose).unwrap().encrypt(&nonce, payload).unwrap();
        let length = u8::try_from(id.len()).unwrap();
        [&[length], id.as_bytes(), &nonce, &closed].concat()
    }

    #[test]
    fn an_older_key_still_opens_what_it_closed() {
        let sealed = ring("a", &[("a", 1)]).seal("mail", owner(7, 1), b"secret");
        let rotated = ring("b", &[("a", 1), ("b", 2)]);
        assert_eq!(&**rotated.open("mail", owner(7, 1), &sealed).unwrap(), b"secret");
        assert!(rotated.is_outdated(&sealed));
        let lost = ring("b", &[("b", 2)]);
        assert_eq!(
            lost.open("mail", owner(7, 1), &sealed),
            Err(KeyError::Missing("a".into()))
        );
    }

    // security.md 70
    #[test]
    fn another_purpose_insurer_owner_key_or_altered_byte_does_not_open() {
        let keys = ring("a", &[("a", 1)]);
        let mut sealed = keys.seal("mail", owner(7, 1), b"secret");
        for (keys, purpose, context) in [
            (&keys, "code", owner(7, 1).into()),
            (&keys, "mail", owner(8, 1).into()),
            (&keys, "mail", owner(7, 2).into()),
            (&keys, "mail", Context::Named("7")),
            (&ring("a", &[("a", 2)]), "mail", owner(7, 1).into()),
        ] {
            assert_eq!(keys.open(purpose, context, &sealed), Err(KeyError::Sealed));
        }
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(keys.open("mail", owner(7, 1), &sealed), Err(KeyError::Sealed));
    }

    // security.md 70
    #[test]
    fn a_value_of_the_older_form_opens_and_is_sealed_anew_and_then_bound_to_its_insurer() {
        let keys = ring("a", &[("a", 1)]);
        let (mine, theirs) = (owner(7, 1), owner(8, 1));
        for aad in [mine.id.as_bytes().to_vec(), Vec::new()] {
            let sealed = older(&keys, "mail", &aad, b"secret");
            assert!(keys.is_outdated(&sealed));
            let anew = keys.reseal("mail", mine, &sealed).unwrap().unwrap();
            assert_eq!(&**keys.open("mail", mine, &anew).unwrap(), b"secret");
            assert_eq!(keys.open("mail", theirs, &anew), Err(KeyError::Sealed));
            assert_eq!(keys.reseal("mail", mine, &anew), Ok(None));
        }
        let cookie = older(&keys, "cookie", b"flash", b"secret");
        assert!(keys.open("cookie", Context::Named("flash"), &cookie).is_ok());
        assert!(keys.open("cookie", Context::Named("draft"), &cookie).is_err());
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

    // security.md 70
    #[test]
    fn a_proof_tells_one_key_from_another_of_the_same_id() {
        let proof = |keys: &Keys| keys.proof("a").unwrap();
        let (one, other) = (ring("a", &[("a", 1)]), ring("a", &[("a", 2)]));
        assert_eq!(proof(&one), proof(&ring("b", &[("a", 1), ("b", 2)])));
        assert_ne!(proof(&one), proof(&other));
        assert_ne!(
            one.proof("a"),
            ring("b", &[("b", 1)]).proof("b"),
            "nor serves it another id"
        );
        assert_eq!(one.proof("b"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_open_or_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(ring("a", &[("a", 1)]).open("mail", owner(7, 1), &bytes).is_err());
        }
    }
}
