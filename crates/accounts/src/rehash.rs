//! Every user ID's hash under the present key of names, made from the accounts and tickets that have the IDs themselves.
//! In short transactions, while nodes serve; run again it finds nothing to do.

use crate::{
    login_names::give_up,
    schema::{accounts, login_names, sign_up_tickets},
};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, NameKeys, TenantId, TicketId, UserId};
use uuid::Uuid;

/// Names in one transaction.
const BATCH: i64 = 300;

/// The names of an insurer's accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names {
    /// Accounts with a user ID.
    pub accounts: usize,
    /// Of these the ones found under the present key.
    pub present: usize,
    /// And under the one whose place it takes.
    pub old: usize,
}

/// Counts without changing anything.
pub async fn count_names(database: &Database, tenant: TenantId, names: &NameKeys) -> Result<Names, DatabaseError> {
    let (mut counted, mut after) = (Names::default(), AccountId(Uuid::nil()));
    loop {
        let mut tx = database.tenant(tenant).read().await?;
        let batch = accounts_after(&mut tx, after).await?;
        if let Some((last, _)) = batch.last() {
            after = *last;
            count(&mut tx, names, &hashed(names, batch), &mut counted).await?;
        } else {
            return Ok(counted);
        }
        tx.commit().await?;
    }
}

/// Gives an insurer's names their hash under the present key; with `finish` takes the one under the old key away. What
/// is found afterwards.
pub async fn rehash_names(
    database: &Database,
    tenant: TenantId,
    names: &NameKeys,
    finish: bool,
) -> Result<Names, DatabaseError> {
    let (mut counted, mut after) = (Names::default(), AccountId(Uuid::nil()));
    loop {
        let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
        let batch = accounts_after(&mut tx, after).await?;
        let Some((last, _)) = batch.last() else {
            tx.commit().await?;
            break;
        };
        after = *last;
        let batch = hashed(names, batch);
        name_accounts(&mut tx, &batch).await?;
        if finish {
            forget_old(&mut tx, &batch).await?;
        }
        count(&mut tx, names, &batch, &mut counted).await?;
        tx.commit().await?;
    }
    reserve_again(database, tenant, names, finish).await?;
    Ok(counted)
}

/// An account and its name's hashes, the present key's first.
type Hashed = (AccountId, Vec<Vec<u8>>);

/// What has no user ID any more has no name.
fn hashed(names: &NameKeys, batch: Vec<(AccountId, String)>) -> Vec<Hashed> {
    let named = batch.into_iter().filter_map(|(account, user_id)| {
        let user_id = UserId::typed(&user_id).ok()?;
        Some((account, names.hashes(&user_id.folded())))
    });
    named.collect()
}

fn under(batch: &[Hashed], key: usize) -> Vec<&[u8]> {
    let hashes = batch.iter().filter_map(|(_, hashes)| hashes.get(key));
    hashes.map(Vec::as_slice).collect()
}

/// Reservations under way get their hash too; one that has gone over to another ticket stays there.
async fn reserve_again(
    database: &Database,
    tenant: TenantId,
    names: &NameKeys,
    finish: bool,
) -> Result<(), DatabaseError> {
    let mut after = TicketId(Uuid::nil());
    loop {
        let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
        let batch = tickets_after(&mut tx, after).await?;
        let Some((last, ..)) = batch.last() else {
            return tx.commit().await;
        };
        after = *last;
        for (ticket, user_id, until) in batch {
            let Some(Ok(user_id)) = user_id.as_deref().map(UserId::typed) else {
                continue;
            };
            match names.hashes(&user_id.folded()).as_slice() {
                [present, old] if is_reserved(&mut tx, old, ticket).await? => {
                    name_ticket(&mut tx, present, ticket, until).await?;
                    if finish {
                        give_up(&mut tx, std::slice::from_ref(old), &[ticket]).await?;
                    }
                }
                [present] => name_ticket(&mut tx, present, ticket, until).await?,
                _ => {}
            }
        }
        tx.commit().await?;
    }
}

async fn accounts_after(
    tx: &mut TenantTransaction,
    after: AccountId,
) -> Result<Vec<(AccountId, String)>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.gt(after))
        .order(accounts::account_id)
        .limit(BATCH)
        .select((accounts::account_id, accounts::user_id))
        .load(&mut **tx)
        .await?)
}

type Reserved = (TicketId, Option<String>, DateTime<Utc>);

async fn tickets_after(tx: &mut TenantTransaction, after: TicketId) -> Result<Vec<Reserved>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(sign_up_tickets::table
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::ticket_id.gt(after))
        .filter(sign_up_tickets::registered_at.is_null())
        .filter(sign_up_tickets::user_id.is_not_null())
        .order(sign_up_tickets::ticket_id)
        .limit(BATCH)
        .select((
            sign_up_tickets::ticket_id,
            sign_up_tickets::user_id,
            sign_up_tickets::expires_at,
        ))
        .load(&mut **tx)
        .await?)
}

/// What stands there already stays whose it is: the count tells where that is not the account.
async fn name_accounts(tx: &mut TenantTransaction, batch: &[Hashed]) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let rows: Vec<_> = batch
        .iter()
        .filter_map(|(account, hashes)| {
            let [present, ..] = hashes.as_slice() else {
                return None;
            };
            Some((
                login_names::name_hash.eq(present),
                login_names::tenant_id.eq(tenant),
                login_names::account_id.eq(*account),
            ))
        })
        .collect();
    diesel::insert_into(login_names::table)
        .values(rows)
        .on_conflict(login_names::name_hash)
        .do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn name_ticket(
    tx: &mut TenantTransaction,
    hash: &[u8],
    ticket: TicketId,
    until: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::insert_into(login_names::table)
        .values((
            login_names::name_hash.eq(hash),
            login_names::tenant_id.eq(tenant),
            login_names::ticket_id.eq(ticket),
            login_names::reserved_until.eq(until),
        ))
        .on_conflict(login_names::name_hash)
        .do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn is_reserved(tx: &mut TenantTransaction, hash: &[u8], ticket: TicketId) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let row = login_names::table
        .filter(login_names::name_hash.eq(hash))
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::ticket_id.eq(ticket));
    Ok(diesel::select(diesel::dsl::exists(row)).get_result(&mut **tx).await?)
}

async fn forget_old(tx: &mut TenantTransaction, batch: &[Hashed]) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let accounts: Vec<AccountId> = batch.iter().map(|(account, _)| *account).collect();
    diesel::delete(login_names::table)
        .filter(login_names::name_hash.eq_any(under(batch, 1)))
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::account_id.eq_any(accounts))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn count(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    batch: &[Hashed],
    counted: &mut Names,
) -> Result<(), DatabaseError> {
    let accounts: Vec<AccountId> = batch.iter().map(|(account, _)| *account).collect();
    counted.accounts += batch.len();
    counted.present += found(tx, &under(batch, 0), &accounts).await?;
    if names.old_proof().is_some() {
        counted.old += found(tx, &under(batch, 1), &accounts).await?;
    }
    Ok(())
}

async fn found(tx: &mut TenantTransaction, hashes: &[&[u8]], accounts: &[AccountId]) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let rows: i64 = login_names::table
        .filter(login_names::name_hash.eq_any(hashes))
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::account_id.eq_any(accounts))
        .count()
        .get_result(&mut **tx)
        .await?;
    Ok(usize::try_from(rows).unwrap_or(0))
}
