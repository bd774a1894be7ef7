//! What becomes of a program's imports when it is shut out.

use super::{Run, RunState, rows};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use clients::Hanging;
use database::{DatabaseError, TenantTransaction};
use kernel::ClientId;
use roster::runs::{Author, WHY_SHUT};
use serde_json::json;
use tabular::uploads;

/// What of this crate hangs on a client: its imports that have not ended, and that nobody of the staff has decided on, are cancelled when
/// it is shut out. What is loaded by then stays; what a worker is about to load, that gives up.
pub const HANGING: Hanging = |tx, now, (_, client)| Box::pin(shut_out(tx, now, client));

async fn shut_out(tx: &mut TenantTransaction, now: DateTime<Utc>, client: ClientId) -> Result<(), DatabaseError> {
    for run in rows::open_of(tx, Author::Client(client)).await? {
        cancel(tx, now, &run).await?;
    }
    Ok(())
}

async fn cancel(tx: &mut TenantTransaction, now: DateTime<Utc>, run: &Run) -> Result<(), DatabaseError> {
    rows::end(tx, run.run_id, &RunState::OPEN, RunState::Cancelled, None, now).await?;
    uploads::erase(tx, &run.upload()).await?;
    let entry = Entry {
        actor: Actor::System,
        action: "statements.cancel",
        object: Some(("statement_run", run.run_id.0)),
        outcome: "done",
        detail: json!({ "kind": run.kind.as_str(), "state": run.state.as_str(), "why": WHY_SHUT }),
    };
    audit::record(tx, now, &Origin::worker(), entry).await
}
