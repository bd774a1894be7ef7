//! Up to when an account has seen what is published of a kind.

use crate::{kind::Kind, schema::statement_marks as t};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{dsl::sql, prelude::*, sql_types::Timestamptz};
use diesel_async::RunQueryDsl;
use kernel::AccountId;

/// When what an account has seen of a kind was changed last; none where it never looked.
pub async fn seen_at(
    tx: &TenantTransaction,
    account: AccountId,
    kind: Kind,
) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    let row = t::table.find((tx.tenant(), account, kind.as_str())).select(t::seen_at);
    Ok(row.first(&mut &**tx).await.optional()?)
}

/// Keeps up to when an account has seen a kind: [`crate::published::Published::changed_at`] of what was drawn, and not the time of
/// looking, since what is being published at that moment may count from before it. A later mark stays.
pub async fn mark_seen(
    tx: &mut TenantTransaction,
    account: AccountId,
    kind: Kind,
    changed_at: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::insert_into(t::table)
        .values((
            t::tenant_id.eq(tx.tenant()),
            t::account_id.eq(account),
            t::kind.eq(kind.as_str()),
            t::seen_at.eq(changed_at),
        ))
        .on_conflict((t::tenant_id, t::account_id, t::kind))
        .do_update()
        .set(t::seen_at.eq(sql::<Timestamptz>(
            "greatest(statement_marks.seen_at, excluded.seen_at)",
        )))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets what an account has seen.
pub(crate) async fn forget(tx: &mut TenantTransaction, account: AccountId) -> Result<(), DatabaseError> {
    let marks = t::table
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::account_id.eq(account));
    diesel::delete(marks).execute(&mut **tx).await?;
    Ok(())
}
