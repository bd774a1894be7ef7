//! Requests that are done once, however often they are sent: by the `Idempotency-Key` that comes with them.
//!
//! A key is taken in a short transaction before anything is done, so of two at the same time one is told to wait. The answer is
//! kept in the very transaction that does what was asked for ([`Taken::keep`]): a process that dies leaves both or neither, and
//! whoever lost the answer gets it once more. What was refused has done nothing, and its key is free again.

use crate::Clients;
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, Keyed, Kind, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Binary, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, Keys, Outage, OutageKind, Owner, PersonId, RequestId, TenantId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How long an answer is kept.
pub(crate) const KEPT: TimeDelta = TimeDelta::hours(24);
const ANSWER: &str = "idempotent answer";
const ASKED: &str = "idempotent request";

/// What of the table hangs on the ring.
pub(crate) const KEYED: [Keyed; 2] = [
    Keyed {
        table: "idempotency_keys",
        column: "sealed",
        kind: Kind::Sealed {
            owner: "request_id",
            purpose: ANSWER,
        },
    },
    Keyed {
        table: "idempotency_keys",
        column: "asked_hash",
        kind: Kind::Hash,
    },
];

/// A request with its key.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// By whom.
    pub grant: ClientGrantId,
    /// What is to be done.
    pub operation: &'a str,
    /// `Idempotency-Key`.
    pub key: &'a str,
    /// To what, and …
    pub path: &'a str,
    /// … with what.
    pub body: &'a [u8],
}

/// What becomes of it.
pub enum Once {
    /// It is to be done.
    First(Taken),
    /// It was done, and this was the answer.
    Again(Saved),
    /// It is being done.
    UnderWay,
    /// The key came with something else before.
    Another,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its status.
    pub status: u16,
    /// What stands over it that is its own.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
    /// Of whom it tells: it is given again only to whoever may still see them.
    #[serde(default)]
    pub person: Option<PersonId>,
}

impl Saved {
    /// The same of an answer that tells of a person.
    #[must_use]
    pub fn about(self, person: PersonId) -> Self {
        Self {
            person: Some(person),
            ..self
        }
    }
}

/// A key that is taken for a request. Cheap to clone.
#[derive(Clone)]
pub struct Taken {
    database: Database,
    keys: Keys,
    tenant: TenantId,
    request: RequestId,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    request_id: RequestId,
    #[diesel(sql_type = Binary)]
    asked_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    sealed: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    is_over: bool,
}

impl Clients {
    /// Takes the key of a request at an insurer, or tells what became of it before.
    pub async fn once(&self, tenant: TenantId, request: RequestId, asked: &Asked<'_>) -> Result<Once, Outage> {
        let now = self.clock.now();
        let (digest, content) = (asked.digest(), asked.content());
        let hash = self.keys.hash(ASKED, &content);
        // Nothing is done yet; what is done later is on the disk after this.
        let mut tx = self.database.tenant(tenant).write(Durability::Relaxed).await?;
        let taken = diesel::sql_query(TAKE)
            .bind::<Integer, _>(tenant)
            .bind::<SqlUuid, _>(request)
            .bind::<Binary, _>(&digest)
            .bind::<Binary, _>(&hash)
            .bind::<Timestamptz, _>(now);
        if Prepared(taken).execute(&mut *tx).await? == 0 {
            let found = diesel::sql_query(FIND)
                .bind::<Integer, _>(tenant)
                .bind::<Binary, _>(&digest)
                .bind::<Timestamptz, _>(now - KEPT);
            let found: Option<Row> = Prepared(found).get_result(&mut *tx).await.optional()?;
            match found {
                Some(row) if row.is_over => {
                    let over = diesel::sql_query(TAKE_OVER)
                        .bind::<Integer, _>(tenant)
                        .bind::<SqlUuid, _>(row.request_id)
                        .bind::<SqlUuid, _>(request)
                        .bind::<Binary, _>(&hash)
                        .bind::<Timestamptz, _>(now);
                    Prepared(over).execute(&mut *tx).await?;
                }
                Some(row) => return self.before(tenant, &row, &content),
                // Given free a moment ago.
                None => return Ok(Once::UnderWay),
            }
        }
        tx.commit().await?;
        Ok(Once::First(Taken {
            database: self.database.clone(),
            keys: self.keys.clone(),
            tenant,
            request,
        }))
    }

    /// What became of the request that has the key.
    fn before(&self, tenant: TenantId, row: &Row, content: &[u8]) -> Result<Once, Outage> {
        if !self.keys.hashes(ASKED, content).any(|hash| hash == row.asked_hash) {
            return Ok(Once::Another);
        }
        let Some(sealed) = &row.sealed else {
            return Ok(Once::UnderWay);
        };
        let plain = self.keys.open(ANSWER, owner(tenant, row.request_id), sealed)?;
        let saved = serde_json::from_slice(&plain).map_err(|error| Outage::new(OutageKind::Fault, error))?;
        Ok(Once::Again(saved))
    }
}

impl Asked<'_> {
    /// By what it is found: parts that can't run into each other.
    fn digest(&self) -> Vec<u8> {
        let mut digest = Sha256::new();
        digest.update(self.grant.0.as_bytes());
        digest.update(self.operation.as_bytes());
        digest.update([0]);
        digest.update(self.key.as_bytes());
        digest.finalize().to_vec()
    }

    /// What has to be the same when it comes again.
    fn content(&self) -> Vec<u8> {
        [self.path.as_bytes(), &[0], self.body].concat()
    }
}

impl Taken {
    /// Keeps the answer, in the transaction that does what was asked for. False where the key is somebody else's by now, who took
    /// this for dead: then nothing may be committed.
    pub async fn keep(&self, tx: &mut TenantTransaction, saved: &Saved) -> Result<bool, Outage> {
        let plain = serde_json::to_vec(saved).map_err(|error| Outage::new(OutageKind::Fault, error))?;
        let sealed = self.keys.seal(ANSWER, owner(self.tenant, self.request), &plain);
        let kept = diesel::sql_query(KEEP)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(self.request)
            .bind::<Binary, _>(sealed);
        Ok(Prepared(kept).execute(&mut **tx).await? > 0)
    }

    /// Gives the key free, where nothing was done under it.
    pub async fn free(&self) -> Result<(), DatabaseError> {
        let mut tx = self.database.tenant(self.tenant).write(Durability::Relaxed).await?;
        let freed = diesel::sql_query(FREE)
            .bind::<Integer, _>(self.tenant)
            .bind::<SqlUuid, _>(self.request);
        Prepared(freed).execute(&mut *tx).await?;
        tx.commit().await
    }
}

/// Deletes the answers that have been kept long enough; gives how many.
pub(crate) async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let swept = diesel::sql_query(SWEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(now - KEPT);
    Ok(Prepared(swept).execute(&mut **tx).await?)
}

fn owner(tenant: TenantId, request: RequestId) -> Owner {
    Owner { tenant, id: request.0 }
}

const TAKE: &str = "\
INSERT INTO idempotency_keys (tenant_id, request_id, key_digest, asked_hash, asked_at,
    leased_until) VALUES ($1, $2, $3, $4, $5, clock_timestamp() + interval '1 minute') ON CONFLICT DO NOTHING";

const FIND: &str = "\
SELECT request_id, asked_hash, sealed, asked_at <= $3 OR (sealed IS NULL AND leased_until <= clock_timestamp()) AS is_over
FROM idempotency_keys WHERE tenant_id = $1 AND key_digest = $2 FOR UPDATE";

const TAKE_OVER: &str = "\
UPDATE idempotency_keys SET request_id = $3, asked_hash = $4, asked_at = $5, sealed = NULL,
    leased_until = clock_timestamp() + interval '1 minute'
WHERE tenant_id = $1 AND request_id = $2";

const KEEP: &str = "\
UPDATE idempotency_keys SET sealed = $3 WHERE tenant_id = $1 AND request_id = $2 AND sealed IS NULL";

const FREE: &str = "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND request_id = $2 AND sealed IS NULL";

const SWEEP: &str = "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND asked_at <= $2";
