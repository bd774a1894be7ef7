//! Files of statements that programs send: checked and loaded by the engine and the guards of the console.

mod shapes;

use crate::{
    described,
    kind::Kind,
    month::Month,
    runs::{Bringing, Run, Runs, Sent, reasons},
};
use access::scope::STATEMENTS_IMPORT;
use clients::Caller;
use database::TenantTransaction;
use edge::Rights;
use ground::Ground;
use kernel::{ImportId, Outcome};
use operations::{
    BASE, Codes, Example, Group, Tag, act,
    answer::{Begun, Done, Once},
    call::{Call, Program, up},
    explained,
    failure::{Failure, Flaw},
    get, keyed,
    page::{self, Cursor, Limit},
    params::{Flag, IdSegment, Needed, Query, Rule as _, Segment},
    send,
    stream::Incoming,
};
use poem_openapi::OpenApi;
use serde_json::json;
use shapes::{
    KindWord, LabelWord, StatementImport, StatementImportError, StatementImportErrors, StatementImportList,
    error_example, example,
};
use std::slice;
use tabular::MOST_BYTES;

struct ImportsApi(Runs);

const PATH: &str = "/statement-imports";
const SEND: &str = "import_statements";
const LIST: &str = "list_statement_imports";
const ERRORS: &str = "list_statement_import_errors";

const SENDS: Codes = &[
    "fields",
    "statement_file_empty",
    "statement_file_too_large",
    "statement_file_unreadable",
    "statement_file_broken_off",
    "statement_file_replaced",
    "statement_file_forbidden",
    "statement_another_run",
    "overloaded",
];
const CANCELS: Codes = &["not_found", "statement_import_of_others", "statement_run_over"];

/// The operations.
pub(super) fn group(ground: &Ground) -> Group {
    let import = Rights::Client(STATEMENTS_IMPORT);
    let of = |state| Example {
        parameters: vec![("id", json!(shapes::ID))],
        answer: Some(example(state)),
        ..Example::default()
    };
    let sent = Example {
        request: Some(json!(shapes::FILE)),
        parameters: vec![("kind", json!("costs")), ("label", json!("2026-11"))],
        answer: Some(example("checking")),
        links: None,
    };
    let listed = Example {
        answer: Some(json!({"imports": [example("loaded")], "next": "AAJrMQ"})),
        ..Example::default()
    };
    let errors = Example {
        answer: Some(json!({"errors": [error_example()]})),
        ..of("refused")
    };
    let rows = vec![
        explained(
            keyed(send(PATH, SEND, (import, MOST_BYTES), SENDS, sent)),
            described::columns(),
        ),
        get(PATH, LIST, import, &["fields", "cursor"], listed),
        get(
            "/statement-imports/:id",
            "get_statement_import",
            import,
            &["not_found"],
            of("loaded"),
        ),
        explained(
            get(
                "/statement-imports/:id/errors",
                ERRORS,
                import,
                &["fields", "cursor", "not_found"],
                errors,
            ),
            described::codes(),
        ),
        keyed(act(
            "/statement-imports/:id/cancel",
            "cancel_statement_import",
            import,
            CANCELS,
            of("cancelled"),
        )),
    ];
    Group::new(rows, ImportsApi(Runs::new(ground))).refusing(&reasons::REASONS)
}

#[OpenApi(tag = "Tag::Statements")]
impl ImportsApi {
    /// Import statements
    ///
    /// The body is the file: a CSV in UTF-8 or `Shift_JIS` with a header, or an Excel workbook, with the columns that the insurer's staff
    /// bring, in any order. One with a column of diagnoses, acts or My Numbers is refused as a whole.
    ///
    /// A worker checks it and then loads it into a delivery, whole or not at all; nothing is shown to members before it is published.
    /// Where something about it is unusual it waits for the staff as `checked`. With `dry_run` it stays `checked`, until the
    /// program's next file comes; the staff don't load it. One file of a kind is at work at a time.
    ///
    /// Whoever may bring rows can tell whether somebody they name is on the roster, a protected person too: `statements.import` is for
    /// systems that hold the roster themselves.
    #[oai(path = "/statement-imports", method = "post", operation_id = "import_statements")]
    async fn import(
        &self,
        mut call: Call,
        Program(program): Program,
        /// `costs` of a file of 医療費通知, `medicines` of one of ジェネリック差額明細.
        kind: Needed<KindWord>,
        /// 処理年月 as `2026-10`; absent where a column of the file says so.
        label: Query<LabelWord>,
        /// Only check it.
        dry_run: Query<Flag>,
        mut file: Incoming,
    ) -> poem::Result<Once<Begun<StatementImport>>> {
        let kind = Kind::from_word(&kind.text);
        let sent = Sent {
            kind: kind
                .ok_or_else(|| Failure::fields(vec![Flaw::new("/kind", "not_a_choice").asking(&KindWord::schema())]))?,
            label: label.text.as_deref().and_then(Month::parse),
            goes_on: !dry_run.is_set(),
        };
        let received = self.receive(&call, &program, sent, &mut file).await?;
        match call.take_key(&program, SEND, &file).await {
            Ok(None) => {
                let begun = self.begin(&call, &program, received, sent).await;
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

    /// Imports of statements
    ///
    /// Those of programs and of the console, the last begun first. Of what the command line has loaded there are deliveries alone.
    #[oai(path = "/statement-imports", method = "get", operation_id = "list_statement_imports")]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// Imports of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<StatementImportList>> {
        let list = call.list(&program, LIST);
        let (before, most) = (list.after(&cursor)?, page::limit(&limit));
        let runs = up(self.0.page(program.tenant(), before, most + 1).await)?;
        let (runs, next) = list.page(runs, most, |run| run.run_id);
        let loaded = up(self.0.loaded_into(program.tenant(), &runs).await)?;
        let import = |run| StatementImport::with_delivery(run, &program, &loaded);
        Ok(Done(StatementImportList {
            next,
            imports: runs.iter().map(import).collect(),
        }))
    }

    /// How an import of statements stands
    ///
    /// How far it is, what was found in its file, why it waits or was refused or cancelled, and into which delivery it was loaded;
    /// numbers that are nobody's.
    #[oai(
        path = "/statement-imports/:id",
        method = "get",
        operation_id = "get_statement_import"
    )]
    async fn get(
        &self,
        _call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<StatementImport>> {
        let run = up(self.0.run(program.tenant(), id.read(ImportId::parse)?).await)?;
        let run = run.ok_or_else(|| Failure::of("not_found"))?;
        let loaded = up(self.0.loaded_into(program.tenant(), slice::from_ref(&run)).await)?;
        Ok(Done(StatementImport::with_delivery(&run, &program, &loaded)))
    }

    /// What is wrong with a file of statements
    ///
    /// Every error of the program's own file that was `refused` for its `rows`, by line: also what stands there, for whoever sent it.
    /// They are kept for seven days. Of another's import the list is empty, whatever it counts.
    #[oai(
        path = "/statement-imports/:id/errors",
        method = "get",
        operation_id = "list_statement_import_errors"
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
    ) -> poem::Result<Done<StatementImportErrors>> {
        let (list, id) = (call.list(&program, ERRORS), id.read(ImportId::parse)?);
        let page = (list.after_of(&id, &cursor)?, page::limit(&limit));
        let told = up(self.0.told_errors(call.by(&program), id, page).await)?;
        let told = told.ok_or_else(|| Failure::of("not_found"))?;
        Ok(Done(StatementImportErrors {
            next: told.next.map(|next| list.next(&(id, next))),
            errors: told.errors.into_iter().map(StatementImportError::from).collect(),
        }))
    }

    /// Cancel an import of statements
    ///
    /// Of the program's own that has not ended: nothing of it is loaded, and its file is erased.
    #[oai(
        path = "/statement-imports/:id/cancel",
        method = "post",
        operation_id = "cancel_statement_import"
    )]
    async fn cancel(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the import.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<StatementImport>> {
        let id = id.read(ImportId::parse)?;
        let cancelled = self.0.cancel_sent(call.by(&program), id).await;
        let (mut tx, run): (TenantTransaction, Run) = match up(cancelled)? {
            Outcome::Done(done) => done,
            Outcome::Refused(refusal) => {
                let failure = Failure::refused(&refusal, call.now());
                let run = up(self.0.run(program.tenant(), id).await)?;
                return Err(match run.filter(|_| refusal.is(reasons::RUN_OVER)) {
                    Some(run) => failure.standing(run.state.as_str()),
                    None => failure,
                }
                .into());
            }
        };
        let answer = Done(StatementImport::of(&run, &program));
        call.keep(&mut tx, &answer.saved()).await?;
        up(tx.commit().await)?;
        Ok(answer)
    }
}

impl ImportsApi {
    /// The file, put away as it comes.
    async fn receive(
        &self,
        call: &Call,
        program: &Caller,
        sent: Sent,
        file: &mut Incoming,
    ) -> Result<Bringing, Failure> {
        let mut bringing = up(self.0.begin(call.by(program), sent.kind, "連携データ").await)?;
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

    /// Has it checked, with the answer that is kept of it.
    async fn begin(
        &self,
        call: &Call,
        program: &Caller,
        received: Bringing,
        sent: Sent,
    ) -> Result<Begun<StatementImport>, Failure> {
        let whose = (call.by(program), program);
        let completed = self.0.complete_sent(whose, received, sent).await;
        let (mut tx, run) = call.done(completed)?;
        let begun = Begun {
            value: StatementImport::of(&run, program),
            location: format!("{BASE}{PATH}/{}", run.run_id),
        };
        call.keep(&mut tx, &begun.saved()).await?;
        up(tx.commit().await)?;
        Ok(begun)
    }
}
