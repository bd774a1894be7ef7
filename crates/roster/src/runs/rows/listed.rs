//! Runs in lists; those whose file has not come to its end aside.

use super::{Row, Run, RunState, schema::roster_runs};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Integer, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::ImportId;

/// What programs sent and the staff decide on.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Left {
    /// How many of them there are.
    #[diesel(sql_type = BigInt)]
    pub runs: i64,
    /// Since when the oldest waits.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// The oldest.
    #[diesel(sql_type = SqlUuid)]
    pub oldest: ImportId,
}

/// What of them waits; none where nothing does.
pub async fn left_to_staff(tx: &TenantTransaction) -> Result<Option<Left>, DatabaseError> {
    let left = diesel::sql_query(LEFT).bind::<Integer, _>(tx.tenant());
    Ok(Prepared(left).get_result(&mut &**tx).await.optional()?)
}

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

const LEFT: &str = "
    SELECT count(*) OVER () AS runs, moved_at AS since, run_id AS oldest
    FROM roster_runs
    WHERE tenant_id = $1 AND state = 'compared' AND by_client AND goes_on
    ORDER BY created_at, run_id LIMIT 1";
