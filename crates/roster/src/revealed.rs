//! Protections as whoever follows the roster hears of them. The journal's entries about somebody protected don't exist for most, and
//! whoever has passed them by would never hear of the person again; so a protection that is lifted is told beside the journal, with a
//! position of its own. It stands on the protection's row: the journal's head is an import's for as long as that runs, and nobody's
//! protection waits for one.

use crate::Sight;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use jobs::feed;
use kernel::{PersonId, ProtectionId};

const FEED: &str = "protections";

/// Somebody who was protected, or is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub(crate) struct Revealed {
    /// Grows in the order of commit.
    #[diesel(sql_type = BigInt)]
    pub(crate) position: i64,
    /// Who.
    #[diesel(sql_type = Uuid)]
    pub(crate) person_id: PersonId,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub(crate) at: DateTime<Utc>,
}

/// Has a protection told, at the end of the transaction that sets or lifts it.
pub(crate) fn tell(tx: &mut TenantTransaction, id: ProtectionId) {
    tx.at_the_end(move |tx| {
        Box::pin(async move {
            let position = feed::next(tx, FEED).await?;
            let query = diesel::sql_query(TELL)
                .bind::<Integer, _>(tx.tenant())
                .bind::<Uuid, _>(id)
                .bind::<BigInt, _>(position);
            Prepared(query).execute(&mut **tx).await?;
            Ok(())
        })
    });
}

/// Those after a position, oldest first, `limit` at most; none about people who are not to be seen.
pub(crate) async fn after(
    tx: &TenantTransaction,
    sight: &Sight,
    position: i64,
    limit: i64,
) -> Result<Vec<Revealed>, DatabaseError> {
    let query = diesel::sql_query(after_sql(sight))
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(position)
        .bind::<BigInt, _>(limit);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// The last position.
pub(crate) async fn last(tx: &TenantTransaction) -> Result<i64, DatabaseError> {
    feed::last(tx, FEED).await
}

const TELL: &str = "UPDATE protections SET position = $3 WHERE tenant_id = $1 AND protection_id = $2";

fn after_sql(sight: &Sight) -> String {
    format!(
        "SELECT p.position, p.person_id, coalesce(p.lifted_at, p.set_at) AS at FROM protections AS p
         WHERE p.tenant_id = $1 AND p.position > $2{} ORDER BY p.position LIMIT $3",
        sight.protected_condition()
    )
}
