//! 医療費通知 of a year: the sum in a sentence, its months as bars, below them the rows by month.

use super::{
    Body, Reader, Whose,
    choice::{Choice, chosen, named, options},
    line::Line,
    month_alone, month_words, persons, place, sentence,
    ways::Ways,
    yen,
};
use crate::{
    Month, Months,
    household::OneOf,
    published::Published,
    sums::{Yen, by_month, shown},
    view::Cost,
};
use askama::Template;
use database::TenantTransaction;
use kernel::{PersonId, calendar};
use pages::visit::Trouble;
use std::cmp::Reverse;

/// Rows on the page at most; what is older than fits has the pages of its months.
const MOST: usize = 120;

/// A month as a bar.
struct Bar {
    month: Month,
    name: String,
    total: String,
    copay: String,
    /// Of a hundred.
    total_width: String,
    copay_width: String,
}

/// A month with its rows.
struct Group {
    month: Month,
    name: String,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "statement/costs.html")]
struct Costs<'a> {
    ways: &'a Ways,
    is_member: bool,
    years: Vec<Choice>,
    /// Everybody, and each of them; none where there is one alone.
    persons: Vec<Choice>,
    /// None where there is no row.
    sentence: Option<String>,
    changes: Option<String>,
    bars: Vec<Bar>,
    groups: Vec<Group>,
    /// Months without room here.
    rest: Vec<(Month, String)>,
}

/// What is read for it, whoever of the family is asked for.
pub(crate) struct Found {
    published: Published,
    /// None while the insurer has published nothing.
    year: Option<i32>,
    rows: Vec<Cost>,
    people: Vec<OneOf>,
}

impl Found {
    /// Reads a year, by how it is asked for.
    pub(crate) async fn read(
        tx: &TenantTransaction,
        reader: &Reader<'_>,
        published: Published,
        asked: &str,
    ) -> Result<Self, Trouble> {
        let year = year(&published.years, asked)?;
        let rows = match year {
            Some(year) => shown(reader.view(Months::year(year)).costs(tx).await?),
            None => Vec::new(),
        };
        let people = reader.household(tx, &persons(&rows)).await?;
        Ok(Self {
            published,
            year,
            rows,
            people,
        })
    }

    /// As it is written, of everybody or of whoever is asked for; and what has changed since it was read last.
    pub(crate) fn body(self, reader: &Reader<'_>, asked: &str, changes: Option<String>) -> Result<Body, Trouble> {
        let person = chosen(&self.people, asked)?;
        let named = named(&self.people);
        let (shown, page) = Costs::new(reader, self, person, changes);
        Ok(Body {
            title: "医療費通知".into(),
            back: (reader.ways.is_portal() && reader.is_member())
                .then(|| ("/portal/mypage".to_owned(), "マイページに戻る")),
            html: page.render()?,
            shown,
            named,
        })
    }
}

impl<'a> Costs<'a> {
    /// With whose rows are on it.
    fn new(
        reader: &'a Reader<'_>,
        found: Found,
        person: Option<PersonId>,
        changes: Option<String>,
    ) -> (Vec<PersonId>, Self) {
        let Found {
            published,
            year,
            mut rows,
            people,
        } = found;
        let whose = Whose::of(&people, &rows, person);
        if let Some(person) = person {
            rows.retain(|row| row.person == person);
        }
        rows.sort_by_key(|row| (Reverse(row.month), place(&people, row.person)));
        let arrives_after = reader.settings().arrives_after_months;
        let sentence = year.filter(|_| !rows.is_empty()).map(|year| {
            let until = published.arrived_until(year, arrives_after);
            let until = until.map(|month| format!("（{}診療分まで）", month_alone(month)));
            let copay = rows.iter().map(|row| row.yen).sum::<Yen>().copay;
            sentence(&format!("{year}年"), &whose, copay, &until.unwrap_or_default())
        });
        let (groups, rest) = groups(&rows, &people, arrives_after);
        let page = Self {
            ways: &reader.ways,
            is_member: reader.is_member(),
            years: years(&published.years, year),
            persons: options(&people, person),
            sentence,
            changes,
            bars: bars(&rows),
            groups,
            rest,
        };
        (persons(&rows), page)
    }

    /// Where an institution has no name.
    fn has_nameless(&self) -> bool {
        let mut lines = self.groups.iter().flat_map(|group| &group.lines);
        lines.any(Line::is_nameless)
    }
}

/// The year that is asked for, else the newest; only such as are published, alike for everybody.
fn year(published: &[i32], asked: &str) -> Result<Option<i32>, Trouble> {
    if asked.is_empty() {
        return Ok(published.first().copied());
    }
    let year = published.iter().find(|year| year.to_string() == asked);
    year.copied().map(Some).ok_or(Trouble::NotFound)
}

fn years(published: &[i32], chosen: Option<i32>) -> Vec<Choice> {
    let option = |year: &i32| Choice {
        value: year.to_string(),
        text: calendar::year_both(*year),
        chosen: chosen == Some(*year),
    };
    published.iter().map(option).collect()
}

/// A bar for each month that has a row, against the dearest of them.
fn bars(rows: &[Cost]) -> Vec<Bar> {
    let months = by_month(rows);
    let most = months.iter().map(|(_, sum)| sum.total).max().unwrap_or_default().max(1);
    let width = |part: i64| {
        let tenths = part.clamp(0, most) * 1000 / most;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let bar = |(month, sum): &(Month, Yen)| Bar {
        month: *month,
        name: month_alone(*month),
        total: yen(sum.total),
        copay: yen(sum.copay),
        total_width: width(sum.total),
        copay_width: width(sum.copay),
    };
    months.iter().map(bar).collect()
}

/// Whole months from the newest on, as long as there is room for their rows, and those that are left.
fn groups(rows: &[Cost], people: &[OneOf], arrives_after: u32) -> (Vec<Group>, Vec<(Month, String)>) {
    let (mut groups, mut rest, mut room) = (Vec::new(), Vec::new(), MOST);
    for of_month in rows.chunk_by(|row, next| row.month == next.month) {
        let Some(month) = of_month.first().map(|row| row.month) else {
            continue;
        };
        let fits = room.checked_sub(of_month.len()).filter(|_| rest.is_empty());
        let Some(left) = fits else {
            rest.push((month, month_words(month)));
            continue;
        };
        room = left;
        groups.push(Group {
            month,
            name: month_words(month),
            lines: of_month
                .iter()
                .map(|row| Line::new(row, people, arrives_after))
                .collect(),
        });
    }
    (groups, rest)
}
