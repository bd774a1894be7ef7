//! The platform's first page: what support is open, and every insurer, found by name or code; and the way in as support.

use askama::Template;
use kernel::{GrantId, InsurerCode, Outage, StaffId, calendar, text};
use pages::{
    Reply, Visit, cookies,
    frame::Frame,
    reply::{self, see_other},
    visit::{Trouble, settle},
};
use staff::{
    Clerk,
    support::{HOURS, OpenSupport, SupportWish},
};
use std::sync::Arc;
use tenancy::{Insurer, InsurerHead, InsurerState};

const HOME: &str = "/operator/";
/// Insurers that are listed at once.
const LISTED: usize = 50;

#[derive(Template)]
#[template(path = "console/operator_home.html")]
struct HomePage {
    frame: Frame,
    open: Vec<Open>,
    sought: String,
    insurers: Vec<Line>,
    found: usize,
}

/// A wish or grant.
struct Open {
    insurer: String,
    asked_at: String,
    until: Option<String>,
    /// Where its own operator comes in.
    enter: Option<String>,
    is_own: bool,
}

/// An insurer.
struct Line {
    name: String,
    code: String,
    is_open: bool,
    support: String,
}

#[derive(Template)]
#[template(path = "console/operator_support.html")]
struct AskPage {
    frame: Frame,
    insurer: String,
    path: String,
    reason: String,
    hours: [i32; 4],
    chosen: String,
}

/// `GET /operator/`.
pub(super) async fn home(visit: Visit, clerk: Clerk) -> Reply {
    let sought = visit.query.text("q").to_owned();
    let heads = tenancy::list(&visit.services.database).await?;
    let found: Vec<Line> = heads.iter().filter_map(|head| line(head, &sought)).collect();
    let open = visit.services.staff.open_support().await?;
    let open = open.iter().map(|open| shown(open, &heads, clerk.staff_id)).collect();
    visit.html(&HomePage {
        frame: visit.frame().in_section(HOME),
        open,
        sought,
        found: found.len(),
        insurers: found.into_iter().take(LISTED).collect(),
    })
}

/// An insurer whose name holds, or whose code begins with, what is sought; the platform itself is none.
fn line(head: &InsurerHead, sought: &str) -> Option<Line> {
    let code = head.code.as_ref()?.as_str();
    let sought = text::normalize(sought);
    let fits = text::normalize(&head.name).contains(&sought) || code.starts_with(&sought);
    fits.then(|| Line {
        name: head.name.clone(),
        code: code.to_owned(),
        is_open: head.state == InsurerState::Open,
        support: ask_path(code),
    })
}

fn shown(open: &OpenSupport, heads: &[InsurerHead], operator: StaffId) -> Open {
    let head = heads.iter().find(|head| head.tenant_id == open.tenant_id);
    let is_own = open.operator_id == operator;
    let enters = is_own && open.ends_at.is_some();
    Open {
        insurer: head.map(|head| head.name.clone()).unwrap_or_default(),
        asked_at: calendar::moment(open.asked_at),
        until: open.ends_at.map(calendar::moment),
        enter: enters.then(|| format!("/operator/support/{}/enter", open.grant_id)),
        is_own,
    }
}

/// `GET /operator/insurers/:code/support`.
pub(super) async fn ask(visit: Visit, _: Clerk) -> Reply {
    let (insurer, path) = insurer(&visit).await?;
    let again = visit.again().await;
    visit.html(&AskPage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        insurer: insurer.name.clone(),
        path,
        reason: again.typed.text("reason").to_owned(),
        hours: HOURS,
        chosen: again.typed.text("hours").to_owned(),
    })
}

/// `POST /operator/insurers/:code/support`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    let (insurer, path) = insurer(&visit).await?;
    let wish = SupportWish {
        reason: visit.form.text("reason").to_owned(),
        hours: visit.form.text("hours").to_owned(),
    };
    let staff = &visit.services.staff;
    match settle(staff.ask_for_support(&visit.origin, &clerk, &insurer, &wish).await) {
        Ok(_) => Ok(visit.done(
            see_other(HOME),
            "依頼しました。管理者が許可すると、このページから入れます。",
        )),
        Err(refusal) if refusal.fields.is_empty() => Err(refusal.into()),
        Err(refusal) => Ok(visit.form_again(&refusal, &path, &["reason", "hours"]).await),
    }
}

/// `POST /operator/support/:grant/enter`: from here on the browser is support's; the operator's own session waits beside it.
pub(super) async fn enter(visit: Visit, clerk: Clerk) -> Reply {
    let grant = GrantId::parse(visit.param("grant")).ok_or(Trouble::NotFound)?;
    let staff = &visit.services.staff;
    let entered = staff.enter_support(&visit.origin, &clerk, grant, &visit.agent).await;
    match settle(entered) {
        Ok(support) => {
            let support = support.reveal();
            let response = see_other("/console/");
            let response = match visit.console_session() {
                Some(own) => reply::with_cookie(response, cookies::operator(&own.reveal(), &support)),
                None => response,
            };
            Ok(reply::with_cookie(
                response,
                cookies::set_strict(cookies::CONSOLE, &support),
            ))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn ask_path(code: &str) -> String {
    format!("/operator/insurers/{code}/support")
}

/// The insurer of the address, and the address as it is written.
async fn insurer(visit: &Visit) -> Result<(Arc<Insurer>, String), Trouble> {
    let code = InsurerCode::parse(visit.param("code")).map_err(|_| Trouble::NotFound)?;
    let directory = visit.services.accounts.directory();
    let found = directory.by_code(&code).await.map_err(Outage::from)?;
    let found = found.ok_or(Trouble::NotFound)?;
    Ok((found, ask_path(code.as_str())))
}
