//! Calling a client otherwise, and writing to somebody else: at its home, from where each insurer that has ever let a vendor's in
//! is told.

use crate::{
    By, Clients, Naming, State,
    conditions::renamed,
    places::Said,
    reasons,
    rows::{CONTACT, client_held},
    schema::clients,
};
use database::Durability;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientId, Outage, Outcome, TenantId, outcome::NOT_FOUND};
use serde_json::json;

impl Clients {
    /// Sets what people call a client and whom they write to, at its home. Its tokens go on.
    pub async fn rename(
        &self,
        home: TenantId,
        id: ClientId,
        naming: &Naming,
        by: By<'_>,
    ) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let (name, contact) = match renamed(naming) {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        let mut tx = self.database.tenant(home).write(Durability::Safe).await?;
        let Some(row) = client_held(&tx, id).await? else {
            return Ok(NOT_FOUND.into());
        };
        if row.state() == State::Revoked {
            return Ok(reasons::CLIENT_REVOKED.into());
        }
        let known = row.client(&self.keys);
        let former = known.name;
        let name = name.unwrap_or_else(|| former.clone());
        let contact = contact.map_or(known.contact, |contact| contact.as_str().to_owned());
        diesel::update(clients::table)
            .filter(clients::tenant_id.eq(home))
            .filter(clients::client_id.eq(id))
            .set((
                clients::name.eq(&name),
                clients::contact.eq(self.keys.seal(CONTACT, id.of(home), contact.as_bytes())),
            ))
            .execute(&mut *tx)
            .await?;
        // Whom they write to is somebody's address, and stands in no trail.
        let detail = json!({ "former": former, "name": name });
        self.record(&tx, now, by, "client.rename", (id, detail)).await?;
        if home == TenantId::PLATFORM {
            tx.commit().await?;
            self.tell_places(id, now, by).await?;
        } else {
            let said = Said {
                name,
                state: row.state(),
            };
            self.tell_grant(&mut tx, now, id, &said).await?;
            tx.commit().await?;
        }
        Ok(Outcome::Done(()))
    }
}
