//! 接続先 as they are read, by programs and on pages.

use crate::schema::webhook_endpoints;
use chrono::{DateTime, TimeDelta, Utc};
use clients::{By, Grant};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{dsl, expression::SqlLiteral, prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, ClientId, WebhookId};

/// How long nothing may arrive, though it is tried, before nothing is tried any more.
pub const GIVES_UP_AFTER: TimeDelta = TimeDelta::days(5);

/// Whether it is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What happens is sent.
    Active,
    /// Nothing is.
    Disabled,
}

impl State {
    /// The word in rows and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing arrived for [`GIVES_UP_AFTER`].
    Failing,
    /// It answered that it is gone for good: 410.
    Gone,
    /// The insurer's staff stopped it.
    Stopped,
    /// Its client was suspended, or its grant taken back: it is started again by hand, whoever set it.
    ClientStopped,
}

impl Why {
    const ALL: [Self; 4] = [Self::Failing, Self::Gone, Self::Stopped, Self::ClientStopped];

    /// The word in rows and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Gone => "gone",
            Self::Stopped => "stopped_by_insurer",
            Self::ClientStopped => CLIENT_STOPPED,
        }
    }

    /// Why what waited is not sent, of a delivery.
    pub(crate) fn of_deliveries(self) -> &'static str {
        match self {
            Self::ClientStopped => CLIENT_STOPPED,
            Self::Failing | Self::Gone | Self::Stopped => State::Disabled.as_str(),
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }
}

/// Of deliveries to an endpoint whose client may not come in.
pub(crate) const CLIENT_STOPPED: &str = "client_stopped";

/// An endpoint, without what signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id in the insurer.
    pub webhook_id: WebhookId,
    /// Where it is.
    pub url: String,
    /// What it is told of.
    pub events: Vec<String>,
    /// Whether it is sent anything.
    pub state: State,
    /// Why it is not.
    pub why: Option<Why>,
    /// Until when the secret before signs as well, where it does.
    pub old_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When something last arrived.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Since when nothing has, though it was tried.
    pub failing_since: Option<DateTime<Utc>>,
    version: i32,
}

impl Webhook {
    /// Names how people and programs have set it.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// Whose endpoint, and by whom something is done with it.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The grant on which it hangs.
    pub grant: ClientGrantId,
    /// The grant's client, as the trail names it.
    pub client: ClientId,
    /// By whom.
    pub by: By<'a>,
}

impl<'a> Whose<'a> {
    /// That of a grant.
    pub fn new(grant: &Grant, by: By<'a>) -> Self {
        Self {
            grant: grant.grant_id,
            client: grant.client.client_id,
            by,
        }
    }
}

/// A row of `webhook_endpoints`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_endpoints)]
pub(crate) struct Row {
    pub webhook_id: WebhookId,
    pub grant_id: ClientGrantId,
    pub url: String,
    pub kinds: Vec<String>,
    pub state: String,
    pub why: Option<String>,
    pub after_position: i64,
    pub version: i32,
    pub secret: Option<Vec<u8>>,
    pub old_secret: Option<Vec<u8>>,
    pub old_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub failing_since: Option<DateTime<Utc>>,
}

impl Row {
    pub(crate) fn is_active(&self) -> bool {
        self.state == State::Active.as_str()
    }

    /// True where staff have stopped it: then it is theirs to start.
    pub(crate) fn is_stopped(&self) -> bool {
        self.why.as_deref() == Some(Why::Stopped.as_str())
    }

    pub(crate) fn webhook(self, now: DateTime<Utc>) -> Webhook {
        Webhook {
            state: if self.is_active() {
                State::Active
            } else {
                State::Disabled
            },
            webhook_id: self.webhook_id,
            url: self.url,
            events: self.kinds,
            why: self.why.as_deref().and_then(Why::of),
            old_until: self.old_until.filter(|until| *until > now),
            created_at: self.created_at,
            last_success_at: self.last_success_at,
            failing_since: self.failing_since,
            version: self.version,
        }
    }
}

/// The endpoints of a grant, the first made first.
pub async fn list(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    grant: ClientGrantId,
) -> Result<Vec<Webhook>, DatabaseError> {
    let listed = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::grant_id.eq(grant))
        .filter(stands())
        .order(webhook_endpoints::webhook_id)
        .select(Row::as_select());
    let rows: Vec<Row> = Prepared(listed).load(&mut &**tx).await?;
    Ok(rows.into_iter().map(|row| row.webhook(now)).collect())
}

/// One of them.
pub async fn one(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    grant: ClientGrantId,
    id: WebhookId,
) -> Result<Option<Webhook>, DatabaseError> {
    let row: Option<Row> = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::webhook_id.eq(id))
        .filter(webhook_endpoints::grant_id.eq(grant))
        .filter(webhook_endpoints::state.ne(ENDED))
        .select(Row::as_select())
        .first(&mut &**tx)
        .await
        .optional()?;
    Ok(row.map(|row| row.webhook(now)))
}

/// The same, which nobody else changes meanwhile.
pub(crate) async fn held(
    tx: &TenantTransaction,
    grant: ClientGrantId,
    id: WebhookId,
) -> Result<Option<Row>, DatabaseError> {
    Ok(held_of_any(tx, id).await?.filter(|row| row.grant_id == grant))
}

/// The same of whichever grant: for the worker.
pub(crate) async fn held_of_any(tx: &TenantTransaction, id: WebhookId) -> Result<Option<Row>, DatabaseError> {
    Ok(webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::webhook_id.eq(id))
        .filter(webhook_endpoints::state.ne(ENDED))
        .select(Row::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// One of whichever grant as it stands, held by nobody.
pub(crate) async fn of_any(tx: &TenantTransaction, id: WebhookId) -> Result<Option<Row>, DatabaseError> {
    Ok(webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::webhook_id.eq(id))
        .filter(webhook_endpoints::state.ne(ENDED))
        .select(Row::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// All of the insurer's.
pub(crate) async fn of_insurer(tx: &TenantTransaction) -> Result<Vec<Row>, DatabaseError> {
    Ok(webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::state.ne(ENDED))
        .order(webhook_endpoints::webhook_id)
        .select(Row::as_select())
        .load(&mut &**tx)
        .await?)
}

/// True of those that are not: as text, so that the planner sees the condition of the index of a grant's.
pub(crate) fn stands() -> SqlLiteral<Bool> {
    dsl::sql("state <> 'ended'")
}

/// Of one that is gone for good.
pub(crate) const ENDED: &str = "ended";
