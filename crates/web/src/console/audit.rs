//! 監査記録: who did what to whom, when, from where; who saw a person; and all of it as a file. The trail's own pages are looks,
//! too: each is a line.
//!
//! What a line says of a protected person is theirs: without members.protect a person who is protected is named and no more,
//! and from which address members came is shown to nobody who may not see how they are reached.

mod file;
mod filter;
mod line;
mod person;
pub(super) mod words;

use ::staff::{Clerk, reasons};
use access::{AUDIT_EXPORT, AUDIT_VIEW, MEMBERS_PROTECT, Reach};
use askama::Template;
use audit::{Look, read, read::Recorded};
use database::{DatabaseError, Durability, TenantTransaction};
use filter::Narrowed;
use kernel::{AuditId, ClientId, Refusal, StaffId};
use line::Line;
use pages::{
    Reply, Row, Visit,
    frame::{Errors, Frame},
    staff, staff_proven,
    visit::Trouble,
};
use poem::http::Method;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const AUDIT: &str = "/console/audit";
/// Lines of a page.
const PER_PAGE: usize = 50;
/// Colleagues that the form lists; each name in the trail leads to their lines, too.
const COLLEAGUES: i64 = 100;

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    vec![
        staff(get.clone(), AUDIT, "console.audit", AUDIT_VIEW, show),
        staff(post.clone(), AUDIT, "console.audit.find", AUDIT_VIEW, person::find),
        staff_proven(
            get.clone(),
            "/console/audit/file",
            "console.audit.file",
            AUDIT_EXPORT,
            file::ask,
        ),
        staff_proven(
            post,
            "/console/audit/file",
            "console.audit.file.submit",
            AUDIT_EXPORT,
            file::submit,
        )
        .keeping(&["person", "looks", "staff", "action", "from", "until"]),
        staff(
            get,
            "/console/audit/lines/:id",
            "console.audit.line",
            AUDIT_VIEW,
            line::show,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct ListPage {
    frame: Frame,
    narrowed: Narrowed,
    /// As typed.
    from: String,
    until: String,
    symbol: String,
    number: String,
    colleagues: Vec<(String, String, bool)>,
    actions: Vec<(&'static str, &'static str, bool)>,
    lines: Vec<Line>,
    more: Option<String>,
    file: Option<String>,
}

/// `GET /console/audit`.
async fn show(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let again = visit.again().await;
    let (symbol, number) = (
        again.typed.text("symbol").to_owned(),
        again.typed.text("number").to_owned(),
    );
    let tx = write(&visit, &clerk).await?;
    let narrowed = match Narrowed::read(&visit, &clerk, &tx, &visit.query).await? {
        Ok(narrowed) => narrowed,
        Err(veiled) => return person::veiled(&visit, &clerk, tx, veiled).await,
    };
    let before = AuditId::parse(visit.query.text("before"));
    let limit = i64::try_from(PER_PAGE).unwrap_or_default() + 1;
    let mut found = read::list(&tx, &narrowed.filter, before, limit).await?;
    let is_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    look(&visit, &clerk, &tx, &narrowed).await?;
    let names = Names::of(&tx, &found).await?;
    let colleagues = colleagues(&tx, narrowed.filter.actor).await?;
    tx.commit().await?;
    let last = found.last().filter(|_| is_more);
    let mut frame = visit.frame().in_section(AUDIT);
    if again.is_refused() {
        frame = frame.with_errors(again.errors);
    } else if !narrowed.errors.is_empty() {
        let refusal = Refusal::fields(narrowed.errors.clone());
        frame = frame.with_errors(Errors::new(&refusal, visit.now));
    }
    visit.html(&ListPage {
        frame,
        from: visit.query.text("from").to_owned(),
        until: visit.query.text("until").to_owned(),
        symbol,
        number,
        colleagues,
        actions: words::ACTIONS
            .iter()
            .map(|(action, words)| (*action, *words, narrowed.filter.action.as_deref() == Some(*action)))
            .collect(),
        lines: found.iter().map(|found| Line::new(found, &names, &clerk)).collect(),
        more: last.map(|last| format!("{AUDIT}?{}before={}", narrowed.query(), last.audit_id)),
        file: clerk
            .may(AUDIT_EXPORT)
            .then(|| format!("{AUDIT}/file?{}", narrowed.query())),
        narrowed,
    })
}

/// The trail is the whole insurer's.
fn over_all(clerk: &Clerk) -> Result<(), Trouble> {
    if clerk.reach == Reach::All {
        Ok(())
    } else {
        Err(reasons::NOT_PERMITTED.into())
    }
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, Trouble> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    Ok(tenant.write(Durability::Safe).await?)
}

/// Whoever reads the trail stands in it, with the person whose lines are read.
async fn look(visit: &Visit, clerk: &Clerk, tx: &TenantTransaction, narrowed: &Narrowed) -> Result<(), Trouble> {
    let subjects: Vec<Uuid> = narrowed.filter.about.iter().map(|about| about.person).collect();
    let look = Look::list("audit", narrowed.names(), &subjects);
    audit::look(tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    Ok(())
}

/// How the colleagues and the programs of lines are called; a program also after it was shut out for good.
struct Names {
    staff: HashMap<StaffId, String>,
    clients: HashMap<ClientId, String>,
}

impl Names {
    /// Those of these lines, of each kind by one statement.
    async fn of(tx: &TenantTransaction, lines: &[Recorded]) -> Result<Self, DatabaseError> {
        let staff: Vec<StaffId> = named(lines, "staff").into_iter().map(StaffId).collect();
        let clients: Vec<ClientId> = named(lines, "client").into_iter().map(ClientId).collect();
        Ok(Self {
            staff: ::staff::names(tx, &staff).await?,
            clients: clients::names(tx, &clients).await?,
        })
    }
}

/// Whoever of a kind did something in these lines, or had it done to them.
fn named(lines: &[Recorded], kind: &str) -> Vec<Uuid> {
    let actors = lines.iter().filter(|line| line.actor_kind == kind);
    let actors = actors.filter_map(|line| line.actor_id);
    let objects = lines.iter().filter(|line| line.object_kind.as_deref() == Some(kind));
    let objects = objects.filter_map(|line| line.object_id);
    let mut ids: Vec<Uuid> = actors.chain(objects).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Whom of those by whom or to whom something was done the clerk may know no more of than that it was done: who is protected, by
/// their own id and those of their accounts.
async fn veiled(tx: &TenantTransaction, clerk: &Clerk, lines: &[Recorded]) -> Result<HashSet<Uuid>, DatabaseError> {
    if clerk.may(MEMBERS_PROTECT) {
        return Ok(HashSet::new());
    }
    accounts::for_staff::veiled(tx, lines).await
}

/// Whose lines can be chosen, with who is.
async fn colleagues(
    tx: &TenantTransaction,
    chosen: Option<Uuid>,
) -> Result<Vec<(String, String, bool)>, DatabaseError> {
    let mut colleagues = ::staff::to_choose_from(tx, COLLEAGUES).await?;
    if let Some(chosen) = chosen
        .map(StaffId)
        .filter(|id| colleagues.iter().all(|(known, _)| known != id))
    {
        colleagues.extend(::staff::names(tx, &[chosen]).await?);
    }
    let option = |(id, name): (StaffId, String)| (id.to_string(), name, Some(id.0) == chosen);
    Ok(colleagues.into_iter().map(option).collect())
}
