//! A file as it comes through a page, or from a program ([`Gathering`]); what a program sends as lines of JSON, as the table that it
//! is made into.

use super::{
    By, PURPOSE, Runs,
    ndjson::Lines,
    reasons,
    rows::{self, Beginning, Format, Run, RunState, Shown},
};
use crate::import::Column;
use access::scope::IMPORTS_WRITE;
use clients::Caller;
use database::{Durability, TenantTransaction};
use kernel::{ImportId, Outage, Outcome, Refusal};
use tabular::{Gathering, Head, uploads};

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
    file: Gathering,
    /// Of lines of JSON, what makes a table of them.
    lines: Option<Lines>,
    /// True of a program's table of which nothing has come yet.
    is_to_begin: bool,
}

impl Bringing {
    /// Takes what has come; whoever is refused gives the rest up ([`Bringing::give_up`]).
    pub async fn take(&mut self, bytes: &[u8]) -> Result<Outcome<()>, Outage> {
        let Some(lines) = &mut self.lines else {
            // A table never begins so; who forgot to say what comes would be told of columns that are missing.
            if std::mem::take(&mut self.is_to_begin) && bytes.trim_ascii_start().first() == Some(&b'{') {
                return Ok(reasons::FILE_IS_JSON.into());
            }
            return self.file.take(bytes).await;
        };
        match lines.take(bytes) {
            Ok(table) => self.file.take(&table).await,
            Err(errors) => Ok(Refusal::fields(errors).into()),
        }
    }

    /// Takes the last of it, and reads its beginning.
    async fn end(&mut self) -> Result<Outcome<Head>, Outage> {
        match self.lines.as_mut().map(Lines::end) {
            Some(Err(errors)) => return Ok(Refusal::fields(errors).into()),
            Some(Ok(rest)) => {
                if let Outcome::Refused(refusal) = self.file.take(&rest).await? {
                    return Ok(refusal.into());
                }
            }
            None => {}
        }
        self.file.end().await
    }

    /// Erases what there is of a file that comes to nothing.
    pub async fn give_up(self) -> Result<(), Outage> {
        let mut tx = self.file.database().write(Durability::Safe).await?;
        // The run first, as whoever takes its place does: two who begin with the other's would wait for each other.
        rows::delete(&mut tx, self.run).await?;
        uploads::erase(&mut tx, self.file.upload()).await?;
        Ok(tx.commit().await?)
    }
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
        let with = (self.database.tenant(by.tenant), &self.keys, &self.clock);
        let file = Gathering::begin(&mut tx, with, (PURPOSE, run_id.0), file_name, reasons::NOT_TAKEN).await?;
        let beginning = Beginning {
            run_id,
            state: RunState::Receiving,
            started_by: Some(by.author),
            by_name: by.name,
            file_name: file.name(),
            upload_id: file.upload().id,
            undoes: None,
            goes_on: sent.is_some_and(|sent| sent.goes_on),
            format: sent.map(|sent| sent.format).unwrap_or_default(),
        };
        rows::begin(&mut tx, &beginning, now).await?;
        tx.commit().await?;
        Ok(Bringing {
            run: run_id,
            file,
            lines: sent
                .filter(|sent| sent.format == Format::Ndjson)
                .map(|sent| Lines::new(sent.is_delta)),
            is_to_begin: sent.is_some(),
        })
    }

    /// The file has come to its end: what it is told by its beginning is kept, for whoever decides.
    pub async fn complete(&self, by: By<'_>, mut file: Bringing) -> Result<Outcome<ImportId>, Outage> {
        let head = match file.end().await? {
            Outcome::Done(head) => head,
            Outcome::Refused(refusal) => {
                file.give_up().await?;
                return Ok(refusal.into());
            }
        };
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        if self.received(&mut tx, by, &file, head).await?.is_none() {
            return Ok(reasons::FILE_REPLACED.into());
        }
        tx.commit().await?;
        Ok(Outcome::Done(file.run))
    }

    /// The same of a program's file, which is compared at once, by the insurer's own columns. It takes the place of what the same
    /// program only had compared; what waits for the staff goes on waiting. A program that was shut out while its file came is refused,
    /// and nothing is kept. Whoever is given the transaction commits it.
    pub async fn complete_sent(
        &self,
        (by, program): (By<'_>, &Caller),
        mut file: Bringing,
        sent: Sent,
    ) -> Result<Outcome<(TenantTransaction, Run)>, Outage> {
        let head = match file.end().await? {
            Outcome::Done(head) => head,
            Outcome::Refused(refusal) => {
                file.give_up().await?;
                return Ok(refusal.into());
            }
        };
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let begun = match program.may_still(&tx, self.clock.now(), IMPORTS_WRITE).await? {
            Outcome::Done(()) => self.begin_comparing(&mut tx, by, (&file, sent), head).await?,
            Outcome::Refused(refusal) => refusal.into(),
        };
        match begun {
            Outcome::Done(run) => Ok(Outcome::Done((tx, run))),
            Outcome::Refused(refusal) => {
                tx.rollback().await?;
                file.give_up().await?;
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
            return Ok(reasons::FILE_REPLACED.into());
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
        Ok(run.map_or_else(|| reasons::FILE_REPLACED.into(), Outcome::Done))
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
            unknown_columns: file.lines.as_ref().map(Lines::unknown).unwrap_or_default(),
            ..Shown::default()
        };
        let encoding = head.encoding.as_str().to_owned();
        let now = self.clock.now();
        if !rows::received(tx, &self.keys, file.run, (encoding, &shown), now).await? {
            return Ok(None);
        }
        let detail = serde_json::json!({ "bytes": file.file.bytes() });
        self.record(tx, by, file.run, "roster.bring", detail).await?;
        Ok(Some(shown))
    }
}
