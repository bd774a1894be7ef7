//! サイトからのお知らせ, for everybody: the list and each notice. A member who is logged in keeps the look and menu.

use crate::{
    frame::Frame,
    portal::notices::{Line, NoticePage, lines},
    reply::Reply,
    visit::{Trouble, Visit},
};
use askama::Template;
use kernel::NoticeId;

#[derive(Template)]
#[template(path = "portal/site_notices.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

/// `GET /portal/site-notices`.
pub(crate) async fn show(mut visit: Visit) -> Reply {
    visit.recognise().await?;
    let heads = visit.services.notices.site_notices().await?;
    visit.html(&ListPage {
        frame: visit.frame(),
        lines: lines(&heads, "/portal/site-notices"),
    })
}

/// `GET /portal/site-notices/:id`.
pub(crate) async fn open(mut visit: Visit) -> Reply {
    let id = NoticeId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    visit.recognise().await?;
    let notice = visit.services.notices.site_notice(id).await?.ok_or(Trouble::NotFound)?;
    let kind = "サイトからのお知らせ".to_owned();
    visit.html(&NoticePage::new(visit.frame(), notice, kind, "/portal/site-notices"))
}
