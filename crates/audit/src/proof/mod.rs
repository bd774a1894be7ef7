//! The proof that the trail is whole: lines are closed segment by segment, and each segment's seal is chained to the one
//! before it. Whoever keeps a seal elsewhere ([`anchor`]) can tell later whether anything before it was altered, taken away
//! or added ([`verify()`]).
//!
//! **When.** A line has its id and time when it is written, and stands for others when its transaction commits. A segment
//! ends where nothing of a page, a command or a sweep can still be on its way ([`CLOSES`]). An import's transaction lasts
//! longer: once that can't bring anything either ([`SETTLES`]), the segment is looked at again, and lines that came after it
//! was closed are sealed as late, by the next seal. What comes after that was added.
//!
//! **Subjects.** Whom a line shows is a part of the line's text: a look at somebody can't be made one at somebody else.

mod canonical;
mod lines;
mod sealer;
mod verify;

pub use sealer::{Sealer, seal, tend};
pub use verify::{Anchor, Finding, Report, What, verify};

use canonical::{Canonical, Digest, hash, hex};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, Prepared, TenantDatabase, TenantTransaction};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{AuditId, TenantId};
use std::time::Duration;
use uuid::Uuid;

/// How far behind a segment ends: twice what a transaction may take, but an import's.
pub const CLOSES: TimeDelta = TimeDelta::minutes(10);
/// How far behind it is looked at again: twice what an import's may take.
pub const SETTLES: TimeDelta = TimeDelta::hours(4);
/// What a transaction may take here, where nobody waits for it.
const LONG: Duration = Duration::from_mins(5);
/// An id and its digest in a segment's list.
const ENTRY: usize = 16 + 32;

/// A segment's seal.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Seal {
    /// 1, 2, 3 …
    #[diesel(sql_type = BigInt)]
    pub segment: i64,
    /// Lines with a lesser id are sealed.
    #[diesel(sql_type = SqlUuid)]
    pub before_id: Uuid,
    /// Up to this segment late lines are sealed, too.
    #[diesel(sql_type = BigInt)]
    pub settled: i64,
    /// Lines of its own.
    #[diesel(sql_type = Integer)]
    pub lines: i32,
    /// Late lines of earlier segments.
    #[diesel(sql_type = Integer)]
    pub late: i32,
    #[diesel(sql_type = Text)]
    digests_hash: String,
    #[diesel(sql_type = Text)]
    previous: String,
    /// Its SHA-256, in hexadecimals.
    #[diesel(sql_type = Text)]
    pub hash: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub sealed_at: DateTime<Utc>,
}

impl Seal {
    /// What the first seal follows.
    fn none() -> Self {
        Self {
            segment: 0,
            before_id: Uuid::nil(),
            settled: 0,
            lines: 0,
            late: 0,
            digests_hash: String::new(),
            previous: String::new(),
            hash: String::new(),
            sealed_at: DateTime::UNIX_EPOCH,
        }
    }

    /// The time before which lines are sealed.
    pub fn until(&self) -> DateTime<Utc> {
        time_of(self.before_id)
    }

    fn computed(&self, tenant: TenantId) -> String {
        let mut text = Canonical::of("seal");
        for part in [
            tenant.to_string(),
            self.segment.to_string(),
            self.before_id.to_string(),
            self.settled.to_string(),
            self.lines.to_string(),
            self.late.to_string(),
            self.digests_hash.clone(),
            self.previous.clone(),
            self.sealed_at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        ] {
            text.part(&part);
        }
        hex(&text.digest())
    }
}

/// The time in an id: its first 48 bits are milliseconds.
fn time_of(id: Uuid) -> DateTime<Utc> {
    let milliseconds = i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn pack(lines: &[(Uuid, Digest)]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|(id, digest)| id.into_bytes().into_iter().chain(*digest))
        .collect()
}

/// None where it is no list.
fn unpack(bytes: &[u8]) -> Option<Vec<(Uuid, Digest)>> {
    let entry = |entry: &[u8]| {
        let (id, digest) = entry.split_at_checked(16)?;
        Some((Uuid::from_slice(id).ok()?, digest.try_into().ok()?))
    };
    bytes.chunks(ENTRY).map(entry).collect()
}

/// The last seal: what is kept elsewhere, so that the chain can't be made anew unseen.
pub async fn anchor(tenant: &TenantDatabase) -> Result<Option<Seal>, DatabaseError> {
    let tx = tenant.read().await?;
    let head = head(&tx).await?;
    tx.commit().await?;
    Ok(head)
}

async fn head(tx: &TenantTransaction) -> Result<Option<Seal>, DatabaseError> {
    let statement = diesel::sql_query(HEAD).bind::<Integer, _>(tx.tenant());
    Ok(Prepared(statement).get_result(&mut &**tx).await.optional()?)
}

/// Seals from one on, in order.
async fn seals(tx: &TenantTransaction, from: i64, limit: i64) -> Result<Vec<Seal>, DatabaseError> {
    let statement = diesel::sql_query(SEALS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(limit);
    Ok(Prepared(statement).load(&mut &**tx).await?)
}

#[derive(QueryableByName)]
struct Digests {
    #[diesel(sql_type = Binary)]
    digests: Vec<u8>,
}

/// A segment's list, as it stands; none where it is pruned.
async fn digests(tx: &TenantTransaction, segment: i64) -> Result<Option<Vec<u8>>, DatabaseError> {
    let statement = diesel::sql_query(DIGESTS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(segment);
    let found: Option<Digests> = Prepared(statement).get_result(&mut &**tx).await.optional()?;
    Ok(found.map(|found| found.digests))
}

#[derive(QueryableByName)]
struct First {
    #[diesel(sql_type = Nullable<BigInt>)]
    segment: Option<i64>,
}

/// The first segment that is not pruned.
async fn first(tx: &TenantTransaction) -> Result<Option<i64>, DatabaseError> {
    let statement = diesel::sql_query(FIRST).bind::<Integer, _>(tx.tenant());
    let first: First = Prepared(statement).get_result(&mut &**tx).await?;
    Ok(first.segment)
}

#[derive(QueryableByName)]
struct Old {
    #[diesel(sql_type = BigInt)]
    segment: i64,
    #[diesel(sql_type = SqlUuid)]
    before_id: Uuid,
}

/// As the owner: deletes the oldest segment with whom its lines show, if all of it is older than `before` and nothing of it
/// can still be late; gives how many lines. None where there is no such segment. Its seal stays.
pub(crate) async fn prune(owner: &TenantDatabase, before: DateTime<Utc>) -> Result<Option<usize>, DatabaseError> {
    let mut tx = owner.write(Durability::Safe).await?;
    let statement = diesel::sql_query(OLDEST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(AuditId::least(before));
    let oldest: Option<Old> = Prepared(statement).get_result(&mut *tx).await.optional()?;
    let Some(Old { segment, before_id }) = oldest else {
        return Ok(None);
    };
    let deleted = crate::delete_before(&mut tx, before_id).await?;
    let list = diesel::sql_query(FORGET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(segment);
    Prepared(list).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(deleted))
}

const HEAD: &str = "\
SELECT segment, before_id, settled, lines, late, digests_hash, previous, hash, sealed_at FROM audit_seals
WHERE tenant_id = $1 ORDER BY segment DESC LIMIT 1";

const SEALS: &str = "\
SELECT segment, before_id, settled, lines, late, digests_hash, previous, hash, sealed_at FROM audit_seals
WHERE tenant_id = $1 AND segment >= $2 ORDER BY segment LIMIT $3";

const DIGESTS: &str = "SELECT digests FROM audit_segments WHERE tenant_id = $1 AND segment = $2";

const FIRST: &str = "SELECT min(segment) AS segment FROM audit_segments WHERE tenant_id = $1";

const OLDEST: &str = "\
SELECT s.segment, s.before_id
FROM (SELECT tenant_id, segment FROM audit_segments WHERE tenant_id = $1 ORDER BY segment LIMIT 1) l
JOIN audit_seals s ON s.tenant_id = l.tenant_id AND s.segment = l.segment
WHERE s.tenant_id = $1 AND s.before_id <= $2
    AND s.segment <= (SELECT h.settled FROM audit_seals h WHERE h.tenant_id = $1 ORDER BY h.segment DESC LIMIT 1)";

const FORGET: &str = "DELETE FROM audit_segments WHERE tenant_id = $1 AND segment = $2";
