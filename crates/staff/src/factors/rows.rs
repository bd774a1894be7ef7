//! The rows of second factors.

use super::{FactorKind, FactorView, Factors};
use crate::schema::{staff, staff_codes, staff_factors, staff_roles};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{FactorId, StaffId};

/// Holds somebody's row; false where there is none.
pub(super) async fn hold(tx: &mut TenantTransaction, id: StaffId) -> Result<bool, DatabaseError> {
    let held: Option<StaffId> = staff::table
        .filter(staff::tenant_id.eq(tx.tenant()))
        .filter(staff::staff_id.eq(id))
        .select(staff::staff_id)
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(held.is_some())
}

pub(super) async fn factors(tx: &mut TenantTransaction, id: StaffId) -> Result<Factors, DatabaseError> {
    let rows: Vec<FactorRow> = staff_factors::table
        .filter(staff_factors::tenant_id.eq(tx.tenant()))
        .filter(staff_factors::staff_id.eq(id))
        .order(staff_factors::factor_id)
        .select(FactorRow::as_select())
        .load(&mut **tx)
        .await?;
    let codes_left: i64 = staff_codes::table
        .filter(staff_codes::tenant_id.eq(tx.tenant()))
        .filter(staff_codes::staff_id.eq(id))
        .filter(staff_codes::used_at.is_null())
        .count()
        .get_result(&mut **tx)
        .await?;
    Ok(Factors {
        kept: rows.into_iter().map(FactorRow::view).collect(),
        codes_left: usize::try_from(codes_left).unwrap_or_default(),
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = staff_factors)]
struct FactorRow {
    factor_id: FactorId,
    kind: String,
    label: String,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

impl FactorRow {
    fn view(self) -> FactorView {
        let kind = if self.kind == FactorKind::App.as_str() {
            FactorKind::App
        } else {
            FactorKind::Passkey
        };
        FactorView {
            id: self.factor_id,
            kind,
            label: self.label,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

/// This log-in becomes the last, and the last becomes 前回ログイン: a password alone lets nobody in. Whoever comes in for the
/// first time holds their roles from now on: an invitation that waited has let nobody get used to them.
pub(super) async fn note_log_in(
    tx: &mut TenantTransaction,
    id: StaffId,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let previous: Option<DateTime<Utc>> = diesel::update(staff::table)
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .set((
            staff::previous_log_in_at.eq(staff::last_log_in_at),
            staff::last_log_in_at.eq(now),
        ))
        .returning(staff::previous_log_in_at)
        .get_result(&mut **tx)
        .await?;
    if previous.is_none() {
        diesel::update(staff_roles::table)
            .filter(staff_roles::tenant_id.eq(tenant))
            .filter(staff_roles::staff_id.eq(id))
            .set(staff_roles::granted_at.eq(now))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Takes all of somebody's factors away; only a mailed link lets them set up anew. They are let in anew then, so that whoever
/// took them away and reads the mail agrees to nothing in their name for a week.
pub(super) async fn forget_all(
    tx: &mut TenantTransaction,
    id: StaffId,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::delete(staff_factors::table)
        .filter(staff_factors::tenant_id.eq(tenant))
        .filter(staff_factors::staff_id.eq(id))
        .execute(&mut **tx)
        .await?;
    diesel::delete(staff_codes::table)
        .filter(staff_codes::tenant_id.eq(tenant))
        .filter(staff_codes::staff_id.eq(id))
        .execute(&mut **tx)
        .await?;
    diesel::update(staff::table)
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .set((
            staff::factor_guesses.eq(0),
            staff::factor_reset_at.eq(now),
            staff::resumed_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes that a factor was used: an app's step, or a passkey's counter, which only grows. False where it was used before.
pub(super) async fn use_step(
    tx: &mut TenantTransaction,
    id: StaffId,
    factor: FactorId,
    step: Option<i64>,
    sealed: Option<Vec<u8>>,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Timestamptz, Uuid};
    let used = diesel::sql_query(USE_STEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Uuid, _>(factor)
        .bind::<Nullable<BigInt>, _>(step)
        .bind::<Nullable<Binary>, _>(sealed)
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await?;
    Ok(used > 0)
}

// A passkey without a counter brings NULL, and may as long as it never brought another.
const USE_STEP: &str = "\
UPDATE staff_factors SET step = $4, sealed = coalesce($5, sealed), last_used_at = $6
WHERE tenant_id = $1 AND staff_id = $2 AND factor_id = $3 AND (step < $4 OR step IS NULL)";
