//! One month of ジェネリック差額明細: each medicine, what it cost, and what could be taken instead.

use super::{
    Statements, is_open,
    medicine::{Line, Words, known},
    month::{Way, asked, ways},
    month_words, persons, place,
};
use crate::{
    Kind, Month, Months,
    drugs::Known,
    generic_use::Savings,
    household::{OneOf, household},
    published::{Published, published},
    view::{Medicine, View},
};
use accounts::Member;
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::Outage;
use pages::{Reply, Visit, frame::Frame};
use scoped_futures::ScopedFutureExt as _;
use tenancy::Feature;

#[derive(Template)]
#[template(path = "medicines_month.html")]
struct MonthPage {
    frame: Frame,
    name: String,
    lines: Vec<Line>,
    older: Option<Way>,
    newer: Option<Way>,
    has_guide: bool,
}

impl MonthPage {
    /// Where something is paid extra.
    fn has_charge(&self) -> bool {
        self.lines.iter().any(|line| line.charge.is_some())
    }
}

/// What is read for the page.
struct Found {
    published: Published,
    rows: Vec<Medicine>,
    people: Vec<OneOf>,
    known: Known,
}

/// `GET /portal/medicines/:month`.
pub(super) async fn show(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::GenericSavings)?;
    let settings = &member.insurer.statements;
    let kept = Months::online(settings, visit.now);
    let month = asked(visit.param("month"), kept)?;
    let Found {
        published,
        mut rows,
        people,
        known,
    } = statements.medicines_of(&member, visit.now, month, kept).await?;
    rows.sort_by_key(|row| place(&people, row.person));
    let savings = Savings::of(&rows, &settings.generics);
    let words = Words {
        people: &people,
        known: &known,
        savings: &savings,
        settings: &settings.generics,
    };
    let (older, newer) = ways(month, kept, &published);
    let frame = visit.frame().in_section(super::section(&member, super::MEDICINES));
    visit.html(&MonthPage {
        name: month_words(month),
        lines: rows.iter().map(|row| Line::new(row, &words)).collect(),
        older,
        newer,
        has_guide: frame.is_member() && member.insurer.modules.is_open(Feature::MedicineGuide),
        frame,
    })
}

impl Statements {
    async fn medicines_of(
        &self,
        member: &Member,
        now: DateTime<Utc>,
        month: Month,
        kept: Months,
    ) -> Result<Found, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let first = tenant.read_with(|tx| published(tx, Kind::Medicines, kept).scope_boxed());
        let (tx, published) = first.await?;
        let view = View::of_member(member, now, Months::one(month));
        let rows = view.medicines(&tx).await?;
        let people = household(&tx, member, now, &persons(&rows)).await?;
        let known = known(&tx, &rows).await?;
        Ok(Found {
            published,
            rows,
            people,
            known,
        })
    }
}
