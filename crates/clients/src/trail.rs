//! The lines of clients in the trail, and what is refused unseen.

use crate::{By, Clients};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::refusals;
use kernel::{ClientId, TenantId};
use serde_json::Value;

guard::held! {
    TOKEN_HELD = "refused_client_token" "token.issue" "refused" "client";
    TOKEN_NETWORK_HELD = "refused_client_token_network" "token.issue" "refused" "network";
}

/// What a line about a client names.
pub(crate) fn object(id: ClientId) -> Option<(&'static str, uuid::Uuid)> {
    Some(("client", id.0))
}

impl Clients {
    /// A line of what was done to a client, in the transaction of what it tells.
    pub(crate) async fn record(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        by: By<'_>,
        action: &'static str,
        (client, detail): (ClientId, Value),
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: by.actor,
            action,
            object: object(client),
            outcome: "done",
            detail,
        };
        audit::record(tx, now, by.origin, entry).await
    }

    /// The same in an insurer, of what was done at the platform.
    pub(crate) async fn record_there(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        by: By<'_>,
        action: &'static str,
        client: ClientId,
    ) -> Result<(), DatabaseError> {
        let by = By {
            actor: by.seen_from(tx.tenant()),
            ..by
        };
        let detail = serde_json::json!({ "at": "platform" });
        self.record(tx, now, by, action, (client, detail)).await
    }
}

/// A line of what a program did or tried.
pub(crate) async fn of_program(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    client: ClientId,
    (action, outcome): (&'static str, &'static str),
    detail: Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: Actor::Client(client.0),
        action,
        object: object(client),
        outcome,
        detail,
    };
    audit::record(tx, now, origin, entry).await
}

/// Where the trail of a client is that nobody has proven to be.
pub(crate) fn tenant_of(found: Option<(TenantId, ClientId)>) -> TenantId {
    found.map_or(TenantId::PLATFORM, |(tenant, _)| tenant)
}

/// Tells the refusals that no further one told: for a job; gives how many lines.
pub async fn tell_refusals(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    refusals::tell(tx, now, ALL).await
}
