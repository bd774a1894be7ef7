//! What a member is told of what the desk does for them.

use super::{IGNORE, Letterhead};
use chrono::{DateTime, Utc};
use kernel::calendar;
use mail::message;

message!(
    /// The desk has ended every log-in.
    AllLoggedOut, "all_logged_out", Bulk, "【マイページ】すべての機器からログアウトしました", {
        /// When.
        at: DateTime<Utc>,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、窓口で、マイページにログインしていたすべての機器からログアウトしました。\n\
             お使いになるときは、もう一度ログインしてください。",
            calendar::moment(self.at)
        ))
        .url("ログイン画面", &self.letterhead.portal)
        .paragraph("お心当たりのない場合は、すぐに下記の窓口へお知らせください。")
);

message!(
    /// The desk has taken a lock away.
    Unlocked, "unlocked", Bulk, "【マイページ】ログインの停止を解除しました", {
        /// When.
        at: DateTime<Utc>,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、窓口で、パスワードや認証番号の間違いによる停止を解除しました。\n\
             これまでのユーザーIDとパスワードで、ログインできます。",
            calendar::moment(self.at)
        ))
        .url("ログイン画面", &self.letterhead.portal)
        .paragraph("お心当たりのない場合は、すぐに下記の窓口へお知らせください。")
);

message!(
    /// Told to the old address as soon as the desk is asked for another.
    DeskEmailAsked, "desk_email_asked", Soon, "【マイページ】メールアドレスの変更を受け付けました", {
        /// When.
        at: DateTime<Utc>,
        /// The new address, masked.
        masked: String,
        /// From when it counts.
        counts_at: DateTime<Utc>,
        /// The link that stops it; none in a mail that an earlier release has queued.
        stop: Option<String>,
    },
    |self| {
        let body = self.letterhead.open().paragraph(&format!(
            "{} に、窓口で、マイページのメールアドレスを {} に変更するお申し出を受け付けました。\n\
             新しいメールアドレスの確認が済むと、{} 以降に変わります。それまでは、今のメールアドレスのままです。",
            calendar::moment(self.at),
            self.masked,
            calendar::moment(self.counts_at)
        ));
        let body = match &self.stop {
            Some(url) => body
                .paragraph("お心当たりのない場合や、変更をやめる場合は、下記のページを開いて、変更を止めてください。")
                .url("変更を止める（ログインは必要ありません）", url),
            None => body,
        };
        body.paragraph("お心当たりのない場合は、すぐに下記の窓口へもお知らせください。")
    }
);

message!(
    /// The code that proves an address that the desk sets.
    DeskEmailCode, "desk_email_code", Awaited, "【メールアドレス変更用認証番号のお知らせ】", {
        /// Six digits.
        code: String,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(
            "窓口で、マイページのメールアドレスを、このメールアドレスに変更するお申し出を受け付けました。\n\
             お申し出の窓口の担当者に、下記の認証番号をお伝えください。",
        )
        .code("認証番号", &self.code)
        .paragraph("上記の認証番号の有効期限は発行より10分です。お申し出になっていない場合は、だれにも伝えないでください。"),
    then IGNORE
);
