//! Why programs and what is done to them is refused. Those of RFC 6749 are its own error codes, at its own endpoints.

use kernel::{Reason, RefusalKind, Words};

const LIST: (&str, &str) = ("/console/clients", "連携先の一覧へ");

/// What programs are refused for nobody reads on a page; it is said all the same.
const fn unread() -> fn(&kernel::Refusal, chrono::DateTime<chrono::Utc>) -> Words {
    |_, _| {
        Words::new(
            "接続できませんでした",
            "連携先のプログラムの設定を確かめて、もう一度接続してください。",
            &[],
        )
    }
}

/// No token of ours, or none that is good any more.
pub const INVALID_TOKEN: Reason = Reason {
    code: "invalid_token",
    kind: RefusalKind::LogIn,
    detail: "The access token is missing, unknown, expired or revoked. Ask for another at POST /oauth/token.",
    words: unread(),
};

/// The client's grant does not reach so far.
pub const INSUFFICIENT_SCOPE: Reason = Reason {
    code: "insufficient_scope",
    kind: RefusalKind::Forbidden,
    detail: "The access token lacks the scope of this operation, which WWW-Authenticate names. Ask for a token with it; the insurer \
             grants it.",
    words: unread(),
};

/// Too many requests, or too many wrong secrets.
pub const TOO_MANY_REQUESTS: Reason = Reason {
    code: "too_many_requests",
    kind: RefusalKind::Wait,
    detail: "Too many requests. Wait as long as Retry-After says.",
    words: unread(),
};

/// RFC 6749 5.2: the request of a token is malformed.
pub const INVALID_REQUEST: Reason = Reason {
    code: "invalid_request",
    kind: RefusalKind::Mend,
    detail: "A parameter is missing, repeated or malformed: grant_type, client credentials given once and in one way, and for a \
             vendor's client insurer_code.",
    words: unread(),
};

/// RFC 6749 5.2: unknown client, wrong secret, or nobody who may come in from there.
pub const INVALID_CLIENT: Reason = Reason {
    code: "invalid_client",
    kind: RefusalKind::LogIn,
    detail: "The client is unknown, its secret is wrong, or it may not come in (suspended, ended, or from this address).",
    words: unread(),
};

/// RFC 6749 5.2: the client may not come in at that insurer.
pub const UNAUTHORIZED_CLIENT: Reason = Reason {
    code: "unauthorized_client",
    kind: RefusalKind::Forbidden,
    detail: "The client has no grant at this insurer that is in force, or the insurer is suspended.",
    words: unread(),
};

/// RFC 6749 5.2.
pub const UNSUPPORTED_GRANT_TYPE: Reason = Reason {
    code: "unsupported_grant_type",
    kind: RefusalKind::Mend,
    detail: "The only grant type is client_credentials.",
    words: unread(),
};

/// RFC 6749 5.2: more than was granted.
pub const INVALID_SCOPE: Reason = Reason {
    code: "invalid_scope",
    kind: RefusalKind::Mend,
    detail: "The scope holds what is unknown or was not granted.",
    words: unread(),
};

/// What has ended for good is not changed any more.
pub const CLIENT_REVOKED: Reason = Reason {
    code: "client_revoked",
    kind: RefusalKind::Outdated,
    detail: "The client was revoked, which is for good. Make another.",
    words: |_, _| {
        Words::new(
            "この連携先は、すでに終了しています",
            "終了した連携先は、もう使えません。続けて使うときは、新しい連携先として追加してください。",
            &[LIST],
        )
    },
};

/// A newer secret was made since the form was shown.
pub const SECRET_MADE_MEANWHILE: Reason = Reason {
    code: "secret_made_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "Another secret was made since the form was shown. Look at which there are now.",
    words: |_, _| {
        Words::new(
            "新しい秘密鍵は、すでに作られています",
            "2回押されたか、ほかの職員が先に作りました。もう1つは作っていません。今の秘密鍵を見ることができなかったときは、下のボタンで、もう一度作ってください。",
            &[LIST],
        )
    },
};

/// The grant was taken back.
pub const GRANT_ENDED: Reason = Reason {
    code: "grant_ended",
    kind: RefusalKind::Outdated,
    detail: "The grant was taken back. Let the client in anew.",
    words: |_, _| {
        Words::new(
            "この連携先の接続の許可は、すでに取り消されています",
            "続けて使うときは、もう一度、接続を許可してください。",
            &[LIST],
        )
    },
};

/// It is let in already.
pub const ALREADY_GRANTED: Reason = Reason {
    code: "already_granted",
    kind: RefusalKind::Outdated,
    detail: "The client is let in here already. Change what it may do instead.",
    words: |_, _| {
        Words::new(
            "この連携先は、すでに許可されています",
            "権限の範囲を変えるときは、連携先の一覧から選んで変更してください。",
            &[LIST],
        )
    },
};

/// A vendor's client that may be let in is none of that name.
pub const CLIENT_UNKNOWN: Reason = Reason {
    code: "client_unknown",
    kind: RefusalKind::Outdated,
    detail: "There is no vendor's client of this id that may be let in.",
    words: |_, _| {
        Words::new(
            "この連携先は見つかりません",
            "連携先のIDが違うか、事業者の連携先が停止されています。IDを事業者に確かめて、もう一度入力してください。",
            &[LIST],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 13] = [
    INVALID_TOKEN,
    INSUFFICIENT_SCOPE,
    TOO_MANY_REQUESTS,
    INVALID_REQUEST,
    INVALID_CLIENT,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT_TYPE,
    INVALID_SCOPE,
    CLIENT_REVOKED,
    SECRET_MADE_MEANWHILE,
    GRANT_ENDED,
    ALREADY_GRANTED,
    CLIENT_UNKNOWN,
];

/// Those that programs meet.
pub const OF_PROGRAMS: [Reason; 8] = [
    INVALID_TOKEN,
    INSUFFICIENT_SCOPE,
    TOO_MANY_REQUESTS,
    INVALID_REQUEST,
    INVALID_CLIENT,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT_TYPE,
    INVALID_SCOPE,
];
