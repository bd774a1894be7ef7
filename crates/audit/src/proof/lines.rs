//! Lines of the trail by a range of their ids, with whom they show, as digests.

use super::canonical::{Canonical, Digest};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// Lines read at once.
pub(super) const BATCH: i64 = 1_000;

/// Lines as they stand.
#[derive(Default)]
pub(super) struct Batch {
    /// Their digests, in the order of their ids.
    pub(super) lines: Vec<(Uuid, Digest)>,
    /// Lines of which only the people are there whom they show.
    pub(super) strays: Vec<Uuid>,
    /// Where the next batch begins, if there is one.
    pub(super) next: Option<Uuid>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = SqlUuid)]
    audit_id: Uuid,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    columns: Vec<Option<String>>,
}

#[derive(QueryableByName)]
struct Subject {
    #[diesel(sql_type = SqlUuid)]
    audit_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    audit_id: Uuid,
}

/// Up to `limit` lines from one id on and before another.
pub(super) async fn read(tx: &TenantTransaction, from: Uuid, before: Uuid, limit: i64) -> Result<Batch, DatabaseError> {
    let lines: Vec<Line> = Prepared(
        diesel::sql_query(LINES)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(from)
            .bind::<SqlUuid, _>(before)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut &**tx)
    .await?;
    let is_full = i64::try_from(lines.len()).unwrap_or(i64::MAX) >= limit;
    let next = lines.last().filter(|_| is_full).map(|last| after(last.audit_id));
    let subjects: Vec<Subject> = Prepared(
        diesel::sql_query(SUBJECTS)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(from)
            .bind::<SqlUuid, _>(next.unwrap_or(before)),
    )
    .load(&mut &**tx)
    .await?;
    Ok(Batch {
        next,
        ..joined(&lines, &subjects)
    })
}

/// The digests of lines, with the subjects of each; both come in the order of the lines' ids.
fn joined(lines: &[Line], subjects: &[Subject]) -> Batch {
    let mut subjects = subjects.iter().peekable();
    let mut batch = Batch::default();
    for line in lines {
        let mut text = Canonical::of("line");
        for column in &line.columns {
            text.column(column.as_deref());
        }
        while let Some(stray) = subjects.next_if(|subject| subject.audit_id < line.audit_id) {
            batch.strays.push(stray.audit_id);
        }
        while let Some(subject) = subjects.next_if(|subject| subject.audit_id == line.audit_id) {
            for column in &subject.columns {
                text.part(column);
            }
        }
        batch.lines.push((line.audit_id, text.digest()));
    }
    batch.strays.extend(subjects.map(|stray| stray.audit_id));
    batch.strays.dedup();
    batch
}

/// The ids alone.
pub(super) async fn ids(
    tx: &TenantTransaction,
    from: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, DatabaseError> {
    let statement = diesel::sql_query(IDS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(from)
        .bind::<SqlUuid, _>(before)
        .bind::<BigInt, _>(limit);
    let ids: Vec<Id> = Prepared(statement).load(&mut &**tx).await?;
    Ok(ids.into_iter().map(|id| id.audit_id).collect())
}

/// The id right behind one.
pub(super) fn after(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

// Every column of the table in its order, as PostgreSQL writes it: jsonb has its keys in one order and no spaces of its own.
const LINES: &str = "\
SELECT e.audit_id, ARRAY[e.tenant_id::text, e.audit_id::text,
        to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), e.actor_kind, e.actor_id::text, e.action, e.outcome,
        e.object_kind, e.object_id::text, e.channel, e.address, e.request_id::text, e.detail::text] AS columns
FROM audit_events e WHERE e.tenant_id = $1 AND e.audit_id >= $2 AND e.audit_id < $3
ORDER BY e.audit_id LIMIT $4";

const SUBJECTS: &str = "\
SELECT s.audit_id, ARRAY[s.subject_id::text, to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')] AS columns
FROM audit_subjects s WHERE s.tenant_id = $1 AND s.audit_id >= $2 AND s.audit_id < $3
ORDER BY s.audit_id, s.subject_id";

const IDS: &str = "\
SELECT e.audit_id FROM audit_events e WHERE e.tenant_id = $1 AND e.audit_id >= $2 AND e.audit_id < $3
ORDER BY e.audit_id LIMIT $4";
