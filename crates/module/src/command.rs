//! A module's part of the command line.

use crate::Boxed;
use clap::ArgMatches;
use database::DatabaseError;
use ground::Ground;
use std::sync::Arc;

/// A subcommand of `madoguchi`.
#[derive(Clone)]
pub struct Command {
    /// Its name, help and arguments.
    pub arguments: clap::Command,
    /// Runs it; gives what is said of what it did.
    pub run: Run,
}

/// Takes the arguments that were given.
pub type Run = Arc<dyn Fn(ArgMatches, Ground) -> Boxed<'static, Result<String, CommandFailed>> + Send + Sync>;

/// Why it did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Anything with words of its own.
    #[error("{0}")]
    Said(String),
}
