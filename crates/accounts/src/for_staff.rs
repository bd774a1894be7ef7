//! What staff are shown of accounts, and what finds them. Never a password, never a code.

use crate::{Accounts, Consent, Proof, codes::wrong, consent, schema::accounts, work::Listed};
use audit::read::Recorded;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Nullable, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use jobs::enqueue;
use kernel::{AccountId, EmailAddress, PersonId};
use roster::protection::not_protected;
use std::collections::{HashMap, HashSet};

/// What a list says of somebody's account.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Registration {
    /// Whose.
    #[diesel(sql_type = Uuid)]
    pub person_id: PersonId,
    /// Since when.
    #[diesel(sql_type = Timestamptz)]
    pub registered_at: DateTime<Utc>,
    /// 前回ログイン.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_log_in_at: Option<DateTime<Utc>>,
}

/// Somebody's account, as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub account_id: AccountId,
    /// ユーザーID.
    pub user_id: String,
    /// The proven address.
    pub email: String,
    /// Since when it is.
    pub email_proven_at: DateTime<Utc>,
    /// Since when the account is.
    pub registered_at: DateTime<Utc>,
    /// When the password was last set.
    pub password_changed_at: DateTime<Utc>,
    /// The last log-in.
    pub last_log_in_at: Option<DateTime<Utc>>,
    /// Log-ins are refused for too many wrong passwords.
    pub is_locked: bool,
    /// How its owner was proven.
    pub proof: Proof,
}

/// An account that was closed, with nothing of what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct ClosedAccount {
    /// Which.
    pub account_id: AccountId,
    /// From when it was.
    pub registered_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: DateTime<Utc>,
}

/// The accounts that a person had before, the last to be closed first; `limit` at most.
pub async fn closed_of(
    tx: &TenantTransaction,
    person: PersonId,
    limit: i64,
) -> Result<Vec<ClosedAccount>, DatabaseError> {
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tx.tenant()))
        .filter(accounts::closed_person_id.eq(person))
        .order(accounts::emptied_at.desc())
        .limit(limit)
        .select((
            accounts::account_id,
            accounts::registered_at,
            accounts::emptied_at.assume_not_null(),
        ))
        .load(&mut &**tx)
        .await?)
}

/// Whose user IDs begin so, `limit` at most: folded, in the order of the IDs.
pub async fn by_user_id(tx: &TenantTransaction, beginning: &str, limit: i64) -> Result<Vec<PersonId>, DatabaseError> {
    let end = format!("{beginning}{}", char::MAX);
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tx.tenant()))
        .filter(accounts::user_id_key.ge(beginning))
        .filter(accounts::user_id_key.lt(end))
        .filter(accounts::emptied_at.is_null())
        .order((accounts::user_id_key, accounts::person_id))
        .limit(limit)
        .select(accounts::person_id)
        .load(&mut &**tx)
        .await?)
}

/// Who logs in with this address proven: several may share one. `limit` at most.
pub async fn by_email(
    tx: &TenantTransaction,
    email: &EmailAddress,
    limit: i64,
) -> Result<Vec<PersonId>, DatabaseError> {
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tx.tenant()))
        .filter(accounts::email_key.eq(email.key()))
        .filter(accounts::emptied_at.is_null())
        .limit(limit)
        .select(accounts::person_id)
        .load(&mut &**tx)
        .await?)
}

/// The accounts of these people; who has none is left out. One statement.
pub async fn states_of(
    tx: &TenantTransaction,
    people: &[PersonId],
) -> Result<HashMap<PersonId, Registration>, DatabaseError> {
    let query = diesel::sql_query(STATES)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(people);
    let rows: Vec<Registration> = Prepared(query).load(&mut &**tx).await?;
    Ok(rows.into_iter().map(|row| (row.person_id, row)).collect())
}

/// How the owner of a person's account was proven; none where there is no account.
pub async fn proof_of(tx: &TenantTransaction, person: PersonId) -> Result<Option<Proof>, DatabaseError> {
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tx.tenant()))
        .filter(accounts::person_id.eq(person))
        .filter(accounts::emptied_at.is_null())
        .select(accounts::proof)
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// Those of these accounts and sign-ups whose people are protected, closed accounts among them. One statement.
async fn protected_of(tx: &TenantTransaction, ids: &[uuid::Uuid]) -> Result<Vec<uuid::Uuid>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = Uuid)]
        id: uuid::Uuid,
    }
    let query = diesel::sql_query(protected_of_ids())
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(ids);
    let found: Vec<Id> = Prepared(query).load(&mut &**tx).await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// Whom of those by whom or to whom something was done nobody may know more of than that it was done, but who may see protected
/// people: by their own ids and those of their accounts and sign-ups.
pub async fn veiled(tx: &TenantTransaction, lines: &[Recorded]) -> Result<HashSet<uuid::Uuid>, DatabaseError> {
    let ids: Vec<uuid::Uuid> = lines.iter().flat_map(Recorded::people).collect();
    let people: Vec<PersonId> = ids.iter().copied().map(PersonId).collect();
    let people = roster::protection::protected_of(tx, &people).await?;
    let accounts = protected_of(tx, &ids).await?;
    Ok(people.into_iter().map(|id| id.0).chain(accounts).collect())
}

/// An account's ledger of consents, newest first.
pub async fn consents_of(tx: &TenantTransaction, account: AccountId) -> Result<Vec<Consent>, DatabaseError> {
    consent::ledger(tx, account).await
}

impl Accounts {
    /// The account of a person, if there is one.
    pub async fn held(&self, tx: &TenantTransaction, person: PersonId) -> Result<Option<Held>, DatabaseError> {
        let row: Option<HeldRow> = accounts::table
            .filter(accounts::tenant_id.eq(tx.tenant()))
            .filter(accounts::person_id.eq(person))
            .filter(accounts::emptied_at.is_null())
            .select(HeldRow::as_select())
            .first(&mut &**tx)
            .await
            .optional()?;
        let most = i32::try_from(self.limits.log_in_id_tries).unwrap_or(i32::MAX);
        Ok(row.map(|row| Held {
            is_locked: row.guesses >= most || row.device_guesses >= most,
            account_id: row.account_id,
            user_id: row.user_id,
            email: row.email,
            email_proven_at: row.email_proven_at,
            registered_at: row.registered_at,
            password_changed_at: row.password_changed_at,
            last_log_in_at: row.last_log_in_at,
            proof: row.proof,
        }))
    }

    /// True where no code is sent to a person any more, for too many wrong ones: until the desk says otherwise.
    pub async fn is_out_of_codes(&self, tx: &mut TenantTransaction, person: PersonId) -> Result<bool, DatabaseError> {
        wrong::used_up(tx, person, self.limits.code_failures).await
    }

    /// Lets the roster know whether a person is registered. While an import holds their row it is left to the worker: nobody's
    /// sign-up waits for one.
    pub(crate) async fn list(
        &self,
        tx: &mut TenantTransaction,
        person: PersonId,
        registered: bool,
    ) -> Result<(), DatabaseError> {
        if roster::set_registered(tx, person, registered).await? {
            return Ok(());
        }
        let now = self.clock.now();
        enqueue(tx, &self.keys, now, now, &Listed { person }).await?;
        Ok(())
    }

    /// [`Self::list`] once more, by the worker.
    pub(crate) async fn list_again(
        &self,
        tenant: kernel::TenantId,
        Listed { person }: Listed,
    ) -> Result<bool, DatabaseError> {
        let tx = self.database.tenant(tenant).write(database::Durability::Safe).await?;
        let registered = self.held(&tx, person).await?.is_some();
        let set = roster::set_registered(&tx, person, registered).await?;
        tx.commit().await?;
        Ok(set)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct HeldRow {
    account_id: AccountId,
    user_id: String,
    email: String,
    email_proven_at: DateTime<Utc>,
    registered_at: DateTime<Utc>,
    password_changed_at: DateTime<Utc>,
    last_log_in_at: Option<DateTime<Utc>>,
    guesses: i32,
    device_guesses: i32,
    proof: Proof,
}

const STATES: &str = "\
SELECT a.person_id, a.registered_at, a.last_log_in_at
FROM unnest($2::uuid[]) AS asked (person_id) CROSS JOIN LATERAL (
    SELECT * FROM accounts q WHERE q.tenant_id = $1 AND q.person_id = asked.person_id AND q.emptied_at IS NULL OFFSET 0
) a";

fn protected_of_ids() -> String {
    format!(
        "SELECT asked.id FROM unnest($2::uuid[]) AS asked (id) CROSS JOIN LATERAL (
             SELECT q.person_id, q.closed_person_id FROM accounts q WHERE q.tenant_id = $1 AND q.account_id = asked.id
             UNION ALL
             SELECT t.person_id, NULL::uuid FROM sign_up_tickets t WHERE t.tenant_id = $1 AND t.ticket_id = asked.id
             OFFSET 0
         ) a
         WHERE NOT ({} AND {})",
        not_protected("a.person_id"),
        not_protected("a.closed_person_id")
    )
}
