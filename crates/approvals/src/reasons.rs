//! Why a wish is refused, or its agreement.

use kernel::{Reason, RefusalKind, Words};

const LIST: (&str, &str) = ("/console/approvals", "承認の一覧へ");

/// What needs another's agreement is nothing for the platform's support.
pub const NOT_BY_SUPPORT: Reason = Reason {
    code: "approval_not_by_support",
    kind: RefusalKind::Forbidden,
    detail: "The platform's support neither asks for approval nor gives it.",
    words: |_, _| {
        Words::new(
            "運営サポートではできません",
            "ほかの職員の承認が要る操作は、保険者の職員だけができます。",
            &[],
        )
    },
};

/// Another wish about the same thing waits.
pub const ANOTHER_WAITS: Reason = Reason {
    code: "approval_another_waits",
    kind: RefusalKind::Outdated,
    detail: "A wish of yours about the same thing waits already. Take it back first.",
    words: |_, _| {
        Words::new(
            "同じ対象の申請が、承認を待っています",
            "内容を変えるときは、先に、待っている申請を取り下げてください。",
            &[LIST],
        )
    },
};

/// A colleague's wish about the same thing waits, and one is enough.
pub const COLLEAGUE_WAITS: Reason = Reason {
    code: "approval_colleague_waits",
    kind: RefusalKind::Outdated,
    detail: "A colleague's wish about the same thing waits already. Agree to it or decline it.",
    words: |_, _| {
        Words::new(
            "ほかの職員の申請が、承認を待っています",
            "同じ対象の申請は、一度に1つだけです。何も変更していません。待っている申請を開いて内容を確かめ、承認するか断るかを決めてください。",
            &[LIST],
        )
    },
};

/// The wish is decided, taken back or lapsed.
pub const WISH_OVER: Reason = Reason {
    code: "approval_over",
    kind: RefusalKind::Outdated,
    detail: "The wish waits no longer: it was decided, taken back, or lapsed.",
    words: |_, _| {
        Words::new(
            "この申請は、もう待っていません",
            "ほかの職員が返事をしたか、取り下げられたか、期限が過ぎました。下に結果を表示しています。",
            &[LIST],
        )
    },
};

/// Nobody agrees to their own wish, nor to what they gain by.
pub const OWN_WISH: Reason = Reason {
    code: "approval_own",
    kind: RefusalKind::Forbidden,
    detail: "Nobody agrees to their own wish, nor to one by which they gain.",
    words: |_, _| {
        Words::new(
            "自分の申請や、自分についての申請は承認できません",
            "同じ権限を持つ、ほかの職員に承認してもらってください。",
            &[LIST],
        )
    },
};

/// They hold the permission for too short a time, or not over everybody.
pub const HELD_TOO_SHORT: Reason = Reason {
    code: "approval_held_too_short",
    kind: RefusalKind::Forbidden,
    detail: "Whoever has held the permission for less than seven days, or not over everybody, does not agree by it.",
    words: |_, _| {
        Words::new(
            "まだ承認できません",
            "承認できるのは、同じ権限を7日以上、加入者全員について持っている職員です。ほかの職員に承認してもらってください。",
            &[LIST],
        )
    },
};

/// What would be done is not what was shown any more.
pub const WISH_CHANGED: Reason = Reason {
    code: "approval_changed",
    kind: RefusalKind::Outdated,
    detail: "What would be done is not what was shown when it was asked for. The wish has lapsed.",
    words: |_, _| {
        Words::new(
            "内容が変わったため、この申請は使えなくなりました",
            "申請のあとに元の内容が変わったか、申請した職員の権限がなくなりました。何も行っていません。必要なときは、申請した職員がもう一度申請してください。",
            &[LIST],
        )
    },
};

/// What needs another's agreement would wait for nobody.
pub const NOBODY_ELSE: Reason = Reason {
    code: "approval_nobody_else",
    kind: RefusalKind::Outdated,
    detail: "It needs another's agreement, and within seven days there is nobody else who can give it.",
    words: |_, _| {
        Words::new(
            "承認できる職員がほかにいません",
            "この操作には、ほかの職員の承認が要ります。承認できるのは、同じ権限を7日以上、加入者全員について持っている職員です。保護されている加入者についての申請は、保護の権限も持つ職員だけが承認できます。申請した職員と、停止中の職員は承認できません。役割の変更は、外すことと付けることを分けて申請すると、本人も外すことを承認できます。承認できる職員がもういないときは、運営にお問い合わせください。",
            &[LIST],
        )
    },
};

/// Fewer than two can agree to what is to be put under four eyes.
pub const NOBODY_TO_AGREE: Reason = Reason {
    code: "approval_nobody_to_agree",
    kind: RefusalKind::Outdated,
    detail: "Fewer than two people can agree to this action, so it can't be put under four eyes.",
    words: |_, _| {
        Words::new(
            "承認できる職員が足りません",
            "承認が要るようにできるのは、その権限を7日以上持っている職員が2人以上いる操作だけです。先に職員を招待してください。",
            &[("/console/staff", "職員の一覧へ")],
        )
    },
};
