//! How runs move: put to work, told of second by second, ended, begun again.

use super::{Row, Run, RunState, json, of, of_insurer, one, words};
use crate::{
    delivery::DeliveryNo,
    kind::Kind,
    runs::{
        report::{Found, Report},
        shown::{Shown, seal, shown},
    },
    schema::statement_runs as t,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::RunQueryDsl;
use kernel::{ImportId, JobId, Keys, UploadId};
use tabular::uploads;

/// Whether a run was put to work.
pub(in crate::runs) enum Begun {
    Yes,
    /// It is no longer where it was.
    MovedOn,
    /// One of the kind is at work already.
    AnotherIsAtWork,
}

/// Puts it to work as a job. Where two are at the same moment, one of them breaks off at the index; told apart before wherever
/// the other is there to be seen.
pub(in crate::runs) async fn begin_work(
    tx: &mut TenantTransaction,
    run: &Run,
    (to, job): (RunState, JobId),
    now: DateTime<Utc>,
) -> Result<Begun, DatabaseError> {
    let other = at_work(tx, run.kind).await?;
    if other.is_some_and(|other| other.run_id != run.run_id) {
        return Ok(Begun::AnotherIsAtWork);
    }
    let updated = diesel::update(of(tx, run.run_id).filter(t::state.eq(run.state.as_str())))
        .set((
            t::state.eq(to.as_str()),
            t::job_id.eq(job),
            t::stage.eq(""),
            t::rows.eq(0),
            t::percent.eq(0),
            t::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await;
    match updated {
        Ok(0) => Ok(Begun::MovedOn),
        Ok(_) => Ok(Begun::Yes),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Begun::AnotherIsAtWork),
        Err(error) => Err(error.into()),
    }
}

/// The one of a kind that is at work.
async fn at_work(tx: &mut TenantTransaction, kind: Kind) -> Result<Option<Run>, DatabaseError> {
    let row: Option<Row> = of_insurer(tx.tenant())
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::state.eq_any(words(&RunState::AT_WORK)))
        .select(Row::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Run::try_from).transpose()
}

/// Says of the run at work that it is broken where its job is dead, so that the next one may begin. Its file stays.
pub(in crate::runs) async fn break_dead(
    tx: &mut TenantTransaction,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let Some(run) = at_work(tx, kind).await?.filter(|run| run.is_silent(now)) else {
        return Ok(());
    };
    let is_alive = match run.job_id {
        Some(job) => jobs::is_open(tx, job).await?,
        None => false,
    };
    if !is_alive {
        move_on(tx, run.run_id, run.state, RunState::Broken, now).await?;
    }
    Ok(())
}

/// A broken run is where it was when its file had come; false where it is not broken.
pub(in crate::runs) async fn begin_again(
    tx: &mut TenantTransaction,
    run: ImportId,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    move_on(tx, run, RunState::Broken, RunState::Received, now).await
}

async fn move_on(
    tx: &mut TenantTransaction,
    run: ImportId,
    from: RunState,
    to: RunState,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let moved = diesel::update(of(tx, run).filter(t::state.eq(from.as_str())))
        .set((t::state.eq(to.as_str()), t::moved_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(moved > 0)
}

/// How far a worker is; false where the run is no longer in that state.
pub(in crate::runs) async fn beat(
    tx: &mut TenantTransaction,
    (run, state): (ImportId, RunState),
    (stage, rows, percent): (&str, u64, u64),
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let updated = diesel::update(of(tx, run).filter(t::state.eq(state.as_str())))
        .set((
            t::stage.eq(stage),
            t::rows.eq(i64::try_from(rows).unwrap_or(i64::MAX)),
            t::percent.eq(i32::try_from(percent.min(100)).unwrap_or(100)),
            t::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(updated > 0)
}

/// What is in the file is known, and that it may be loaded.
pub(in crate::runs) async fn checked(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: &Run,
    (found, unknown_columns): (Found, Vec<String>),
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let report = Report {
        encoding: run.report.encoding.clone(),
        found: Some(found),
        ..Report::default()
    };
    let before = shown(tx, keys, run.run_id).await?.unwrap_or_default();
    let shown = before.with_unknown(&unknown_columns);
    diesel::update(of(tx, run.run_id).filter(t::state.eq(RunState::Checking.as_str())))
        .set((
            t::state.eq(RunState::Checked.as_str()),
            t::report.eq(json(&report)?),
            t::sealed.eq(seal(keys, tx, run.run_id, &shown)?),
            t::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes into which delivery a run loads, in the transaction that begins this; false where somebody ended the run.
pub(crate) async fn loads(
    tx: &mut TenantTransaction,
    run: ImportId,
    delivery: DeliveryNo,
) -> Result<bool, DatabaseError> {
    let updated = diesel::update(of(tx, run).filter(t::state.eq(RunState::Loading.as_str())))
        .set(t::delivery.eq(delivery.0))
        .execute(&mut **tx)
        .await?;
    Ok(updated > 0)
}

/// The end of a load of so many rows, in its own transaction; false where somebody ended the run before.
pub(crate) async fn loaded(
    tx: &mut TenantTransaction,
    run: ImportId,
    rows: u64,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let Some(found) = one(tx, run).await? else {
        return Ok(false);
    };
    uploads::erase(tx, &found.upload()).await?;
    let at = (found.stage.as_str(), rows, 100);
    beat(tx, (run, RunState::Loading), at, now).await?;
    end(tx, run, &[RunState::Loading], RunState::Loaded, None, now).await
}

/// Ends a run that is in one of these states; what was shown of its people goes. False where it is not.
pub(in crate::runs) async fn end(
    tx: &mut TenantTransaction,
    run: ImportId,
    from: &[RunState],
    to: RunState,
    report: Option<&Report>,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let updated = diesel::update(of(tx, run).filter(t::state.eq_any(words(from))))
        .set((
            t::state.eq(to.as_str()),
            t::sealed.eq(None::<Vec<u8>>),
            t::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    if let Some(report) = report.filter(|_| updated > 0) {
        diesel::update(of(tx, run))
            .set(t::report.eq(json(report)?))
            .execute(&mut **tx)
            .await?;
    }
    Ok(updated > 0)
}

/// Keeps the first errors of a refused file, and which file has them all.
pub(in crate::runs) async fn keep_errors(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
    (shown, errors): (&Shown, Option<UploadId>),
) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set((t::sealed.eq(seal(keys, tx, run, shown)?), t::errors_id.eq(errors)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
