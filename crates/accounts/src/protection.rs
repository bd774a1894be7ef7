//! 保護 as staff set and lift it: the roster's row, the daily numbers that a protected person's account is in, the trail, and
//! what is known of the account: somebody else may have made it.

use crate::{mails::turn_mails_off, registrations, schema::accounts, tallies};
use approvals::{Action, Agreed, Approvals, Asked, Asker, Difference, Performer, Wish};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::sessions::{self, Session};
use kernel::{AccountId, EmailAddress, Keys, Outage, Outcome, PersonId, ProtectionId, StaffId, calendar, outcome};
use roster::protection::{self, New};
use serde_json::{Value, json};

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
        tallies::move_registrations(tx, *person, -1).await?;
        turn_mails_off(tx, now, *person).await?;
        record(tx, now, by, "protection.set", (*person, id)).await?;
        protected += 1;
    }
    if protected > 0 {
        protection::recount(tx, now).await?;
    }
    Ok(protected)
}

/// Asks to lift a protection, or lifts it at once where nobody else need agree.
pub async fn ask_to_lift(
    tx: &mut TenantTransaction,
    (approvals, keys): (&Approvals, &Keys),
    now: DateTime<Utc>,
    by: By<'_>,
    (id, reason): (ProtectionId, &str),
) -> Result<Outcome<Asked>, Outage> {
    let Some((person, difference)) = lifting(tx, keys, (id, reason)).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    let wish = Wish {
        action: Action::LiftProtection,
        kind: "",
        subject: id.0,
        person: Some(person),
        beneficiary: None,
        also: [].into(),
        parameters: json!({ "reason": reason }),
        difference,
    };
    let asker = Asker {
        staff_id: by.staff,
        actor: by.actor,
        origin: by.origin,
    };
    let asked = approvals.ask(tx, now, asker, wish).await?;
    if matches!(asked, Outcome::Done(Asked::GoesOn)) {
        lift(tx, keys, now, by, (id, reason)).await?;
    }
    Ok(asked)
}

/// How a protection is lifted once another has agreed.
pub fn performer(keys: &Keys) -> Performer {
    let (seen, used) = (keys.clone(), keys.clone());
    Performer::new(
        Action::LiftProtection,
        "",
        move |tx, agreed| {
            let keys = seen.clone();
            Box::pin(async move {
                let found = lifting(tx, &keys, (ProtectionId(agreed.subject), reason_of(agreed))).await?;
                Ok(found.map_or(outcome::NOT_FOUND.into(), |(_, difference)| Outcome::Done(difference)))
            })
        },
        move |tx, agreed| {
            let keys = used.clone();
            Box::pin(async move {
                let by = By {
                    staff: agreed.asked_by,
                    actor: Actor::Staff(agreed.asked_by.0),
                    origin: &agreed.origin,
                };
                let what = (ProtectionId(agreed.subject), reason_of(agreed));
                lift(tx, &keys, agreed.now, by, what).await?;
                Ok(Outcome::Done(()))
            })
        },
    )
}

fn reason_of(agreed: &Agreed) -> &str {
    agreed
        .parameters
        .get("reason")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Whose protection it is, and what lifting it changes; none where it is lifted already.
async fn lifting(
    tx: &TenantTransaction,
    keys: &Keys,
    (id, reason): (ProtectionId, &str),
) -> Result<Option<(PersonId, Difference)>, Outage> {
    let Some(found) = protection::one(tx, keys, id).await? else {
        return Ok(None);
    };
    let number = [&*found.symbol, &*found.number, &*found.branch].join("・");
    let since = format!("{}から保護（{}）", calendar::moment(found.set_at), found.reason);
    let difference = vec![
        ("氏名".to_owned(), found.name.clone(), found.name),
        ("記号・番号・枝番".to_owned(), number.clone(), number),
        ("保護".to_owned(), since, "解除".to_owned()),
        ("解除する理由".to_owned(), String::new(), reason.to_owned()),
    ];
    Ok(Some((found.person, difference)))
}

/// Lifts a protection; false where it is lifted already.
async fn lift(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, reason): (ProtectionId, &str),
) -> Result<bool, DatabaseError> {
    let Some(person) = protection::lift(tx, keys, now, by.staff, (id, reason)).await? else {
        return Ok(false);
    };
    tallies::move_registrations(tx, person, 1).await?;
    registrations::tell_again(tx, person).await?;
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
