//! What is kept no longer: versions that count no more, months that are too old, people who are forgotten. All of it is hidden
//! before it goes, so it may go in parts, an hour each.

use crate::{
    delivery::{self, DeliveryNo},
    held,
    kind::Kind,
    marks,
    month::Month,
    remembered, rows, struck,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Date, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{AccountId, Keys, PersonId, calendar};

/// How long a version that was replaced or withdrawn may be published again.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// Rows that are deleted at once.
pub const AT_ONCE: i64 = 10_000;

/// Rows that a sweep deletes at most.
const MOST: i64 = 10 * AT_ONCE;

/// Deletes what has served its time, as much of it as a sweep may take, and seeks whose the rows are that wait. How many rows
/// that was of.
pub async fn sweep(
    tx: &mut TenantTransaction,
    keys: &Keys,
    months_online: u32,
    now: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    delivery::give_up_lapsed(tx, now).await?;
    let mut swept = 0;
    let oldest = Month::of(calendar::today_in_japan(now)).back(months_online);
    let mut left = MOST;
    for kind in Kind::ALL {
        swept += held::try_again(tx, keys, now, kind).await?;
        swept += struck::sweep(tx, kind, oldest).await?;
        if due(tx, kind, (now, oldest)).await?.is_empty() {
            continue;
        }
        delivery::lock(tx, kind).await?;
        for due in due(tx, kind, (now, oldest)).await? {
            swept += purge(tx, kind, (now, oldest), due, &mut left).await?;
        }
    }
    Ok(swept)
}

/// Empties what there is of people whom the house forgets, and of their accounts. It waits for whoever settles rows that wait: they
/// may have found somebody before they were forgotten. A load under way looks itself once it has come to its end ([`erase`]).
pub async fn forget(
    tx: &mut TenantTransaction,
    people: &[PersonId],
    accounts: &[AccountId],
) -> Result<(), DatabaseError> {
    for account in accounts {
        marks::forget(tx, *account).await?;
    }
    if people.is_empty() {
        return Ok(());
    }
    for kind in Kind::ALL {
        delivery::hold(tx, kind).await?;
    }
    for kind in Kind::ALL {
        erase(tx, kind, people).await?;
    }
    delete_of(
        tx,
        people,
        &[DROP_SETTLED, DROP_DISCLOSURES, remembered::FORGET, struck::FORGET],
    )
    .await
}

/// Deletes the rows of a kind that are of these people.
pub(crate) async fn erase(tx: &mut TenantTransaction, kind: Kind, people: &[PersonId]) -> Result<(), DatabaseError> {
    let statements = match kind {
        Kind::Costs => ERASE_COSTS,
        Kind::Medicines => ERASE_MEDICINES,
    };
    delete_of(tx, people, &statements).await
}

async fn delete_of(
    tx: &mut TenantTransaction,
    people: &[PersonId],
    statements: &[&'static str],
) -> Result<(), DatabaseError> {
    // One by one: for a list of ids PostgreSQL may read a large insurer whole.
    for person in people {
        for statement in statements {
            let statement = diesel::sql_query(*statement)
                .bind::<Integer, _>(tx.tenant())
                .bind::<SqlUuid, _>(person);
            Prepared(statement).execute(&mut **tx).await?;
        }
    }
    Ok(())
}

/// A delivery of which rows are to go.
#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Integer)]
    delivery: i32,
    #[diesel(sql_type = Array<Date>)]
    months: Vec<Month>,
    /// All of them.
    #[diesel(sql_type = Bool)]
    is_over: bool,
}

async fn due(
    tx: &TenantTransaction,
    kind: Kind,
    (now, oldest): (DateTime<Utc>, Month),
) -> Result<Vec<Due>, DatabaseError> {
    let due = diesel::sql_query(DUE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(kind.as_str())
        .bind::<Timestamptz, _>(now - KEPT)
        .bind::<Date, _>(oldest);
    Ok(Prepared(due).load(&mut &**tx).await?)
}

/// Deletes the rows of a delivery month by month, as many as are left to a sweep. Under the lock of its kind: before the first row
/// of a version goes, it is one that is never published again.
async fn purge(
    tx: &mut TenantTransaction,
    kind: Kind,
    (now, oldest): (DateTime<Utc>, Month),
    due: Due,
    left: &mut i64,
) -> Result<usize, DatabaseError> {
    let delivery = DeliveryNo(due.delivery);
    if due.is_over {
        let end = diesel::sql_query(END)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Integer, _>(delivery.0)
            .bind::<Timestamptz, _>(now);
        Prepared(end).execute(&mut **tx).await?;
    }
    let (mut deleted, mut months) = (0, due.months.len());
    let doomed = due.months.into_iter().filter(|month| due.is_over || *month < oldest);
    for month in doomed {
        loop {
            let most = AT_ONCE.min(*left);
            if most == 0 {
                return Ok(deleted);
            }
            let rows = rows::delete(tx, kind, delivery, month, most).await?;
            deleted += rows;
            let rows = i64::try_from(rows).unwrap_or(most);
            *left -= rows;
            if rows < most {
                break;
            }
        }
        let empty = diesel::sql_query(EMPTY)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Integer, _>(delivery.0)
            .bind::<Date, _>(month);
        Prepared(empty).execute(&mut **tx).await?;
        months -= 1;
    }
    if months == 0 {
        for statement in [DROP_HELD, DROP_SHARED] {
            let drop = diesel::sql_query(statement)
                .bind::<Integer, _>(tx.tenant())
                .bind::<Integer, _>(delivery.0);
            deleted += Prepared(drop).execute(&mut **tx).await?;
        }
    }
    Ok(deleted)
}

/// A version that is to be published at a time to come waits for it.
const DUE: &str = "
    SELECT delivery, months, is_over FROM (
        SELECT delivery, months, state = 'refused'
            OR state IN ('replaced', 'withdrawn') AND ended_at <= $3 AND publish_at IS NULL AS is_over
        FROM statement_deliveries
        WHERE tenant_id = $1 AND kind = $2 AND state <> 'loading' AND months <> '{}'
    ) AS d
    WHERE is_over OR months[1] < $4
    ORDER BY delivery";

const END: &str = "
    UPDATE statement_deliveries SET purged_at = $3
    WHERE tenant_id = $1 AND delivery = $2 AND purged_at IS NULL";

const EMPTY: &str = "
    UPDATE statement_deliveries SET months = array_remove(months, $3) WHERE tenant_id = $1 AND delivery = $2";

const DROP_HELD: &str = "DELETE FROM held_rows WHERE tenant_id = $1 AND delivery = $2";

const DROP_SHARED: &str = "DELETE FROM shared_claims WHERE tenant_id = $1 AND delivery = $2";

/// Rows of one's own are found by whom the insurer notifies, others by whose they are.
const ERASE_COSTS: [&str; 2] = [
    "DELETE FROM cost_rows WHERE tenant_id = $1 AND principal_id = $2 AND person_id = principal_id",
    "DELETE FROM cost_rows WHERE tenant_id = $1 AND person_id = $2 AND person_id <> principal_id",
];

const ERASE_MEDICINES: [&str; 2] = [
    "DELETE FROM medicine_rows WHERE tenant_id = $1 AND principal_id = $2 AND person_id = principal_id",
    "DELETE FROM medicine_rows WHERE tenant_id = $1 AND person_id = $2 AND person_id <> principal_id",
];

const DROP_SETTLED: &str = "DELETE FROM held_rows WHERE tenant_id = $1 AND settled_person_id = $2";

const DROP_DISCLOSURES: &str = "DELETE FROM disclosures WHERE tenant_id = $1 AND person_id = $2";
