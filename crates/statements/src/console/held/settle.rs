//! Saying whose a row is: what would come of it, and then the deed.

use super::{HELD, HOME, Line, id, joined, path, refused, row, write};
use crate::{
    Deliveries,
    desk::Desk,
    held::by_hand::{Settling, would_settle},
};
use askama::Template;
use audit::Look;
use ground::Ground;
use kernel::{Outcome, PersonId, Refusal, calendar};
use pages::{Reply, Visit, frame::Frame, reply::see_other, visit::Trouble};
use roster::{Facts, Protected, Sight, facts};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/statements_held_settle.html")]
struct SettlePage {
    frame: Frame,
    path: String,
    submit: String,
    line: Line,
    person: PersonId,
    number: String,
    name: String,
    relationship: String,
    birth_date: String,
    /// The row says another.
    other_birth_date: bool,
    /// Who is notified.
    principal: String,
    remembers: bool,
}

/// `GET /console/statements/held/:id/settle?person=…`.
pub(super) async fn ask(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let tx = write(&visit, &clerk).await?;
    let row = match row(&tx, &visit, &clerk).await? {
        Ok(row) => row,
        Err(over) => return Ok(over),
    };
    // Behind the proof of a second factor stands what was typed.
    let Some(person) = PersonId::parse(again.or(&visit.query).text("person")) else {
        return Ok(see_other(&path(row.id)));
    };
    let sight = Sight {
        protected: if Desk::of(&clerk, &visit.origin).sees_protected {
            Protected::Seen
        } else {
            Protected::Hidden
        },
        ..super::one::sight(&clerk)
    };
    let Some(Facts { person: found, .. }) = facts(&tx, &sight, person).await? else {
        return Err(Trouble::NotFound);
    };
    let Settling { principal, remembers } = match would_settle(&tx, &row, person).await? {
        Ok(settling) => settling,
        Err(reason) => {
            let refusal = Refusal::from(reason);
            return Ok(visit.form_again(&refusal, &path(row.id), &[]).await);
        }
    };
    let notified = if principal == person {
        "ご本人".to_owned()
    } else {
        let principal = facts(&tx, &sight, principal).await?;
        principal.map_or_else(|| "資格担当へ".to_owned(), |facts| facts.person.called())
    };
    let subjects = [person.0, principal.0];
    let look = Look::list("statements.held.settle", vec![], &subjects);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let birth_date = found.birth_date.date();
    let says = row.says.as_ref().and_then(|says| says.who.birth_date);
    visit.html(&SettlePage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        path: path(row.id),
        submit: format!("{}/settle", path(row.id)),
        line: Line::new(&row, &visit),
        person,
        number: joined([found.symbol.as_str(), found.number.as_str(), found.branch.as_str()]),
        name: found.called(),
        relationship: found.relationship.clone(),
        birth_date: calendar::date_both(birth_date),
        other_birth_date: says.is_some_and(|day| day != birth_date),
        principal: notified,
        remembers,
    })
}

/// `POST /console/statements/held/:id/settle`.
pub(super) async fn submit(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let id = id(&visit)?;
    let person = PersonId::parse(visit.form.text("person")).ok_or(Trouble::NotFound)?;
    let desk = Desk::of(&clerk, &visit.origin);
    let deliveries = Deliveries::new(&ground);
    match deliveries.settle_by_hand(&clerk.insurer, desk, (id, person)).await? {
        Outcome::Done(Settling { remembers: true, .. }) => Ok(visit.done(
            see_other(HELD),
            "行を割り当てました。この記号・番号などは、保留のほかの行でも次の提供分でも、この方の行として扱います。",
        )),
        Outcome::Done(_) => Ok(visit.done(see_other(HELD), "行を割り当てました。")),
        Outcome::Refused(refusal) => refused(&visit, &refusal, &path(id), &[]).await,
    }
}
