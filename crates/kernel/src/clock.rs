//! Time as a value: the system's in production, frozen and moved by tests. Nothing else in the product asks for the time.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// Where `now` comes from. Cheap to clone; clones of a frozen clock move together.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Mutex<Hand>>>);

/// Where a frozen clock stands, and how far each look moves it.
#[derive(Debug)]
struct Hand {
    at: DateTime<Utc>,
    step: TimeDelta,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is moved.
    pub fn frozen(at: DateTime<Utc>) -> Self {
        let step = TimeDelta::zero();
        Self(Some(Arc::new(Mutex::new(Hand { at, step }))))
    }

    /// True of the machine's clock, which is to go with everybody's.
    pub fn is_system(&self) -> bool {
        self.0.is_none()
    }

    /// The time, in whole microseconds as PostgreSQL keeps it.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            None => Utc::now(),
            Some(hand) => {
                let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
                let step = hand.step;
                hand.at += step;
                hand.at
            }
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Moves a frozen clock; the machine's own can't be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(hand) = &self.0 {
            hand.lock().unwrap_or_else(PoisonError::into_inner).at += by;
        }
    }

    /// From now on each look at a frozen clock moves it so far: what is kept for less is never found fresh.
    pub fn step(&self, by: TimeDelta) {
        if let Some(hand) = &self.0 {
            hand.lock().unwrap_or_else(PoisonError::into_inner).step = by;
        }
    }
}
