//! What the home of a vendor's client says of it, told to every insurer that has ever let it in: what it is called, and whether it
//! is shut out.
//!
//! The home is written first, from when on no token is made; then each insurer is told in a transaction of its own. What is told
//! is what the home says by then, not what whoever tells it had written there: of two at one moment the later one's stays, at
//! every insurer. Where it breaks off half-way, doing it again goes on: whoever has been told already is told nothing.

use crate::{
    By, Clients, State,
    grants::end_tokens,
    rows::{ClientRow, client_of, grant_held, places},
    schema::client_grants,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientId, TenantId};

/// What a client's home says of it to its grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub name: String,
    pub state: State,
}

impl Said {
    pub(crate) fn of(row: &ClientRow) -> Self {
        Self {
            name: row.name.clone(),
            state: row.state(),
        }
    }
}

impl Clients {
    /// Tells every insurer what the platform says of a vendor's client by now.
    pub(crate) async fn tell_places(&self, id: ClientId, now: DateTime<Utc>, by: By<'_>) -> Result<(), DatabaseError> {
        let mut told = None;
        loop {
            let at_home = self.database.tenant(TenantId::PLATFORM).read().await?;
            let said = client_of(&at_home, id).await?.as_ref().map(Said::of);
            let insurers = places(&at_home, id).await?;
            at_home.commit().await?;
            // Whoever told it last has looked again since, and found what they told.
            let Some(said) = said.filter(|said| told.as_ref() != Some(said)) else {
                return Ok(());
            };
            for insurer in insurers {
                let mut tx = self.database.tenant(insurer).write(Durability::Safe).await?;
                for action in self.tell_grant(&mut tx, now, id, &said).await? {
                    self.record_there(&tx, now, by, action, id).await?;
                }
                tx.commit().await?;
            }
            told = Some(said);
        }
    }

    /// Writes into a client's grant here what its home says; what of it is new, as the trail calls it. Its tokens end, but where it only
    /// has another name, and what else hangs on it where it is shut out.
    pub(crate) async fn tell_grant(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        id: ClientId,
        said: &Said,
    ) -> Result<Vec<&'static str>, DatabaseError> {
        let Some(row) = grant_held(tx, id).await? else {
            return Ok(Vec::new());
        };
        let is_renamed = row.name != said.name;
        let stands_otherwise = State::of(&row.client_state) != said.state;
        if said.state != State::Active {
            self.shut_out(tx, now, (row.grant_id, id)).await?;
        } else if stands_otherwise {
            end_tokens(tx, row.grant_id).await?;
        }
        diesel::update(client_grants::table)
            .filter(client_grants::tenant_id.eq(tx.tenant()))
            .filter(client_grants::grant_id.eq(row.grant_id))
            .set((
                client_grants::name.eq(&said.name),
                client_grants::client_state.eq(said.state.as_str()),
            ))
            .execute(&mut **tx)
            .await?;
        let news = [(is_renamed, "client.rename"), (stands_otherwise, action(said.state))];
        Ok(news
            .into_iter()
            .filter_map(|(is_new, action)| is_new.then_some(action))
            .collect())
    }
}

/// What the trail calls it when a client comes to stand so.
pub(crate) fn action(state: State) -> &'static str {
    match state {
        State::Active => "client.resume",
        State::Suspended => "client.suspend",
        State::Revoked => "client.revoke",
    }
}
