//! Finds the programs of `PostgreSQL` on this machine. Installs nothing.

use std::path::{Path, PathBuf};

use crate::ClusterError;

/// Oldest major version the product supports (design.md §3).
const OLDEST: u32 = 15;

/// The folder with the programs of one `PostgreSQL` version.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
    version: u32,
}

impl Binaries {
    /// The newest version on the machine that is new enough.
    pub fn find() -> Result<Binaries, ClusterError> {
        all()
            .into_iter()
            .max_by_key(|found| found.version)
            .ok_or(ClusterError::NoBinaries)
    }

    /// The programs of exactly this major version: data of one can't be run by another.
    pub(crate) fn of_version(version: &str) -> Option<Binaries> {
        all().into_iter().find(|found| found.version.to_string() == version)
    }

    /// The path of a program: `psql`, `pgbench`, `pg_ctl`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether the server can load a library: the places beside its programs where packages put them.
    pub(crate) fn has_library(&self, name: &str) -> bool {
        ["lib", "lib/postgresql", "lib64", "lib64/postgresql", "lib64/pgsql"]
            .iter()
            .any(|folder| self.folder.join("..").join(folder).join(format!("{name}.so")).is_file())
    }

    /// The major version, 15 say.
    pub fn version(&self) -> u32 {
        self.version
    }
}

/// Every supported version found. Debian keeps server programs off the PATH, in a folder per version.
fn all() -> Vec<Binaries> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .map(|version| version.path().join("bin"))
        .chain(std::env::split_paths(&path))
        .filter(|folder| {
            ["initdb", "pg_ctl", "psql"]
                .iter()
                .all(|program| folder.join(program).is_file())
        })
        .filter_map(|folder| version_of(&folder).map(|version| Binaries { folder, version }))
        .filter(|found| found.version >= OLDEST)
        .collect()
}

/// Of "initdb (`PostgreSQL`) 15.18 (Debian 15.18-0+deb12u1)" the 15; betas read "17beta1".
fn version_of(folder: &Path) -> Option<u32> {
    let output = std::process::Command::new(folder.join("initdb"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
