//! 名寄せ: people of one number whose names fold alike, whom no typed identity tells apart. Their sign-up gets the neutral
//! answer and becomes a task for staff, which ends when the roster tells them apart or all of them are registered.

use crate::schema::accounts;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{dsl::exists, prelude::*};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use serde_json::{Value, json};
use tasks::{Matter, State, Whose};
use tenancy::Insurer;

/// Whose holders settle by hand who of them somebody is.
pub const PERMISSION: &str = "members.identify";
const MODULE: &str = "accounts";

fn matter(subject: uuid::Uuid) -> Matter {
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
        key: "names_alike",
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
    for (subject, parameters) in tasks::open(tx, PERMISSION, MODULE).await? {
        let people = people_of(&parameters);
        let open = roster::are_alike(tx, insurer, &people, now).await? && !all_registered(tx, &people).await?;
        if !open && tasks::settle(tx, matter(subject)).await? {
            settled += 1;
        }
    }
    Ok(settled)
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
