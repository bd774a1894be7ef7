//! What a file holds, counted while it is read.

use crate::{against::Against, line::Line, month::Month};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rows and yen of a month and category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// Rows, those that take a claim back among them.
    pub rows: u64,
    /// 医療費の総額 of the others.
    pub total: i64,
    /// 窓口相当負担額 of the others.
    pub copay: i64,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows that count.
    pub rows: u64,
    /// Rows of months too old to be shown, which do not.
    pub too_old: u64,
    /// Rows that take a claim back.
    pub withdrawn: u64,
    /// Rows whose total is not the sum of its shares.
    pub uneven: u64,
    /// Rows that give back more than was paid at the window: their 支給額 may be of several people together.
    pub joint: u64,
    /// By month and category; of medicines, by how they are taken.
    pub by: BTreeMap<(Month, String), Sum>,
}

impl Tally {
    /// Counts a row.
    pub fn add(&mut self, line: &Line) {
        let (category, total, copay) = match line {
            Line::Cost(cost) => (cost.category.as_str(), cost.total, cost.copay),
            Line::Medicine(medicine) => (medicine.form.as_str(), 0, 0),
        };
        let sum = self.by.entry((line.month(), category.to_owned())).or_default();
        self.rows += 1;
        sum.rows += 1;
        if line.withdrawn() {
            self.withdrawn += 1;
            return;
        }
        sum.total += i64::from(total);
        sum.copay += i64::from(copay);
        if let Line::Cost(cost) = line {
            let shares = [cost.insurer, cost.public, cost.copay].map(i64::from);
            self.uneven += u64::from(i64::from(cost.total) != shares.iter().sum::<i64>());
            let paid = i64::from(cost.copay) + i64::from(cost.meal);
            self.joint += u64::from(cost.benefit > 0 && i64::from(cost.benefit) > paid);
        }
    }

    /// The months of which there are rows, ascending.
    pub fn months(&self) -> Vec<Month> {
        let mut months: Vec<Month> = self.by.keys().map(|(month, _)| *month).collect();
        months.dedup();
        months
    }

    /// 医療費の総額 of all rows.
    pub fn yen(&self) -> i64 {
        self.by.values().map(|sum| sum.total).sum()
    }
}

/// What is kept of a delivery's sums.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// By month and category; of medicines, by how they are taken.
    pub by: Vec<(Month, String, Sum)>,
    /// What it changes.
    pub corrected: Corrected,
    /// Rows that waited when the file was read.
    #[serde(default)]
    pub held: Option<u64>,
    /// What it says otherwise than the version of its label that was published when the file was read.
    #[serde(default)]
    pub against: Option<Against>,
}

/// What a delivery changes of what published ones of earlier labels say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Corrected {
    /// Claims of theirs that it says anew.
    pub claims: u64,
    /// By how much 医療費の総額 changes, as it is shown until rows that wait are settled.
    pub yen: i64,
    /// Claims of theirs that it takes back.
    pub withdrawn: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::tests::cost;

    #[test]
    fn what_is_uneven_is_counted_and_taken() {
        let mut tally = Tally::default();
        tally.add(&Line::Cost(cost("2026-06", [1_000, 700, 0, 300])));
        tally.add(&Line::Cost(cost("2026-06", [1_000, 700, 100, 300])));
        tally.add(&Line::Cost(cost("2026-05", [-500, -350, 0, -150])));
        assert_eq!((tally.rows, tally.uneven, tally.yen()), (3, 1, 1_500));
        let months: Vec<String> = tally.months().iter().map(Month::to_string).collect();
        assert_eq!(months, ["2026-05", "2026-06"]);
        let june = tally.by.last_key_value().map(|(_, sum)| *sum);
        assert_eq!(
            june,
            Some(Sum {
                rows: 2,
                total: 2_000,
                copay: 600
            })
        );
    }

    #[test]
    fn a_benefit_beyond_what_was_paid_is_counted_and_taken() {
        let mut tally = Tally::default();
        for (benefit, meal) in [(300, 0), (301, 0), (301, 1), (0, 0)] {
            let mut row = cost("2026-06", [1_000, 700, 0, 300]);
            (row.benefit, row.meal) = (benefit, meal);
            tally.add(&Line::Cost(row));
        }
        assert_eq!((tally.rows, tally.joint), (4, 1));
    }

    #[test]
    fn a_row_that_takes_a_claim_back_counts_as_a_row_and_adds_nothing() {
        let mut tally = Tally::default();
        let mut back = cost("2026-06", [1_000, 700, 0, 0]);
        back.withdrawn = true;
        tally.add(&Line::Cost(back));
        assert_eq!((tally.rows, tally.withdrawn, tally.uneven, tally.yen()), (1, 1, 0, 0));
        assert_eq!(tally.months().len(), 1);
    }

    #[test]
    fn sums_are_kept_and_read_back() {
        let mut tally = Tally::default();
        tally.add(&Line::Cost(cost("2026-06", [1_000, 700, 0, 300])));
        let by = tally.by.into_iter();
        let totals = Totals {
            by: by.map(|((month, category), sum)| (month, category, sum)).collect(),
            held: Some(1),
            ..Totals::default()
        };
        let kept = serde_json::to_value(&totals).unwrap();
        assert_eq!(serde_json::from_value::<Totals>(kept).unwrap(), totals);
    }
}
