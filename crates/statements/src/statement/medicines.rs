//! ジェネリック差額明細: how much of what somebody takes are generics, and what could be saved, over the six newest months that were
//! delivered.

use super::{
    Body, Reader, Whose,
    choice::{Choice, chosen, named, options},
    month::{Way, kept_way},
    month_words, persons,
    ways::Ways,
    yen,
};
use crate::{
    Month, Months,
    generic_use::{Savings, usage},
    household::OneOf,
    published::Published,
    reckon::window,
    view::Medicine,
};
use askama::Template;
use database::{DatabaseError, TenantTransaction};
use kernel::PersonId;
use pages::visit::Trouble;

/// A month of the window.
struct Line {
    way: Way,
    usage: String,
    saving: String,
}

#[derive(Template)]
#[template(path = "statement/medicines.html")]
struct Medicines<'a> {
    ways: &'a Ways,
    is_member: bool,
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

/// What is read for it, whoever of the family is asked for.
pub(crate) struct Found {
    /// None while the insurer has published nothing.
    months: Option<Months>,
    rows: Vec<Medicine>,
    people: Vec<OneOf>,
}

impl Found {
    /// Reads the window.
    pub(crate) async fn read(
        tx: &TenantTransaction,
        reader: &Reader<'_>,
        published: &Published,
    ) -> Result<Self, DatabaseError> {
        let months = published.labels.first().map(|newest| {
            let (first, last) = window(*newest, reader.settings().arrives_after_months);
            Months { first, last }.within(reader.kept())
        });
        let rows = match months {
            Some(months) => reader.view(months).medicines(tx).await?,
            None => Vec::new(),
        };
        let people = reader.household(tx, &persons(&rows)).await?;
        Ok(Self { months, rows, people })
    }

    /// As it is written, of everybody or of whoever is asked for; and what has changed since it was read last.
    pub(crate) fn body(self, reader: &Reader<'_>, asked: &str, changes: Option<String>) -> Result<Body, Trouble> {
        let person = chosen(&self.people, asked)?;
        let named = named(&self.people);
        let (shown, page) = Medicines::new(reader, self, person, changes);
        Ok(Body {
            title: "ジェネリック差額明細".into(),
            back: (reader.ways.is_portal() && reader.is_member())
                .then(|| ("/portal/mypage".to_owned(), "マイページに戻る")),
            html: page.render()?,
            shown,
            named,
        })
    }
}

impl<'a> Medicines<'a> {
    /// With whose rows are on it.
    fn new(
        reader: &'a Reader<'_>,
        found: Found,
        person: Option<PersonId>,
        changes: Option<String>,
    ) -> (Vec<PersonId>, Self) {
        let Found {
            months,
            mut rows,
            people,
        } = found;
        let whose = Whose::of(&people, &rows, person).words();
        if let Some(person) = person {
            rows.retain(|row| row.person == person);
        }
        let generics = &reader.settings().generics;
        let savings = Savings::of(&rows, generics);
        let told = (!rows.is_empty()).then(|| Told {
            whose,
            usage: usage(&rows).map(|usage| usage.to_string()),
            saving: savings.best().map(|(month, saved)| {
                let basis = generics.saving.label();
                format!("1か月あたり{basis}{}（{}）", yen(saved), month_words(month))
            }),
        });
        let page = Self {
            ways: &reader.ways,
            is_member: reader.is_member(),
            persons: options(&people, person),
            told,
            changes,
            months: months.map(|months| lines(months, &rows, &savings)).unwrap_or_default(),
            older: months.and_then(|months| kept_way(months.first.back(1), reader.kept())),
            has_guide: reader.has_guide(),
        };
        (persons(&rows), page)
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
