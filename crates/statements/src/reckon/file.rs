//! `madoguchi statements reckon FILE.json`: a case, described by hand, reckoned by the same code as members' rows. For support, who
//! must explain a figure, and for tests; nothing of it comes from a database or goes into one.
//! A person's best month and their use of generics are of all lines that the case has: the six months are for whoever writes it.

mod tax;

use crate::{
    category::Form,
    drugs::{Class, Drug},
    kind::Kind,
    month::Month,
    reckon::{PerMille, SHOWN, Taken, Tariff, best, candidates, month_saving, saving_yen, usage},
    visibility::{Audience, Family, Of, Standing, Viewer, may_see},
};
use accounts::Proof;
use kernel::PersonId;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};
use tenancy::StatementSettings;
use uuid::Uuid;

/// A case is written by hand.
const MOST_BYTES: u64 = 10 << 20;

/// What a file describes. What it leaves out is as usual, or nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    /// Keys of `[statements]` in tenant.toml.
    settings: StatementSettings,
    /// Masters: in a month those count whose `valid_from` is the newest that is not after its first day.
    drugs: Vec<Drug>,
    lines: Vec<Line>,
    /// Of 医療費通知, of whatever years.
    rows: Vec<tax::Row>,
    families: Vec<Look>,
}

/// A medicine that somebody had, who is called as one likes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    person: String,
    /// On the month's first day.
    #[serde(default)]
    age: Option<u32>,
    #[serde(deserialize_with = "month")]
    month: Month,
    drug: String,
    form: Form,
    daily_milli: i64,
    count: i16,
    rate: i16,
}

/// Somebody who looks at a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what a file says of somebody, each by itself"
)]
struct Look {
    #[serde(deserialize_with = "kind")]
    kind: Kind,
    viewer: String,
    /// Signed up with a code from a letter, not with facts of the roster.
    #[serde(default)]
    by_letter: bool,
    person: String,
    principal: String,
    #[serde(default, deserialize_with = "audience")]
    said: Option<Audience>,
    #[serde(default)]
    is_child: bool,
    #[serde(default)]
    is_protected: bool,
    #[serde(default)]
    guardian: Option<String>,
    #[serde(default)]
    has_left: bool,
}

/// What comes of a case, in its own order.
#[derive(Debug, Serialize)]
struct Answer {
    lines: Vec<OfLine>,
    months: Vec<OfMonth>,
    people: Vec<OfPerson>,
    /// What a tax return asks of the rows, by year.
    tax: Vec<tax::OfYear>,
    /// Whether each look sees its row.
    families: Vec<bool>,
}

#[derive(Debug, Serialize)]
struct OfLine {
    /// None where the month's master has not its code.
    name: Option<String>,
    class: Class,
    candidates: Vec<Candidate>,
    saving_yen: i32,
    charge_yen: i32,
}

#[derive(Debug, Serialize)]
struct Candidate {
    code: String,
    name: String,
    saving_yen: i32,
}

#[derive(Debug, Serialize)]
struct OfMonth {
    person: String,
    month: String,
    /// What is proposed.
    saving_yen: i64,
}

#[derive(Debug, Serialize)]
struct OfPerson {
    person: String,
    per_mille: Option<PerMille>,
    /// As pages show it.
    usage: String,
    best: Option<(String, i64)>,
}

/// Reckons the case of a file: JSON in lines.
pub(crate) fn reckoned(file: &Path) -> Result<Vec<String>, String> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        File::open(file)?.take(MOST_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error| format!("{}: {error}", file.display()))?;
    let case: Case = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let answer = serde_json::to_string_pretty(&answer(&case)).map_err(|error| error.to_string())?;
    Ok(answer.lines().map(str::to_owned).collect())
}

/// What is known of one person.
#[derive(Debug, Default)]
struct Person {
    /// By month what is proposed, ascending.
    savings: Vec<(Month, i64)>,
    taken: Vec<Taken>,
}

fn answer(case: &Case) -> Answer {
    let lines: Vec<(OfLine, Taken)> = case.lines.iter().map(|line| of_line(case, line)).collect();
    let mut months = BTreeMap::<(&str, Month), (Option<u32>, Vec<Taken>)>::new();
    for (line, (_, taken)) in case.lines.iter().zip(&lines) {
        let month = months.entry((line.person.as_str(), line.month));
        month.or_insert((line.age, Vec::new())).1.push(*taken);
    }
    let mut people = BTreeMap::<&str, Person>::new();
    for ((person, month), (age, taken)) in months {
        let yen = month_saving(taken.iter().copied(), &case.settings.generics, age);
        let person = people.entry(person).or_default();
        person.savings.push((month, yen));
        person.taken.extend(taken);
    }
    Answer {
        lines: lines.into_iter().map(|(line, _)| line).collect(),
        months: people
            .iter()
            .flat_map(|(name, person)| of_months(name, person))
            .collect(),
        people: people
            .into_iter()
            .map(|(name, person)| of_person(name, person))
            .collect(),
        tax: tax::years(&case.rows, case.settings.arrives_after_months),
        families: case.families.iter().map(|look| sees(look, &case.settings)).collect(),
    }
}

fn of_months(name: &str, person: &Person) -> Vec<OfMonth> {
    let of_month = |(month, saving_yen): &(Month, i64)| OfMonth {
        person: name.to_owned(),
        month: month.to_string(),
        saving_yen: *saving_yen,
    };
    person.savings.iter().map(of_month).collect()
}

fn of_person(name: &str, person: Person) -> OfPerson {
    let share = usage(person.taken);
    OfPerson {
        person: name.to_owned(),
        per_mille: share,
        usage: share.map_or_else(|| "—".to_owned(), |share| share.to_string()),
        best: best(person.savings).map(|(month, yen)| (month.to_string(), yen)),
    }
}

fn of_line(case: &Case, line: &Line) -> (OfLine, Taken) {
    let generics = &case.settings.generics;
    let day = line.month.first();
    let newest = case
        .drugs
        .iter()
        .map(|drug| drug.valid_from)
        .filter(|from| *from <= day)
        .max();
    let master: Vec<Drug> = case
        .drugs
        .iter()
        .filter(|drug| Some(drug.valid_from) == newest)
        .cloned()
        .collect();
    let Line {
        form,
        daily_milli,
        count,
        rate,
        ..
    } = *line;
    let reckoned = Tariff::of(&master, day, generics).reckon(&line.drug, form, daily_milli, count, rate);
    let drug = master.iter().find(|drug| drug.code == line.drug);
    let instead = drug.map(|drug| {
        let candidates = candidates(drug, &master, day, generics.exclude_classes);
        let shown = candidates.into_iter().take(SHOWN);
        let of = |candidate: &Drug| Candidate {
            code: candidate.code.clone(),
            name: candidate.shown_name(),
            saving_yen: saving_yen(drug.price_sen, candidate.price_sen, daily_milli, count, rate),
        };
        shown.map(of).collect()
    });
    let taken = Taken {
        class: reckoned.class,
        form,
        daily_milli,
        count,
        saving_yen: reckoned.saving_yen,
    };
    let of_line = OfLine {
        name: drug.map(Drug::shown_name),
        class: reckoned.class,
        candidates: instead.unwrap_or_default(),
        saving_yen: reckoned.saving_yen,
        charge_yen: reckoned.charge_yen,
    };
    (of_line, taken)
}

/// People are told apart by what they are called.
fn sees(look: &Look, settings: &StatementSettings) -> bool {
    let names = [
        Some(&look.viewer),
        Some(&look.person),
        Some(&look.principal),
        look.guardian.as_ref(),
    ];
    let id = |name: &String| {
        let nth = names.iter().position(|known| *known == Some(name)).unwrap_or_default();
        PersonId(Uuid::from_u128(nth as u128))
    };
    let viewer = Viewer {
        person: id(&look.viewer),
        proof: if look.by_letter { Proof::Letter } else { Proof::Facts },
    };
    let row = Of {
        person: id(&look.person),
        principal: id(&look.principal),
    };
    let standing = Standing {
        said: look.said,
        is_child: look.is_child,
        is_protected: look.is_protected,
        guardian: look.guardian.as_ref().map(id),
        has_left: look.has_left,
    };
    may_see(&viewer, &row, &standing, &Family::of(settings, look.kind))
}

fn month<'de, D: Deserializer<'de>>(text: D) -> Result<Month, D::Error> {
    let text = String::deserialize(text)?;
    Month::parse(&text).ok_or_else(|| D::Error::custom("a month is written 2026-08"))
}

fn kind<'de, D: Deserializer<'de>>(text: D) -> Result<Kind, D::Error> {
    let text = String::deserialize(text)?;
    Kind::from_word(&text).ok_or_else(|| D::Error::custom("a kind is costs or medicines"))
}

fn audience<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Audience>, D::Error> {
    let read = |text: String| {
        Audience::from_word(&text).ok_or_else(|| D::Error::custom("an audience is household, self_only or suppressed"))
    };
    Option::<String>::deserialize(text)?.map(read).transpose()
}
