//! Why what is done with an endpoint is refused.

use kernel::{Reason, RefusalKind, Words};

const LIST: (&str, &str) = ("/console/clients", "連携先の一覧へ");

/// As many as a client may have.
pub const TOO_MANY: Reason = Reason {
    code: "webhook_too_many",
    kind: RefusalKind::Outdated,
    detail: "The client has ten webhooks here, which is as many as there may be. Delete one that is of no use any more.",
    words: |_, _| {
        Words::new(
            "接続先は、10件まで登録できます",
            "使わなくなった接続先を、連携先のプログラムから削除してもらってください。",
            &[LIST],
        )
    },
};

/// It is there already.
pub const EXISTS: Reason = Reason {
    code: "webhook_exists",
    kind: RefusalKind::Outdated,
    detail: "The client has a webhook with this URL here, which `list_webhooks` names. Replace its events; where the answer with its \
             secret was lost, make another by `rotate_webhook_secret`.",
    words: |_, _| {
        Words::new(
            "このURLの接続先は、すでに登録されています",
            "通知の種類を変えるときは、登録されている接続先を変更してもらってください。",
            &[LIST],
        )
    },
};

/// Nothing is sent to it.
pub const DISABLED: Reason = Reason {
    code: "webhook_disabled",
    kind: RefusalKind::Outdated,
    detail: "The webhook is disabled, and nothing is sent to it. Enable it first; one that is `stopped_by_insurer` the \
             insurer's staff start again.",
    words: |_, _| {
        Words::new(
            "この接続先への通知は、停止しています",
            "先に、通知を再開してください。",
            &[LIST],
        )
    },
};

/// Staff have stopped it, and only they start it again.
pub const STOPPED: Reason = Reason {
    code: "webhook_stopped_by_insurer",
    kind: RefusalKind::Forbidden,
    detail: "The insurer's staff have stopped the webhook: it is started, changed and deleted no more. Ask them to start it again.",
    words: |_, _| {
        Words::new(
            "この接続先への通知は、職員が停止しています",
            "再開は、職員が連携先の画面から行ってください。",
            &[LIST],
        )
    },
};

/// Its client may not come in.
pub const CLIENT_STOPPED: Reason = Reason {
    code: "webhook_client_stopped",
    kind: RefusalKind::Outdated,
    detail: "The client is suspended at this insurer, or its grant is over: nothing is sent to its webhooks. Ask the insurer.",
    words: |_, _| {
        Words::new(
            "連携先が停止しているか、利用が終わっています",
            "先に、連携先の画面で、連携先を使えるようにしてください。",
            &[LIST],
        )
    },
};

/// More than are sent again at once.
pub const RANGE: Reason = Reason {
    code: "webhook_range_too_large",
    kind: RefusalKind::Mend,
    detail: "More than 10,000 deliveries fall into this range. Ask for a shorter one.",
    words: |_, _| {
        Words::new(
            "一度に送り直せるのは、1万件までです",
            "期間を短くして、何回かに分けて送り直してください。",
            &[LIST],
        )
    },
};

/// It is on its way already.
pub const WAITING: Reason = Reason {
    code: "webhook_delivery_waiting",
    kind: RefusalKind::Outdated,
    detail: "The delivery is to be sent now. It needs no replay.",
    words: |_, _| {
        Words::new(
            "この通知は、今から送るところです",
            "送り直さなくても、まもなく送信します。しばらくお待ちください。",
            &[LIST],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 7] = [TOO_MANY, EXISTS, DISABLED, STOPPED, CLIENT_STOPPED, RANGE, WAITING];
