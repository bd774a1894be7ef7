//! Tokens: asked for with a client's secret (RFC 6749, 4.4), and given back (RFC 7009). No transaction is open while secrets
//! are compared; whoever makes a token holds the grant's row, so that a grant that is shut out meanwhile leaves none.

use crate::{
    ClientName, Clients, State, TOKEN_PREFIX,
    client::{is_from, networks, scopes},
    fields,
    rates::Allowance,
    reasons,
    rows::GrantRow,
    schema::{client_grants, client_tokens},
    secret::{self, Live, TOKEN},
    trail,
    tries::Counted,
};
use access::Scope;
use audit::Origin;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, Binary, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{
    ClientId, ClientSecretId, FieldError, InsurerCode, Outage, Outcome, Problem, Refusal, Secret, TenantId,
    TenantSecret, calendar,
};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use tenancy::Insurer;
use uuid::Uuid;

/// How long a token works.
pub const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);

/// Who asks, as sent.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// The client's ID.
    pub client_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// Scopes with blanks between them; all that are granted where there is none.
    pub scope: Option<&'a str>,
    /// For which insurer; a vendor's client has to say.
    pub insurer_code: Option<&'a str>,
}

/// A new token.
#[derive(Clone)]
pub struct Issued {
    /// Its text, for its holder alone.
    pub token: String,
    /// Seconds that it works.
    pub seconds: i64,
    /// What may be done with it.
    pub scopes: BTreeSet<Scope>,
    /// What is left to the client, this request taken.
    pub allowance: Allowance,
}

/// A client whose secret was right.
struct Proven {
    name: ClientName,
    /// What its home says.
    networks: Vec<String>,
    expires_on: Option<NaiveDate>,
}

impl Clients {
    /// A token for one insurer. An unknown client and a wrong secret cost the same statements and the same hashes.
    pub async fn issue(&self, origin: &Origin, asked: &TokenRequest<'_>) -> Result<Outcome<Issued>, Outage> {
        let proven = match self
            .prove(origin, (asked.client_id, asked.secret), "token.issue")
            .await?
        {
            Outcome::Done(proven) => proven,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let insurer = match self.insurer_of(proven.name.home, asked.insurer_code).await? {
            Ok(insurer) => insurer,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let tenant = insurer.tenant_id;
        let tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let grant = grant_shared(&tx, proven.name).await?;
        let today = calendar::today_in_japan(now);
        let Some(grant) = grant.filter(|grant| insurer.is_open() && is_in_force(grant, today)) else {
            return Ok(reasons::UNAUTHORIZED_CLIENT.into());
        };
        if !is_from(&networks(&grant.networks), origin.address) {
            // A line needs a connection of its own.
            drop(tx);
            self.tell(tenant, origin, proven.name, "network").await?;
            return Ok(reasons::INVALID_CLIENT.into());
        }
        let allowance = self.rates.take(tenant, grant.grant_id, now);
        if allowance.until.is_some() {
            return Ok(Refusal {
                until: allowance.until,
                ..reasons::TOO_MANY_REQUESTS.into()
            }
            .into());
        }
        let granted = scopes(&grant.scopes);
        let scopes = match asked_of(asked.scope, &granted) {
            Ok(scopes) => scopes,
            Err(word) => return Ok(not_granted(word, &granted)),
        };
        let ends = [proven.expires_on, grant.expires_on].into_iter().flatten().map(end_of);
        let until = ends.fold(now + TOKEN_LIFE, DateTime::min);
        let token = TenantSecret::random(tenant);
        let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        diesel::insert_into(client_tokens::table)
            .values((
                client_tokens::tenant_id.eq(tenant),
                client_tokens::token_hash.eq(token.secret.hash(&self.keys, TOKEN)),
                client_tokens::grant_id.eq(grant.grant_id),
                client_tokens::scopes.eq(&words),
                client_tokens::networks.eq(&proven.networks),
                client_tokens::expires_at.eq(until),
            ))
            .execute(&mut &*tx)
            .await?;
        let detail = json!({ "scopes": words });
        trail::of_program(&tx, now, origin, proven.name.client_id, ("token.issue", "done"), detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(Issued {
            token: format!("{TOKEN_PREFIX}{}", token.reveal()),
            seconds: (until - now).num_seconds(),
            scopes,
            allowance,
        }))
    }

    /// Ends a token of the client's own. One that is none, another's or over is as good as ended: nobody is told.
    pub async fn give_back(
        &self,
        origin: &Origin,
        (client_id, secret): (&str, &str),
        token: &str,
    ) -> Result<Outcome<()>, Outage> {
        let proven = match self.prove(origin, (client_id, secret), "token.revoke").await? {
            Outcome::Done(proven) => proven,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let Some(token) = secret::token(token) else {
            return Ok(Outcome::Done(()));
        };
        let now = self.clock.now();
        let tx = self.database.tenant(token.tenant).write(Durability::Safe).await?;
        if self.end(&tx, &token.secret, proven.name).await? {
            let what = ("token.revoke", "done");
            trail::of_program(&tx, now, origin, proven.name.client_id, what, json!({})).await?;
        }
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Whether it is the client that it says, and may come in at all.
    async fn prove(
        &self,
        origin: &Origin,
        (client_id, sent): (&str, &str),
        action: &'static str,
    ) -> Result<Outcome<Proven>, Outage> {
        let counted = Counted::new(origin, client_id);
        let standing = self.look(&counted).await?;
        // What names nobody is looked up all the same.
        let name = ClientName::parse(client_id).unwrap_or(ClientName {
            home: TenantId::PLATFORM,
            client_id: ClientId(Uuid::nil()),
        });
        let now = self.clock.now();
        let tx = self.database.tenant(name.home).read().await?;
        let rows = rows(&tx, name.client_id, now).await?;
        drop(tx);
        let sent = secret::typed(sent, name.home);
        let live: Vec<Live> = rows.iter().filter_map(Row::live).collect();
        let used = secret::which(&self.keys, &sent, &live);
        let (Some(used), Some(row)) = (used, rows.as_slice().first()) else {
            // Who has the secret comes in whatever others got wrong: nobody guesses one of 256 bits.
            if let Some(refusal) = self.hold_off(origin, &counted, &standing).await? {
                return Ok(refusal.into());
            }
            let found = rows.as_slice().first().map(|_| (name.home, name.client_id));
            return Ok(self.count_wrong(origin, &counted, found, action).await?.into());
        };
        self.forgive(&counted, &standing).await?;
        if self.keys.is_outdated(&used.hash) {
            let tx = self.database.tenant(name.home).write(Durability::Safe).await?;
            secret::rehash(&tx, &self.keys, name.client_id, &sent, used).await?;
            tx.commit().await?;
        }
        // Whatever is asked for, before it is looked for.
        let until = self.rates.take_at_the_door(name, now);
        if until.is_some() {
            return Ok(Refusal {
                until,
                ..reasons::TOO_MANY_REQUESTS.into()
            }
            .into());
        }
        if let Some(why) = row.why_not(origin, calendar::today_in_japan(now)) {
            self.tell(name.home, origin, name, why).await?;
            return Ok(reasons::INVALID_CLIENT.into());
        }
        Ok(Outcome::Done(Proven {
            name,
            networks: row.networks.clone(),
            expires_on: row.expires_on,
        }))
    }

    /// For which insurer a token is asked: a client's home, or whom a vendor names.
    async fn insurer_of(&self, home: TenantId, code: Option<&str>) -> Result<Result<Arc<Insurer>, Refusal>, Outage> {
        let named = match code.map(InsurerCode::parse) {
            Some(Err(problem)) => return Ok(Err(of_insurer_code(problem))),
            Some(Ok(code)) => Some(self.directory.by_code(&code).await?),
            None => None,
        };
        let insurer = match named {
            Some(insurer) => insurer.filter(|insurer| [TenantId::PLATFORM, insurer.tenant_id].contains(&home)),
            None if home == TenantId::PLATFORM => return Ok(Err(of_insurer_code(Problem::Missing))),
            None => self.directory.by_tenant(home).await?,
        };
        Ok(insurer.ok_or_else(|| reasons::UNAUTHORIZED_CLIENT.into()))
    }

    async fn end(&self, tx: &TenantTransaction, secret: &Secret, name: ClientName) -> Result<bool, DatabaseError> {
        for hash in secret.hashes(&self.keys, TOKEN) {
            let statement = diesel::sql_query(END)
                .bind::<Integer, _>(tx.tenant())
                .bind::<Binary, _>(hash)
                .bind::<SqlUuid, _>(name.client_id);
            if Prepared(statement).execute(&mut &**tx).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The request names no insurer, or none that can be.
fn of_insurer_code(problem: Problem) -> Refusal {
    Refusal {
        fields: vec![FieldError::new(fields::INSURER_CODE, problem)],
        ..reasons::INVALID_REQUEST.into()
    }
}

/// Names the word that is no scope, or was not granted, and those that are.
fn not_granted<T>(word: &str, granted: &BTreeSet<Scope>) -> Outcome<T> {
    let granted = Problem::not_one_of(granted.iter().map(|scope| scope.as_str()));
    let refusal = Refusal {
        fields: vec![FieldError::new(fields::scope(word), granted)],
        ..reasons::INVALID_SCOPE.into()
    };
    refusal.into()
}

/// The scopes that are asked for, where all of them are granted; else the first word that is not. Without a word all that are.
fn asked_of<'a>(asked: Option<&'a str>, granted: &BTreeSet<Scope>) -> Result<BTreeSet<Scope>, &'a str> {
    let mut words = asked
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
        .peekable();
    if words.peek().is_none() {
        return Ok(granted.clone());
    }
    let read = |word| Scope::read(word).filter(|scope| granted.contains(scope)).ok_or(word);
    words.map(read).collect()
}

/// When a last day is over.
fn end_of(last: NaiveDate) -> DateTime<Utc> {
    last.succ_opt().map_or(DateTime::<Utc>::MAX_UTC, calendar::start_of_day)
}

fn is_in_force(grant: &GrantRow, today: NaiveDate) -> bool {
    [&grant.state, &grant.client_state].map(|word| State::of(word)) == [State::Active; 2]
        && grant.expires_on.is_none_or(|last| today <= last)
}

/// The grant, which nobody shuts out before this transaction ends.
async fn grant_shared(tx: &TenantTransaction, name: ClientName) -> Result<Option<GrantRow>, DatabaseError> {
    Ok(client_grants::table
        .filter(client_grants::tenant_id.eq(tx.tenant()))
        .filter(client_grants::client_id.eq(name.client_id))
        .select(GrantRow::as_select())
        .for_share()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// A client with one of its secrets, or none.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Array<Text>)]
    networks: Vec<String>,
    #[diesel(sql_type = Nullable<Date>)]
    expires_on: Option<NaiveDate>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    secret_id: Option<ClientSecretId>,
    #[diesel(sql_type = Nullable<Binary>)]
    secret_hash: Option<Vec<u8>>,
}

impl Row {
    fn live(&self) -> Option<Live> {
        Some(Live {
            secret_id: self.secret_id?,
            hash: self.secret_hash.clone()?,
        })
    }

    /// Why a client with the right secret may not come in.
    fn why_not(&self, origin: &Origin, today: NaiveDate) -> Option<&'static str> {
        if State::of(&self.state) != State::Active {
            return Some("suspended");
        }
        if self.expires_on.is_some_and(|last| last < today) {
            return Some("ended");
        }
        (!is_from(&networks(&self.networks), origin.address)).then_some("network")
    }
}

async fn rows(tx: &TenantTransaction, id: ClientId, now: DateTime<Utc>) -> Result<Vec<Row>, DatabaseError> {
    let statement = diesel::sql_query(SECRETS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now);
    Ok(Prepared(statement).load(&mut &**tx).await?)
}

const SECRETS: &str = "\
SELECT c.networks, c.expires_on, c.state, s.secret_id, s.secret_hash
FROM clients AS c LEFT JOIN client_secrets AS s
    ON s.tenant_id = c.tenant_id AND s.client_id = c.client_id AND (s.ends_at IS NULL OR s.ends_at > $3)
WHERE c.tenant_id = $1 AND c.client_id = $2";

const END: &str = "\
DELETE FROM client_tokens AS t USING client_grants AS g
WHERE t.tenant_id = $1 AND t.token_hash = $2 AND g.tenant_id = $1 AND g.grant_id = t.grant_id AND g.client_id = $3";
