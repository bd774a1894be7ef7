//! One month of 医療費通知: its rows in full, and how the amounts come about.

use super::{Body, Reader, Whose, line::Line, month_words, persons, place, sentence, ways::Ways};
use crate::{
    Month, Months,
    published::Published,
    sums::{Yen, shown},
};
use askama::Template;
use database::TenantTransaction;
use pages::visit::Trouble;

/// A link to another month.
pub(crate) struct Way {
    pub(crate) month: Month,
    pub(crate) name: String,
}

impl Way {
    pub(crate) fn to(month: Month) -> Self {
        let name = month_words(month);
        Self { month, name }
    }
}

#[derive(Template)]
#[template(path = "statement/month.html")]
struct MonthPage<'a> {
    ways: &'a Ways,
    insurer: &'a str,
    name: String,
    /// None where there is no row.
    sentence: Option<String>,
    lines: Vec<Line>,
    older: Option<Way>,
    newer: Option<Way>,
}

impl MonthPage<'_> {
    /// Where an institution has no name.
    fn has_nameless(&self) -> bool {
        self.lines.iter().any(Line::is_nameless)
    }
}

/// Of a month, as it stands in the address.
pub(crate) async fn body(
    tx: &TenantTransaction,
    reader: &Reader<'_>,
    published: &Published,
    month: Month,
) -> Result<Body, Trouble> {
    let mut rows = shown(reader.view(Months::one(month)).costs(tx).await?);
    let people = reader.household(tx, &persons(&rows)).await?;
    rows.sort_by_key(|row| place(&people, row.person));
    let name = month_words(month);
    let sentence = (!rows.is_empty()).then(|| {
        let copay = rows.iter().map(|row| row.yen).sum::<Yen>().copay;
        sentence(&format!("{name}診療分"), &Whose::of(&people, &rows, None), copay, "")
    });
    let arrives_after = reader.settings().arrives_after_months;
    let (older, newer) = ways(month, reader.kept(), published);
    let page = MonthPage {
        ways: &reader.ways,
        insurer: &reader.insurer.name,
        name,
        sentence,
        lines: rows.iter().map(|row| Line::new(row, &people, arrives_after)).collect(),
        older,
        newer,
    };
    Ok(Body {
        title: format!("{}診療分の医療費", page.name),
        back: Some((reader.ways.costs(), "医療費通知に戻る")),
        html: page.render()?,
        shown: persons(&rows),
        named: Vec::new(),
    })
}

/// A month as the pages' addresses have it: in one way, so that each has one address. Only such as are kept.
pub(crate) fn asked(text: &str, kept: Months) -> Result<Month, Trouble> {
    let month = Month::parse(text).filter(|month| month.to_string() == text);
    month.filter(|month| kept.contains(*month)).ok_or(Trouble::NotFound)
}

/// The months before and behind. Nothing that was published was treated later than in the month by which the newest file is
/// called.
pub(crate) fn ways(month: Month, kept: Months, published: &Published) -> (Option<Way>, Option<Way>) {
    let newest = published.labels.first().copied();
    let newer = Month::of(month.end());
    let is_there = newest.is_some_and(|newest| newer <= newest);
    (
        kept_way(month.back(1), kept),
        kept_way(newer, kept).filter(|_| is_there),
    )
}

/// To a month that is kept.
pub(crate) fn kept_way(month: Month, kept: Months) -> Option<Way> {
    kept.contains(month).then(|| Way::to(month))
}
