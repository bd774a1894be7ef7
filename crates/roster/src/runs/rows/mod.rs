//! `roster_runs`: imports on their way and at their end.

mod dead;
mod listed;
mod mapping;
mod moves;
mod shown;
mod state;

pub(super) use dead::break_dead;
pub use listed::{Left, left_to_staff};
pub(super) use listed::{last, page};
pub use mapping::mapping;
pub(super) use mapping::{keep_mapping, set_mapping};
pub(crate) use moves::finish;
pub(super) use moves::{Begun, beat, begin_work, compared, decided_by, end, keep_counts, wish};
pub(crate) use shown::keep_skipped;
pub use shown::{KEYED, Shown};
pub(super) use shown::{keep_errors, shown};
pub use state::{Counts, Format, RunState};

use super::{Author, Cancelled};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ImportId, JobId, Keys, StaffId, UploadId};
use serde::Serialize;
use shown::seal;
use tabular::{Mapping, uploads::KEPT};
use uuid::Uuid;

/// An import on its way, or at its end.
#[derive(Debug, Clone)]
pub struct Run {
    /// Which; the import has the same id.
    pub run_id: ImportId,
    /// How far.
    pub state: RunState,
    /// Who brought it; none for the command line.
    pub started_by: Option<Author>,
    /// What they were called.
    pub by_name: String,
    /// Who of the staff had it imported that another brought.
    pub decided_by: Option<Decided>,
    /// What the file was called.
    pub file_name: String,
    /// When its file came.
    pub created_at: DateTime<Utc>,
    /// When it last moved.
    pub moved_at: DateTime<Utc>,
    /// What a worker does of it: `reading`, `comparing`, `merging`, or nothing yet.
    pub stage: String,
    /// Rows read so far.
    pub rows: u64,
    /// How much of the file that is.
    pub percent: u64,
    /// Which header means which column.
    pub mapping: Mapping,
    /// In numbers.
    pub counts: Counts,
    pub(super) upload_id: UploadId,
    pub(super) errors_id: Option<UploadId>,
    /// The import that it undoes.
    pub undoes: Option<ImportId>,
    /// True of a program's that is imported by itself once it is compared, where nothing stands against it.
    pub goes_on: bool,
    /// As what it came.
    pub format: Format,
    /// Why it was cancelled, where that is known; not in lists.
    pub cancelled: Option<Cancelled>,
    /// The job that has it.
    job_id: Option<JobId>,
}

/// One of the staff, for another who brought a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who.
    pub staff_id: StaffId,
    /// What they were called.
    pub name: String,
}

impl Run {
    /// True where all its errors can be had as a file.
    pub fn has_errors_file(&self) -> bool {
        self.errors_id.is_some()
    }

    /// True of what a program only had compared: it is imported once the program itself says so.
    pub fn is_dry_run(&self) -> bool {
        self.started_by.is_some_and(Author::is_client) && !self.goes_on
    }

    /// Who had it imported; none for the command line.
    pub(super) fn importer(&self) -> Option<Author> {
        let decided = self.decided_by.as_ref().map(|decided| Author::Staff(decided.staff_id));
        decided.or(self.started_by)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = roster_runs)]
struct Row {
    run_id: ImportId,
    state: String,
    started_by: Option<Uuid>,
    by_client: bool,
    by_name: String,
    decided_by: Option<Uuid>,
    decided_name: Option<String>,
    file_name: String,
    upload_id: UploadId,
    created_at: DateTime<Utc>,
    moved_at: DateTime<Utc>,
    stage: String,
    rows: i64,
    percent: i32,
    mapping: serde_json::Value,
    report: serde_json::Value,
    errors_id: Option<UploadId>,
    undoes: Option<ImportId>,
    goes_on: bool,
    format: String,
    job_id: Option<JobId>,
}

impl TryFrom<Row> for Run {
    type Error = DatabaseError;

    fn try_from(row: Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            run_id: row.run_id,
            state: RunState::parse(&row.state).ok_or_else(|| unread("state of a roster run"))?,
            started_by: row.started_by.map(|id| Author::read(id, row.by_client)),
            by_name: row.by_name,
            decided_by: row.decided_by.map(|id| Decided {
                staff_id: StaffId(id),
                name: row.decided_name.unwrap_or_default(),
            }),
            file_name: row.file_name,
            created_at: row.created_at,
            moved_at: row.moved_at,
            stage: row.stage,
            rows: u64::try_from(row.rows).unwrap_or_default(),
            percent: u64::try_from(row.percent).unwrap_or_default(),
            mapping: serde_json::from_value(row.mapping).map_err(|_| unread("mapping of a roster run"))?,
            counts: serde_json::from_value(row.report).map_err(|_| unread("report of a roster run"))?,
            upload_id: row.upload_id,
            errors_id: row.errors_id,
            undoes: row.undoes,
            goes_on: row.goes_on,
            format: Format::parse(&row.format).ok_or_else(|| unread("format of a roster run"))?,
            cancelled: None,
            job_id: row.job_id,
        })
    }
}

fn unread(what: &'static str) -> DatabaseError {
    diesel::result::Error::DeserializationError(what.into()).into()
}

fn json(value: &impl Serialize) -> Result<serde_json::Value, DatabaseError> {
    let json = serde_json::to_value(value);
    json.map_err(|error| diesel::result::Error::SerializationError(error.into()).into())
}

/// What a new run begins with.
pub(super) struct Beginning<'a> {
    pub(super) run_id: ImportId,
    pub(super) state: RunState,
    pub(super) started_by: Option<Author>,
    pub(super) by_name: &'a str,
    pub(super) file_name: &'a str,
    pub(super) upload_id: UploadId,
    pub(super) undoes: Option<ImportId>,
    pub(super) goes_on: bool,
    pub(super) format: Format,
}

/// True where it was begun; false where another is at work and this one would be too.
pub(super) async fn begin(
    tx: &mut TenantTransaction,
    beginning: &Beginning<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    use roster_runs as t;
    let inserted = diesel::insert_into(t::table)
        .values((
            t::tenant_id.eq(tx.tenant()),
            t::run_id.eq(beginning.run_id),
            t::state.eq(beginning.state.as_str()),
            t::started_by.eq(beginning.started_by.map(Author::id)),
            t::by_client.eq(beginning.started_by.is_some_and(Author::is_client)),
            t::by_name.eq(beginning.by_name),
            t::file_name.eq(beginning.file_name),
            t::upload_id.eq(beginning.upload_id),
            t::undoes.eq(beginning.undoes),
            t::goes_on.eq(beginning.goes_on),
            t::format.eq(beginning.format.as_str()),
            t::created_at.eq(now),
            t::moved_at.eq(now),
            t::stage.eq(""),
            t::rows.eq(0),
            t::percent.eq(0),
            t::mapping.eq(json(&Mapping::default())?),
            t::report.eq(json(&Counts::default())?),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(inserted > 0)
}

/// One of them.
pub(super) async fn one(tx: &mut TenantTransaction, run: ImportId) -> Result<Option<Run>, DatabaseError> {
    let row: Option<Row> = of(tx, run).select(Row::as_select()).first(&mut **tx).await.optional()?;
    let Some(mut found) = row.map(Run::try_from).transpose()? else {
        return Ok(None);
    };
    if found.state == RunState::Cancelled {
        let is_sent = found.started_by.is_some_and(Author::is_client);
        found.cancelled = Cancelled::read(tx, "roster.cancel", (run, found.created_at), is_sent).await?;
    }
    Ok(Some(found))
}

/// Holds a run's row until the transaction ends: of several who ask for one thing, each sees what those before it did.
pub(super) async fn hold(tx: &mut TenantTransaction, run: ImportId) -> Result<(), DatabaseError> {
    let row = of(tx, run).select(roster_runs::run_id).for_update();
    row.execute(&mut **tx).await?;
    Ok(())
}

/// Drafts of one person or program, whose place a new file takes; held, so that none of them is put to work meanwhile.
pub(super) async fn drafts(tx: &mut TenantTransaction, author: Author) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::started_by.eq(author.id()))
        .filter(roster_runs::state.eq_any(RunState::DRAFTS))
        .select(Row::as_select())
        .order(roster_runs::run_id)
        .for_update()
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// Those of a program whose file has come and that have not ended; but for those the staff have decided on. Held.
pub(super) async fn open_of(tx: &mut TenantTransaction, author: Author) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::started_by.eq(author.id()))
        .filter(roster_runs::state.eq_any(RunState::OPEN))
        // What still comes is refused at its end.
        .filter(roster_runs::state.ne(RunState::Receiving.as_str()))
        .filter(roster_runs::decided_by.is_null())
        .select(Row::as_select())
        .order(roster_runs::run_id)
        .for_update()
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// The one that is at work.
pub(super) async fn at_work(tx: &mut TenantTransaction) -> Result<Option<Run>, DatabaseError> {
    let row: Option<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::state.eq_any(["comparing", "running"]))
        .select(Row::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Run::try_from).transpose()
}

/// The run that undoes an import, or has undone it.
pub(super) async fn undoing(tx: &mut TenantTransaction, import: ImportId) -> Result<Option<Run>, DatabaseError> {
    let row: Option<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::undoes.eq(import))
        .filter(roster_runs::state.eq_any(["running", "finished"]))
        .select(Row::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Run::try_from).transpose()
}

/// Notes which job has it.
pub(super) async fn given_to(tx: &mut TenantTransaction, run: ImportId, job: JobId) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set(roster_runs::job_id.eq(job))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets a draft.
pub(super) async fn delete(tx: &mut TenantTransaction, run: ImportId) -> Result<(), DatabaseError> {
    diesel::delete(of(tx, run)).execute(&mut **tx).await?;
    Ok(())
}

/// The file has come; false where the run was ended meanwhile.
pub(super) async fn received(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
    (encoding, shown): (String, &Shown),
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let counts = Counts {
        encoding,
        ..Counts::default()
    };
    let updated = diesel::update(of(tx, run).filter(roster_runs::state.eq(RunState::Receiving.as_str())))
        .set((
            roster_runs::state.eq(RunState::Received.as_str()),
            roster_runs::report.eq(json(&counts)?),
            roster_runs::sealed.eq(seal(keys, tx, run, shown)?),
            roster_runs::moved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(updated > 0)
}

/// Those that ended so since a time, the first first.
pub(super) async fn finished_since(
    tx: &mut TenantTransaction,
    since: DateTime<Utc>,
) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        // Whatever is not imported so long is forgotten.
        .filter(roster_runs::created_at.gt(since - KEPT))
        .filter(roster_runs::moved_at.gt(since))
        .filter(roster_runs::state.eq(RunState::Finished.as_str()))
        .order((roster_runs::moved_at, roster_runs::run_id))
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// Forgets what was brought seven days ago and never imported, and of what was what it showed of people; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let old = roster_runs::table
        .filter(roster_runs::tenant_id.eq(tx.tenant()))
        .filter(roster_runs::created_at.le(now - KEPT));
    diesel::update(
        old.filter(
            roster_runs::sealed
                .is_not_null()
                .or(roster_runs::errors_id.is_not_null()),
        ),
    )
    .set((
        roster_runs::sealed.eq(None::<Vec<u8>>),
        roster_runs::errors_id.eq(None::<UploadId>),
    ))
    .execute(&mut **tx)
    .await?;
    Ok(diesel::delete(old.filter(roster_runs::state.eq_any(RunState::DRAFTS)))
        .execute(&mut **tx)
        .await?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of(tx: &TenantTransaction, run: ImportId) -> _ {
    let tenant: kernel::TenantId = tx.tenant();
    let run: ImportId = run;
    roster_runs::table
        .filter(roster_runs::tenant_id.eq(tenant))
        .filter(roster_runs::run_id.eq(run))
}

mod schema {
    diesel::table! {
        roster_runs (tenant_id, run_id) {
            tenant_id -> Integer,
            run_id -> Uuid,
            state -> Text,
            started_by -> Nullable<Uuid>,
            by_client -> Bool,
            by_name -> Text,
            decided_by -> Nullable<Uuid>,
            decided_name -> Nullable<Text>,
            file_name -> Text,
            upload_id -> Uuid,
            created_at -> Timestamptz,
            moved_at -> Timestamptz,
            stage -> Text,
            rows -> BigInt,
            percent -> Integer,
            mapping -> Jsonb,
            report -> Jsonb,
            sealed -> Nullable<Binary>,
            errors_id -> Nullable<Uuid>,
            undoes -> Nullable<Uuid>,
            goes_on -> Bool,
            format -> Text,
            job_id -> Nullable<Uuid>,
        }
    }

    diesel::table! {
        roster_mappings (tenant_id, field) {
            tenant_id -> Integer,
            field -> Text,
            header -> Text,
        }
    }
}
use schema::roster_runs;
