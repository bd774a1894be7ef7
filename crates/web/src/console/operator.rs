//! The platform's first page: what support is open, and every insurer, found by name or code; and the way in as support.

mod dead;
mod insurer;
mod insurers;
mod maintenance;
mod nodes;

use access::OPERATOR_INSURERS;
use askama::Template;
use insurers::Page;
use kernel::{Field, FieldError, GrantId, InsurerCode, Outage, Problem, StaffId, calendar, text};
use pages::{
    Reply, Row, Visit, cookies,
    frame::Frame,
    reply::{self, see_other},
    staff, staff_proven,
    visit::{Trouble, settle},
};
use poem::http::Method;
use staff::{
    Clerk,
    support::{HOURS, OpenSupport, SupportWish},
};
use std::sync::Arc;
use tenancy::{Insurer, InsurerHead};

const HOME: &str = "/operator/";
/// The longest that is typed beside a deed.
const LONGEST: usize = 500;

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let support = "/operator/insurers/:code/support";
    let own = vec![
        staff(get.clone(), HOME, "operator", OPERATOR_INSURERS, home),
        staff(get, support, "operator.support", OPERATOR_INSURERS, ask),
        staff(
            post.clone(),
            support,
            "operator.support.submit",
            OPERATOR_INSURERS,
            submit,
        ),
        staff_proven(
            post,
            "/operator/support/:grant/enter",
            "operator.support.enter",
            OPERATOR_INSURERS,
            enter,
        ),
    ];
    own.into_iter()
        .chain(insurer::rows())
        .chain(maintenance::rows())
        .chain(dead::rows())
        .chain(nodes::rows())
        .collect()
}

#[derive(Template)]
#[template(path = "console/operator/home.html")]
struct HomePage {
    frame: Frame,
    open: Vec<Open>,
    sought: String,
    page: Page,
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

#[derive(Template)]
#[template(path = "console/operator/support.html")]
struct AskPage {
    frame: Frame,
    insurer: String,
    path: String,
    reason: String,
    hours: [i32; 4],
    chosen: String,
}

/// `GET /operator/`.
async fn home(visit: Visit, clerk: Clerk) -> Reply {
    let sought = visit.query.text("q").to_owned();
    let heads = tenancy::list(&visit.services.database).await?;
    let open = visit.services.staff.open_support().await?;
    let open = open.iter().map(|open| shown(open, &heads, clerk.staff_id)).collect();
    let again = visit.again().await;
    visit.html(&HomePage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        open,
        page: insurers::page(&visit, &sought, visit.query.text("after")).await?,
        sought,
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
async fn ask(visit: Visit, _: Clerk) -> Reply {
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
async fn submit(visit: Visit, clerk: Clerk) -> Reply {
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
async fn enter(visit: Visit, clerk: Clerk) -> Reply {
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

/// What is typed beside a deed: one line or several, no longer than it is read.
fn words(field: Field, typed: &str) -> Result<String, FieldError> {
    let written = text::written(typed);
    let problem = match written.chars().count() {
        0 => Problem::Empty,
        count if count > LONGEST => Problem::TooLong { max: LONGEST },
        _ if text::has_control(&written) => Problem::Characters,
        _ => return Ok(written),
    };
    Err(FieldError::new(field, problem))
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
