//! All errors of a refused file, kept as a file of their own for those who mend it: in pieces, like the one that they are of.

use crate::{
    RowErrors,
    uploads::{self, PIECE},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{Keys, UploadId};
use std::{
    fmt::Display,
    io::{self, Write},
};
use uuid::Uuid;

/// Errors that a page shows.
const SHOWN: usize = 50;
/// Bytes of the file; the first that fit are enough to see what is wrong.
const MOST_BYTES: usize = 64 << 20;

impl<Reason: Display + Send + 'static> RowErrors<Reason> {
    /// The first of them, in words, for a page.
    pub fn shown(&self) -> Vec<String> {
        self.kept().iter().take(SHOWN).map(ToString::to_string).collect()
    }

    /// Keeps all of them as a file, for a purpose, of whoever brought the other; a program's with their codes. None where that
    /// can't be done.
    pub async fn keep(
        self,
        tx: &mut TenantTransaction,
        (keys, now): (&Keys, DateTime<Utc>),
        whose: (&'static str, Uuid),
        is_coded: bool,
    ) -> Result<Option<UploadId>, DatabaseError> {
        let written = tokio::task::spawn_blocking(move || {
            let mut csv = Lines(Vec::new());
            let written = if is_coded {
                self.write_coded_csv(&mut csv)
            } else {
                self.write_csv(&mut csv)
            };
            written.map(|()| csv.whole())
        });
        let Ok(Ok(csv)) = written.await else {
            return Ok(None);
        };
        let bytes = csv.len() as u64;
        let Ok(upload) = uploads::begin(tx, now, whose, bytes, bytes).await? else {
            return Ok(None);
        };
        for (nth, piece) in (0..).zip(csv.chunks(PIECE)) {
            let received = uploads::receive(tx, keys, now, &upload, nth, piece).await?;
            if received.is_err() {
                return Ok(None);
            }
        }
        Ok(Some(upload.id))
    }
}

/// As much of a file of errors as is kept.
struct Lines(Vec<u8>);

impl Lines {
    /// Those that are whole.
    fn whole(mut self) -> Vec<u8> {
        let end = self.0.iter().rposition(|byte| *byte == b'\n');
        self.0.truncate(end.map_or(0, |end| end + 1));
        self.0
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MOST_BYTES.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
