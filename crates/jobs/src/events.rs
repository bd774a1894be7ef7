//! Domain events: what happened, for whoever integrates. Written in the business transaction, never changed.

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::EventId;
use uuid::Uuid;

diesel::table! {
    events (tenant_id, event_id) {
        tenant_id -> Integer,
        event_id -> Uuid,
        kind -> Text,
        subject -> Uuid,
        payload -> Jsonb,
        at -> Timestamptz,
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// `member.registered`, `member.coverage_lost`, `consent.given`, `import.finished`, `notice.published`,
    /// `mail.undeliverable`.
    pub kind: &'static str,
    /// What it happened to.
    pub subject: Uuid,
    /// Ids, codes and counts; no personal data.
    pub payload: serde_json::Value,
}

/// Writes an event in the transaction of what it tells.
pub async fn publish(tx: &mut TenantTransaction, now: DateTime<Utc>, event: Event) -> Result<(), DatabaseError> {
    diesel::insert_into(events::table)
        .values((
            events::tenant_id.eq(tx.tenant()),
            events::event_id.eq(EventId::new(now)),
            events::kind.eq(event.kind),
            events::subject.eq(event.subject),
            events::payload.eq(event.payload),
            events::at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes what happened before `before`; gives how many. The service may not: for the owner, who runs it on schedule.
pub async fn forget(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let old = events::table
        .filter(events::tenant_id.eq(tx.tenant()))
        .filter(events::at.lt(before));
    Ok(diesel::delete(old).execute(&mut **tx).await?)
}
