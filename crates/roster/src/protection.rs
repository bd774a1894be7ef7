//! 保護: people who must not be found by those who look for them (DV and the like). One table and one condition: for
//! everybody but themself, a guardian and staff with `members.protect` a protected person is no more than a name and a
//! 続柄 where the roster lists the household anyway.

use crate::{Person, people, person::PersonRow, revealed, workplaces};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Keyed, Kind, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{Keys, Outage, PersonId, ProtectionId, Relation, StaffId, TenantId, calendar};
use std::collections::HashSet;

/// What reasons are sealed for.
const REASON: &str = "protection";

/// What of protections hangs on the ring.
pub const KEYED: [Keyed; 2] = [sealed("reason"), sealed("lifted_reason")];

const fn sealed(column: &'static str) -> Keyed {
    Keyed {
        table: "protections",
        column,
        kind: Kind::Sealed {
            owner: "protection_id",
            purpose: REASON,
        },
    }
}

/// The condition that the person of this column is under no protection, in a statement whose tenant is `$1`. Asked of each
/// person by key: without `OFFSET` the planner may read all protections of the insurer for the few people of a page; so it does,
/// under row-level security, where the column is a function's or a `coalesce`.
pub fn not_protected(column: &str) -> String {
    format!(
        "NOT EXISTS (
            SELECT FROM protections x
            WHERE x.tenant_id = $1 AND x.person_id = {column} AND x.lifted_at IS NULL OFFSET 0)"
    )
}

/// The same in a count of everybody: all protections in force are read once, and nobody is asked about alone, which takes
/// several times as long.
pub fn not_protected_of_all(column: &str) -> String {
    format!(
        "NOT EXISTS (
            SELECT FROM protections x
            WHERE x.tenant_id = $1 AND x.person_id = {column} AND x.lifted_at IS NULL)"
    )
}

/// The protection in force of the person of this column and their guardian, as a query in parentheses of one row or none, in a
/// statement whose tenant is `$1`. Asked by key, as [`not_protected`] is.
pub fn in_force(column: &str) -> String {
    format!(
        "(SELECT x.protection_id, x.guardian_id FROM protections x
            WHERE x.tenant_id = $1 AND x.person_id = {column} AND x.lifted_at IS NULL OFFSET 0)"
    )
}

/// The people whose guardian this parameter is, as a query in parentheses, in a statement whose tenant is `$1`.
pub fn wards_of(guardian: &str) -> String {
    format!(
        "(SELECT x.person_id FROM protections x
            WHERE x.tenant_id = $1 AND x.guardian_id = {guardian} AND x.lifted_at IS NULL)"
    )
}

/// Whose guardian somebody is, in the order of their numbers: for nobody's eyes but theirs who may see protected people.
pub async fn wards(tx: &TenantTransaction, guardian: PersonId) -> Result<Vec<Person>, DatabaseError> {
    let query = diesel::sql_query(WARDS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(guardian);
    let found: Vec<Id> = Prepared(query).load(&mut &**tx).await?;
    let wards: Vec<PersonId> = found.into_iter().map(|row| row.person_id).collect();
    people(tx, &wards).await
}

/// True for a protected person.
pub async fn is_protected(tx: &TenantTransaction, person: PersonId) -> Result<bool, DatabaseError> {
    Ok(!protected_of(tx, &[person]).await?.is_empty())
}

/// Those of these people who are protected. One statement, whoever is asked about.
pub async fn protected_of(tx: &TenantTransaction, people: &[PersonId]) -> Result<HashSet<PersonId>, DatabaseError> {
    let query = diesel::sql_query(PROTECTED_OF)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<SqlUuid>, _>(people);
    let found: Vec<Id> = Prepared(query).load(&mut &**tx).await?;
    Ok(found.into_iter().map(|row| row.person_id).collect())
}

/// A protection to be set.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// Who.
    pub person: PersonId,
    /// Who acts for them.
    pub guardian: Option<PersonId>,
    /// Why.
    pub reason: &'a str,
}

/// Sets one; none where the person is protected already. Counts are done anew by [`recount`], once for several people.
pub async fn set(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: StaffId,
    new: New<'_>,
) -> Result<Option<ProtectionId>, DatabaseError> {
    let id = ProtectionId::new(now);
    let reason = keys.seal(REASON, id.of(tx.tenant()), new.reason.as_bytes());
    let made = diesel::sql_query(SET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(new.person)
        .bind::<Nullable<SqlUuid>, _>(new.guardian)
        .bind::<Binary, _>(reason)
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await?;
    if made == 0 {
        return Ok(None);
    }
    revealed::tell(tx, id);
    Ok(Some(id))
}

/// Lifts one; whose it was, or none where it is lifted already.
pub async fn lift(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    by: StaffId,
    (id, reason): (ProtectionId, &str),
) -> Result<Option<PersonId>, DatabaseError> {
    let reason = keys.seal(REASON, id.of(tx.tenant()), reason.as_bytes());
    let lifted: Option<Id> = diesel::sql_query(LIFT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(now)
        .bind::<Binary, _>(reason)
        .get_result(&mut **tx)
        .await
        .optional()?;
    if lifted.is_some() {
        revealed::tell(tx, id);
    }
    Ok(lifted.map(|row| row.person_id))
}

/// Takes the order of the list from the names that the protected have now, in the transaction that changed the roster: of all
/// of them, or, where few have changed, of those of them who stand in the journal after a position.
pub(crate) async fn follow_names(tx: &mut TenantTransaction, after: Option<i64>) -> Result<(), DatabaseError> {
    let query = diesel::sql_query(renamed_sql(after.is_some()))
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(after.unwrap_or_default());
    let renamed: Vec<Renamed> = Prepared(query).load(&mut **tx).await?;
    for Renamed {
        protection_id,
        kana_fold1,
    } in renamed
    {
        diesel::sql_query(RENAME)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(protection_id)
            .bind::<Text, _>(kana_fold1)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Counts the workplaces anew, in the transaction that changed who is protected.
pub async fn recount(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    workplaces::count(tx, now).await
}

/// A protection in force, for those who may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Which.
    pub id: ProtectionId,
    /// Who.
    pub person: PersonId,
    /// 記号.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// 枝番.
    pub branch: String,
    /// 氏名.
    pub name: String,
    /// 続柄, as the roster writes it.
    pub relationship: String,
    /// Who acts for them, by name.
    pub guardian: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub set_at: DateTime<Utc>,
    /// By whom.
    pub set_by: StaffId,
}

/// Those in force, the latest first, after one of them.
pub async fn list(
    tx: &TenantTransaction,
    keys: &Keys,
    after: Option<ProtectionId>,
    limit: i64,
) -> Result<Vec<Protection>, Outage> {
    let query = diesel::sql_query(format!(
        "{IN_FORCE} AND {LISTED} AND x.protection_id < $2 ORDER BY x.protection_id DESC LIMIT $3"
    ))
    .bind::<Integer, _>(tx.tenant())
    .bind::<SqlUuid, _>(after.unwrap_or(ProtectionId(uuid::Uuid::max())))
    .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await.map_err(DatabaseError::from)?;
    rows.into_iter().map(|row| row.open(tx.tenant(), keys)).collect()
}

/// One in force.
pub async fn one(tx: &TenantTransaction, keys: &Keys, id: ProtectionId) -> Result<Option<Protection>, Outage> {
    let query = diesel::sql_query(format!("{IN_FORCE} AND x.protection_id = $2"))
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id);
    let row: Option<Row> = Prepared(query)
        .get_result(&mut &**tx)
        .await
        .optional()
        .map_err(DatabaseError::from)?;
    row.map(|row| row.open(tx.tenant(), keys)).transpose()
}

/// Somebody under the number of a person who is to be protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// As the roster has them.
    pub person: Person,
    /// True for the person, and for children living with them: whom to protect as well, unless somebody says otherwise.
    pub is_likely: bool,
    /// Protected already.
    pub is_protected: bool,
}

/// The people under a person's number who are covered on the day that `now` is in Japan, in the order of their branches.
pub async fn family(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    person: PersonId,
) -> Result<Vec<Relative>, DatabaseError> {
    let query = diesel::sql_query(FAMILY)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(person)
        .bind::<Date, _>(calendar::today_in_japan(now));
    let rows: Vec<FamilyRow> = Prepared(query).load(&mut &**tx).await?;
    let people = rows
        .into_iter()
        .map(|row| Ok((Person::try_from(row.person)?, row.lives_with, row.is_protected)))
        .collect::<Result<Vec<_>, DatabaseError>>()?;
    let has_children = people
        .iter()
        .any(|(one, ..)| one.person_id == person && is_parent(one.relation));
    let relatives = people.into_iter().map(|(one, lives_with, is_protected)| Relative {
        is_likely: one.person_id == person || has_children && lives_with && is_child(one.relation),
        person: one,
        is_protected,
    });
    Ok(relatives.collect())
}

/// Whose children are the insured one's.
fn is_parent(relation: Relation) -> bool {
    matches!(
        relation,
        Relation::Principal | Relation::Spouse | Relation::CommonLawSpouse
    )
}

fn is_child(relation: Relation) -> bool {
    matches!(relation, Relation::Child | Relation::Stepchild | Relation::Grandchild)
}

/// Forgets a person's protections, and that they were anybody's guardian.
pub(crate) async fn forget(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    for statement in [FORGET, FORGET_GUARDIAN] {
        diesel::sql_query(statement)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(person)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
}

/// A protection in force whose person is called otherwise by now.
#[derive(QueryableByName)]
struct Renamed {
    #[diesel(sql_type = SqlUuid)]
    protection_id: ProtectionId,
    #[diesel(sql_type = Text)]
    kana_fold1: String,
}

#[derive(QueryableByName)]
struct FamilyRow {
    #[diesel(embed)]
    person: PersonRow,
    #[diesel(sql_type = Bool)]
    lives_with: bool,
    #[diesel(sql_type = Bool)]
    is_protected: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    protection_id: ProtectionId,
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    symbol: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    branch: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    relationship: String,
    #[diesel(sql_type = Nullable<Text>)]
    guardian: Option<String>,
    #[diesel(sql_type = Binary)]
    reason: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    set_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    set_by: StaffId,
}

impl Row {
    fn open(self, tenant: TenantId, keys: &Keys) -> Result<Protection, Outage> {
        let reason = keys.open(REASON, self.protection_id.of(tenant), &self.reason)?;
        Ok(Protection {
            id: self.protection_id,
            person: self.person_id,
            symbol: self.symbol,
            number: self.number,
            branch: self.branch,
            name: self.name,
            relationship: self.relationship,
            guardian: self.guardian,
            reason: String::from_utf8_lossy(&reason).into_owned(),
            set_at: self.set_at,
            set_by: self.set_by,
        })
    }
}

const PROTECTED_OF: &str = "\
SELECT x.person_id FROM unnest($2::uuid[]) AS asked (person_id) CROSS JOIN LATERAL (
    SELECT * FROM protections q
    WHERE q.tenant_id = $1 AND q.person_id = asked.person_id AND q.lifted_at IS NULL OFFSET 0) x";

const WARDS: &str = "\
SELECT x.person_id FROM protections x WHERE x.tenant_id = $1 AND x.guardian_id = $2 AND x.lifted_at IS NULL";

const SET: &str = "\
INSERT INTO protections (tenant_id, protection_id, person_id, guardian_id, reason, set_by, set_at, kana_fold1)
VALUES ($1, $2, $3, $4, $5, $6, $7,
    coalesce((SELECT p.kana_fold1 FROM persons p WHERE p.tenant_id = $1 AND p.person_id = $3), ''))
ON CONFLICT (tenant_id, person_id) WHERE lifted_at IS NULL DO NOTHING";

/// One by one, by their key: joined, the whole insurer would be read for a few. Whoever lifts one at the moment may be waiting
/// for this transaction.
fn renamed_sql(of_journal: bool) -> String {
    let in_force = if of_journal {
        "(SELECT person_id FROM roster_changes WHERE tenant_id = $1 AND position > $2) c CROSS JOIN LATERAL (
             SELECT * FROM protections q
             WHERE q.tenant_id = $1 AND q.person_id = c.person_id AND q.lifted_at IS NULL OFFSET 0) x"
    } else {
        "protections x"
    };
    format!(
        "SELECT x.protection_id, p.kana_fold1 FROM {in_force} CROSS JOIN LATERAL (
             SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = x.person_id OFFSET 0) p
         WHERE x.tenant_id = $1 AND x.lifted_at IS NULL AND x.kana_fold1 <> p.kana_fold1
         FOR NO KEY UPDATE OF x SKIP LOCKED"
    )
}

const RENAME: &str = "UPDATE protections SET kana_fold1 = $3 WHERE tenant_id = $1 AND protection_id = $2";

const LIFT: &str = "\
UPDATE protections SET lifted_by = $3, lifted_at = $4, lifted_reason = $5
WHERE tenant_id = $1 AND protection_id = $2 AND lifted_at IS NULL RETURNING person_id";

/// The condition of the list's index.
const LISTED: &str = "x.protection_id >= '00000000-0000-0000-0000-000000000000'";

const IN_FORCE: &str = "\
SELECT x.protection_id, x.person_id, p.symbol, p.number, p.branch,
    CASE WHEN p.name = '' THEN p.kana_name ELSE p.name END AS name, p.relationship,
    CASE WHEN g.name = '' THEN g.kana_name ELSE g.name END AS guardian, x.reason, x.set_at, x.set_by
FROM protections x
JOIN persons p ON p.tenant_id = $1 AND p.person_id = x.person_id
LEFT JOIN persons g ON g.tenant_id = $1 AND g.person_id = x.guardian_id
WHERE x.tenant_id = $1 AND x.lifted_at IS NULL";

/// An address that the roster lacks is no other address.
const FAMILY: &str = "\
SELECT p.person_id, p.symbol, p.number, p.branch, p.kana_name, p.name, p.birth_date, p.relationship, p.relation,
    p.insured, p.acquired_on, p.lost_on, p.email, p.workplace_code, p.department_code, p.employee_number,
    (p.address = '' OR o.address = '' OR (p.postal_code, p.address, p.building) = (o.postal_code, o.address, o.building))
        AS lives_with,
    EXISTS (SELECT FROM protections x
        WHERE x.tenant_id = $1 AND x.person_id = p.person_id AND x.lifted_at IS NULL OFFSET 0) AS is_protected
FROM persons o JOIN persons p ON p.symbol_key = o.symbol_key AND p.number_key = o.number_key
WHERE o.tenant_id = $1 AND o.person_id = $2 AND o.emptied_at IS NULL
  AND p.tenant_id = $1 AND p.emptied_at IS NULL AND (p.person_id = $2 OR p.lost_on IS NULL OR p.lost_on > $3)
ORDER BY p.branch, p.person_id";

const FORGET: &str = "DELETE FROM protections WHERE tenant_id = $1 AND person_id = $2";
const FORGET_GUARDIAN: &str = "UPDATE protections SET guardian_id = NULL WHERE tenant_id = $1 AND guardian_id = $2";
