//! What waits between the two halves of a second factor, in a row that works once. A cookie would not do: whoever kept a
//! copy could send the same answer of a passkey again.

use super::sealed::{Sealed, fault};
use crate::{Clerk, Staff};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Binary, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use kernel::{Outage, Owner};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// What it is sealed for.
pub(super) const PURPOSE: &str = "staff_ceremony";
/// Long enough to find the phone and install an app.
const LIFE: TimeDelta = TimeDelta::minutes(15);

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// The secret of an authenticator app, until it shows a right code.
    App,
    /// A passkey about to be enrolled.
    Passkey,
    /// A challenge for the passkeys that somebody has.
    Proof,
}

impl Ceremony {
    fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Passkey => "passkey",
            Self::Proof => "proof",
        }
    }
}

impl Staff {
    /// What waits for this session; where nothing does, what `make` gives begins to wait. Of two at the same time both get
    /// the same.
    pub(super) async fn ceremony<T: Serialize + DeserializeOwned>(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        kind: Ceremony,
        now: DateTime<Utc>,
        make: impl FnOnce() -> Result<T, Outage>,
    ) -> Result<Option<T>, Outage> {
        if let Some(row) = find(tx, clerk, kind, now).await? {
            return self.opened(tx, clerk, &row);
        }
        let id = Uuid::new_v4();
        let owner = Owner {
            tenant: tx.tenant(),
            id,
        };
        let sealed = Sealed::new(clerk.staff_id, make()?).close(&self.keys, PURPOSE, owner)?;
        begin(tx, clerk, kind, id, &sealed, now).await?;
        match find(tx, clerk, kind, now).await? {
            Some(row) => self.opened(tx, clerk, &row),
            None => Ok(None),
        }
    }

    /// Takes what waits: nobody finds it afterwards.
    pub(super) async fn take_ceremony<T: DeserializeOwned>(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        kind: Ceremony,
        now: DateTime<Utc>,
    ) -> Result<Option<T>, Outage> {
        let statement = diesel::sql_query(TAKE)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(clerk.session.id)
            .bind::<Text, _>(kind.as_str());
        let row: Option<Row> = statement.get_result(&mut **tx).await.optional()?;
        match row.filter(|row| now < row.ends_at) {
            Some(row) => self.opened(tx, clerk, &row),
            None => Ok(None),
        }
    }

    fn opened<T: DeserializeOwned>(
        &self,
        tx: &TenantTransaction,
        clerk: &Clerk,
        row: &Row,
    ) -> Result<Option<T>, Outage> {
        let owner = Owner {
            tenant: tx.tenant(),
            id: row.ceremony_id,
        };
        let sealed = Sealed::open(&self.keys, PURPOSE, owner, &row.sealed).map_err(fault)?;
        Ok(sealed.of(clerk.staff_id))
    }
}

/// Forgets all that waits for a session: whoever has another factor now is asked anew.
pub(super) async fn forget(tx: &mut TenantTransaction, clerk: &Clerk) -> Result<(), DatabaseError> {
    diesel::sql_query(FORGET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(clerk.session.id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes what nobody came back for; gives how many.
pub(super) async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    Ok(diesel::sql_query(SWEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await?)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    ceremony_id: Uuid,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
}

async fn find(
    tx: &mut TenantTransaction,
    clerk: &Clerk,
    kind: Ceremony,
    now: DateTime<Utc>,
) -> Result<Option<Row>, DatabaseError> {
    Ok(diesel::sql_query(FIND)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(clerk.session.id)
        .bind::<Text, _>(kind.as_str())
        .bind::<Timestamptz, _>(now)
        .get_result(&mut **tx)
        .await
        .optional()?)
}

async fn begin(
    tx: &mut TenantTransaction,
    clerk: &Clerk,
    kind: Ceremony,
    id: Uuid,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::sql_query(BEGIN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(clerk.session.id)
        .bind::<Text, _>(kind.as_str())
        .bind::<Binary, _>(sealed)
        .bind::<Timestamptz, _>(now + LIFE)
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

const FIND: &str = "\
SELECT ceremony_id, sealed, ends_at FROM staff_ceremonies
WHERE tenant_id = $1 AND session_id = $2 AND kind = $3 AND ends_at > $4";

// What has not ended stays: another tab shows it.
const BEGIN: &str = "\
INSERT INTO staff_ceremonies AS s (tenant_id, ceremony_id, session_id, kind, sealed, ends_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, session_id, kind) DO UPDATE SET ceremony_id = $2, sealed = $5, ends_at = $6
WHERE s.tenant_id = $1 AND s.ends_at <= $7";

const TAKE: &str = "\
DELETE FROM staff_ceremonies WHERE tenant_id = $1 AND session_id = $2 AND kind = $3
RETURNING ceremony_id, sealed, ends_at";

const FORGET: &str = "DELETE FROM staff_ceremonies WHERE tenant_id = $1 AND session_id = $2";

const SWEEP: &str = "DELETE FROM staff_ceremonies WHERE tenant_id = $1 AND ends_at <= $2";
