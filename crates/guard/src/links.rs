//! Single-use secrets in links (a forgotten password): looked at by GET as often as one likes, used up once by POST.
//!
//! A second request does not close the first link, or a stranger could keep closing them; but whichever is used
//! closes them all.

use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, Secret, TenantSecret};
use uuid::Uuid;

mod table {
    diesel::table! {
        links (tenant_id, secret_hash) {
            tenant_id -> Integer,
            secret_hash -> Binary,
            subject_id -> Uuid,
            purpose -> Text,
            expires_at -> Timestamptz,
            used_at -> Nullable<Timestamptz>,
        }
    }
}
use table::links;

/// What a link's secret turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Good, and whose it is.
    Open {
        /// The subject it was issued for.
        subject: Uuid,
    },
    /// Its time is over.
    Late,
    /// Used, or closed by the use of another of the same subject and purpose.
    Used {
        /// The subject it was issued for.
        subject: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// None of ours: cut in the mail, or forged.
    Unknown,
}

/// Makes a link's secret, good for `ttl`.
pub async fn issue(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    subject: Uuid,
    purpose: &str,
    ttl: TimeDelta,
) -> Result<TenantSecret, DatabaseError> {
    let link = TenantSecret::random(tx.tenant());
    diesel::insert_into(links::table)
        .values((
            links::tenant_id.eq(tx.tenant()),
            links::secret_hash.eq(link.secret.hash(keys, &hash_purpose(purpose))),
            links::subject_id.eq(subject),
            links::purpose.eq(purpose),
            links::expires_at.eq(now + ttl),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(link)
}

/// Looks without using: for the page that a GET shows.
pub async fn peek(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    secret: &Secret,
    purpose: &str,
) -> Result<LinkState, DatabaseError> {
    for hash in secret.hashes(keys, &hash_purpose(purpose)) {
        let found: Option<(Uuid, DateTime<Utc>, Option<DateTime<Utc>>)> = links::table
            .filter(links::tenant_id.eq(tx.tenant()))
            .filter(links::secret_hash.eq(hash))
            .filter(links::purpose.eq(purpose))
            .select((links::subject_id, links::expires_at, links::used_at))
            .first(&mut **tx)
            .await
            .optional()?;
        match found {
            None => {}
            Some((subject, _, Some(at))) => return Ok(LinkState::Used { subject, at }),
            Some((_, expires_at, None)) if expires_at <= now => return Ok(LinkState::Late),
            Some((subject, _, None)) => return Ok(LinkState::Open { subject }),
        }
    }
    Ok(LinkState::Unknown)
}

/// Uses the link up, and with it every other of its subject and purpose. Of two at the same time one gets `Open`.
pub async fn use_up(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    secret: &Secret,
    purpose: &str,
) -> Result<LinkState, DatabaseError> {
    for hash in secret.hashes(keys, &hash_purpose(purpose)) {
        let taken: Option<Uuid> = diesel::update(
            links::table
                .filter(links::tenant_id.eq(tx.tenant()))
                .filter(links::secret_hash.eq(hash))
                .filter(links::purpose.eq(purpose))
                .filter(links::used_at.is_null())
                .filter(links::expires_at.gt(now)),
        )
        .set(links::used_at.eq(now))
        .returning(links::subject_id)
        .get_result(&mut **tx)
        .await
        .optional()?;
        if let Some(subject) = taken {
            close(tx, now, subject, purpose).await?;
            return Ok(LinkState::Open { subject });
        }
    }
    peek(tx, keys, now, secret, purpose).await
}

/// Closes every open link of a subject and purpose: for when what it would change was changed another way.
pub async fn close(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    subject: Uuid,
    purpose: &str,
) -> Result<(), DatabaseError> {
    diesel::update(
        links::table
            .filter(links::tenant_id.eq(tx.tenant()))
            .filter(links::subject_id.eq(subject))
            .filter(links::purpose.eq(purpose))
            .filter(links::used_at.is_null()),
    )
    .set(links::used_at.eq(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Each purpose has a key of its own: a link for one opens nothing else.
fn hash_purpose(purpose: &str) -> String {
    format!("link:{purpose}")
}

pub(crate) async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let deleted = diesel::delete(
        links::table
            .filter(links::tenant_id.eq(tx.tenant()))
            .filter(links::expires_at.lt(before)),
    )
    .execute(&mut **tx)
    .await?;
    Ok(deleted)
}
