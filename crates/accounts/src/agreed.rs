//! Who accepted which terms, for staff: counts of a document, and the ledger of a revision page by page. Whoever has closed
//! their account is in neither, and of the protected there are no counts.

use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{ConsentId, PersonId, TenantId};
use roster::{
    Protected, Sight,
    protection::{not_protected, not_protected_of_all},
};

/// Whose document: the platform's or the insurer's, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its owner.
    pub owner: TenantId,
    /// `service`, `points` or `addendum`.
    pub name: &'a str,
}

/// How many members accepted a revision.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Accepted {
    /// From 1.
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    /// Members.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
}

/// A line of the ledger. Whose it is is not known of a closed account.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Line {
    /// Which; lines are in the order of these, that is, of time.
    #[diesel(sql_type = SqlUuid)]
    pub consent_id: ConsentId,
    /// Who.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub person_id: Option<PersonId>,
    /// Which revision.
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// By which door: `portal` or `api`.
    #[diesel(sql_type = Text)]
    pub channel: String,
}

/// How many members accepted each revision of a document.
pub async fn accepted(tx: &TenantTransaction, document: Document<'_>) -> Result<Vec<Accepted>, DatabaseError> {
    let query = diesel::sql_query(accepted_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(document.owner)
        .bind::<Text, _>(document.name);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// How many members have accepted no revision of a document since this one.
pub async fn lacking(tx: &TenantTransaction, document: Document<'_>, since: i32) -> Result<i64, DatabaseError> {
    #[derive(QueryableByName)]
    struct Lacking {
        #[diesel(sql_type = BigInt)]
        members: i64,
    }
    let query = diesel::sql_query(lacking_sql())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(document.owner)
        .bind::<Text, _>(document.name)
        .bind::<Integer, _>(since);
    let row: Lacking = Prepared(query).get_result(&mut &**tx).await?;
    Ok(row.members)
}

/// The lines of a revision after one of them, `limit` at most.
pub async fn lines(
    tx: &TenantTransaction,
    document: Document<'_>,
    revision: i32,
    after: Option<ConsentId>,
    limit: i64,
) -> Result<Vec<Line>, DatabaseError> {
    let query = diesel::sql_query(LINES)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(document.owner)
        .bind::<Text, _>(document.name)
        .bind::<Integer, _>(revision)
        .bind::<SqlUuid, _>(after.unwrap_or(ConsentId(uuid::Uuid::nil())))
        .bind::<BigInt, _>(limit);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// The lines of a document, its revisions one after the other, after a line of one of them; `limit` at most. Of closed accounts there
/// are none, nor of whoever is not to be seen: a page is as full, and ends where it would, as if there were no such people.
pub async fn lines_of_all(
    tx: &TenantTransaction,
    sight: &Sight,
    document: Document<'_>,
    after: Option<(i32, ConsentId)>,
    limit: i64,
) -> Result<Vec<Line>, DatabaseError> {
    let (revision, consent) = after.unwrap_or((0, ConsentId(uuid::Uuid::nil())));
    let query = diesel::sql_query(lines_of_all_sql(sight))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(document.owner)
        .bind::<Text, _>(document.name)
        .bind::<Integer, _>(revision)
        .bind::<SqlUuid, _>(consent)
        .bind::<BigInt, _>(limit);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

fn accepted_sql() -> String {
    format!(
        "SELECT c.revision, count(*) AS members
         FROM consents c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
         WHERE c.tenant_id = $1 AND a.tenant_id = $1 AND c.owner = $2 AND c.document = $3 AND a.emptied_at IS NULL
           AND {}
         GROUP BY c.revision ORDER BY c.revision",
        not_protected_of_all("a.person_id")
    )
}

fn lacking_sql() -> String {
    format!(
        "SELECT count(*) AS members FROM accounts a
         WHERE a.tenant_id = $1 AND a.emptied_at IS NULL AND {}
           AND NOT EXISTS (SELECT FROM consents c WHERE c.tenant_id = $1 AND c.account_id = a.account_id
               AND c.owner = $2 AND c.document = $3 AND c.revision >= $4)",
        not_protected_of_all("a.person_id")
    )
}

// The page comes first: of the accounts only those of its lines are looked at, each by its key.
const LINES: &str = "\
SELECT c.consent_id, a.person_id, c.revision, c.at, c.channel FROM (
    SELECT * FROM consents q
    WHERE q.tenant_id = $1 AND q.owner = $2 AND q.document = $3 AND q.revision = $4 AND q.consent_id > $5
    ORDER BY q.consent_id LIMIT $6
) c LEFT JOIN LATERAL (
    SELECT * FROM accounts q WHERE q.tenant_id = $1 AND q.account_id = c.account_id AND q.emptied_at IS NULL OFFSET 0
) a ON true
ORDER BY c.consent_id";

/// Line by line in the order of the index until the page is full: of the accounts only those of the lines are looked at, each by
/// its key.
fn lines_of_all_sql(sight: &Sight) -> String {
    let seen = if sight.protected == Protected::Seen {
        String::new()
    } else {
        format!(" AND {}", not_protected("q.person_id"))
    };
    format!(
        "SELECT c.consent_id, a.person_id, c.revision, c.at, c.channel
         FROM consents c CROSS JOIN LATERAL (
             SELECT * FROM accounts q
             WHERE q.tenant_id = $1 AND q.account_id = c.account_id AND q.emptied_at IS NULL{seen} OFFSET 0
         ) a
         WHERE c.tenant_id = $1 AND c.owner = $2 AND c.document = $3 AND (c.revision, c.consent_id) > ($4, $5)
         ORDER BY c.revision, c.consent_id LIMIT $6"
    )
}
