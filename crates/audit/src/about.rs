//! What the trail says of one thing, as a page shows it.

use crate::table::audit_events;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A line as it is read.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
#[diesel(table_name = audit_events)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of somebody did it: `member`, `staff`, `visitor` and the like.
    pub actor_kind: String,
    /// Who, where the kind has one.
    pub actor_id: Option<Uuid>,
    /// What.
    pub action: String,
    /// `done`, or the refusal's code.
    pub outcome: String,
    /// Through which door, as [`crate::Channel::as_str`] has it.
    pub channel: String,
    /// From which address.
    pub address: Option<String>,
    /// What explains it.
    pub detail: Value,
}

/// The lines of some actions about somebody or something since a time, the last first; so many at most.
pub async fn about(
    tx: &TenantTransaction,
    object: Uuid,
    actions: &[&str],
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Line>, DatabaseError> {
    let statement = diesel::sql_query(ABOUT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(object)
        .bind::<Timestamptz, _>(since)
        .bind::<Array<Text>, _>(actions)
        .bind::<BigInt, _>(most);
    Ok(Prepared(statement).load(&mut &**tx).await?)
}

// By the index audit_events_by_object; what else was done to them is passed over.
const ABOUT: &str = "\
SELECT at, actor_kind, actor_id, action, outcome, channel, address, detail FROM audit_events
WHERE tenant_id = $1 AND object_id = $2 AND at >= $3 AND action = ANY($4)
ORDER BY at DESC LIMIT $5";
