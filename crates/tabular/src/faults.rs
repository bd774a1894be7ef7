//! What can be wrong with a table, a row or a cell, whatever the table is of. What only one kind of table knows stands in an
//! enum of its own with a variant for these.

use crate::{Coded, Encoding};
use kernel::Problem;

/// What is wrong, in words for whoever mends the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
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
    /// A book that is larger than is taken, packed or unpacked.
    #[error(
        "Excelのブックが大きすぎます。ブックは20MBまでです。それより小さくても、極端に長いセルや多すぎる書式があると取り込めません。CSV（UTF-8）で保存し直すと、大きな名簿も取り込めます。"
    )]
    BookTooLarge,
    /// A packed file that is no book, or one that is damaged.
    #[error(
        "Excelのブック（.xlsx）として読めません。ZIPで圧縮したファイルは解凍してください。ブックのときは、Excelで開いて「Excelブック（.xlsx）」か「CSV UTF-8（コンマ区切り）」の形式で保存し直してください。"
    )]
    BrokenBook,
    /// A book of several sheets.
    #[error(
        "ブックに{0}のシートがあります。名簿のシートだけを残し、ほかのシートを削除して保存し直してください。名簿のシートを開いて「CSV UTF-8（コンマ区切り）」の形式で保存し直しても取り込めます。"
    )]
    ManySheets(String),
    /// Cells of a book that are one: all but the first are blank.
    #[error(
        "結合されたセルがあります（{0}）。セルの結合を解除し、それぞれのセルに値を入力してから保存し直してください。"
    )]
    MergedCells(String),
    /// A header and no rows of what the file is of.
    #[error("{0}の行がありません。")]
    NoRows(&'static str),
    /// UTF-16 and the like.
    #[error("文字コードが読めません。UTF-8（CSV）またはShift_JISで保存し直してください。")]
    UnknownEncoding,
    /// A row so long that a quotation mark must be open.
    #[error("1行が長すぎます。引用符（\"）が閉じているかお確かめください。")]
    RowTooLong,
    /// More rows than are taken at once.
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
    /// A formula whose result stands nowhere.
    #[error("数式の結果が保存されていません。Excelで開いて保存し直すか、計算した結果の値に直してください。")]
    Unsolved,
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
    /// A number in a book among codes.
    #[error(
        "セルが数値になっていて、先頭の0が失われているかもしれません。列の書式を「文字列」にして、元の値を入れ直してください。"
    )]
    Number,
    /// `?田`, `&#39640;田`.
    #[error("「?」や「&#…;」があります。文字コードを変えたときに漢字が失われています。元の漢字に直してください。")]
    LostKanji,
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
    /// No month of any year.
    #[error("ない月です。月は1から12までです。")]
    ImpossibleMonth,
    /// A date before 1868, or a birth in the future.
    #[error("日付が範囲の外です。年をお確かめください。")]
    DateOutOfRange,
    /// No e-mail address.
    #[error("メールアドレスの形ではありません。")]
    EmailShape,
}

impl Coded for Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::MissingColumn => "missing_column",
            Self::RepeatedColumn => "repeated_column",
            Self::EmptyFile => "empty_file",
            Self::NotCsv(_) => "not_csv",
            Self::BookTooLarge => "book_too_large",
            Self::BrokenBook => "broken_book",
            Self::ManySheets(_) => "many_sheets",
            Self::MergedCells(_) => "merged_cells",
            Self::NoRows(_) => "no_rows",
            Self::UnknownEncoding => "unknown_encoding",
            Self::RowTooLong => "row_too_long",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::FieldCount { .. } => "field_count",
            Self::Undecodable(_) => "undecodable",
            Self::LostCharacter => "lost_character",
            Self::Control => "control",
            Self::FormulaError => "formula_error",
            Self::Nothing => "null_word",
            Self::Narrow => "narrow",
            Self::Apostrophe => "apostrophe",
            Self::Formula => "formula",
            Self::Unsolved => "unsolved_formula",
            Self::Exponential => "exponential",
            Self::TurnedToDate => "turned_to_date",
            Self::Formatted => "formatted",
            Self::Number => "number_cell",
            Self::LostKanji => "lost_kanji",
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::Characters => "characters",
            Self::NotKana => "not_kana",
            Self::DateShape => "date_shape",
            Self::ImpossibleDate { .. } => "impossible_date",
            Self::ImpossibleMonth => "impossible_month",
            Self::DateOutOfRange => "date_out_of_range",
            Self::EmailShape => "email_shape",
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Empty => Self::Empty,
            Problem::TooLong { max } => Self::TooLong { max },
            Problem::NotKana => Self::NotKana,
            Problem::EmailShape => Self::EmailShape,
            Problem::DateIncomplete => Self::DateShape,
            Problem::ImpossibleDate { month, last_day } => Self::ImpossibleDate { month, last_day },
            Problem::ImpossibleMonth => Self::ImpossibleMonth,
            Problem::DateOutOfRange => Self::DateOutOfRange,
            _ => Self::Characters,
        }
    }
}
