//! Imports as people see them: a file is brought, looked at, compared, and run by a worker, while its page tells how far it
//! is. All that stands in `roster_runs`, outside the import's transaction, which nobody sees until it ends; the end of the
//! import and the end of its run are one commit, and whoever cancels first is who counts.

mod author;
mod bringing;
mod cancelled;
mod command;
mod history;
mod lately;
mod ndjson;
mod programs;
pub mod reasons;
mod rows;
mod shut;
mod start;
mod undoing;
mod wishes;
mod work;

pub use author::{Author, By};
pub use bringing::{Bringing, Sent};
pub use cancelled::Cancelled;
pub use command::at_command;
pub use history::Past;
pub(crate) use lately::Lately;
pub use programs::Guard;
pub use rows::{Counts, Decided, Format, KEYED, Left, Run, RunState, Shown, left_to_staff, mapping, sweep};
pub(crate) use rows::{finish, keep_skipped};
pub use shut::{HANGING, WHY_SHUT};
pub use undoing::undo_at_command;

use crate::import::{Column, count_covered};
use audit::{Entry, Look};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use jobs::Event;
use kernel::{Clock, ImportId, Keys, Outage, Outcome, TenantId, calendar, outcome};
use serde_json::json;
use tabular::{Choice, Column as _, Encoding, Mapping, Source, uploads, uploads::Upload};
use tenancy::Directory;
use uuid::Uuid;

/// What uploads of rosters are for.
const PURPOSE: &str = "roster";
/// The event of imports that have come to rest.
pub(crate) const FINISHED: &str = "import.finished";
/// What the files of their errors are for.
const ERRORS: &str = "roster errors";

/// The use cases of imports. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    database: Database,
    directory: Directory,
    keys: Keys,
    clock: Clock,
    /// Who lost coverage longer ago is not taken in.
    kept: TimeDelta,
}

impl Runs {
    /// Puts them together.
    pub fn new(ground: &Ground) -> Self {
        Self {
            database: ground.database.clone(),
            directory: ground.directory.clone(),
            keys: ground.keys.clone(),
            clock: ground.clock.clone(),
            kept: ground.person_kept,
        }
    }

    /// One import, as everybody who may look at imports sees it.
    pub async fn run(&self, tenant: TenantId, run: ImportId) -> Result<Option<Run>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).read().await?;
        let mut found = rows::one(&mut tx, run).await?;
        if let Some(run) = found.as_mut().filter(|run| run.state == RunState::Compared) {
            let vanishing = run.counts.vanishing.after(lately::lately(&mut tx, now, None).await?);
            run.counts.vanishing = count_covered(&mut tx, calendar::today_in_japan(now), vanishing).await?;
        }
        tx.commit().await?;
        if found.as_ref().is_none_or(|run| !run.is_silent(now)) {
            return Ok(found);
        }
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        rows::break_dead(&mut tx, now).await?;
        let found = rows::one(&mut tx, run).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// What of the people in a file is shown to whoever decides on it: the look is in the trail before it is shown.
    pub async fn shown(&self, by: By<'_>, run: &Run) -> Result<Shown, Outage> {
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let shown = rows::shown(&mut tx, &self.keys, run.run_id).await?.unwrap_or_default();
        let mut people: Vec<Uuid> = shown.samples.iter().map(|sample| sample.person_id.0).collect();
        people.extend(shown.skipped.iter().map(|sample| sample.person_id.0));
        if !people.is_empty() || !shown.rows.is_empty() || !shown.errors.is_empty() {
            let look = Look::list("roster.run", vec![], &people);
            audit::look(&tx, self.clock.now(), by.origin, by.actor, look).await?;
        }
        tx.commit().await?;
        Ok(shown)
    }

    /// The columns of the format, and where a file that begins so has them.
    pub async fn choices(&self, tenant: TenantId, shown: &Shown) -> Result<Vec<Choice>, Outage> {
        let mut tx = self.database.tenant(tenant).read().await?;
        let mapping = rows::mapping(&mut tx).await?;
        tx.commit().await?;
        Ok(Choice::all::<Column>(&shown.fields, &mapping))
    }

    /// Keeps which header means which column, for this file and for those to come, and has the file compared.
    /// `chosen` are the headers' places, in the order of [`Runs::choices`]; none for a column that the file has not.
    pub async fn compare(&self, by: By<'_>, run: ImportId, chosen: &[Option<usize>]) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let Some(found) = rows::one(&mut tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if !matches!(found.state, RunState::Received | RunState::Compared) {
            return Ok(reasons::RUN_MOVED_ON.into());
        }
        let shown = rows::shown(&mut tx, &self.keys, run).await?.unwrap_or_default();
        let columns = Choice::all::<Column>(&shown.fields, &Mapping::default());
        let Some(mapping) = Choice::mapping(&columns, &shown.fields, chosen) else {
            return Ok(reasons::COLUMNS_UNCLEAR.into());
        };
        rows::keep_mapping(&mut tx, &shown, &mapping).await?;
        rows::set_mapping(&mut tx, run, &mapping).await?;
        let put = self
            .put_to_work(&mut tx, (run, found.state), RunState::Comparing, now)
            .await?;
        if matches!(put, Outcome::Done(())) {
            tx.commit().await?;
        }
        Ok(put)
    }

    /// Ends a run that has not ended; nothing of it is imported. Its file is erased.
    pub async fn cancel(&self, by: By<'_>, run: ImportId) -> Result<Outcome<()>, Outage> {
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let cancelled = self.cancel_in(&mut tx, by, run).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    async fn cancel_in(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        run: ImportId,
    ) -> Result<Outcome<()>, DatabaseError> {
        let Some(found) = rows::one(tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if !rows::end(tx, run, &[], RunState::Cancelled, None, self.clock.now()).await? {
            return Ok(reasons::RUN_OVER.into());
        }
        uploads::erase(tx, &found.upload()).await?;
        self.record(tx, by, run, "roster.cancel", json!({ "state": found.state.as_str() }))
            .await?;
        Ok(Outcome::Done(()))
    }

    /// All errors of a refused file, as a file; none where there is none any more. In the trail before it is given.
    pub async fn errors(&self, by: By<'_>, run: ImportId, encoding: Encoding) -> Result<Option<Source>, Outage> {
        let database = self.database.tenant(by.tenant);
        let mut tx = database.write(Durability::Safe).await?;
        let Some(errors) = rows::one(&mut tx, run).await?.and_then(|run| run.errors()) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let source = uploads::source(&mut tx, (&database, &self.keys), now, &errors, "errors.csv").await?;
        let Ok(source) = source else { return Ok(None) };
        let detail = json!({ "encoding": encoding.as_str() });
        self.record(&tx, by, run, "roster.errors", detail).await?;
        tx.commit().await?;
        Ok(Some(source))
    }

    async fn record(
        &self,
        tx: &TenantTransaction,
        by: By<'_>,
        run: ImportId,
        action: &'static str,
        detail: serde_json::Value,
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: by.actor,
            action,
            object: Some(("import", run.0)),
            outcome: "done",
            detail,
        };
        audit::record(tx, self.clock.now(), by.origin, entry).await
    }
}

/// Tells whoever follows imports that one has come to rest: it came to nothing, or a program's waits to be gone on with. One that was
/// imported tells so itself.
fn rested(tx: &mut TenantTransaction, now: DateTime<Utc>, run: ImportId, state: RunState) {
    let event = Event {
        kind: FINISHED,
        subject: run.0,
        payload: json!({ "state": state.as_str() }),
    };
    jobs::publish(tx, now, event);
}

/// The names of the columns, as a blank file has them; with 異動区分 in a file of changes.
pub fn blank_header(is_delta: bool) -> Vec<&'static str> {
    let all = Column::ALL
        .iter()
        .filter(|column| is_delta || **column != Column::Movement);
    all.map(|column| column.name()).collect()
}

impl Run {
    fn upload(&self) -> Upload {
        Upload {
            id: self.upload_id,
            purpose: PURPOSE,
            brought_by: self.run_id.0,
        }
    }

    fn errors(&self) -> Option<Upload> {
        Some(Upload {
            id: self.errors_id?,
            purpose: ERRORS,
            brought_by: self.run_id.0,
        })
    }
}
