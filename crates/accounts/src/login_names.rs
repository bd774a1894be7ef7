//! Whose a user ID is: the directory that is asked before a tenant is known. It holds keyed hashes of folded user IDs;
//! the IDs themselves stand with their accounts and tickets, within their insurers, so every statement here goes by a
//! hash. While the key of names changes a name has two, and is somebody's where either is.

use crate::{
    schema::{login_names, sign_up_tickets},
    ticket::TicketRow,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, DirectoryTransaction, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, NameKeys, PersonId, TenantId, TicketId, UserId};

/// Reserves a user ID for a ticket's life; false, and nothing changed, where it is somebody else's. What this person had
/// reserved before, on this ticket or an earlier one, is given up: the last sign-up begun is the one that counts.
pub(crate) async fn reserve(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    user_id: &UserId,
    row: &TicketRow,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let wanted = names.hashes(&user_id.folded());
    let own = tickets_of(tx, row.person_id).await?;
    let tickets: Vec<TicketId> = own.iter().map(|(ticket, _)| *ticket).collect();
    for hash in &wanted {
        if !reserve_hash(tx, hash, row, &tickets, now).await? {
            give_up(tx, &wanted, &[row.ticket_id]).await?;
            return Ok(false);
        }
    }
    let before: Vec<Vec<u8>> = own
        .iter()
        .filter_map(|(_, before)| before.as_deref().and_then(|before| UserId::typed(before).ok()))
        .flat_map(|before| names.hashes(&before.folded()))
        .filter(|hash| !wanted.contains(hash))
        .collect();
    give_up(tx, &before, &tickets).await?;
    Ok(true)
}

/// Takes one hash for a ticket where nobody else's reservation lives and nobody has it for good.
async fn reserve_hash(
    tx: &mut TenantTransaction,
    hash: &[u8],
    row: &TicketRow,
    own: &[TicketId],
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let reserved = (
        login_names::tenant_id.eq(tenant),
        login_names::ticket_id.eq(row.ticket_id),
        login_names::reserved_until.eq(row.expires_at),
    );
    let upsert = diesel::insert_into(login_names::table)
        .values((login_names::name_hash.eq(hash), reserved))
        .on_conflict(login_names::name_hash)
        .do_update()
        .set(reserved);
    let free = login_names::reserved_until.lt(now).or(login_names::tenant_id
        .eq(tenant)
        .nullable()
        .and(login_names::ticket_id.eq_any(own)));
    let taken = diesel::query_dsl::methods::FilterDsl::filter(upsert, free)
        .execute(&mut **tx)
        .await?;
    Ok(taken > 0)
}

/// Frees what these tickets have reserved under these hashes.
pub(crate) async fn give_up(
    tx: &mut TenantTransaction,
    hashes: &[Vec<u8>],
    tickets: &[TicketId],
) -> Result<(), DatabaseError> {
    if hashes.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    diesel::delete(login_names::table)
        .filter(login_names::name_hash.eq_any(hashes))
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::ticket_id.eq_any(tickets))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes an account's name from it: it is free for others.
pub(crate) async fn free(
    tx: &mut TenantTransaction,
    hashes: &[Vec<u8>],
    account: AccountId,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::delete(login_names::table)
        .filter(login_names::name_hash.eq_any(hashes))
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::account_id.eq(account))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// True where [`reserve`] would not refuse.
pub(crate) async fn is_free(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    user_id: &UserId,
    row: &TicketRow,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    for hash in names.hashes(&user_id.folded()) {
        let found: Option<(TenantId, Option<TicketId>, Option<DateTime<Utc>>)> = login_names::table
            .filter(login_names::name_hash.eq(hash))
            .select((
                login_names::tenant_id,
                login_names::ticket_id,
                login_names::reserved_until,
            ))
            .first(&mut **tx)
            .await
            .optional()?;
        let free = match found {
            None => true,
            Some((_, _, Some(until))) if until < now => true,
            Some((tenant, Some(ticket), _)) if tenant == tx.tenant() => {
                let own = tickets_of(tx, row.person_id).await?;
                own.iter().any(|(own, _)| *own == ticket)
            }
            Some(_) => false,
        };
        if !free {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A person's tickets, with the user ID that each has reserved.
async fn tickets_of(
    tx: &mut TenantTransaction,
    person: PersonId,
) -> Result<Vec<(TicketId, Option<String>)>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(sign_up_tickets::table
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::person_id.eq(person))
        .select((sign_up_tickets::ticket_id, sign_up_tickets::user_id))
        .load(&mut **tx)
        .await?)
}

/// Hands a user ID over from the ticket that reserved it to the account it was reserved for.
pub(crate) async fn hand_over(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    user_id: &UserId,
    row: &TicketRow,
    account: AccountId,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    for hash in names.hashes(&user_id.folded()) {
        let named = diesel::update(login_names::table)
            .filter(login_names::name_hash.eq(hash))
            .filter(login_names::tenant_id.eq(tenant))
            .filter(login_names::ticket_id.eq(row.ticket_id))
            .set((
                login_names::account_id.eq(account),
                login_names::ticket_id.eq(None::<TicketId>),
                login_names::reserved_until.eq(None::<DateTime<Utc>>),
            ))
            .execute(&mut **tx)
            .await?;
        // Reserved in this very transaction: a missing row is a fault of ours, and without a name there is no account.
        if named != 1 {
            return Err(diesel::result::Error::NotFound.into());
        }
    }
    Ok(())
}

/// Whose account a name is, by one of its hashes; nobody's while it is only reserved.
pub(crate) async fn owner(
    directory: &DirectoryTransaction,
    hash: &[u8],
) -> Result<Option<(TenantId, AccountId)>, DatabaseError> {
    let found: Option<(TenantId, Option<AccountId>)> = login_names::table
        .filter(login_names::name_hash.eq(hash))
        .select((login_names::tenant_id, login_names::account_id))
        .first(&mut &**directory)
        .await
        .optional()?;
    Ok(found.and_then(|(tenant, account)| Some((tenant, account?))))
}
