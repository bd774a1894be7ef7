//! Facts by hand that an import ended, sealed: where it is undone they hold again, since when they held before. Undone in its
//! turn, the undoing ends them again.

use crate::sight::Statement;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, BigInt, Binary, Integer, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{FactId, ImportId, Keys, PersonId, TenantId};
use serde::{Deserialize, Serialize};

/// What they are sealed for.
const PURPOSE: &str = "fact ended";

/// What of them hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "facts_ended",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "fact_id",
        purpose: PURPOSE,
    },
}];

/// A fact that staff set, as it stands in `facts_by_hand`.
#[derive(Serialize, Deserialize, QueryableByName)]
pub(crate) struct Fact {
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    field: String,
    /// What the last file said of it.
    #[diesel(sql_type = Text)]
    from_file: String,
    #[diesel(sql_type = Timestamptz)]
    set_at: DateTime<Utc>,
}

/// An import that is undone.
#[derive(Clone, Copy)]
pub(crate) struct Undone {
    pub(crate) import: ImportId,
    /// The import that it undid itself.
    pub(crate) undid: Option<ImportId>,
    /// The journal's last position before it.
    pub(crate) after_position: i64,
}

/// Keeps what an import ended.
pub(crate) async fn keep(
    tx: &mut TenantTransaction,
    keys: &Keys,
    (import, now): (ImportId, DateTime<Utc>),
    facts: &[Fact],
) -> Result<(), DatabaseError> {
    if facts.is_empty() {
        return Ok(());
    }
    let (mut ids, mut sealed) = (Vec::new(), Vec::new());
    for fact in facts {
        let id = FactId::new(now);
        let plain = serde_json::to_vec(fact).map_err(|error| unsealed(error.into()))?;
        sealed.push(keys.seal(PURPOSE, id.of(tx.tenant()), &plain));
        ids.push(id);
    }
    let people: Vec<PersonId> = facts.iter().map(|fact| fact.person_id).collect();
    diesel::sql_query(KEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Array<Uuid>, _>(ids)
        .bind::<Array<Uuid>, _>(people)
        .bind::<Array<Binary>, _>(sealed)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What an undone import ended holds again, and what it had let hold again ends, by the run that undoes it. Of whoever is as
/// the import left them: who is staged, or whom it and all that came after it left alone.
pub(crate) async fn undo(
    tx: &mut TenantTransaction,
    keys: &Keys,
    (run, now): (ImportId, DateTime<Utc>),
    undone: Undone,
) -> Result<(), DatabaseError> {
    if let Some(undid) = undone.undid {
        let again = of(tx, keys, undid, undone.after_position).await?;
        let ended: Vec<Fact> = on_facts(END_AGAIN, &again, tx.tenant()).load(&mut **tx).await?;
        keep(tx, keys, (run, now), &ended).await?;
    }
    let back = of(tx, keys, undone.import, undone.after_position).await?;
    on_facts(HOLD_AGAIN, &back, tx.tenant()).execute(&mut **tx).await?;
    Ok(())
}

/// Deletes those of a person who is forgotten.
pub(crate) async fn forget(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    diesel::sql_query("DELETE FROM facts_ended WHERE tenant_id = $1 AND person_id = $2")
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes those of before a time.
pub(crate) async fn forget_before(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<(), DatabaseError> {
    diesel::sql_query("DELETE FROM facts_ended WHERE tenant_id = $1 AND fact_id < $2")
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(FactId::least(before))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What an import ended, of whoever is as it was at this position of the journal or is staged to be so again.
async fn of(
    tx: &mut TenantTransaction,
    keys: &Keys,
    import: ImportId,
    after_position: i64,
) -> Result<Vec<Fact>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Kept {
        #[diesel(sql_type = Uuid)]
        fact_id: FactId,
        #[diesel(sql_type = Binary)]
        sealed: Vec<u8>,
    }
    let tenant = tx.tenant();
    let kept: Vec<Kept> = diesel::sql_query(OF)
        .bind::<Integer, _>(tenant)
        .bind::<Uuid, _>(import)
        .bind::<BigInt, _>(after_position)
        .load(&mut **tx)
        .await?;
    let open = |kept: Kept| {
        let plain = keys.open(PURPOSE, kept.fact_id.of(tenant), &kept.sealed);
        let plain = plain.map_err(|error| unsealed(Box::new(error)))?;
        serde_json::from_slice(&plain).map_err(|error| unsealed(error.into()))
    };
    kept.into_iter().map(open).collect()
}

/// A statement on facts, by column.
fn on_facts(sql: &str, facts: &[Fact], tenant: TenantId) -> Statement<'static> {
    let people: Vec<PersonId> = facts.iter().map(|fact| fact.person_id).collect();
    let texts = |text: fn(&Fact) -> &String| facts.iter().map(text).cloned().collect::<Vec<_>>();
    let times: Vec<DateTime<Utc>> = facts.iter().map(|fact| fact.set_at).collect();
    diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tenant)
        .bind::<Array<Uuid>, _>(people)
        .bind::<Array<Text>, _>(texts(|fact| &fact.field))
        .bind::<Array<Text>, _>(texts(|fact| &fact.from_file))
        .bind::<Array<Timestamptz>, _>(times)
}

fn unsealed(error: Box<dyn std::error::Error + Send + Sync>) -> DatabaseError {
    diesel::result::Error::DeserializationError(error).into()
}

const KEEP: &str = "
    INSERT INTO facts_ended (tenant_id, import_id, fact_id, person_id, sealed)
    SELECT head.tenant_id, $2, rows.* FROM roster_heads head, unnest ($3::uuid[], $4::uuid[], $5::bytea[]) AS rows
    WHERE head.tenant_id = $1";

const OF: &str = "
    SELECT e.fact_id, e.sealed FROM facts_ended e
    WHERE e.tenant_id = $1 AND e.import_id = $2
      AND (EXISTS (SELECT FROM roster_staging s WHERE s.tenant_id = $1 AND s.person_id = e.person_id)
           OR NOT EXISTS (
               SELECT FROM roster_changes c
               WHERE c.tenant_id = $1 AND c.person_id = e.person_id AND c.position > $3 AND c.kind <> 'new'))";

const HOLD_AGAIN: &str = "
    INSERT INTO facts_by_hand (tenant_id, person_id, field, from_file, set_at)
    SELECT head.tenant_id, rows.*
    FROM roster_heads head,
        unnest ($2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) AS rows (person_id, field, from_file, set_at)
    WHERE head.tenant_id = $1
      AND NOT EXISTS (
          SELECT FROM facts_by_hand f
          WHERE f.tenant_id = $1 AND f.person_id = rows.person_id AND f.field = rows.field)";

/// One that was set again meanwhile is another.
const END_AGAIN: &str = "
    DELETE FROM facts_by_hand f
    USING unnest ($2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) AS e (person_id, field, from_file, set_at)
    WHERE f.tenant_id = $1 AND f.person_id = e.person_id AND f.field = e.field AND f.from_file = e.from_file
      AND f.set_at = e.set_at
    RETURNING f.person_id, f.field, f.from_file, f.set_at";
