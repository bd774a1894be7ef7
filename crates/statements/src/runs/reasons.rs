//! Why an import is not begun, or not gone on with.

use chrono::{DateTime, Utc};
use kernel::{Reason, Refusal, RefusalKind, Words};
use roster::runs::reasons as of_rosters;
use tabular::NotTaken;

const IMPORTS: (&str, &str) = ("/console/statements/import", "取り込みの一覧へ");

/// Another file of the insurer's of this kind is checked or loaded just now.
pub const ANOTHER_RUN: Reason = Reason {
    code: "statement_another_run",
    kind: RefusalKind::Outdated,
    detail: "Another file of this kind of this insurer is checked or loaded just now. Send the request again once that is over, in \
             some minutes.",
    words: |_, _| {
        Words::new(
            "同じ種類の取り込みが進んでいます",
            "同じ種類の明細は、一度に1つだけ進められます。取り込みの一覧で、進んでいるものが終わるのを待つか、中止してから、もう一度お試しください。読み込んだファイルは消えていません。",
            &[IMPORTS],
        )
    },
};

/// It was gone on with in another tab, or by a colleague.
pub const RUN_MOVED_ON: Reason = Reason {
    code: "statement_run_moved_on",
    words: |refusal, now| leading(of_rosters::RUN_MOVED_ON, &[IMPORTS], refusal, now),
    ..of_rosters::RUN_MOVED_ON
};

/// It has ended.
pub const RUN_OVER: Reason = Reason {
    code: "statement_run_over",
    words: |refusal, now| leading(of_rosters::RUN_OVER, &[IMPORTS], refusal, now),
    ..of_rosters::RUN_OVER
};

/// One header for two columns, or none for one that must be there.
pub const COLUMNS_UNCLEAR: Reason = Reason {
    code: "statement_columns_unclear",
    ..of_rosters::COLUMNS_UNCLEAR
};

/// No month.
pub const LABEL_UNREAD: Reason = Reason {
    code: "statement_label_unread",
    kind: RefusalKind::Mend,
    detail: "The month of processing is not read.",
    words: |_, _| {
        Words::new(
            "処理年月を確かめてください",
            "2026年8月、202608、R0808のように入力してください。ファイルに処理年月の列があるときは、空欄でかまいません。",
            &[],
        )
    },
};

/// What is unusual about the file must be agreed to.
pub const DOUBTS_NOT_AGREED: Reason = Reason {
    code: "statement_doubts_not_agreed",
    kind: RefusalKind::Mend,
    detail: "The file is unusual, and nobody has said that it is right.",
    words: |_, _| {
        Words::new(
            "ファイルを確かめてください",
            "ファイルが全部そろっていて、列も正しいときだけ、「確かめました」にチェックを付けて取り込んでください。",
            &[],
        )
    },
};

/// It is another program's, or the staff's by now.
pub const OF_OTHERS: Reason = Reason {
    code: "statement_import_of_others",
    words: |refusal, now| leading(of_rosters::OF_OTHERS, &[IMPORTS], refusal, now),
    ..of_rosters::OF_OTHERS
};

/// A program had it checked, and nobody wished to have it loaded.
pub const ONLY_CHECKED: Reason = Reason {
    code: "statement_only_checked",
    kind: RefusalKind::Outdated,
    detail: "A program only had this file checked (`dry_run`). It is loaded once the program sends it without.",
    words: |_, _| {
        Words::new(
            "このファイルは、連携先が試しに送ったものです",
            "何も取り込んでいません。取り込むときは、連携先のシステムの担当者に、試しではない送信を頼んでください。",
            &[IMPORTS],
        )
    },
};

/// No file was chosen, or an empty one.
pub const FILE_EMPTY: Reason = Reason {
    code: "statement_file_empty",
    kind: RefusalKind::Mend,
    detail: "The file is empty.",
    words: |_, _| {
        Words::new(
            "ファイルが選ばれていないか、空です",
            "明細のファイルを選んでから、「読み込む」を押してください。",
            &[],
        )
    },
};

/// It tells a diagnosis, an act, or somebody's My Number.
pub const FILE_FORBIDDEN: Reason = Reason {
    code: "statement_file_forbidden",
    kind: RefusalKind::Mend,
    detail: "The file has a column of diagnoses, acts or My Numbers. Nothing of it was kept.",
    words: |_, _| {
        Words::new(
            "受け取れない列があります",
            "傷病名・診療行為・個人番号の列を取り除いてから、もう一度ファイルを選んでください。このファイルは保存していません。",
            &[],
        )
    },
};

/// Larger than it may be.
pub const FILE_TOO_LARGE: Reason = Reason {
    code: "statement_file_too_large",
    kind: RefusalKind::Mend,
    detail: "The file is larger than 512 MiB.",
    words: |_, _| {
        Words::new(
            "ファイルが大きすぎます",
            "読み込めるのは512MBまでです。1つの処理年月の明細のファイルかどうかをお確かめください。使わない列を取り除くと、小さくなります。何も取り込んでいません。",
            &[],
        )
    },
};

/// It is no table that can be read.
pub const FILE_UNREADABLE: Reason = Reason {
    code: "statement_file_unreadable",
    words: |refusal, now| leading(of_rosters::FILE_UNREADABLE, &[], refusal, now),
    ..of_rosters::FILE_UNREADABLE
};

/// It did not come to its end.
pub const FILE_BROKEN_OFF: Reason = Reason {
    code: "statement_file_broken_off",
    kind: RefusalKind::Mend,
    detail: "The file did not come to its end.",
    words: |_, _| {
        Words::new(
            "ファイルの送信が途中で終わりました",
            "通信が途切れたようです。何も取り込んでいません。もう一度ファイルを選んで、「読み込む」を押してください。",
            &[],
        )
    },
};

/// Another that the same person or program sent meanwhile has taken its place.
pub const FILE_REPLACED: Reason = Reason {
    code: "statement_file_replaced",
    words: |refusal, now| leading(of_rosters::FILE_REPLACED, &[IMPORTS], refusal, now),
    ..of_rosters::FILE_REPLACED
};

/// Why a file is not taken.
pub(super) const NOT_TAKEN: NotTaken = NotTaken {
    empty: FILE_EMPTY,
    too_large: FILE_TOO_LARGE,
    unreadable: FILE_UNREADABLE,
    replaced: FILE_REPLACED,
};

/// All of them.
pub const REASONS: [Reason; 14] = [
    ANOTHER_RUN,
    RUN_MOVED_ON,
    RUN_OVER,
    COLUMNS_UNCLEAR,
    LABEL_UNREAD,
    DOUBTS_NOT_AGREED,
    FILE_EMPTY,
    FILE_FORBIDDEN,
    FILE_TOO_LARGE,
    FILE_UNREADABLE,
    FILE_BROKEN_OFF,
    FILE_REPLACED,
    OF_OTHERS,
    ONLY_CHECKED,
];

/// What is said of a reason that rosters have, too, with other ways on.
fn leading(reason: Reason, ways: &[(&str, &str)], refusal: &Refusal, now: DateTime<Utc>) -> Words {
    let Words { heading, text, .. } = (reason.words)(refusal, now);
    Words::new(heading, text, ways)
}
