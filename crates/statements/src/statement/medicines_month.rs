//! One month of ジェネリック差額明細: each medicine, what it cost, and what could be taken instead.

use super::{
    Body, Reader,
    medicine::{Line, Words, known},
    month::{Way, ways},
    month_words, persons, place,
    ways::Ways,
};
use crate::{Month, Months, generic_use::Savings, published::Published};
use askama::Template;
use database::TenantTransaction;
use pages::visit::Trouble;

#[derive(Template)]
#[template(path = "statement/medicines_month.html")]
struct MonthPage<'a> {
    ways: &'a Ways,
    name: String,
    lines: Vec<Line>,
    older: Option<Way>,
    newer: Option<Way>,
    has_guide: bool,
}

impl MonthPage<'_> {
    /// Where something is paid extra.
    fn has_charge(&self) -> bool {
        self.lines.iter().any(|line| line.charge.is_some())
    }
}

/// Of a month.
pub(crate) async fn body(
    tx: &TenantTransaction,
    reader: &Reader<'_>,
    published: &Published,
    month: Month,
) -> Result<Body, Trouble> {
    let mut rows = reader.view(Months::one(month)).medicines(tx).await?;
    let people = reader.household(tx, &persons(&rows)).await?;
    let known = known(tx, &rows).await?;
    rows.sort_by_key(|row| place(&people, row.person));
    let generics = &reader.settings().generics;
    let words = Words {
        people: &people,
        known: &known,
        savings: &Savings::of(&rows, generics),
        settings: generics,
    };
    let (older, newer) = ways(month, reader.kept(), published);
    let page = MonthPage {
        ways: &reader.ways,
        name: month_words(month),
        lines: rows.iter().map(|row| Line::new(row, &words)).collect(),
        older,
        newer,
        has_guide: reader.has_guide(),
    };
    Ok(Body {
        title: format!("{}のお薬", page.name),
        back: Some((reader.ways.medicines(), "ジェネリック差額明細に戻る")),
        html: page.render()?,
        shown: persons(&rows),
        named: Vec::new(),
    })
}
