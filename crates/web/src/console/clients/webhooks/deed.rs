//! An endpoint stopped, started and tried.

use super::{Found, Line, by, client_stopped, disabled, end, write};
use crate::console::{GET, POST};
use access::CLIENTS_MANAGE;
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::outcome;
use pages::{
    Reply, Row, Visit,
    frame::{Errors, Frame},
    reply::see_other,
    staff_proven,
    visit::Trouble,
};
use staff::Clerk;
use webhooks::{Whose, Why};

/// What is done with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Stop,
    Start,
    Test,
}

impl Deed {
    pub(super) const ALL: [Self; 3] = [Self::Stop, Self::Start, Self::Test];

    /// The page's pattern, and the names of looking at it and of sending its form.
    fn place(self) -> [&'static str; 3] {
        match self {
            Self::Stop => [
                "/console/clients/:id/webhooks/:webhook/stop",
                "console.webhook.stop",
                "console.webhook.stop.submit",
            ],
            Self::Start => [
                "/console/clients/:id/webhooks/:webhook/start",
                "console.webhook.start",
                "console.webhook.start.submit",
            ],
            Self::Test => [
                "/console/clients/:id/webhooks/:webhook/test",
                "console.webhook.test",
                "console.webhook.test.submit",
            ],
        }
    }

    /// The last part of its address.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Test => "test",
        }
    }

    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Stop => "通知を停止する",
            Self::Start => "通知を再開する",
            Self::Test => "テスト通知を送る",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Stop => {
                "送信を待っている通知は送られません。停止している間の通知も送られませんが、再開した後に、期間を決めて送り直せます。連携先のプログラムからは再開できません。"
            }
            Self::Start => "これから起きることを、また通知します。停止していた間の通知は、期間を決めて送り直せます。",
            Self::Test => {
                "この接続先だけに、個人の情報を含まないテスト通知を1件送ります。結果は、通知の記録に表示されます。"
            }
        }
    }

    /// True where it makes sense now.
    pub(super) fn fits(self, found: &Found, now: DateTime<Utc>) -> bool {
        let is_active = found.webhook.is_active();
        match self {
            Self::Stop => found.webhook.why != Some(Why::Stopped),
            Self::Start => !is_active && found.is_client_in(now),
            Self::Test => is_active && found.is_client_in(now),
        }
    }

    /// What stands against it now.
    fn against(self, found: &Found, now: DateTime<Utc>) -> Option<Errors> {
        (!self.fits(found, now)).then(|| match self {
            Self::Stop => Errors::of_form("すでに停止しています", "この接続先には、通知を送っていません。"),
            Self::Start | Self::Test if !found.is_client_in(now) => client_stopped(),
            Self::Start => Errors::of_form("停止していません", "この接続先には、通知を送っています。"),
            Self::Test => disabled(),
        })
    }
}

/// The rows of the pages.
pub(super) fn rows() -> Vec<Row> {
    let may = CLIENTS_MANAGE;
    let of_deed = |deed: Deed| {
        let [path, asked, done] = deed.place();
        [
            staff_proven(GET, path, asked, may, move |visit, clerk| ask(deed, visit, clerk)),
            staff_proven(POST, path, done, may, move |visit, clerk| act(deed, visit, clerk)),
        ]
    };
    Deed::ALL.into_iter().flat_map(of_deed).collect()
}

#[derive(Template)]
#[template(path = "console/webhook_deed.html")]
struct DeedPage {
    frame: Frame,
    client: String,
    line: Line,
    heading: &'static str,
    words: &'static str,
    path: String,
    back: String,
    /// False where it makes no sense now; the frame says why.
    is_possible: bool,
    is_grave: bool,
}

/// `GET` of a deed's page.
async fn ask(deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::read(&visit, &clerk).await?;
    let again = visit.again().await;
    let against = deed.against(&found, visit.now);
    let back = found.path();
    visit.html(&DeedPage {
        is_possible: against.is_none(),
        frame: visit
            .frame()
            .in_section("/console/clients")
            .with_errors(against.unwrap_or(again.errors)),
        client: found.grant.name.clone(),
        line: found.line(&visit),
        heading: deed.heading(),
        words: deed.words(),
        path: format!("{back}/{}", deed.verb()),
        back,
        is_grave: deed == Deed::Stop,
    })
}

/// `POST` of it.
async fn act(deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let mut tx = write(&visit, &clerk).await?;
    let found = Found::find(&visit, &tx).await?;
    let (webhooks, id) = (&visit.services.webhooks, found.webhook.webhook_id);
    let whose = Whose::new(&found.grant, by(&visit, &clerk));
    let done = match deed {
        Deed::Stop => webhooks.stop(&mut tx, whose, id).await?.map(drop),
        Deed::Start => webhooks.enable(&mut tx, whose, id, true).await?.map(drop),
        Deed::Test => webhooks.test(&mut tx, whose, id).await?.map(drop),
    };
    let said = match deed {
        Deed::Stop => "停止しました。通知は送られません。",
        Deed::Start => "再開しました。",
        Deed::Test => {
            "テスト通知を送ります。少し待ってから、この画面を開き直すと、通知の記録で結果をお確かめになれます。"
        }
    };
    match end(tx, done).await {
        Ok(()) => Ok(visit.done(see_other(&found.path()), said)),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => {
            let page = format!("{}/{}", found.path(), deed.verb());
            Ok(visit.form_again(&refusal, &page, &[]).await)
        }
    }
}
