//! Lines that anybody can make us write come once in a while, with how often they would have come (security.md 72).

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lets something through once in a while.
#[derive(Debug)]
pub struct Seldom {
    every: Duration,
    held: Mutex<(Option<Instant>, u64)>,
}

impl Seldom {
    /// At most once in so long.
    pub const fn every(every: Duration) -> Self {
        Self {
            every,
            held: Mutex::new((None, 0)),
        }
    }

    /// Whether now is the time: how often it was asked since the last time, this one included.
    pub fn pass(&self) -> Option<u64> {
        self.pass_at(Instant::now())
    }

    fn pass_at(&self, now: Instant) -> Option<u64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, times) = &mut *held;
        *times += 1;
        if last.is_some_and(|last| now.duration_since(last) < self.every) {
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 72
    #[test]
    fn the_first_passes_at_once_and_the_next_says_how_many_were_held_back() {
        let (seldom, begun) = (Seldom::every(Duration::from_secs(10)), Instant::now());
        let at = |seconds| seldom.pass_at(begun + Duration::from_secs(seconds));
        assert_eq!([at(0), at(1), at(9)], [Some(1), None, None]);
        assert_eq!([at(10), at(11)], [Some(3), None]);
        assert_eq!(at(99), Some(2));
    }
}
