//! The staged rows against the roster: whom each row means, what differs, and the one set-based merge. Everything runs
//! in the import's transaction, under the insurer's lock. What is written takes its tenant from the rows it is made of, as
//! in [`staging`](super::staging).

use super::{
    columns::{Column, Header},
    report::{Corrected, Sample, Vanishing},
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::BoxedSqlQuery,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{FOLD_VERSION, ImportId, PersonId, calendar};
use tabular::Column as _;

/// An import under way.
pub(super) struct Merge<'a> {
    pub(super) import_id: ImportId,
    pub(super) header: &'a Header,
    /// The journal's last position before this import.
    pub(super) position: i64,
    pub(super) now: DateTime<Utc>,
}

/// Journal entries by kind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Changes {
    pub(super) new: u64,
    pub(super) changed: u64,
    pub(super) returned: u64,
    pub(super) lost: u64,
    /// Those of the lost who are in the file.
    pub(super) lost_in_file: u64,
}

impl Changes {
    /// All entries.
    pub(super) fn total(self) -> u64 {
        self.new + self.changed + self.returned + self.lost
    }
}

/// The columns a row states, with what they are called in the table and what goes with them. A file without an
/// optional column says nothing about it; only branch and loss are stated by their absence too.
const STATED: [(Column, &[&str]); 21] = [
    (Column::Symbol, &["symbol", "symbol_key"]),
    (Column::Number, &["number", "number_key"]),
    (Column::Branch, &["branch", "branch_key"]),
    (
        Column::KanaName,
        &["kana_name", "kana_strict", "kana_fold1", "kana_fold2"],
    ),
    (Column::Name, &["name", "name_key"]),
    (Column::Gender, &["gender"]),
    (Column::BirthDate, &["birth_date"]),
    (Column::Attribute, &["attribute"]),
    (Column::Relationship, &["relationship", "relation", "insured"]),
    (Column::AcquiredOn, &["acquired_on"]),
    (Column::LostOn, &["lost_on"]),
    (Column::PostalCode, &["postal_code"]),
    (Column::Address, &["address"]),
    (Column::Building, &["building"]),
    (Column::Phone, &["phone"]),
    (Column::Email, &["email", "email_key"]),
    (Column::WorkplaceCode, &["workplace_code"]),
    (Column::DepartmentCode, &["department_code"]),
    (Column::DistributionCode, &["distribution_code"]),
    (Column::EmployeeNumber, &["employee_number", "employee_key"]),
    (Column::PersonalId, &["personal_id"]),
];

impl Merge<'_> {
    /// Finds whom the rows mean: by personal id; else by number, branch and birth date; else, where one side has no
    /// branch, by number, birth date and name; else by number, branch and name, for a birth date may be corrected; and last,
    /// where one side has no branch, by number and birth date alone. The last three only where that leaves no choice. Two
    /// different personal ids are two persons whatever else is the same.
    pub(super) async fn match_persons(&self, tx: &mut TenantTransaction, rows: u64) -> Result<(), DatabaseError> {
        let mut matched = 0;
        for rule in [BY_PERSONAL_ID, BY_BRANCH, BY_NAME, BY_CORRECTION, BY_BIRTH_DATE] {
            if matched < rows {
                matched += execute(tx, rule, |query| query).await?;
            }
        }
        Ok(())
    }

    /// Drops the rows of persons who lost coverage before that day and are not in the roster; gives how many.
    pub(super) async fn drop_forgotten(
        &self,
        tx: &mut TenantTransaction,
        before: NaiveDate,
    ) -> Result<u64, DatabaseError> {
        execute(tx, DROP_FORGOTTEN, |query| query.bind::<Date, _>(before)).await
    }

    /// Whose birth dates the file corrects.
    pub(super) async fn corrected(&self, tx: &mut TenantTransaction) -> Result<Corrected, DatabaseError> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = BigInt)]
            line: i64,
            #[diesel(sql_type = BigInt)]
            persons: i64,
        }
        let query = diesel::sql_query(CORRECTED)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(Corrected::MOST_LINES);
        let lines: Vec<Line> = query.load(&mut **tx).await?;
        Ok(Corrected {
            persons: lines.as_slice().first().map_or(0, |first| unsigned(first.persons)),
            lines: lines.into_iter().map(|row| unsigned(row.line)).collect(),
        })
    }

    /// How many covered persons the file leaves out or ends.
    pub(super) async fn vanishing(&self, tx: &mut TenantTransaction) -> Result<Vanishing, DatabaseError> {
        #[derive(QueryableByName)]
        struct Counts {
            #[diesel(sql_type = BigInt)]
            covered: i64,
            #[diesel(sql_type = BigInt)]
            missing: i64,
            #[diesel(sql_type = BigInt)]
            ended: i64,
        }
        let sql = format!(
            "SELECT count(*) AS covered, count(*) FILTER (WHERE m.person_id IS NULL AND NOT $3) AS missing,
                 count(*) FILTER (WHERE s.lost_on <= $2) AS ended
             FROM persons p
             LEFT JOIN roster_matches m ON m.tenant_id = $1 AND m.person_id = p.person_id
             LEFT JOIN roster_staging s ON s.tenant_id = $1 AND s.line = m.line
             WHERE p.tenant_id = $1 AND p.present AND {COVERED}"
        );
        let query = diesel::sql_query(sql)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Date, _>(self.today())
            .bind::<Bool, _>(self.is_delta());
        let counts: Counts = query.get_result(&mut **tx).await?;
        Ok(Vanishing {
            covered: unsigned(counts.covered),
            missing: unsigned(counts.missing),
            ended: unsigned(counts.ended),
        })
    }

    /// Writes the journal: what the rows change, in the order of the file, then who is missing from it.
    pub(super) async fn write_journal(&self, tx: &mut TenantTransaction) -> Result<Changes, DatabaseError> {
        execute(tx, &self.journal_of_rows(), |query| {
            query
                .bind::<BigInt, _>(self.position)
                .bind::<Uuid, _>(self.import_id)
                .bind::<Timestamptz, _>(self.now)
        })
        .await?;
        let in_file = self.count(tx).await?;
        if self.is_delta() {
            return Ok(Changes {
                lost_in_file: in_file.lost,
                ..in_file
            });
        }
        let lost = execute(tx, JOURNAL_OF_MISSING, |query| {
            query
                .bind::<Date, _>(self.today())
                .bind::<BigInt, _>(self.position + signed(in_file.total()))
                .bind::<Uuid, _>(self.import_id)
                .bind::<Timestamptz, _>(self.now)
        })
        .await?;
        Ok(Changes {
            lost: in_file.lost + lost,
            lost_in_file: in_file.lost,
            ..in_file
        })
    }

    /// Brings the roster to what the file says.
    pub(super) async fn write_persons(&self, tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
        let today = self.today();
        if !self.is_delta() {
            execute(tx, &lose_missing(), |query| {
                query.bind::<Date, _>(today).bind::<Timestamptz, _>(self.now)
            })
            .await?;
        }
        execute(tx, FORMER_NUMBERS, |query| {
            query.bind::<Uuid, _>(self.import_id).bind::<Date, _>(today)
        })
        .await?;
        // Two persons may swap branches, and uniqueness is checked row by row: whoever moves lets go first.
        execute(tx, LET_GO, |query| query).await?;
        execute(tx, &self.update_matched(), |query| {
            query.bind::<SmallInt, _>(FOLD_VERSION).bind::<Timestamptz, _>(self.now)
        })
        .await?;
        execute(tx, &insert_new(), |query| {
            query.bind::<SmallInt, _>(FOLD_VERSION).bind::<Timestamptz, _>(self.now)
        })
        .await?;
        Ok(())
    }

    /// Up to `limit` persons whom this import found lost, by journal position after `after`.
    pub(super) async fn lost(
        &self,
        tx: &mut TenantTransaction,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Lost>, DatabaseError> {
        let query = diesel::sql_query(LOST)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(after.max(self.position))
            .bind::<BigInt, _>(limit);
        Ok(query.load(&mut **tx).await?)
    }

    /// A few people of each kind of change, as whoever decides on the import is shown them.
    pub(super) async fn samples(&self, tx: &mut TenantTransaction) -> Result<Vec<Sample>, DatabaseError> {
        let query = diesel::sql_query(SAMPLES)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(self.position);
        let rows: Vec<SampleRow> = query.load(&mut **tx).await?;
        Ok(rows.into_iter().map(Sample::from).collect())
    }

    /// True for a file of changes, which says nothing of whom it leaves out.
    pub(super) fn is_delta(&self) -> bool {
        self.header.has(Column::Movement)
    }

    fn today(&self) -> NaiveDate {
        calendar::today_in_japan(self.now)
    }

    async fn count(&self, tx: &mut TenantTransaction) -> Result<Changes, DatabaseError> {
        #[derive(QueryableByName)]
        struct Kind {
            #[diesel(sql_type = Text)]
            kind: String,
            #[diesel(sql_type = BigInt)]
            persons: i64,
        }
        let kinds: Vec<Kind> = diesel::sql_query(
            "SELECT kind, count(*) AS persons FROM roster_changes WHERE tenant_id = $1 AND position > $2 GROUP BY kind",
        )
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(self.position)
        .load(&mut **tx)
        .await?;
        let of = |kind: &str| {
            kinds
                .iter()
                .find(|row| row.kind == kind)
                .map_or(0, |row| unsigned(row.persons))
        };
        Ok(Changes {
            new: of("new"),
            changed: of("changed"),
            returned: of("returned"),
            lost: of("lost"),
            lost_in_file: 0,
        })
    }

    /// The stated columns of this file; the personal id is apart, for a row without one takes none away. What a file of
    /// changes has no column for stays as it is, but for the day of loss: whoever is added or changed is covered.
    fn stated(&self) -> impl Iterator<Item = &'static [&'static str]> {
        STATED
            .into_iter()
            .filter(|(column, _)| match column {
                Column::Branch => !self.is_delta() || self.header.has(Column::Branch),
                Column::LostOn => true,
                Column::PersonalId => false,
                other => self.header.has(*other),
            })
            .map(|(_, names)| names)
    }

    fn journal_of_rows(&self) -> String {
        let differing: Vec<String> = self
            .stated()
            .flat_map(|names| names.iter().filter(|name| !is_key(name)))
            .map(|name| format!("CASE WHEN p.{name} IS DISTINCT FROM s.{name} THEN '{name}' END"))
            .collect();
        let differing = differing.join(", ");
        format!(
            "INSERT INTO roster_changes (tenant_id, position, import_id, person_id, kind, fields, at)
             SELECT tenant_id, $2 + row_number() OVER (ORDER BY line), $3, person_id, kind, fields, $4
             FROM (
                 SELECT s.tenant_id, s.line, coalesce(m.person_id, s.person_id) AS person_id,
                     CASE WHEN m.person_id IS NULL THEN 'new'
                          WHEN p.lost_on IS NULL AND s.lost_on IS NOT NULL THEN 'lost'
                          WHEN p.lost_on IS NOT NULL AND s.lost_on IS NULL THEN 'returned'
                          ELSE 'changed' END AS kind,
                     CASE WHEN m.person_id IS NULL THEN '{{}}'::text[]
                          ELSE array_remove(ARRAY[{differing},
                              CASE WHEN s.personal_id NOT IN ('', p.personal_id) THEN 'personal_id' END,
                              CASE WHEN NOT p.present THEN 'present' END], NULL) END AS fields
                 FROM roster_staging s
                 LEFT JOIN roster_matches m ON m.tenant_id = $1 AND m.line = s.line
                 LEFT JOIN persons p ON p.tenant_id = $1 AND p.person_id = m.person_id
                 WHERE s.tenant_id = $1
             ) AS rows
             WHERE kind = 'new' OR fields <> '{{}}'"
        )
    }

    /// Keys are compared as well: they change with the rules that make them, without anything to tell.
    fn update_matched(&self) -> String {
        let names: Vec<&str> = self.stated().flatten().copied().collect();
        let set: Vec<String> = names.iter().map(|name| format!("{name} = s.{name}")).collect();
        let set = set.join(", ");
        let side = |side: &str| {
            names
                .iter()
                .map(|name| format!("{side}.{name}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        format!(
            "UPDATE persons p SET {set},
                 personal_id = CASE WHEN s.personal_id = '' THEN p.personal_id ELSE s.personal_id END,
                 fold_version = $2, present = true, updated_at = $3
             FROM roster_staging s, roster_matches m
             WHERE p.tenant_id = $1 AND s.tenant_id = $1 AND m.tenant_id = $1
               AND m.line = s.line AND m.person_id = p.person_id
               AND (NOT p.present OR s.personal_id NOT IN ('', p.personal_id)
                    OR ({}) IS DISTINCT FROM ({}))",
            side("p"),
            side("s")
        )
    }
}

/// One person lost.
#[derive(QueryableByName)]
pub(super) struct Lost {
    #[diesel(sql_type = BigInt)]
    pub(super) position: i64,
    #[diesel(sql_type = Uuid)]
    pub(super) person_id: PersonId,
}

#[derive(QueryableByName)]
struct SampleRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Array<Text>)]
    fields: Vec<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    line: Option<i64>,
    #[diesel(sql_type = Text)]
    symbol: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    branch: String,
    #[diesel(sql_type = Text)]
    kana_name: String,
    #[diesel(sql_type = Text)]
    name: String,
}

impl From<SampleRow> for Sample {
    fn from(row: SampleRow) -> Self {
        let parts = [row.symbol, row.number, row.branch];
        let parts: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        let fields = row.fields.iter().filter_map(|field| called(field)).map(str::to_owned);
        Self {
            kind: row.kind,
            person_id: row.person_id,
            line: row.line.map(unsigned),
            number: parts.join("・"),
            name: if row.name.is_empty() { row.kana_name } else { row.name },
            fields: fields.collect(),
        }
    }
}

/// What a column of `persons` is called in the format; nothing of those that it has not.
fn called(name: &str) -> Option<&'static str> {
    let mut stated = STATED.into_iter();
    let (column, _) = stated.find(|(_, names)| names.iter().next().is_some_and(|first| *first == name))?;
    Some(column.name())
}

/// True for columns that are made of others.
fn is_key(name: &str) -> bool {
    name == "relation" || name.ends_with("_key") || name.starts_with("kana_strict") || name.starts_with("kana_fold")
}

/// Runs a statement whose $1 is the tenant; `bind` adds the rest.
async fn execute<'q, F>(tx: &mut TenantTransaction, sql: &str, bind: F) -> Result<u64, DatabaseError>
where
    F: FnOnce(
        BoxedSqlQuery<'q, Pg, diesel::query_builder::SqlQuery>,
    ) -> BoxedSqlQuery<'q, Pg, diesel::query_builder::SqlQuery>,
{
    let query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant());
    let rows = bind(query).execute(&mut **tx).await?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Coverage has not ended by $2, the day of the import.
const COVERED: &str = "(p.lost_on IS NULL OR p.lost_on > $2)";

const BY_PERSONAL_ID: &str = "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT s.tenant_id, s.line, p.person_id
    FROM roster_staging s JOIN persons p ON p.personal_id = s.personal_id
    WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND s.personal_id <> ''";

/// A branch is unique among those in the roster; among former holders the latest counts.
const BY_BRANCH: &str = "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT DISTINCT ON (s.line) s.tenant_id, s.line, p.person_id
    FROM roster_staging s
    JOIN persons p ON p.symbol_key = s.symbol_key AND p.number_key = s.number_key
        AND p.branch_key = s.branch_key AND p.birth_date = s.birth_date
    WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND s.branch_key <> ''
      AND (s.personal_id = '' OR p.personal_id = '')
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)
    ORDER BY s.line, p.present DESC, p.person_id DESC";

macro_rules! without_choice {
    ($same:literal) => {
        concat!(
            "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT tenant_id, line, person_id
    FROM (
        SELECT s.tenant_id, s.line, p.person_id,
            count(*) OVER (PARTITION BY s.line) AS persons, count(*) OVER (PARTITION BY p.person_id) AS rows
        FROM roster_staging s
        JOIN persons p ON p.symbol_key = s.symbol_key AND p.number_key = s.number_key AND ",
            $same,
            "
        WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND (s.personal_id = '' OR p.personal_id = '')
          AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)
          AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)
    ) AS pairs
    WHERE persons = 1 AND rows = 1"
        )
    };
}

const BY_NAME: &str = without_choice!(
    "p.birth_date = s.birth_date AND p.kana_strict = s.kana_strict AND (s.branch_key = '' OR p.branch_key = '')"
);

/// Only of who was in the last roster: a number may be given anew, and a namesake must not come into an account. Of names
/// in kanji the blanks do not count.
const BY_CORRECTION: &str = without_choice!(
    "p.present AND p.branch_key = s.branch_key AND (p.kana_strict = s.kana_strict
         OR (s.name <> '' AND translate(p.name, ' 　', '') = translate(s.name, ' 　', '')))"
);

/// A name may change with a marriage.
const BY_BIRTH_DATE: &str = without_choice!("p.birth_date = s.birth_date AND (s.branch_key = '' OR p.branch_key = '')");

/// Whoever is in the roster stays, and is lost by the file if they were not: their account ends with it.
const DROP_FORGOTTEN: &str = "
    DELETE FROM roster_staging s
    WHERE s.tenant_id = $1 AND s.lost_on < $2
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)";

const CORRECTED: &str = "
    SELECT s.line, count(*) OVER () AS persons
    FROM roster_matches m
    JOIN roster_staging s ON s.tenant_id = $1 AND s.line = m.line
    JOIN persons p ON p.tenant_id = $1 AND p.person_id = m.person_id
    WHERE m.tenant_id = $1 AND p.birth_date <> s.birth_date
    ORDER BY s.line LIMIT $2";

const JOURNAL_OF_MISSING: &str = "
    INSERT INTO roster_changes (tenant_id, position, import_id, person_id, kind, fields, at)
    SELECT p.tenant_id, $3 + row_number() OVER (ORDER BY p.person_id), $4, p.person_id, 'lost', '{lost_on,present}', $5
    FROM persons p
    WHERE p.tenant_id = $1 AND p.present AND (p.lost_on IS NULL OR p.lost_on > $2)
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)";

/// Whoever is missing loses coverage on the day of the import; an earlier day of loss stays.
fn lose_missing() -> String {
    format!(
        "UPDATE persons p SET present = false, updated_at = $3, lost_on = CASE WHEN {COVERED} THEN $2 ELSE p.lost_on END
         WHERE p.tenant_id = $1 AND p.present
           AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)"
    )
}

/// The numbers that people leave behind; a branch that alone is new is none. A first import has nobody who does.
const FORMER_NUMBERS: &str = "
    INSERT INTO person_numbers (tenant_id, person_id, import_id, symbol, symbol_key, number, number_key, branch,
        branch_key, ended_on)
    SELECT p.tenant_id, p.person_id, $2, p.symbol, p.symbol_key, p.number, p.number_key, p.branch, p.branch_key, $3
    FROM roster_staging s, roster_matches m, persons p
    WHERE s.tenant_id = $1 AND m.tenant_id = $1 AND p.tenant_id = $1
      AND m.line = s.line AND p.person_id = m.person_id
      AND (p.symbol_key, p.number_key) IS DISTINCT FROM (s.symbol_key, s.number_key)";

const LET_GO: &str = "
    UPDATE persons p SET present = false
    FROM roster_staging s, roster_matches m
    WHERE p.tenant_id = $1 AND s.tenant_id = $1 AND m.tenant_id = $1
      AND m.line = s.line AND m.person_id = p.person_id AND p.present
      AND (p.symbol_key, p.number_key, p.branch_key) IS DISTINCT FROM (s.symbol_key, s.number_key, s.branch_key)";

fn insert_new() -> String {
    let names: Vec<&str> = STATED
        .into_iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let columns = names.join(", ");
    let values: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
    format!(
        "INSERT INTO persons (tenant_id, person_id, {columns}, fold_version, present, created_at, updated_at)
         SELECT s.tenant_id, s.person_id, {}, $2, true, $3, $3
         FROM roster_staging s
         WHERE s.tenant_id = $1
           AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)",
        values.join(", ")
    )
}

const LOST: &str = "
    SELECT position, person_id FROM roster_changes
    WHERE tenant_id = $1 AND position > $2 AND kind = 'lost'
    ORDER BY position LIMIT $3";

/// Of the new the row says who they are, of the others the roster.
const SAMPLES: &str = "
    WITH few AS (
        SELECT * FROM (
            SELECT position, kind, person_id, fields, row_number() OVER (PARTITION BY kind ORDER BY position) AS nth
            FROM roster_changes WHERE tenant_id = $1 AND position > $2
        ) AS of_kind WHERE nth <= 5
    )
    SELECT f.position, f.kind, f.person_id, f.fields, s.line, s.symbol, s.number, s.branch, s.kana_name, s.name
    FROM few f JOIN roster_staging s ON s.tenant_id = $1 AND s.person_id = f.person_id
    WHERE f.kind = 'new'
    UNION ALL
    SELECT f.position, f.kind, f.person_id, f.fields, m.line, p.symbol, p.number, p.branch, p.kana_name, p.name
    FROM few f
    JOIN persons p ON p.tenant_id = $1 AND p.person_id = f.person_id
    LEFT JOIN roster_matches m ON m.tenant_id = $1 AND m.person_id = f.person_id
    WHERE f.kind <> 'new'
    ORDER BY position";
