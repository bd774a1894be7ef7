//! Dates as people and their files write them: 19850401, 1985/4/1, 1985-04-01, and 和暦 as S600401, S60.4.1, 昭和60年4月1日 or,
//! from the pension office, 5600401. Impossible days are named as such.

use crate::{
    Problem,
    calendar::{self, ERAS},
    text,
};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};

/// Year, month and day.
type Day = (i32, u32, u32);

/// The years that staff plan in or look back to: what is over is told to be so, and not that it can't be read.
const PLANNED: std::ops::Range<i32> = 1970..2200;

/// A day that is planned or looked back to, in a field whose own words say how it is written; `None` where it is left open.
pub fn planned(field: &str) -> Result<Option<NaiveDate>, Problem> {
    match parse(field) {
        Ok(Some(day)) if !PLANNED.contains(&day.year()) => Err(Problem::Characters),
        Err(Problem::DateIncomplete | Problem::ImpossibleMonth | Problem::DateOutOfRange) => Err(Problem::Characters),
        read => read,
    }
}

/// A moment in Japan, as a browser's own field writes it or as people do, in a field whose own words say how.
pub fn moment(field: &str) -> Result<DateTime<Utc>, Problem> {
    let typed = text::normalize(field);
    if typed.is_empty() {
        return Err(Problem::Empty);
    }
    let parts = typed.rsplit_once([' ', 'T']).or_else(|| typed.split_once('日'));
    let (day, time) = parts.ok_or(Problem::Characters)?;
    let day = planned(day)?.ok_or(Problem::Characters)?;
    let time = time_of_day(time).ok_or(Problem::Characters)?;
    Ok(calendar::start_of_day(day) + time.signed_duration_since(NaiveTime::MIN))
}

/// 8:30, 8時30分, 8時半, 8時, 午後3時.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    let half = [("午前", 0), ("午後", 12)]
        .iter()
        .find_map(|(word, hours)| Some((text.strip_prefix(word)?, *hours)));
    let (text, hours) = half.unwrap_or((text, 0));
    let (hour, minute) = text.split_once([':', '時'])?;
    let minute = match minute {
        "" if text.ends_with('時') => "0",
        "半" => "30",
        minute => minute.strip_suffix('分').unwrap_or(minute),
    };
    let (hour, minute): (u32, u32) = (text::number(hour)?, text::number(minute)?);
    let hour = match half {
        Some(_) if hour >= 12 => return None,
        _ => hour.checked_add(hours)?,
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}

/// A date, or `None` for an empty field.
pub fn parse(field: &str) -> Result<Option<NaiveDate>, Problem> {
    let dense = text::normalize_dense(field);
    if dense.is_empty() {
        return Ok(None);
    }
    let (era, rest) = split_era(&dense);
    let [year, month, day] = parts(rest, era.is_some()).ok_or(Problem::DateIncomplete)?;
    let first = era.map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day));
    let year = match era {
        // 平成32年 was written in good faith before the change of era, so an era's end is no limit; its start is.
        Some((first_year, ..)) => first_year + year - 1,
        None => year,
    };
    let date = day_of(year, month, day)?;
    match first {
        Some(first) if first.is_none_or(|first| date < first) => Err(Problem::DateOutOfRange),
        _ => Ok(Some(date)),
    }
}

fn day_of(year: i32, month: i32, day: i32) -> Result<NaiveDate, Problem> {
    let (Ok(month), Ok(day)) = (u32::try_from(month), u32::try_from(day)) else {
        return Err(Problem::DateIncomplete);
    };
    if !(1..=12).contains(&month) {
        return Err(Problem::ImpossibleMonth);
    }
    if !(1868..=9999).contains(&year) {
        return Err(Problem::DateOutOfRange);
    }
    NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| {
        let last_day = (28..=31)
            .rev()
            .find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some());
        Problem::ImpossibleDate {
            month,
            last_day: last_day.unwrap_or(28),
        }
    })
}

/// The first day of the era that a date begins with, and what follows it.
fn split_era(dense: &str) -> (Option<Day>, &str) {
    for (name, letter, code, first) in ERAS {
        let rest = dense
            .strip_prefix(name)
            .or_else(|| dense.strip_prefix(letter))
            .or_else(|| dense.strip_prefix(letter.to_ascii_lowercase()))
            // Seven digits, or a separated code: no other form has either.
            .or_else(|| {
                dense
                    .strip_prefix(code)
                    .filter(|rest| rest.len() == 6 && is_digits(rest))
            })
            .or_else(|| {
                dense
                    .strip_prefix(code)
                    .and_then(|rest| rest.strip_prefix('-'))
                    .filter(|rest| is_digits(rest))
            });
        if let Some(rest) = rest {
            return (Some(first), rest);
        }
    }
    (None, dense)
}

/// Year, month and day, separated or not. Unseparated years have four digits, or two within an era.
fn parts(rest: &str, in_era: bool) -> Option<[i32; 3]> {
    let year_digits = if in_era { 2 } else { 4 };
    if is_digits(rest) {
        if rest.len() != year_digits + 4 {
            return None;
        }
        let (year, month_day) = rest.split_at_checked(year_digits)?;
        let (month, day) = month_day.split_at_checked(2)?;
        return Some([text::number(year)?, text::number(month)?, text::number(day)?]);
    }
    let kanji = rest.strip_suffix('日').unwrap_or(rest);
    let mut parts = kanji.split(['/', '-', '.', '年', '月']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year = if in_era && year == "元" { "1" } else { year };
    let fits = parts.next().is_none()
        && (if in_era { 1..=2 } else { 4..=4 }).contains(&year.len())
        && [month, day].iter().all(|part| (1..=2).contains(&part.len()));
    if !fits {
        return None;
    }
    Some([text::number(year)?, text::number(month)?, text::number(day)?])
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(field: &str) -> String {
        parse(field).unwrap().unwrap().to_string()
    }

    #[test]
    fn one_day_in_all_its_writings() {
        for field in [
            "19850401",
            "1985/4/1",
            "1985/04/01",
            "1985-04-01",
            "1985.4.1",
            "1985年4月1日",
            "S600401",
            "s60.4.1",
            "S60/04/01",
            "昭和60年4月1日",
            "昭和６０年０４月０１日",
            "㍼60年4月1日",
            "5600401",
            "5-600401",
            " 1985／4／1　",
        ] {
            assert_eq!(date(field), "1985-04-01", "{field}");
        }
        assert_eq!(date("令和元年5月1日"), "2019-05-01");
        assert_eq!(date("平成31年4月30日"), "2019-04-30");
        assert_eq!(date("平成32年3月31日"), "2020-03-31");
        assert_eq!(date("9080401"), "2026-04-01");
    }

    #[test]
    fn a_planned_day_is_of_these_centuries_and_what_is_none_is_for_the_fields_own_words() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1);
        for field in [
            "2026-12-01",
            "2026/12/1",
            "令和8年12月1日",
            "R8.12.1",
            "２０２６年１２月１日",
        ] {
            assert_eq!(planned(field), Ok(day), "{field}");
        }
        assert_eq!(planned(""), Ok(None));
        assert_eq!(
            planned("2026-02-30"),
            Err(Problem::ImpossibleDate { month: 2, last_day: 28 })
        );
        for field in [
            "1969-12-31",
            "2200-01-01",
            "+9999-01-01",
            "-262143-01-01",
            "あした",
            "2026-13-01",
            "26-12-01",
        ] {
            assert_eq!(planned(field), Err(Problem::Characters), "{field}");
        }
    }

    #[test]
    fn an_empty_field_is_no_date() {
        assert_eq!(parse(" 　"), Ok(None));
    }

    #[test]
    fn impossible_days_are_named_with_the_months_last() {
        assert_eq!(
            parse("19850431"),
            Err(Problem::ImpossibleDate { month: 4, last_day: 30 })
        );
        assert_eq!(
            parse("S60.2.29"),
            Err(Problem::ImpossibleDate { month: 2, last_day: 28 })
        );
        for field in ["1985/13/1", "1975年13月1日", "19850001", "S60.13.1"] {
            assert_eq!(parse(field), Err(Problem::ImpossibleMonth), "{field}");
        }
        assert_eq!(parse("18671231"), Err(Problem::DateOutOfRange));
        assert_eq!(parse("昭和1年12月24日"), Err(Problem::DateOutOfRange));
    }

    #[test]
    fn what_could_be_two_dates_is_none() {
        for field in [
            "850401",
            "85/4/1",
            "4/1/1985",
            "1985/4",
            "198541",
            "西暦",
            "S60",
            "1985年4月1日生",
            "１",
            "1985//1",
            "1985-+4-+1",
            "+985/4/1",
            "S+6/4/1",
        ] {
            assert_eq!(parse(field), Err(Problem::DateIncomplete), "{field}");
        }
    }

    #[test]
    fn a_moment_is_read_as_people_write_the_time_of_day() {
        let at = |field: &str| moment(field).map(|at| calendar::in_japan(at).format("%m-%d %H:%M").to_string());
        for (written, meant) in [
            ("2026-12-05T08:00", "12-05 08:00"),
            ("令和8年12月5日 8:05", "12-05 08:05"),
            ("令和8年12月5日8時30分", "12-05 08:30"),
            ("２０２６年１２月５日　８時半", "12-05 08:30"),
            ("2026/12/5 午後0時", "12-05 12:00"),
            ("2026年12月5日午後3時15分", "12-05 15:15"),
        ] {
            assert_eq!(at(written).as_deref(), Ok(meant), "{written}");
        }
        for wrong in [
            "2026-12-05",
            "2026-12-05 24:00",
            "2026-12-05 8:60",
            "2026-12-05 8:",
            "2026-12-05 午後13時",
            "2026-12-05 8時30分ごろ",
            "2026-12-05 99999999999:00",
            "8:00",
        ] {
            assert_eq!(at(wrong), Err(Problem::Characters), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_field_panics(field in "\\PC*", near in "[MTSHR明治昭和令元年月日0-9/.-]{0,12}") {
            let _ = parse(&field);
            let _ = parse(&near);
        }

        #[test]
        fn every_day_reads_back(days in 0i64..60_000) {
            let day = NaiveDate::from_ymd_opt(1868, 1, 1).unwrap() + chrono::Days::new(days.unsigned_abs());
            let (y, m, d) = (day.year(), day.month(), day.day());
            for field in [format!("{y}{m:02}{d:02}"), format!("{y}/{m}/{d}"), day.to_string(), format!("{y}年{m}月{d}日")] {
                prop_assert_eq!(parse(&field), Ok(Some(day)));
            }
            if let Some(era) = crate::calendar::era_year(day) {
                prop_assert_eq!(parse(&format!("{era}{m}月{d}日")), Ok(Some(day)));
            }
        }
    }
}
