//! Of rows that somebody sees, what a tax return asks of each year.

use super::month;
use crate::{
    category::Category,
    month::Month,
    published::Published,
    sums::{Yen, shown, tax_year},
    view::Cost,
};
use kernel::PersonId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A row of 医療費通知.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    #[serde(default)]
    person: String,
    #[serde(deserialize_with = "month")]
    month: Month,
    /// 処理年月: the newest says what has come in.
    #[serde(deserialize_with = "month")]
    label: Month,
    #[serde(default)]
    claim: String,
    category: Category,
    #[serde(default)]
    institution: String,
    #[serde(default)]
    total_yen: i32,
    #[serde(default)]
    copay_yen: i32,
    #[serde(default)]
    meal_yen: i32,
    #[serde(default)]
    benefit_yen: i32,
}

#[derive(Debug, Serialize)]
pub(super) struct OfYear {
    year: i32,
    with_institution: i64,
    without: i64,
    benefits: i64,
    groups: Vec<OfGroup>,
    /// Months that have not come in.
    missing: Vec<String>,
}

#[derive(Debug, Serialize)]
struct OfGroup {
    person: String,
    institution: String,
    purpose: &'static str,
    paid: i64,
    benefit: i64,
}

/// Of each year that there are rows of.
pub(super) fn years(rows: &[Row], arrives_after: u32) -> Vec<OfYear> {
    let people: BTreeSet<&str> = rows.iter().map(|row| row.person.as_str()).collect();
    let people: Vec<&str> = people.into_iter().collect();
    let id = |name: &str| PersonId(Uuid::from_u128(people.partition_point(|known| *known < name) as u128));
    let cost = |row: &Row| Cost {
        month: row.month,
        label: row.label,
        delivery: 0,
        line: 0,
        person: id(&row.person),
        claim: row.claim.clone(),
        category: row.category,
        days: 0,
        institution: row.institution.clone(),
        yen: Yen {
            total: row.total_yen.into(),
            copay: row.copay_yen.into(),
            meal: row.meal_yen.into(),
            benefit: row.benefit_yen.into(),
            ..Yen::default()
        },
        is_correction: false,
    };
    let costs = shown(rows.iter().map(cost).collect());
    let arrived = Published {
        labels: rows.iter().map(|row| row.label).collect(),
        ..Published::default()
    };
    let years: BTreeSet<i32> = costs.iter().map(|cost| cost.month.year()).collect();
    let of_year = |year| {
        let of = tax_year(&costs, year, &arrived, arrives_after);
        let name = |person| people.iter().find(|name| id(name) == person).map_or("", |name| *name);
        let groups = of.groups.into_iter().map(|group| OfGroup {
            person: name(group.person).to_owned(),
            institution: group.institution,
            purpose: group.purpose.label(),
            paid: group.paid,
            benefit: group.benefit,
        });
        OfYear {
            year,
            with_institution: of.with_institution,
            without: of.without,
            benefits: of.benefits,
            groups: groups.collect(),
            missing: of.missing.iter().map(Month::to_string).collect(),
        }
    };
    years.into_iter().map(of_year).collect()
}
