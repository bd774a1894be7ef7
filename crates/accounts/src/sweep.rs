//! What nobody finished, deleted once its time is over: for a job.

use crate::{
    desk_email, login_names,
    schema::{email_changes, sign_up_tickets},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{NameKeys, TicketId, UserId};

/// Deletes sign-ups whose ticket ended before `before`, with the user IDs they had reserved, and changes of address whose
/// time ended before it; gives how many sign-ups and changes.
pub async fn sweep(
    tx: &mut TenantTransaction,
    names: &NameKeys,
    before: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    Ok(sign_ups(tx, names, before).await? + email_changes(tx, before).await? + desk_email::sweep(tx, before).await?)
}

async fn sign_ups(tx: &mut TenantTransaction, names: &NameKeys, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let ended: Vec<(TicketId, Option<String>)> = diesel::delete(sign_up_tickets::table)
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::expires_at.lt(before))
        .returning((sign_up_tickets::ticket_id, sign_up_tickets::user_id))
        .get_results(&mut **tx)
        .await?;
    let tickets: Vec<TicketId> = ended.iter().map(|(ticket, _)| *ticket).collect();
    let reserved: Vec<Vec<u8>> = ended
        .iter()
        .filter_map(|(_, user_id)| UserId::typed(user_id.as_deref()?).ok())
        .flat_map(|user_id| names.hashes(&user_id.folded()))
        .collect();
    login_names::give_up(tx, &reserved, &tickets).await?;
    Ok(ended.len())
}

async fn email_changes(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let ended = diesel::delete(email_changes::table)
        .filter(email_changes::tenant_id.eq(tenant))
        .filter(email_changes::expires_at.lt(before))
        .execute(&mut **tx)
        .await?;
    Ok(ended)
}
