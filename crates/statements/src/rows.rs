//! Rows of treatment in the database: in by arrays (COPY is refused under row-level security), out by chunks.

use crate::{
    delivery::DeliveryNo,
    drugs::Tariffs,
    kind::Kind,
    line::{CostLine, Line, MedicineLine},
    month::Month,
    reckon::Reckoned,
};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    pg::Pg,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use uuid::Uuid;

/// A line, whose it is, and whom the insurer notifies of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// What stands in the file.
    pub line: Line,
    /// Who was treated.
    pub person: PersonId,
    /// 本人.
    pub principal: PersonId,
}

/// Puts rows into a delivery, and says how many. Into one that is loading whoever holds its lease alone, into a loaded one
/// whoever comes without: otherwise none is put in. Medicines are reckoned by the tariffs. The tenant comes from the delivery's
/// row: a distributed PostgreSQL runs the statement where that row lives.
pub async fn insert(
    tx: &mut TenantTransaction,
    kind: Kind,
    delivery: DeliveryNo,
    lease: Option<Uuid>,
    found: Vec<Found>,
    tariffs: &Tariffs,
) -> Result<usize, DatabaseError> {
    let mut common = Common::default();
    let (mut costs, mut medicines) = (Costs::default(), Medicines::default());
    for Found {
        line,
        person,
        principal,
    } in found
    {
        common.push(&line, person, principal);
        match line {
            Line::Cost(line) => costs.push(line),
            Line::Medicine(line) => medicines.push(tariffs.reckon(&line), line),
        }
    }
    let sql = match kind {
        Kind::Costs => INSERT_COSTS,
        Kind::Medicines => INSERT_MEDICINES,
    };
    let query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
        .bind::<Nullable<SqlUuid>, _>(lease)
        .bind::<Array<Date>, _>(common.months)
        .bind::<Array<Integer>, _>(common.lines)
        .bind::<Array<SqlUuid>, _>(common.principals)
        .bind::<Array<SqlUuid>, _>(common.persons)
        .bind::<Array<Text>, _>(common.claims)
        .bind::<Array<Bool>, _>(common.withdrawn);
    let query = match kind {
        Kind::Costs => query
            .bind::<Array<Text>, _>(costs.categories)
            .bind::<Array<SmallInt>, _>(costs.days)
            .bind::<Array<Text>, _>(costs.institutions)
            .bind::<Array<Integer>, _>(costs.totals)
            .bind::<Array<Integer>, _>(costs.insurers)
            .bind::<Array<Integer>, _>(costs.publics)
            .bind::<Array<Integer>, _>(costs.copays)
            .bind::<Array<Integer>, _>(costs.meals)
            .bind::<Array<Integer>, _>(costs.benefits),
        Kind::Medicines => query
            .bind::<Array<Text>, _>(medicines.drugs)
            .bind::<Array<Text>, _>(medicines.forms)
            .bind::<Array<BigInt>, _>(medicines.daily_millis)
            .bind::<Array<SmallInt>, _>(medicines.counts)
            .bind::<Array<SmallInt>, _>(medicines.rates)
            .bind::<Array<Text>, _>(medicines.pharmacies)
            .bind::<Array<Text>, _>(medicines.classes)
            .bind::<Array<Integer>, _>(medicines.savings)
            .bind::<Array<Integer>, _>(medicines.charges),
    };
    Ok(Prepared(query).execute(&mut **tx).await?)
}

/// Deletes rows of a month of a delivery, the first so many, and says how many went.
pub async fn delete(
    tx: &mut TenantTransaction,
    kind: Kind,
    delivery: DeliveryNo,
    month: Month,
    most: i64,
) -> Result<usize, DatabaseError> {
    let sql = match kind {
        Kind::Costs => DELETE_COSTS,
        Kind::Medicines => DELETE_MEDICINES,
    };
    let query = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(month.first())
        .bind::<Integer, _>(delivery.0)
        .bind::<BigInt, _>(most);
    Ok(Prepared(query).execute(&mut **tx).await?)
}

/// What both kinds have, by column.
#[derive(Default)]
struct Common {
    months: Vec<NaiveDate>,
    lines: Vec<i32>,
    principals: Vec<PersonId>,
    persons: Vec<PersonId>,
    claims: Vec<String>,
    withdrawn: Vec<bool>,
}

impl Common {
    fn push(&mut self, line: &Line, person: PersonId, principal: PersonId) {
        self.months.push(line.month().first());
        self.lines.push(i32::try_from(line.line()).unwrap_or(i32::MAX));
        self.principals.push(principal);
        self.persons.push(person);
        self.claims.push(line.claim().to_owned());
        self.withdrawn.push(line.withdrawn());
    }
}

#[derive(Default)]
struct Costs {
    categories: Vec<&'static str>,
    days: Vec<i16>,
    institutions: Vec<String>,
    totals: Vec<i32>,
    insurers: Vec<i32>,
    publics: Vec<i32>,
    copays: Vec<i32>,
    meals: Vec<i32>,
    benefits: Vec<i32>,
}

impl Costs {
    fn push(&mut self, line: CostLine) {
        self.categories.push(line.category.as_str());
        self.days.push(line.days);
        self.institutions.push(line.institution);
        self.totals.push(line.total);
        self.insurers.push(line.insurer);
        self.publics.push(line.public);
        self.copays.push(line.copay);
        self.meals.push(line.meal);
        self.benefits.push(line.benefit);
    }
}

#[derive(Default)]
struct Medicines {
    drugs: Vec<String>,
    forms: Vec<&'static str>,
    daily_millis: Vec<i64>,
    counts: Vec<i16>,
    rates: Vec<i16>,
    pharmacies: Vec<String>,
    classes: Vec<&'static str>,
    savings: Vec<i32>,
    charges: Vec<i32>,
}

impl Medicines {
    fn push(&mut self, reckoned: Reckoned, line: MedicineLine) {
        self.drugs.push(line.drug);
        self.forms.push(line.form.as_str());
        self.daily_millis.push(line.daily_milli);
        self.counts.push(line.count);
        self.rates.push(line.rate);
        self.pharmacies.push(line.pharmacy);
        self.classes.push(reckoned.class.as_str());
        self.savings.push(reckoned.saving_yen);
        self.charges.push(reckoned.charge_yen);
    }
}

const INSERT_COSTS: &str = "
    INSERT INTO cost_rows (tenant_id, delivery, month, line, principal_id, person_id, claim_key, withdrawn, category, days,
        institution, total_yen, insurer_yen, public_yen, copay_yen, meal_yen, benefit_yen)
    SELECT d.tenant_id, d.delivery, rows.*
    FROM statement_deliveries d, unnest($4::date[], $5::int[], $6::uuid[], $7::uuid[], $8::text[], $9::bool[], $10::text[],
        $11::smallint[], $12::text[], $13::int[], $14::int[], $15::int[], $16::int[], $17::int[], $18::int[]) AS rows
    WHERE d.tenant_id = $1 AND d.delivery = $2
      AND (d.leased_by = $3 OR $3 IS NULL AND d.state IN ('ready', 'published'))";

const INSERT_MEDICINES: &str = "
    INSERT INTO medicine_rows (tenant_id, delivery, month, line, principal_id, person_id, claim_key, withdrawn, drug, form,
        daily_milli, count, rate, pharmacy, class, saving_yen, charge_yen)
    SELECT d.tenant_id, d.delivery, rows.*
    FROM statement_deliveries d, unnest($4::date[], $5::int[], $6::uuid[], $7::uuid[], $8::text[], $9::bool[], $10::text[],
        $11::text[], $12::bigint[], $13::smallint[], $14::smallint[], $15::text[], $16::text[], $17::int[], $18::int[]) AS rows
    WHERE d.tenant_id = $1 AND d.delivery = $2
      AND (d.leased_by = $3 OR $3 IS NULL AND d.state IN ('ready', 'published'))";

const DELETE_COSTS: &str = "
    DELETE FROM cost_rows
    WHERE tenant_id = $1 AND month = $2 AND delivery = $3 AND line <= (
        SELECT max(next.line) FROM (
            SELECT line FROM cost_rows WHERE tenant_id = $1 AND month = $2 AND delivery = $3 ORDER BY line LIMIT $4
        ) AS next)";

const DELETE_MEDICINES: &str = "
    DELETE FROM medicine_rows
    WHERE tenant_id = $1 AND month = $2 AND delivery = $3 AND line <= (
        SELECT max(next.line) FROM (
            SELECT line FROM medicine_rows WHERE tenant_id = $1 AND month = $2 AND delivery = $3 ORDER BY line LIMIT $4
        ) AS next)";
