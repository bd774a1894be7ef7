//! One insurer, as the platform sees it: how it stands; and suspending and resuming it.

use super::{
    HOME,
    insurers::{RosterState, roster_state},
    words,
};
use access::OPERATOR_INSURERS;
use askama::Template;
use audit::Actor;
use kernel::{Field, InsurerCode, Refusal, calendar};
use pages::{Reply, Row, Visit, frame::Frame, reply::see_other, staff, staff_proven, visit::Trouble};
use poem::http::Method;
use staff::Clerk;
use tenancy::{InsurerKind, InsurerState, Order, Shown, StateChange};

const WHY: Field = Field::new("why", "理由");
/// Past changes that are shown.
const REVISIONS: usize = 20;

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let mut rows = vec![staff(
        get.clone(),
        "/operator/insurers/:code",
        "operator.insurer",
        OPERATOR_INSURERS,
        show,
    )];
    for (change, path, asked, done) in [
        (
            Change::Suspend,
            "/operator/insurers/:code/suspend",
            "operator.insurer.suspend",
            "operator.insurer.suspend.submit",
        ),
        (
            Change::Resume,
            "/operator/insurers/:code/resume",
            "operator.insurer.resume",
            "operator.insurer.resume.submit",
        ),
    ] {
        rows.push(staff_proven(
            get.clone(),
            path,
            asked,
            OPERATOR_INSURERS,
            move |visit, _| ask(change, visit),
        ));
        let submitted = staff_proven(post.clone(), path, done, OPERATOR_INSURERS, move |visit, clerk| {
            submit(change, visit, clerk)
        });
        rows.push(submitted.keeping(&["why"]));
    }
    rows
}

/// What is done with an insurer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Suspend,
    Resume,
}

#[derive(Template)]
#[template(path = "console/operator/insurer.html")]
struct InsurerPage {
    frame: Frame,
    name: String,
    code: String,
    kind: &'static str,
    is_sandbox: bool,
    is_open: bool,
    changed: String,
    by: String,
    roster: RosterState,
    path: String,
    revisions: Vec<Revision>,
}

/// A past change of settings.
struct Revision {
    number: i64,
    at: String,
    by: String,
}

#[derive(Template)]
#[template(path = "console/operator/insurer_state.html")]
struct StatePage {
    frame: Frame,
    insurer: String,
    is_suspend: bool,
    path: String,
    back: String,
    why: String,
}

/// `GET /operator/insurers/:code`.
async fn show(visit: Visit, _: Clerk) -> Reply {
    let (code, shown) = found(&visit).await?;
    let head = shown.head;
    let revisions = shown.history.into_iter().take(REVISIONS).map(|revision| Revision {
        number: revision.revision,
        at: calendar::moment(revision.applied_at),
        by: revision.applied_by,
    });
    visit.html(&InsurerPage {
        frame: visit.frame().in_section(HOME),
        kind: kind(head.kind),
        is_sandbox: shown.insurer.is_sandbox,
        is_open: head.state == InsurerState::Open,
        changed: calendar::moment(head.updated_at),
        by: head.applied_by,
        roster: roster_state(&visit, head.tenant_id).await?,
        path: path(&code),
        revisions: revisions.collect(),
        name: head.name,
        code,
    })
}

/// What will be seen of it, before it is done.
async fn ask(change: Change, visit: Visit) -> Reply {
    let (code, shown) = found(&visit).await?;
    let again = visit.again().await;
    visit.html(&StatePage {
        insurer: shown.head.name,
        is_suspend: change == Change::Suspend,
        path: change.path(&code),
        back: path(&code),
        why: again.typed.text("why").to_owned(),
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
    })
}

async fn submit(change: Change, visit: Visit, clerk: Clerk) -> Reply {
    let (code, shown) = found(&visit).await?;
    let why = match words(WHY, visit.form.text("why")) {
        Ok(why) => why,
        Err(error) => {
            let refusal = Refusal::fields(vec![error]);
            return Ok(visit.form_again(&refusal, &change.path(&code), &["why"]).await);
        }
    };
    let order = Order {
        origin: &visit.origin,
        actor: Actor::Platform(clerk.staff_id.0),
        by: &clerk.name,
        why: &why,
    };
    let (database, tenant) = (&visit.services.database, shown.head.tenant_id);
    let changed = match change {
        Change::Suspend => tenancy::suspend(database, visit.now, tenant, order).await?,
        Change::Resume => tenancy::resume(database, visit.now, tenant, order).await?,
    };
    let back = see_other(&path(&code));
    match (changed, change) {
        (StateChange::Unknown, _) => Err(Trouble::NotFound),
        (StateChange::AlreadySo, _) => Ok(visit.inform(back, "すでにその状態でした。何も変わっていません。")),
        (StateChange::Done, Change::Suspend) => Ok(visit.done(back, "停止しました。")),
        (StateChange::Done, Change::Resume) => Ok(visit.done(back, "再開しました。")),
    }
}

impl Change {
    fn path(self, code: &str) -> String {
        let verb = match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        };
        format!("{}/{verb}", path(code))
    }
}

/// An insurer's page.
pub(super) fn path(code: &str) -> String {
    format!("/operator/insurers/{code}")
}

fn kind(kind: InsurerKind) -> &'static str {
    match kind {
        InsurerKind::HealthInsurance => "健康保険組合",
        InsurerKind::MutualAid => "共済組合",
        InsurerKind::NationalHealth => "国民健康保険組合",
        InsurerKind::Platform => "運営",
    }
}

/// The insurer of the address: its code and what is known of it.
async fn found(visit: &Visit) -> Result<(String, Shown), Trouble> {
    let code = InsurerCode::parse(visit.param("code")).map_err(|_| Trouble::NotFound)?;
    let database = &visit.services.database;
    let tenant = tenancy::find(database, &code).await?.ok_or(Trouble::NotFound)?;
    let shown = tenancy::show(database, tenant).await?.ok_or(Trouble::NotFound)?;
    Ok((code.as_str().to_owned(), shown))
}
