//! Dropping a row for good, for a reason.

use super::{HELD, HOME, LOOK, Line, path, refused, row, write};
use crate::{Deliveries, desk::Desk, held::by_hand::DropReason};
use askama::Template;
use audit::Look;
use ground::Ground;
use kernel::{Field, FieldError, Outcome, Problem, Refusal};
use pages::{Reply, Visit, frame::Frame, reply::see_other};
use staff::Clerk;

const REASON: Field = Field::new("reason", "理由").or_empty("理由を選んでください");

#[derive(Template)]
#[template(path = "console/statements_held_drop.html")]
struct DropPage {
    frame: Frame,
    path: String,
    submit: String,
    line: Line,
    reasons: [Choice; 4],
}

struct Choice {
    value: &'static str,
    text: &'static str,
    chosen: bool,
}

/// `GET /console/statements/held/:id/drop`.
pub(super) async fn ask(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = write(&visit, &clerk).await?;
    let row = match row(&tx, &visit, &clerk).await? {
        Ok(row) => row,
        Err(over) => return Ok(over),
    };
    let look = Look::list(LOOK, vec![], &[]);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let again = visit.again().await;
    let typed = again.typed.text("reason");
    visit.html(&DropPage {
        path: path(row.id),
        submit: format!("{}/drop", path(row.id)),
        line: Line::new(&row, &visit),
        reasons: DropReason::ALL.map(|reason| Choice {
            value: reason.as_str(),
            text: reason.label(),
            chosen: reason.as_str() == typed,
        }),
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
    })
}

/// `POST /console/statements/held/:id/drop`.
pub(super) async fn submit(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = write(&visit, &clerk).await?;
    let row = match row(&tx, &visit, &clerk).await? {
        Ok(row) => row,
        Err(over) => return Ok(over),
    };
    tx.commit().await?;
    let page = format!("{}/drop", path(row.id));
    let Some(reason) = DropReason::from_word(visit.form.text("reason")) else {
        let refusal = Refusal::field(FieldError::new(REASON, Problem::Empty));
        return Ok(visit.form_again(&refusal, &page, &["reason"]).await);
    };
    let desk = Desk::of(&clerk, &visit.origin);
    let deliveries = Deliveries::new(&ground);
    match deliveries.drop_by_hand(&clerk.insurer, desk, (row.id, reason)).await? {
        Outcome::Done(()) => Ok(visit.done(see_other(HELD), "行を取り除きました。")),
        Outcome::Refused(refusal) => refused(&visit, &refusal, &page, &["reason"]).await,
    }
}
