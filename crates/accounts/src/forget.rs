//! Forgetting the accounts of people whom the roster has forgotten. The row is emptied, not deleted: consents hang on it.
//! Its user ID, as that of a closed account, is nobody else's for a year more, so that no stranger is taken for who had it.

use crate::{
    desk_email, login_names, registrations,
    schema::{accounts, email_changes},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Timestamptz},
};
use diesel_async::RunQueryDsl;
use kernel::{AccountId, NameKeys, PersonId, UserId};

/// How long the user ID of an emptied account stays taken.
const TAKEN: TimeDelta = TimeDelta::days(365);

/// Empties the accounts of these people; gives whose there were.
pub async fn empty(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    people: &[PersonId],
) -> Result<Vec<AccountId>, DatabaseError> {
    let tenant = tx.tenant();
    let mut emptied = Vec::new();
    // One by one: for a list of ids PostgreSQL may read a large insurer whole.
    for person in people {
        let account: Option<AccountId> = diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::person_id.eq(person))
            .set(OfNobody::at(now))
            .returning(accounts::account_id)
            .get_result(&mut **tx)
            .await
            .optional()?;
        let Some(account) = account else { continue };
        diesel::delete(email_changes::table)
            .filter(email_changes::tenant_id.eq(tenant))
            .filter(email_changes::account_id.eq(account))
            .execute(&mut **tx)
            .await?;
        desk_email::end(tx, account).await?;
        registrations::tell(tx, now, registrations::Kind::Closed, (account, *person));
        emptied.push(account);
    }
    Ok(emptied)
}

/// What an account is that is nobody's any more: its user ID stays for a while.
#[derive(AsChangeset)]
#[diesel(table_name = accounts, treat_none_as_null = true)]
pub(crate) struct OfNobody {
    password: Vec<u8>,
    email: &'static str,
    last_log_in_at: Option<DateTime<Utc>>,
    previous_log_in_at: Option<DateTime<Utc>>,
    emptied_at: Option<DateTime<Utc>>,
}

impl OfNobody {
    pub(crate) fn at(now: DateTime<Utc>) -> Self {
        Self {
            password: Vec::new(),
            email: "",
            last_log_in_at: None,
            previous_log_in_at: None,
            emptied_at: Some(now),
        }
    }
}

/// Frees the user IDs of accounts that were emptied a year ago; gives how many.
pub async fn free_names(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let ended: Vec<Ended> = diesel::sql_query(ENDED)
        .bind::<Integer, _>(tenant)
        .bind::<Timestamptz, _>(now - TAKEN)
        .bind::<BigInt, _>(limit)
        .load(&mut **tx)
        .await?;
    for Ended { account_id, user_id } in &ended {
        if let Ok(user_id) = UserId::typed(user_id) {
            login_names::free(tx, &names.hashes(&user_id.folded()), *account_id).await?;
        }
        diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::account_id.eq(account_id))
            .set(accounts::user_id.eq(""))
            .execute(&mut **tx)
            .await?;
    }
    Ok(ended.len())
}

#[derive(QueryableByName)]
#[diesel(table_name = accounts)]
struct Ended {
    account_id: AccountId,
    user_id: String,
}

/// With the blank written out, as in the index that finds them.
const ENDED: &str = "
    SELECT account_id, user_id FROM accounts
    WHERE tenant_id = $1 AND emptied_at < $2 AND user_id <> '' ORDER BY emptied_at LIMIT $3";
