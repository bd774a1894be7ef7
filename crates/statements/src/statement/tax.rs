//! A calendar year for the tax return (医療費控除): what was paid, as far as it has been delivered, by 受診者 and institution as
//! the 明細書 has it. A member's own print is no 医療費通知 in the tax office's sense: that is the insurer's paper, its signed data or
//! マイナポータル's (国税庁 No.1119, 医療費控除の手引き). As the tax office has 保険者番号, 記号 and 番号 blacked out, none of them stands
//! here.

use super::{Body, Reader, month_alone, name, persons, place, ways::Ways, yen};
use crate::{
    Month, Months,
    household::OneOf,
    published::Published,
    sums::{TaxGroup, TaxYear, shown, tax_year},
};
use askama::Template;
use chrono::Datelike as _;
use database::TenantTransaction;
use kernel::calendar;
use pages::visit::Trouble;
use tenancy::OfficialNotice;

#[derive(Template)]
#[template(path = "statement/tax.html")]
struct TaxPage<'a> {
    ways: &'a Ways,
    year: i32,
    /// In both calendars.
    called: String,
    /// Paid, where the institution is known.
    with_institution: String,
    /// Paid, where it isn't.
    without: String,
    benefits: String,
    /// Whether there is anything to be summed: what cost nothing is in no group.
    has_rows: bool,
    groups: Vec<Group>,
    /// The months that have not been delivered yet; empty where all have.
    missing: String,
    /// The months that are kept no more; empty where all are.
    gone: String,
    notice: OfficialNotice,
}

/// What one person paid to one institution.
struct Group {
    who: String,
    institution: String,
    purpose: &'static str,
    paid: String,
    benefit: String,
}

/// Of a year, as it stands in the address.
pub(crate) async fn body(
    tx: &TenantTransaction,
    reader: &Reader<'_>,
    published: &Published,
    asked: &str,
) -> Result<Body, Trouble> {
    let year: i32 = asked.parse().map_err(|_| Trouble::NotFound)?;
    // As it is written on our own pages alone: another way of writing the number is another address.
    if !published.years.contains(&year) || asked != year.to_string() {
        return Err(Trouble::NotFound);
    }
    let settings = reader.settings();
    let rows = shown(reader.view(Months::year(year)).costs(tx).await?);
    let people = reader.household(tx, &persons(&rows)).await?;
    let TaxYear {
        with_institution,
        without,
        benefits,
        groups,
        missing,
    } = tax_year(&rows, year, published, settings.arrives_after_months);
    let page = TaxPage {
        ways: &reader.ways,
        year,
        called: calendar::year_both(year),
        with_institution: yen(with_institution),
        without: yen(without),
        benefits: yen(benefits),
        has_rows: !rows.is_empty(),
        groups: in_order(groups, &people)
            .into_iter()
            .map(|group| Group::new(group, &people))
            .collect(),
        missing: months_words(&missing),
        gone: gone(year, reader.kept().first),
        notice: settings.official_notice,
    };
    Ok(Body {
        title: format!("{year}年分の医療費（確定申告用）"),
        back: Some((reader.ways.costs_of(&year), "医療費通知に戻る")),
        html: page.render()?,
        shown: persons(&rows),
        named: Vec::new(),
    })
}

impl Group {
    fn new(group: TaxGroup, people: &[OneOf]) -> Self {
        Self {
            who: name(people, group.person).to_owned(),
            institution: group.institution,
            purpose: group.purpose.label(),
            paid: yen(group.paid),
            benefit: yen(group.benefit),
        }
    }
}

/// As the household is listed, each person's by institution; without one last.
pub(crate) fn in_order(mut groups: Vec<TaxGroup>, people: &[OneOf]) -> Vec<TaxGroup> {
    groups.sort_by_cached_key(|group| {
        let institution = group.institution.clone();
        (place(people, group.person), institution.is_empty(), institution)
    });
    groups
}

/// 「11月・12月」.
fn months_words(months: &[Month]) -> String {
    let months: Vec<String> = months.iter().copied().map(month_alone).collect();
    months.join("・")
}

/// The months of a year before the first that is kept.
fn gone(year: i32, first: Month) -> String {
    if first.year() != year {
        return String::new();
    }
    match first.first().month() {
        1 => String::new(),
        2 => "1月".into(),
        month => format!("1月から{}月", month - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_no_more_is_told_of_the_year_in_which_keeping_begins() {
        let first = |text: &str| Month::parse(text).unwrap();
        assert_eq!(gone(2024, first("202412")), "1月から11月");
        assert_eq!(gone(2024, first("202402")), "1月");
        assert_eq!(gone(2024, first("202401")), "");
        assert_eq!(gone(2025, first("202412")), "");
    }

    #[test]
    fn months_are_listed_by_their_names() {
        let months: Vec<Month> = ["202611", "202612"].map(|text| Month::parse(text).unwrap()).into();
        assert_eq!(months_words(&months), "11月・12月");
        assert_eq!(months_words(&months[1..]), "12月");
    }
}
