//! The import of a whole roster: read, stage, compare, merge, in one transaction. The file is taken whole or not at
//! all, and never held in memory as a whole.

mod columns;
mod described;
mod keys;
mod latest;
mod merge;
mod one;
mod reader;
mod reasons;
mod report;
mod rows;
mod staging;
mod typed;
mod undo;

pub(crate) use columns::Column;
pub use described::{CODES, Described, described};
pub use latest::{LastImport, last};
pub(crate) use merge::stated;
pub(crate) use one::{One, is_imported, share_roster};
pub use reasons::{Reason, RowError, RowErrors};
pub(crate) use report::Bounds;
pub use report::{Corrected, ImportError, ImportRefused, Options, Progress, Relations, Report, Sample, Vanishing};
pub use rows::{CODE_CHARS, NAME_CHARS, TEXT_CHARS};
pub(crate) use rows::{Reading, Row};
pub(crate) use typed::label;
pub(crate) use undo::{Undoable, losses, undo, undoable};

use crate::{runs, workplaces, writing};
use access::scope::IMPORTS_WRITE;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use columns::Header;
use database::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use jobs::Event;
use kernel::{ClientId, Clock, ImportId, Keys};
pub(crate) use merge::count_covered;
use merge::{Changes, Merge};
use reader::{FileRead, Rules};
use reasons::ErrorLog;
use serde_json::json;
use std::time::Duration;
use tabular::{Chunk, Mapping, Source};
use tenancy::{Insurer, InsurerKind};

/// What the largest roster may take, a slow disk included.
const LONG: Duration = Duration::from_hours(2);

/// Who writes by hand is soon done: after so many looks …
const TRIES: u32 = 50;
/// … so far apart the roster counts as taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Tables filled within the transaction have no statistics, and a nested loop over them would take for ever. A killed
/// import's statement ends within seconds, for it holds the insurer's lock. A message each: a distributed PostgreSQL
/// forwards a SET LOCAL with the whole message that it stands in.
const SETTINGS: [&str; 3] = [
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL client_connection_check_interval = '2s'",
];

/// What is asked of an import.
pub(crate) struct Wish {
    /// What it may do.
    pub(crate) options: Options,
    /// Who asks, for the trail.
    pub(crate) by: (Actor, Origin),
    /// The row of `roster_runs` that it ends, and that may end it.
    pub(crate) run: Option<ImportId>,
    /// Which header means which column; none for the insurer's own.
    pub(crate) mapping: Option<Mapping>,
    /// As the console counts; none for the command line.
    pub(crate) bounds: Option<Bounds>,
    /// The program whose file, compared, goes on at once, unless something of it is the staff's to decide.
    pub(crate) goes_on: Option<ClientId>,
}

/// Imports a roster file: persons who are in it become or stay covered, persons who are not are lost, unless it is a file of
/// changes. `by` is who asks, for the audit trail. One import runs per insurer at a time; dropping the future undoes
/// everything.
///
/// One transaction spans the import, on purpose: a crash, a refusal and a dry run all end in the same rollback.
pub async fn import(
    with: (&Database, &Keys),
    insurer: &Insurer,
    file: Source,
    options: Options,
    by: (Actor, Origin),
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, ImportError> {
    let wish = Wish {
        options,
        by,
        run: None,
        mapping: None,
        bounds: None,
        goes_on: None,
    };
    let (report, _) = import_as(with, insurer, file, wish, clock, progress).await?;
    Ok(report)
}

/// The same, with a few people of each kind of change where nothing is written.
pub(crate) async fn import_as(
    (database, keys): (&Database, &Keys),
    insurer: &Insurer,
    file: Source,
    wish: Wish,
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<(Report, Vec<Sample>), ImportError> {
    let now = clock.now();
    let mut run = Run {
        database,
        keys,
        insurer,
        file_name: file.name().to_owned(),
        options: wish.options,
        by: wish.by,
        clock,
        now,
        is_watched: wish.run.is_some(),
        import_id: wish.run.unwrap_or_else(|| ImportId::new(now)),
        action: "roster.import",
    };
    let (mut tx, position) = run.lock().await?;
    let mapping = match wish.mapping {
        Some(mapping) => mapping,
        None => runs::mapping(&mut tx).await?,
    };
    let (rows, mut file) = run.stage(&mut tx, file, mapping, &progress).await?;
    progress(Progress::Comparing);
    let mut compared = staging::find_repeated(&mut tx).await?;
    let merge = Merge {
        import_id: run.import_id,
        header: &file.header.clone(),
        position,
        now,
        is_exact: false,
    };
    if merge.is_delta() {
        staging::look_up(&mut tx, rows).await?;
    }
    let is_clean = file.errors.is_empty();
    // Of rows that repeat each other nobody can say whom they mean.
    if compared.is_empty() && (is_clean || merge.is_delta()) {
        merge.match_persons(&mut tx, rows).await?;
        if merge.is_delta() {
            staging::find_mismatched(&mut tx, is_clean, &mut compared).await?;
        }
    }
    let errors = with(std::mem::take(&mut file.errors), compared).await?;
    if errors.count() > 0 {
        tx.rollback().await?;
        return run.refuse(&file, ImportRefused::Rows(errors)).await;
    }
    merge.hold(&mut tx, keys).await?;
    let (too_old, forgotten) = match run.options.forgotten_before {
        Some(day) => (
            merge.drop_forgotten(&mut tx, day).await?,
            staging::find_forgotten(&mut tx, day).await?,
        ),
        None => (0, ErrorLog::default()),
    };
    let errors = with(forgotten, merge.find_taken(&mut tx).await?).await?;
    if errors.count() > 0 {
        tx.rollback().await?;
        return run.refuse(&file, ImportRefused::Rows(errors)).await;
    }
    let percent = u64::from(insurer.roster.loss_percent);
    let (vanishing, corrected) = (
        merge.vanishing(&mut tx, percent).await?,
        merge.corrected(&mut tx).await?,
    );
    let vanishing = count_covered(&mut tx, merge.today(), vanishing.counted(wish.bounds)).await?;
    if let Some(program) = wish.goes_on {
        let insurer = tenancy::insurer_of(&tx).await?;
        let is_theirs = runs::Guard::of(&insurer, vanishing, corrected.persons).is_some();
        // What it was let in for when it sent the file it may have lost since.
        run.options.dry_run = is_theirs || !clients::may(&tx, clock.now(), program, IMPORTS_WRITE).await?;
    }
    let refusal = match wish.bounds {
        _ if wish.goes_on.is_some() => None,
        Some(bounds) => bounds.refusal(vanishing, &corrected),
        None => (vanishing.is_too_much() && !run.options.allow_loss).then_some(ImportRefused::Loss(vanishing)),
    };
    if let Some(refusal) = refusal.filter(|_| !run.options.dry_run) {
        tx.rollback().await?;
        return run.refuse(&file, refusal).await;
    }
    let changes = merge.write_journal(&mut tx).await?;
    let report = Report {
        rows,
        corrected,
        too_old,
        is_delta: merge.is_delta(),
        ..run.report(&file, rows - too_old, changes, vanishing)
    };
    if run.options.dry_run {
        let samples = if run.is_watched {
            merge.samples(&mut tx).await?
        } else {
            Vec::new()
        };
        tx.rollback().await?;
        return Ok((report, samples));
    }
    progress(Progress::Merging);
    if !run.finish(&mut tx, &merge, &file, &report, changes).await? {
        tx.rollback().await?;
        return Err(ImportRefused::Cancelled.into());
    }
    tx.commit().await?;
    Ok((report, Vec::new()))
}

/// Sorting them reads files.
async fn with(read: ErrorLog, compared: ErrorLog) -> Result<RowErrors, ImportError> {
    let errors = tokio::task::spawn_blocking(|| read.with(compared)).await;
    Ok(errors.map_err(std::io::Error::other)??)
}

/// What stays the same through one import.
struct Run<'a> {
    database: &'a Database,
    keys: &'a Keys,
    insurer: &'a Insurer,
    file_name: String,
    options: Options,
    by: (Actor, Origin),
    clock: &'a Clock,
    /// When it started: the day that counts for losses.
    now: DateTime<Utc>,
    /// True where a row of `roster_runs` goes with it, under the same id.
    is_watched: bool,
    import_id: ImportId,
    /// What the trail calls it.
    action: &'static str,
}

impl Run<'_> {
    /// Reads the file and stages its rows batch by batch; gives how many.
    async fn stage(
        &self,
        tx: &mut TenantTransaction,
        file: Source,
        mapping: Mapping,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<(u64, FileRead), ImportError> {
        let rules = Rules {
            now: self.now,
            relations: self.insurer.relations.clone(),
            all_insured: self.insurer.kind == InsurerKind::NationalHealth,
            max_rows: self.options.max_rows,
            mapping,
        };
        let (mut chunks, reading) = reader::start(file, rules);
        let mut rows = 0;
        while let Some(Chunk { batch, progress: read }) = chunks.recv().await {
            rows += staging::insert(tx, batch).await?;
            progress(Progress::Reading { rows, read });
        }
        let file = reading.await.map_err(std::io::Error::other)??;
        Ok((rows, file))
    }

    /// Begins, with the insurer's row locked, its persons' keys those of this version, and the journal's last position; or
    /// refuses where another import has it. Whoever writes by hand is waited for.
    async fn lock(&self) -> Result<(TenantTransaction, i64), ImportError> {
        let tenant = self.database.tenant(self.insurer.tenant_id).within(LONG);
        let mut tries = 0;
        let (mut tx, position) = loop {
            let mut tx = tenant.write(Durability::Safe).await?;
            one::begin_roster(&mut tx).await?;
            let is_imported = one::is_imported(&mut tx).await?;
            tx.commit().await?;
            if is_imported || tries == TRIES {
                return Err(ImportRefused::Running.into());
            }
            let mut tx = tenant.write(Durability::Safe).await?;
            if let Some(position) = one::hold_roster(&mut tx).await? {
                break (tx, position);
            }
            tx.rollback().await?;
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        };
        keys::renew(&mut tx).await?;
        for setting in SETTINGS {
            tx.batch_execute(setting).await.map_err(DatabaseError::from)?;
        }
        Ok((tx, position))
    }

    /// `rows`: those that were taken.
    fn report(&self, file: &FileRead, rows: u64, changes: Changes, vanishing: Vanishing) -> Report {
        let Changes {
            new,
            changed,
            returned,
            lost,
            lost_in_file,
        } = changes;
        Report {
            import_id: self.import_id,
            dry_run: self.options.dry_run,
            is_delta: false,
            encoding: file.encoding,
            unknown_columns: file.header.unknown().to_vec(),
            relations: file.relations.clone(),
            rows,
            new,
            changed,
            corrected: Corrected::default(),
            returned,
            lost,
            unchanged: rows.saturating_sub(new + changed + returned + lost_in_file),
            too_old: 0,
            skipped: 0,
            vanishing,
        }
    }

    /// Writes what the journal says, announces what happened and records it; false where somebody cancelled meanwhile.
    async fn finish(
        &self,
        tx: &mut TenantTransaction,
        merge: &Merge<'_>,
        file: &FileRead,
        report: &Report,
        changes: Changes,
    ) -> Result<bool, DatabaseError> {
        let (position, is_counted) = merge.complete(tx, self.keys, changes).await?;
        if merge.is_delta() {
            writing::add(tx, merge.position).await?;
        } else {
            writing::keep(tx).await?;
        }
        if !is_counted {
            workplaces::count(tx, self.now).await?;
        }
        self.note(tx, file, "finished", report, (0, Some((merge.position, position))))
            .await?;
        let detail = json!({
            "rows": report.rows, "new": report.new, "changed": report.changed, "returned": report.returned,
            "lost": report.lost, "unchanged": report.unchanged, "too_old": report.too_old,
            "position": position,
        });
        let subject = self.import_id.0;
        jobs::publish(
            tx,
            self.now,
            Event {
                kind: runs::FINISHED,
                subject,
                payload: detail.clone(),
            },
        );
        self.record(tx, "done", detail).await?;
        if !self.is_watched {
            return Ok(true);
        }
        runs::finish(tx, self.keys, self.import_id, report, self.clock.now()).await
    }

    /// Keeps the refusal, except of a dry run, which leaves nothing.
    async fn refuse<T>(&self, file: &FileRead, why: ImportRefused) -> Result<T, ImportError> {
        if !self.options.dry_run {
            let mut tx = self
                .database
                .tenant(self.insurer.tenant_id)
                .write(Durability::Safe)
                .await?;
            let (errors, vanishing) = match &why {
                ImportRefused::Rows(errors) => (errors.count(), Vanishing::default()),
                ImportRefused::Loss(vanishing) => (0, *vanishing),
                ImportRefused::Corrected | ImportRefused::Cancelled | ImportRefused::Running => {
                    (0, Vanishing::default())
                }
            };
            let report = self.report(file, 0, Changes::default(), vanishing);
            self.note(&mut tx, file, "refused", &report, (errors, None)).await?;
            let detail = json!({
                "errors": errors, "covered": vanishing.covered, "missing": vanishing.missing, "ended": vanishing.ended,
            });
            self.record(&mut tx, why.code(), detail).await?;
            tx.commit().await?;
        }
        Err(why.into())
    }

    async fn note(
        &self,
        tx: &mut TenantTransaction,
        file: &FileRead,
        state: &str,
        report: &Report,
        (errors, positions): (u64, Option<(i64, i64)>),
    ) -> Result<(), DatabaseError> {
        use roster_imports as t;
        diesel::insert_into(t::table)
            .values((
                t::tenant_id.eq(tx.tenant()),
                t::import_id.eq(self.import_id),
                t::state.eq(state),
                t::started_at.eq(self.now),
                t::finished_at.eq(self.clock.now()),
                t::file_name.eq(&self.file_name),
                t::file_hash.eq(file.hash.as_slice()),
                t::encoding.eq(file.encoding.as_str()),
                t::rows.eq(signed(report.rows)),
                t::new_count.eq(signed(report.new)),
                t::changed_count.eq(signed(report.changed)),
                t::returned_count.eq(signed(report.returned)),
                t::lost_count.eq(signed(report.lost)),
                t::unchanged_count.eq(signed(report.unchanged)),
                t::error_count.eq(signed(errors)),
                t::after_position.eq(positions.map(|(after, _)| after)),
                t::last_position.eq(positions.map(|(_, last)| last)),
            ))
            // A refusal that is met again, because the one who met it died.
            .on_conflict_do_nothing()
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    async fn record(
        &self,
        tx: &mut TenantTransaction,
        outcome: &'static str,
        detail: serde_json::Value,
    ) -> Result<(), DatabaseError> {
        let (actor, origin) = self.by;
        let object = Some(("import", self.import_id.0));
        audit::record(
            tx,
            self.now,
            &origin,
            Entry {
                actor,
                action: self.action,
                object,
                outcome,
                detail,
            },
        )
        .await
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

mod table {
    diesel::table! {
        roster_imports (tenant_id, import_id) {
            tenant_id -> Integer,
            import_id -> Uuid,
            state -> Text,
            started_at -> Timestamptz,
            finished_at -> Timestamptz,
            file_name -> Text,
            file_hash -> Binary,
            encoding -> Text,
            rows -> BigInt,
            new_count -> BigInt,
            changed_count -> BigInt,
            returned_count -> BigInt,
            lost_count -> BigInt,
            unchanged_count -> BigInt,
            error_count -> BigInt,
            after_position -> Nullable<BigInt>,
            last_position -> Nullable<BigInt>,
        }
    }
}
use table::roster_imports;
