//! Files that people bring through a page or an API. They come in pieces, because whoever takes them, whoever reads them and
//! the command line may be three machines: each piece is a sealed row of the insurer's, and [`source`] gives them back as one
//! stream. A file is gone once it is taken over or refused ([`erase`]), and after seven days whatever became of it ([`sweep`]).
//!
//! An upload has no name: what it was called stays with whoever asked for it, beside its purpose. The console's page for
//! rosters is who brings files so; `madoguchi roster import` reads its file where it lies, which costs nothing.

use crate::{Opened, Source};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Keyed, Kind, TenantDatabase, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, PieceId, TenantId, UploadId};
use std::io::{self, Cursor, Read};
use tokio::runtime::Handle;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Bytes of every piece but the last, which is what is left.
pub const PIECE: usize = 1 << 20;
/// How long an upload is kept that nobody ends.
pub const KEPT: TimeDelta = TimeDelta::days(7);
const SEALED_FOR: &str = "upload piece";

/// The columns of this crate that hang on a key.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "upload_pieces",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "piece_id",
        purpose: SEALED_FOR,
    },
}];

/// A file that is being brought, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// What it is for, as in `roster`: for any other purpose it is not there.
    pub purpose: &'static str,
    /// Who brings it: for anybody else it is not there.
    pub brought_by: Uuid,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The piece that is waited for, from 0.
    pub next: u32,
    /// How many bytes that piece has; 0 once nothing is missing.
    pub bytes: usize,
}

/// Why a piece or a whole file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Never begun, another insurer's or person's, for another purpose, taken over, erased, or too old.
    #[error("there is no such upload")]
    NotFound,
    /// Larger than it may be; nothing was begun.
    #[error("the file is larger than {most} bytes")]
    TooLarge {
        /// Bytes at most.
        most: u64,
    },
    /// Another piece comes first, or is not there yet.
    #[error("piece {next} is missing")]
    Missing {
        /// Which, from 0.
        next: u32,
    },
    /// A piece is shorter or longer than its place in the file, as it was announced, has room for.
    #[error("the piece must have {bytes} bytes")]
    Length {
        /// Bytes of the piece.
        bytes: usize,
    },
    /// A piece came again and is another one: the file was changed meanwhile. What there was of it is erased.
    #[error("the file was changed while it was brought")]
    Changed,
}

/// Begins a file of so many bytes, `most` of which are taken for its purpose.
pub async fn begin(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (purpose, brought_by): (&'static str, Uuid),
    bytes: u64,
    most: u64,
) -> Result<Result<Upload, Refused>, DatabaseError> {
    let Some(stored) = i64::try_from(bytes).ok().filter(|_| bytes <= most) else {
        return Ok(Err(Refused::TooLarge { most }));
    };
    let id = UploadId::new(now);
    diesel::insert_into(uploads::table)
        .values((
            uploads::tenant_id.eq(tx.tenant()),
            uploads::upload_id.eq(id),
            uploads::purpose.eq(purpose),
            uploads::brought_by.eq(brought_by),
            uploads::bytes.eq(stored),
            uploads::pieces.eq(0),
            uploads::created_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(Ok(Upload {
        id,
        purpose,
        brought_by,
    }))
}

/// Takes the `nth` piece, from 0. One that was taken already is taken to be sent again, because its answer was lost, and is
/// answered alike.
pub async fn receive(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    upload: &Upload,
    nth: u32,
    piece: &[u8],
) -> Result<Result<Received, Refused>, DatabaseError> {
    let Some(state) = state(tx, now, upload).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let bytes = state.bytes_of(nth);
    if nth > state.next || bytes == 0 {
        return Ok(Err(Refused::Missing { next: state.next }));
    }
    if piece.len() != bytes {
        return Ok(Err(Refused::Length { bytes }));
    }
    if nth < state.next {
        let kept = self::piece(tx, keys, upload.id, nth).await?;
        if kept.is_some_and(|kept| *kept == piece) {
            return Ok(Ok(state.received()));
        }
        erase(tx, upload).await?;
        return Ok(Err(Refused::Changed));
    }
    let id = PieceId::new(now);
    diesel::insert_into(upload_pieces::table)
        .values((
            upload_pieces::tenant_id.eq(tx.tenant()),
            upload_pieces::piece_id.eq(id),
            upload_pieces::upload_id.eq(upload.id),
            upload_pieces::nth.eq(signed(nth)),
            upload_pieces::sealed.eq(keys.seal(SEALED_FOR, id.of(tx.tenant()), piece)),
        ))
        .execute(&mut **tx)
        .await?;
    let state = State { next: nth + 1, ..state };
    diesel::update(theirs(tx, upload))
        .set(uploads::pieces.eq(signed(state.next)))
        .execute(&mut **tx)
        .await?;
    Ok(Ok(state.received()))
}

/// Says that a file ends after so many bytes, of which nobody knew when it began how long it would be: it was begun as long
/// as it might be. Its last piece comes after this.
pub async fn cut(tx: &mut TenantTransaction, upload: &Upload, bytes: u64) -> Result<(), DatabaseError> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    diesel::update(theirs(tx, upload).filter(uploads::bytes.ge(bytes)))
        .set(uploads::bytes.eq(bytes))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The whole file, called so, to be read on a thread of its own: piece by piece, a short transaction each. Where it is erased
/// meanwhile, reading fails.
pub async fn source(
    tx: &mut TenantTransaction,
    (database, keys): (&TenantDatabase, &Keys),
    now: DateTime<Utc>,
    upload: &Upload,
    name: &str,
) -> Result<Result<Source, Refused>, DatabaseError> {
    let Some(state) = state(tx, now, upload).await? else {
        return Ok(Err(Refused::NotFound));
    };
    if state.received().bytes > 0 {
        return Ok(Err(Refused::Missing { next: state.next }));
    }
    let pieces = Pieces {
        runtime: Handle::current(),
        database: database.clone(),
        keys: keys.clone(),
        id: upload.id,
        next: 0,
        of: state.next,
        piece: Cursor::default(),
    };
    Ok(Ok(Source::new(name, move || {
        Ok(Opened {
            stream: Box::new(pieces),
            of: state.bytes,
        })
    })))
}

/// One piece of a whole file, from 0; none behind its last, or where the file is not there.
pub async fn part(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    upload: &Upload,
    nth: u32,
) -> Result<Option<Zeroizing<Vec<u8>>>, DatabaseError> {
    match state(tx, now, upload).await? {
        Some(_) => piece(tx, keys, upload.id, nth).await,
        None => Ok(None),
    }
}

/// Ends an upload, whatever there is of it.
pub async fn erase(tx: &mut TenantTransaction, upload: &Upload) -> Result<(), DatabaseError> {
    diesel::delete(theirs(tx, upload)).execute(&mut **tx).await?;
    Ok(())
}

/// Ends what was begun seven days ago; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let old = uploads::table
        .filter(uploads::tenant_id.eq(tx.tenant()))
        .filter(uploads::created_at.le(now - KEPT));
    Ok(diesel::delete(old).execute(&mut **tx).await?)
}

/// What is there of a file.
struct State {
    bytes: u64,
    /// Pieces taken, which is the number of the next.
    next: u32,
}

impl State {
    /// How many bytes the `nth` piece has; 0 behind the last.
    fn bytes_of(&self, nth: u32) -> usize {
        let before = u64::from(nth).saturating_mul(PIECE as u64);
        let left = self.bytes.saturating_sub(before);
        usize::try_from(left).map_or(PIECE, |left| left.min(PIECE))
    }

    fn received(&self) -> Received {
        Received {
            next: self.next,
            bytes: self.bytes_of(self.next),
        }
    }
}

/// Locked, so that of two pieces at the same time one comes after the other.
async fn state(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    upload: &Upload,
) -> Result<Option<State>, DatabaseError> {
    let row: Option<(i64, i32)> = theirs(tx, upload)
        .filter(uploads::created_at.gt(now - KEPT))
        .select((uploads::bytes, uploads::pieces))
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row.map(|(bytes, pieces)| State {
        bytes: u64::try_from(bytes).unwrap_or_default(),
        next: u32::try_from(pieces).unwrap_or_default(),
    }))
}

/// Opened; none where it is not there. One that does not open is damage, and an outage.
async fn piece(
    tx: &mut TenantTransaction,
    keys: &Keys,
    upload: UploadId,
    nth: u32,
) -> Result<Option<Zeroizing<Vec<u8>>>, DatabaseError> {
    let tenant = tx.tenant();
    let row: Option<(PieceId, Vec<u8>)> = upload_pieces::table
        .filter(upload_pieces::tenant_id.eq(tenant))
        .filter(upload_pieces::upload_id.eq(upload))
        .filter(upload_pieces::nth.eq(signed(nth)))
        .select((upload_pieces::piece_id, upload_pieces::sealed))
        .first(&mut **tx)
        .await
        .optional()?;
    let open = |(id, sealed): (PieceId, Vec<u8>)| keys.open(SEALED_FOR, id.of(tenant), &sealed);
    let opened = row.map(open).transpose();
    opened.map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)).into())
}

/// A whole file as a stream.
struct Pieces {
    runtime: Handle,
    database: TenantDatabase,
    keys: Keys,
    id: UploadId,
    next: u32,
    /// How many there are.
    of: u32,
    piece: Cursor<Zeroizing<Vec<u8>>>,
}

impl Pieces {
    async fn next_piece(&self) -> Result<Option<Zeroizing<Vec<u8>>>, DatabaseError> {
        let mut tx = self.database.read().await?;
        let piece = piece(&mut tx, &self.keys, self.id, self.next).await?;
        tx.commit().await?;
        Ok(piece)
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.piece.read(buffer)?;
        if read > 0 || buffer.is_empty() || self.next == self.of {
            return Ok(read);
        }
        let piece = self.runtime.block_on(self.next_piece()).map_err(io::Error::other)?;
        let piece = piece.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        self.next += 1;
        self.piece = Cursor::new(piece);
        self.piece.read(buffer)
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The row, where it is theirs and for that purpose.
#[diesel::dsl::auto_type(no_type_alias)]
fn theirs(tx: &TenantTransaction, upload: &Upload) -> _ {
    let tenant: TenantId = tx.tenant();
    let purpose: &'static str = upload.purpose;
    let (id, brought_by): (UploadId, Uuid) = (upload.id, upload.brought_by);
    uploads::table
        .filter(uploads::tenant_id.eq(tenant))
        .filter(uploads::upload_id.eq(id))
        .filter(uploads::purpose.eq(purpose))
        .filter(uploads::brought_by.eq(brought_by))
}

mod schema {
    diesel::table! {
        uploads (tenant_id, upload_id) {
            tenant_id -> Integer,
            upload_id -> Uuid,
            purpose -> Text,
            brought_by -> Uuid,
            bytes -> BigInt,
            pieces -> Integer,
            created_at -> Timestamptz,
        }
    }

    diesel::table! {
        upload_pieces (tenant_id, piece_id) {
            tenant_id -> Integer,
            piece_id -> Uuid,
            upload_id -> Uuid,
            nth -> Integer,
            sealed -> Binary,
        }
    }
}
use schema::{upload_pieces, uploads};
