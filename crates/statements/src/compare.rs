//! A delivery against those before it: half a file, or another's, is rather a mistake.

use crate::{delivery::Delivery, kind::Kind, month::Month, reasons::ImportRefused, tally::Sum};
use serde::{Deserialize, Serialize};

/// Labels that a delivery is compared with.
pub const LABELS: usize = 6;

/// What an earlier delivery held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// 処理年月.
    pub label: Month,
    /// Its rows.
    pub rows: u64,
    /// 医療費の総額.
    pub yen: i64,
}

impl From<&Delivery> for Earlier {
    fn from(delivery: &Delivery) -> Self {
        Self {
            label: delivery.label,
            rows: delivery.rows,
            yen: delivery.totals.by.iter().map(|(_, _, Sum { total, .. })| total).sum(),
        }
    }
}

/// What keeps a file out unless whoever brings it says that it is right: too many rows that are nobody's, or another size than
/// usual. Of medicines nobody counts yen.
pub fn doubts(kind: Kind, (rows, unknown): (u64, u64), yen: i64, earlier: &[Earlier]) -> Vec<ImportRefused> {
    let yen = (kind == Kind::Costs).then_some(yen);
    let deviates = deviates(rows, yen, earlier);
    unmatched(rows, unknown).into_iter().chain(deviates).collect()
}

/// Refuses rows, or yen where there are any, outside half and double of the median of the newest labels.
pub fn deviates(rows: u64, yen: Option<i64>, earlier: &[Earlier]) -> Option<ImportRefused> {
    let mut newest = earlier.to_vec();
    newest.sort_by_key(|earlier| std::cmp::Reverse(earlier.label));
    newest.truncate(LABELS);
    let counts = newest.iter().map(|earlier| signed(earlier.rows)).collect();
    outside("行数", signed(rows), counts).or_else(|| {
        let sums = newest.iter().map(|earlier| earlier.yen).collect();
        outside("医療費の総額", yen?, sums)
    })
}

/// Refuses more than two in a hundred rows that are nobody's.
pub fn unmatched(rows: u64, unknown: u64) -> Option<ImportRefused> {
    let is_too_much = unknown.saturating_mul(100) > rows.saturating_mul(2);
    is_too_much.then_some(ImportRefused::Unmatched { rows, unknown })
}

/// Refuses more than one in a hundred rows of medicines that the master has not: it is another month's, or the codes are no
/// レセ電 codes.
pub fn nameless(rows: u64, unknown: u64) -> Option<ImportRefused> {
    let is_too_much = unknown.saturating_mul(100) > rows;
    is_too_much.then_some(ImportRefused::UnknownDrugs { rows, unknown })
}

fn outside(what: &'static str, here: i64, mut values: Vec<i64>) -> Option<ImportRefused> {
    values.sort_unstable();
    let upper = i128::from(*values.get(values.len() / 2)?);
    let lower = i128::from(*values.get((values.len() - 1) / 2)?);
    let doubled = lower + upper;
    let range = doubled..=doubled * 4;
    // Half of it, and double, in quarters; a median of nothing tells nothing.
    let is_outside = doubled > 0 && !range.contains(&(i128::from(here) * 4));
    is_outside.then(|| ImportRefused::Deviates {
        what,
        here,
        median: i64::try_from(doubled / 2).unwrap_or(i64::MAX),
    })
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn earlier(values: &[(u64, i64)]) -> Vec<Earlier> {
        let first = Month::of(NaiveDate::from_ymd_opt(2026, 8, 1).unwrap());
        let labels = (1..).map(|months| first.back(months));
        let of = |(label, (rows, yen)): (Month, &(u64, i64))| Earlier {
            label,
            rows: *rows,
            yen: *yen,
        };
        labels.zip(values).map(of).collect()
    }

    fn told(refused: Option<ImportRefused>) -> Option<(&'static str, i64)> {
        match refused? {
            ImportRefused::Deviates { what, median, .. } => Some((what, median)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn half_and_double_of_the_median_are_still_in_bounds() {
        let before = earlier(&[(100, 1_000), (90, 900), (300, 3_000)]);
        for rows in [50, 100, 200] {
            assert_eq!(told(deviates(rows, Some(1_000), &before)), None, "{rows}");
        }
        for rows in [0, 49, 201] {
            assert_eq!(
                told(deviates(rows, Some(1_000), &before)),
                Some(("行数", 100)),
                "{rows}"
            );
        }
        for yen in [499, 2_001, -1_000] {
            assert_eq!(
                told(deviates(100, Some(yen), &before)),
                Some(("医療費の総額", 1_000)),
                "{yen}"
            );
        }
        assert_eq!(told(deviates(100, None, &before)), None);
    }

    #[test]
    fn of_an_even_number_the_median_is_between_the_two() {
        let before = earlier(&[(100, 0), (201, 0)]);
        assert_eq!(told(deviates(75, None, &before)), Some(("行数", 150)));
        assert_eq!(told(deviates(76, None, &before)), None);
        assert_eq!(told(deviates(301, None, &before)), None);
        assert_eq!(told(deviates(302, None, &before)), Some(("行数", 150)));
    }

    #[test]
    fn the_six_newest_labels_count() {
        let mut before = earlier(&[(10, 0), (10, 0), (10, 0), (10, 0), (10, 0), (10, 0), (900, 0), (900, 0)]);
        before.reverse();
        assert_eq!(told(deviates(20, None, &before)), None);
        assert_eq!(told(deviates(21, None, &before)), Some(("行数", 10)));
    }

    #[test]
    fn without_earlier_labels_nothing_deviates() {
        assert_eq!(told(deviates(1, Some(1), &[])), None);
        // Nor against what cost nothing, or less.
        assert_eq!(told(deviates(1, Some(5), &earlier(&[(1, -3)]))), None);
        assert_eq!(
            told(deviates(u64::MAX, Some(i64::MIN), &earlier(&[(u64::MAX, i64::MAX)]))),
            Some(("医療費の総額", i64::MAX))
        );
    }

    #[test]
    fn two_in_a_hundred_may_match_nobody_and_one_more_not() {
        assert!(unmatched(100, 2).is_none());
        assert!(unmatched(100, 3).is_some());
        assert!(unmatched(0, 0).is_none());
        assert!(unmatched(49, 1).is_some());
        assert!(unmatched(50, 1).is_none());
    }

    #[test]
    fn one_in_a_hundred_may_be_of_an_unknown_medicine_and_one_more_not() {
        assert!(nameless(200, 2).is_none());
        assert!(nameless(200, 3).is_some());
        assert!(nameless(99, 1).is_some());
        assert!(nameless(0, 0).is_none());
    }
}
