//! Where a file comes from, and how what it holds gets from the thread that reads it to the transaction that keeps it.

use std::{
    io::{self, Read},
    path::Path,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Batches read ahead of whoever takes them.
const BATCHES_AHEAD: usize = 2;

/// A file that somebody brought, not yet opened: a pipe may have to wait for its other end.
pub struct Source {
    name: String,
    open: Box<dyn FnOnce() -> io::Result<Opened> + Send>,
}

/// A file as it is read.
pub struct Opened {
    /// What stands in it.
    pub stream: Box<dyn Read + Send>,
    /// How many bytes that is; 0 where nobody knows.
    pub of: u64,
}

impl Source {
    /// A file that is called so, opened by `open` on the thread that reads it.
    pub fn new(name: impl Into<String>, open: impl FnOnce() -> io::Result<Opened> + Send + 'static) -> Self {
        Self {
            name: name.into(),
            open: Box::new(open),
        }
    }

    /// A file on this machine, or a pipe.
    pub fn file(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let path = path.to_owned();
        Self::new(name, move || {
            let file = files::stream(&path)?;
            let of = file.metadata()?.len();
            Ok(Opened {
                stream: Box::new(file),
                of,
            })
        })
    }

    /// What it is called, without folders.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// How far a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes of the whole file.
    pub of: u64,
}

impl Progress {
    /// The same in per cent.
    pub fn percent(self) -> u64 {
        self.bytes.saturating_mul(100) / self.of.max(1)
    }
}

/// What was made of some rows, and how far the file is read.
pub struct Chunk<B> {
    /// What was made of them.
    pub batch: B,
    /// How far.
    pub progress: Progress,
}

/// Reads on a thread of its own and feeds batches through a bounded channel: memory stays the same however long the file is.
/// `read` is given the file and hands on each chunk, to be told false once nobody wants any more: a dropped receiver stops the
/// thread at its next batch. The handle answers once the channel is closed.
pub fn in_batches<B, T>(
    source: Source,
    read: impl FnOnce(Opened, &mut dyn FnMut(Chunk<B>) -> bool) -> io::Result<T> + Send + 'static,
) -> (mpsc::Receiver<Chunk<B>>, JoinHandle<io::Result<T>>)
where
    B: Send + 'static,
    T: Send + 'static,
{
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let opened = (source.open)()?;
        read(opened, &mut |chunk| sender.blocking_send(chunk).is_ok())
    });
    (receiver, reading)
}
