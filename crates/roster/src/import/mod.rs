//! The import of a whole roster: read, stage, compare, merge, in one transaction. The file is taken whole or not at
//! all, and never held in memory as a whole.

mod columns;
mod keys;
mod merge;
mod reader;
mod reasons;
mod report;
mod rows;
mod staging;

pub use reasons::{Reason, RowError, RowErrors};
pub use report::{Corrected, ImportError, ImportRefused, Options, Progress, Relations, Report, Vanishing};

use crate::writing;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use jobs::{Event, SameEvents};
use kernel::{Clock, ImportId};
use merge::{Changes, Merge};
use reader::{FileRead, Rules};
use serde_json::json;
use staging::Batch;
use std::time::Duration;
use tabular::{Chunk, Source};
use tenancy::{Insurer, InsurerKind};
use tokio::sync::mpsc;

/// Persons lost who are announced at a time.
const ANNOUNCED_AT_ONCE: i64 = 10_000;

/// What the largest roster may take, a slow disk included.
const LONG: Duration = Duration::from_hours(2);

/// Tables filled within the transaction have no statistics, and a nested loop over them would take for ever. A killed
/// import's statement ends within seconds, for it holds the insurer's lock. A message each: a distributed PostgreSQL
/// forwards a SET LOCAL with the whole message that it stands in.
const SETTINGS: [&str; 4] = [
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL client_connection_check_interval = '2s'",
];

/// Imports a roster file: persons who are in it become or stay covered, persons who are not are lost. `by`
/// is who asks, for the audit trail. One import runs per insurer at a time; dropping the future undoes everything.
///
/// One transaction spans the import, on purpose: a crash, a refusal and a dry run all end in the same rollback.
pub async fn import(
    database: &Database,
    insurer: &Insurer,
    file: Source,
    options: Options,
    by: (Actor, Origin),
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, ImportError> {
    let now = clock.now();
    let run = Run {
        database,
        insurer,
        file_name: file.name().to_owned(),
        options,
        by,
        clock,
        now,
        import_id: ImportId::new(now),
    };
    let (mut tx, position) = run.lock().await?;
    let rules = Rules {
        now,
        relations: insurer.relations.clone(),
        all_insured: insurer.kind == InsurerKind::NationalHealth,
        max_rows: options.max_rows,
    };
    let (chunks, reading) = reader::start(file, rules);
    let rows = stage(&mut tx, chunks, &progress).await?;
    let mut file = reading.await.map_err(std::io::Error::other)??;
    progress(Progress::Comparing);
    let (read, compared) = (std::mem::take(&mut file.errors), staging::find_repeated(&mut tx).await?);
    if !read.is_empty() || !compared.is_empty() {
        tx.rollback().await?;
        let errors = tokio::task::spawn_blocking(|| read.with(compared)).await;
        let errors = errors.map_err(std::io::Error::other)??;
        return run.refuse(&file, ImportRefused::Rows(errors)).await;
    }
    let merge = Merge {
        import_id: run.import_id,
        header: &file.header,
        position,
        now,
    };
    merge.match_persons(&mut tx, rows).await?;
    let too_old = match options.forgotten_before {
        Some(day) => merge.drop_forgotten(&mut tx, day).await?,
        None => 0,
    };
    let (vanishing, corrected) = (merge.vanishing(&mut tx).await?, merge.corrected(&mut tx).await?);
    if vanishing.is_too_much() && !options.allow_loss && !options.dry_run {
        tx.rollback().await?;
        return run.refuse(&file, ImportRefused::Loss(vanishing)).await;
    }
    let changes = merge.write_journal(&mut tx).await?;
    let report = Report {
        rows,
        corrected,
        too_old,
        ..run.report(&file, rows - too_old, changes, vanishing)
    };
    if options.dry_run {
        tx.rollback().await?;
        return Ok(report);
    }
    progress(Progress::Merging);
    merge.write_persons(&mut tx).await?;
    staging::clear(&mut tx).await?;
    run.finish(&mut tx, &merge, &file, &report, changes).await?;
    tx.commit().await?;
    Ok(report)
}

/// Stages batches as they come and counts their rows.
async fn stage(
    tx: &mut TenantTransaction,
    mut chunks: mpsc::Receiver<Chunk<Batch>>,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<u64, DatabaseError> {
    let mut rows = 0;
    while let Some(Chunk { batch, progress: read }) = chunks.recv().await {
        rows += staging::insert(tx, batch).await?;
        progress(Progress::Reading { rows, read });
    }
    Ok(rows)
}

/// What stays the same through one import.
struct Run<'a> {
    database: &'a Database,
    insurer: &'a Insurer,
    file_name: String,
    options: Options,
    by: (Actor, Origin),
    clock: &'a Clock,
    /// When it started: the day that counts for losses.
    now: DateTime<Utc>,
    import_id: ImportId,
}

impl Run<'_> {
    /// Begins, with the insurer's row locked, its persons' keys those of this version, and the journal's last position; or
    /// refuses where another import has it.
    async fn lock(&self) -> Result<(TenantTransaction, i64), ImportError> {
        let tenant = self.database.tenant(self.insurer.tenant_id).within(LONG);
        let mut tx = tenant.write(Durability::Safe).await?;
        diesel::insert_into(roster_heads::table)
            .values((roster_heads::tenant_id.eq(tx.tenant()), roster_heads::position.eq(0)))
            .on_conflict_do_nothing()
            .execute(&mut *tx)
            .await
            .map_err(DatabaseError::from)?;
        tx.commit().await?;
        let mut tx = tenant.write(Durability::Safe).await?;
        let position: Option<i64> = roster_heads::table
            .filter(roster_heads::tenant_id.eq(tx.tenant()))
            .select(roster_heads::position)
            .for_update()
            .skip_locked()
            .first(&mut *tx)
            .await
            .optional()
            .map_err(DatabaseError::from)?;
        let Some(position) = position else {
            tx.rollback().await?;
            return Err(ImportRefused::Running.into());
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
            vanishing,
        }
    }

    /// Moves the journal's position, announces what happened and records it.
    async fn finish(
        &self,
        tx: &mut TenantTransaction,
        merge: &Merge<'_>,
        file: &FileRead,
        report: &Report,
        changes: Changes,
    ) -> Result<(), DatabaseError> {
        let position = merge.position.saturating_add(signed(changes.total()));
        diesel::update(roster_heads::table.filter(roster_heads::tenant_id.eq(tx.tenant())))
            .set(roster_heads::position.eq(position))
            .execute(&mut **tx)
            .await?;
        writing::keep(tx).await?;
        self.note(tx, file, "finished", report, 0).await?;
        self.announce_losses(tx, merge).await?;
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
                kind: "import.finished",
                subject,
                payload: detail.clone(),
            },
        );
        self.record(tx, "done", detail).await
    }

    async fn announce_losses(&self, tx: &mut TenantTransaction, merge: &Merge<'_>) -> Result<(), DatabaseError> {
        let mut after = merge.position;
        loop {
            let lost = merge.lost(tx, after, ANNOUNCED_AT_ONCE).await?;
            let Some(last) = lost.last() else { return Ok(()) };
            after = last.position;
            let events = SameEvents {
                kind: "member.coverage_lost",
                subjects: lost.into_iter().map(|person| person.person_id.0).collect(),
                payload: json!({ "import_id": self.import_id }),
            };
            jobs::publish_all(tx, self.now, events);
        }
    }

    /// Keeps the refusal, except of a dry run, which leaves nothing.
    async fn refuse(&self, file: &FileRead, why: ImportRefused) -> Result<Report, ImportError> {
        if !self.options.dry_run {
            let mut tx = self
                .database
                .tenant(self.insurer.tenant_id)
                .write(Durability::Safe)
                .await?;
            let (errors, vanishing) = match &why {
                ImportRefused::Rows(errors) => (errors.count(), Vanishing::default()),
                ImportRefused::Loss(vanishing) => (0, *vanishing),
                ImportRefused::Running => (0, Vanishing::default()),
            };
            let report = self.report(file, 0, Changes::default(), vanishing);
            self.note(&mut tx, file, "refused", &report, errors).await?;
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
        errors: u64,
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
            ))
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
                action: "roster.import",
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
        roster_heads (tenant_id) {
            tenant_id -> Integer,
            position -> BigInt,
        }
    }

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
        }
    }
}
use table::{roster_heads, roster_imports};
