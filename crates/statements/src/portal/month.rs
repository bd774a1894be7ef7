//! One month of 医療費通知: its rows in full, and how the amounts come about.

use super::{Statements, Whose, is_open, line::Line, month_words, persons, place, sentence};
use crate::{
    Kind, Month, Months,
    household::{OneOf, household},
    published::{Published, published},
    sums::{Yen, shown},
    view::{Cost, View},
};
use accounts::Member;
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::Outage;
use pages::{Reply, Visit, frame::Frame, visit::Trouble};
use scoped_futures::ScopedFutureExt as _;
use tenancy::Feature;

/// A link to another month.
pub(super) struct Way {
    pub(super) month: Month,
    pub(super) name: String,
}

impl Way {
    pub(super) fn to(month: Month) -> Self {
        let name = month_words(month);
        Self { month, name }
    }
}

#[derive(Template)]
#[template(path = "month.html")]
struct MonthPage {
    frame: Frame,
    name: String,
    /// None where there is no row.
    sentence: Option<String>,
    lines: Vec<Line>,
    older: Option<Way>,
    newer: Option<Way>,
}

impl MonthPage {
    /// Where an institution has no name.
    fn has_nameless(&self) -> bool {
        self.lines.iter().any(Line::is_nameless)
    }
}

/// What is read for the page.
struct Found {
    published: Published,
    rows: Vec<Cost>,
    people: Vec<OneOf>,
}

/// `GET /portal/costs/:month`.
pub(super) async fn show(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::CostStatements)?;
    let kept = Months::online(&member.insurer.statements, visit.now);
    let month = asked(visit.param("month"), kept)?;
    let Found {
        published,
        mut rows,
        people,
    } = statements.month(&member, visit.now, month, kept).await?;
    rows.sort_by_key(|row| place(&people, row.person));
    let name = month_words(month);
    let sentence = (!rows.is_empty()).then(|| {
        let copay = rows.iter().map(|row| row.yen).sum::<Yen>().copay;
        sentence(&format!("{name}診療分"), &Whose::of(&people, &rows, None), copay, "")
    });
    let arrives_after = member.insurer.statements.arrives_after_months;
    let (older, newer) = ways(month, kept, &published);
    visit.html(&MonthPage {
        frame: visit.frame().in_section(super::section(&member, super::COSTS)),
        name,
        sentence,
        lines: rows.iter().map(|row| Line::new(row, &people, arrives_after)).collect(),
        older,
        newer,
    })
}

/// A month as the pages' addresses have it: in one way, so that each has one address. Only such as are kept.
pub(super) fn asked(text: &str, kept: Months) -> Result<Month, Trouble> {
    let month = Month::parse(text).filter(|month| month.to_string() == text);
    month.filter(|month| kept.contains(*month)).ok_or(Trouble::NotFound)
}

/// The months before and behind. Nothing that was published was treated later than in the month by which the newest file is
/// called.
pub(super) fn ways(month: Month, kept: Months, published: &Published) -> (Option<Way>, Option<Way>) {
    let newest = published.labels.first().copied();
    let newer = Month::of(month.end());
    let is_there = newest.is_some_and(|newest| newer <= newest);
    (
        kept_way(month.back(1), kept),
        kept_way(newer, kept).filter(|_| is_there),
    )
}

/// To a month that is kept.
pub(super) fn kept_way(month: Month, kept: Months) -> Option<Way> {
    kept.contains(month).then(|| Way::to(month))
}

impl Statements {
    async fn month(&self, member: &Member, now: DateTime<Utc>, month: Month, kept: Months) -> Result<Found, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let first = tenant.read_with(|tx| published(tx, Kind::Costs, kept).scope_boxed());
        let (tx, published) = first.await?;
        let view = View::of_member(member, now, Months::one(month));
        let rows = shown(view.costs(&tx).await?);
        let people = household(&tx, member, now, &persons(&rows)).await?;
        Ok(Found {
            published,
            rows,
            people,
        })
    }
}
