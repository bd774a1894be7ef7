//! What was imported, by whom, when, and what came of it: runs of the console and the command line, and the imports of before
//! there were any.

use super::{Runs, rows, rows::Run};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use kernel::{Outage, TenantId};

/// Lines of the history.
const LINES: i64 = 50;

/// An import of before there were runs.
#[derive(Debug, Clone, QueryableByName)]
pub struct Past {
    /// When it ended.
    #[diesel(sql_type = Timestamptz)]
    pub finished_at: DateTime<Utc>,
    /// What the file was called.
    #[diesel(sql_type = Text)]
    pub file_name: String,
    /// `finished` or `refused`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// As in a report.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// As in a report.
    #[diesel(sql_type = BigInt)]
    pub new_count: i64,
    /// As in a report.
    #[diesel(sql_type = BigInt)]
    pub changed_count: i64,
    /// As in a report.
    #[diesel(sql_type = BigInt)]
    pub returned_count: i64,
    /// As in a report.
    #[diesel(sql_type = BigInt)]
    pub lost_count: i64,
    /// As in a report.
    #[diesel(sql_type = BigInt)]
    pub error_count: i64,
}

impl Runs {
    /// The last runs and, behind them, imports without one; the last first.
    pub async fn history(&self, tenant: TenantId) -> Result<(Vec<Run>, Vec<Past>), Outage> {
        let mut tx = self.database.tenant(tenant).read().await?;
        let runs = rows::last(&mut tx, LINES).await?;
        let past = diesel::sql_query(PAST)
            .bind::<Integer, _>(tenant)
            .bind::<BigInt, _>(LINES)
            .load(&mut *tx)
            .await
            .map_err(database::DatabaseError::from)?;
        tx.commit().await?;
        Ok((runs, past))
    }
}

const PAST: &str = "
    SELECT i.finished_at, i.file_name, i.state, i.rows, i.new_count, i.changed_count, i.returned_count, i.lost_count,
        i.error_count
    FROM roster_imports i
    WHERE i.tenant_id = $1
      AND NOT EXISTS (SELECT FROM roster_runs r WHERE r.tenant_id = $1 AND r.run_id = i.import_id)
    ORDER BY i.finished_at DESC LIMIT $2";
