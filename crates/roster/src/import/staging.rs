//! The file's rows in the database, in batches of arrays (COPY is refused under row-level security), and what only
//! shows when rows are compared with each other.

use super::{
    errors::{Reason, RowErrors},
    header::Column,
    rows::Row,
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// The text columns of `roster_staging`, in the order of [`texts`].
const TEXTS: [&str; 25] = [
    "symbol",
    "symbol_key",
    "number",
    "number_key",
    "branch",
    "branch_key",
    "kana_name",
    "kana_strict",
    "kana_fold1",
    "kana_fold2",
    "name",
    "gender",
    "attribute",
    "relationship",
    "postal_code",
    "address",
    "building",
    "phone",
    "email",
    "workplace_code",
    "department_code",
    "distribution_code",
    "employee_number",
    "employee_key",
    "personal_id",
];

/// Rows by column, as one statement takes them.
#[derive(Default)]
pub(super) struct Batch {
    lines: Vec<i64>,
    persons: Vec<PersonId>,
    birth_dates: Vec<NaiveDate>,
    acquired_on: Vec<Option<NaiveDate>>,
    lost_on: Vec<Option<NaiveDate>>,
    insured: Vec<bool>,
    texts: [Vec<String>; TEXTS.len()],
}

impl Batch {
    /// Rows in it.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[i64] {
        &self.lines
    }

    /// Adds a row, with the id that its person gets if the roster does not know them.
    pub(super) fn push(&mut self, line: u64, row: Row, now: DateTime<Utc>) {
        self.lines.push(i64::try_from(line).unwrap_or(i64::MAX));
        self.persons.push(PersonId::new(now));
        self.birth_dates.push(row.birth_date);
        self.acquired_on.push(row.acquired_on);
        self.lost_on.push(row.lost_on);
        self.insured.push(row.insured);
        for (column, text) in self.texts.iter_mut().zip(texts(row)) {
            column.push(text);
        }
    }
}

fn texts(row: Row) -> [String; TEXTS.len()] {
    let [fold1, fold2] = row.kana_name.fold_keys().clone();
    let (employee_number, employee_key) = row
        .employee_number
        .map(|number| (number.as_str().to_owned(), number.key().to_owned()))
        .unwrap_or_default();
    [
        row.symbol.as_str().to_owned(),
        row.symbol.key().to_owned(),
        row.number.as_str().to_owned(),
        row.number.key().to_owned(),
        row.branch.as_str().to_owned(),
        row.branch.key().to_owned(),
        row.kana_name.as_str().to_owned(),
        row.kana_name.strict_key().to_owned(),
        fold1,
        fold2,
        row.name,
        row.gender.to_owned(),
        row.attribute,
        row.relationship,
        row.postal_code,
        row.address,
        row.building,
        row.phone,
        row.email,
        row.workplace_code,
        row.department_code,
        row.distribution_code,
        employee_number,
        employee_key,
        row.personal_id,
    ]
}

/// Puts a batch into `roster_staging`.
pub(super) async fn insert(tx: &mut TenantTransaction, batch: Batch) -> Result<u64, DatabaseError> {
    let columns = TEXTS.join(", ");
    let arrays: Vec<String> = (0..TEXTS.len()).map(|nth| format!("${}::text[]", nth + 8)).collect();
    let sql = format!(
        "INSERT INTO roster_staging
             (tenant_id, line, person_id, birth_date, acquired_on, lost_on, insured, {columns})
         SELECT $1, rows.* FROM unnest
             ($2::bigint[], $3::uuid[], $4::date[], $5::date[], $6::date[], $7::bool[], {}) AS rows",
        arrays.join(", ")
    );
    let mut query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<BigInt>, _>(batch.lines)
        .bind::<Array<Uuid>, _>(batch.persons)
        .bind::<Array<Date>, _>(batch.birth_dates)
        .bind::<Array<Nullable<Date>>, _>(batch.acquired_on)
        .bind::<Array<Nullable<Date>>, _>(batch.lost_on)
        .bind::<Array<Bool>, _>(batch.insured);
    for column in batch.texts {
        query = query.bind::<Array<Text>, _>(column);
    }
    let rows = query.execute(&mut **tx).await?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

/// Takes the rows out again: they live inside one transaction.
pub(super) async fn clear(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    for table in ["roster_staging", "roster_matches"] {
        diesel::sql_query(format!("DELETE FROM {table} WHERE tenant_id = $1"))
            .bind::<Integer, _>(tenant)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Adds an error for every row that repeats an earlier one: its number and branch, its personal id, or, where neither
/// is given, its number, birth date and name.
pub(super) async fn find_repeated(tx: &mut TenantTransaction, errors: &mut RowErrors) -> Result<(), DatabaseError> {
    type Words = fn(u64) -> Reason;
    let rules: [(&[&str], &str, Column, Words); 3] = [
        (
            &["symbol_key", "number_key", "branch_key"],
            "s.branch_key <> ''",
            Column::Number,
            |line| Reason::RepeatedNumber { line },
        ),
        (&["personal_id"], "s.personal_id <> ''", Column::PersonalId, |line| {
            Reason::RepeatedPersonalId { line }
        }),
        (
            &["symbol_key", "number_key", "birth_date", "kana_strict"],
            "s.branch_key = '' AND s.personal_id = ''",
            Column::Number,
            |line| Reason::RepeatedPerson { line },
        ),
    ];
    for (key, given, column, reason) in rules {
        for repeated in repeated(tx, key, given).await? {
            let number = |line| u64::try_from(line).unwrap_or_default();
            errors.add(number(repeated.line), column.name(), reason(number(repeated.first)));
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Repeated {
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = BigInt)]
    first: i64,
}

/// Rows with the key of an earlier one; enough of them to mend a file by, not enough to fill the memory. Keys are
/// grouped first: a window over all rows would sort the whole file.
async fn repeated(tx: &mut TenantTransaction, key: &[&str], given: &str) -> Result<Vec<Repeated>, DatabaseError> {
    let tenant = tx.tenant();
    let columns = key.join(", ");
    let same: Vec<String> = key.iter().map(|column| format!("s.{column} = r.{column}")).collect();
    let sql = format!(
        "SELECT s.line, r.first
         FROM roster_staging s
         JOIN (SELECT {columns}, min(line) AS first FROM roster_staging s
               WHERE s.tenant_id = $1 AND {given} GROUP BY {columns} HAVING count(*) > 1) r ON {}
         WHERE s.tenant_id = $1 AND s.line <> r.first AND {given} ORDER BY s.line LIMIT 100000",
        same.join(" AND ")
    );
    Ok(diesel::sql_query(sql)
        .bind::<Integer, _>(tenant)
        .load(&mut **tx)
        .await?)
}
