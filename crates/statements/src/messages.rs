//! The mail that there is something new to see. It says neither whose, of which month, how much nor where: a mail is read on the
//! way, and by whoever shares the address. Both kinds are one template, so that the outbox doesn't tell them apart either.

use crate::kind::Kind;
use accounts::{Letterhead, Links};
use chrono::{DateTime, Utc};
use kernel::{AccountId, DeliveryId};
use mail::{Body, Message};
use serde::{Deserialize, Serialize};

/// What a mail tells of, and whom: by that it is asked about again before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// What was published.
    pub(crate) delivery: DeliveryId,
    /// When: the same may be published again.
    pub(crate) published_at: DateTime<Utc>,
    /// Who is told.
    pub(crate) account: AccountId,
}

/// A row was published that they see.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NewStatement {
    letterhead: Letterhead,
    kind: Kind,
    page: String,
    wishes: String,
    stop: String,
    pub(crate) about: About,
}

impl NewStatement {
    pub(crate) fn new(
        letterhead: Letterhead,
        kind: Kind,
        page: String,
        Links { wishes, stop }: Links,
        about: About,
    ) -> Self {
        Self {
            letterhead,
            kind,
            page,
            wishes,
            stop,
            about,
        }
    }

    /// As members call it.
    fn what(&self) -> &'static str {
        match self.kind {
            Kind::Costs => "医療費",
            Kind::Medicines => "お薬",
        }
    }

    fn body(&self) -> Body {
        let what = self.what();
        let body = self
            .letterhead
            .open()
            .paragraph(&format!(
                "{}のマイページに、新しい{what}のお知らせがあります。\nログインして、内容をご確認ください。",
                self.letterhead.insurer
            ))
            .url(&format!("{what}のお知らせを見る"), &self.page)
            .url("お知らせのメールの設定を変える", &self.wishes)
            .url(
                "医療費・お薬のお知らせのメールの配信を止める（ログインは必要ありません）",
                &self.stop,
            );
        self.letterhead.close(body, None)
    }
}

impl Message for NewStatement {
    const TEMPLATE: &'static str = "new_statement";
    // By the time it would go again, whoever gets it may have ended such mails.
    const LASTS: bool = false;

    fn subject(&self) -> String {
        format!("【マイページ】新しい{}のお知らせがあります", self.what())
    }

    fn text(&self) -> String {
        self.body().text()
    }

    fn html(&self) -> String {
        self.body().html(&self.subject())
    }

    fn unsubscribe(&self) -> Option<&str> {
        Some(&self.stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn shown(kind: Kind) -> String {
        let letterhead = serde_json::json!({
            "insurer": "みほん健康保険組合", "desk": "コールセンター", "phone": "050-0000-0000",
            "hours": "土日祝を除く平日10時～17時", "portal": "http://localhost:8080/portal/",
        });
        let links = Links {
            wishes: "http://localhost:8080/portal/account/mails".into(),
            stop: "http://localhost:8080/portal/mails/stop?token=7.AAAA".into(),
        };
        let about = About {
            delivery: DeliveryId(Uuid::nil()),
            published_at: DateTime::UNIX_EPOCH,
            account: AccountId(Uuid::nil()),
        };
        let page = "http://localhost:8080/portal/costs".into();
        let message = NewStatement::new(serde_json::from_value(letterhead).unwrap(), kind, page, links, about);
        let (subject, text, html) = (message.subject(), message.text(), message.html());
        format!("件名: {subject}\n\n{text}\n\n{html}")
    }

    #[test]
    fn both_mails_read_as_they_were_approved() {
        insta::assert_snapshot!("new_costs", shown(Kind::Costs));
        insta::assert_snapshot!("new_medicines", shown(Kind::Medicines));
    }
}
