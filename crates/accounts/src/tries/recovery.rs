//! Recoveries asked for: counted on what was typed, from each network and from everywhere. Nobody looks whose it is.

use super::network::Place;
use crate::{
    Accounts,
    trail::{self, Held, Typed},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::throttle::{self, Rule, Taken};

impl Accounts {
    /// Takes a try of each; the time to wait until, where one refuses. Whom one refuses has asked nothing: no other
    /// counts it, or one neighbour's requests would use everybody's up.
    pub(crate) async fn take_asked(
        &self,
        tx: &TenantTransaction,
        origin: &Origin,
        tries: &[(Rule<'_>, String)],
        held: &'static Held,
        typed: &Typed,
    ) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        let now = self.clock.now();
        for (nth, (rule, key)) in tries.iter().enumerate() {
            let Taken::Wait { until } = throttle::take(tx, &self.keys, now, rule, key).await? else {
                continue;
            };
            for (rule, key) in tries.iter().take(nth) {
                throttle::give_back(tx, &self.keys, now, rule, key).await?;
            }
            trail::note_held(tx, now, origin, held, typed).await?;
            return Ok(Some(until));
        }
        Ok(None)
    }
}

/// What a recovery is counted on: what was typed from each network, then from everywhere.
pub(crate) fn asked_from<'a>(
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
