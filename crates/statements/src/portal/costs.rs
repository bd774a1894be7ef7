//! 医療費通知 of a year: the sum in a sentence, its months as bars, below them the rows by month.

use super::{
    Statements, Whose, changes,
    choice::{Choice, chosen, options},
    is_open,
    line::Line,
    month_alone, month_words, persons, place, sentence, yen,
};
use crate::{
    Kind, Month, Months,
    household::{OneOf, household},
    marks::mark_seen,
    published::{Published, published_and_seen},
    sums::{Yen, by_month, shown},
    view::{Changed, Cost, View},
};
use accounts::Member;
use askama::Template;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability};
use futures_util::future::try_join;
use kernel::{PersonId, calendar};
use pages::{Reply, Visit, frame::Frame, visit::Trouble};
use scoped_futures::ScopedFutureExt as _;
use std::cmp::Reverse;
use tenancy::Feature;

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
#[template(path = "costs.html")]
struct CostsPage {
    frame: Frame,
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

/// What is read for the page, whoever of the family is asked for.
struct Found {
    published: Published,
    seen: Option<DateTime<Utc>>,
    /// None while the insurer has published nothing.
    year: Option<i32>,
    rows: Vec<Cost>,
    people: Vec<OneOf>,
    changed: Changed,
}

/// `GET /portal/costs[?year=…&person=…]`.
pub(super) async fn show(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::CostStatements)?;
    let found = statements.found(&member, visit.now, visit.query.text("year")).await?;
    let person = chosen(&found.people, visit.query.text("person"))?;
    let (news, at) = (found.published.is_news_to(found.seen), found.published.changed_at);
    let page = visit.html(&CostsPage::new(
        visit.frame().in_section(super::section(&member, super::COSTS)),
        &member,
        found,
        person,
    ))?;
    // Whoever doesn't read the page has not seen what it tells.
    if let Some(at) = at.filter(|_| news && !visit.is_head)
        && let Err(error) = statements.mark(&member, Kind::Costs, at).await
    {
        edge::outage(&error.into());
    }
    Ok(page)
}

impl Statements {
    /// What was published is read before the rows: what is published between them is news the next time.
    async fn found(&self, member: &Member, now: DateTime<Utc>, asked: &str) -> Result<Found, Trouble> {
        let kept = Months::online(&member.insurer.statements, now);
        let account = member.account_id;
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let first = tenant.read_with(|tx| published_and_seen(tx, Kind::Costs, kept, account).scope_boxed());
        let (tx, (published, seen)) = first.await?;
        let year = year(&published.years, asked)?;
        let view = |months| View::of_member(member, now, months);
        let rows = async {
            match year {
                Some(year) => view(Months::year(year)).costs(&tx).await,
                None => Ok(Vec::new()),
            }
        };
        let changed = async {
            match seen.filter(|seen| published.has_changed_since(*seen)) {
                Some(seen) => view(kept).changed_since(&tx, Kind::Costs, seen).await,
                None => Ok(Changed::default()),
            }
        };
        let (rows, changed) = try_join(rows, changed).await?;
        let rows = shown(rows);
        let people = household(&tx, member, now, &persons(&rows)).await?;
        Ok(Found {
            published,
            seen,
            year,
            rows,
            people,
            changed,
        })
    }

    /// Where it is lost, the next page tells once more what this one told.
    pub(super) async fn mark(&self, member: &Member, kind: Kind, at: DateTime<Utc>) -> Result<(), DatabaseError> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Relaxed).await?;
        mark_seen(&mut tx, member.account_id, kind, at).await?;
        tx.commit().await
    }
}

impl CostsPage {
    fn new(frame: Frame, member: &Member, found: Found, person: Option<PersonId>) -> Self {
        let Found {
            published,
            year,
            mut rows,
            people,
            changed,
            ..
        } = found;
        let whose = Whose::of(&people, &rows, person);
        if let Some(person) = person {
            rows.retain(|row| row.person == person);
        }
        rows.sort_by_key(|row| (Reverse(row.month), place(&people, row.person)));
        let arrives_after = member.insurer.statements.arrives_after_months;
        let sentence = year.filter(|_| !rows.is_empty()).map(|year| {
            let until = published.arrived_until(year, arrives_after);
            let until = until.map(|month| format!("（{}診療分まで）", month_alone(month)));
            let copay = rows.iter().map(|row| row.yen).sum::<Yen>().copay;
            sentence(&format!("{year}年"), &whose, copay, &until.unwrap_or_default())
        });
        let (groups, rest) = groups(&rows, &people, arrives_after);
        Self {
            frame,
            years: years(&published.years, year),
            persons: options(&people, person),
            sentence,
            changes: changes(changed),
            bars: bars(&rows),
            groups,
            rest,
        }
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
