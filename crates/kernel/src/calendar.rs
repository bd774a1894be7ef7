//! Japanese dates: Asia/Tokyo (UTC+9 all year) and both calendars side by side (ui/guide.md §2).

use chrono::{DateTime, Datelike, DurationRound as _, FixedOffset, NaiveDate, TimeDelta, Timelike as _, Utc};

/// Its name, the letter that forms write for it, its code in the pension office's files, and its first day.
type Era = (&'static str, char, char, (i32, u32, u32));

pub(crate) const ERAS: [Era; 5] = [
    ("令和", 'R', '9', (2019, 5, 1)),
    ("平成", 'H', '7', (1989, 1, 8)),
    ("昭和", 'S', '5', (1926, 12, 25)),
    ("大正", 'T', '3', (1912, 7, 30)),
    ("明治", 'M', '1', (1868, 1, 1)),
];

const WEEKDAYS: [&str; 7] = ["月", "火", "水", "木", "金", "土", "日"];

/// A moment as clocks in Japan show it.
pub fn in_japan(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    // Nine hours are always within an offset's range.
    FixedOffset::east_opt(9 * 3600).map_or_else(|| at.fixed_offset(), |offset| at.with_timezone(&offset))
}

/// The day in Japan.
pub fn today_in_japan(now: DateTime<Utc>) -> NaiveDate {
    in_japan(now).date_naive()
}

/// Midnight in Japan at the start of a day.
pub fn start_of_day(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
    // The first of all days begins before the first of all times.
    midnight.checked_sub_signed(TimeDelta::hours(9)).unwrap_or(midnight)
}

/// 「昭和60年」: the era year of a day; the first is 元年.
pub fn era_year(day: NaiveDate) -> Option<String> {
    era(day).map(|(era, _, year)| match year {
        1 => format!("{era}元年"),
        nth => format!("{era}{nth}年"),
    })
}

/// `('S', 60)`: the era year of a day as forms write it.
pub fn era_short(day: NaiveDate) -> Option<(char, i32)> {
    era(day).map(|(_, letter, year)| (letter, year))
}

fn era(day: NaiveDate) -> Option<(&'static str, char, i32)> {
    ERAS.iter()
        .find(|(.., (year, month, first))| {
            NaiveDate::from_ymd_opt(*year, *month, *first).is_some_and(|start| day >= start)
        })
        .map(|(era, letter, _, (year, ..))| (*era, *letter, day.year() - year + 1))
}

/// 「1985年（昭和60年）」, in a year of change 「1989年（昭和64年・平成元年）」: an option of the year pull-down.
pub fn year_both(year: i32) -> String {
    let ends = [
        NaiveDate::from_ymd_opt(year, 1, 1),
        NaiveDate::from_ymd_opt(year, 12, 31),
    ];
    let mut eras: Vec<String> = ends.into_iter().flatten().filter_map(era_year).collect();
    eras.dedup();
    if eras.is_empty() {
        format!("{year}年")
    } else {
        format!("{year}年（{}）", eras.join("・"))
    }
}

/// 「1985年（昭和60年）4月1日」.
pub fn date_both(day: NaiveDate) -> String {
    let era = era_year(day).map(|era| format!("（{era}）")).unwrap_or_default();
    format!("{}年{era}{}月{}日", day.year(), day.month(), day.day())
}

/// 「2026年11月22日（日）」.
pub fn date_with_weekday(day: NaiveDate) -> String {
    let weekday = WEEKDAYS
        .get(day.weekday().num_days_from_monday() as usize)
        .unwrap_or(&"");
    format!("{}年{}月{}日（{weekday}）", day.year(), day.month(), day.day())
}

/// 「2024年04月22日 12:00:17」, as the manual shows the last log-in.
pub fn moment(at: DateTime<Utc>) -> String {
    in_japan(at).format("%Y年%m月%d日 %H:%M:%S").to_string()
}

/// 「10時5分」, on the hour 「10時」, for deadlines within the day.
pub fn time_of_day(at: DateTime<Utc>) -> String {
    let at = in_japan(at);
    let pattern = if at.minute() == 0 { "%-H時" } else { "%-H時%-M分" };
    at.format(pattern).to_string()
}

/// 「14時5分」 today, 「11月24日（火）10時」 on another day: what was, what begins and what ends. Seconds are left off, so that
/// nobody takes for good what ended within that minute.
pub fn moment_or_time(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let day = in_japan(at).date_naive();
    if day == today_in_japan(now) {
        return time_of_day(at);
    }
    let full = date_with_weekday(day);
    let short = full.split_once('年').map_or(full.as_str(), |(_, rest)| rest);
    format!("{short}{}", time_of_day(at))
}

/// The same of when something is possible again: 「14時6分」 for 14:05:30, since seconds would only bother whoever waits a minute.
pub fn from_then_on(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    moment_or_time(whole_minute(at), now)
}

/// The first minute's start that is not before a moment: whoever comes back then doesn't come too early.
fn whole_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_round_up(TimeDelta::minutes(1)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn both_calendars_stand_side_by_side() {
        assert_eq!(year_both(1985), "1985年（昭和60年）");
        assert_eq!(year_both(1989), "1989年（昭和64年・平成元年）");
        assert_eq!(year_both(2019), "2019年（平成31年・令和元年）");
        assert_eq!(date_both(day(1985, 4, 1)), "1985年（昭和60年）4月1日");
        assert_eq!(date_both(day(1989, 1, 7)), "1989年（昭和64年）1月7日");
        assert_eq!(date_both(day(1926, 12, 25)), "1926年（昭和元年）12月25日");
    }

    #[test]
    fn moments_are_shown_in_tokyo() {
        let at = DateTime::parse_from_rfc3339("2024-04-22T03:00:17Z").unwrap().to_utc();
        assert_eq!(moment(at), "2024年04月22日 12:00:17");
        assert_eq!(time_of_day(at), "12時");
        assert_eq!(time_of_day(at + chrono::TimeDelta::minutes(5)), "12時5分");
        assert_eq!(date_with_weekday(day(2026, 11, 22)), "2026年11月22日（日）");
        assert_eq!(start_of_day(day(2024, 4, 22)).to_rfc3339(), "2024-04-21T15:00:00+00:00");
        assert!(start_of_day(NaiveDate::MIN) < start_of_day(day(1, 1, 1)));
    }

    #[test]
    fn an_end_is_never_told_too_late_and_a_way_back_never_too_early() {
        let at = DateTime::parse_from_rfc3339("2026-11-22T14:59:30Z").unwrap().to_utc();
        assert_eq!(moment_or_time(at, at), "23時59分");
        assert_eq!(from_then_on(at, at), "11月23日（月）0時");
        let whole = at + TimeDelta::seconds(30);
        assert_eq!(moment_or_time(whole, whole), from_then_on(whole, whole));
    }
}
