//! 記号・番号 over time. The present one stands with the person; what they had before is kept here.

use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Date, Integer, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// A number that somebody had.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct FormerNumber {
    /// 記号.
    #[diesel(sql_type = Text)]
    pub symbol: String,
    /// 番号.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// 枝番.
    #[diesel(sql_type = Text)]
    pub branch: String,
    /// The first day on which the next one counted.
    #[diesel(sql_type = Date)]
    pub ended_on: NaiveDate,
}

/// The numbers that a person had before the present one, the latest first.
pub async fn former_numbers(tx: &TenantTransaction, person: PersonId) -> Result<Vec<FormerNumber>, DatabaseError> {
    let query = diesel::sql_query(FORMER)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

const FORMER: &str = "\
SELECT symbol, number, branch, ended_on FROM person_numbers
WHERE tenant_id = $1 AND person_id = $2 ORDER BY import_id DESC";
