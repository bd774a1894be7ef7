//! Whom the imports of the last seven days lost: theirs count with those of the next one, so that nobody loses many in slices.

use super::rows::{self, Run};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::ImportId;

/// How long they count.
const WINDOW: TimeDelta = TimeDelta::days(7);

/// What other imports lost lately.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lately {
    /// Whom.
    pub(crate) lost: u64,
}

/// What counts now; nothing of `but`, which is about to be undone.
pub(super) async fn lately(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    but: Option<ImportId>,
) -> Result<Lately, DatabaseError> {
    let runs = rows::finished_since(tx, now - WINDOW).await?;
    let others = runs.iter().filter(|run| Some(run.run_id) != but);
    Ok(Lately {
        lost: others.map(|run| lost(&runs, run)).sum(),
    })
}

/// How many people a run has lost still: of one that was undone, as many as the undoing may have left as they are. Whom the
/// undoing of one of the others loses, that one had brought, or had covered for longer.
fn lost(runs: &[Run], run: &Run) -> u64 {
    if runs.iter().any(|other| run.undoes == Some(other.run_id)) {
        return 0;
    }
    let lost = run.counts.vanishing.lost();
    undoing(runs, run).map_or(lost, |undoing| lost.min(undoing.counts.skipped))
}

/// The run that undid another, and was not undone in its turn.
fn undoing<'r>(runs: &'r [Run], run: &Run) -> Option<&'r Run> {
    let mut undoings = runs.iter().filter(|other| other.undoes == Some(run.run_id));
    undoings.find(|other| undoing(runs, other).is_none())
}
