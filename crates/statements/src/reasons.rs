//! What is wrong with a file of statements, beyond what can be wrong with any table; why an import is refused; and why
//! something is not published or withdrawn.

pub mod by_hand;
mod deliveries;

pub use deliveries::{
    ALREADY_PUBLISHED, MEANWHILE, NO_DELIVERY, NOT_OPEN, NOT_PUBLISHED, NOT_READY, PAST, PURGED, TAKEN_BACK,
    TWO_PUBLISH, WISH_PAST,
};

use crate::month::Month;
use kernel::{Problem, RefusalKind, Words, text::grouped};
use tabular::{Coded, Fault};

/// What is wrong, in words for the insurer's clerk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// What can be wrong with any table.
    #[error(transparent)]
    Table(#[from] Fault),
    /// A column of what the portal does not take.
    #[error("この列は受け取りません。傷病名・診療行為・個人番号の列を取り除いてから、もう一度取り込んでください。")]
    Forbidden,
    /// No month in any known form.
    #[error("年月として読めません。202606、2026/6、2026年6月、R0806のように入力してください。")]
    Month,
    /// Treated after the month in which the insurer processed it.
    #[error("処理年月（{label}）より後の年月です。どちらが正しいかお確かめください。")]
    MonthAfterLabel {
        /// 処理年月.
        label: Month,
    },
    /// 処理年月 to come.
    #[error("今月より後の処理年月です。年月をお確かめください。")]
    Label,
    /// Two deliveries in one file.
    #[error("ほかの行の処理年月（{first}）と違います。1つのファイルには、1つの処理年月の明細だけを入れてください。")]
    OtherLabel {
        /// That of the rows before.
        first: Month,
    },
    /// Another delivery than whoever brings it says.
    #[error("指定した処理年月（{given}）と違います。どちらが正しいかお確かめください。")]
    GivenLabel {
        /// As whoever brings it says.
        given: Month,
    },
    /// Nobody says which delivery it is.
    #[error(
        "処理年月がありません。処理年月の列を加えるか、取り込むときに処理年月を指定してください（コマンドでは --label 2026-08）。"
    )]
    NoLabel,
    /// No whole yen.
    #[error("金額として読めません。1円単位の整数を、1234、1,234、▲1,234のように入力してください。")]
    Yen,
    /// Yen past what anything costs.
    #[error("金額が大きすぎます。999,999,999円までです。列がずれていないかお確かめください。")]
    TooLarge,
    /// No 診療区分.
    #[error(
        "診療区分として読めません。医科入院、医科外来、歯科入院、歯科外来、調剤、訪問看護、柔整、あはき、装具、その他のどれかを入力してください。"
    )]
    Category,
    /// No 剤形区分.
    #[error("剤形区分として読めません。内服、屯服、外用、注射、その他のどれかを入力してください。")]
    Form,
    /// No code of a medicine.
    #[error("医薬品コードとして読めません。レセプト電算処理の医薬品コード（9桁の数字）を入力してください。")]
    Drug,
    /// No quantity.
    #[error("量として読めません。0より大きい数を、小数点以下3桁までで入力してください。")]
    Daily,
    /// No count of days or times.
    #[error("日数・回数として読めません。999までの整数を入力してください（医薬品では1以上）。")]
    Count,
    /// No 負担割合.
    #[error("負担割合として読めません。0から3の数字、または30%、3割のように入力してください。")]
    Rate,
    /// No 取消区分.
    #[error("取消区分は、空欄か、1（取下げ・返戻・資格過誤）にしてください。")]
    Flag,
    /// Nobody's.
    #[error("番号か個人IDのどちらかを入力してください。")]
    NoNumber,
    /// A claim that another row is.
    #[error("{line}行目とレセプト番号・診療年月が同じです。1件のレセプトは1行にしてください。")]
    Repeated {
        /// The first line of it.
        line: u32,
    },
    /// Nobody knows what it takes back.
    #[error("取消区分が1の行には、取り消すレセプトの番号を入力してください。")]
    WithdrawnUnnamed,
}

impl Coded for Reason {
    fn code(&self) -> &'static str {
        match self {
            Self::Table(fault) => fault.code(),
            Self::Forbidden => "forbidden_column",
            Self::Month => "month",
            Self::MonthAfterLabel { .. } => "month_after_label",
            Self::Label => "label_to_come",
            Self::OtherLabel { .. } => "other_label",
            Self::GivenLabel { .. } => "given_label",
            Self::NoLabel => "no_label",
            Self::Yen => "yen",
            Self::TooLarge => "too_large",
            Self::Category => "category",
            Self::Form => "form",
            Self::Drug => "drug",
            Self::Daily => "daily",
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Flag => "flag",
            Self::NoNumber => "no_number",
            Self::Repeated { .. } => "repeated_claim",
            Self::WithdrawnUnnamed => "withdrawn_unnamed",
        }
    }
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        Fault::from(problem).into()
    }
}

/// The errors of a file while it is read.
pub type ErrorLog = tabular::ErrorLog<Reason>;
/// All errors of a file.
pub type RowErrors = tabular::RowErrors<Reason>;

/// Why an import does nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportRefused {
    /// Rows that can't be taken.
    #[error("ファイルに{}件の誤りがあります。何も取り込んでいません。直してから、もう一度取り込んでください。", grouped(.0.count()))]
    Rows(RowErrors),
    /// There is no place for treatment of that year.
    #[error(
        "{year}年の明細を入れる場所が、まだありません。何も取り込んでいません。運営者が madoguchi prune（所有者の接続で）で作ってから、もう一度取り込んでください。"
    )]
    NoYear {
        /// The calendar year.
        year: i32,
    },
    /// All of it was treated before what is shown.
    #[error(
        "{}行のすべてが、表示する期間より前の診療年月です。何も取り込んでいません。診療年月の列をお確かめください。",
        grouped(*.rows)
    )]
    TooOld {
        /// Rows of the file.
        rows: u64,
    },
    /// More rows than usual are nobody's.
    #[error(
        "{}2％までなら受け取ります。何も取り込んでいません。名簿を先に取り込むか、記号・番号・枝番・生年月日の列をお確かめください。",
        unmatched(*.rows, *.unknown)
    )]
    Unmatched {
        /// Rows of the file.
        rows: u64,
        /// Those of people whom the roster does not know.
        unknown: u64,
    },
    /// Nobody brought a master that was in force then.
    #[error(
        "{month}の1日に使う医薬品マスターがありません。何も取り込んでいません。運営者が madoguchi drugs import で、その日までに始まるマスターを取り込んでから、もう一度取り込んでください。"
    )]
    NoMaster {
        /// Of treatment.
        month: Month,
    },
    /// More rows than usual are of no medicine that the master has.
    #[error(
        "{}行のうち{}行（{}％）の医薬品コードが、その月の医薬品マスターにありません。1％までなら受け取ります。何も取り込んでいません。医薬品コードの列を確かめるか、運営者に新しい医薬品マスターの取り込みを依頼してください。",
        grouped(*.rows),
        grouped(*.unknown),
        percent(*.unknown, *.rows)
    )]
    UnknownDrugs {
        /// Rows of the file.
        rows: u64,
        /// Those of codes that their month's master has not.
        unknown: u64,
    },
    /// Less than half or more than twice what earlier deliveries held.
    #[error(
        "{}何も取り込んでいません。ファイルが全部そろっているか、別のファイルでないかをお確かめください。",
        deviates(.what, *.here, *.median)
    )]
    Deviates {
        /// 行数 or 医療費の総額.
        what: &'static str,
        /// Of this file.
        here: i64,
        /// Of earlier ones.
        median: i64,
    },
    /// The file is another than the one that was checked.
    #[error(
        "確認してから取り込むまでの間に、ファイルが変わりました。何も取り込んでいません。もう一度取り込んでください。"
    )]
    Changed,
    /// Another file of the insurer's of this kind is loaded.
    #[error(
        "この保険者の同じ種類の明細の取り込みが、ほかで進んでいます。終わるのを待って、もう一度取り込んでください。"
    )]
    AtWork,
    /// Another import thought this one dead.
    #[error(
        "取り込みが長く止まっていたため、ほかの取り込みに場所を譲りました。何も取り込んでいません。もう一度取り込んでください。"
    )]
    TakenOver,
}

impl ImportRefused {
    /// The word in the trail.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rows(_) => "rows",
            Self::NoYear { .. } => "no_year",
            Self::TooOld { .. } => "too_old",
            Self::Unmatched { .. } => "unmatched",
            Self::NoMaster { .. } => "no_master",
            Self::UnknownDrugs { .. } => "unknown_drugs",
            Self::Deviates { .. } => "deviates",
            Self::Changed => "changed",
            Self::AtWork => "at_work",
            Self::TakenOver => "taken_over",
        }
    }

    /// The same as a doubt, while nobody has said whether the file is right.
    pub fn doubt(&self) -> String {
        match self {
            Self::Unmatched { rows, unknown } => format!(
                "{}いつもは2％までです。取り込んでいない新しい名簿がないか、記号・番号・枝番・生年月日の列が正しいかをお確かめください。",
                unmatched(*rows, *unknown)
            ),
            Self::Deviates { what, here, median } => format!(
                "{}ファイルが全部そろっているか、別のファイルでないかをお確かめください。",
                deviates(what, *here, *median)
            ),
            other => other.to_string(),
        }
    }

    /// By what the command line takes the file all the same, where somebody has looked and it is right.
    pub fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Unmatched { .. } => Some("--allow-unmatched"),
            Self::Deviates { .. } => Some("--allow-deviation"),
            _ => None,
        }
    }
}

fn unmatched(rows: u64, unknown: u64) -> String {
    format!(
        "{}行のうち{}行（{}％）が、加入者の名簿の誰にも当たりません。",
        grouped(rows),
        grouped(unknown),
        percent(unknown, rows)
    )
}

fn deviates(what: &str, here: i64, median: i64) -> String {
    let (here, median) = (grouped(here), grouped(median));
    format!("{what}（{here}）が、これまでの提供分の中央値（{median}）の半分から2倍の範囲にありません。")
}

fn percent(part: u64, of: u64) -> u64 {
    part.saturating_mul(100) / of.max(1)
}

/// More people would see somebody's rows than now, and whoever asks may not let them.
pub const NOT_WIDENED: kernel::Reason = kernel::Reason {
    code: "disclosure_not_widened",
    kind: RefusalKind::Forbidden,
    detail: "Who sees the rows is widened at the desk only.",
    words: |_, _| {
        Words::new(
            "表示する範囲を広げるには、窓口でのお手続きが必要です",
            "この画面では、ご家族にも表示する設定に変えたり、戻したりできません。何も変更していません。ご希望のときは、窓口へお申し出ください。",
            &[("#desk", "お問い合わせ先")],
        )
    },
};

/// Whoever asks goes by a state that is none any more.
pub const OTHERWISE_BY_NOW: kernel::Reason = kernel::Reason {
    code: "disclosure_otherwise_by_now",
    kind: RefusalKind::Condition,
    detail: "Something else is in force by now than If-Match names. Nothing was changed; get it again and decide anew.",
    words: |_, _| {
        Words::new(
            "表示する範囲が、ほかの画面で変わっています",
            "何も変更していません。今の内容をお確かめになってから、もう一度お選びください。",
            &[],
        )
    },
};

/// All of them.
pub const REASONS: [kernel::Reason; 13] = [
    NO_DELIVERY,
    NOT_READY,
    ALREADY_PUBLISHED,
    PURGED,
    TAKEN_BACK,
    PAST,
    WISH_PAST,
    MEANWHILE,
    NOT_OPEN,
    NOT_PUBLISHED,
    TWO_PUBLISH,
    NOT_WIDENED,
    OTHERWISE_BY_NOW,
];

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use kernel::Refusal;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_a_code_and_words_of_its_own() {
        let (mut codes, mut texts) = (BTreeSet::new(), BTreeSet::new());
        for reason in REASONS.into_iter().chain(by_hand::REASONS) {
            let words = Refusal::from(reason).words(DateTime::UNIX_EPOCH);
            assert!(!words.heading.is_empty() && !reason.detail.is_empty());
            assert!(codes.insert(reason.code) && texts.insert(words.text), "{reason:?}");
        }
    }

    #[test]
    fn a_refused_import_says_what_was_found_and_what_to_do() {
        let unmatched = ImportRefused::Unmatched {
            rows: 12_345,
            unknown: 400,
        };
        let said = unmatched.to_string();
        assert!(said.starts_with("12,345行のうち400行（3％）が、"), "{said}");
        assert_eq!(unmatched.flag(), Some("--allow-unmatched"));
        let deviates = ImportRefused::Deviates {
            what: "行数",
            here: 12_345,
            median: 3_000,
        };
        let said = deviates.to_string();
        assert!(
            said.starts_with("行数（12,345）が、これまでの提供分の中央値（3,000）の"),
            "{said}"
        );
        assert_eq!(deviates.flag(), Some("--allow-deviation"));
    }
}
