//! The staged rows against the roster: whom each row means, what differs, and the one set-based merge. Everything runs
//! in the import's transaction, under the insurer's lock. What is written takes its tenant from the rows it is made of, as
//! in [`super::staging`].

mod losses;
mod matching;
mod samples;
pub(crate) mod stated;

pub(crate) use losses::count_covered;

use super::{
    columns::{Column, Header},
    reasons::ErrorLog,
    report::Corrected,
    staging,
};
use crate::{
    before, ended,
    held::{self, IS_KEPT},
    protection, workplaces,
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::BoxedSqlQuery,
    sql_types::{BigInt, Date, Integer, SmallInt, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{FOLD_VERSION, ImportId, Keys, calendar};
use stated::{STATED, is_key};

/// An import under way.
pub(super) struct Merge<'a> {
    pub(super) import_id: ImportId,
    pub(super) header: &'a Header,
    /// The journal's last position before this import.
    pub(super) position: i64,
    pub(super) now: DateTime<Utc>,
    /// True where each row is all that there is to say of its person: a blank personal id takes one away.
    pub(super) is_exact: bool,
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

impl Merge<'_> {
    /// Drops the rows of persons who lost coverage before that day and are not in the roster; gives how many.
    pub(super) async fn drop_forgotten(
        &self,
        tx: &mut TenantTransaction,
        before: NaiveDate,
    ) -> Result<u64, DatabaseError> {
        execute(tx, DROP_FORGOTTEN, |query| query.bind::<Date, _>(before)).await
    }

    /// Who would have the number of somebody else, once the file says all that there is to say.
    pub(super) async fn find_taken(&self, tx: &mut TenantTransaction) -> Result<ErrorLog, DatabaseError> {
        let has_branch = self.header.has(Column::Branch);
        if self.is_delta() {
            staging::complete(tx, has_branch).await?;
        } else if held::is_any(tx).await? {
            staging::give_up(tx, self.today()).await?;
        }
        staging::find_taken(tx, (self.is_delta(), has_branch), self.today()).await
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
        let lost = execute(tx, &journal_of_missing(), |query| {
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
    async fn write_persons(&self, tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
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
        // Two persons may swap branches, and uniqueness is checked row by row: whoever moves or
        // leaves lets go first.
        execute(tx, LET_GO, |query| query).await?;
        if self.is_delta() {
            execute(tx, GIVE_UP, |query| query.bind::<Date, _>(today)).await?;
        }
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

    /// Lays what staff have set by hand over the rows, where it holds; what ends is kept, for undoing.
    pub(super) async fn hold(&self, tx: &mut TenantTransaction, keys: &Keys) -> Result<(), DatabaseError> {
        let stated: Vec<_> = self.stated().collect();
        let ended = held::lay_over(tx, &stated, !self.is_delta(), self.now).await?;
        ended::keep(tx, keys, (self.import_id, self.now), &ended).await
    }

    /// Brings the roster to what the journal says, moves its position, and announces who is lost or back; gives the new position, and
    /// whether the workplaces' counts follow.
    pub(super) async fn complete(
        &self,
        tx: &mut TenantTransaction,
        keys: &Keys,
        changes: Changes,
    ) -> Result<(i64, bool), DatabaseError> {
        if changes.total() > changes.new {
            before::keep(tx, keys, self.position).await?;
        }
        let is_few = self.is_delta() && changes.total() <= staging::FEW;
        let adjusts = is_few && workplaces::hold(tx, self.now).await?;
        if adjusts {
            workplaces::adjust(tx, self.now, self.position, -1).await?;
        }
        self.write_persons(tx).await?;
        if adjusts {
            workplaces::adjust(tx, self.now, self.position, 1).await?;
            workplaces::sum(tx).await?;
        }
        protection::follow_names(tx, is_few.then_some(self.position)).await?;
        staging::clear(tx).await?;
        let position = self.position.saturating_add(signed(changes.total()));
        execute(tx, MOVE, |query| {
            query.bind::<BigInt, _>(position).bind::<SmallInt, _>(FOLD_VERSION)
        })
        .await?;
        self.announce(tx).await?;
        Ok((position, adjusts))
    }

    /// True for a file of changes, which says nothing of whom it leaves out.
    pub(super) fn is_delta(&self) -> bool {
        self.header.has(Column::Movement)
    }

    pub(super) fn today(&self) -> NaiveDate {
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

    /// The stated columns of this file; the personal id is apart, for a row of a file without one takes none away. What a file of
    /// changes has no column for stays as it is, but for the day of loss: whoever is added or changed is covered.
    fn stated(&self) -> impl Iterator<Item = &'static [&'static str]> {
        STATED
            .into_iter()
            .filter(|(column, _)| match column {
                Column::Branch => !self.is_delta() || self.header.has(Column::Branch),
                Column::LostOn => true,
                Column::PersonalId => self.is_exact,
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
        let personal_id = if self.is_exact {
            ""
        } else {
            "CASE WHEN s.personal_id NOT IN ('', p.personal_id) THEN 'personal_id' END,"
        };
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
                              {personal_id}
                              CASE WHEN p.present <> s.present THEN 'present' END], NULL) END AS fields
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
        // A row without a personal id takes none away.
        let (personal_id, is_new_id) = if self.is_exact {
            ("", "false")
        } else {
            (
                "personal_id = CASE WHEN s.personal_id = '' THEN p.personal_id ELSE s.personal_id END,",
                "s.personal_id NOT IN ('', p.personal_id)",
            )
        };
        format!(
            "UPDATE persons p SET {set}, {personal_id}
                 fold_version = $2, present = s.present, updated_at = $3
             FROM roster_staging s, roster_matches m
             WHERE p.tenant_id = $1 AND s.tenant_id = $1 AND m.tenant_id = $1
               AND m.line = s.line AND m.person_id = p.person_id
               AND (p.present <> s.present OR {is_new_id}
                    OR ({}) IS DISTINCT FROM ({}))",
            side("p"),
            side("s")
        )
    }
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

/// Whoever is in the roster is another matter: they would be emptied, so the row is an error.
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

fn journal_of_missing() -> String {
    format!(
        "INSERT INTO roster_changes (tenant_id, position, import_id, person_id, kind, fields, at)
         SELECT p.tenant_id, $3 + row_number() OVER (ORDER BY p.person_id), $4, p.person_id, 'lost',
             '{{lost_on,present}}', $5
         FROM persons p
         WHERE p.tenant_id = $1 AND {COVERED} AND NOT {IS_KEPT}
           AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)"
    )
}

/// Whoever is missing loses coverage on the day of the import; an earlier day of loss stays. Whom a file of changes has given a day
/// of loss to come is covered until then, though no longer in the roster.
fn lose_missing() -> String {
    format!(
        "UPDATE persons p SET present = false, updated_at = $3, lost_on = CASE WHEN {COVERED} THEN $2 ELSE p.lost_on END
         WHERE p.tenant_id = $1 AND (p.present OR {COVERED}) AND NOT {IS_KEPT}
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
      AND (NOT s.present
           OR (p.symbol_key, p.number_key, p.branch_key) IS DISTINCT FROM (s.symbol_key, s.number_key, s.branch_key))";

/// Whose coverage has ended gives their number up to whom a file of changes gives it. That they are no longer in the roster
/// is nothing new of them, and so not in the journal.
const GIVE_UP: &str = "
    UPDATE persons p SET present = false
    FROM roster_staging s
    WHERE p.tenant_id = $1 AND s.tenant_id = $1 AND p.symbol_key = s.symbol_key AND p.number_key = s.number_key
      AND p.branch_key = s.branch_key AND p.branch_key <> '' AND p.present AND p.lost_on <= $2 AND s.present
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)";

fn insert_new() -> String {
    let names: Vec<&str> = STATED
        .into_iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let columns = names.join(", ");
    let values: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
    format!(
        "INSERT INTO persons (tenant_id, person_id, {columns}, fold_version, present, created_at, updated_at)
         SELECT s.tenant_id, s.person_id, {}, $2, s.present, $3, $3
         FROM roster_staging s
         WHERE s.tenant_id = $1
           AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)",
        values.join(", ")
    )
}

/// Whoever writes keys of another version than the rest has the next import look at all of them.
const MOVE: &str = "
    UPDATE roster_heads SET position = $2, fold_version = CASE WHEN fold_version = $3 THEN fold_version END
    WHERE tenant_id = $1";
