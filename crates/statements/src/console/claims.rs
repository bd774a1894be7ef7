//! レセプト: one is sought by its number, looked at, and withdrawn for a reason; what is withdrawn is listed and may be put back.

mod one;
mod struck;

use super::{HOME, with};
use crate::{
    claims::{self, Claim, Place},
    desk::Desk,
    kind::Kind,
    line::code,
    month::Month,
    permissions::STATEMENTS_CORRECT,
    struck::{StrikeReason, Struck},
};
use askama::Template;
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use kernel::{Field, FieldError, Problem, Refusal, StaffId, StruckClaimId, calendar, text};
use pages::{Reply, Row, Visit, frame::Frame, reply::see_other, staff, staff_proven, visit::Trouble};
use poem::http::Method;
use staff::Clerk;
use std::collections::HashMap;
use uuid::Uuid;

/// The search, and what is withdrawn.
const CLAIMS: &str = "/console/statements/claims";

const KIND: Field = Field::new("kind", "種類").or_empty("種類を選んでください");
const CLAIM: Field =
    Field::new("claim", "レセプト番号").takes("レセプト番号は、提供分のファイルのとおりに入力してください");
const MONTH: Field =
    Field::new("month", "診療年月").takes("診療年月は、2026年6月、202606、R0806のように入力してください");
/// The number of no claim.
const NOBODYS: Field = Field::new("claim", "レセプト番号")
    .takes("このレセプト番号と診療年月の明細は、取り込んだ提供分にありません。番号と年月をお確かめください");
/// What of a refused search is shown again.
const FIELDS: [&str; 3] = ["kind", "claim", "month"];

pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let (get, post, may) = (Method::GET, Method::POST, STATEMENTS_CORRECT);
    let (claim, struck) = (
        "/console/statements/claims/:row",
        "/console/statements/claims/struck/:id",
    );
    vec![
        staff(
            get.clone(),
            CLAIMS,
            "console.statements.claims",
            may,
            with(ground, list),
        ),
        staff(
            post.clone(),
            CLAIMS,
            "console.statements.claims.find",
            may,
            with(ground, find),
        ),
        staff(
            get.clone(),
            claim,
            "console.statements.claim",
            may,
            with(ground, one::show),
        ),
        staff_proven(
            post.clone(),
            claim,
            "console.statements.claim.withdraw",
            may,
            with(ground, one::withdraw),
        )
        .keeping(&one::FIELDS),
        staff(
            get,
            struck,
            "console.statements.claims.struck",
            may,
            with(ground, struck::show),
        ),
        staff_proven(
            post,
            struck,
            "console.statements.claims.restore",
            may,
            with(ground, struck::restore),
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/statements_claims.html")]
struct ListPage {
    frame: Frame,
    kinds: [Choice; 2],
    claim: String,
    month: String,
    lines: Vec<Line>,
    more: Option<String>,
}

struct Choice {
    value: &'static str,
    text: &'static str,
    chosen: bool,
}

/// A claim that is withdrawn.
struct Line {
    href: String,
    claim: String,
    kind: &'static str,
    month: String,
    until: String,
    reason: &'static str,
    text: String,
    by: String,
    at: String,
}

impl Line {
    fn new(struck: Struck, names: &HashMap<StaffId, String>) -> Self {
        Self {
            href: struck::path(struck.id),
            claim: struck.claim.key,
            kind: struck.claim.kind.label(),
            month: struck.claim.month.words(),
            until: struck.until.words(),
            reason: struck.reason.map_or("", StrikeReason::label),
            text: struck.text,
            by: names.get(&struck.by).cloned().unwrap_or_default(),
            at: calendar::moment(struck.at),
        }
    }
}

/// `GET /console/statements/claims[?after=…]`.
async fn list(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let after = match visit.query.get("after") {
        None => None,
        Some(text) => Some(StruckClaimId::parse(text).ok_or(Trouble::NotFound)?),
    };
    let tx = write(&visit, &clerk).await?;
    let sees = Desk::of(&clerk, &visit.origin).sees_protected;
    let (found, is_more) = crate::struck::list(&tx, &visit.services.keys, after, sees).await?;
    let by: Vec<StaffId> = found.iter().map(|struck| struck.by).collect();
    let names = staff::names(&tx, &by).await?;
    let subjects: Vec<Uuid> = found.iter().map(|struck| struck.person.0).collect();
    let look = Look::list("statements.struck", vec![], &subjects);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let again = visit.again().await;
    let typed = |name: &str| again.typed.text(name).to_owned();
    let last = found.last().filter(|_| is_more);
    visit.html(&ListPage {
        kinds: Kind::ALL.map(|kind| Choice {
            value: kind.as_str(),
            text: kind.label(),
            chosen: kind.as_str() == again.typed.text("kind"),
        }),
        claim: typed("claim"),
        month: typed("month"),
        more: last.map(|last| format!("{CLAIMS}?after={}", last.id)),
        lines: found.into_iter().map(|struck| Line::new(struck, &names)).collect(),
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
    })
}

/// `POST /console/statements/claims`: the number stands in no address; its page is called by one of its rows.
async fn find(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let claim = match typed(&visit) {
        Ok(claim) => claim,
        Err(errors) => return Ok(visit.form_again(&Refusal::fields(errors), CLAIMS, &FIELDS).await),
    };
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let place = claims::find(&tx, &claim).await?;
    let sees = Desk::of(&clerk, &visit.origin).sees_protected;
    let is_there = !claims::rows(&tx, &claim, sees).await?.is_empty();
    tx.commit().await?;
    if let Some(place) = place.filter(|_| is_there) {
        return Ok(see_other(&path(place)));
    }
    let refusal = Refusal::field(FieldError::new(NOBODYS, Problem::Characters));
    Ok(visit.form_again(&refusal, CLAIMS, &FIELDS).await)
}

fn typed(visit: &Visit) -> Result<Claim, Vec<FieldError>> {
    let form = &visit.form;
    let mut errors = Vec::new();
    let kind = Kind::from_word(form.text("kind")).ok_or(Problem::Empty);
    let kind = FieldError::gather(KIND, kind, &mut errors);
    let typed = form.text("claim");
    let key = match code(typed) {
        Ok(key) if key.is_empty() => Err(Problem::Empty),
        // Of a file its reader has looked.
        Ok(_) if text::has_control(typed) => Err(Problem::Characters),
        Ok(key) => Ok(key),
        Err(_) => Err(Problem::Characters),
    };
    let key = FieldError::gather(CLAIM, key, &mut errors);
    let month = match form.text("month").trim() {
        "" => Err(Problem::Empty),
        text => Month::parse(text).ok_or(Problem::Characters),
    };
    let month = FieldError::gather(MONTH, month, &mut errors);
    match (kind, key, month) {
        (Some(kind), Some(key), Some(month)) => Ok(Claim { kind, month, key }),
        _ => Err(errors),
    }
}

/// A claim's page, by one of its rows.
fn path(place: Place) -> String {
    let month = place.month.first().format("%Y%m");
    format!("{CLAIMS}/{}-{month}-{}", place.delivery, place.line)
}

fn place(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '-');
    Some(Place {
        delivery: parts.next()?.parse().ok()?,
        month: Month::parse(parts.next()?)?,
        line: parts.next()?.parse().ok()?,
    })
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    tenant.write(Durability::Safe).await
}
