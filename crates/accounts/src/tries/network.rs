//! The networks that tries are counted on ([`guard::network`]), and the insurers' doors there.

use crate::{
    Accounts,
    trail::{self, Held, Typed},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::Durability;
use guard::network::{self, places_shared, watched};
pub(crate) use guard::network::{NetworkRule, Place, places};
use kernel::{Outage, TenantId};
use scoped_futures::ScopedFutureExt as _;
use tenancy::Insurer;

/// The networks of a request at an insurer's door, where those that its members share count apart and are allowed more.
pub(crate) fn places_at(origin: &Origin, insurer: &Insurer) -> Vec<Place> {
    match origin.address.and_then(|address| insurer.factor(address)) {
        Some(factor) => places_shared(origin, insurer.tenant_id, factor),
        None => places(origin),
    }
}

impl Accounts {
    /// Until when a network is refused, where it has used a rule up; counted for the trail.
    pub(crate) async fn network_wait(
        &self,
        origin: &Origin,
        places: &[Place],
        rule: NetworkRule,
        held: &'static Held,
    ) -> Result<Option<DateTime<Utc>>, Outage> {
        let (now, watched) = (self.clock.now(), watched(places, rule).collect::<Vec<_>>());
        if watched.is_empty() {
            return Ok(None);
        }
        let (tx, wait) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                network::wait(tx, &self.keys, now, &watched).scope_boxed()
            })
            .await?;
        if wait.is_some() {
            trail::note_held(&tx, now, origin, held, &Typed::network(&self.keys, origin)).await?;
        }
        tx.commit().await?;
        Ok(wait)
    }

    /// Counts what is refused before any look, by where it came from, for the trail of the platform: it may name no
    /// insurer.
    pub(crate) async fn note_unread(&self, origin: &Origin, held: &Held) -> Result<(), Outage> {
        let tx = self
            .database
            .tenant(TenantId::PLATFORM)
            .write(Durability::Relaxed)
            .await?;
        let typed = Typed::network(&self.keys, origin);
        trail::note_held(&tx, self.clock.now(), origin, held, &typed).await?;
        Ok(tx.commit().await?)
    }

    /// Counts a failure on a network.
    pub(crate) async fn count_network(&self, places: &[Place], rule: NetworkRule) -> Result<(), Outage> {
        let (now, watched) = (self.clock.now(), watched(places, rule).collect::<Vec<_>>());
        if watched.is_empty() {
            return Ok(());
        }
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                network::count(tx, &self.keys, now, &watched).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenancy::{InsurerState, Settings, SharedNetwork};

    fn from(address: &str) -> Origin {
        Origin {
            address: Some(address.parse().unwrap()),
            ..Origin::command()
        }
    }

    #[test]
    fn a_shared_network_counts_at_its_insurers_door_alone() {
        let network = SharedNetwork {
            cidr: "192.0.2.0/28".parse().unwrap(),
            factor: 20,
        };
        let settings = Settings {
            networks: vec![network],
            ..Settings::default()
        };
        let insurer = Insurer::new(TenantId(7), None, InsurerState::Open, 1, settings);
        let place = |key: &str, times| Place { key: key.into(), times };
        assert_eq!(places_at(&from("192.0.2.15"), &insurer), [place("192.0.2.15|7", 20)]);
        assert_eq!(places_at(&from("192.0.2.16"), &insurer), [place("192.0.2.16", 1)]);
    }
}
