//! 運営サポート: administrators see who of the platform asks to be let in, grant it for hours, decline it, and end it.

use askama::Template;
use kernel::{GrantId, calendar};
use pages::{
    Reply, Visit, cookies,
    frame::Frame,
    reply::{self, see_other},
    visit::{Trouble, settle},
};
use poem::Response;
use staff::{
    Clerk, reasons,
    support::{HOURS, SupportGrant, SupportState},
};

/// Where everything here leads back to.
const SUPPORT: &str = "/console/support";

#[derive(Template)]
#[template(path = "console/support.html")]
struct SupportPage {
    frame: Frame,
    asked: Vec<Line>,
    on: Vec<Line>,
    over: Vec<Line>,
}

#[derive(Template)]
#[template(path = "console/support_grant.html")]
struct GrantPage {
    frame: Frame,
    line: Line,
    hours: [i32; 4],
    chosen: String,
}

/// A wish or grant in words.
struct Line {
    path: String,
    /// Where it is granted.
    grant: String,
    /// Where it is declined or ended.
    stop: String,
    operator: String,
    reason: String,
    hours: i32,
    asked_at: String,
    until: String,
    end: String,
}

impl Line {
    fn new(grant: &SupportGrant) -> Self {
        Self {
            path: path(grant.grant_id),
            grant: format!("{}/grant", path(grant.grant_id)),
            stop: format!("{}/end", path(grant.grant_id)),
            operator: grant.operator_name.clone(),
            reason: grant.reason.clone(),
            hours: grant.hours_wished.unwrap_or_default(),
            asked_at: calendar::moment(grant.asked_at),
            until: grant.ends_at.map(calendar::moment).unwrap_or_default(),
            end: ended(grant),
        }
    }
}

/// How it came to an end.
fn ended(grant: &SupportGrant) -> String {
    let at = grant.ended_at.map(calendar::moment).unwrap_or_default();
    match grant.ended_for.as_deref() {
        Some("declined") => format!("{at} に断りました"),
        Some("administrator") => format!("{at} に管理者が終わらせました"),
        Some("operator") => format!("{at} に運営の担当者が終えました"),
        Some("account") => format!("{at} に運営の担当者が使えなくなったため終わりました"),
        _ if grant.granted_at.is_some() => "許可した時間が過ぎました".to_owned(),
        _ => "返事がないまま7日が過ぎました".to_owned(),
    }
}

fn path(grant: GrantId) -> String {
    format!("{SUPPORT}/{grant}")
}

/// `GET /console/support`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let grants = visit.services.staff.support_grants(&clerk).await?;
    let lines = |wanted: fn(SupportState) -> bool| {
        let fitting = grants.iter().filter(|grant| wanted(grant.state(visit.now)));
        fitting.map(Line::new).collect()
    };
    visit.html(&SupportPage {
        frame: visit.frame().in_section(SUPPORT),
        asked: lines(|state| state == SupportState::Asked),
        on: lines(|state| matches!(state, SupportState::On(_))),
        over: lines(|state| state == SupportState::Over),
    })
}

/// `GET /console/support/:grant`: what is asked for, and for how long it may be granted.
pub(super) async fn one(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    let found = visit.services.staff.support_grant(&clerk, id).await?;
    let found = found.ok_or(Trouble::NotFound)?;
    if found.state(visit.now) != SupportState::Asked {
        return Ok(see_other(SUPPORT));
    }
    let again = visit.again().await;
    let is_refused = again.is_refused();
    let wished = found.hours_wished.map(|hours| hours.to_string());
    visit.html(&GrantPage {
        frame: visit.frame().in_section(SUPPORT).with_errors(again.errors),
        chosen: if is_refused {
            again.typed.text("hours").to_owned()
        } else {
            wished.unwrap_or_default()
        },
        line: Line::new(&found),
        hours: HOURS,
    })
}

/// `POST /console/support/:grant/grant`.
pub(super) async fn grant(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    let hours = visit.form.text("hours");
    match settle(
        visit
            .services
            .staff
            .grant_support(&visit.origin, &clerk, id, hours)
            .await,
    ) {
        Ok(()) => Ok(visit.done(see_other(SUPPORT), "サポートを許可しました。")),
        Err(refusal) if refusal.fields.is_empty() => Err(refusal.into()),
        Err(refusal) => Ok(visit.form_again(&refusal, &path(id), &["hours"]).await),
    }
}

/// `POST /console/support/:grant/end`: declines what waits, ends what is granted.
pub(super) async fn end(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit)?;
    match settle(visit.services.staff.end_support(&visit.origin, &clerk, id).await) {
        Ok(()) => Ok(visit.done(see_other(SUPPORT), "終わらせました。この許可では、もう入れません。")),
        Err(refusal) => Err(refusal.into()),
    }
}

/// `POST /console/support/leave`: support ends its own work, and its browser is the operator's again.
pub(super) async fn leave(visit: Visit, clerk: Clerk) -> Reply {
    if clerk.support.is_none() {
        return Err(reasons::NOT_PERMITTED.into());
    }
    visit.services.staff.leave_support(&visit.origin, &clerk).await?;
    let response = visit.done(see_other("/operator/"), "サポートを終えました。");
    Ok(as_operator(&visit, response))
}

/// The operator's own session is the browser's again, where it is kept.
fn as_operator(visit: &Visit, response: Response) -> Response {
    let own = match visit.operator_session() {
        Some(own) => cookies::set_strict(cookies::CONSOLE, &own.reveal()),
        None => cookies::clear(cookies::CONSOLE),
    };
    let response = reply::with_cookie(response, own);
    reply::with_cookie(response, cookies::clear(cookies::OPERATOR))
}

fn asked(visit: &Visit) -> Result<GrantId, Trouble> {
    GrantId::parse(visit.param("grant")).ok_or(Trouble::NotFound)
}
