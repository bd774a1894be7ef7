//! What spreadsheets make of a cell without a word: a number in E notation has lost its last digits, 1-4 has become a day,
//! a formula's error stands where its value was. Told by their look alone, whatever the column, so that nothing of it is
//! ever taken for a number or a name.

use crate::Fault;
use kernel::{dates, text};
use std::borrow::Cow;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
/// The errors of formulas that end in no sign; `#REF!`, `#NAME?`, `#SPILL!` and all that will follow them end in one.
const ERRORS: [&str; 2] = ["#N/A", "#GETTING_DATA"];

/// How databases and programs write that there is no value.
const NOTHING: [&str; 8] = ["NULL", "(NULL)", "<NULL>", "[NULL]", "\\N", "NAN", "NAT", "<NA>"];

/// The value of a cell that holds `="0034"`, as spreadsheets are told to leave a text alone; none of any other cell, such
/// as one that puts two texts together (`="00"&"34"`).
pub(crate) fn unwrapped(cell: &str) -> Option<Cow<'_, str>> {
    let inner = cell.trim().strip_prefix("=\"")?.strip_suffix('"')?;
    if !inner.contains('"') {
        return Some(Cow::Borrowed(inner));
    }
    let is_one_text = inner.split("\"\"").all(|part| !part.contains('"'));
    is_one_text.then(|| Cow::Owned(inner.replace("\"\"", "\"")))
}

/// What can't be the value of a cell that is guarded so: the guard says that a number or a day is meant as it stands, but
/// whoever put it round an error or another guard guarded what was lost before.
pub(crate) fn damage_within(guarded: &str) -> Option<Fault> {
    damage(guarded, false).filter(|fault| *fault != Fault::Exponential)
}

/// What a spreadsheet has made of this cell, if anything. In a column of codes and names that is also a day or a number
/// with a point.
pub(crate) fn damage(cell: &str, is_code: bool) -> Option<Fault> {
    let cell = cell.trim();
    let is_suspect = cell.starts_with(|c: char| {
        c.is_ascii() || matches!(c, '＝' | '＃' | '＇' | '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
    }) || cell.ends_with('日');
    // Nearly all cells are kana, kanji or digits.
    if !is_suspect || cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let plain = text::normalize(cell).to_ascii_uppercase();
    if plain.starts_with('\'') {
        Some(Fault::Apostrophe)
    } else if plain.starts_with('=') {
        Some(Fault::Formula)
    } else if plain.len() > 1 && plain.bytes().all(|byte| byte == b'#') {
        Some(Fault::Narrow)
    } else if is_error(&plain) {
        Some(Fault::FormulaError)
    } else if is_code && NOTHING.contains(&plain.as_str()) {
        Some(Fault::Nothing)
    } else if is_exponential(&plain) {
        Some(Fault::Exponential)
    } else if is_code && is_day(&plain) {
        Some(Fault::TurnedToDate)
    } else if is_code && is_formatted(&plain) {
        Some(Fault::Formatted)
    } else {
        None
    }
}

/// `#N/A`, `#REF!`, `#NAME?`, and `Err:502` as other sheets have it.
fn is_error(plain: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_');
    let ends_in_sign = plain
        .strip_prefix('#')
        .and_then(|rest| rest.strip_suffix(['!', '?']))
        .is_some_and(|name| name.contains(|c: char| c.is_ascii_alphabetic()) && name.chars().all(word));
    let numbered = plain.strip_prefix("ERR:").and_then(text::number::<u16>).is_some();
    ends_in_sign || numbered || ERRORS.contains(&plain)
}

/// `1.23457E+11`, `1E-05`: one digit before the point, two or more behind the sign.
fn is_exponential(plain: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((mantissa, exponent)) = plain.split_once('E') else {
        return false;
    };
    let (whole, rest) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let power = exponent.strip_prefix(['+', '-']).unwrap_or_default();
    whole.trim_start_matches('-').len() == 1
        && digits(whole.trim_start_matches('-'))
        && digits(rest)
        && power.len() >= 2
        && digits(power)
}

/// `1-APR`, `APR-85`, `1-APR-26`, `4月1日`, `2026年4月`, `2026年4月1日`, `令和8年4月1日`, `R8.4.1`, `2026/4/1`, `26/04/01`, and
/// any day with the time of day that programs write behind it.
fn is_day(plain: &str) -> bool {
    if let Some((day, time)) = plain.split_once([' ', 'T'])
        && is_time(time)
    {
        return dates::parse(day).is_ok_and(|day| day.is_some());
    }
    let is_number = |part: &str, most: usize| part.len() <= most && text::number::<u16>(part).is_some();
    let japanese = |most: usize, between: char, end: char| {
        plain
            .strip_suffix(end)
            .and_then(|rest| rest.split_once(between))
            .is_some_and(|(first, second)| is_number(first, most) && is_number(second, 2))
    };
    let parts: Vec<&str> = plain.split('-').collect();
    let months = parts.iter().filter(|part| MONTHS.contains(*part)).count();
    let english = (2..=3).contains(&parts.len())
        && months == 1
        && parts.iter().all(|part| MONTHS.contains(part) || is_number(part, 4));
    let slashed: Vec<&str> = plain.split('/').collect();
    let written = matches!(slashed.as_slice(), [year, month, day]
        if year.len() == 4 && is_number(year, 4) && is_number(month, 2) && is_number(day, 2));
    let short = plain.len() == 8 && slashed.len() == 3 && dates::parse(&format!("20{plain}")).is_ok();
    // In letters or points alone: 7 digits may be a number, 1985-04-01 a branch's.
    let named = plain.contains(['年', '.']) && dates::parse(plain).is_ok_and(|day| day.is_some());
    english || written || short || named || japanese(2, '月', '日') || japanese(4, '年', '月')
}

/// `0:00`, `00:00:00`, `09:00:00.000`.
fn is_time(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| {
            part.starts_with(|c: char| c.is_ascii_digit()) && part.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        })
}

/// `1,234`, `34.0`.
fn is_formatted(plain: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = plain.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = plain.contains(',')
        && (1..=3).contains(&first.len())
        && digits(first)
        && groups.all(|group| group.len() == 3 && digits(group));
    let pointed = plain
        .split_once('.')
        .is_some_and(|(whole, zeros)| !whole.is_empty() && digits(whole) && matches!(zeros, "0" | "00"));
    grouped || pointed
}

/// True where a name in kanji has lost a character on its way: `?` stands for it, or its number as web pages write it.
pub(crate) fn has_lost_character(name: &str) -> bool {
    let numbered = |rest: &str| {
        let digits = rest.split_once(';').map_or("", |(digits, _)| digits);
        let hexadecimal = digits.strip_prefix(['x', 'X']).unwrap_or(digits);
        !hexadecimal.is_empty() && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    name.contains(['?', '？']) || name.split("&#").skip(1).any(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_held_in_a_formula_is_unwrapped() {
        assert_eq!(unwrapped("=\"0034\"").as_deref(), Some("0034"));
        assert_eq!(unwrapped(" =\"公立\"\"12\" ").as_deref(), Some("公立\"12"));
        for cell in [
            "0034",
            "=0034",
            "=\"0034",
            "\"0034\"",
            "=\"",
            "=\"00\"&\"34\"",
            "=\"0034\"&\"\"",
            "=\"a\"\"\"b\"",
        ] {
            assert_eq!(unwrapped(cell), None, "{cell}");
        }
    }

    #[test]
    fn what_a_spreadsheet_did_is_told_by_its_look() {
        for (cells, reason) in [
            (
                "#N/A #REF! #VALUE! #NAME? #DIV/0! #NUM! #NULL! #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! #BUSY! \
                 #GETTING_DATA #n/a #ERROR! Err:502 ＃Ｎ／Ａ",
                Fault::FormulaError,
            ),
            ("1.23457E+11 1E+11 1.2E-05 9.01235e+10 -1.5E+07", Fault::Exponential),
            ("## ######## ＃＃＃", Fault::Narrow),
            ("'0034 '公立 ＇1", Fault::Apostrophe),
            ("=A1 =0034 =SUM(A1) ＝1", Fault::Formula),
            (
                "1-Apr Apr-85 01-Apr-26 1-apr-2026 4月1日 2026年4月 1985/4/1 2026/04/01 2026年4月1日 ２０２６年４月１日 令和8年4月1日 \
                 R8.4.1 2026.4.1 26/04/01 2026-04-01T00:00:00",
                Fault::TurnedToDate,
            ),
            (
                "NULL null (null) <NULL> [NULL] \\N nan NaN NaT <NA> ＮＵＬＬ",
                Fault::Nothing,
            ),
            ("1,234 12,345,678 34.0 １２.００", Fault::Formatted),
        ] {
            for cell in cells.split_whitespace() {
                assert_eq!(damage(cell, true), Some(reason.clone()), "{cell}");
            }
        }
        for day in ["2026-04-01 00:00:00", "2026/4/1 0:00", "2026年4月1日 0:00:00"] {
            assert_eq!(damage(day, true), Some(Fault::TurnedToDate), "{day}");
        }
        for cell in [
            "",
            "0034",
            "12/34/56",
            "12.34.56",
            "T.1",
            "S600401",
            "A 12:30",
            "12-34",
            "公立-12",
            "A-1",
            "E1",
            "1E5",
            "12E-34",
            "MAR",
            "MARU-1",
            "#1",
            "#",
            "-1",
            "O'Brien",
            "ｹﾝﾎﾟ ﾀﾛｳ",
            "1985-04-01",
            "0120-11-22",
            "1月",
            "1/4",
            "健保　太郎",
            "Smith",
            "No.1",
            "#健保!",
            "1,2",
            "1.5",
        ] {
            assert_eq!(damage(cell, true), None, "{cell}");
        }
        for date in ["1985/4/1", "4月1日", "1,234"] {
            assert_eq!(damage(date, false), None, "{date}");
        }
        assert_eq!(damage("#####", false), Some(Fault::Narrow));
    }

    #[test]
    fn a_guard_keeps_what_was_meant_and_no_error() {
        for lost in ["#N/A", "########", "'0034", "=A1", "=\"0034\"", "Err:502"] {
            assert!(damage_within(lost).is_some(), "{lost}");
        }
        for meant in ["0034", "NULL", "1E+11", "1-Apr", "1,234", "2026年4月1日", ""] {
            assert_eq!(damage_within(meant), None, "{meant}");
        }
    }

    #[test]
    fn a_name_that_lost_a_character_is_told() {
        for name in ["?田　太郎", "高？太郎", "&#39640;田", "&#x9AD9;田"] {
            assert!(has_lost_character(name), "{name}");
        }
        for name in ["髙田　太郎", "〓田", "A&B", "&#;", "&#田;"] {
            assert!(!has_lost_character(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_cell_panics(cell in "\\PC{0,20}", near in "[=#'!?/.,+E0-9A-Z月日年-]{0,12}") {
            for cell in [&cell, &near] {
                let _ = (unwrapped(cell), damage(cell, true), damage(cell, false), has_lost_character(cell));
            }
        }

        #[test]
        fn numbers_and_names_are_not_taken_for_damage(number in "[0-9]{1,20}", name in "[ァ-ヺ一-龠　]{1,10}", text in "[0-9A-Z]{1,8}") {
            prop_assume!(!NOTHING.contains(&text.as_str()));
            prop_assert_eq!(damage(&number, true), None);
            prop_assert_eq!(damage(&name, true), None);
            prop_assert_eq!(damage(&text, true), None);
            let guarded = format!("=\"{number}\"");
            prop_assert_eq!(unwrapped(&guarded).map(Cow::into_owned), Some(number));
        }

        #[test]
        fn every_number_in_e_notation_is_found(whole in 1u8..10, places in "(\\.[0-9]{1,5})?", sign in "[+-]", power in 5u8..20) {
            let cell = format!("{whole}{places}E{sign}{power:02}");
            prop_assert_eq!(damage(&cell, false), Some(Fault::Exponential));
        }
    }
}
