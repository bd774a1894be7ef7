//! 取り込み: a file is brought, checked, looked at and loaded. The work itself is a worker's; these pages tell how far it is.

mod told;

use super::{HOME, with};
use crate::{
    Kind, Month, columns,
    permissions::STATEMENTS_IMPORT,
    runs::{Run, RunState, Runs, Shown, reasons},
};
use access::{EXPORT_PERSONAL, MEMBERS_PROTECT};
use approvals::{Action, Performer};
use askama::Template;
use ground::Ground;
use kernel::{ImportId, Outcome};
use pages::{
    Reply, Row, Visit, assets,
    frame::Frame,
    imports::{self, ErrorFiles, Mapped, RefusedImport},
    reply::{self, see_other},
    staff, staff_file, staff_proven,
    visit::Trouble,
};
use poem::http::Method;
use roster::runs::{By, Left};
use staff::{Clerk, reasons::NOT_PERMITTED};
use tabular::{MOST_BYTES, Mapping};
use told::{Line, Step, Told};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

const NEW: &str = "/console/statements/import";
/// What programs sent and staff decide on, as pages that lead there say it.
pub(super) const SENT: &str = "連携先から届いた明細の確認";
const ERRORS: ErrorFiles = ErrorFiles {
    kind: "statement_errors",
    of: "明細",
    name: "statement-errors.csv",
};

/// The rows of these pages.
pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let may = STATEMENTS_IMPORT;
    vec![
        staff(GET, NEW, "console.statements.import", may, with(ground, new)),
        staff_file(
            "/console/statements/import/:kind",
            "console.statements.bring",
            (may, MOST_BYTES),
            with(ground, bring),
        ),
        staff(
            GET,
            "/console/statements/import/:kind/blank",
            "console.statements.blank",
            may,
            with(ground, blank),
        ),
        staff(
            GET,
            "/console/statements/runs/:run",
            "console.statements.run",
            may,
            with(ground, one),
        ),
        staff(
            GET,
            "/console/statements/runs/:run/progress",
            "console.statements.run.progress",
            may,
            with(ground, progress),
        ),
        staff(
            POST,
            "/console/statements/runs/:run/check",
            "console.statements.run.check",
            may,
            with(ground, check),
        ),
        staff(
            POST,
            "/console/statements/runs/:run/load",
            "console.statements.run.load",
            may,
            with(ground, load),
        ),
        staff(
            POST,
            "/console/statements/runs/:run/again",
            "console.statements.run.again",
            may,
            with(ground, again),
        ),
        staff(
            POST,
            "/console/statements/runs/:run/cancel",
            "console.statements.run.cancel",
            may,
            with(ground, cancel),
        ),
        staff_proven(
            POST,
            "/console/statements/runs/:run/errors",
            "console.statements.run.errors",
            may,
            with(ground, errors),
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/statements_import.html")]
struct NewPage {
    frame: Frame,
    kinds: [Kind; 2],
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "console/statements_run.html")]
struct RunPage {
    frame: Frame,
    told: Told,
    /// Why it was cancelled, where it was.
    cancelled: String,
    /// 処理年月, as it was typed.
    processed: String,
    shown: Shown,
    /// What stands in the file may be of protected people.
    sees_rows: bool,
    headers: Vec<(usize, String)>,
    choices: Vec<Mapped>,
    may_take_errors: bool,
    script: String,
}

/// `GET /console/statements/import`: where a file is chosen, and the last ones.
async fn new(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let last = Runs::new(&ground).last(clerk.insurer.tenant_id).await?;
    let again = visit.again().await;
    visit.html(&NewPage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        kinds: Kind::ALL,
        lines: last.iter().map(told::line).collect(),
    })
}

/// `POST /console/statements/import/:kind`: the file, put away as it comes.
async fn bring(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, kind) = (Runs::new(&ground), kind(&visit)?);
    match receive(&runs, kind, &visit, visit.by(&clerk)).await? {
        Outcome::Done(run) => Ok(see_other(&path(run))),
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, NEW, &[]).await),
    }
}

async fn receive(runs: &Runs, kind: Kind, visit: &Visit, by: By<'_>) -> Result<Outcome<ImportId>, Trouble> {
    let body = visit.file.as_ref().ok_or(Trouble::NotFound)?;
    let mut incoming = match body.open().await {
        Ok(incoming) => incoming,
        Err(trouble) => {
            return Ok(trouble
                .refused(reasons::FILE_TOO_LARGE, reasons::FILE_BROKEN_OFF)
                .into());
        }
    };
    let mut file = runs.begin(by, kind, &incoming.name).await?;
    let refusal = loop {
        match incoming.next().await {
            Ok(Some(bytes)) => match file.take(&bytes).await? {
                Outcome::Done(()) => {}
                Outcome::Refused(refusal) => break refusal,
            },
            Ok(None) => match visit.still_inside().await? {
                Outcome::Done(()) => return Ok(runs.complete(by, file).await?),
                Outcome::Refused(refusal) => break refusal,
            },
            Err(trouble) => break trouble.refused(reasons::FILE_TOO_LARGE, reasons::FILE_BROKEN_OFF),
        }
    };
    file.give_up().await?;
    Ok(refusal.into())
}

/// `GET /console/statements/import/:kind/blank`: a file with the headers to fill in.
async fn blank(_: Ground, visit: Visit, _: Clerk) -> Reply {
    let kind = kind(&visit)?;
    let columns = columns::locate(kind, &[], &Mapping::default());
    let names: Vec<&str> = columns.iter().map(|of| of.column).collect();
    Ok(imports::blank(&visit, &format!("{kind}.csv"), &names))
}

/// `GET /console/statements/runs/:run`.
async fn one(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    let decides = matches!(run.state, RunState::Received | RunState::Checked | RunState::Refused);
    let shown = if decides && !visit.is_head {
        runs.shown(visit.by(&clerk), &run).await?
    } else {
        Shown::default()
    };
    let choices = if run.state == RunState::Received {
        runs.choices(clerk.insurer.tenant_id, run.kind, &shown.headers).await?
    } else {
        Vec::new()
    };
    let waits = visit.waits(&clerk, &[(Action::Export, run.run_id.0)]).await?;
    let again = visit.again().await;
    let typed = again.typed.get("label").map(str::to_owned);
    let why = (run.cancelled, run.by_name.as_str());
    let cancelled = imports::cancelled(&visit, &clerk, why, "何も取り込んでいません。").await?;
    let told = told::told(&run);
    let is_at_work = told.step == Step::AtWork;
    let page = visit.html(&RunPage {
        frame: visit
            .frame()
            .in_section(HOME)
            .with_errors(again.errors)
            .with_waits(waits),
        cancelled,
        processed: typed.or_else(|| Some(run.label?.to_string())).unwrap_or_default(),
        headers: imports::headers(&shown.headers),
        choices: imports::mapped(&choices, &again.typed),
        may_take_errors: clerk.may(EXPORT_PERSONAL) && run.has_errors_file(),
        sees_rows: run.is_of(clerk.staff_id) || clerk.may(MEMBERS_PROTECT),
        shown,
        told,
        script: assets::progress_script(),
    })?;
    Ok(if is_at_work { reply::may_fetch(page) } else { page })
}

/// `GET /console/statements/runs/:run/progress`, for the page's script.
async fn progress(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (_, run) = found(&ground, &visit, &clerk).await?;
    let told = told::told(&run);
    Ok(imports::progress(
        told.step != Step::AtWork,
        told.percent,
        &told.progress,
    ))
}

/// `POST /console/statements/runs/:run/check`: with which header means which column.
async fn check(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    let fields = imports::field_names(columns::locate(run.kind, &[], &Mapping::default()).len());
    let kept: Vec<&str> = fields.iter().map(String::as_str).chain(["label"]).collect();
    let (id, page) = (run.run_id, path(run.run_id));
    let typed = visit.form.text("label").trim();
    let label = Month::parse(typed);
    if label.is_none() && !typed.is_empty() {
        return Ok(visit.form_again(&reasons::LABEL_UNREAD.into(), &page, &kept).await);
    }
    let chosen = imports::chosen(&visit.form, &fields);
    let checked = runs.check(visit.by(&clerk), id, (label, &chosen)).await;
    imports::answer(&visit, checked, (&page, &kept), None).await
}

/// `POST /console/statements/runs/:run/load`. What is unusual about a file is agreed to by whoever has just proven a second factor.
async fn load(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    let page = path(run.run_id);
    if run.has_doubts() && !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_first(&page, &["agree"]).await);
    }
    let agrees = visit.form.text("agree") == "1";
    let loaded = runs.load(visit.by(&clerk), run.run_id, agrees).await;
    imports::answer(&visit, loaded, (&page, &[]), None).await
}

/// `POST /console/statements/runs/:run/again`.
async fn again(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, id) = (Runs::new(&ground), asked(&visit)?);
    let begun = runs.again(visit.by(&clerk), id).await;
    imports::answer(&visit, begun, (&path(id), &[]), None).await
}

/// `POST /console/statements/runs/:run/errors`: for whoever may take people's data along besides.
async fn errors(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    if !clerk.may(EXPORT_PERSONAL) {
        return Err(NOT_PERMITTED.into());
    }
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    if !run.has_errors_file() {
        return Err(Trouble::NotFound);
    }
    let encoding = imports::encoding(&visit.form);
    let errors = runs.errors(visit.by(&clerk), run.run_id, encoding);
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

/// `POST /console/statements/runs/:run/cancel`.
async fn cancel(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, id) = (Runs::new(&ground), asked(&visit)?);
    let cancelled = runs.cancel(visit.by(&clerk), id).await;
    let done = Some("中止しました。何も取り込んでいません。");
    imports::answer(&visit, cancelled, (&path(id), &[]), done).await
}

fn kind(visit: &Visit) -> Result<Kind, Trouble> {
    Kind::from_word(visit.param("kind")).ok_or(Trouble::NotFound)
}

fn path(run: ImportId) -> String {
    format!("{HOME}/runs/{run}")
}

/// Where what programs sent is decided on: the one that waits, or the list of them.
pub(super) fn left_path(left: &Left) -> String {
    if left.runs == 1 {
        path(left.oldest)
    } else {
        format!("{NEW}#runs")
    }
}

fn asked(visit: &Visit) -> Result<ImportId, Trouble> {
    ImportId::parse(visit.param("run")).ok_or(Trouble::NotFound)
}

async fn found(ground: &Ground, visit: &Visit, clerk: &Clerk) -> Result<(Runs, Run), Trouble> {
    let runs = Runs::new(ground);
    let run = runs.run(clerk.insurer.tenant_id, asked(visit)?).await?;
    Ok((runs, run.ok_or(Trouble::NotFound)?))
}
