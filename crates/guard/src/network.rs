//! The networks that tries are counted on: what one household or office is given, and what their providers hand out.
//!
//! A limit by network is generous, since a town hall shares one address, and never exact: it is looked at before and
//! counted after a failure.

use crate::throttle::{self, Rule};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use futures_util::future::try_join_all;
use kernel::{Keys, TenantId};
use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// Prefixes of IPv6, the widest first so that requests lock in one order, and how many times what a /64 may they may.
const PREFIXES: [(u32, u32); 3] = [(48, 4), (56, 2), (64, 1)];

/// A network that a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What is counted on.
    pub key: String,
    /// How many times what a rule allows.
    pub times: u32,
}

/// A rule by network; what one network is allowed is multiplied by how large it is.
#[derive(Debug, Clone, Copy)]
pub struct NetworkRule {
    /// What is throttled.
    pub name: &'static str,
    /// Failures of a /64 or an IPv4 address within `window`.
    pub tries: u32,
    /// The window, and the wait.
    pub window: Duration,
}

impl NetworkRule {
    /// One by its parts.
    pub const fn new(name: &'static str, tries: u32, window: Duration) -> Self {
        Self { name, tries, window }
    }

    fn times(self, times: u32) -> Rule<'static> {
        Rule::new(self.name, self.tries, self.window, &[]).times(times)
    }
}

/// The networks of a request; none where it has no address, which is our own doing.
pub fn places(origin: &Origin) -> Vec<Place> {
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

/// The networks of a request at an insurer's door that many share there: they count apart and are allowed `factor` times
/// as much.
pub fn places_shared(origin: &Origin, tenant: TenantId, factor: u32) -> Vec<Place> {
    let shared = |place: Place| Place {
        key: format!("{}|{tenant}", place.key),
        times: place.times.saturating_mul(factor),
    };
    places(origin).into_iter().map(shared).collect()
}

/// A network's rule on each of a request's networks.
pub fn watched<'r>(places: &[Place], rule: NetworkRule) -> impl Iterator<Item = (Rule<'r>, String)> {
    places
        .iter()
        .map(move |place| (rule.times(place.times), place.key.clone()))
}

/// What is asked for by name is counted on: the name from each network, then from everywhere.
pub fn asked_from<'a>(
    places: &[Place],
    typed: &str,
    rule: impl Fn(u32) -> Rule<'a>,
    from_everywhere: Rule<'a>,
) -> Vec<(Rule<'a>, String)> {
    let from_networks = places
        .iter()
        .map(|place| (rule(place.times), format!("{typed}|{}", place.key)));
    from_networks.chain([(from_everywhere, typed.to_owned())]).collect()
}

/// Until when a network is refused, where it has used a rule up.
pub async fn wait(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    watched: &[(Rule<'_>, String)],
) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    let standing = throttle::look(tx, keys, now, watched).await?;
    Ok(standing.iter().filter_map(|standing| standing.wait).max())
}

/// Counts a failure on a network.
pub async fn count(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    watched: &[(Rule<'_>, String)],
) -> Result<(), DatabaseError> {
    let counted = watched
        .iter()
        .map(|(rule, key)| throttle::count_failure(tx, keys, now, rule, key));
    try_join_all(counted).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(address: &str) -> Vec<String> {
        let origin = Origin {
            address: Some(address.parse().unwrap()),
            ..Origin::command()
        };
        places(&origin).into_iter().map(|place| place.key).collect()
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
}
