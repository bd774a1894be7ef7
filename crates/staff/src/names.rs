//! How colleagues are called and what roles they have, where a list says who did something.

use access::Role;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::StaffId;
use std::collections::{BTreeSet, HashMap};

/// The names of these colleagues; of whom there is no account any more there is none.
pub async fn names(tx: &TenantTransaction, ids: &[StaffId]) -> Result<HashMap<StaffId, String>, DatabaseError> {
    let query = diesel::sql_query(NAMES)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(ids);
    let rows: Vec<Named> = Prepared(query).load(&mut &**tx).await?;
    Ok(rows.into_iter().map(|row| (row.staff_id, row.name)).collect())
}

/// Colleagues to choose from, by name, of the first so many.
pub async fn to_choose_from(tx: &TenantTransaction, most: i64) -> Result<Vec<(StaffId, String)>, DatabaseError> {
    let query = diesel::sql_query(FIRST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(most);
    let mut rows: Vec<Named> = Prepared(query).load(&mut &**tx).await?;
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(rows.into_iter().map(|row| (row.staff_id, row.name)).collect())
}

/// What roles these colleagues have now; whoever has none is left out.
pub async fn roles_of(
    tx: &TenantTransaction,
    ids: &[StaffId],
) -> Result<HashMap<StaffId, BTreeSet<Role>>, DatabaseError> {
    let query = diesel::sql_query(ROLES)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(ids);
    let rows: Vec<Holder> = Prepared(query).load(&mut &**tx).await?;
    let mut roles: HashMap<StaffId, BTreeSet<Role>> = HashMap::new();
    for Holder { staff_id, role } in rows {
        roles.entry(staff_id).or_default().extend(Role::read(&role));
    }
    Ok(roles)
}

#[derive(QueryableByName)]
struct Holder {
    #[diesel(sql_type = Uuid)]
    staff_id: StaffId,
    #[diesel(sql_type = Text)]
    role: String,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Uuid)]
    staff_id: StaffId,
    #[diesel(sql_type = Text)]
    name: String,
}

// One by one, by their key: a list of ids would be sought by reading all of the insurer's.
const NAMES: &str = "\
SELECT s.staff_id, s.name FROM unnest($2::uuid[]) AS asked (staff_id)
CROSS JOIN LATERAL (SELECT * FROM staff q WHERE q.tenant_id = $1 AND q.staff_id = asked.staff_id OFFSET 0) s";

const ROLES: &str = "\
SELECT r.staff_id, r.role FROM unnest($2::uuid[]) AS asked (staff_id)
CROSS JOIN LATERAL (SELECT * FROM staff_roles q WHERE q.tenant_id = $1 AND q.staff_id = asked.staff_id OFFSET 0) r";

const FIRST: &str = "SELECT staff_id, name FROM staff WHERE tenant_id = $1 ORDER BY email_key LIMIT $2";
