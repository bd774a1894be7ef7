//! Whose a number is that the roster doesn't know: what staff told of a row that waited, for the next file that writes it so. It
//! never goes before the roster: neither where that knows somebody, nor where the number is another's now. What was told wrongly
//! staff make forgotten.

use crate::{Deliveries, desk::Desk};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{Outage, Outcome, PersonId, RememberedNumberId, StaffId, outcome};
use roster::{Bearer, NumberKey, Resolved, protection::not_protected};
use serde_json::json;
use tenancy::Insurer;

/// Numbers on a page.
pub const PAGE: usize = 50;

/// True of what says enough to be somebody's: of a number alone the next row may be a newborn's.
pub(crate) fn tells(key: &NumberKey) -> bool {
    !key.personal_id.is_empty() || !key.branch_key.is_empty() || key.birth_date.is_some()
}

/// Keeps whose it is, in the place of what was told before.
pub(crate) async fn keep(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    key: &NumberKey,
    (person, by): (PersonId, StaffId),
) -> Result<(), DatabaseError> {
    let keep = diesel::sql_query(KEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(RememberedNumberId::new(now))
        .bind::<Text, _>(&key.symbol_key)
        .bind::<Text, _>(&key.number_key)
        .bind::<Text, _>(&key.branch_key)
        .bind::<Text, _>(&key.personal_id)
        .bind::<Text, _>(born(key))
        .bind::<SqlUuid, _>(person)
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(now);
    Prepared(keep).execute(&mut **tx).await?;
    Ok(())
}

/// Fills in whose keys are that the roster doesn't know.
pub(crate) async fn fill(
    tx: &TenantTransaction,
    keys: &[NumberKey],
    resolved: &mut [Resolved],
) -> Result<(), DatabaseError> {
    let unknown = || keys.iter().zip(resolved.iter());
    let unknown: Vec<&NumberKey> = unknown()
        .filter(|(_, resolved)| **resolved == Resolved::Unknown)
        .map(|(key, _)| key)
        .collect();
    let told = told(tx, &unknown).await?;
    if told.is_empty() {
        return Ok(());
    }
    let (keys, people): (Vec<NumberKey>, Vec<PersonId>) = told
        .iter()
        .filter_map(|told| Some((unknown.get(told.place()?).copied()?.clone(), told.person_id)))
        .unzip();
    let bearers = roster::bearers(tx, &keys).await?;
    let asked: Vec<_> = people
        .iter()
        .zip(&keys)
        .map(|(person, key)| (*person, key.month))
        .collect();
    let found = roster::resolve_as(tx, &asked).await?;
    let mut found_of = vec![Resolved::Unknown; unknown.len()];
    for ((told, bearers), found) in told.iter().zip(bearers).zip(found) {
        let is_anothers = |bearer: &Bearer| bearer.has_it_now && bearer.person != told.person_id;
        if bearers.iter().any(is_anothers) || !matches!(found, Resolved::One { .. }) {
            continue;
        }
        if let Some(place) = told.place().and_then(|place| found_of.get_mut(place)) {
            *place = found;
        }
    }
    let places = resolved.iter_mut().filter(|resolved| **resolved == Resolved::Unknown);
    for (place, found) in places.zip(found_of) {
        *place = found;
    }
    Ok(())
}

/// A number that is remembered, as it is listed.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Remembered {
    /// Which.
    #[diesel(sql_type = SqlUuid)]
    pub remembered_id: RememberedNumberId,
    /// 記号, by its key as all of these are; empty where the file gives none.
    #[diesel(sql_type = Text)]
    pub symbol_key: String,
    /// 番号.
    #[diesel(sql_type = Text)]
    pub number_key: String,
    /// 枝番.
    #[diesel(sql_type = Text)]
    pub branch_key: String,
    /// 個人ID.
    #[diesel(sql_type = Text)]
    pub personal_id: String,
    /// 生年月日 as YYYY-MM-DD.
    #[diesel(sql_type = Text)]
    pub born: String,
    /// Whose it is.
    #[diesel(sql_type = SqlUuid)]
    pub person_id: PersonId,
    /// Who told it.
    #[diesel(sql_type = SqlUuid)]
    pub told_by: StaffId,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub told_at: DateTime<Utc>,
}

/// A page of them, what was told last first, behind one of them; and whether there are more.
pub async fn list(
    tx: &TenantTransaction,
    after: Option<RememberedNumberId>,
    sees_protected: bool,
) -> Result<(Vec<Remembered>, bool), DatabaseError> {
    let sql = format!(
        "{LISTED}{} AND m.remembered_id < $2 ORDER BY m.remembered_id DESC LIMIT $3",
        seen(sees_protected)
    );
    let query = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(after.unwrap_or(RememberedNumberId(uuid::Uuid::max())))
        .bind::<BigInt, _>(i64::try_from(PAGE + 1).unwrap_or(i64::MAX));
    let mut page: Vec<Remembered> = Prepared(query).load(&mut &**tx).await?;
    let is_more = page.len() > PAGE;
    page.truncate(PAGE);
    Ok((page, is_more))
}

impl Deliveries {
    /// Forgets whose a number is. Rows that came to somebody by it stay theirs.
    pub async fn forget_number(
        &self,
        insurer: &Insurer,
        desk: Desk<'_>,
        id: RememberedNumberId,
    ) -> Result<Outcome<()>, Outage> {
        let mut tx = self.begin(insurer.tenant_id).await?;
        let sql = format!(
            "{LISTED}{} AND m.remembered_id = $2 FOR UPDATE",
            seen(desk.sees_protected)
        );
        let query = diesel::sql_query(sql)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id);
        let found: Result<Option<Remembered>, _> = Prepared(query).get_result(&mut *tx).await.optional();
        let Some(Remembered { person_id, .. }) = found.map_err(DatabaseError::from)? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let delete = diesel::sql_query(DELETE)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id);
        Prepared(delete).execute(&mut *tx).await.map_err(DatabaseError::from)?;
        let what = ("statements.forget", ("person", person_id.0));
        let detail = json!({ "number": id });
        desk.record(&tx, self.clock.now(), what, detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }
}

fn seen(sees_protected: bool) -> String {
    if sees_protected {
        String::new()
    } else {
        format!(" AND {}", not_protected("m.person_id"))
    }
}

/// Whose one of the keys is.
#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Integer)]
    nth: i32,
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
}

impl Told {
    fn place(&self) -> Option<usize> {
        usize::try_from(self.nth).ok()
    }
}

async fn told(tx: &TenantTransaction, keys: &[&NumberKey]) -> Result<Vec<Told>, DatabaseError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let column = |of: fn(&NumberKey) -> &str| keys.iter().map(|key| of(key)).collect::<Vec<&str>>();
    let query = diesel::sql_query(TOLD)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Integer>, _>((0..).take(keys.len()).collect::<Vec<i32>>())
        .bind::<Array<Text>, _>(column(|key| &key.symbol_key))
        .bind::<Array<Text>, _>(column(|key| &key.number_key))
        .bind::<Array<Text>, _>(column(|key| &key.branch_key))
        .bind::<Array<Text>, _>(column(|key| &key.personal_id))
        .bind::<Array<Text>, _>(keys.iter().map(|key| born(key)).collect::<Vec<String>>());
    Ok(Prepared(query).load(&mut &**tx).await?)
}

fn born(key: &NumberKey) -> String {
    key.birth_date.map(|day| day.to_string()).unwrap_or_default()
}

const KEEP: &str = "
    INSERT INTO remembered_numbers (tenant_id, remembered_id, symbol_key, number_key, branch_key, personal_id, born, person_id,
        told_by, told_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (tenant_id, symbol_key, number_key, branch_key, personal_id, born)
    DO UPDATE SET person_id = excluded.person_id, told_by = excluded.told_by, told_at = excluded.told_at";

const TOLD: &str = "
    SELECT a.nth, m.person_id
    FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        AS a (nth, symbol_key, number_key, branch_key, personal_id, born)
    CROSS JOIN LATERAL (
        SELECT o.person_id FROM remembered_numbers o
        WHERE o.tenant_id = $1 AND o.symbol_key = a.symbol_key AND o.number_key = a.number_key
          AND o.branch_key = a.branch_key AND o.personal_id = a.personal_id AND o.born = a.born
        OFFSET 0) AS m";

const LISTED: &str = "
    SELECT m.remembered_id, m.symbol_key, m.number_key, m.branch_key, m.personal_id, m.born, m.person_id, m.told_by, m.told_at
    FROM remembered_numbers m WHERE m.tenant_id = $1";

const DELETE: &str = "DELETE FROM remembered_numbers WHERE tenant_id = $1 AND remembered_id = $2";

/// Of somebody whom the house forgets.
pub(crate) const FORGET: &str = "DELETE FROM remembered_numbers WHERE tenant_id = $1 AND person_id = $2";
