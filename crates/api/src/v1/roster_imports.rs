//! Rosters that programs send: whole ones and files of changes, by the engine, the guards and the history of the console.

mod shapes;

use access::scope::{IMPORTS_READ, IMPORTS_WRITE};
use clients::Caller;
use database::TenantTransaction;
use edge::Rights;
use kernel::{ImportId, Outage, Outcome};
use operations::{
    BASE, Codes, Example, Group, Tag, act,
    answer::{Begun, Done, Once},
    call::{Call, Program, up},
    explained,
    failure::Failure,
    get, keyed,
    page::{self, Cursor, Limit},
    params::{Flag, IdSegment, Query, Segment},
    send,
    stream::Incoming,
};
use poem_openapi::OpenApi;
use roster::runs::{Bringing, Format, Run, RunState, Sent, reasons};
use serde_json::json;
use shapes::{
    FormatWord, ModeWord, RosterImport, RosterImportError, RosterImportErrors, RosterImportList, error_example, example,
};
use tabular::MOST_BYTES;

pub struct RosterImportsApi;

const PATH: &str = "/roster-imports";
const ONE: &str = "/roster-imports/:id";
const SEND: &str = "import_roster";
const LIST: &str = "list_roster_imports";
const ERRORS: &str = "list_roster_import_errors";

const SENDS: Codes = &[
    "fields",
    "roster_file_empty",
    "roster_file_too_large",
    "roster_file_unreadable",
    "roster_file_is_json",
    "roster_file_broken_off",
    "roster_file_replaced",
    "roster_mode_mismatch",
    "roster_another_run",
    "overloaded",
];
const CONFIRMS: Codes = &[
    "not_found",
    "roster_import_of_others",
    "roster_run_moved_on",
    "roster_another_run",
    "roster_loss_not_agreed",
    "roster_import_by_two",
];
const CANCELS: Codes = &["not_found", "roster_import_of_others", "roster_run_over"];

/// The operations.
pub fn group() -> Group {
    let (read, write) = (Rights::Client(IMPORTS_READ), Rights::Client(IMPORTS_WRITE));
    let of = |state| Example {
        parameters: vec![("id", json!(shapes::ID))],
        answer: Some(example(state)),
        ..Example::default()
    };
    let sent = Example {
        request: Some(json!(shapes::FILE)),
        parameters: vec![("format", json!("csv")), ("mode", json!("delta"))],
        answer: Some(example("comparing")),
        links: None,
    };
    let listed = Example {
        answer: Some(json!({"imports": [example("finished")], "next": "AAJrMQ"})),
        ..Example::default()
    };
    let errors = Example {
        answer: Some(json!({"errors": [error_example()]})),
        ..of("refused")
    };
    let rows = vec![
        explained(
            keyed(send(PATH, SEND, (write, MOST_BYTES), SENDS, sent)),
            shapes::columns(),
        ),
        get(PATH, LIST, read, &["fields", "cursor"], listed),
        get(ONE, "get_roster_import", read, &["not_found"], of("finished")),
        explained(
            get(
                "/roster-imports/:id/errors",
                ERRORS,
                read,
                &["fields", "cursor", "not_found"],
                errors,
            ),
            shapes::codes(),
        ),
        keyed(act(
            "/roster-imports/:id/confirm",
            "confirm_roster_import",
            write,
            CONFIRMS,
            of("running"),
        )),
        keyed(act(
            "/roster-imports/:id/cancel",
            "cancel_roster_import",
            write,
            CANCELS,
            of("cancelled"),
        )),
    ];
    Group::new(rows, RosterImportsApi).refusing(&reasons::REASONS)
}

#[OpenApi(tag = "Tag::RosterImports")]
impl RosterImportsApi {
    /// Import a roster
    ///
    /// The body is the file. As `csv` it is a table with a header, or an Excel workbook, as staff bring it: columns in any order, in
    /// UTF-8 or `Shift_JIS`. As `ndjson` it is an object of JSON on each line, of texts that are called as the fields of a member:
    /// `symbol`, `number`, `kana_name`, `birth_date` and `relationship` at least, and in a file of changes `movement` (`add`, `change`
    /// or `lose`). The first object says which columns there are; what a later one leaves out is blank there, and a field that it has
    /// beyond them is refused as `unknown_key`. Lines that can't be read are refused at once, the first hundred errors together, each
    /// by its line (`/17/birth_date` is of line 17). Keys that are no field are ignored: see `unknown_columns`.
    ///
    /// A worker compares the file with the roster and then imports it, taken whole or not at all. Where more people than the insurer
    /// allows would be lost, or two of the staff have to agree, it waits for the staff as `compared`. With `dry_run` it stays
    /// `compared`, until it is confirmed or its next file comes; the staff don't import it. One file of an insurer is at work at a
    /// time, and two of a program may be on their way.
    ///
    /// Whoever may bring people can tell whether somebody they name is on the roster, a protected person too: `imports.write` is for
    /// systems that hold the roster themselves.
    #[oai(path = "/roster-imports", method = "post", operation_id = "import_roster")]
    async fn import(
        &self,
        mut call: Call,
        Program(program): Program,
        /// `csv` where it is absent.
        format: Query<FormatWord>,
        /// `whole` where it is absent: whoever does not stand in the file is lost. `delta` is a file of changes.
        mode: Query<ModeWord>,
        /// Only compare it.
        dry_run: Query<Flag>,
        mut file: Incoming,
    ) -> poem::Result<Once<Begun<RosterImport>>> {
        let format = format.text.as_deref().and_then(Format::parse);
        let sent = Sent {
            format: format.unwrap_or_default(),
            is_delta: mode.text.as_deref() == Some("delta"),
            goes_on: !dry_run.is_set(),
        };
        let received = receive(&call, &program, sent, &mut file).await?;
        match call.take_key(&program, SEND, &file).await {
            Ok(None) => {
                let begun = begin(&call, &program, received, sent).await;
                if begun.is_err() {
                    call.free_key().await;
                }
                Ok(Once::Now(begun?))
            }
            before => {
                up(received.give_up().await)?;
                let before = before?;
                Ok(before.map(Once::Before).ok_or_else(|| Failure::of("unavailable"))?)
            }
        }
    }

    /// Imports of the insurer
    ///
    /// Those of programs, of the console and of the command line, the last begun first.
    #[oai(path = "/roster-imports", method = "get", operation_id = "list_roster_imports")]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// Imports of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<RosterImportList>> {
        let list = call.list(&program, LIST);
        let (before, most) = (list.after(&cursor)?, page::limit(&limit));
        let rosters = &call.services.rosters;
        let runs = up(rosters.page(program.tenant(), before, most + 1).await)?;
        let (runs, next) = list.page(runs, most, |run| run.run_id);
        Ok(Done(RosterImportList {
            next,
            imports: runs.iter().map(|run| RosterImport::of(run, &program)).collect(),
        }))
    }

    /// How an import stands
    ///
    /// How far it is, what it changes or has changed, and why it waits or was refused or cancelled. Ask every few seconds while it is
    /// `comparing` or `running`.
    #[oai(path = "/roster-imports/:id", method = "get", operation_id = "get_roster_import")]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<RosterImport>> {
        let (rosters, id) = (&call.services.rosters, id.read(ImportId::parse)?);
        let run = up(rosters.run(program.tenant(), id).await)?;
        let run = run.filter(|run| run.state != RunState::Receiving);
        let run = run.ok_or_else(|| Failure::of("not_found"))?;
        let mut import = RosterImport::of(&run, &program);
        if import.is_own {
            let (unknown, in_all) = up(rosters.unknown_columns(program.tenant(), id).await)?;
            import.unknown_columns = Some(unknown).filter(|unknown| !unknown.is_empty());
            import.unknown_columns_in_all = Some(in_all).filter(|in_all| *in_all > 0);
        }
        Ok(Done(import))
    }

    /// What is wrong with a file
    ///
    /// Every error of the program's own file that was `refused` for its `rows`, by line: also what stands there, for whoever sent it.
    /// They are kept for seven days. Of another's import the list is empty, whatever it counts.
    #[oai(
        path = "/roster-imports/:id/errors",
        method = "get",
        operation_id = "list_roster_import_errors"
    )]
    async fn errors(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
        /// Errors of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<RosterImportErrors>> {
        let (list, id) = (call.list(&program, ERRORS), id.read(ImportId::parse)?);
        let page = (list.after_of(&id, &cursor)?, page::limit(&limit));
        let told = up(call.services.rosters.told_errors(call.by(&program), id, page).await)?;
        let told = told.ok_or_else(|| Failure::of("not_found"))?;
        Ok(Done(RosterImportErrors {
            next: told.next.map(|next| list.next(&(id, next))),
            errors: told.errors.into_iter().map(RosterImportError::from).collect(),
        }))
    }

    /// Import what was compared
    ///
    /// Of the program's own `dry_run`. Where something of it is the staff's to decide that is refused, and it is left to them: from then
    /// on it waits in the console, and is no `dry_run` any more.
    #[oai(
        path = "/roster-imports/:id/confirm",
        method = "post",
        operation_id = "confirm_roster_import"
    )]
    async fn confirm(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<RosterImport>> {
        let (rosters, id) = (&call.services.rosters, id.read(ImportId::parse)?);
        let confirmed = rosters.confirm(call.by(&program), id).await;
        finish(&call, &program, id, confirmed).await
    }

    /// Cancel an import
    ///
    /// Of the program's own that has not ended: nothing of it is imported, and its file is erased.
    #[oai(
        path = "/roster-imports/:id/cancel",
        method = "post",
        operation_id = "cancel_roster_import"
    )]
    async fn cancel(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<RosterImport>> {
        let (rosters, id) = (&call.services.rosters, id.read(ImportId::parse)?);
        let cancelled = rosters.cancel_sent(call.by(&program), id).await;
        finish(&call, &program, id, cancelled).await
    }
}

/// The file, put away as it comes.
async fn receive(call: &Call, program: &Caller, sent: Sent, file: &mut Incoming) -> Result<Bringing, Failure> {
    let mut bringing = up(call.services.rosters.begin_sent(call.by(program), sent).await)?;
    let refusal = loop {
        match file.next().await {
            Ok(Some(bytes)) => match up(bringing.take(&bytes).await)? {
                Outcome::Done(()) => {}
                Outcome::Refused(refusal) => break refusal,
            },
            Ok(None) => return Ok(bringing),
            Err(trouble) => break trouble.refused(reasons::FILE_TOO_LARGE, reasons::FILE_BROKEN_OFF),
        }
    };
    up(bringing.give_up().await)?;
    Err(Failure::refused(&refusal, call.now()))
}

/// Has it compared, with the answer that is kept of it.
async fn begin(call: &Call, program: &Caller, received: Bringing, sent: Sent) -> Result<Begun<RosterImport>, Failure> {
    let rosters = &call.services.rosters;
    let completed = rosters.complete_sent((call.by(program), program), received, sent).await;
    let (mut tx, run) = call.done(completed)?;
    let begun = Begun {
        value: RosterImport::of(&run, program),
        location: format!("{BASE}{PATH}/{}", run.run_id),
    };
    call.keep(&mut tx, &begun.saved()).await?;
    up(tx.commit().await)?;
    Ok(begun)
}

/// Commits what was done with the answer that is kept of it. What is refused for how the import stands says how that is.
async fn finish(
    call: &Call,
    program: &Caller,
    id: ImportId,
    done: Result<Outcome<(TenantTransaction, Run)>, Outage>,
) -> poem::Result<Done<RosterImport>> {
    let (mut tx, run) = match up(done)? {
        Outcome::Done(done) => done,
        Outcome::Refused(refusal) => {
            let failure = Failure::refused(&refusal, call.now());
            let is_of_state = refusal.is(reasons::RUN_MOVED_ON) || refusal.is(reasons::RUN_OVER);
            let run = up(call.services.rosters.run(program.tenant(), id).await)?.filter(|_| is_of_state);
            return Err(match run {
                Some(run) => failure.standing(run.state.as_str()),
                None => failure,
            }
            .into());
        }
    };
    let answer = Done(RosterImport::of(&run, program));
    call.keep(&mut tx, &answer.saved()).await?;
    up(tx.commit().await)?;
    Ok(answer)
}
