//! What a queue and its worker tell each other about an item: let go of it, and what became of it.

use tokio::sync::watch;

/// What became of an item that a worker handed to its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// It is finished, waits for another try, or was an empty line; it is no longer due now.
    Moved,
    /// Somebody else holds it.
    Held,
}

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
