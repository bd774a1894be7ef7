//! What tests stand on: the real server on port 0, a real PostgreSQL, an insurer of one's own, a clock that is frozen
//! and moved, mail read from the outbox. Nothing of it is in the product.
//!
//! Each test makes an insurer of its own in one shared migrated database, so every test is also a test of tenancy.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a helper that fails fails its test, and says so"
)]

mod app;
mod client;
mod database;
mod network;
mod passkey;
mod people;
mod program;
mod staff;
mod totp;

pub use app::{Cost, TestApp, account, unique};
pub use client::{Answer, COUNTED, Client, Fields, MARK};
pub use database::{
    KEY, NAMES_KEY, TestDatabase, admin_url, execute, execute_within, lines, lines_within, owner_url, pool,
    service_url, sql, start, tenants, url_of,
};
pub use network::Network;
pub use passkey::Passkey;
pub use people::{PASSWORD, SignedUp, TestPerson};
pub use program::{TestProgram, by_command, conditions};
pub use staff::TestClerk;
pub use totp::totp;
