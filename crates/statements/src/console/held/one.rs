//! One row that waits, and the search for whose it is. What was searched for comes by post: names and numbers stand in no address.

use super::{HOME, LOOK, Line, joined, path, row, typed, write};
use access::{MEMBERS_PROTECT, Reach};
use askama::Template;
use audit::Look;
use database::{DatabaseError, TenantTransaction};
use ground::Ground;
use kernel::{Branch, Field, FieldError, KanaName, Number, PersonId, Problem, Refusal, Symbol, calendar, text};
use pages::{Reply, Visit, frame::Frame};
use roster::{
    Person, Protected, Sight,
    search::{By, Filter, Found, NumberKeys, Page, search},
};
use staff::Clerk;
use uuid::Uuid;

/// People who are shown at once.
const MOST: u32 = 50;
/// Characters of a name in kana at least: one alone begins a twentieth of all names.
const KANA: usize = 2;

const SYMBOL: Field = Field::new("symbol", "記号").takes("記号を、名簿のとおりに入力してください");
const NUMBER: Field = Field::new("number", "番号")
    .takes("番号を、名簿のとおりに入力してください")
    .or_empty("記号・番号か、氏名を入力してください");
const BRANCH: Field = Field::new("branch", "枝番").takes("枝番を、名簿のとおりに入力してください");
const NAME: Field = Field::new("name", "氏名").takes("氏名を、カナなら2文字以上で入力してください");
const NOBODY: Field = Field::new("number", "番号")
    .takes("入力した内容に当てはまる方が名簿にいません。記号・番号や氏名をお確かめください");
/// What of a refused search is shown again.
const FIELDS: [&str; 4] = ["symbol", "number", "branch", "name"];

#[derive(Template)]
#[template(path = "console/statements_held_row.html")]
struct RowPage {
    frame: Frame,
    path: String,
    line: Line,
    symbol: String,
    number: String,
    branch: String,
    called: String,
}

#[derive(Template)]
#[template(path = "console/statements_held_people.html")]
struct PeoplePage {
    frame: Frame,
    path: String,
    line: Line,
    people: Vec<Choice>,
    is_cut: bool,
}

/// Somebody whose the row may be.
struct Choice {
    /// Where it is said; none for somebody of whom the clerk sees no more than the name.
    settle: Option<String>,
    number: String,
    name: String,
    kana: String,
    relationship: String,
    birth_date: String,
}

/// Whom a clerk may see here: bounded ones don't come here.
pub(super) fn sight(clerk: &Clerk) -> Sight {
    Sight {
        reach: Reach::All,
        protected: if clerk.may(MEMBERS_PROTECT) {
            Protected::Seen
        } else {
            Protected::Veiled
        },
    }
}

/// `GET /console/statements/held/:id`.
pub(super) async fn show(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = write(&visit, &clerk).await?;
    let row = match row(&tx, &visit, &clerk).await? {
        Ok(row) => row,
        Err(over) => return Ok(over),
    };
    look(&tx, &visit, &clerk, Look::list(LOOK, vec![], &[])).await?;
    tx.commit().await?;
    let again = visit.again().await;
    visit.html(&RowPage {
        path: path(row.id),
        line: Line::new(&row, &visit),
        symbol: typed(&again.typed, "symbol"),
        number: typed(&again.typed, "number"),
        branch: typed(&again.typed, "branch"),
        called: typed(&again.typed, "name"),
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
    })
}

/// `POST /console/statements/held/:id`: whose it may be.
pub(super) async fn find(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = write(&visit, &clerk).await?;
    let row = match row(&tx, &visit, &clerk).await? {
        Ok(row) => row,
        Err(over) => return Ok(over),
    };
    let sought = match Sought::read(&visit) {
        Ok(sought) => sought,
        Err(errors) => return Ok(again(&visit, &path(row.id), errors).await),
    };
    let Page { people, more, .. } = sought.people(&tx, &sight(&clerk)).await?;
    if people.is_empty() {
        let nobody = vec![FieldError::new(NOBODY, Problem::Characters)];
        return Ok(again(&visit, &path(row.id), nobody).await);
    }
    let subjects: Vec<Uuid> = people.iter().map(|found| found.person_id.0).collect();
    let what = Look::list("statements.held.people", vec![sought.by()], &subjects);
    look(&tx, &visit, &clerk, what).await?;
    let whole = people.iter().filter(|found| !found.is_veiled);
    let whole: Vec<PersonId> = whole.map(|found| found.person_id).collect();
    let known = roster::people(&tx, &whole).await?;
    tx.commit().await?;
    let settle = format!("{}/settle", path(row.id));
    let veiled = people.iter().filter(|found| found.is_veiled);
    visit.html(&PeoplePage {
        frame: visit.frame().in_section(HOME),
        path: path(row.id),
        line: Line::new(&row, &visit),
        people: known
            .iter()
            .map(|person| Choice::of(person, &settle))
            .chain(veiled.map(Choice::veiled))
            .collect(),
        is_cut: more,
    })
}

impl Choice {
    fn of(person: &Person, settle: &str) -> Self {
        Self {
            settle: Some(format!("{settle}?person={}", person.person_id)),
            number: joined([person.symbol.as_str(), person.number.as_str(), person.branch.as_str()]),
            name: person.called(),
            kana: person.kana_name.as_str().to_owned(),
            relationship: person.relationship.clone(),
            birth_date: calendar::date_both(person.birth_date.date()),
        }
    }

    fn veiled(found: &Found) -> Self {
        Self {
            settle: None,
            number: String::new(),
            name: found.name.clone(),
            kana: String::new(),
            relationship: found.relationship.clone(),
            birth_date: String::new(),
        }
    }
}

/// What was typed.
enum Sought {
    Number(NumberKeys),
    Kana(KanaName),
    Name(String),
}

impl Sought {
    /// A number goes before a name.
    fn read(visit: &Visit) -> Result<Self, Vec<FieldError>> {
        let form = &visit.form;
        let mut errors = Vec::new();
        let name = form.text("name").trim();
        if !form.text("number").trim().is_empty() || name.is_empty() {
            let symbol = FieldError::gather(SYMBOL, Symbol::parse(form.text("symbol")), &mut errors);
            let number = FieldError::gather(NUMBER, Number::parse(form.text("number")), &mut errors);
            let branch = FieldError::gather(BRANCH, Branch::parse(form.text("branch")), &mut errors);
            return match (symbol, number, branch) {
                (Some(symbol), Some(number), Some(branch)) => Ok(Self::Number(NumberKeys {
                    symbol: symbol.key().to_owned(),
                    number: number.key().to_owned(),
                    branch: branch.key().to_owned(),
                })),
                _ => Err(errors),
            };
        }
        if let Ok(kana) = KanaName::parse(name) {
            let [key, _] = kana.fold_keys();
            if key.chars().count() >= KANA {
                return Ok(Self::Kana(kana));
            }
        } else {
            let key = text::name_key(name);
            if !key.is_empty() && !text::has_control(name) {
                return Ok(Self::Name(key));
            }
        }
        Err(vec![FieldError::new(NAME, Problem::Characters)])
    }

    /// The name of the filter.
    fn by(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Kana(_) | Self::Name(_) => "name",
        }
    }

    async fn people(&self, tx: &TenantTransaction, sight: &Sight) -> Result<Page, DatabaseError> {
        let nobody = Filter::default();
        let by = match self {
            Self::Number(keys) => By::Numbers(std::slice::from_ref(keys)),
            Self::Kana(name) => By::Kana(name),
            Self::Name(key) => By::Name(key),
        };
        search(tx, sight, &nobody, &by, None, MOST).await
    }
}

async fn look(tx: &TenantTransaction, visit: &Visit, clerk: &Clerk, look: Look<'_>) -> Result<(), DatabaseError> {
    audit::look(tx, visit.now, &visit.origin, clerk.actor(), look).await
}

async fn again(visit: &Visit, page: &str, errors: Vec<FieldError>) -> poem::Response {
    visit.form_again(&Refusal::fields(errors), page, &FIELDS).await
}
