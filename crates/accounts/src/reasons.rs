//! Why the pipeline refuses, each with its code, its status and its words (the neutral answer to the letter of
//! security.md 2). None blames.

use chrono::{DateTime, Utc};
use guard::{
    HashError,
    throttle::{Rule, Standing},
};
use kernel::{Outage, Reason, Refusal, RefusalKind, Words, calendar::from_then_on, outcome::OVERLOADED};

const DESK: (&str, &str) = ("#desk", "窓口の電話番号を見る");
const AGAIN: (&str, &str) = ("/portal/signup", "はじめから登録する");
const LOG_IN: (&str, &str) = ("/portal/", "ログイン画面に戻る");

/// Sign-up can't go on with this identity: no match, already registered, or not to be told (security.md 2).
pub const NOT_MATCHED: Reason = Reason {
    code: "not_matched",
    kind: RefusalKind::Mend,
    detail: "Sign-up can't go on with these particulars. Check them; whoever is registered already logs in or asks for a \
             user ID reminder; the insurer's contact desk helps.",
    words: |refusal, now| {
        let neutral = "入力した内容では登録に進めませんでした。記号・番号・生年月日・氏名をもう一度お確かめください。すでに登録した方は、ログインするか、ユーザーIDをお調べください。お困りのときは窓口へお電話ください。";
        let left = match (refusal.left, refusal.until) {
            (Some(0), Some(until)) => format!(
                "\nこの記号・番号では、しばらく受け付けを止めます。{}から、もう一度お試しいただけます。",
                from_then_on(until, now)
            ),
            (Some(left), _) => format!("\nこの記号・番号では、あと{left}回お試しいただけます。"),
            (None, _) => String::new(),
        };
        Words::new(
            "登録に進めませんでした",
            format!("{neutral}{left}"),
            &[
                ("/portal/", "ログインする"),
                ("/portal/user-id", "ユーザーIDを調べる"),
                DESK,
            ],
        )
    },
};

/// Too many tries: wait.
pub const WAIT: Reason = Reason {
    code: "wait",
    kind: RefusalKind::Wait,
    detail: "Too many tries. Wait as long as Retry-After says.",
    words: |refusal, now| {
        Words::new(
            "しばらくお待ちください",
            format!(
                "続けて何度もお試しになったため、しばらく受け付けを止めています。{}から、もう一度お試しください。お急ぎのときは窓口へお電話ください。",
                from_then_on(refusal.until.unwrap_or(now), now)
            ),
            &[DESK],
        )
    },
};

/// The sign-up ticket is unknown, used or older than its 60 minutes: start again.
pub const TICKET_EXPIRED: Reason = Reason {
    code: "ticket_expired",
    kind: RefusalKind::Outdated,
    detail: "The ticket is unknown, used or older than 60 minutes. Start again with the identity.",
    words: |_, _| {
        Words::new(
            "もう一度はじめから登録してください",
            "登録の途中の内容は、60分で消えます。お手数ですが、もう一度はじめから登録してください。登録が済んでいる方は、ログインしてください。",
            &[AGAIN, LOG_IN],
        )
    },
};

/// The ticket has not come to this step yet.
pub const STEP_MISSING: Reason = Reason {
    code: "step_missing",
    kind: RefusalKind::Outdated,
    detail: "The ticket has not come to this step. Take the steps in order.",
    words: |_, _| {
        Words::new(
            "前の画面から進めてください",
            "この画面の前に、入力していただくことがあります。登録の続きから進めてください。",
            &[("/portal/signup/account", "登録の続きへ")],
        )
    },
};

/// The code is wrong; the refusal says how many tries are left.
pub const CODE_WRONG: Reason = Reason {
    code: "code_wrong",
    kind: RefusalKind::Mend,
    detail: "The code is wrong.",
    words: |refusal, _| {
        let left = refusal.left.unwrap_or_default();
        Words::new(
            "認証番号を確認してください",
            format!(
                "認証番号が違います。届いたメールのうち、いちばん新しいものの6桁の数字を入力してください（あと{left}回入力できます）"
            ),
            &[],
        )
    },
};

/// The code is older than ten minutes.
pub const CODE_LATE: Reason = Reason {
    code: "code_late",
    kind: RefusalKind::Mend,
    detail: "The code is older than ten minutes. Ask for a new one.",
    words: |_, _| {
        Words::new(
            "認証番号の有効期限が切れました",
            "認証番号の有効期限（10分）が切れました。「再送する」を押すと、新しい番号をお送りします",
            &[],
        )
    },
};

/// A newer code was sent; only that one counts.
pub const CODE_SUPERSEDED: Reason = Reason {
    code: "code_superseded",
    kind: RefusalKind::Mend,
    detail: "A newer code was sent. Only the newest counts.",
    words: |_, _| {
        Words::new(
            "新しい認証番号を入力してください",
            "この番号のあとに、新しい認証番号をお送りしています。いちばん新しいメールの番号を入力してください",
            &[],
        )
    },
};

/// The code was used already.
pub const CODE_USED: Reason = Reason {
    code: "code_used",
    kind: RefusalKind::Mend,
    detail: "The code was used already.",
    words: |_, _| {
        Words::new(
            "新しい認証番号を入力してください",
            "この認証番号は、もう使われています。「再送する」を押すと、新しい番号をお送りします",
            &[],
        )
    },
};

/// The tries are used up: start again.
pub const CODE_TRIES_USED_UP: Reason = Reason {
    code: "code_tries_used_up",
    kind: RefusalKind::Mend,
    detail: "All tries are used up. Start again with the identity.",
    words: |_, _| {
        Words::new(
            "もう一度はじめから登録してください",
            "認証番号を5回入力されたため、この手続きはここで終わりました。お手数ですが、もう一度はじめから登録してください。",
            &[AGAIN],
        )
    },
};

/// Too many wrong codes in this person's name: the desk opens it again.
pub const CODES_LOCKED: Reason = Reason {
    code: "codes_locked",
    kind: RefusalKind::Forbidden,
    detail: "Too many wrong codes in this person's name. The insurer's contact desk opens it again.",
    words: |_, _| {
        Words::new(
            "窓口へお電話ください",
            "認証番号の間違いが続きました。安全のため、この方のお手続きを止めています。お手数ですが、窓口へお電話ください。ご本人であることを確かめたうえで、再開します。",
            &[DESK],
        )
    },
};

/// The last code was sent less than a minute ago.
pub const RESEND_TOO_SOON: Reason = Reason {
    code: "resend_too_soon",
    kind: RefusalKind::Wait,
    detail: "The last code was sent less than a minute ago.",
    words: |refusal, now| {
        Words::new(
            "少しお待ちください",
            format!(
                "さきほどメールをお送りしたばかりです。{}を過ぎてから、もう一度お試しください。",
                from_then_on(refusal.until.unwrap_or(now), now)
            ),
            &[],
        )
    },
};

/// All mails of this ticket are sent.
pub const SENDS_USED_UP: Reason = Reason {
    code: "sends_used_up",
    kind: RefusalKind::Wait,
    detail: "All mails of this ticket are sent. Use the last code or start again.",
    words: |_, _| {
        Words::new(
            "これ以上メールをお送りできません",
            "お送りできる回数を超えました。いちばん新しいメールの認証番号を入力してください。届いていないときは、もう一度はじめから登録してください。",
            &[AGAIN],
        )
    },
};

/// User ID or password is wrong.
pub const LOG_IN_FAILED: Reason = Reason {
    code: "log_in_failed",
    kind: RefusalKind::LogIn,
    detail: "User ID or password is wrong.",
    words: |_, _| {
        Words::new(
            "ログインできませんでした",
            "ユーザーIDまたはパスワードが違います。",
            &[],
        )
    },
};

/// Too many wrong passwords for this user ID: a new password by mail opens it again.
pub const LOG_IN_LOCKED: Reason = Reason {
    code: "log_in_locked",
    kind: RefusalKind::Forbidden,
    detail: "Too many wrong passwords for this user ID. A new password, by POST /password-resets, opens it again; devices \
             that have logged in before are free of strangers' failures.",
    words: |_, _| {
        Words::new(
            "パスワードを再設定してください",
            "このユーザーIDで、パスワードの間違いが続きました。安全のため、ログインを止めています。パスワードを再設定すると、すぐにログインできます。これまでにログインしたことのある機器からは、そのままお使いいただけることがあります。",
            &[],
        )
    },
};

/// The insurer's portal is suspended.
pub const INSURER_SUSPENDED: Reason = Reason {
    code: "insurer_suspended",
    kind: RefusalKind::Forbidden,
    detail: "This insurer's portal is suspended.",
    words: |_, _| {
        Words::new(
            "ただいまご利用いただけません",
            "この窓口は、ただいまお休みしています。再開までしばらくお待ちください。お急ぎのときは、下のお問い合わせ窓口へお電話ください。",
            &[DESK],
        )
    },
};

/// Coverage by this insurer has ended, and with it access.
pub const COVERAGE_ENDED: Reason = Reason {
    code: "coverage_ended",
    kind: RefusalKind::Forbidden,
    detail: "Coverage by this insurer has ended, and with it access.",
    words: |_, _| {
        Words::new(
            "ご利用期間が終わりました",
            "資格を失った日を過ぎたため、このユーザーIDではご利用いただけなくなりました。ご不明な点は、下のお問い合わせ窓口へお電話ください。新しい保険者に移られた方は、その保険者からのご案内をご覧ください。",
            &[DESK],
        )
    },
};

/// The link was used, replaced or is too old.
pub const LINK_EXPIRED: Reason = Reason {
    code: "link_expired",
    kind: RefusalKind::Outdated,
    detail: "The token was used, replaced or is older than 30 minutes. Ask for a new one.",
    words: |_, _| {
        Words::new(
            "このリンクは使えなくなりました",
            "パスワード再設定のリンクは、お送りしてから30分のあいだに1回だけ使えます。もう一度、パスワード再設定のメールをお申し込みください。",
            &[("/portal/password", "パスワード再設定のメールを申し込む"), LOG_IN],
        )
    },
};

/// The change of address that a link would stop is stopped, counts or was never proven.
pub const CHANGE_OVER: Reason = Reason {
    code: "change_over",
    kind: RefusalKind::Outdated,
    detail: "No such change of address is under way any more.",
    words: |_, _| {
        Words::new(
            "このリンクで止められる変更は、ありません",
            "変更はすでに止められたか、終わっています。今のメールアドレスは、ログインして「登録内容の変更」で確認できます。お心当たりのない変更があったときは、窓口へお電話ください。",
            &[LOG_IN, DESK],
        )
    },
};

/// No session, or one that has ended.
pub const SESSION_ENDED: Reason = Reason {
    code: "session_ended",
    kind: RefusalKind::LogIn,
    detail: "No session, or one that has ended. Log in.",
    words: |_, _| {
        Words::new(
            "もう一度ログインしてください",
            "安全のため、ログアウトしました。入力の途中だった内容は、保存されていません。もう一度ログインすると、元の画面に戻ります。",
            &[LOG_IN],
        )
    },
};

/// The terms in force wait for consent.
pub const CONSENT_REQUIRED: Reason = Reason {
    code: "consent_required",
    kind: RefusalKind::Forbidden,
    detail: "The terms in force wait for consent. See GET /me/consents.",
    words: |_, _| {
        Words::new(
            "利用規約をご確認ください",
            "ご利用には、利用規約への同意が必要です。",
            &[("/portal/terms", "利用規約を読む")],
        )
    },
};

/// Consent was given to a revision that is not the one in force.
pub const REVISION_OUTDATED: Reason = Reason {
    code: "revision_outdated",
    kind: RefusalKind::Outdated,
    detail: "Consent must name every document due in its revision in force.",
    words: |_, _| {
        Words::new(
            "利用規約が新しくなりました",
            "お読みいただいているあいだに、利用規約が新しくなりました。お手数ですが、新しい内容をもう一度ご確認ください。",
            &[],
        )
    },
};

/// Staff have made sure of it before.
pub const PROVEN_ALREADY: Reason = Reason {
    code: "proven_already",
    kind: RefusalKind::Outdated,
    detail: "That the account's owner was identified is recorded already.",
    words: |_, _| {
        Words::new(
            "本人確認は、もう記録されています",
            "何も変更していません。記録した日時は、監査記録でお確かめください。",
            &[],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 20] = [
    NOT_MATCHED,
    WAIT,
    TICKET_EXPIRED,
    STEP_MISSING,
    CODE_WRONG,
    CODE_LATE,
    CODE_SUPERSEDED,
    CODE_USED,
    CODE_TRIES_USED_UP,
    CODES_LOCKED,
    RESEND_TOO_SOON,
    SENDS_USED_UP,
    LOG_IN_FAILED,
    LOG_IN_LOCKED,
    INSURER_SUSPENDED,
    COVERAGE_ENDED,
    LINK_EXPIRED,
    SESSION_ENDED,
    CONSENT_REQUIRED,
    REVISION_OUTDATED,
];

/// [`NOT_MATCHED`] with what is left of the tries at the typed number, whoever's it is.
pub(crate) fn not_matched(rule: &Rule<'_>, standing: Standing) -> Refusal {
    Refusal {
        left: Some(rule.tries.saturating_sub(standing.tries)),
        until: standing.wait,
        ..NOT_MATCHED.into()
    }
}

/// [`WAIT`] with its end.
pub(crate) fn wait(until: DateTime<Utc>) -> Refusal {
    Refusal {
        until: Some(until),
        ..WAIT.into()
    }
}

/// [`RESEND_TOO_SOON`] with when the next may be asked for.
pub(crate) fn resend_too_soon(at: DateTime<Utc>) -> Refusal {
    Refusal {
        until: Some(at),
        ..RESEND_TOO_SOON.into()
    }
}

/// [`CODE_WRONG`] with the tries left on this ticket.
pub(crate) fn code_wrong(left: u32) -> Refusal {
    Refusal {
        left: Some(left),
        ..CODE_WRONG.into()
    }
}

/// What becomes of a use case whose password was not looked at: refused in a rush, else an outage.
pub(crate) fn unhashed(error: HashError) -> Result<Refusal, Outage> {
    match error {
        HashError::Busy => Ok(OVERLOADED.into()),
        HashError::Lost | HashError::Key(_) => Err(error.into()),
    }
}

/// Those of what staff do for a member: no program of a member's gets them.
pub const OF_STAFF: [Reason; 1] = [PROVEN_ALREADY];

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use kernel::outcome;
    use std::collections::BTreeSet;

    /// Words that blame or say nothing.
    const BANNED: [&str; 4] = ["不正", "無効", "エラーが発生しました", "必須項目です"];

    #[test]
    fn every_refusal_has_a_code_and_words_of_its_own_without_blame() {
        let (mut codes, mut texts) = (BTreeSet::new(), BTreeSet::new());
        for reason in outcome::REASONS.into_iter().chain(REASONS).chain(OF_STAFF) {
            let words = Refusal::from(reason).words(DateTime::UNIX_EPOCH);
            assert!(!words.heading.is_empty() && !words.text.is_empty() && !reason.detail.is_empty());
            let all = format!("{}{}", words.heading, words.text);
            assert!(BANNED.iter().all(|banned| !all.contains(banned)), "{all}");
            assert!(codes.insert(reason.code), "{reason:?} twice");
            assert!(texts.insert(words.text), "{reason:?} shares its words");
        }
    }

    #[test]
    fn the_neutral_answer_is_the_agreed_one_to_the_letter() {
        let text = Refusal::from(NOT_MATCHED).words(DateTime::UNIX_EPOCH).text;
        assert_eq!(
            text,
            "入力した内容では登録に進めませんでした。記号・番号・生年月日・氏名をもう一度お確かめください。すでに登録した方は、ログインするか、ユーザーIDをお調べください。お困りのときは窓口へお電話ください。"
        );
    }

    #[test]
    fn the_neutral_answer_says_how_many_tries_are_left_and_after_the_last_until_when_to_wait() {
        let now: DateTime<Utc> = "2026-11-22T03:05:00Z".parse().unwrap();
        let rule = Rule {
            name: "identity",
            tries: 5,
            window: std::time::Duration::from_hours(24),
            waits: &[],
        };
        let said = |tries, wait| {
            let standing = Standing {
                tries,
                wait,
                counted: true,
            };
            not_matched(&rule, standing).words(now).text
        };
        assert!(said(2, None).ends_with("窓口へお電話ください。\nこの記号・番号では、あと3回お試しいただけます。"));
        let last = said(5, Some(now + TimeDelta::minutes(15)));
        assert!(
            last.ends_with("しばらく受け付けを止めます。12時20分から、もう一度お試しいただけます。"),
            "{last}"
        );
    }

    #[test]
    fn a_wait_names_the_time_and_on_another_day_the_day() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let said = |until, now| wait(at(until)).words(at(now)).text;
        assert!(said("2026-11-22T03:20:30Z", "2026-11-22T03:05:30Z").contains("。12時21分から、"));
        assert!(said("2026-11-22T14:59:30Z", "2026-11-22T14:44:30Z").contains("。11月23日（月）0時から、"));
        let soon = resend_too_soon(at("2026-11-22T03:05:30Z") + TimeDelta::zero());
        assert!(
            soon.words(at("2026-11-22T03:05:00Z"))
                .text
                .contains("。12時6分を過ぎてから")
        );
        let past_midnight = resend_too_soon(at("2026-11-22T15:00:30Z"));
        assert!(
            past_midnight
                .words(at("2026-11-22T14:59:30Z"))
                .text
                .contains("。11月23日（月）0時1分を過ぎてから")
        );
    }
}
