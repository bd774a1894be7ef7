//! Wrong requests of tokens kept by [`crate::rules`]: counted at the platform, whosever the client is.

use crate::{
    Clients, reasons, rules,
    trail::{TOKEN_HELD, TOKEN_NETWORK_HELD, object, tenant_of},
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use futures_util::future::try_join_all;
use guard::{
    network::{self, watched},
    refusals::{self, Typed},
    throttle::{self, Rule, Standing},
};
use kernel::{ClientId, Keys, Outage, Refusal, TenantId};
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;

/// Characters of a client's ID that count: more than any of ours has.
const TYPED: usize = 100;

/// What the tries of one request are counted on.
pub(crate) struct Counted {
    typed: String,
    /// By network, then by ID and network.
    rules: Vec<(Rule<'static>, String)>,
    by_network: usize,
}

impl Counted {
    pub(crate) fn new(origin: &Origin, client_id: &str) -> Self {
        let typed: String = client_id.chars().take(TYPED).collect();
        let places = network::places(origin);
        let mut rules: Vec<_> = watched(&places, rules::TOKEN_NETWORK).collect();
        let by_network = rules.len();
        let own = places
            .iter()
            .map(|place| (rules::token(place.times), format!("{}|{typed}", place.key)));
        rules.extend(own);
        Self {
            typed,
            rules,
            by_network,
        }
    }

    async fn count(&self, tx: &TenantTransaction, keys: &Keys, now: DateTime<Utc>) -> Result<(), DatabaseError> {
        let counts = self.rules.iter();
        let counts = counts.map(|(rule, key)| throttle::count_failure(tx, keys, now, rule, key));
        try_join_all(counts).await.map(|_| ())
    }

    /// Until when it is not looked at, and whether for its network alone.
    fn held_off(&self, standing: &[Standing]) -> Option<(DateTime<Utc>, bool)> {
        let (networks, own) = standing.split_at_checked(self.by_network)?;
        let latest = |standing: &[Standing]| standing.iter().filter_map(|standing| standing.wait).max();
        let by_id = latest(own);
        Some((by_id.max(latest(networks))?, by_id.is_none()))
    }
}

impl Clients {
    /// How the tries before this one stand: asked whatever the secret is, so that a right one takes no other time.
    pub(crate) async fn look(&self, counted: &Counted) -> Result<Vec<Standing>, Outage> {
        let (keys, now) = (&self.keys, self.clock.now());
        let platform = self.database.tenant(TenantId::PLATFORM);
        let look = platform.read_with(|tx| throttle::look(tx, keys, now, &counted.rules).scope_boxed());
        let (tx, standing) = look.await?;
        drop(tx);
        Ok(standing)
    }

    /// Why a wrong secret, or one for nobody's ID, is not even counted: others before it were too many.
    pub(crate) async fn hold_off(
        &self,
        origin: &Origin,
        counted: &Counted,
        standing: &[Standing],
    ) -> Result<Option<Refusal>, Outage> {
        let Some((until, by_network)) = counted.held_off(standing) else {
            return Ok(None);
        };
        let (keys, now) = (&self.keys, self.clock.now());
        let tx = self
            .database
            .tenant(TenantId::PLATFORM)
            .write(Durability::Relaxed)
            .await?;
        if by_network {
            let typed = Typed::network(keys, origin);
            refusals::note(&tx, now, origin, &TOKEN_NETWORK_HELD, &typed).await?;
        } else {
            let typed = Typed::of(keys, TOKEN_HELD.what, &counted.typed);
            refusals::note(&tx, now, origin, &TOKEN_HELD, &typed).await?;
        }
        tx.commit().await?;
        Ok(Some(Refusal {
            until: Some(until),
            ..reasons::TOO_MANY_REQUESTS.into()
        }))
    }

    /// Counts a wrong secret, or one for nobody's ID: the same statements either way.
    pub(crate) async fn count_wrong(
        &self,
        origin: &Origin,
        counted: &Counted,
        found: Option<(TenantId, ClientId)>,
        action: &'static str,
    ) -> Result<Refusal, Outage> {
        let (keys, now) = (&self.keys, self.clock.now());
        let platform = self.database.tenant(TenantId::PLATFORM);
        let (tx, ()) = platform
            .write_with(Durability::Relaxed, |tx| counted.count(tx, keys, now).scope_boxed())
            .await?;
        tx.commit().await?;
        let tx = self.database.tenant(tenant_of(found)).write(Durability::Safe).await?;
        let entry = Entry {
            actor: Actor::Visitor,
            action,
            object: found.map(|(_, client)| object(client)),
            outcome: reasons::INVALID_CLIENT.code,
            detail: Typed::of(keys, TOKEN_HELD.what, &counted.typed).into(json!({})),
        };
        audit::record(&tx, now, origin, entry).await?;
        tx.commit().await?;
        Ok(reasons::INVALID_CLIENT.into())
    }

    /// After a right secret: what wrong ones counted for its ID from there. What a network counts stays: others share it.
    pub(crate) async fn forgive(&self, counted: &Counted, standing: &[Standing]) -> Result<(), Outage> {
        let own = counted.rules.iter().zip(standing).skip(counted.by_network);
        let wrong: Vec<_> = own.filter(|(_, standing)| standing.counted).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let tx = self
            .database
            .tenant(TenantId::PLATFORM)
            .write(Durability::Relaxed)
            .await?;
        let forgiven = wrong
            .iter()
            .map(|((rule, key), _)| throttle::forgive(&tx, &self.keys, rule, key));
        try_join_all(forgiven).await?;
        Ok(tx.commit().await?)
    }
}
