//! The mails to an insurer's administrators about support: asked for, begun, ended. Why it is asked for stands in the
//! console alone.

use chrono::{DateTime, Utc};
use kernel::calendar;
use mail::{Body, Registry, message};
use serde::{Deserialize, Serialize};

/// What each of them carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    /// Whose console.
    pub(super) insurer: String,
    /// Where it is seen and ended.
    pub(super) url: String,
    /// Who of the platform.
    pub(super) operator: String,
}

impl Letterhead {
    fn open(&self) -> Body {
        Body::new(&format!(
            "本メールは{}の管理画面から、管理者の皆さまに自動送信されています。",
            self.insurer
        ))
    }

    fn close(&self, body: Body, last: Option<&str>) -> Body {
        body.url("運営サポートの画面", &self.url).no_replies(last)
    }
}

message!(
    /// Somebody asks to be let in.
    SupportAsked, "support_asked", Bulk, "【管理画面】運営サポートの依頼が届いています", #[serde(flatten)] {
        /// For how many hours.
        hours: i32,
    },
    |self| self.letterhead.open().paragraph(&format!(
        "運営の担当者（{}さん）から、この保険者の管理画面を{}時間開きたいという依頼が届いています。\n\
         下記の画面で理由を確認して、許可するか断るかを選んでください。許可しない限り、だれも入れません。\n\
         7日のあいだ返事がなければ、依頼は取り消されます。",
        self.letterhead.operator, self.hours
    ))
);

message!(
    /// Support has come in.
    SupportStarted, "support_started", Bulk, "【管理画面】運営サポートが始まりました", #[serde(flatten)] {
        /// When.
        at: DateTime<Utc>,
        /// Until when it may last.
        until: DateTime<Utc>,
    },
    |self| self.letterhead.open().paragraph(&format!(
        "{} に、運営の担当者（{}さん）が、許可に基づいて管理画面を開きました。{} まで開けます。\n\
         見た内容は、すべて記録されます。途中で終わらせるときは、下記の画面で「終わらせる」を選んでください。",
        calendar::moment(self.at),
        self.letterhead.operator,
        calendar::moment(self.until)
    ))
);

message!(
    /// Support has ended.
    SupportEnded, "support_ended", Bulk, "【管理画面】運営サポートが終わりました", #[serde(flatten)] {
        /// When.
        at: DateTime<Utc>,
    },
    |self| self.letterhead.open().paragraph(&format!(
        "{} に、運営の担当者（{}さん）のサポートが終わりました。これより後に、この許可で管理画面を開くことはできません。",
        calendar::moment(self.at),
        self.letterhead.operator
    ))
);

/// Adds these mails to the postman's.
pub(crate) fn registry(registry: Registry) -> Registry {
    registry
        .with::<SupportAsked>()
        .with::<SupportStarted>()
        .with::<SupportEnded>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::Message as _;

    #[test]
    fn a_mail_is_stored_as_a_flat_list_and_reads_back() {
        let stored =
            serde_json::json!({ "insurer": "健保", "url": "https://c/support", "operator": "運用", "hours": 2 });
        let mail: SupportAsked = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(&mail).unwrap(), stored);
        let text = mail.text();
        for said in [
            "健保の管理画面から、管理者の皆さまに",
            "（運用さん）から",
            "2時間",
            "https://c/support",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}
