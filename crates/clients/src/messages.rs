//! The mails to those behind a client.

use chrono::NaiveDate;
use kernel::calendar;
use mail::{Body, Registry, message};
use serde::{Deserialize, Serialize};
use tenancy::Insurer;

/// What every mail to them carries: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    insurer: String,
    is_platform: bool,
}

impl Letterhead {
    pub(crate) fn of(insurer: &Insurer) -> Self {
        Self {
            insurer: insurer.name.clone(),
            is_platform: insurer.is_platform(),
        }
    }

    fn open(&self) -> Body {
        Body::new(&format!(
            "本メールは{}から、連携先の連絡先に自動送信されています。",
            self.insurer
        ))
    }

    fn close(&self, body: Body, last: Option<&str>) -> Body {
        let whom = if self.is_platform { "運営" } else { "担当の職員" };
        body.no_replies(last).paragraph(&format!(
            "ご不明な点は、{}の{whom}にお問い合わせください。",
            self.insurer
        ))
    }
}

message!(
    /// A client's last day comes near.
    ClientEnding, "client_ending", Bulk, "【連携先】接続の期限のお知らせ", {
        /// What people call the client.
        name: String,
        /// As other systems name it.
        client_id: String,
        /// Its last day.
        last: NaiveDate,
    },
    |self| self
        .letterhead
        .open()
        .paragraph(&format!(
            "連携先「{}」（{}）が{}に接続できるのは、{}までです。\n\
             その翌日からは、プログラムからの接続をお受けできません。",
            self.name,
            self.client_id,
            self.letterhead.insurer,
            calendar::date_with_weekday(self.last)
        ))
        .paragraph("続けてお使いになるときは、それまでに、期限の延長をご依頼ください。")
);

/// Adds them to the postman's.
#[must_use]
pub fn registry(registry: Registry) -> Registry {
    registry.with::<ClientEnding>()
}
