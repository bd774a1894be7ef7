//! Undoing an import: an import of its own, whose rows are what the people said before. Whoever changed since, by hand or by a
//! later import, is left as they are, and so is whoever would take a number that is somebody else's by now. Whom the import
//! brought into the roster is lost again. What staff had set by hand, and the import ended, holds again.

use super::{
    Bounds, ImportError, Options, Progress, Reading, Report, Run, Sample, Vanishing,
    columns::Header,
    count_covered,
    merge::{Merge, stated},
    one,
    reader::FileRead,
    reasons::ErrorLog,
    report::Relations,
    staging::{self, Batch},
};
use crate::{
    before::{self, Kept, Values},
    ended::{self, Undone},
    forget, runs,
};
use audit::{Actor, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{Clock, ImportId, Keys, PersonId, calendar};
use tabular::Encoding;
use tenancy::Insurer;

/// Entries at a time.
const AT_ONCE: i64 = 2_000;
/// People who are named of those left as they are.
const NAMED: usize = 50;

/// An import of which it is known what the people said before.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Undoable {
    #[diesel(sql_type = Uuid)]
    import_id: ImportId,
    /// What its file was called.
    #[diesel(sql_type = Text)]
    pub(crate) file_name: String,
    #[diesel(sql_type = BigInt)]
    after_position: i64,
    #[diesel(sql_type = BigInt)]
    last_position: i64,
    /// The import that it undid itself.
    #[diesel(sql_type = Nullable<Uuid>)]
    undid: Option<ImportId>,
}

/// What is known of an import; none where it was not finished, is too old, or changed nobody.
pub(crate) async fn undoable(tx: &mut TenantTransaction, import: ImportId) -> Result<Option<Undoable>, DatabaseError> {
    Ok(diesel::sql_query(UNDOABLE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .get_result(&mut **tx)
        .await
        .optional()?)
}

/// Of whom undoing an import would move back the day of loss: to one that has come, or to an earlier one to come. Whom it brought
/// or brought back is not counted.
pub(crate) async fn losses(
    tx: &mut TenantTransaction,
    keys: &Keys,
    undoes: &Undoable,
    today: NaiveDate,
) -> Result<Vanishing, DatabaseError> {
    let mut losses = Vanishing::default();
    let mut after = undoes.after_position;
    loop {
        let moved: Vec<Moved> = diesel::sql_query(MOVED)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(undoes.last_position)
            .bind::<Date, _>(today)
            .bind::<BigInt, _>(AT_ONCE)
            .load(&mut **tx)
            .await?;
        let Some(last) = moved.last() else { return Ok(losses) };
        after = last.position;
        for Moved { kept, lost_on, .. } in moved {
            match day_of_loss(&kept.open(tx.tenant(), keys)?) {
                Some(before) if before <= today => losses.ended += 1,
                Some(before) if before < lost_on => losses.coming += 1,
                _ => {}
            }
        }
    }
}

fn day_of_loss(values: &Values) -> Option<NaiveDate> {
    values.get("lost_on")?.parse().ok()
}

/// Somebody who is covered until the day to which an import moved their loss.
#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(embed)]
    kept: Kept,
    #[diesel(sql_type = Date)]
    lost_on: NaiveDate,
}

/// Undoes it, as the run of this id; within what was shown, and but of people whom it would have forgotten at once, for they would
/// have lost coverage before that day.
pub(crate) async fn undo(
    (database, keys): (&Database, &Keys),
    insurer: &Insurer,
    (run_id, undoes): (ImportId, &Undoable),
    (bounds, lost_before): (Option<Bounds>, NaiveDate),
    by: (Actor, Origin),
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, ImportError> {
    let now = clock.now();
    let run = Run {
        database,
        keys,
        insurer,
        file_name: undoes.file_name.clone(),
        options: Options::default(),
        by,
        clock,
        now,
        is_watched: true,
        import_id: run_id,
        action: "roster.undo",
    };
    let (mut tx, position) = run.lock().await?;
    progress(Progress::Comparing);
    let file = nothing_read();
    let merge = Merge {
        import_id: run_id,
        header: &file.header.clone(),
        position,
        now,
        is_exact: true,
    };
    let mut left = Left::default();
    let rows = stage(&mut tx, keys, insurer, undoes, (now, lost_before), &mut left).await?;
    staging::look_up(&mut tx, rows).await?;
    let taken = drop_taken(&mut tx, &mut left).await?;
    let undone = Undone {
        import: undoes.import_id,
        undid: undoes.undid,
        after_position: undoes.after_position,
    };
    ended::undo(&mut tx, keys, (run_id, now), undone).await?;
    staging::match_named(&mut tx).await?;
    let vanishing = merge.vanishing(&mut tx, u64::from(insurer.roster.loss_percent)).await?;
    let vanishing = count_covered(&mut tx, merge.today(), vanishing.counted(bounds)).await?;
    let corrected = merge.corrected(&mut tx).await?;
    if let Some(refusal) = bounds.and_then(|bounds| bounds.refusal(vanishing, &corrected)) {
        tx.rollback().await?;
        return run.refuse(&file, refusal).await;
    }
    let changes = merge.write_journal(&mut tx).await?;
    let report = Report {
        is_delta: true,
        corrected,
        skipped: left.count,
        ..run.report(&file, rows - taken, changes, vanishing)
    };
    progress(Progress::Merging);
    if !run.finish(&mut tx, &merge, &file, &report, changes).await? {
        tx.rollback().await?;
        return Err(super::ImportRefused::Cancelled.into());
    }
    forget_numbers(&mut tx, (run_id, position), undoes).await?;
    runs::keep_skipped(&mut tx, keys, run_id, left.named).await?;
    tx.commit().await?;
    Ok(report)
}

/// In place of a file.
fn nothing_read() -> FileRead {
    let header: Header = one::whole_header();
    FileRead {
        encoding: Encoding::Utf8,
        header,
        errors: ErrorLog::default(),
        relations: Relations::default(),
        hash: [0; 32],
    }
}

/// Who is left as they are.
#[derive(Default)]
struct Left {
    count: u64,
    named: Vec<Sample>,
}

impl Left {
    fn add(&mut self, person: PersonId, values: &Values) {
        self.count += 1;
        self.name(person, values);
    }

    fn name(&mut self, person: PersonId, values: &Values) {
        if self.named.len() < NAMED {
            let text = |column: &str| values.get(column).cloned().unwrap_or_default();
            let parts = ["symbol", "number", "branch"].map(text);
            let parts: Vec<&str> = parts
                .iter()
                .map(String::as_str)
                .filter(|part| !part.is_empty())
                .collect();
            let name = text("name");
            self.named.push(Sample {
                kind: String::new(),
                person_id: person,
                line: None,
                number: parts.join("・"),
                name: if name.is_empty() { text("kana_name") } else { name },
                fields: Vec::new(),
            });
        }
    }
}

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Array<Text>)]
    now: Vec<String>,
    #[diesel(sql_type = Bool)]
    has_changed: bool,
}

/// Stages what the people said before the import; gives how many.
async fn stage(
    tx: &mut TenantTransaction,
    keys: &Keys,
    insurer: &Insurer,
    undoes: &Undoable,
    (now, lost_before): (DateTime<Utc>, NaiveDate),
    left: &mut Left,
) -> Result<u64, DatabaseError> {
    let (sql, reading) = (
        ENTRIES.replace("{values}", &stated::values()),
        Reading::of(insurer, now),
    );
    let today = calendar::today_in_japan(now).to_string();
    let (mut after, mut rows) = (undoes.after_position, 0);
    loop {
        let entries: Vec<Entry> = diesel::sql_query(&sql)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(undoes.last_position)
            .bind::<BigInt, _>(AT_ONCE)
            .load(&mut **tx)
            .await?;
        let Some(last) = entries.last().map(|entry| entry.position) else {
            return Ok(rows);
        };
        let mut olds = before::between(tx, keys, (after, last)).await?;
        after = last;
        let mut batch = Batch::default();
        for entry in entries {
            let values = before::named(entry.now);
            let before = match (entry.kind.as_str(), olds.remove(&entry.position)) {
                ("new", _) => Some(lost(values.clone(), &today)),
                (_, Some(old)) => Some(values.clone().into_iter().chain(old).collect()),
                (_, None) => None,
            };
            let row = before
                .filter(|_| !entry.has_changed)
                .and_then(|before| Some((reading.row(&before).ok()?, before)))
                .filter(|(row, _)| !forget::is_at_once(day_of_loss(&values), row.lost_on, lost_before));
            match row {
                Some((row, before)) => {
                    // Whoever gave their number up after a day of loss that is taken back is in the roster again.
                    let is_present =
                        row.lost_on.is_none() || before.get("present").is_some_and(|present| present == "true");
                    rows += 1;
                    batch.push_as(rows, row, entry.person_id, is_present);
                }
                None => left.add(entry.person_id, &values),
            }
        }
        if batch.len() > 0 {
            staging::insert(tx, batch).await?;
        }
    }
}

/// Somebody whom the import brought: no longer in the roster, and lost today unless they were before.
fn lost(mut values: Values, today: &str) -> Values {
    values.insert("present".to_owned(), "false".to_owned());
    let lost_on = values.entry("lost_on".to_owned()).or_default();
    if lost_on.is_empty() || lost_on.as_str() > today {
        today.clone_into(lost_on);
    }
    values
}

/// Leaves out who would take a number or an id that is by now somebody's who is not undone; gives how many. Without them
/// others may be in the way. It may be the whole roster, of which few are read.
async fn drop_taken(tx: &mut TenantTransaction, left: &mut Left) -> Result<u64, DatabaseError> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = Uuid)]
        person_id: PersonId,
        #[diesel(sql_type = Array<Text>)]
        now: Vec<String>,
        /// All of them.
        #[diesel(sql_type = BigInt)]
        people: i64,
    }
    let sql = TAKEN
        .replace("{values}", &stated::values())
        .replace("{named}", &NAMED.to_string());
    let mut dropped = 0;
    loop {
        let taken: Vec<Taken> = diesel::sql_query(&sql)
            .bind::<Integer, _>(tx.tenant())
            .load(&mut **tx)
            .await?;
        let Some(people) = taken.as_slice().first().map(|taken| taken.people) else {
            return Ok(dropped);
        };
        let people = u64::try_from(people).unwrap_or_default();
        dropped += people;
        left.count += people;
        for Taken { person_id, now, .. } in taken {
            left.name(person_id, &before::named(now));
        }
    }
}

/// Whoever has the number back from before never had another: it would make them, for the days between, one of the family
/// whose number it is.
async fn forget_numbers(
    tx: &mut TenantTransaction,
    (run_id, after): (ImportId, i64),
    undoes: &Undoable,
) -> Result<(), DatabaseError> {
    diesel::sql_query(FORGET_NUMBERS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(undoes.import_id)
        .bind::<Uuid, _>(run_id)
        .bind::<BigInt, _>(after)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counted by indexes alone.
/// A look-up for each of the few: what the entry's person said before stands under the position, written as a uuid.
const MOVED: &str = "
    SELECT c.position, kept.change_id, kept.sealed, person.lost_on
    FROM roster_changes c
    CROSS JOIN LATERAL (
        SELECT p.lost_on FROM persons p
        WHERE p.tenant_id = $1 AND p.person_id = c.person_id AND p.emptied_at IS NULL OFFSET 0
    ) AS person
    CROSS JOIN LATERAL (
        SELECT b.change_id, b.sealed FROM roster_before b
        WHERE b.tenant_id = $1 AND b.change_id = lpad(to_hex(c.position), 32, '0')::uuid OFFSET 0
    ) AS kept
    WHERE c.tenant_id = $1 AND c.position > $2 AND c.position <= $3 AND c.kind = 'changed' AND 'lost_on' = ANY (c.fields)
      AND person.lost_on > $4 AND NOT EXISTS (
          SELECT FROM roster_changes later
          WHERE later.tenant_id = $1 AND later.person_id = c.person_id AND later.position > $3 AND later.kind <> 'new')
    ORDER BY c.position LIMIT $5";

/// Of an import that changed nobody, and of one whose entries are deleted by age, there is nothing to undo.
const UNDOABLE: &str = "
    SELECT i.import_id, i.file_name, i.after_position, i.last_position, r.undoes AS undid
    FROM roster_imports i LEFT JOIN roster_runs r ON r.tenant_id = $1 AND r.run_id = i.import_id
    WHERE i.tenant_id = $1 AND i.import_id = $2 AND i.state = 'finished' AND i.last_position > i.after_position
      AND EXISTS (SELECT FROM roster_changes c WHERE c.tenant_id = $1 AND c.position = i.after_position + 1 OFFSET 0)";

/// A look-up for each, for a batch joined as a whole would read the whole roster.
const ENTRIES: &str = "
    SELECT c.position, c.person_id, c.kind, person.now, EXISTS (
        SELECT FROM roster_changes later
        WHERE later.tenant_id = $1 AND later.person_id = c.person_id AND later.position > $3 AND later.kind <> 'new'
    ) AS has_changed
    FROM roster_changes c
    CROSS JOIN LATERAL (
        SELECT {values} AS now FROM persons p
        WHERE p.tenant_id = $1 AND p.person_id = c.person_id AND p.emptied_at IS NULL OFFSET 0
    ) AS person
    WHERE c.tenant_id = $1 AND c.position > $2 AND c.position <= $3
    ORDER BY c.position LIMIT $4";

/// All are deleted, of whom [`NAMED`] are given.
const TAKEN: &str = "
    WITH blocked AS (
        SELECT s.line
        FROM roster_staging s
        JOIN persons other ON other.symbol_key = s.symbol_key AND other.number_key = s.number_key
            AND other.branch_key = s.branch_key AND other.person_id <> s.person_id
        LEFT JOIN roster_staging beside ON beside.tenant_id = $1 AND beside.person_id = other.person_id
        WHERE s.tenant_id = $1 AND other.tenant_id = $1 AND s.present AND s.branch_key <> '' AND other.present
          AND other.branch_key <> '' AND beside.line IS NULL
        UNION
        SELECT s.line
        FROM roster_staging s
        JOIN persons other ON other.personal_id = s.personal_id AND other.person_id <> s.person_id
        LEFT JOIN roster_staging beside ON beside.tenant_id = $1 AND beside.person_id = other.person_id
        WHERE s.tenant_id = $1 AND other.tenant_id = $1 AND other.personal_id <> '' AND beside.line IS NULL
    ), taken AS (
        DELETE FROM roster_staging s USING blocked b WHERE s.tenant_id = $1 AND s.line = b.line RETURNING s.person_id
    )
    SELECT p.person_id, {values} AS now, few.people
    FROM (SELECT person_id, count(*) OVER () AS people FROM taken LIMIT {named}) AS few
    JOIN persons p ON p.tenant_id = $1 AND p.person_id = few.person_id";

/// A look-up for each whom the undoing has changed.
const FORGET_NUMBERS: &str = "
    DELETE FROM person_numbers n
    WHERE n.tenant_id = $1 AND n.import_id IN ($2, $3) AND n.person_id = ANY (ARRAY(
        SELECT c.person_id FROM (SELECT person_id FROM roster_changes WHERE tenant_id = $1 AND position > $4) c
        CROSS JOIN LATERAL (
            SELECT FROM person_numbers q
            WHERE q.tenant_id = $1 AND q.person_id = c.person_id AND q.import_id = $2 OFFSET 0) brought
        CROSS JOIN LATERAL (
            SELECT FROM person_numbers q
            WHERE q.tenant_id = $1 AND q.person_id = c.person_id AND q.import_id = $3 OFFSET 0) back))";
