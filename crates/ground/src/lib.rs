//! What a feature is built from. One value, put together once by the binary; building it asks no database, so that
//! tables of routes and documents can be made without one.

use chrono::TimeDelta;
use database::Database;
use guard::Hasher;
use kernel::{Clock, Keys, NameKeys};
use tenancy::Directory;

/// What a feature stands on. Cheap to clone.
#[derive(Clone)]
pub struct Ground {
    /// The pool.
    pub database: Database,
    /// The insurers.
    pub directory: Directory,
    /// The key ring.
    pub keys: Keys,
    /// The key of user IDs.
    pub names: NameKeys,
    /// The time.
    pub clock: Clock,
    /// The hashing threads.
    pub hasher: Hasher,
    /// How long a person is kept after coverage is lost.
    pub person_kept: TimeDelta,
}
