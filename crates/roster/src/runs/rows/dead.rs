//! A run that nobody works on any more: its job is dead, or the process of the command line is. It is ended, so that the next
//! one may begin.

use super::{Run, RunState, at_work, end};
use crate::{import::is_imported, runs::rested};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use tabular::uploads;

/// After so long without a sign, of which there is one a second while it is worked on, it is looked at whether a run is dead.
const SILENT: TimeDelta = TimeDelta::seconds(5);
/// After so long it is, where nobody noted which job has it.
const SILENT_JOB: TimeDelta = TimeDelta::hours(6);

impl Run {
    /// True where it may be dead.
    pub(in crate::runs) fn is_silent(&self, now: DateTime<Utc>) -> bool {
        self.state.is_at_work() && self.moved_at + SILENT < now
    }
}

async fn is_dead(tx: &mut TenantTransaction, run: &Run, now: DateTime<Utc>) -> Result<bool, DatabaseError> {
    if let Some(job) = run.job_id {
        return Ok(!jobs::is_open(tx, job).await?);
    }
    // No worker goes on with a run of the command line.
    let may_be_dead = run.started_by.is_none() || run.moved_at + SILENT_JOB < now;
    Ok(may_be_dead && !is_imported(tx).await?)
}

/// Ends the run at work where it is dead, so that the next one may begin.
pub(in crate::runs) async fn break_dead(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    if let Some(run) = at_work(tx).await?.filter(|run| run.is_silent(now))
        && is_dead(tx, &run, now).await?
        && end(tx, run.run_id, &[run.state], RunState::Broken, None, now).await?
    {
        uploads::erase(tx, &run.upload()).await?;
        if run.undoes.is_none() {
            rested(tx, now, run.run_id, RunState::Broken);
        }
    }
    Ok(())
}
