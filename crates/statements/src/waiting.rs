//! What of an insurer's deliveries waits for staff: to be published, for its time, for the roster; and what programs sent and staff
//! decide on.

use crate::{delivery::DeliveryNo, kind::Kind, month::Month};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;
use roster::runs::Left;

/// Deliveries that are told of at most.
const MOST: i64 = 50;

/// A delivery that waits for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Which.
    pub(crate) delivery: DeliveryNo,
    /// Of what.
    pub(crate) kind: Kind,
    /// 処理年月.
    pub(crate) label: Month,
    /// Counts within kind and label.
    pub(crate) version: i32,
    /// True of one that is whole and that nobody has decided about.
    pub(crate) is_ready: bool,
    /// When it is to be published.
    pub(crate) publish_at: Option<DateTime<Utc>>,
    /// Rows that wait for the roster.
    pub(crate) held: u32,
}

/// All that wait, the newest label first.
pub(crate) async fn waiting(tx: &TenantTransaction) -> Result<Vec<Waiting>, DatabaseError> {
    let waiting = diesel::sql_query(WAITING)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(MOST);
    let rows: Vec<Row> = Prepared(waiting).load(&mut &**tx).await?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

/// Files that programs sent and staff decide on; none where nothing waits.
pub(crate) async fn left_to_staff(tx: &TenantTransaction) -> Result<Option<Left>, DatabaseError> {
    let left = diesel::sql_query(LEFT).bind::<Integer, _>(tx.tenant());
    Ok(Prepared(left).get_result(&mut &**tx).await.optional()?)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    delivery: i32,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Date)]
    label: Month,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Bool)]
    is_ready: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    publish_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Integer)]
    held: i32,
}

impl Row {
    fn read(self) -> Option<Waiting> {
        Some(Waiting {
            delivery: DeliveryNo(self.delivery),
            kind: Kind::from_word(&self.kind)?,
            label: self.label,
            version: self.version,
            is_ready: self.is_ready,
            publish_at: self.publish_at,
            held: u32::try_from(self.held).unwrap_or_default(),
        })
    }
}

/// One that was passed over for a later version waits no more.
const WAITING: &str = "
    SELECT delivery, kind, label, version, is_ready, publish_at, held
    FROM (
        SELECT d.delivery, d.kind, d.label, d.version, d.publish_at,
            d.state = 'ready' AND d.publish_at IS NULL AND NOT EXISTS (
                SELECT FROM statement_deliveries e
                WHERE e.tenant_id = $1 AND e.kind = d.kind AND e.label = d.label AND e.version > d.version
                  AND e.published_at IS NOT NULL) AS is_ready,
            CASE WHEN d.state IN ('ready', 'published') THEN d.held ELSE 0 END AS held
        FROM statement_deliveries d
        WHERE d.tenant_id = $1 AND d.purged_at IS NULL) d
    WHERE is_ready OR publish_at IS NOT NULL OR held > 0
    ORDER BY label DESC, kind, version DESC LIMIT $2";

const LEFT: &str = "
    SELECT count(*) OVER () AS runs, moved_at AS since, run_id AS oldest
    FROM statement_runs
    WHERE tenant_id = $1 AND state = 'checked' AND by_client AND goes_on
    ORDER BY created_at, run_id LIMIT 1";
