//! What became of accounts, for programs that follow it: made, with another address, closed. Ids and times alone; user ID and address
//! are read from the account, as they are by then.

use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use jobs::feed;
use kernel::{AccountId, PersonId};
use roster::{Protected, Sight, protection::not_protected};

const FEED: &str = "registrations";

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was made.
    Registered,
    /// Another address was proven.
    EmailChanged,
    /// It is nobody's any more: closed, or forgotten with its person.
    Closed,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::EmailChanged => "email_changed",
            Self::Closed => "closed",
        }
    }
}

/// Something that happened, with how the account stands now.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Told {
    /// Grows in the order of commit.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// To which account.
    #[diesel(sql_type = Uuid)]
    pub account_id: AccountId,
    /// Whose it is, or was.
    #[diesel(sql_type = Uuid)]
    pub person_id: PersonId,
    /// `registered`, `email_changed` or `closed`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Since when the account is.
    #[diesel(sql_type = Timestamptz)]
    pub registered_at: DateTime<Utc>,
    /// When it was closed, if it is.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub closed_at: Option<DateTime<Utc>>,
    /// ユーザーID; none of a closed account.
    #[diesel(sql_type = Nullable<Text>)]
    pub user_id: Option<String>,
    /// The proven address; none of a closed account.
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
}

/// Tells it, at the end of the transaction in which it happens.
pub(crate) fn tell(
    tx: &mut TenantTransaction,
    at: DateTime<Utc>,
    kind: Kind,
    (account, person): (AccountId, PersonId),
) {
    tx.at_the_end(move |tx| {
        Box::pin(async move {
            let position = feed::next(tx, FEED).await?;
            let query = diesel::sql_query(TELL)
                .bind::<Integer, _>(tx.tenant())
                .bind::<BigInt, _>(position)
                .bind::<Uuid, _>(account)
                .bind::<Uuid, _>(person)
                .bind::<Text, _>(kind.as_str())
                .bind::<Timestamptz, _>(at);
            Prepared(query).execute(&mut **tx).await?;
            Ok(())
        })
    });
}

/// Tells how a person's accounts stand once more: what happened to them while the person was protected was passed by.
pub(crate) async fn tell_again(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    #[derive(QueryableByName)]
    struct Standing {
        #[diesel(sql_type = Uuid)]
        account_id: AccountId,
        #[diesel(sql_type = Timestamptz)]
        registered_at: DateTime<Utc>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        emptied_at: Option<DateTime<Utc>>,
    }
    let query = diesel::sql_query(THEIRS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person);
    let theirs: Vec<Standing> = Prepared(query).load(&mut **tx).await?;
    for account in theirs {
        let (at, kind) = match account.emptied_at {
            Some(at) => (at, Kind::Closed),
            None => (account.registered_at, Kind::Registered),
        };
        tell(tx, at, kind, (account.account_id, person));
    }
    Ok(())
}

/// What happened after a position, in the order of commit, `limit` at most; nothing of people who are not to be seen.
pub async fn after(
    tx: &TenantTransaction,
    sight: &Sight,
    position: i64,
    limit: u32,
) -> Result<Vec<Told>, DatabaseError> {
    let query = diesel::sql_query(after_sql(sight))
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(position)
        .bind::<BigInt, _>(i64::from(limit));
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// The last position: what happens from now on is behind it.
pub async fn last(tx: &TenantTransaction) -> Result<i64, DatabaseError> {
    feed::last(tx, FEED).await
}

const TELL: &str = "\
INSERT INTO registrations (tenant_id, position, account_id, person_id, kind, at) VALUES ($1, $2, $3, $4, $5, $6)";

const THEIRS: &str = "\
SELECT a.account_id, a.registered_at, a.emptied_at FROM (
    SELECT * FROM accounts b WHERE b.tenant_id = $1 AND b.person_id = $2
    UNION ALL
    SELECT * FROM accounts b WHERE b.tenant_id = $1 AND b.closed_person_id = $2
) a ORDER BY a.registered_at, a.account_id";

/// Of the accounts only those of the page are looked at, each by its key.
fn after_sql(sight: &Sight) -> String {
    let seen = if sight.protected == Protected::Seen {
        String::new()
    } else {
        format!(" AND {}", not_protected("q.person_id"))
    };
    format!(
        "SELECT r.position, r.account_id, r.person_id, r.kind, r.at, a.registered_at, a.emptied_at AS closed_at,
             CASE WHEN a.emptied_at IS NULL THEN a.user_id END AS user_id,
             CASE WHEN a.emptied_at IS NULL THEN a.email END AS email
         FROM (
             SELECT * FROM registrations q
             WHERE q.tenant_id = $1 AND q.position > $2{seen} ORDER BY q.position LIMIT $3
         ) r CROSS JOIN LATERAL (
             SELECT * FROM accounts q WHERE q.tenant_id = $1 AND q.account_id = r.account_id OFFSET 0
         ) a
         ORDER BY r.position"
    )
}
