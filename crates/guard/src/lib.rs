//! What proves a person: passwords, one-time codes, single-use links, throttles, sessions; for any kind of subject.
//!
//! Nothing here knows what a member or a clerk is: subjects are ids, purposes are words. No secret is kept but as a
//! keyed hash, and no password leaves its type.

mod argon;
mod blocklist;
pub mod codes;
mod context;
pub mod guesses;
mod hasher;
pub mod known_keys;
mod line;
pub mod links;
pub mod network;
mod password;
pub mod refusals;
mod romaji;
pub mod sessions;
pub mod throttle;

pub use argon::{PEPPER, PasswordHash, Stored, Verdict};
pub use hasher::{HASH_COST, HashConfig, HashError, Hasher, Place};
pub use password::{Password, PasswordRule};

use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};

/// What of this crate hangs on the ring. Throttles don't: a new current key starts their counts anew.
pub const KEYED: [Keyed; 3] = [
    hash("codes", "code_hash"),
    hash("links", "secret_hash"),
    hash("sessions", "token_hash"),
];

const fn hash(table: &'static str, column: &'static str) -> Keyed {
    Keyed {
        table,
        column,
        kind: Kind::Hash,
    }
}

/// How long what has run out is kept: long enough to answer "too late" instead of "wrong" to a late comer.
const KEPT_AFTER_EXPIRY: TimeDelta = TimeDelta::days(2);

/// Deletes what ran out long ago: codes, links, sessions and quiet throttles of one insurer. For a daily job; gives
/// the number of rows deleted.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let before = now - KEPT_AFTER_EXPIRY;
    Ok(codes::sweep(tx, before).await?
        + links::sweep(tx, before).await?
        + sessions::sweep(tx, before).await?
        + throttle::sweep(tx, before).await?)
}
