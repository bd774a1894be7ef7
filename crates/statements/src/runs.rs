//! Imports as the insurer's staff see them: a file is brought, somebody says what its columns mean, a worker checks it, somebody
//! decides, and a worker loads it into a delivery, while its page tells how far it is. All that stands in `statement_runs`; the
//! end of a load and the end of its run are one commit, and whoever cancels first is who counts.

mod bringing;
mod mapping;
mod programs;
pub mod reasons;
mod report;
mod rows;
mod shown;
mod shut;
mod work;

pub use bringing::{Bringing, Sent};
pub use report::{Found, Hidden, Report};
pub use rows::{Run, RunState, sweep};
pub(crate) use rows::{loaded, loads};
pub use shown::{KEYED, Shown};
pub use shut::HANGING;

use crate::{Deliveries, columns, kind::Kind, month::Month};
use audit::{Entry, Look};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use kernel::{ImportId, Outage, Outcome, TenantId, outcome};
use roster::runs::By;
use serde_json::{Value, json};
use tabular::{Choice, Encoding, Mapping, Source, uploads, uploads::Upload};
use tenancy::Directory;
use work::StatementRun;

/// What uploads of statements are for.
const PURPOSE: &str = "statements";
/// What the files of their errors are for.
const ERRORS: &str = "statement errors";
/// Runs that the page of new files lists.
const LISTED: i64 = 20;

/// The use cases of imports in the console. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    on: Deliveries,
    directory: Directory,
}

impl Runs {
    /// Puts them together.
    pub fn new(ground: &Ground) -> Self {
        Self {
            on: Deliveries::new(ground),
            directory: ground.directory.clone(),
        }
    }

    /// The last runs, the last first.
    pub async fn last(&self, tenant: TenantId) -> Result<Vec<Run>, Outage> {
        let mut tx = self.on.database.tenant(tenant).read().await?;
        let last = rows::last(&mut tx, LISTED).await?;
        tx.commit().await?;
        Ok(last)
    }

    /// One of them.
    pub async fn run(&self, tenant: TenantId, run: ImportId) -> Result<Option<Run>, Outage> {
        let now = self.on.clock.now();
        let mut tx = self.on.database.tenant(tenant).read().await?;
        let found = rows::one(&mut tx, run).await?;
        tx.commit().await?;
        let Some(silent) = found.as_ref().filter(|run| run.is_silent(now)) else {
            return Ok(found);
        };
        let mut tx = self.on.database.tenant(tenant).write(Durability::Safe).await?;
        rows::break_dead(&mut tx, silent.kind, now).await?;
        let found = rows::one(&mut tx, run).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// What of a file is shown to whoever decides on it. Its first rows, and what is wrong with others, are of people: that look is
    /// in the trail before they are shown.
    pub async fn shown(&self, by: By<'_>, run: &Run) -> Result<Shown, Outage> {
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let mut shown = shown::shown(&mut tx, &self.on.keys, run.run_id)
            .await?
            .unwrap_or_default();
        if run.state != RunState::Received {
            shown.rows.clear();
        }
        if !shown.rows.is_empty() || !shown.errors.is_empty() {
            let look = Look::list("statements.run", vec![], &[]);
            audit::look(&tx, self.on.clock.now(), by.origin, by.actor, look).await?;
        }
        tx.commit().await?;
        Ok(shown)
    }

    /// The columns of the format, and where a file with these headers has them.
    pub async fn choices(&self, tenant: TenantId, kind: Kind, headers: &[String]) -> Result<Vec<Choice>, Outage> {
        let mut tx = self.on.database.tenant(tenant).read().await?;
        let mapping = mapping::mapping(&mut tx, kind).await?;
        tx.commit().await?;
        Ok(columns::locate(kind, headers, &mapping))
    }

    /// Keeps which header means which column, for this file and for those to come, and has the file checked. `chosen` are the
    /// headers' places, in the order of [`Runs::choices`]; none for a column that the file has not.
    pub async fn check(
        &self,
        by: By<'_>,
        run: ImportId,
        (label, chosen): (Option<Month>, &[Option<usize>]),
    ) -> Result<Outcome<()>, Outage> {
        let now = self.on.clock.now();
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let Some(found) = rows::one(&mut tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.state != RunState::Received {
            return Ok(reasons::RUN_MOVED_ON.into());
        }
        let headers = shown::shown(&mut tx, &self.on.keys, run)
            .await?
            .unwrap_or_default()
            .headers;
        let columns = columns::locate(found.kind, &headers, &Mapping::default());
        let Some(mapping) = Choice::mapping(&columns, &headers, chosen) else {
            return Ok(reasons::COLUMNS_UNCLEAR.into());
        };
        mapping::keep(&mut tx, found.kind, &headers, &mapping).await?;
        rows::set_wish(&mut tx, run, label, &mapping).await?;
        let put = self.put_to_work(&mut tx, &found, RunState::Checking, now).await?;
        committed(tx, put).await
    }

    /// Has a checked file loaded. `agrees` to what is unusual about it.
    pub async fn load(&self, by: By<'_>, run: ImportId, agrees: bool) -> Result<Outcome<()>, Outage> {
        let now = self.on.clock.now();
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let Some(found) = rows::one(&mut tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.state != RunState::Checked {
            return Ok(reasons::RUN_MOVED_ON.into());
        }
        if found.is_dry_run() {
            return Ok(reasons::ONLY_CHECKED.into());
        }
        if found.has_doubts() && !agrees {
            return Ok(reasons::DOUBTS_NOT_AGREED.into());
        }
        let begun = self.begin_load(&mut tx, by, &found, now).await?;
        committed(tx, begun).await
    }

    /// Leaves a checked run to a worker, whatever is unusual about it being agreed to.
    async fn begin_load(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        found: &Run,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, DatabaseError> {
        let has_doubts = found.has_doubts();
        let brought_by = found.started_by.id();
        let detail = json!({ "kind": found.kind.as_str(), "agrees": has_doubts, "brought_by": brought_by });
        self.record(tx, by, found.run_id, "statements.start", detail).await?;
        rows::set_agreed(tx, found.run_id, has_doubts).await?;
        if found.started_by != by.author {
            rows::set_decided(tx, found.run_id, (by.author, by.name)).await?;
        }
        self.put_to_work(tx, found, RunState::Loading, now).await
    }

    /// Begins anew with the file of a run whose worker died.
    pub async fn again(&self, by: By<'_>, run: ImportId) -> Result<Outcome<()>, Outage> {
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        if rows::one(&mut tx, run).await?.is_none() {
            return Ok(outcome::NOT_FOUND.into());
        }
        if !rows::begin_again(&mut tx, run, self.on.clock.now()).await? {
            return Ok(reasons::RUN_MOVED_ON.into());
        }
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Ends a run that has not ended; nothing of it is loaded. Its file is erased; what a worker has loaded, that gives up.
    pub async fn cancel(&self, by: By<'_>, run: ImportId) -> Result<Outcome<()>, Outage> {
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
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
        let now = self.on.clock.now();
        if !rows::end(tx, run, &RunState::OPEN, RunState::Cancelled, None, now).await? {
            return Ok(reasons::RUN_OVER.into());
        }
        uploads::erase(tx, &found.upload()).await?;
        let detail = json!({ "kind": found.kind.as_str(), "state": found.state.as_str() });
        self.record(tx, by, run, "statements.cancel", detail).await?;
        Ok(Outcome::Done(()))
    }

    /// All errors of a refused file, as a file; none where there is none any more. In the trail before it is given.
    pub async fn errors(&self, by: By<'_>, run: ImportId, encoding: Encoding) -> Result<Option<Source>, Outage> {
        let database = self.on.database.tenant(by.tenant);
        let mut tx = database.write(Durability::Safe).await?;
        let Some(errors) = rows::one(&mut tx, run).await?.and_then(|run| run.errors()) else {
            return Ok(None);
        };
        let (with, now) = ((&database, &self.on.keys), self.on.clock.now());
        let Ok(source) = uploads::source(&mut tx, with, now, &errors, "errors.csv").await? else {
            return Ok(None);
        };
        let detail = json!({ "encoding": encoding.as_str() });
        self.record(&tx, by, run, "statements.errors", detail).await?;
        tx.commit().await?;
        Ok(Some(source))
    }

    /// Leaves it to a worker, of whom one of a kind is at work. Where that is refused nothing may be committed.
    async fn put_to_work(
        &self,
        tx: &mut TenantTransaction,
        run: &Run,
        to: RunState,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, DatabaseError> {
        rows::break_dead(tx, run.kind, now).await?;
        let job = jobs::enqueue(tx, &self.on.keys, now, now, &StatementRun { run: run.run_id }).await?;
        Ok(match rows::begin_work(tx, run, (to, job), now).await? {
            rows::Begun::Yes => Outcome::Done(()),
            rows::Begun::MovedOn => reasons::RUN_MOVED_ON.into(),
            rows::Begun::AnotherIsAtWork => reasons::ANOTHER_RUN.into(),
        })
    }

    async fn record(
        &self,
        tx: &TenantTransaction,
        by: By<'_>,
        run: ImportId,
        action: &'static str,
        detail: Value,
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: by.actor,
            action,
            object: Some(("statement_run", run.0)),
            outcome: "done",
            detail,
        };
        audit::record(tx, self.on.clock.now(), by.origin, entry).await
    }
}

impl Run {
    /// True where somebody has to say that what is unusual about the file is right before it is loaded.
    pub fn has_doubts(&self) -> bool {
        !self.doubts().is_empty()
    }

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

/// Commits what was done, and nothing of what was refused.
async fn committed(tx: TenantTransaction, done: Outcome<()>) -> Result<Outcome<()>, Outage> {
    if matches!(done, Outcome::Done(())) {
        tx.commit().await?;
    }
    Ok(done)
}
