//! How much a client may ask: so many calls a minute, and all of an insurer's clients together. Counted by each node for
//! itself, in memory: with three nodes three times as much may come through, which is what the reference says.
//!
//! A minute begins with its first call and is over after sixty seconds. What is refused is not counted.

use crate::ClientName;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ClientGrantId, TenantId};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Calls of a client in one insurer within [`WINDOW`].
pub const CLIENT_CALLS: u32 = 600;
/// Calls of all clients of an insurer within [`WINDOW`].
pub const INSURER_CALLS: u32 = 3_000;
/// How long calls are counted together.
pub const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// What is left to a client after a call, as its answer says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Calls left to the client, and seconds until it has all of them again.
    pub client: (u32, i64),
    /// The same of the insurer's clients together.
    pub insurer: (u32, i64),
    /// Until when the call is refused, where it is.
    pub until: Option<DateTime<Utc>>,
}

impl Allowance {
    /// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    pub fn policy() -> String {
        let seconds = WINDOW.num_seconds();
        format!("\"client\";q={CLIENT_CALLS};w={seconds}, \"insurer\";q={INSURER_CALLS};w={seconds}")
    }

    /// `RateLimit`.
    pub fn left(&self) -> String {
        let ((client, client_in), (insurer, insurer_in)) = (self.client, self.insurer);
        format!("\"client\";r={client};t={client_in}, \"insurer\";r={insurer};t={insurer_in}")
    }
}

/// What is counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Where tokens are asked for and given back, whatever the insurer: by its home.
    Door(ClientName),
    Client(TenantId, ClientGrantId),
    Insurer(TenantId),
}

#[derive(Debug, Clone, Copy)]
struct Window {
    begun: DateTime<Utc>,
    calls: u32,
}

impl Window {
    /// As it stands now: one that is over has begun anew.
    fn at(self, now: DateTime<Utc>) -> Self {
        if now < self.begun + WINDOW && self.begun <= now {
            self
        } else {
            Self { begun: now, calls: 0 }
        }
    }

    fn left(self, most: u32, now: DateTime<Utc>) -> (u32, i64) {
        let seconds = (self.begun + WINDOW - now).num_seconds().max(1);
        (most.saturating_sub(self.calls), seconds)
    }
}

/// The counts of a node.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<Key, Window>>);

impl Rates {
    /// Takes a call, unless either has none left.
    pub(crate) fn take(&self, tenant: TenantId, grant: ClientGrantId, now: DateTime<Utc>) -> Allowance {
        let keys = [
            (Key::Client(tenant, grant), CLIENT_CALLS),
            (Key::Insurer(tenant), INSURER_CALLS),
        ];
        let ([client, insurer], until) = self.take_of(keys, now);
        Allowance { client, insurer, until }
    }

    /// Takes a call of a client that asks for a token or gives one back, before it is known for which insurer; until when it is
    /// refused, where there is none left.
    pub(crate) fn take_at_the_door(&self, name: ClientName, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.take_of([(Key::Door(name), CLIENT_CALLS)], now).1
    }

    /// Takes a call of each key, unless one of them has had as many as it may; what is left to each, and until when it is refused.
    fn take_of<const N: usize>(
        &self,
        keys: [(Key, u32); N],
        now: DateTime<Utc>,
    ) -> ([(u32, i64); N], Option<DateTime<Utc>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Window { begun: now, calls: 0 };
        let windows = keys.map(|(key, most)| (key, most, kept.get(&key).copied().unwrap_or(fresh).at(now)));
        let full = windows.iter().filter(|(_, most, window)| window.calls >= *most);
        let until = full.map(|(.., window)| window.begun + WINDOW).max();
        let left = windows.map(|(key, most, mut window)| {
            window.calls += u32::from(until.is_none());
            kept.insert(key, window);
            window.left(most, now)
        });
        (left, until)
    }

    /// Forgets the minutes that are over.
    pub(crate) fn forget(&self, now: DateTime<Utc>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, window| now < window.begun + WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn grant(id: u128) -> ClientGrantId {
        ClientGrantId(Uuid::from_u128(id))
    }

    #[test]
    fn a_client_has_its_calls_a_minute_and_all_of_an_insurer_theirs_together() {
        let (rates, start) = (Rates::default(), DateTime::UNIX_EPOCH);
        let (here, there) = (TenantId(7), TenantId(8));
        for call in 0..CLIENT_CALLS {
            let allowance = rates.take(here, grant(1), start);
            assert_eq!(allowance.until, None);
            assert_eq!(allowance.client, (CLIENT_CALLS - call - 1, 60));
        }
        let refused = rates.take(here, grant(1), start + TimeDelta::seconds(20));
        assert_eq!((refused.until, refused.client), (Some(start + WINDOW), (0, 40)));
        assert_eq!(refused.insurer.0, INSURER_CALLS - CLIENT_CALLS, "it is not counted");
        assert_eq!(rates.take(there, grant(1), start).until, None, "its grant elsewhere");
        for other in 2..=5 {
            for _ in 0..CLIENT_CALLS {
                assert_eq!(rates.take(here, grant(other), start).until, None);
            }
        }
        assert_eq!(rates.take(here, grant(6), start).until, Some(start + WINDOW));
        let later = start + WINDOW;
        assert_eq!(rates.take(here, grant(6), later).until, None);
        assert_eq!(rates.take(here, grant(1), later).client, (CLIENT_CALLS - 1, 60));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (rates, start) = (Rates::default(), DateTime::UNIX_EPOCH);
        rates.take(TenantId(7), grant(1), start);
        rates.forget(start + TimeDelta::seconds(59));
        assert_eq!(rates.0.lock().unwrap().len(), 2);
        rates.forget(start + WINDOW);
        assert_eq!(rates.0.lock().unwrap().len(), 0);
    }

    #[test]
    fn an_answer_says_what_is_left_in_the_drafts_form() {
        let allowance = Rates::default().take(TenantId(7), grant(1), DateTime::UNIX_EPOCH);
        assert_eq!(allowance.left(), "\"client\";r=599;t=60, \"insurer\";r=2999;t=60");
        assert_eq!(Allowance::policy(), "\"client\";q=600;w=60, \"insurer\";q=3000;w=60");
    }
}
