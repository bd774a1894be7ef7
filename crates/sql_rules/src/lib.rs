//! What our SQL is held to, by its text alone: [`statements`] are those that a distributed PostgreSQL can run, and
//! [`migrations`] those that a running older binary can bear. Nothing of the product depends on this crate, and it depends
//! on nothing: xtask judges with it what a test run sent, and its own tests read the migrations.

pub mod migrations;
pub mod statements;
mod tokens;
