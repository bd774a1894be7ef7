//! 提供分: one file of one kind for one 処理年月, in one version. A version is never changed once it is loaded; its head says
//! what it is, what became of it, and who loads it.

use crate::{
    check::Checked,
    compare::{Earlier, LABELS},
    kind::Kind,
    month::Month,
    schema::statement_deliveries as t,
    tally::{Sum, Totals},
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    dsl::{max, sql},
    prelude::*,
    sql_types::{Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{DeliveryId, TenantId, WorkerId};
use serde_json::Value;
use std::error::Error;

/// Deliveries that a list shows at most.
const LISTED: i64 = 200;
/// How often a number is tried that the other kind may take at the same moment.
const TRIES: usize = 3;

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

/// The one that is published of a label.
pub(crate) async fn published(
    tx: &TenantTransaction,
    kind: Kind,
    label: Month,
) -> Result<Option<Delivery>, DatabaseError> {
    let row = of_insurer(tx.tenant())
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::label.eq(label.first()))
        .filter(t::state.eq(State::Published.as_str()))
        .select(Head::as_select());
    let row: Option<Head> = row.first(&mut &**tx).await.optional()?;
    row.map(Delivery::try_from).transpose()
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
    let of = |delivery: Delivery| Earlier {
        label: delivery.label,
        rows: delivery.rows,
        yen: delivery.totals.by.iter().map(|(_, _, Sum { total, .. })| total).sum(),
    };
    Ok(read(rows.load(&mut &**tx).await?)?.into_iter().map(of).collect())
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

/// Who may write into a delivery that is loading, or reckon its rows anew once it is loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    /// Into which.
    pub(crate) delivery: DeliveryNo,
    /// By which the trail and events name it.
    pub(crate) id: DeliveryId,
    /// Who.
    pub(crate) by: WorkerId,
}

/// Begins a load, under a lease of a minute; none where the kind is loaded already by somebody who lives.
pub(crate) async fn begin(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    checked: &Checked,
) -> Result<Option<Lease>, DatabaseError> {
    for _ in 0..TRIES {
        let by = WorkerId::new(now);
        if let Some((delivery, id)) = add(tx, now, checked, Some(by)).await? {
            return Ok(Some(Lease { delivery, id, by }));
        }
        let loading = of_insurer(tx.tenant())
            .filter(t::kind.eq(checked.kind.as_str()))
            .filter(t::state.eq(State::Loading.as_str()));
        if diesel::select(diesel::dsl::exists(loading))
            .get_result(&mut **tx)
            .await?
        {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Keeps that a file was refused, and by which id.
pub(crate) async fn refuse(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    checked: &Checked,
) -> Result<Option<DeliveryId>, DatabaseError> {
    for _ in 0..TRIES {
        if let Some((_, id)) = add(tx, now, checked, None).await? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Adds a head under the next number: of a load with its lease, without one of a file that is refused. None where another was
/// faster.
async fn add(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    checked: &Checked,
    by: Option<WorkerId>,
) -> Result<Option<(DeliveryNo, DeliveryId)>, DatabaseError> {
    let newest: Option<i32> = of_insurer(tx.tenant())
        .select(max(t::delivery))
        .get_result(&mut **tx)
        .await?;
    let version: Option<i32> = of_insurer(tx.tenant())
        .filter(t::kind.eq(checked.kind.as_str()))
        .filter(t::label.eq(checked.label.first()))
        .select(max(t::version))
        .get_result(&mut **tx)
        .await?;
    let (delivery, id) = (DeliveryNo(newest.unwrap_or(0) + 1), DeliveryId::new(now));
    // A refused file has no rows, so there is nothing to purge.
    let ended_at = by.is_none().then_some(now);
    let (state, leased_until, months) = match by {
        Some(_) => (State::Loading, LEASED_UNTIL, checked.tally.months()),
        None => (State::Refused, "NULL", Vec::new()),
    };
    let months: Vec<NaiveDate> = months.into_iter().map(Month::first).collect();
    let head = diesel::insert_into(t::table).values((
        (
            t::tenant_id.eq(tx.tenant()),
            t::delivery.eq(delivery.0),
            t::delivery_id.eq(id),
            t::kind.eq(checked.kind.as_str()),
            t::label.eq(checked.label.first()),
            t::version.eq(version.unwrap_or(0) + 1),
            t::state.eq(state.as_str()),
            t::file_name.eq(&checked.file_name),
            t::file_hash.eq(checked.hash.as_slice()),
            t::encoding.eq(checked.encoding.as_str()),
        ),
        (
            t::rows.eq(count(checked.tally.rows)),
            t::held.eq(count(checked.held())),
            t::too_old.eq(count(checked.tally.too_old)),
            t::persons.eq(count(checked.persons)),
            t::months.eq(months),
            t::totals.eq(serde_json::to_value(Totals::of(&checked.tally, checked.corrected)).map_err(unreadable)?),
            t::leased_by.eq(by),
            t::leased_until.eq(sql::<Nullable<Timestamptz>>(leased_until)),
            t::imported_at.eq(now),
            t::ended_at.eq(ended_at),
            t::purged_at.eq(ended_at),
        ),
    ));
    let added = head.on_conflict_do_nothing().execute(&mut **tx).await?;
    Ok((added > 0).then_some((delivery, id)))
}

/// Holds the lease for another minute; false where it was lost.
pub(crate) async fn renew(tx: &mut TenantTransaction, lease: &Lease) -> Result<bool, DatabaseError> {
    let renew = diesel::sql_query(RENEW)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(lease.delivery.0)
        .bind::<SqlUuid, _>(lease.by);
    Ok(Prepared(renew).execute(&mut **tx).await? > 0)
}

/// Takes the place of whoever reckons the rows of a loaded delivery anew, for a minute; none where somebody who lives has it, or
/// the rows are going.
pub(crate) async fn lease(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    delivery: &Delivery,
) -> Result<Option<Lease>, DatabaseError> {
    let by = WorkerId::new(now);
    let lease = diesel::sql_query(LEASE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.delivery.0)
        .bind::<SqlUuid, _>(by);
    let leased = Prepared(lease).execute(&mut **tx).await? > 0;
    Ok(leased.then_some(Lease {
        delivery: delivery.delivery,
        id: delivery.id,
        by,
    }))
}

/// Gives it back.
pub(crate) async fn release(tx: &mut TenantTransaction, lease: &Lease) -> Result<(), DatabaseError> {
    let release = diesel::sql_query(RELEASE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(lease.delivery.0)
        .bind::<SqlUuid, _>(lease.by);
    Prepared(release).execute(&mut **tx).await?;
    Ok(())
}

/// Says that a load has come to its end: how many people its rows are of, and how many rows wait. False where the lease was lost.
pub(crate) async fn end(
    tx: &mut TenantTransaction,
    lease: &Lease,
    (persons, held): (u64, u64),
) -> Result<bool, DatabaseError> {
    let end = diesel::sql_query(END)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(lease.delivery.0)
        .bind::<SqlUuid, _>(lease.by)
        .bind::<Integer, _>(count(persons))
        .bind::<Integer, _>(count(held));
    Ok(end.execute(&mut **tx).await? > 0)
}

/// Gives a load up: it is refused, and the sweep deletes what there is of it.
pub(crate) async fn give_up(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    lease: &Lease,
) -> Result<(), DatabaseError> {
    let give_up = diesel::sql_query(GIVE_UP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(lease.delivery.0)
        .bind::<SqlUuid, _>(lease.by)
        .bind::<Timestamptz, _>(now);
    give_up.execute(&mut **tx).await?;
    Ok(())
}

/// Gives up the loads of whoever died, of both kinds.
pub(crate) async fn give_up_lapsed(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    let give_up = diesel::sql_query(GIVE_UP_LAPSED)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(now);
    give_up.execute(&mut **tx).await?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_insurer(tenant: TenantId) -> _ {
    t::table.filter(t::tenant_id.eq(tenant))
}

fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
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

fn unreadable(error: impl Into<Box<dyn Error + Send + Sync>>) -> DatabaseError {
    diesel::result::Error::DeserializationError(error.into()).into()
}

/// A load is broken off that says nothing for so long.
const LEASED_UNTIL: &str = "clock_timestamp() + interval '1 minute'";

const RENEW: &str = "
    UPDATE statement_deliveries SET leased_until = clock_timestamp() + interval '1 minute'
    WHERE tenant_id = $1 AND delivery = $2 AND leased_by = $3";

const LEASE: &str = "
    UPDATE statement_deliveries SET leased_by = $3,
        leased_until = clock_timestamp() + interval '1 minute'
    WHERE tenant_id = $1 AND delivery = $2 AND state IN ('ready', 'published', 'replaced', 'withdrawn') AND purged_at IS NULL
      AND (leased_by IS NULL OR leased_until <= clock_timestamp())";

const RELEASE: &str = "
    UPDATE statement_deliveries SET leased_by = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND delivery = $2 AND leased_by = $3";

const END: &str = "
    UPDATE statement_deliveries SET state = 'ready', persons = $4, held = $5, leased_by = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND delivery = $2 AND leased_by = $3";

const GIVE_UP: &str = "
    UPDATE statement_deliveries SET state = 'refused', ended_at = $4, purged_at = $4, leased_by = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND delivery = $2 AND leased_by = $3";

const GIVE_UP_LAPSED: &str = "
    UPDATE statement_deliveries SET state = 'refused', ended_at = $2, purged_at = $2, leased_by = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND state = 'loading' AND leased_until <= clock_timestamp()";
