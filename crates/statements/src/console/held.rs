//! 保留: rows whose person the roster doesn't know. A clerk finds whose one is, looks at what would come of it, and says so; or
//! drops the row for good.

mod drop;
mod one;
mod remembered;
mod settle;

use super::{HOME, with};
use crate::{
    delivery::DeliveryNo,
    desk::Desk,
    held::waiting::{self, After, Filter, Waiting},
    kind::Kind,
    matching::HeldReason,
    permissions::STATEMENTS_CORRECT,
};
use askama::Template;
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use kernel::{HeldRowId, Refusal, calendar};
use pages::{Reply, Row, Visit, forms::Form, frame::Frame, reply::see_other, staff, staff_proven, visit::Trouble};
use poem::{Response, http::Method};
use staff::Clerk;

/// The list.
const HELD: &str = "/console/statements/held";
/// What this part of the trail calls a look at rows that wait.
const LOOK: &str = "statements.held";

pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let (get, post, may) = (Method::GET, Method::POST, STATEMENTS_CORRECT);
    let (row, settle, drop) = (
        "/console/statements/held/:id",
        "/console/statements/held/:id/settle",
        "/console/statements/held/:id/drop",
    );
    vec![
        staff(get.clone(), HELD, "console.statements.held", may, with(ground, list)),
        staff(
            get.clone(),
            row,
            "console.statements.held.row",
            may,
            with(ground, one::show),
        ),
        staff(
            post.clone(),
            row,
            "console.statements.held.find",
            may,
            with(ground, one::find),
        ),
        staff(
            get.clone(),
            remembered::PATH,
            "console.statements.remembered",
            may,
            with(ground, remembered::list),
        ),
        staff_proven(
            post.clone(),
            remembered::PATH,
            "console.statements.remembered.forget",
            may,
            with(ground, remembered::forget),
        ),
        staff_proven(
            get.clone(),
            settle,
            "console.statements.held.settle",
            may,
            with(ground, settle::ask),
        ),
        staff_proven(
            post.clone(),
            settle,
            "console.statements.held.settle.submit",
            may,
            with(ground, settle::submit),
        )
        .keeping(&["person"]),
        staff_proven(get, drop, "console.statements.held.drop", may, with(ground, drop::ask)),
        staff_proven(
            post,
            drop,
            "console.statements.held.drop.submit",
            may,
            with(ground, drop::submit),
        )
        .keeping(&["reason"]),
    ]
}

#[derive(Template)]
#[template(path = "console/statements_held.html")]
struct ListPage {
    frame: Frame,
    kinds: Vec<Choice>,
    reasons: Vec<Choice>,
    /// Narrowed to one delivery.
    delivery: Option<i32>,
    sees_protected: bool,
    lines: Vec<Line>,
    more: Option<String>,
}

/// What a list may be narrowed to.
struct Choice {
    value: &'static str,
    text: &'static str,
    chosen: bool,
}

/// A row that waits.
struct Line {
    href: String,
    /// Where it stands: delivery and line.
    place: String,
    number: String,
    personal_id: String,
    birth_date: String,
    month: String,
    reason: &'static str,
    since: String,
    /// It does not open: nobody can tell whose it is.
    is_damaged: bool,
}

impl Line {
    fn new(row: &Waiting, visit: &Visit) -> Self {
        let says = row.says.as_ref();
        let who = says.map(|says| &says.who);
        let today = calendar::today_in_japan(visit.now);
        let days = (today - calendar::today_in_japan(row.since)).num_days();
        Self {
            href: path(row.id),
            place: format!(
                "{} {}処理分 第{}版の{}行目",
                row.kind.label(),
                row.label.words(),
                row.version,
                row.line
            ),
            number: who.map_or_else(String::new, |who| {
                let parts = [who.symbol.as_str(), &who.number, &who.branch];
                joined(parts)
            }),
            personal_id: who.map(|who| who.personal_id.clone()).unwrap_or_default(),
            birth_date: who
                .and_then(|who| who.birth_date)
                .map(calendar::date_both)
                .unwrap_or_default(),
            month: says.map(|says| says.month.words()).unwrap_or_default(),
            reason: row.reason.label(),
            since: match days {
                0 => format!("{}（今日）", calendar::moment(row.since)),
                _ => format!("{}（{days}日前）", calendar::moment(row.since)),
            },
            is_damaged: says.is_none(),
        }
    }
}

/// `GET /console/statements/held[?kind=…&reason=…&delivery=…&after=…]`.
async fn list(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let query = &visit.query;
    let filter = Filter {
        kind: Kind::from_word(query.text("kind")),
        delivery: query.text("delivery").parse().ok().map(DeliveryNo),
        reason: HeldReason::from_word(query.text("reason")),
    };
    let after = match query.get("after") {
        None => After::default(),
        Some(text) => place(text).ok_or(Trouble::NotFound)?,
    };
    let tx = write(&visit, &clerk).await?;
    let sees = Desk::of(&clerk, &visit.origin).sees_protected;
    let page = waiting::page(&tx, &visit.services.keys, &filter, after, sees).await?;
    let look = Look::list(LOOK, filters(&filter), &[]);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let again = visit.again().await;
    visit.html(&ListPage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        kinds: Kind::ALL
            .map(|kind| Choice {
                value: kind.as_str(),
                text: kind.label(),
                chosen: filter.kind == Some(kind),
            })
            .into(),
        reasons: HeldReason::ALL
            .map(|reason| Choice {
                value: reason.as_str(),
                text: reason.label(),
                chosen: filter.reason == Some(reason),
            })
            .into(),
        delivery: filter.delivery.map(|delivery| delivery.0),
        sees_protected: sees,
        lines: page.rows.iter().map(|row| Line::new(row, &visit)).collect(),
        more: page.next.map(|next| more(&filter, next)),
    })
}

fn filters(filter: &Filter) -> Vec<&'static str> {
    let set = [
        ("kind", filter.kind.is_some()),
        ("delivery", filter.delivery.is_some()),
        ("reason", filter.reason.is_some()),
    ];
    set.into_iter().filter_map(|(name, set)| set.then_some(name)).collect()
}

fn more(filter: &Filter, next: After) -> String {
    let kind = filter.kind.map(|kind| format!("&kind={kind}"));
    let reason = filter.reason.map(|reason| format!("&reason={}", reason.as_str()));
    let delivery = filter.delivery.map(|delivery| format!("&delivery={}", delivery.0));
    let narrowed: String = [kind, reason, delivery].into_iter().flatten().collect();
    format!("{HELD}?after={}-{}{narrowed}", next.delivery, next.line)
}

fn place(text: &str) -> Option<After> {
    let (delivery, line) = text.split_once('-')?;
    Some(After {
        delivery: delivery.parse().ok()?,
        line: line.parse().ok()?,
    })
}

fn joined(parts: [&str; 3]) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("・")
}

/// A row's page.
fn path(id: HeldRowId) -> String {
    format!("{HELD}/{id}")
}

fn id(visit: &Visit) -> Result<HeldRowId, Trouble> {
    HeldRowId::parse(visit.param("id")).ok_or(Trouble::NotFound)
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    tenant.write(Durability::Safe).await
}

/// The row of the address. Of one that waits no longer the answer, which leads to the list.
async fn row(tx: &TenantTransaction, visit: &Visit, clerk: &Clerk) -> Result<Result<Waiting, Response>, Trouble> {
    let sees = Desk::of(clerk, &visit.origin).sees_protected;
    match waiting::one(tx, &visit.services.keys, id(visit)?, sees).await? {
        None => Err(Trouble::NotFound),
        Some(waiting::Found::Waiting(row)) => Ok(Ok(*row)),
        Some(waiting::Found::Over) => {
            let over = "この行は、もう保留ではありません。ほかの職員か自動の照合が処理したか、提供分が新しい版に替わりました。";
            Ok(Err(visit.inform(see_other(HELD), over)))
        }
    }
}

/// Leads back to a page that says what was refused; whatever is not there has none.
async fn refused(visit: &Visit, refusal: &Refusal, page: &str, kept: &[&str]) -> Reply {
    if refusal.is(kernel::outcome::NOT_FOUND) {
        return Err(Trouble::NotFound);
    }
    let page = if refusal.is(crate::reasons::by_hand::HELD_OVER) {
        HELD
    } else {
        page
    };
    Ok(visit.form_again(refusal, page, kept).await)
}

/// What a page typed once more shows.
fn typed(form: &Form, name: &str) -> String {
    form.text(name).to_owned()
}
