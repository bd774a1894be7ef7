//! Guesses at passwords: what they are counted on, who is held off for them, and what ends them. Whose limits they are is
//! the caller's table of rules.
//!
//! Whether a log-in is looked at hangs on what was typed and where it came from, and is decided before anybody asks whose
//! the name is: a known one must not be held off the slower (security.md 27, 69). What lasts is counted in columns of the
//! one that is guessed at.

mod gate;

pub use gate::Gate;

use crate::{
    network::{self, NetworkRule, watched},
    throttle::{self, Rule, Standing, Taken},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use futures_util::future::{try_join, try_join_all};
use kernel::Keys;
use uuid::Uuid;

/// A log-in after so many wrong passwords since the last is odd: more than a forgetful evening, far less than a guesser
/// needs.
const ODD_FAILURES: u32 = 5;

/// Who tries: each kind has counts of its own, so that one never keeps the other out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guesser {
    /// Whoever has not logged in with this name here before.
    Stranger,
    /// A browser or program that has, or somebody inside.
    Device,
}

impl Guesser {
    fn word(self) -> &'static str {
        match self {
            Self::Stranger => "strangers",
            Self::Device => "devices",
        }
    }
}

/// The rules of one kind of log-in.
#[derive(Debug, Clone, Copy)]
pub struct GuessRules<'a> {
    /// Log-ins looked at, right or wrong, by the name as typed.
    pub log_ins: Rule<'a>,
    /// Wrong passwords by the name as typed, and network or device.
    pub log_in: Rule<'a>,
    /// Wrong passwords by the name as typed, from everywhere.
    pub log_in_id: Rule<'a>,
    /// Wrong passwords by network.
    pub log_in_network: NetworkRule,
    /// How often an owner is told of an odd log-in.
    pub odd_log_in: Rule<'a>,
}

impl<'a> GuessRules<'a> {
    fn log_in_of(&self, times: u32) -> Rule<'a> {
        self.log_in.times(times)
    }
}

/// What a log-in's tries are counted on. What was typed stands last in each key: it may hold anything.
pub struct Counted<'a> {
    /// From where.
    pub origin: &'a Origin,
    /// The name that was typed, folded.
    pub typed: String,
    /// By whom.
    pub by: Guesser,
    of: GuessRules<'a>,
    /// Looked at before, counted after a failure: by network, by name and network, by name.
    rules: Vec<(Rule<'a>, String)>,
    /// How many of them are by network alone.
    by_network: usize,
}

/// Whether a log-in is looked at.
enum Admission {
    Admitted(Admitted),
    HeldOff {
        /// None where only a new password ends it.
        until: Option<DateTime<Utc>>,
        /// For its network alone.
        by_network: bool,
    },
}

/// What was counted before a log-in that is looked at.
pub struct Admitted {
    /// Wrong passwords since the last right one, of this kind of guesser.
    failures: u32,
    /// What a right password forgives.
    forgivable: Vec<usize>,
}

impl<'a> Counted<'a> {
    /// A log-in with this name; `device` is the browser's or program's own, where it is known for it.
    pub fn new(of: GuessRules<'a>, origin: &'a Origin, typed: String, device: Option<&str>) -> Self {
        let places = network::places(origin);
        let by = device.map_or(Guesser::Stranger, |_| Guesser::Device);
        let mut rules = Vec::new();
        if by == Guesser::Stranger {
            rules.extend(watched(&places, of.log_in_network));
        }
        let by_network = rules.len();
        match device {
            None => rules.extend(
                places
                    .iter()
                    .map(|place| (of.log_in_of(place.times), format!("{}|{typed}", place.key))),
            ),
            Some(device) => rules.push((of.log_in_of(1), format!("{device}|{typed}"))),
        }
        rules.push((of.log_in_id, of_all(by, &typed)));
        Self {
            origin,
            typed,
            by,
            of,
            rules,
            by_network,
        }
    }

    async fn admit(&self, tx: &TenantTransaction, keys: &Keys, now: DateTime<Utc>) -> Result<Admission, DatabaseError> {
        let key = of_all(self.by, &self.typed);
        let look = throttle::look(tx, keys, now, &self.rules);
        let (standing, taken) = try_join(look, throttle::take(tx, keys, now, &self.of.log_ins, &key)).await?;
        let Some((until, by_network)) = self.held_off(&standing, taken) else {
            return Ok(Admission::Admitted(Admitted {
                failures: standing.last().map_or(0, |of_all| of_all.tries),
                forgivable: (self.by_network..standing.len())
                    .filter(|nth| standing.get(*nth).is_some_and(|standing| standing.counted))
                    .collect(),
            }));
        };
        if taken == Taken::Free {
            // It is not looked at, so it is no log-in.
            throttle::give_back(tx, keys, now, &self.of.log_ins, &key).await?;
        }
        Ok(Admission::HeldOff { until, by_network })
    }

    /// How many wrong passwords of strangers stood before this right one, where its owner is to be told of it by mail
    /// (security.md 30). In the transaction that lets them in.
    pub async fn odd(
        &self,
        tx: &TenantTransaction,
        keys: &Keys,
        now: DateTime<Utc>,
        admitted: &Admitted,
        owner: Uuid,
    ) -> Result<Option<u32>, DatabaseError> {
        if self.by != Guesser::Stranger || admitted.failures < ODD_FAILURES {
            return Ok(None);
        }
        let taken = throttle::take(tx, keys, now, &self.of.odd_log_in, &owner.to_string()).await?;
        Ok((taken == Taken::Free).then_some(admitted.failures))
    }

    /// Until when this log-in is not looked at, where it isn't, and whether for its network alone.
    fn held_off(&self, standing: &[Standing], taken: Taken) -> Option<(Option<DateTime<Utc>>, bool)> {
        let (networks, own) = standing.split_at_checked(self.by_network)?;
        if own.last().is_some_and(|of_all| of_all.wait.is_some()) {
            return Some((None, false));
        }
        let latest = |standing: &[Standing]| standing.iter().filter_map(|standing| standing.wait).max();
        let full = match taken {
            Taken::Wait { until } => Some(until),
            Taken::Free => None,
        };
        let by_id = latest(own).max(full);
        let by_network = latest(networks);
        let until = by_id.max(by_network)?;
        Some((Some(until), by_id.is_none()))
    }

    async fn count(&self, tx: &TenantTransaction, keys: &Keys, now: DateTime<Utc>) -> Result<(), DatabaseError> {
        let counted = self.rules.iter();
        let counted = counted.map(|(rule, key)| throttle::count_failure(tx, keys, now, rule, key));
        try_join_all(counted).await.map(|_| ())
    }

    fn forgivable(&self, admitted: &Admitted) -> Vec<&(Rule<'a>, String)> {
        let forgivable = admitted.forgivable.iter();
        forgivable.filter_map(|nth| self.rules.get(*nth)).collect()
    }

    fn all_of_name(&self) -> Vec<(Rule<'a>, String)> {
        let mut all: Vec<_> = self.rules.iter().skip(self.by_network).cloned().collect();
        for by in [Guesser::Stranger, Guesser::Device] {
            let key = of_all(by, &self.typed);
            all.extend([(self.of.log_in_id, key.clone()), (self.of.log_ins, key)]);
        }
        all
    }
}

async fn forgive<'r, 'a: 'r>(
    tx: &TenantTransaction,
    keys: &Keys,
    rules: impl IntoIterator<Item = &'r (Rule<'a>, String)>,
) -> Result<(), DatabaseError> {
    let forgiven = rules
        .into_iter()
        .map(|(rule, key)| throttle::forgive(tx, keys, rule, key));
    try_join_all(forgiven).await.map(|_| ())
}

/// The key of all tries of a kind at what was typed.
pub fn of_all(by: Guesser, typed: &str) -> String {
    format!("{}|{typed}", by.word())
}
