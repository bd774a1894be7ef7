//! What the operations on imports of rosters take and answer, with examples.

use clients::Caller;
use operations::{markdown, params::Rule, text::Time};
use poem_openapi::{Object, registry::MetaSchema};
use roster::import::{CODES, Described, described};
use roster::runs::{Author, Counts, Guard, Run, RunState};
use serde_json::{Value, json};
use tabular::ToldError;

/// The import of the examples.
pub(super) const ID: &str = "0197a3c0-0000-7000-8000-00000000005a";
/// Its file, of changes: a whole roster of one person is lost by everybody else.
pub(super) const FILE: &str = "被保険者証記号,番号,枝番,対象者氏名（カナ）,生年月日,続柄名称,異動区分\n\
    100,105,00,ケンポ　タロウ,1975-04-12,本人,変更\n";

/// The same as a line of JSON.
const LINE: &str = r#"{"symbol":"100","number":"105","branch":"00","kana_name":"ケンポ　タロウ","birth_date":"1975-04-12","relationship":"本人","movement":"change"}"#;

/// The columns of a roster, as the format has them.
pub(super) fn columns() -> String {
    let row = |column: Described| {
        let names: Vec<String> = column.names.iter().map(|name| format!("`{name}`")).collect();
        let need = if column.is_required { "required" } else { "optional" };
        [
            names.join(" or "),
            format!("`{}`", column.key),
            need.into(),
            column.holds,
        ]
    };
    let table = markdown::table(["Column", "In JSON", "Need", "Holds"], described().into_iter().map(row));
    format!(
        "**Columns of a roster.** Columns that are not required may be left out: then the file says nothing of them. Other \
         columns are passed over.\n\n{table}\nA line of `ndjson`, of a file of changes (`mode=delta`): `{LINE}`"
    )
}

/// What may be wrong with a file, by its codes.
pub(super) fn codes() -> String {
    // What any table's rows may have as well is told there.
    let own = CODES
        .iter()
        .filter(|(code, _)| tabular::CODES.iter().all(|(known, _)| known != code));
    let rows = tabular::CODES
        .iter()
        .chain(own)
        .map(|(code, meaning)| [format!("`{code}`"), (*meaning).to_owned()]);
    format!(
        "**Codes.** What needs the roster (`number_taken`, `branch_taken`, `same_person`, `forgotten_at_once`) is asked only of a \
         file whose rows can all be read; `not_in_roster` also of the rows that can, unless some of them repeat each other.\n\n{}",
        markdown::table(["Code", "Meaning"], rows)
    )
}

pub(super) fn example(state: &str) -> Value {
    let mut one = json!({
        "id": ID,
        "state": state,
        "by": "client",
        "is_own": true,
        "file_name": "連携データ（異動分）",
        "format": "csv",
        "dry_run": false,
        "created_at": "2026-11-22T01:00:00Z",
        "changed_at": "2026-11-22T01:02:00Z",
        "rows": 465,
        "percent": 100,
    });
    let more = match state {
        "finished" | "running" => json!({"difference": difference_example()}),
        "refused" => json!({"refused": "rows", "errors": 3}),
        "cancelled" => json!({"cancelled_code": "client"}),
        _ => json!({}),
    };
    if let (Some(one), Value::Object(more)) = (one.as_object_mut(), more) {
        one.extend(more);
    }
    one
}

fn difference_example() -> Value {
    json!({
        "mode": "delta", "rows": 465, "new": 120, "changed": 240, "corrected": 0, "returned": 2, "lost": 95,
        "unchanged": 8, "too_old": 0, "unknown_relations": 0, "skipped": 0,
    })
}

pub(super) fn error_example() -> Value {
    json!({
        "line": 17, "column": "生年月日", "value": "「19850431」", "code": "impossible_date",
        "detail": "ない日付です。4月は30日までです。",
    })
}

/// A page of an insurer's imports, the last begun first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RosterImportList {
    /// The imports.
    pub(super) imports: Vec<RosterImport>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// An import of a roster, on its way or at its end.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RosterImport {
    /// The id of the import.
    id: String,
    /// `received` (staff look at its columns), `comparing` (and imported, of one that goes on by itself), `compared` (it waits: see
    /// `waits_for`), `running`, `finished`, `refused` (see `refused`), `cancelled` (see `cancelled_code`) or `broken` (its worker
    /// died; nothing was imported, send it again).
    state: String,
    /// Who brought it: `client`, `staff` or `command`; also where the staff had it imported.
    by: String,
    /// True where the program itself is that.
    pub(super) is_own: bool,
    /// What the history calls its file.
    file_name: String,
    /// `csv` or `ndjson`.
    format: String,
    /// True of a program's that stays `compared` until it is confirmed; once it is, it is false.
    dry_run: bool,
    /// When its file came.
    created_at: Time,
    /// When it last moved.
    changed_at: Time,
    /// What a worker does of it: `reading`, `comparing` or `merging`; absent while none has it.
    stage: Option<String>,
    /// Rows that were read so far.
    rows: u64,
    /// How much of the file that is, in per cent.
    percent: u64,
    /// What it changes, or has changed, once that is known.
    difference: Option<RosterDifference>,
    /// What a `compared` one waits for: `confirmation` of its program, or of the staff in the console, for more people than usual would
    /// be lost (`loss`) or birth dates are corrected (`birth_dates`). A `dry_run` waits for the staff once its program confirms it.
    waits_for: Option<String>,
    /// Why it was refused: `rows` (see its errors), `loss` or `corrected` (the roster changed after it was compared), or `file` (it
    /// could not be read to its end).
    refused: Option<String>,
    /// How many errors a refused file has.
    errors: Option<u64>,
    /// Why it was cancelled, where that is known: `client` (its program cancelled it), `staff` (they did), `replaced` (its program's
    /// next file took its place) or `client_stopped` (its program was suspended, or its grant taken back); not in lists.
    cancelled_code: Option<String>,
    /// `id` of the import that it undoes.
    undoes: Option<String>,
    /// Headers, or keys, of the program's own file that mean nothing here and were ignored, up to 50 of them, and of each up to 100
    /// characters; not in lists, and for seven days.
    pub(super) unknown_columns: Option<Vec<String>>,
    /// How many headers that is in all, as long; of keys of `ndjson` no more than 50 are counted.
    pub(super) unknown_columns_in_all: Option<u64>,
}

/// What an import changes, in people. Every row is new, changed, returned, lost, unchanged or too old; `lost` also counts whoever is
/// missing from a whole roster.
#[derive(Object)]
pub(super) struct RosterDifference {
    /// `whole` or `delta`.
    mode: String,
    /// Rows of the file.
    rows: u64,
    /// People who are seen for the first time.
    new: u64,
    /// People of whom something changes.
    changed: u64,
    /// Those of the changed, returned and lost whose birth date becomes another.
    corrected: u64,
    /// People who are covered again.
    returned: u64,
    /// People whose coverage ends.
    lost: u64,
    /// Rows that say what is known already.
    unchanged: u64,
    /// Rows of people who lost coverage too long ago to be taken.
    too_old: u64,
    /// Rows whose 続柄 nobody has told the meaning of.
    unknown_relations: u64,
    /// People whom undoing an import left as they are.
    skipped: u64,
}

/// A page of the errors of a file, by line.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RosterImportErrors {
    /// The errors.
    pub(super) errors: Vec<RosterImportError>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// One error of a file.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RosterImportError {
    /// The line, from 1; of a table the header is the first.
    line: u64,
    /// The column; absent where the whole row or file is meant.
    column: Option<String>,
    /// The beginning of what stands there, in 「」.
    value: Option<String>,
    /// Stable; `list_roster_import_errors` lists all of them.
    code: String,
    /// What to mend, in Japanese, for whoever does.
    detail: String,
}

impl RosterImport {
    pub(super) fn of(run: &Run, program: &Caller) -> Self {
        let own = Author::Client(program.client.client_id);
        let is_known = matches!(run.state, RunState::Compared | RunState::Running | RunState::Finished);
        let is_refused = run.state == RunState::Refused;
        Self {
            id: run.run_id.to_string(),
            state: run.state.as_str().into(),
            by: match run.started_by {
                Some(Author::Client(_)) => "client",
                Some(Author::Staff(_)) => "staff",
                None => "command",
            }
            .into(),
            is_own: run.started_by == Some(own),
            file_name: run.file_name.clone(),
            format: run.format.as_str().into(),
            dry_run: run.is_dry_run(),
            created_at: run.created_at.into(),
            changed_at: run.moved_at.into(),
            stage: (!run.stage.is_empty() && run.state.is_at_work()).then(|| run.stage.clone()),
            rows: run.rows,
            percent: run.percent,
            difference: is_known.then(|| RosterDifference::of(&run.counts)),
            waits_for: (run.state == RunState::Compared).then(|| {
                let guard = run.guard(&program.insurer);
                guard.map_or("confirmation", word).into()
            }),
            refused: is_refused.then(|| run.counts.refused.clone()),
            errors: is_refused.then_some(run.counts.errors),
            cancelled_code: run.cancelled.map(|why| why.code().into()),
            undoes: run.undoes.map(|undoes| undoes.to_string()),
            unknown_columns: None,
            unknown_columns_in_all: None,
        }
    }
}

fn word(guard: Guard) -> &'static str {
    match guard {
        Guard::Loss => "loss",
        Guard::BirthDates => "birth_dates",
    }
}

impl RosterDifference {
    fn of(counts: &Counts) -> Self {
        Self {
            mode: if counts.is_delta { "delta" } else { "whole" }.into(),
            rows: counts.rows,
            new: counts.new,
            changed: counts.changed,
            corrected: counts.corrected,
            returned: counts.returned,
            lost: counts.lost,
            unchanged: counts.unchanged,
            too_old: counts.too_old,
            unknown_relations: counts.unknown_relations,
            skipped: counts.skipped,
        }
    }
}

impl From<ToldError> for RosterImportError {
    fn from(error: ToldError) -> Self {
        Self {
            line: error.line,
            column: error.column,
            value: error.value,
            code: error.code,
            detail: error.reason,
        }
    }
}

/// As what a file comes.
pub(super) struct FormatWord;

impl Rule for FormatWord {
    fn schema() -> MetaSchema {
        choice(&["csv", "ndjson"])
    }

    fn flaw(text: &str) -> Option<&'static str> {
        flaw(text, &["csv", "ndjson"])
    }
}

/// A whole roster, or changes.
pub(super) struct ModeWord;

impl Rule for ModeWord {
    fn schema() -> MetaSchema {
        choice(&["whole", "delta"])
    }

    fn flaw(text: &str) -> Option<&'static str> {
        flaw(text, &["whole", "delta"])
    }
}

/// One of these words, the first where none is given.
fn choice(words: &[&str]) -> MetaSchema {
    MetaSchema {
        default: words.first().map(|word| (*word).into()),
        enum_items: words.iter().map(|word| (*word).into()).collect(),
        ..MetaSchema::new("string")
    }
}

fn flaw(text: &str, words: &[&str]) -> Option<&'static str> {
    (!words.contains(&text)).then_some("not_a_choice")
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        for state in ["comparing", "finished", "refused", "cancelled"] {
            assert!(flaws::<RosterImport>(&example(state)).is_empty(), "{state}");
        }
        assert!(flaws::<RosterImportError>(&error_example()).is_empty());
    }

    #[test]
    fn every_code_is_told_once() {
        let told = codes();
        for (code, _) in tabular::CODES.iter().chain(&CODES) {
            assert_eq!(told.matches(&format!("\n| `{code}` |")).count(), 1, "{code}");
        }
    }

    #[test]
    fn a_word_that_is_none_of_the_choices_is_refused() {
        assert_eq!(
            (FormatWord::flaw("csv"), FormatWord::flaw("xml")),
            (None, Some("not_a_choice"))
        );
        assert_eq!(
            (ModeWord::flaw("delta"), ModeWord::flaw("")),
            (None, Some("not_a_choice"))
        );
    }
}
