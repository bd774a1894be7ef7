//! Text files as they are checked: every complaint knows its line, and the reader goes on to the next. A value that
//! is missing or wrong is complained about once and then stands as its default, which never leaves a faulty folder.

use super::FolderProblem;
use chrono::{NaiveDate, NaiveTime};
use kernel::EmailAddress;
use std::{
    cell::RefCell,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

/// Longer texts of one line are a mistake.
pub(crate) const MAX_TEXT: usize = 500;
/// Larger text files are a mistake.
const MAX_FILE: u64 = 1024 * 1024;

/// What is wrong with a folder, as it is found.
#[derive(Default)]
pub struct Problems(RefCell<Vec<FolderProblem>>);

impl Problems {
    /// Something wrong on a line of a file, from 1; 1 too where the whole file is meant.
    pub fn add(&self, file: &Path, line: usize, reason: impl Into<String>) {
        self.add_about(file, line, String::new(), reason);
    }

    fn add_about(&self, file: &Path, line: usize, key: String, reason: impl Into<String>) {
        let problem = FolderProblem {
            file: file.to_owned(),
            line,
            reason: reason.into(),
            key,
        };
        self.0.borrow_mut().push(problem);
    }

    /// All of it.
    pub fn into_inner(self) -> Vec<FolderProblem> {
        self.0.into_inner()
    }
}

/// A text file of the folder, with the path by which complaints name it.
pub(super) struct TextFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The entries of a folder by name; complains where it can't be listed.
pub(super) fn entries(folder: &files::Folder, problems: &Problems) -> Vec<(String, files::Kind)> {
    folder.entries().unwrap_or_else(|error| {
        problems.add(folder.path(), 1, error.to_string());
        Vec::new()
    })
}

/// A UTF-8 file, without byte order mark and with `\n` alone at the ends of lines.
pub(super) fn read_text(folder: &files::Folder, name: &str, problems: &Problems) -> Option<TextFile> {
    let path = folder.path().join(name);
    let read = folder.read(name, MAX_FILE);
    let bytes = read.map_err(|error| problems.add(&path, 1, why_unread(&error))).ok()?;
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => {
            let before = text.split('\0').next().unwrap_or_default();
            problems.add(&path, line_at(before.as_bytes()), "the character NUL can't be kept");
            None
        }
        Ok(text) => {
            let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
            Some(TextFile { path, text })
        }
        Err(error) => {
            let right = error
                .as_bytes()
                .get(..error.utf8_error().valid_up_to())
                .unwrap_or_default();
            problems.add(&path, line_at(right), "not UTF-8");
            None
        }
    }
}

/// Why a file could not be read.
pub(super) fn why_unread(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "the file is missing".into(),
        _ => error.to_string(),
    }
}

/// The line on which what follows `before` stands.
fn line_at(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// TOML text of a file, from `first_line` of it on.
pub(super) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    first_line: usize,
    /// Where every line but the first begins: a file may have as many complaints as lines, and each asks for its own.
    starts: Vec<usize>,
    problems: &'a Problems,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str, first_line: usize, problems: &'a Problems) -> Self {
        Self {
            file,
            text,
            first_line,
            starts: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
            problems,
        }
    }

    pub(super) fn problem(&self, line: usize, reason: impl Into<String>) {
        self.problems.add(self.file, line, reason);
    }

    /// The whole as a table; none, with all complaints of the parser, where it is no TOML.
    pub(super) fn table(&self) -> Option<Section<'_>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let offset = error.span().map_or(self.text.len(), |span| span.start);
            self.problem(self.line(offset), error.message());
        }
        errors.is_empty().then(|| Section {
            source: self,
            prefix: String::new(),
            path: String::new(),
            line: self.first_line,
            table: table.into_inner(),
        })
    }

    fn line(&self, offset: usize) -> usize {
        self.first_line + self.starts.partition_point(|start| *start <= offset)
    }
}

/// A value and its line.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// A table whose keys are taken one by one; what is left when it is closed is unknown.
pub struct Section<'a> {
    source: &'a Source<'a>,
    /// What stands before its keys in complaints: `desk.`.
    prefix: String,
    /// The same with the number of each in its list: `desk.other.0.`.
    path: String,
    pub(super) line: usize,
    table: DeTable<'a>,
}

impl<'a> Section<'a> {
    /// Complains about the keys that nobody took.
    pub(super) fn close(self) {
        for key in self.table.keys() {
            let line = self.source.line(key.span().start);
            self.source
                .problem(line, format!("unknown key {}{}", self.prefix, key.get_ref()));
        }
    }

    pub(super) fn problem(&self, line: usize, reason: impl Into<String>) {
        self.source.problem(line, reason);
    }

    /// The keys that nobody took yet, for a table whose keys are the insurer's to choose.
    pub(super) fn keys(&self) -> Vec<At<String>> {
        let key = |key: &Spanned<DeString<'_>>| At {
            line: self.source.line(key.span().start),
            value: key.get_ref().to_string(),
        };
        self.table.keys().map(key).collect()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A line of text: not empty, without control characters.
    pub fn text(&mut self, key: &str) -> Option<At<String>> {
        let found = self.required(key)?;
        self.line_of_text(key, &found)
    }

    /// The same where the key may be missing.
    pub fn optional_text(&mut self, key: &str) -> Option<At<String>> {
        let found = self.take(key)?;
        self.line_of_text(key, &found)
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let found = self.required(key)?;
        let value = found.value.as_bool();
        if value.is_none() {
            self.wrong(key, found.line, "must be true or false");
        }
        value
    }

    /// True or false, where it stands there.
    pub fn optional_boolean(&mut self, key: &str) -> Option<bool> {
        if self.has(key) { self.boolean(key) } else { None }
    }

    /// A whole number within `range`.
    pub(super) fn number(&mut self, key: &str, range: &RangeInclusive<u32>) -> Option<u32> {
        let found = self.required(key)?;
        let number = found
            .value
            .as_integer()
            .and_then(|integer| u32::from_str_radix(integer.as_str(), integer.radix()).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(
                key,
                found.line,
                &format!("must be a whole number from {} to {}", range.start(), range.end()),
            );
        }
        number
    }

    pub(super) fn optional_number(&mut self, key: &str, range: &RangeInclusive<u32>) -> Option<u32> {
        if self.has(key) { self.number(key, range) } else { None }
    }

    /// One of a few words.
    pub(super) fn word<T>(&mut self, key: &str, read: impl Fn(&str) -> Option<T>, words: &str) -> Option<At<T>> {
        let found = self.text(key)?;
        let value = read(&found.value);
        if value.is_none() {
            self.wrong(
                key,
                found.line,
                &format!("must be one of {words}, not \"{}\"", found.value),
            );
        }
        value.map(|value| At {
            value,
            line: found.line,
        })
    }

    /// The same where the key may be missing.
    pub(super) fn optional_word<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str) -> Option<T>,
        words: &str,
    ) -> Option<At<T>> {
        if self.has(key) {
            self.word(key, read, words)
        } else {
            None
        }
    }

    pub(super) fn email(&mut self, key: &str) -> Option<EmailAddress> {
        let found = self.text(key)?;
        let value = EmailAddress::parse(&found.value).ok();
        if value.is_none() {
            self.wrong(
                key,
                found.line,
                &format!("must be an e-mail address, not \"{}\"", found.value),
            );
        }
        value
    }

    pub(super) fn optional_email(&mut self, key: &str) -> Option<EmailAddress> {
        if self.has(key) { self.email(key) } else { None }
    }

    /// A day as in 2026-04-01.
    pub fn date(&mut self, key: &str) -> Option<At<NaiveDate>> {
        let found = self.text(key)?;
        let value = self.as_date(key, &found);
        value.map(|value| At {
            value,
            line: found.line,
        })
    }

    /// The same where the key may be missing.
    pub fn optional_date(&mut self, key: &str) -> Option<At<NaiveDate>> {
        if self.has(key) { self.date(key) } else { None }
    }

    pub(super) fn as_date(&self, key: &str, found: &At<String>) -> Option<NaiveDate> {
        let date = NaiveDate::parse_from_str(&found.value, "%Y-%m-%d").ok();
        let date = date.filter(|date| date.to_string() == found.value);
        if date.is_none() {
            self.wrong(
                key,
                found.line,
                &format!("must be a day as in 2026-04-01, not \"{}\"", found.value),
            );
        }
        date
    }

    pub(super) fn time(&mut self, key: &str) -> Option<At<NaiveTime>> {
        let found = self.text(key)?;
        let time = NaiveTime::parse_from_str(&found.value, "%H:%M").ok();
        let time = time.filter(|time| time.format("%H:%M").to_string() == found.value);
        if time.is_none() {
            self.wrong(
                key,
                found.line,
                &format!("must be a time as in 09:30, not \"{}\"", found.value),
            );
        }
        time.map(|value| At {
            value,
            line: found.line,
        })
    }

    /// A list of texts, which may be empty.
    pub(super) fn texts(&mut self, key: &str) -> Vec<At<String>> {
        self.list(key)
            .into_iter()
            .filter_map(|found| self.line_of_text(key, &found))
            .collect()
    }

    /// A table within.
    pub(super) fn section(&mut self, key: &str) -> Option<Section<'a>> {
        let found = self.required(key)?;
        self.as_section(key, key, found)
    }

    /// A list of tables, `[[key]]` or inline.
    pub(super) fn sections(&mut self, key: &str) -> Vec<Section<'a>> {
        self.list(key)
            .into_iter()
            .enumerate()
            .filter_map(|(nth, found)| self.as_section(key, &format!("{key}.{nth}"), found))
            .collect()
    }

    /// Complains about a key's value.
    pub fn wrong(&self, key: &str, line: usize, reason: &str) {
        let reason = format!("{}{key} {reason}", self.prefix);
        let source = self.source;
        source
            .problems
            .add_about(source.file, line, format!("{}{key}", self.path), reason);
    }

    /// Complains about the table itself.
    pub(super) fn wrong_itself(&self, line: usize, reason: &str) {
        let (name, path) = (self.prefix.trim_end_matches('.'), self.path.trim_end_matches('.'));
        let source = self.source;
        source
            .problems
            .add_about(source.file, line, path.to_owned(), format!("{name}: {reason}"));
    }

    fn take(&mut self, key: &str) -> Option<At<DeValue<'a>>> {
        self.table.remove(key).map(|value| self.at(value))
    }

    fn at(&self, value: Spanned<DeValue<'a>>) -> At<DeValue<'a>> {
        At {
            line: self.source.line(value.span().start),
            value: value.into_inner(),
        }
    }

    fn required(&mut self, key: &str) -> Option<At<DeValue<'a>>> {
        let found = self.take(key);
        if found.is_none() {
            self.wrong(key, self.line, "is missing");
        }
        found
    }

    fn list(&mut self, key: &str) -> Vec<At<DeValue<'a>>> {
        match self.required(key) {
            Some(At {
                value: DeValue::Array(array),
                ..
            }) => array.into_iter().map(|value| self.at(value)).collect(),
            Some(found) => {
                self.wrong(key, found.line, "must be a list");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn as_section(&self, key: &str, step: &str, found: At<DeValue<'a>>) -> Option<Section<'a>> {
        let DeValue::Table(table) = found.value else {
            self.wrong(key, found.line, "must be a table");
            return None;
        };
        let prefix = format!("{}{key}.", self.prefix);
        Some(Section {
            source: self.source,
            prefix,
            path: format!("{}{step}.", self.path),
            line: found.line,
            table,
        })
    }

    fn line_of_text(&self, key: &str, found: &At<DeValue<'a>>) -> Option<At<String>> {
        let Some(text) = found.value.as_str() else {
            self.wrong(key, found.line, "must be text in quotation marks");
            return None;
        };
        let reason = if text.trim().is_empty() {
            Some("must not be empty".to_owned())
        } else if kernel::text::has_control(text) {
            Some("must not hold line breaks or control characters".to_owned())
        } else if text.chars().count() > MAX_TEXT {
            Some(format!("must not be longer than {MAX_TEXT} characters"))
        } else {
            None
        };
        if let Some(reason) = reason {
            self.wrong(key, found.line, &reason);
            return None;
        }
        Some(At {
            value: text.trim().to_owned(),
            line: found.line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    // security.md 71
    #[test]
    fn a_file_full_of_mistakes_is_told_line_by_line_in_no_time() {
        const LINES: usize = 50_000;
        let text = (1..=LINES).fold(String::new(), |text, nth| text + &format!("k{nth} = 1\n"));
        let problems = Problems::default();
        let begun = Instant::now();
        Source::new(Path::new("tenant.toml"), &text, 1, &problems)
            .table()
            .unwrap()
            .close();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let mut lines: Vec<usize> = problems.into_inner().iter().map(|problem| problem.line).collect();
        lines.sort_unstable();
        assert!(lines.into_iter().eq(1..=LINES));
    }
}
