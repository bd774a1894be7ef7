//! `statement_runs`: imports on their way and at their end.

mod moves;
mod state;

pub(super) use moves::{Begun, beat, begin_again, begin_work, break_dead, checked, end, keep_errors};
pub(crate) use moves::{loaded, loads};
pub use state::RunState;

use super::{
    report::Report,
    shown::{Shown, seal},
};
use crate::{delivery::DeliveryNo, kind::Kind, month::Month, reasons::ImportRefused, schema::statement_runs as t};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{prelude::*, result::Error};
use diesel_async::RunQueryDsl;
use kernel::{ImportId, JobId, Keys, StaffId, TenantId, UploadId};
use roster::runs::{Author, Cancelled, Decided};
use serde::Serialize;
use serde_json::Value;
use tabular::{Encoding, Mapping, uploads::KEPT};
use uuid::Uuid;

/// After so long without a sign, of which there is one a second while it is worked on, it is looked at whether a run is dead.
const SILENT: TimeDelta = TimeDelta::seconds(5);

/// An import on its way, or at its end.
#[derive(Debug, Clone)]
pub struct Run {
    /// Which.
    pub run_id: ImportId,
    /// Of what its file is.
    pub kind: Kind,
    /// 処理年月, where whoever had it checked said so.
    pub label: Option<Month>,
    /// How far.
    pub state: RunState,
    /// Who brought the file.
    pub started_by: Author,
    /// What they are called.
    pub by_name: String,
    /// Who of the staff had it loaded that another brought.
    pub decided_by: Option<Decided>,
    /// What the file is called.
    pub file_name: String,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// When the run last moved.
    pub moved_at: DateTime<Utc>,
    /// What a worker does of it: `checking`, `loading`, or nothing yet.
    pub stage: String,
    /// Rows so far.
    pub rows: u64,
    /// How much of the file that is.
    pub percent: u64,
    /// What was found.
    pub report: Report,
    /// True of a program's that is loaded by itself once it is checked, where nothing about it is unusual.
    pub goes_on: bool,
    /// The delivery into which it loads, or has loaded.
    pub delivery: Option<DeliveryNo>,
    /// Why it was cancelled, where that is known; not in lists.
    pub cancelled: Option<Cancelled>,
    /// Which header means which column.
    pub(super) mapping: Mapping,
    /// True once somebody has said that what is unusual about it is right.
    pub(super) agreed: bool,
    pub(super) upload_id: UploadId,
    pub(super) errors_id: Option<UploadId>,
    job_id: Option<JobId>,
}

impl Run {
    /// True where all its errors can be had as a file.
    pub fn has_errors_file(&self) -> bool {
        self.errors_id.is_some()
    }

    /// True of what a program only had checked: nobody loads it.
    pub fn is_dry_run(&self) -> bool {
        self.started_by.is_client() && !self.goes_on
    }

    /// Who had it loaded.
    pub(super) fn loader(&self) -> Author {
        let decided = self.decided_by.as_ref();
        decided.map_or(self.started_by, |decided| Author::Staff(decided.staff_id))
    }

    /// True for whoever of the staff brought it, or had it loaded.
    pub fn is_of(&self, staff_id: StaffId) -> bool {
        let own = Author::Staff(staff_id);
        self.started_by == own || self.loader() == own
    }

    /// What keeps its file from loading unless somebody says that it is right.
    pub fn doubts(&self) -> Vec<ImportRefused> {
        let found = self.report.found.as_ref();
        found.map_or_else(Vec::new, |found| found.doubts(self.kind))
    }

    /// True where its worker may be dead.
    pub(super) fn is_silent(&self, now: DateTime<Utc>) -> bool {
        self.state.is_at_work() && self.moved_at + SILENT < now
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Row {
    run_id: ImportId,
    kind: String,
    label: Option<Month>,
    state: String,
    started_by: Uuid,
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
    mapping: Value,
    report: Value,
    agreed: bool,
    errors_id: Option<UploadId>,
    goes_on: bool,
    job_id: Option<JobId>,
    delivery: Option<i32>,
}

impl TryFrom<Row> for Run {
    type Error = DatabaseError;

    fn try_from(row: Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            run_id: row.run_id,
            kind: Kind::from_word(&row.kind).ok_or_else(|| unread("kind of a run"))?,
            label: row.label,
            state: RunState::from_word(&row.state).ok_or_else(|| unread("state of a run"))?,
            started_by: Author::read(row.started_by, row.by_client),
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
            report: serde_json::from_value(row.report).map_err(unread)?,
            goes_on: row.goes_on,
            delivery: row.delivery.map(DeliveryNo),
            cancelled: None,
            mapping: serde_json::from_value(row.mapping).map_err(unread)?,
            agreed: row.agreed,
            upload_id: row.upload_id,
            errors_id: row.errors_id,
            job_id: row.job_id,
        })
    }
}

pub(super) fn unread(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DatabaseError {
    Error::DeserializationError(what.into()).into()
}

fn json(value: &impl Serialize) -> Result<Value, DatabaseError> {
    serde_json::to_value(value).map_err(|error| Error::SerializationError(error.into()).into())
}

/// What a new run begins with.
pub(super) struct Beginning<'a> {
    pub(super) run_id: ImportId,
    pub(super) kind: Kind,
    pub(super) by: (Author, &'a str),
    pub(super) goes_on: bool,
    pub(super) file_name: &'a str,
    pub(super) upload_id: UploadId,
    pub(super) encoding: Encoding,
}

/// Begins with a file that has come.
pub(super) async fn begin(
    tx: &mut TenantTransaction,
    keys: &Keys,
    beginning: &Beginning<'_>,
    shown: &Shown,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let report = Report {
        encoding: beginning.encoding.as_str().to_owned(),
        ..Report::default()
    };
    let (author, by_name) = beginning.by;
    diesel::insert_into(t::table)
        .values((
            (
                t::tenant_id.eq(tx.tenant()),
                t::run_id.eq(beginning.run_id),
                t::kind.eq(beginning.kind.as_str()),
                t::state.eq(RunState::Received.as_str()),
                t::started_by.eq(author.id()),
                t::by_client.eq(author.is_client()),
                t::goes_on.eq(beginning.goes_on),
                t::by_name.eq(by_name),
                t::file_name.eq(beginning.file_name),
                t::upload_id.eq(beginning.upload_id),
                t::created_at.eq(now),
                t::moved_at.eq(now),
            ),
            (
                t::stage.eq(""),
                t::rows.eq(0),
                t::percent.eq(0),
                t::mapping.eq(json(&Mapping::default())?),
                t::report.eq(json(&report)?),
                t::agreed.eq(false),
                t::sealed.eq(seal(keys, tx, beginning.run_id, shown)?),
            ),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// One of them.
pub(super) async fn one(tx: &mut TenantTransaction, run: ImportId) -> Result<Option<Run>, DatabaseError> {
    let row: Option<Row> = of(tx, run).select(Row::as_select()).first(&mut **tx).await.optional()?;
    let Some(mut found) = row.map(Run::try_from).transpose()? else {
        return Ok(None);
    };
    if found.state == RunState::Cancelled {
        let is_sent = found.started_by.is_client();
        found.cancelled = Cancelled::read(tx, "statements.cancel", (run, found.created_at), is_sent).await?;
    }
    Ok(Some(found))
}

/// The last ones, the last first.
pub(super) async fn last(tx: &mut TenantTransaction, limit: i64) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = of_insurer(tx.tenant())
        .order(t::created_at.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// The last begun first, by their ids, which tell when that was: so many of them before one.
pub(super) async fn page(tx: &mut TenantTransaction, before: ImportId, limit: i64) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = of_insurer(tx.tenant())
        .filter(t::run_id.lt(before))
        .order(t::run_id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// Drafts of one person or program, whose place a new file takes; held, so that none of them is put to work meanwhile.
pub(super) async fn drafts(tx: &mut TenantTransaction, author: Author, kind: Kind) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = of_insurer(tx.tenant())
        .filter(t::started_by.eq(author.id()))
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::state.eq_any(words(&RunState::DRAFTS)))
        .select(Row::as_select())
        .order(t::run_id)
        .for_update()
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// Those of a program that have not ended, but for those the staff have decided on; held.
pub(super) async fn open_of(tx: &mut TenantTransaction, author: Author) -> Result<Vec<Run>, DatabaseError> {
    let rows: Vec<Row> = of_insurer(tx.tenant())
        .filter(t::started_by.eq(author.id()))
        .filter(t::state.eq_any(words(&RunState::OPEN)))
        .filter(t::decided_by.is_null())
        .select(Row::as_select())
        .order(t::run_id)
        .for_update()
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// Forgets a draft.
pub(super) async fn delete(tx: &mut TenantTransaction, run: ImportId) -> Result<(), DatabaseError> {
    diesel::delete(of(tx, run)).execute(&mut **tx).await?;
    Ok(())
}

/// Keeps what whoever has a file checked said of it.
pub(super) async fn set_wish(
    tx: &mut TenantTransaction,
    run: ImportId,
    label: Option<Month>,
    mapping: &Mapping,
) -> Result<(), DatabaseError> {
    let label: Option<NaiveDate> = label.map(Month::first);
    diesel::update(of(tx, run))
        .set((t::label.eq(label), t::mapping.eq(json(mapping)?)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps whether whoever has a file loaded agreed to what is unusual about it.
pub(super) async fn set_agreed(tx: &mut TenantTransaction, run: ImportId, agreed: bool) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set(t::agreed.eq(agreed))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps who of the staff has a file loaded, beside whoever brought it.
pub(super) async fn set_decided(
    tx: &mut TenantTransaction,
    run: ImportId,
    (author, name): (Author, &str),
) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set((t::decided_by.eq(author.id()), t::decided_name.eq(name)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets what was brought seven days ago and never loaded, and of what was what it showed of people; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let old = of_insurer(tx.tenant()).filter(t::created_at.le(now - KEPT));
    diesel::update(old.filter(t::sealed.is_not_null().or(t::errors_id.is_not_null())))
        .set((t::sealed.eq(None::<Vec<u8>>), t::errors_id.eq(None::<UploadId>)))
        .execute(&mut **tx)
        .await?;
    let forgotten = old.filter(t::state.eq_any(words(&RunState::FORGOTTEN)));
    Ok(diesel::delete(forgotten).execute(&mut **tx).await?)
}

fn words(states: &[RunState]) -> Vec<&'static str> {
    states.iter().map(|state| state.as_str()).collect()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_insurer(tenant: TenantId) -> _ {
    t::table.filter(t::tenant_id.eq(tenant))
}

#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn of(tx: &TenantTransaction, run: ImportId) -> _ {
    let tenant: TenantId = tx.tenant();
    let run: ImportId = run;
    t::table.filter(t::tenant_id.eq(tenant)).filter(t::run_id.eq(run))
}
