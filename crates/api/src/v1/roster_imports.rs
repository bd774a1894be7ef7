//! Rosters that programs send: whole ones and files of changes, by the engine, the guards and the history of the console.

mod shapes;

use access::scope::{IMPORTS_READ, IMPORTS_WRITE};
use clients::Caller;
use database::TenantTransaction;
use edge::{BodyTrouble, Rights};
use kernel::{ImportId, Outcome, Refusal, outcome};
use operations::{
    BASE, Codes, Example, Group, Tag, act,
    answer::{Begun, Done, Once},
    call::{Call, Program, up},
    explained,
    failure::Failure,
    get, keyed,
    page::{self, Cursor, Limit},
    params::{IdSegment, Query, Segment},
    send,
    stream::Incoming,
};
use poem_openapi::OpenApi;
use roster::runs::{Author, Bringing, By, Format, MOST_BYTES, Run, RunState, Sent, reasons};
use serde_json::json;
use shapes::{
    DryRun, FormatWord, ModeWord, RosterImport, RosterImportError, RosterImportErrors, RosterImportList, error_example,
    example,
};

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
    "roster_file_broken_off",
    "roster_mode_mismatch",
    "roster_another_run",
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
        parameters: vec![("format", json!("csv")), ("mode", json!("whole"))],
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
    /// or `lose`). The first object says which columns there are; what a later one leaves out is blank there.
    ///
    /// A worker compares the file with the roster and then imports it, taken whole or not at all. Where more people than the insurer
    /// allows would be lost, or two of the staff have to agree, it waits for the staff as `compared`. With `dry_run` it stays
    /// `compared`, until it is confirmed or its next file comes. One file of an insurer is at work at a time.
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
        dry_run: Query<DryRun>,
        mut file: Incoming,
    ) -> poem::Result<Once<Begun<RosterImport>>> {
        let format = format.text.as_deref().and_then(Format::parse);
        let sent = Sent {
            format: format.unwrap_or_default(),
            is_delta: mode.text.as_deref() == Some("delta"),
            goes_on: dry_run.text.as_deref() != Some("true"),
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
            Ok(Some(before)) => {
                up(call.services.rosters.give_up(by(&call, &program), received).await)?;
                Ok(Once::Before(before))
            }
            Err(failure) => {
                up(call.services.rosters.give_up(by(&call, &program), received).await)?;
                Err(failure.into())
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
        let mut runs = up(rosters.page(program.tenant(), before, most + 1).await)?;
        let more = runs.len() > most as usize;
        runs.truncate(most as usize);
        let last = runs.last().filter(|_| more).map(|run| run.run_id);
        Ok(Done(RosterImportList {
            next: last.map(|last| list.next(&last)),
            imports: runs.iter().map(|run| RosterImport::of(run, &program)).collect(),
        }))
    }

    /// How an import stands
    ///
    /// How far it is, what it changes or has changed, and why it waits or was refused. Ask every few seconds while it is `comparing` or
    /// `running`.
    #[oai(path = "/roster-imports/:id", method = "get", operation_id = "get_roster_import")]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<RosterImport>> {
        let run = up(call.services.rosters.run(program.tenant(), import_id(&id)?).await)?;
        let run = run.filter(|run| run.state != RunState::Receiving);
        let run = run.ok_or_else(|| Failure::of("not_found"))?;
        Ok(Done(RosterImport::of(&run, &program)))
    }

    /// What is wrong with a file
    ///
    /// Every error of the program's own file that was `refused` for its `rows`, by line: also what stands there, for whoever sent it.
    /// They are kept for seven days. An import that is another's has none here.
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
        let (list, id) = (call.list(&program, ERRORS), import_id(&id)?);
        let from = match list.after::<(ImportId, u64)>(&cursor)? {
            Some((of, _)) if of != id => return Err(Failure::of("cursor").into()),
            from => from.map(|(_, from)| from),
        };
        let (by, page) = (by(&call, &program), (from, page::limit(&limit)));
        let told = up(call.services.rosters.told_errors(by, id, page).await)?;
        let told = told.ok_or_else(|| Failure::of("not_found"))?;
        Ok(Done(RosterImportErrors {
            next: told.next.map(|next| list.next(&(id, next))),
            errors: told.errors.into_iter().map(RosterImportError::from).collect(),
        }))
    }

    /// Import what was compared
    ///
    /// Of the program's own `dry_run`, as long as nothing of it is the staff's to decide.
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
        let confirmed = call
            .services
            .rosters
            .confirm(by(&call, &program), import_id(&id)?)
            .await;
        finish(&call, &program, call.done(confirmed)?).await
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
        let rosters = &call.services.rosters;
        let cancelled = rosters.cancel_sent(by(&call, &program), import_id(&id)?).await;
        finish(&call, &program, call.done(cancelled)?).await
    }
}

/// The file, put away as it comes.
async fn receive(call: &Call, program: &Caller, sent: Sent, file: &mut Incoming) -> Result<Bringing, Failure> {
    let (rosters, by) = (&call.services.rosters, by(call, program));
    let mut bringing = up(rosters.begin_sent(by, sent).await)?;
    let refusal = loop {
        match file.next().await {
            Ok(Some(bytes)) => match up(rosters.take(by, &mut bringing, &bytes).await)? {
                Outcome::Done(()) => {}
                Outcome::Refused(refusal) => break refusal,
            },
            Ok(None) => return Ok(bringing),
            Err(trouble) => break broken(trouble),
        }
    };
    up(rosters.give_up(by, bringing).await)?;
    Err(Failure::refused(&refusal, call.now()))
}

/// Has it compared, with the answer that is kept of it.
async fn begin(call: &Call, program: &Caller, received: Bringing, sent: Sent) -> Result<Begun<RosterImport>, Failure> {
    let completed = call
        .services
        .rosters
        .complete_sent(by(call, program), received, sent)
        .await;
    let (mut tx, run) = call.done(completed)?;
    let begun = Begun {
        value: RosterImport::of(&run, program),
        location: format!("{BASE}{PATH}/{}", run.run_id),
    };
    call.keep(&mut tx, &begun.saved()).await?;
    up(tx.commit().await)?;
    Ok(begun)
}

/// Commits what was done with the answer that is kept of it.
async fn finish(
    call: &Call,
    program: &Caller,
    (mut tx, run): (TenantTransaction, Run),
) -> poem::Result<Done<RosterImport>> {
    let answer = Done(RosterImport::of(&run, program));
    call.keep(&mut tx, &answer.saved()).await?;
    up(tx.commit().await)?;
    Ok(answer)
}

fn broken(trouble: BodyTrouble) -> Refusal {
    match trouble {
        BodyTrouble::TooLarge => reasons::FILE_TOO_LARGE.into(),
        BodyTrouble::Unreadable => reasons::FILE_BROKEN_OFF.into(),
    }
}

fn by<'a>(call: &'a Call, program: &'a Caller) -> By<'a> {
    By {
        tenant: program.tenant(),
        author: Author::Client(program.client.client_id),
        name: &program.name,
        actor: program.actor(),
        origin: &call.origin,
    }
}

fn import_id(segment: &Segment<IdSegment>) -> Result<ImportId, Failure> {
    ImportId::parse(&segment.text).ok_or_else(|| Failure::of(outcome::NOT_FOUND.code))
}
