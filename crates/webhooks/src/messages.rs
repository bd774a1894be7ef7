//! The mail to those behind a client whose endpoint is disabled.

use mail::{Body, Registry, message};
use serde::{Deserialize, Serialize};
use tenancy::Insurer;

/// What the mail carries beside: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    insurer: String,
}

impl Letterhead {
    pub(crate) fn of(insurer: &Insurer) -> Self {
        Self {
            insurer: insurer.name.clone(),
        }
    }

    fn open(&self) -> Body {
        Body::new(&format!(
            "本メールは{}から、連携先の連絡先に自動送信されています。",
            self.insurer
        ))
    }

    fn close(&self, body: Body, last: Option<&str>) -> Body {
        body.no_replies(last).paragraph(&format!(
            "ご不明な点は、{}の担当の職員にお問い合わせください。",
            self.insurer
        ))
    }
}

message!(
    /// Nothing is sent to an endpoint any more.
    WebhookDisabled, "webhook_disabled", Bulk, "【連携先】通知の停止のお知らせ", {
        /// What people call the client.
        name: String,
        /// As other systems name it.
        client_id: String,
        /// The endpoint.
        webhook_id: String,
        /// It said itself that it is gone.
        is_gone: bool,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "連携先「{}」（{}）の接続先（{}）への通知を停止しました。\n{}",
            self.name,
            self.client_id,
            self.webhook_id,
            if self.is_gone {
                "接続先から、もう使われていないという応答（410）がありました。"
            } else {
                "5日間、通知が一度も届きませんでした。"
            }
        ))
        .paragraph(
            "接続先が受け取れるようになったら、APIで通知を再開し（enable）、届かなかった期間の通知を送り直してください（replay）。\n\
             送り直せるのは、30日以内のものです。"
        )
);

/// Adds it to the postman's.
#[must_use]
pub fn registry(registry: Registry) -> Registry {
    registry.with::<WebhookDisabled>()
}
