//! ご家族への表示: who sees one's statements, chosen for 医療費 and お薬 each. Whoever was proven by facts alone sees a page that is
//! the same whatever is in force, and gets the same answer.

use crate::{
    disclosures::{Disclosures, InForce, Wish, kinds},
    kind::Kind,
    visibility::Audience,
};
use accounts::{Member, Proof, reasons::SESSION_ENDED};
use askama::Template;
use ground::Ground;
use kernel::{Field, FieldError, Problem, Refusal};
use pages::{
    Reply, Row, Visit, cookies,
    forms::Form,
    frame::Frame,
    member,
    reply::{see_other, with_cookie},
    visit::{Trouble, settle},
};
use poem::http::Method;

const PAGE: &str = "/portal/account/family";
/// Where it is looked at once more that nobody is to see something.
const CHECK: &str = "/portal/account/family/check";
/// The page's entry of the menu.
const ACCOUNT: &str = "/portal/account";
/// What of a form is shown again.
const KEPT: [&str; 4] = [
    name(Kind::Costs),
    shown_name(Kind::Costs),
    name(Kind::Medicines),
    shown_name(Kind::Medicines),
];
/// The field by which the page that looks at it once more says that it did.
const SURE: &str = "sure";

#[derive(Template)]
#[template(path = "family.html")]
struct FamilyPage {
    frame: Frame,
    choices: Vec<Choice>,
    /// True for whoever is told what is in force, and may widen it.
    is_sure: bool,
    /// True where nobody else may be added.
    is_bound: bool,
    user_id: String,
}

#[derive(Template)]
#[template(path = "family_check.html")]
struct CheckPage {
    frame: Frame,
    /// What nobody is to see.
    hidden: Vec<&'static str>,
    /// What else was chosen.
    others: Vec<(&'static str, &'static str)>,
    /// What was chosen, by field.
    typed: Vec<(&'static str, String)>,
    /// True for whoever may take it back by themself.
    is_sure: bool,
    user_id: String,
}

/// One kind's.
struct Choice {
    /// The form's field, and the one that says what it was shown with.
    name: &'static str,
    shown_name: &'static str,
    label: &'static str,
    /// What is in force, for whoever is told.
    shown: Option<&'static str>,
    lines: Vec<Line>,
}

/// An audience.
struct Line {
    value: &'static str,
    text: &'static str,
    chosen: bool,
}

impl Choice {
    /// Whoever isn't told what is in force may not widen it either; whoever is bound adds nobody else.
    fn new(InForce { kind, audience }: InForce, is_bound: bool, typed: &Form) -> Self {
        let chosen = typed.get(name(kind)).map(Audience::from_word);
        let chosen = chosen.unwrap_or(audience);
        let line = |one: Audience| Line {
            value: one.as_str(),
            text: one.label(),
            chosen: chosen == Some(one),
        };
        let may_be =
            |one: &Audience| *one != Audience::Household || audience == Some(*one) || audience.is_some() && !is_bound;
        Self {
            name: name(kind),
            shown_name: shown_name(kind),
            label: kind.label(),
            shown: audience.map(Audience::as_str),
            lines: Audience::ALL.into_iter().filter(may_be).map(line).collect(),
        }
    }

    /// True where things are left as they are.
    fn is_left(&self) -> bool {
        self.lines.iter().all(|line| !line.chosen)
    }
}

/// The page's rows.
pub(crate) fn rows(ground: &Ground) -> Vec<Row> {
    let (shown, changed) = (Disclosures::new(ground), Disclosures::new(ground));
    vec![
        member(Method::GET, PAGE, "family", move |visit, member| {
            show(shown.clone(), visit, member)
        }),
        member(Method::GET, CHECK, "family_check", check),
        member(Method::POST, PAGE, "family_change", move |visit, member| {
            change(changed.clone(), visit, member)
        }),
    ]
}

/// `GET /portal/account/family`.
async fn show(disclosures: Disclosures, visit: Visit, member: Member) -> Reply {
    let in_force = disclosures.in_force(&member).await?;
    if in_force.is_empty() {
        return Err(Trouble::NotFound);
    }
    let again = visit.again().await;
    let is_sure = member.proof == Proof::Letter;
    let is_bound = is_sure && disclosures.is_protected(&member).await?;
    let choice = |in_force: InForce| Choice::new(in_force, is_bound, &again.typed);
    visit.html(&FamilyPage {
        choices: in_force.into_iter().map(choice).collect(),
        is_sure,
        is_bound,
        user_id: member.user_id.as_str().to_owned(),
        frame: visit.frame().in_section(ACCOUNT).with_errors(again.errors),
    })
}

/// `GET /portal/account/family/check`: what vanishes, and how it comes back.
async fn check(visit: Visit, member: Member) -> Reply {
    let again = visit.again().await;
    let wishes = wishes(&again.typed, &kinds(&member)).unwrap_or_default();
    let (hidden, others): (Vec<Wish>, Vec<Wish>) = wishes.into_iter().partition(|wish| hides(*wish));
    if hidden.is_empty() {
        return Ok(see_other(PAGE));
    }
    let typed = KEPT
        .into_iter()
        .filter_map(|name| Some((name, again.typed.get(name)?.to_owned())));
    visit.html(&CheckPage {
        hidden: hidden.into_iter().map(|wish| wish.kind.label()).collect(),
        others: others
            .into_iter()
            .map(|wish| (wish.kind.label(), wish.audience.label()))
            .collect(),
        typed: typed.collect(),
        is_sure: member.proof == Proof::Letter,
        user_id: member.user_id.as_str().to_owned(),
        frame: visit.frame().in_section(ACCOUNT).with_errors(again.errors),
    })
}

/// `POST /portal/account/family`. That nobody is to see something is looked at once more first.
async fn change(disclosures: Disclosures, visit: Visit, member: Member) -> Reply {
    let kinds = kinds(&member);
    if kinds.is_empty() {
        return Err(Trouble::NotFound);
    }
    let wishes = match wishes(&visit.form, &kinds) {
        Ok(wishes) => wishes,
        Err(refusal) => return Ok(visit.form_again(&refusal, PAGE, &KEPT).await),
    };
    if wishes.is_empty() {
        return Ok(visit.inform(
            see_other(PAGE),
            "変えるところが選ばれていないため、何も変更していません。",
        ));
    }
    let is_hidden = wishes.iter().copied().any(hides);
    if is_hidden && visit.form.text(SURE) != "1" {
        return Ok(visit.look_first(CHECK, &KEPT).await);
    }
    let is_sure = member.proof == Proof::Letter;
    let is_bound = is_sure && disclosures.is_protected(&member).await?;
    let (accounts, password) = (&visit.services.accounts, visit.form.text("current_password"));
    match settle(
        disclosures
            .change(accounts, &visit.origin, &member, &wishes, password)
            .await,
    ) {
        Ok(token) => {
            let done = visit.done(see_other(PAGE), taken(&wishes, is_sure, is_bound));
            let renewed = token.map(|token| cookies::set(cookies::SESSION, &token.reveal(), None));
            Ok(renewed.into_iter().fold(done, with_cookie))
        }
        Err(refusal) if refusal.is(SESSION_ENDED) => Ok(visit.to_log_in()),
        Err(refusal) => {
            let page = if is_hidden { CHECK } else { PAGE };
            Ok(visit.form_again(&refusal, page, &KEPT).await)
        }
    }
}

fn hides(wish: Wish) -> bool {
    wish.audience == Audience::Suppressed
}

/// What was wished, and how it is changed again: what somebody chose just now, never what is in force.
fn taken(wishes: &[Wish], is_sure: bool, is_bound: bool) -> String {
    let wish = |wish: &Wish| format!("{}を「{}」に", wish.kind.label(), wish.audience.label());
    let wishes: Vec<String> = wishes.iter().map(wish).collect();
    let again = match (is_sure, is_bound) {
        (true, false) => "この画面で、いつでも変えられます。",
        (true, true) => {
            "ご家族（組合員本人）にも表示するように戻すことは、この画面ではできません。窓口へお申し出ください。"
        }
        (false, _) => {
            "この画面では、より広い表示には戻せません。より広く表示するように変えるときは、窓口へお申し出ください。"
        }
    };
    format!(
        "ご希望を承りました（{}）。過去の月の分にも、今すぐ当てはまります。{again}",
        wishes.join("、")
    )
}

/// What was chosen otherwise than it was shown: what somebody left alone may be another by now, from another tab.
fn wishes(form: &Form, kinds: &[Kind]) -> Result<Vec<Wish>, Refusal> {
    let mut wishes = Vec::new();
    for kind in kinds {
        let word = form.text(name(*kind));
        if word.is_empty() || word == form.text(shown_name(*kind)) {
            continue;
        }
        let Some(audience) = Audience::from_word(word) else {
            let field = Field::new(name(*kind), kind.label());
            return Err(Refusal::field(FieldError::new(field, Problem::NotAChoice)));
        };
        wishes.push(Wish {
            kind: *kind,
            audience,
            seen: None,
        });
    }
    Ok(wishes)
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Costs => "costs",
        Kind::Medicines => "medicines",
    }
}

const fn shown_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Costs => "costs_shown",
        Kind::Medicines => "medicines_shown",
    }
}
