//! What the operations on imports of statements take and answer, with examples.

use crate::{
    month::Month,
    runs::{Found, Hidden, Run, RunState},
    v1::programs::deliveries::EXAMPLE as DELIVERY,
};
use clients::Caller;
use kernel::{DeliveryId, ImportId};
use operations::{params::Rule, text::Time};
use poem_openapi::{Object, registry::MetaSchema};
use roster::runs::Author;
use serde_json::{Value, json};
use std::collections::HashMap;
use tabular::ToldError;

/// The import of the examples.
pub(super) const ID: &str = "0197a3c0-0000-7000-8000-00000000005b";
/// Its file: of people whom every sandbox has, and about as much as one has of a month.
pub(super) const FILE: &str = "記号,番号,枝番,診療年月,診療区分,日数,医療費の総額,保険者の負担額,窓口相当負担額
100,105,00,2026-09,医科外来,1,7210,5050,2160
100,105,00,2026-09,調剤,1,8440,5910,2530
100,105,01,2026-09,歯科外来,2,9270,6490,2780
100,106,00,2026-09,医科外来,1,5640,3950,1690
100,106,01,2026-09,医科外来,1,6250,4370,1880
100,107,00,2026-09,調剤,1,8560,5990,2570
";

pub(super) fn example(state: &str) -> Value {
    let mut one = json!({
        "id": ID, "kind": "costs", "state": state, "by": "client", "is_own": true, "dry_run": false, "label": "2026-11",
        "created_at": "2026-11-22T01:00:00Z", "changed_at": "2026-11-22T01:02:00Z", "rows": 1204, "percent": 100,
    });
    let more = match state {
        "loaded" => {
            json!({"delivery": DELIVERY, "found": {"label": "2026-11", "rows": 1204, "too_old": 0, "withdrawn": 3,
            "persons": 611, "unknown": 2, "several": 0, "unknown_drugs": 0}})
        }
        "refused" => {
            json!({"refused_code": "rows", "refused": "ファイルに1件の誤りがあります。何も取り込んでいません。直してから、もう一度取り込んでください。",
            "errors": 1})
        }
        "cancelled" => json!({"cancelled_code": "client"}),
        _ => json!({}),
    };
    if let (Some(one), Value::Object(more)) = (one.as_object_mut(), more) {
        one.extend(more);
    }
    one
}

pub(super) fn error_example() -> Value {
    json!({
        "line": 17, "column": "診療年月", "value": "「2026-13」", "code": "month",
        "detail": "年月として読めません。202606、2026/6、2026年6月、R0806のように入力してください。",
    })
}

/// A page of an insurer's imports of statements, the last begun first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StatementImportList {
    /// The imports.
    pub(super) imports: Vec<StatementImport>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// An import of statements, on its way or at its end.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StatementImport {
    /// The id of the import.
    id: String,
    /// `costs` 医療費通知 or `medicines` ジェネリック差額明細.
    kind: String,
    /// `received` (staff look at its columns), `checking`, `checked` (it waits: see `doubts`), `loading`, `loaded`, `refused` (see
    /// `refused`), `cancelled` (see `cancelled_code`) or `broken` (its worker died; nothing was loaded).
    state: String,
    /// Who brought it: `client` or `staff`; also where the staff had it loaded.
    by: String,
    /// True where the program itself is that.
    is_own: bool,
    /// True of a program's that is only checked.
    dry_run: bool,
    /// 処理年月, where whoever brought it said so.
    label: Option<String>,
    /// When its file came.
    created_at: Time,
    /// When it last moved.
    changed_at: Time,
    /// Rows that were read so far.
    rows: u64,
    /// How much of the file that is, in per cent.
    percent: u64,
    /// What is in the file, once it was checked.
    found: Option<FoundInFile>,
    /// What is unusual about a `checked` one: `unmatched` (too many rows are nobody's) or `deviates` (far more or less than in other
    /// months). For that it waits for the staff, where it was not only to be checked; one in which nothing is unusual has none.
    doubts: Option<Vec<String>>,
    /// The delivery into which a `loaded` one was loaded: `id` in `/statement-deliveries/{id}`.
    delivery: Option<String>,
    /// Why it was refused, as a stable word: `rows` (see its errors), `same_file` (it is published already), `file` (it could not be read
    /// to its end), `changed` (it was another by the time it was loaded), `unmatched` (too many rows are nobody's), `deviates` (far more
    /// or less than in other months), `too_old` (all of it is of months too old to be shown), `unknown_drugs` (too many rows are of no
    /// known medicine), `no_master` (the operator has to bring the master of medicines of a month) or `no_year` (the operator has to
    /// make room for a year). Absent of one that was refused before there was this word.
    refused_code: Option<String>,
    /// The same in Japanese, for whoever mends it.
    refused: Option<String>,
    /// How many errors a refused file has.
    errors: Option<u64>,
    /// Why it was cancelled, where that is known: `client` (its program cancelled it), `staff` (they did), `replaced` (its program's
    /// next file took its place) or `client_stopped` (its program was suspended, or its grant taken back).
    cancelled_code: Option<String>,
}

/// What is in a file, in numbers.
#[derive(Object)]
pub(super) struct FoundInFile {
    /// 処理年月.
    label: String,
    /// Rows that count.
    rows: u64,
    /// Rows of months too old to be shown.
    too_old: u64,
    /// Rows that take a claim back.
    withdrawn: u64,
    /// People whom the roster knows.
    persons: u64,
    /// Rows of nobody whom it knows. Without `protected.read` those of protected people are among them, though they are loaded.
    unknown: u64,
    /// Rows of whom it knows several.
    several: u64,
    /// Rows of medicines that their month's master has not.
    unknown_drugs: u64,
}

/// A page of the errors of a file of statements, by line.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StatementImportErrors {
    /// The errors.
    pub(super) errors: Vec<StatementImportError>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// One error of a file of statements.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StatementImportError {
    /// The line, from 1: the header is the first.
    line: u64,
    /// The column; absent where the whole row or file is meant.
    column: Option<String>,
    /// The beginning of what stands there, in 「」.
    value: Option<String>,
    /// Stable; `list_statement_import_errors` lists all of them.
    code: String,
    /// What to mend, in Japanese, for whoever does.
    detail: String,
}

impl StatementImport {
    pub(super) fn of(run: &Run, program: &Caller) -> Self {
        let is_clients = run.started_by.is_client();
        let is_refused = run.state == RunState::Refused;
        Self {
            id: run.run_id.to_string(),
            kind: run.kind.as_str().into(),
            state: run.state.as_str().into(),
            by: if is_clients { "client" } else { "staff" }.into(),
            is_own: run.started_by == Author::Client(program.client.client_id),
            dry_run: run.is_dry_run(),
            label: run.label.map(|label| label.to_string()),
            created_at: run.created_at.into(),
            changed_at: run.moved_at.into(),
            rows: run.rows,
            percent: run.percent,
            found: run
                .report
                .found
                .as_ref()
                .map(|found| FoundInFile::of(found, program.sees_protected())),
            doubts: (run.state == RunState::Checked)
                .then(|| run.doubts().iter().map(|doubt| doubt.code().into()).collect()),
            delivery: None,
            refused_code: Some(run.report.refused_code.clone()).filter(|code| is_refused && !code.is_empty()),
            refused: is_refused.then(|| run.report.refused.clone()),
            errors: is_refused.then_some(run.report.errors),
            cancelled_code: run.cancelled.map(|why| why.code().into()),
        }
    }

    /// The same of one that may be loaded by now, with its delivery.
    pub(super) fn with_delivery(run: &Run, program: &Caller, loaded: &HashMap<ImportId, DeliveryId>) -> Self {
        Self {
            delivery: loaded.get(&run.run_id).map(ToString::to_string),
            ..Self::of(run, program)
        }
    }
}

impl FoundInFile {
    fn of(found: &Found, sees_protected: bool) -> Self {
        let hidden = if sees_protected {
            Hidden::default()
        } else {
            found.hidden
        };
        Self {
            label: found.label.to_string(),
            rows: found.rows,
            too_old: found.too_old,
            withdrawn: found.withdrawn,
            persons: found.persons.saturating_sub(hidden.persons),
            unknown: found.unknown + hidden.rows,
            several: found.several,
            unknown_drugs: found.unknown_drugs,
        }
    }
}

impl From<ToldError> for StatementImportError {
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

/// `costs` or `medicines`; it has to be there.
pub(super) struct KindWord;

impl Rule for KindWord {
    fn schema() -> MetaSchema {
        MetaSchema {
            enum_items: vec!["costs".into(), "medicines".into()],
            ..MetaSchema::new("string")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        (!["costs", "medicines"].contains(&text)).then_some("not_a_choice")
    }
}

/// A month as `2026-10`.
pub(super) struct LabelWord;

impl Rule for LabelWord {
    fn schema() -> MetaSchema {
        crate::v1::params::word("^[0-9]{4}-(0[1-9]|1[0-2])$")
    }

    fn flaw(text: &str) -> Option<&'static str> {
        let month = Month::parse(text).filter(|month| month.to_string() == text);
        month.is_none().then_some("not_a_choice")
    }

    fn asked() -> String {
        "Must be a month, as `2026-10`.".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        for state in ["checking", "loaded", "refused", "cancelled"] {
            assert!(flaws::<StatementImport>(&example(state)).is_empty(), "{state}");
        }
        assert!(flaws::<StatementImportError>(&error_example()).is_empty());
    }

    #[test]
    fn a_word_that_is_none_of_the_choices_is_refused() {
        assert_eq!(
            (LabelWord::flaw("2026-10"), LabelWord::flaw("2026-13")),
            (None, Some("not_a_choice"))
        );
        assert_eq!(LabelWord::flaw("202610"), Some("not_a_choice"));
        assert!(LabelWord::asked().contains("`2026-10`"));
        assert_eq!(
            (KindWord::flaw("costs"), KindWord::flaw("")),
            (None, Some("not_a_choice"))
        );
    }
}
