//! One colleague: what they hold since when and by whom, and what an administrator does with their account. Each deed has a
//! page that says what comes of it before it is done.

use super::colleagues::{Choice, Line, STAFF, choices, grants};
use ::approvals::{Action, Asked, WAITS};
use access::{Role, STAFF_MANAGE};
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::{Reason, Refusal, StaffId, calendar, outcome};
use pages::{
    Reply, Visit, Waits,
    frame::{Errors, Frame},
    reply::see_other,
    visit::{Trouble, settle},
    words::mailed,
};
use staff::{By, Clerk, Colleague, State, reasons};

/// What is kept of a refused form of roles.
pub(super) const FIELDS: [&str; 3] = ["role", "symbols", "codes"];

/// What is done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Let in no more.
    Suspend,
    /// Let in again.
    Resume,
    /// Second factors taken away.
    Reset,
    /// The invitation's mail sent once more.
    Resend,
}

impl Deed {
    pub(super) const ALL: [Self; 4] = [Self::Suspend, Self::Resume, Self::Reset, Self::Resend];

    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Suspend => "/console/staff/:id/suspend",
            Self::Resume => "/console/staff/:id/resume",
            Self::Reset => "/console/staff/:id/factor",
            Self::Resend => "/console/staff/:id/invitation",
        }
    }

    pub(super) fn names(self) -> [&'static str; 2] {
        match self {
            Self::Suspend => ["console.colleague.suspend", "console.colleague.suspend.submit"],
            Self::Resume => ["console.colleague.resume", "console.colleague.resume.submit"],
            Self::Reset => ["console.colleague.factor", "console.colleague.factor.submit"],
            Self::Resend => ["console.colleague.invitation", "console.colleague.invitation.submit"],
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Suspend => "アカウントを停止する",
            Self::Resume => "停止を解く",
            Self::Reset => "2つ目の確認を取り消す",
            Self::Resend => "招待のメールをもう一度送る",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Suspend => {
                "今のログインはすぐに終わり、停止を解くまでログインできません。本人にメールで知らせます。役割は残るため、承認できる職員がいるかどうかを決める人数には数え続けます。"
            }
            Self::Resume => {
                "またログインできるようになります。本人と管理者全員にメールで知らせます。役割は停止の前のままです。ほかの職員の申請を承認できるのは、7日後からです。"
            }
            Self::Reset => {
                "登録された認証アプリ、パスキー、印刷した確認コードがすべて使えなくなり、今のログインも終わります。ほかの職員の申請を承認できるのは、7日後からになります。本人には設定し直すためのメールを送り、管理者全員に知らせます。電話などで頼まれたときは、本人であることを必ず確かめてください。"
            }
            Self::Resend => "新しいメールを送ります。前に送ったメールのページは開けなくなります。",
        }
    }

    /// What stands against it now.
    fn against(self, clerk: &Clerk, colleague: &Colleague, now: DateTime<Utc>) -> Option<Errors> {
        let refused = |reason: Reason| Errors::new(&reason.into(), now);
        let is_own = clerk.staff_id == colleague.staff_id;
        (!self.fits(clerk, colleague)).then(|| match (self, colleague.state) {
            (Self::Suspend, _) if is_own => refused(reasons::OWN_ACCOUNT),
            (Self::Reset, _) if is_own => refused(reasons::OWN_FACTOR),
            (Self::Suspend, _) => Errors::of_form("すでに停止しています", "このアカウントではログインできません。"),
            (Self::Resume, _) => Errors::of_form("停止していません", "このアカウントは、そのまま使えます。"),
            (Self::Reset, State::Invited) => refused(reasons::NOT_ACCEPTED),
            (Self::Resend, State::Active) => refused(reasons::STAFF_KNOWN),
            (Self::Reset | Self::Resend, _) => refused(reasons::COLLEAGUE_SUSPENDED),
        })
    }

    /// True where it makes sense now.
    fn fits(self, clerk: &Clerk, colleague: &Colleague) -> bool {
        let is_own = clerk.staff_id == colleague.staff_id;
        match self {
            Self::Suspend | Self::Reset if is_own => false,
            Self::Suspend => matches!(colleague.state, State::Active | State::Invited),
            Self::Resume => matches!(colleague.state, State::Suspended(_) | State::Unused(_)),
            Self::Reset => colleague.state == State::Active,
            Self::Resend => colleague.state == State::Invited,
        }
    }
}

#[derive(Template)]
#[template(path = "console/colleague.html")]
struct ShowPage {
    frame: Frame,
    line: Line,
    roles: Vec<Held>,
    deeds: Vec<(String, &'static str)>,
    change: Option<String>,
}

/// A role that they hold.
struct Held {
    role: &'static str,
    reach: String,
    since: String,
    by: String,
}

impl Held {
    fn new(held: &staff::HeldRole) -> Self {
        let within = [held.symbols.as_slice(), held.workplaces.as_slice()].concat();
        Self {
            role: held.role.label(),
            reach: if within.is_empty() {
                "全員".to_owned()
            } else {
                within.join("、")
            },
            since: calendar::moment(held.granted_at),
            by: held.granted_by.clone().unwrap_or_else(|| "運営".to_owned()),
        }
    }
}

#[derive(Template)]
#[template(path = "console/colleague_roles.html")]
struct RolesPage {
    frame: Frame,
    line: Line,
    path: String,
    roles: Vec<Choice>,
    symbols: String,
    codes: String,
    seen: String,
}

#[derive(Template)]
#[template(path = "console/colleague_deed.html")]
struct DeedPage {
    frame: Frame,
    line: Line,
    heading: &'static str,
    words: &'static str,
    path: String,
    /// False where it makes no sense now; the frame says why.
    is_possible: bool,
}

async fn found(visit: &Visit, clerk: &Clerk) -> Result<Colleague, Trouble> {
    let id = StaffId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let list = visit.services.staff.list(clerk.insurer.tenant_id).await?;
    let found = list.into_iter().find(|colleague| colleague.staff_id == id);
    found.ok_or(Trouble::NotFound)
}

/// What of a colleague waits for another's agreement.
async fn waits(visit: &Visit, clerk: &Clerk, id: StaffId) -> Result<Vec<Waits>, Trouble> {
    visit
        .waits(clerk, &[(Action::Grant, id.0), (Action::ResetFactor, id.0)])
        .await
}

/// `GET /console/staff/:id`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let colleague = found(&visit, &clerk).await?;
    let line = Line::new(&colleague);
    let may = clerk.may(STAFF_MANAGE);
    let last = |deed: Deed| deed.pattern().rsplit('/').next().unwrap_or_default();
    let deeds = Deed::ALL
        .into_iter()
        .filter(|deed| may && deed.fits(&clerk, &colleague));
    let waits = waits(&visit, &clerk, colleague.staff_id).await?;
    visit.html(&ShowPage {
        frame: visit.frame().in_section(STAFF).with_waits(waits),
        roles: colleague.roles.iter().map(Held::new).collect(),
        deeds: deeds
            .map(|deed| (format!("{}/{}", line.path, last(deed)), deed.heading()))
            .collect(),
        change: may.then(|| format!("{}/roles", line.path)),
        line,
    })
}

/// `GET /console/staff/:id/roles`.
pub(super) async fn roles(visit: Visit, clerk: Clerk) -> Reply {
    let colleague = found(&visit, &clerk).await?;
    let again = visit.again().await;
    let (typed, is_again) = (&again.typed, again.is_refused());
    let workplace = colleague.roles.iter().find(|held| held.role == Role::Workplace);
    let text = |name: &str, held: fn(&staff::HeldRole) -> &Vec<String>| {
        if is_again {
            typed.text(name).to_owned()
        } else {
            workplace.map(|one| held(one).join("、")).unwrap_or_default()
        }
    };
    let line = Line::new(&colleague);
    let waits = waits(&visit, &clerk, colleague.staff_id).await?;
    visit.html(&RolesPage {
        path: format!("{}/roles", line.path),
        roles: choices(|role| {
            if is_again {
                typed.all("role").any(|typed| typed == role.as_str())
            } else {
                colleague.roles.iter().any(|held| held.role == role)
            }
        }),
        symbols: text("symbols", |held| &held.symbols),
        codes: text("codes", |held| &held.workplaces),
        seen: colleague.roles_mark,
        line,
        frame: visit
            .frame()
            .in_section(STAFF)
            .with_errors(again.errors)
            .with_waits(waits),
    })
}

/// `POST /console/staff/:id/roles`.
pub(super) async fn set_roles(visit: Visit, clerk: Clerk) -> Reply {
    let colleague = found(&visit, &clerk).await?;
    let (id, path) = (colleague.staff_id, format!("{STAFF}/{}", colleague.staff_id));
    let grants = grants(&visit.form, &colleague.roles);
    let seen = Some(visit.form.text("seen"));
    let staff = &visit.services.staff;
    let set = staff
        .set_roles(&visit.origin, By::Clerk(&clerk), id, &grants, seen)
        .await;
    match settle(set) {
        Ok(Asked::GoesOn) => Ok(visit.done(
            see_other(&path),
            "役割を変更しました。本人の今のログインは終わりました。",
        )),
        Ok(Asked::Waits(_)) => Ok(visit.inform(see_other(&path), WAITS)),
        Err(refusal) => {
            let page = format!("{path}/roles");
            Ok(visit.form_again(&refusal, &page, &FIELDS).await)
        }
    }
}

/// `GET` of a deed's page.
pub(super) async fn ask(deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let colleague = found(&visit, &clerk).await?;
    let waits = waits(&visit, &clerk, colleague.staff_id).await?;
    let again = visit.again().await;
    let against = deed.against(&clerk, &colleague, visit.now);
    visit.html(&DeedPage {
        is_possible: against.is_none(),
        line: Line::new(&colleague),
        heading: deed.heading(),
        words: deed.words(),
        path: visit.asked_for.split('?').next().unwrap_or_default().to_owned(),
        frame: visit
            .frame()
            .in_section(STAFF)
            .with_errors(against.unwrap_or(again.errors))
            .with_waits(waits),
    })
}

/// `POST` of it.
pub(super) async fn act(deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let id = StaffId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let (staff, origin, by) = (&visit.services.staff, &visit.origin, By::Clerk(&clerk));
    let done = match deed {
        Deed::Suspend => settle(staff.suspend(origin, by, id).await).map(|()| "アカウントを停止しました。".to_owned()),
        Deed::Resume => settle(staff.resume(origin, by, id).await).map(|()| "停止を解きました。".to_owned()),
        Deed::Resend => {
            settle(staff.invite_again(origin, by, id).await).map(|_| mailed(&visit.look, "招待のメールを送りました。"))
        }
        Deed::Reset => match settle(staff.reset_factor(origin, by, id).await) {
            Ok(Asked::Waits(_)) => return Ok(visit.inform(see_other(&format!("{STAFF}/{id}")), WAITS)),
            other => other.map(|_| {
                let said = mailed(&visit.look, "設定し直すためのメールを本人に送りました。");
                format!("2つ目の確認を取り消しました。{said}")
            }),
        },
    };
    match done {
        Ok(said) => Ok(visit.done(see_other(&format!("{STAFF}/{id}")), said)),
        Err(refusal) => refused(&visit, &refusal).await,
    }
}

async fn refused(visit: &Visit, refusal: &Refusal) -> Reply {
    if refusal.is(outcome::NOT_FOUND) {
        return Err(Trouble::NotFound);
    }
    let page = visit.asked_for.split('?').next().unwrap_or_default();
    Ok(visit.form_again(refusal, page, &[]).await)
}
