//! Lines of JSON, an object each, as a program sends a roster: made into the table that everything else reads, as they come.
//!
//! The columns are those of the first line, as a table's are those of its header, and are called as `persons` calls them. What a
//! later line leaves out is blank in it; what it has beyond them is refused, or it would be lost without a word.

use crate::import::{Column, stated};
use kernel::{Field, FieldError, Problem};
use serde_json::{Map, Value};
use std::borrow::Cow;
use tabular::Column as _;

/// Bytes of a line at most: far more than the longest row.
const LONGEST: usize = 64 * 1024;
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
    /// Lines that were read.
    count: usize,
}

impl Lines {
    pub(super) fn new(is_delta: bool) -> Self {
        Self {
            is_delta,
            columns: Vec::new(),
            waiting: Vec::new(),
            count: 0,
        }
    }

    /// Takes what has come, and gives the rows in it. The first line that is wrong is told by its place, from 0.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, FieldError> {
        let mut table = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.waiting.extend_from_slice(line);
            self.line(&mut table)?;
            rest = after.get(1..).unwrap_or_default();
        }
        self.waiting.extend_from_slice(rest);
        if self.waiting.len() > LONGEST {
            return Err(self.wrong(None, Problem::TooLong { max: LONGEST }));
        }
        Ok(table)
    }

    /// The last line, where no line feed ends it.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, FieldError> {
        let mut table = Vec::new();
        if !self.waiting.is_empty() {
            self.line(&mut table)?;
        }
        Ok(table)
    }

    /// Makes a row of the line that waits. A blank one stays blank, so that lines keep their numbers.
    fn line(&mut self, table: &mut Vec<u8>) -> Result<(), FieldError> {
        let line = std::mem::take(&mut self.waiting);
        if line.len() > LONGEST {
            return Err(self.wrong(None, Problem::TooLong { max: LONGEST }));
        }
        if line.trim_ascii().is_empty() {
            // Before the header there are no rows.
            if !self.columns.is_empty() {
                table.push(b'\n');
            }
            self.count += usize::from(!self.columns.is_empty());
            return Ok(());
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(&line) else {
            return Err(self.wrong(None, Problem::Characters));
        };
        if self.columns.is_empty() {
            self.columns = self.header(&members)?;
            let names: Vec<&str> = self.columns.iter().map(|column| column.name()).collect();
            table.extend_from_slice(names.join(",").as_bytes());
            table.push(b'\n');
        }
        self.row(&members, table)?;
        self.count += 1;
        Ok(())
    }

    /// The columns of the first line.
    fn header(&self, members: &Map<String, Value>) -> Result<Vec<Column>, FieldError> {
        let asked = |column: &Column| column.is_required() || (self.is_delta && *column == Column::Movement);
        let missing = Column::ALL
            .iter()
            .find(|column| asked(column) && !members.contains_key(name(**column)));
        if let Some(missing) = missing {
            return Err(self.wrong(Some(name(*missing)), Problem::Empty));
        }
        if !self.is_delta && members.contains_key(MOVEMENT) {
            return Err(self.wrong(Some(MOVEMENT), Problem::NotAChoice));
        }
        let known = Column::ALL.iter().filter(|column| members.contains_key(name(**column)));
        Ok(known.copied().collect())
    }

    fn row(&self, members: &Map<String, Value>, table: &mut Vec<u8>) -> Result<(), FieldError> {
        let beyond = Column::ALL
            .iter()
            .find(|column| !self.columns.contains(column) && members.contains_key(name(**column)));
        if let Some(beyond) = beyond {
            return Err(self.wrong(Some(name(*beyond)), Problem::NotAChoice));
        }
        for (nth, column) in self.columns.iter().enumerate() {
            let text = match members.get(name(*column)) {
                None | Some(Value::Null) => "",
                Some(Value::String(text)) => text,
                Some(_) => return Err(self.wrong(Some(name(*column)), Problem::Characters)),
            };
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
        Ok(())
    }

    /// What is wrong with the line that is read, or with a member of it.
    fn wrong(&self, member: Option<&str>, problem: Problem) -> FieldError {
        let place = match member {
            Some(member) => format!("{}/{member}", self.count),
            None => self.count.to_string(),
        };
        let field = Field {
            name: Cow::Owned(place),
            ..Field::new("", "ファイルの行")
        };
        FieldError::new(field, problem)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = r#"{"symbol":"1","number":"2","kana_name":"ケンポ","birth_date":"1985-04-01","relationship":"本人","email":null}"#;

    fn read(text: &[u8], is_delta: bool, part: usize) -> Result<String, FieldError> {
        let (mut lines, mut table) = (Lines::new(is_delta), Vec::new());
        for part in text.chunks(part) {
            table.extend(lines.take(part)?);
        }
        table.extend(lines.end()?);
        Ok(String::from_utf8(table).unwrap())
    }

    fn wrong(text: &str, is_delta: bool) -> (String, &'static str) {
        let error = read(text.as_bytes(), is_delta, 7).unwrap_err();
        (error.field.name.into_owned(), error.problem.code())
    }

    #[test]
    fn objects_become_rows_under_the_header_of_the_first_whatever_the_parts() {
        let text = format!(
            "{FIRST}\n\n{}\n{{\"other\":1}}",
            r#"{"symbol":"1","number":"3","kana_name":"a,\"b\nc"}"#
        );
        let expected = "被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称,メール\n\
             \"1\",\"2\",\"ケンポ\",\"1985-04-01\",\"本人\",\"\"\n\n\
             \"1\",\"3\",\"a,\"\"b\nc\",\"\",\"\",\"\"\n\"\",\"\",\"\",\"\",\"\",\"\"\n";
        for part in [1, 3, 1000] {
            assert_eq!(read(text.as_bytes(), false, part).unwrap(), expected);
        }
    }

    #[test]
    fn a_file_of_changes_says_on_each_line_what_it_is() {
        let first = FIRST.replace("null", r#"null,"movement":"lose""#);
        assert!(read(first.as_bytes(), true, 9).unwrap().ends_with("\"\",\"喪失\"\n"));
        assert_eq!(wrong(&first, false), ("0/movement".to_owned(), "not_a_choice"));
        assert_eq!(wrong(FIRST, true), ("0/movement".to_owned(), "empty"));
    }

    #[test]
    fn a_line_that_is_none_is_told_by_its_place() {
        for bad in ["x", "[]", "3", "{", "\u{feff}{}"] {
            assert_eq!(
                wrong(&format!("{FIRST}\n{bad}\n"), false),
                ("1".to_owned(), "characters"),
                "{bad}"
            );
        }
        assert_eq!(wrong("{}", false), ("0/symbol".to_owned(), "empty"));
        let more = format!("{FIRST}\n{}", r#"{"symbol":"1","phone":"03"}"#);
        assert_eq!(wrong(&more, false), ("1/phone".to_owned(), "not_a_choice"));
        let number = format!("{FIRST}\n{}", r#"{"symbol":1}"#);
        assert_eq!(wrong(&number, false), ("1/symbol".to_owned(), "characters"));
        let long = format!("{FIRST}\n{}", "x".repeat(LONGEST + 1));
        assert_eq!(wrong(&long, false), ("1".to_owned(), "too_long"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), part in 1_usize..50) {
            let _ = read(&[FIRST.as_bytes(), b"\n", &bytes].concat(), false, part);
            let _ = read(&bytes, true, part);
        }
    }
}
