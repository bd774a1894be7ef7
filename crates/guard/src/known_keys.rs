//! The keys that this database knows. A node whose ring or key of user IDs is not what stands here would close what
//! nobody else opens and call every right password wrong, so it is told apart before it touches anything. Rows are
//! written by `madoguchi keys …` alone: a wrong key that starts first must not become the right one.

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, NameKeys};
use std::fmt::Write as _;
use subtle::ConstantTimeEq as _;

mod table {
    diesel::table! {
        known_keys (tenant_id, kind, key_id) {
            tenant_id -> Integer,
            kind -> Text,
            key_id -> Text,
            proof -> Binary,
            registered_at -> Timestamptz,
            complete_at -> Nullable<Timestamptz>,
            retired_at -> Nullable<Timestamptz>,
        }
    }
}
use table::known_keys;

const RING: &str = "ring";
const NAMES: &str = "names";

/// What is wrong with the keys of a configuration, and what to do, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Nobody has said yet that it is the right one.
    #[error("key `{0}` of keys.ring is not registered: run `madoguchi keys register`")]
    Unregistered(String),
    /// Another key was registered under its id.
    #[error(
        "key `{0}` of keys.ring is not the one that was registered under this id: give the right one, or it a new id"
    )]
    Wrong(String),
    /// Something hangs on a key that is not there.
    #[error("key `{0}` is in use and not in keys.ring: put it back (`madoguchi keys status` says what hangs on it)")]
    Missing(String),
    /// The current key is one that was given up.
    #[error("key `{0}` is retired: make another one current")]
    Retired(String),
    /// Nobody has said yet that it is the right one.
    #[error("{0} is not registered: run `madoguchi keys register`")]
    NamesUnregistered(&'static str),
    /// User IDs stand under a key that is not there.
    #[error("user IDs stand under another key than keys.names: give the right one, or name that one as keys.names_old")]
    NamesElsewhere,
    /// User IDs have not got their hashes.
    #[error("not every user ID stands under keys.names yet: run `madoguchi keys rehash-names`")]
    NamesIncomplete,
}

/// A key that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = known_keys)]
pub struct KnownKey {
    kind: String,
    /// The ring's id of it; for a key of user IDs a part of its proof.
    pub key_id: String,
    proof: Vec<u8>,
    complete_at: Option<DateTime<Utc>>,
    retired_at: Option<DateTime<Utc>>,
}

impl KnownKey {
    /// True for a key of the ring on which nothing hangs any more.
    pub fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }

    fn proves(&self, proof: &[u8]) -> bool {
        self.proof.ct_eq(proof).into()
    }
}

/// All that was registered. The transaction is the platform's.
pub async fn load(tx: &TenantTransaction) -> Result<Vec<KnownKey>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(known_keys::table
        .filter(known_keys::tenant_id.eq(tenant))
        .order((known_keys::kind, known_keys::key_id))
        .select(KnownKey::as_select())
        .load(&mut &**tx)
        .await?)
}

/// The known key of an id of the ring.
pub fn of_ring<'a>(known: &'a [KnownKey], id: &str) -> Option<&'a KnownKey> {
    known.iter().find(|key| key.kind == RING && key.key_id == id)
}

/// Whether a node may work with these keys: each of them is registered, and none that is in use is missing.
pub fn check(known: &[KnownKey], keys: &Keys, names: &NameKeys) -> Result<(), KeyFault> {
    for id in keys.ids() {
        let key = of_ring(known, id).ok_or_else(|| KeyFault::Unregistered(id.to_owned()))?;
        if !key.proves(&keys.proof(id).unwrap_or_default()) {
            return Err(KeyFault::Wrong(id.to_owned()));
        }
        if key.is_retired() && id == keys.current() {
            return Err(KeyFault::Retired(id.to_owned()));
        }
    }
    let mut in_use = known.iter().filter(|key| key.kind == RING && !key.is_retired());
    if let Some(missing) = in_use.find(|key| keys.ids().all(|id| id != key.key_id)) {
        return Err(KeyFault::Missing(missing.key_id.clone()));
    }
    check_names(known, names)
}

fn check_names(known: &[KnownKey], names: &NameKeys) -> Result<(), KeyFault> {
    let (present, old) = (names.proof(), names.old_proof());
    if find_name_key(known, &present).is_none_or(KnownKey::is_retired) {
        return Err(KeyFault::NamesUnregistered("keys.names"));
    }
    if old.as_ref().is_some_and(|old| find_name_key(known, old).is_none()) {
        return Err(KeyFault::NamesUnregistered("keys.names_old"));
    }
    match complete(known) {
        None => Err(KeyFault::NamesIncomplete),
        Some(key) if key.proves(&present) || old.as_ref().is_some_and(|old| key.proves(old)) => Ok(()),
        Some(_) => Err(KeyFault::NamesElsewhere),
    }
}

/// The key under which every user ID stands: of two the later one.
fn complete(known: &[KnownKey]) -> Option<&KnownKey> {
    let names = known.iter().filter(|key| key.kind == NAMES && !key.is_retired());
    names
        .filter(|key| key.complete_at.is_some())
        .max_by_key(|key| key.complete_at)
}

fn find_name_key<'a>(known: &'a [KnownKey], proof: &[u8]) -> Option<&'a KnownKey> {
    known.iter().find(|key| key.kind == NAMES && key.proves(proof))
}

/// True where no user ID stands under any key: a new installation, or one whose directory was just emptied.
pub fn is_first_of_names(known: &[KnownKey]) -> bool {
    complete(known).is_none()
}

/// Writes down the keys that are not known yet; which. Refused, and nothing written, where one contradicts what is known.
pub async fn register(
    tx: &mut TenantTransaction,
    keys: &Keys,
    names: &NameKeys,
    now: DateTime<Utc>,
) -> Result<Result<Vec<String>, KeyFault>, DatabaseError> {
    let known = load(tx).await?;
    let mut new = Vec::new();
    for id in keys.ids() {
        let proof = keys.proof(id).unwrap_or_default();
        match of_ring(&known, id) {
            None => new.push((RING, id.to_owned(), proof)),
            Some(key) if key.proves(&proof) => {}
            Some(_) => return Ok(Err(KeyFault::Wrong(id.to_owned()))),
        }
    }
    let (present, old) = (names.proof(), names.old_proof());
    let elsewhere = complete(&known).filter(|key| !key.proves(&present));
    if elsewhere.is_some_and(|key| old.is_none_or(|old| !key.proves(&old))) {
        return Ok(Err(KeyFault::NamesElsewhere));
    }
    if find_name_key(&known, &present).is_none_or(KnownKey::is_retired) {
        new.push((NAMES, name_key_id(&present), present));
    }
    let mut written = Vec::new();
    for (kind, id, proof) in new {
        write(tx, kind, &id, proof, now).await?;
        written.push(if kind == NAMES { "keys.names".to_owned() } else { id });
    }
    Ok(Ok(written))
}

/// A key of user IDs that was retired once comes back as a new one.
async fn write(
    tx: &mut TenantTransaction,
    kind: &str,
    id: &str,
    proof: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let (nobody, tenant) = (None::<DateTime<Utc>>, tx.tenant());
    diesel::insert_into(known_keys::table)
        .values((
            known_keys::tenant_id.eq(tenant),
            known_keys::kind.eq(kind),
            known_keys::key_id.eq(id),
            known_keys::proof.eq(proof),
            known_keys::registered_at.eq(now),
        ))
        .on_conflict((known_keys::tenant_id, known_keys::kind, known_keys::key_id))
        .do_update()
        .set((
            known_keys::registered_at.eq(now),
            known_keys::complete_at.eq(nobody),
            known_keys::retired_at.eq(nobody),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes that every user ID stands under the present key of names.
pub async fn note_complete(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(known_keys::table.find((tenant, NAMES, name_key_id(&names.proof()))))
        .filter(known_keys::complete_at.is_null())
        .set(known_keys::complete_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Gives up the key of user IDs whose place the present one has taken.
pub async fn retire_old_names(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    match names.old_proof() {
        Some(old) => retire(tx, NAMES, &name_key_id(&old), now).await,
        None => Ok(()),
    }
}

/// Gives up a key of the ring: from now on a node may start without it.
pub async fn retire_of_ring(tx: &mut TenantTransaction, id: &str, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    retire(tx, RING, id, now).await
}

async fn retire(tx: &mut TenantTransaction, kind: &str, id: &str, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(known_keys::table.find((tenant, kind, id)))
        .set(known_keys::retired_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn name_key_id(proof: &[u8]) -> String {
    proof.iter().take(8).fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: &str, ring: &[(&str, u8)]) -> Keys {
        Keys::new(current, ring.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32]))).unwrap()
    }

    fn ring_key(id: &str, byte: u8, retired: bool) -> KnownKey {
        KnownKey {
            kind: RING.into(),
            key_id: id.into(),
            proof: keys(id, &[(id, byte)]).proof(id).unwrap(),
            complete_at: None,
            retired_at: retired.then_some(DateTime::UNIX_EPOCH),
        }
    }

    fn name_key(byte: u8, complete: Option<i64>, retired: bool) -> KnownKey {
        let proof = NameKeys::new([byte; 32], None).proof();
        KnownKey {
            kind: NAMES.into(),
            key_id: name_key_id(&proof),
            proof,
            complete_at: complete.map(|second| DateTime::from_timestamp(second, 0).unwrap()),
            retired_at: retired.then_some(DateTime::UNIX_EPOCH),
        }
    }

    // security.md 70
    #[test]
    fn a_ring_must_hold_every_key_in_use_none_unknown_and_none_other_under_a_known_id() {
        let names = NameKeys::new([9; 32], None);
        let known = |ring: &[KnownKey]| [ring, &[name_key(9, Some(1), false)]].concat();
        let two = known(&[ring_key("a", 1, false), ring_key("b", 2, false)]);
        let id = |id: &str| id.to_owned();
        for (known, ring, verdict) in [
            (&two, keys("b", &[("a", 1), ("b", 2)]), Ok(())),
            (&two, keys("b", &[("b", 2)]), Err(KeyFault::Missing(id("a")))),
            (&two, keys("a", &[("a", 1), ("b", 3)]), Err(KeyFault::Wrong(id("b")))),
            (&two, keys("a", &[("a", 2), ("b", 2)]), Err(KeyFault::Wrong(id("a")))),
            (
                &two,
                keys("a", &[("a", 1), ("b", 2), ("c", 3)]),
                Err(KeyFault::Unregistered(id("c"))),
            ),
            (
                &known(&[]),
                keys("a", &[("a", 1)]),
                Err(KeyFault::Unregistered(id("a"))),
            ),
        ] {
            assert_eq!(check(known, &ring, &names), verdict);
        }
        let one_left = known(&[ring_key("a", 1, true), ring_key("b", 2, false)]);
        for ring in [keys("b", &[("b", 2)]), keys("b", &[("a", 1), ("b", 2)])] {
            assert_eq!(check(&one_left, &ring, &names), Ok(()));
        }
        let gone = keys("a", &[("a", 1), ("b", 2)]);
        assert_eq!(check(&one_left, &gone, &names), Err(KeyFault::Retired(id("a"))));
    }

    // security.md 70
    #[test]
    fn the_key_of_user_ids_must_be_registered_and_cover_the_one_under_which_they_stand() {
        let (before, amid, after) = (
            NameKeys::new([1; 32], None),
            NameKeys::new([2; 32], Some([1; 32])),
            NameKeys::new([2; 32], None),
        );
        let unregistered = Err(KeyFault::NamesUnregistered("keys.names"));
        let old_unregistered = Err(KeyFault::NamesUnregistered("keys.names_old"));
        let (elsewhere, incomplete) = (Err(KeyFault::NamesElsewhere), Err(KeyFault::NamesIncomplete));
        for (known, verdicts) in [
            (vec![], [&unregistered, &unregistered, &unregistered]),
            (
                vec![name_key(1, None, false)],
                [&incomplete, &unregistered, &unregistered],
            ),
            (
                vec![name_key(1, Some(1), false)],
                [&Ok(()), &unregistered, &unregistered],
            ),
            (
                vec![name_key(1, Some(1), false), name_key(2, None, false)],
                [&Ok(()), &Ok(()), &elsewhere],
            ),
            // Every name has its new hash: who knows the old key alone misses whoever signs up elsewhere.
            (
                vec![name_key(1, Some(1), false), name_key(2, Some(2), false)],
                [&elsewhere, &Ok(()), &Ok(())],
            ),
            (
                vec![name_key(1, Some(1), true), name_key(2, Some(2), false)],
                [&unregistered, &Ok(()), &Ok(())],
            ),
            (
                vec![name_key(2, Some(2), false)],
                [&unregistered, &old_unregistered, &Ok(())],
            ),
        ] {
            for (names, verdict) in [&before, &amid, &after].into_iter().zip(verdicts) {
                assert_eq!(&check_names(&known, names), verdict, "{known:?}");
            }
        }
    }
}
