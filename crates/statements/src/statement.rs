//! Both statements as content: what a page of theirs says, whoever draws it. A member's page stands in the portal's frame; staff who
//! look at it in the member's place get the very same in the console's. What it says hangs on the rows that a
//! [`View`](crate::view::View) gave and on what is alike for everybody who looks: no count, year, scale or heading tells of a row
//! that is not shown.

pub(crate) mod choice;
pub(crate) mod costs;
mod line;
pub(crate) mod medicine;
pub(crate) mod medicines;
pub(crate) mod medicines_month;
pub(crate) mod month;
pub(crate) mod reader;
pub(crate) mod tax;
pub(crate) mod ways;

pub(crate) use reader::Reader;

use crate::{
    household::OneOf,
    month::Month,
    view::{Changed, Cost, Medicine},
};
use chrono::Datelike as _;
use kernel::PersonId;
use pages::words;

/// A page without what stands around it.
pub(crate) struct Body {
    pub(crate) title: String,
    /// Where it leads back to: the address, and what is said there.
    pub(crate) back: Option<(String, &'static str)>,
    /// The page's heading and all below it.
    pub(crate) html: String,
    /// Whose rows are on it.
    pub(crate) shown: Vec<PersonId>,
    /// Who else is named, whether there are rows of theirs or not.
    pub(crate) named: Vec<PersonId>,
}

/// 「48,230円」.
pub(crate) fn yen(amount: i64) -> String {
    format!("{}円", words::grouped(amount))
}

/// 「2026年6月」.
pub(crate) fn month_words(month: Month) -> String {
    format!("{}年{}", month.year(), month_alone(month))
}

/// 「6月」.
pub(crate) fn month_alone(month: Month) -> String {
    format!("{}月", month.first().month())
}

/// Whose rows a page shows.
pub(crate) enum Whose<'a> {
    /// The member's alone.
    Own,
    /// Theirs and their family's.
    Family,
    /// This one's.
    Of(&'a str),
}

impl<'a> Whose<'a> {
    /// Of whoever is asked for, else of all.
    pub(crate) fn of<R: OfPerson>(people: &'a [OneOf], rows: &[R], person: Option<PersonId>) -> Self {
        let own = people.iter().find(|one| one.is_self).map(|one| one.person);
        match person {
            Some(person) if Some(person) == own => Self::Own,
            Some(person) => Self::Of(name(people, person)),
            None if people.len() > 1 || rows.iter().any(|row| Some(row.person()) != own) => Self::Family,
            None => Self::Own,
        }
    }

    /// 「あなたとご家族」.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Own => "あなた".into(),
            Self::Family => "あなたとご家族".into(),
            Self::Of(name) => format!("{name}さん"),
        }
    }
}

/// 「2026年の窓口負担は、あなたとご家族で48,230円でした（8月診療分まで）。」
pub(crate) fn sentence(when: &str, whose: &Whose<'_>, copay: i64, until: &str) -> String {
    let sum = yen(copay);
    match whose {
        Whose::Own => format!("{when}のあなたの窓口負担は、{sum}でした{until}。"),
        Whose::Family => format!("{when}の窓口負担は、あなたとご家族で{sum}でした{until}。"),
        Whose::Of(name) => format!("{when}の{name}さんの窓口負担は、{sum}でした{until}。"),
    }
}

/// A row of either statement.
pub(crate) trait OfPerson {
    /// Whose it is.
    fn person(&self) -> PersonId;
}

impl OfPerson for Cost {
    fn person(&self) -> PersonId {
        self.person
    }
}

impl OfPerson for Medicine {
    fn person(&self) -> PersonId {
        self.person
    }
}

/// Whose rows these are, each once.
pub(crate) fn persons<R: OfPerson>(rows: &[R]) -> Vec<PersonId> {
    let mut persons: Vec<PersonId> = rows.iter().map(OfPerson::person).collect();
    persons.sort_unstable();
    persons.dedup();
    persons
}

/// Where somebody stands among people.
pub(crate) fn place(people: &[OneOf], person: PersonId) -> usize {
    let of = people.iter().position(|one| one.person == person);
    of.unwrap_or(people.len())
}

/// A person's name; of whom the roster knows no more, that.
pub(crate) fn name(people: &[OneOf], person: PersonId) -> &str {
    let of = people.iter().find(|one| one.person == person);
    of.map_or("（名簿にない方）", |one| one.name.as_str())
}

/// What became of rows since they were seen.
pub(crate) fn changes(changed: Changed) -> Option<String> {
    let what = match (changed.corrected, changed.withdrawn) {
        (0, 0) => return None,
        (corrected, 0) => format!("{corrected}件が訂正されました"),
        (0, withdrawn) => format!("{withdrawn}件が取り下げられました"),
        (corrected, withdrawn) => format!("{corrected}件が訂正され、{withdrawn}件が取り下げられました"),
    };
    Some(format!(
        "前回ご覧になったあとに、{what}。ほかの年やご家族の分も、合わせた件数です。"
    ))
}
