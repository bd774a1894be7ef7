//! Why what staff do by hand to rows that wait, and to claims, is refused.

use kernel::{Reason, RefusalKind, Words};

/// Somebody was faster, or another version is shown.
pub const HELD_OVER: Reason = Reason {
    code: "statement_held_over",
    kind: RefusalKind::Outdated,
    detail: "This row waits no longer.",
    words: |_, _| {
        Words::new(
            "この行は、もう保留ではありません",
            "ほかの職員か自動の照合が処理したか、提供分が新しい版に替わりました。何も変更していません。保留の一覧でお確かめください。",
            &[("/console/statements/held", "保留の一覧へ")],
        )
    },
};

/// The roster knows somebody else.
pub const HELD_KNOWN: Reason = Reason {
    code: "statement_held_known",
    kind: RefusalKind::Outdated,
    detail: "By the roster this row is somebody else's by now.",
    words: |_, _| {
        Words::new(
            "名簿では、ほかの方の行です",
            "この行の記号・番号などに当てはまる方が、名簿で1人に決まっています。その方の行にするときは、その方を選ぶか、1日以内に行う自動の照合をお待ちください。違うときは、先に名簿を直してください。",
            &[("/console/statements/held", "保留の一覧へ")],
        )
    },
};

/// There is nobody who is notified.
pub const NO_PRINCIPAL: Reason = Reason {
    code: "statement_no_principal",
    kind: RefusalKind::Mend,
    detail: "In the month of treatment nobody, or more than one, was notified for this person.",
    words: |_, _| {
        Words::new(
            "だれに通知する行か、決められません",
            "診療月にこの方の記号・番号で組合員（被保険者）だった方が、名簿で1人に決まりません。名簿の続柄、資格の取得日と喪失日を直してから、もう一度お試しください。",
            &[],
        )
    },
};

/// Nothing of the claim is there to be withdrawn, or something else than was shown.
pub const CLAIM_CHANGED: Reason = Reason {
    code: "statement_claim_changed",
    kind: RefusalKind::Outdated,
    detail: "The rows of this claim are others than those that were shown.",
    words: |_, _| {
        Words::new(
            "表示したあとに、このレセプトの明細が変わりました",
            "公開や取り込みがあったため、何も変更していません。今の内容をお確かめのうえ、もう一度操作してください。",
            &[],
        )
    },
};

/// Somebody was faster.
pub const ALREADY_STRUCK: Reason = Reason {
    code: "statement_already_struck",
    kind: RefusalKind::Outdated,
    detail: "This claim is withdrawn already.",
    words: |_, _| {
        Words::new(
            "このレセプトは、もう取り下げています",
            "何も変更していません。取り下げたレセプトの一覧でお確かめください。",
            &[("/console/statements/claims", "取り下げたレセプトの一覧へ")],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 5] = [HELD_OVER, HELD_KNOWN, NO_PRINCIPAL, CLAIM_CHANGED, ALREADY_STRUCK];
