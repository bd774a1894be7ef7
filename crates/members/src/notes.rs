//! What staff note of a person whom they have spoken with. Sealed, kept for two years; nobody edits one, and its author may
//! strike it out, which leaves it readable: what was noted once has been acted upon.

use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, NoteId, Outage, PersonId, StaffId};
use serde_json::json;

/// What notes are sealed for.
const PURPOSE: &str = "member_note";
/// How long one is kept.
const KEPT: TimeDelta = TimeDelta::days(2 * 365);
/// Notes listed at most.
const LISTED: i64 = 100;

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "member_notes",
    column: "text",
    kind: Kind::Sealed {
        owner: "note_id",
        purpose: PURPOSE,
    },
}];

/// A note.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub id: NoteId,
    pub text: String,
    pub written_by: StaffId,
    pub at: DateTime<Utc>,
    pub is_struck: bool,
}

/// Who writes, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author<'a> {
    pub staff: StaffId,
    pub actor: Actor,
    pub origin: &'a Origin,
}

/// Of a person, the latest first.
pub(crate) async fn list(tx: &TenantTransaction, keys: &Keys, person: PersonId) -> Result<Vec<Note>, Outage> {
    let tenant = tx.tenant();
    let rows: Vec<Row> = member_notes::table
        .filter(member_notes::tenant_id.eq(tenant))
        .filter(member_notes::person_id.eq(person))
        .order(member_notes::note_id.desc())
        .limit(LISTED)
        .select(Row::as_select())
        .load(&mut &**tx)
        .await
        .map_err(DatabaseError::from)?;
    let open = |row: Row| -> Result<Note, Outage> {
        let text = keys.open(PURPOSE, row.note_id.of(tenant), &row.text)?;
        Ok(Note {
            id: row.note_id,
            text: String::from_utf8_lossy(&text).into_owned(),
            written_by: row.written_by,
            at: row.at,
            is_struck: row.struck_at.is_some(),
        })
    };
    rows.into_iter().map(open).collect()
}

/// Writes one.
pub(crate) async fn add(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: Author<'_>,
    (person, text): (PersonId, &str),
) -> Result<(), DatabaseError> {
    let (id, tenant) = (NoteId::new(now), tx.tenant());
    diesel::insert_into(member_notes::table)
        .values((
            member_notes::tenant_id.eq(tenant),
            member_notes::note_id.eq(id),
            member_notes::person_id.eq(person),
            member_notes::text.eq(keys.seal(PURPOSE, id.of(tenant), text.as_bytes())),
            member_notes::written_by.eq(by.staff),
            member_notes::at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    by.record(tx, now, "note.add", (person, id)).await
}

/// Strikes out a note of this person, which the author alone may; false where there is none such.
pub(crate) async fn strike(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: Author<'_>,
    (person, id): (PersonId, NoteId),
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let struck = diesel::update(member_notes::table)
        .filter(member_notes::tenant_id.eq(tenant))
        .filter(member_notes::note_id.eq(id))
        .filter(member_notes::person_id.eq(person))
        .filter(member_notes::written_by.eq(by.staff))
        .filter(member_notes::struck_at.is_null())
        .set(member_notes::struck_at.eq(now))
        .execute(&mut **tx)
        .await?;
    if struck > 0 {
        by.record(tx, now, "note.strike", (person, id)).await?;
    }
    Ok(struck > 0)
}

/// Deletes those whose time is over; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    Ok(diesel::delete(member_notes::table)
        .filter(member_notes::tenant_id.eq(tenant))
        .filter(member_notes::at.lt(now - KEPT))
        .execute(&mut **tx)
        .await?)
}

/// Forgets those of these people.
pub(crate) async fn forget(tx: &mut TenantTransaction, people: &[PersonId]) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    // One by one: for a list of ids PostgreSQL may read a large insurer whole.
    for person in people {
        diesel::delete(member_notes::table)
            .filter(member_notes::tenant_id.eq(tenant))
            .filter(member_notes::person_id.eq(person))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

impl Author<'_> {
    async fn record(
        self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        action: &'static str,
        (person, note): (PersonId, NoteId),
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: self.actor,
            action,
            object: Some(("person", person.0)),
            outcome: "done",
            detail: json!({ "note": note }),
        };
        audit::record(tx, now, self.origin, entry).await
    }
}

diesel::table! {
    member_notes (tenant_id, note_id) {
        tenant_id -> Integer,
        note_id -> Uuid,
        person_id -> Uuid,
        text -> Binary,
        written_by -> Uuid,
        at -> Timestamptz,
        struck_at -> Nullable<Timestamptz>,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = member_notes)]
struct Row {
    note_id: NoteId,
    text: Vec<u8>,
    written_by: StaffId,
    at: DateTime<Utc>,
    struck_at: Option<DateTime<Utc>>,
}
