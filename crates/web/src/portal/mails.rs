//! お知らせのメール: which mails about notices and statements a member wishes, and the link in each of them that ends its kind without a
//! log-in (RFC 8058). Looking at the link ends nothing; a mail program that presses for its reader comes by POST, from no page
//! of ours.

use crate::portal::account::ACCOUNT;
use accounts::{MailsToStop, Member, Stream};
use askama::Template;
use kernel::TenantSecret;
use pages::{
    frame::Frame,
    reply::{self, Reply},
    visit::{Trouble, Visit},
};

const PAGE: &str = "/portal/account/mails";
/// The field of the streams that are wished.
const WISHED: &str = "wished";

#[derive(Template)]
#[template(path = "portal/mails.html")]
struct MailsPage {
    frame: Frame,
    email: String,
    streams: Vec<Line>,
}

struct Line {
    value: &'static str,
    text: &'static str,
    wished: bool,
}

#[derive(Template)]
#[template(path = "portal/mails_stop.html")]
struct StopPage {
    frame: Frame,
    text: &'static str,
    there: &'static str,
    /// Where the button's form is sent; none once they are stopped.
    action: Option<String>,
}

/// What members call a stream.
fn text(stream: Stream) -> &'static str {
    match stream {
        Stream::Insurer => "組合からのお知らせ",
        Stream::Person => "あなたへのお知らせ",
        Stream::Statements => "医療費・お薬のお知らせ",
    }
}

/// Where members read what a stream's mails tell of, though no mail says so any more.
fn there(stream: Stream) -> &'static str {
    match stream {
        Stream::Insurer | Stream::Person => "お知らせそのものは、これまでどおりマイページで読めます。",
        Stream::Statements => "医療費やお薬の明細は、これまでどおりログインするとご覧になれます。",
    }
}

/// `GET /portal/account/mails`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let wished = visit.services.accounts.wished_mails(&member).await?;
    let line = |stream: Stream| Line {
        value: stream.as_str(),
        text: text(stream),
        wished: wished.contains(&stream),
    };
    visit.html(&MailsPage {
        frame: visit.frame().in_section(ACCOUNT),
        email: member.email.as_str().to_owned(),
        streams: Stream::offered(&member).into_iter().map(line).collect(),
    })
}

/// `POST /portal/account/mails`.
pub(crate) async fn submit(visit: Visit, member: Member) -> Reply {
    let wished: Vec<Stream> = Stream::ALL
        .into_iter()
        .filter(|stream| visit.form.all(WISHED).any(|value| value == stream.as_str()))
        .collect();
    let accounts = &visit.services.accounts;
    accounts.wish_mails(&visit.origin, &member, &wished).await?;
    Ok(visit.done(reply::see_other(PAGE), "お知らせのメールの設定を保存しました。"))
}

/// `GET /portal/mails/stop?token=`.
pub(crate) async fn ask(mut visit: Visit) -> Reply {
    let link = link(&visit)?;
    let found = visit.services.accounts.mails_to_stop(&link).await?;
    let found = found.ok_or(Trouble::NotFound)?;
    let action = format!("/portal/mails/stop?token={}", link.reveal());
    page(&mut visit, &found, Some(action))
}

/// `POST /portal/mails/stop?token=`.
pub(crate) async fn stop(mut visit: Visit) -> Reply {
    let link = link(&visit)?;
    let stopped = visit.services.accounts.stop_mails(&visit.origin, &link).await?;
    page(&mut visit, &stopped.ok_or(Trouble::NotFound)?, None)
}

fn link(visit: &Visit) -> Result<TenantSecret, Trouble> {
    TenantSecret::parse_link(visit.query.text("token")).ok_or(Trouble::NotFound)
}

fn page(visit: &mut Visit, of: &MailsToStop, action: Option<String>) -> Reply {
    visit.look = of.insurer.clone();
    visit.html(&StopPage {
        frame: visit.frame(),
        text: text(of.stream),
        there: there(of.stream),
        action,
    })
}
