//! 職員: who works here, with which roles since when and by whom, and inviting somebody.

use super::{
    approvals::APPROVALS,
    colleague::{self, Deed},
};
use ::approvals::{Action, WAITS, of_kind};
use access::{Reach, Role, STAFF_MANAGE, STAFF_VIEW};
use askama::Template;
use kernel::{StaffId, calendar};
use pages::{
    Reply, Row, Visit,
    forms::Form,
    frame::Frame,
    reply::see_other,
    staff, staff_proven,
    visit::{Trouble, settle},
    words::mailed,
};
use poem::http::Method;
use staff::{By, Clerk, Colleague, Grant, INVITATION, Invitation, Invited, State};

pub(super) const STAFF: &str = "/console/staff";
const INVITE: &str = "/console/staff/invite";
/// Waiting invitations that are listed.
const WAITING: i64 = 50;
/// What is kept of a refused form.
const FIELDS: [&str; 5] = ["email", "name", "role", "symbols", "codes"];

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let mut rows = vec![
        staff(get.clone(), STAFF, "console.staff", STAFF_VIEW, list),
        staff_proven(get.clone(), INVITE, "console.staff.invite", STAFF_MANAGE, ask),
        staff_proven(
            post.clone(),
            INVITE,
            "console.staff.invite.submit",
            STAFF_MANAGE,
            invite,
        )
        .keeping(&FIELDS),
        staff(
            get.clone(),
            "/console/staff/:id",
            "console.colleague",
            STAFF_VIEW,
            colleague::show,
        ),
        staff_proven(
            get.clone(),
            "/console/staff/:id/roles",
            "console.colleague.roles",
            STAFF_MANAGE,
            colleague::roles,
        ),
        staff_proven(
            post.clone(),
            "/console/staff/:id/roles",
            "console.colleague.roles.submit",
            STAFF_MANAGE,
            colleague::set_roles,
        )
        .keeping(&colleague::FIELDS),
    ];
    for deed in Deed::ALL {
        let (path, [asked, done]) = (deed.pattern(), deed.names());
        rows.push(staff_proven(
            get.clone(),
            path,
            asked,
            STAFF_MANAGE,
            move |visit, clerk| colleague::ask(deed, visit, clerk),
        ));
        rows.push(staff_proven(
            post.clone(),
            path,
            done,
            STAFF_MANAGE,
            move |visit, clerk| colleague::act(deed, visit, clerk),
        ));
    }
    rows
}

#[derive(Template)]
#[template(path = "console/staff.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    waiting: Vec<Waiting>,
    may_manage: bool,
}

/// Somebody in the list.
pub(super) struct Line {
    pub path: String,
    pub name: String,
    pub email: String,
    pub state: String,
    pub roles: String,
    pub factors: String,
    pub last_log_in: String,
}

impl Line {
    pub(super) fn new(colleague: &Colleague) -> Self {
        let labels: Vec<&str> = colleague.roles.iter().map(|held| held.role.label()).collect();
        let factors: Vec<&str> = colleague.factors.iter().map(|kind| factor_words(kind)).collect();
        Self {
            path: format!("{STAFF}/{}", colleague.staff_id),
            name: colleague.name.clone(),
            email: colleague.email.clone(),
            state: match colleague.state {
                State::Invited => "招待中".to_owned(),
                State::Active => "利用中".to_owned(),
                State::Suspended(at) => format!("停止中（{}から）", calendar::moment(at)),
                State::Unused(at) => format!("使われず停止中（{}から）", calendar::moment(at)),
            },
            roles: or_none(&labels),
            factors: or_none(&factors),
            last_log_in: colleague
                .last_log_in_at
                .map_or_else(|| "なし".to_owned(), calendar::moment),
        }
    }
}

/// Somebody who is invited once another has agreed.
struct Waiting {
    name: String,
    by: String,
    asked_at: String,
    /// The wish's page, for whoever may open it.
    path: Option<String>,
}

/// The invitations that wait for another's agreement; of very many the first.
async fn waiting(visit: &Visit, clerk: &Clerk) -> Result<Vec<Waiting>, Trouble> {
    let (tenant, approvals) = (clerk.insurer.tenant_id, visit.services.staff.approvals());
    let tx = visit.services.database.tenant(tenant).read().await?;
    let wishes = of_kind(&tx, visit.now, (Action::Grant, INVITATION), WAITING).await?;
    let by: Vec<StaffId> = wishes.iter().map(|wish| wish.asked_by).collect();
    let names = staff::names(&tx, &by).await?;
    tx.commit().await?;
    let waiting = wishes.iter().map(|wish| {
        Ok(Waiting {
            name: approvals.subject(tenant, wish)?,
            by: names.get(&wish.asked_by).cloned().unwrap_or_default(),
            asked_at: calendar::moment(wish.asked_at),
            path: clerk
                .eye()
                .sees(wish)
                .then(|| format!("{APPROVALS}/{}", wish.approval_id)),
        })
    });
    waiting.collect()
}

fn or_none(words: &[&str]) -> String {
    if words.is_empty() {
        "なし".to_owned()
    } else {
        words.join("、")
    }
}

fn factor_words(kind: &str) -> &'static str {
    if kind == "passkey" {
        "パスキー"
    } else {
        "認証アプリ"
    }
}

/// A role to be ticked.
pub(super) struct Choice {
    pub value: &'static str,
    pub words: &'static str,
    pub is_chosen: bool,
}

/// The roles that can be given.
pub(super) fn choices(is_chosen: impl Fn(Role) -> bool) -> Vec<Choice> {
    let given = Role::ALL.into_iter().filter(|role| role.is_given());
    given
        .map(|role| Choice {
            value: role.as_str(),
            words: role.label(),
            is_chosen: is_chosen(role),
        })
        .collect()
}

/// What is ticked, each with its reach; a role that was bounded before stays so.
pub(super) fn grants(form: &Form, before: &[staff::HeldRole]) -> Vec<Grant> {
    let texts = |name: &str| -> Vec<String> {
        let typed = form.text(name).split(['、', ',', '，', ' ', '　', '\n', '\r']);
        typed.filter(|text| !text.is_empty()).map(str::to_owned).collect()
    };
    let grant = |role: Role| {
        let held = before.iter().find(|held| held.role == role);
        let reach = match (role, held) {
            (Role::Workplace, _) => Reach::Workplaces {
                symbols: texts("symbols"),
                codes: texts("codes"),
            },
            (_, Some(held)) if !held.symbols.is_empty() || !held.workplaces.is_empty() => Reach::Workplaces {
                symbols: held.symbols.clone(),
                codes: held.workplaces.clone(),
            },
            _ => Reach::All,
        };
        Grant { role, reach }
    };
    form.all("role").filter_map(Role::read).map(grant).collect()
}

#[derive(Template)]
#[template(path = "console/staff_invite.html")]
struct InvitePage {
    frame: Frame,
    email: String,
    /// Not `name`: the form's own macro has a parameter of that name.
    called: String,
    roles: Vec<Choice>,
    symbols: String,
    codes: String,
}

/// `GET /console/staff`.
async fn list(visit: Visit, clerk: Clerk) -> Reply {
    let colleagues = visit.services.staff.list(clerk.insurer.tenant_id).await?;
    let waiting = waiting(&visit, &clerk).await?;
    visit.html(&ListPage {
        waiting,
        frame: visit.frame().in_section(STAFF),
        lines: colleagues.iter().map(Line::new).collect(),
        may_manage: clerk.may(STAFF_MANAGE),
    })
}

/// `GET /console/staff/invite`.
async fn ask(visit: Visit, _: Clerk) -> Reply {
    let again = visit.again().await;
    let text = |name: &str| again.typed.text(name).to_owned();
    visit.html(&InvitePage {
        email: text("email"),
        called: text("name"),
        roles: choices(|role| again.typed.all("role").any(|typed| typed == role.as_str())),
        symbols: text("symbols"),
        codes: text("codes"),
        frame: visit.frame().in_section(STAFF).with_errors(again.errors),
    })
}

/// `POST /console/staff/invite`.
async fn invite(visit: Visit, clerk: Clerk) -> Reply {
    let invitation = Invitation {
        email: visit.form.text("email").to_owned(),
        name: visit.form.text("name").to_owned(),
        grants: grants(&visit.form, &[]),
    };
    let invited = visit
        .services
        .staff
        .invite(&visit.origin, By::Clerk(&clerk), &invitation)
        .await;
    match settle(invited) {
        Ok(Invited::Sent(_)) => Ok(visit.done(
            see_other(STAFF),
            mailed(
                &visit.look,
                "招待のメールを送りました。72時間以内に開いてもらってください。",
            ),
        )),
        Ok(Invited::Waits) => Ok(visit.inform(see_other(STAFF), WAITS)),
        Err(refusal) => Ok(visit.form_again(&refusal, INVITE, &FIELDS).await),
    }
}
