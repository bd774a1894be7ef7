//! The pipeline's mails, in the manual's words (1-4) where it has them. Each is written once, as a [`Body`]; the text
//! and the HTML part both come from it.

mod desk;
mod proof;

pub(crate) use desk::{AllLoggedOut, DeskEmailAsked, DeskEmailCode, Unlocked};
pub(crate) use proof::ProofRecorded;

use chrono::{DateTime, Utc};
use kernel::calendar;
use mail::{Body, Registry, Sender, message};
use serde::{Deserialize, Serialize};
use tenancy::Insurer;
use url::Url;

/// What every mail of an insurer carries: whose it is and whom to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    /// The insurer's name.
    pub insurer: String,
    desk: String,
    phone: String,
    hours: String,
    portal: String,
}

/// The letterhead of an insurer.
pub(crate) fn letterhead(insurer: &Insurer, public_url: &Url) -> Letterhead {
    let mut portal = public_url.clone();
    portal.set_path("/portal/");
    Letterhead {
        insurer: insurer.name.clone(),
        desk: insurer.desk.name.clone(),
        phone: insurer.desk.phone.clone(),
        hours: insurer.desk.hours_text(),
        portal: portal.into(),
    }
}

/// From whom an insurer's mails come.
pub(crate) fn sender(insurer: &Insurer) -> Sender {
    Sender {
        name: insurer.sender.name.clone(),
        address: insurer.sender.address.clone(),
    }
}

impl Letterhead {
    /// How every mail begins.
    pub fn open(&self) -> Body {
        Body::new(&format!(
            "本メールは{}のマイページから自動送信されています。",
            self.insurer
        ))
    }

    /// The end of every mail, in the manual's order.
    pub fn close(&self, body: Body, last: Option<&str>) -> Body {
        body.no_replies(last).paragraph(&format!(
            "お問い合わせ先\n{}　{}\n電話 {}（{}）",
            self.insurer, self.desk, self.phone, self.hours
        ))
    }
}

const IGNORE: &str = "本メールにお心当たりのない場合は、誠に恐れ入りますが破棄していただけますよう\n\
    よろしくお願いいたします。";

message!(
    /// The manual's mail (1-4): its subject and wording, six digits, ten minutes.
    VerificationCode, "sign_up_code", Awaited, "【ユーザーID 作成用認証番号のお知らせ】", {
        /// Six digits.
        code: String,
    },
    |self| self
        .letterhead
        .open()
        .paragraph("下記の認証番号を入力してユーザーID作成の手続きを行ってください。")
        .code("認証番号", &self.code)
        .paragraph(
            "上記の認証番号の有効期限は発行より10分となっておりますので、\n\
             10分以内に入力して、ユーザーID作成の手続きを行ってください。\n\
             10分以内にアクセスいただけなかった場合は、上記の認証番号は無効になりますのでご注意ください。",
        ),
    then IGNORE
);

message!(
    /// Somebody, probably the member, tried to sign up again.
    AlreadyRegistered, "already_registered", Bulk, "【マイページ】すでに登録済みです", {},
    |self| self
        .letterhead
        .open()
        .paragraph(
            "お客さまの情報で、マイページの新しい登録が試みられました。\n\
             お客さまはすでに登録済みですので、新しい登録は必要ありません。",
        )
        .url("ログインはこちら", &self.letterhead.portal)
        .paragraph(
            "ユーザーIDやパスワードをお忘れの場合は、ログイン画面の「ユーザーIDを忘れた方はこちら」\n\
             「パスワードを忘れた方はこちら」からお調べください。",
        )
        .paragraph("お心当たりのない場合は、お手数ですが下記の窓口へお知らせください。")
);

message!(
    /// The link to a new password.
    PasswordReset, "password_reset", Soon, "【マイページ】パスワード再設定のご案内", {
        /// The link, once usable.
        url: String,
        /// Its life in minutes.
        minutes: i64,
    },
    |self| self
        .letterhead
        .open()
        .paragraph("パスワードの再設定のお申し込みを受け付けました。\n下記のページを開いて、新しいパスワードを設定してください。")
        .url("パスワードを再設定する", &self.url)
        .paragraph(&format!(
            "このページは、このメールの発行から{}分以内に1回だけお使いいただけます。\n\
             期限が過ぎた場合は、お手数ですがもう一度お申し込みください。",
            self.minutes
        ))
        .paragraph("お申し込みにお心当たりのない場合は、何もなさらなければパスワードは変わりません。本メールは破棄してください。")
);

message!(
    /// The password was changed.
    PasswordChanged, "password_changed", Bulk, "【マイページ】パスワードが変更されました", {
        /// When.
        at: DateTime<Utc>,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!("{} に、マイページのパスワードが変更されました。", calendar::moment(self.at)))
        .paragraph(
            "ご自身で変更された場合は、何もなさる必要はありません。\n\
             お心当たりのない場合は、すぐにログイン画面の「パスワードを忘れた方はこちら」から\n\
             パスワードを設定し直し、下記の窓口へお知らせください。",
        )
        .url("ログイン画面", &self.letterhead.portal)
);

message!(
    /// A log-in after many wrong passwords.
    OddLogIn, "odd_log_in", Bulk, "【マイページ】ログインのお知らせ", {
        /// When.
        at: DateTime<Utc>,
        /// Wrong passwords before it, since the last right one.
        failures: u32,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、マイページへのログインがありました。\n\
             前回のログインのあと、間違ったパスワードが{}回入力されています。",
            calendar::moment(self.at),
            self.failures
        ))
        .paragraph(
            "ご自身でログインされた場合は、何もなさる必要はありません。\n\
             お心当たりのない場合は、すぐにログイン画面の「パスワードを忘れた方はこちら」から\n\
             パスワードを設定し直し、下記の窓口へお知らせください。",
        )
        .url("ログイン画面", &self.letterhead.portal)
);

message!(
    /// The user ID, asked for by its owner.
    UserIdReminder, "user_id_reminder", Soon, "【マイページ】ユーザーIDのお知らせ", {
        /// ユーザーID.
        user_id: String,
    },
    |self| self
        .letterhead
        .open()
        .paragraph("お問い合わせいただいたユーザーIDをお知らせします。")
        .code("ユーザーID", &self.user_id)
        .url("ログインはこちら", &self.letterhead.portal),
    then IGNORE
);

message!(
    /// The code that proves a new address.
    EmailChangeCode, "email_change_code", Awaited, "【メールアドレス変更用認証番号のお知らせ】", {
        /// Six digits.
        code: String,
    },
    |self| self
        .letterhead
        .open()
        .paragraph("下記の認証番号を入力してメールアドレス変更の手続きを行ってください。")
        .code("認証番号", &self.code)
        .paragraph(
            "上記の認証番号の有効期限は発行より10分となっておりますので、\n\
             10分以内に入力して、メールアドレス変更の手続きを行ってください。",
        ),
    then IGNORE
);

message!(
    /// Told to the old address.
    EmailChanged, "email_changed", Bulk, "【マイページ】メールアドレスが変更されました", {
        /// When.
        at: DateTime<Utc>,
        /// The new address, masked.
        masked: String,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、マイページのメールアドレスが {} に変更されました。\n今後のお知らせは新しいメールアドレスにお送りします。",
            calendar::moment(self.at),
            self.masked
        ))
        .paragraph("お心当たりのない場合は、すぐに下記の窓口へお知らせください。")
);

message!(
    /// The account was closed.
    AccountClosed, "account_closed", Bulk, "【マイページ】登録を取りやめました", {
        /// When.
        at: DateTime<Utc>,
        /// By staff, for the member.
        by_desk: bool,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、{}マイページの登録を取りやめました。\n\
             これまでのユーザーIDとパスワードでは、ログインできなくなりました。",
            calendar::moment(self.at),
            if self.by_desk { "窓口で" } else { "" }
        ))
        .paragraph(
            "健康保険の資格は、これまでと変わりません。\n\
             もう一度お使いになるときは、新しいユーザーIDで、はじめから登録してください。",
        )
        .url("マイページ", &self.letterhead.portal)
        .paragraph("お心当たりのない場合は、すぐに下記の窓口へお知らせください。")
);

message!(
    /// There is a notice to read. Its title is not in it: a mail is read on the way, and by whoever shares the address.
    NewNotice, "new_notice", Bulk, "【マイページ】新しいお知らせが届きました", {
        /// Where notices are read.
        notices: String,
        /// Where mails are chosen.
        wishes: String,
        /// The link that ends these mails.
        stop: String,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{}のマイページに、新しいお知らせが届きました。\nログインして、内容をご確認ください。",
            self.letterhead.insurer
        ))
        .url("お知らせを読む", &self.notices)
        .url("お知らせのメールの設定を変える", &self.wishes)
        .url("このお知らせのメールの配信を止める（ログインは必要ありません）", &self.stop),
    stop self.stop.as_str()
);

/// The pipeline's mails, for the postman.
pub fn registry() -> Registry {
    Registry::new()
        .with::<VerificationCode>()
        .with::<AlreadyRegistered>()
        .with::<PasswordReset>()
        .with::<PasswordChanged>()
        .with::<OddLogIn>()
        .with::<UserIdReminder>()
        .with::<EmailChangeCode>()
        .with::<EmailChanged>()
        .with::<AllLoggedOut>()
        .with::<Unlocked>()
        .with::<DeskEmailAsked>()
        .with::<DeskEmailCode>()
        .with::<AccountClosed>()
        .with::<NewNotice>()
        .with::<ProofRecorded>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::Message;

    fn head() -> Letterhead {
        Letterhead {
            insurer: "みほん健康保険組合".into(),
            desk: "コールセンター".into(),
            phone: "050-0000-0000".into(),
            hours: "土日祝を除く平日10時～17時".into(),
            portal: "http://localhost:8080/portal/".into(),
        }
    }

    fn shown(message: &impl Message) -> String {
        format!(
            "件名: {}\n\n{}\n\n{}",
            message.subject(),
            message.text(),
            message.html()
        )
    }

    #[test]
    fn a_mail_by_whose_link_mails_are_ended_is_not_kept_to_be_sent_again() {
        const { assert!(AllLoggedOut::LASTS && !NewNotice::LASTS && !PasswordReset::LASTS) }
    }

    #[test]
    fn every_mail_reads_as_it_was_approved() {
        let at = DateTime::parse_from_rfc3339("2026-11-22T03:00:17Z").unwrap().to_utc();
        let letterhead = head();
        let url = "http://localhost:8080/portal/password/reset?token=7.AAAA".to_owned();
        insta::assert_snapshot!(
            "sign_up_code",
            shown(&VerificationCode {
                letterhead: head(),
                code: "611898".into()
            })
        );
        insta::assert_snapshot!("already_registered", shown(&AlreadyRegistered { letterhead: head() }));
        insta::assert_snapshot!(
            "password_reset",
            shown(&PasswordReset {
                letterhead: head(),
                url,
                minutes: 30
            })
        );
        insta::assert_snapshot!("password_changed", shown(&PasswordChanged { letterhead: head(), at }));
        insta::assert_snapshot!(
            "odd_log_in",
            shown(&OddLogIn {
                letterhead: head(),
                at,
                failures: 7
            })
        );
        insta::assert_snapshot!(
            "user_id_reminder",
            shown(&UserIdReminder {
                letterhead: head(),
                user_id: "taro-105".into()
            })
        );
        insta::assert_snapshot!(
            "email_change_code",
            shown(&EmailChangeCode {
                letterhead: head(),
                code: "611898".into()
            })
        );
        insta::assert_snapshot!("all_logged_out", shown(&AllLoggedOut { letterhead: head(), at }));
        insta::assert_snapshot!("unlocked", shown(&Unlocked { letterhead: head(), at }));
        insta::assert_snapshot!(
            "desk_email_asked",
            shown(&DeskEmailAsked {
                letterhead: head(),
                at,
                masked: "s***o@ex***.jp".into(),
                counts_at: at + chrono::TimeDelta::hours(24),
                stop: Some("http://localhost:8080/portal/email/stop?token=7.AAAA".into()),
            })
        );
        insta::assert_snapshot!(
            "desk_email_code",
            shown(&DeskEmailCode {
                letterhead: head(),
                code: "611898".into()
            })
        );
        insta::assert_snapshot!(
            "account_closed",
            shown(&AccountClosed {
                letterhead: head(),
                at,
                by_desk: true
            })
        );
        insta::assert_snapshot!(
            "new_notice",
            shown(&NewNotice {
                letterhead: head(),
                notices: "http://localhost:8080/portal/notices".into(),
                wishes: "http://localhost:8080/portal/account/mails".into(),
                stop: "http://localhost:8080/portal/mails/stop?token=7.AAAA".into(),
            })
        );
        insta::assert_snapshot!("proof_recorded", shown(&ProofRecorded { letterhead: head(), at }));
        insta::assert_snapshot!(
            "email_changed",
            shown(&EmailChanged {
                letterhead,
                at,
                masked: "s***o@ex***.jp".into()
            })
        );
    }

    #[test]
    fn the_code_stands_in_the_html_parts_preheader() {
        let html = VerificationCode {
            letterhead: head(),
            code: "611898".into(),
        }
        .html();
        assert!(html.find("611898") < html.find("自動送信"));
    }
}
