//! 失敗した処理 and 届かなかったメール: what died over all insurers, to be tried again or dropped. Of a mail its kind and a masked
//! address are shown, of a job its queue and why it failed.

use access::{OPERATOR_HEALTH, OPERATOR_MAIL};
use askama::Template;
use audit::Actor;
use chrono::DateTime;
use kernel::{InsurerCode, TenantId, calendar, text};
use pages::{
    Reply, Row, Visit,
    frame::Frame,
    kinds,
    reply::see_other,
    staff,
    visit::{Trouble, settle},
};
use poem::http::Method;
use staff::{
    Clerk,
    operate::{After, Deed, dead_jobs, dead_mails, mend},
};
use tenancy::InsurerHead;
use uuid::Uuid;

const JOBS: &str = "/operator/jobs";
const MAILS: &str = "/operator/mails";
/// How the platform is called where an insurer's code stands.
const PLATFORM: &str = "platform";

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let deed = |deed: Deed, path, name, permission| {
        staff(post.clone(), path, name, permission, move |visit, clerk| {
            done(deed, visit, clerk)
        })
    };
    vec![
        staff(get.clone(), JOBS, "operator.jobs", OPERATOR_HEALTH, jobs),
        deed(
            Deed::RetryJob,
            "/operator/jobs/:code/:id/retry",
            "operator.jobs.retry",
            OPERATOR_HEALTH,
        ),
        deed(
            Deed::DropJob,
            "/operator/jobs/:code/:id/drop",
            "operator.jobs.drop",
            OPERATOR_HEALTH,
        ),
        staff(get, MAILS, "operator.mails", OPERATOR_MAIL, mails),
        deed(
            Deed::SendMail,
            "/operator/mails/:code/:id/send",
            "operator.mails.send",
            OPERATOR_MAIL,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/operator/jobs.html")]
struct JobsPage {
    frame: Frame,
    lines: Vec<JobLine>,
    more: Option<String>,
}

/// A job.
struct JobLine {
    insurer: String,
    kind: &'static str,
    /// Its queue: what the log and the metrics call it.
    code: String,
    wanted: String,
    died: String,
    attempts: i32,
    error: String,
    path: String,
}

#[derive(Template)]
#[template(path = "console/operator/mails.html")]
struct MailsPage {
    frame: Frame,
    lines: Vec<MailLine>,
    more: Option<String>,
}

/// A mail.
struct MailLine {
    insurer: String,
    kind: &'static str,
    /// Its message's name: what the log calls it.
    code: String,
    to: String,
    died: String,
    reason: String,
    /// Where it is sent again; none where what it said is erased.
    send: Option<String>,
}

/// `GET /operator/jobs`.
async fn jobs(visit: Visit, _: Clerk) -> Reply {
    let database = &visit.services.database;
    let (dead, next) = dead_jobs(database, after(&visit)).await?;
    let heads = tenancy::list(database).await?;
    let lines = dead.into_iter().map(|(one, job)| {
        let (insurer, code) = whose(&heads, one.tenant_id);
        JobLine {
            insurer,
            wanted: calendar::moment(job.created_at),
            died: calendar::moment(one.died_at),
            attempts: job.attempts,
            error: kinds::failure(&job.last_error.unwrap_or_default()).into_owned(),
            path: format!("{JOBS}/{code}/{}", one.item),
            kind: kinds::work(&one.queue),
            code: one.queue,
        }
    });
    visit.html(&JobsPage {
        lines: lines.collect(),
        more: next.map(|next| more(JOBS, next)),
        frame: visit.frame().in_section(JOBS),
    })
}

/// `GET /operator/mails`.
async fn mails(visit: Visit, _: Clerk) -> Reply {
    let database = &visit.services.database;
    let (dead, next) = dead_mails(database, after(&visit)).await?;
    let heads = tenancy::list(database).await?;
    let lines = dead.into_iter().map(|(one, mail)| {
        let (insurer, code) = whose(&heads, one.tenant_id);
        MailLine {
            insurer,
            kind: kinds::mail(&mail.template),
            code: mail.template,
            to: mail.masked_to,
            died: calendar::moment(one.died_at),
            reason: kinds::failure(&mail.reason.unwrap_or_default()).into_owned(),
            send: mail.lasts.then(|| format!("{MAILS}/{code}/{}/send", one.item)),
        }
    });
    visit.html(&MailsPage {
        lines: lines.collect(),
        more: next.map(|next| more(MAILS, next)),
        frame: visit.frame().in_section(MAILS),
    })
}

/// What a line's button asks for.
async fn done(deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let database = &visit.services.database;
    let tenant = match visit.param("code") {
        PLATFORM => TenantId::PLATFORM,
        code => {
            let code = InsurerCode::parse(code).map_err(|_| Trouble::NotFound)?;
            tenancy::find(database, &code).await?.ok_or(Trouble::NotFound)?
        }
    };
    let item = Uuid::try_parse(visit.param("id")).map_err(|_| Trouble::NotFound)?;
    let by = (&visit.origin, Actor::Platform(clerk.staff_id.0));
    settle(mend(database, visit.now, by, tenant, (deed, item)).await)?;
    let (page, text) = match deed {
        Deed::RetryJob => (JOBS, "もう一度試すことにしました。"),
        Deed::DropJob => (JOBS, "取りやめました。"),
        Deed::SendMail => (MAILS, "もう一度送ることにしました。"),
    };
    Ok(visit.done(see_other(page), text))
}

/// An insurer's name, and its code as addresses have it.
fn whose(heads: &[InsurerHead], tenant: TenantId) -> (String, String) {
    let head = heads.iter().find(|head| head.tenant_id == tenant);
    let code = head.and_then(|head| head.code.as_ref());
    (
        head.map(|head| head.name.clone()).unwrap_or_default(),
        code.map_or(PLATFORM, InsurerCode::as_str).to_owned(),
    )
}

fn more(path: &str, (died_at, item): After) -> String {
    format!("{path}?at={}&after={item}", died_at.timestamp_micros())
}

/// Where the page begins; at the first where the address doesn't say.
fn after(visit: &Visit) -> Option<After> {
    let at = text::number(visit.query.text("at")).and_then(DateTime::from_timestamp_micros)?;
    Some((at, Uuid::try_parse(visit.query.text("after")).ok()?))
}
