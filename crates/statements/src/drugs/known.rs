//! Medicines of members' rows by their codes: what they are called, and what they could be exchanged for.

use crate::{
    drugs::{Drug, Row},
    month::Month,
    reckon,
};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, Date, Text},
};
use diesel_async::RunQueryDsl;
use std::collections::{BTreeSet, HashMap};
use tenancy::GenericSettings;

/// What is said of a code that the month's master has not.
const NAMELESS: &str = "名称を確認できないお薬";

/// The drugs of some months that were asked for, with those that they could be exchanged for.
#[derive(Debug, Clone, Default)]
pub struct Known(HashMap<Month, HashMap<String, Drug>>);

/// Looks codes up in the masters of their months, in one statement however many they are.
pub async fn of(tx: &TenantTransaction, asked: &[(Month, &str)]) -> Result<Known, DatabaseError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Date)]
        month: Month,
        #[diesel(embed)]
        row: Row,
    }
    let asked: BTreeSet<(Month, &str)> = asked.iter().copied().collect();
    let mut known = Known::default();
    if asked.is_empty() {
        return Ok(known);
    }
    let (months, codes): (Vec<NaiveDate>, Vec<&str>) =
        asked.into_iter().map(|(month, code)| (month.first(), code)).unzip();
    let query = diesel::sql_query(KNOWN)
        .bind::<Array<Date>, _>(months)
        .bind::<Array<Text>, _>(codes);
    let found: Vec<Found> = Prepared(query).load(&mut &**tx).await?;
    for Found { month, row } in found {
        let drug = Drug::try_from(row)?;
        known.0.entry(month).or_default().insert(drug.code.clone(), drug);
    }
    Ok(known)
}

impl Known {
    /// The drug of a code in a month.
    pub fn drug(&self, month: Month, code: &str) -> Option<&Drug> {
        self.0.get(&month)?.get(code)
    }

    /// What it is called.
    pub fn name(&self, month: Month, code: &str) -> String {
        self.drug(month, code)
            .map_or_else(|| NAMELESS.to_owned(), Drug::shown_name)
    }

    /// What it could be exchanged for, the cheapest first, three at most; nothing where the insurer never proposes it.
    pub fn candidates(&self, month: Month, code: &str, settings: &GenericSettings) -> Vec<&Drug> {
        let Some(drugs) = self.0.get(&month) else {
            return Vec::new();
        };
        let Some(drug) = drugs.get(code) else {
            return Vec::new();
        };
        let mut candidates = reckon::candidates(drug, drugs.values(), month.first(), settings.exclude_classes);
        candidates.truncate(reckon::SHOWN);
        candidates
    }
}

/// Of each code its drug, and of one with generics those that are cheaper.
const KNOWN: &str = "
    SELECT a.month, d.code, d.valid_from, d.price_code, d.name, d.unit, d.price_sen, d.class, d.charge_sen, d.ends_on
    FROM unnest($1::date[], $2::text[]) AS a (month, code)
    CROSS JOIN LATERAL (
        SELECT valid_from, version FROM drugs WHERE valid_from <= a.month ORDER BY valid_from DESC, version DESC LIMIT 1
    ) AS v
    CROSS JOIN LATERAL (
        SELECT * FROM drugs own
        WHERE own.valid_from = v.valid_from AND own.version = v.version AND own.code = a.code OFFSET 0
    ) AS own
    CROSS JOIN LATERAL (
        SELECT own.code, own.valid_from, own.price_code, own.name, own.unit, own.price_sen, own.class, own.charge_sen,
            own.ends_on
        UNION ALL
        SELECT other.code, other.valid_from, other.price_code, other.name, other.unit, other.price_sen, other.class,
            other.charge_sen, other.ends_on
        FROM drugs other
        WHERE own.class = '2' AND own.strength <> '' AND other.valid_from = v.valid_from AND other.version = v.version
          AND other.class = '3' AND other.strength = own.strength AND other.price_sen < own.price_sen
        OFFSET 0
    ) AS d";
