//! Numbers of which staff told whose they are. One that was told wrongly is made forgotten.

use super::{HOME, joined, write};
use crate::{
    Deliveries,
    desk::Desk,
    remembered::{self, Remembered},
};
use askama::Template;
use audit::Look;
use chrono::NaiveDate;
use ground::Ground;
use kernel::{Outcome, PersonId, RememberedNumberId, StaffId, calendar};
use pages::{Reply, Visit, frame::Frame, reply::see_other, visit::Trouble};
use staff::Clerk;
use std::collections::HashMap;
use uuid::Uuid;

pub(super) const PATH: &str = "/console/statements/held/remembered";

#[derive(Template)]
#[template(path = "console/statements_remembered.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    more: Option<String>,
}

struct Line {
    id: RememberedNumberId,
    number: String,
    personal_id: String,
    birth_date: String,
    name: String,
    by: String,
    at: String,
}

impl Line {
    fn new(told: &Remembered, people: &HashMap<PersonId, String>, staff: &HashMap<StaffId, String>) -> Self {
        let born: Option<NaiveDate> = told.born.parse().ok();
        Self {
            id: told.remembered_id,
            number: joined([&told.symbol_key, &told.number_key, &told.branch_key]),
            personal_id: told.personal_id.clone(),
            birth_date: born.map(calendar::date_both).unwrap_or_default(),
            name: people.get(&told.person_id).cloned().unwrap_or_default(),
            by: staff.get(&told.told_by).cloned().unwrap_or_default(),
            at: calendar::moment(told.told_at),
        }
    }
}

/// `GET /console/statements/held/remembered[?after=…]`.
pub(super) async fn list(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let after = match visit.query.get("after") {
        None => None,
        Some(text) => Some(RememberedNumberId::parse(text).ok_or(Trouble::NotFound)?),
    };
    let tx = write(&visit, &clerk).await?;
    let sees = Desk::of(&clerk, &visit.origin).sees_protected;
    let (found, is_more) = remembered::list(&tx, after, sees).await?;
    let subjects: Vec<Uuid> = found.iter().map(|told| told.person_id.0).collect();
    let look = Look::list("statements.remembered", vec![], &subjects);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    let people: Vec<PersonId> = found.iter().map(|told| told.person_id).collect();
    let people = roster::people(&tx, &people).await?;
    let people: HashMap<PersonId, String> = people
        .iter()
        .map(|person| (person.person_id, person.called()))
        .collect();
    let by: Vec<StaffId> = found.iter().map(|told| told.told_by).collect();
    let staff = staff::names(&tx, &by).await?;
    tx.commit().await?;
    let last = found.last().filter(|_| is_more);
    visit.html(&ListPage {
        frame: visit.frame().in_section(HOME),
        more: last.map(|last| format!("{PATH}?after={}", last.remembered_id)),
        lines: found.iter().map(|told| Line::new(told, &people, &staff)).collect(),
    })
}

/// `POST /console/statements/held/remembered`.
pub(super) async fn forget(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let id = RememberedNumberId::parse(visit.form.text("number")).ok_or(Trouble::NotFound)?;
    let desk = Desk::of(&clerk, &visit.origin);
    let deliveries = Deliveries::new(&ground);
    let list = see_other(PATH);
    // Twice is once.
    Ok(match deliveries.forget_number(&clerk.insurer, desk, id).await? {
        Outcome::Done(()) => visit.done(
            list,
            "覚えている記号・番号を取り消しました。次の提供分の同じ行は、名簿で決まらなければ保留になります。",
        ),
        Outcome::Refused(_) => visit.inform(
            list,
            "この記号・番号は、すでに取り消されています。何も変更していません。",
        ),
    })
}
