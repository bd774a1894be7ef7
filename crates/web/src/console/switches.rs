//! Which actions take another's agreement, and changing that.

use super::{
    approvals::APPROVALS,
    settings::{self, Difference},
};
use ::approvals::{Action, Asked, Switching, WAITS, taking_out};
use access::{SETTINGS_EDIT, SETTINGS_VIEW};
use askama::Template;
use kernel::{Field, FieldError, Problem, Refusal, text};
use pages::{Reply, Row, Visit, Waits, frame::Frame, reply::see_other, staff, staff_proven, visit::settle};
use poem::http::Method;
use staff::Clerk;

const SETTINGS: &str = "/console/approvals/settings";
const LONGEST_WHY: usize = 200;
const WHY: Field = Field::new("why", "変更する理由");
/// What is kept of a refused form.
const FIELDS: [&str; 3] = ["revision", "on", "why"];

/// The rows of this page.
pub(super) fn rows() -> Vec<Row> {
    vec![
        staff(Method::GET, SETTINGS, "console.switches", SETTINGS_VIEW, show),
        staff_proven(Method::POST, SETTINGS, "console.switches.submit", SETTINGS_EDIT, submit).keeping(&FIELDS),
    ]
}

#[derive(Template)]
#[template(path = "console/switches.html")]
struct SwitchesPage {
    frame: Frame,
    lines: Vec<Line>,
    revision: i64,
    /// What others have changed since the form was shown.
    meanwhile: Vec<Difference>,
    why: String,
    may_edit: bool,
}

struct Line {
    word: &'static str,
    action: &'static str,
    is_on: bool,
    eyes: usize,
}

/// `GET /console/approvals/settings`.
async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let switches = visit.services.staff.approvals().switches(&tx, visit.now, None).await?;
    let standing = tenancy::revisions::standing(&mut tx).await?;
    let (revision, meanwhile) = settings::seen(&mut tx, &again, &standing).await?;
    let waits = Waits::about(&tx, visit.now, &clerk, &taking_out()).await?;
    tx.commit().await?;
    let line = |switch: &::approvals::Switch| Line {
        word: switch.action.as_str(),
        action: switch.action.label(),
        is_on: if again.is_refused() {
            again.typed.all("on").any(|on| on == switch.action.as_str())
        } else {
            switch.is_on
        },
        eyes: switch.eyes,
    };
    visit.html(&SwitchesPage {
        lines: switches.iter().map(line).collect(),
        revision,
        meanwhile,
        why: again.typed.text("why").to_owned(),
        may_edit: clerk.may(SETTINGS_EDIT),
        frame: visit
            .frame()
            .in_section(APPROVALS)
            .with_errors(again.errors)
            .with_waits(waits),
    })
}

/// `POST /console/approvals/settings`.
async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    let why = text::normalize(visit.form.text("why"));
    let problem = match why.chars().count() {
        0 => Some(Problem::Empty),
        long if long > LONGEST_WHY => Some(Problem::TooLong { max: LONGEST_WHY }),
        _ => text::has_control(&why).then_some(Problem::Characters),
    };
    if let Some(problem) = problem {
        let refusal = Refusal::field(FieldError::new(WHY, problem));
        return Ok(visit.form_again(&refusal, SETTINGS, &FIELDS).await);
    }
    let on: Vec<Action> = visit.form.all("on").filter_map(Action::read).collect();
    let switching = Switching {
        tenant: clerk.insurer.tenant_id,
        asker: clerk.asker(&visit.origin),
        name: &clerk.name,
        expected: settings::expected(visit.form.text("revision")),
        why: &why,
    };
    match settle(visit.services.staff.approvals().switch(switching, &on).await) {
        Ok(Asked::GoesOn) => Ok(visit.done(see_other(SETTINGS), "承認が要る操作を変更しました。")),
        Ok(Asked::Waits(_)) => Ok(visit.inform(see_other(SETTINGS), WAITS)),
        Err(refusal) => Ok(visit.form_again(&refusal, SETTINGS, &FIELDS).await),
    }
}
