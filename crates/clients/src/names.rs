//! What clients are called, where a page says who did something.

use crate::schema::client_grants;
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::ClientId;
use std::collections::HashMap;

/// The names of these clients in an insurer that has ever let them in.
pub async fn names(tx: &TenantTransaction, ids: &[ClientId]) -> Result<HashMap<ClientId, String>, DatabaseError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<(ClientId, String)> = client_grants::table
        .filter(client_grants::tenant_id.eq(tx.tenant()))
        .filter(client_grants::client_id.eq_any(ids))
        .select((client_grants::client_id, client_grants::name))
        .load(&mut &**tx)
        .await?;
    Ok(names.into_iter().collect())
}
