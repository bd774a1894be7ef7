//! The mails to an insurer's administrators about support: asked for, begun, ended. Why it is asked for stands in the
//! console alone.

use chrono::{DateTime, Utc};
use kernel::calendar;
use mail::{Body, Message, Registry};
use serde::{Deserialize, Serialize};

macro_rules! message {
    ($(#[$doc:meta])* $name:ident, $template:literal, $subject:literal, { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }, |$self:ident| $text:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub(super) struct $name {
            /// Whose console.
            pub(super) insurer: String,
            /// Where it is seen and ended.
            pub(super) url: String,
            /// Who of the platform.
            pub(super) operator: String,
            $($(#[$field_doc])* pub(super) $field: $type,)*
        }

        impl $name {
            fn body(&$self) -> Body {
                Body::new(&format!("本メールは{}の管理画面から、管理者の皆さまに自動送信されています。", $self.insurer))
                    .paragraph(&$text)
                    .url("運営サポートの画面", &$self.url)
                    .no_replies(None)
            }
        }

        impl Message for $name {
            const TEMPLATE: &'static str = $template;

            fn subject(&self) -> String {
                $subject.to_owned()
            }

            fn text(&self) -> String {
                self.body().text()
            }

            fn html(&self) -> String {
                self.body().html($subject)
            }
        }
    };
}

message!(
    /// Somebody asks to be let in.
    SupportAsked, "support_asked", "【管理画面】運営サポートの依頼が届いています", {
        /// For how many hours.
        hours: i32,
    },
    |self| format!(
        "運営の担当者（{}さん）から、この保険者の管理画面を{}時間開きたいという依頼が届いています。\n\
         下記の画面で理由を確認して、許可するか断るかを選んでください。許可しない限り、だれも入れません。\n\
         7日のあいだ返事がなければ、依頼は取り消されます。",
        self.operator, self.hours
    )
);

message!(
    /// Support has come in.
    SupportStarted, "support_started", "【管理画面】運営サポートが始まりました", {
        /// When.
        at: DateTime<Utc>,
        /// Until when it may last.
        until: DateTime<Utc>,
    },
    |self| format!(
        "{} に、運営の担当者（{}さん）が、許可に基づいて管理画面を開きました。{} まで開けます。\n\
         見た内容は、すべて記録されます。途中で終わらせるときは、下記の画面で「終わらせる」を選んでください。",
        calendar::moment(self.at),
        self.operator,
        calendar::moment(self.until)
    )
);

message!(
    /// Support has ended.
    SupportEnded, "support_ended", "【管理画面】運営サポートが終わりました", {
        /// When.
        at: DateTime<Utc>,
    },
    |self| format!(
        "{} に、運営の担当者（{}さん）のサポートが終わりました。これより後に、この許可で管理画面を開くことはできません。",
        calendar::moment(self.at),
        self.operator
    )
);

/// Adds these mails to the postman's.
pub(crate) fn registry(registry: Registry) -> Registry {
    registry
        .with::<SupportAsked>()
        .with::<SupportStarted>()
        .with::<SupportEnded>()
}
