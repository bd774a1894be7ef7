//! 世帯: the people who share a person's number.

use crate::{
    Person, Sight,
    person::{COLUMNS, PersonRow},
};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    pg::Pg,
    sql_types::{Array, Date, Integer, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// Whoever was covered on a day under the number that this person had then, the person among them, in the order of their
/// branches. One statement.
pub async fn household(
    tx: &TenantTransaction,
    sight: &Sight,
    person: PersonId,
    day: NaiveDate,
) -> Result<Vec<Person>, DatabaseError> {
    let sql = HOUSEHOLD
        .replace("{columns}", COLUMNS)
        .replace("{seen}", &sight.condition(4));
    let query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .bind::<Date, _>(day);
    let rows: Vec<PersonRow> = Prepared(sight.bind(query)).load(&mut &**tx).await?;
    rows.into_iter().map(Person::try_from).collect()
}

/// These people, covered or not, in the order of their numbers and branches; whoever is forgotten is left out. One statement.
pub async fn people(tx: &TenantTransaction, people: &[PersonId]) -> Result<Vec<Person>, DatabaseError> {
    let query = diesel::sql_query(PEOPLE.replace("{columns}", COLUMNS))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(people);
    let rows: Vec<PersonRow> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(Person::try_from).collect()
}

/// One by one, by their key: how many there are PostgreSQL doesn't know when it plans.
const PEOPLE: &str = "\
SELECT {columns} FROM unnest($2::uuid[]) AS asked (person_id) CROSS JOIN LATERAL (
    SELECT * FROM persons q
    WHERE q.tenant_id = $1 AND q.person_id = asked.person_id AND q.emptied_at IS NULL OFFSET 0) p
ORDER BY p.symbol_key, p.number_key, p.branch_key, p.person_id";

/// A number counted up to the day on which it was left: whose number of that day it is says the first that ended later, else
/// the present one.
const HOUSEHOLD: &str = "\
WITH own AS MATERIALIZED (
    (SELECT n.symbol_key, n.number_key FROM person_numbers n
     WHERE n.tenant_id = $1 AND n.person_id = $2 AND n.ended_on > $3 ORDER BY n.import_id LIMIT 1)
    UNION ALL
    SELECT p.symbol_key, p.number_key FROM persons p WHERE p.tenant_id = $1 AND p.person_id = $2
    LIMIT 1
), people AS MATERIALIZED (
    SELECT p.person_id FROM own JOIN persons p ON p.symbol_key = own.symbol_key AND p.number_key = own.number_key
    WHERE p.tenant_id = $1 AND NOT EXISTS (
        SELECT FROM person_numbers n WHERE n.tenant_id = $1 AND n.person_id = p.person_id AND n.ended_on > $3)
    UNION
    SELECT n.person_id FROM own JOIN person_numbers n ON n.symbol_key = own.symbol_key AND n.number_key = own.number_key
    WHERE n.tenant_id = $1 AND n.ended_on > $3 AND NOT EXISTS (
        SELECT FROM person_numbers b
        WHERE b.tenant_id = $1 AND b.person_id = n.person_id AND b.ended_on > $3 AND b.import_id < n.import_id)
)
SELECT {columns} FROM people JOIN persons p ON p.person_id = people.person_id
WHERE p.tenant_id = $1 AND p.emptied_at IS NULL
  AND (p.acquired_on IS NULL OR p.acquired_on <= $3) AND (p.lost_on IS NULL OR p.lost_on > $3){seen}
ORDER BY p.branch_key, p.person_id";
