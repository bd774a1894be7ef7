//! The only binary, and the wiring it shares with the tests: configuration, telemetry, commands. No rule of the field
//! lives here.

#![deny(clippy::print_stdout, clippy::print_stderr)] // `terminal` says what is said

pub mod app;
pub mod commands;
pub mod config;
mod csp_reports;
mod demo;
mod heartbeat;
mod house;
pub mod key_proof;
pub mod listener;
pub mod modules;
mod patience;
pub mod retention;
mod samples;
mod sandbox;
pub mod serve;
pub mod telemetry;
pub mod terminal;
