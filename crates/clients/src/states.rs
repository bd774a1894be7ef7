//! Shutting clients out and letting them in again: an insurer's own and a vendor's at their home, a vendor's also at each
//! insurer by itself.

use crate::{
    By, Clients, State,
    grants::end_tokens,
    places::{Said, action},
    reasons,
    rows::{client_held, grant_held},
    schema::{client_grants, client_secrets, clients},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientId, Outage, Outcome, TenantId, outcome::NOT_FOUND};
use serde_json::json;

impl Clients {
    /// Shuts a client out until it is resumed. At an insurer, its own clients or a vendor's there; at the platform a vendor's
    /// everywhere. From the next request on, when this returns.
    pub async fn suspend(&self, at: TenantId, id: ClientId, by: By<'_>) -> Result<Outcome<()>, Outage> {
        self.set(at, id, State::Suspended, by).await
    }

    /// Lets a suspended one in again, with tokens of its own making.
    pub async fn resume(&self, at: TenantId, id: ClientId, by: By<'_>) -> Result<Outcome<()>, Outage> {
        self.set(at, id, State::Active, by).await
    }

    /// Shuts a client out for good. Its secrets go.
    pub async fn revoke(&self, at: TenantId, id: ClientId, by: By<'_>) -> Result<Outcome<()>, Outage> {
        self.set(at, id, State::Revoked, by).await
    }

    /// Takes back what a vendor's client may do at an insurer. It may be let in anew.
    pub async fn ungrant(&self, insurer: TenantId, id: ClientId, by: By<'_>) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(insurer).write(Durability::Safe).await?;
        let set = self
            .set_grant(&mut tx, id, State::Revoked, "client.ungrant", (now, by))
            .await?;
        tx.commit().await?;
        Ok(set)
    }

    async fn set(&self, at: TenantId, id: ClientId, to: State, by: By<'_>) -> Result<Outcome<()>, Outage> {
        let (now, action) = (self.clock.now(), action(to));
        let mut tx = self.database.tenant(at).write(Durability::Safe).await?;
        let Some(row) = client_held(&tx, id).await? else {
            let set = self.set_grant(&mut tx, id, to, action, (now, by)).await?;
            tx.commit().await?;
            return Ok(set);
        };
        if row.state() == State::Revoked && to != State::Revoked {
            return Ok(reasons::CLIENT_REVOKED.into());
        }
        if row.state() != to {
            diesel::update(clients::table)
                .filter(clients::tenant_id.eq(at))
                .filter(clients::client_id.eq(id))
                .set(clients::state.eq(to.as_str()))
                .execute(&mut *tx)
                .await?;
            self.record(&tx, now, by, action, (id, json!({}))).await?;
        }
        if to == State::Revoked {
            diesel::delete(client_secrets::table)
                .filter(client_secrets::tenant_id.eq(at))
                .filter(client_secrets::client_id.eq(id))
                .execute(&mut *tx)
                .await?;
        }
        if at == TenantId::PLATFORM {
            tx.commit().await?;
            self.tell_places(id, now, by).await?;
        } else {
            let said = Said {
                name: row.name,
                state: to,
            };
            self.tell_grant(&mut tx, now, id, &said).await?;
            tx.commit().await?;
        }
        Ok(Outcome::Done(()))
    }

    /// Sets how a vendor's client stands at one insurer.
    async fn set_grant(
        &self,
        tx: &mut TenantTransaction,
        id: ClientId,
        to: State,
        action: &'static str,
        (now, by): (DateTime<Utc>, By<'_>),
    ) -> Result<Outcome<()>, DatabaseError> {
        let row = grant_held(tx, id).await?;
        let Some(row) = row.filter(|row| row.home != tx.tenant()) else {
            return Ok(NOT_FOUND.into());
        };
        let stands = State::of(&row.state);
        if stands == State::Revoked && to != State::Revoked {
            return Ok(reasons::GRANT_ENDED.into());
        }
        if stands == to {
            return Ok(Outcome::Done(()));
        }
        diesel::update(client_grants::table)
            .filter(client_grants::tenant_id.eq(tx.tenant()))
            .filter(client_grants::grant_id.eq(row.grant_id))
            .set(client_grants::state.eq(to.as_str()))
            .execute(&mut **tx)
            .await?;
        if to == State::Active {
            end_tokens(tx, row.grant_id).await?;
        } else {
            self.shut_out(tx, now, (row.grant_id, id)).await?;
        }
        self.record(tx, now, by, action, (id, json!({}))).await?;
        Ok(Outcome::Done(()))
    }
}
