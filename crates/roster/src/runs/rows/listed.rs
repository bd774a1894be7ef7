//! Runs in lists; those whose file has not come to its end aside.

use super::{Row, Run, RunState, schema::roster_runs};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::ImportId;

/// The last ones, the last first.
pub(in crate::runs) async fn last(tx: &mut TenantTransaction, limit: i64) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::state.ne(RunState::Receiving.as_str()))
        .order(roster_runs::created_at.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// The last begun first, by their ids, which tell when that was: so many of them before one.
pub(in crate::runs) async fn page(
    tx: &mut TenantTransaction,
    before: ImportId,
    limit: i64,
) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::run_id.lt(before))
        .filter(roster_runs::state.ne(RunState::Receiving.as_str()))
        .order(roster_runs::run_id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}
