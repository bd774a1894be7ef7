//! 取り込み: a file is brought, checked, looked at and loaded. The work itself is a worker's; these pages tell how far it is.

mod errors;
mod told;

pub(super) use errors::performer;

use super::{HOME, with};
use crate::{
    Kind, Month,
    columns::{self, Located},
    permissions::STATEMENTS_IMPORT,
    runs::{By, MOST_BYTES, Run, RunState, Runs, Shown, reasons},
};
use access::{EXPORT_PERSONAL, MEMBERS_PROTECT};
use approvals::Action;
use askama::Template;
use ground::Ground;
use kernel::{ImportId, Outcome, Refusal, outcome};
use pages::{
    Reply, Row, Visit, assets,
    forms::Form,
    frame::Frame,
    reply::{self, see_other},
    staff, staff_file, staff_proven,
    visit::{Trouble, settle},
};
use poem::{
    Body, Response,
    http::{Method, header},
};
use roster::runs::Author;
use serde_json::json;
use staff::Clerk;
use tabular::{Encoding, Mapping, cp932};
use told::{Line, Step, Told};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

const NEW: &str = "/console/statements/import";

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
            with(ground, errors::errors),
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
    /// 処理年月, as it was typed.
    processed: String,
    shown: Shown,
    /// What stands in the file may be of protected people.
    sees_rows: bool,
    headers: Vec<(usize, String)>,
    choices: Vec<Choice>,
    may_take_errors: bool,
    script: String,
}

/// A column of the format with the header that is taken for it.
struct Choice {
    name: String,
    column: &'static str,
    is_required: bool,
    chosen: Option<usize>,
}

impl Choice {
    /// True where the header at this place is taken for it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "a template hands references over")]
    fn has(&self, place: &usize) -> bool {
        self.chosen.as_ref() == Some(place)
    }
}

fn by<'a>(visit: &'a Visit, clerk: &'a Clerk) -> By<'a> {
    By {
        tenant: clerk.insurer.tenant_id,
        author: Author::Staff(clerk.staff_id),
        name: &clerk.name,
        actor: clerk.actor(),
        origin: &visit.origin,
    }
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
    match receive(&runs, kind, &visit, by(&visit, &clerk)).await? {
        Outcome::Done(run) => Ok(see_other(&path(run))),
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, NEW, &[]).await),
    }
}

async fn receive(runs: &Runs, kind: Kind, visit: &Visit, by: By<'_>) -> Result<Outcome<ImportId>, Trouble> {
    let body = visit.file.as_ref().ok_or(Trouble::NotFound)?;
    let mut incoming = match body.open().await {
        Ok(incoming) => incoming,
        Err(trouble) => return Ok(broken(trouble).into()),
    };
    let mut file = runs.begin(by, kind, &incoming.name).await?;
    let refusal = loop {
        match incoming.next().await {
            Ok(Some(bytes)) => match runs.take(by, &mut file, &bytes).await? {
                Outcome::Done(()) => {}
                Outcome::Refused(refusal) => break refusal,
            },
            Ok(None) => return Ok(runs.complete(by, file).await?),
            Err(trouble) => break broken(trouble),
        }
    };
    runs.give_up(by, file).await?;
    Ok(refusal.into())
}

fn broken(trouble: edge::BodyTrouble) -> Refusal {
    match trouble {
        edge::BodyTrouble::TooLarge => reasons::FILE_TOO_LARGE.into(),
        edge::BodyTrouble::Unreadable => reasons::FILE_BROKEN_OFF.into(),
    }
}

/// `GET /console/statements/import/:kind/blank`: a file with the headers to fill in.
async fn blank(_: Ground, visit: Visit, _: Clerk) -> Reply {
    let kind = kind(&visit)?;
    let columns = columns::locate(kind, &[], &Mapping::default());
    let names: Vec<&str> = columns.iter().map(|of| of.column).collect();
    let text = format!("{}\r\n", names.join(","));
    let bytes = match encoding(&visit.query) {
        Encoding::Cp932 => cp932(&text),
        _ => format!("\u{FEFF}{text}").into_bytes(),
    };
    Ok(download(&format!("{kind}.csv"), Body::from_bytes(bytes.into())))
}

/// `GET /console/statements/runs/:run`.
async fn one(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    let decides = matches!(run.state, RunState::Received | RunState::Checked | RunState::Refused);
    let shown = if decides && !visit.is_head {
        runs.shown(by(&visit, &clerk), &run).await?
    } else {
        Shown::default()
    };
    let places = if run.state == RunState::Received {
        runs.choices(clerk.insurer.tenant_id, run.kind, &shown.headers).await?
    } else {
        Vec::new()
    };
    let waits = visit.waits(&clerk, &[(Action::Export, run.run_id.0)]).await?;
    let again = visit.again().await;
    let typed = again.typed.get("label").map(str::to_owned);
    let told = told::told(&run);
    let is_at_work = told.step == Step::AtWork;
    let page = visit.html(&RunPage {
        frame: visit
            .frame()
            .in_section(HOME)
            .with_errors(again.errors)
            .with_waits(waits),
        processed: typed.or_else(|| Some(run.label?.to_string())).unwrap_or_default(),
        headers: headers(&shown.headers),
        choices: choices(&places, &again.typed),
        may_take_errors: clerk.may(EXPORT_PERSONAL) && run.has_errors_file(),
        sees_rows: run.started_by == Author::Staff(clerk.staff_id) || clerk.may(MEMBERS_PROTECT),
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
    let body = json!({ "is_over": told.step != Step::AtWork, "percent": told.percent, "text": told.progress });
    Ok(Response::builder()
        .content_type("application/json")
        .body(body.to_string()))
}

/// `POST /console/statements/runs/:run/check`: with which header means which column.
async fn check(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    let fields = field_names(columns::locate(run.kind, &[], &Mapping::default()).len());
    let kept: Vec<&str> = fields.iter().map(String::as_str).chain(["label"]).collect();
    let (id, page) = (run.run_id, path(run.run_id));
    let typed = visit.form.text("label").trim();
    let label = Month::parse(typed);
    if label.is_none() && !typed.is_empty() {
        return Ok(visit.form_again(&reasons::LABEL_UNREAD.into(), &page, &kept).await);
    }
    let chosen: Vec<Option<usize>> = fields
        .iter()
        .map(|field| kernel::text::number(visit.form.text(field)))
        .collect();
    answer(
        &visit,
        runs.check(by(&visit, &clerk), id, (label, &chosen)).await,
        (&page, &kept),
        None,
    )
    .await
}

/// `POST /console/statements/runs/:run/load`. What is unusual about a file is agreed to by whoever has just proven a second factor.
async fn load(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    let page = path(run.run_id);
    if run.has_doubts() && !clerk.has_just_proven(visit.now) {
        return Ok(visit.prove_first(&page, &["agree"]).await);
    }
    let agrees = visit.form.text("agree") == "1";
    let loaded = runs.load(by(&visit, &clerk), run.run_id, agrees).await;
    answer(&visit, loaded, (&page, &[]), None).await
}

/// `POST /console/statements/runs/:run/again`.
async fn again(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, id) = (Runs::new(&ground), asked(&visit)?);
    let begun = runs.again(by(&visit, &clerk), id).await;
    answer(&visit, begun, (&path(id), &[]), None).await
}

/// `POST /console/statements/runs/:run/cancel`.
async fn cancel(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let (runs, id) = (Runs::new(&ground), asked(&visit)?);
    let cancelled = runs.cancel(by(&visit, &clerk), id).await;
    let done = Some("中止しました。何も取り込んでいません。");
    answer(&visit, cancelled, (&path(id), &[]), done).await
}

/// Back to the run's page: it was done, or why it was not.
async fn answer(
    visit: &Visit,
    done: Result<Outcome<()>, kernel::Outage>,
    (page, kept): (&str, &[&str]),
    text: Option<&str>,
) -> Reply {
    match settle(done) {
        Ok(()) => Ok(match text {
            Some(text) => visit.done(see_other(page), text),
            None => see_other(page),
        }),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(refusal.into()),
        Err(refusal) => Ok(visit.form_again(&refusal, page, kept).await),
    }
}

/// The fields of the form in which columns are chosen, in the order of the format.
fn field_names(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("c{nth}")).collect()
}

/// What the file has, or what was chosen in a form that was refused.
fn choices(places: &[Located], typed: &Form) -> Vec<Choice> {
    let choice = |(of, name): (&Located, String)| Choice {
        chosen: match typed.get(&name) {
            Some(typed) => kernel::text::number(typed),
            None => of.place,
        },
        name,
        column: of.column,
        is_required: of.is_required,
    };
    places.iter().zip(field_names(places.len())).map(choice).collect()
}

/// A file's headers with their places, as much of each as it is known by; what has no name is called by its place.
fn headers(fields: &[String]) -> Vec<(usize, String)> {
    const SHOWN: usize = 40;
    let named = |(place, field): (usize, &String)| {
        let mut name: String = field.chars().take(SHOWN).collect();
        if name.is_empty() {
            name = format!("（{}列目）", place + 1);
        } else if name.len() < field.len() {
            name.push('…');
        }
        (place, name)
    };
    fields.iter().enumerate().map(named).collect()
}

fn encoding(typed: &Form) -> Encoding {
    match typed.text("encoding") {
        "cp932" => Encoding::Cp932,
        _ => Encoding::Utf8Bom,
    }
}

fn download(name: &str, body: Body) -> Response {
    Response::builder()
        .content_type("text/csv")
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .body(body)
}

fn kind(visit: &Visit) -> Result<Kind, Trouble> {
    Kind::from_word(visit.param("kind")).ok_or(Trouble::NotFound)
}

fn path(run: ImportId) -> String {
    format!("{HOME}/runs/{run}")
}

fn asked(visit: &Visit) -> Result<ImportId, Trouble> {
    ImportId::parse(visit.param("run")).ok_or(Trouble::NotFound)
}

async fn found(ground: &Ground, visit: &Visit, clerk: &Clerk) -> Result<(Runs, Run), Trouble> {
    let runs = Runs::new(ground);
    let run = runs.run(clerk.insurer.tenant_id, asked(visit)?).await?;
    Ok((runs, run.ok_or(Trouble::NotFound)?))
}
