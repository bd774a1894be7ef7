//! Locks for what has no row by which two transactions would wait for each other.

use crate::{DatabaseError, TenantTransaction};
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl as _;

impl TenantTransaction {
    /// Waits until nobody else has this lock, and has it until the transaction's end. `class` is a number of each use's own, and
    /// `of` is whose lock it is, such as the insurer's id: PostgreSQL knows it by these two numbers alone, whoever's rows the
    /// transaction sees.
    pub async fn advisory_lock(&mut self, class: i32, of: i32) -> Result<(), DatabaseError> {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1, $2)")
            .bind::<Integer, _>(class)
            .bind::<Integer, _>(of)
            .execute(&mut **self)
            .await?;
        Ok(())
    }
}
