//! An import is undone: what that means is said first, and where people are lost by it, or birth dates are others, a second
//! factor is asked for.

use super::{ROSTER, found};
use access::ROSTER_UNDO;
use approvals::WAITS;
use askama::Template;
use kernel::Outcome;
use pages::{
    Reply, Visit,
    frame::{Errors, Frame},
    reply::see_other,
    visit::{Trouble, settle},
};
use roster::{
    import::Vanishing,
    runs::{Counts, Run, RunState},
};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/roster_undo.html")]
struct UndoPage {
    frame: Frame,
    file: String,
    submit: String,
    back: String,
    /// What comes of it; nothing where it can't be undone.
    effect: Option<Effect>,
}

/// What comes of an undoing.
struct Effect {
    counts: Counts,
    /// Whose day of loss is an earlier one again.
    moved: u64,
    is_grave: bool,
}

/// True where by undoing it people are lost, or birth dates are others.
fn is_grave(counts: &Counts, loss: Vanishing) -> bool {
    loss.lost() > 0 || counts.corrected > 0
}

/// Where a run is undone, for whoever may; none of one that has nothing to undo, or is undone.
pub(super) async fn path(visit: &Visit, clerk: &Clerk, run: &Run) -> Result<Option<String>, Trouble> {
    if run.state != RunState::Finished || !clerk.may(ROSTER_UNDO) {
        return Ok(None);
    }
    let asked = visit
        .services
        .rosters
        .may_undo(clerk.insurer.tenant_id, run.run_id)
        .await?;
    Ok(asked.then(|| own(run)))
}

fn own(run: &Run) -> String {
    format!("{}/undo", super::path(run.run_id))
}

/// `GET /console/roster/runs/:run/undo`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let run = found(&visit, &clerk).await?;
    let loss = visit
        .services
        .rosters
        .lost_by_undoing(clerk.insurer.tenant_id, &run)
        .await?;
    let waits = super::waits(&visit, &clerk, run.run_id).await?;
    let again = visit.again().await;
    let (loss, errors) = match loss {
        Outcome::Done(loss) => (Some(loss), again.errors),
        Outcome::Refused(refusal) => (None, Errors::new(&refusal, visit.now)),
    };
    visit.html(&UndoPage {
        frame: visit.frame().in_section(ROSTER).with_errors(errors).with_waits(waits),
        file: run.file_name.clone(),
        submit: own(&run),
        back: super::path(run.run_id),
        effect: loss.map(|loss| Effect {
            moved: loss.ended + loss.coming,
            is_grave: is_grave(&run.counts, loss),
            counts: run.counts.clone(),
        }),
    })
}

/// `POST /console/roster/runs/:run/undo`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    let run = found(&visit, &clerk).await?;
    let loss = visit
        .services
        .rosters
        .lost_by_undoing(clerk.insurer.tenant_id, &run)
        .await?;
    // What can't be undone is refused below, whoever has proven what.
    let takes_proof = matches!(loss, Outcome::Done(loss) if is_grave(&run.counts, loss));
    if takes_proof && !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_first(&own(&run), &[]).await);
    }
    let undone = visit
        .services
        .rosters
        .undo(visit.services.staff.approvals(), visit.by(&clerk), run.run_id)
        .await;
    match settle(undone) {
        Ok(Some(undoing)) => Ok(see_other(&super::path(undoing))),
        Ok(None) => Ok(visit.inform(see_other(&super::path(run.run_id)), WAITS)),
        Err(refusal) => Ok(visit.form_again(&refusal, &own(&run), &[]).await),
    }
}
