//! A run at work: a job compares or imports its file, tells how far it is, and stops where somebody ends the run. Killed, it
//! is taken up by another worker from the beginning: what was not committed is not there.

use super::{
    Author, ERRORS, Guard, Runs,
    lately::{Lately, lately},
    rested,
    rows::{self, Counts, Run, RunState, Shown},
    shut::WHY_SHUT,
};
use crate::{
    forget,
    import::{Bounds, ImportError, ImportRefused, Options, Progress, Relations, Report, Sample, Wish, import_as},
};
use access::scope::IMPORTS_WRITE;
use audit::{Actor, Origin};
use chrono::NaiveDate;
use database::{DatabaseError, Durability, TenantDatabase};
use jobs::{Job, JobError, Jobs, Worker};
use kernel::{ClientId, Clock, ImportId, TenantId};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tabular::{Source, uploads};

/// Between two looks whether the run goes on, which also tell how far it is.
const BEAT: Duration = Duration::from_secs(1);
/// Until the insurer's roster is looked for again that another import has.
const TURN: Duration = Duration::from_secs(2);

/// One run's comparing or importing; which of both, its row says.
#[derive(Serialize, Deserialize)]
pub(super) struct RosterRun {
    pub(super) run: ImportId,
}

impl Job for RosterRun {
    const QUEUE: &'static str = "roster";
    const PATIENCE: Duration = Duration::from_hours(3);
}

/// How far a run is, for whoever looks at its page; and whether it is to go on.
pub(super) struct Watch<'a> {
    database: TenantDatabase,
    run: ImportId,
    state: RunState,
    clock: &'a Clock,
    at: Mutex<(&'static str, u64, u64)>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(database: TenantDatabase, run: ImportId, state: RunState, clock: &'a Clock) -> Self {
        Self {
            database,
            run,
            state,
            clock,
            at: Mutex::new(("", 0, 0)),
        }
    }

    /// Remembers how far the import is.
    pub(super) fn see(&self, progress: Progress) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, rows, _) = *at;
        *at = match progress {
            Progress::Reading { rows, read } => ("reading", rows, read.percent()),
            Progress::Comparing => ("comparing", rows, 100),
            Progress::Merging => ("merging", rows, 100),
        };
    }

    /// Tells it, second by second; ends where somebody ends the run. A database that is away ends nothing, nor does the
    /// import's own end, which whoever awaits it is about to hear of.
    pub(super) async fn until_ended(&self) {
        loop {
            match self.beat().await {
                Ok(None | Some(RunState::Finished)) => {}
                Ok(Some(_)) => return,
                Err(error) => tracing::warn!(%error, "the progress of an import is not told"),
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// What the run has become, where it is no longer at this work; one that is not there any more was ended.
    async fn beat(&self) -> Result<Option<RunState>, DatabaseError> {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tx = self.database.write(Durability::Relaxed).await?;
        let goes_on = rows::beat(&mut tx, self.run, self.state, at, self.clock.now()).await?;
        let other = if goes_on {
            None
        } else {
            let found = rows::one(&mut tx, self.run).await?;
            Some(found.map_or(RunState::Cancelled, |run| run.state))
        };
        tx.commit().await?;
        Ok(other)
    }
}

/// What a run is about.
enum Work {
    /// A file, to be compared or imported, and what other imports lost lately.
    File(Source, Lately),
    /// A file that is not there any more, and why.
    Gone(String),
    /// An import to be undone, and what others lost lately.
    Undo(ImportId, Lately),
}

/// What came of one try.
type Tried = Result<(Report, Vec<Sample>), ImportError>;

impl Runs {
    /// Adds to a worker what compares and imports.
    #[must_use]
    pub fn served_by(&self, worker: Worker) -> Worker {
        let runs = self.clone();
        let (database, keys, clock) = (self.database.clone(), self.keys.clone(), self.clock.clone());
        worker.serving(Jobs::new(database, keys, clock, move |tenant, job: RosterRun| {
            let runs = runs.clone();
            async move { runs.work(tenant, job.run).await.map_err(JobError::from) }
        }))
    }

    async fn work(&self, tenant: TenantId, run: ImportId) -> Result<(), DatabaseError> {
        let database = self.database.tenant(tenant);
        let insurer = self.directory.by_tenant(tenant).await?;
        loop {
            let mut tx = database.write(Durability::Safe).await?;
            let found = rows::one(&mut tx, run).await?.filter(|run| run.state.is_at_work());
            let (Some(found), Some(insurer)) = (found, &insurer) else {
                return Ok(());
            };
            let (with, now) = ((&database, &self.keys), self.clock.now());
            let work = match found.undoes {
                Some(undoes) => Work::Undo(undoes, lately(&mut tx, now, Some(undoes)).await?),
                None => match uploads::source(&mut tx, with, now, &found.upload(), &found.file_name).await? {
                    // No other run ends while this one is at work.
                    Ok(source) => Work::File(source, lately(&mut tx, now, None).await?),
                    Err(gone) => Work::Gone(gone.to_string()),
                },
            };
            tx.commit().await?;
            let watch = Watch::new(database.clone(), run, found.state, &self.clock);
            let tried = async {
                match work {
                    Work::Undo(undoes, lately) => {
                        let report = self.undo_once(insurer, (&found, lately), undoes, &watch).await?;
                        Ok((report, Vec::new()))
                    }
                    Work::File(source, lately) => self.try_once(insurer, (&found, lately), source, &watch).await,
                    Work::Gone(why) => Err(std::io::Error::other(why).into()),
                }
            };
            let tried = tokio::select! {
                tried = tried => tried,
                () = watch.until_ended() => return Ok(()),
            };
            if matches!(tried, Err(ImportError::Refused(ImportRefused::Running))) {
                // The command line has it, or the process of before has not quite ended.
                tokio::time::sleep(TURN).await;
                continue;
            }
            if tried.is_err() {
                // How far it came.
                watch.beat().await?;
            }
            return self.note(&database, &found, tried).await;
        }
    }

    async fn try_once(
        &self,
        insurer: &tenancy::Insurer,
        (run, lately): (&Run, Lately),
        file: Source,
        watch: &Watch<'_>,
    ) -> Tried {
        let options = Options {
            dry_run: run.state == RunState::Comparing,
            forgotten_before: Some(self.lost_before()),
            ..Options::default()
        };
        let wish = Wish {
            options,
            by: (run.importer().map_or(Actor::System, Author::actor), Origin::worker()),
            run: Some(run.run_id),
            mapping: Some(run.mapping.clone()),
            bounds: Some(run.bounds(lately)),
            goes_on: run.goes_on_for().filter(|_| run.state == RunState::Comparing),
        };
        import_as((&self.database, &self.keys), insurer, file, wish, &self.clock, |at| {
            watch.see(at);
        })
        .await
    }

    /// Who lost coverage before this day is forgotten.
    pub(super) fn lost_before(&self) -> NaiveDate {
        forget::lost_before(self.clock.now(), self.kept)
    }

    /// Notes what came of it. The end of an import that was not refused is noted already, with the import.
    async fn note(&self, database: &TenantDatabase, run: &Run, tried: Tried) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let mut tx = database.write(Durability::Safe).await?;
        let error = match tried {
            Ok((report, samples)) if report.dry_run => {
                let before = rows::shown(&mut tx, &self.keys, run.run_id).await?.unwrap_or_default();
                let shown = compared(before, &report, samples);
                let counts = Counts::from(&report);
                let is_there = rows::compared(&mut tx, &self.keys, run.run_id, (&counts, &shown), now).await?;
                if is_there && run.started_by.is_some_and(Author::is_client) {
                    rested(&mut tx, now, run.run_id, RunState::Compared);
                }
                if let Some(program) = run.goes_on_for() {
                    let insurer = tenancy::insurer_of(&tx).await?;
                    let guard = Guard::of(&insurer, report.vanishing, report.corrected.persons);
                    if let Some(guard) = guard {
                        self.leave_to_staff(&tx, run, guard.code()).await?;
                    } else if !clients::may(&tx, now, program, IMPORTS_WRITE).await? {
                        self.leave_to_staff(&tx, run, WHY_SHUT).await?;
                    }
                }
                return tx.commit().await;
            }
            Ok(_) => {
                uploads::erase(&mut tx, &run.upload()).await?;
                return tx.commit().await;
            }
            Err(ImportError::Outage(error)) => return Err(error),
            Err(error) => error,
        };
        let counts = Counts {
            encoding: run.counts.encoding.clone(),
            ..Counts::of(&error)
        };
        // False where somebody ended it before.
        if rows::end(&mut tx, run.run_id, &[run.state], RunState::Refused, Some(&counts), now).await? {
            uploads::erase(&mut tx, &run.upload()).await?;
            if run.undoes.is_none() {
                rested(&mut tx, now, run.run_id, RunState::Refused);
            }
            if let ImportError::Refused(ImportRefused::Rows(errors)) = error {
                let shown = Shown {
                    errors: errors.shown(),
                    ..Shown::default()
                };
                let is_coded = run.started_by.is_some_and(Author::is_client);
                let (with, whose) = ((&self.keys, now), (ERRORS, run.run_id.0));
                let file = errors.keep(&mut tx, with, whose, is_coded).await?;
                rows::keep_errors(&mut tx, &self.keys, run.run_id, (&shown, file)).await?;
            }
        }
        tx.commit().await
    }
}

impl Run {
    /// The program for which it goes on by itself.
    fn goes_on_for(&self) -> Option<ClientId> {
        match self.started_by {
            Some(Author::Client(client)) if self.goes_on => Some(client),
            _ => None,
        }
    }

    /// What of it was shown to whoever had it begin; more than usual lost was agreed to, or it would not have come here.
    pub(super) fn bounds(&self, lately: Lately) -> Bounds {
        Bounds {
            lately,
            allow_loss: self.counts.vanishing.is_too_much(),
            losses: self.counts.vanishing.lost(),
            corrections: self.counts.corrected,
        }
    }
}

fn compared(before: Shown, report: &Report, samples: Vec<Sample>) -> Shown {
    let Relations { unknown_words, .. } = &report.relations;
    let (unknown_columns, unknown_count) = before.and_unknown(&report.unknown_columns);
    Shown {
        unknown_columns,
        unknown_count,
        samples,
        corrected_lines: report.corrected.lines.clone(),
        unknown_words: unknown_words.iter().map(|(word, rows)| (word.clone(), *rows)).collect(),
        ..before
    }
}
