//! What becomes of a program's imports when it is shut out.

use super::{Author, Run, RunState, rows};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use clients::Hanging;
use database::{DatabaseError, TenantTransaction};
use kernel::ClientId;
use serde_json::json;
use tabular::uploads;

/// What of this crate hangs on a client: its imports that have not ended, and that nobody of the staff has decided on, are cancelled when
/// it is shut out. What is written by then stays.
pub const HANGING: Hanging = |tx, now, (_, client)| Box::pin(shut_out(tx, now, client));

/// Why, in the trail and for programs.
pub const WHY_SHUT: &str = "client_stopped";

async fn shut_out(tx: &mut TenantTransaction, now: DateTime<Utc>, client: ClientId) -> Result<(), DatabaseError> {
    for run in rows::open_of(tx, Author::Client(client)).await? {
        cancel(tx, now, &run).await?;
    }
    Ok(())
}

async fn cancel(tx: &mut TenantTransaction, now: DateTime<Utc>, run: &Run) -> Result<(), DatabaseError> {
    rows::end(tx, run.run_id, &[], RunState::Cancelled, None, now).await?;
    uploads::erase(tx, &run.upload()).await?;
    let entry = Entry {
        actor: Actor::System,
        action: "roster.cancel",
        object: Some(("import", run.run_id.0)),
        outcome: "done",
        detail: json!({ "state": run.state.as_str(), "why": WHY_SHUT }),
    };
    audit::record(tx, now, &Origin::worker(), entry).await
}
