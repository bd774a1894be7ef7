//! The file's rows in the database, in batches of arrays (COPY is refused under row-level security), and what only
//! shows when rows are compared with each other.

use super::{
    columns::Column,
    reasons::{ErrorLog, Reason},
    rows::Row,
};
use crate::held::{self, IS_KEPT};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::TryStreamExt as _;
use kernel::{
    PersonId,
    text::{name_key, phone_key},
};
use tabular::Column as _;

/// Rows of which each is looked up, and may be compared with each, in less time than a large roster is read.
pub(super) const FEW: u64 = 2_000;

/// The text columns of `roster_staging`, in the order of [`texts`].
const TEXTS: [&str; 30] = [
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
    "name_key",
    "gender",
    "attribute",
    "relationship",
    "relation",
    "postal_code",
    "address",
    "building",
    "phone",
    "phone_key",
    "email",
    "email_key",
    "workplace_code",
    "department_code",
    "distribution_code",
    "employee_number",
    "employee_key",
    "personal_id",
    "movement",
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
    present: Vec<bool>,
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
        self.push_as(line, row, PersonId::new(now), true);
    }

    /// Adds a row of this person, and whether they are to be in the roster.
    pub(super) fn push_as(&mut self, line: u64, row: Row, person: PersonId, present: bool) {
        self.lines.push(i64::try_from(line).unwrap_or(i64::MAX));
        self.persons.push(person);
        self.present.push(present);
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
    let (name_key, email_key) = (name_key(&row.name), row.email.to_ascii_lowercase());
    let phone_key = phone_key(&row.phone);
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
        name_key,
        row.gender.to_owned(),
        row.attribute,
        row.relationship,
        row.relation.as_str().to_owned(),
        row.postal_code,
        row.address,
        row.building,
        row.phone,
        phone_key,
        row.email,
        email_key,
        row.workplace_code,
        row.department_code,
        row.distribution_code,
        employee_number,
        employee_key,
        row.personal_id,
        row.movement.as_str().to_owned(),
    ]
}

/// Puts a batch into `roster_staging`. The tenant comes from the row that the import holds locked: a distributed PostgreSQL
/// runs the statement where that row lives, but pulls one whose tenant is a parameter together and copies it in, which
/// row-level security refuses.
pub(super) async fn insert(tx: &mut TenantTransaction, batch: Batch) -> Result<u64, DatabaseError> {
    let columns = TEXTS.join(", ");
    let arrays: Vec<String> = (0..TEXTS.len()).map(|nth| format!("${}::text[]", nth + 9)).collect();
    let sql = format!(
        "INSERT INTO roster_staging
             (tenant_id, line, person_id, birth_date, acquired_on, lost_on, insured, present, {columns})
         SELECT head.tenant_id, rows.* FROM roster_heads head, unnest
             ($2::bigint[], $3::uuid[], $4::date[], $5::date[], $6::date[], $7::bool[], $8::bool[], {}) AS rows
         WHERE head.tenant_id = $1",
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
        .bind::<Array<Bool>, _>(batch.insured)
        .bind::<Array<Bool>, _>(batch.present);
    for column in batch.texts {
        query = query.bind::<Array<Text>, _>(column);
    }
    let rows = query.execute(&mut **tx).await?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

/// Has the people of a few changes looked up one by one: each statement would read a large roster whole to join it with them.
pub(super) async fn look_up(tx: &mut TenantTransaction, rows: u64) -> Result<(), DatabaseError> {
    if rows <= FEW {
        let setting = "SET LOCAL enable_nestloop = on";
        tx.batch_execute(setting).await.map_err(DatabaseError::from)?;
    }
    Ok(())
}

/// Says that each row means the person that it names.
pub(super) async fn match_named(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    run(tx, MATCH_NAMED).await
}

const MATCH_NAMED: &str = "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT s.tenant_id, s.line, s.person_id FROM roster_staging s WHERE s.tenant_id = $1";

/// Takes the rows out again: they live inside one transaction.
pub(super) async fn clear(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    for table in ["roster_staging", "roster_matches"] {
        run(tx, &format!("DELETE FROM {table} WHERE tenant_id = $1")).await?;
    }
    Ok(())
}

async fn run(tx: &mut TenantTransaction, sql: &str) -> Result<(), DatabaseError> {
    diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// An error for every row that repeats an earlier one, by line: its number and branch, its personal id, or its number,
/// birth date and name where no branch and no personal id tells the two apart. The answer is read as it comes.
pub(super) async fn find_repeated(tx: &mut TenantTransaction) -> Result<ErrorLog, DatabaseError> {
    let mut errors = ErrorLog::default();
    let query = diesel::sql_query(REPEATED).bind::<Integer, _>(tx.tenant());
    let mut rows = std::pin::pin!(query.load_stream::<Repeated>(&mut **tx).await?);
    while let Some(row) = rows.try_next().await? {
        let line = unsigned(row.first);
        let (column, reason) = match row.rule.as_str() {
            "branch" => (Column::Number, Reason::RepeatedNumber { line }),
            "personal_id" => (Column::PersonalId, Reason::RepeatedPersonalId { line }),
            _ => (Column::Number, Reason::RepeatedPerson { line }),
        };
        errors.add(unsigned(row.line), column.name(), reason);
    }
    Ok(errors)
}

/// Adds an error for every row of a file of changes that changes or loses somebody whom the roster does not know, or, where nothing
/// is wrong in other rows, means the same person as an earlier one, by line.
pub(super) async fn find_mismatched(
    tx: &mut TenantTransaction,
    is_clean: bool,
    errors: &mut ErrorLog,
) -> Result<(), DatabaseError> {
    let query = diesel::sql_query(MISMATCHED).bind::<Integer, _>(tx.tenant());
    let mut rows = std::pin::pin!(query.load_stream::<Line>(&mut **tx).await?);
    while let Some(row) = rows.try_next().await? {
        let reason = match row.earlier.map(unsigned) {
            Some(_) if !is_clean => continue,
            Some(line) => Reason::SamePerson { line },
            None => Reason::NotInRoster,
        };
        errors.add(unsigned(row.line), Column::Number.name(), reason);
    }
    Ok(())
}

/// An error for every row by whose day of loss somebody of the roster would be forgotten at once, by line: who lost coverage
/// before `kept_from` is.
pub(super) async fn find_forgotten(
    tx: &mut TenantTransaction,
    kept_from: NaiveDate,
) -> Result<ErrorLog, DatabaseError> {
    let mut errors = ErrorLog::default();
    let query = diesel::sql_query(FORGOTTEN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(kept_from);
    let mut rows = std::pin::pin!(query.load_stream::<Line>(&mut **tx).await?);
    while let Some(row) = rows.try_next().await? {
        let reason = Reason::ForgottenAtOnce { kept_from };
        errors.add(unsigned(row.line), Column::LostOn.name(), reason);
    }
    Ok(errors)
}

/// Completes the rows of a file of changes: whoever has a day of loss leaves the roster, and with it their number; and whoever is
/// not given a branch, for the file has no column for it, keeps their own.
pub(super) async fn complete(tx: &mut TenantTransaction, has_branch: bool) -> Result<(), DatabaseError> {
    run(tx, LEAVING).await?;
    if !has_branch {
        run(tx, OWN_BRANCH).await?;
    }
    Ok(())
}

/// Has whoever stands in a whole file, though their coverage has ended, give their number up to whom staff have added under it
/// and who waits for a whole file.
pub(super) async fn give_up(tx: &mut TenantTransaction, today: NaiveDate) -> Result<(), DatabaseError> {
    diesel::sql_query(GIVEN_UP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(today)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// An error for every row with the number and branch of somebody else, by line: of whom a file of changes does not name and who
/// is covered, of an earlier row, and of who was added by hand and waits for a whole file. All that is to say of numbers has
/// been laid over the rows before.
pub(super) async fn find_taken(
    tx: &mut TenantTransaction,
    (is_delta, has_branch): (bool, bool),
    today: NaiveDate,
) -> Result<ErrorLog, DatabaseError> {
    let mut errors = ErrorLog::default();
    if !is_delta && !held::is_any(tx).await? {
        return Ok(errors);
    }
    let query = diesel::sql_query(taken())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Bool, _>(is_delta)
        .bind::<Date, _>(today);
    let mut rows = std::pin::pin!(query.load_stream::<Line>(&mut **tx).await?);
    while let Some(row) = rows.try_next().await? {
        let reason = match row.earlier.map(unsigned) {
            _ if is_delta && !has_branch => Reason::BranchTaken,
            Some(line) => Reason::RepeatedNumber { line },
            None => Reason::NumberTaken,
        };
        errors.add(unsigned(row.line), Column::Number.name(), reason);
    }
    Ok(errors)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = BigInt)]
    line: i64,
    /// The earlier one that it stands against, if it is one.
    #[diesel(sql_type = Nullable<BigInt>)]
    earlier: Option<i64>,
}

fn unsigned(line: i64) -> u64 {
    u64::try_from(line).unwrap_or_default()
}

const MISMATCHED: &str = "
    SELECT s.line, NULL::bigint AS earlier FROM roster_staging s
    WHERE s.tenant_id = $1 AND s.movement IN ('change', 'lose')
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)
    UNION ALL
    SELECT m.line, r.first FROM roster_matches m
    JOIN (SELECT person_id, min(line) AS first FROM roster_matches
          WHERE tenant_id = $1 GROUP BY person_id HAVING count(*) > 1) r USING (person_id)
    WHERE m.tenant_id = $1 AND m.line > r.first
    ORDER BY line";

/// A look-up for each of the few rows with such a day.
const FORGOTTEN: &str = "
    SELECT s.line, NULL::bigint AS earlier FROM roster_staging s
    CROSS JOIN LATERAL (
        SELECT m.person_id FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line OFFSET 0
    ) AS matched
    CROSS JOIN LATERAL (
        SELECT q.lost_on FROM persons q WHERE q.tenant_id = $1 AND q.person_id = matched.person_id OFFSET 0
    ) AS p
    WHERE s.tenant_id = $1 AND s.lost_on < $2 AND (p.lost_on IS NULL OR p.lost_on >= $2)
    ORDER BY s.line";

const LEAVING: &str = "UPDATE roster_staging SET present = false WHERE tenant_id = $1 AND lost_on IS NOT NULL";

const OWN_BRANCH: &str = "
    UPDATE roster_staging s SET branch = p.branch, branch_key = p.branch_key
    FROM roster_matches m, persons p
    WHERE s.tenant_id = $1 AND m.tenant_id = $1 AND p.tenant_id = $1 AND m.line = s.line AND p.person_id = m.person_id";

const GIVEN_UP: &str = "
    UPDATE roster_staging s SET present = false
    FROM facts_by_hand f
    CROSS JOIN LATERAL (
        SELECT q.symbol_key, q.number_key, q.branch_key FROM persons q
        WHERE q.tenant_id = $1 AND q.person_id = f.person_id AND q.present AND q.branch_key <> '' OFFSET 0
    ) AS p
    WHERE s.tenant_id = $1 AND f.tenant_id = $1 AND f.field = 'present' AND s.lost_on <= $2
      AND s.symbol_key = p.symbol_key AND s.number_key = p.number_key AND s.branch_key = p.branch_key
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = f.person_id)";

/// A look-up for each row, for joined as a whole the roster would be read for a few; of a whole file none where nobody waits
/// for one. Whose coverage has ended gives a number up to whom a file of changes gives it.
fn taken() -> String {
    format!(
        "SELECT s.line, NULL::bigint AS earlier FROM roster_staging s
         CROSS JOIN LATERAL (
             SELECT q.person_id FROM persons q
             WHERE q.tenant_id = $1 AND q.symbol_key = s.symbol_key AND q.number_key = s.number_key
               AND q.branch_key = s.branch_key AND q.branch_key <> '' AND q.present
               AND NOT ($2 AND q.lost_on IS NOT NULL AND q.lost_on <= $3) OFFSET 0
         ) p
         WHERE s.tenant_id = $1 AND s.branch_key <> '' AND s.present
           AND ($2 OR EXISTS (SELECT FROM facts_by_hand w WHERE w.tenant_id = $1 AND w.field = 'present'))
           AND ($2 OR {IS_KEPT})
           AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)
         UNION ALL
         SELECT s.line, r.first FROM roster_staging s
         JOIN (SELECT symbol_key, number_key, branch_key, min(line) AS first FROM roster_staging
               WHERE tenant_id = $1 AND $2 AND branch_key <> '' AND present
               GROUP BY symbol_key, number_key, branch_key HAVING count(*) > 1) r
             USING (symbol_key, number_key, branch_key)
         WHERE s.tenant_id = $1 AND s.present AND s.line > r.first
         ORDER BY line"
    )
}

#[derive(QueryableByName)]
struct Repeated {
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = BigInt)]
    first: i64,
    #[diesel(sql_type = Text)]
    rule: String,
}

/// Keys are grouped first: a window over all rows would sort the whole file, and pairs of a thousand equal rows are a
/// million. Two rows of one name are told apart by a branch in both or a personal id in both, so each looks for the
/// first of those that lack what itself would be told by; most files have a branch everywhere and need no look. Whoever a file
/// of changes loses gives a number up: it may stand in another row.
const REPEATED: &str = "
    SELECT s.line, r.first, 'branch' AS rule
    FROM roster_staging s
    JOIN (SELECT symbol_key, number_key, branch_key, min(line) AS first FROM roster_staging
          WHERE tenant_id = $1 AND branch_key <> '' AND (movement = '' OR lost_on IS NULL)
          GROUP BY symbol_key, number_key, branch_key HAVING count(*) > 1) r
        USING (symbol_key, number_key, branch_key)
    WHERE s.tenant_id = $1 AND s.line > r.first AND (s.movement = '' OR s.lost_on IS NULL)
    UNION ALL
    SELECT s.line, r.first, 'personal_id'
    FROM roster_staging s
    JOIN (SELECT personal_id, min(line) AS first FROM roster_staging
          WHERE tenant_id = $1 AND personal_id <> ''
          GROUP BY personal_id HAVING count(*) > 1) r
        USING (personal_id)
    WHERE s.tenant_id = $1 AND s.line > r.first
    UNION ALL
    SELECT line, first, 'name'
    FROM (
        SELECT s.line,
            CASE WHEN s.branch_key = '' AND s.personal_id = '' THEN r.first
                 WHEN s.branch_key = '' THEN r.without_id
                 WHEN s.personal_id = '' THEN r.without_branch
                 ELSE r.without_both END AS first
        FROM roster_staging s
        JOIN (SELECT symbol_key, number_key, birth_date, kana_strict, min(line) AS first,
                  min(line) FILTER (WHERE branch_key = '') AS without_branch,
                  min(line) FILTER (WHERE personal_id = '') AS without_id,
                  min(line) FILTER (WHERE branch_key = '' AND personal_id = '') AS without_both
              FROM roster_staging
              WHERE tenant_id = $1
                AND EXISTS (SELECT FROM roster_staging WHERE tenant_id = $1 AND branch_key = '')
              GROUP BY symbol_key, number_key, birth_date, kana_strict HAVING count(*) > 1) r
            USING (symbol_key, number_key, birth_date, kana_strict)
        WHERE s.tenant_id = $1
    ) AS named
    WHERE line > first
    ORDER BY line, rule";
