//! Calling a client otherwise, and writing to somebody else: at its home. Each insurer that has ever let a vendor's in has the
//! name in its grant, and is told in a transaction of its own; where that breaks off half-way, doing it again goes on.

use crate::{
    By, Clients, Naming, State,
    conditions::renamed,
    reasons,
    rows::{CONTACT, client_held, places},
    schema::{client_grants, clients},
};
use database::{DatabaseError, Durability, TenantTransaction};
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
        if home != TenantId::PLATFORM {
            set_in_grant(&mut tx, id, &name).await?;
            tx.commit().await?;
            return Ok(Outcome::Done(()));
        }
        let insurers = places(&tx, id).await?;
        tx.commit().await?;
        for insurer in insurers {
            let mut tx = self.database.tenant(insurer).write(Durability::Safe).await?;
            if set_in_grant(&mut tx, id, &name).await? {
                self.record_there(&tx, now, by, "client.rename", id).await?;
            }
            tx.commit().await?;
        }
        Ok(Outcome::Done(()))
    }
}

/// False where the grant has that name, or there is none.
async fn set_in_grant(tx: &mut TenantTransaction, id: ClientId, name: &str) -> Result<bool, DatabaseError> {
    let set = diesel::update(client_grants::table)
        .filter(client_grants::tenant_id.eq(tx.tenant()))
        .filter(client_grants::client_id.eq(id))
        .filter(client_grants::name.ne(name))
        .set(client_grants::name.eq(name))
        .execute(&mut **tx)
        .await?;
    Ok(set > 0)
}
