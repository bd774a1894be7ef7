//! Forgetting the accounts of people whom the roster has forgotten. The row is emptied, not deleted: consents hang on it.
//! Its user ID is nobody else's for a year more, so that no stranger is taken for who had it.

use crate::{
    login_names,
    schema::{accounts, email_changes},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
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
    let emptied: Vec<AccountId> = diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::person_id.eq_any(people))
        .set((
            accounts::password.eq(Vec::new()),
            accounts::email.eq(""),
            accounts::last_log_in_at.eq(None::<DateTime<Utc>>),
            accounts::previous_log_in_at.eq(None::<DateTime<Utc>>),
            accounts::emptied_at.eq(now),
        ))
        .returning(accounts::account_id)
        .get_results(&mut **tx)
        .await?;
    diesel::delete(email_changes::table)
        .filter(email_changes::tenant_id.eq(tenant))
        .filter(email_changes::account_id.eq_any(&emptied))
        .execute(&mut **tx)
        .await?;
    Ok(emptied)
}

/// Frees the user IDs of accounts that were emptied a year ago; gives how many.
pub async fn free_names(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let ended: Vec<(AccountId, String)> = accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::emptied_at.lt(now - TAKEN))
        .filter(accounts::user_id.ne(""))
        .order(accounts::emptied_at)
        .limit(limit)
        .select((accounts::account_id, accounts::user_id))
        .load(&mut **tx)
        .await?;
    for (account, user_id) in &ended {
        if let Ok(user_id) = UserId::typed(user_id) {
            login_names::free(tx, &names.hashes(&user_id.folded()), *account).await?;
        }
        diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::account_id.eq(account))
            .set(accounts::user_id.eq(""))
            .execute(&mut **tx)
            .await?;
    }
    Ok(ended.len())
}
