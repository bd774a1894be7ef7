//! A notice in a file, as `madoguchi notice publish` takes it: TOML between two lines of `+++`, then Markdown.

use crate::Draft;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{calendar, text};
use serde::Deserialize;

/// Characters of a title.
const TITLE_LENGTH: usize = 200;

/// Bytes of a text: a notice, not a book.
const BODY_LENGTH: usize = 65_536;

/// Why a file is no notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct DraftProblem {
    /// From 1.
    pub line: usize,
    /// What to mend.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    title: String,
    published_on: Option<String>,
    ended_on: Option<String>,
}

impl Draft {
    /// Reads a file: `title`, and where wanted `published_on` (the first day, in Japan; else from now on) and `ended_on`
    /// (the last day, in Japan).
    pub fn read(text: &str, now: DateTime<Utc>) -> Result<Self, DraftProblem> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        if let Some((before, _)) = text.split_once('\0') {
            return Err(problem(
                1 + before.matches('\n').count(),
                "the character NUL can't be kept",
            ));
        }
        let parts = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n"));
        let (head, body) = parts.ok_or_else(|| problem(1, "the file begins with +++, the title, and +++ again"))?;
        let fields: Head = toml::from_str(head).map_err(|error| {
            let before = error.span().and_then(|span| head.get(..span.start)).unwrap_or_default();
            problem(2 + before.matches('\n').count(), error.message())
        })?;
        let title = text::written(&fields.title);
        if title.is_empty() || title.chars().count() > TITLE_LENGTH || text::has_control(&title) {
            return Err(problem(
                line_of(head, "title"),
                "title is one line of 1 to 200 characters",
            ));
        }
        let body = text::written_lines(body);
        if body.is_empty() || body.len() > BODY_LENGTH {
            return Err(problem(
                3 + head.matches('\n').count() + 1,
                "the text is empty or longer than 64 KiB",
            ));
        }
        let first = day(head, "published_on", fields.published_on.as_deref())?;
        let last = day(head, "ended_on", fields.ended_on.as_deref())?;
        let published_at = first.map_or(now, calendar::start_of_day);
        let ended_at = last.and_then(|last| last.succ_opt()).map(calendar::start_of_day);
        if ended_at.is_some_and(|ended_at| ended_at <= published_at) {
            return Err(problem(line_of(head, "ended_on"), "ended_on is before the first day"));
        }
        Ok(Self {
            title,
            body,
            published_at,
            ended_at,
            mail: false,
        })
    }
}

fn day(head: &str, key: &str, text: Option<&str>) -> Result<Option<NaiveDate>, DraftProblem> {
    let Some(text) = text else { return Ok(None) };
    // Chrono reads signs and single digits, too.
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    match day.filter(|day| day.to_string() == text) {
        None => Err(problem(line_of(head, key), "a day is written 2026-11-22")),
        day => Ok(day),
    }
}

/// The line of a key in the file; the head begins on line 2.
fn line_of(head: &str, key: &str) -> usize {
    2 + head
        .lines()
        .position(|line| line.trim_start().starts_with(key))
        .unwrap_or_default()
}

fn problem(line: usize, reason: &str) -> DraftProblem {
    DraftProblem {
        line,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(moment: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(moment).unwrap().to_utc()
    }

    #[test]
    fn a_title_and_a_text_are_a_notice_from_now_on() {
        let now = at("2026-11-22T01:00:00Z");
        let draft = Draft::read("+++\ntitle = \"書類が届きました\"\n+++\n\nご確認ください。\n", now).unwrap();
        assert_eq!(draft.title, "書類が届きました");
        assert_eq!(draft.body, "ご確認ください。");
        assert_eq!((draft.published_at, draft.ended_at), (now, None));
    }

    #[test]
    fn days_are_japans_and_the_last_one_is_still_shown() {
        let text = "+++\r\ntitle = \"お休み\"\r\npublished_on = \"2026-11-16\"\r\nended_on = \"2027-01-08\"\r\n+++\r\n休みます。";
        let draft = Draft::read(text, at("2026-11-22T01:00:00Z")).unwrap();
        assert_eq!(draft.published_at, at("2026-11-16T00:00:00+09:00"));
        assert_eq!(draft.ended_at, Some(at("2027-01-09T00:00:00+09:00")));
    }

    #[test]
    fn a_file_that_is_no_notice_names_the_line() {
        let line = |text: &str| Draft::read(text, at("2026-11-22T01:00:00Z")).unwrap_err().line;
        assert_eq!(line("ただの文"), 1);
        assert_eq!(line("+++\ntitle = \"件名\"\n+++\n文\0"), 4);
        assert_eq!(line("+++\ntitle = \"件名\"\nauthor = \"x\"\n+++\n文"), 3);
        assert_eq!(line("+++\ntitle = \"\"\n+++\n文"), 2);
        for day in ["11/22", "+2026-11-22", "2026-11-2", "2026-11-+2", "２０２６-11-22"] {
            assert_eq!(
                line(&format!("+++\ntitle = \"件名\"\npublished_on = \"{day}\"\n+++\n文")),
                3,
                "{day}"
            );
        }
        assert_eq!(line("+++\ntitle = \"件名\"\nended_on = \"2020-01-01\"\n+++\n文"), 3);
        assert_eq!(line("+++\ntitle = \"件名\"\n+++\n \n"), 4);
    }

    proptest! {
        #[test]
        fn no_file_panics_and_what_is_a_notice_is_one_again(
            any in "\\PC{0,80}",
            title in "[\\PC]{0,40}",
            day in "(2026-1[0-2]-[0-3][0-9])?",
            body in "[\\PC\n+]{0,60}",
        ) {
            let now = at("2026-11-22T01:00:00Z");
            let written = |title: &str, days: &str, body: &str| {
                format!("+++\ntitle = {}\n{days}+++\n{body}", toml::Value::String(title.to_owned()))
            };
            let days = if day.is_empty() { String::new() } else { format!("published_on = \"{day}\"\n") };
            drop(Draft::read(&any, now));
            if let Ok(draft) = Draft::read(&written(&title, &days, &body), now) {
                prop_assert_eq!(Draft::read(&written(&draft.title, &days, &draft.body), now), Ok(draft));
            }
        }
    }
}
