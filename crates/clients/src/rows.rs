//! Clients and grants as they are read: for pages, commands and what is done to them.

use crate::{
    Client, ClientName, Clients, Grant, SecretLine, State,
    client::{networks, scopes},
    schema::{client_grants, client_places, client_scopes_used, client_secrets, clients},
};
use access::Scope;
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, ClientId, ClientSecretId, EmailAddress, Keys, TenantId};
use std::collections::BTreeMap;

/// What contacts are sealed for.
pub(crate) const CONTACT: &str = "client_contact";
/// Lines of a list: more than any insurer, or the platform, lets in.
const LISTED: i64 = 500;

/// A client of an insurer, with what hangs on its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it may do here.
    pub grant: Grant,
    /// 連絡先 of the insurer's own; a vendor's is the platform's to know.
    pub contact: Option<String>,
    /// Live secrets of the insurer's own, the newest first.
    pub secrets: Vec<SecretLine>,
    /// When each scope was last of use; one that is not here never was.
    pub used: BTreeMap<Scope, DateTime<Utc>>,
}

/// A vendor's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorShown {
    /// The client.
    pub client: Client,
    /// Live secrets, the newest first.
    pub secrets: Vec<SecretLine>,
    /// Insurers that have ever let it in; how it stands there is theirs to show.
    pub insurers: Vec<TenantId>,
}

impl Clients {
    /// Who is let in here: the insurer's own clients and vendors', by name; ended ones, too.
    pub async fn list(&self, tx: &TenantTransaction) -> Result<Vec<Grant>, DatabaseError> {
        let rows: Vec<GrantRow> = client_grants::table
            .filter(client_grants::tenant_id.eq(tx.tenant()))
            .order((client_grants::name, client_grants::grant_id))
            .limit(LISTED)
            .select(GrantRow::as_select())
            .load(&mut &**tx)
            .await?;
        Ok(rows.into_iter().map(GrantRow::grant).collect())
    }

    /// One of them.
    pub async fn one(&self, tx: &TenantTransaction, id: ClientId) -> Result<Option<Shown>, DatabaseError> {
        let Some(row) = grant_of(tx, id).await? else {
            return Ok(None);
        };
        let grant = row.grant();
        let contact = client_of(tx, id).await?.map(|row| row.contact(&self.keys));
        Ok(Some(Shown {
            contact,
            secrets: secrets(tx, id, self.clock.now()).await?,
            used: used(tx, grant.grant_id).await?,
            grant,
        }))
    }

    /// These grants, for what hangs on them.
    pub async fn granted(&self, tx: &TenantTransaction, ids: &[ClientGrantId]) -> Result<Vec<Grant>, DatabaseError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<GrantRow> = client_grants::table
            .filter(client_grants::tenant_id.eq(tx.tenant()))
            .filter(client_grants::grant_id.eq_any(ids))
            .select(GrantRow::as_select())
            .load(&mut &**tx)
            .await?;
        Ok(rows.into_iter().map(GrantRow::grant).collect())
    }

    /// One of them, which nobody shuts out before this transaction ends.
    pub async fn granted_held(
        &self,
        tx: &TenantTransaction,
        id: ClientGrantId,
    ) -> Result<Option<Grant>, DatabaseError> {
        let row: Option<GrantRow> = client_grants::table
            .filter(client_grants::tenant_id.eq(tx.tenant()))
            .filter(client_grants::grant_id.eq(id))
            .select(GrantRow::as_select())
            .for_share()
            .first(&mut &**tx)
            .await
            .optional()?;
        Ok(row.map(GrantRow::grant))
    }

    /// Whether a grant holds what lets a program in by this scope.
    pub fn allows(&self, grant: &Grant, scope: Scope) -> bool {
        self.policy.lets_in(&grant.scopes, scope)
    }

    /// 連絡先 of a client, asked at its home in a transaction of its own.
    pub async fn contact(&self, client: ClientName) -> Result<Option<EmailAddress>, DatabaseError> {
        let tx = self.database.tenant(client.home).read().await?;
        let row = client_of(&tx, client.client_id).await?;
        Ok(row.and_then(|row| row.address(&self.keys)))
    }

    /// Vendors' clients, in tenant 0.
    pub async fn vendors(&self, tx: &TenantTransaction) -> Result<Vec<Client>, DatabaseError> {
        let rows: Vec<ClientRow> = clients::table
            .filter(clients::tenant_id.eq(tx.tenant()))
            .order((clients::name, clients::client_id))
            .limit(LISTED)
            .select(ClientRow::as_select())
            .load(&mut &**tx)
            .await?;
        Ok(rows.into_iter().map(|row| row.client(&self.keys)).collect())
    }

    /// One of them.
    pub async fn vendor(&self, tx: &TenantTransaction, id: ClientId) -> Result<Option<VendorShown>, DatabaseError> {
        let Some(row) = client_of(tx, id).await? else {
            return Ok(None);
        };
        Ok(Some(VendorShown {
            client: row.client(&self.keys),
            secrets: secrets(tx, id, self.clock.now()).await?,
            insurers: places(tx, id).await?,
        }))
    }
}

/// A row of `clients`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = clients)]
pub(crate) struct ClientRow {
    pub tenant_id: TenantId,
    pub client_id: ClientId,
    pub name: String,
    pub contact: Vec<u8>,
    pub networks: Vec<String>,
    pub expires_on: Option<NaiveDate>,
    pub state: String,
    pub created_at: DateTime<Utc>,
}

impl ClientRow {
    pub(crate) fn state(&self) -> State {
        State::of(&self.state)
    }

    /// Whom it is written to.
    pub(crate) fn address(&self, keys: &Keys) -> Option<EmailAddress> {
        EmailAddress::parse(&self.contact(keys)).ok()
    }

    fn contact(&self, keys: &Keys) -> String {
        let opened = keys.open(CONTACT, self.client_id.of(self.tenant_id), &self.contact);
        let text = opened.ok().and_then(|plain| String::from_utf8(plain.to_vec()).ok());
        text.unwrap_or_default()
    }

    pub(crate) fn client(&self, keys: &Keys) -> Client {
        Client {
            name_outside: ClientName {
                home: self.tenant_id,
                client_id: self.client_id,
            },
            name: self.name.clone(),
            contact: self.contact(keys),
            networks: networks(&self.networks),
            expires_on: self.expires_on,
            state: self.state(),
            created_at: self.created_at,
        }
    }
}

/// A row of `client_grants`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = client_grants)]
pub(crate) struct GrantRow {
    pub grant_id: ClientGrantId,
    pub client_id: ClientId,
    pub home: TenantId,
    pub name: String,
    pub scopes: Vec<String>,
    pub networks: Vec<String>,
    pub expires_on: Option<NaiveDate>,
    pub state: String,
    pub client_state: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

impl GrantRow {
    pub(crate) fn grant(self) -> Grant {
        Grant {
            grant_id: self.grant_id,
            client: ClientName {
                home: self.home,
                client_id: self.client_id,
            },
            name: self.name,
            scopes: scopes(&self.scopes),
            networks: networks(&self.networks),
            expires_on: self.expires_on,
            state: State::of(&self.state),
            client_state: State::of(&self.client_state),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

/// A client that has its home here.
pub(crate) async fn client_of(tx: &TenantTransaction, id: ClientId) -> Result<Option<ClientRow>, DatabaseError> {
    Ok(clients::table
        .filter(clients::tenant_id.eq(tx.tenant()))
        .filter(clients::client_id.eq(id))
        .select(ClientRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// The same, which nobody else changes meanwhile.
pub(crate) async fn client_held(tx: &TenantTransaction, id: ClientId) -> Result<Option<ClientRow>, DatabaseError> {
    Ok(clients::table
        .filter(clients::tenant_id.eq(tx.tenant()))
        .filter(clients::client_id.eq(id))
        .select(ClientRow::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// What a client may do here.
pub(crate) async fn grant_of(tx: &TenantTransaction, id: ClientId) -> Result<Option<GrantRow>, DatabaseError> {
    Ok(client_grants::table
        .filter(client_grants::tenant_id.eq(tx.tenant()))
        .filter(client_grants::client_id.eq(id))
        .select(GrantRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// The same, which nobody else changes meanwhile.
pub(crate) async fn grant_held(tx: &TenantTransaction, id: ClientId) -> Result<Option<GrantRow>, DatabaseError> {
    Ok(client_grants::table
        .filter(client_grants::tenant_id.eq(tx.tenant()))
        .filter(client_grants::client_id.eq(id))
        .select(GrantRow::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// The insurers that have ever let a vendor's client in; read in tenant 0.
pub(crate) async fn places(tx: &TenantTransaction, id: ClientId) -> Result<Vec<TenantId>, DatabaseError> {
    Ok(client_places::table
        .filter(client_places::tenant_id.eq(tx.tenant()))
        .filter(client_places::client_id.eq(id))
        .order(client_places::insurer)
        .select(client_places::insurer)
        .load(&mut &**tx)
        .await?)
}

async fn secrets(tx: &TenantTransaction, id: ClientId, now: DateTime<Utc>) -> Result<Vec<SecretLine>, DatabaseError> {
    let rows: Vec<(ClientSecretId, DateTime<Utc>, Option<DateTime<Utc>>)> = client_secrets::table
        .filter(client_secrets::tenant_id.eq(tx.tenant()))
        .filter(client_secrets::client_id.eq(id))
        .filter(client_secrets::ends_at.is_null().or(client_secrets::ends_at.gt(now)))
        .order((client_secrets::made_at.desc(), client_secrets::secret_id.desc()))
        .select((
            client_secrets::secret_id,
            client_secrets::made_at,
            client_secrets::ends_at,
        ))
        .load(&mut &**tx)
        .await?;
    let line = |(secret_id, made_at, ends_at)| SecretLine {
        secret_id,
        made_at,
        ends_at,
    };
    Ok(rows.into_iter().map(line).collect())
}

async fn used(tx: &TenantTransaction, id: ClientGrantId) -> Result<BTreeMap<Scope, DateTime<Utc>>, DatabaseError> {
    let rows: Vec<(String, DateTime<Utc>)> = client_scopes_used::table
        .filter(client_scopes_used::tenant_id.eq(tx.tenant()))
        .filter(client_scopes_used::grant_id.eq(id))
        .select((client_scopes_used::scope, client_scopes_used::last_used_at))
        .load(&mut &**tx)
        .await?;
    let known = |(word, at): (String, _)| Scope::read(&word).map(|scope| (scope, at));
    Ok(rows.into_iter().filter_map(known).collect())
}
