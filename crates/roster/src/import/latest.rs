//! The import that ended last.

use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

/// The import that ended last, finished or refused.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct LastImport {
    /// `finished` or `refused`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// True of one that undoes another.
    #[diesel(sql_type = Bool)]
    pub is_undoing: bool,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(sql_type = Timestamptz)]
    pub finished_at: DateTime<Utc>,
    /// Rows taken.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Persons who are new.
    #[diesel(sql_type = BigInt)]
    pub new_count: i64,
    /// Persons of whom something changed.
    #[diesel(sql_type = BigInt)]
    pub changed_count: i64,
    /// Persons who are back.
    #[diesel(sql_type = BigInt)]
    pub returned_count: i64,
    /// Persons who lost coverage.
    #[diesel(sql_type = BigInt)]
    pub lost_count: i64,
    /// Rows that could not be taken.
    #[diesel(sql_type = BigInt)]
    pub error_count: i64,
}

/// The import that ended last; none where there was none.
pub async fn last(tx: &TenantTransaction) -> Result<Option<LastImport>, DatabaseError> {
    let query = diesel::sql_query(LAST).bind::<Integer, _>(tx.tenant());
    Ok(Prepared(query).get_result(&mut &**tx).await.optional()?)
}

// Ids grow with time.
const LAST: &str = "\
SELECT i.state, i.started_at, i.finished_at, i.rows, i.new_count, i.changed_count, i.returned_count, i.lost_count,
    i.error_count, EXISTS (
        SELECT FROM roster_runs r WHERE r.tenant_id = $1 AND r.run_id = i.import_id AND r.undoes IS NOT NULL
    ) AS is_undoing
FROM roster_imports i WHERE i.tenant_id = $1 ORDER BY i.import_id DESC LIMIT 1";
