//! Drafts: notices that staff are writing. They outlive every session. Whoever saves says which version they had before them,
//! so of two who edit at the same time the later one is told.

use crate::{
    Author,
    reasons::{CHANGED_MEANWHILE, GONE_MEANWHILE},
    schema::notice_drafts,
};
use access::NOTICES_PUBLISH;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, Outcome, PersonId};
use roster::{Group, protection};
use serde_json::{Value, json};
use tasks::{Matter, State, Whose};
use uuid::Uuid;

/// The module's name at tasks, and how what waits for publication stands.
pub(crate) const MODULE: &str = "notices";
pub(crate) const TO_PUBLISH: &str = "to_publish";

/// Who does something, and from where.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub author: Author,
    /// How the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
}

/// Whom a notice is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Members by what the roster says of them; without a condition all of them.
    Group(Group),
    /// One person.
    Person(PersonId),
}

impl Aim {
    /// The one person.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Group(_) => None,
            Self::Person(person) => Some(*person),
        }
    }
}

/// What a draft says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Plain text, one line.
    pub title: String,
    /// Markdown; empty while nothing is written.
    pub body: String,
    /// Whom it is for.
    pub aim: Aim,
    /// The first day in Japan on which it is shown; none where it is from its publication.
    pub first_day: Option<NaiveDate>,
    /// The last one; none where it is shown until somebody ends it.
    pub last_day: Option<NaiveDate>,
    /// Whether members who wish it are told of it by mail.
    pub mail: bool,
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which; the notice's when it is published.
    pub id: NoticeId,
    /// Counts how often it was saved.
    pub version: i64,
    /// What it says.
    pub content: Content,
    /// Since when an editor waits for its publication.
    pub asked_at: Option<DateTime<Utc>>,
    /// When it was last saved.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: Author,
}

/// Keeps a new draft.
pub async fn create(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    content: &Content,
) -> Result<NoticeId, DatabaseError> {
    let id = NoticeId::new(now);
    diesel::insert_into(notice_drafts::table)
        .values((
            notice_drafts::tenant_id.eq(tx.tenant()),
            notice_drafts::draft_id.eq(id),
            notice_drafts::version.eq(1_i64),
            Columns::of(content),
            notice_drafts::created_at.eq(now),
            notice_drafts::updated_at.eq(now),
            notice_drafts::updated_by.eq(by.author.id()),
            notice_drafts::by_client.eq(by.author.is_client()),
        ))
        .execute(&mut **tx)
        .await?;
    record(tx, now, by, "notice.draft", id, json!({})).await?;
    Ok(id)
}

/// Saves a draft whose `version` somebody had before them. What was asked of whoever publishes was asked for another text, and
/// is taken back.
pub async fn save(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, version): (NoticeId, i64),
    content: &Content,
) -> Result<Outcome<()>, DatabaseError> {
    let saved = diesel::update(notice_drafts::table)
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::draft_id.eq(id))
        .filter(notice_drafts::version.eq(version))
        .set((
            notice_drafts::version.eq(version.saturating_add(1)),
            Columns::of(content),
            notice_drafts::asked_at.eq(None::<DateTime<Utc>>),
            notice_drafts::updated_at.eq(now),
            notice_drafts::updated_by.eq(by.author.id()),
            notice_drafts::by_client.eq(by.author.is_client()),
        ))
        .execute(&mut **tx)
        .await?;
    if saved == 0 {
        return Ok(match find(tx, id).await? {
            None => GONE_MEANWHILE.into(),
            Some(_) => CHANGED_MEANWHILE.into(),
        });
    }
    tasks::settle(tx, matter(id)).await?;
    record(tx, now, by, "notice.edit", id, json!({})).await?;
    Ok(Outcome::Done(()))
}

/// Asks whoever may for the publication of a draft.
pub async fn ask(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, version): (NoticeId, i64),
) -> Result<Outcome<()>, DatabaseError> {
    let locked = lock_noted(tx, now, by, (id, version), "notice.ask").await?;
    if matches!(locked, Outcome::Refused(_)) {
        return Ok(locked);
    }
    diesel::update(notice_drafts::table)
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::draft_id.eq(id))
        .set(notice_drafts::asked_at.eq(now))
        .execute(&mut **tx)
        .await?;
    let state = State {
        key: TO_PUBLISH,
        waiting: true,
        due_on: None,
        link: Some(format!("/console/notices/{id}")),
        parameters: json!({}),
    };
    tasks::set(tx, now, matter(id), &state).await?;
    Ok(locked)
}

/// Deletes a draft.
pub async fn discard(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, version): (NoticeId, i64),
) -> Result<Outcome<()>, DatabaseError> {
    let locked = lock_noted(tx, now, by, (id, version), "notice.discard").await?;
    if matches!(locked, Outcome::Done(())) {
        remove(tx, id).await?;
    }
    Ok(locked)
}

/// Waits for whoever is at work on a draft; from then on nobody else is before the transaction ends.
pub(crate) async fn wait_for(tx: &mut TenantTransaction, id: NoticeId) -> Result<(), DatabaseError> {
    let _: Option<i64> = notice_drafts::table
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::draft_id.eq(id))
        .select(notice_drafts::version)
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(())
}

/// A draft that nobody else changes before the transaction ends, where it still is what somebody had before them.
pub(crate) async fn lock(
    tx: &mut TenantTransaction,
    id: NoticeId,
    version: i64,
) -> Result<Outcome<Stored>, DatabaseError> {
    let row: Option<Row> = notice_drafts::table
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::draft_id.eq(id))
        .select(Row::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(match row.map(Stored::from) {
        None => GONE_MEANWHILE.into(),
        Some(draft) if draft.version != version => CHANGED_MEANWHILE.into(),
        Some(draft) => Outcome::Done(draft),
    })
}

/// The same, with a line of the trail for what is about to be done with it.
async fn lock_noted(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, version): (NoticeId, i64),
    action: &'static str,
) -> Result<Outcome<()>, DatabaseError> {
    let locked = lock(tx, id, version).await?.map(|_| ());
    if matches!(locked, Outcome::Done(())) {
        record(tx, now, by, action, id, json!({})).await?;
    }
    Ok(locked)
}

/// Takes a draft away, and what waits for it.
pub(crate) async fn remove(tx: &mut TenantTransaction, id: NoticeId) -> Result<(), DatabaseError> {
    diesel::delete(notice_drafts::table)
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::draft_id.eq(id))
        .execute(&mut **tx)
        .await?;
    tasks::settle(tx, matter(id)).await?;
    Ok(())
}

/// One draft.
pub async fn find(tx: &TenantTransaction, id: NoticeId) -> Result<Option<Stored>, DatabaseError> {
    let row: Option<Row> = notice_drafts::table
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::draft_id.eq(id))
        .select(Row::as_select())
        .first(&mut &**tx)
        .await
        .optional()?;
    Ok(row.map(Stored::from))
}

/// Drafts, the last saved first, after one of them: those to a protected person only for whoever may see such.
pub async fn list(
    tx: &TenantTransaction,
    sees_protected: bool,
    after: (DateTime<Utc>, NoticeId),
    limit: i64,
) -> Result<Vec<Stored>, DatabaseError> {
    let (at, id) = after;
    let is_open = "NOT EXISTS (SELECT FROM protections x WHERE x.tenant_id = ";
    let is_open = sql::<Bool>(is_open)
        .bind::<Integer, _>(tx.tenant())
        .sql(" AND x.person_id = notice_drafts.person_id AND x.lifted_at IS NULL OFFSET 0)");
    let rows: Vec<Row> = notice_drafts::table
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(
            notice_drafts::updated_at
                .lt(at)
                .or(notice_drafts::updated_at.eq(at).and(notice_drafts::draft_id.lt(id))),
        )
        .filter(sees_protected.into_sql::<Bool>().or(is_open))
        .order((notice_drafts::updated_at.desc(), notice_drafts::draft_id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .load(&mut &**tx)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// True where whoever works on it may know of the person whom it is for.
pub async fn may_see(
    tx: &TenantTransaction,
    sees_protected: bool,
    person: Option<PersonId>,
) -> Result<bool, DatabaseError> {
    match person {
        Some(person) if !sees_protected => Ok(!protection::is_protected(tx, person).await?),
        _ => Ok(true),
    }
}

/// Deletes the drafts to a person whom the house forgets.
pub(crate) async fn forget(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    let drafts: Vec<NoticeId> = diesel::delete(notice_drafts::table)
        .filter(notice_drafts::tenant_id.eq(tx.tenant()))
        .filter(notice_drafts::person_id.eq(person))
        .returning(notice_drafts::draft_id)
        .get_results(&mut **tx)
        .await?;
    for draft in drafts {
        tasks::settle(tx, matter(draft)).await?;
    }
    Ok(())
}

/// A line of the trail: ids and counts, never a text.
pub(crate) async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    action: &'static str,
    id: NoticeId,
    detail: Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: by.actor,
        action,
        object: Some(("notice", id.0)),
        outcome: "done",
        detail,
    };
    audit::record(tx, now, by.origin, entry).await
}

fn matter(id: NoticeId) -> Matter {
    Matter {
        whose: Whose::Permission(NOTICES_PUBLISH.0),
        module: MODULE,
        subject: id.0,
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = notice_drafts, treat_none_as_null = true)]
struct Columns<'a> {
    title: &'a str,
    body: &'a str,
    person_id: Option<PersonId>,
    workplace_code: Option<String>,
    age_from: Option<i16>,
    age_to: Option<i16>,
    with_dependants: bool,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    mail: bool,
}

impl<'a> Columns<'a> {
    fn of(content: &'a Content) -> Self {
        let (person, group) = match &content.aim {
            Aim::Group(group) => (None, Some(group)),
            Aim::Person(person) => (Some(*person), None),
        };
        Self {
            title: &content.title,
            body: &content.body,
            person_id: person,
            workplace_code: group.and_then(|group| group.workplace_code.clone()),
            age_from: group.and_then(|group| group.age_from),
            age_to: group.and_then(|group| group.age_to),
            with_dependants: group.is_some_and(|group| group.with_dependants),
            first_day: content.first_day,
            last_day: content.last_day,
            mail: content.mail,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notice_drafts)]
struct Row {
    draft_id: NoticeId,
    version: i64,
    title: String,
    body: String,
    person_id: Option<PersonId>,
    workplace_code: Option<String>,
    age_from: Option<i16>,
    age_to: Option<i16>,
    with_dependants: bool,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    mail: bool,
    asked_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    updated_by: Uuid,
    by_client: bool,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        let group = Group {
            workplace_code: row.workplace_code,
            age_from: row.age_from,
            age_to: row.age_to,
            with_dependants: row.with_dependants,
        };
        Self {
            id: row.draft_id,
            version: row.version,
            content: Content {
                title: row.title,
                body: row.body,
                aim: row.person_id.map_or(Aim::Group(group), Aim::Person),
                first_day: row.first_day,
                last_day: row.last_day,
                mail: row.mail,
            },
            asked_at: row.asked_at,
            updated_at: row.updated_at,
            updated_by: Author::read(row.updated_by, row.by_client),
        }
    }
}
