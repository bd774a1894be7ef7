//! Whether a program may still do what it was let in for. A file comes for minutes, and a worker has what was sent for longer: before
//! anything of it is kept, or written, it is asked again, in the transaction that does so.

use crate::{
    Caller, Grant, Standing, reasons,
    rows::{GrantRow, grant_of},
    schema::{client_grants, client_tokens},
};
use access::Scope;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, ClientId, Outcome, calendar};

impl Caller {
    /// Whether it may still do this, or how every call of it is refused by now. Nobody shuts it out before the transaction ends: ask
    /// first in it, for whoever does so holds the grant before what hangs on it.
    pub async fn may_still(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        scope: Scope,
    ) -> Result<Outcome<()>, DatabaseError> {
        let grant: Option<GrantRow> = client_grants::table
            .filter(client_grants::tenant_id.eq(tx.tenant()))
            .filter(client_grants::grant_id.eq(self.grant_id))
            .select(GrantRow::as_select())
            .for_share()
            .first(&mut &**tx)
            .await
            .optional()?;
        let grant = grant.map(GrantRow::grant).filter(|grant| is_active(grant, now));
        let Some(grant) = grant else {
            return Ok(reasons::INVALID_TOKEN.into());
        };
        if !self.has_token(tx, now).await? || !tenancy::insurer_of(tx).await?.is_open() {
            return Ok(reasons::INVALID_TOKEN.into());
        }
        if !self.may(scope) || !grant.scopes.contains(&scope) {
            return Ok(reasons::INSUFFICIENT_SCOPE.into());
        }
        Ok(Outcome::Done(()))
    }

    /// True where nobody has ended its token. One that only grew old since was good when it came.
    async fn has_token(&self, tx: &TenantTransaction, now: DateTime<Utc>) -> Result<bool, DatabaseError> {
        if self.token_until <= now {
            return Ok(true);
        }
        let found: Option<ClientGrantId> = client_tokens::table
            .filter(client_tokens::tenant_id.eq(tx.tenant()))
            .filter(client_tokens::token_hash.eq(self.token_hash.as_slice()))
            .select(client_tokens::grant_id)
            .first(&mut &**tx)
            .await
            .optional()?;
        Ok(found.is_some())
    }
}

/// Whether a client's grant lets it do this at the transaction's insurer: what a worker asks before it writes for it.
pub async fn may(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    client: ClientId,
    scope: Scope,
) -> Result<bool, DatabaseError> {
    let grant = grant_of(tx, client).await?.map(GrantRow::grant);
    let may = grant.is_some_and(|grant| is_active(&grant, now) && grant.scopes.contains(&scope));
    Ok(may && tenancy::insurer_of(tx).await?.is_open())
}

fn is_active(grant: &Grant, now: DateTime<Utc>) -> bool {
    grant.standing(calendar::today_in_japan(now)) == Standing::Active
}
