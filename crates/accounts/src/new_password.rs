//! What a new password must be, wherever one is set: the insurer's rule, and nothing that others know of the person.

use chrono::{Datelike as _, NaiveDate};
use guard::{Password, PasswordRule};
use kernel::{Problem, calendar};
use tenancy::Insurer;

/// A new password under the insurer's rule, neither made of what others know of the person nor a common one.
pub(crate) fn new_password(
    insurer: &Insurer,
    person: &roster::Person,
    user_id: &str,
    typed: &str,
) -> Result<Password, Problem> {
    let known = known_to_others(insurer, person, user_id);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let rule = PasswordRule {
        minimum_length: insurer.password.minimum_length,
    };
    Password::new(typed, &rule, &known)
}

/// What others know of a person, in the usual spellings.
fn known_to_others(insurer: &Insurer, person: &roster::Person, user_id: &str) -> Vec<String> {
    let code = insurer.code.as_ref().map(|code| code.as_str().to_owned());
    let mut words = vec![
        user_id.to_owned(),
        insurer.name.clone(),
        insurer.kana.clone(),
        person.kana_name.as_str().to_owned(),
        person.name.clone(),
        person.number.to_string(),
        format!("{}{}", person.symbol, person.number),
        format!("{}-{}", person.symbol, person.number),
    ];
    words.extend(code);
    words.extend(spellings(person.birth_date.date()));
    words
}

/// A date as people write it, in both calendars. The year alone is no spelling of it: it is in many a good password.
fn spellings(day: NaiveDate) -> Vec<String> {
    let mut spellings: Vec<String> = ["%Y年%-m月%-d日", "%y%m%d", "%m%d", "%d%m%Y", "%m%d%Y"]
        .map(|shape| day.format(shape).to_string())
        .into();
    spellings.extend(calendar::era_year(day).map(|year| format!("{year}{}月{}日", day.month(), day.day())));
    let mut years = vec![day.year().to_string()];
    if let Some((letter, year)) = calendar::era_short(day) {
        years.extend([
            format!("{letter}{year}"),
            format!("{letter}{year:02}"),
            format!("{year:02}"),
        ]);
    }
    for year in years {
        spellings.push(format!("{year}{}", day.format("%m%d")));
        for sign in [".", "-", "/"] {
            spellings.push(format!("{year}{sign}{}", day.format(&format!("%m{sign}%d"))));
            spellings.push(format!("{year}{sign}{}", day.format(&format!("%-m{sign}%-d"))));
        }
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 20
    #[test]
    fn a_birth_date_is_known_in_both_calendars_but_its_year_alone_is_not() {
        let words = spellings(NaiveDate::from_ymd_opt(1985, 4, 1).unwrap());
        for word in [
            "19850401",
            "1985-04-01",
            "1985/4/1",
            "1985年4月1日",
            "850401",
            "0401",
            "01041985",
            "S600401",
            "S60.4.1",
            "600401",
            "60/04/01",
            "昭和60年4月1日",
        ] {
            assert!(words.iter().any(|known| known == word), "{word}: {words:?}");
        }
        assert!(
            !words
                .iter()
                .any(|known| ["1985", "S60", "昭和60年"].contains(&known.as_str()))
        );
        let first = spellings(NaiveDate::from_ymd_opt(1989, 2, 3).unwrap());
        for word in ["H10203", "H010203", "平成元年2月3日"] {
            assert!(first.iter().any(|known| known == word), "{word}: {first:?}");
        }
    }
}
