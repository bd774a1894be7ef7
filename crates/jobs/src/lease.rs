//! What a worker and a queue's work owe each other while an item is held: to let go of it when told, to note its end even
//! where the database is away, and to bear a panic.

use database::DatabaseError;
use futures_util::FutureExt as _;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Between two tries to note an end: less than other workers wait after an outage before they take anything.
const AGAIN: Duration = Duration::from_millis(500);
/// How long noting is tried.
const FOR: Duration = Duration::from_mins(10);

/// Tells whoever holds a lease to give it back, because the process is about to end.
#[derive(Debug, Clone)]
pub struct LetGo(Option<watch::Receiver<bool>>);

impl LetGo {
    /// Told once this turns true.
    pub fn when(told: watch::Receiver<bool>) -> Self {
        Self(Some(told))
    }

    /// Never told: for work that is seen to its end.
    pub fn never() -> Self {
        Self(None)
    }

    /// What `work` gives, or nothing where told to let go before it does.
    pub async fn or<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let Some(mut told) = self.0 else {
            return Some(work.await);
        };
        tokio::select! {
            done = work => Some(done),
            // The teller's end means the same: nobody waits any more.
            _ = told.wait_for(|told| *told) => None,
        }
    }
}

/// Work that is done must be noted, or it is done once more: noting is tried again while the lease lasts, which it does
/// for as long as the database is away from everybody.
pub struct Noting(Instant);

impl Noting {
    /// From now on.
    #[expect(clippy::new_without_default, reason = "it begins to count here")]
    pub fn new() -> Self {
        Self(Instant::now() + FOR)
    }

    /// Waits before the next try; gives the error back once there have been enough.
    pub async fn again(&self, error: DatabaseError) -> Result<(), DatabaseError> {
        if Instant::now() >= self.0 {
            return Err(error);
        }
        tracing::warn!(%error, "the end of some work could not be noted; it is tried again");
        tokio::time::sleep(AGAIN).await;
        Ok(())
    }
}

/// Work that panicked. What the panic said is not kept: it may quote what somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

/// What `work` gives, or the word that it panicked.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| {
        metrics::counter!("work_panics_total").increment(1);
        Panicked
    })
}
