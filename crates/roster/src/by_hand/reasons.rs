//! Why a fact is not set by hand.

use kernel::{Reason, RefusalKind, Words};

/// An import has the roster.
pub const IMPORT_RUNNING: Reason = Reason {
    code: "roster_import_running",
    kind: RefusalKind::Outdated,
    detail: "An import has the insurer's roster just now. Send the request again once that is over, in some minutes.",
    words: |_, _| {
        Words::new(
            "取込中です",
            "名簿の取り込みが進んでいるあいだは、名簿の内容を変えられません。入力した内容はこの画面に残っています。取り込みが終わってから、もう一度お試しください。",
            &[("/console/roster", "取り込みの一覧へ")],
        )
    },
};

/// Somebody, or an import, changed the person since the form was shown.
pub const CHANGED_MEANWHILE: Reason = Reason {
    code: "roster_changed_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "The person has been changed since the form was shown.",
    words: |_, _| {
        Words::new(
            "名簿の内容が、その間に変わりました",
            "ほかの職員か取り込みが、この方の内容を変えました。何も変更していません。今の名簿の内容と見比べて、もう一度確認へ進んでください。",
            &[],
        )
    },
};

/// Somebody in the roster has the number and branch.
pub const NUMBER_TAKEN: Reason = Reason {
    code: "roster_number_taken",
    kind: RefusalKind::Mend,
    detail: "Somebody in the roster has this number and branch.",
    words: |_, _| {
        Words::new(
            "この記号・番号・枝番の方が、もう名簿にいます",
            "記号・番号・枝番が正しいかをお確かめください。同じ方なら、加入者の検索でその方を開いて内容を変えてください。別の方なら、枝番を分けて入力してください。",
            &[("/console/members", "加入者の検索へ")],
        )
    },
};

/// They are in the roster already.
pub const PERSON_THERE: Reason = Reason {
    code: "roster_person_there",
    kind: RefusalKind::Mend,
    detail: "Somebody of this number, birth date and name is in the roster, or has left it.",
    words: |_, _| {
        Words::new(
            "同じ番号・生年月日・氏名の方が、もう名簿にいます",
            "同じ方なら、加入者の検索でその方を開いて内容を変えてください。資格を喪失した方は、資格喪失日を空にすると、元に戻ります。別の方なら、両方の方に枝番を入力してください。",
            &[("/console/members", "加入者の検索へ")],
        )
    },
};

/// It takes the whole insurer, and who asks is bounded to workplaces. Said of every number alike, whoever has it.
pub const BEYOND_REACH: Reason = Reason {
    code: "roster_beyond_reach",
    kind: RefusalKind::Mend,
    detail: "Numbers, other workplaces and whoever has left the roster are for staff of the whole insurer.",
    words: |_, _| {
        Words::new(
            "担当の範囲では変えられない内容があります",
            "記号・番号・枝番と、担当していない事業所コードは、すべての加入者を担当する職員だけが変えられます。資格を喪失した方を元に戻すこともできません。その職員に依頼するか、ほかの項目だけを変更してください。何も変更していません。",
            &[],
        )
    },
};

/// The next sweep would empty the person.
pub const FORGOTTEN_AT_ONCE: Reason = Reason {
    code: "roster_forgotten_at_once",
    kind: RefusalKind::Mend,
    detail: "The day of loss is longer ago than people are kept: the person would be forgotten at once.",
    words: |_, _| {
        Words::new(
            "資格喪失日が古すぎます",
            "この資格喪失日では、名簿に残す期間が過ぎているため、この方の内容がすぐに消えてしまいます。年が正しいかをお確かめください。何も変更していません。",
            &[],
        )
    },
};

/// Everything is as it was.
pub const NOTHING_CHANGED: Reason = Reason {
    code: "roster_nothing_changed",
    kind: RefusalKind::Mend,
    detail: "Nothing was changed in the form.",
    words: |_, _| {
        Words::new(
            "変わったところがありません",
            "名簿の内容と同じです。直すところを書き換えてから、確認へ進んでください。",
            &[],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 7] = [
    IMPORT_RUNNING,
    CHANGED_MEANWHILE,
    NUMBER_TAKEN,
    PERSON_THERE,
    BEYOND_REACH,
    FORGOTTEN_AT_ONCE,
    NOTHING_CHANGED,
];
