//! A month: of treatment (診療年月), or of the insurer's processing (処理年月), by which a delivery is called.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::Pg,
    serialize::{self, Output, ToSql},
    sql_types::Date,
};
use kernel::{calendar, dates, text};
use serde::{Deserialize, Serialize};
use std::iter;
use tenancy::StatementSettings;

/// A month, by its first day.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Date)]
#[serde(from = "NaiveDate", into = "NaiveDate")]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Reads 202606, 2026-06, 2026/6, 2026.6, 2026年6月(分), and in 和暦 R0806, R8.6, 令和8年6月; also the month's first day, which
    /// Excel makes of a month. What could be two months is none.
    pub fn parse(text: &str) -> Option<Self> {
        let dense = text::normalize_dense(text);
        let dense = match dense.strip_suffix('分') {
            Some(month) if month.ends_with('月') => month,
            _ => &dense,
        };
        // A cell that holds a number has lost the 0 of October.
        if dense.len() == 6 && dense.ends_with(".1") && dense.matches('.').count() == 1 {
            return None;
        }
        let day = dates::parse(&first_day(dense)?).ok()??;
        (day.day() == 1).then_some(Self(day))
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.0
    }

    /// The day behind its last: the first of the next.
    pub fn end(self) -> NaiveDate {
        self.0
            .checked_add_months(chrono::Months::new(1))
            .unwrap_or(NaiveDate::MAX)
    }

    /// So many months earlier.
    #[must_use]
    pub fn back(self, months: u32) -> Self {
        let earlier = self.0.checked_sub_months(chrono::Months::new(months));
        earlier.map_or(self, Self)
    }

    /// The calendar year.
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// 「2026年6月」.
    pub(crate) fn words(self) -> String {
        format!("{}年{}月", self.0.year(), self.0.month())
    }
}

/// Months from one to another, both included; none where the last comes before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months {
    /// The first.
    pub first: Month,
    /// The last.
    pub last: Month,
}

impl Months {
    /// A calendar year's.
    pub fn year(year: i32) -> Self {
        let of = |month| NaiveDate::from_ymd_opt(year, month, 1).map_or(Month(NaiveDate::MAX), Month);
        Self {
            first: of(1),
            last: of(12),
        }
    }

    /// One alone.
    pub fn one(month: Month) -> Self {
        Self {
            first: month,
            last: month,
        }
    }

    /// The months of treatment that an insurer keeps, up to the present one.
    pub fn online(settings: &StatementSettings, now: DateTime<Utc>) -> Self {
        let last = Month::of(calendar::today_in_japan(now));
        Self {
            first: last.back(settings.months_online),
            last,
        }
    }

    /// Those that are of both.
    #[must_use]
    pub fn within(self, others: Self) -> Self {
        Self {
            first: self.first.max(others.first),
            last: self.last.min(others.last),
        }
    }

    /// True where a month is one of them.
    pub fn contains(self, month: Month) -> bool {
        (self.first..=self.last).contains(&month)
    }

    /// All of them, the oldest first.
    pub fn all(self) -> impl Iterator<Item = Month> {
        let next = |month: &Month| Some(Month(month.end()));
        iter::successors(Some(self.first), next).take_while(move |month| *month <= self.last)
    }
}

/// A month as a date is written, of its first day; what has a day already as it is.
fn first_day(dense: &str) -> Option<String> {
    let separators = dense.matches(['/', '-', '.']).count();
    let digits = dense.len() - dense.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    // R0806 behind an era, else 202606.
    let unseparated = if digits == dense.len() { 6 } else { 4 };
    if dense.ends_with('月') {
        Some(format!("{dense}1日"))
    } else if dense.ends_with('日') || separators == 2 {
        Some(dense.to_owned())
    } else if separators == 1 {
        let separator = dense.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
        Some(format!("{dense}{separator}1"))
    } else if digits == unseparated {
        Some(format!("{dense}01"))
    } else {
        None
    }
}

impl From<NaiveDate> for Month {
    fn from(day: NaiveDate) -> Self {
        Self::of(day)
    }
}

impl From<Month> for NaiveDate {
    fn from(month: Month) -> Self {
        month.0
    }
}

/// 2026-06.
impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl ToSql<Date, Pg> for Month {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Date, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Date, Pg> for Month {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <NaiveDate as FromSql<Date, Pg>>::from_sql(bytes).map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn month(year: i32, month: u32) -> Month {
        Month(NaiveDate::from_ymd_opt(year, month, 1).unwrap())
    }

    #[test]
    fn a_month_is_read_however_files_write_it() {
        for text in [
            "202606",
            "2026-06",
            "2026-6",
            "2026/6",
            "2026/06",
            "2026.6",
            "2026.06",
            "2026年6月",
            "2026年06月分",
            "２０２６年６月",
            " 2026 年 6 月 ",
            "2026-06-01",
            "2026/6/1",
            "2026年6月1日",
            "20２6／０6",
            "R0806",
            "r0806",
            "R8.6",
            "R08-06",
            "R8/6",
            "R8.6.1",
            "Ｒ０８０６",
            "令和8年6月",
            "令和８年６月分",
            "令和0806",
            "㋿8年6月",
        ] {
            assert_eq!(Month::parse(text), Some(month(2026, 6)), "{text}");
        }
        assert_eq!(Month::parse("令和元年5月"), Some(month(2019, 5)));
        assert_eq!(Month::parse("H31.4"), Some(month(2019, 4)));
        assert_eq!(Month::parse("平成32年1月"), Some(month(2020, 1)));
        assert_eq!(Month::parse("2026.10"), Some(month(2026, 10)));
        assert_eq!(Month::parse("R8.1"), Some(month(2026, 1)));
    }

    #[test]
    fn no_month_is_guessed() {
        for text in [
            "",
            "1e3",
            "2026",
            "2026-13",
            "2026-00",
            "202613",
            "26-06",
            "6/2026",
            "50806",
            "5-0806",
            "80601",
            "20260601",
            "2026-06-31",
            "2026-06-02",
            "2026/6/30",
            "2026年6月2日",
            "2026.1",
            "2026年",
            "6月",
            "分",
            "2026分",
            "2026-06分",
            "R806",
            "R8",
            "令和元年4月",
            "R1.4",
            "2026-06-01 00:00",
            "2026--06",
            "+2026-6",
            "2026-6-",
            "Jun-26",
            "Mar-26",
        ] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_counted_back_from_the_month_in_japan() {
        let settings = StatementSettings::default();
        let now = |text| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let online = Months::online(&settings, now("2026-10-31T15:00:00Z"));
        assert_eq!((online.first, online.last), (month(2024, 11), month(2026, 11)));
        let year = Months::year(2024).within(online);
        assert_eq!(year.all().collect::<Vec<_>>(), [month(2024, 11), month(2024, 12)]);
        assert!(year.contains(month(2024, 12)) && !year.contains(month(2025, 1)));
        assert_eq!(Months::year(2023).within(online).all().count(), 0);
        assert_eq!(Months::year(2026).all().count(), 12);
        assert_eq!(Months::one(month(2026, 2)).all().collect::<Vec<_>>(), [month(2026, 2)]);
        // A year that no calendar has.
        assert_eq!(Months::year(i32::MAX).within(online).all().count(), 0);
        assert_eq!(Months::year(i32::MIN).within(online).all().count(), 0);
    }

    #[test]
    fn months_are_counted_over_the_years_end() {
        let june = month(2026, 6);
        assert_eq!(june.back(6), month(2025, 12));
        assert_eq!(june.back(0), june);
        assert_eq!(month(2026, 12).end(), month(2027, 1).first());
        assert_eq!(Month::of("2026-06-30".parse().unwrap()), june);
        assert_eq!((june.to_string(), june.year()), ("2026-06".to_owned(), 2026));
        let written = serde_json::to_string(&june).unwrap();
        assert_eq!(serde_json::from_str::<Month>(&written).unwrap(), june);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}", near in "[MTSHR令和元平成年月日分0-9０-９/.-]{0,12}") {
            let _ = (Month::parse(&text), Month::parse(&near));
        }

        #[test]
        fn a_month_written_out_reads_back(y in 2019i32..2100, m in 1u32..=12) {
            let expected = month(y, m);
            for text in [
                expected.to_string(),
                format!("{y}{m:02}"),
                format!("{y}/{m}"),
                format!("{y}年{m}月"),
                format!("{y}年{m:02}月分"),
                expected.first().to_string(),
            ] {
                prop_assert_eq!(Month::parse(&text), Some(expected), "{}", text);
            }
            if let (Some(era), Some((letter, nth))) =
                (kernel::calendar::era_year(expected.first()), kernel::calendar::era_short(expected.first()))
            {
                for text in [format!("{era}{m}月"), format!("{letter}{nth:02}{m:02}"), format!("{letter}{nth}.{m}")] {
                    prop_assert_eq!(Month::parse(&text), Some(expected), "{}", text);
                }
            }
        }
    }
}
