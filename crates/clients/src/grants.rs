//! Letting a vendor's client in, and changing on what a client may come in.

use crate::{
    By, ClientName, Clients, Conditions, Grant, State,
    conditions::{Checked, wrong},
    fields, reasons,
    rows::{ClientRow, client_held, client_of, grant_held, places},
    schema::{client_grants, client_places, client_tokens, clients},
};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, ClientId, Outage, Outcome, Problem, TenantId, outcome::NOT_FOUND};
use serde_json::json;

impl Clients {
    /// Lets a vendor's client in at an insurer, by the id that the vendor has told; one whose grant was taken back, too. Both
    /// the grant and its place in tenant 0 are there, or neither.
    pub async fn grant(
        &self,
        insurer: TenantId,
        client: &str,
        conditions: &Conditions,
        by: By<'_>,
    ) -> Result<Outcome<Grant>, Outage> {
        let now = self.clock.now();
        let checked = match Checked::only(conditions, now, true) {
            Ok(checked) => checked,
            Err(refusal) => return Ok(refusal.into()),
        };
        let named = ClientName::parse(&kernel::text::normalize(client).to_ascii_lowercase());
        let Some(ClientName { client_id: id, .. }) = named.filter(|name| name.is_vendors()) else {
            return Ok(wrong(fields::CLIENT, Problem::Characters).into());
        };
        // Its name, before the transaction: what it says there is asked again at its end.
        let at_home = self.database.tenant(TenantId::PLATFORM).read().await?;
        let found = client_of(&at_home, id).await?;
        drop(at_home);
        let Some(vendors) = found else {
            return Ok(reasons::CLIENT_UNKNOWN.into());
        };
        let mut tx = self.database.tenant(insurer).write(Durability::Safe).await?;
        let before = grant_held(&tx, id).await?;
        let grant_id = match &before {
            Some(row) if State::of(&row.state) != State::Revoked => return Ok(reasons::ALREADY_GRANTED.into()),
            Some(row) => row.grant_id,
            None => ClientGrantId::new(now),
        };
        diesel::insert_into(client_grants::table)
            .values((
                client_grants::tenant_id.eq(insurer),
                client_grants::grant_id.eq(grant_id),
                client_grants::client_id.eq(id),
                client_grants::home.eq(TenantId::PLATFORM),
                client_grants::name.eq(&vendors.name),
                client_grants::scopes.eq(checked.words()),
                client_grants::networks.eq(&checked.networks),
                client_grants::expires_on.eq(checked.expires_on),
                client_grants::state.eq(State::Active.as_str()),
                client_grants::client_state.eq(State::Active.as_str()),
                client_grants::created_at.eq(now),
                client_grants::created_by.eq(by.id()),
            ))
            .on_conflict((client_grants::tenant_id, client_grants::client_id))
            .do_update()
            .set((
                client_grants::name.eq(&vendors.name),
                client_grants::scopes.eq(checked.words()),
                client_grants::networks.eq(&checked.networks),
                client_grants::expires_on.eq(checked.expires_on),
                client_grants::state.eq(State::Active.as_str()),
                client_grants::client_state.eq(State::Active.as_str()),
            ))
            .execute(&mut &*tx)
            .await?;
        let grant = grant_held(&tx, id).await?;
        let detail =
            json!({ "scopes": checked.words(), "networks": checked.networks, "expires_on": checked.expires_on });
        self.record(&tx, now, by, "client.grant", (id, detail)).await?;
        tx.go_on_as_platform().await?;
        // Whoever suspends or renames it holds this row: they are done and it is refused, or they come after and find the place.
        let is_as_read = |row: &ClientRow| row.state() == State::Active && row.name == vendors.name;
        if !client_held(&tx, id).await?.as_ref().is_some_and(is_as_read) {
            return Ok(reasons::CLIENT_UNKNOWN.into());
        }
        diesel::insert_into(client_places::table)
            .values((
                client_places::tenant_id.eq(TenantId::PLATFORM),
                client_places::client_id.eq(id),
                client_places::insurer.eq(insurer),
            ))
            .on_conflict_do_nothing()
            .execute(&mut &*tx)
            .await?;
        tx.commit().await?;
        let grant = grant.ok_or(DatabaseError::Statement(diesel::result::Error::NotFound))?;
        Ok(Outcome::Done(grant.grant()))
    }

    /// Sets what a client may do at an insurer, from where and until when; at the platform, from where and until when a
    /// vendor's may come in anywhere. It holds for the next request: tokens that would allow more end.
    pub async fn change(
        &self,
        at: TenantId,
        id: ClientId,
        conditions: &Conditions,
        by: By<'_>,
    ) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let is_vendors = at == TenantId::PLATFORM;
        let checked = match Checked::only(conditions, now, !is_vendors) {
            Ok(checked) => checked,
            Err(refusal) => return Ok(refusal.into()),
        };
        let mut tx = self.database.tenant(at).write(Durability::Safe).await?;
        let changed = if is_vendors {
            set_of_vendor(&tx, id, &checked).await?
        } else {
            set_of_grant(&mut tx, id, &checked).await?
        };
        if let Outcome::Refused(refusal) = changed {
            return Ok(refusal.into());
        }
        let detail =
            json!({ "scopes": checked.words(), "networks": checked.networks, "expires_on": checked.expires_on });
        self.record(&tx, now, by, "client.change", (id, detail)).await?;
        let places = if is_vendors { places(&tx, id).await? } else { Vec::new() };
        tx.commit().await?;
        for insurer in places {
            let mut tx = self.database.tenant(insurer).write(Durability::Safe).await?;
            if let Some(grant) = grant_held(&tx, id).await? {
                end_tokens(&mut tx, grant.grant_id).await?;
            }
            tx.commit().await?;
        }
        Ok(Outcome::Done(()))
    }
}

async fn set_of_vendor(tx: &TenantTransaction, id: ClientId, checked: &Checked) -> Result<Outcome<()>, DatabaseError> {
    match client_held(tx, id).await? {
        None => return Ok(NOT_FOUND.into()),
        Some(row) if row.state() == State::Revoked => return Ok(reasons::CLIENT_REVOKED.into()),
        Some(_) => {}
    }
    diesel::update(clients::table)
        .filter(clients::tenant_id.eq(tx.tenant()))
        .filter(clients::client_id.eq(id))
        .set((
            clients::networks.eq(&checked.networks),
            clients::expires_on.eq(checked.expires_on),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(Outcome::Done(()))
}

async fn set_of_grant(
    tx: &mut TenantTransaction,
    id: ClientId,
    checked: &Checked,
) -> Result<Outcome<()>, DatabaseError> {
    let Some(row) = grant_held(tx, id).await? else {
        return Ok(NOT_FOUND.into());
    };
    if State::of(&row.client_state) == State::Revoked {
        return Ok(reasons::CLIENT_REVOKED.into());
    }
    if State::of(&row.state) == State::Revoked {
        return Ok(reasons::GRANT_ENDED.into());
    }
    diesel::update(client_grants::table)
        .filter(client_grants::tenant_id.eq(tx.tenant()))
        .filter(client_grants::grant_id.eq(row.grant_id))
        .set((
            client_grants::scopes.eq(checked.words()),
            client_grants::networks.eq(&checked.networks),
            client_grants::expires_on.eq(checked.expires_on),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(Outcome::Done(()))
}

/// Ends every token of a grant. Whoever makes one holds the grant's row, and so does the caller here.
pub(crate) async fn end_tokens(tx: &mut TenantTransaction, grant: ClientGrantId) -> Result<usize, DatabaseError> {
    Ok(diesel::delete(client_tokens::table)
        .filter(client_tokens::tenant_id.eq(tx.tenant()))
        .filter(client_tokens::grant_id.eq(grant))
        .execute(&mut **tx)
        .await?)
}
