//! What has served its time: what became of deliveries, and what is left of endpoints that have ended.

use crate::{deliveries::KEPT, endpoint::ENDED, schema::webhook_endpoints};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::WebhookId;

/// Deliveries that one sweep takes, and those of the same instant as the last; the next goes on.
const BATCH: i64 = 50_000;
/// Endpoints that have ended, likewise.
const AT_ONCE: i64 = 10;

/// Deletes it; gives how much. What waits is never older than its tries.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        happened_at: Option<DateTime<Utc>>,
    }
    let last = diesel::sql_query(LAST_OLD)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(now - KEPT)
        .bind::<BigInt, _>(BATCH);
    let last: Last = Prepared(last).get_result(&mut **tx).await?;
    let mut deleted = 0;
    if let Some(last) = last.happened_at {
        // By range: a list of ids reads the whole insurer.
        let old = diesel::sql_query(OLD)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Timestamptz, _>(last);
        deleted += Prepared(old).execute(&mut **tx).await?;
    }
    let old = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::old_until.le(now));
    deleted += diesel::update(old)
        .set((
            webhook_endpoints::old_secret.eq(None::<Vec<u8>>),
            webhook_endpoints::old_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(&mut **tx)
        .await?;
    let ended: Vec<WebhookId> = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::state.eq(ENDED))
        .limit(AT_ONCE)
        .select(webhook_endpoints::webhook_id)
        .load(&mut **tx)
        .await?;
    for id in ended {
        deleted += forget(tx, id).await?;
    }
    Ok(deleted)
}

/// Deletes what is left of an endpoint that has ended.
async fn forget(tx: &mut TenantTransaction, id: WebhookId) -> Result<usize, DatabaseError> {
    let mut deleted = 0;
    for statement in [DELIVERIES, SEQUENCES, ENDPOINT] {
        let gone = diesel::sql_query(statement)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id);
        deleted += Prepared(gone).execute(&mut **tx).await?;
    }
    Ok(deleted)
}

const LAST_OLD: &str = "\
SELECT max(happened_at) AS happened_at FROM (
    SELECT happened_at FROM webhook_deliveries
    WHERE tenant_id = $1 AND happened_at < $2 AND state <> 'waiting' ORDER BY happened_at LIMIT $3) AS old";

const OLD: &str = "\
DELETE FROM webhook_deliveries WHERE tenant_id = $1 AND happened_at <= $2 AND state <> 'waiting'";

const DELIVERIES: &str = "DELETE FROM webhook_deliveries WHERE tenant_id = $1 AND webhook_id = $2";

const SEQUENCES: &str = "DELETE FROM webhook_sequences WHERE tenant_id = $1 AND webhook_id = $2";

const ENDPOINT: &str = "DELETE FROM webhook_endpoints WHERE tenant_id = $1 AND webhook_id = $2";
