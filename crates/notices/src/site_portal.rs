//! サイトからのお知らせ, for everybody: the list and each notice. A member who is logged in keeps the look and menu.

use crate::{
    Notices,
    portal::{NoticePage, lines},
};
use askama::Template;
use kernel::{NoticeId, Outage};
use pages::{Panel, Reply, Visit, frame::Frame, lines::Line, visit::Trouble};

#[derive(Template)]
#[template(path = "site_notices.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

/// `GET /portal/site-notices`.
pub(crate) async fn show(notices: Notices, mut visit: Visit) -> Reply {
    visit.recognise().await?;
    let heads = notices.site_notices().await?;
    visit.html(&ListPage {
        frame: visit.frame(),
        lines: lines(&heads, "/portal/site-notices"),
    })
}

/// `GET /portal/site-notices/:id`.
pub(crate) async fn open(notices: Notices, mut visit: Visit) -> Reply {
    let id = NoticeId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    visit.recognise().await?;
    let notice = notices.site_notice(id).await?.ok_or(Trouble::NotFound)?;
    let kind = "サイトからのお知らせ".to_owned();
    visit.html(&NoticePage::new(visit.frame(), notice, kind, "/portal/site-notices"))
}

/// Below the log-in form.
pub(crate) async fn panel(notices: Notices) -> Result<Panel, Outage> {
    let heads = notices.site_notices().await?;
    Ok(Panel {
        heading: "サイトからのお知らせ",
        lines: lines(&heads, "/portal/site-notices"),
    })
}
