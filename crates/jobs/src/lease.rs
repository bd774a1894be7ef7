//! What a worker and a queue's work owe each other while an item is held: to let go of it when told, to note its end even
//! where the database is away, and to bear a panic.

use database::{Database, DatabaseError, Prospect};
use futures_util::FutureExt as _;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Between two tries to note an end: less than other workers wait after an outage before they take anything.
const AGAIN: Duration = Duration::from_millis(500);
/// How long noting is tried.
const FOR: Duration = Duration::from_mins(10);
/// How many words of PostgreSQL's are borne that tell nothing while it is ready itself: a lock is let go of within seconds,
/// and that it is ready may be the news of a second ago.
const UNCLEAR: u32 = 3;

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
/// for as long as the database is away from everybody, or has no room. What the database refuses it would refuse each time:
/// that is given back, and whoever noted lays aside what has come to its end, so that its work is not done again and again.
/// Which of the two it is, is asked of the database itself where the error doesn't tell.
pub struct Noting<'a> {
    database: &'a Database,
    patience: Patience,
}

impl<'a> Noting<'a> {
    /// From now on, in this database.
    pub fn new(database: &'a Database) -> Self {
        Self {
            database,
            patience: Patience::new(),
        }
    }

    /// Waits before the next try; gives the error back where there have been enough, or where none will help.
    pub async fn again(&mut self, error: DatabaseError) -> Result<(), DatabaseError> {
        let prospect = match error.prospect() {
            Prospect::Unclear if self.database.readiness().await.is_outage() => Prospect::Passing,
            prospect => prospect,
        };
        if !self.patience.bears(prospect) {
            return Err(error);
        }
        tracing::warn!(%error, "the end of some work could not be noted; it is tried again");
        tokio::time::sleep(AGAIN).await;
        Ok(())
    }
}

struct Patience {
    until: Instant,
    /// How many words more of PostgreSQL's are borne that tell nothing.
    unclear: u32,
}

impl Patience {
    fn new() -> Self {
        Self {
            until: Instant::now() + FOR,
            unclear: UNCLEAR,
        }
    }

    fn bears(&mut self, prospect: Prospect) -> bool {
        let may_pass = match prospect {
            Prospect::Passing => true,
            Prospect::Unclear => {
                let left = self.unclear.checked_sub(1);
                self.unclear = left.unwrap_or_default();
                left.is_some()
            }
            Prospect::Refused => false,
        };
        may_pass && Instant::now() < self.until
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

#[cfg(test)]
mod tests {
    use super::*;
    use database::DatabaseError::{Lost, Statement, Unconfirmed};
    use diesel::result::{DatabaseErrorKind as Kind, Error};

    fn said(kind: Kind) -> DatabaseError {
        Statement(Error::DatabaseError(kind, Box::new(String::new())))
    }

    /// How often it is tried again, of a hundred times.
    fn tries(error: &DatabaseError) -> usize {
        let mut patience = Patience::new();
        (0..100).take_while(|_| patience.bears(error.prospect())).count()
    }

    #[test]
    fn an_outage_is_waited_for_and_a_refusal_is_not() {
        assert_eq!(tries(&Lost(String::new())), 100);
        assert_eq!(tries(&Unconfirmed), 100);
        assert_eq!(tries(&said(Kind::ReadOnlyTransaction)), 100);
        assert_eq!(tries(&said(Kind::Unknown)), 3);
        for refused in [
            Kind::CheckViolation,
            Kind::UniqueViolation,
            Kind::ForeignKeyViolation,
            Kind::NotNullViolation,
        ] {
            assert_eq!(tries(&said(refused)), 0);
        }
        assert_eq!(tries(&Statement(Error::NotFound)), 0);
    }

    #[test]
    fn an_outage_that_begins_with_a_word_of_postgresql_is_waited_for_but_not_for_ever() {
        let mut patience = Patience::new();
        for error in [
            said(Kind::Unknown),
            Lost(String::new()),
            Unconfirmed,
            said(Kind::Unknown),
        ] {
            assert!(patience.bears(error.prospect()));
        }
        patience.until = Instant::now();
        assert!(!patience.bears(Prospect::Passing));
    }
}
