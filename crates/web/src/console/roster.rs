//! 加入者の名簿: a file is brought, checked, compared and imported, and what was imported before can be seen. The work itself is
//! a worker's; these pages tell how far it is.

mod shown;
mod undo;

use access::{EXPORT_PERSONAL, ROSTER_IMPORT, ROSTER_UNDO, ROSTER_VIEW, Reach};
use approvals::{Action, Asked, Performer, WAITS};
use askama::Template;
use kernel::{ImportId, Outcome};
use pages::{
    Reply, Row, Visit, Waits, assets,
    frame::Frame,
    imports::{self, ErrorFiles, Mapped, RefusedImport},
    reply::{self, see_other},
    staff, staff_file, staff_proven,
    visit::{Trouble, settle},
};
use poem::http::Method;
use roster::runs::{By, Run, RunState, Shown, blank_header, reasons};
use shown::{Line, Step, Told, is_grave, lines, told};
use staff::{Clerk, reasons::NOT_PERMITTED};
use tabular::MOST_BYTES;

pub(super) const ROSTER: &str = "/console/roster";
const NEW: &str = "/console/roster/new";
const ERRORS: ErrorFiles = ErrorFiles {
    kind: "roster_errors",
    of: "名簿",
    name: "roster-errors.csv",
};

/// The rows of this page.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    vec![
        staff(get.clone(), ROSTER, "console.roster", ROSTER_VIEW, list),
        staff(get.clone(), NEW, "console.roster.new", ROSTER_IMPORT, new),
        staff_file(NEW, "console.roster.bring", (ROSTER_IMPORT, MOST_BYTES), bring),
        staff(
            get.clone(),
            "/console/roster/blank",
            "console.roster.blank",
            ROSTER_IMPORT,
            blank,
        ),
        staff(
            get.clone(),
            "/console/roster/runs/:run",
            "console.roster.run",
            ROSTER_VIEW,
            one,
        ),
        staff(
            get.clone(),
            "/console/roster/runs/:run/progress",
            "console.roster.progress",
            ROSTER_VIEW,
            progress,
        ),
        staff(
            post.clone(),
            "/console/roster/runs/:run/compare",
            "console.roster.compare",
            ROSTER_IMPORT,
            compare,
        ),
        staff(
            post.clone(),
            "/console/roster/runs/:run/start",
            "console.roster.start",
            ROSTER_IMPORT,
            start,
        ),
        staff(
            post.clone(),
            "/console/roster/runs/:run/cancel",
            "console.roster.cancel",
            ROSTER_IMPORT,
            cancel,
        ),
        staff_proven(
            post.clone(),
            "/console/roster/runs/:run/errors",
            "console.roster.errors",
            EXPORT_PERSONAL,
            errors,
        ),
        staff(
            get,
            "/console/roster/runs/:run/undo",
            "console.roster.undo",
            ROSTER_UNDO,
            undo::show,
        ),
        staff(
            post,
            "/console/roster/runs/:run/undo",
            "console.roster.undo.submit",
            ROSTER_UNDO,
            undo::submit,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/roster.html")]
struct ListPage {
    frame: Frame,
    may_import: bool,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "console/roster_new.html")]
struct NewPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "console/roster_run.html")]
struct RunPage {
    frame: Frame,
    told: Told,
    /// Why it was cancelled, where it was.
    cancelled: String,
    may_import: bool,
    may_take_errors: bool,
    /// Where it can be undone, for whoever may.
    undo: Option<String>,
    shown: Shown,
    headers: Vec<(usize, String)>,
    choices: Vec<Mapped>,
    script: String,
}

/// `GET /console/roster`: what was imported, by whom, and what came of it.
async fn list(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let (runs, past) = visit.services.rosters.history(clerk.insurer.tenant_id).await?;
    visit.html(&ListPage {
        frame: visit.frame().in_section(ROSTER),
        may_import: clerk.may(ROSTER_IMPORT),
        lines: lines(&runs, &past),
    })
}

/// `GET /console/roster/new`.
async fn new(visit: Visit, _: Clerk) -> Reply {
    let again = visit.again().await;
    visit.html(&NewPage {
        frame: visit.frame().in_section(ROSTER).with_errors(again.errors),
    })
}

/// `POST /console/roster/new`: the file, put away as it comes.
async fn bring(visit: Visit, clerk: Clerk) -> Reply {
    match receive(&visit, visit.by(&clerk)).await? {
        Outcome::Done(run) => Ok(see_other(&path(run))),
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, NEW, &[]).await),
    }
}

async fn receive(visit: &Visit, by: By<'_>) -> Result<Outcome<ImportId>, Trouble> {
    let rosters = &visit.services.rosters;
    let body = visit.file.as_ref().ok_or(Trouble::NotFound)?;
    let mut incoming = match body.open().await {
        Ok(incoming) => incoming,
        Err(trouble) => {
            return Ok(trouble
                .refused(reasons::FILE_TOO_LARGE, reasons::FILE_BROKEN_OFF)
                .into());
        }
    };
    let mut file = rosters.begin(by, &incoming.name).await?;
    let refusal = loop {
        match incoming.next().await {
            Ok(Some(bytes)) => match file.take(&bytes).await? {
                Outcome::Done(()) => {}
                Outcome::Refused(refusal) => break refusal,
            },
            Ok(None) => match visit.still_inside().await? {
                Outcome::Done(()) => return Ok(rosters.complete(by, file).await?),
                Outcome::Refused(refusal) => break refusal,
            },
            Err(trouble) => break trouble.refused(reasons::FILE_TOO_LARGE, reasons::FILE_BROKEN_OFF),
        }
    };
    file.give_up().await?;
    Ok(refusal.into())
}

/// `GET /console/roster/blank`: a file with the headers to fill in.
async fn blank(visit: Visit, _: Clerk) -> Reply {
    let is_delta = visit.query.text("kind") == "delta";
    let name = if is_delta { "roster-changes.csv" } else { "roster.csv" };
    Ok(imports::blank(&visit, name, &blank_header(is_delta)))
}

/// `GET /console/roster/runs/:run`.
async fn one(visit: Visit, clerk: Clerk) -> Reply {
    let run = found(&visit, &clerk).await?;
    let (rosters, may_import) = (&visit.services.rosters, clerk.may(ROSTER_IMPORT));
    let decides = matches!(run.state, RunState::Received | RunState::Compared | RunState::Refused)
        || (run.undoes.is_some() && run.counts.skipped > 0);
    let shown = if may_import && decides && !visit.is_head {
        rosters.shown(visit.by(&clerk), &run).await?
    } else {
        Shown::default()
    };
    let choices = if may_import && run.state == RunState::Received {
        rosters.choices(clerk.insurer.tenant_id, &shown).await?
    } else {
        Vec::new()
    };
    let waits = waits(&visit, &clerk, run.run_id).await?;
    let again = visit.again().await;
    let why = (run.cancelled, run.by_name.as_str());
    let cancelled = imports::cancelled(&visit, &clerk, why, "名簿は何も変わっていません。").await?;
    let told = told(&run);
    let is_at_work = told.step == Step::AtWork;
    let page = visit.html(&RunPage {
        frame: visit
            .frame()
            .in_section(ROSTER)
            .with_errors(again.errors)
            .with_waits(waits),
        cancelled,
        may_import,
        undo: undo::path(&visit, &clerk, &run).await?,
        may_take_errors: clerk.may(EXPORT_PERSONAL) && run.has_errors_file(),
        headers: imports::headers(&shown.fields),
        choices: imports::mapped(&choices, &again.typed),
        shown,
        told,
        script: assets::progress_script(),
    })?;
    Ok(if is_at_work { reply::may_fetch(page) } else { page })
}

/// `GET /console/roster/runs/:run/progress`, for the page's script.
async fn progress(visit: Visit, clerk: Clerk) -> Reply {
    let told = told(&found(&visit, &clerk).await?);
    Ok(imports::progress(
        told.step != Step::AtWork,
        told.percent,
        &told.progress,
    ))
}

/// `POST /console/roster/runs/:run/compare`: with which header means which column.
async fn compare(visit: Visit, clerk: Clerk) -> Reply {
    let run = asked(&visit)?;
    let fields = imports::field_names(blank_header(true).len());
    let chosen = imports::chosen(&visit.form, &fields);
    let kept: Vec<&str> = fields.iter().map(String::as_str).collect();
    let compared = visit.services.rosters.compare(visit.by(&clerk), run, &chosen).await;
    imports::answer(&visit, compared, (&path(run), &kept), None).await
}

/// `POST /console/roster/runs/:run/start`. Where people are lost, or birth dates corrected, a second factor is asked for first.
async fn start(visit: Visit, clerk: Clerk) -> Reply {
    let run = found(&visit, &clerk).await?;
    if is_grave(&run.counts) && !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_first(&path(run.run_id), &["agree"]).await);
    }
    let agrees = visit.form.text("agree") == "1";
    let started = visit
        .services
        .rosters
        .start(visit.services.staff.approvals(), visit.by(&clerk), run.run_id, agrees)
        .await;
    match settle(started) {
        Ok(Asked::GoesOn) => Ok(see_other(&path(run.run_id))),
        Ok(Asked::Waits(_)) => Ok(visit.inform(see_other(&path(run.run_id)), WAITS)),
        Err(refusal) => Ok(visit.form_again(&refusal, &path(run.run_id), &[]).await),
    }
}

/// `POST /console/roster/runs/:run/errors`.
async fn errors(visit: Visit, clerk: Clerk) -> Reply {
    let run = found(&visit, &clerk).await?;
    if !run.has_errors_file() {
        return Err(Trouble::NotFound);
    }
    let encoding = imports::encoding(&visit.form);
    let errors = visit.services.rosters.errors(visit.by(&clerk), run.run_id, encoding);
    let refused = RefusedImport {
        run: run.run_id,
        page: &path(run.run_id),
        file: &run.file_name,
        came: run.created_at,
    };
    ERRORS.give(&visit, &clerk, (refused, encoding), errors).await
}

/// Their file, while another's agreement to it is asked.
pub(super) fn performer() -> Performer {
    ERRORS.performer()
}

/// `POST /console/roster/runs/:run/cancel`.
async fn cancel(visit: Visit, clerk: Clerk) -> Reply {
    let run = asked(&visit)?;
    let cancelled = visit.services.rosters.cancel(visit.by(&clerk), run).await;
    let done = Some("中止しました。名簿は何も変わっていません。");
    imports::answer(&visit, cancelled, (&path(run), &[]), done).await
}

pub(super) fn path(run: ImportId) -> String {
    format!("{ROSTER}/runs/{run}")
}

fn asked(visit: &Visit) -> Result<ImportId, Trouble> {
    ImportId::parse(visit.param("run")).ok_or(Trouble::NotFound)
}

/// A file is of the whole insurer, and so are its counts.
fn over_all(clerk: &Clerk) -> Result<(), Trouble> {
    if clerk.reach == Reach::All {
        Ok(())
    } else {
        Err(NOT_PERMITTED.into())
    }
}

/// What of a run waits for another's agreement: that it imports, that it is undone, that its errors are taken along.
async fn waits(visit: &Visit, clerk: &Clerk, run: ImportId) -> Result<Vec<Waits>, Trouble> {
    let actions = [Action::ImportLoss, Action::BirthDate, Action::Export];
    visit.waits(clerk, &actions.map(|action| (action, run.0))).await
}

async fn found(visit: &Visit, clerk: &Clerk) -> Result<Run, Trouble> {
    over_all(clerk)?;
    let run = visit
        .services
        .rosters
        .run(clerk.insurer.tenant_id, asked(visit)?)
        .await?;
    run.ok_or(Trouble::NotFound)
}
