//! What kinds of mails and of work in the background are called, and why they failed: their codes in words. A test holds
//! them against the sources.

use std::borrow::Cow;

/// Every kind of mail: its message's name, and what it is called.
pub const MAILS: &[(&str, &str)] = &[
    ("sign_up_code", "ユーザーID作成用の認証番号"),
    ("already_registered", "登録済みのご案内"),
    ("password_reset", "パスワード再設定のご案内"),
    ("password_changed", "パスワード変更のお知らせ"),
    ("odd_log_in", "ログインのお知らせ"),
    ("user_id_reminder", "ユーザーIDのお知らせ"),
    ("email_change_code", "メールアドレス変更用の認証番号"),
    ("email_changed", "メールアドレス変更のお知らせ"),
    ("desk_email_asked", "メールアドレス変更の受け付けのお知らせ"),
    ("desk_email_code", "窓口での変更の認証番号"),
    ("all_logged_out", "ログアウトのお知らせ"),
    ("unlocked", "停止の解除のお知らせ"),
    ("proof_recorded", "本人確認の記録のお知らせ"),
    ("account_closed", "登録の取りやめのお知らせ"),
    ("client_ending", "連携先の接続の期限のお知らせ"),
    ("webhook_disabled", "連携先への通知の停止のお知らせ"),
    // Staff are not told which of the two it was.
    ("new_notice", "新しいお知らせのご案内"),
    ("new_statement", "新しいお知らせのご案内"),
    ("staff_invited", "職員の招待"),
    ("staff_password_reset", "職員のパスワード再設定のご案内"),
    ("staff_password_changed", "職員のパスワード変更のお知らせ"),
    ("staff_odd_log_in", "職員のログインのお知らせ"),
    ("staff_suspended", "職員の停止のお知らせ"),
    ("staff_resumed", "職員の停止の解除のお知らせ"),
    ("staff_factor_reset_link", "職員の2つ目の確認の設定し直しのご案内"),
    ("staff_factor_changed", "職員の2つ目の確認のお知らせ"),
    ("staff_approval", "職員への承認のお知らせ"),
    ("support_asked", "運営サポートの依頼のお知らせ"),
    ("support_started", "運営サポートの開始のお知らせ"),
    ("support_ended", "運営サポートの終了のお知らせ"),
];

/// A kind of mail, by its message's name.
pub fn mail(template: &str) -> &'static str {
    let known = MAILS.iter().find(|(known, _)| *known == template);
    known.map_or("その他のメール", |(_, words)| words)
}

/// A kind of work, by its queue.
pub fn work(queue: &str) -> &'static str {
    match queue {
        "mail" => "メールの送信",
        "notice_mail" => "新しいお知らせのメール",
        "audit.seal" => "監査記録の封印",
        "roster" => "名簿の取り込み",
        "sign_up_attempt" => "本人確認の失敗の記録",
        "registration_listed" => "名簿への登録の記録",
        "forgotten_password" => "パスワードを忘れた方へのメール",
        "forgotten_user_id" => "ユーザーIDを忘れた方へのメール",
        "forgotten_staff_password" => "パスワードを忘れた職員へのメール",
        "desk_email_due" => "窓口で設定したメールアドレスへの切り替え",
        "support_over" => "運営サポートの終了",
        "statement_publish" => "明細の公開",
        "statement_runs" => "明細のファイルの確認と取り込み",
        "statement_mail" => "明細のお知らせのメール",
        "events" => "連携先への通知の準備",
        "webhook" => "連携先への通知",
        _ => "その他の処理",
    }
}

/// Why a mail or a job failed for good; what the database or a server says keeps its own words.
pub fn failure(reason: &str) -> Cow<'_, str> {
    if let Some(code) = reason.strip_prefix("server answered ") {
        return format!("相手のサーバーが{code}と答えました").into();
    }
    let words = match reason {
        "no connection" => "サーバーにつながりませんでした",
        "timed out" => "時間内に終わりませんでした",
        "TLS failed" => "暗号化した通信ができませんでした",
        "server's answer does not read" => "サーバーの答えを読み取れませんでした",
        "server lacks what we need" => "サーバーに必要な機能がありませんでした",
        "its end could not be noted" => "終わりましたが、結果を記録できませんでした（メールは届いたかもしれません）",
        "never came to an end" => "何度試しても途中で止まりました",
        "panicked" => "途中で異常終了しました",
        "payload does not read" | "sealed part does not read" | "parameters do not read" => {
            "内容を読み取れませんでした"
        }
        "does not open" => "封を開ける鍵がありませんでした",
        "nothing sealed" => "内容がありませんでした",
        "mail could not be composed" => "メールを組み立てられませんでした",
        "unknown template" => "この版にない種類のメールでした",
        "an import holds the person" => "名簿の取り込みが終わりませんでした",
        other => return other.into(),
    };
    words.into()
}
