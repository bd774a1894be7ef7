//! What is done to a client: each deed has a page that says what comes of it before it is done.

use super::{Found, Place, Side, by, show_secret};
use askama::Template;
use clients::State;
use kernel::{ClientSecretId, outcome};
use pages::{
    Reply, Visit,
    frame::{Errors, Frame},
    reply::see_other,
    visit::{Trouble, settle},
};
use staff::Clerk;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// A second secret, to take the place of the first.
    Rotate,
    /// Shut out until it is resumed.
    Suspend,
    /// Let in again.
    Resume,
    /// Shut out for good; what a vendor's may do here is taken back.
    Revoke,
}

impl Deed {
    pub(super) const ALL: [Self; 4] = [Self::Rotate, Self::Suspend, Self::Resume, Self::Revoke];

    pub(super) fn place(self, side: Side) -> Place {
        let places = side.places();
        match self {
            Self::Rotate => places.rotate,
            Self::Suspend => places.suspend,
            Self::Resume => places.resume,
            Self::Revoke => places.revoke,
        }
    }

    /// The last part of its address.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
        }
    }

    pub(super) fn heading(self, is_at_home: bool) -> &'static str {
        match self {
            Self::Rotate => "秘密鍵を新しく作る",
            Self::Suspend => "停止する",
            Self::Resume => "停止を解く",
            Self::Revoke if is_at_home => "連携を終了する",
            Self::Revoke => "許可を取り消す",
        }
    }

    fn words(self, side: Side, is_at_home: bool) -> &'static str {
        match self {
            Self::Rotate => {
                "新しい秘密鍵を作り、1回だけ表示します。今の秘密鍵は、あと24時間使えます。それより前の秘密鍵は、すぐに使えなくなります。秘密鍵が人に知られたおそれがあるときは、先に停止し、続けて2回作ってください。"
            }
            Self::Suspend if side == Side::Platform => {
                "すべての保険者で、次の呼び出しからつながらなくなります。使っているアクセストークンも終わります。停止を解くと、またつながるようになります。接続先（Webhook）への通知も停止し、停止を解いた後に、1つずつ再開するまで送られません。"
            }
            Self::Suspend => {
                "次の呼び出しからつながらなくなります。使っているアクセストークンも終わります。停止を解くと、またつながるようになります。接続先（Webhook）への通知も停止し、停止を解いた後に、1つずつ再開するまで送られません。"
            }
            Self::Resume => {
                "またつながるようになります。秘密鍵と権限の範囲は、停止の前のままです。接続先（Webhook）への通知は停止したままなので、1つずつ再開してください。"
            }
            Self::Revoke if side == Side::Platform => {
                "終了すると、元に戻せません。すべての保険者で、次の呼び出しからつながらなくなり、秘密鍵もなくなります。続けて使うときは、新しい連携先として追加し、保険者にもう一度許可してもらうことになります。しばらく使わないだけなら、停止しておけば足ります。"
            }
            Self::Revoke if is_at_home => {
                "終了すると、元に戻せません。次の呼び出しからつながらなくなり、秘密鍵もなくなります。続けて使うときは、新しい連携先として追加することになります。しばらく使わないだけなら、停止しておけば足ります。"
            }
            Self::Revoke => {
                "この事業者のシステムは、次の呼び出しから、この保険者の情報を読み書きできなくなります。続けて使うときは、もう一度許可することになります。"
            }
        }
    }

    /// True where it makes sense now.
    pub(super) fn fits(self, found: &Found) -> bool {
        match (self, found.state()) {
            (_, State::Revoked) => false,
            (Self::Rotate, _) => found.is_at_home(),
            (Self::Suspend, state) => state == State::Active,
            (Self::Resume, state) => state == State::Suspended,
            (Self::Revoke, _) => true,
        }
    }

    /// What stands against it now.
    fn against(self, found: &Found) -> Option<Errors> {
        (!self.fits(found)).then(|| match (self, found.state()) {
            (_, State::Revoked) if found.has_ended() => {
                Errors::of_form("すでに終了しています", "この連携先からは、つながりません。")
            }
            (_, State::Revoked) => {
                Errors::of_form("許可は、すでに取り消されています", "この連携先からは、つながりません。")
            }
            (Self::Rotate, _) => Errors::of_form(
                "秘密鍵は事業者が管理しています",
                "新しい秘密鍵が必要なときは、事業者から運営に依頼してもらってください。",
            ),
            (Self::Suspend, _) => Errors::of_form("すでに停止しています", "この連携先からは、つながりません。"),
            (Self::Resume | Self::Revoke, _) => Errors::of_form("停止していません", "この連携先は、そのまま使えます。"),
        })
    }
}

#[derive(Template)]
#[template(path = "console/client_deed.html")]
struct DeedPage {
    frame: Frame,
    name: String,
    state: &'static str,
    last_used: String,
    heading: &'static str,
    words: &'static str,
    path: String,
    back: String,
    /// The newest secret, which another takes the place of.
    newest: Option<ClientSecretId>,
    /// False where it makes no sense now; the frame says why.
    is_possible: bool,
    is_grave: bool,
}

/// `GET` of a deed's page.
pub(super) async fn ask(side: Side, deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let again = visit.again().await;
    let against = deed.against(&found);
    let (line, back) = (found.line(visit.now), side.path(found.name().client_id));
    visit.html(&DeedPage {
        is_possible: against.is_none(),
        newest: found.newest().filter(|_| deed == Deed::Rotate),
        frame: visit
            .frame()
            .in_section(side.base())
            .with_errors(against.unwrap_or(again.errors)),
        name: line.name,
        state: line.state,
        last_used: line.last_used,
        heading: deed.heading(found.is_at_home()),
        words: deed.words(side, found.is_at_home()),
        path: format!("{back}/{}", deed.verb()),
        back,
        is_grave: matches!(deed, Deed::Suspend | Deed::Revoke),
    })
}

/// `POST` of it.
pub(super) async fn act(side: Side, deed: Deed, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let (clients, by) = (&visit.services.clients, by(&visit, &clerk));
    let (at, id) = (clerk.insurer.tenant_id, found.name().client_id);
    let back = side.path(id);
    let newest = ClientSecretId::parse(visit.form.text("newest"));
    let done = match deed {
        Deed::Rotate => match settle(clients.rotate(at, id, newest, by).await) {
            Ok(made) => return Ok(show_secret((side, &visit, &clerk), id, made.secret, made.old_until)),
            Err(refusal) => Err(refusal),
        },
        Deed::Suspend => settle(clients.suspend(at, id, by).await).map(|()| "停止しました。もうつながりません。"),
        Deed::Resume => settle(clients.resume(at, id, by).await)
            .map(|()| "停止を解きました。接続先（Webhook）があれば、通知は停止したままです。1つずつ再開してください。"),
        Deed::Revoke if found.is_at_home() => {
            settle(clients.revoke(at, id, by).await).map(|()| "終了しました。もうつながりません。")
        }
        Deed::Revoke => {
            settle(clients.ungrant(at, id, by).await).map(|()| "許可を取り消しました。もうつながりません。")
        }
    };
    match done {
        Ok(said) => Ok(visit.done(see_other(&back), said)),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => {
            let page = format!("{back}/{}", deed.verb());
            Ok(visit.form_again(&refusal, &page, &[]).await)
        }
    }
}
