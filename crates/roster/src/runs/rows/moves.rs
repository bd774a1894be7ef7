//! How runs move: put to work, told of second by second, compared, ended.

use super::{
    Counts, RunState, Shown, at_work, json, of,
    schema::roster_runs,
    shown::{seal, shown},
};
use crate::{import::Report, runs::Author};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ImportId, Keys};

/// Whether a run was put to work.
pub(in crate::runs) enum Begun {
    Yes,
    /// It is no longer where it was.
    MovedOn,
    /// One is at work already.
    AnotherIsAtWork,
}

/// Puts it to work. Where two are at the same moment, one of them breaks off at the index, as an outage; told apart before
/// wherever the other is there to be seen.
pub(in crate::runs) async fn begin_work(
    tx: &mut TenantTransaction,
    run: ImportId,
    from: RunState,
    to: RunState,
    now: DateTime<Utc>,
) -> Result<Begun, DatabaseError> {
    if at_work(tx).await?.is_some_and(|other| other.run_id != run) {
        return Ok(Begun::AnotherIsAtWork);
    }
    let updated = diesel::update(of(tx, run).filter(roster_runs::state.eq(from.as_str())))
        .set((
            roster_runs::state.eq(to.as_str()),
            roster_runs::stage.eq(""),
            roster_runs::rows.eq(0),
            roster_runs::percent.eq(0),
            roster_runs::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await;
    match updated {
        Ok(0) => Ok(Begun::MovedOn),
        Ok(_) => Ok(Begun::Yes),
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
            Ok(Begun::AnotherIsAtWork)
        }
        Err(error) => Err(error.into()),
    }
}

/// Notes what of it whoever had it imported was shown.
pub(in crate::runs) async fn keep_counts(
    tx: &mut TenantTransaction,
    run: ImportId,
    counts: &Counts,
) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set(roster_runs::report.eq(json(counts)?))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes who of the staff had it imported, beside whoever brought it.
pub(in crate::runs) async fn decided_by(
    tx: &mut TenantTransaction,
    run: ImportId,
    (author, name): (Author, &str),
) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set((
            roster_runs::decided_by.eq(author.id()),
            roster_runs::decided_name.eq(name),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Its program wishes to import it, which from then on is no dry run: by itself, or where it may not, by the staff.
pub(in crate::runs) async fn wish(tx: &mut TenantTransaction, run: ImportId) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set(roster_runs::goes_on.eq(true))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How far a worker is; false where the run is no longer in that state.
pub(in crate::runs) async fn beat(
    tx: &mut TenantTransaction,
    run: ImportId,
    state: RunState,
    (stage, rows, percent): (&str, u64, u64),
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let updated = diesel::update(of(tx, run).filter(roster_runs::state.eq(state.as_str())))
        .set((
            roster_runs::stage.eq(stage),
            roster_runs::rows.eq(i64::try_from(rows).unwrap_or(i64::MAX)),
            roster_runs::percent.eq(i32::try_from(percent.min(100)).unwrap_or(100)),
            roster_runs::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(updated > 0)
}

/// The difference is known; false where somebody ended the run before.
pub(in crate::runs) async fn compared(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
    (counts, shown): (&Counts, &Shown),
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let updated = diesel::update(of(tx, run).filter(roster_runs::state.eq(RunState::Comparing.as_str())))
        .set((
            roster_runs::state.eq(RunState::Compared.as_str()),
            roster_runs::rows.eq(i64::try_from(counts.rows).unwrap_or(i64::MAX)),
            roster_runs::percent.eq(100),
            roster_runs::report.eq(json(counts)?),
            roster_runs::sealed.eq(seal(keys, tx, run, shown)?),
            roster_runs::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(updated > 0)
}

/// Ends a run that is open, or in one of these states alone where some are given; what was shown of its people goes. False
/// where it is not.
pub(in crate::runs) async fn end(
    tx: &mut TenantTransaction,
    run: ImportId,
    from: &[RunState],
    to: RunState,
    counts: Option<&Counts>,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let from: Vec<&str> = match from {
        [] => RunState::OPEN.to_vec(),
        some => some.iter().map(|state| state.as_str()).collect(),
    };
    let report = counts.map(json).transpose()?;
    let updated = diesel::update(of(tx, run).filter(roster_runs::state.eq_any(from)))
        .set((
            roster_runs::state.eq(to.as_str()),
            roster_runs::sealed.eq(None::<Vec<u8>>),
            roster_runs::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    if let Some(report) = report.filter(|_| updated > 0) {
        diesel::update(of(tx, run))
            .set(roster_runs::report.eq(report))
            .execute(&mut **tx)
            .await?;
    }
    Ok(updated > 0)
}

/// The end of an import that is watched, in its own transaction; what of its file meant nothing stays known. False where somebody
/// cancelled it.
pub(crate) async fn finish(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
    report: &Report,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let counts = Counts::from(report);
    // What was sent by a program goes on while it is compared.
    let at_work = [RunState::Comparing, RunState::Running];
    let before = shown(tx, keys, run).await?.unwrap_or_default();
    let (unknown_columns, unknown_count) = before.and_unknown(&report.unknown_columns);
    let left = Shown {
        unknown_columns,
        unknown_count,
        ..Shown::default()
    };
    if !end(tx, run, &at_work, RunState::Finished, Some(&counts), now).await? {
        return Ok(false);
    }
    diesel::update(of(tx, run))
        .set((
            roster_runs::rows.eq(i64::try_from(report.rows).unwrap_or(i64::MAX)),
            roster_runs::percent.eq(100),
            roster_runs::sealed.eq(Some(seal(keys, tx, run, &left)?).filter(|_| !left.unknown_columns.is_empty())),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(true)
}
