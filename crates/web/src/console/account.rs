//! アカウント: who one is here and what one may do, one's second factors, where one is logged in, and one's log-ins of late.

use crate::portal::device::device;
use access::Reach;
use askama::Template;
use kernel::{FactorId, Outcome, Refusal, SessionId, calendar, outcome};
use pages::{
    Reply, Visit, cookies,
    frame::{Errors, Frame},
    reply::{self, see_other},
    visit::{Trouble, settle},
    words,
};
use serde::{Deserialize, Serialize};
use staff::{Clerk, FactorView, LogIn, LogInEnd, OwnSession, PASSWORD_RULE, reasons};

/// Where everything here leads back to.
pub(super) const ACCOUNT: &str = "/console/account";
const PASSWORD: &str = "/console/account/password";
const CODES: &str = "/console/account/codes";

#[derive(Template)]
#[template(path = "console/account.html")]
struct AccountPage {
    frame: Frame,
    name: String,
    email: String,
    roles: String,
    reach: String,
    factors: Vec<FactorLine>,
    codes_left: usize,
    sessions: Vec<SessionLine>,
    others: usize,
    log_ins: Vec<LogInLine>,
}

struct FactorLine {
    label: String,
    kind: &'static str,
    created_at: String,
    last_used_at: String,
    path: String,
}

impl FactorLine {
    fn new(factor: &FactorView) -> Self {
        let used = factor.last_used_at;
        Self {
            label: factor.label.clone(),
            kind: factor.kind.label(),
            created_at: calendar::moment(factor.created_at),
            last_used_at: used.map_or_else(|| "まだありません".into(), calendar::moment),
            path: path_of(factor.id),
        }
    }
}

struct SessionLine {
    is_current: bool,
    device: String,
    opened_at: String,
    last_seen_at: String,
    address: Option<String>,
    end_path: String,
}

impl SessionLine {
    fn new(session: OwnSession) -> Self {
        Self {
            is_current: session.is_current,
            device: device(&session.agent),
            opened_at: calendar::moment(session.opened_at),
            last_seen_at: calendar::moment(session.last_seen_at),
            address: session.address,
            end_path: format!("{ACCOUNT}/sessions/{}/end", session.id),
        }
    }
}

struct LogInLine {
    at: String,
    end: &'static str,
    address: String,
    device: String,
}

impl LogInLine {
    fn new(log_in: LogIn) -> Self {
        Self {
            at: calendar::moment(log_in.at),
            end: match log_in.end {
                LogInEnd::Done => "ログインしました",
                LogInEnd::WrongPassword => "パスワードが違いました",
                LogInEnd::WrongFactor => "2つ目の確認ができませんでした",
                LogInEnd::Refused => "受け付けませんでした",
            },
            address: log_in.address.unwrap_or_default(),
            device: log_in.agent.as_deref().map(device).unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "console/account_factor.html")]
struct FactorPage {
    frame: Frame,
    factor: FactorLine,
    /// What was typed as its new name.
    typed: String,
    rename_path: String,
    remove_path: String,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "console/account_password.html")]
struct PasswordPage {
    frame: Frame,
    email: String,
    rule: String,
}

#[derive(Template)]
#[template(path = "console/codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Option<Vec<String>>,
    name: String,
    email: String,
    made_on: String,
}

/// `GET /console/account`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let staff = &visit.services.staff;
    let (factors, account) = (staff.factors(&clerk).await?, staff.own_account(&clerk).await?);
    let labels: Vec<_> = clerk.roles.iter().map(|role| role.label()).collect();
    visit.html(&AccountPage {
        frame: visit.frame().with_errors(errors(&visit).await),
        roles: if labels.is_empty() {
            "まだありません".into()
        } else {
            labels.join("・")
        },
        reach: reach(&clerk.reach),
        factors: factors.kept.iter().map(FactorLine::new).collect(),
        codes_left: factors.codes_left,
        others: account.sessions.iter().filter(|session| !session.is_current).count(),
        sessions: account.sessions.into_iter().map(SessionLine::new).collect(),
        log_ins: account.log_ins.into_iter().map(LogInLine::new).collect(),
        name: clerk.name,
        email: clerk.email,
    })
}

/// `GET /console/account/factors/:id`.
pub(super) async fn factor(visit: Visit, clerk: Clerk) -> Reply {
    let id = FactorId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let factors = visit.services.staff.factors(&clerk).await?;
    let found = factors
        .kept
        .iter()
        .find(|factor| factor.id == id)
        .ok_or(Trouble::NotFound)?;
    if !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_before(&path_of(id)));
    }
    let again = visit.again().await;
    let typed = again.typed.get("label").unwrap_or(&found.label).to_owned();
    visit.html(&FactorPage {
        frame: visit.frame().with_errors(again.errors),
        factor: FactorLine::new(found),
        typed,
        rename_path: format!("{}/rename", path_of(id)),
        remove_path: format!("{}/remove", path_of(id)),
        is_last: factors.kept.len() == 1,
    })
}

/// `POST /console/account/factors/:id/rename`.
pub(super) async fn rename(visit: Visit, clerk: Clerk) -> Reply {
    let id = FactorId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let staff = &visit.services.staff;
    let renamed = staff
        .rename_factor(&visit.origin, &clerk, id, visit.form.text("label"))
        .await;
    changed(&visit, &path_of(id), settle(renamed), "名前を変更しました。").await
}

/// `POST /console/account/factors/:id/remove`.
pub(super) async fn remove(visit: Visit, clerk: Clerk) -> Reply {
    let id = FactorId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let removed = visit.services.staff.remove_factor(&visit.origin, &clerk, id).await;
    changed(&visit, &path_of(id), settle(removed), "登録を解除しました。").await
}

/// `POST /console/account/codes`: a new list.
pub(super) async fn make_codes(visit: Visit, clerk: Clerk) -> Reply {
    let page = "/console/enrol/codes";
    match settle(visit.services.staff.make_codes(&visit.origin, &clerk).await) {
        Ok(codes) => {
            let shown = Printed {
                session: clerk.session.id,
                codes,
            };
            Ok(visit.remember(see_other(CODES), cookies::PRINTED, &shown, cookies::PRINTED_SECONDS))
        }
        Err(refusal) if refusal.is(reasons::PROOF_NEEDED) => Ok(visit.prove_before(page)),
        Err(refusal) => Ok(visit.form_again(&refusal, page, &[]).await),
    }
}

/// A list that was just made, on its way to the page that shows it once: sealed in the browser, so that looking at it changes
/// nothing here.
#[derive(Serialize, Deserialize)]
struct Printed {
    session: SessionId,
    codes: Vec<String>,
}

/// `GET /console/account/codes`: the list that was just made, once. Who only asks whether the page is there does not look.
pub(super) async fn codes(visit: Visit, clerk: Clerk) -> Reply {
    let shown: Option<Printed> = visit.recall(cookies::PRINTED);
    let shown = shown.filter(|shown| shown.session == clerk.session.id);
    let page = visit.html(&CodesPage {
        frame: visit.frame(),
        codes: shown.map(|shown| shown.codes),
        name: clerk.name,
        email: clerk.email,
        made_on: calendar::moment(visit.now),
    })?;
    Ok(if visit.is_head {
        page
    } else {
        reply::with_cookie(page, cookies::clear(cookies::PRINTED))
    })
}

/// `GET /console/account/password`.
pub(super) async fn password(visit: Visit, clerk: Clerk) -> Reply {
    let errors = visit.again().await.errors;
    visit.html(&PasswordPage {
        frame: visit
            .frame()
            .with_errors(errors.labelled(&staff::fields::PASSWORD, "新しいパスワード")),
        email: clerk.email,
        rule: words::password_rule(PASSWORD_RULE.minimum_length),
    })
}

/// `POST /console/account/password`.
pub(super) async fn change_password(visit: Visit, clerk: Clerk) -> Reply {
    let (current, new) = (visit.form.text("current_password"), visit.form.text("password"));
    let changed = visit
        .services
        .staff
        .change_password(&visit.origin, &clerk, current, new)
        .await;
    match settle(changed) {
        Ok(token) => {
            let response = visit.done(
                see_other(ACCOUNT),
                "パスワードを変更しました。ほかの機器は、安全のためログアウトしました。",
            );
            Ok(reply::with_cookie(
                response,
                cookies::set_strict(cookies::CONSOLE, &token.reveal()),
            ))
        }
        Err(refusal) if refusal.is(reasons::CONSOLE_SESSION_ENDED) => Ok(visit.to_console_log_in()),
        Err(refusal) => Ok(visit.form_again(&refusal, PASSWORD, &[]).await),
    }
}

/// `POST /console/account/sessions/:id/end`.
pub(super) async fn end_session(visit: Visit, clerk: Clerk) -> Reply {
    let id = SessionId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    match visit.services.staff.end_own_session(&visit.origin, &clerk, id).await? {
        Outcome::Done(()) => Ok(visit.done(see_other(ACCOUNT), "選んだ機器をログアウトしました。")),
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, ACCOUNT, &[]).await),
    }
}

/// `POST /console/account/sessions/end-others`.
pub(super) async fn end_others(visit: Visit, clerk: Clerk) -> Reply {
    let ended = visit.services.staff.end_other_sessions(&visit.origin, &clerk).await?;
    let text = match ended {
        0 => "ほかにログインしている機器はありませんでした。".to_owned(),
        ended => format!("ほかの機器（{ended}台）をログアウトしました。"),
    };
    Ok(visit.done(see_other(ACCOUNT), text))
}

async fn changed(visit: &Visit, page: &str, changed: Result<(), Refusal>, said: &str) -> Reply {
    match changed {
        Ok(()) => Ok(visit.done(see_other(ACCOUNT), said)),
        Err(refusal) if refusal.is(reasons::PROOF_NEEDED) => Ok(visit.prove_first(page, &["label"]).await),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => Ok(visit.form_again(&refusal, page, &["label"]).await),
    }
}

/// What a button of the page was refused for: the list as it is now says it best.
async fn errors(visit: &Visit) -> Errors {
    let again = visit.again().await;
    if again.is(outcome::NOT_FOUND) {
        return Errors::of_form(
            "その機器は、今はログインしていません",
            "すでにログアウトしています。下の一覧が、今ログインしている機器です。",
        );
    }
    again.errors
}

fn path_of(id: FactorId) -> String {
    format!("{ACCOUNT}/factors/{id}")
}

fn reach(reach: &Reach) -> String {
    let Reach::Workplaces { symbols, codes } = reach else {
        return "この保険者の全員".into();
    };
    let named = |what: &str, values: &[String]| format!("{what}が {} の方", values.join("、"));
    let parts = [("記号", symbols), ("事業所コード", codes)];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(what, values)| named(what, values))
        .collect();
    if parts.is_empty() {
        "まだ決められていません".into()
    } else {
        parts.join("と、")
    }
}
