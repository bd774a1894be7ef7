//! What operators ask and do beside applying folders: list, search, show, suspend, resume.

use crate::{
    Insurer, InsurerKind, InsurerState,
    apply::lock,
    directory::{InsurerRow, unreadable},
    export,
    revise::current,
    schema::{insurer_revisions, insurers},
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{EmailAddress, InsurerCode, TenantId, text};
use std::sync::LazyLock;

/// A line of `tenant list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsurerHead {
    /// Whose rows.
    pub tenant_id: TenantId,
    /// None for the platform.
    pub code: Option<InsurerCode>,
    /// Its name.
    pub name: String,
    /// Which law it stands under.
    pub kind: InsurerKind,
    /// Open or suspended.
    pub state: InsurerState,
    /// Changes of its settings so far.
    pub revision: i64,
    /// The last change of settings or state.
    pub updated_at: DateTime<Utc>,
    /// Who made it.
    pub applied_by: String,
}

/// What `tenant show` shows.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its line.
    pub head: InsurerHead,
    /// Its settings.
    pub insurer: Insurer,
    /// The same as its tenant.toml.
    pub toml: String,
    /// Its revisions, the latest first.
    pub history: Vec<Revision>,
}

/// A past change of an insurer's settings.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = insurer_revisions)]
pub struct Revision {
    /// From 1.
    pub revision: i64,
    /// When.
    pub applied_at: DateTime<Utc>,
    /// By whom.
    pub applied_by: String,
    /// What changed, a line each.
    pub note: String,
    /// `command` or `console`.
    pub channel: String,
    /// Why, as whoever made it in the console says.
    pub why: Option<String>,
}

/// An insurer that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose rows.
    pub tenant_id: TenantId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Open or suspended.
    pub state: InsurerState,
}

/// Who suspends or resumes, and why.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// From where.
    pub origin: &'a Origin,
    /// Who, as the insurer's trail names them.
    pub actor: Actor,
    /// Who, as the insurer's row and the platform's operators name them.
    pub by: &'a str,
    /// Why, in their words.
    pub why: &'a str,
}

impl<'a> Order<'a> {
    /// At the command line, and why.
    pub fn command(by: &'a str, why: &'a str) -> Self {
        static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::command);
        Self {
            origin: &ORIGIN,
            actor: Actor::Operator,
            by,
            why,
        }
    }
}

/// At the command line, by whom.
impl<'a> From<&'a str> for Order<'a> {
    fn from(by: &'a str) -> Self {
        Self::command(by, "")
    }
}

/// What suspending or resuming did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChange {
    /// The state is another now; nodes see it within seconds.
    Done,
    /// It was so already.
    AlreadySo,
    /// There is no such insurer; the platform can't be suspended.
    Unknown,
}

/// All insurers and the platform, by tenant id.
pub async fn list(database: &Database) -> Result<Vec<InsurerHead>, DatabaseError> {
    let mut tx = database.directory().await?;
    let rows: Vec<HeadRow> = insurers::table
        .select(HeadRow::as_select())
        .order(insurers::tenant_id)
        .load(&mut *tx)
        .await?;
    tx.commit().await?;
    rows.into_iter().map(HeadRow::head).collect()
}

/// The insurers whose name or kana holds, or whose code begins with, what is sought, in the order of their codes, after
/// one of them; so many at most, and how many there are in all. Read whole: they are a few thousand.
pub async fn search(
    database: &Database,
    sought: &str,
    after: &str,
    limit: usize,
) -> Result<(usize, Vec<Found>), DatabaseError> {
    let mut tx = database.directory().await?;
    let rows: Vec<SoughtRow> = insurers::table
        .filter(insurers::insurer_code.is_not_null())
        .order(insurers::insurer_code)
        .select((
            insurers::tenant_id,
            insurers::insurer_code.assume_not_null(),
            insurers::name,
            insurers::state,
            diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>("settings->>'kana'"),
        ))
        .load(&mut *tx)
        .await?;
    tx.commit().await?;
    let (prefix, key) = (text::normalize_dense(sought), search_key(sought));
    let mut all = 0;
    let mut found = Vec::new();
    for row in rows.into_iter().filter(|row| row.fits(&prefix, &key)) {
        all += 1;
        if found.len() < limit && *row.code > *after {
            let state = InsurerState::from_word(&row.state);
            found.push(Found {
                tenant_id: row.tenant_id,
                state: state.ok_or_else(|| unreadable(std::io::Error::other(row.state)))?,
                code: row.code,
                name: row.name,
            });
        }
    }
    Ok((all, found))
}

#[derive(Queryable)]
struct SoughtRow {
    tenant_id: TenantId,
    code: String,
    name: String,
    state: String,
    kana: Option<String>,
}

impl SoughtRow {
    fn fits(&self, prefix: &str, key: &str) -> bool {
        let holds = |text: &str| search_key(text).contains(key);
        self.code.starts_with(prefix) || holds(&self.name) || self.kana.as_deref().is_some_and(holds)
    }
}

/// What two writings of a name share: in one width, without blanks, hiragana as katakana.
fn search_key(written: &str) -> String {
    text::name_key(written)
        .chars()
        .map(text::hiragana_to_katakana)
        .collect()
}

/// The tenant of a code.
pub async fn find(database: &Database, code: &InsurerCode) -> Result<Option<TenantId>, DatabaseError> {
    let mut tx = database.directory().await?;
    let tenant = insurers::table
        .filter(insurers::insurer_code.eq(code.as_str()))
        .select(insurers::tenant_id)
        .first(&mut *tx)
        .await
        .optional()?;
    tx.commit().await?;
    Ok(tenant)
}

/// An insurer with its settings and history.
pub async fn show(database: &Database, tenant: TenantId) -> Result<Option<Shown>, DatabaseError> {
    let mut tx = database.tenant(tenant).read().await?;
    let row = insurers::table
        .filter(insurers::tenant_id.eq(tenant))
        .select((HeadRow::as_select(), InsurerRow::as_select()))
        .first::<(HeadRow, InsurerRow)>(&mut *tx)
        .await
        .optional()?;
    let Some((head, row)) = row else { return Ok(None) };
    let history = insurer_revisions::table
        .filter(insurer_revisions::tenant_id.eq(tenant))
        .order(insurer_revisions::revision.desc())
        .select(Revision::as_select())
        .load(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(Shown {
        head: head.head()?,
        toml: export::tenant_toml(row.insurer_code.as_deref(), &row.settings()?),
        insurer: row.insurer()?,
        history,
    }))
}

/// Closes an insurer to its members. Nothing is lost: [`resume`] lets them in again.
pub async fn suspend(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    order: impl Into<Order<'_>>,
) -> Result<StateChange, DatabaseError> {
    set_state(database, now, tenant, order.into(), InsurerState::Suspended).await
}

/// Lets the members of a suspended insurer in again.
pub async fn resume(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    order: impl Into<Order<'_>>,
) -> Result<StateChange, DatabaseError> {
    set_state(database, now, tenant, order.into(), InsurerState::Open).await
}

/// The domains on which an insurer's administrators may set the address that its mails come from.
pub async fn sender_domains(database: &Database, tenant: TenantId) -> Result<Vec<String>, DatabaseError> {
    let mut tx = database.tenant(tenant).read().await?;
    let row = current(&mut tx).await?;
    tx.commit().await?;
    Ok(row.sender_domains)
}

/// Sets them: an operator's word, which no page of the console changes. The domain that is none, where there is one.
pub async fn release_senders(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    domains: &[String],
) -> Result<Result<(), String>, DatabaseError> {
    let mut released = Vec::with_capacity(domains.len());
    for typed in domains {
        match EmailAddress::parse(&format!("no-reply@{typed}")) {
            Ok(address) => released.push(address.parts().1.to_ascii_lowercase()),
            Err(_) => return Ok(Err(typed.clone())),
        }
    }
    released.sort();
    released.dedup();
    let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
    lock(&mut tx).await?;
    diesel::update(insurers::table)
        .filter(insurers::tenant_id.eq(tenant))
        .set(insurers::sender_domains.eq(&released))
        .execute(&mut *tx)
        .await?;
    let detail = serde_json::json!({ "domains": released });
    audit::record_command(&tx, now, "insurer.senders", None, detail).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

async fn set_state(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    order: Order<'_>,
    state: InsurerState,
) -> Result<StateChange, DatabaseError> {
    if tenant == TenantId::PLATFORM {
        return Ok(StateChange::Unknown);
    }
    let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
    lock(&mut tx).await?;
    let changed: Option<Option<String>> = diesel::update(insurers::table)
        .filter(insurers::tenant_id.eq(tenant))
        .filter(insurers::state.ne(state.as_str()))
        .set((
            insurers::state.eq(state.as_str()),
            // By which every node sees that there is something new. The history has no line of it: no setting changed.
            insurers::revision.eq(insurers::revision + 1),
            insurers::updated_at.eq(now),
            insurers::applied_by.eq(order.by),
        ))
        .returning(insurers::insurer_code)
        .get_result(&mut *tx)
        .await
        .optional()?;
    let Some(code) = changed else {
        let known: i64 = insurers::table
            .filter(insurers::tenant_id.eq(tenant))
            .count()
            .get_result(&mut *tx)
            .await?;
        return Ok(if known == 0 {
            StateChange::Unknown
        } else {
            StateChange::AlreadySo
        });
    };
    let entry = |actor| Entry {
        actor,
        action: match state {
            InsurerState::Suspended => "insurer.suspend",
            InsurerState::Open => "insurer.resume",
        },
        object: None,
        outcome: "done",
        detail: serde_json::json!({ "insurer": code, "why": order.why }),
    };
    audit::record(&tx, now, order.origin, entry(order.actor)).await?;
    tx.go_on_as_platform().await?;
    audit::record(&tx, now, order.origin, entry(of_platform(order.actor))).await?;
    tx.commit().await?;
    Ok(StateChange::Done)
}

/// As the platform's own trail names who an insurer's calls its operator.
pub fn of_platform(actor: Actor) -> Actor {
    match actor {
        Actor::Platform(id) => Actor::Staff(id),
        actor => actor,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = insurers)]
struct HeadRow {
    tenant_id: TenantId,
    insurer_code: Option<String>,
    name: String,
    kind: String,
    state: String,
    revision: i64,
    updated_at: DateTime<Utc>,
    applied_by: String,
}

impl HeadRow {
    fn head(self) -> Result<InsurerHead, DatabaseError> {
        let word = |word: String| unreadable(std::io::Error::other(word));
        Ok(InsurerHead {
            tenant_id: self.tenant_id,
            code: self
                .insurer_code
                .as_deref()
                .map(InsurerCode::parse)
                .transpose()
                .map_err(unreadable)?,
            name: self.name,
            kind: InsurerKind::from_word(&self.kind).ok_or_else(|| word(self.kind))?,
            state: InsurerState::from_word(&self.state).ok_or_else(|| word(self.state))?,
            revision: self.revision,
            updated_at: self.updated_at,
            applied_by: self.applied_by,
        })
    }
}
