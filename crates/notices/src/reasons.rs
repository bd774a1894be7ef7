//! Why the desk's work on notices is refused, each with its words.

use kernel::{Reason, RefusalKind, Words};

/// All of them: what holds for every reason is tested on this list.
pub const REASONS: [Reason; 10] = [
    CHANGED_MEANWHILE,
    GONE_MEANWHILE,
    TO_NOBODY,
    NO_TEXT,
    OVER_ALREADY,
    MAILS_USED_UP,
    OF_FOLDER,
    PUBLISHED_ALREADY,
    NOT_PUBLISHED,
    TWO_PUBLISH,
];

/// Those by which programs are refused.
pub(crate) const OF_PROGRAMS: [Reason; 7] = [
    TO_NOBODY,
    NO_TEXT,
    OVER_ALREADY,
    MAILS_USED_UP,
    PUBLISHED_ALREADY,
    NOT_PUBLISHED,
    TWO_PUBLISH,
];

/// Members may have read it: what is published is never another text.
pub const PUBLISHED_ALREADY: Reason = Reason {
    code: "notice_published_already",
    kind: RefusalKind::Outdated,
    detail: "The notice is published, and what is published is not changed. Withdraw it and write another.",
    words: |_, _| {
        Words::new(
            "このお知らせは、すでに公開されています",
            "公開したお知らせは変えられません。取り下げてから、新しい下書きを作ってください。",
            &[],
        )
    },
};

/// Nobody has seen it yet.
pub const NOT_PUBLISHED: Reason = Reason {
    code: "notice_not_published",
    kind: RefusalKind::Outdated,
    detail: "The notice is a draft: there is nothing to withdraw.",
    words: |_, _| {
        Words::new(
            "このお知らせは、まだ公開されていません",
            "下書きのため、取り下げるものがありません。",
            &[],
        )
    },
};

/// Four eyes: no program is one of the two.
pub const TWO_PUBLISH: Reason = Reason {
    code: "notice_published_by_two",
    kind: RefusalKind::Forbidden,
    detail: "At this insurer two of the staff publish a notice. The draft is handed to them; get it later to see how it stands.",
    words: |_, _| {
        Words::new(
            "お知らせの公開には、職員2人の確認が必要です",
            "下書きは、公開の権限のある職員に渡しました。公開は、管理画面で行ってください。",
            &[("/console/notices", "お知らせの一覧へ")],
        )
    },
};

/// Somebody else has saved the draft since the form was shown.
pub const CHANGED_MEANWHILE: Reason = Reason {
    code: "notice_changed_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "Somebody else has saved this draft since the form was shown. Compare both, and save again.",
    words: |_, _| {
        Words::new(
            "ほかの職員が、先に保存しました",
            "開いた後に、ほかの職員がこの下書きを保存しました。今保存されている内容を見比べて、よければもう一度ボタンを押してください。入力した内容は消えていません。",
            &[],
        )
    },
};

/// The draft was published or discarded since the form was shown.
pub const GONE_MEANWHILE: Reason = Reason {
    code: "notice_gone_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "This draft was published or discarded since the form was shown.",
    words: |_, _| {
        Words::new(
            "この下書きは、もうありません",
            "開いた後に、ほかの職員が公開したか、消しました。入力した内容は消えていません。必要なときは、新しい下書きとして保存してください。",
            &[("/console/notices", "お知らせの一覧へ")],
        )
    },
};

/// Nobody would see it.
pub const TO_NOBODY: Reason = Reason {
    code: "notice_to_nobody",
    kind: RefusalKind::Mend,
    detail: "Nobody in the roster is among those whom the notice is for.",
    words: |_, _| {
        Words::new(
            "宛先に当てはまる方がいません",
            "名簿に当てはまる方がいないため、公開できません。下書きを開いて、宛先の条件（事業所コード、年齢、被扶養者）か、宛先の方を直してください。",
            &[],
        )
    },
};

/// There is nothing to read.
pub const NO_TEXT: Reason = Reason {
    code: "notice_without_text",
    kind: RefusalKind::Mend,
    detail: "The notice has no text.",
    words: |_, _| {
        Words::new(
            "本文がありません",
            "本文が空のため、公開できません。下書きを開いて、本文を書いてください。",
            &[],
        )
    },
};

/// Its last day is over.
pub const OVER_ALREADY: Reason = Reason {
    code: "notice_over_already",
    kind: RefusalKind::Mend,
    detail: "The last day on which the notice is shown is over.",
    words: |_, _| {
        Words::new(
            "掲載の最後の日が過ぎています",
            "掲載の最後の日が過ぎているため、公開できません。下書きを開いて、日付を直してください。",
            &[],
        )
    },
};

/// Members are not told by mail of any number of notices in a day.
pub const MAILS_USED_UP: Reason = Reason {
    code: "notice_mails_used_up",
    kind: RefusalKind::Wait,
    detail: "Members are told by mail of ten notices on a day, and this would be one more. Publish it without mail, with another \
             `first_day`, or once that day is over.",
    words: |_, _| {
        Words::new(
            "メールで知らせるお知らせは、1日に10件までです",
            "この日の分は、もう10件あります。下書きを開いて、メールで知らせる印を外すか、掲載の最初の日を変えると公開できます。急がないときは、次の日に公開してください。",
            &[],
        )
    },
};

/// What came from the insurer's folder is ended there.
pub const OF_FOLDER: Reason = Reason {
    code: "notice_of_folder",
    kind: RefusalKind::Outdated,
    detail: "The notice comes from the insurer's folder and is ended there. It can be withdrawn.",
    words: |_, _| {
        Words::new(
            "このお知らせは、設定ファイルから公開されています",
            "掲載の終わりは、設定ファイルで決めます。すぐに見えなくするときは、取り下げてください。",
            &[("/console/notices", "お知らせの一覧へ")],
        )
    },
};
