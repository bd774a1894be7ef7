//! Files as others hand them to us (security.md 71): a zip unpacked, a share mounted, a path typed. Only regular files are
//! read, never past a bound; pipes and devices neither hang us nor fill our memory. A path that the operator names may be
//! a link, for they mean it; inside a [`Folder`], which others filled, no link is followed.

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    sys::stat::{Mode, SFlag, fstatat},
};
use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io::{self, Read, Write as _},
    os::{
        fd::OwnedFd,
        unix::ffi::OsStrExt as _,
        unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

/// Entries of a folder that are listed at most; more are a mistake.
const MOST_ENTRIES: usize = 1_000;
/// Opening a pipe without a writer must not wait, and a terminal must not become ours.
const CALMLY: OFlag = OFlag::O_NONBLOCK.union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// Reads a regular file that the operator named, of so many bytes at most.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(CALMLY.bits()).open(path)?;
    within(regular(file)?, most)
}

/// Opens what the operator named to be read as it comes: a regular file, or a pipe from another program.
pub fn stream(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() || kind.is_fifo() {
        Ok(file)
    } else {
        Err(io::Error::other("is neither a regular file nor a pipe"))
    }
}

/// Writes a file anew that only its owner may read. What had the name before is replaced as a whole: where that was a
/// link, the link, never what it leads to.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    write(file.as_file_mut())?;
    file.flush()?;
    file.persist(path)?;
    Ok(())
}

/// A folder, held open: what is read through it lies in it, whatever becomes of its path meanwhile.
pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
}

/// What stands in a folder under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a socket, a device.
    Other,
}

impl Folder {
    /// Opens a folder that somebody named.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((CALMLY | OFlag::O_DIRECTORY).bits())
            .open(path)?;
        Ok(Self {
            path: path.to_owned(),
            fd: file.into(),
        })
    }

    /// Opens a folder in it.
    pub fn folder(&self, name: &str) -> io::Result<Self> {
        Ok(Self {
            path: self.path.join(name),
            fd: self.open_at(name, OFlag::O_DIRECTORY)?,
        })
    }

    /// Reads a regular file in it, of so many bytes at most.
    pub fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        within(regular(self.open_at(name, OFlag::empty())?.into())?, most)
    }

    /// What is in it, by name; hidden files are left out.
    pub fn entries(&self) -> io::Result<Vec<(String, Kind)>> {
        let mut dir = Dir::openat(&self.fd, ".", CALMLY | OFlag::O_DIRECTORY, Mode::empty())?;
        let mut entries = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name.starts_with(b".") {
                continue;
            }
            if entries.len() == MOST_ENTRIES {
                return Err(io::Error::other(format!("more than {MOST_ENTRIES} files")));
            }
            entries.push((
                String::from_utf8_lossy(name).into_owned(),
                self.kind(OsStr::from_bytes(name))?,
            ));
        }
        entries.sort();
        Ok(entries)
    }

    /// The path by which it was named, for people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn kind(&self, name: &OsStr) -> io::Result<Kind> {
        let about = fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        Ok(match SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFDIR => Kind::Folder,
            _ => Kind::Other,
        })
    }

    fn open_at(&self, name: &str, how: OFlag) -> io::Result<OwnedFd> {
        if name.contains('/') || [".", "..", ""].contains(&name) {
            return Err(io::Error::other("must be the name of a file in this folder"));
        }
        let how = how | CALMLY | OFlag::O_RDONLY | OFlag::O_NOFOLLOW;
        openat(&self.fd, name, how, Mode::empty()).map_err(|error| match error {
            Errno::ELOOP => io::Error::other("is a link: links are not followed here"),
            error => error.into(),
        })
    }
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("is no regular file"))
    }
}

fn within(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("larger than {} KiB", most / 1024)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::mkfifo;
    use std::{fs, os::unix::fs::symlink};

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("plain"), "four").unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        (dir, folder)
    }

    // security.md 71
    #[test]
    fn inside_a_folder_links_pipes_and_devices_are_refused_without_a_wait() {
        let (dir, folder) = folder();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        symlink(outside.path().join("secret"), dir.path().join("link")).unwrap();
        symlink("plain", dir.path().join("near")).unwrap();
        symlink("/dev/zero", dir.path().join("zero")).unwrap();
        symlink(outside.path(), dir.path().join("sub")).unwrap();
        mkfifo(&dir.path().join("pipe"), Mode::S_IRWXU).unwrap();
        for name in [
            "link",
            "near",
            "zero",
            "pipe",
            "sub",
            ".",
            "..",
            "",
            "sub/secret",
            "../plain",
        ] {
            assert!(folder.read(name, 100).is_err(), "{name}");
        }
        assert!(folder.folder("sub").is_err() && folder.folder("plain").is_err());
        let kinds: Vec<Kind> = folder.entries().unwrap().into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Other,
                Kind::Other,
                Kind::Other,
                Kind::File,
                Kind::Other,
                Kind::Other
            ]
        );
    }

    #[test]
    fn a_named_file_may_be_a_link_but_must_be_regular_and_within_its_bound() {
        let (dir, folder) = folder();
        let at = |name: &str| dir.path().join(name);
        symlink("plain", at("link")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        assert_eq!(read(&at("link"), 4).unwrap(), b"four");
        assert_eq!(folder.read("plain", 4).unwrap(), b"four");
        assert!(read(&at("plain"), 3).is_err() && folder.read("plain", 3).is_err());
        for name in ["zero", "pipe", ""] {
            assert!(read(&at(name), 100).is_err(), "{name}");
        }
        assert!(stream(&at("link")).is_ok() && stream(&at("zero")).is_err() && stream(dir.path()).is_err());
    }

    #[test]
    fn a_folder_is_itself_whatever_becomes_of_its_path() {
        let (dir, folder) = folder();
        let moved = dir.path().with_extension("moved");
        fs::rename(dir.path(), &moved).unwrap();
        symlink("/etc", dir.path()).unwrap();
        assert_eq!(folder.entries().unwrap(), [("plain".to_owned(), Kind::File)]);
        assert!(folder.read("passwd", 1 << 20).is_err());
        fs::remove_file(dir.path()).unwrap();
        fs::remove_dir_all(moved).unwrap();
    }

    #[test]
    fn replacing_takes_the_name_and_leaves_what_a_link_led_to() {
        let (dir, _) = folder();
        let link = dir.path().join("link");
        symlink("plain", &link).unwrap();
        replace(&link, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(dir.path().join("plain")).unwrap(), b"four");
        assert_eq!(fs::read(&link).unwrap(), b"new");
        assert!(replace(&link, |_| Err(io::Error::other("half-way"))).is_err());
        assert_eq!(fs::read(&link).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
