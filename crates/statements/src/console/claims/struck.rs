//! A claim that is withdrawn, and putting it back.

use super::{CLAIMS, HOME, Line, one::Facts, write};
use crate::{Deliveries, desk::Desk, struck};
use askama::Template;
use ground::Ground;
use kernel::{Outcome, StruckClaimId, outcome};
use pages::{Reply, Visit, frame::Frame, reply::see_other, visit::Trouble};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/statements_struck.html")]
struct StruckPage {
    frame: Frame,
    line: Line,
    /// None where all rows of it are gone.
    facts: Option<Facts>,
}

/// Its page.
pub(super) fn path(id: StruckClaimId) -> String {
    format!("{CLAIMS}/struck/{id}")
}

fn id(visit: &Visit) -> Result<StruckClaimId, Trouble> {
    StruckClaimId::parse(visit.param("id")).ok_or(Trouble::NotFound)
}

/// `GET /console/statements/claims/struck/:id`.
pub(super) async fn show(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let id = id(&visit)?;
    let tx = write(&visit, &clerk).await?;
    let sees = Desk::of(&clerk, &visit.origin).sees_protected;
    let found = struck::one(&tx, &visit.services.keys, id, sees).await?;
    let found = found.ok_or(Trouble::NotFound)?;
    let names = staff::names(&tx, &[found.by]).await?;
    let facts = Facts::of(&tx, &visit, &clerk, &found.claim).await?;
    tx.commit().await?;
    let again = visit.again().await;
    visit.html(&StruckPage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        line: Line::new(found, &names),
        facts: facts.map(|(facts, _)| facts),
    })
}

/// `POST /console/statements/claims/struck/:id`.
pub(super) async fn restore(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let id = id(&visit)?;
    let desk = Desk::of(&clerk, &visit.origin);
    match Deliveries::new(&ground).restore(&clerk.insurer, desk, id).await? {
        Outcome::Done(_) => Ok(visit.done(
            see_other(CLAIMS),
            "取り下げを元に戻しました。公開している提供分の明細は、今から表示します。",
        )),
        // Twice is once.
        Outcome::Refused(refusal) if refusal.is(outcome::NOT_FOUND) => Ok(visit.inform(
            see_other(CLAIMS),
            "この取り下げは、すでに元に戻されています。何も変更していません。",
        )),
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, &path(id), &[]).await),
    }
}
