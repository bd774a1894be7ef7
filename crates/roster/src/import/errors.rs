//! What is wrong with a roster file, as line, column, value and reason: the first for the terminal, and every one in a CSV
//! file for the person who mends it. The value goes there and nowhere else: no log and no trail has it. Errors go to an
//! unnamed file as they are found: a million of them take no more memory than a thousand, and a crash leaves none behind.

use super::encoding::Encoding;
use chrono::NaiveDate;
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

impl std::fmt::Display for Quoted {
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

impl std::fmt::Display for RowError {
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

/// What is wrong, in words for the insurer's clerk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A required column is missing.
    #[error("この列がありません。1行目の見出しをお確かめください。")]
    MissingColumn,
    /// A column stands there twice.
    #[error("同じ見出しの列が2つあります。1つにしてください。")]
    RepeatedColumn,
    /// A file of no bytes, or of blanks.
    #[error("ファイルが空です。書き出しが最後まで終わったファイルかお確かめください。")]
    EmptyFile,
    /// A spreadsheet's own file and the like.
    #[error("CSVではなく、{0}です。Excelなどで開き、「CSV UTF-8（コンマ区切り）」の形式で保存し直してください。")]
    NotCsv(&'static str),
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
    /// `#N/A`, `#REF!` and the like.
    #[error("表計算ソフトのエラーの値です。元のファイルで正しい値に直してから、CSVで保存し直してください。")]
    FormulaError,
    /// `NULL`, `NaN` and the like.
    #[error(
        "「NULL」や「NaN」は、プログラムが値のないことを表す文字です。値がなければ空欄にしてください。元からこの値のときは =\"…\" の形で書いてください。"
    )]
    Nothing,
    /// `########`.
    #[error(
        "表計算ソフトの列の幅が足りず、値が「#」だけになっています。列の幅を広げてから、CSVで保存し直してください。"
    )]
    Narrow,
    /// `'0034`.
    #[error("先頭に「'」が付いています。取り除いてください。")]
    Apostrophe,
    /// `=A1`.
    #[error(
        "数式のままです。計算した結果の値に直してください（文字列として守る =\"0034\" の形は、そのまま取り込めます）。"
    )]
    Formula,
    /// `1.23457E+11`.
    #[error(
        "表計算ソフトが番号を指数の形に変え、下の桁が失われています。Excelで開き直すとまた変わります。列の書式を「文字列」にして元の値を入れ直すか、元のシステムから書き出したファイルを開かずに取り込んでください。元からこの値のときは =\"…\" の形で書いてください。"
    )]
    Exponential,
    /// `1-Apr`, `4月1日` among codes and names.
    #[error(
        "表計算ソフトが値を日付に変えています。Excelで開き直すとまた変わります。列の書式を「文字列」にして元の値を入れ直すか、元のシステムから書き出したファイルを開かずに取り込んでください。元からこの値のときは =\"…\" の形で書いてください。"
    )]
    TurnedToDate,
    /// `1,234`, `34.0`.
    #[error(
        "表計算ソフトの桁区切りや小数点が付いています。列の書式を「文字列」にして元の値に直してください。元からこの値のときは =\"…\" の形で書いてください。"
    )]
    Formatted,
    /// `?田`, `&#39640;田`.
    #[error("「?」や「&#…;」があります。文字コードを変えたときに漢字が失われています。元の漢字に直してください。")]
    LostKanji,
    /// Lost before it was acquired.
    #[error("資格取得日（{acquired_on}）より前の日付です。どちらが正しいかお確かめください。")]
    LostBeforeAcquired {
        /// 資格取得日 of the row.
        acquired_on: NaiveDate,
    },
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
    /// An error of a whole row or file.
    pub(super) fn add(&mut self, line: u64, column: &'static str, reason: Reason) {
        self.add_value(line, column, "", reason);
    }

    /// An error of what stands in a field.
    pub(super) fn add_value(&mut self, line: u64, column: &'static str, value: &str, reason: Reason) {
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
        // Names of columns hold neither commas nor quotation marks; values and reasons may hold both.
        let doubled = |text: &dyn std::fmt::Display| text.to_string().replace('"', "\"\"");
        let (value, reason) = (doubled(&error.value), doubled(&error.reason));
        write!(lines, "{},{},\"{value}\",\"{reason}\"\r\n", error.line, error.column)
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
        to.write_all("\u{FEFF}行,列,値,理由\r\n".as_bytes())?;
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
        assert!(csv.ends_with("1502,番号,\"\",\"空欄です。入力してください。\"\r\n"));
    }

    #[test]
    fn a_value_is_shown_to_whoever_mends_it_and_to_no_log() {
        let mut log = ErrorLog::default();
        log.add_value(7, "番号", " 1.23457E+11 ", Reason::Exponential);
        log.add_value(8, "住所", &"あ".repeat(50), Reason::Control);
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
        read.add(3, "", Reason::RowTooLong);
        read.add_value(11, "枝番", "=1+\"2\"\u{1b}", Reason::Formula);
        compared.add(2, "番号", Reason::RepeatedNumber { line: 1 });
        compared.add(10, "番号", Reason::RepeatedNumber { line: 1 });
        let errors = read.with(compared).unwrap();
        let expected = "\u{FEFF}行,列,値,理由\r\n\
             2,番号,\"\",\"1行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。\"\r\n\
             3,,\"\",\"1行が長すぎます。引用符（\"\"）が閉じているかお確かめください。\"\r\n\
             10,番号,\"\",\"1行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。\"\r\n\
             11,枝番,\"「=1+\"\"2\"\"\\u{1b}」\",\"数式のままです。計算した結果の値に直してください（文字列として守る =\"\"0034\"\" の形は、そのまま取り込めます）。\"\r\n";
        assert_eq!(csv(&errors), expected);
        assert_eq!(csv(&errors), expected, "as often as one likes");
        assert_eq!(
            errors.kept()[1].to_string(),
            "3行目：1行が長すぎます。引用符（\"）が閉じているかお確かめください。"
        );
    }
}
