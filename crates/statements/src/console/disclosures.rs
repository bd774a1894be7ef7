//! 表示の希望: who has asked for their statements to be shown otherwise than usual, as the desk keeps it.

mod file;
mod one;
mod panel;

pub(super) use file::performer;
pub(super) use panel::panel;

use super::{HOME, in_household, with};
use crate::{
    disclosures::{
        AskedBy,
        list::{self, Filter, Listed},
    },
    kind::Kind,
    permissions::{DISCLOSURES_MANAGE, STATEMENTS_READ},
    visibility::Audience,
};
use access::{EXPORT_PERSONAL, MEMBERS_PROTECT, Reach};
use askama::Template;
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use kernel::{Field, FieldError, Number, PersonId, Problem, Refusal, Symbol, calendar};
use pages::{Reply, Row, Visit, forms::Form, frame::Frame, staff, staff_proven};
use poem::http::Method;
use roster::{
    Protected, Sight,
    search::{self, By, Found, NumberKeys, search},
};
use staff::Clerk;
use uuid::Uuid;

/// The list.
pub(super) const LIST: &str = "/console/statements/disclosures";
const ONE: &str = "/console/statements/disclosures/:person";
const FILE: &str = "/console/statements/disclosures/file";
/// People on a page.
const PAGE: u32 = 50;
const SYMBOL: Field = Field::new("symbol", "記号").takes("記号を、名簿のとおりに入力してください");
const NUMBER: Field = Field::new("number", "番号").takes("番号を、名簿のとおりに入力してください");
/// The number of nobody.
const NOBODY: Field =
    Field::new("number", "番号").takes("この記号・番号の方は名簿にいません。記号と番号をお確かめください");

/// The pages' rows.
pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let manage = DISCLOSURES_MANAGE;
    vec![
        staff(
            Method::GET,
            LIST,
            "console.statements.disclosures",
            manage,
            with(ground, show),
        ),
        staff(
            Method::POST,
            "/console/statements/disclosures/find",
            "console.statements.disclosures.find",
            manage,
            with(ground, find),
        ),
        staff(
            Method::GET,
            ONE,
            "console.statements.disclosure",
            manage,
            with(ground, one::show),
        ),
        staff(
            Method::POST,
            ONE,
            "console.statements.disclosure.change",
            manage,
            with(ground, one::change),
        ),
        staff_proven(
            Method::GET,
            FILE,
            "console.statements.disclosures.file",
            EXPORT_PERSONAL,
            with(ground, file::ask),
        ),
        staff_proven(
            Method::POST,
            FILE,
            "console.statements.disclosures.file.submit",
            EXPORT_PERSONAL,
            with(ground, file::file),
        )
        .keeping(&FILTERS),
    ]
}

/// The filters' names in addresses and forms.
const FILTERS: [&str; 3] = ["kind", "audience", "by"];

#[derive(Template)]
#[template(path = "console/statements_disclosures.html")]
struct ListPage {
    frame: Frame,
    /// Where deliveries are listed, for whoever may look at them.
    back: Option<&'static str>,
    symbol: String,
    number: String,
    selects: Vec<Select>,
    rows: Vec<Line>,
    /// Where it goes on.
    next: Option<String>,
    is_later: bool,
    is_narrowed: bool,
    /// Where it becomes a file, for whoever may.
    file: Option<String>,
}

/// A filter.
struct Select {
    name: &'static str,
    label: &'static str,
    /// Word in the address, word on the page, chosen.
    options: Vec<(&'static str, &'static str, bool)>,
}

/// What somebody has asked for of one kind.
struct Line {
    path: String,
    number: String,
    name: String,
    kind: &'static str,
    audience: &'static str,
    by: &'static str,
    at: String,
}

/// `GET /console/statements/disclosures`.
async fn show(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let filter = filter(&visit.query);
    let after = PersonId::parse(visit.query.text("after"));
    let tx = write(&ground, &clerk).await?;
    let (people, is_more) = list::page(&tx, &sight(&clerk, Protected::Hidden), filter, after, PAGE).await?;
    let seen = people.iter().map(|listed| listed.found.person_id);
    look(&visit, &clerk, tx, filter.names(), seen).await?;
    let again = visit.again().await;
    let last = people.last().filter(|_| is_more).map(|listed| listed.found.person_id);
    let mut more = query(filter);
    more.extend(last.map(|last| format!("after={last}")));
    let may_take = clerk.may(EXPORT_PERSONAL);
    visit.html(&ListPage {
        back: clerk.may(STATEMENTS_READ).then_some(HOME),
        symbol: again.typed.text("symbol").to_owned(),
        number: again.typed.text("number").to_owned(),
        selects: selects(filter),
        rows: people.iter().flat_map(lines).collect(),
        next: last.map(|_| address(LIST, &more)),
        is_later: after.is_some(),
        is_narrowed: filter != Filter::default(),
        file: may_take.then(|| address(FILE, &query(filter))),
        frame: visit.frame().in_section(section(&clerk)).with_errors(again.errors),
    })
}

fn lines(listed: &Listed) -> impl Iterator<Item = Line> {
    listed.kept.iter().map(|kept| Line {
        path: path(kept.person),
        number: number(&listed.found),
        name: called(&listed.found).to_owned(),
        kind: kept.kind.label(),
        audience: kept.audience.label(),
        by: kept.by.label(),
        at: calendar::moment(kept.at),
    })
}

fn selects(filter: Filter) -> Vec<Select> {
    let select = |name, label, chosen: Option<&str>, words: Vec<(&'static str, &'static str)>| Select {
        name,
        label,
        options: [("", "すべて")]
            .into_iter()
            .chain(words)
            .map(|(word, text)| (word, text, chosen.unwrap_or_default() == word))
            .collect(),
    };
    vec![
        select(
            "kind",
            "明細",
            filter.kind.map(Kind::as_str),
            Kind::ALL.map(|kind| (kind.as_str(), kind.label())).into(),
        ),
        select(
            "audience",
            "表示の希望",
            filter.audience.map(Audience::as_str),
            Audience::ALL
                .map(|audience| (audience.as_str(), audience.label()))
                .into(),
        ),
        select(
            "by",
            "申し出",
            filter.by.map(AskedBy::as_str),
            AskedBy::ALL.map(|by| (by.as_str(), by.label())).into(),
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/statements_disclosures_found.html")]
struct FoundPage {
    frame: Frame,
    people: Vec<Person>,
}

/// Somebody of a number.
struct Person {
    /// None of whom no more than the name and the 続柄 is shown.
    path: Option<String>,
    number: String,
    name: String,
    relationship: String,
}

/// `POST /console/statements/disclosures/find`: the people of a number, which stands in no address.
async fn find(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let mut errors = Vec::new();
    let symbol = FieldError::gather(SYMBOL, Symbol::parse(visit.form.text("symbol")), &mut errors);
    let number = FieldError::gather(NUMBER, Number::parse(visit.form.text("number")), &mut errors);
    let tx = write(&ground, &clerk).await?;
    let people = match (symbol, number) {
        (Some(symbol), Some(number)) => {
            let keys = NumberKeys {
                symbol: symbol.key().to_owned(),
                number: number.key().to_owned(),
                branch: String::new(),
            };
            let (sight, all) = (sight(&clerk, Protected::Veiled), search::Filter::default());
            let mut people = search(&tx, &sight, &all, &By::Numbers(&[keys]), None, PAGE)
                .await?
                .people;
            people.sort_by_cached_key(in_household);
            people
        }
        _ => vec![],
    };
    if people.is_empty() && errors.is_empty() {
        errors.push(FieldError::new(NOBODY, Problem::Characters));
    }
    if !errors.is_empty() {
        let refusal = Refusal::fields(errors);
        return Ok(visit.form_again(&refusal, LIST, &["symbol", "number"]).await);
    }
    let seen = people.iter().map(|found| found.person_id);
    look(&visit, &clerk, tx, vec!["term"], seen).await?;
    visit.html(&FoundPage {
        frame: visit.frame().in_section(section(&clerk)),
        people: people.iter().map(Person::new).collect(),
    })
}

impl Person {
    fn new(found: &Found) -> Self {
        Self {
            path: (!found.is_veiled).then(|| path(found.person_id)),
            number: self::number(found),
            name: called(found).to_owned(),
            relationship: found.relationship.clone(),
        }
    }
}

/// Whom a clerk sees of the protected where they may not see them as others.
fn sight(clerk: &Clerk, otherwise: Protected) -> Sight {
    Sight {
        reach: Reach::All,
        protected: if clerk.may(MEMBERS_PROTECT) {
            Protected::Seen
        } else {
            otherwise
        },
    }
}

/// The entry of the menu that the pages belong to: whoever sees deliveries has one for all of it.
fn section(clerk: &Clerk) -> &'static str {
    if clerk.may(STATEMENTS_READ) { HOME } else { LIST }
}

fn filter(form: &Form) -> Filter {
    Filter::read(|name| form.text(name))
}

/// A filter as it stands in an address.
fn query(filter: Filter) -> Vec<String> {
    let parts = [
        ("kind", filter.kind.map(Kind::as_str)),
        ("audience", filter.audience.map(Audience::as_str)),
        ("by", filter.by.map(AskedBy::as_str)),
    ];
    let set = parts.into_iter().filter_map(|(name, word)| Some((name, word?)));
    set.map(|(name, word)| format!("{name}={word}")).collect()
}

fn address(path: &str, query: &[String]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", query.join("&"))
}

/// Where one person's stands.
fn path(person: PersonId) -> String {
    format!("{LIST}/{person}")
}

fn number(found: &Found) -> String {
    joined([&found.symbol, &found.number, &found.branch])
}

fn joined(parts: [&str; 3]) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// 氏名, in kana where the insurer gives no other.
fn called(found: &Found) -> &str {
    if found.name.is_empty() {
        &found.kana_name
    } else {
        &found.name
    }
}

async fn write(ground: &Ground, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    let tenant = ground.database.tenant(clerk.insurer.tenant_id);
    tenant.write(Durability::Safe).await
}

/// Records the look at a list and ends the transaction.
async fn look(
    visit: &Visit,
    clerk: &Clerk,
    tx: TenantTransaction,
    filters: Vec<&'static str>,
    people: impl Iterator<Item = PersonId>,
) -> Result<(), DatabaseError> {
    let seen: Vec<Uuid> = people.map(|person| person.0).collect();
    let look = Look::list("disclosures", filters, &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await
}
