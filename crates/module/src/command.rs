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
    /// Runs what of it needs neither settings nor a database.
    pub alone: Option<Alone>,
    /// Runs it.
    pub run: Run,
}

/// Takes the arguments that were given; none where they ask for something else.
pub type Alone = Arc<dyn Fn(&ArgMatches) -> Option<Result<Vec<String>, CommandFailed>> + Send + Sync>;

/// Takes the arguments that were given; gives what is said of what it did, in lines. The keys are the right ones by then.
pub type Run =
    Arc<dyn Fn(ArgMatches, Ground, Tell) -> Boxed<'static, Result<Vec<String>, CommandFailed>> + Send + Sync>;

/// Takes how far something is, to be shown in the place of what was told before.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// Why it did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Anything with words of its own.
    #[error("{0}")]
    Said(String),
    /// The same, with more to be said before.
    #[error("{reason}")]
    Lines {
        /// In lines.
        lines: Vec<String>,
        /// Last.
        reason: String,
    },
}
