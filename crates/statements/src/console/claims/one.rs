//! A claim: every row of it that is loaded, whose it is, and its withdrawal.

use super::{HOME, Line, path, place, write};
use crate::{
    Deliveries,
    category::Category,
    claims::{self, Claim, Row, persons, until},
    delivery::State,
    desk::Desk,
    drugs,
    kind::Kind,
    month::Month,
    struck::{self, StrikeReason, Wish},
};
use askama::Template;
use audit::Look;
use database::{DatabaseError, TenantTransaction};
use ground::Ground;
use kernel::{Field, FieldError, Outcome, PersonId, Problem, Refusal, StaffId, outcome};
use pages::{Reply, Visit, frame::Frame, reply::see_other, visit::Trouble, words::grouped};
use staff::Clerk;
use std::collections::HashMap;
use uuid::Uuid;

/// Characters that may be said besides the reason.
const MOST: usize = 200;
const REASON: Field = Field::new("reason", "理由").or_empty("理由を選んでください");
const TEXT: Field = Field::new("text", "くわしい事情");
/// What of a refused withdrawal is shown again.
pub(super) const FIELDS: [&str; 3] = ["reason", "text", "until"];

#[derive(Template)]
#[template(path = "console/statements_claim.html")]
struct ClaimPage {
    frame: Frame,
    path: String,
    facts: Facts,
    /// Those withdrawals that hold.
    struck: Vec<Line>,
    /// Up to which label it would be withdrawn, in the address's form and in words.
    until: Option<(String, String)>,
    reasons: [Choice; 4],
    text: String,
}

struct Choice {
    value: &'static str,
    text: &'static str,
    chosen: bool,
}

/// What is shown of a claim.
pub(super) struct Facts {
    pub(super) claim: String,
    pub(super) kind: &'static str,
    pub(super) month: String,
    pub(super) people: Vec<String>,
    pub(super) is_costs: bool,
    pub(super) lines: Vec<RowLine>,
}

/// A row of it.
pub(super) struct RowLine {
    pub(super) delivery: String,
    pub(super) state: &'static str,
    pub(super) what: String,
    pub(super) place: String,
    pub(super) count: i32,
    pub(super) total: String,
    pub(super) copay: String,
    pub(super) standing: &'static str,
}

impl Facts {
    /// What there is of a claim, once the look at whose it is has been recorded. None where there is nothing to be seen.
    pub(super) async fn of(
        tx: &TenantTransaction,
        visit: &Visit,
        clerk: &Clerk,
        claim: &Claim,
    ) -> Result<Option<(Self, Vec<Row>)>, DatabaseError> {
        let sees = Desk::of(clerk, &visit.origin).sees_protected;
        let rows = claims::rows(tx, claim, sees).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let people = persons(&rows);
        let subjects: Vec<Uuid> = people.iter().map(|person| person.0).collect();
        let look = Look::list("statements.claim", vec![], &subjects);
        audit::look(tx, visit.now, &visit.origin, clerk.actor(), look).await?;
        let names = names(tx, &people).await?;
        let codes: Vec<(Month, &str)> = match claim.kind {
            Kind::Costs => Vec::new(),
            Kind::Medicines => rows.iter().map(|row| (claim.month, row.what.as_str())).collect(),
        };
        let known = drugs::of(tx, &codes).await?;
        let line = |row: &Row| RowLine {
            delivery: format!("{}処理分 第{}版の{}行目", row.label.words(), row.version, row.line),
            state: row.state().map_or("", state_words),
            what: match claim.kind {
                Kind::Costs => Category::from_word(&row.what).map_or("", Category::label).to_owned(),
                Kind::Medicines if row.what.is_empty() => String::new(),
                Kind::Medicines => known.name(claim.month, &row.what),
            },
            place: row.place.clone(),
            count: row.count,
            total: grouped(row.total),
            copay: grouped(row.copay),
            standing: standing(row),
        };
        let facts = Self {
            claim: claim.key.clone(),
            kind: claim.kind.label(),
            month: claim.month.words(),
            people: names,
            is_costs: claim.kind == Kind::Costs,
            lines: rows.iter().map(line).collect(),
        };
        Ok(Some((facts, rows)))
    }
}

/// Whose it is, by number and name.
async fn names(tx: &TenantTransaction, people: &[PersonId]) -> Result<Vec<String>, DatabaseError> {
    let people = roster::people(tx, people).await?;
    let name = |person: &roster::Person| {
        let parts = [person.symbol.as_str(), person.number.as_str(), person.branch.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}（{}）", person.called(), parts.join("・"))
    };
    Ok(people.iter().map(name).collect())
}

fn state_words(state: State) -> &'static str {
    match state {
        State::Checked | State::Loading | State::Refused => "",
        State::Ready => "未公開",
        State::Published => "公開中",
        State::Replaced => "前の版",
        State::Withdrawn => "取り下げ",
    }
}

/// Whether a row counts, as soon as its delivery does.
fn standing(row: &Row) -> &'static str {
    if row.struck {
        "この画面で取り下げた"
    } else if row.withdrawn {
        "取消の行"
    } else if row.superseded {
        "後の提供分で訂正された"
    } else if row.state() == Some(State::Published) {
        "表示中"
    } else {
        "表示していない"
    }
}

/// `GET /console/statements/claims/:row`.
pub(super) async fn show(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let place = place(visit.param("row")).ok_or(Trouble::NotFound)?;
    let tx = write(&visit, &clerk).await?;
    let claim = claims::at(&tx, place).await?.ok_or(Trouble::NotFound)?;
    let found = Facts::of(&tx, &visit, &clerk, &claim).await?;
    let (facts, rows) = found.ok_or(Trouble::NotFound)?;
    let struck = struck::of(&tx, &visit.services.keys, &claim).await?;
    let by: Vec<StaffId> = struck.iter().map(|struck| struck.by).collect();
    let staff: HashMap<StaffId, String> = staff::names(&tx, &by).await?;
    tx.commit().await?;
    let until = until(&rows).filter(|until| struck.iter().all(|struck| struck.until < *until));
    let again = visit.again().await;
    let typed = again.typed.text("reason");
    visit.html(&ClaimPage {
        path: path(place),
        facts,
        struck: struck.into_iter().map(|struck| Line::new(struck, &staff)).collect(),
        until: until.map(|until| (until.to_string(), until.words())),
        reasons: StrikeReason::ALL.map(|reason| Choice {
            value: reason.as_str(),
            text: reason.label(),
            chosen: reason.as_str() == typed,
        }),
        text: again.typed.text("text").to_owned(),
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
    })
}

/// `POST /console/statements/claims/:row`.
pub(super) async fn withdraw(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let place = place(visit.param("row")).ok_or(Trouble::NotFound)?;
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let claim = claims::at(&tx, place).await?.ok_or(Trouble::NotFound)?;
    tx.commit().await?;
    let page = path(place);
    let wish = match wish(&visit) {
        Ok(wish) => wish,
        Err(errors) => return Ok(visit.form_again(&Refusal::fields(errors), &page, &FIELDS).await),
    };
    let desk = Desk::of(&clerk, &visit.origin);
    let deliveries = Deliveries::new(&ground);
    match deliveries.strike(&clerk.insurer, desk, (&claim, wish)).await? {
        Outcome::Done(_) => Ok(visit.done(
            see_other(&page),
            "レセプトを取り下げました。表示していた明細は、今から表示しません。",
        )),
        Outcome::Refused(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, &page, &FIELDS).await),
    }
}

fn wish(visit: &Visit) -> Result<Wish<'_>, Vec<FieldError>> {
    let form = &visit.form;
    let mut errors = Vec::new();
    let reason = StrikeReason::from_word(form.text("reason")).ok_or(Problem::Empty);
    let reason = FieldError::gather(REASON, reason, &mut errors);
    let text = form.text("text").trim();
    let text = match text.chars().count() {
        0..=MOST => Ok(text),
        _ => Err(Problem::TooLong { max: MOST }),
    };
    let text = FieldError::gather(TEXT, text, &mut errors);
    // What no page of ours was shown with is another state than any.
    let until = Month::parse(form.text("until")).unwrap_or(Month::of(chrono::NaiveDate::MIN));
    match (reason, text) {
        (Some(reason), Some(text)) => Ok(Wish { until, reason, text }),
        _ => Err(errors),
    }
}
