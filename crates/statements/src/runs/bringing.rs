//! A file as it comes through a page: in pieces of the pipe, put away in pieces of [`uploads`], never whole in memory. It becomes
//! a run once all of it is here and it is a table.

use super::{
    By, PURPOSE, Runs, outage, reasons,
    rows::{self, Beginning},
    shown::Shown,
};
use crate::{columns::forbidden, kind::Kind};
use database::Durability;
use kernel::{ImportId, Outage, Outcome, Refusal};
use serde_json::json;
use tabular::{
    Fault, Head,
    uploads::{self, PIECE, Refused, Upload},
};

/// Bytes of a file: more than a month of the largest insurer's.
pub const MOST_BYTES: u64 = 512 << 20;
/// Rows that are shown before anybody decides.
const SHOWN_ROWS: usize = 5;

/// A file on its way in.
pub struct Bringing {
    run: ImportId,
    kind: Kind,
    upload: Upload,
    file_name: String,
    /// What is not a whole piece yet.
    waiting: Vec<u8>,
    /// Pieces that are put away.
    pieces: u32,
    /// Bytes that have come.
    bytes: u64,
}

impl Runs {
    /// Begins with a file of this name.
    pub async fn begin(&self, by: By<'_>, kind: Kind, file_name: &str) -> Result<Bringing, Outage> {
        let now = self.on.clock.now();
        let run = ImportId::new(now);
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let begun = uploads::begin(&mut tx, now, (PURPOSE, run.0), MOST_BYTES, MOST_BYTES).await?;
        tx.commit().await?;
        Ok(Bringing {
            run,
            kind,
            upload: begun.map_err(outage)?,
            file_name: file_name.chars().filter(|c| !c.is_control()).take(200).collect(),
            waiting: Vec::new(),
            pieces: 0,
            bytes: 0,
        })
    }

    /// Takes what has come; whoever is refused gives the rest up ([`Runs::give_up`]).
    pub async fn take(&self, by: By<'_>, file: &mut Bringing, mut bytes: &[u8]) -> Result<Outcome<()>, Outage> {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(PIECE.saturating_sub(file.waiting.len()).min(bytes.len()));
            file.waiting.extend_from_slice(now);
            file.bytes += now.len() as u64;
            bytes = rest;
            if file.bytes > MOST_BYTES {
                return Ok(reasons::FILE_TOO_LARGE.into());
            }
            if file.waiting.len() == PIECE
                && let Outcome::Refused(refusal) = self.put_away(by, file, false).await?
            {
                return Ok(refusal.into());
            }
        }
        Ok(Outcome::Done(()))
    }

    /// The file has come to its end. It takes the place of what the same person brought before and did not have loaded.
    pub async fn complete(&self, by: By<'_>, mut file: Bringing) -> Result<Outcome<ImportId>, Outage> {
        let head = match self.end(by, &mut file).await? {
            Outcome::Done(head) => head,
            Outcome::Refused(refusal) => {
                self.give_up(by, file).await?;
                return Ok(refusal.into());
            }
        };
        // Nobody is shown a diagnosis, not even to be told that it is refused.
        if head.fields.iter().any(|header| forbidden(header)) {
            self.give_up(by, file).await?;
            return Ok(reasons::FILE_FORBIDDEN.into());
        }
        let now = self.on.clock.now();
        let beginning = Beginning {
            run_id: file.run,
            kind: file.kind,
            by: (by.staff, by.name),
            file_name: &file.file_name,
            upload_id: file.upload.id,
            encoding: head.encoding,
        };
        let shown = Shown {
            headers: head.fields,
            rows: head.rows,
            ..Shown::default()
        };
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        for draft in rows::drafts(&mut tx, by.staff, file.kind).await? {
            uploads::erase(&mut tx, &draft.upload()).await?;
            rows::delete(&mut tx, draft.run_id).await?;
        }
        rows::begin(&mut tx, &self.on.keys, &beginning, &shown, now).await?;
        let detail = json!({ "kind": file.kind.as_str(), "bytes": file.bytes });
        self.record(&tx, by, file.run, "statements.bring", detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(file.run))
    }

    /// Erases what there is of a file that comes to nothing.
    pub async fn give_up(&self, by: By<'_>, file: Bringing) -> Result<(), Outage> {
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        uploads::erase(&mut tx, &file.upload).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts away the last of it, and reads its beginning.
    async fn end(&self, by: By<'_>, file: &mut Bringing) -> Result<Outcome<Head>, Outage> {
        if file.bytes == 0 {
            return Ok(reasons::FILE_EMPTY.into());
        }
        if let Outcome::Refused(refusal) = self.put_away(by, file, true).await? {
            return Ok(refusal.into());
        }
        let read = self.head(by, file).await?;
        Ok(read.map_or_else(|fault| Outcome::Refused(refusal(&fault)), Outcome::Done))
    }

    /// Puts away what waits: a piece, or the last one.
    async fn put_away(&self, by: By<'_>, file: &mut Bringing, is_last: bool) -> Result<Outcome<()>, Outage> {
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        if is_last {
            uploads::cut(&mut tx, &file.upload, file.bytes).await?;
        }
        if !file.waiting.is_empty() {
            let (now, nth) = (self.on.clock.now(), file.pieces);
            match uploads::receive(&mut tx, &self.on.keys, now, &file.upload, nth, &file.waiting).await? {
                Ok(_) => {}
                Err(Refused::NotFound) => return Ok(reasons::FILE_BROKEN_OFF.into()),
                Err(refused) => return Err(outage(refused)),
            }
        }
        tx.commit().await?;
        file.waiting.clear();
        file.pieces += 1;
        Ok(Outcome::Done(()))
    }

    async fn head(&self, by: By<'_>, file: &Bringing) -> Result<Result<Head, Fault>, Outage> {
        let database = self.on.database.tenant(by.tenant);
        let mut tx = database.write(Durability::Safe).await?;
        let (with, now) = ((&database, &self.on.keys), self.on.clock.now());
        let source = uploads::source(&mut tx, with, now, &file.upload, &file.file_name).await?;
        tx.commit().await?;
        let (_, reading) = tabular::in_batches::<(), _>(source.map_err(outage)?, |opened, _| {
            Head::read(opened.stream, SHOWN_ROWS)
        });
        reading.await.map_err(outage)?.map_err(outage)
    }
}

fn refusal(fault: &Fault) -> Refusal {
    if *fault == Fault::EmptyFile {
        reasons::FILE_EMPTY.into()
    } else {
        reasons::FILE_UNREADABLE.into()
    }
}
