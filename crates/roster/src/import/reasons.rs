//! What is wrong with a roster file, beyond what can be wrong with any table.

use chrono::NaiveDate;
use kernel::Problem;
use tabular::{Coded, Fault};

/// What is wrong, in words for the insurer's clerk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// What can be wrong with any table.
    #[error(transparent)]
    Table(#[from] Fault),
    /// Lost before it was acquired.
    #[error("資格取得日（{acquired_on}）より前の日付です。どちらが正しいかお確かめください。")]
    LostBeforeAcquired {
        /// 資格取得日 of the row.
        acquired_on: NaiveDate,
    },
    /// Lost so long ago that the person, who is in the roster, would be forgotten at once.
    #[error(
        "資格を失ってから名簿に残す期間が過ぎているため、この方の内容がすぐに消えてしまいます。年をお確かめください。正しいときは、{kept_from}以後の日付を入力してください。"
    )]
    ForgottenAtOnce {
        /// Who lost coverage since this day is kept.
        kept_from: NaiveDate,
    },
    /// Born after the day of the import.
    #[error("今日より後の日付です。年をお確かめください。")]
    BornLater,
    /// No gender code.
    #[error("1（男）、2（女）、9（不明）のどれかを入力してください。")]
    Gender,
    /// No 異動区分.
    #[error(
        "「追加」「変更」「喪失」のどれかを入力してください。全員分のファイルのときは、異動区分の列を取り除いてください。"
    )]
    Movement,
    /// A loss without its day.
    #[error("異動区分が「喪失」の行には、資格喪失日を入力してください。")]
    LossWithoutDay,
    /// A change or a loss of somebody who is not in the roster.
    #[error(
        "この記号・番号・生年月日・氏名の方は、加入者の名簿に見つかりません。新しい方なら異動区分を「追加」にし、そうでなければ番号と生年月日をお確かめください。"
    )]
    NotInRoster,
    /// A number and branch of somebody whom the roster keeps and the file does not name.
    #[error(
        "この記号・番号・枝番の方が、加入者の名簿にもういます。同じ方なら生年月日と氏名を、別の方なら番号と枝番をお確かめください。"
    )]
    NumberTaken,
    /// A number that is somebody's with the same branch, in a file of changes that has no column for branches.
    #[error(
        "移る先の記号・番号には、同じ枝番の方がもういます。枝番の列を加えて、この方の新しい枝番を入力してください。"
    )]
    BranchTaken,
    /// The same person as of another row of a file of changes.
    #[error(
        "{line}行目と同じ方の行です。1人について1行にしてください。別の方なら、番号・枝番・生年月日をお確かめください。"
    )]
    SamePerson {
        /// The first line of theirs.
        line: u64,
    },
    /// A number and branch that another row has.
    #[error(
        "{line}行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。資格を失った方の番号をほかの方が使っているときは、失った方の行を取り除いてください。"
    )]
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

impl Coded for Reason {
    fn code(&self) -> &'static str {
        match self {
            Self::Table(fault) => fault.code(),
            Self::LostBeforeAcquired { .. } => "lost_before_acquired",
            Self::ForgottenAtOnce { .. } => "forgotten_at_once",
            Self::BornLater => "date_out_of_range",
            Self::Gender => "gender",
            Self::Movement => "movement",
            Self::LossWithoutDay => "loss_without_day",
            Self::NotInRoster => "not_in_roster",
            Self::NumberTaken => "number_taken",
            Self::BranchTaken => "branch_taken",
            Self::SamePerson { .. } => "same_person",
            Self::RepeatedNumber { .. } => "repeated_number",
            Self::RepeatedPersonalId { .. } => "repeated_personal_id",
            Self::RepeatedPerson { .. } => "repeated_person",
        }
    }
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        Fault::from(problem).into()
    }
}

/// The errors of a roster file while it is read.
pub(super) type ErrorLog = tabular::ErrorLog<Reason>;
/// One error of a roster file.
pub type RowError = tabular::RowError<Reason>;
/// All errors of a roster file.
pub type RowErrors = tabular::RowErrors<Reason>;
