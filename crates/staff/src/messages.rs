//! The mails to staff. Each is written once, as a [`Body`]; the text and the HTML part both come from it.

use crate::{Staff, account, support};
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use kernel::{Outage, StaffId, calendar};
use mail::{Body, Registry, message};
use serde::{Deserialize, Serialize};
use tenancy::Insurer;
use url::Url;

/// What every mail to staff carries: whose it is and where the console is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    insurer: String,
    log_in: String,
}

/// The letterhead of an insurer's, or the platform's, console.
pub(crate) fn letterhead(insurer: &Insurer, console_url: &Url) -> Letterhead {
    let mut log_in = console_url.clone();
    log_in.set_path(if insurer.is_platform() {
        "/operator/login"
    } else {
        "/console/login"
    });
    Letterhead {
        insurer: insurer.name.clone(),
        log_in: log_in.into(),
    }
}

impl Letterhead {
    fn open(&self) -> Body {
        Body::new(&format!(
            "本メールは{}の管理画面から自動送信されています。",
            self.insurer
        ))
    }

    fn close(&self, body: Body, last: Option<&str>) -> Body {
        body.no_replies(last).paragraph(&format!(
            "ご不明な点は、{}の管理者にお問い合わせください。",
            self.insurer
        ))
    }
}

const NOT_YOURS: &str = "お心当たりのない場合は、すぐにログイン画面の「パスワードを忘れた方はこちら」から\n\
    パスワードを設定し直し、管理者にお知らせください。";

message!(
    /// The link of an invitation.
    Invited, "staff_invited", Soon, "【管理画面】ご利用のご案内", {
        /// 氏名.
        name: String,
        /// The link, once usable.
        url: String,
        /// Its life in hours.
        hours: i64,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{}さん\n\n{}の管理画面を使う職員として、招待されています。\n\
             下記のページを開いて、パスワードを決めてください。",
            self.name, self.letterhead.insurer
        ))
        .url("管理画面の利用を始める", &self.url)
        .paragraph(&format!(
            "このページは、このメールの発行から{}時間以内に1回だけお使いいただけます。\n\
             期限が過ぎた場合は、管理者に、もう一度招待するよう頼んでください。",
            self.hours
        ))
        .paragraph("お心当たりのない場合は、何もなさらなければ登録されません。本メールは破棄してください。")
);

message!(
    /// The link to a new password.
    PasswordReset, "staff_password_reset", Soon, "【管理画面】パスワード再設定のご案内", {
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
    PasswordChanged, "staff_password_changed", Bulk, "【管理画面】パスワードが変更されました", {
        /// When.
        at: DateTime<Utc>,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!("{} に、管理画面のパスワードが変更されました。", calendar::moment(self.at)))
        .paragraph("ご自身で変更された場合は、何もなさる必要はありません。")
        .paragraph(NOT_YOURS)
        .url("ログイン画面", &self.letterhead.log_in)
);

message!(
    /// A log-in after many wrong passwords.
    OddLogIn, "staff_odd_log_in", Bulk, "【管理画面】ログインのお知らせ", {
        /// When.
        at: DateTime<Utc>,
        /// Wrong passwords before it, since the last right one.
        failures: u32,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、管理画面で正しいパスワードが入力されました。\n\
             前回のログインのあと、間違ったパスワードが{}回入力されています。",
            calendar::moment(self.at),
            self.failures
        ))
        .paragraph("ご自身で入力された場合は、何もなさる必要はありません。")
        .paragraph(NOT_YOURS)
        .url("ログイン画面", &self.letterhead.log_in)
);

message!(
    /// The account is suspended.
    Suspended, "staff_suspended", Bulk, "【管理画面】アカウントが停止されました", {
        /// When.
        at: DateTime<Utc>,
        /// True where nobody had used it.
        unused: bool,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&if self.unused {
            format!(
                "90日のあいだログインがなかったため、{} に、管理画面のアカウントを停止しました。",
                calendar::moment(self.at)
            )
        } else {
            format!("{} に、管理画面のアカウントが停止されました。", calendar::moment(self.at))
        })
        .paragraph("続けてお使いになるときは、管理者に連絡して、停止を解いてもらってください。")
);

message!(
    /// The account is let in again; told to whose it is and to the administrators.
    Resumed, "staff_resumed", Bulk, "【管理画面】アカウントの停止が解かれました", {
        /// Whose.
        name: String,
        /// When.
        at: DateTime<Utc>,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、{}さんの管理画面のアカウントの停止が解かれました。",
            calendar::moment(self.at),
            self.name
        ))
        .paragraph(
            "ご存じの操作のときは、何もなさる必要はありません。\n\
             心当たりがない場合は、すぐに管理者に連絡して、このアカウントを停止してください。",
        )
);

message!(
    /// The link by which a second factor is set up anew.
    FactorResetLink, "staff_factor_reset_link", Soon, "【管理画面】2つ目の確認の設定し直しのご案内", {
        /// The link, once usable.
        url: String,
        /// Its life in hours.
        hours: i64,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(
            "管理者が、ログインのときの2つ目の確認（認証アプリなど）の設定を取り消しました。\n\
             下記のページを開いて、今のパスワードでログインし、設定し直してください。",
        )
        .url("2つ目の確認を設定し直す", &self.url)
        .paragraph(&format!(
            "このページは、このメールの発行から{}時間以内に1回だけお使いいただけます。\n\
             期限が過ぎた場合は、管理者に、もう一度取り消すよう頼んでください。",
            self.hours
        ))
        .paragraph("設定し直すことを頼んでいない場合は、すぐに管理者にお知らせください。")
);

/// What happened to somebody's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactorChange {
    /// An authenticator app or a passkey was added.
    Added,
    /// One was removed.
    Removed,
    /// A list of printed codes was made.
    Printed,
    /// A printed code was used.
    CodeUsed,
    /// All were taken away by somebody else.
    Reset,
}

impl FactorChange {
    fn words(self) -> &'static str {
        match self {
            Self::Added => "認証アプリまたはパスキーが登録されました",
            Self::Removed => "認証アプリまたはパスキーの登録が削除されました",
            Self::Printed => "印刷した確認コードが新しく作られました",
            Self::CodeUsed => "印刷した確認コードが使われました",
            Self::Reset => "2つ目の確認の設定が、すべて取り消されました",
        }
    }
}

message!(
    /// Something happened to a second factor; told to its owner and to the administrators.
    FactorChanged, "staff_factor_changed", Bulk, "【管理画面】2つ目の確認の設定についてのお知らせ", {
        /// Whose.
        name: String,
        /// When.
        at: DateTime<Utc>,
        /// What.
        what: FactorChange,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "{} に、{}さんのアカウントで、{}。",
            calendar::moment(self.at),
            self.name,
            self.what.words()
        ))
        .paragraph(
            "ご本人の操作とわかっている場合は、何もなさる必要はありません。\n\
             心当たりがない場合は、すぐに管理者に連絡して、このアカウントを停止してください。",
        )
);

impl Staff {
    /// Tells whose factor it is, and every administrator, what happened to it; of a reset its owner hears by the link.
    pub(crate) async fn tell_of_factor(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        id: StaffId,
        what: FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let Some(found) = account::account(tx, id).await? else {
            return Ok(());
        };
        let message = FactorChanged {
            letterhead: letterhead(insurer, &self.console_url),
            name: found.name,
            at: now,
            what,
        };
        if what != FactorChange::Reset {
            self.write_to(tx, insurer, (id, &found.email), None, &message, now)
                .await?;
        }
        self.mail_to_administrators(tx, insurer, Some(id), &message, now).await
    }
}

/// Adds the mails to staff to the postman's.
#[must_use]
pub fn registry(registry: Registry) -> Registry {
    support::registry(registry)
        .with::<Invited>()
        .with::<PasswordReset>()
        .with::<PasswordChanged>()
        .with::<OddLogIn>()
        .with::<Suspended>()
        .with::<Resumed>()
        .with::<FactorResetLink>()
        .with::<FactorChanged>()
}
