//! How old the queues are, for an alert: an age grows by itself, also while the database can't be asked.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How long a queue that was seen empty counts as empty. After that nobody knows, and it is as old as the last look.
const FRESH: TimeDelta = TimeDelta::seconds(15);

/// What was last seen. Clones see the same.
#[derive(Clone, Default)]
pub(crate) struct Ages(Arc<Mutex<Option<Seen>>>);

struct Seen {
    at: DateTime<Utc>,
    /// Since when the oldest item of a queue has waited; none of an empty one.
    oldest: HashMap<String, Option<DateTime<Utc>>>,
}

impl Ages {
    /// Notes a look; one before the first look knows of nothing.
    pub(crate) fn see(&self, at: DateTime<Utc>, oldest: impl IntoIterator<Item = (String, Option<DateTime<Utc>>)>) {
        let oldest = oldest.into_iter().collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { at, oldest });
    }

    /// A queue's age in seconds; none where nobody looks.
    pub(crate) fn of(&self, queue: &str, now: DateTime<Utc>) -> Option<f64> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.as_ref()?;
        let since = match seen.oldest.get(queue).copied().flatten() {
            Some(since) => since,
            None if now - seen.at <= FRESH => now,
            None => seen.at,
        };
        Some((now - since).as_seconds_f64().max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 65
    #[test]
    fn an_age_grows_by_itself_and_an_empty_queue_is_not_empty_for_ever() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let ages = Ages::default();
        assert_eq!(ages.of("mail", at(0)), None);
        ages.see(at(100), [("mail".to_owned(), Some(at(70))), ("job".to_owned(), None)]);
        assert_eq!(ages.of("mail", at(100)), Some(30.0));
        assert_eq!(ages.of("job", at(110)), Some(0.0));
        // Nobody has looked since.
        assert_eq!(ages.of("mail", at(400)), Some(330.0));
        assert_eq!(ages.of("job", at(400)), Some(300.0));
    }
}
