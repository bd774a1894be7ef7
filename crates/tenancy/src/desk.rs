//! お問い合わせ先: when somebody answers, and what the page says about it (受付中, or when it opens next). All times are
//! Japan's; public holidays follow 国民の祝日に関する法律 as `jpholiday` knows it.

use crate::settings::optional_email_address;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Timelike as _, Utc, Weekday};
use jpholiday::jpholiday::JPHoliday;
use kernel::{EmailAddress, calendar};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// How far ahead the next opening is looked for: no desk closes for longer than a year.
const DAYS_AHEAD: u64 = 366;

/// A contact desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactDesk {
    /// 専用コールセンター.
    pub name: String,
    /// As printed: `050-2030-4706`. Empty for the platform before it was applied.
    pub phone: String,
    /// The weekdays on which it answers, Monday first.
    pub days: Vec<Weekday>,
    /// The hours of each of those days, ascending; the gaps between them are breaks.
    pub hours: Vec<Hours>,
    /// Closed on Japanese public holidays.
    pub closed_on_holidays: bool,
    /// Closed on these days too, ascending.
    pub closed_dates: Vec<NaiveDate>,
    /// Where mail may be sent; mail is accepted around the clock.
    #[serde(with = "optional_email_address")]
    pub email: Option<EmailAddress>,
    /// When mail is answered, in the insurer's words.
    pub email_note: Option<String>,
    /// What to have at hand, in the insurer's words.
    pub have_ready: String,
    /// Who answers what this desk does not.
    pub other: Vec<OtherContact>,
}

impl Default for ContactDesk {
    fn default() -> Self {
        Self {
            name: String::new(),
            phone: String::new(),
            days: Vec::new(),
            hours: Vec::new(),
            closed_on_holidays: true,
            closed_dates: Vec::new(),
            email: None,
            email_note: None,
            have_ready: String::new(),
            other: Vec::new(),
        }
    }
}

/// From `from`, up to and without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Opens.
    pub from: NaiveTime,
    /// Closes.
    pub to: NaiveTime,
}

/// Who answers other questions: その他のお問い合わせ → お勤め先の共済事務担当課.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherContact {
    /// What about.
    pub subject: String,
    /// Whom to ask.
    pub contact: String,
}

/// Whether somebody answers now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskStatus {
    /// 受付中.
    Open {
        /// The next break or the end of the day.
        until: DateTime<Utc>,
    },
    /// Nobody answers.
    Closed {
        /// The next opening; none where the desk has no hours within a year.
        opens_at: Option<DateTime<Utc>>,
    },
}

impl ContactDesk {
    /// Open or closed at `now`.
    pub fn status(&self, now: DateTime<Utc>) -> DeskStatus {
        let (today, time) = (calendar::today_in_japan(now), calendar::in_japan(now).time());
        if self.is_open_on(today)
            && let Some(hours) = self.hours.iter().find(|hours| hours.from <= time && time < hours.to)
        {
            return DeskStatus::Open {
                until: moment(today, hours.to),
            };
        }
        let later_today = self
            .hours
            .iter()
            .find(|hours| hours.from > time)
            .map(|hours| (today, hours.from));
        let opens_at = later_today.filter(|(day, _)| self.is_open_on(*day)).or_else(|| {
            let from = self.hours.first()?.from;
            (1..=DAYS_AHEAD)
                .filter_map(|ahead| today.checked_add_days(Days::new(ahead)))
                .find(|day| self.is_open_on(*day))
                .map(|day| (day, from))
        });
        DeskStatus::Closed {
            opens_at: opens_at.map(|(day, from)| moment(day, from)),
        }
    }

    /// 「土日祝を除く平日 10時～17時（12時～13時を除く）」; empty where there are no hours.
    pub fn hours_text(&self) -> String {
        let (Some(first), Some(last)) = (self.hours.first(), self.hours.last()) else {
            return String::new();
        };
        let breaks: Vec<String> = self
            .hours
            .iter()
            .zip(self.hours.iter().skip(1))
            .map(|(before, after)| format!("{}～{}", time_text(before.to), time_text(after.from)))
            .collect();
        let breaks = if breaks.is_empty() {
            String::new()
        } else {
            format!("（{}を除く）", breaks.join("、"))
        };
        format!(
            "{} {}～{}{breaks}",
            self.days_text(),
            time_text(first.from),
            time_text(last.to)
        )
    }

    fn is_open_on(&self, day: NaiveDate) -> bool {
        self.days.contains(&day.weekday())
            && !self.closed_dates.contains(&day)
            && !(self.closed_on_holidays && is_public_holiday(day))
    }

    fn days_text(&self) -> String {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        let holidays = self.closed_on_holidays;
        match (self.days.as_slice(), holidays) {
            ([Mon, Tue, Wed, Thu, Fri], true) => "土日祝を除く平日".into(),
            ([Mon, Tue, Wed, Thu, Fri, Sat], true) => "日祝を除く月曜日～土曜日".into(),
            ([Mon, Tue, Wed, Thu, Fri, Sat, Sun], true) => "祝日を除く毎日".into(),
            ([Mon, Tue, Wed, Thu, Fri, Sat, Sun], false) => "毎日".into(),
            (days, holidays) => {
                let run = days.windows(2).all(|pair| matches!(pair, [a, b] if a.succ() == *b));
                let names = match days {
                    [first, .., last] if run && days.len() > 2 => {
                        format!("{}曜日～{}曜日", weekday_text(*first), weekday_text(*last))
                    }
                    _ => format!(
                        "{}曜日",
                        days.iter().map(|day| weekday_text(*day)).collect::<Vec<_>>().join("・")
                    ),
                };
                format!(
                    "{names}（{}）",
                    if holidays {
                        "祝日を除く"
                    } else {
                        "祝日も受け付けます"
                    }
                )
            }
        }
    }
}

/// 国民の祝日, 振替休日 and 国民の休日. Every page asks for the same few days, and equinoxes take long to work out, so each
/// day is worked out once.
pub(crate) fn is_public_holiday(day: NaiveDate) -> bool {
    static KNOWN: Mutex<BTreeMap<NaiveDate, bool>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(day).or_insert_with(|| JPHoliday::new().is_holiday(&day))
}

fn moment(day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    calendar::start_of_day(day) + (time - NaiveTime::MIN)
}

/// 「10時」, 「17時30分」.
fn time_text(time: NaiveTime) -> String {
    match time.minute() {
        0 => format!("{}時", time.hour()),
        minute => format!("{}時{minute}分", time.hour()),
    }
}

fn weekday_text(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "月",
        Weekday::Tue => "火",
        Weekday::Wed => "水",
        Weekday::Thu => "木",
        Weekday::Fri => "金",
        Weekday::Sat => "土",
        Weekday::Sun => "日",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    use proptest::prelude::*;

    const WEEK: [Weekday; 7] = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];

    fn desk(days: &[Weekday], hours: &[(&str, &str)], closed_on_holidays: bool) -> ContactDesk {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        let hours = hours
            .iter()
            .map(|(from, to)| Hours {
                from: time(from),
                to: time(to),
            })
            .collect();
        ContactDesk {
            days: days.to_vec(),
            hours,
            closed_on_holidays,
            ..ContactDesk::default()
        }
    }

    /// The manual's desk.
    fn nara() -> ContactDesk {
        desk(&WEEK[..5], &[("10:00", "12:00"), ("13:00", "17:00")], true)
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("{text}:00+09:00"))
            .unwrap()
            .to_utc()
    }

    fn open(until: &str) -> DeskStatus {
        DeskStatus::Open { until: at(until) }
    }

    fn closed(opens_at: &str) -> DeskStatus {
        DeskStatus::Closed {
            opens_at: Some(at(opens_at)),
        }
    }

    #[test]
    fn the_desk_answers_within_its_hours_and_rests_at_noon() {
        for (now, status) in [
            ("2026-11-24T09:59", closed("2026-11-24T10:00")),
            ("2026-11-24T10:00", open("2026-11-24T12:00")),
            ("2026-11-24T11:59", open("2026-11-24T12:00")),
            ("2026-11-24T12:00", closed("2026-11-24T13:00")),
            ("2026-11-24T13:00", open("2026-11-24T17:00")),
            ("2026-11-24T17:00", closed("2026-11-25T10:00")),
            ("2026-11-25T00:30", closed("2026-11-25T10:00")),
        ] {
            assert_eq!(nara().status(at(now)), status, "{now}");
        }
    }

    #[test]
    fn weekends_and_public_holidays_are_skipped() {
        // A Friday evening before 勤労感謝の日 on a Monday.
        assert_eq!(nara().status(at("2026-11-20T18:00")), closed("2026-11-24T10:00"));
        assert_eq!(nara().status(at("2026-11-23T11:00")), closed("2026-11-24T10:00"));
        // 敬老の日, 国民の休日 and 秋分の日 after a weekend.
        assert_eq!(nara().status(at("2026-09-19T11:00")), closed("2026-09-24T10:00"));
    }

    #[test]
    fn the_insurers_own_closed_dates_count_too() {
        let days = ["2026-12-29", "2026-12-30", "2026-12-31"].map(|day| day.parse().unwrap());
        let desk = ContactDesk {
            closed_dates: days.to_vec(),
            ..nara()
        };
        // 2027-01-01 is a holiday and a Friday.
        assert_eq!(desk.status(at("2026-12-28T17:00")), closed("2027-01-04T10:00"));
    }

    #[test]
    fn a_desk_without_hours_is_closed_for_good() {
        assert_eq!(
            ContactDesk::default().status(at("2026-11-24T11:00")),
            DeskStatus::Closed { opens_at: None }
        );
        assert_eq!(ContactDesk::default().hours_text(), "");
    }

    #[test]
    fn public_holidays_are_those_of_the_cabinet_offices_list() {
        let holidays = |year: i32| -> Vec<String> {
            NaiveDate::from_ymd_opt(year, 1, 1)
                .unwrap()
                .iter_days()
                .take_while(|day| day.year() == year)
                .filter(|day| is_public_holiday(*day))
                .map(|day| day.format("%m-%d").to_string())
                .collect()
        };
        assert_eq!(
            holidays(2026),
            [
                "01-01", "01-12", "02-11", "02-23", "03-20", "04-29", "05-03", "05-04", "05-05", "05-06", "07-20",
                "08-11", "09-21", "09-22", "09-23", "10-12", "11-03", "11-23"
            ]
        );
        assert_eq!(
            holidays(2027),
            [
                "01-01", "01-11", "02-11", "02-23", "03-21", "03-22", "04-29", "05-03", "05-04", "05-05", "07-19",
                "08-11", "09-20", "09-23", "10-11", "11-03", "11-23"
            ]
        );
    }

    #[test]
    fn hours_read_as_the_manual_writes_them() {
        assert_eq!(nara().hours_text(), "土日祝を除く平日 10時～17時（12時～13時を除く）");
        for (desk, text) in [
            (
                desk(&WEEK[..5], &[("09:00", "17:30")], true),
                "土日祝を除く平日 9時～17時30分",
            ),
            (
                desk(&WEEK[..6], &[("09:30", "16:30")], true),
                "日祝を除く月曜日～土曜日 9時30分～16時30分",
            ),
            (desk(&WEEK, &[("00:00", "23:59")], false), "毎日 0時～23時59分"),
            (desk(&WEEK, &[("09:00", "17:00")], true), "祝日を除く毎日 9時～17時"),
            (
                desk(&WEEK[..5], &[("09:00", "17:00")], false),
                "月曜日～金曜日（祝日も受け付けます） 9時～17時",
            ),
            (
                desk(&[Mon, Wed, Fri], &[("09:00", "12:00")], true),
                "月・水・金曜日（祝日を除く） 9時～12時",
            ),
            (
                desk(
                    &WEEK[..5],
                    &[("09:00", "10:00"), ("10:15", "12:00"), ("13:00", "17:00")],
                    true,
                ),
                "土日祝を除く平日 9時～17時（10時～10時15分、12時～13時を除く）",
            ),
        ] {
            assert_eq!(desk.hours_text(), text);
        }
    }

    proptest! {
        #[test]
        fn the_desk_is_open_when_it_says_it_opens_and_closed_when_it_says_it_closes(minutes in 0i64..2_000_000) {
            let now = at("2024-01-01T00:00") + chrono::TimeDelta::minutes(minutes);
            match nara().status(now) {
                DeskStatus::Open { until } => {
                    prop_assert!(until > now);
                    let is_closed = matches!(nara().status(until), DeskStatus::Closed { .. });
                    prop_assert!(is_closed);
                }
                DeskStatus::Closed { opens_at } => {
                    let opens_at = opens_at.unwrap();
                    prop_assert!(opens_at > now);
                    let is_open = matches!(nara().status(opens_at), DeskStatus::Open { .. });
                    prop_assert!(is_open);
                }
            }
        }
    }
}
