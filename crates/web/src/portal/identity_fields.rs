//! The identity fields (manual 1-2) as typed, shared by sign-up and the forgotten user ID.

use accounts::{BirthForm, IdentityForm};
use chrono::{DateTime, Datelike, Utc};
use kernel::{Number, Problem, Refusal, calendar, text};
use pages::forms::Form;
use serde::{Deserialize, Serialize};
use tenancy::Insurer;

/// Where the pull-down of years opens: half of those who sign up were born before it, half after.
const OPENS_AT: i32 = 1970;

/// Nobody insured is older.
const OLDEST_YEARS: i32 = 115;

/// The fields' names, the number's first.
const NAMES: [&str; 8] = [
    "number",
    "insurer_code",
    "symbol",
    "birth_year",
    "birth_month",
    "birth_day",
    "kana_name",
    "employee_number",
];

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdentityFields {
    pub insurer_code: String,
    pub symbol: String,
    pub number: String,
    pub birth_year: String,
    pub birth_month: String,
    pub birth_day: String,
    pub kana_name: String,
    /// None where the page did not ask for it.
    pub employee_number: Option<String>,
}

impl IdentityFields {
    /// The names of the fields that a refused form keeps: all, but a number that seems to be a マイナンバー.
    pub(crate) fn kept(refusal: &Refusal) -> &'static [&'static str] {
        let [_, others @ ..] = &NAMES;
        let holds_my_number = refusal.fields.iter().any(|error| error.problem == Problem::MyNumber);
        if holds_my_number { others } else { &NAMES }
    }

    /// As typed, but for numbers that are digits alone: those as they are kept.
    pub(crate) fn read(form: &Form) -> Self {
        let typed = |name: &str| form.text(name).to_owned();
        let digits = |name: &str| match Number::parse(form.text(name)) {
            Ok(number) if number.is_digits() => text::normalize(form.text(name)),
            Ok(_) | Err(_) => typed(name),
        };
        Self {
            insurer_code: digits("insurer_code"),
            symbol: typed("symbol"),
            number: digits("number"),
            birth_year: typed("birth_year"),
            birth_month: typed("birth_month"),
            birth_day: typed("birth_day"),
            kana_name: typed("kana_name"),
            employee_number: form.get("employee_number").map(str::to_owned),
        }
    }

    /// Empty but for the code of the insurer whose look the page wears.
    pub(crate) fn of(insurer: &Insurer) -> Self {
        let insurer_code = insurer.code.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            insurer_code,
            ..Self::default()
        }
    }

    /// For the use case.
    pub(crate) fn form(&self) -> IdentityForm {
        IdentityForm {
            insurer_code: self.insurer_code.clone(),
            symbol: self.symbol.clone(),
            number: self.number.clone(),
            birth: BirthForm::Parts {
                year: self.birth_year.clone(),
                month: self.birth_month.clone(),
                day: self.birth_day.clone(),
            },
            kana_name: self.kana_name.clone(),
            employee_number: self.employee_number.clone(),
        }
    }

    /// The years of the pull-down, newest first, in both calendars: typing 1985 jumps to its line. Nothing is chosen
    /// beforehand, and that line stands in the middle, where a list opens that nobody has chosen from yet.
    pub(crate) fn years(&self, now: DateTime<Utc>) -> Vec<Choice> {
        let this_year = calendar::today_in_japan(now).year();
        let year = |year: i32| Choice::new(year.to_string(), calendar::year_both(year), &self.birth_year);
        let newer = (OPENS_AT + 1..=this_year).rev().map(year);
        let older = (this_year - OLDEST_YEARS..=OPENS_AT).rev().map(year);
        let is_chosen = newer.clone().chain(older.clone()).any(|year| year.chosen);
        let none = Choice {
            value: String::new(),
            text: "選択".into(),
            chosen: !is_chosen,
        };
        newer.chain([none]).chain(older).collect()
    }

    /// 1月–12月.
    pub(crate) fn months(&self) -> Vec<Choice> {
        (1..=12)
            .map(|month| Choice::new(month.to_string(), format!("{month}月"), &self.birth_month))
            .collect()
    }

    /// 1日–31日; a day that its month lacks is named when it comes.
    pub(crate) fn days(&self) -> Vec<Choice> {
        (1..=31)
            .map(|day| Choice::new(day.to_string(), format!("{day}日"), &self.birth_day))
            .collect()
    }
}

/// A line of a pull-down.
pub(crate) struct Choice {
    pub value: String,
    pub text: String,
    pub chosen: bool,
}

impl Choice {
    fn new(value: String, text: String, chosen: &str) -> Self {
        Self {
            chosen: value == chosen,
            value,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_come_newest_first_in_both_calendars_with_the_chosen_one_kept() {
        let fields = IdentityFields {
            birth_year: "1989".into(),
            ..IdentityFields::default()
        };
        let years = fields.years("2026-11-22T03:00:00Z".parse().unwrap());
        assert_eq!(years[0].text, "2026年（令和8年）");
        assert_eq!(years.len(), 117);
        let chosen: Vec<_> = years
            .iter()
            .filter(|year| year.chosen)
            .map(|year| year.text.as_str())
            .collect();
        assert_eq!(chosen, ["1989年（昭和64年・平成元年）"]);
    }

    #[test]
    fn the_years_open_where_most_were_born_and_nothing_is_chosen_beforehand() {
        for typed in ["", "1066"] {
            let fields = IdentityFields {
                birth_year: typed.into(),
                ..IdentityFields::default()
            };
            let years = fields.years("2026-11-22T03:00:00Z".parse().unwrap());
            let opens = years.iter().position(|year| year.chosen).unwrap();
            assert_eq!(years[opens].value, "");
            assert_eq!(years[opens + 1].value, "1970");
            assert_eq!(years.iter().filter(|year| year.chosen).count(), 1);
        }
    }
}
