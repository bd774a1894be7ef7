//! Lines of JSON, an object each, as a program sends a roster: made into the table that everything else reads, as they come.
//!
//! The columns are those of the first line, as a table's are those of its header, and are called as `persons` calls them: what no
//! line says of a person stays as it is, so a later one can't add to them. What a later line leaves out is blank in it; a column that
//! it has beyond them is refused, or it would be lost without a word. Keys that are no column are ignored, and told.

use crate::import::{Column, stated};
use kernel::{Field, FieldError, Problem};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeSet};
use tabular::{Column as _, UNKNOWN};

/// Bytes of a line at most: far more than the longest row.
const LONGEST: usize = 64 * 1024;
/// Errors that are told at once.
const ERRORS: usize = 100;
/// Lines in which more are looked for where there is one.
const FIRST: usize = 1_000;
/// What [`Column::Movement`] is called.
const MOVEMENT: &str = "movement";
/// Its words, and those of the format.
const MOVEMENTS: [(&str, &str); 3] = [("add", "追加"), ("change", "変更"), ("lose", "喪失")];

/// Lines on their way in.
pub(super) struct Lines {
    is_delta: bool,
    /// Those of the first line.
    columns: Vec<Column>,
    /// What is not a whole line yet.
    waiting: Vec<u8>,
    /// Lines that were read, from the first that is not blank.
    count: usize,
    /// What is wrong with them.
    errors: Vec<FieldError>,
    /// Keys that are no column.
    unknown: BTreeSet<String>,
}

impl Lines {
    pub(super) fn new(is_delta: bool) -> Self {
        Self {
            is_delta,
            columns: Vec::new(),
            waiting: Vec::new(),
            count: 0,
            errors: Vec::new(),
            unknown: BTreeSet::new(),
        }
    }

    /// Takes what has come, and gives the rows in it. What is wrong is told together, by line, from 1.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Vec<FieldError>> {
        let mut table = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.waiting.extend_from_slice(line);
            self.line(&mut table);
            if self.errors.len() >= ERRORS || (!self.errors.is_empty() && self.count >= FIRST) {
                return Err(self.told());
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.waiting.extend_from_slice(rest);
        if self.waiting.len() > LONGEST {
            self.line(&mut table);
            return Err(self.told());
        }
        Ok(table)
    }

    /// The last line, where no line feed ends it.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, Vec<FieldError>> {
        let mut table = Vec::new();
        if !self.waiting.is_empty() {
            self.line(&mut table);
        }
        if self.errors.is_empty() {
            Ok(table)
        } else {
            Err(self.told())
        }
    }

    /// Keys that mean nothing here.
    pub(super) fn unknown(&self) -> Vec<String> {
        self.unknown.iter().cloned().collect()
    }

    /// Makes a row of the line that waits. A blank one stays blank, so that lines keep their numbers.
    fn line(&mut self, table: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.waiting);
        let is_blank = line.trim_ascii().is_empty() && line.len() <= LONGEST;
        // Before the header there are no rows.
        if is_blank && self.count == 0 {
            return;
        }
        self.count += 1;
        if line.len() > LONGEST {
            return self.wrong(None, Problem::TooLong { max: LONGEST });
        }
        if is_blank {
            return table.push(b'\n');
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(&line) else {
            return self.wrong(None, Problem::NotJson);
        };
        if self.columns.is_empty() {
            self.header(&members, table);
        }
        self.look(&members);
        self.row(&members, table);
    }

    /// The columns of the first line.
    fn header(&mut self, members: &Map<String, Value>, table: &mut Vec<u8>) {
        for column in Column::ALL.iter().copied() {
            let is_there = members.contains_key(name(column));
            let is_asked = column.is_required() || (self.is_delta && column == Column::Movement);
            if is_asked && !is_there {
                self.wrong(Some(name(column)), Problem::Missing);
            }
            if is_asked || is_there {
                self.columns.push(column);
            }
        }
        let names: Vec<&str> = self.columns.iter().map(|column| column.name()).collect();
        table.extend_from_slice(names.join(",").as_bytes());
        table.push(b'\n');
    }

    /// What is wrong with the members of a line, and which mean nothing.
    fn look(&mut self, members: &Map<String, Value>) {
        for (key, value) in members {
            match Column::ALL.iter().find(|column| name(**column) == key) {
                None if self.unknown.len() < UNKNOWN.0 => {
                    self.unknown.insert(key.chars().take(UNKNOWN.1).collect());
                }
                Some(column) if !self.columns.contains(column) => self.wrong(Some(key.as_str()), Problem::UnknownKey),
                Some(_) if !value.is_string() && !value.is_null() => self.wrong(Some(key.as_str()), Problem::NotText),
                None | Some(_) => {}
            }
        }
    }

    fn row(&self, members: &Map<String, Value>, table: &mut Vec<u8>) {
        for (nth, column) in self.columns.iter().enumerate() {
            let text = members.get(name(*column)).and_then(Value::as_str).unwrap_or_default();
            let text = if *column == Column::Movement {
                movement(text)
            } else {
                text
            };
            if nth > 0 {
                table.push(b',');
            }
            table.push(b'"');
            table.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            table.push(b'"');
        }
        table.push(b'\n');
    }

    /// Notes what is wrong with the line that is read, or with a member of it.
    fn wrong(&mut self, member: Option<&str>, problem: Problem) {
        let place = match member {
            Some(member) => format!("{}/{member}", self.count),
            None => self.count.to_string(),
        };
        let field = Field {
            name: Cow::Owned(place),
            ..Field::new("", "ファイルの行")
        };
        self.errors.push(FieldError::new(field, problem));
    }

    /// All that is told of what is wrong.
    fn told(&mut self) -> Vec<FieldError> {
        let mut errors = std::mem::take(&mut self.errors);
        errors.truncate(ERRORS);
        errors
    }
}

/// What a line calls a column.
pub(super) fn name(column: Column) -> &'static str {
    if column == Column::Movement {
        MOVEMENT
    } else {
        stated::name(column)
    }
}

/// Another word is told of as one of the row's errors.
fn movement(word: &str) -> &str {
    let known = MOVEMENTS.iter().find(|(known, _)| *known == word);
    known.map_or(word, |(_, word)| word)
}

/// What is said of a row, with the words that its line has for a movement.
pub(super) fn said(reason: &str) -> String {
    MOVEMENTS.iter().fold(reason.to_owned(), |said, (word, known)| {
        said.replace(&format!("「{known}」"), &format!("「{word}」（{known}）"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = r#"{"symbol":"1","number":"2","kana_name":"ケンポ","birth_date":"1985-04-01","relationship":"本人","email":null}"#;

    fn read(text: &[u8], is_delta: bool, part: usize) -> Result<(String, Vec<String>), Vec<FieldError>> {
        let (mut lines, mut table) = (Lines::new(is_delta), Vec::new());
        for part in text.chunks(part) {
            table.extend(lines.take(part)?);
        }
        table.extend(lines.end()?);
        Ok((String::from_utf8(table).unwrap(), lines.unknown()))
    }

    fn wrong(text: &str, is_delta: bool) -> Vec<(String, &'static str)> {
        let errors = read(text.as_bytes(), is_delta, 7).unwrap_err();
        let told = |error: FieldError| (error.field.name.into_owned(), error.problem.code());
        errors.into_iter().map(told).collect()
    }

    fn named(told: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        told.iter().map(|(place, code)| ((*place).to_owned(), *code)).collect()
    }

    #[test]
    fn objects_become_rows_under_the_header_of_the_first_whatever_the_parts() {
        let text = format!(
            "\n{FIRST}\n\n{}\n{{\"other\":1}}",
            r#"{"symbol":"1","number":"3","kana_name":"a,\"b\nc"}"#
        );
        let expected = "被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称,メール\n\
             \"1\",\"2\",\"ケンポ\",\"1985-04-01\",\"本人\",\"\"\n\n\
             \"1\",\"3\",\"a,\"\"b\nc\",\"\",\"\",\"\"\n\"\",\"\",\"\",\"\",\"\",\"\"\n";
        for part in [1, 3, 1000] {
            let (table, unknown) = read(text.as_bytes(), false, part).unwrap();
            assert_eq!((table.as_str(), unknown), (expected, vec!["other".to_owned()]));
        }
    }

    #[test]
    fn a_file_of_changes_says_on_each_line_what_it_is() {
        let first = FIRST.replace("null", r#"null,"movement":"lose""#);
        let (table, _) = read(first.as_bytes(), true, 9).unwrap();
        assert!(table.ends_with("\"\",\"喪失\"\n"));
        assert_eq!(wrong(FIRST, true), named(&[("1/movement", "required")]));
        assert_eq!(said("「追加」か「喪失」"), "「add」（追加）か「lose」（喪失）");
    }

    #[test]
    fn all_lines_that_are_none_are_told_at_once_by_their_place() {
        for bad in ["x", "[]", "3", "{", "\u{feff}{}"] {
            assert_eq!(
                wrong(&format!("{FIRST}\n{bad}\n"), false),
                named(&[("2", "not_json")]),
                "{bad}"
            );
        }
        let missing = ["symbol", "number", "kana_name", "birth_date", "relationship"];
        let missing = missing.map(|key| (format!("1/{key}"), "required"));
        assert_eq!(wrong("{}", false), missing);
        let text = format!(
            "{FIRST}\n{}\n\nx\n{}",
            r#"{"symbol":1,"phone":"03"}"#, r#"{"number":["1"]}"#
        );
        let mut told = wrong(&text, false);
        told.sort_unstable();
        let expected = [
            ("2/phone", "unknown_key"),
            ("2/symbol", "type"),
            ("4", "not_json"),
            ("5/number", "type"),
        ];
        assert_eq!(told, named(&expected));
        let long = format!("{FIRST}\n{}", "x".repeat(LONGEST + 1));
        assert_eq!(wrong(&long, false), named(&[("2", "too_long")]));
        assert_eq!(wrong(&"x\n".repeat(ERRORS * 2), false).len(), ERRORS);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), part in 1_usize..50) {
            let _ = read(&[FIRST.as_bytes(), b"\n", &bytes].concat(), false, part);
            let _ = read(&bytes, true, part);
        }
    }
}
