//! 取り込み: a file of 医療費通知 or ジェネリック差額明細, looked at from its beginning to its end, and then loaded or refused as a
//! whole. Nothing of it counts before it is published.

use crate::{
    Deliveries,
    check::{Checked, Verdict},
    delivery::{self, Delivery},
    kind::Kind,
    month::Month,
    reading::Rules,
    reasons::ImportRefused,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantDatabase, TenantTransaction};
use kernel::{DeliveryId, ImportId, Outage, calendar};
use serde_json::{Value, json};
use std::{io, time::Duration};
use tabular::{Mapping, Source};
use tenancy::{GenericSettings, Insurer};
use uuid::Uuid;

/// What one step of an import may take: ten thousand rows, on a slow disk.
const STEP: Duration = Duration::from_mins(5);

/// What is asked of an import.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of what the file is.
    pub kind: Kind,
    /// 処理年月, where the file doesn't say it, or to be sure.
    pub label: Option<Month>,
    /// Looks, and writes nothing.
    pub dry_run: bool,
    /// Takes a file of half or twice the usual size.
    pub allow_deviation: bool,
    /// Takes a file of people whom the roster doesn't know.
    pub allow_unmatched: bool,
    /// Rows at most.
    pub max_rows: u64,
    /// Which header means which column, where somebody has said so.
    pub mapping: Mapping,
    /// The run that waits for it: it ends with the load, or the load with it.
    pub run: Option<ImportId>,
    /// Who asks, for the trail and the delivery.
    pub by: (Actor, Origin),
}

impl Wish {
    /// True where it takes a file in spite of this.
    pub(crate) fn allows(&self, doubt: &ImportRefused) -> bool {
        match doubt {
            ImportRefused::Unmatched { .. } => self.allow_unmatched,
            ImportRefused::Deviates { .. } => self.allow_deviation,
            _ => false,
        }
    }

    /// Who of the insurer's staff asks.
    pub(crate) fn staff(&self) -> Option<Uuid> {
        match self.by.0 {
            Actor::Staff(staff) => Some(staff),
            _ => None,
        }
    }
}

/// How an import ends.
#[derive(Debug)]
pub enum Imported {
    /// It was a dry run.
    Checked(Checked),
    /// It is loaded, and waits to be published.
    Loaded {
        /// As what.
        delivery: Box<Delivery>,
        /// What was found before.
        checked: Checked,
    },
    /// The same file is published already.
    Nothing {
        /// As what.
        delivery: Delivery,
    },
}

/// Why an import did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] ImportRefused),
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    File(#[from] io::Error),
    /// The database or a key is away.
    #[error(transparent)]
    Outage(#[from] Outage),
}

impl From<DatabaseError> for ImportError {
    fn from(error: DatabaseError) -> Self {
        Self::Outage(error.into())
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It looks.
    Checking {
        /// Rows so far.
        rows: u64,
        /// Of the file.
        percent: u64,
    },
    /// It loads.
    Loading {
        /// Rows so far.
        rows: u64,
        /// Of the file.
        percent: u64,
    },
}

/// What stays the same through one import.
pub(crate) struct Run<'a> {
    pub(crate) database: TenantDatabase,
    pub(crate) on: &'a Deliveries,
    pub(crate) wish: &'a Wish,
    /// When it began: the day that counts for what is too old.
    pub(crate) now: DateTime<Utc>,
    /// How savings are reckoned.
    pub(crate) generics: GenericSettings,
    months_online: u32,
}

impl Deliveries {
    /// Imports a file, which is opened twice: it is read to its end before the first row is written, and only the same file is
    /// loaded then.
    pub async fn import(
        &self,
        insurer: &Insurer,
        open: impl Fn() -> Source + Send + Sync,
        wish: Wish,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Imported, ImportError> {
        let run = Run {
            database: self.database.tenant(insurer.tenant_id).within(STEP),
            on: self,
            wish: &wish,
            now: self.clock.now(),
            generics: insurer.statements.generics,
            months_online: insurer.statements.months_online,
        };
        let checked = match run.check(open(), &progress).await? {
            Verdict::Fit(checked) => checked,
            Verdict::Same(delivery) => return Ok(Imported::Nothing { delivery }),
            Verdict::Unfit(checked, why) => {
                run.refuse(checked.as_ref(), &why).await?;
                return Err(why.into());
            }
        };
        if wish.dry_run {
            return Ok(Imported::Checked(checked));
        }
        let delivery = Box::new(run.load(open(), &checked, &progress).await?);
        Ok(Imported::Loaded { delivery, checked })
    }
}

impl Run<'_> {
    /// By what the file is read.
    pub(crate) fn rules(&self) -> Rules {
        let month = Month::of(calendar::today_in_japan(self.now));
        Rules {
            kind: self.wish.kind,
            label: self.wish.label,
            oldest: month.back(self.months_online),
            now_month: month,
            max_rows: self.wish.max_rows,
            mapping: self.wish.mapping.clone(),
        }
    }

    /// Keeps the refusal, except of a dry run, which leaves nothing. Of a file whose label nobody knows only the trail tells.
    async fn refuse(&self, checked: Option<&Checked>, why: &ImportRefused) -> Result<(), DatabaseError> {
        if self.wish.dry_run {
            return Ok(());
        }
        let mut tx = self.database.write(Durability::Safe).await?;
        let id = match checked {
            Some(checked) => delivery::refuse(&mut tx, self.now, checked, self.wish.staff()).await?,
            None => None,
        };
        let mut detail = json!({ "kind": self.wish.kind.as_str() });
        if let (Value::Object(detail), ImportRefused::Rows(errors)) = (&mut detail, why) {
            detail.insert("errors".into(), errors.count().into());
        }
        self.record(&tx, id, why.code(), detail).await?;
        tx.commit().await
    }

    pub(crate) async fn record(
        &self,
        tx: &TenantTransaction,
        delivery: Option<DeliveryId>,
        outcome: &'static str,
        detail: Value,
    ) -> Result<(), DatabaseError> {
        let (actor, origin) = self.wish.by;
        let entry = Entry {
            actor,
            action: "statements.import",
            object: delivery.map(|id| ("delivery", id.0)),
            outcome,
            detail,
        };
        audit::record(tx, self.now, &origin, entry).await
    }
}
