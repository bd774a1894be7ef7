//! 名寄せ: people of one number whose names fold alike, whom no typed identity tells apart. Their sign-up gets the neutral
//! answer and becomes a task for staff, which ends when the roster tells them apart, all of them are registered, or somebody
//! of the staff notes what became of it.

use crate::{fields, schema::accounts, sign_up::has_account};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{dsl::exists, prelude::*};
use diesel_async::RunQueryDsl;
use kernel::{FieldError, PersonId, Problem};
use roster::Person;
use serde_json::{Value, json};
use tasks::{Matter, Open, State, Whose};
use tenancy::Insurer;
use uuid::Uuid;

/// Whose holders settle by hand who of them somebody is.
pub const PERMISSION: &str = access::MEMBERS_EDIT.0;
/// The module's name at tasks.
pub const MODULE: &str = "accounts";
/// How the tasks stand.
pub const STATE: &str = "names_alike";

/// People whom no typed identity tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// By which they are asked for.
    pub id: Uuid,
    /// Who.
    pub people: Vec<PersonId>,
    /// When one of them, it seems, first tried to sign up.
    pub since: DateTime<Utc>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As the roster has them.
    pub person: Person,
    /// Has an account.
    pub registered: bool,
}

/// What became of it, as a clerk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Talked with on the phone, and told how to go on.
    Called,
    /// The roster will be mended.
    Mending,
    /// There is nothing to do.
    Nothing,
}

impl Settled {
    /// All, as they are offered.
    pub const ALL: [Self; 3] = [Self::Called, Self::Mending, Self::Nothing];

    /// The word in forms and in the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Called => "called",
            Self::Mending => "mending",
            Self::Nothing => "nothing",
        }
    }

    /// Reads a form's word.
    pub fn read(word: &str) -> Result<Self, FieldError> {
        let found = Self::ALL.into_iter().find(|settled| settled.as_str() == word);
        found.ok_or(FieldError::new(fields::SETTLED, Problem::Empty))
    }
}

fn matter(subject: Uuid) -> Matter {
    Matter {
        whose: Whose::Permission(PERMISSION),
        module: MODULE,
        subject,
    }
}

/// The task about these people; about the same ones there is one.
pub(crate) async fn leave_to_staff(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    people: &[PersonId],
) -> Result<(), DatabaseError> {
    let Some(first) = people.iter().min() else {
        return Ok(());
    };
    let state = State {
        key: STATE,
        waiting: true,
        due_on: None,
        link: None,
        parameters: json!({ "people": people }),
    };
    tasks::set(tx, now, matter(first.0), &state).await
}

/// Ends the tasks about people whom the roster tells apart now, or who are all registered; gives how many.
pub async fn settle(tx: &mut TenantTransaction, insurer: &Insurer, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let mut settled = 0;
    for Alike { id, people, .. } in list(tx, i64::MAX).await? {
        let open = roster::are_alike(tx, insurer, &people, now).await? && !all_registered(tx, &people).await?;
        if !open && tasks::settle(tx, matter(id)).await? {
            settled += 1;
        }
    }
    Ok(settled)
}

/// Those that wait, the oldest first, at most so many.
pub async fn list(tx: &TenantTransaction, limit: i64) -> Result<Vec<Alike>, DatabaseError> {
    let open = tasks::open(tx, PERMISSION, MODULE, limit).await?;
    Ok(open.iter().map(alike).collect())
}

/// One of those that wait; none where it is settled, or was never there.
pub async fn one(tx: &TenantTransaction, id: Uuid) -> Result<Option<Alike>, DatabaseError> {
    Ok(tasks::one(tx, matter(id)).await?.as_ref().map(alike))
}

/// Who they are: those whom the roster still has.
pub async fn candidates(tx: &mut TenantTransaction, alike: &Alike) -> Result<Vec<Candidate>, DatabaseError> {
    let mut candidates = Vec::new();
    for id in &alike.people {
        if let Some(person) = roster::person(tx, *id).await? {
            let registered = has_account(tx, *id).await?;
            candidates.push(Candidate { person, registered });
        }
    }
    Ok(candidates)
}

/// Notes what became of it, which ends it; false where it has ended already.
pub async fn note(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (actor, origin): (Actor, &Origin),
    id: Uuid,
    settled: Settled,
) -> Result<bool, DatabaseError> {
    if !tasks::settle(tx, matter(id)).await? {
        return Ok(false);
    }
    let entry = Entry {
        actor,
        action: "names.settle",
        object: Some(("person", id)),
        outcome: settled.as_str(),
        detail: json!({}),
    };
    audit::record(tx, now, origin, entry).await?;
    Ok(true)
}

fn alike(open: &Open) -> Alike {
    Alike {
        id: open.subject,
        people: people_of(&open.parameters),
        since: open.since,
    }
}

fn people_of(parameters: &Value) -> Vec<PersonId> {
    let ids = parameters.get("people").and_then(Value::as_array);
    let ids = ids.into_iter().flatten().filter_map(Value::as_str);
    ids.filter_map(PersonId::parse).collect()
}

async fn all_registered(tx: &mut TenantTransaction, people: &[PersonId]) -> Result<bool, DatabaseError> {
    for person in people {
        let account = accounts::table
            .filter(accounts::tenant_id.eq(tx.tenant()))
            .filter(accounts::person_id.eq(person));
        if !diesel::select(exists(account)).get_result(&mut **tx).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
