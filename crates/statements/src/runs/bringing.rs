//! A file as it comes through a page: in pieces of the pipe, put away in pieces of [`uploads`], never whole in memory. It becomes
//! a run once all of it is here and it is a table.

use super::{
    By, PURPOSE, Runs, mapping, outage, reasons,
    rows::{self, Beginning, Run, RunState},
    shown::Shown,
};
use crate::{columns::forbidden, kind::Kind, month::Month};
use database::{DatabaseError, Durability, TenantTransaction};
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

/// What a program says of the file that it sends.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Of what it is.
    pub kind: Kind,
    /// 処理年月; none where a column of the file says so.
    pub label: Option<Month>,
    /// False where it is only to be checked.
    pub goes_on: bool,
}

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
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        for draft in rows::drafts(&mut tx, by.author, file.kind).await? {
            uploads::erase(&mut tx, &draft.upload()).await?;
            rows::delete(&mut tx, draft.run_id).await?;
        }
        self.received(&mut tx, by, (&file, false), head).await?;
        tx.commit().await?;
        Ok(Outcome::Done(file.run))
    }

    /// The same of a program's file, which is checked at once, by the insurer's own columns. It takes the place of what the same
    /// program only had checked; what waits for the staff goes on waiting. Whoever is given the transaction commits it.
    pub async fn complete_sent(
        &self,
        by: By<'_>,
        mut file: Bringing,
        sent: Sent,
    ) -> Result<Outcome<(TenantTransaction, Run)>, Outage> {
        let head = match self.end(by, &mut file).await? {
            Outcome::Done(head) => head,
            Outcome::Refused(refusal) => {
                self.give_up(by, file).await?;
                return Ok(refusal.into());
            }
        };
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        match self.begin_checking(&mut tx, by, (&file, sent), head).await? {
            Outcome::Done(run) => Ok(Outcome::Done((tx, run))),
            Outcome::Refused(refusal) => {
                tx.rollback().await?;
                self.give_up(by, file).await?;
                Ok(refusal.into())
            }
        }
    }

    async fn begin_checking(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        (file, sent): (&Bringing, Sent),
        head: Head,
    ) -> Result<Outcome<Run>, Outage> {
        let now = self.on.clock.now();
        for draft in rows::drafts(tx, by.author, file.kind).await? {
            if !draft.goes_on {
                uploads::erase(tx, &draft.upload()).await?;
                rows::end(tx, draft.run_id, &[draft.state], RunState::Cancelled, None, now).await?;
            }
        }
        self.received(tx, by, (file, sent.goes_on), head).await?;
        let mapping = mapping::mapping(tx, file.kind).await?;
        rows::set_wish(tx, file.run, sent.label, &mapping).await?;
        let Some(run) = rows::one(tx, file.run).await? else {
            return Ok(reasons::FILE_BROKEN_OFF.into());
        };
        if let Outcome::Refused(refusal) = self.put_to_work(tx, &run, RunState::Checking, now).await? {
            return Ok(refusal.into());
        }
        let run = rows::one(tx, file.run).await?;
        Ok(run.map_or_else(|| reasons::FILE_BROKEN_OFF.into(), Outcome::Done))
    }

    /// Makes a run of a file that has come, with what it is told by its beginning.
    async fn received(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        (file, goes_on): (&Bringing, bool),
        head: Head,
    ) -> Result<(), DatabaseError> {
        let beginning = Beginning {
            run_id: file.run,
            kind: file.kind,
            by: (by.author, by.name),
            goes_on,
            file_name: &file.file_name,
            upload_id: file.upload.id,
            encoding: head.encoding,
        };
        let shown = Shown {
            headers: head.fields,
            rows: head.rows,
            ..Shown::default()
        };
        rows::begin(tx, &self.on.keys, &beginning, &shown, self.on.clock.now()).await?;
        let detail = json!({ "kind": file.kind.as_str(), "bytes": file.bytes });
        self.record(tx, by, file.run, "statements.bring", detail).await
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
        let head = match self.head(by, file).await? {
            Ok(head) => head,
            Err(fault) => return Ok(refusal(&fault).into()),
        };
        // Nobody is shown a diagnosis, not even to be told that it is refused.
        if head.fields.iter().any(|header| forbidden(header)) {
            return Ok(reasons::FILE_FORBIDDEN.into());
        }
        Ok(Outcome::Done(head))
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
