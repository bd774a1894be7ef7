//! Every test that drives the product from outside, on a real database.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "the whole binary is tests: what fails here is meant to fail loudly"
)]
#![expect(clippy::large_futures, reason = "a test is one future, and runs once")]

mod accounts;
mod api;
mod catalogue;
mod cluster;
mod console;
mod dead_jobs;
mod glossary;
mod guard;
mod isolation;
mod jobs;
mod keys;
mod mail;
mod migrations;
mod modules;
mod network;
mod notices;
mod operations;
mod plans;
mod portal;
mod roster;
mod sessions;
mod smtp;
mod statements;
mod tasks;
mod tenancy;
mod uploads;
mod webhooks;
