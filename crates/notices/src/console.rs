//! The desk's pages of notices: the list, writing, publishing, and taking a notice from its readers.

mod edit;
mod fields;
mod list;
mod one;
pub(crate) mod publish;
mod take;

use crate::{
    Author,
    drafts::{self, Aim, By, Stored},
    published::{self, Published},
};
use ::staff::{Clerk, reasons};
use access::{MEMBERS_PROTECT, NOTICES_EDIT, NOTICES_PUBLISH, NOTICES_VIEW, Reach};
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{NoticeId, PersonId};
use pages::{
    Again, ConsoleNav, Reply, Row, TaskWords, Visit, frame::Frame, lines::Day, markdown, reply::see_other, staff,
    visit::Trouble,
};
use poem::http::Method;
use roster::{Group, Person};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

const PATH: &str = "/console/notices";
const NEW: &str = "/console/notices/new";
/// The drafts alone.
const DRAFTS: &str = "/console/notices?list=drafts";

/// In the console's menu.
pub(crate) const NAV: ConsoleNav = ConsoleNav {
    path: PATH,
    text: "お知らせ",
    permission: Some(NOTICES_VIEW),
};

/// How home calls what waits for publication.
pub(crate) const TASK: TaskWords = TaskWords {
    module: drafts::MODULE,
    state: drafts::TO_PUBLISH,
    text: "公開を頼まれたお知らせ",
    path: DRAFTS,
};

pub(crate) fn rows() -> Vec<Row> {
    let (view, write, release) = (NOTICES_VIEW, NOTICES_EDIT, NOTICES_PUBLISH);
    vec![
        staff(GET, PATH, "console.notices", view, list::show),
        staff(GET, NEW, "console.notices.new", write, edit::new),
        staff(POST, NEW, "console.notices.create", write, edit::create),
        staff(GET, "/console/notices/:id", "console.notice", view, one::show),
        staff(
            GET,
            "/console/notices/:id/edit",
            "console.notice.edit",
            write,
            edit::edit,
        ),
        staff(
            POST,
            "/console/notices/:id/edit",
            "console.notice.save",
            write,
            edit::save,
        ),
        staff(POST, "/console/notices/:id/ask", "console.notice.ask", write, one::ask),
        staff(
            POST,
            "/console/notices/:id/copy",
            "console.notice.copy",
            write,
            one::copy,
        ),
        staff(
            GET,
            "/console/notices/:id/discard",
            "console.notice.discard",
            write,
            take::ask_discard,
        ),
        staff(
            POST,
            "/console/notices/:id/discard",
            "console.notice.discard.submit",
            write,
            take::discard,
        ),
        staff(
            GET,
            "/console/notices/:id/publish",
            "console.notice.publish",
            release,
            publish::show,
        ),
        staff(
            POST,
            "/console/notices/:id/publish",
            "console.notice.publish.submit",
            release,
            publish::submit,
        ),
        staff(
            GET,
            "/console/notices/:id/end",
            "console.notice.end",
            release,
            take::ask_end,
        ),
        staff(
            POST,
            "/console/notices/:id/end",
            "console.notice.end.submit",
            release,
            take::end,
        ),
        staff(
            GET,
            "/console/notices/:id/withdraw",
            "console.notice.withdraw",
            release,
            take::ask_withdraw,
        ),
        staff(
            POST,
            "/console/notices/:id/withdraw",
            "console.notice.withdraw.submit",
            release,
            take::withdraw,
        ),
    ]
}

/// A notice as a member reads it.
struct Preview {
    title: String,
    day: Day,
    addressee: String,
    /// Rendered and tame.
    body: String,
}

impl Preview {
    fn new(title: &str, body: &str, day: Day, person: Option<&PersonLine>) -> Self {
        Self {
            title: title.to_owned(),
            day,
            addressee: person.map_or_else(
                || "組合からのお知らせ".to_owned(),
                |person| format!("{}さんへのお知らせ", person.called),
            ),
            body: markdown::render(body, 2),
        }
    }
}

/// The one person whom a notice is for.
struct PersonLine {
    id: PersonId,
    called: String,
    number: String,
}

/// Who a notice is for, recorded as a look at them; none for a group, and for somebody whom the house has forgotten.
async fn person_line(
    tx: &TenantTransaction,
    visit: &Visit,
    clerk: &Clerk,
    person: Option<PersonId>,
) -> Result<Option<PersonLine>, DatabaseError> {
    let Some(id) = person else { return Ok(None) };
    let Some(person) = roster::person(tx, id).await? else {
        return Ok(None);
    };
    let look = Look::person("notice", &id.0);
    audit::look(tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    Ok(Some(PersonLine::of(&person)))
}

impl PersonLine {
    fn of(person: &Person) -> Self {
        let parts = [person.symbol.as_str(), person.number.as_str(), person.branch.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Self {
            id: person.person_id,
            called: person.called(),
            number: parts.join("・"),
        }
    }
}

/// Whom it is for, in words.
fn aim_words(aim: &Aim, person: Option<&PersonLine>) -> String {
    match (aim, person) {
        (Aim::Person(_), Some(person)) => format!("{}さん（{}）", person.called, person.number),
        (Aim::Person(_), None) => "名簿にいない方".to_owned(),
        (Aim::Group(group), _) => group_words(group),
    }
}

/// Whom a published notice is for, in words.
fn to_words(notice: &Published, person: Option<&PersonLine>) -> String {
    match notice.person {
        Some(id) => aim_words(&Aim::Person(id), person),
        None => group_words(&notice.group),
    }
}

fn group_words(group: &Group) -> String {
    let mut parts = Vec::new();
    parts.extend(group.workplace_code.as_ref().map(|code| format!("事業所コード {code}")));
    match (group.age_from, group.age_to) {
        (Some(from), Some(to)) => parts.push(format!("{from}歳から{to}歳まで")),
        (Some(from), None) => parts.push(format!("{from}歳以上")),
        (None, Some(to)) => parts.push(format!("{to}歳以下")),
        (None, None) => {}
    }
    if group.with_dependants {
        parts.push("被扶養者のいる被保険者".into());
    }
    if parts.is_empty() {
        "すべての加入者".into()
    } else {
        parts.join("、")
    }
}

/// A draft that the clerk may see.
async fn draft(tx: &TenantTransaction, clerk: &Clerk, id: NoticeId) -> Result<Option<Stored>, DatabaseError> {
    let Some(draft) = drafts::find(tx, id).await? else {
        return Ok(None);
    };
    let may = drafts::may_see(tx, sees_protected(clerk), draft.content.aim.person()).await?;
    Ok(may.then_some(draft))
}

/// A notice that the clerk may see.
async fn notice(tx: &TenantTransaction, clerk: &Clerk, id: NoticeId) -> Result<Option<Published>, DatabaseError> {
    let Some(notice) = published::find(tx, id).await? else {
        return Ok(None);
    };
    let may = drafts::may_see(tx, sees_protected(clerk), notice.person).await?;
    Ok(may.then_some(notice))
}

/// Where there is no draft of this id: it may have been published a moment ago.
async fn no_draft(visit: &Visit, clerk: &Clerk, tx: &TenantTransaction, id: NoticeId) -> Reply {
    if notice(tx, clerk, id).await?.is_none() {
        return Err(Trouble::NotFound);
    }
    Ok(visit.inform(see_other(&path(id)), "この下書きは、すでに公開されています。"))
}

fn path(id: NoticeId) -> String {
    format!("{PATH}/{id}")
}

fn id(visit: &Visit) -> Result<NoticeId, Trouble> {
    NoticeId::parse(visit.param("id")).ok_or(Trouble::NotFound)
}

/// The version that the form was shown with; none of a draft has 0.
fn version(visit: &Visit) -> i64 {
    visit.form.text("version").parse().unwrap_or_default()
}

fn sees_protected(clerk: &Clerk) -> bool {
    clerk.may(MEMBERS_PROTECT)
}

fn by<'a>(visit: &'a Visit, clerk: &Clerk) -> By<'a> {
    By {
        author: Author::Staff(clerk.staff_id),
        actor: clerk.actor(),
        origin: &visit.origin,
    }
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    tenant.write(Durability::Safe).await
}

fn frame(visit: &Visit, again: Again) -> Frame {
    visit.frame().in_section(PATH).with_errors(again.errors)
}

/// Notices are the whole insurer's: whoever is bounded to workplaces has nothing to do with them.
fn over_all(clerk: &Clerk) -> Result<(), Trouble> {
    if clerk.reach == Reach::All {
        Ok(())
    } else {
        Err(reasons::NOT_PERMITTED.into())
    }
}
