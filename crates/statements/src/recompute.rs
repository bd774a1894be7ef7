//! Medicines that are loaded, reckoned anew: once a master was corrected, or the insurer proposes otherwise. Only class and yen
//! of a row change. What is reckoned hangs on nothing but the row, the masters and the settings, so that doing it twice, or
//! again after it was broken off, ends alike.

use crate::{
    Deliveries,
    category::Form,
    delivery::{self, Delivery, Lease, State},
    drugs::{Class, Tariffs},
    kind::Kind,
    month::Month,
    reckon::{Reckoned, Tariff},
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, Prepared, TenantDatabase, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Date, Integer, SmallInt, Text},
};
use diesel_async::RunQueryDsl;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use tenancy::Insurer;

/// Rows of a transaction.
const AT_ONCE: i64 = 10_000;
/// What one may take, on a slow disk.
const STEP: Duration = Duration::from_mins(5);

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Recomputed {
    /// Which.
    pub delivery: Delivery,
    /// Rows that were looked at.
    pub rows: u64,
    /// Those of another class, saving or charge now.
    pub changed: u64,
}

/// Why nothing, or not all, was reckoned.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// Nobody brought a master that was in force then.
    #[error(
        "{month}の1日に使う医薬品マスターがありません。何も変更していません。運営者が madoguchi drugs import で、その日までに始まるマスターを取り込むか、--from でそれより後の月を指定してください。"
    )]
    NoMaster {
        /// Of treatment.
        month: Month,
    },
    /// Somebody else loads or reckons.
    #[error(
        "この保険者のお薬の明細の取り込みか再計算が、ほかで進んでいます。終わるのを待って、もう一度実行してください。途中で止まったものは、1分たつと場所を譲ります。"
    )]
    AtWork,
    /// Another thought this one dead.
    #[error("再計算が長く止まっていたため、ほかの再計算に場所を譲りました。もう一度実行してください。")]
    TakenOver,
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Deliveries {
    /// Reckons the rows of all loaded deliveries of medicines anew, from a month of treatment on.
    pub async fn recompute(
        &self,
        insurer: &Insurer,
        from: Option<Month>,
        by: (Actor, Origin),
        progress: impl Fn(u64) + Send + Sync,
    ) -> Result<Vec<Recomputed>, RecomputeError> {
        let mut run = Run {
            database: self.database.tenant(insurer.tenant_id).within(STEP),
            now: self.clock.now(),
            by,
            from,
            tariffs: Tariffs::new(insurer.statements.generics),
            rows: 0,
        };
        let mut recomputed = Vec::new();
        for delivery in run.begin().await? {
            recomputed.push(run.delivery(delivery, &progress).await?);
        }
        Ok(recomputed)
    }
}

/// What stays the same through all of it.
struct Run {
    database: TenantDatabase,
    now: DateTime<Utc>,
    by: (Actor, Origin),
    from: Option<Month>,
    tariffs: Tariffs,
    /// Of all deliveries so far.
    rows: u64,
}

impl Run {
    /// What is to be reckoned, with the masters that it takes.
    async fn begin(&mut self) -> Result<Vec<Delivery>, RecomputeError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        delivery::give_up_lapsed(&mut tx, self.now).await?;
        let mut heads = delivery::lock(&mut tx, Kind::Medicines).await?;
        if heads.iter().any(|head| head.state == State::Loading) {
            return Err(RecomputeError::AtWork);
        }
        heads.retain(|head| {
            let is_loaded = head.state == State::Published || head.may_be_published();
            is_loaded && self.months(head).next().is_some()
        });
        let months: BTreeSet<Month> = heads.iter().flat_map(|head| self.months(head)).collect();
        tx.commit().await?;
        // Masters are many rows: nobody is to wait for them.
        let tx = self.database.read().await?;
        self.tariffs.prepare_months(&tx, months).await?;
        tx.commit().await?;
        match self.tariffs.without_master() {
            Some(month) => Err(RecomputeError::NoMaster { month }),
            None => Ok(heads),
        }
    }

    /// The months of a delivery that are meant.
    fn months<'a>(&self, head: &'a Delivery) -> impl Iterator<Item = Month> + use<'a> {
        let from = self.from;
        let all = head.months.iter().copied();
        all.filter(move |month| from.is_none_or(|from| *month >= from))
    }

    /// One delivery, under its lease.
    async fn delivery(
        &mut self,
        delivery: Delivery,
        progress: &(impl Fn(u64) + Send + Sync),
    ) -> Result<Recomputed, RecomputeError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        let lease = delivery::lease(&mut tx, self.now, &delivery).await?;
        tx.commit().await?;
        let lease = lease.ok_or(RecomputeError::AtWork)?;
        let (mut rows, mut changed) = (0, 0);
        for month in self.months(&delivery) {
            let tariff = self.tariffs.of(month).ok_or(RecomputeError::NoMaster { month })?;
            let mut after = Some(0);
            while let Some(line) = after {
                let chunk = chunk(&self.database, &lease, (month, line), tariff).await?;
                rows += chunk.rows;
                changed += chunk.changed;
                after = chunk.last;
                progress(self.rows + rows);
            }
        }
        self.rows += rows;
        self.end(&lease, &delivery, (rows, changed)).await?;
        Ok(Recomputed {
            delivery,
            rows,
            changed,
        })
    }

    async fn end(&self, lease: &Lease, delivery: &Delivery, (rows, changed): (u64, u64)) -> Result<(), DatabaseError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        delivery::release(&mut tx, lease).await?;
        let (actor, origin) = self.by;
        let entry = Entry {
            actor,
            action: "statements.recompute",
            object: Some(("delivery", delivery.id.0)),
            outcome: "done",
            detail: json!({
                "label": delivery.label.to_string(), "version": delivery.version,
                "from": self.from.map(|from| from.to_string()), "rows": rows, "changed": changed,
            }),
        };
        audit::record(&tx, self.now, &origin, entry).await?;
        tx.commit().await
    }
}

/// What became of some rows.
struct Chunk {
    rows: u64,
    changed: u64,
    /// The last of them, where there may be more.
    last: Option<i32>,
}

/// The rows of a month behind a line, as many as go into a transaction. Under the lock of the kind, as all is that changes rows of
/// loaded deliveries.
async fn chunk(
    database: &TenantDatabase,
    lease: &Lease,
    (month, after): (Month, i32),
    tariff: &Tariff,
) -> Result<Chunk, RecomputeError> {
    let mut tx = database.write(Durability::Safe).await?;
    delivery::hold(&mut tx, Kind::Medicines).await?;
    if !delivery::renew(&mut tx, lease).await? {
        return Err(RecomputeError::TakenOver);
    }
    let query = diesel::sql_query(ROWS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(month.first())
        .bind::<Integer, _>(lease.delivery.0)
        .bind::<Integer, _>(after)
        .bind::<BigInt, _>(AT_ONCE);
    let rows: Vec<Row> = Prepared(query).load(&mut *tx).await.map_err(DatabaseError::from)?;
    let changed: Vec<(i32, Reckoned)> = rows.iter().filter_map(|row| row.anew(tariff)).collect();
    if !changed.is_empty() {
        write(&mut tx, (lease, month), &changed).await?;
    }
    tx.commit().await?;
    let is_full = i64::try_from(rows.len()).unwrap_or(AT_ONCE) >= AT_ONCE;
    Ok(Chunk {
        rows: rows.len() as u64,
        changed: changed.len() as u64,
        last: rows.last().map(|row| row.line).filter(|_| is_full),
    })
}

async fn write(
    tx: &mut TenantTransaction,
    (lease, month): (&Lease, Month),
    changed: &[(i32, Reckoned)],
) -> Result<(), DatabaseError> {
    let of = |what: fn(&Reckoned) -> i32| changed.iter().map(|(_, reckoned)| what(reckoned)).collect::<Vec<i32>>();
    let classes: Vec<&str> = changed.iter().map(|(_, reckoned)| reckoned.class.as_str()).collect();
    let write = diesel::sql_query(WRITE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(month.first())
        .bind::<Integer, _>(lease.delivery.0)
        .bind::<Array<Integer>, _>(changed.iter().map(|(line, _)| *line).collect::<Vec<i32>>())
        .bind::<Array<Text>, _>(classes)
        .bind::<Array<Integer>, _>(of(|reckoned| reckoned.saving_yen))
        .bind::<Array<Integer>, _>(of(|reckoned| reckoned.charge_yen));
    Prepared(write).execute(&mut **tx).await?;
    Ok(())
}

/// A row, and what it was reckoned to be.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = Text)]
    drug: String,
    #[diesel(sql_type = Text)]
    form: String,
    #[diesel(sql_type = BigInt)]
    daily_milli: i64,
    #[diesel(sql_type = SmallInt)]
    count: i16,
    #[diesel(sql_type = SmallInt)]
    rate: i16,
    #[diesel(sql_type = Text)]
    class: String,
    #[diesel(sql_type = Integer)]
    saving_yen: i32,
    #[diesel(sql_type = Integer)]
    charge_yen: i32,
}

impl Row {
    /// What it comes to now, where that is something else.
    fn anew(&self, tariff: &Tariff) -> Option<(i32, Reckoned)> {
        let form = Form::from_word(&self.form).unwrap_or(Form::Other);
        let reckoned = tariff.reckon(&self.drug, form, self.daily_milli, self.count, self.rate);
        let before = Reckoned {
            class: Class::from_word(&self.class).unwrap_or_default(),
            saving_yen: self.saving_yen,
            charge_yen: self.charge_yen,
        };
        (reckoned != before).then_some((self.line, reckoned))
    }
}

const ROWS: &str = "
    SELECT line, drug, form, daily_milli, count, rate, class, saving_yen, charge_yen FROM medicine_rows
    WHERE tenant_id = $1 AND month = $2 AND delivery = $3 AND line > $4 AND NOT withdrawn
    ORDER BY line LIMIT $5";

const WRITE: &str = "
    UPDATE medicine_rows r SET class = a.class, saving_yen = a.saving_yen, charge_yen = a.charge_yen
    FROM unnest($4::int[], $5::text[], $6::int[], $7::int[]) AS a (line, class, saving_yen, charge_yen)
    WHERE r.tenant_id = $1 AND r.month = $2 AND r.delivery = $3 AND r.line = a.line";
