//! A file as it comes through a page, or from a program: in pieces of the pipe, put away in pieces of [`uploads`], never whole in memory.

use super::{
    By, PURPOSE, Runs,
    ndjson::Lines,
    reasons,
    rows::{self, Beginning, Format, Run, RunState, Shown},
};
use crate::import::Column;
use database::{Durability, TenantTransaction};
use kernel::{ImportId, Outage, Outcome, Refusal};
use tabular::{
    Fault, Head,
    uploads::{self, PIECE, Refused, Upload},
};

/// Bytes of a file: more than the largest roster that is taken.
pub const MOST_BYTES: u64 = 512 << 20;
/// Rows that are shown before anybody decides.
const SHOWN_ROWS: usize = 5;

/// What a program says of the file that it sends.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// As what it comes.
    pub format: Format,
    /// True of a file of changes: nobody is lost by not standing in it.
    pub is_delta: bool,
    /// False where it is only to be compared.
    pub goes_on: bool,
}

impl Sent {
    /// What the history calls its file.
    fn file_name(self) -> &'static str {
        if self.is_delta {
            "連携データ（異動分）"
        } else {
            "連携データ（全員分）"
        }
    }
}

/// A file on its way in.
pub struct Bringing {
    run: ImportId,
    upload: Upload,
    file_name: String,
    /// Of lines of JSON, what makes a table of them.
    lines: Option<Lines>,
    /// What is not a whole piece yet.
    waiting: Vec<u8>,
    /// Pieces that are put away.
    pieces: u32,
}

impl Runs {
    /// Begins with a file of this name. It takes the place of what the same person brought before and did not import.
    pub async fn begin(&self, by: By<'_>, file_name: &str) -> Result<Bringing, Outage> {
        self.begin_as(by, file_name, None).await
    }

    /// Begins with a program's file. It takes the place of what the same program did not bring to its end.
    pub async fn begin_sent(&self, by: By<'_>, sent: Sent) -> Result<Bringing, Outage> {
        self.begin_as(by, sent.file_name(), Some(sent)).await
    }

    async fn begin_as(&self, by: By<'_>, file_name: &str, sent: Option<Sent>) -> Result<Bringing, Outage> {
        let now = self.clock.now();
        let run_id = ImportId::new(now);
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        for draft in rows::drafts(&mut tx, by.author).await? {
            // What a program knows keeps its place until its next file has come, which may be the same once more.
            if by.author.is_client() && draft.state != RunState::Receiving {
                continue;
            }
            uploads::erase(&mut tx, &draft.upload()).await?;
            rows::delete(&mut tx, draft.run_id).await?;
        }
        let begun = uploads::begin(&mut tx, now, (PURPOSE, run_id.0), MOST_BYTES, MOST_BYTES).await?;
        let upload = begun.map_err(|_| outage("a roster of the largest size is not taken"))?;
        let file_name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        let beginning = Beginning {
            run_id,
            state: RunState::Receiving,
            started_by: Some(by.author),
            by_name: by.name,
            file_name: &file_name,
            upload_id: upload.id,
            undoes: None,
            goes_on: sent.is_some_and(|sent| sent.goes_on),
            format: sent.map(|sent| sent.format).unwrap_or_default(),
        };
        rows::begin(&mut tx, &beginning, now).await?;
        tx.commit().await?;
        Ok(Bringing {
            run: run_id,
            upload,
            file_name,
            lines: sent
                .filter(|sent| sent.format == Format::Ndjson)
                .map(|sent| Lines::new(sent.is_delta)),
            waiting: Vec::new(),
            pieces: 0,
        })
    }

    /// Takes what has come; whoever is refused gives the rest up ([`Runs::give_up`]).
    pub async fn take(&self, by: By<'_>, file: &mut Bringing, bytes: &[u8]) -> Result<Outcome<()>, Outage> {
        let Some(lines) = &mut file.lines else {
            return self.gather(by, file, bytes).await;
        };
        match lines.take(bytes) {
            Ok(table) => self.gather(by, file, &table).await,
            Err(error) => Ok(Refusal::fields(vec![error]).into()),
        }
    }

    /// Puts together what is put away.
    async fn gather(&self, by: By<'_>, file: &mut Bringing, mut bytes: &[u8]) -> Result<Outcome<()>, Outage> {
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
        let head = match self.end(by, &mut file).await? {
            Outcome::Done(head) => head,
            Outcome::Refused(refusal) => {
                self.give_up(by, file).await?;
                return Ok(refusal.into());
            }
        };
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        if self.received(&mut tx, by, &file, head).await?.is_none() {
            return Ok(reasons::FILE_BROKEN_OFF.into());
        }
        tx.commit().await?;
        Ok(Outcome::Done(file.run))
    }

    /// The same of a program's file, which is compared at once, by the insurer's own columns. It takes the place of what the same
    /// program only had compared; what waits for the staff goes on waiting. Whoever is given the transaction commits it.
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
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        match self.begin_comparing(&mut tx, by, (&file, sent), head).await? {
            Outcome::Done(run) => Ok(Outcome::Done((tx, run))),
            Outcome::Refused(refusal) => {
                tx.rollback().await?;
                self.give_up(by, file).await?;
                Ok(refusal.into())
            }
        }
    }

    async fn begin_comparing(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        (file, sent): (&Bringing, Sent),
        head: Head,
    ) -> Result<Outcome<Run>, Outage> {
        let now = self.clock.now();
        for draft in rows::drafts(tx, by.author).await? {
            if draft.state != RunState::Receiving && !draft.goes_on {
                uploads::erase(tx, &draft.upload()).await?;
                rows::end(tx, draft.run_id, &[draft.state], RunState::Cancelled, None, now).await?;
            }
        }
        let Some(shown) = self.received(tx, by, file, head).await? else {
            return Ok(reasons::FILE_BROKEN_OFF.into());
        };
        let mapping = rows::mapping(tx).await?;
        if shown.header(&mapping).has(Column::Movement) != sent.is_delta {
            return Ok(reasons::MODE_MISMATCH.into());
        }
        rows::set_mapping(tx, file.run, &mapping).await?;
        let states = (RunState::Received, RunState::Comparing);
        let put = self.put_to_work(tx, (file.run, states.0), states.1, now).await?;
        if let Outcome::Refused(refusal) = put {
            return Ok(refusal.into());
        }
        let run = rows::one(tx, file.run).await?;
        Ok(run.map_or_else(|| reasons::FILE_BROKEN_OFF.into(), Outcome::Done))
    }

    /// Notes that the file has come, with what it is told by its beginning; nothing where its run was ended meanwhile.
    async fn received(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        file: &Bringing,
        head: Head,
    ) -> Result<Option<Shown>, Outage> {
        let shown = Shown {
            fields: head.fields,
            rows: head.rows,
            ..Shown::default()
        };
        let encoding = head.encoding.as_str().to_owned();
        let now = self.clock.now();
        if !rows::received(tx, &self.keys, file.run, (encoding, &shown), now).await? {
            return Ok(None);
        }
        let detail = serde_json::json!({ "bytes": file.bytes() });
        self.record(tx, by, file.run, "roster.bring", detail).await?;
        Ok(Some(shown))
    }

    /// Puts away the last of it, and reads its beginning.
    async fn end(&self, by: By<'_>, file: &mut Bringing) -> Result<Outcome<Head>, Outage> {
        match file.lines.as_mut().map(Lines::end) {
            Some(Err(error)) => return Ok(Refusal::fields(vec![error]).into()),
            Some(Ok(rest)) => {
                if let Outcome::Refused(refusal) = self.gather(by, file, &rest).await? {
                    return Ok(refusal.into());
                }
            }
            None => {}
        }
        let bytes = file.bytes();
        if bytes == 0 {
            return Ok(reasons::FILE_EMPTY.into());
        }
        if let Outcome::Refused(refusal) = self.put_away(by, file, Some(bytes)).await? {
            return Ok(refusal.into());
        }
        let head = self.head(by, file).await?;
        Ok(head.map_or_else(
            |fault| match fault {
                Fault::EmptyFile => reasons::FILE_EMPTY.into(),
                _ => reasons::FILE_UNREADABLE.into(),
            },
            Outcome::Done,
        ))
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
