//! The command line's imports: the same engine, seen in the same history, with the process itself as the worker.

use super::{
    rows::{self, Beginning, Counts, RunState},
    work::Watch,
};
use crate::import::{ImportError, ImportRefused, Options, Progress, Report, Wish, import_as};
use audit::{Actor, Origin};
use chrono::TimeDelta;
use database::{Database, Durability};
use kernel::{Clock, ImportId, UploadId};
use tabular::Source;
use tenancy::Insurer;

/// What the history calls whoever sits at the command line.
const COMMAND: &str = "コマンド";
/// After so long without a sign, of which there is one a second, the process of a run that has let the roster go has ended:
/// no worker goes on with a run of the command line.
const DEAD: TimeDelta = TimeDelta::seconds(5);

/// [`import`](crate::import::import) as an operator at the command line: its progress stands in the console, from where it
/// can be cancelled. A dry run leaves nothing.
pub async fn at_command(
    database: &Database,
    insurer: &Insurer,
    file: Source,
    options: Options,
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, ImportError> {
    let by = (Actor::Operator, Origin::command());
    if options.dry_run {
        return crate::import::import(database, insurer, file, options, by, clock, progress).await;
    }
    let run = begin(database, insurer, file.name(), clock).await?;
    let wish = Wish {
        options,
        by,
        run: Some(run),
        mapping: None,
    };
    let watch = Watch::new(database.tenant(insurer.tenant_id), run, RunState::Running, clock);
    let told = |at: Progress| {
        watch.see(at);
        progress(at);
    };
    let done = tokio::select! {
        done = import_as(database, insurer, file, wish, clock, told) => done,
        () = watch.until_ended() => Err(ImportRefused::Cancelled.into()),
    };
    match done {
        Ok((report, _)) => Ok(report),
        Err(error) => {
            let mut tx = database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
            let state = match error {
                ImportError::Refused(_) => RunState::Refused,
                ImportError::File(_) | ImportError::Outage(_) => RunState::Broken,
            };
            let counts = Counts::of(&error);
            rows::end(&mut tx, run, &[RunState::Running], state, Some(&counts), clock.now()).await?;
            tx.commit().await?;
            Err(error)
        }
    }
}

async fn begin(database: &Database, insurer: &Insurer, file: &str, clock: &Clock) -> Result<ImportId, ImportError> {
    let now = clock.now();
    let run_id = ImportId::new(now);
    let mut tx = database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
    if let Some(other) = rows::at_work(&mut tx).await?
        && other.started_by.is_none()
        && other.moved_at + DEAD < now
        && !rows::is_held(&mut tx).await?
    {
        rows::end(&mut tx, other.run_id, &[RunState::Running], RunState::Broken, None, now).await?;
    }
    let beginning = Beginning {
        run_id,
        state: RunState::Running,
        started_by: None,
        by_name: COMMAND,
        file_name: file,
        upload_id: UploadId(run_id.0),
    };
    let is_begun = rows::begin(&mut tx, &beginning, now).await?;
    tx.commit().await?;
    if is_begun {
        Ok(run_id)
    } else {
        Err(ImportRefused::Running.into())
    }
}
