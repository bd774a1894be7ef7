//! 提供分: one file of one kind for one 処理年月, in one version. A version is never changed once it is loaded; its head says
//! what it is, what became of it, and who loads it.

mod lease;

pub(crate) use lease::{Lease, begin, end, give_up, give_up_lapsed, give_up_load, lease, refuse, release, renew};

use crate::{
    compare::{Earlier, LABELS},
    kind::Kind,
    month::Month,
    schema::statement_deliveries as t,
    tally::Totals,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{DeliveryId, TenantId};
use serde_json::Value;
use std::{collections::HashMap, error::Error};
use uuid::Uuid;

/// Deliveries that a list shows at most.
pub(crate) const LISTED: i64 = 200;

/// Counts an insurer's deliveries, of both kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryNo(pub i32);

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Looked at, and not loaded yet.
    Checked,
    /// Under way, or broken off once its lease has lapsed.
    Loading,
    /// Whole, and not shown.
    Ready,
    /// Its rows count.
    Published,
    /// Another version of its label was published instead.
    Replaced,
    /// Taken back.
    Withdrawn,
    /// Not taken, or not to its end.
    Refused,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Checked,
        Self::Loading,
        Self::Ready,
        Self::Published,
        Self::Replaced,
        Self::Withdrawn,
        Self::Refused,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Published => "published",
            Self::Replaced => "replaced",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
        }
    }

    /// The state of such a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A delivery by its head.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its number within the insurer.
    pub delivery: DeliveryNo,
    /// By which the trail and events name it.
    pub id: DeliveryId,
    /// Of what.
    pub kind: Kind,
    /// 処理年月.
    pub label: Month,
    /// Counts within kind and label.
    pub version: i32,
    /// What became of it.
    pub state: State,
    /// What the file was called.
    pub file_name: String,
    /// SHA-256 of its bytes.
    pub file_hash: Vec<u8>,
    /// How it was written.
    pub encoding: String,
    /// Rows that count, held ones among them.
    pub rows: u64,
    /// Rows that wait for the roster.
    pub held: u64,
    /// Rows of months too old, which were left out.
    pub too_old: u64,
    /// People whose rows are in it.
    pub persons: u64,
    /// Months of treatment of which rows are kept, ascending.
    pub months: Vec<Month>,
    /// By month and category; what was corrected and withdrawn.
    pub totals: Totals,
    /// When the file was read.
    pub imported_at: DateTime<Utc>,
    /// Who of the insurer's staff had it loaded; none of the command line's.
    pub imported_by: Option<Uuid>,
    /// When it is to be published, where that was asked for.
    pub publish_at: Option<DateTime<Utc>>,
    /// When it was published last.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was replaced, withdrawn or refused.
    pub ended_at: Option<DateTime<Utc>>,
    /// When its rows began to be deleted.
    pub purged_at: Option<DateTime<Utc>>,
}

impl Delivery {
    /// True of one whose rows are all here and may be shown again.
    pub fn may_be_published(&self) -> bool {
        matches!(self.state, State::Ready | State::Replaced | State::Withdrawn) && self.purged_at.is_none()
    }
}

/// The deliveries of an insurer, the newest label first and of a label the newest version; two hundred at most.
pub async fn list(tx: &TenantTransaction, kind: Option<Kind>) -> Result<Vec<Delivery>, DatabaseError> {
    let mut query = of_insurer(tx.tenant()).into_boxed();
    if let Some(kind) = kind {
        query = query.filter(t::kind.eq(kind.as_str()));
    }
    let rows = query
        .order((t::label.desc(), t::kind, t::version.desc()))
        .limit(LISTED)
        .select(Head::as_select());
    read(rows.load(&mut &**tx).await?)
}

/// One of them; none where there is no such.
pub async fn one(tx: &TenantTransaction, delivery: DeliveryNo) -> Result<Option<Delivery>, DatabaseError> {
    let row = of_insurer(tx.tenant())
        .filter(t::delivery.eq(delivery.0))
        .select(Head::as_select());
    let row: Option<Head> = row.first(&mut &**tx).await.optional()?;
    row.map(Delivery::try_from).transpose()
}

/// The same by its id.
pub(crate) async fn by_id(tx: &TenantTransaction, id: DeliveryId) -> Result<Option<Delivery>, DatabaseError> {
    let row = of_insurer(tx.tenant())
        .filter(t::delivery_id.eq(id))
        .select(Head::as_select());
    let row: Option<Head> = row.first(&mut &**tx).await.optional()?;
    row.map(Delivery::try_from).transpose()
}

/// By which the trail and events name these.
pub(crate) async fn ids(
    tx: &TenantTransaction,
    deliveries: &[DeliveryNo],
) -> Result<HashMap<DeliveryNo, DeliveryId>, DatabaseError> {
    let numbers: Vec<i32> = deliveries.iter().map(|delivery| delivery.0).collect();
    let rows = of_insurer(tx.tenant())
        .filter(t::delivery.eq_any(numbers))
        .select((t::delivery, t::delivery_id));
    let rows: Vec<(i32, DeliveryId)> = rows.load(&mut &**tx).await?;
    Ok(rows
        .into_iter()
        .map(|(delivery, id)| (DeliveryNo(delivery), id))
        .collect())
}

/// The last begun first, so many of them before one.
pub(crate) async fn page(
    tx: &TenantTransaction,
    before: DeliveryNo,
    limit: u32,
) -> Result<Vec<Delivery>, DatabaseError> {
    let rows = of_insurer(tx.tenant())
        .filter(t::delivery.lt(before.0))
        .order(t::delivery.desc())
        .limit(limit.into())
        .select(Head::as_select());
    read(rows.load(&mut &**tx).await?)
}

/// All versions of a label, the newest first.
pub(crate) async fn versions(tx: &TenantTransaction, kind: Kind, label: Month) -> Result<Vec<Delivery>, DatabaseError> {
    let rows = of_insurer(tx.tenant())
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::label.eq(label.first()))
        .order(t::version.desc())
        .select(Head::as_select());
    read(rows.load(&mut &**tx).await?)
}

/// What is published of other labels, of the newest few.
pub(crate) async fn earlier(tx: &TenantTransaction, kind: Kind, label: Month) -> Result<Vec<Earlier>, DatabaseError> {
    let rows = of_insurer(tx.tenant())
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::state.eq(State::Published.as_str()))
        .filter(t::label.ne(label.first()))
        .order(t::label.desc())
        .limit(i64::try_from(LABELS).unwrap_or(i64::MAX))
        .select(Head::as_select());
    Ok(read(rows.load(&mut &**tx).await?)?.iter().map(Earlier::from).collect())
}

/// All deliveries of a kind as they are now, while nobody else who asks so gets them: whoever publishes, withdraws, settles or
/// purges is one after another. Heads are read behind the lock, since what was waited for may have changed them.
pub(crate) async fn lock(tx: &mut TenantTransaction, kind: Kind) -> Result<Vec<Delivery>, DatabaseError> {
    hold(tx, kind).await?;
    let of_kind = of_insurer(tx.tenant()).filter(t::kind.eq(kind.as_str()));
    let rows = of_kind.order(t::delivery).select(Head::as_select());
    read(rows.load(&mut **tx).await?)
}

/// [`lock`] without reading. The first head of the kind is what is locked, for it never goes. Whoever takes both kinds takes them
/// in the order of [`Kind::ALL`].
pub(crate) async fn hold(tx: &mut TenantTransaction, kind: Kind) -> Result<(), DatabaseError> {
    let _: Option<i32> = of_insurer(tx.tenant())
        .filter(t::kind.eq(kind.as_str()))
        .order(t::delivery)
        .select(t::delivery)
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_insurer(tenant: TenantId) -> _ {
    t::table.filter(t::tenant_id.eq(tenant))
}

/// A head as it stands in the database.
#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Head {
    delivery: i32,
    delivery_id: DeliveryId,
    kind: String,
    label: Month,
    version: i32,
    state: String,
    file_name: String,
    file_hash: Vec<u8>,
    encoding: String,
    rows: i32,
    held: i32,
    too_old: i32,
    persons: i32,
    months: Vec<Month>,
    totals: Value,
    imported_at: DateTime<Utc>,
    imported_by: Option<Uuid>,
    publish_at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    purged_at: Option<DateTime<Utc>>,
}

impl TryFrom<Head> for Delivery {
    type Error = DatabaseError;

    fn try_from(head: Head) -> Result<Self, DatabaseError> {
        let unsigned = |count: i32| u64::try_from(count).unwrap_or_default();
        Ok(Self {
            delivery: DeliveryNo(head.delivery),
            id: head.delivery_id,
            kind: Kind::from_word(&head.kind).ok_or_else(|| unreadable(format!("unknown kind {}", head.kind)))?,
            label: head.label,
            version: head.version,
            state: State::from_word(&head.state).ok_or_else(|| unreadable(format!("unknown state {}", head.state)))?,
            file_name: head.file_name,
            file_hash: head.file_hash,
            encoding: head.encoding,
            rows: unsigned(head.rows),
            held: unsigned(head.held),
            too_old: unsigned(head.too_old),
            persons: unsigned(head.persons),
            months: head.months,
            totals: serde_json::from_value(head.totals).map_err(unreadable)?,
            imported_at: head.imported_at,
            imported_by: head.imported_by,
            publish_at: head.publish_at,
            published_at: head.published_at,
            ended_at: head.ended_at,
            purged_at: head.purged_at,
        })
    }
}

fn read(heads: Vec<Head>) -> Result<Vec<Delivery>, DatabaseError> {
    heads.into_iter().map(Delivery::try_from).collect()
}

pub(crate) fn unreadable(error: impl Into<Box<dyn Error + Send + Sync>>) -> DatabaseError {
    diesel::result::Error::DeserializationError(error.into()).into()
}
