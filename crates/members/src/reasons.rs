//! Why programs are refused what staff do with members.

use kernel::{Reason, RefusalKind, Words};
use roster::by_hand::reasons as by_hand;

/// All of this crate's own.
pub const REASONS: [Reason; 1] = [BIRTH_DATE_BY_TWO];

/// Those by which programs are refused.
pub(crate) const OF_PROGRAMS: [Reason; 5] = [
    by_hand::IMPORT_RUNNING,
    by_hand::NUMBER_TAKEN,
    by_hand::PERSON_THERE,
    by_hand::FORGOTTEN_AT_ONCE,
    BIRTH_DATE_BY_TWO,
];

/// Four eyes: no program is one of the two.
pub const BIRTH_DATE_BY_TWO: Reason = Reason {
    code: "member_birth_date_by_two",
    kind: RefusalKind::Forbidden,
    detail: "At this insurer two of the staff mend a birth date. Nothing was changed; send the other facts with the birth date \
             as it stands, and have staff mend it.",
    words: |_, _| {
        Words::new(
            "生年月日の変更には、職員2人の確認が必要です",
            "何も変更していません。生年月日は、管理画面の加入者のページから変更してください。",
            &[("/console/members", "加入者の検索へ")],
        )
    },
};
