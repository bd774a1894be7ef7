//! The command line's imports: the same engine, seen in the same history, with the process itself as the worker.

use super::{
    rested,
    rows::{self, Beginning, Counts, Format, RunState},
    work::Watch,
};
use crate::import::{ImportError, ImportRefused, Options, Progress, Report, Wish, import_as};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{Database, Durability, TenantTransaction};
use kernel::{Clock, ImportId, Keys, UploadId};
use tabular::Source;
use tenancy::Insurer;

/// What the history calls whoever sits at the command line.
const COMMAND: &str = "コマンド";
/// [`import`](crate::import::import) as an operator at the command line: its progress stands in the console, from where it
/// can be cancelled. A dry run leaves nothing.
pub async fn at_command(
    (database, keys): (&Database, &Keys),
    insurer: &Insurer,
    file: Source,
    options: Options,
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, ImportError> {
    let by = (Actor::Operator, Origin::command());
    if options.dry_run {
        return crate::import::import((database, keys), insurer, file, options, by, clock, progress).await;
    }
    let mut tx = database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
    let run = begin(&mut tx, (file.name(), None), clock.now()).await?;
    tx.commit().await?;
    let wish = Wish {
        options,
        by,
        run: Some(run),
        mapping: None,
        bounds: None,
        goes_on: None,
    };
    let watch = Watch::new(database.tenant(insurer.tenant_id), run, RunState::Running, clock);
    let told = |at: Progress| {
        watch.see(at);
        progress(at);
    };
    let import = import_as((database, keys), insurer, file, wish, clock, told);
    let (report, _) = watched(database, insurer, (run, &watch, true), clock, Box::pin(import)).await?;
    Ok(report)
}

/// Does it, unless somebody ends the run, whose end it notes; of a file, whoever follows imports is told of it.
pub(super) async fn watched<T>(
    database: &Database,
    insurer: &Insurer,
    (run, watch, is_file): (ImportId, &Watch<'_>, bool),
    clock: &Clock,
    work: impl Future<Output = Result<T, ImportError>>,
) -> Result<T, ImportError> {
    let done = tokio::select! {
        done = work => done,
        () = watch.until_ended() => Err(ImportRefused::Cancelled.into()),
    };
    let Err(error) = done else { return done };
    let mut tx = database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
    let state = match error {
        ImportError::Refused(_) => RunState::Refused,
        ImportError::File(_) | ImportError::Outage(_) => RunState::Broken,
    };
    let counts = Counts::of(&error);
    let now = clock.now();
    if rows::end(&mut tx, run, &[RunState::Running], state, Some(&counts), now).await? && is_file {
        rested(&mut tx, now, run, state);
    }
    tx.commit().await?;
    Err(error)
}

/// Begins a run of the command line, with a file or to undo an import.
pub(super) async fn begin(
    tx: &mut TenantTransaction,
    (file, undoes): (&str, Option<ImportId>),
    now: DateTime<Utc>,
) -> Result<ImportId, ImportError> {
    let run_id = ImportId::new(now);
    rows::break_dead(tx, now).await?;
    let beginning = Beginning {
        run_id,
        state: RunState::Running,
        started_by: None,
        by_name: COMMAND,
        file_name: file,
        upload_id: UploadId(run_id.0),
        undoes,
        goes_on: false,
        format: Format::Csv,
    };
    if rows::begin(tx, &beginning, now).await? {
        Ok(run_id)
    } else {
        Err(ImportRefused::Running.into())
    }
}
