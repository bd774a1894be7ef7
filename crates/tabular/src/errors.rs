//! What is wrong with a file, as line, column, value and reason: the first for the screen, and every one in a CSV file for the
//! person who mends it. The value goes there and nowhere else: no log and no trail has it. Errors go to an unnamed file as
//! they are found: a million of them take no more memory than a thousand, and a crash leaves none behind.

use std::{
    fmt::Display,
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, IntoInnerError, Seek as _, Write},
};

/// How many errors are kept in memory, for the screen.
const KEPT: usize = 1_000;

/// One error, for a reason that whoever reads the table has words for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError<Reason> {
    /// The line of the file, from 1, where the row begins.
    pub line: u64,
    /// The column's name as the format has it; empty where the error is about the whole row or file.
    pub column: &'static str,
    /// What stands there.
    pub value: Quoted,
    /// What is wrong.
    pub reason: Reason,
}

/// A value of the file as it is shown to whoever mends it, 「…」, so that no spreadsheet takes it for a formula; nothing of
/// an empty one. Its `Debug` says nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Quoted(String);

impl Quoted {
    /// Longer values are cut: their beginning is enough to find them.
    const MAX_CHARS: usize = 40;

    fn of(value: &str) -> Self {
        let mut quoted = String::new();
        for (nth, c) in value.trim().chars().enumerate() {
            match c {
                _ if nth == Self::MAX_CHARS => {
                    quoted.push('…');
                    break;
                }
                c if c.is_control() => quoted.extend(c.escape_unicode()),
                c => quoted.push(c),
            }
        }
        Self(quoted)
    }
}

impl Display for Quoted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_str() {
            "" => Ok(()),
            value => write!(f, "「{value}」"),
        }
    }
}

impl std::fmt::Debug for Quoted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Quoted(…)")
    }
}

impl<Reason: Display> Display for RowError<Reason> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}行目", self.line)?;
        if !self.column.is_empty() {
            write!(f, "「{}」", self.column)?;
        }
        if self.value != Quoted::default() {
            write!(f, "の{}", self.value)?;
        }
        write!(f, "：{}", self.reason)
    }
}

/// A reason that has words for people, and for programs a code that stays.
pub trait Coded: Display {
    /// Stable and public.
    fn code(&self) -> &'static str;
}

/// Errors being gathered, in the order of their lines.
#[derive(Debug)]
pub struct ErrorLog<Reason> {
    kept: Vec<RowError<Reason>>,
    count: u64,
    /// Every error as a line of the CSV file, with its code at the end.
    lines: Option<BufWriter<File>>,
    /// Why the lines are not whole.
    failed: Option<io::Error>,
}

impl<Reason> Default for ErrorLog<Reason> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            count: 0,
            lines: None,
            failed: None,
        }
    }
}

impl<Reason: Coded> ErrorLog<Reason> {
    /// An error of a whole row or file.
    pub fn add(&mut self, line: u64, column: &'static str, reason: Reason) {
        self.add_value(line, column, "", reason);
    }

    /// An error of what stands in a field.
    pub fn add_value(&mut self, line: u64, column: &'static str, value: &str, reason: Reason) {
        let value = Quoted::of(value);
        let error = RowError {
            line,
            column,
            value,
            reason,
        };
        self.count += 1;
        if let Err(failed) = self.write(&error) {
            self.failed.get_or_insert(failed);
        }
        if self.kept.len() < KEPT {
            self.kept.push(error);
        }
    }

    /// True where nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first thousand, as they came.
    pub fn kept(&self) -> &[RowError<Reason>] {
        &self.kept
    }

    fn write(&mut self, error: &RowError<Reason>) -> io::Result<()> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            None => self.lines.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        // Names of columns hold neither commas nor quotation marks; values and reasons may hold both.
        let doubled = |text: &dyn Display| text.to_string().replace('"', "\"\"");
        let (value, reason) = (doubled(&error.value), doubled(&error.reason));
        let (line, column, code) = (error.line, error.column, error.reason.code());
        write!(lines, "{line},{column},\"{value}\",\"{reason}\",{code}\r\n")
    }

    fn into_lines(self) -> io::Result<Option<File>> {
        match self.failed {
            Some(failed) => Err(failed),
            None => self.lines.map(finished).transpose(),
        }
    }

    /// These errors and those that only showed when rows were compared, all by line: so a reader goes through the file.
    pub fn with(mut self, mut compared: Self) -> io::Result<RowErrors<Reason>> {
        let count = self.count + compared.count;
        let mut kept = std::mem::take(&mut self.kept);
        kept.append(&mut compared.kept);
        kept.sort_by_key(|error| error.line);
        kept.truncate(KEPT);
        let lines = match (self.into_lines()?, compared.into_lines()?) {
            (Some(read), Some(compared)) => Some(merged(read, compared)?),
            (read, compared) => read.or(compared),
        };
        Ok(RowErrors { kept, count, lines })
    }
}

fn finished(lines: BufWriter<File>) -> io::Result<File> {
    lines.into_inner().map_err(IntoInnerError::into_error)
}

/// Two files of lines that each begin with a rising number, as one.
fn merged(a: File, b: File) -> io::Result<File> {
    let lines = |mut file: File| {
        file.rewind()?;
        io::Result::Ok(BufReader::new(file).lines().peekable())
    };
    let (mut a, mut b) = (lines(a)?, lines(b)?);
    let mut merged = BufWriter::new(tempfile::tempfile()?);
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(Ok(of_a)), Some(Ok(of_b))) if number(of_b) < number(of_a) => b.next(),
            (None, _) => b.next(),
            _ => a.next(),
        };
        match next {
            Some(line) => write!(merged, "{}\r\n", line?)?,
            None => return finished(merged),
        }
    }
}

fn number(line: &str) -> Option<u64> {
    line.split(',').next()?.parse().ok()
}

/// All errors of a file.
#[derive(Debug)]
pub struct RowErrors<Reason> {
    kept: Vec<RowError<Reason>>,
    count: u64,
    lines: Option<File>,
}

impl<Reason> RowErrors<Reason> {
    /// The first thousand, by line.
    pub fn kept(&self) -> &[RowError<Reason>] {
        &self.kept
    }

    /// How many more there are.
    pub fn more(&self) -> u64 {
        let kept = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        self.count.saturating_sub(kept)
    }

    /// How many there are in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Writes every error, by line, as a CSV file that spreadsheets open: UTF-8 with a byte order mark, CRLF.
    pub fn write_csv(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all("\u{FEFF}行,列,値,理由\r\n".as_bytes())?;
        if let Some(mut lines) = self.lines.as_ref() {
            lines.rewind()?;
            for line in BufReader::new(lines).lines() {
                let line = line?;
                // Codes hold no commas.
                let (seen, _) = line.rsplit_once(',').unwrap_or((&line, ""));
                write!(to, "{seen}\r\n")?;
            }
        }
        to.flush()
    }

    /// The same for a program, each line with its code at the end.
    pub fn write_coded_csv(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all("\u{FEFF}行,列,値,理由,コード\r\n".as_bytes())?;
        if let Some(mut lines) = self.lines.as_ref() {
            lines.rewind()?;
            io::copy(&mut lines, &mut to)?;
        }
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    fn csv(errors: &RowErrors<Fault>) -> String {
        let mut csv = Vec::new();
        errors.write_csv(&mut csv).unwrap();
        String::from_utf8(csv).unwrap()
    }

    #[test]
    fn a_thousand_errors_are_kept_and_every_one_is_in_the_csv() {
        let mut read = ErrorLog::default();
        for line in 2..=1_502 {
            read.add(line, "番号", Fault::Empty);
        }
        let errors = read.with(ErrorLog::default()).unwrap();
        assert_eq!(
            (errors.kept().len(), errors.more(), errors.count()),
            (1_000, 501, 1_501)
        );
        let csv = csv(&errors);
        assert_eq!(csv.lines().count(), 1_502);
        assert!(csv.ends_with("1502,番号,\"\",\"空欄です。入力してください。\"\r\n"));
    }

    #[test]
    fn a_value_is_shown_to_whoever_mends_it_and_to_no_log() {
        let mut log = ErrorLog::default();
        log.add_value(7, "番号", " 1.23457E+11 ", Fault::Exponential);
        log.add_value(8, "住所", &"あ".repeat(50), Fault::Control);
        let [first, second] = log.kept() else { panic!("two") };
        assert!(
            first
                .to_string()
                .starts_with("7行目「番号」の「1.23457E+11」：表計算ソフトが番号を指数"),
            "{first}"
        );
        assert!(
            second
                .to_string()
                .starts_with(&format!("8行目「住所」の「{}…」：", "あ".repeat(40))),
            "{second}"
        );
        assert!(!format!("{log:?}").contains("1.23457E+11"), "{log:?}");
    }

    #[test]
    fn the_csv_names_line_column_and_reason_in_the_order_of_the_file() {
        let (mut read, mut compared) = (ErrorLog::default(), ErrorLog::default());
        read.add(3, "", Fault::RowTooLong);
        read.add_value(11, "枝番", "=1+\"2\"\u{1b}", Fault::Formula);
        compared.add(2, "番号", Fault::TooLong { max: 1 });
        compared.add(10, "番号", Fault::TooLong { max: 1 });
        let errors = read.with(compared).unwrap();
        let expected = "\u{FEFF}行,列,値,理由\r\n\
             2,番号,\"\",\"長すぎます。1文字以内にしてください。\"\r\n\
             3,,\"\",\"1行が長すぎます。引用符（\"\"）が閉じているかお確かめください。\"\r\n\
             10,番号,\"\",\"長すぎます。1文字以内にしてください。\"\r\n\
             11,枝番,\"「=1+\"\"2\"\"\\u{1b}」\",\"数式のままです。計算した結果の値に直してください（文字列として守る =\"\"0034\"\" の形は、そのまま取り込めます）。\"\r\n";
        assert_eq!(csv(&errors), expected);
        assert_eq!(csv(&errors), expected, "as often as one likes");
        let mut coded = Vec::new();
        errors.write_coded_csv(&mut coded).unwrap();
        let coded = String::from_utf8(coded).unwrap();
        assert!(coded.starts_with(
            "\u{FEFF}行,列,値,理由,コード\r\n2,番号,\"\",\"長すぎます。1文字以内にしてください。\",too_long\r\n"
        ));
        assert!(coded.ends_with("取り込めます）。\",formula\r\n"), "{coded}");
        assert_eq!(
            errors.kept()[1].to_string(),
            "3行目：1行が長すぎます。引用符（\"）が閉じているかお確かめください。"
        );
    }
}
