//! What operators ask and do on the command line beside applying folders: list, show, suspend, resume.

use crate::{
    Insurer, InsurerKind, InsurerState,
    apply::lock,
    directory::{InsurerRow, unreadable},
    export,
    schema::{insurer_revisions, insurers},
};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{InsurerCode, TenantId};

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
    by: &str,
) -> Result<StateChange, DatabaseError> {
    set_state(database, now, tenant, by, InsurerState::Suspended).await
}

/// Lets the members of a suspended insurer in again.
pub async fn resume(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    by: &str,
) -> Result<StateChange, DatabaseError> {
    set_state(database, now, tenant, by, InsurerState::Open).await
}

async fn set_state(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    by: &str,
    state: InsurerState,
) -> Result<StateChange, DatabaseError> {
    if tenant == TenantId::PLATFORM {
        return Ok(StateChange::Unknown);
    }
    let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
    lock(&mut tx).await?;
    let changed = diesel::update(insurers::table)
        .filter(insurers::tenant_id.eq(tenant))
        .filter(insurers::state.ne(state.as_str()))
        .set((
            insurers::state.eq(state.as_str()),
            // By which every node sees that there is something new. The history has no line of it: no setting changed.
            insurers::revision.eq(insurers::revision + 1),
            insurers::updated_at.eq(now),
            insurers::applied_by.eq(by),
        ))
        .execute(&mut *tx)
        .await?;
    if changed == 0 {
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
    }
    let action = match state {
        InsurerState::Suspended => "insurer.suspend",
        InsurerState::Open => "insurer.resume",
    };
    audit::record_command(&tx, now, action, None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(StateChange::Done)
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
