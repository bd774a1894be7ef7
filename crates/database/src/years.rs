//! Tables that lie by calendar years. The owner makes each year ahead of time, attaches it when it begins, and drops it once
//! no insurer may keep anything of it; the service reads and writes them through the whole alone. A statement locks every
//! year that is attached, so there are never more than the present one and those that may be kept.

use crate::{
    DatabaseError, TenantTransaction,
    migrations::{connect, quoted},
};
use chrono::{Datelike as _, Months, NaiveDate};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Integer, Text},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use std::collections::{BTreeMap, BTreeSet};

/// Months back from the present one that any insurer may keep.
pub const MOST_MONTHS: u32 = 36;
/// Years that stand ready before they begin.
const AHEAD: i32 = 2;
/// Whoever reads or writes right now is not held up for long: what can't have its lock is tried the next day.
const LOCK: &str = "SET lock_timeout = '5s'";

/// A table that lies by calendar years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yearly {
    /// The table; a year of it is called `table_2026`.
    pub table: &'static str,
    /// The crate whose it is.
    pub owner: &'static str,
}

/// Makes, attaches and drops years as `owner_url`'s role; `tell` hears of each once it is done.
pub async fn keep_years(
    owner_url: &str,
    tables: &[Yearly],
    today: NaiveDate,
    mut tell: impl FnMut(String),
) -> Result<(), DatabaseError> {
    let mut connection = connect(owner_url).await?;
    connection.batch_execute(LOCK).await?;
    for table in tables {
        let years: Vec<Year> = diesel::sql_query(YEARS)
            .bind::<Text, _>(table.table)
            .load(&mut connection)
            .await?;
        let known = years.into_iter().map(|year| (year.year, year.attached)).collect();
        for step in steps(&known, today) {
            // A message of its own, so a transaction of its own: what is done stays done.
            connection.batch_execute(&step.sql(table)).await?;
            tell(step.said(table));
        }
    }
    Ok(())
}

/// The years of a table that are attached, asked as the service.
pub async fn years(tx: &TenantTransaction, table: &str) -> Result<BTreeSet<i32>, DatabaseError> {
    let years: Vec<Year> = diesel::sql_query(YEARS).bind::<Text, _>(table).load(&mut &**tx).await?;
    let attached = years.into_iter().filter(|year| year.attached);
    Ok(attached.map(|year| year.year).collect())
}

/// What is to be done to a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Drop(i32),
    Make(i32),
    Attach(i32),
}

/// In this order, so that there are never more attached than may be.
fn steps(known: &BTreeMap<i32, bool>, today: NaiveDate) -> Vec<Step> {
    let this = today.year();
    let first = (today - Months::new(MOST_MONTHS)).year();
    let dropped = known.keys().filter(|year| **year < first).map(|year| Step::Drop(*year));
    let missing = (first..=this + AHEAD).filter(|year| !known.contains_key(year));
    let apart = (first..=this).filter(|year| known.get(year) != Some(&true));
    dropped
        .chain(missing.map(Step::Make))
        .chain(apart.map(Step::Attach))
        .collect()
}

impl Step {
    fn sql(self, Yearly { table, owner }: &Yearly) -> String {
        match self {
            Self::Drop(year) => format!("DROP TABLE {}", quoted(&format!("{table}_{year}"))),
            Self::Make(year) => format!("SELECT tenant_year('{table}', '{owner}', {year})"),
            Self::Attach(year) => format!("SELECT attach_year('{table}', {year})"),
        }
    }

    fn said(self, Yearly { table, .. }: &Yearly) -> String {
        match self {
            Self::Drop(year) => format!("{table}_{year} dropped"),
            Self::Make(year) => format!("{table}_{year} made"),
            Self::Attach(year) => format!("{table}_{year} attached"),
        }
    }
}

/// A year that there is.
#[derive(QueryableByName)]
struct Year {
    #[diesel(sql_type = Integer)]
    year: i32,
    #[diesel(sql_type = Bool)]
    attached: bool,
}

const YEARS: &str = "
    SELECT right(c.relname, 4)::int AS year, c.relispartition AS attached FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname ~ ('^' || $1 || '_[0-9]{4}$')";

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn done(known: &mut BTreeMap<i32, bool>, today: NaiveDate) -> Vec<Step> {
        let steps = steps(known, today);
        for step in &steps {
            match *step {
                Step::Drop(year) => assert!(known.remove(&year).is_some()),
                Step::Make(year) => assert_eq!(known.insert(year, false), None),
                Step::Attach(year) => assert_eq!(known.insert(year, true), Some(false)),
            }
            let attached = known.values().filter(|attached| **attached).count();
            assert!(attached <= 4, "{today}: {known:?}");
        }
        steps
    }

    #[test]
    fn of_each_table_at_most_four_years_are_attached_whatever_the_month() {
        // As the migration leaves them.
        let mut known: BTreeMap<i32, bool> = (2023..=2028).map(|year| (year, year <= 2026)).collect();
        for nth in 0..36 * 12 {
            let today = day(2026, 12, 1) + Months::new(nth);
            for today in [today, today + Months::new(1) - chrono::Days::new(1)] {
                done(&mut known, today);
                assert!((today.year()..=today.year() + 2).all(|year| known.contains_key(&year)));
                for months in 0..=MOST_MONTHS {
                    let month = today - Months::new(months);
                    assert_eq!(known.get(&month.year()), Some(&true), "{today}: {month}");
                }
            }
            assert_eq!(done(&mut known, today), []);
        }
    }

    #[test]
    fn a_table_that_nobody_kept_for_years_is_brought_to_the_present() {
        let mut known = BTreeMap::from([(2023, true), (2024, true), (2027, false)]);
        let expected = [
            Step::Drop(2023),
            Step::Drop(2024),
            Step::Make(2028),
            Step::Make(2029),
            Step::Make(2030),
            Step::Make(2031),
            Step::Make(2032),
            Step::Attach(2027),
            Step::Attach(2028),
            Step::Attach(2029),
            Step::Attach(2030),
        ];
        assert_eq!(done(&mut known, day(2030, 6, 15)), expected);
    }

    #[test]
    fn a_run_that_broke_off_is_taken_up_where_it_was() {
        // Made, but not attached yet; one that is too old is still there.
        let mut known = BTreeMap::from([(2023, true), (2024, true), (2025, true), (2026, true), (2027, false)]);
        let steps = done(&mut known, day(2027, 1, 1));
        assert_eq!(
            steps,
            [Step::Drop(2023), Step::Make(2028), Step::Make(2029), Step::Attach(2027)]
        );
    }
}
