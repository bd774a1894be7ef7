//! Why the console refuses, each with its code, its status and its words.

use chrono::{DateTime, Utc};
use guard::HashError;
use kernel::{Outage, Reason, Refusal, RefusalKind, Words, calendar, outcome::OVERLOADED};

const LOG_IN: (&str, &str) = ("/console/login", "ログイン画面に戻る");

/// There is no session, or it has ended.
pub const CONSOLE_SESSION_ENDED: Reason = Reason {
    code: "console_session_ended",
    kind: RefusalKind::LogIn,
    detail: "There is no session of staff, or it has ended. Log in.",
    words: |_, _| {
        Words::new(
            "もう一度ログインしてください",
            "しばらく操作がなかったか、ログアウトしたため、ログインが終わりました。入力の途中だった内容は、保存されていません。もう一度ログインしてください。",
            &[LOG_IN],
        )
    },
};

/// The account is suspended, by a colleague or because nobody used it.
pub const STAFF_SUSPENDED: Reason = Reason {
    code: "staff_suspended",
    kind: RefusalKind::Forbidden,
    detail: "This account of staff is suspended.",
    words: |_, _| {
        Words::new(
            "このアカウントは停止しています",
            "停止しているため、ログインできません。続けてお使いになるときは、同じ保険者の管理者に連絡して、停止を解いてもらってください。",
            &[LOG_IN],
        )
    },
};

/// What one's own roles do not allow.
pub const NOT_PERMITTED: Reason = Reason {
    code: "not_permitted",
    kind: RefusalKind::Forbidden,
    detail: "The roles of this account do not allow it.",
    words: |_, _| {
        Words::new(
            "この画面を開く権限がありません",
            "お持ちの役割では、この画面を使えません。必要なときは、管理者に役割の追加を頼んでください。",
            &[("/console/", "ホームへ")],
        )
    },
};

/// Somebody else has changed the same person's roles meanwhile.
pub const ROLES_CHANGED_MEANWHILE: Reason = Reason {
    code: "roles_changed_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "Somebody else has changed these roles since the form was shown. Look at what they are now.",
    words: |_, _| {
        Words::new(
            "ほかの職員が、先に役割を変更しました",
            "何も変更していません。今の役割と、入力された内容を下に表示しています。確かめて、もう一度変更してください。",
            &[],
        )
    },
};

/// Wrong mail, code or password: never which.
pub const STAFF_LOG_IN_FAILED: Reason = Reason {
    code: "staff_log_in_failed",
    kind: RefusalKind::Mend,
    detail: "Insurer code, mail address or password is wrong.",
    words: |_, _| {
        Words::new(
            "ログインできませんでした",
            "保険者指定コード、メールアドレス、パスワードのどれかが違います。もう一度入力してください。",
            &[],
        )
    },
};

/// Too often: later it goes through.
pub const STAFF_WAIT: Reason = Reason {
    code: "staff_wait",
    kind: RefusalKind::Wait,
    detail: "Too many tries. Wait until the time given.",
    words: |refusal, now| {
        let until = refusal.until.map(|until| calendar::from_then_on(until, now));
        Words::new(
            "しばらく受け付けを止めています",
            format!(
                "間違いが続いたため、受け付けを止めています。{}以降に、もう一度お試しください。",
                until.unwrap_or_else(|| "しばらく待って、それ".into())
            ),
            &[],
        )
    },
};

/// Links enough were mailed to this person.
pub const MAILED_ENOUGH: Reason = Reason {
    code: "mailed_enough",
    kind: RefusalKind::Wait,
    detail: "So many links were mailed to this person. Wait until the time given.",
    words: |refusal, now| {
        let until = refusal.until.map(|until| calendar::from_then_on(until, now));
        Words::new(
            "この方へのメールが続いています",
            format!(
                "この方には、何度も続けてメールを送っています。届いたメールを確かめてもらい、必要なときは、{}以降に、もう一度操作してください。",
                until.unwrap_or_else(|| "しばらく待って、それ".into())
            ),
            &[],
        )
    },
};

/// So many wrong passwords that only a new one helps.
pub const STAFF_LOCKED: Reason = Reason {
    code: "staff_locked",
    kind: RefusalKind::Forbidden,
    detail: "Too many wrong passwords in all. Set a new password by mail.",
    words: |_, _| {
        Words::new(
            "ログインを止めています",
            "間違ったパスワードが何度も入力されたため、安全のため、ログインを止めています。パスワードを再設定すると、すぐにログインできます。",
            &[],
        )
    },
};

/// The insurer is suspended.
pub const CONSOLE_CLOSED: Reason = Reason {
    code: "console_closed",
    kind: RefusalKind::Forbidden,
    detail: "The insurer is suspended; its staff can't come in.",
    words: |_, _| {
        Words::new(
            "この保険者の管理画面は停止しています",
            "運営が停止しているため、今は使えません。再開すると、元どおり使えます。再開については、運営にお問い合わせください。",
            &[LOG_IN],
        )
    },
};

/// A mailed link that opens nothing: used, late, cut or forged.
pub const STAFF_LINK_ENDED: Reason = Reason {
    code: "staff_link_ended",
    kind: RefusalKind::Outdated,
    detail: "The link is used up, late or no link of ours.",
    words: |_, _| {
        Words::new(
            "このリンクは使えなくなりました",
            "すでに使われたか、期限が過ぎたか、アドレスの一部が欠けています。すでに登録がお済みの方は、ログインしてください。招待や設定し直しのリンクは、管理者に頼むと、もう一度お送りできます。",
            &[LOG_IN, ("/console/password", "パスワードを忘れた方")],
        )
    },
};

/// The second factor was reset: only the mailed link leads in.
pub const FACTOR_BY_LINK: Reason = Reason {
    code: "factor_by_link",
    kind: RefusalKind::Forbidden,
    detail: "The second factor was reset. Log in by the link that was mailed.",
    words: |_, _| {
        Words::new(
            "メールのリンクからログインしてください",
            "管理者が2つ目の確認の設定を取り消しました。お送りしたメールのリンクを開いてログインし、設定し直してください。メールが見つからないときは、管理者に、もう一度取り消すよう頼んでください。",
            &[LOG_IN],
        )
    },
};

/// Whoever is invited works here already.
pub const STAFF_KNOWN: Reason = Reason {
    code: "staff_known",
    kind: RefusalKind::Outdated,
    detail: "This mail address has an account here already.",
    words: |_, _| {
        Words::new(
            "この方は、すでに登録されています",
            "このメールアドレスの職員は、すでに登録されています。役割を変えるときや、停止を解くときは、職員の一覧から操作してください。",
            &[],
        )
    },
};

/// A role that nobody gives here.
pub const ROLE_NOT_GIVEN: Reason = Reason {
    code: "role_not_given",
    kind: RefusalKind::Forbidden,
    detail: "Nobody gives this role here: support comes by a grant, operators are the platform's alone.",
    words: |_, _| {
        Words::new(
            "この役割は付けられません",
            "運営サポートと運用者の役割は、ここでは付けられません。ほかの役割を選んでください。",
            &[],
        )
    },
};

/// The last administrator stays.
pub const LAST_ADMINISTRATOR: Reason = Reason {
    code: "last_administrator",
    kind: RefusalKind::Outdated,
    detail: "An insurer keeps at least one administrator who can log in.",
    words: |_, _| {
        Words::new(
            "管理者がいなくなります",
            "ログインできる管理者が、ほかにいません。先に、ほかの職員に管理者の役割を付けてください。",
            &[],
        )
    },
};

/// Nobody gives themself a role.
pub const OWN_ROLES: Reason = Reason {
    code: "own_roles",
    kind: RefusalKind::Forbidden,
    detail: "Nobody grants to themself.",
    words: |_, _| {
        Words::new(
            "自分に役割は付けられません",
            "自分の役割を増やすときは、ほかの管理者に頼んでください。",
            &[],
        )
    },
};

/// Nobody shuts themself out: of two administrators the other one would be left alone.
pub const OWN_ACCOUNT: Reason = Reason {
    code: "own_account",
    kind: RefusalKind::Forbidden,
    detail: "Nobody suspends themself. Another administrator does.",
    words: |_, _| {
        Words::new(
            "自分のアカウントは停止できません",
            "停止するときは、ほかの管理者に頼んでください。",
            &[],
        )
    },
};

/// One's own second factor is changed at one's account.
pub const OWN_FACTOR: Reason = Reason {
    code: "own_factor",
    kind: RefusalKind::Forbidden,
    detail: "One's own second factor is changed at one's account.",
    words: |_, _| {
        Words::new(
            "自分の設定は、ここでは取り消せません",
            "自分の2つ目の確認は、アカウントの画面で変えてください。",
            &[("/console/account", "アカウントへ")],
        )
    },
};

/// They have not accepted yet: there is nothing to reset.
pub const NOT_ACCEPTED: Reason = Reason {
    code: "not_accepted",
    kind: RefusalKind::Outdated,
    detail: "The invitation is not accepted yet. Invite again instead.",
    words: |_, _| {
        Words::new(
            "まだ招待を受けていません",
            "この方は、まだ招待のメールから登録していません。もう一度招待してください。",
            &[],
        )
    },
};

/// Nothing is set up for whoever is suspended.
pub const COLLEAGUE_SUSPENDED: Reason = Reason {
    code: "colleague_suspended",
    kind: RefusalKind::Outdated,
    detail: "The account is suspended. Resume it first.",
    words: |_, _| {
        Words::new(
            "このアカウントは停止しています",
            "先に停止を解いてから、もう一度操作してください。",
            &[],
        )
    },
};

/// Something else has to be proven first: what a pending session has, or once more what matters.
pub const PROOF_NEEDED: Reason = Reason {
    code: "proof_needed",
    kind: RefusalKind::Forbidden,
    detail: "Prove a second factor first.",
    words: |_, _| {
        Words::new(
            "まだ送信していません",
            "大切な操作のため、先に2つ目の確認をお願いしました。まだ何も行っていません。画面の内容を確かめて、もう一度ボタンを押してください。",
            &[],
        )
    },
};

/// The app shows other digits.
pub const APP_WRONG: Reason = Reason {
    code: "app_wrong",
    kind: RefusalKind::Mend,
    detail: "The code of the authenticator app is wrong.",
    words: |_, _| {
        Words::new(
            "コードが違います",
            "認証アプリに、今表示されている6桁の数字を入力してください。何度も違うときは、スマートフォンの時計が合っているかを確かめてください。",
            &[],
        )
    },
};

/// Right, but used before.
pub const APP_USED: Reason = Reason {
    code: "app_used",
    kind: RefusalKind::Mend,
    detail: "This code of the authenticator app was used before. Wait for the next.",
    words: |_, _| {
        Words::new(
            "このコードは、もう使われています",
            "1つのコードは1回だけ使えます。30秒ほど待って、次に表示されるコードを入力してください。",
            &[],
        )
    },
};

/// No printed code of theirs.
pub const PRINTED_WRONG: Reason = Reason {
    code: "printed_wrong",
    kind: RefusalKind::Mend,
    detail: "The printed code is wrong, or of a list that was replaced.",
    words: |_, _| {
        Words::new(
            "確認コードが違います",
            "いちばん新しく作ったリストの、まだ使っていないコードを、もう一度確かめて入力してください。",
            &[],
        )
    },
};

/// A printed code works once.
pub const PRINTED_USED: Reason = Reason {
    code: "printed_used",
    kind: RefusalKind::Mend,
    detail: "This printed code was used before.",
    words: |_, _| {
        Words::new(
            "この確認コードは、もう使われています",
            "1つの確認コードは1回だけ使えます。まだ使っていない、別のコードを入力してください。",
            &[],
        )
    },
};

/// The browser's answer is none of a passkey of theirs.
pub const PASSKEY_REFUSED: Reason = Reason {
    code: "passkey_refused",
    kind: RefusalKind::Mend,
    detail: "The answer is not that of a passkey of this account.",
    words: |_, _| {
        Words::new(
            "パスキーを確かめられませんでした",
            "もう一度ボタンを押してください。何度も確かめられないときは、ほかの方法をお使いください。",
            &[],
        )
    },
};

/// It is enrolled already.
pub const PASSKEY_KNOWN: Reason = Reason {
    code: "passkey_known",
    kind: RefusalKind::Outdated,
    detail: "This passkey is enrolled already.",
    words: |_, _| {
        Words::new(
            "このパスキーは、すでに登録されています",
            "ほかの機器やセキュリティキーを登録するときは、その機器で操作してください。",
            &[],
        )
    },
};

/// What the page asked waits no longer: used, or too late.
pub const CEREMONY_OVER: Reason = Reason {
    code: "ceremony_over",
    kind: RefusalKind::Outdated,
    detail: "What this page asked was answered already, or 15 minutes ago. Begin again.",
    words: |_, _| {
        Words::new(
            "もう一度操作してください",
            "時間がたったか、別の画面で進めたため、この画面の内容は使えなくなりました。新しく表示した内容で、もう一度操作してください。",
            &[],
        )
    },
};

/// So many wrong ones that only a colleague helps.
pub const FACTOR_LOCKED: Reason = Reason {
    code: "factor_locked",
    kind: RefusalKind::Forbidden,
    detail: "Too many wrong second factors in all. An administrator resets them.",
    words: |_, _| {
        Words::new(
            "確認を止めています",
            "2つ目の確認の間違いがとても多いため、安全のため、受け付けを止めています。同じ保険者の管理者に、2つ目の確認の設定の取り消しを頼んでください。",
            &[],
        )
    },
};

/// Nobody is left without one.
pub const LAST_FACTOR: Reason = Reason {
    code: "last_factor",
    kind: RefusalKind::Outdated,
    detail: "The last second factor stays. Enrol another first.",
    words: |_, _| {
        Words::new(
            "最後の1つは解除できません",
            "管理画面には、2つ目の確認が必要です。先に、ほかのものを登録してください。",
            &[("/console/enrol", "ほかのものを登録する")],
        )
    },
};

/// More than anybody needs.
pub const ENOUGH_FACTORS: Reason = Reason {
    code: "enough_factors",
    kind: RefusalKind::Outdated,
    detail: "There are ten second factors already. Remove one first.",
    words: |_, _| {
        Words::new(
            "これ以上は登録できません",
            "2つ目の確認は、10個まで登録できます。先に、使わなくなったものを解除してください。",
            &[("/console/account", "アカウントへ")],
        )
    },
};

/// Held off until then.
pub(crate) fn wait(until: DateTime<Utc>) -> Refusal {
    Refusal {
        until: Some(until),
        ..STAFF_WAIT.into()
    }
}

/// What becomes of a use case whose password was not looked at: refused in a rush, else an outage.
pub(crate) fn unhashed(error: HashError) -> Result<Refusal, Outage> {
    match error {
        HashError::Busy => Ok(OVERLOADED.into()),
        HashError::Lost | HashError::Key(_) => Err(error.into()),
    }
}

/// All of them.
pub const REASONS: [Reason; 29] = [
    CONSOLE_SESSION_ENDED,
    STAFF_SUSPENDED,
    NOT_PERMITTED,
    STAFF_LOG_IN_FAILED,
    STAFF_WAIT,
    MAILED_ENOUGH,
    STAFF_LOCKED,
    CONSOLE_CLOSED,
    STAFF_LINK_ENDED,
    FACTOR_BY_LINK,
    STAFF_KNOWN,
    ROLE_NOT_GIVEN,
    LAST_ADMINISTRATOR,
    OWN_ROLES,
    OWN_ACCOUNT,
    OWN_FACTOR,
    NOT_ACCEPTED,
    COLLEAGUE_SUSPENDED,
    PROOF_NEEDED,
    APP_WRONG,
    APP_USED,
    PRINTED_WRONG,
    PRINTED_USED,
    PASSKEY_REFUSED,
    PASSKEY_KNOWN,
    CEREMONY_OVER,
    FACTOR_LOCKED,
    LAST_FACTOR,
    ENOUGH_FACTORS,
];
