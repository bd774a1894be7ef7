//! Domain events: what happened, for whoever integrates. Written in the business transaction, never changed.

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Jsonb, Text, Timestamptz},
};
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
    /// `mail.undeliverable`, `identity.ambiguous` (people of one number whose names fold alike: staff tell them apart).
    pub kind: &'static str,
    /// What it happened to.
    pub subject: Uuid,
    /// Ids, codes and counts; no personal data.
    pub payload: serde_json::Value,
}

/// Things of one kind that happened at once.
#[derive(Debug, Clone)]
pub struct SameEvents {
    /// As in [`Event`].
    pub kind: &'static str,
    /// What it happened to, an event each.
    pub subjects: Vec<Uuid>,
    /// Of every one of them.
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

/// Writes many events of one kind, in the order of their subjects, in one statement.
pub async fn publish_all(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    events: SameEvents,
) -> Result<(), DatabaseError> {
    let ids: Vec<EventId> = events.subjects.iter().map(|_| EventId::new(now)).collect();
    diesel::sql_query(
        "INSERT INTO events (tenant_id, event_id, kind, subject, payload, at)
         SELECT $1, event_id, $4, subject, $5, $6 FROM unnest($2::uuid[], $3::uuid[]) AS rows (event_id, subject)",
    )
    .bind::<Integer, _>(tx.tenant())
    .bind::<Array<diesel::sql_types::Uuid>, _>(ids)
    .bind::<Array<diesel::sql_types::Uuid>, _>(events.subjects)
    .bind::<Text, _>(events.kind)
    .bind::<Jsonb, _>(events.payload)
    .bind::<Timestamptz, _>(now)
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
