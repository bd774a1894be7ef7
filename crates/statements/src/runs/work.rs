//! A run at work: a job checks its file or loads it, tells how far it is, and stops where somebody ends the run. Killed, it is taken
//! up by another worker from the beginning: what was loaded by then is seen by nobody, and given up.

use super::{
    ERRORS, Runs,
    report::{Found, Report},
    rows::{self, Run, RunState},
    shown::Shown,
};
use crate::{
    delivery,
    import::{ImportError, Imported, Progress, Wish},
    reading::MAX_ROWS,
    reasons::{ImportRefused, RowErrors},
};
use audit::Origin;
use database::{DatabaseError, Durability, TenantDatabase, TenantTransaction};
use jobs::{Job, JobError, Jobs, Worker};
use kernel::{Clock, ImportId, TenantId};
use serde::{Deserialize, Serialize};
use std::{
    error::Error,
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tabular::{Source, uploads};
use tenancy::Insurer;

/// Between two looks whether the run goes on, which also tell how far it is.
const BEAT: Duration = Duration::from_secs(1);
/// Until the kind is asked for again that another load has.
const TURN: Duration = Duration::from_secs(2);
/// The words for what is no refusal of the import itself: a file that is published already, and one that can't be read.
const SAME_FILE: &str = "same_file";
const UNREAD: &str = "file";
/// What is said of a file that is not there any more, or can't be read.
const GONE: &str =
    "読み込んだファイルが残っていないか、読めませんでした。何も取り込んでいません。ファイルを選び直してください。";

/// One run's check or load; which of both, its row says.
#[derive(Serialize, Deserialize)]
pub(super) struct StatementRun {
    pub(super) run: ImportId,
}

impl Job for StatementRun {
    const QUEUE: &'static str = "statement_runs";
    const PATIENCE: Duration = Duration::from_hours(3);
}

/// How far a run is, for whoever looks at its page; and whether it is to go on.
struct Watch<'a> {
    database: TenantDatabase,
    run: (ImportId, RunState),
    clock: &'a Clock,
    at: Mutex<(&'static str, u64, u64)>,
}

impl Watch<'_> {
    /// Remembers how far it is.
    fn see(&self, progress: Progress) {
        let at = match progress {
            Progress::Checking { rows, percent } => ("checking", rows, percent),
            Progress::Loading { rows, percent } => ("loading", rows, percent),
        };
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Tells it, second by second; ends where somebody ends the run. A database that is away ends nothing, nor does the load's
    /// own end, which whoever awaits it is about to hear of.
    async fn until_ended(&self) {
        loop {
            match self.goes_on().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "the progress of an import of statements is not told"),
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    async fn goes_on(&self) -> Result<bool, DatabaseError> {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tx = self.database.write(Durability::Relaxed).await?;
        let goes_on = rows::beat(&mut tx, self.run, at, self.clock.now()).await? || {
            let found = rows::one(&mut tx, self.run.0).await?;
            found.is_some_and(|run| run.state == RunState::Loaded)
        };
        tx.commit().await?;
        Ok(goes_on)
    }
}

impl Runs {
    /// Adds to a worker what checks and loads.
    pub(crate) fn served_by(&self, worker: Worker) -> Worker {
        let runs = self.clone();
        let (database, keys, clock) = (self.on.database.clone(), self.on.keys.clone(), self.on.clock.clone());
        worker.serving(Jobs::new(database, keys, clock, move |tenant, job: StatementRun| {
            let runs = runs.clone();
            async move { Box::pin(runs.work(tenant, job.run)).await }
        }))
    }

    async fn work(&self, tenant: TenantId, run: ImportId) -> Result<(), JobError> {
        let database = self.on.database.tenant(tenant);
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(());
        };
        loop {
            let mut tx = database.write(Durability::Safe).await?;
            let Some(found) = rows::one(&mut tx, run).await?.filter(|run| run.state.is_at_work()) else {
                return Ok(());
            };
            let file = self.twice(&mut tx, &database, &found).await?;
            self.give_up_load(&mut tx, run).await?;
            tx.commit().await?;
            let watch = Watch {
                database: database.clone(),
                run: (run, found.state),
                clock: &self.on.clock,
                at: Mutex::new(("", 0, 0)),
            };
            let tried = tokio::select! {
                tried = self.try_once(&insurer, &found, file, &watch) => Some(tried),
                () = watch.until_ended() => None,
            };
            let Some(tried) = tried else {
                let mut tx = database.write(Durability::Safe).await?;
                self.give_up_load(&mut tx, run).await?;
                return Ok(tx.commit().await?);
            };
            if let Err(ImportError::Refused(ImportRefused::AtWork | ImportRefused::TakenOver)) = tried {
                // The command line has the kind, the process of before has not quite ended, or somebody ended the run.
                tokio::time::sleep(TURN).await;
                continue;
            }
            // How far it came.
            watch.goes_on().await?;
            return self.note(&database, &found, tried).await;
        }
    }

    /// Gives up what a run has loaded so far: a process that died over it, or that somebody stopped.
    async fn give_up_load(&self, tx: &mut TenantTransaction, run: ImportId) -> Result<(), DatabaseError> {
        let loading = rows::one(tx, run).await?.and_then(|run| run.delivery);
        match loading {
            Some(delivery) => delivery::give_up_load(tx, self.on.clock.now(), delivery).await,
            None => Ok(()),
        }
    }

    /// The file as an import opens it: once to look, once to load. Nothing where it is gone.
    async fn twice(
        &self,
        tx: &mut TenantTransaction,
        database: &TenantDatabase,
        run: &Run,
    ) -> Result<Vec<Source>, DatabaseError> {
        let (with, now, upload) = ((database, &self.on.keys), self.on.clock.now(), run.upload());
        let mut sources = Vec::new();
        for _ in 0..2 {
            sources.extend(uploads::source(tx, with, now, &upload, &run.file_name).await?.ok());
        }
        Ok(sources)
    }

    async fn try_once(
        &self,
        insurer: &Insurer,
        run: &Run,
        file: Vec<Source>,
        watch: &Watch<'_>,
    ) -> Result<Imported, ImportError> {
        let is_check = run.state == RunState::Checking;
        let agreed = if run.agreed { run.doubts() } else { Vec::new() };
        let has_agreed = |code: &str| is_check || agreed.iter().any(|doubt| doubt.code() == code);
        let wish = Wish {
            kind: run.kind,
            label: run.label,
            dry_run: is_check,
            allow_deviation: has_agreed("deviates"),
            allow_unmatched: has_agreed("unmatched"),
            max_rows: MAX_ROWS,
            mapping: run.mapping.clone(),
            run: (!is_check).then_some(run.run_id),
            by: (run.loader().actor(), Origin::worker()),
        };
        let file = Mutex::new(file);
        let open = || {
            let next = file.lock().unwrap_or_else(PoisonError::into_inner).pop();
            next.unwrap_or_else(|| Source::new(run.file_name.clone(), || Err(io::ErrorKind::NotFound.into())))
        };
        self.on.import(insurer, open, wish, |at| watch.see(at)).await
    }

    /// Notes what came of it. The end of a load is noted already, with the load.
    async fn note(
        &self,
        database: &TenantDatabase,
        run: &Run,
        tried: Result<Imported, ImportError>,
    ) -> Result<(), JobError> {
        let (mut errors, mut report) = (None, Report::default());
        match tried {
            Ok(Imported::Loaded { .. }) => return Ok(()),
            Ok(Imported::Checked(checked)) => {
                let mut tx = database.write(Durability::Safe).await?;
                let found = (Found::from(&checked), checked.unknown_columns);
                rows::checked(&mut tx, &self.on.keys, run, found, self.on.clock.now()).await?;
                if run.goes_on {
                    self.go_on(&mut tx, run.run_id).await?;
                }
                return Ok(tx.commit().await?);
            }
            Ok(Imported::Nothing { delivery }) => {
                SAME_FILE.clone_into(&mut report.refused_code);
                report.refused = format!(
                    "同じファイルを、第{}版としてもう公開しています。取り込むものはありません。",
                    delivery.version
                );
            }
            Err(ImportError::Outage(outage)) => return Err(JobError(outage.to_string())),
            Err(ImportError::File(error)) => {
                // A piece of the file that the database did not give is no fault of the file.
                let cause = error.into_inner();
                if let Some(Ok(outage)) = cause.map(<dyn Error + Send + Sync>::downcast::<DatabaseError>) {
                    return Err(JobError::from(*outage));
                }
                UNREAD.clone_into(&mut report.refused_code);
                GONE.clone_into(&mut report.refused);
            }
            Err(ImportError::Refused(why)) => {
                why.code().clone_into(&mut report.refused_code);
                report.refused = why.to_string();
                if let ImportRefused::Rows(of_rows) = why {
                    report.errors = of_rows.count();
                    errors = Some(of_rows);
                }
            }
        }
        report.encoding.clone_from(&run.report.encoding);
        Ok(self.refuse(database, run, &report, errors).await?)
    }

    /// Ends the run, unless somebody has ended it before: the file goes, what is wrong with it stays for those who mend it.
    async fn refuse(
        &self,
        database: &TenantDatabase,
        run: &Run,
        report: &Report,
        errors: Option<RowErrors>,
    ) -> Result<(), DatabaseError> {
        let now = self.on.clock.now();
        let mut tx = database.write(Durability::Safe).await?;
        // The delivery's head before the run's row, as whoever loads takes them.
        self.give_up_load(&mut tx, run.run_id).await?;
        if rows::end(&mut tx, run.run_id, &[run.state], RunState::Refused, Some(report), now).await? {
            uploads::erase(&mut tx, &run.upload()).await?;
            if let Some(errors) = errors {
                let shown = Shown {
                    errors: errors.shown(),
                    ..Shown::default()
                };
                let (with, whose) = ((&self.on.keys, now), (ERRORS, run.run_id.0));
                let file = errors.keep(&mut tx, with, whose, run.started_by.is_client()).await?;
                rows::keep_errors(&mut tx, &self.on.keys, run.run_id, (&shown, file)).await?;
            }
        }
        tx.commit().await
    }
}
