//! A gate that passwords open: its counts are kept at the platform, its refusals told in the trail by keyed hashes.

use super::{Admission, Admitted, Counted, forgive};
use crate::refusals::{self, Held, Typed};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use kernel::{Keys, Reason, Refusal, TenantId};
use scoped_futures::ScopedFutureExt as _;

/// A gate, as it stands now.
pub struct Gate<'a> {
    /// Where it counts.
    pub database: &'a Database,
    /// By what names are hashed.
    pub keys: &'a Keys,
    /// The time.
    pub now: DateTime<Utc>,
    /// How the trail tells of a name that is held off.
    pub name_held: &'a Held,
    /// The same of a network.
    pub network_held: &'a Held,
    /// What is said to whoever is held off until there is a new password.
    pub locked: Reason,
    /// What is said to whoever is held off until then.
    pub wait: fn(DateTime<Utc>) -> Refusal,
}

impl Gate<'_> {
    /// Takes a log-in of what was typed, unless it is to be held off.
    pub async fn admit(&self, counted: &Counted<'_>) -> Result<Result<Admitted, Refusal>, DatabaseError> {
        let (keys, now) = (self.keys, self.now);
        let (tx, admission) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| counted.admit(tx, keys, now).scope_boxed())
            .await?;
        let admitted = match admission {
            Admission::Admitted(admitted) => Ok(admitted),
            Admission::HeldOff { until, by_network } => {
                if by_network {
                    let network = Typed::network(keys, counted.origin);
                    refusals::note(&tx, now, counted.origin, self.network_held, &network).await?;
                } else {
                    self.note_name(&tx, counted).await?;
                }
                Err(until.map_or_else(|| self.locked.into(), self.wait))
            }
        };
        tx.commit().await?;
        Ok(admitted)
    }

    /// An account that has reached its limit though the throttle forgot, refused as if it hadn't.
    pub async fn hold_off_locked(&self, counted: &Counted<'_>) -> Result<Refusal, DatabaseError> {
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| self.note_name(tx, counted).scope_boxed())
            .await?;
        tx.commit().await?;
        Ok(self.locked.into())
    }

    async fn note_name(&self, tx: &TenantTransaction, counted: &Counted<'_>) -> Result<(), DatabaseError> {
        let typed = Typed::of(self.keys, self.name_held.what, &counted.typed);
        refusals::note(tx, self.now, counted.origin, self.name_held, &typed).await
    }

    /// Counts a wrong password, or one for nobody's name.
    pub async fn count(&self, counted: &Counted<'_>) -> Result<(), DatabaseError> {
        let (keys, now) = (self.keys, self.now);
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| counted.count(tx, keys, now).scope_boxed())
            .await?;
        tx.commit().await
    }

    /// After a right password: what wrong ones counted for this name, from here and from all of this kind. What a network
    /// counts stays: others share it.
    pub async fn forgive_admitted(&self, counted: &Counted<'_>, admitted: &Admitted) -> Result<(), DatabaseError> {
        let rules = counted.forgivable(admitted);
        if rules.is_empty() {
            return Ok(());
        }
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                forgive(tx, self.keys, rules.iter().copied()).scope_boxed()
            })
            .await?;
        tx.commit().await
    }

    /// A new password proves its owner, and makes every guess so far worth nothing: all counts of this name end, and
    /// whoever set it may log in at once.
    pub async fn forgive_all(&self, counted: &Counted<'_>) -> Result<(), DatabaseError> {
        let all = counted.all_of_name();
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Safe, |tx| forgive(tx, self.keys, &all).scope_boxed())
            .await?;
        tx.commit().await
    }
}
