//! Why a delivery is not published or withdrawn.

use kernel::{Reason, RefusalKind, Words};

/// Nothing of this kind, 処理年月 and version is there to be published, or to be withdrawn.
pub const NO_DELIVERY: Reason = Reason {
    code: "statement_no_delivery",
    kind: RefusalKind::Missing,
    detail: "There is no such delivery.",
    words: |_, _| {
        Words::new(
            "この提供分はありません",
            "種類と処理年月（と版）をお確かめください。まだ取り込んでいないときは、先に取り込んでください。",
            &[],
        )
    },
};

/// It is loading, or was refused.
pub const NOT_READY: Reason = Reason {
    code: "statement_not_ready",
    kind: RefusalKind::Outdated,
    detail: "This delivery is not loaded to its end.",
    words: |_, _| {
        Words::new(
            "この提供分は、まだ公開できません",
            "取り込みの途中か、取り込めなかった版です。終わるのを待つか、ファイルを直してもう一度取り込んでください。",
            &[],
        )
    },
};

/// Somebody was faster.
pub const ALREADY_PUBLISHED: Reason = Reason {
    code: "statement_already_published",
    kind: RefusalKind::Outdated,
    detail: "This delivery is published already.",
    words: |_, _| {
        Words::new(
            "この提供分は、もう公開しています",
            "何も変更していません。一覧で、公開している版をお確かめください。",
            &[],
        )
    },
};

/// Its rows are gone, or about to go.
pub const PURGED: Reason = Reason {
    code: "statement_purged",
    kind: RefusalKind::Outdated,
    detail: "The rows of this version are kept no longer. Import its file again.",
    words: |_, _| {
        Words::new(
            "この版の明細は、もう残っていません",
            "公開を終えた版は、7日で消えます。公開するには、同じファイルをもう一度取り込んでください。",
            &[],
        )
    },
};

/// What was published is withdrawn, and nothing before it can be shown.
pub const TAKEN_BACK: Reason = Reason {
    code: "statement_taken_back",
    kind: RefusalKind::Outdated,
    detail: "What was published of this delivery is withdrawn. Name the version that is to be published.",
    words: |_, _| {
        Words::new(
            "この提供分は、公開を取りやめています",
            "もう一度公開するには、一覧で版をお確かめになり、その版を指定してください（--version 1）。残っていない版は、取り込みからやり直してください。",
            &[],
        )
    },
};

/// Nothing is published in the past.
pub const PAST: Reason = Reason {
    code: "statement_past",
    kind: RefusalKind::Mend,
    detail: "The time of publication has passed.",
    words: |_, _| {
        Words::new(
            "公開する日時を確かめてください",
            "公開の予約には、これから先の日時（日本時間）を指定してください。",
            &[],
        )
    },
};

/// Nobody agreed before its time.
pub const WISH_PAST: Reason = Reason {
    code: "statement_wish_past",
    kind: RefusalKind::Outdated,
    detail: "The time of publication that was asked for has passed.",
    words: |_, _| {
        Words::new(
            "公開する日時を過ぎています",
            "申請された公開の日時を過ぎたため、承認できません。何も行っていません。この申請を断り、公開するときは、新しい日時で申請してもらってください。",
            &[],
        )
    },
};

/// What it was shown as is over.
pub const MEANWHILE: Reason = Reason {
    code: "statement_changed_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "The delivery is not as it was shown any more. Nothing was done.",
    words: |_, _| {
        Words::new(
            "この提供分の状態が、画面を開いたあとに変わりました",
            "ほかの職員が先に操作したか、予約の日時になりました。この操作では、何も変更していません。今の状態を確かめてから、もう一度操作してください。",
            &[],
        )
    },
};

/// What the notice would lead to is no page of the members'.
pub const NOT_OPEN: Reason = Reason {
    code: "statement_feature_not_open",
    kind: RefusalKind::Mend,
    detail: "Members have no page of it yet, so there is nothing that a notice could lead to.",
    words: |_, _| {
        Words::new(
            "お知らせは、まだ載せられません",
            "加入者の画面に、この明細の入り口がまだありません。設定の「サービス」で使えるようにするか、「お知らせも載せる」のチェックを外してください。",
            &[],
        )
    },
};

/// There is nothing to take back.
pub const NOT_PUBLISHED: Reason = Reason {
    code: "statement_not_published",
    kind: RefusalKind::Outdated,
    detail: "The delivery is neither published nor to be published.",
    words: |_, _| {
        Words::new(
            "この提供分は、公開していません",
            "取り下げるものはありません。何も変更していません。一覧で、今の状態をお確かめください。",
            &[],
        )
    },
};

/// Two of the staff publish it.
pub const TWO_PUBLISH: Reason = Reason {
    code: "statement_published_by_two",
    kind: RefusalKind::Forbidden,
    detail: "At this insurer two of the staff publish a delivery, in the console. Nothing was done.",
    words: |_, _| {
        Words::new(
            "提供分の公開には、職員2人の確認が必要です",
            "公開は、公開の権限のある職員が、管理画面の提供分の一覧から行ってください。",
            &[],
        )
    },
};
