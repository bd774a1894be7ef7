//! Positions of feeds beside that of events: what happened of one kind at an insurer, for programs that follow it. They grow in the
//! order of commit, so whoever remembers one misses nothing and reads nothing twice.
//!
//! The head row is locked from then on. So a position is taken at the transaction's end ([`TenantTransaction::at_the_end`]), and
//! whoever writes to several feeds writes in the order `protections`, `registrations`, events.

use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// The next position of a feed of the transaction's insurer.
pub async fn next(tx: &mut TenantTransaction, feed: &'static str) -> Result<i64, DatabaseError> {
    let head = diesel::sql_query(NEXT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(feed);
    let head: Head = Prepared(head).get_result(&mut **tx).await?;
    Ok(head.position)
}

/// The last position that was committed: all that happens from now on is behind it.
pub async fn last(tx: &TenantTransaction, feed: &'static str) -> Result<i64, DatabaseError> {
    let head = diesel::sql_query(LAST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(feed);
    let head: Option<Head> = Prepared(head).get_result(&mut &**tx).await.optional()?;
    Ok(head.map_or(0, |head| head.position))
}

const LAST: &str = "SELECT position FROM feed_heads WHERE tenant_id = $1 AND feed = $2";

const NEXT: &str = "\
INSERT INTO feed_heads (tenant_id, feed, position) VALUES ($1, $2, 1)
ON CONFLICT (tenant_id, feed) DO UPDATE SET position = feed_heads.position + 1
RETURNING position";
