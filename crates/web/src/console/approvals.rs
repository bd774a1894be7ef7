//! 承認: the wishes that wait for one's agreement, one's own, and what became of others'; one with its difference, and the
//! answers to it.

use super::terms::{Row, compare_texts};
use ::approvals::{Action, Decided, Eye, List, Row as Wish, Shown, State, list, reasons};
use askama::Template;
use audit::Look;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{ApprovalId, PersonId, Refusal, StaffId, calendar, outcome};
use pages::{
    Reply, Row as Route, Visit,
    frame::Frame,
    reply::see_other,
    staff_session,
    visit::{Trouble, settle},
};
use poem::http::Method;
use staff::Clerk;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub(super) const APPROVALS: &str = "/console/approvals";
const PER_PAGE: usize = 50;
/// What who asked is told while nobody else can agree.
const NOBODY: &str = "今、承認できる職員がほかにいません。停止中の職員と、権限を持ってから7日たっていない職員は承認できません。停止した職員がもう戻らないときは、運営にお問い合わせください。";
/// The lists, as their addresses name them.
const LISTS: [(&str, &str, List); 3] = [
    ("waiting", "承認を待っている申請", List::Waiting),
    ("asked", "自分の申請", List::Asked),
    ("decided", "ほかの職員の、終わった申請", List::Decided),
];

/// The rows of these pages.
pub(super) fn rows() -> Vec<Route> {
    let (get, post) = (Method::GET, Method::POST);
    vec![
        staff_session(get.clone(), APPROVALS, "console.approvals", lists),
        staff_session(get, "/console/approvals/:id", "console.approval", one),
        staff_session(
            post.clone(),
            "/console/approvals/:id/agree",
            "console.approval.agree",
            agree,
        ),
        staff_session(
            post.clone(),
            "/console/approvals/:id/decline",
            "console.approval.decline",
            decline,
        ),
        staff_session(
            post,
            "/console/approvals/:id/withdraw",
            "console.approval.withdraw",
            withdraw,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/approvals.html")]
struct ListPage {
    frame: Frame,
    lists: Vec<Tab>,
    heading: &'static str,
    lines: Vec<Line>,
    more: Option<String>,
    may_switch: bool,
}

/// The way to one of the lists.
struct Tab {
    path: String,
    words: &'static str,
    is_here: bool,
}

/// A wish in a list.
struct Line {
    path: String,
    action: &'static str,
    subject: String,
    by: String,
    asked_at: String,
    state: String,
}

impl Line {
    fn new(visit: &Visit, clerk: &Clerk, wish: &Wish, names: &HashMap<StaffId, String>) -> Result<Self, Trouble> {
        let approvals = visit.services.staff.approvals();
        Ok(Self {
            path: path(wish.approval_id),
            action: wish.action().map_or("", Action::label),
            subject: approvals.subject(clerk.insurer.tenant_id, wish)?,
            by: names.get(&wish.asked_by).cloned().unwrap_or_default(),
            asked_at: calendar::moment(wish.asked_at),
            state: state_words(wish, visit.now),
        })
    }
}

#[derive(Template)]
#[template(path = "console/approval.html")]
struct WishPage {
    frame: Frame,
    line: Line,
    difference: ::approvals::Difference,
    texts: Vec<Text>,
    answered_by: String,
    word: Option<String>,
    agree: Option<String>,
    decline: Option<String>,
    withdraw: Option<String>,
    /// Why they see no button to agree.
    why_not: &'static str,
    take: Option<Take>,
    /// True of a file, which whoever asked takes after the agreement.
    is_file: bool,
    typed: String,
}

/// A text of several lines that changes.
struct Text {
    label: String,
    /// The whole of it, where there was none.
    new: Option<String>,
    /// What changes, line by line; nothing where it stays as it is.
    rows: Vec<Row>,
}

impl Text {
    fn new((label, before, after): (String, String, String)) -> Self {
        let is_new = before.is_empty();
        Self {
            label,
            rows: if is_new {
                Vec::new()
            } else {
                compare_texts(&before, &after)
            },
            new: is_new.then_some(after),
        }
    }
}

/// The form by which a file is taken.
struct Take {
    path: String,
    fields: Vec<(String, String)>,
}

impl Take {
    fn read(parameters: &serde_json::Value) -> Option<Self> {
        let fields = parameters.get("fields")?.clone();
        Some(Self {
            path: parameters.get("path")?.as_str()?.to_owned(),
            fields: serde_json::from_value(fields).ok()?,
        })
    }
}

fn state_words(wish: &Wish, now: DateTime<Utc>) -> String {
    let until = || calendar::moment(wish.ends_at);
    let at = || wish.decided_at.map(calendar::moment).unwrap_or_default();
    match wish.state(now) {
        State::Waiting => format!("返事を待っています（{}まで）", until()),
        State::Agreed => format!("承認されました。{}まで、1回だけファイルを受け取れます", until()),
        State::Done => format!("承認されて行われました（{}）", at()),
        State::Declined => format!("断られました（{}）", at()),
        State::Withdrawn => format!("取り下げられました（{}）", at()),
        State::Lapsed => {
            "期限が過ぎたか、内容が変わったか、承認できる職員がいなくなったため、行われないまま終わりました".to_owned()
        }
    }
}

fn path(id: ApprovalId) -> String {
    format!("{APPROVALS}/{id}")
}

fn asked(visit: &Visit) -> Result<ApprovalId, Trouble> {
    ApprovalId::parse(visit.param("id")).ok_or(Trouble::NotFound)
}

/// `GET /console/approvals`: whoever is named in it was looked at.
async fn lists(visit: Visit, clerk: Clerk) -> Reply {
    let asked = visit.query.text("list");
    let known = LISTS.into_iter().find(|(word, ..)| *word == asked);
    let (word, heading, which) = known.unwrap_or(LISTS[0]);
    let after = ApprovalId::parse(visit.query.text("after"));
    let limit = i64::try_from(PER_PAGE).unwrap_or_default() + 1;
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let tx = tenant.write(Durability::Safe).await?;
    let mut found = list(&tx, visit.now, clerk.eye(), which, after, limit).await?;
    let is_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let by: Vec<StaffId> = found.iter().map(|wish| wish.asked_by).collect();
    let names = staff::names(&tx, &by).await?;
    let people: BTreeSet<Uuid> = found.iter().filter_map(|wish| Some(wish.person_id?.0)).collect();
    let people: Vec<Uuid> = people.into_iter().collect();
    if !people.is_empty() {
        let look = Look::list("approvals", vec![], &people);
        audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    }
    tx.commit().await?;
    let last = found.last().filter(|_| is_more);
    let tab = |(other, words, _): (&'static str, &'static str, List)| Tab {
        path: format!("{APPROVALS}?list={other}"),
        words,
        is_here: other == word,
    };
    visit.html(&ListPage {
        frame: visit.frame().in_section(APPROVALS),
        lists: LISTS.into_iter().map(tab).collect(),
        heading,
        more: last.map(|last| format!("{APPROVALS}?list={word}&after={}", last.approval_id)),
        lines: found
            .iter()
            .map(|wish| Line::new(&visit, &clerk, wish, &names))
            .collect::<Result<_, _>>()?,
        may_switch: clerk.may(access::SETTINGS_VIEW),
    })
}

/// `GET /console/approvals/:id`: whoever's values it shows was looked at.
async fn one(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let tx = tenant.write(Durability::Safe).await?;
    let approvals = visit.services.staff.approvals();
    let shown = approvals.one(&tx, clerk.eye(), id).await?;
    let shown = shown.ok_or(Trouble::NotFound)?;
    let people: Vec<StaffId> = [Some(shown.row.asked_by), shown.row.decided_by]
        .into_iter()
        .flatten()
        .collect();
    let names = staff::names(&tx, &people).await?;
    if let Some(person) = shown.row.person_id {
        let wards = wards(&tx, &shown, person).await?;
        let look = Look::person("approval", &person.0).showing(&wards);
        audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    }
    let own = shown.row.asked_by == clerk.staff_id;
    let state = shown.row.state(visit.now);
    let is_waiting = state == State::Waiting;
    let (agrees, mut why_not) = may_agree(&shown, clerk.eye(), is_waiting);
    if is_waiting && own && !approvals.can_be_agreed_to(&tx, visit.now, &shown).await? {
        why_not = NOBODY;
    }
    tx.commit().await?;
    let again = visit.again().await;
    let is_standing = is_waiting || state == State::Agreed;
    let below = |what: &str| format!("{}/{what}", path(id));
    let is_text = |(_, before, after): &(String, String, String)| before.contains('\n') || after.contains('\n');
    let (texts, difference): (Vec<_>, Vec<_>) = shown.difference.into_iter().partition(is_text);
    visit.html(&WishPage {
        line: Line::new(&visit, &clerk, &shown.row, &names)?,
        answered_by: shown
            .row
            .decided_by
            .and_then(|by| names.get(&by).cloned())
            .unwrap_or_default(),
        agree: agrees.then(|| below("agree")),
        decline: (is_waiting && !own).then(|| below("decline")),
        withdraw: (is_standing && own).then(|| below("withdraw")),
        why_not,
        take: (own && state == State::Agreed)
            .then(|| Take::read(&shown.parameters))
            .flatten(),
        is_file: Take::read(&shown.parameters).is_some(),
        typed: again.typed.text("word").to_owned(),
        difference,
        texts: texts.into_iter().map(Text::new).collect(),
        word: shown.word,
        frame: visit.frame().in_section(APPROVALS).with_errors(again.errors),
    })
}

/// Whom a wish names beside its person: a proof, whose guardian they are.
async fn wards(tx: &TenantTransaction, shown: &Shown, person: PersonId) -> Result<Vec<Uuid>, DatabaseError> {
    if shown.action != Action::Proof {
        return Ok(Vec::new());
    }
    let wards = roster::protection::wards(tx, person).await?;
    Ok(wards.iter().map(|ward| ward.person_id.0).collect())
}

/// Whether they agree to it, and why not where they might wonder.
fn may_agree(shown: &Shown, eye: Eye<'_>, is_waiting: bool) -> (bool, &'static str) {
    if !is_waiting {
        (false, "")
    } else if shown.is_own(eye) {
        (false, "自分の申請や、自分についての申請は承認できません。")
    } else if shown.is_agreed_to_by(eye) {
        (true, "")
    } else {
        (false, "承認できるのは、同じ権限を7日以上持っている職員です。")
    }
}

/// `POST /console/approvals/:id/agree`: a second factor is asked for first.
async fn agree(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    if !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_first(&path(id), &[]).await);
    }
    let (approvals, performers) = (visit.services.staff.approvals(), &visit.services.performers);
    let decided = approvals.agree(&visit.origin, clerk.eye(), id, performers).await;
    match settle(decided) {
        Ok(Decided::Done) => Ok(visit.done(see_other(&path(id)), "承認しました。申請された操作を行いました。")),
        Ok(Decided::FileWaits) => Ok(visit.done(
            see_other(&path(id)),
            "承認しました。申請した職員が、24時間以内にファイルを受け取ります。",
        )),
        Err(refusal) => refused(&visit, id, &refusal, &[]).await,
    }
}

/// `POST /console/approvals/:id/decline`.
async fn decline(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    let approvals = visit.services.staff.approvals();
    let declined = approvals
        .decline(&visit.origin, clerk.eye(), id, visit.form.text("word"))
        .await;
    match settle(declined) {
        Ok(()) => Ok(visit.done(see_other(&path(id)), "断りました。申請した職員に知らせます。")),
        Err(refusal) => refused(&visit, id, &refusal, &["word"]).await,
    }
}

/// `POST /console/approvals/:id/withdraw`.
async fn withdraw(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    let approvals = visit.services.staff.approvals();
    match settle(approvals.withdraw(&visit.origin, clerk.eye(), id).await) {
        Ok(()) => Ok(visit.done(see_other(&path(id)), "申請を取り下げました。")),
        Err(refusal) => refused(&visit, id, &refusal, &[]).await,
    }
}

async fn refused(visit: &Visit, id: ApprovalId, refusal: &Refusal, names: &[&str]) -> Reply {
    if refusal.is(outcome::NOT_FOUND) || refusal.is(reasons::OWN_WISH) || refusal.is(reasons::HELD_TOO_SHORT) {
        return Err(refusal.clone().into());
    }
    Ok(visit.form_again(refusal, &path(id), names).await)
}
