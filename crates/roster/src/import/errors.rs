//! What is wrong with a roster file, as line, column and reason: for the terminal and as a CSV file for the person who
//! mends it. A reason never repeats the value.

use super::encoding::Encoding;
use kernel::Problem;

/// How many errors are kept; the rest are counted.
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
    /// The same number, birth date and name as another row, without anything that tells them apart.
    #[error("{line}行目と記号・番号・生年月日・氏名が同じです。枝番か個人IDで区別してください。")]
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

/// All errors of a file: the first thousand in the order they were found, and the number of the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowErrors {
    kept: Vec<RowError>,
    more: u64,
}

impl RowErrors {
    /// The errors kept, by line.
    pub fn kept(&self) -> &[RowError] {
        &self.kept
    }

    /// How many more there are.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// How many there are in all.
    pub fn count(&self) -> u64 {
        u64::try_from(self.kept.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.more)
    }

    /// True where nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn add(&mut self, line: u64, column: &'static str, reason: Reason) {
        if self.kept.len() < KEPT {
            self.kept.push(RowError { line, column, reason });
        } else {
            self.more += 1;
        }
    }

    /// Errors found by comparing rows come after all others; a reader wants them by line.
    pub(super) fn sorted(mut self) -> Self {
        self.kept.sort_by_key(|error| error.line);
        self
    }
}

/// The errors as a CSV file that spreadsheets open: UTF-8 with a byte order mark, CRLF, a last line for those not kept.
pub fn errors_csv(errors: &RowErrors) -> String {
    // Names of columns hold neither commas nor quotation marks; reasons may hold both.
    let rows = errors.kept().iter().map(|error| {
        format!(
            "{},{},\"{}\"\r\n",
            error.line,
            error.column,
            error.reason.to_string().replace('"', "\"\"")
        )
    });
    let more = match errors.more() {
        0 => None,
        more => Some(format!(",,\"ほかに{more}件の誤りがあります。\"\r\n")),
    };
    std::iter::once("\u{FEFF}行,列,理由\r\n".to_owned())
        .chain(rows)
        .chain(more)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_errors_are_kept_and_the_rest_counted() {
        let mut errors = RowErrors::default();
        for line in 2..=1_502 {
            errors.add(line, "番号", Reason::Empty);
        }
        assert_eq!(
            (errors.kept().len(), errors.more(), errors.count()),
            (1_000, 501, 1_501)
        );
        assert!(errors_csv(&errors).ends_with(",,\"ほかに501件の誤りがあります。\"\r\n"));
    }

    #[test]
    fn the_csv_names_line_column_and_reason() {
        let mut errors = RowErrors::default();
        errors.add(3, "", Reason::RowTooLong);
        errors.add(2, "番号", Reason::RepeatedNumber { line: 1 });
        let errors = errors.sorted();
        assert_eq!(
            errors_csv(&errors),
            "\u{FEFF}行,列,理由\r\n\
             2,番号,\"1行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。\"\r\n\
             3,,\"1行が長すぎます。引用符（\"\"）が閉じているかお確かめください。\"\r\n"
        );
        assert_eq!(
            errors.kept()[1].to_string(),
            "3行目：1行が長すぎます。引用符（\"）が閉じているかお確かめください。"
        );
    }
}
