//! A file as it comes through a page: in pieces of the pipe, put away in pieces of [`uploads`], never whole in memory.

use super::{
    By, PURPOSE, Runs, reasons,
    rows::{self, Beginning, RunState, Shown},
};
use database::Durability;
use kernel::{ImportId, Outage, Outcome};
use tabular::{
    Fault, Head,
    uploads::{self, PIECE, Refused, Upload},
};

/// Bytes of a file: more than the largest roster that is taken.
pub const MOST_BYTES: u64 = 512 << 20;
/// Rows that are shown before anybody decides.
const SHOWN_ROWS: usize = 5;

/// A file on its way in.
pub struct Bringing {
    run: ImportId,
    upload: Upload,
    file_name: String,
    /// What is not a whole piece yet.
    waiting: Vec<u8>,
    /// Pieces that are put away.
    pieces: u32,
}

impl Runs {
    /// Begins with a file of this name. It takes the place of what the same person brought before and did not import.
    pub async fn begin(&self, by: By<'_>, file_name: &str) -> Result<Bringing, Outage> {
        let now = self.clock.now();
        let run_id = ImportId::new(now);
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        for draft in rows::drafts(&mut tx, by.staff).await? {
            uploads::erase(&mut tx, &draft.upload()).await?;
            rows::delete(&mut tx, draft.run_id).await?;
        }
        let begun = uploads::begin(&mut tx, now, (PURPOSE, run_id.0), MOST_BYTES, MOST_BYTES).await?;
        let upload = begun.map_err(|_| outage("a roster of the largest size is not taken"))?;
        let file_name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        let beginning = Beginning {
            run_id,
            state: RunState::Receiving,
            started_by: Some(by.staff),
            by_name: by.name,
            file_name: &file_name,
            upload_id: upload.id,
            undoes: None,
        };
        rows::begin(&mut tx, &beginning, now).await?;
        tx.commit().await?;
        Ok(Bringing {
            run: run_id,
            upload,
            file_name,
            waiting: Vec::new(),
            pieces: 0,
        })
    }

    /// Takes what has come; whoever is refused gives the rest up ([`Runs::give_up`]).
    pub async fn take(&self, by: By<'_>, file: &mut Bringing, mut bytes: &[u8]) -> Result<Outcome<()>, Outage> {
        while !bytes.is_empty() {
            let room = PIECE.saturating_sub(file.waiting.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            file.waiting.extend_from_slice(now);
            bytes = rest;
            if file.bytes() > MOST_BYTES {
                return Ok(reasons::FILE_TOO_LARGE.into());
            }
            if file.waiting.len() == PIECE
                && let Outcome::Refused(refusal) = self.put_away(by, file, None).await?
            {
                return Ok(refusal.into());
            }
        }
        Ok(Outcome::Done(()))
    }

    /// The file has come to its end: what it is told by its beginning is kept, for whoever decides.
    pub async fn complete(&self, by: By<'_>, mut file: Bringing) -> Result<Outcome<ImportId>, Outage> {
        let bytes = file.bytes();
        if bytes == 0 {
            self.give_up(by, file).await?;
            return Ok(reasons::FILE_EMPTY.into());
        }
        if let Outcome::Refused(refusal) = self.put_away(by, &mut file, Some(bytes)).await? {
            self.give_up(by, file).await?;
            return Ok(refusal.into());
        }
        let head = match self.head(by, &file).await? {
            Ok(head) => head,
            Err(fault) => {
                self.give_up(by, file).await?;
                let is_empty = fault == Fault::EmptyFile;
                let reason = if is_empty {
                    reasons::FILE_EMPTY
                } else {
                    reasons::FILE_UNREADABLE
                };
                return Ok(reason.into());
            }
        };
        let now = self.clock.now();
        let shown = Shown {
            fields: head.fields,
            rows: head.rows,
            ..Shown::default()
        };
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let encoding = head.encoding.as_str().to_owned();
        if !rows::received(&mut tx, &self.keys, file.run, (encoding, &shown), now).await? {
            return Ok(reasons::FILE_BROKEN_OFF.into());
        }
        let detail = serde_json::json!({ "bytes": bytes });
        self.record(&tx, by, file.run, "roster.bring", detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(file.run))
    }

    /// Erases what there is of a file that comes to nothing.
    pub async fn give_up(&self, by: By<'_>, file: Bringing) -> Result<(), Outage> {
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        uploads::erase(&mut tx, &file.upload).await?;
        rows::delete(&mut tx, file.run).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts away what waits: a piece, or with the file's length its last one.
    async fn put_away(&self, by: By<'_>, file: &mut Bringing, bytes: Option<u64>) -> Result<Outcome<()>, Outage> {
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        if let Some(bytes) = bytes {
            uploads::cut(&mut tx, &file.upload, bytes).await?;
        }
        if !file.waiting.is_empty() {
            let (now, nth) = (self.clock.now(), file.pieces);
            match uploads::receive(&mut tx, &self.keys, now, &file.upload, nth, &file.waiting).await? {
                Ok(_) => {}
                Err(Refused::NotFound) => return Ok(reasons::FILE_BROKEN_OFF.into()),
                Err(_) => return Err(outage("a piece of a roster is not taken")),
            }
        }
        tx.commit().await?;
        file.waiting.clear();
        file.pieces += 1;
        Ok(Outcome::Done(()))
    }

    async fn head(&self, by: By<'_>, file: &Bringing) -> Result<Result<Head, Fault>, Outage> {
        let database = self.database.tenant(by.tenant);
        let mut tx = database.write(Durability::Safe).await?;
        let (with, now) = ((&database, &self.keys), self.clock.now());
        let source = uploads::source(&mut tx, with, now, &file.upload, &file.file_name).await?;
        tx.commit().await?;
        let Ok(source) = source else {
            return Ok(Err(Fault::EmptyFile));
        };
        let (_, reading) = tabular::in_batches::<(), _>(source, |opened, _| Head::read(opened.stream, SHOWN_ROWS));
        let read = reading.await.map_err(|error| outage(&error.to_string()))?;
        read.map_err(|error| outage(&error.to_string()))
    }
}

impl Bringing {
    /// Bytes that have come.
    fn bytes(&self) -> u64 {
        u64::from(self.pieces) * PIECE as u64 + self.waiting.len() as u64
    }
}

fn outage(what: &str) -> Outage {
    Outage::new(kernel::OutageKind::Fault, what)
}
