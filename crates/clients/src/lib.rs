//! Programs of other systems (連携先). A *client* has its home in its insurer, a vendor's in tenant 0; what it may do in an
//! insurer is its *grant* there (接続の許可), which lists *scopes* (権限の範囲). With a *secret* (秘密鍵) a client gets a *token*
//! (アクセストークン) of one hour for one insurer, and with that it calls.
//!
//! A request asks the token with its grant, one statement, and nothing of the client's home: whoever suspends a client
//! writes that into each of its grants and ends their tokens, with what else [hangs](Hanging) on them, before the use case returns.

mod by;
mod client;
mod conditions;
mod enter;
mod expiry;
pub mod fields;
mod grants;
mod idempotency;
mod make;
mod messages;
mod names;
mod places;
mod rates;
pub mod reasons;
mod rename;
mod rows;
mod rules;
mod schema;
mod secret;
mod shut;
mod states;
mod still;
mod sweep;
mod token;
mod trail;
mod tries;
mod uses;

pub use by::By;
pub use client::{Client, ClientName, Grant, SecretLine, Standing, State};
pub use conditions::{Conditions, Naming, NewClient};
pub use enter::Caller;
pub use idempotency::{Asked, Once, Saved, Taken};
pub use make::{Created, OLD_SECRET_LIVES, Rotated};
pub use messages::registry;
pub use names::names;
pub use rates::{Allowance, CLIENT_CALLS, INSURER_CALLS, WINDOW};
pub use rows::{Shown, VendorShown};
pub use secret::{SECRET_PREFIX, TOKEN_PREFIX, token as token_of};
pub use shut::Hanging;
pub use still::may;
pub use sweep::sweep;
pub use token::{Issued, TOKEN_LIFE, TokenRequest};
pub use trail::tell_refusals;
pub use uses::{Day, End, Uses};

use access::Policy;
use database::{Database, Keyed, Kind};
use ground::Ground;
use kernel::{Clock, Keys};
use rates::Rates;
use std::sync::Arc;
use tenancy::Directory;
use uses::Counts;

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 5] = [
    idempotency::KEYED[0],
    idempotency::KEYED[1],
    Keyed {
        table: "clients",
        column: "contact",
        kind: Kind::Sealed {
            owner: "client_id",
            purpose: rows::CONTACT,
        },
    },
    Keyed {
        table: "client_secrets",
        column: "secret_hash",
        kind: Kind::Hash,
    },
    Keyed {
        table: "client_tokens",
        column: "token_hash",
        kind: Kind::Hash,
    },
];

/// The use cases of clients with all they stand on. Cheap to clone; clones share what they count.
#[derive(Clone)]
pub struct Clients {
    database: Database,
    directory: Directory,
    keys: Keys,
    clock: Clock,
    policy: Arc<Policy>,
    hanging: Arc<[Hanging]>,
    counts: Arc<Counts>,
    rates: Arc<Rates>,
}

impl Clients {
    /// Puts it together; `hanging` ends with a grant's tokens.
    pub fn new(ground: &Ground, policy: Arc<Policy>, hanging: impl IntoIterator<Item = Hanging>) -> Self {
        Self {
            database: ground.database.clone(),
            directory: ground.directory.clone(),
            keys: ground.keys.clone(),
            clock: ground.clock.clone(),
            policy,
            hanging: hanging.into_iter().collect(),
            counts: Arc::default(),
            rates: Arc::default(),
        }
    }
}
