//! The folder a cluster lives in, and the user it runs as. As root everything in it is handed to `postgres`, because
//! `PostgreSQL` refuses to run as root; a folder which that user can't reach is replaced by one in the temp directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

use crate::ClusterError;

/// Where the data, the passwords and the log of one cluster are; only its user may enter.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    /// Set as root: the user and group that the server's programs run as.
    run_as: Option<(u32, u32)>,
}

impl Home {
    /// Opens or makes the home in `folder`, with the lock that keeps others out of it.
    pub(crate) fn open(folder: &Path) -> Result<(Home, File), ClusterError> {
        std::fs::create_dir_all(folder).map_err(ClusterError::file(folder))?;
        let folder = folder.canonicalize().map_err(ClusterError::file(folder))?;
        let lock = lock(&folder)?;
        let run_as = if geteuid().is_root() {
            let user = User::from_name("postgres").ok().flatten().ok_or(ClusterError::NoUser)?;
            Some((user.uid.as_raw(), user.gid.as_raw()))
        } else {
            None
        };

        let home = Home {
            path: folder.join("postgres"),
            run_as,
        };
        home.make()?;
        if home.reachable() {
            return Ok((home, lock));
        }
        // Empty, or its owner could have reached it: nothing is lost.
        let _ = std::fs::remove_dir(&home.path);
        Ok((elsewhere(&folder, run_as)?, lock))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The server's log of its last start.
    pub(crate) fn log(&self) -> String {
        self.path.join("log").to_string_lossy().into_owned()
    }

    /// The major version that made the data; `None` when there are none yet.
    pub(crate) fn data_version(&self) -> Result<Option<String>, ClusterError> {
        let path = self.data().join("PG_VERSION");
        match std::fs::read_to_string(&path) {
            Ok(version) => Ok(Some(version.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::file(&path)(error)),
        }
    }

    /// A program to be run as the server's user, in a folder it may stand in.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path).env("HOME", &self.path);
        if let Some((user, group)) = self.run_as {
            command.uid(user).gid(group); // std drops root's other groups too
        }
        command
    }

    /// Writes a file that only the server's user may read, whole or not at all.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result<(), ClusterError> {
        let draft = path.with_added_extension("draft");
        let _ = std::fs::remove_file(&draft);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| self.hand_over(&draft))
            .and_then(|()| std::fs::rename(&draft, path))
            .map_err(ClusterError::file(path))
    }

    fn make(&self) -> Result<(), ClusterError> {
        match std::fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            made => made
                .and_then(|()| self.hand_over(&self.path))
                .map_err(ClusterError::file(&self.path)),
        }
    }

    fn hand_over(&self, path: &Path) -> std::io::Result<()> {
        self.run_as
            .map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    /// Whether the server's user can write here: the folders above may be closed to it, /root for one.
    fn reachable(&self) -> bool {
        self.command(Path::new("test"))
            .arg("-w")
            .arg(&self.path)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// A home in the temp directory, found again by its name in `folder/postgres.path`.
fn elsewhere(folder: &Path, run_as: Option<(u32, u32)>) -> Result<Home, ClusterError> {
    let note = folder.join("postgres.path");
    if let Ok(path) = std::fs::read_to_string(&note) {
        let home = Home {
            path: PathBuf::from(path.trim()),
            run_as,
        };
        // In a directory where all may write: only a real folder of the server's user is the one we left.
        let ours = std::fs::symlink_metadata(&home.path)
            .is_ok_and(|found| found.is_dir() && run_as.is_none_or(|(user, _)| found.uid() == user));
        if ours && home.reachable() {
            return Ok(home);
        }
    }
    let path = std::env::temp_dir().join(format!("madoguchi-{}", random_name()?));
    let home = Home { path, run_as };
    home.make()?;
    std::fs::write(&note, home.path.to_string_lossy().as_bytes()).map_err(ClusterError::file(&note))?;
    Ok(home)
}

/// Removes a file or a folder with all in it, if there.
pub(crate) fn remove(path: &Path) -> Result<(), ClusterError> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ClusterError::file(path)(error)),
        _ => Ok(()),
    }
}

fn lock(folder: &Path) -> Result<File, ClusterError> {
    let path = folder.join("postgres.lock");
    let file = File::create(&path).map_err(ClusterError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterError::InUse {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(ClusterError::file(&path)(error)),
    }
}

/// 128 random bits in hex: a password, or a name nobody guesses. From the system, for this crate stands on nearly nothing.
pub(crate) fn random_name() -> Result<String, ClusterError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(ClusterError::file(path))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// What a process was started with, `None` when there is no such process. /proc first: small systems have no ps.
pub(crate) fn command_line(pid: &str) -> Option<String> {
    let pid: u32 = pid.trim().parse().ok()?;
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output = Command::new("ps")
        .args(["-o", "args=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
