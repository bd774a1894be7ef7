//! `/console/members/new` and `/console/members/:id/facts`: a person is added or mended by hand. What changes is shown before
//! it is written.

use super::words;
use crate::{
    Members,
    facts::{self, Set},
};
use access::MEMBERS_CONTACT;
use approvals::{Action, WAITS};
use askama::Template;
use kernel::{PersonId, Refusal};
use pages::{Reply, Visit, frame::Frame, reply::see_other, visit::Trouble};
use roster::{Changed, by_hand};
use staff::Clerk;

const MEMBERS: &str = "/console/members";
const NEW: &str = "/console/members/new";
const ADD: &str = "/console/members/add";
/// What only those may see, and so mend, who may see contact data.
const CONTACT: [&str; 5] = ["postal_code", "address", "building", "phone", "email"];
/// The field that says with which state of a person the difference was shown.
const SEEN: &str = "seen";

#[derive(Template)]
#[template(path = "console/facts.html")]
struct FormPage {
    frame: Frame,
    title: &'static str,
    /// Who is mended; nobody where somebody is added.
    whose: Option<String>,
    confirm: String,
    back: String,
    inputs: Vec<Input>,
    seen: String,
}

/// A line of text to be typed.
struct Input {
    column: &'static str,
    caption: &'static str,
    text: String,
    note: &'static str,
    width: &'static str,
    inputmode: &'static str,
}

#[derive(Template)]
#[template(path = "console/facts_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    /// Who is mended; nobody where somebody is added.
    whose: Option<String>,
    write: String,
    back: String,
    lines: Vec<Line>,
    mends_birth_date: bool,
    /// What was typed, to be sent once more.
    hidden: Vec<(&'static str, String)>,
}

/// A fact that changes.
struct Line {
    caption: &'static str,
    before: String,
    after: String,
}

/// Of whom the form is: somebody new, or the person of the address.
#[derive(Clone, Copy)]
pub(crate) enum Whose {
    New,
    Known,
}

/// The person, and the addresses of the three steps.
struct Steps {
    person: Option<PersonId>,
    form: String,
    write: String,
    back: String,
}

impl Whose {
    fn steps(self, visit: &Visit) -> Result<Steps, Trouble> {
        match self {
            Self::New => Ok(Steps {
                person: None,
                form: NEW.to_owned(),
                write: ADD.to_owned(),
                back: MEMBERS.to_owned(),
            }),
            Self::Known => {
                let person = PersonId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
                let back = format!("{MEMBERS}/{person}");
                Ok(Steps {
                    person: Some(person),
                    form: format!("{back}/facts"),
                    write: format!("{back}/facts/write"),
                    back,
                })
            }
        }
    }
}

/// The facts that this clerk can set.
fn columns(clerk: &Clerk) -> impl Iterator<Item = (&'static str, &'static str)> {
    let contact = clerk.may(MEMBERS_CONTACT);
    by_hand::facts().filter(move |(column, _)| contact || !CONTACT.contains(column))
}

/// Those of them that were typed.
fn typed<'a>(visit: &'a Visit, clerk: &Clerk) -> Vec<(&'static str, &'a str)> {
    let typed = columns(clerk).filter_map(|(column, _)| Some((column, visit.form.get(column)?)));
    typed.collect()
}

/// `GET /console/members/new`, `GET /console/members/:id/facts`.
pub(crate) async fn show(members: Members, whose: Whose, visit: Visit, clerk: Clerk) -> Reply {
    let steps = whose.steps(&visit)?;
    let base = members.base(&visit.origin, &clerk, steps.person).await?;
    let waits = match steps.person {
        Some(person) => visit.waits(&clerk, &[(Action::BirthDate, person.0)]).await?,
        None => Vec::new(),
    };
    let again = visit.again().await;
    let input = |(column, caption): (&'static str, &'static str)| Input {
        column,
        caption,
        text: again.typed.get(column).unwrap_or(base.value(column)).to_owned(),
        note: note(column),
        width: width(column),
        inputmode: inputmode(column),
    };
    let is_over_all = crate::facts::may_add(&clerk);
    let shown = columns(&clerk).filter(|(column, _)| is_over_all || !by_hand::is_over_all(column));
    visit.html(&FormPage {
        title: if steps.person.is_some() {
            "名簿の内容の変更"
        } else {
            "加入者の追加"
        },
        whose: steps.person.map(|_| facts::whose(&base)),
        confirm: steps.form,
        back: steps.back,
        inputs: shown.map(input).collect(),
        // Mended after a refusal for what was typed, it is still of the state that the form was first shown with.
        seen: again.typed.get(SEEN).map_or(base.seen, str::to_owned),
        frame: visit
            .frame()
            .in_section(MEMBERS)
            .with_errors(again.errors)
            .with_waits(waits),
    })
}

/// `POST /console/members/new`, `POST /console/members/:id/facts`.
pub(crate) async fn confirm(members: Members, whose: Whose, visit: Visit, clerk: Clerk) -> Reply {
    let steps = whose.steps(&visit)?;
    let typed = typed(&visit, &clerk);
    let draft = members.difference(&visit.origin, &clerk, steps.person, &typed).await?;
    let (whose, draft) = match draft {
        Ok(found) => found,
        Err(refusal) => return Ok(again(&visit, &refusal, &steps.form).await),
    };
    let mut hidden: Vec<_> = typed
        .iter()
        .map(|(column, text)| (*column, (*text).to_owned()))
        .collect();
    hidden.push((SEEN, visit.form.text(SEEN).to_owned()));
    visit.html(&ConfirmPage {
        frame: visit.frame().in_section(MEMBERS),
        whose: steps.person.map(|_| whose),
        write: steps.write,
        back: steps.form,
        mends_birth_date: draft.mends_birth_date(),
        lines: draft.difference.iter().map(Line::of).collect(),
        hidden,
    })
}

/// `POST /console/members/add`, `POST /console/members/:id/facts/write`.
pub(crate) async fn write(members: Members, whose: Whose, visit: Visit, clerk: Clerk) -> Reply {
    let steps = whose.steps(&visit)?;
    let typed = typed(&visit, &clerk);
    let what = (typed.as_slice(), visit.form.text(SEEN));
    let asking = (visit.services.staff.approvals(), &visit.origin);
    match members.set(asking, &clerk, steps.person, what).await? {
        Ok(Set::Written(person)) => {
            let told = if steps.person.is_some() {
                "名簿の内容を変更しました。"
            } else {
                "名簿に追加しました。"
            };
            Ok(visit.done(see_other(&format!("{MEMBERS}/{person}")), told))
        }
        Ok(Set::Waits) => Ok(visit.inform(see_other(&steps.back), WAITS)),
        Err(refusal) => Ok(again(&visit, &refusal, &steps.form).await),
    }
}

async fn again(visit: &Visit, refusal: &Refusal, form: &str) -> poem::Response {
    let is_over = refusal.is(by_hand::reasons::CHANGED_MEANWHILE);
    let columns = by_hand::facts().map(|(column, _)| column);
    let names: Vec<&str> = columns.chain((!is_over).then_some(SEEN)).collect();
    visit.form_again(refusal, form, &names).await
}

/// What a field takes.
fn note(column: &str) -> &'static str {
    match column {
        "birth_date" | "acquired_on" => "例：1985-04-01、昭和60年4月1日",
        "lost_on" => "資格のある方は、空のままにしてください。",
        "branch" => "枝番のない方は、空のままにしてください。",
        "relationship" => "例：本人、妻、長男",
        "email" => "名簿のメールアドレスです。ご本人がログインに使うメールアドレスは変わりません。",
        _ => "",
    }
}

/// How long what is typed is.
fn width(column: &str) -> &'static str {
    match column {
        "address" | "building" | "email" => "",
        "symbol" | "number" | "branch" | "postal_code" | "relationship" => "w8",
        _ => "w16",
    }
}

fn inputmode(column: &str) -> &'static str {
    match column {
        "phone" => "tel",
        "email" => "email",
        _ => "",
    }
}

impl Line {
    fn of(changed: &Changed) -> Self {
        let said = |text: &Option<String>| words::value(&changed.field, text.as_deref().unwrap_or_default());
        Self {
            caption: words::field(&changed.field),
            before: said(&changed.before),
            after: said(&changed.after),
        }
    }
}
