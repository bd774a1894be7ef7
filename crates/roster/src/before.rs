//! What changed people's rows said before, sealed beside the journal: for their history, and for undoing an import.

use crate::{Change, changes, import::stated};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, BigInt, Binary, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{Keys, Owner, PersonId, TenantId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What they are sealed for.
const PURPOSE: &str = "roster before";
/// Entries at a time: large enough that the round trips do not count, small enough to be no burden.
const AT_ONCE: i64 = 2_000;

/// What of this crate's journal hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "roster_before",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "change_id",
        purpose: PURPOSE,
    },
}];

/// Values by column of `persons`; what is not given is empty.
pub(crate) type Values = BTreeMap<String, String>;

/// One thing that changed of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The column of `persons`.
    pub field: String,
    /// What it said before; none where nobody knows any more.
    pub before: Option<String>,
    /// What it said after.
    pub after: Option<String>,
}

/// An entry of a person's history with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The entry.
    pub change: Change,
    /// What it changed.
    pub fields: Vec<Changed>,
}

/// What changed of a person since they first came into the roster, the latest first, `limit` at most. What a value became
/// is what it was before the next change, or what it is now.
pub async fn history(
    tx: &TenantTransaction,
    keys: &Keys,
    person: PersonId,
    limit: i64,
) -> Result<Vec<Past>, DatabaseError> {
    let entries = changes::of_person(tx, person, limit).await?;
    let mut known = values(tx, person).await?.unwrap_or_default();
    let mut history = Vec::new();
    for change in entries {
        let before = one(tx, keys, change.position).await?;
        let field = |field: &String| {
            let was = before.as_ref().and_then(|before| before.get(field).cloned());
            let after = match &was {
                Some(was) => known.insert(field.clone(), was.clone()),
                None => known.remove(field),
            };
            Changed {
                field: field.clone(),
                before: was,
                after,
            }
        };
        let fields = change.fields.iter().map(field).collect();
        history.push(Past { change, fields });
    }
    Ok(history)
}

/// What the roster says of a person now; none of somebody who is not there.
pub(crate) async fn values(tx: &TenantTransaction, person: PersonId) -> Result<Option<Values>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Array<Text>)]
        now: Vec<String>,
    }
    let sql = format!(
        "SELECT {} AS now FROM persons p WHERE p.tenant_id = $1 AND p.person_id = $2 AND p.emptied_at IS NULL",
        stated::values()
    );
    let row: Option<Row> = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(person)
        .get_result(&mut &**tx)
        .await
        .optional()?;
    Ok(row.map(|row| named(row.now)))
}

/// Gives the values of [`stated::values`] their names.
pub(crate) fn named(values: Vec<String>) -> Values {
    stated::fields().map(str::to_owned).zip(values).collect()
}

/// Keeps what the people say whom the journal's entries after `position` are about to change.
pub(crate) async fn keep(tx: &mut TenantTransaction, keys: &Keys, position: i64) -> Result<(), DatabaseError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = Array<Text>)]
        fields: Vec<String>,
        #[diesel(sql_type = Array<Text>)]
        now: Vec<String>,
    }
    let changed = CHANGED.replace("{values}", &stated::values());
    let (tenant, mut after) = (tx.tenant(), position);
    loop {
        let rows: Vec<Row> = diesel::sql_query(&changed)
            .bind::<Integer, _>(tenant)
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(AT_ONCE)
            .load(&mut **tx)
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.position;
        let (mut ids, mut sealed) = (Vec::new(), Vec::new());
        for row in rows {
            let mut before = named(row.now);
            before.retain(|field, _| row.fields.contains(field));
            let plain = serde_json::to_vec(&before).map_err(|error| unsealed(error.into()))?;
            sealed.push(keys.seal(PURPOSE, owner(tenant, row.position), &plain));
            ids.push(id(row.position));
        }
        diesel::sql_query(KEEP)
            .bind::<Integer, _>(tenant)
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Array<Binary>, _>(sealed)
            .execute(&mut **tx)
            .await?;
    }
}

/// What an entry's person said before it; none where it was not kept.
async fn one(tx: &TenantTransaction, keys: &Keys, position: i64) -> Result<Option<Values>, DatabaseError> {
    let kept: Option<Kept> = diesel::sql_query(ONE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id(position))
        .get_result(&mut &**tx)
        .await
        .optional()?;
    kept.map(|kept| kept.open(tx.tenant(), keys)).transpose()
}

/// The same of the entries after one position up to another, by position.
pub(crate) async fn between(
    tx: &TenantTransaction,
    keys: &Keys,
    (after, last): (i64, i64),
) -> Result<BTreeMap<i64, Values>, DatabaseError> {
    let kept: Vec<Kept> = diesel::sql_query(BETWEEN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id(after))
        .bind::<SqlUuid, _>(id(last))
        .load(&mut &**tx)
        .await?;
    let open = |kept: Kept| Ok((position(kept.change_id), kept.open(tx.tenant(), keys)?));
    kept.into_iter().map(open).collect()
}

/// Deletes those of the entries up to a position.
pub(crate) async fn forget_until(tx: &mut TenantTransaction, position: i64) -> Result<(), DatabaseError> {
    diesel::sql_query("DELETE FROM roster_before WHERE tenant_id = $1 AND change_id <= $2")
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id(position))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes those of a person who is forgotten.
pub(crate) async fn forget(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    for change in changes::of_person(tx, person, i64::MAX).await? {
        diesel::sql_query("DELETE FROM roster_before WHERE tenant_id = $1 AND change_id = $2")
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id(change.position))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// What an entry's person said before it.
#[derive(QueryableByName)]
pub(crate) struct Kept {
    #[diesel(sql_type = SqlUuid)]
    change_id: Uuid,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

impl Kept {
    pub(crate) fn open(&self, tenant: TenantId, keys: &Keys) -> Result<Values, DatabaseError> {
        let owner = Owner {
            tenant,
            id: self.change_id,
        };
        let plain = keys.open(PURPOSE, owner, &self.sealed);
        let plain = plain.map_err(|error| unsealed(Box::new(error)))?;
        serde_json::from_slice(&plain).map_err(|error| unsealed(error.into()))
    }
}

fn unsealed(error: Box<dyn std::error::Error + Send + Sync>) -> DatabaseError {
    diesel::result::Error::DeserializationError(error).into()
}

fn owner(tenant: TenantId, position: i64) -> Owner {
    Owner {
        tenant,
        id: id(position),
    }
}

/// Grows with the position.
fn id(position: i64) -> Uuid {
    Uuid::from_u64_pair(0, position.unsigned_abs())
}

fn position(id: Uuid) -> i64 {
    let (_, position) = id.as_u64_pair();
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// A look-up for each, for a batch joined as a whole would read the whole roster.
const CHANGED: &str = "
    SELECT c.position, c.fields, person.now
    FROM roster_changes c
    CROSS JOIN LATERAL (
        SELECT {values} AS now FROM persons p WHERE p.tenant_id = $1 AND p.person_id = c.person_id OFFSET 0
    ) AS person
    WHERE c.tenant_id = $1 AND c.position > $2 AND c.kind <> 'new'
    ORDER BY c.position LIMIT $3";

const KEEP: &str = "
    INSERT INTO roster_before (tenant_id, change_id, sealed)
    SELECT head.tenant_id, rows.* FROM roster_heads head, unnest ($2::uuid[], $3::bytea[]) AS rows
    WHERE head.tenant_id = $1";

const ONE: &str = "SELECT change_id, sealed FROM roster_before WHERE tenant_id = $1 AND change_id = $2";

const BETWEEN: &str = "
    SELECT change_id, sealed FROM roster_before WHERE tenant_id = $1 AND change_id > $2 AND change_id <= $3";
