//! Planned interruptions of the service: the platform's operators set them, members and staff of all insurers are told
//! before and while they last. A node keeps them as it keeps insurers, and sees a new one within seconds.

use crate::{operate::of_platform, schema::maintenances};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Field, FieldError, MaintenanceId, Problem, Refusal, TenantId, calendar, dates, text};

/// How long before it begins it is told.
const AHEAD: TimeDelta = TimeDelta::days(7);
/// Interruptions that are listed, past ones among them.
const LISTED: i64 = 100;

/// The longest that may be planned: longer is a slip of a month.
const LONGEST: TimeDelta = TimeDelta::days(31);
/// Characters of what is said beside.
const LONGEST_TEXT: usize = 500;

/// 開始.
const FROM: Field =
    Field::new("from", "開始").takes("開始の日時を、2026-12-05 22:00や令和8年12月5日 22:00のように入力してください");
/// 終了.
const TO: Field = Field::new("to", "終了").takes(
    "終了は、開始より後で、今より後の、開始から31日以内の日時を、2026-12-06 06:00や令和8年12月6日 6:00のように入力してください",
);
/// What is said beside.
const TEXT: Field = Field::new("text", "お知らせに添える文");

/// A planned interruption.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = maintenances)]
pub struct Maintenance {
    /// Which.
    #[diesel(column_name = maintenance_id)]
    pub id: MaintenanceId,
    /// From then …
    pub starts_at: DateTime<Utc>,
    /// … to then.
    pub ends_at: DateTime<Utc>,
    /// What is said beside; may be empty.
    pub text: String,
}

impl Maintenance {
    /// From what was typed: from, to, and what is said beside, which may be left out.
    pub fn read(now: DateTime<Utc>, [from, to, beside]: [&str; 3]) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        let starts_at = FieldError::gather(FROM, dates::moment(from), &mut errors);
        let ends_at = FieldError::gather(TO, dates::moment(to), &mut errors);
        let text = FieldError::gather(TEXT, said(beside), &mut errors);
        let (Some(starts_at), Some(ends_at), Some(text)) = (starts_at, ends_at, text) else {
            return Err(Refusal::fields(errors));
        };
        if ends_at <= starts_at || ends_at <= now || ends_at - starts_at > LONGEST {
            return Err(Refusal::fields(vec![FieldError::new(TO, Problem::Characters)]));
        }
        Ok(Self {
            id: MaintenanceId::new(now),
            starts_at,
            ends_at,
            text,
        })
    }

    /// True while pages tell of it.
    pub fn is_told(&self, now: DateTime<Utc>) -> bool {
        self.starts_at - AHEAD <= now && now < self.ends_at
    }

    /// As pages tell of it.
    pub fn told(&self, now: DateTime<Utc>) -> String {
        let until = calendar::from_then_on(self.ends_at, now);
        let said = if now < self.starts_at {
            let from = calendar::moment_or_time(self.starts_at, now);
            format!("{from}から{until}まで、システムのメンテナンスを行います。その間はご利用になれません。")
        } else {
            format!("ただいま、システムのメンテナンスを行っています。{until}まで、ご利用になれないことがあります。")
        };
        format!("{said}{}", self.text)
    }
}

/// All of them, the latest first.
pub async fn list(database: &Database) -> Result<Vec<Maintenance>, DatabaseError> {
    let mut tx = database.directory().await?;
    let rows = maintenances::table
        .order((maintenances::starts_at.desc(), maintenances::maintenance_id.desc()))
        .limit(LISTED)
        .select(Maintenance::as_select())
        .load(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Plans one.
pub async fn plan(
    database: &Database,
    now: DateTime<Utc>,
    (origin, actor): (&Origin, Actor),
    maintenance: &Maintenance,
) -> Result<(), DatabaseError> {
    let mut tx = database.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
    diesel::insert_into(maintenances::table)
        .values(maintenance)
        .execute(&mut *tx)
        .await?;
    let entry = entry(actor, "maintenance.plan", maintenance.id);
    audit::record(&tx, now, origin, entry).await?;
    tx.commit().await
}

/// Takes one back, or out of the list once it is over; false where there is none such.
pub async fn cancel(
    database: &Database,
    now: DateTime<Utc>,
    (origin, actor): (&Origin, Actor),
    id: MaintenanceId,
) -> Result<bool, DatabaseError> {
    let mut tx = database.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
    let gone = diesel::delete(maintenances::table.find(id)).execute(&mut *tx).await?;
    if gone == 0 {
        return Ok(false);
    }
    audit::record(&tx, now, origin, entry(actor, "maintenance.cancel", id)).await?;
    tx.commit().await?;
    Ok(true)
}

fn entry(actor: Actor, action: &'static str, id: MaintenanceId) -> Entry {
    Entry {
        actor: of_platform(actor),
        action,
        object: Some(("maintenance", id.0)),
        outcome: "done",
        detail: serde_json::json!({}),
    }
}

fn said(typed: &str) -> Result<String, Problem> {
    let written = text::written(typed);
    match written.chars().count() {
        count if count > LONGEST_TEXT => Err(Problem::TooLong { max: LONGEST_TEXT }),
        _ if text::has_control(&written) => Err(Problem::Characters),
        _ => Ok(written),
    }
}
