//! A program comes in with a token: who it is and what it may do now. One statement, which asks the token with its grant; the
//! insurer's state is the directory's.

use crate::{
    ClientName, Clients, State,
    client::{is_from, networks, scopes},
    rates::Allowance,
    reasons, rules,
    secret::TOKEN,
    trail,
};
use access::{Scope, scope::PROTECTED_READ};
use audit::{Actor, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::OptionalExtension as _;
use diesel::{
    QueryableByName,
    sql_types::{Array, Binary, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use guard::throttle::{self, Taken};
use kernel::{ClientGrantId, ClientId, Outage, Outcome, Refusal, Secret, TenantId, TenantSecret, calendar};
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use tenancy::Insurer;

/// A program that is let in, for one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The client as other systems name it.
    pub client: ClientName,
    /// What people call the client.
    pub name: String,
    /// What it may do here hangs on this.
    pub grant_id: ClientGrantId,
    /// At which insurer.
    pub insurer: Arc<Insurer>,
    /// What it may do: the token's scopes that are still granted.
    pub scopes: BTreeSet<Scope>,
    /// When its token ends.
    pub token_until: DateTime<Utc>,
    /// The last day of its grant.
    pub expires_on: Option<NaiveDate>,
    /// What is left to it, this call taken.
    pub allowance: Allowance,
    /// By what its token is found again.
    pub(crate) token_hash: Vec<u8>,
}

impl Caller {
    /// The insurer's tenant.
    pub fn tenant(&self) -> TenantId {
        self.insurer.tenant_id
    }

    /// How the trail names it.
    pub fn actor(&self) -> Actor {
        Actor::Client(self.client.client_id.0)
    }

    /// True where it holds a scope.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether protected people exist for it.
    pub fn sees_protected(&self) -> bool {
        self.may(PROTECTED_READ)
    }
}

impl Clients {
    /// Who a token is. Whatever is wrong with it reads alike: unknown, expired, its client, grant or insurer shut out, sent
    /// from elsewhere. The last has a line in the trail.
    pub async fn enter(&self, origin: &Origin, token: &TenantSecret) -> Result<Outcome<Caller>, Outage> {
        let Some(insurer) = self.directory.by_tenant(token.tenant).await? else {
            return Ok(reasons::INVALID_TOKEN.into());
        };
        let now = self.clock.now();
        let (tx, found) = self
            .database
            .tenant(token.tenant)
            .read_with(|tx| self.found(tx, &token.secret).scope_boxed())
            .await?;
        // Nothing more is read in it: it ends while the request goes on.
        drop(tx);
        let Some(found) = found.filter(|found| found.is_good(now) && insurer.is_open()) else {
            return Ok(reasons::INVALID_TOKEN.into());
        };
        if !found.is_from_there(origin) {
            self.tell(token.tenant, origin, found.name(), "network").await?;
            return Ok(reasons::INVALID_TOKEN.into());
        }
        let granted = scopes(&found.granted);
        Ok(Outcome::Done(Caller {
            client: found.name(),
            name: found.client,
            grant_id: found.grant_id,
            scopes: scopes(&found.scopes).intersection(&granted).copied().collect(),
            token_until: found.expires_at,
            expires_on: found.expires_on,
            allowance: self.rates.take(token.tenant, found.grant_id, now),
            token_hash: found.token_hash,
            insurer,
        }))
    }

    /// Whether whoever came in may do this now: not too often, and with its scope.
    pub fn admit(&self, caller: &Caller, scope: Scope) -> Result<(), Refusal> {
        if caller.allowance.until.is_some() {
            return Err(Refusal {
                until: caller.allowance.until,
                ..reasons::TOO_MANY_REQUESTS.into()
            });
        }
        if self.policy.lets_in(&caller.scopes, scope) {
            Ok(())
        } else {
            Err(reasons::INSUFFICIENT_SCOPE.into())
        }
    }

    async fn found(&self, tx: &TenantTransaction, secret: &Secret) -> Result<Option<Found>, DatabaseError> {
        for hash in secret.hashes(&self.keys, TOKEN) {
            let statement = diesel::sql_query(FIND)
                .bind::<Integer, _>(tx.tenant())
                .bind::<Binary, _>(hash);
            let found: Option<Found> = Prepared(statement).get_result(&mut &**tx).await.optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A line of a good token or secret that is of no use, and why: once an hour for each client.
    pub(crate) async fn tell(
        &self,
        tenant: TenantId,
        origin: &Origin,
        name: ClientName,
        why: &'static str,
    ) -> Result<(), Outage> {
        let now = self.clock.now();
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let key = format!("{why}|{name}");
        if throttle::take(&tx, &self.keys, now, &rules::TOLD, &key).await? == Taken::Free {
            trail::of_program(&tx, now, origin, name.client_id, ("client.enter", why), json!({})).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A token with its grant.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Binary)]
    token_hash: Vec<u8>,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    token_networks: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    grant_id: ClientGrantId,
    #[diesel(sql_type = SqlUuid)]
    client_id: ClientId,
    #[diesel(sql_type = Integer)]
    home: TenantId,
    #[diesel(sql_type = Text)]
    client: String,
    #[diesel(sql_type = Array<Text>)]
    granted: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    networks: Vec<String>,
    #[diesel(sql_type = Nullable<Date>)]
    expires_on: Option<NaiveDate>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    client_state: String,
}

impl Found {
    fn name(&self) -> ClientName {
        ClientName {
            home: self.home,
            client_id: self.client_id,
        }
    }

    fn is_good(&self, now: DateTime<Utc>) -> bool {
        let today = calendar::today_in_japan(now);
        now < self.expires_at
            && self.expires_on.is_none_or(|last| today <= last)
            && [&self.state, &self.client_state].map(|word| State::of(word)) == [State::Active; 2]
    }

    fn is_from_there(&self, origin: &Origin) -> bool {
        [&self.token_networks, &self.networks]
            .into_iter()
            .all(|words| is_from(&networks(words), origin.address))
    }
}

const FIND: &str = "\
SELECT t.token_hash, t.scopes, t.networks AS token_networks, t.expires_at, g.grant_id, g.client_id, g.home, g.name AS client,
    g.scopes AS granted, g.networks, g.expires_on, g.state, g.client_state
FROM client_tokens AS t JOIN client_grants AS g ON g.tenant_id = t.tenant_id AND g.grant_id = t.grant_id
WHERE t.tenant_id = $1 AND t.token_hash = $2 AND g.tenant_id = $1";
