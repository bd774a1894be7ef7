//! Forgetting a person whose coverage was lost long ago: the row is emptied, not deleted, for accounts and consents hang on
//! its id. An emptied person matches nobody and is nobody's.

use crate::{before, ended, held, letters, protection};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Date, Integer, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, calendar};

/// Who lost coverage before this day is forgotten, where people are `kept` so long.
pub fn lost_before(now: DateTime<Utc>, kept: TimeDelta) -> NaiveDate {
    calendar::today_in_japan(now - kept)
}

/// True where a day of loss would have somebody forgotten at once, whom the day of before would not.
pub(crate) fn is_at_once(before: Option<NaiveDate>, after: Option<NaiveDate>, lost_before: NaiveDate) -> bool {
    let is_past = |day: Option<NaiveDate>| day.is_some_and(|day| day < lost_before);
    is_past(after) && !is_past(before)
}

/// Empties up to `limit` persons who lost coverage before `lost_before`; who they were by id.
pub async fn empty(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    lost_before: NaiveDate,
    limit: i64,
) -> Result<Vec<PersonId>, DatabaseError> {
    let lost: Vec<Lost> = diesel::sql_query(LOST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(lost_before)
        .bind::<BigInt, _>(limit)
        .load(&mut **tx)
        .await?;
    // One by one: for a list of ids PostgreSQL may read a large insurer whole.
    for Lost { person_id } in &lost {
        diesel::sql_query(EMPTY)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Uuid, _>(person_id)
            .bind::<Timestamptz, _>(now)
            .execute(&mut **tx)
            .await?;
        diesel::sql_query(FORMER_NUMBERS)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Uuid, _>(person_id)
            .execute(&mut **tx)
            .await?;
        before::forget(tx, *person_id).await?;
        held::forget(tx, *person_id).await?;
        ended::forget(tx, *person_id).await?;
        protection::forget(tx, *person_id).await?;
        letters::forget(tx, *person_id).await?;
    }
    Ok(lost.into_iter().map(|lost| lost.person_id).collect())
}

/// Those of these people who are forgotten by now.
pub async fn forgotten(tx: &TenantTransaction, people: &[PersonId]) -> Result<Vec<PersonId>, DatabaseError> {
    let forgotten = diesel::sql_query(FORGOTTEN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(people);
    let forgotten: Vec<Lost> = Prepared(forgotten).load(&mut &**tx).await?;
    Ok(forgotten.into_iter().map(|lost| lost.person_id).collect())
}

#[derive(QueryableByName)]
struct Lost {
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
}

const LOST: &str = "
    SELECT person_id FROM persons
    WHERE tenant_id = $1 AND emptied_at IS NULL AND lost_on < $2 ORDER BY lost_on LIMIT $3";

/// The day of loss stays: without it they would be covered.
const EMPTY: &str = "
    UPDATE persons SET
        symbol = '', symbol_key = '', number = '', number_key = '', branch = '', branch_key = '', kana_name = '',
        kana_strict = '', kana_fold1 = '', kana_fold2 = '', name = '', name_key = '', gender = '',
        birth_date = '0001-01-01', email_key = '', phone_key = '', registered = false,
        attribute = '', relationship = '', relation = NULL, insured = false, acquired_on = NULL, present = false,
        postal_code = '', address = '', building = '', phone = '', email = '', workplace_code = '', department_code = '',
        distribution_code = '', employee_number = '', employee_key = '', personal_id = '', updated_at = $3,
        emptied_at = $3
    WHERE tenant_id = $1 AND person_id = $2";

/// One after the other, each by its key.
const FORGOTTEN: &str = "
    SELECT a.person_id FROM unnest($2::uuid[]) AS a (person_id)
    CROSS JOIN LATERAL (
        SELECT p.emptied_at FROM persons p WHERE p.tenant_id = $1 AND p.person_id = a.person_id OFFSET 0
    ) AS p
    WHERE p.emptied_at IS NOT NULL";

const FORMER_NUMBERS: &str = "DELETE FROM person_numbers WHERE tenant_id = $1 AND person_id = $2";
