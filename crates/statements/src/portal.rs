//! Both statements as members read them. What a page shows hangs on the rows that a [`View`](crate::view::View) gave it and on
//! what is alike for everybody who looks: no count, year, scale or heading tells of a row that is not shown.

mod choice;
mod costs;
pub(crate) mod family;
mod files;
mod line;
mod medicine;
mod medicines;
mod medicines_month;
mod month;
mod tax;

use crate::{
    Kind,
    household::OneOf,
    month::Month,
    view::{Changed, Cost, Medicine},
};
use accounts::Member;
use chrono::Datelike as _;
use database::Database;
use ground::Ground;
use kernel::PersonId;
use pages::{Row, member, visit::Trouble, words};
use poem::http::Method;
use tenancy::{Feature, FeatureState};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// 医療費通知.
pub(crate) const COSTS: &str = "/portal/costs";
/// ジェネリック差額明細.
pub(crate) const MEDICINES: &str = "/portal/medicines";

/// What the pages stand on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Statements {
    database: Database,
}

impl Statements {
    /// Puts it together.
    pub(crate) fn new(ground: &Ground) -> Self {
        Self {
            database: ground.database.clone(),
        }
    }
}

/// The pages' rows.
pub(crate) fn rows(statements: &Statements) -> Vec<Row> {
    [of_costs(statements), of_medicines(statements)].concat()
}

fn of_costs(statements: &Statements) -> Vec<Row> {
    let of = || statements.clone();
    let (costs, month) = (of(), of());
    let (tax, offer, take) = (of(), of(), of());
    vec![
        member(GET, COSTS, "costs", move |visit, member| {
            costs::show(costs.clone(), visit, member)
        })
        .for_former(),
        member(GET, "/portal/costs/:month", "costs_month", move |visit, member| {
            month::show(month.clone(), visit, member)
        })
        .for_former(),
        member(GET, "/portal/costs/tax/:year", "costs_tax", move |visit, member| {
            tax::show(tax.clone(), visit, member)
        })
        .for_former(),
        member(GET, files::COSTS, "costs_files", move |visit, member| {
            files::show(offer.clone(), Kind::Costs, visit, member)
        })
        .for_former(),
        member(POST, files::COSTS, "costs_files_take", move |visit, member| {
            files::take(take.clone(), Kind::Costs, visit, member)
        })
        .for_former(),
    ]
}

fn of_medicines(statements: &Statements) -> Vec<Row> {
    let of = || statements.clone();
    let (medicines, month, offer, take) = (of(), of(), of(), of());
    vec![
        member(GET, MEDICINES, "medicines", move |visit, member| {
            medicines::show(medicines.clone(), visit, member)
        })
        .for_former(),
        member(
            GET,
            "/portal/medicines/:month",
            "medicines_month",
            move |visit, member| medicines_month::show(month.clone(), visit, member),
        )
        .for_former(),
        member(GET, files::MEDICINES, "medicines_files", move |visit, member| {
            files::show(offer.clone(), Kind::Medicines, visit, member)
        })
        .for_former(),
        member(POST, files::MEDICINES, "medicines_files_take", move |visit, member| {
            files::take(take.clone(), Kind::Medicines, visit, member)
        })
        .for_former(),
    ]
}

/// What the insurer hasn't opened does not exist.
fn is_open(member: &Member, feature: Feature) -> Result<(), Trouble> {
    match member.insurer.modules.state(feature) {
        FeatureState::Open => Ok(()),
        FeatureState::Preparing | FeatureState::Hidden => Err(Trouble::NotFound),
    }
}

/// The menu's entry that the pages belong to: of whoever has no my page any more, their own.
fn section(member: &Member, own: &'static str) -> &'static str {
    if member.is_former() { own } else { "/portal/mypage" }
}

/// 「48,230円」.
fn yen(amount: i64) -> String {
    format!("{}円", words::grouped(amount))
}

/// 「2026年6月」.
fn month_words(month: Month) -> String {
    format!("{}年{}", month.year(), month_alone(month))
}

/// 「6月」.
fn month_alone(month: Month) -> String {
    format!("{}月", month.first().month())
}

/// Whose rows a page shows.
enum Whose<'a> {
    /// The member's alone.
    Own,
    /// Theirs and their family's.
    Family,
    /// This one's.
    Of(&'a str),
}

impl<'a> Whose<'a> {
    /// Of whoever is asked for, else of all.
    fn of<R: OfPerson>(people: &'a [OneOf], rows: &[R], person: Option<PersonId>) -> Self {
        let own = people.iter().find(|one| one.is_self).map(|one| one.person);
        match person {
            Some(person) if Some(person) == own => Self::Own,
            Some(person) => Self::Of(name(people, person)),
            None if people.len() > 1 || rows.iter().any(|row| Some(row.person()) != own) => Self::Family,
            None => Self::Own,
        }
    }

    /// 「あなたとご家族」.
    fn words(&self) -> String {
        match self {
            Self::Own => "あなた".into(),
            Self::Family => "あなたとご家族".into(),
            Self::Of(name) => format!("{name}さん"),
        }
    }
}

/// 「2026年の窓口負担は、あなたとご家族で48,230円でした（8月診療分まで）。」
fn sentence(when: &str, whose: &Whose<'_>, copay: i64, until: &str) -> String {
    let sum = yen(copay);
    match whose {
        Whose::Own => format!("{when}のあなたの窓口負担は、{sum}でした{until}。"),
        Whose::Family => format!("{when}の窓口負担は、あなたとご家族で{sum}でした{until}。"),
        Whose::Of(name) => format!("{when}の{name}さんの窓口負担は、{sum}でした{until}。"),
    }
}

/// A row of either statement.
trait OfPerson {
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
fn persons<R: OfPerson>(rows: &[R]) -> Vec<PersonId> {
    let mut persons: Vec<PersonId> = rows.iter().map(OfPerson::person).collect();
    persons.sort_unstable();
    persons.dedup();
    persons
}

/// Where somebody stands among people.
fn place(people: &[OneOf], person: PersonId) -> usize {
    let of = people.iter().position(|one| one.person == person);
    of.unwrap_or(people.len())
}

/// A person's name; of whom the roster knows no more, that.
fn name(people: &[OneOf], person: PersonId) -> &str {
    let of = people.iter().find(|one| one.person == person);
    of.map_or("（名簿にない方）", |one| one.name.as_str())
}

/// What became of rows since they were seen.
fn changes(changed: Changed) -> Option<String> {
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
