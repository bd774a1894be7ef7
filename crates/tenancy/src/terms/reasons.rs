//! Why terms are not drafted, published or withdrawn.

use kernel::{Reason, RefusalKind, Words};

const TERMS: (&str, &str) = ("/console/terms", "規約の一覧へ");

/// A colleague has saved the draft since the form was shown.
pub const DRAFT_CHANGED: Reason = Reason {
    code: "terms_draft_changed",
    kind: RefusalKind::Outdated,
    detail: "The draft has been saved by somebody else since the form was shown. Look at both, and send it again.",
    words: |_, _| {
        Words::new(
            "ほかの画面で、この下書きが先に保存されました",
            "入力した内容は、下の入力欄に残っています。先に保存された内容との違いを確かめて、よければもう一度保存してください。",
            &[],
        )
    },
};

/// Its day has come: it stays as it is.
pub const TERMS_PUBLISHED: Reason = Reason {
    code: "terms_published",
    kind: RefusalKind::Outdated,
    detail: "This revision is in force, and can't be changed or withdrawn any more. Write the next one.",
    words: |_, _| {
        Words::new(
            "この版は、もう変えられません",
            "施行日を過ぎた版は、変えることも取り下げることもできません。内容を改めるときは、次の版を作ってください。",
            &[TERMS],
        )
    },
};

/// There is nothing to publish, or not for this revision any more.
pub const DRAFT_GONE: Reason = Reason {
    code: "terms_draft_gone",
    kind: RefusalKind::Outdated,
    detail: "There is no such draft any more: it has been published or thrown away.",
    words: |_, _| {
        Words::new(
            "この下書きは、もうありません",
            "ほかの画面で公開されたか、消されました。規約の一覧で、今の状態をお確かめください。下に入力欄があるときは、入力した内容が残っています。新しい下書きとして保存できます。",
            &[TERMS],
        )
    },
};

/// Only the last revision can be withdrawn: numbers have no gaps.
pub const NOT_THE_LAST: Reason = Reason {
    code: "terms_not_the_last",
    kind: RefusalKind::Outdated,
    detail: "A later revision waits for its day: withdraw that one first.",
    words: |_, _| {
        Words::new(
            "あとの版があるため、取り下げられません",
            "版の番号は続いている必要があります。先に、あとの版を取り下げてください。",
            &[TERMS],
        )
    },
};
