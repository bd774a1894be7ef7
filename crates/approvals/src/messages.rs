//! The mails about wishes: that something waits or has ended, never what.

use crate::{Action, Approvals};
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use jobs::due::Rank;
use kernel::{EmailAddress, Outage, StaffId};
use mail::{Body, Message, Registry};
use serde::{Deserialize, Serialize};
use tenancy::Insurer;

/// What is told of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// It waits for whoever may agree.
    Asked,
    /// It was agreed to and is done.
    Done,
    /// It was agreed to, and its file can be taken.
    FileWaits,
    /// It was declined.
    Declined,
    /// It lapsed.
    Lapsed,
}

impl Event {
    fn subject(self) -> &'static str {
        match self {
            Self::Asked => "【管理画面】承認をお待ちの申請があります",
            Self::Done => "【管理画面】申請が承認されました",
            Self::FileWaits => "【管理画面】ファイルを受け取れます",
            Self::Declined => "【管理画面】申請が断られました",
            Self::Lapsed => "【管理画面】申請は行われないまま終わりました",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Asked => {
                "ほかの職員が、次の操作の承認を待っています。内容を確かめて、承認するか断るかを決めてください。\n7日のあいだ返事がないと、申請は終わります。"
            }
            Self::Done => "申請した次の操作が承認され、行われました。",
            Self::FileWaits => "申請した次の操作が承認されました。\n24時間以内に、1回だけファイルを受け取れます。",
            Self::Declined => "申請した次の操作は、断られました。理由は下記のページで確かめられます。",
            Self::Lapsed => {
                "次の操作の申請は、期限が過ぎたか、申請のあとに内容が変わったか、承認できる職員がいなくなったため、行われないまま終わりました。\n必要なときは、申請した職員がもう一度申請してください。"
            }
        }
    }
}

/// Tells of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfWish {
    insurer: String,
    url: String,
    action: String,
    event: Event,
}

impl OfWish {
    fn body(&self) -> Body {
        Body::new(&format!(
            "本メールは{}の管理画面から自動送信されています。",
            self.insurer
        ))
        .paragraph(self.event.words())
        .paragraph(&format!("操作：{}", self.action))
        .url("承認の一覧", &self.url)
        .no_replies(None)
    }
}

impl Message for OfWish {
    const TEMPLATE: &'static str = "staff_approval";
    const RANK: Rank = Rank::Bulk;

    fn subject(&self) -> String {
        self.event.subject().to_owned()
    }

    fn text(&self) -> String {
        self.body().text()
    }

    fn html(&self) -> String {
        self.body().html(self.event.subject())
    }
}

impl Approvals {
    pub(crate) async fn mail(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        (id, email): (StaffId, &str),
        action: Action,
        event: Event,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let Ok(to) = EmailAddress::parse(email) else {
            return Ok(());
        };
        let mut url = self.console_url.clone();
        url.set_path("/console/approvals");
        let message = OfWish {
            insurer: insurer.name.clone(),
            url: url.into(),
            action: action.label().to_owned(),
            event,
        };
        let letter = mail::Letter {
            sender: mail::Sender {
                name: insurer.sender.name.clone(),
                address: insurer.sender.address.clone(),
            },
            to,
            subject_id: Some(id.0),
            expires_at: None,
            message: &message,
        };
        mail::post(tx, &self.keys, now, letter).await?;
        Ok(())
    }
}

/// Adds the mails about wishes to the postman's.
#[must_use]
pub fn registry(registry: Registry) -> Registry {
    registry.with::<OfWish>()
}
