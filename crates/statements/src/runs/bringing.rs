//! A file as it comes through a page, or from a program ([`Gathering`]). It becomes a run once all of it is here and it is a table.

use super::{
    By, PURPOSE, Runs, mapping, reasons,
    rows::{self, Beginning, Run, RunState},
    shown::Shown,
};
use crate::{columns::forbidden, kind::Kind, month::Month};
use access::scope::STATEMENTS_IMPORT;
use chrono::{DateTime, Utc};
use clients::Caller;
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{ImportId, Outage, Outcome};
use serde_json::json;
use tabular::{Gathering, Head, uploads};

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
    file: Gathering,
}

impl Bringing {
    /// Takes what has come; whoever is refused gives the rest up ([`Bringing::give_up`]).
    pub async fn take(&mut self, bytes: &[u8]) -> Result<Outcome<()>, Outage> {
        self.file.take(bytes).await
    }

    /// Takes the last of it, and reads its beginning.
    async fn end(&mut self) -> Result<Outcome<Head>, Outage> {
        Ok(match self.file.end().await? {
            // Nobody is shown a diagnosis, not even to be told that it is refused.
            Outcome::Done(head) if head.fields.iter().any(|header| forbidden(header)) => reasons::FILE_FORBIDDEN.into(),
            head => head,
        })
    }

    /// Erases what there is of a file that comes to nothing.
    pub async fn give_up(self) -> Result<(), Outage> {
        let mut tx = self.file.database().write(Durability::Safe).await?;
        uploads::erase(&mut tx, self.file.upload()).await?;
        Ok(tx.commit().await?)
    }
}

impl Runs {
    /// Begins with a file of this name.
    pub async fn begin(&self, by: By<'_>, kind: Kind, file_name: &str) -> Result<Bringing, Outage> {
        let run = ImportId::new(self.on.clock.now());
        let database = self.on.database.tenant(by.tenant);
        let mut tx = database.write(Durability::Safe).await?;
        let with = (database, &self.on.keys, &self.on.clock);
        let file = Gathering::begin(&mut tx, with, (PURPOSE, run.0), file_name, reasons::NOT_TAKEN).await?;
        tx.commit().await?;
        Ok(Bringing { run, kind, file })
    }

    /// The file has come to its end. It takes the place of what the same person brought before and did not have loaded.
    pub async fn complete(&self, by: By<'_>, mut file: Bringing) -> Result<Outcome<ImportId>, Outage> {
        let head = match file.end().await? {
            Outcome::Done(head) => head,
            Outcome::Refused(refusal) => {
                file.give_up().await?;
                return Ok(refusal.into());
            }
        };
        let now = self.on.clock.now();
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        for draft in rows::drafts(&mut tx, by.author, file.kind).await? {
            uploads::erase(&mut tx, &draft.upload()).await?;
            rows::delete(&mut tx, draft.run_id).await?;
        }
        self.received(&mut tx, (by, now), (&file, false), head).await?;
        tx.commit().await?;
        Ok(Outcome::Done(file.run))
    }

    /// The same of a program's file, which is checked at once, by the insurer's own columns. It takes the place of what the same
    /// program only had checked; what waits for the staff goes on waiting. A program that was shut out while its file came is refused,
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
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let begun = match program.may_still(&tx, self.on.clock.now(), STATEMENTS_IMPORT).await? {
            Outcome::Done(()) => self.begin_checking(&mut tx, by, (&file, sent), head).await?,
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
        self.received(tx, (by, now), (file, sent.goes_on), head).await?;
        let mapping = mapping::mapping(tx, file.kind).await?;
        rows::set_wish(tx, file.run, sent.label, &mapping).await?;
        let Some(run) = rows::one(tx, file.run).await? else {
            return Ok(reasons::FILE_REPLACED.into());
        };
        if let Outcome::Refused(refusal) = self.put_to_work(tx, &run, RunState::Checking, now).await? {
            return Ok(refusal.into());
        }
        let run = rows::one(tx, file.run).await?;
        Ok(run.map_or_else(|| reasons::FILE_REPLACED.into(), Outcome::Done))
    }

    /// Makes a run of a file that has come, with what it is told by its beginning.
    async fn received(
        &self,
        tx: &mut TenantTransaction,
        (by, now): (By<'_>, DateTime<Utc>),
        (file, goes_on): (&Bringing, bool),
        head: Head,
    ) -> Result<(), DatabaseError> {
        let beginning = Beginning {
            run_id: file.run,
            kind: file.kind,
            by: (by.author, by.name),
            goes_on,
            file_name: file.file.name(),
            upload_id: file.file.upload().id,
            encoding: head.encoding,
        };
        let shown = Shown {
            headers: head.fields,
            rows: head.rows,
            ..Shown::default()
        };
        rows::begin(tx, &self.on.keys, &beginning, &shown, now).await?;
        let detail = json!({ "kind": file.kind.as_str(), "bytes": file.file.bytes() });
        self.record(tx, by, file.run, "statements.bring", detail).await
    }
}
