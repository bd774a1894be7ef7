//! The networks that tries are counted on: what one household or office is given, and what their providers hand out.
//!
//! A limit by network is generous, since a town hall shares one address, and never exact: it is looked at before and
//! counted after a failure ([`super::rules`]).

use super::rules::NetworkRule;
use crate::{
    Accounts,
    trail::{self, Held, Typed},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::Durability;
use futures_util::future::try_join_all;
use guard::throttle::{self, Rule};
use kernel::{Outage, TenantId};
use scoped_futures::ScopedFutureExt as _;
use std::net::{IpAddr, Ipv6Addr};
use tenancy::Insurer;

/// Prefixes of IPv6, the widest first so that requests lock in one order, and how many times what a /64 may they may.
const PREFIXES: [(u32, u32); 3] = [(48, 4), (56, 2), (64, 1)];

/// A network that a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// What is counted on.
    pub key: String,
    /// How many times what a rule allows.
    pub times: u32,
}

/// The networks of a request at no insurer's door; none where it has no address, which is our own doing.
pub(crate) fn places(origin: &Origin) -> Vec<Place> {
    match origin.address {
        None => Vec::new(),
        Some(IpAddr::V4(address)) => vec![Place {
            key: address.to_string(),
            times: 1,
        }],
        Some(IpAddr::V6(address)) => PREFIXES
            .iter()
            .map(|(prefix, times)| Place {
                key: format!(
                    "{}/{prefix}",
                    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - prefix)))
                ),
                times: *times,
            })
            .collect(),
    }
}

/// The networks of a request at an insurer's door, where those that its members share count apart and are allowed more.
pub(crate) fn places_at(origin: &Origin, insurer: &Insurer) -> Vec<Place> {
    let places = places(origin);
    let Some(factor) = origin.address.and_then(|address| insurer.factor(address)) else {
        return places;
    };
    let shared = |place: Place| Place {
        key: format!("{}|{}", place.key, insurer.tenant_id),
        times: place.times.saturating_mul(factor),
    };
    places.into_iter().map(shared).collect()
}

/// A network's rule on each of a request's networks.
pub(crate) fn watched<'r>(places: &[Place], rule: NetworkRule) -> impl Iterator<Item = (Rule<'r>, String)> {
    places
        .iter()
        .map(move |place| (rule.times(place.times), place.key.clone()))
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
        let (tx, standing) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                throttle::look(tx, &self.keys, now, &watched).scope_boxed()
            })
            .await?;
        let wait = standing.iter().filter_map(|standing| standing.wait).max();
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
        let (tx, _) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                let counted = watched
                    .iter()
                    .map(|(rule, key)| throttle::count_failure(tx, &self.keys, now, rule, key));
                try_join_all(counted).scope_boxed()
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

    fn keys(address: &str) -> Vec<String> {
        places(&from(address)).into_iter().map(|place| place.key).collect()
    }

    // security.md 67
    #[test]
    fn ipv6_counts_by_what_a_household_an_office_and_a_provider_hand_out() {
        assert_eq!(
            keys("2001:db8:1:2ff:4::5"),
            ["2001:db8:1::/48", "2001:db8:1:200::/56", "2001:db8:1:2ff::/64"]
        );
        assert_eq!(keys("192.0.2.7"), ["192.0.2.7"]);
        assert_eq!(places(&Origin::command()), []);
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
