//! Whether a person has an account, as far as the roster needs it to list people by it. It never says more than that, and
//! what a page says of an account is read from the account.

use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::sql_types::{Bool, Integer, Uuid};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// Notes it in the transaction of the account. False, and nothing done, where an import holds the person's row: nobody's
/// sign-up waits for one, and the caller does it again later.
pub async fn set_registered(tx: &TenantTransaction, person: PersonId, registered: bool) -> Result<bool, DatabaseError> {
    let query = diesel::sql_query(SET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .bind::<Bool, _>(registered);
    Ok(Prepared(query).execute(&mut &**tx).await? > 0)
}

const SET: &str = "\
UPDATE persons SET registered = $3
WHERE tenant_id = $1 AND person_id = (
    SELECT person_id FROM persons WHERE tenant_id = $1 AND person_id = $2 FOR NO KEY UPDATE SKIP LOCKED)";
