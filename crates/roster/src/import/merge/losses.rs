//! Whom an import loses or brings back: how many it would lose, and who hears of it.

use super::{COVERED, Merge, unsigned};
use crate::{held::IS_KEPT, import::report::Vanishing};
use chrono::NaiveDate;
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use jobs::SameEvents;
use kernel::PersonId;
use serde_json::json;

/// Persons lost or back who are announced at a time.
const ANNOUNCED_AT_ONCE: i64 = 10_000;
/// What the journal calls it, and the event of it.
const ANNOUNCED: [(&str, &str); 2] = [("lost", "member.coverage_lost"), ("returned", "member.returned")];

impl Merge<'_> {
    /// How many covered persons the file leaves out or ends; `percent` may vanish. Of changes it says nothing of who is covered:
    /// [`count_covered`].
    pub(in crate::import) async fn vanishing(
        &self,
        tx: &mut TenantTransaction,
        percent: u64,
    ) -> Result<Vanishing, DatabaseError> {
        #[derive(QueryableByName)]
        struct Counts {
            #[diesel(sql_type = Nullable<BigInt>)]
            covered: Option<i64>,
            #[diesel(sql_type = BigInt)]
            missing: i64,
            #[diesel(sql_type = BigInt)]
            ended: i64,
            #[diesel(sql_type = BigInt)]
            coming: i64,
        }
        let sql = if self.is_delta() { of_changes() } else { of_whole() };
        let query = diesel::sql_query(sql)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Date, _>(self.today());
        let counts: Counts = query.get_result(&mut **tx).await?;
        Ok(Vanishing {
            covered: counts.covered.map(unsigned),
            missing: unsigned(counts.missing),
            ended: unsigned(counts.ended),
            coming: unsigned(counts.coming),
            percent,
            ..Vanishing::default()
        })
    }

    /// Announces who is lost, and who is back.
    pub(super) async fn announce(&self, tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
        for (movement, event) in ANNOUNCED {
            let mut after = self.position;
            loop {
                let moved = self.moved(tx, movement, after).await?;
                let Some(last) = moved.last() else { break };
                after = last.position;
                let events = SameEvents {
                    kind: event,
                    subjects: moved.into_iter().map(|person| person.person_id.0).collect(),
                    payload: json!({ "import_id": self.import_id }),
                };
                jobs::publish_all(tx, self.now, events);
            }
        }
        Ok(())
    }

    /// The next persons of whom this import found so, by journal position after `after`.
    async fn moved(
        &self,
        tx: &mut TenantTransaction,
        movement: &'static str,
        after: i64,
    ) -> Result<Vec<Moved>, DatabaseError> {
        let query = diesel::sql_query(MOVED)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(after.max(self.position))
            .bind::<BigInt, _>(ANNOUNCED_AT_ONCE)
            .bind::<Text, _>(movement);
        Ok(query.load(&mut **tx).await?)
    }
}

/// One person lost or back.
#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
}

/// Counts who is covered where it matters: only as far as so many losses need, and all where they are fewer.
pub(crate) async fn count_covered(
    tx: &mut TenantTransaction,
    today: NaiveDate,
    vanishing: Vanishing,
) -> Result<Vanishing, DatabaseError> {
    #[derive(QueryableByName)]
    struct Covered {
        #[diesel(sql_type = BigInt)]
        people: i64,
    }
    let needed = vanishing.needed();
    if vanishing.covered.is_some() || needed == 0 {
        return Ok(vanishing);
    }
    let count = diesel::sql_query(COUNT_COVERED)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(today)
        .bind::<BigInt, _>(i64::try_from(needed).unwrap_or(i64::MAX));
    // From the insurer's first row on: from the table's first, others' rows would be read before it.
    tx.batch_execute("SET LOCAL enable_seqscan = off").await?;
    let found: Covered = count.get_result(&mut **tx).await?;
    tx.batch_execute("SET LOCAL enable_seqscan = on").await?;
    Ok(Vanishing {
        // Fewer than asked for are all.
        covered: Some(unsigned(found.people)).filter(|people| *people < needed),
        ..vanishing
    })
}

/// Of those whom the rows mean.
const ENDED: &str = "\
count(*) FILTER (WHERE s.lost_on <= $2) AS ended,
    count(*) FILTER (WHERE s.lost_on > $2 AND (p.lost_on IS NULL OR p.lost_on > s.lost_on)) AS coming";

fn of_whole() -> String {
    format!(
        "SELECT count(*) AS covered, count(*) FILTER (WHERE m.person_id IS NULL AND NOT {IS_KEPT}) AS missing, {ENDED}
         FROM persons p
         LEFT JOIN roster_matches m ON m.tenant_id = $1 AND m.person_id = p.person_id
         LEFT JOIN roster_staging s ON s.tenant_id = $1 AND s.line = m.line
         WHERE p.tenant_id = $1 AND {COVERED}"
    )
}

/// Nobody is missing from a file of changes, and only those in it are looked at.
fn of_changes() -> String {
    format!(
        "SELECT NULL::int8 AS covered, 0::int8 AS missing, {ENDED}
         FROM roster_matches m
         JOIN roster_staging s ON s.tenant_id = $1 AND s.line = m.line
         JOIN persons p ON p.tenant_id = $1 AND p.person_id = m.person_id
         WHERE m.tenant_id = $1 AND {COVERED}"
    )
}

/// Persons who are covered, `$3` at most.
const COUNT_COVERED: &str = "
    SELECT count(*) AS people FROM (
        SELECT FROM persons
        WHERE tenant_id = $1 AND emptied_at IS NULL AND (lost_on IS NULL OR lost_on > $2)
        LIMIT $3) covered";

const MOVED: &str = "
    SELECT position, person_id FROM roster_changes
    WHERE tenant_id = $1 AND position > $2 AND kind = $4
    ORDER BY position LIMIT $3";
