//! 対応が必要なこと: what waits for a person, or for the staff who may settle it. One row for each thing, written by its module
//! in the transaction that moves it, so that pages read the state of everything in one statement and ask no module. Queues of
//! thousands are no tasks: their module counts them; reminders are a module's own job.
//!
//! Settled, a row is gone: what happened stands in the trail. With an emptied person goes all that was theirs or about them.

use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, TaskId};
use serde_json::Value;
use uuid::Uuid;

/// For whom something waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A person in the roster: it stands on their my page.
    Person(PersonId),
    /// The staff who hold a permission: it stands on the console's home.
    Permission(&'static str),
}

impl Whose {
    fn columns(self) -> (Option<PersonId>, Option<&'static str>) {
        match self {
            Self::Person(person) => (Some(person), None),
            Self::Permission(permission) => (None, Some(permission)),
        }
    }
}

/// Which thing: there is one row for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matter {
    /// For whom.
    pub whose: Whose,
    /// The module whose it is.
    pub module: &'static str,
    /// What it is about: a person, an application, a survey.
    pub subject: Uuid,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The module's word, from which it knows what to say.
    pub key: &'static str,
    /// True where it waits for them; false where they only see how it stands.
    pub waiting: bool,
    /// The last day in Japan to do it.
    pub due_on: Option<NaiveDate>,
    /// The page on which it is done, from `/`; none where it is done elsewhere.
    pub link: Option<String>,
    /// What the module's words need: ids, codes and counts; no personal data.
    pub parameters: Value,
}

/// Notes how a matter stands from `now` on, whether or not it stood there before.
pub async fn set(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    matter: Matter,
    state: &State,
) -> Result<(), DatabaseError> {
    let (person, permission) = matter.whose.columns();
    diesel::sql_query(SET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(TaskId::new(now))
        .bind::<Nullable<SqlUuid>, _>(person)
        .bind::<Nullable<Text>, _>(permission)
        .bind::<Text, _>(matter.module)
        .bind::<SqlUuid, _>(matter.subject)
        .bind::<Text, _>(state.key)
        .bind::<Bool, _>(state.waiting)
        .bind::<Nullable<Date>, _>(state.due_on)
        .bind::<Nullable<Text>, _>(state.link.as_deref())
        .bind::<Jsonb, _>(&state.parameters)
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Settles a matter; false where there was nothing to settle.
pub async fn settle(tx: &mut TenantTransaction, matter: Matter) -> Result<bool, DatabaseError> {
    let (person, permission) = matter.whose.columns();
    let settled = diesel::delete(tasks::table)
        .filter(tasks::tenant_id.eq(tx.tenant()))
        .filter(tasks::person_id.is_not_distinct_from(person))
        .filter(tasks::permission.is_not_distinct_from(permission))
        .filter(tasks::module.eq(matter.module))
        .filter(tasks::subject.eq(matter.subject))
        .execute(&mut **tx)
        .await?;
    Ok(settled > 0)
}

/// A matter that waits for staff.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub struct Open {
    /// What it is about.
    pub subject: Uuid,
    /// What the module's words need.
    pub parameters: Value,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The matters of a module that wait for the staff who hold a permission, the oldest first, at most so many.
pub async fn open(
    tx: &TenantTransaction,
    permission: &'static str,
    module: &'static str,
    limit: i64,
) -> Result<Vec<Open>, DatabaseError> {
    let open = tasks::table
        .filter(tasks::tenant_id.eq(tx.tenant()))
        .filter(tasks::permission.eq(permission))
        .filter(tasks::module.eq(module))
        .order((tasks::since, tasks::task_id))
        .limit(limit)
        .select(Open::as_select());
    Ok(open.load(&mut &**tx).await?)
}

/// How a matter stands, where it does.
pub async fn one(tx: &TenantTransaction, matter: Matter) -> Result<Option<Open>, DatabaseError> {
    let (person, permission) = matter.whose.columns();
    let one = tasks::table
        .filter(tasks::tenant_id.eq(tx.tenant()))
        .filter(tasks::person_id.is_not_distinct_from(person))
        .filter(tasks::permission.is_not_distinct_from(permission))
        .filter(tasks::module.eq(matter.module))
        .filter(tasks::subject.eq(matter.subject))
        .select(Open::as_select());
    Ok(one.first(&mut &**tx).await.optional()?)
}

/// How many matters of one kind wait for staff.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Waiting {
    /// Whose permission settles them.
    #[diesel(sql_type = Text)]
    pub permission: String,
    /// The module.
    #[diesel(sql_type = Text)]
    pub module: String,
    /// The module's word for how they stand.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub matters: i64,
    /// Since when the oldest waits.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
}

/// What waits for staff, for the console's home: whoever draws it shows what its reader's permissions settle.
pub async fn waiting(tx: &TenantTransaction) -> Result<Vec<Waiting>, DatabaseError> {
    let waiting = diesel::sql_query(WAITING).bind::<Integer, _>(tx.tenant());
    Ok(Prepared(waiting).load(&mut &**tx).await?)
}

/// Forgets what was these people's or about them.
pub async fn empty(tx: &mut TenantTransaction, people: &[PersonId]) -> Result<(), DatabaseError> {
    // One by one: for a list of ids PostgreSQL may read a large insurer whole.
    for person in people {
        diesel::delete(tasks::table)
            .filter(tasks::tenant_id.eq(tx.tenant()))
            .filter(tasks::person_id.eq(person))
            .execute(&mut **tx)
            .await?;
        diesel::delete(tasks::table)
            .filter(tasks::tenant_id.eq(tx.tenant()))
            .filter(tasks::subject.eq(person.0))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

mod schema {
    diesel::table! {
        tasks (tenant_id, task_id) {
            tenant_id -> Integer,
            task_id -> Uuid,
            person_id -> Nullable<Uuid>,
            permission -> Nullable<Text>,
            module -> Text,
            subject -> Uuid,
            parameters -> Jsonb,
            since -> Timestamptz,
        }
    }
}
use schema::tasks;

/// What stands as before has waited since before.
const SET: &str = "
    INSERT INTO tasks (tenant_id, task_id, person_id, permission, module, subject, state, waiting, due_on, link, parameters,
        since)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (tenant_id, person_id, permission, module, subject) DO UPDATE
    SET state = excluded.state, waiting = excluded.waiting, due_on = excluded.due_on, link = excluded.link,
        parameters = excluded.parameters,
        since = CASE WHEN tasks.state = excluded.state THEN tasks.since ELSE excluded.since END";

const WAITING: &str = "
    SELECT permission, module, state, count(*) AS matters, min(since) AS since FROM tasks
    WHERE tenant_id = $1 AND permission IS NOT NULL AND waiting
    GROUP BY permission, module, state ORDER BY permission, module, state";
