//! What is wrong with a roster file, as line, column and reason: the first for the terminal, and every one in a CSV file
//! for the person who mends it. A reason never repeats the value. Errors go to an unnamed file as they are found: a
//! million of them take no more memory than a thousand, and a crash leaves none behind.

use super::encoding::Encoding;
use kernel::Problem;
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, IntoInnerError, Seek as _, Write},
};

/// How many errors are kept in memory, for the terminal.
const KEPT: usize = 1_000;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The line of the file, from 1, where the row begins.
    pub line: u64,
    /// The column's name as the format has it; empty where the error is about the whole row or file.
    pub column: &'static str,
    /// What is wrong.
    pub reason: Reason,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column {
            "" => write!(f, "{}行目：{}", self.line, self.reason),
            column => write!(f, "{}行目「{column}」：{}", self.line, self.reason),
        }
    }
}

/// What is wrong, in words for the insurer's clerk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A required column is missing.
    #[error("この列がありません。1行目の見出しをお確かめください。")]
    MissingColumn,
    /// A column stands there twice.
    #[error("同じ見出しの列が2つあります。1つにしてください。")]
    RepeatedColumn,
    /// The file holds no rows.
    #[error("加入者の行がありません。")]
    NoRows,
    /// UTF-16 and the like.
    #[error("文字コードが読めません。UTF-8（CSV）またはShift_JISで保存し直してください。")]
    UnknownEncoding,
    /// A row so long that a quotation mark must be open.
    #[error("1行が長すぎます。引用符（\"）が閉じているかお確かめください。")]
    RowTooLong,
    /// More rows than an import takes.
    #[error("行が多すぎます。一度に取り込めるのは{max}行までです。")]
    TooManyRows {
        /// Rows at most.
        max: u64,
    },
    /// More or fewer fields than the header.
    #[error("列の数が見出しと違います（見出し{expected}列、この行{found}列）。")]
    FieldCount {
        /// Columns of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// Bytes that are no text in the file's encoding.
    #[error("{0}として読めない文字があります。")]
    Undecodable(Encoding),
    /// A replacement character: a program before us lost the real one.
    #[error("文字化けした文字（�）があります。元の文字に直してください。")]
    LostCharacter,
    /// NUL, line breaks and the like.
    #[error("改行やタブなどの制御文字があります。取り除いてください。")]
    Control,
    /// Nothing where something must be.
    #[error("空欄です。入力してください。")]
    Empty,
    /// Too many characters.
    #[error("長すぎます。{max}文字以内にしてください。")]
    TooLong {
        /// Characters at most.
        max: usize,
    },
    /// Characters that the field can't take.
    #[error("使えない文字があります。")]
    Characters,
    /// Not a name in kana.
    #[error("カナの氏名として読めません。カタカナまたはひらがなで入力してください。")]
    NotKana,
    /// No date in any known form.
    #[error("日付として読めません。19850401、1985/4/1、S600401、昭和60年4月1日のように入力してください。")]
    DateShape,
    /// A day that its month does not have.
    #[error("ない日付です。{month}月は{last_day}日までです。")]
    ImpossibleDate {
        /// 1–12.
        month: u32,
        /// The month's last day.
        last_day: u32,
    },
    /// A date before 1868, or a birth in the future.
    #[error("日付が範囲の外です。年をお確かめください。")]
    DateOutOfRange,
    /// No gender code.
    #[error("1（男）、2（女）、9（不明）のどれかを入力してください。")]
    Gender,
    /// No e-mail address.
    #[error("メールアドレスの形ではありません。")]
    EmailShape,
    /// A number and branch that another row has.
    #[error("{line}行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。")]
    RepeatedNumber {
        /// The first line with it.
        line: u64,
    },
    /// A personal id that another row has.
    #[error("{line}行目と個人IDが同じです。どちらが正しいかお確かめください。")]
    RepeatedPersonalId {
        /// The first line with it.
        line: u64,
    },
    /// The same number, birth date and name as another row, without anything in both that tells them apart.
    #[error(
        "{line}行目と記号・番号・生年月日・氏名が同じです。同じ人なら1行にし、別の人なら両方の行に枝番か個人IDを入力してください。"
    )]
    RepeatedPerson {
        /// The first such line.
        line: u64,
    },
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Empty => Self::Empty,
            Problem::TooLong { max } => Self::TooLong { max },
            Problem::NotKana => Self::NotKana,
            Problem::EmailShape => Self::EmailShape,
            Problem::DateIncomplete => Self::DateShape,
            Problem::ImpossibleDate { month, last_day } => Self::ImpossibleDate { month, last_day },
            Problem::DateOutOfRange => Self::DateOutOfRange,
            _ => Self::Characters,
        }
    }
}

/// Errors being gathered, in the order of their lines.
#[derive(Debug, Default)]
pub(super) struct ErrorLog {
    kept: Vec<RowError>,
    count: u64,
    /// Every error as a line of the CSV file.
    lines: Option<BufWriter<File>>,
    /// Why the lines are not whole.
    failed: Option<io::Error>,
}

impl ErrorLog {
    pub(super) fn add(&mut self, line: u64, column: &'static str, reason: Reason) {
        let error = RowError { line, column, reason };
        self.count += 1;
        if let Err(failed) = self.write(&error) {
            self.failed.get_or_insert(failed);
        }
        if self.kept.len() < KEPT {
            self.kept.push(error);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> &[RowError] {
        &self.kept
    }

    fn write(&mut self, error: &RowError) -> io::Result<()> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            None => self.lines.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        // Names of columns hold neither commas nor quotation marks; reasons may hold both.
        let reason = error.reason.to_string().replace('"', "\"\"");
        write!(lines, "{},{},\"{reason}\"\r\n", error.line, error.column)
    }

    fn into_lines(self) -> io::Result<Option<File>> {
        match self.failed {
            Some(failed) => Err(failed),
            None => self.lines.map(finished).transpose(),
        }
    }

    /// These errors and those that only showed when rows were compared, all by line: so a reader goes through the file.
    pub(super) fn with(mut self, mut compared: Self) -> io::Result<RowErrors> {
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
#[derive(Debug, Default)]
pub struct RowErrors {
    kept: Vec<RowError>,
    count: u64,
    lines: Option<File>,
}

impl RowErrors {
    /// The first thousand, by line.
    pub fn kept(&self) -> &[RowError] {
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
        to.write_all("\u{FEFF}行,列,理由\r\n".as_bytes())?;
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

    fn csv(errors: &RowErrors) -> String {
        let mut csv = Vec::new();
        errors.write_csv(&mut csv).unwrap();
        String::from_utf8(csv).unwrap()
    }

    #[test]
    fn a_thousand_errors_are_kept_and_every_one_is_in_the_csv() {
        let mut read = ErrorLog::default();
        for line in 2..=1_502 {
            read.add(line, "番号", Reason::Empty);
        }
        let errors = read.with(ErrorLog::default()).unwrap();
        assert_eq!(
            (errors.kept().len(), errors.more(), errors.count()),
            (1_000, 501, 1_501)
        );
        let csv = csv(&errors);
        assert_eq!(csv.lines().count(), 1_502);
        assert!(csv.ends_with("1502,番号,\"空欄です。入力してください。\"\r\n"));
    }

    #[test]
    fn the_csv_names_line_column_and_reason_in_the_order_of_the_file() {
        let (mut read, mut compared) = (ErrorLog::default(), ErrorLog::default());
        read.add(3, "", Reason::RowTooLong);
        read.add(11, "枝番", Reason::Characters);
        compared.add(2, "番号", Reason::RepeatedNumber { line: 1 });
        compared.add(10, "番号", Reason::RepeatedNumber { line: 1 });
        let errors = read.with(compared).unwrap();
        let expected = "\u{FEFF}行,列,理由\r\n\
             2,番号,\"1行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。\"\r\n\
             3,,\"1行が長すぎます。引用符（\"\"）が閉じているかお確かめください。\"\r\n\
             10,番号,\"1行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。\"\r\n\
             11,枝番,\"使えない文字があります。\"\r\n";
        assert_eq!(csv(&errors), expected);
        assert_eq!(csv(&errors), expected, "as often as one likes");
        assert_eq!(
            errors.kept()[1].to_string(),
            "3行目：1行が長すぎます。引用符（\"）が閉じているかお確かめください。"
        );
    }
}
