//! Argon2id itself, as one thread computes it: PHC strings sealed with the pepper (security.md 24, 25), in memory
//! that is used again for every hash.

use crate::Password;
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, Salt},
};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::Pg,
    serialize::{self, ToSql},
    sql_types::Binary,
};
use kernel::{KeyError, Keys, Owner};
use subtle::ConstantTimeEq as _;

/// Stored parameters above this much memory (KiB) are no hash of ours.
const MOST_MEMORY: u32 = 262_144;
/// What password hashes are sealed for.
pub const PEPPER: &str = "pepper";

/// A password's hash as it is stored: opaque, sealed. Prints nothing of itself.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct PasswordHash(Vec<u8>);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl ToSql<Binary, Pg> for PasswordHash {
    fn to_sql<'b>(&'b self, out: &mut serialize::Output<'b, '_, Pg>) -> serialize::Result {
        <Vec<u8> as ToSql<Binary, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<Binary, Pg> for PasswordHash {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <Vec<u8> as FromSql<Binary, Pg>>::from_sql(bytes).map(Self)
    }
}

impl PasswordHash {
    /// The same hash as another's: the account's that a sign-up led to.
    pub fn handed_over(&self, keys: &Keys, from: Owner, to: Owner) -> Result<Self, KeyError> {
        let plain = keys.open(PEPPER, from, &self.0)?;
        Ok(Self(keys.seal(PEPPER, to, &plain)))
    }
}

/// A stored hash and whose it is; copied to another's row, it does not open (security.md 70).
#[derive(Debug, Clone)]
pub struct Stored {
    /// The hash.
    pub hash: PasswordHash,
    /// Whose row it stands in.
    pub owner: Owner,
}

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The password is the one that was hashed.
    pub matches: bool,
    /// It matches, but parameters or pepper have changed since: hash it anew and store that.
    pub rehash: bool,
}

/// A thread's own: what it hashes with and where.
pub(crate) struct Computer {
    keys: Keys,
    params: Params,
    memory: Vec<Block>,
}

impl Computer {
    /// Takes no memory yet.
    pub(crate) fn new(keys: Keys, params: Params) -> Self {
        Self {
            keys,
            params,
            memory: Vec::new(),
        }
    }

    /// Gives the memory back until the next hash.
    pub(crate) fn rest(&mut self) {
        self.memory = Vec::new();
    }

    /// Hashes once, for this owner; nothing for what is too long to be a password.
    pub(crate) fn hash(&mut self, owner: Owner, password: &Password) -> Option<PasswordHash> {
        let salt: [u8; 16] = rand::random();
        let params = self.params.clone();
        let output = self.compute(&params, password.bytes()?, &salt)?;
        let phc = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().ok()?,
            salt: Some(Salt::new(&salt).ok()?),
            hash: Some(output),
        };
        Some(PasswordHash(self.keys.seal(PEPPER, owner, phc.to_string().as_bytes())))
    }

    /// Hashes once, whatever is stored, and compares in constant time. A stored hash that does not open is another's, or
    /// the ring is not the one that sealed it: an outage, not a wrong password.
    pub(crate) fn verify(&mut self, password: &Password, stored: Option<&Stored>) -> Result<Verdict, KeyError> {
        // Emptied with its account, it is nobody's.
        let stored = stored.filter(|stored| !stored.hash.0.is_empty());
        let opened = stored.map(|stored| open(&self.keys, stored)).transpose()?.flatten();
        let own = self.params.clone();
        let (params, salt) = opened
            .as_ref()
            .map_or((&own, &[0; 16][..]), |opened| (&opened.params, &opened.salt));
        let computed = self.compute(params, password.bytes().unwrap_or_default(), salt);
        let matches = match (&opened, computed) {
            (Some(opened), Some(computed)) => {
                password.bytes().is_some() && bool::from(opened.hash.as_bytes().ct_eq(computed.as_bytes()))
            }
            _ => false,
        };
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let outdated = stored.is_some_and(|stored| self.keys.is_outdated(&stored.hash.0));
        Ok(Verdict {
            matches,
            rehash: matches && (outdated || cost(params) != cost(&own)),
        })
    }

    fn compute(&mut self, params: &Params, password: &[u8], salt: &[u8]) -> Option<Output> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::new());
        }
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
        argon2
            .hash_password_into_with_memory(password, salt, output, self.memory.get_mut(..blocks)?)
            .ok()?;
        Output::new(output).ok()
    }
}

struct Opened {
    params: Params,
    salt: Salt,
    hash: Output,
}

/// What is sealed; nothing where it is no hash of ours.
fn open(keys: &Keys, stored: &Stored) -> Result<Option<Opened>, KeyError> {
    let plain = keys.open(PEPPER, stored.owner, &stored.hash.0)?;
    Ok(read(&plain))
}

fn read(plain: &[u8]) -> Option<Opened> {
    let phc = phc::PasswordHash::new(std::str::from_utf8(plain).ok()?).ok()?;
    let ours = phc.algorithm == Algorithm::Argon2id.ident() && phc.version == Some(Version::V0x13.into());
    let params = Params::try_from(&phc)
        .ok()
        .filter(|params| ours && params.m_cost() <= MOST_MEMORY)?;
    Some(Opened {
        params,
        salt: phc.salt?,
        hash: phc.hash?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordVerifier as _, password_hash::phc::PasswordHash as Phc};
    use kernel::TenantId;

    const OWNER: Owner = Owner {
        tenant: TenantId(7),
        id: uuid::Uuid::from_u128(1),
    };

    #[test]
    fn what_is_stored_is_an_argon2id_string_sealed_with_the_pepper() {
        let keys = Keys::new("a", [("a".to_owned(), [1; 32])]).unwrap();
        let mut computer = Computer::new(keys.clone(), Params::new(1024, 2, 1, None).unwrap());
        // Twice: the second uses memory that the first left full.
        for _ in 0..2 {
            let stored = computer.hash(OWNER, &Password::typed("Kenpo#24")).unwrap();
            assert!(!stored.0.windows(6).any(|part| part == b"argon2"));
            let plain = keys.open("pepper", OWNER, &stored.0).unwrap();
            let text = std::str::from_utf8(&plain).unwrap();
            assert!(text.starts_with("$argon2id$v=19$m=1024,t=2,p=1$"), "{text}");
            assert!(
                Argon2::default()
                    .verify_password(b"Kenpo#24", &Phc::new(text).unwrap())
                    .is_ok()
            );
        }
    }

    #[test]
    fn a_stored_hash_of_unknown_cost_or_kind_or_bytes_matches_nothing() {
        let keys = Keys::new("a", [("a".to_owned(), [1; 32])]).unwrap();
        let mut computer = Computer::new(keys.clone(), Params::new(64, 1, 1, None).unwrap());
        let seal = |text: &str| PasswordHash(keys.seal("pepper", OWNER, text.as_bytes()));
        let tail = "c2FsdHNhbHRzYWx0$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
        for stored in [
            seal(&format!("$argon2id$v=19$m=4194304,t=2,p=1${tail}")),
            seal(&format!("$argon2i$v=19$m=64,t=1,p=1${tail}")),
            seal("$argon2id$v=19$m=64,t=1,p=1"),
            seal("nonsense"),
            PasswordHash(Vec::new()),
        ] {
            let stored = Stored {
                hash: stored,
                owner: OWNER,
            };
            assert!(!computer.verify(&Password::typed(""), Some(&stored)).unwrap().matches);
        }
    }

    // security.md 70
    #[test]
    fn a_hash_in_anothers_row_or_under_a_lost_or_wrong_key_is_an_outage_and_no_wrong_password() {
        let ring = |current: &str, byte: u8| Keys::new(current, [(current.to_owned(), [byte; 32])]).unwrap();
        let keys = ring("a", 1);
        let computer = |keys: &Keys| Computer::new(keys.clone(), Params::new(64, 1, 1, None).unwrap());
        let typed = Password::typed("Kenpo#24");
        let hash = computer(&keys).hash(OWNER, &typed).unwrap();
        let (tenant, id) = (TenantId(8), OWNER.id);
        let elsewhere = Owner { tenant, id };
        let beside = Owner {
            id: uuid::Uuid::from_u128(2),
            ..OWNER
        };
        let verify = |keys: &Keys, hash: &PasswordHash, owner: Owner| {
            let hash = hash.clone();
            computer(keys).verify(&typed, Some(&Stored { hash, owner }))
        };
        assert!(verify(&keys, &hash, OWNER).unwrap().matches);
        for owner in [elsewhere, beside] {
            assert_eq!(verify(&keys, &hash, owner), Err(KeyError::Sealed));
        }
        assert_eq!(verify(&ring("a", 2), &hash, OWNER), Err(KeyError::Sealed));
        assert_eq!(verify(&ring("b", 1), &hash, OWNER), Err(KeyError::Missing("a".into())));
        let moved = hash.handed_over(&keys, OWNER, beside).unwrap();
        assert!(verify(&keys, &moved, beside).unwrap().matches && verify(&keys, &moved, OWNER).is_err());
    }
}
