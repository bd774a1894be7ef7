//! 保護 as staff set and lift it: the roster's row, the daily numbers that a protected person's account is in, the trail, and
//! what is known of the account: somebody else may have made it.

use crate::{mails::turn_mails_off, schema::accounts, tallies};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::sessions::{self, Session};
use kernel::{AccountId, EmailAddress, Keys, PersonId, ProtectionId, StaffId};
use roster::protection::{self, New};
use serde_json::json;

/// Who of the staff does it, and from where.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub staff: StaffId,
    /// How the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
}

/// Protects several people at once; how many were not protected yet. A guardian who is among them has none.
pub async fn protect(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: By<'_>,
    (people, guardian, reason): (&[PersonId], Option<PersonId>, &str),
) -> Result<usize, DatabaseError> {
    let mut protected = 0;
    for person in people {
        let new = New {
            person: *person,
            guardian: guardian.filter(|guardian| guardian != person),
            reason,
        };
        let Some(id) = protection::set(tx, keys, now, by.staff, new).await? else {
            continue;
        };
        tallies::move_registration(tx, *person, -1).await?;
        turn_mails_off(tx, now, *person).await?;
        record(tx, now, by, "protection.set", (*person, id)).await?;
        protected += 1;
    }
    if protected > 0 {
        protection::recount(tx, now).await?;
    }
    Ok(protected)
}

/// Lifts a protection; false where it is lifted already.
pub async fn lift(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, reason): (ProtectionId, &str),
) -> Result<bool, DatabaseError> {
    let Some(person) = protection::lift(tx, keys, now, by.staff, (id, reason)).await? else {
        return Ok(false);
    };
    tallies::move_registration(tx, person, 1).await?;
    record(tx, now, by, "protection.lift", (person, id)).await?;
    protection::recount(tx, now).await?;
    Ok(true)
}

/// What is known of the account of somebody who is to be protected.
#[derive(Debug, Clone)]
pub struct Held {
    /// Whose.
    pub person: PersonId,
    /// Since when it is.
    pub registered_at: DateTime<Utc>,
    /// The proven address, masked.
    pub email: String,
    /// The last log-in.
    pub last_log_in_at: Option<DateTime<Utc>>,
    /// Where it is logged in now.
    pub sessions: Vec<Session>,
}

/// The accounts of these people, who are a family at most.
pub async fn held(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    people: &[PersonId],
) -> Result<Vec<Held>, DatabaseError> {
    let mut held = Vec::new();
    for person in people {
        let found: Option<Row> = accounts::table
            .filter(accounts::tenant_id.eq(tx.tenant()))
            .filter(accounts::person_id.eq(person))
            .filter(accounts::emptied_at.is_null())
            .select(Row::as_select())
            .first(&mut **tx)
            .await
            .optional()?;
        let Some(row) = found else { continue };
        held.push(Held {
            person: *person,
            registered_at: row.registered_at,
            email: EmailAddress::parse(&row.email).map_or_else(|_| String::new(), |email| email.mask()),
            last_log_in_at: row.last_log_in_at,
            sessions: sessions::list(tx, now, row.account_id.0).await?,
        });
    }
    Ok(held)
}

async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    action: &'static str,
    (person, id): (PersonId, ProtectionId),
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: by.actor,
        action,
        object: Some(("person", person.0)),
        outcome: "done",
        detail: json!({ "protection": id }),
    };
    audit::record(tx, now, by.origin, entry).await
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct Row {
    account_id: AccountId,
    email: String,
    registered_at: DateTime<Utc>,
    last_log_in_at: Option<DateTime<Utc>>,
}
