//! A file as it comes through a page, or from a program: in pieces of the pipe, put away in pieces of [`uploads`], never whole in
//! memory.

use crate::{
    Fault, Head, in_batches,
    uploads::{self, PIECE, Refused, Upload},
};
use database::{Durability, TenantDatabase, TenantTransaction};
use kernel::{Clock, Keys, Outage, OutageKind, Outcome, Reason};
use std::error::Error;
use uuid::Uuid;

/// Bytes of a file: more than the largest that an insurer has.
pub const MOST_BYTES: u64 = 512 << 20;
/// Characters of a file's name.
const NAME: usize = 200;
/// Rows that are shown before anybody decides.
const SHOWN_ROWS: usize = 5;

/// Why a file is not taken, in the words of whoever takes it.
#[derive(Debug, Clone, Copy)]
pub struct NotTaken {
    /// There is nothing in it.
    pub empty: Reason,
    /// It has more than [`MOST_BYTES`].
    pub too_large: Reason,
    /// It is no table.
    pub unreadable: Reason,
    /// Another of whoever brings it has taken its place.
    pub replaced: Reason,
}

/// A file on its way in.
pub struct Gathering {
    database: TenantDatabase,
    keys: Keys,
    clock: Clock,
    upload: Upload,
    name: String,
    not_taken: NotTaken,
    /// What is not a whole piece yet.
    waiting: Vec<u8>,
    /// Pieces that are put away.
    pieces: u32,
    /// Bytes that have come.
    bytes: u64,
}

impl Gathering {
    /// Begins with a file of this name, for a purpose, of whoever brings it.
    pub async fn begin(
        tx: &mut TenantTransaction,
        (database, keys, clock): (TenantDatabase, &Keys, &Clock),
        whose: (&'static str, Uuid),
        name: &str,
        not_taken: NotTaken,
    ) -> Result<Self, Outage> {
        let begun = uploads::begin(tx, clock.now(), whose, MOST_BYTES, MOST_BYTES).await?;
        Ok(Self {
            database,
            keys: keys.clone(),
            clock: clock.clone(),
            upload: begun.map_err(outage)?,
            name: name.chars().filter(|c| !c.is_control()).take(NAME).collect(),
            not_taken,
            waiting: Vec::new(),
            pieces: 0,
            bytes: 0,
        })
    }

    /// Where it is put away.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The insurer whose it is.
    pub fn database(&self) -> &TenantDatabase {
        &self.database
    }

    /// What it is called, as much of it as is kept.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes that have come.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes what has come.
    pub async fn take(&mut self, mut bytes: &[u8]) -> Result<Outcome<()>, Outage> {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(PIECE.saturating_sub(self.waiting.len()).min(bytes.len()));
            self.waiting.extend_from_slice(now);
            self.bytes += now.len() as u64;
            bytes = rest;
            if self.bytes > MOST_BYTES {
                return Ok(self.not_taken.too_large.into());
            }
            if self.waiting.len() == PIECE
                && let Outcome::Refused(refusal) = self.put_away(false).await?
            {
                return Ok(refusal.into());
            }
        }
        Ok(Outcome::Done(()))
    }

    /// The file has come to its end: puts away the last of it, and reads its beginning.
    pub async fn end(&mut self) -> Result<Outcome<Head>, Outage> {
        if self.bytes == 0 {
            return Ok(self.not_taken.empty.into());
        }
        if let Outcome::Refused(refusal) = self.put_away(true).await? {
            return Ok(refusal.into());
        }
        let mut tx = self.database.write(Durability::Safe).await?;
        let (with, now) = ((&self.database, &self.keys), self.clock.now());
        let source = uploads::source(&mut tx, with, now, &self.upload, &self.name).await?;
        tx.commit().await?;
        let Ok(source) = source else {
            return Ok(self.not_taken.replaced.into());
        };
        let (_, reading) = in_batches::<(), _>(source, |opened, _| Head::read(opened.stream, SHOWN_ROWS));
        let read = reading.await.map_err(outage)?;
        if let Ok(Ok(head)) = read {
            return Ok(Outcome::Done(head));
        }
        // What is erased while it is read ends in the middle.
        if self.is_gone().await? {
            return Ok(self.not_taken.replaced.into());
        }
        Ok(match read.map_err(outage)? {
            Ok(head) => Outcome::Done(head),
            Err(Fault::EmptyFile) => self.not_taken.empty.into(),
            Err(_) => self.not_taken.unreadable.into(),
        })
    }

    async fn is_gone(&self) -> Result<bool, Outage> {
        let mut tx = self.database.write(Durability::Relaxed).await?;
        let (with, now) = ((&self.database, &self.keys), self.clock.now());
        let source = uploads::source(&mut tx, with, now, &self.upload, &self.name).await?;
        tx.commit().await?;
        Ok(source.is_err())
    }

    /// Puts away what waits: a piece, or the last one.
    async fn put_away(&mut self, is_last: bool) -> Result<Outcome<()>, Outage> {
        let mut tx = self.database.write(Durability::Safe).await?;
        if is_last {
            uploads::cut(&mut tx, &self.upload, self.bytes).await?;
        }
        if !self.waiting.is_empty() {
            let (now, nth) = (self.clock.now(), self.pieces);
            match uploads::receive(&mut tx, &self.keys, now, &self.upload, nth, &self.waiting).await? {
                Ok(_) => {}
                Err(Refused::NotFound) => return Ok(self.not_taken.replaced.into()),
                Err(refused) => return Err(outage(refused)),
            }
        }
        tx.commit().await?;
        self.waiting.clear();
        self.pieces += 1;
        Ok(Outcome::Done(()))
    }
}

fn outage(what: impl Into<Box<dyn Error + Send + Sync>>) -> Outage {
    Outage::new(OutageKind::Fault, what)
}
