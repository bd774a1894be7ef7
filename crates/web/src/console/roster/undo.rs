//! An import is undone: what that means is said first, and where people are lost by it, or birth dates are others, a second
//! factor is asked for.

use super::{ROSTER, by, found};
use access::ROSTER_UNDO;
use approvals::WAITS;
use askama::Template;
use pages::{
    Reply, Visit,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
};
use roster::runs::{Counts, Run, RunState};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/roster_undo.html")]
struct UndoPage {
    frame: Frame,
    file: String,
    submit: String,
    back: String,
    counts: Counts,
    is_grave: bool,
}

/// True where by undoing it people are lost, or birth dates are others.
fn is_grave(counts: &Counts) -> bool {
    counts.new + counts.returned + counts.corrected > 0
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
    let again = visit.again().await;
    visit.html(&UndoPage {
        frame: visit.frame().in_section(ROSTER).with_errors(again.errors),
        file: run.file_name.clone(),
        submit: own(&run),
        back: super::path(run.run_id),
        is_grave: is_grave(&run.counts),
        counts: run.counts,
    })
}

/// `POST /console/roster/runs/:run/undo`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    let run = found(&visit, &clerk).await?;
    if is_grave(&run.counts) && !clerk.has_just_proven(visit.now) {
        return Ok(visit.to_prove());
    }
    let undone = visit
        .services
        .rosters
        .undo(visit.services.staff.approvals(), by(&visit, &clerk), run.run_id)
        .await;
    match settle(undone) {
        Ok(Some(undoing)) => Ok(see_other(&super::path(undoing))),
        Ok(None) => Ok(visit.inform(see_other(&super::path(run.run_id)), WAITS)),
        Err(refusal) => Ok(visit.form_again(&refusal, &own(&run), &[]).await),
    }
}
