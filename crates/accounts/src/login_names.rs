//! Whose a user ID is: the directory that is asked before a tenant is known.

use crate::{
    schema::{login_names, sign_up_tickets},
    ticket::TicketRow,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, DirectoryTransaction, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, PersonId, TenantId, TicketId, UserId};

/// Reserves a user ID for a ticket's life; false, and nothing changed, where it is somebody else's. What this person had
/// reserved before, on this ticket or an earlier one, is given up: the last sign-up begun is the one that counts.
pub(crate) async fn reserve(
    tx: &mut TenantTransaction,
    user_id: &UserId,
    row: &TicketRow,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let folded = user_id.folded();
    let own = tickets_of(tx, row.person_id).await?;
    let reserved = (
        login_names::tenant_id.eq(tenant),
        login_names::ticket_id.eq(row.ticket_id),
        login_names::reserved_until.eq(row.expires_at),
    );
    let upsert = diesel::insert_into(login_names::table)
        .values((login_names::user_id_folded.eq(&folded), reserved))
        .on_conflict(login_names::user_id_folded)
        .do_update()
        .set(reserved);
    let free = login_names::reserved_until.lt(now).or(login_names::tenant_id
        .eq(tenant)
        .nullable()
        .and(login_names::ticket_id.eq_any(&own)));
    if diesel::query_dsl::methods::FilterDsl::filter(upsert, free)
        .execute(&mut **tx)
        .await?
        == 0
    {
        return Ok(false);
    }
    diesel::delete(login_names::table)
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::ticket_id.eq_any(&own))
        .filter(login_names::user_id_folded.ne(&folded))
        .execute(&mut **tx)
        .await?;
    Ok(true)
}

/// True where [`reserve`] would not refuse.
pub(crate) async fn is_free(
    tx: &mut TenantTransaction,
    user_id: &UserId,
    row: &TicketRow,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let found: Option<(TenantId, Option<TicketId>, Option<DateTime<Utc>>)> = login_names::table
        .filter(login_names::user_id_folded.eq(user_id.folded()))
        .select((
            login_names::tenant_id,
            login_names::ticket_id,
            login_names::reserved_until,
        ))
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(match found {
        None => true,
        Some((_, _, Some(until))) if until < now => true,
        Some((tenant, Some(ticket), _)) if tenant == tx.tenant() => {
            tickets_of(tx, row.person_id).await?.contains(&ticket)
        }
        Some(_) => false,
    })
}

async fn tickets_of(tx: &mut TenantTransaction, person: PersonId) -> Result<Vec<TicketId>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(sign_up_tickets::table
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::person_id.eq(person))
        .select(sign_up_tickets::ticket_id)
        .load(&mut **tx)
        .await?)
}

/// Hands a user ID over from the ticket that reserved it to the account it was reserved for.
pub(crate) async fn hand_over(
    tx: &mut TenantTransaction,
    user_id: &UserId,
    row: &TicketRow,
    account: AccountId,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let named = diesel::update(login_names::table)
        .filter(login_names::user_id_folded.eq(user_id.folded()))
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
    if named == 1 {
        Ok(())
    } else {
        Err(diesel::result::Error::NotFound.into())
    }
}

/// Whose account a folded user ID is; nobody's while it is only reserved.
pub(crate) async fn owner(
    directory: &DirectoryTransaction,
    folded: &str,
) -> Result<Option<(TenantId, AccountId)>, DatabaseError> {
    let found: Option<(TenantId, Option<AccountId>)> = login_names::table
        .filter(login_names::user_id_folded.eq(folded))
        .select((login_names::tenant_id, login_names::account_id))
        .first(&mut &**directory)
        .await
        .optional()?;
    Ok(found.and_then(|(tenant, account)| Some((tenant, account?))))
}

/// Gives up reservations that ended before `before`.
pub(crate) async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let given_up = diesel::delete(login_names::table)
        .filter(login_names::tenant_id.eq(tenant))
        .filter(login_names::reserved_until.lt(before))
        .execute(&mut **tx)
        .await?;
    Ok(given_up)
}
