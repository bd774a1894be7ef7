//! Wrong codes of a person over all their tickets and changes of address: a count that only a right one ends, or the desk
//! (security.md 13, 68). Nobody guesses more than so many in a person's name, however many sign-ups are begun for them.

use crate::schema::wrong_codes;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{dsl::exists, prelude::*, query_dsl::methods::FilterDsl as _};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use serde_json::json;

/// Takes a try before the check; false where all are used up. Whoever types for the same person meanwhile waits.
pub(crate) async fn take(tx: &mut TenantTransaction, person: PersonId, most: u32) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let taken = diesel::insert_into(wrong_codes::table)
        .values((
            wrong_codes::tenant_id.eq(tenant),
            wrong_codes::person_id.eq(person),
            wrong_codes::failures.eq(1),
        ))
        .on_conflict((wrong_codes::tenant_id, wrong_codes::person_id))
        .do_update()
        .set(wrong_codes::failures.eq(wrong_codes::failures + 1))
        .filter(wrong_codes::tenant_id.eq(tenant))
        .filter(wrong_codes::failures.lt(most))
        .execute(&mut **tx)
        .await?;
    Ok(taken > 0)
}

/// True where no try is left: no code is to be sent either.
pub(crate) async fn used_up(tx: &mut TenantTransaction, person: PersonId, most: u32) -> Result<bool, DatabaseError> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let full = QueryDsl::filter(wrong_codes::table, wrong_codes::tenant_id.eq(tx.tenant()));
    let full = QueryDsl::filter(full, wrong_codes::person_id.eq(person));
    let full = QueryDsl::filter(full, wrong_codes::failures.ge(most));
    Ok(diesel::select(exists(full)).get_result(&mut **tx).await?)
}

/// Gives the try back: the code was right once.
pub(crate) async fn give_back(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let of_person = diesel::update(wrong_codes::table).filter(wrong_codes::tenant_id.eq(tenant));
    of_person
        .filter(wrong_codes::person_id.eq(person))
        .set(wrong_codes::failures.eq(wrong_codes::failures - 1))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// After a right code, or the desk's word: counts anew. How many had been counted.
pub(crate) async fn clear(tx: &mut TenantTransaction, person: PersonId) -> Result<Option<i32>, DatabaseError> {
    let tenant = tx.tenant();
    let of_person = diesel::delete(wrong_codes::table).filter(wrong_codes::tenant_id.eq(tenant));
    let of_person = of_person.filter(wrong_codes::person_id.eq(person));
    Ok(of_person
        .returning(wrong_codes::failures)
        .get_result(&mut **tx)
        .await
        .optional()?)
}

/// The desk has spoken with this person: codes are sent and taken again. False where none had been wrong.
pub async fn unlock(tx: &mut TenantTransaction, now: DateTime<Utc>, person: PersonId) -> Result<bool, DatabaseError> {
    let failures = clear(tx, person).await?;
    if let Some(failures) = failures {
        let (object, detail) = (("person", person.0), json!({ "failures": failures }));
        audit::record_command(tx, now, "codes.unlock", Some(object), detail).await?;
    }
    Ok(failures.is_some())
}
