//! `/console/statements/disclosures/:person`: what somebody has asked for, and what the desk changes of it for them.

use super::{joined, path, section, sight, write};
use crate::{
    disclosures::{
        Disclosures,
        desk::{DeskWish, IDENTIFIED, Standing, Whose},
        kinds_of,
    },
    kind::Kind,
    visibility::Audience,
};
use access::{MEMBERS_PROTECT, MEMBERS_VIEW, Reach};
use accounts::{Desk, Identified, Proof};
use askama::Template;
use audit::Look;
use database::TenantTransaction;
use ground::Ground;
use kernel::{Field, FieldError, PersonId, Problem, Refusal, calendar};
use pages::{
    Reply, Visit,
    forms::Form,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
};
use roster::{Protected, Sight, facts, protection::is_protected};
use staff::{Clerk, reasons};

/// What of a refused form is shown again, and outlives a proof of the clerk's.
const KEPT: [&str; 3] = [name(Kind::Costs), name(Kind::Medicines), "identified"];
/// In forms: nothing asked for any more.
const USUAL: &str = "usual";

#[derive(Template)]
#[template(path = "console/statements_disclosure.html")]
struct OnePage {
    frame: Frame,
    path: String,
    name: String,
    facts: Vec<(&'static str, String)>,
    /// Why nobody may be added to those who see it.
    bound: Option<String>,
    /// True where they may see it again themself, at least.
    asks_way: bool,
    /// Where that is mended, for whoever may.
    prove: Option<String>,
    /// The person's own page, for whoever may open it.
    member: Option<String>,
    choices: Vec<Choice>,
    ways: Vec<Line>,
}

/// One kind's.
struct Choice {
    /// The form's field, and the one that says what it was shown with.
    name: &'static str,
    shown_name: &'static str,
    shown: &'static str,
    label: &'static str,
    /// What is in force.
    now: String,
    lines: Vec<Line>,
}

struct Line {
    value: &'static str,
    text: String,
    chosen: bool,
}

impl Choice {
    fn new(standing: &Standing, whose: &Whose, typed: &Form) -> Self {
        let typed = typed.text(name(standing.kind));
        let wish = |audience| DeskWish {
            kind: standing.kind,
            audience,
            shown: standing.said(),
        };
        let may_be = |audience| whose.bound(audience).is_none() || !wish(audience).widens(standing);
        let line = |value: &'static str, text: String| Line {
            value,
            text,
            chosen: typed == value,
        };
        let mut lines = vec![line("", "今のまま変えない".into())];
        let takes_back = standing.kept.is_some() && may_be(None);
        // Where everybody of the household sees it anyway, to say so changes nothing; where that is usual, it is to ask for
        // nothing any more.
        let stands = |one| {
            let is_usual = takes_back && standing.usual == one;
            standing.said() == Some(one) || one == Audience::Household && (standing.in_force() == one || is_usual)
        };
        let others = Audience::ALL.into_iter().filter(|one| !stands(*one));
        let others = others.filter(|one| may_be(Some(*one)));
        lines.extend(others.map(|one| line(one.as_str(), one.label().into())));
        if takes_back {
            let usual = standing.usual.label();
            lines.push(line(USUAL, format!("希望を取り消し、通常の表示（{usual}）に戻す")));
        }
        if lines.iter().all(|line| !line.chosen) {
            lines.iter_mut().take(1).for_each(|line| line.chosen = true);
        }
        Self {
            name: name(standing.kind),
            shown_name: shown_name(standing.kind),
            shown: standing.said().map_or("", Audience::as_str),
            label: standing.kind.label(),
            now: now(standing),
            lines,
        }
    }
}

/// What is in force, who asked for it and when.
fn now(standing: &Standing) -> String {
    let label = standing.in_force().label();
    match standing.kept {
        Some(kept) => format!("{label}（{}、{}）", kept.by.label(), calendar::moment(kept.at)),
        None => format!("{label}（希望はありません）"),
    }
}

/// The person of a page's address, in the transaction in which something is done for them. A protected one is out of reach of
/// whoever may not see them.
async fn subject(ground: &Ground, visit: &Visit, clerk: &Clerk) -> Result<(TenantTransaction, Whose), Trouble> {
    let id = PersonId::parse(visit.param("person")).ok_or(Trouble::NotFound)?;
    if kinds_of(&clerk.insurer).is_empty() {
        return Err(Trouble::NotFound);
    }
    let tx = write(ground, clerk).await?;
    let Some(found) = facts(&tx, &sight(clerk, Protected::Hidden), id).await? else {
        let all = Sight {
            reach: Reach::All,
            protected: Protected::Seen,
        };
        return Err(match facts(&tx, &all, id).await? {
            Some(_) => reasons::NOT_PERMITTED.into(),
            None => Trouble::NotFound,
        });
    };
    let account = visit.services.accounts.held(&tx, id).await?;
    let whose = Whose {
        person: found.person,
        proof: account.map(|account| account.proof),
        is_protected: is_protected(&tx, id).await?,
    };
    Ok((tx, whose))
}

/// `GET /console/statements/disclosures/:person`.
pub(super) async fn show(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (tx, whose) = subject(&ground, &visit, &clerk).await?;
    let id = whose.person.person_id;
    let disclosures = Disclosures::new(&ground);
    let standing = disclosures.standing(&tx, &clerk.insurer, &whose.person).await?;
    let look = Look::person("disclosure", &id.0);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let again = visit.again().await;
    let bound = whose.bound(Some(Audience::Household)).map(Refusal::from);
    let may_prove = whose.proof == Some(Proof::Facts) && !whose.is_protected && clerk.may(MEMBERS_PROTECT);
    let way = |way: Identified| Line {
        value: way.as_str(),
        text: way.label().into(),
        chosen: again.typed.text("identified") == way.as_str(),
    };
    let choice = |standing: &Standing| Choice::new(standing, &whose, &again.typed);
    visit.html(&OnePage {
        path: path(id),
        name: whose.person.called(),
        facts: known(&whose),
        choices: standing.iter().map(choice).collect(),
        ways: Identified::ALL.map(way).into(),
        // Opened, the page has refused nothing yet.
        asks_way: bound.is_none() || whose.bound(Some(Audience::SelfOnly)).is_none(),
        bound: bound.map(|refusal| refusal.words(visit.now).text.replace("何も変更していません。", "")),
        prove: may_prove.then(|| format!("/console/members/{id}/proof")),
        member: clerk.may(MEMBERS_VIEW).then(|| format!("/console/members/{id}")),
        frame: visit.frame().in_section(section(&clerk)).with_errors(again.errors),
    })
}

/// By what staff know who it is.
fn known(whose: &Whose) -> Vec<(&'static str, String)> {
    let person = &whose.person;
    let number = joined([person.symbol.as_str(), person.number.as_str(), person.branch.as_str()]);
    let account = match whose.proof {
        Some(proof) => format!("登録済み。本人確認：{}", proof.label()),
        None => "登録していません".into(),
    };
    let mut known = vec![
        ("氏名", format!("{}さん", person.called())),
        ("記号-番号-枝番", number),
        ("続柄", person.relationship.clone()),
        ("生年月日", calendar::date_both(person.birth_date.date())),
        ("マイページ", account),
    ];
    if whose.is_protected {
        known.push(("保護", "保護しています".into()));
    }
    known.retain(|(_, text)| !text.is_empty());
    known
}

/// `POST /console/statements/disclosures/:person`.
pub(super) async fn change(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (tx, whose) = subject(&ground, &visit, &clerk).await?;
    let page = path(whose.person.person_id);
    let (wishes, identified) = match wanted(&visit.form, &kinds_of(&clerk.insurer)) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(visit.form_again(&refusal, &page, &KEPT).await),
    };
    if wishes.is_empty() {
        let text = "変えるところが選ばれていないため、何も変更していません。";
        return Ok(visit.inform(see_other(&page), text));
    }
    let disclosures = Disclosures::new(&ground);
    let standing = disclosures.standing(&tx, &clerk.insurer, &whose.person).await?;
    let widens = |wish: &DeskWish| standing.iter().any(|one| one.kind == wish.kind && wish.widens(one));
    // What is refused anyway takes no proof before.
    let is_refused = |wish: &DeskWish| widens(wish) && whose.bound(wish.audience).is_some();
    let is_grave = wishes.iter().any(widens) && !wishes.iter().any(is_refused);
    if is_grave && !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_first(&page, &KEPT).await);
    }
    let by = Desk {
        insurer: &clerk.insurer,
        actor: clerk.actor(),
        origin: &visit.origin,
    };
    match settle(disclosures.change_for(tx, by, &whose, &wishes, identified).await) {
        Ok(()) => Ok(visit.done(
            see_other(&page),
            "表示の希望を変えました。過去の月の分にも、今すぐ当てはまります。",
        )),
        Err(refusal) => Ok(visit.form_again(&refusal, &page, &KEPT).await),
    }
}

/// What was chosen, and how staff made sure of who asks.
fn wanted(form: &Form, kinds: &[Kind]) -> Result<(Vec<DeskWish>, Option<Identified>), Refusal> {
    let mut wishes = Vec::new();
    for kind in kinds {
        let no_choice = || {
            Refusal::field(FieldError::new(
                Field::new(name(*kind), kind.label()),
                Problem::NotAChoice,
            ))
        };
        let audience = match form.text(name(*kind)) {
            "" => continue,
            USUAL => None,
            word => Some(Audience::from_word(word).ok_or_else(no_choice)?),
        };
        wishes.push(DeskWish {
            kind: *kind,
            audience,
            shown: Audience::from_word(form.text(shown_name(*kind))),
        });
    }
    let identified = match form.text("identified") {
        "" => None,
        word => {
            let way = Identified::from_word(word);
            Some(way.ok_or_else(|| Refusal::field(FieldError::new(IDENTIFIED, Problem::NotAChoice)))?)
        }
    };
    Ok((wishes, identified))
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
