//! What has served its time: tokens and replaced secrets that are over, and counts of days long past.

use crate::schema::{client_days, client_secrets, client_tokens};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::calendar;

/// How long it is kept how often a grant was used on a day.
const DAYS_KEPT: TimeDelta = TimeDelta::days(400);

/// Deletes it; gives how much.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tokens = client_tokens::table
        .filter(client_tokens::tenant_id.eq(tx.tenant()))
        .filter(client_tokens::expires_at.le(now));
    let tokens = diesel::delete(tokens).execute(&mut **tx).await?;
    let secrets = client_secrets::table
        .filter(client_secrets::tenant_id.eq(tx.tenant()))
        .filter(client_secrets::ends_at.le(now));
    let secrets = diesel::delete(secrets).execute(&mut **tx).await?;
    let days = client_days::table
        .filter(client_days::tenant_id.eq(tx.tenant()))
        .filter(client_days::day.lt(calendar::today_in_japan(now - DAYS_KEPT)));
    let days = diesel::delete(days).execute(&mut **tx).await?;
    Ok(tokens + secrets + days)
}
