//! 保護: who is protected, protecting several people of a household at once, and lifting it. What the people concerned and
//! everybody else will see is said before it is done.

pub(super) mod lift;

use crate::portal::device::device;
use access::Reach;
use accounts::protection::{self as protecting, By, Held};
use approvals::Action;
use askama::Template;
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{Field, FieldError, Number, PersonId, Problem, ProtectionId, Refusal, Symbol, calendar};
use pages::{Again, Reply, Visit, Waits, forms::Form, frame::Frame, reply::see_other, visit::Trouble};
use roster::{
    NamedError, Numbered, Person,
    protection::{self, Protection, Relative},
};
use staff::{Clerk, reasons};
use std::collections::HashMap;
use uuid::Uuid;

const PROTECTIONS: &str = "/console/protections";
const NEW: &str = "/console/protections/new";
const PER_PAGE: usize = 50;
const REASON_CHARS: usize = 500;

const SYMBOL: Field = Field::new("symbol", "記号").takes("記号を、名簿のとおりに入力してください");
const NUMBER: Field = Field::new("number", "番号").takes("番号を、名簿のとおりに入力してください");
/// The number of nobody.
const NOBODY: Field =
    Field::new("number", "番号").takes("この記号・番号の方は名簿にいません。記号と番号をお確かめください");
const PERSON: Field = Field::new("person", "保護する方").or_empty("保護する方を選んでください");
const GUARDIAN: Field = Field::new("guardian", "代わりに手続きする人")
    .or_empty("代わりに手続きする人の記号・番号・枝番から、1人に決められません。名簿でお確かめください");
const REASON: Field = Field::new("reason", "理由");
/// What is kept of a refused form.
const FIELDS: [&str; 7] = [
    "person",
    "guardian",
    "guardian_symbol",
    "guardian_number",
    "guardian_branch",
    "reason",
    "subject",
];

#[derive(Template)]
#[template(path = "console/protections.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    more: Option<String>,
    symbol: String,
    number: String,
}

/// A protection as it is listed.
struct Line {
    lift: String,
    number: String,
    name: String,
    relationship: String,
    since: String,
    by: String,
    guardian: String,
    reason: String,
}

impl Line {
    fn new(protection: Protection, names: &HashMap<kernel::StaffId, String>) -> Self {
        Self {
            lift: format!("{PROTECTIONS}/{}/lift", protection.id),
            number: joined([&protection.symbol, &protection.number, &protection.branch]),
            name: protection.name,
            relationship: protection.relationship,
            since: calendar::moment(protection.set_at),
            by: names.get(&protection.set_by).cloned().unwrap_or_default(),
            guardian: protection.guardian.unwrap_or_default(),
            reason: protection.reason,
        }
    }
}

fn joined(parts: [&str; 3]) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("・")
}

#[derive(Template)]
#[template(path = "console/protections_found.html")]
struct FoundPage {
    frame: Frame,
    people: Vec<Member>,
}

/// Somebody of the household, with the way to protect them.
struct Member {
    id: PersonId,
    new: String,
    number: String,
    name: String,
    relationship: String,
    birth_date: String,
    is_protected: bool,
    is_ticked: bool,
    is_guardian: bool,
}

impl Member {
    fn new(person: &Person) -> Self {
        Self {
            id: person.person_id,
            new: format!("{NEW}?person={}", person.person_id),
            number: joined([person.symbol.as_str(), person.number.as_str(), person.branch.as_str()]),
            name: person.called(),
            relationship: person.relationship.clone(),
            birth_date: calendar::date_both(person.birth_date.date()),
            is_protected: false,
            is_ticked: false,
            is_guardian: false,
        }
    }
}

#[derive(Template)]
#[template(path = "console/protections_new.html")]
struct NewPage {
    frame: Frame,
    subject: PersonId,
    people: Vec<Member>,
    guardian_symbol: String,
    guardian_number: String,
    guardian_branch: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "console/protections_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    subject: PersonId,
    back: String,
    people: Vec<Member>,
    guardian: Option<Member>,
    reason: String,
    accounts: Vec<Account>,
}

/// An account that is there already.
struct Account {
    name: String,
    since: String,
    email: String,
    last_log_in: String,
    sessions: Vec<String>,
}

impl Account {
    fn new(held: Held, people: &[Person]) -> Self {
        let whose = people.iter().find(|person| person.person_id == held.person);
        let sessions = held.sessions.into_iter().map(|session| {
            let (at, from) = (
                calendar::moment(session.created_at),
                session.address.unwrap_or_default(),
            );
            format!("{at}から　{from}　{}", device(&session.agent))
        });
        Self {
            name: whose.map(Person::called).unwrap_or_default(),
            since: calendar::moment(held.registered_at),
            email: held.email,
            last_log_in: held.last_log_in_at.map_or_else(|| "なし".to_owned(), calendar::moment),
            sessions: sessions.collect(),
        }
    }
}

/// `GET /console/protections`.
pub(super) async fn list(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let after = ProtectionId::parse(visit.query.text("after"));
    let tx = write(&visit, &clerk).await?;
    let limit = i64::try_from(PER_PAGE).unwrap_or_default() + 1;
    let mut found = protection::list(&tx, &visit.services.keys, after, limit).await?;
    let is_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let by: Vec<_> = found.iter().map(|one| one.set_by).collect();
    let names = staff::names(&tx, &by).await?;
    let lifted: Vec<_> = found.iter().map(|one| (Action::LiftProtection, one.id.0)).collect();
    let waits = Waits::about(&tx, visit.now, &clerk, &lifted).await?;
    look(&visit, &clerk, tx, found.iter().map(|one| one.person)).await?;
    let again = visit.again().await;
    let last = found.last().filter(|_| is_more);
    visit.html(&ListPage {
        more: last.map(|last| format!("{PROTECTIONS}?after={}", last.id)),
        symbol: again.typed.text("symbol").to_owned(),
        number: again.typed.text("number").to_owned(),
        frame: frame(&visit, again).with_waits(waits),
        lines: found.into_iter().map(|one| Line::new(one, &names)).collect(),
    })
}

/// `POST /console/protections/find`: the people of a number, which stands in no address.
pub(super) async fn find(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let mut errors = Vec::new();
    let symbol = FieldError::gather(SYMBOL, Symbol::parse(visit.form.text("symbol")), &mut errors);
    let number = FieldError::gather(NUMBER, Number::parse(visit.form.text("number")), &mut errors);
    let mut tx = write(&visit, &clerk).await?;
    let people = match (symbol, number) {
        (Some(symbol), Some(number)) => roster::numbered(&mut tx, &symbol, &number).await?,
        _ => vec![],
    };
    if people.is_empty() && errors.is_empty() {
        errors.push(FieldError::new(NOBODY, Problem::Characters));
    }
    if !errors.is_empty() {
        let refusal = Refusal::fields(errors);
        return Ok(visit.form_again(&refusal, PROTECTIONS, &["symbol", "number"]).await);
    }
    look(&visit, &clerk, tx, people.iter().map(|person| person.person_id)).await?;
    visit.html(&FoundPage {
        frame: visit.frame().in_section(PROTECTIONS),
        people: people.iter().map(Member::new).collect(),
    })
}

/// `GET /console/protections/new?person=…`: the household, the person and the children living with them ticked.
pub(super) async fn new(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let Some(subject) = PersonId::parse(visit.query.text("person")) else {
        return Ok(see_other(PROTECTIONS));
    };
    let tx = write(&visit, &clerk).await?;
    let family = family(&tx, &visit, subject).await?;
    look(&visit, &clerk, tx, family.iter().map(|one| one.person.person_id)).await?;
    let again = visit.again().await;
    let (typed, is_again) = (&again.typed, again.is_refused());
    let member = |relative: &Relative| {
        let id = relative.person.person_id.to_string();
        let ticked = typed.all("person").any(|typed| typed == id);
        Member {
            is_protected: relative.is_protected,
            is_ticked: if is_again { ticked } else { relative.is_likely },
            is_guardian: typed.text("guardian") == id,
            ..Member::new(&relative.person)
        }
    };
    let text = |name: &str| typed.text(name).to_owned();
    visit.html(&NewPage {
        subject,
        people: family.iter().map(member).collect(),
        guardian_symbol: text("guardian_symbol"),
        guardian_number: text("guardian_number"),
        guardian_branch: text("guardian_branch"),
        reason: text("reason"),
        frame: frame(&visit, again),
    })
}

/// `POST /console/protections/new`: what will be done, before it is.
pub(super) async fn confirm(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let mut tx = write(&visit, &clerk).await?;
    let wanted = match wanted(&visit, &mut tx).await? {
        Ok(wanted) => wanted,
        Err((subject, refusal)) => return Ok(again_at_new(&visit, subject, &refusal).await),
    };
    let ids: Vec<PersonId> = wanted.people.iter().map(|person| person.person_id).collect();
    let held = protecting::held(&mut tx, visit.now, &ids).await?;
    let guardian = match wanted.guardian {
        Some(id) => roster::person(&tx, id).await?,
        None => None,
    };
    look(&visit, &clerk, tx, ids.iter().copied().chain(wanted.guardian)).await?;
    visit.html(&ConfirmPage {
        frame: visit.frame().in_section(PROTECTIONS),
        subject: wanted.subject,
        back: format!("{NEW}?person={}", wanted.subject),
        guardian: guardian.as_ref().map(Member::new),
        reason: wanted.reason,
        accounts: held
            .into_iter()
            .map(|held| Account::new(held, &wanted.people))
            .collect(),
        people: wanted.people.iter().map(Member::new).collect(),
    })
}

/// `POST /console/protections`.
pub(super) async fn set(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let mut tx = write(&visit, &clerk).await?;
    let wanted = match wanted(&visit, &mut tx).await? {
        Ok(wanted) => wanted,
        Err((subject, refusal)) => return Ok(again_at_new(&visit, subject, &refusal).await),
    };
    let ids: Vec<PersonId> = wanted.people.iter().map(|person| person.person_id).collect();
    let (keys, by) = (&visit.services.keys, by(&visit, &clerk));
    let what = (ids.as_slice(), wanted.guardian, wanted.reason.as_str());
    let protected = protecting::protect(&mut tx, keys, visit.now, by, what).await?;
    tx.commit().await?;
    Ok(visit.done(see_other(PROTECTIONS), format!("{protected}人を保護しました。")))
}

/// What is to be done, read and checked.
struct Wanted {
    subject: PersonId,
    people: Vec<Person>,
    guardian: Option<PersonId>,
    reason: String,
}

/// Of the people only those of the subject's household count who are not protected yet.
async fn wanted(visit: &Visit, tx: &mut TenantTransaction) -> Result<Result<Wanted, (PersonId, Refusal)>, Trouble> {
    let form = &visit.form;
    let subject = PersonId::parse(form.text("subject")).ok_or(Trouble::NotFound)?;
    let family = family(tx, visit, subject).await?;
    let ticked: Vec<PersonId> = form.all("person").filter_map(PersonId::parse).collect();
    let mut errors = Vec::new();
    let is_wanted = |one: &&Relative| !one.is_protected && ticked.contains(&one.person.person_id);
    let people: Vec<Person> = family.iter().filter(is_wanted).map(|one| one.person.clone()).collect();
    if people.is_empty() {
        errors.push(FieldError::new(PERSON, Problem::Empty));
    }
    let guardian = match guardian(tx, form, &family).await? {
        Ok(guardian) => guardian,
        Err(error) => {
            errors.push(error);
            None
        }
    };
    let reason = reason(form).map_err(|error| errors.push(error)).unwrap_or_default();
    Ok(if errors.is_empty() {
        Ok(Wanted {
            subject,
            people,
            guardian,
            reason,
        })
    } else {
        Err((subject, Refusal::fields(errors)))
    })
}

/// One of the household, or somebody else of the roster by their number.
async fn guardian(
    tx: &mut TenantTransaction,
    form: &Form,
    family: &[Relative],
) -> Result<Result<Option<PersonId>, FieldError>, Trouble> {
    let wrong = FieldError::new(GUARDIAN, Problem::Empty);
    let typed = form.text("guardian");
    if typed == "other" {
        let numbered = Numbered {
            symbol: form.text("guardian_symbol").to_owned(),
            number: form.text("guardian_number").to_owned(),
            branch: form
                .get("guardian_branch")
                .filter(|branch| !branch.is_empty())
                .map(str::to_owned),
        };
        return match roster::named(tx, &numbered).await {
            Ok(person) => Ok(Ok(Some(person))),
            Err(NamedError::Database(error)) => Err(error.into()),
            Err(_) => Ok(Err(wrong)),
        };
    }
    if typed.is_empty() {
        return Ok(Ok(None));
    }
    let Some(id) = PersonId::parse(typed) else {
        return Ok(Err(wrong));
    };
    let is_family = family.iter().any(|one| one.person.person_id == id);
    let known = is_family || roster::person(tx, id).await?.is_some();
    Ok(if known { Ok(Some(id)) } else { Err(wrong) })
}

fn reason(form: &Form) -> Result<String, FieldError> {
    let reason = form.text("reason").trim();
    match reason.chars().count() {
        0 => Err(FieldError::new(REASON, Problem::Empty)),
        1..=REASON_CHARS => Ok(reason.to_owned()),
        _ => Err(FieldError::new(REASON, Problem::TooLong { max: REASON_CHARS })),
    }
}

/// Whoever the insurer has not is not there.
async fn family(tx: &TenantTransaction, visit: &Visit, subject: PersonId) -> Result<Vec<Relative>, Trouble> {
    let family = protection::family(tx, visit.now, subject).await?;
    if family.is_empty() {
        return Err(Trouble::NotFound);
    }
    Ok(family)
}

async fn again_at_new(visit: &Visit, subject: PersonId, refusal: &Refusal) -> poem::Response {
    visit
        .form_again(refusal, &format!("{NEW}?person={subject}"), &FIELDS)
        .await
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    tenant.write(Durability::Safe).await
}

/// Records the look and ends the transaction.
async fn look(
    visit: &Visit,
    clerk: &Clerk,
    tx: TenantTransaction,
    people: impl Iterator<Item = PersonId>,
) -> Result<(), DatabaseError> {
    let seen: Vec<Uuid> = people.map(|person| person.0).collect();
    // How many are protected is not for everybody who reads the trail.
    let look = Look::uncounted("protections", &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await
}

fn by<'a>(visit: &'a Visit, clerk: &Clerk) -> By<'a> {
    By {
        staff: clerk.staff_id,
        actor: clerk.actor(),
        origin: &visit.origin,
    }
}

fn frame(visit: &Visit, again: Again) -> Frame {
    visit.frame().in_section(PROTECTIONS).with_errors(again.errors)
}

/// Whoever is bounded to workplaces protects nobody.
fn over_all(clerk: &Clerk) -> Result<(), Trouble> {
    if clerk.reach == Reach::All {
        Ok(())
    } else {
        Err(reasons::NOT_PERMITTED.into())
    }
}
