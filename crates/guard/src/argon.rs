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
use kernel::Keys;
use subtle::ConstantTimeEq as _;

/// Stored parameters above this much memory (KiB) are no hash of ours.
const MOST_MEMORY: u32 = 262_144;
/// The name of the pepper's key.
const PURPOSE: &str = "pepper";

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

    /// Hashes once; nothing for what is too long to be a password.
    pub(crate) fn hash(&mut self, password: &Password) -> Option<PasswordHash> {
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
        Some(PasswordHash(self.keys.seal(PURPOSE, b"", phc.to_string().as_bytes())))
    }

    /// Hashes once, whatever is stored, and compares in constant time.
    pub(crate) fn verify(&mut self, password: &Password, stored: Option<&PasswordHash>) -> Verdict {
        let opened = stored.and_then(|stored| open(&self.keys, stored));
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
        let outdated = stored.is_some_and(|stored| self.keys.is_outdated(&stored.0));
        Verdict {
            matches,
            rehash: matches && (outdated || cost(params) != cost(&own)),
        }
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

/// A stored hash that does not open is an outage of the key ring, not a wrong password: said in the log.
fn open(keys: &Keys, stored: &PasswordHash) -> Option<Opened> {
    let plain = match keys.open(PURPOSE, b"", &stored.0) {
        Ok(plain) => plain,
        Err(error) => {
            tracing::error!(%error, "a stored password hash does not open");
            return None;
        }
    };
    let phc = phc::PasswordHash::new(std::str::from_utf8(&plain).ok()?).ok()?;
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

    #[test]
    fn what_is_stored_is_an_argon2id_string_sealed_with_the_pepper() {
        let keys = Keys::new("a", [("a".to_owned(), [1; 32])]).unwrap();
        let mut computer = Computer::new(keys.clone(), Params::new(1024, 2, 1, None).unwrap());
        // Twice: the second uses memory that the first left full.
        for _ in 0..2 {
            let stored = computer.hash(&Password::typed("Kenpo#24")).unwrap();
            assert!(!stored.0.windows(6).any(|part| part == b"argon2"));
            let plain = keys.open("pepper", b"", &stored.0).unwrap();
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
        let seal = |text: &str| PasswordHash(keys.seal("pepper", b"", text.as_bytes()));
        let tail = "c2FsdHNhbHRzYWx0$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
        for stored in [
            seal(&format!("$argon2id$v=19$m=4194304,t=2,p=1${tail}")),
            seal(&format!("$argon2i$v=19$m=64,t=1,p=1${tail}")),
            seal("$argon2id$v=19$m=64,t=1,p=1"),
            seal("nonsense"),
            PasswordHash(b"broken".to_vec()),
        ] {
            assert!(!computer.verify(&Password::typed(""), Some(&stored)).matches);
        }
    }
}
