//! Whose load it is: a delivery comes into being under a lease, which is renewed while it is loaded, and given up with whoever
//! held it. Rows of a loaded one are reckoned anew under one, too.

use super::{Delivery, DeliveryNo, State, of_insurer, unreadable};
use crate::{check::Checked, month::Month, schema::statement_deliveries as t};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    dsl::{max, sql},
    prelude::*,
    sql_types::{Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{DeliveryId, WorkerId};
use uuid::Uuid;

/// How often a number is tried that the other kind may take at the same moment.
const TRIES: usize = 3;

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
    imported_by: Option<Uuid>,
) -> Result<Option<Lease>, DatabaseError> {
    for _ in 0..TRIES {
        let by = WorkerId::new(now);
        if let Some((delivery, id)) = add(tx, now, (checked, imported_by), Some(by)).await? {
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
    imported_by: Option<Uuid>,
) -> Result<Option<DeliveryId>, DatabaseError> {
    for _ in 0..TRIES {
        if let Some((_, id)) = add(tx, now, (checked, imported_by), None).await? {
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
    (checked, imported_by): (&Checked, Option<Uuid>),
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
            t::totals.eq(serde_json::to_value(checked.totals()).map_err(unreadable)?),
            t::leased_by.eq(by),
            t::leased_until.eq(sql::<Nullable<Timestamptz>>(leased_until)),
            t::imported_at.eq(now),
            t::imported_by.eq(imported_by),
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

/// Gives up the load of a delivery, whoever is at it, where it has not come to its end.
pub(crate) async fn give_up_load(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    delivery: DeliveryNo,
) -> Result<(), DatabaseError> {
    let give_up = diesel::sql_query(GIVE_UP_LOAD)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
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

fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
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

const GIVE_UP_LOAD: &str = "
    UPDATE statement_deliveries SET state = 'refused', ended_at = $3, purged_at = $3, leased_by = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND delivery = $2 AND state = 'loading'";

const GIVE_UP_LAPSED: &str = "
    UPDATE statement_deliveries SET state = 'refused', ended_at = $2, purged_at = $2, leased_by = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND state = 'loading' AND leased_until <= clock_timestamp()";
