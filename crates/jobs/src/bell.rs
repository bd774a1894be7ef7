//! The bell: what one process scheduled wakes the workers of all before their next look. It is a hint and no more: one that
//! is lost costs the pause between two looks.
//!
//! Rung after the commit, not in it: a NOTIFY takes a lock that every other commit with a NOTIFY waits for, and sign-ups of
//! all insurers would go one by one.

use database::{Database, DatabaseError};
use std::time::Duration;
use tokio::sync::Notify;

const CHANNEL: &str = "due";
/// Between two notifications: what is scheduled meanwhile shares the next.
const GAP: Duration = Duration::from_millis(25);
/// Before a lost connection is made anew.
const RECONNECT: Duration = Duration::from_secs(5);

/// Tells all workers of what this process schedules, for as long as it is polled.
pub async fn ring(database: &Database) {
    loop {
        database.rung().await;
        if let Err(error) = database.notify(CHANNEL).await {
            tracing::debug!(%error, "the workers were not woken; they look by themselves");
        }
        tokio::time::sleep(GAP).await;
    }
}

/// Wakes a worker whenever somebody rings, for as long as it is polled.
pub(crate) async fn hear(database: &Database, woken: &Notify) {
    loop {
        if let Err(error) = hear_until_lost(database, woken).await {
            tracing::debug!(%error, "nobody wakes this worker; it looks by itself");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn hear_until_lost(database: &Database, woken: &Notify) -> Result<(), DatabaseError> {
    let mut listener = database.listen(CHANNEL).await?;
    loop {
        // Before the first, too: what was scheduled while nobody listened.
        woken.notify_one();
        listener.heard().await?;
    }
}
