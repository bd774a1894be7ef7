//! Guesses at passwords: what they are counted on, who is held off for them, and what ends them ([`super::rules`]).
//!
//! Whether a log-in is looked at hangs on what was typed and where it came from, and is decided at the platform before
//! anybody asks whose the user ID is: a known one must not be held off the slower (security.md 27, 69). What lasts is
//! counted in the account itself.

use super::network::{self, watched};
use crate::{
    Accounts, Limits, reasons,
    schema::accounts,
    trail::{self, LOG_IN_HELD, LOG_IN_NETWORK_HELD, Typed},
};
use audit::Origin;
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::{try_join, try_join_all};
use guard::throttle::{self, Rule, Standing, Taken};
use kernel::{AccountId, Outage, Refusal, TenantId};
use scoped_futures::ScopedFutureExt as _;

/// Who tries: each kind has counts of its own, so that one never keeps the other out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guesser {
    /// Whoever has not logged in with this user ID here before.
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

/// What a log-in's tries are counted on. What was typed stands last in each key: it may hold anything.
pub(crate) struct Counted<'a> {
    origin: &'a Origin,
    /// What was typed as user ID, folded.
    pub typed: String,
    pub by: Guesser,
    /// Looked at before, counted after a failure: by network, by user ID and network, by user ID.
    rules: Vec<(Rule<'a>, String)>,
    /// How many of them are by network alone.
    by_network: usize,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(limits: &'a Limits, origin: &'a Origin, typed: String, device: Option<&str>) -> Self {
        let places = network::places(origin);
        let by = device.map_or(Guesser::Stranger, |_| Guesser::Device);
        let mut rules = Vec::new();
        if by == Guesser::Stranger {
            rules.extend(watched(&places, limits.log_in_network()));
        }
        let by_network = rules.len();
        match device {
            None => rules.extend(
                places
                    .iter()
                    .map(|place| (limits.log_in(place.times), format!("{}|{typed}", place.key))),
            ),
            Some(device) => rules.push((limits.log_in(1), format!("{device}|{typed}"))),
        }
        rules.push((limits.log_in_id(), of_all(by, &typed)));
        Self {
            origin,
            typed,
            by,
            rules,
            by_network,
        }
    }

    /// Why this log-in is not looked at, where it isn't, and whether for its network alone.
    fn refusal(&self, standing: &[Standing], taken: Taken) -> Option<(Refusal, bool)> {
        let (networks, own) = standing.split_at_checked(self.by_network)?;
        if own.last().is_some_and(|of_all| of_all.wait.is_some()) {
            return Some((reasons::LOG_IN_LOCKED.into(), false));
        }
        let latest = |standing: &[Standing]| standing.iter().filter_map(|standing| standing.wait).max();
        let full = match taken {
            Taken::Wait { until } => Some(until),
            Taken::Free => None,
        };
        let by_id = latest(own).max(full);
        let by_network = latest(networks);
        let until = by_id.max(by_network)?;
        Some((reasons::wait(until), by_id.is_none()))
    }
}

/// The key of all tries of a kind at what was typed.
fn of_all(by: Guesser, typed: &str) -> String {
    format!("{}|{typed}", by.word())
}

/// What was counted before a log-in that is looked at.
pub(crate) struct Admitted {
    /// Wrong passwords since the last right one, of this kind of guesser.
    pub failures: u32,
    /// What a right password forgives.
    forgivable: Vec<usize>,
}

impl Accounts {
    /// Takes a log-in of what was typed, unless it is to be held off.
    pub(crate) async fn admit_log_in(&self, counted: &Counted<'_>) -> Result<Result<Admitted, Refusal>, Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let (log_ins, key) = (self.limits.log_ins(), of_all(counted.by, &counted.typed));
        let (tx, (standing, taken)) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                let look = throttle::look(tx, keys, now, &counted.rules);
                try_join(look, throttle::take(tx, keys, now, &log_ins, &key)).scope_boxed()
            })
            .await?;
        let refusal = counted.refusal(&standing, taken);
        if let Some((_, by_network)) = &refusal {
            if taken == Taken::Free {
                // It is not looked at, so it is no log-in.
                throttle::give_back(&tx, keys, now, &log_ins, &key).await?;
            }
            let (held, typed) = if *by_network {
                (&LOG_IN_NETWORK_HELD, Typed::network(keys, counted.origin))
            } else {
                (&LOG_IN_HELD, Typed::user_id(keys, &counted.typed))
            };
            trail::note_held(&tx, now, counted.origin, held, &typed).await?;
        }
        tx.commit().await?;
        Ok(match refusal {
            Some((refusal, _)) => Err(refusal),
            None => Ok(Admitted {
                failures: standing.last().map_or(0, |of_all| of_all.tries),
                forgivable: (counted.by_network..standing.len())
                    .filter(|nth| standing.get(*nth).is_some_and(|standing| standing.counted))
                    .collect(),
            }),
        })
    }

    /// An account that has reached its limit though the throttle forgot, refused as if it hadn't.
    pub(crate) async fn hold_off_locked(&self, counted: &Counted<'_>) -> Result<(), Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let typed = Typed::user_id(keys, &counted.typed);
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                trail::note_held(tx, now, counted.origin, &LOG_IN_HELD, &typed).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
    }

    /// Counts a wrong password, or one for nobody's user ID.
    pub(crate) async fn count_guesses(&self, counted: &Counted<'_>) -> Result<(), Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let (tx, _) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                let counted = counted.rules.iter();
                let counted = counted.map(|(rule, key)| throttle::count_failure(tx, keys, now, rule, key));
                try_join_all(counted).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
    }

    /// After a right password: what wrong ones counted for this user ID, from here and from all of this kind. What a
    /// network counts stays: others share it.
    pub(crate) async fn forgive_admitted(&self, counted: &Counted<'_>, admitted: &Admitted) -> Result<(), Outage> {
        let rules: Vec<_> = admitted
            .forgivable
            .iter()
            .filter_map(|nth| counted.rules.get(*nth))
            .collect();
        if rules.is_empty() {
            return Ok(());
        }
        let (tx, _) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                let forgiven = rules
                    .iter()
                    .map(|(rule, key)| throttle::forgive(tx, &self.keys, rule, key));
                try_join_all(forgiven).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
    }

    /// A new password proves its owner, and makes every guess so far worth nothing: all counts of this user ID end, and
    /// whoever set it may log in at once.
    pub(crate) async fn forgive_guesses(&self, origin: &Origin, folded: &str) -> Result<(), Outage> {
        let counted = Counted::new(&self.limits, origin, folded.to_owned(), None);
        let tx = self.database.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
        for (rule, key) in counted.rules.iter().skip(counted.by_network) {
            throttle::forgive(&tx, &self.keys, rule, key).await?;
        }
        for by in [Guesser::Stranger, Guesser::Device] {
            let key = of_all(by, folded);
            throttle::forgive(&tx, &self.keys, &self.limits.log_in_id(), &key).await?;
            throttle::forgive(&tx, &self.keys, &self.limits.log_ins(), &key).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What strangers had guessed at a user ID while it was nobody's goes into the account that has it now: a lock must
    /// not tell by its end that somebody registered.
    pub(crate) async fn carry_over(&self, tenant: TenantId, id: AccountId, folded: &str) -> Result<(), Outage> {
        let watched = [(self.limits.log_in_id(), of_all(Guesser::Stranger, folded))];
        let now = self.clock.now();
        let (tx, standing) = self
            .database
            .tenant(TenantId::PLATFORM)
            .read_with(|tx| throttle::look(tx, &self.keys, now, &watched).scope_boxed())
            .await?;
        tx.commit().await?;
        let tries = standing.iter().map(|standing| standing.tries).sum::<u32>();
        if tries == 0 {
            return Ok(());
        }
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::account_id.eq(id))
            .set(accounts::guesses.eq(i32::try_from(tries).unwrap_or(i32::MAX)))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// Takes a guess at an account's password, before it is looked at: fifty at once count as fifty.
pub(crate) async fn take_guess(tx: &TenantTransaction, id: AccountId, by: Guesser) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let guessed = diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(accounts::guesses + 1)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(accounts::device_guesses + 1)),
        ));
    Prepared(guessed).execute(&mut &**tx).await?;
    Ok(())
}

/// Gives it back: nothing was looked at.
pub(crate) async fn give_back_guess(tx: &TenantTransaction, id: AccountId, by: Guesser) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(accounts::guesses - 1)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(accounts::device_guesses - 1)),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// After a right password: counts anew.
pub(crate) async fn end_guesses(tx: &TenantTransaction, id: AccountId, by: Guesser) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(0)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(0)),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}
