//! ジェネリック差額明細: how much of what somebody takes are generics, and what could be saved, over the six newest months that were
//! delivered.

use super::{
    Statements, Whose, changes,
    choice::{Choice, chosen, options},
    is_open,
    month::{Way, kept_way},
    month_words, persons, yen,
};
use crate::{
    Kind, Month, Months,
    generic_use::{Savings, usage},
    household::{OneOf, household},
    marks::seen_at,
    published::{Published, published},
    reckon::window,
    view::{Changed, Medicine, View},
};
use accounts::Member;
use askama::Template;
use chrono::{DateTime, Utc};
use futures_util::future::try_join;
use kernel::{Outage, PersonId};
use pages::{Reply, Visit, frame::Frame};
use scoped_futures::ScopedFutureExt as _;
use tenancy::Feature;

/// A month of the window.
struct Line {
    way: Way,
    usage: String,
    saving: String,
}

#[derive(Template)]
#[template(path = "medicines.html")]
struct MedicinesPage {
    frame: Frame,
    /// Everybody, and each of them; none where there is one alone.
    persons: Vec<Choice>,
    /// None where there is no row.
    told: Option<Told>,
    changes: Option<String>,
    /// The newest first; whoever looks, and whatever of them they may see.
    months: Vec<Line>,
    /// The month before the window, where it is kept.
    older: Option<Way>,
    has_guide: bool,
}

/// What the page tells of the window.
struct Told {
    whose: String,
    /// None where nothing was taken of which there are generics.
    usage: Option<String>,
    /// 「1か月あたり最大1,080円（2026年7月）」; none where nothing is proposed.
    saving: Option<String>,
}

/// What is read for the page, whoever of the family is asked for.
struct Found {
    published: Published,
    seen: Option<DateTime<Utc>>,
    /// None while the insurer has published nothing.
    months: Option<Months>,
    rows: Vec<Medicine>,
    people: Vec<OneOf>,
    changed: Changed,
}

/// `GET /portal/medicines[?person=…]`.
pub(super) async fn show(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::GenericSavings)?;
    let kept = Months::online(&member.insurer.statements, visit.now);
    let found = statements.medicines(&member, visit.now, kept).await?;
    let person = chosen(&found.people, visit.query.text("person"))?;
    let (news, at) = (found.published.is_news_to(found.seen), found.published.changed_at);
    let frame = visit.frame().in_section(super::section(&member, super::MEDICINES));
    let page = visit.html(&MedicinesPage::new(frame, &member, kept, found, person))?;
    // Whoever doesn't read the page has not seen what it tells.
    if let Some(at) = at.filter(|_| news && !visit.is_head)
        && let Err(error) = statements.mark(&member, Kind::Medicines, at).await
    {
        edge::outage(&error.into());
    }
    Ok(page)
}

impl Statements {
    /// What was published is read before the rows: what is published between them is news the next time.
    async fn medicines(&self, member: &Member, now: DateTime<Utc>, kept: Months) -> Result<Found, Outage> {
        let account = member.account_id;
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let first = tenant.read_with(|tx| {
            try_join(
                published(tx, Kind::Medicines, kept),
                seen_at(tx, account, Kind::Medicines),
            )
            .scope_boxed()
        });
        let (tx, (published, seen)) = first.await?;
        let months = published.labels.first().map(|newest| {
            let (first, last) = window(*newest, member.insurer.statements.arrives_after_months);
            Months { first, last }.within(kept)
        });
        let view = |months| View::of_member(member, now, months);
        let rows = async {
            match months {
                Some(months) => view(months).medicines(&tx).await,
                None => Ok(Vec::new()),
            }
        };
        let changed = async {
            match seen.filter(|seen| published.has_changed_since(*seen)) {
                Some(seen) => view(kept).changed_since(&tx, Kind::Medicines, seen).await,
                None => Ok(Changed::default()),
            }
        };
        let (rows, changed) = try_join(rows, changed).await?;
        let people = household(&tx, member, now, &persons(&rows)).await?;
        Ok(Found {
            published,
            seen,
            months,
            rows,
            people,
            changed,
        })
    }
}

impl MedicinesPage {
    fn new(frame: Frame, member: &Member, kept: Months, found: Found, person: Option<PersonId>) -> Self {
        let Found {
            months,
            mut rows,
            people,
            changed,
            ..
        } = found;
        let whose = Whose::of(&people, &rows, person).words();
        if let Some(person) = person {
            rows.retain(|row| row.person == person);
        }
        let generics = &member.insurer.statements.generics;
        let savings = Savings::of(&rows, generics);
        let told = (!rows.is_empty()).then(|| Told {
            whose,
            usage: usage(&rows).map(|usage| usage.to_string()),
            saving: savings.best().map(|(month, saved)| {
                let basis = generics.saving.label();
                format!("1か月あたり{basis}{}（{}）", yen(saved), month_words(month))
            }),
        });
        Self {
            persons: options(&people, person),
            told,
            changes: changes(changed),
            months: months.map(|months| lines(months, &rows, &savings)).unwrap_or_default(),
            older: months.and_then(|months| kept_way(months.first.back(1), kept)),
            has_guide: frame.is_member() && member.insurer.modules.is_open(Feature::MedicineGuide),
            frame,
        }
    }
}

/// Each month of the window; of one without a row nothing is said.
fn lines(months: Months, rows: &[Medicine], savings: &Savings) -> Vec<Line> {
    let line = |month: Month| {
        let of_month: Vec<&Medicine> = rows.iter().filter(|row| row.month == month).collect();
        let none = || "—".to_owned();
        Line {
            way: Way::to(month),
            usage: usage(of_month.iter().copied()).map_or_else(none, |usage| usage.to_string()),
            saving: if of_month.is_empty() {
                none()
            } else {
                yen(savings.of_month(month))
            },
        }
    };
    let mut lines: Vec<Line> = months.all().map(line).collect();
    lines.reverse();
    lines
}
