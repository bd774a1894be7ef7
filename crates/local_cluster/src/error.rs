//! Why there is no cluster, in words for whoever typed the command. Never a password.

use std::path::{Path, PathBuf};

/// What kept a cluster from being made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No `initdb` of a version we support, neither on the PATH nor where Debian puts it.
    #[error("PostgreSQL 15 or newer is not installed; on Debian: apt-get install postgresql")]
    NoBinaries,
    /// The data were made by a version whose programs are gone, after an upgrade of the system say.
    #[error(
        "{folder} was made by PostgreSQL {version}, which is not installed; \
         install it (Debian: postgresql-{version}), or remove the folder and lose its data", folder = .folder.display()
    )]
    WrongVersion {
        /// The folder that holds the data.
        folder: PathBuf,
        /// The major version that made them.
        version: String,
    },
    /// `PostgreSQL` refuses to run as root, and the user that Debian's package makes is missing.
    #[error("PostgreSQL doesn't run as root, and there is no user `postgres` to run it as")]
    NoUser,
    /// Another program holds the folder's lock.
    #[error("the PostgreSQL cluster in {} is in use by another program", .folder.display())]
    InUse {
        /// The folder it was asked to start in.
        folder: PathBuf,
    },
    /// A file or folder could not be made, read or handed over.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Loopback gives no free port.
    #[error("no free port on 127.0.0.1: {source}")]
    NoPort {
        /// What the system said.
        source: std::io::Error,
    },
    /// One of `PostgreSQL`'s programs failed.
    #[error("{program} failed: {reason}")]
    Command {
        /// The program's path.
        program: String,
        /// Its exit status and what it printed.
        reason: String,
    },
    /// The server doesn't come up.
    #[error("PostgreSQL doesn't start: {reason}\n{log}")]
    NoStart {
        /// What `pg_ctl` said.
        reason: String,
        /// The server's own log of the last try.
        log: String,
    },
}

impl ClusterError {
    /// Names the path that an I/O error is about.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> ClusterError {
        let path = path.to_owned();
        move |source| ClusterError::File { path, source }
    }
}
