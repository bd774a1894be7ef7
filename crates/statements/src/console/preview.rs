//! 表示の確認: staff look at a statement as somebody sees it, each time with a reason, and that somebody is told. Whom, what and why is
//! chosen here; in addresses stand ids and words alone.

mod shown;

use super::{HOME, in_household, with};
use crate::{
    delivery::{self, Delivery, DeliveryNo, State},
    kind::Kind,
    permissions::STATEMENTS_PREVIEW,
    preview::Reason,
    statement::{month_words, ways::Ways},
};
use access::MEMBERS_PROTECT;
use askama::Template;
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use kernel::{Branch, Field, FieldError, Number, PersonId, Problem, Refusal, Symbol};
use module::PersonPanel;
use pages::{Reply, Row, Visit, forms::Form, frame::Frame, reply::see_other, staff, visit::Trouble};
use poem::http::Method;
use roster::{
    Person, Protected, Sight,
    protection::is_protected,
    search::{By, Filter, Found, NumberKeys, search},
};
use shown::Which;
use staff::Clerk;
use std::sync::Arc;
use tenancy::{FeatureState, Insurer};
use uuid::Uuid;

const PREVIEW: &str = "/console/statements/preview";
/// What a refused form keeps.
const FIELDS: [&str; 6] = ["person", "symbol", "number", "branch", "shown", "reason"];
/// People of one number, with those who had it before.
const MOST: u32 = 50;

const SYMBOL: Field = Field::new("symbol", "記号").takes("記号を、名簿のとおりに入力してください");
const NUMBER: Field = Field::new("number", "番号").takes("番号を、名簿のとおりに入力してください");
const BRANCH: Field = Field::new("branch", "枝番").takes("枝番を、名簿のとおりに入力してください");
const SHOWN: Field = Field::new("shown", "見る画面").or_empty("見る画面を選んでください");
const REASON: Field = Field::new("reason", "理由").or_empty("理由を選んでください");
/// A delivery that waits is looked at for one reason alone.
const REASON_OF_TRIAL: Field =
    Field::new("reason", "理由").or_empty("公開前の提供分を見るときは、理由の「公開前の確認」を選んでください");

#[derive(Template)]
#[template(path = "console/statements_preview.html")]
struct AskPage {
    frame: Frame,
    /// Who was chosen already.
    person: Option<(PersonId, String)>,
    symbol: String,
    number: String,
    branch: String,
    shown: Vec<Choice>,
    reasons: Vec<Choice>,
}

/// An option.
struct Choice {
    value: String,
    text: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "console/statements_preview_found.html")]
struct FoundPage {
    frame: Frame,
    people: Vec<Line>,
}

/// Somebody of a number.
struct Line {
    name: String,
    relationship: String,
    branch: String,
    /// None where they are protected and the clerk may not see that.
    path: Option<String>,
}

#[derive(Template)]
#[template(path = "console/statements_preview_veiled.html")]
struct VeiledPage {
    frame: Frame,
    name: String,
    relationship: String,
}

#[derive(Template)]
#[template(path = "console/statements_preview_way.html")]
struct WayPanel {
    person: PersonId,
}

/// The pages' rows.
pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let get = |path, name, which: Which| {
        let shown = with(ground, move |ground, visit, clerk| {
            shown::page(ground, visit, clerk, which)
        });
        staff(Method::GET, path, name, STATEMENTS_PREVIEW, shown)
    };
    vec![
        staff(
            Method::GET,
            PREVIEW,
            "console.statements.preview",
            STATEMENTS_PREVIEW,
            with(ground, ask),
        ),
        staff(
            Method::POST,
            PREVIEW,
            "console.statements.preview.find",
            STATEMENTS_PREVIEW,
            with(ground, find),
        ),
        get(
            "/console/statements/preview/:id/costs",
            "console.statements.preview.costs",
            Which::Costs,
        ),
        get(
            "/console/statements/preview/:id/costs/:month",
            "console.statements.preview.month",
            Which::Month,
        ),
        get(
            "/console/statements/preview/:id/costs/tax/:year",
            "console.statements.preview.tax",
            Which::Tax,
        ),
        get(
            "/console/statements/preview/:id/medicines",
            "console.statements.preview.medicines",
            Which::Medicines,
        ),
        get(
            "/console/statements/preview/:id/medicines/:month",
            "console.statements.preview.medicines_month",
            Which::MedicinesMonth,
        ),
    ]
}

/// On a person's page, the way to what they see.
pub(crate) fn panel() -> PersonPanel {
    PersonPanel {
        permission: STATEMENTS_PREVIEW,
        draw: Arc::new(|_, shown| {
            let person = shown.person;
            Box::pin(async move { Ok(Some(WayPanel { person }.render()?)) })
        }),
    }
}

/// `GET /console/statements/preview[?person=…][&shown=…]`.
async fn ask(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let typed = again.or(&visit.query);
    let tx = write(&ground, &clerk).await?;
    let person = match typed.text("person") {
        "" => None,
        id => {
            let id = PersonId::parse(id).ok_or(Trouble::NotFound)?;
            let person = roster::person(&tx, id).await?.ok_or(Trouble::NotFound)?;
            if is_veiled(&tx, &clerk, id).await? {
                return veiled(&visit, &clerk, tx, &person).await;
            }
            let look = Look::person("member", &id.0);
            audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
            Some((id, person.called()))
        }
    };
    let shown = offered(&tx, &clerk.insurer, typed.text("shown")).await?;
    tx.commit().await?;
    let reasons = Reason::ALL.map(|reason| Choice {
        value: reason.as_str().into(),
        text: reason.label().into(),
        chosen: typed.text("reason") == reason.as_str(),
    });
    let text = |name: &str| typed.text(name).to_owned();
    visit.html(&AskPage {
        person,
        symbol: text("symbol"),
        number: text("number"),
        branch: text("branch"),
        shown,
        reasons: reasons.into(),
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
    })
}

/// `POST /console/statements/preview`: to the page of whoever was chosen, or to those of a number.
async fn find(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let form = &visit.form;
    let tx = write(&ground, &clerk).await?;
    let mut errors = Vec::new();
    let reason = Reason::from_word(form.text("reason")).ok_or(unchosen(form, "reason"));
    let reason = FieldError::gather(REASON, reason, &mut errors);
    let shown = Shown::read(&tx, form).await?.ok_or(unchosen(form, "shown"));
    let shown = FieldError::gather(SHOWN, shown, &mut errors);
    if let (Some(Shown::Trial(_)), Some(reason)) = (&shown, reason)
        && reason != Reason::BeforePublication
    {
        errors.push(FieldError::new(REASON_OF_TRIAL, Problem::Empty));
    }
    let chosen = PersonId::parse(form.text("person"));
    let people = match chosen {
        Some(_) => Vec::new(),
        None => numbered(&tx, &clerk, form, &mut errors).await?,
    };
    let (Some(reason), Some(shown), true) = (reason, shown, errors.is_empty()) else {
        let refusal = Refusal::fields(errors);
        return Ok(visit.form_again(&refusal, PREVIEW, &FIELDS).await);
    };
    let to = |person| shown.path(person, reason);
    if let Some(person) = chosen {
        return Ok(see_other(&to(person)));
    }
    if let [found] = people.as_slice()
        && !found.is_veiled
    {
        return Ok(see_other(&to(found.person_id)));
    }
    let seen: Vec<Uuid> = people.iter().map(|found| found.person_id.0).collect();
    let look = Look::list("preview", vec!["number"], &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let line = |found: Found| Line {
        path: (!found.is_veiled).then(|| to(found.person_id)),
        name: if found.name.is_empty() {
            found.kana_name
        } else {
            found.name
        },
        relationship: found.relationship,
        branch: found.branch,
    };
    visit.html(&FoundPage {
        frame: visit.frame().in_section(HOME),
        people: people.into_iter().map(line).collect(),
    })
}

/// What is looked at.
enum Shown {
    /// What is published of a kind.
    Published(Kind),
    /// A delivery that waits, as if it were published.
    Trial(Box<Delivery>),
}

impl Shown {
    /// As the form has it: the word of a kind, or a delivery's number.
    async fn read(tx: &TenantTransaction, form: &Form) -> Result<Option<Self>, DatabaseError> {
        let text = form.text("shown");
        if let Some(kind) = Kind::from_word(text) {
            return Ok(Some(Self::Published(kind)));
        }
        Ok(waiting(tx, text).await?.map(|delivery| Self::Trial(Box::new(delivery))))
    }

    /// The first page of it.
    fn path(&self, person: PersonId, reason: Reason) -> String {
        let (kind, trial) = match self {
            Self::Published(kind) => (*kind, None),
            Self::Trial(delivery) => (delivery.kind, Some(&**delivery)),
        };
        let ways = ways(person, reason, trial);
        match kind {
            Kind::Costs => ways.costs(),
            Kind::Medicines => ways.medicines(),
        }
    }
}

/// Where the links of somebody's pages lead.
fn ways(person: PersonId, reason: Reason, trial: Option<&Delivery>) -> Ways {
    let delivery = trial.map(|delivery| ("delivery", delivery.delivery.0.to_string()));
    let kept = [Some(("reason", reason.as_str().to_owned())), delivery];
    Ways::below(format!("{PREVIEW}/{person}"), kept.into_iter().flatten().collect())
}

/// A delivery that may be looked at before the members do; none where it is no such.
async fn waiting(tx: &TenantTransaction, number: &str) -> Result<Option<Delivery>, DatabaseError> {
    let Ok(number) = number.parse() else { return Ok(None) };
    let delivery = delivery::one(tx, DeliveryNo(number)).await?;
    Ok(delivery.filter(|delivery| delivery.state == State::Ready))
}

/// What may be looked at: what is published of what the insurer shows or prepares to show, and what of it waits.
async fn offered(tx: &TenantTransaction, insurer: &Insurer, chosen: &str) -> Result<Vec<Choice>, DatabaseError> {
    let is_offered = |kind: &Kind| insurer.modules.state(kind.feature()) != FeatureState::Hidden;
    let waiting = delivery::list(tx, None).await?.into_iter();
    let waiting = waiting.filter(|delivery| delivery.state == State::Ready && is_offered(&delivery.kind));
    let published = Kind::ALL.into_iter().filter(is_offered).map(|kind| {
        let text = format!("{}（公開しているもの）", kind.label());
        (kind.as_str().to_owned(), text)
    });
    let waiting = waiting.map(|delivery| (delivery.delivery.0.to_string(), called(&delivery)));
    let option = |(value, text): (String, String)| Choice {
        chosen: value == chosen,
        value,
        text,
    };
    Ok(published.chain(waiting).map(option).collect())
}

/// 「公開前：医療費通知 2026年8月処理分 第2版」
fn called(delivery: &Delivery) -> String {
    let Delivery {
        kind, label, version, ..
    } = delivery;
    format!("公開前：{} {}処理分 第{version}版", kind.label(), month_words(*label))
}

/// The people of the number that was typed, also those who had it before; some whom the clerk may only be told the name of.
async fn numbered(
    tx: &TenantTransaction,
    clerk: &Clerk,
    form: &Form,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<Found>, DatabaseError> {
    let symbol = FieldError::gather(SYMBOL, Symbol::parse(form.text("symbol")), errors);
    let number = FieldError::gather(NUMBER, Number::parse(form.text("number")), errors);
    let branch = FieldError::gather(BRANCH, Branch::parse(form.text("branch")), errors);
    let (Some(symbol), Some(number), Some(branch)) = (symbol, number, branch) else {
        return Ok(Vec::new());
    };
    let keys = [NumberKeys {
        symbol: symbol.key().to_owned(),
        number: number.key().to_owned(),
        branch: branch.key().to_owned(),
    }];
    let sight = Sight {
        reach: clerk.reach.clone(),
        protected: if clerk.may(MEMBERS_PROTECT) {
            Protected::Seen
        } else {
            Protected::Veiled
        },
    };
    let page = search(tx, &sight, &Filter::default(), &By::Numbers(&keys), None, MOST).await?;
    if page.people.is_empty() {
        errors.push(FieldError::new(NUMBER, Problem::Characters));
    }
    let mut people = page.people;
    people.sort_by_cached_key(in_household);
    Ok(people)
}

fn unchosen(form: &Form, name: &str) -> Problem {
    if form.text(name).is_empty() {
        Problem::Empty
    } else {
        Problem::NotAChoice
    }
}

async fn write(ground: &Ground, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    ground
        .database
        .tenant(clerk.insurer.tenant_id)
        .write(Durability::Safe)
        .await
}

/// True where the clerk may know of somebody no more than who they are.
async fn is_veiled(tx: &TenantTransaction, clerk: &Clerk, person: PersonId) -> Result<bool, DatabaseError> {
    Ok(!clerk.may(MEMBERS_PROTECT) && is_protected(tx, person).await?)
}

/// Says who it is and who helps on; that is a look.
async fn veiled(visit: &Visit, clerk: &Clerk, tx: TenantTransaction, person: &Person) -> Reply {
    let look = Look::person("preview", &person.person_id.0);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    visit.html(&VeiledPage {
        frame: visit.frame().in_section(HOME),
        name: person.called(),
        relationship: person.relationship.clone(),
    })
}
