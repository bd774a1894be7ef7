//! 生年月日: three pull-downs on a page, `YYYY-MM-DD` in the API; impossible days are named as such.

use crate::{Problem, text};
use chrono::{Datelike, NaiveDate};

/// A date of birth, 1868-01-01 or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BirthDate(NaiveDate);

impl BirthDate {
    /// Parses year, month and day as typed or chosen, against `today` (in Japan).
    pub fn parse(year: &str, month: &str, day: &str, today: NaiveDate) -> Result<Self, Problem> {
        let [year, month, day] = [year, month, day].map(text::normalize_dense);
        if [&year, &month, &day].iter().all(|part| part.is_empty()) {
            return Err(Problem::Empty);
        }
        if [&year, &month, &day].iter().any(|part| part.is_empty()) {
            return Err(Problem::DateIncomplete);
        }
        let (Some(year), Some(month), Some(day)) = (text::number(&year), text::number(&month), text::number(&day))
        else {
            return Err(Problem::Characters);
        };
        Self::new(year, month, day, today)
    }

    /// Parses `YYYY-MM-DD`.
    pub fn parse_iso(typed: &str, today: NaiveDate) -> Result<Self, Problem> {
        let typed = text::normalize_dense(typed);
        if typed.is_empty() {
            return Err(Problem::Empty);
        }
        let mut parts = typed.split('-');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(year), Some(month), Some(day), None)
                if (year.len(), month.len(), day.len()) == (4, 2, 2) && typed.is_ascii() =>
            {
                Self::parse(year, month, day, today)
            }
            _ => Err(Problem::Characters),
        }
    }

    fn new(year: i32, month: u32, day: u32, today: NaiveDate) -> Result<Self, Problem> {
        if !(1..=12).contains(&month) {
            return Err(Problem::ImpossibleMonth);
        }
        if !(1868..=today.year()).contains(&year) {
            return Err(Problem::DateOutOfRange);
        }
        let Some(date) = NaiveDate::from_ymd_opt(year, month, day) else {
            return Err(Problem::ImpossibleDate {
                month,
                last_day: last_day(year, month),
            });
        };
        if date > today {
            Err(Problem::DateOutOfRange)
        } else {
            Ok(Self(date))
        }
    }

    /// The date.
    pub fn date(self) -> NaiveDate {
        self.0
    }
}

fn last_day(year: i32, month: u32) -> u32 {
    (28..=31)
        .rev()
        .find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some())
        .unwrap_or(28)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    #[test]
    fn an_impossible_day_is_named_with_the_months_last() {
        assert_eq!(
            BirthDate::parse("1985", "4", "31", today()),
            Err(Problem::ImpossibleDate { month: 4, last_day: 30 })
        );
        assert_eq!(
            BirthDate::parse("1985", "2", "29", today()),
            Err(Problem::ImpossibleDate { month: 2, last_day: 28 })
        );
        for month in ["0", "13"] {
            assert_eq!(
                BirthDate::parse("1985", month, "1", today()),
                Err(Problem::ImpossibleMonth)
            );
        }
        assert!(BirthDate::parse("１９８４", "２", "２９", today()).is_ok());
    }

    #[test]
    fn open_parts_and_the_future_are_told_apart() {
        assert_eq!(BirthDate::parse("", "", "", today()), Err(Problem::Empty));
        assert_eq!(BirthDate::parse("1985", "", "1", today()), Err(Problem::DateIncomplete));
        assert_eq!(
            BirthDate::parse("2026", "11", "23", today()),
            Err(Problem::DateOutOfRange)
        );
        assert_eq!(
            BirthDate::parse("1867", "1", "1", today()),
            Err(Problem::DateOutOfRange)
        );
    }

    #[test]
    fn a_date_is_digits_and_dashes_alone() {
        let date = BirthDate::parse_iso("1985-04-01", today());
        for same in ["１９８５－０４－０１", "1985─04ー01", " 1985-04-01\u{2069}"] {
            assert_eq!(BirthDate::parse_iso(same, today()), date, "{same}");
        }
        for other in [
            "1985-4-1",
            "1985-+4-+1",
            "+985-04-01",
            "1985--4-01",
            "1985/04/01",
            "1985-04-1日",
        ] {
            assert_eq!(
                BirthDate::parse_iso(other, today()),
                Err(Problem::Characters),
                "{other}"
            );
        }
        assert_eq!(BirthDate::parse("+1985", "4", "1", today()), Err(Problem::Characters));
        assert_eq!(BirthDate::parse("1985", "+4", "-1", today()), Err(Problem::Characters));
    }

    proptest! {
        #[test]
        fn no_typed_date_panics(year in "\\PC{0,6}", month in "\\PC{0,3}", day in "\\PC{0,3}", iso in "\\PC*") {
            let _ = BirthDate::parse(&year, &month, &day, today());
            let _ = BirthDate::parse_iso(&iso, today());
        }

        #[test]
        fn every_day_since_1868_parses_both_ways(days in 0i64..57_000) {
            let date = NaiveDate::from_ymd_opt(1868, 1, 1).unwrap() + chrono::Days::new(days.unsigned_abs());
            let expected = Ok(BirthDate(date));
            prop_assert_eq!(BirthDate::parse_iso(&date.format("%Y-%m-%d").to_string(), today()), expected.clone());
            prop_assert_eq!(
                BirthDate::parse(&date.year().to_string(), &date.month().to_string(), &date.day().to_string(), today()),
                expected
            );
        }
    }
}
