//! `madoguchi distribute`: the tables brought to where they lie in a cluster.

use super::{Failed, owner_url};
use crate::{app::App, config::Config, terminal::say};
use database::distribution;

/// As the owner, on the coordinator.
pub(super) async fn run(config: &Config) -> Result<(), Failed> {
    let tell = |statement: &str| say!("{statement}");
    let statements = distribution::distribute(owner_url(config)?, tell)
        .await
        .map_err(|error| Failed::Said(error.to_string()))?;
    match statements {
        0 => say!("nothing to be done: every table is where it should be"),
        statements => say!("{statements} statements; nodes may be started"),
    }
    Ok(())
}

/// Refuses to serve or work on a cluster whose tables are not where they belong. A database that is away is no reason: it
/// may come back, and `/readyz` looks again.
pub(super) async fn required(app: &App) -> Result<(), Failed> {
    match app.undistributed().await {
        Ok(wrong) if wrong.is_empty() => Ok(()),
        Ok(wrong) => Err(Failed::Said(format!("{}: run madoguchi distribute", wrong.join("; ")))),
        Err(error) => {
            tracing::warn!(%error, "whether tables are distributed could not be looked up");
            Ok(())
        }
    }
}
