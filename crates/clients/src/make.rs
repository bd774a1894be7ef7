//! Making a client, and another secret for it.

use crate::{
    By, Client, ClientName, Clients, NewClient, State, conditions, reasons,
    rows::{CONTACT, client_held},
    schema::{client_grants, client_secrets, clients},
    secret,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::Durability;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, ClientId, ClientSecretId, Outage, Outcome, TenantId};
use serde_json::json;

/// How long a secret works on once another has taken its place.
pub const OLD_SECRET_LIVES: TimeDelta = TimeDelta::hours(24);

/// A client that was just made.
#[derive(Clone)]
pub struct Created {
    /// What it is.
    pub client: Client,
    /// Its secret: shown once, kept nowhere.
    pub secret: String,
}

/// Another secret.
#[derive(Clone)]
pub struct Rotated {
    /// Shown once, kept nowhere.
    pub secret: String,
    /// Until when the one before works, where there was one.
    pub old_until: Option<DateTime<Utc>>,
}

impl Clients {
    /// Makes a client of an insurer, which is let in there at once; at the platform a vendor's, which insurers let in.
    pub async fn create(&self, home: TenantId, new: &NewClient, by: By<'_>) -> Result<Outcome<Created>, Outage> {
        let now = self.clock.now();
        let is_vendors = home == TenantId::PLATFORM;
        let (name, contact, checked) = match conditions::read(new, now, !is_vendors) {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        let id = ClientId::new(now);
        let contact_sealed = self.keys.seal(CONTACT, id.of(home), contact.as_str().as_bytes());
        let (own_networks, own_end) = if is_vendors {
            (checked.networks.as_slice(), checked.expires_on)
        } else {
            (&[][..], None)
        };
        let tx = self.database.tenant(home).write(Durability::Safe).await?;
        diesel::insert_into(clients::table)
            .values((
                clients::tenant_id.eq(home),
                clients::client_id.eq(id),
                clients::name.eq(&name),
                clients::contact.eq(contact_sealed),
                clients::networks.eq(own_networks),
                clients::expires_on.eq(own_end),
                clients::state.eq(State::Active.as_str()),
                clients::created_at.eq(now),
                clients::created_by.eq(by.id()),
            ))
            .execute(&mut &*tx)
            .await?;
        if !is_vendors {
            diesel::insert_into(client_grants::table)
                .values((
                    client_grants::tenant_id.eq(home),
                    client_grants::grant_id.eq(ClientGrantId::new(now)),
                    client_grants::client_id.eq(id),
                    client_grants::home.eq(home),
                    client_grants::name.eq(&name),
                    client_grants::scopes.eq(checked.words()),
                    client_grants::networks.eq(&checked.networks),
                    client_grants::expires_on.eq(checked.expires_on),
                    client_grants::state.eq(State::Active.as_str()),
                    client_grants::client_state.eq(State::Active.as_str()),
                    client_grants::created_at.eq(now),
                    client_grants::created_by.eq(by.id()),
                ))
                .execute(&mut &*tx)
                .await?;
        }
        let secret = secret::make(&tx, &self.keys, now, id).await?;
        let detail =
            json!({ "scopes": checked.words(), "networks": checked.networks, "expires_on": checked.expires_on });
        self.record(&tx, now, by, "client.create", (id, detail)).await?;
        tx.commit().await?;
        let client = Client {
            name_outside: ClientName { home, client_id: id },
            name,
            contact: contact.as_str().to_owned(),
            networks: crate::client::networks(&checked.networks),
            expires_on: checked.expires_on,
            state: State::Active,
            created_at: now,
        };
        Ok(Outcome::Done(Created { client, secret }))
    }

    /// Makes another secret for a client at its home. The one before works for another day, so that no call fails while
    /// the program learns the new one; what was before that ends at once, so that doing it twice ends a secret that leaked.
    /// `newest` is the one that the form was shown with, so that sending it twice does it once; none of the command line.
    pub async fn rotate(
        &self,
        home: TenantId,
        id: ClientId,
        newest: Option<ClientSecretId>,
        by: By<'_>,
    ) -> Result<Outcome<Rotated>, Outage> {
        let now = self.clock.now();
        let tx = self.database.tenant(home).write(Durability::Safe).await?;
        let Some(row) = client_held(&tx, id).await? else {
            return Ok(kernel::outcome::NOT_FOUND.into());
        };
        if row.state() == State::Revoked {
            return Ok(reasons::CLIENT_REVOKED.into());
        }
        // Only one has no end: the last that was made.
        let of_client = client_secrets::tenant_id.eq(home).and(client_secrets::client_id.eq(id));
        if let Some(newest) = newest {
            let of_form = client_secrets::table
                .filter(of_client.and(client_secrets::ends_at.is_null()))
                .filter(client_secrets::secret_id.eq(newest));
            let stands: bool = diesel::select(diesel::dsl::exists(of_form))
                .get_result(&mut &*tx)
                .await?;
            if !stands {
                return Ok(reasons::SECRET_MADE_MEANWHILE.into());
            }
        }
        diesel::delete(client_secrets::table)
            .filter(of_client.and(client_secrets::ends_at.is_not_null()))
            .execute(&mut &*tx)
            .await?;
        let until = now + OLD_SECRET_LIVES;
        let replaced = diesel::update(client_secrets::table)
            .filter(of_client)
            .set(client_secrets::ends_at.eq(until))
            .execute(&mut &*tx)
            .await?;
        let secret = secret::make(&tx, &self.keys, now, id).await?;
        self.record(&tx, now, by, "client.rotate", (id, json!({}))).await?;
        tx.commit().await?;
        Ok(Outcome::Done(Rotated {
            secret,
            old_until: (replaced > 0).then_some(until),
        }))
    }
}
