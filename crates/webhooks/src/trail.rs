//! Lines of what was done with endpoints: about their client, which a page of the console shows.

use crate::Whose;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use clients::By;
use database::{DatabaseError, TenantTransaction};
use kernel::{ClientGrantId, ClientId};
use serde_json::Value;
use std::sync::LazyLock;

/// A line, in the transaction of what it tells.
pub(crate) async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    whose: Whose<'_>,
    action: &'static str,
    detail: Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: whose.by.actor,
        action,
        object: Some(("client", whose.client.0)),
        outcome: "done",
        detail,
    };
    audit::record(tx, now, whose.by.origin, entry).await
}

/// What the worker does of itself.
pub(crate) fn by_worker(grant: ClientGrantId, client: ClientId) -> Whose<'static> {
    static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::worker);
    Whose {
        grant,
        client,
        by: By {
            actor: Actor::System,
            origin: &ORIGIN,
        },
    }
}
