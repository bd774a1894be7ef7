//! What is wrong with a file of drugs, beyond what can be wrong with any table, and why an import of them does nothing.

use chrono::NaiveDate;
use kernel::Problem;
use tabular::{Coded, Fault};

/// What is wrong, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// What can be wrong with any table.
    #[error(transparent)]
    Table(Fault),
    /// More or fewer fields than the format has.
    #[error("列の数が違います（この種類のファイルは{expected}列、この行は{found}列）。")]
    Width {
        /// Of the format.
        expected: usize,
        /// Of the row.
        found: usize,
    },
    /// A master of something else.
    #[error("医薬品マスターの行ではありません（2列目のマスター種別がYではありません）。")]
    Kind,
    /// No code of a drug.
    #[error("医薬品コードとして読めません。9桁の数字にしてください。")]
    Code,
    /// The same drug twice.
    #[error("{line}行目と同じコードです。全件のファイルを1つだけ指定してください。")]
    Repeated {
        /// The first line of it.
        line: u64,
    },
    /// The same, of another class each time.
    #[error("{line}行目と同じコードで、後発区分が違います。")]
    Contradicted {
        /// The first line of it.
        line: u64,
    },
    /// No 薬価基準コード.
    #[error("薬価基準コードとして読めません。12桁の英数字にしてください。")]
    PriceCode,
    /// No price.
    #[error("薬価として読めません。0以上の数を、小数点以下2桁までにしてください。")]
    Price,
    /// No day.
    #[error("日付として読めません。20270331のような8桁か、期限がなければ99999999にしてください。")]
    Day,
    /// No 選定療養区分.
    #[error("選定療養区分として読めません。数字にしてください。")]
    Chosen,
    /// What it is chosen instead of is not there.
    #[error("長期収載品の医薬品コードが、このファイルにありません。全件のファイルか確かめてください。")]
    Original,
    /// It costs more than what it is chosen instead of.
    #[error("長期収載品より高い薬価です。特別の料金を計算できません。")]
    Dearer,
    /// No 後発区分.
    #[error("後発医薬品の有無に関する情報として読めません。1、2、☆、3、★のどれかか、空欄にしてください。")]
    Class,
}

impl Coded for Reason {
    fn code(&self) -> &'static str {
        match self {
            Self::Table(fault) => fault.code(),
            Self::Width { .. } => "field_count",
            Self::Kind => "kind",
            Self::Code => "code",
            Self::Repeated { .. } => "repeated",
            Self::Contradicted { .. } => "contradicted",
            Self::PriceCode => "price_code",
            Self::Price => "price",
            Self::Day => "day",
            Self::Chosen => "chosen",
            Self::Original => "original",
            Self::Dearer => "dearer",
            Self::Class => "class",
        }
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::FieldCount { expected, found } => Self::Width { expected, found },
            other => Self::Table(other),
        }
    }
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        Fault::from(problem).into()
    }
}

/// The errors of a file while it is read.
pub(crate) type ErrorLog = tabular::ErrorLog<Reason>;
/// All errors of a file.
pub(crate) type RowErrors = tabular::RowErrors<Reason>;

/// Why an import of drugs does nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Rows that can't be taken.
    #[error("2つのファイルに合わせて{}件の誤りがあります。何も取り込んでいません。正しいファイルで、もう一度取り込んでください。", .master.count() + .classes.count())]
    Rows {
        /// Of 医薬品マスター.
        master: RowErrors,
        /// Of the list of classes.
        classes: RowErrors,
    },
    /// A part of a master, or of a list.
    #[error(
        "{what}（{here}）が、{since}からのマスター（{before}）の半分より少なくなります。何も取り込んでいません。更新分だけのファイルでなく、全件のファイルか確かめてください。正しいときは --allow-deviation を付けて、もう一度取り込んでください。"
    )]
    Part {
        /// 品目数 or 後発区分のある品目数.
        what: &'static str,
        /// Of these files.
        here: usize,
        /// Of the master before.
        before: usize,
        /// From when on that holds.
        since: NaiveDate,
    },
    /// Somebody else brought one for the same day at the same moment.
    #[error(
        "同じ日からのマスターが、ほかで同時に取り込まれました。何も取り込んでいません。もう一度取り込んで、違いを確かめてください。"
    )]
    Meanwhile,
}

impl Refused {
    /// The word in the trail.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Rows { .. } => "rows",
            Self::Part { .. } => "part",
            Self::Meanwhile => "meanwhile",
        }
    }
}
