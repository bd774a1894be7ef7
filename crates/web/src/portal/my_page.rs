//! マイページ (manual 1-7): the manual's menu, both lists of notices, the cards.

use crate::{
    frame::Frame,
    portal::notices::{Line, lines},
    reply::Reply,
    visit::Visit,
};
use accounts::Member;
use askama::Template;
use dashboard::MyPage;
use kernel::calendar;

/// From so many unread notices on the page says that there may be more.
pub(crate) use notices::COUNTED;

#[derive(Template)]
#[template(path = "portal/my_page.html")]
struct View {
    frame: Frame,
    page: MyPage,
    insurer_notices: Vec<Line>,
    personal_notices: Vec<Line>,
    /// 「2024年04月22日 12:00:17」.
    previous_log_in: Option<String>,
}

/// `GET /portal/mypage`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let page = visit.services.dashboard.my_page(&member).await?;
    visit.html(&View {
        frame: visit.frame().in_section("/portal/mypage"),
        insurer_notices: lines(&page.notices.insurer, "/portal/notices"),
        personal_notices: lines(&page.notices.personal, "/portal/notices"),
        previous_log_in: page.previous_log_in_at.map(calendar::moment),
        page,
    })
}
