//! Lifting a protection, where need be once another has agreed.

use super::{Line, PROTECTIONS, by, frame, look, over_all, reason, write};
use accounts::protection as protecting;
use approvals::{Action, Asked, WAITS};
use askama::Template;
use kernel::{Outcome, ProtectionId, Refusal, outcome};
use pages::{Reply, Visit, Waits, frame::Frame, reply::see_other, visit::Trouble};
use roster::protection;
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/protections_lift.html")]
struct LiftPage {
    frame: Frame,
    path: String,
    line: Line,
    lifting: String,
}

/// `GET /console/protections/:id/lift`.
pub(in super::super) async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let tx = write(&visit, &clerk).await?;
    let found = protection::one(&tx, &visit.services.keys, id).await?;
    let found = found.ok_or(Trouble::NotFound)?;
    let names = staff::names(&tx, &[found.set_by]).await?;
    let waits = Waits::about(&tx, visit.now, &clerk, &[(Action::LiftProtection, id.0)]).await?;
    look(&visit, &clerk, tx, [found.person].into_iter()).await?;
    let again = visit.again().await;
    visit.html(&LiftPage {
        path: lift_path(id),
        line: Line::new(found, &names),
        lifting: again.typed.text("reason").to_owned(),
        frame: frame(&visit, again).with_waits(waits),
    })
}

/// `POST /console/protections/:id/lift`.
pub(in super::super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let mut tx = write(&visit, &clerk).await?;
    if protection::one(&tx, &visit.services.keys, id).await?.is_none() {
        return Err(Trouble::NotFound);
    }
    let reason = match reason(&visit.form) {
        Ok(reason) => reason,
        Err(error) => {
            return Ok(visit
                .form_again(&Refusal::field(error), &lift_path(id), &["reason"])
                .await);
        }
    };
    let (keys, by) = (&visit.services.keys, by(&visit, &clerk));
    let with = (visit.services.staff.approvals(), keys);
    let asked = protecting::ask_to_lift(&mut tx, with, visit.now, by, (id, &reason)).await?;
    let list = see_other(PROTECTIONS);
    Ok(match asked {
        Outcome::Done(asked) => {
            tx.commit().await?;
            match asked {
                Asked::GoesOn => visit.done(list, "保護を解除しました。"),
                Asked::Waits(_) => visit.inform(list, WAITS),
            }
        }
        Outcome::Refused(refusal) if refusal.is(outcome::NOT_FOUND) => {
            visit.inform(list, "この保護は、すでに解除されています。")
        }
        Outcome::Refused(refusal) => visit.form_again(&refusal, &lift_path(id), &["reason"]).await,
    })
}

fn id(visit: &Visit) -> Result<ProtectionId, Trouble> {
    ProtectionId::parse(visit.param("id")).ok_or(Trouble::NotFound)
}

fn lift_path(id: ProtectionId) -> String {
    format!("{PROTECTIONS}/{id}/lift")
}
