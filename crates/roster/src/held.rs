//! Facts that staff set by hand, against the files that come after. One holds until a file brings another value than the file
//! brought last, which stands beside it; whoever was added or brought back by hand isn't lost by whole files for 30 days. All
//! of it happens to the staged rows, before they are compared: the merge knows nothing of it.

use crate::{ended::Fact, import::stated, sight::Statement};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// How long whoever was added or brought back by hand may be missing from whole files.
const WAITS: TimeDelta = TimeDelta::days(30);
/// The fact that a person is there at all.
pub(crate) const PRESENT: &str = "present";
/// What the last file said of it that left the person out; of somebody whom no file has brought it said nothing.
pub(crate) const ABSENT: &str = "false";
/// 記号, 番号 and 枝番: together they are one person's, so they are one fact.
pub(crate) const NUMBER: &str = "number";
/// Between the three of them.
pub(crate) const BETWEEN: char = '\u{1f}';
const PARTS: [&str; 3] = ["symbol", "number", "branch"];

/// The condition, in a whole file, that a person `p` who does not stand in it is not lost by it.
pub(crate) const IS_KEPT: &str = "EXISTS (
    SELECT FROM facts_by_hand f WHERE f.tenant_id = $1 AND f.person_id = p.person_id AND f.field = 'present')";

/// What a person says now, by fact.
pub(crate) fn fact_of(column: &str) -> &str {
    if PARTS.contains(&column) { NUMBER } else { column }
}

/// Notes that staff set a fact, of which the last file said this. What the file said stays where the fact is set again.
pub(crate) async fn note(
    tx: &mut TenantTransaction,
    person: PersonId,
    (field, from_file): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::sql_query(NOTE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .bind::<Text, _>(field)
        .bind::<Text, _>(from_file)
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// True where a person was added by hand and no file has brought them.
pub(crate) async fn is_new(tx: &mut TenantTransaction, person: PersonId) -> Result<bool, DatabaseError> {
    let found = diesel::sql_query(
        "SELECT field FROM facts_by_hand
         WHERE tenant_id = $1 AND person_id = $2 AND field = 'present' AND from_file = ''",
    )
    .bind::<Integer, _>(tx.tenant())
    .bind::<Uuid, _>(person)
    .execute(&mut **tx)
    .await?;
    Ok(found > 0)
}

/// Drops those of a person's facts that say what the last file said.
pub(crate) async fn end_same(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    let same: Vec<String> = stated::fields()
        .filter(|field| !PARTS.contains(field) && *field != PRESENT)
        .map(|field| format!("(f.field = '{field}' AND f.from_file = coalesce(p.{field}::text, ''))"))
        .collect();
    let sql = format!(
        "DELETE FROM facts_by_hand f USING persons p
         WHERE f.tenant_id = $1 AND p.tenant_id = $1 AND f.person_id = $2 AND p.person_id = $2
           AND ((f.field = '{NUMBER}' AND f.from_file = concat_ws(chr(31), p.symbol, p.number, p.branch)) OR {})",
        same.join(" OR ")
    );
    diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets what was set of a person.
pub(crate) async fn forget(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    diesel::sql_query("DELETE FROM facts_by_hand WHERE tenant_id = $1 AND person_id = $2")
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Lays the facts that hold over the staged rows, and drops those that the file ends; gives these. `stated` are the file's
/// columns, as the merge has them; a file without a column says nothing about its facts. `is_whole`: whoever is missing is
/// lost.
pub(crate) async fn lay_over(
    tx: &mut TenantTransaction,
    stated: &[&'static [&'static str]],
    is_whole: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, DatabaseError> {
    let facts = facts(tx).await?;
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    let mut ended: Vec<Fact> = diesel::sql_query(END_WAITING)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(now - WAITS)
        .load(&mut **tx)
        .await?;
    if is_whole {
        let lost: Vec<Fact> = diesel::sql_query(LOST_BY_FILE)
            .bind::<Integer, _>(tx.tenant())
            .load(&mut **tx)
            .await?;
        ended.extend(lost);
    }
    // The columns of which there are facts, with what goes with them.
    let laid: Vec<(&str, &[&str])> = stated
        .iter()
        .filter_map(|names| Some((fact_of(names.iter().next()?), *names)))
        .filter(|(fact, _)| facts.iter().any(|known| known == fact))
        .collect();
    if laid.is_empty() {
        return Ok(ended);
    }
    let rows = Rows::find(tx).await?;
    if rows.lines.is_empty() {
        return Ok(ended);
    }
    if laid.iter().any(|(fact, _)| *fact == NUMBER) {
        let has_branch = stated.iter().any(|names| names.contains(&"branch"));
        ended.extend(rows.end_numbers(tx, has_branch).await?);
    }
    let others = laid.iter().filter(|(fact, _)| *fact != NUMBER);
    let changed: Vec<String> = others
        .map(|(fact, _)| format!("f.field = '{fact}' AND f.from_file <> coalesce(s.{fact}::text, '')"))
        .collect();
    if !changed.is_empty() {
        ended.extend(rows.end(tx, &changed.join(" OR ")).await?);
    }
    rows.lay(tx, &laid).await?;
    Ok(ended)
}

/// The rows of people of whom staff have set something. They are looked for once among the file's rows, and all that is asked
/// of them goes by key: joined, the whole roster would be read for a few.
struct Rows {
    lines: Vec<i64>,
    people: Vec<PersonId>,
}

impl Rows {
    async fn find(tx: &mut TenantTransaction) -> Result<Self, DatabaseError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            line: i64,
            #[diesel(sql_type = Uuid)]
            person_id: PersonId,
        }
        let found = diesel::sql_query(OF_HELD).bind::<Integer, _>(tx.tenant());
        let found: Vec<Row> = found.load(&mut **tx).await?;
        let (lines, people) = found.into_iter().map(|row| (row.line, row.person_id)).unzip();
        Ok(Self { lines, people })
    }

    /// A statement on them.
    fn on(&self, tx: &TenantTransaction, sql: String) -> Statement<'static> {
        diesel::sql_query(sql)
            .into_boxed::<Pg>()
            .bind::<Integer, _>(tx.tenant())
            .bind::<Array<BigInt>, _>(self.lines.clone())
            .bind::<Array<Uuid>, _>(self.people.clone())
    }

    /// Drops the facts that the file ends.
    async fn end(&self, tx: &mut TenantTransaction, condition: &str) -> Result<Vec<Fact>, DatabaseError> {
        let sql = format!(
            "DELETE FROM facts_by_hand held
             USING (SELECT f.person_id, f.field {OF_ROWS} WHERE {condition}) AS ending
             WHERE held.tenant_id = $1 AND held.person_id = ending.person_id AND held.field = ending.field
             RETURNING held.person_id, held.field, held.from_file, held.set_at"
        );
        Ok(self.on(tx, sql).load(&mut **tx).await?)
    }

    /// The same of numbers.
    async fn end_numbers(&self, tx: &mut TenantTransaction, has_branch: bool) -> Result<Vec<Fact>, DatabaseError> {
        let branch = if has_branch {
            "s.branch"
        } else {
            "split_part(f.from_file, chr(31), 3)"
        };
        let filed = format!("concat_ws(chr(31), s.symbol, s.number, {branch})");
        let changed = format!("f.field = '{NUMBER}' AND (f.from_file <> {filed} OR {IS_GIVEN})");
        let mut ended = self.end(tx, &changed).await?;
        // Each that ends leaves its row the file's number, which may be what another has by hand.
        let taken = format!("f.field = '{NUMBER}' AND {IS_TAKEN}");
        loop {
            let more = self.end(tx, &taken).await?;
            if more.is_empty() {
                return Ok(ended);
            }
            ended.extend(more);
        }
    }

    /// Has the rows say what the roster says of these facts' columns, where a fact holds.
    async fn lay(&self, tx: &mut TenantTransaction, laid: &[(&str, &[&str])]) -> Result<(), DatabaseError> {
        let columns = || {
            laid.iter()
                .flat_map(|(fact, names)| names.iter().map(move |name| (fact, name)))
        };
        let own: Vec<String> = columns().map(|(_, name)| format!("p.{name}")).collect();
        let set: Vec<String> = columns()
            .map(|(fact, name)| {
                format!("{name} = CASE WHEN '{fact}' = ANY (laid.fields) THEN laid.{name} ELSE s.{name} END")
            })
            .collect();
        let sql = format!(
            "UPDATE roster_staging s SET {}
             FROM (
                 SELECT own.line, held.fields, {}
                 FROM unnest ($2::bigint[], $3::uuid[]) AS own (line, person_id)
                 CROSS JOIN LATERAL (
                     SELECT array_agg(g.field) AS fields FROM facts_by_hand g
                     WHERE g.tenant_id = $1 AND g.person_id = own.person_id OFFSET 0
                 ) AS held
                 CROSS JOIN LATERAL (
                     SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = own.person_id OFFSET 0
                 ) AS p
             ) AS laid
             WHERE s.tenant_id = $1 AND s.line = laid.line",
            set.join(", "),
            own.join(", ")
        );
        self.on(tx, sql).execute(&mut **tx).await?;
        Ok(())
    }
}

/// True where staff have set anything.
pub(crate) async fn is_any(tx: &mut TenantTransaction) -> Result<bool, DatabaseError> {
    Ok(!facts(tx).await?.is_empty())
}

/// Which facts there are.
async fn facts(tx: &mut TenantTransaction) -> Result<Vec<String>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Fields {
        #[diesel(sql_type = Array<Text>)]
        fields: Vec<String>,
    }
    let found: Fields = diesel::sql_query(
        "SELECT coalesce(array_agg(DISTINCT field), '{}') AS fields FROM facts_by_hand WHERE tenant_id = $1",
    )
    .bind::<Integer, _>(tx.tenant())
    .get_result(&mut **tx)
    .await?;
    Ok(found.fields)
}

/// Whom of the matched staff have set something of.
const OF_HELD: &str = "
    SELECT m.line, m.person_id FROM roster_matches m
    WHERE m.tenant_id = $1
      AND EXISTS (SELECT FROM facts_by_hand f WHERE f.tenant_id = $1 AND f.person_id = m.person_id)";

/// Their facts, each with its row and its person.
const OF_ROWS: &str = "
    FROM unnest ($2::bigint[], $3::uuid[]) AS own (line, person_id)
    CROSS JOIN LATERAL (
        SELECT * FROM facts_by_hand g WHERE g.tenant_id = $1 AND g.person_id = own.person_id OFFSET 0
    ) AS f
    CROSS JOIN LATERAL (SELECT * FROM roster_staging r WHERE r.tenant_id = $1 AND r.line = own.line OFFSET 0) AS s
    CROSS JOIN LATERAL (SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = own.person_id OFFSET 0) AS p";

/// The number by hand of somebody who had left the roster is by now another's.
const IS_GIVEN: &str = "(NOT p.present AND EXISTS (
    SELECT FROM persons other WHERE other.tenant_id = $1 AND other.person_id <> p.person_id
      AND other.symbol_key = p.symbol_key AND other.number_key = p.number_key
      AND other.branch_key = p.branch_key AND p.branch_key <> ''))";

/// The file has the number for somebody else, of whom no other holds.
const IS_TAKEN: &str = "EXISTS (
    SELECT FROM roster_staging other WHERE other.tenant_id = $1 AND other.line <> s.line
      AND other.symbol_key = p.symbol_key AND other.number_key = p.number_key
      AND other.branch_key = p.branch_key AND p.branch_key <> '' AND NOT EXISTS (
          SELECT FROM roster_matches theirs JOIN facts_by_hand g ON g.person_id = theirs.person_id
          WHERE theirs.tenant_id = $1 AND g.tenant_id = $1 AND theirs.line = other.line AND g.field = 'number'))";

const NOTE: &str = "
    INSERT INTO facts_by_hand (tenant_id, person_id, field, from_file, set_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, person_id, field) DO UPDATE SET set_at = $5";

/// Nobody waits any more whom a file has brought, or who has waited long enough.
const END_WAITING: &str = "
    DELETE FROM facts_by_hand f
    WHERE f.tenant_id = $1 AND f.field = 'present' AND (f.set_at <= $2 OR EXISTS (
        SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = f.person_id))
    RETURNING f.person_id, f.field, f.from_file, f.set_at";

/// The day of loss of whoever is missing is the file's: when a file brings them again, they are back.
const LOST_BY_FILE: &str = "
    DELETE FROM facts_by_hand f
    WHERE f.tenant_id = $1 AND f.field = 'lost_on'
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = f.person_id)
    RETURNING f.person_id, f.field, f.from_file, f.set_at";
