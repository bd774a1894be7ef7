//! マイページ (manual 1-7): the manual's menu, both lists of notices, the cards.

use crate::{Card, Dashboard, MenuEntry, MyPage};
use accounts::Member;
use askama::Template;
use kernel::calendar;
use module::CardBody;
use notices::lines;
use pages::{Reply, Visit, frame::Frame, lines::Line, words};

/// From so many unread notices on the page says that there may be more.
pub(crate) use notices::COUNTED;

#[derive(Template)]
#[template(path = "my_page.html")]
struct View {
    frame: Frame,
    page: MyPage,
    insurer_notices: Vec<Line>,
    personal_notices: Vec<Line>,
    /// 「2024年04月22日 12:00:17」.
    previous_log_in: Option<String>,
}

/// `GET /portal/mypage`.
pub(crate) async fn show(dashboard: Dashboard, visit: Visit, member: Member) -> Reply {
    let page = dashboard.my_page(&member).await?;
    visit.html(&View {
        frame: visit.frame().in_section("/portal/mypage"),
        insurer_notices: lines(&page.notices.insurer, "/portal/notices"),
        personal_notices: lines(&page.notices.personal, "/portal/notices"),
        previous_log_in: page.previous_log_in_at.map(calendar::moment),
        page,
    })
}

impl View {
    /// The cards that a feature has to itself.
    fn single(&self) -> Vec<&Card> {
        self.page.cards.iter().filter(|card| card.is_single()).collect()
    }

    /// True where a feature in sight is not open yet.
    fn is_preparing(&self) -> bool {
        let mut entries = self.page.cards.iter().flat_map(|card| &card.entries);
        entries.any(MenuEntry::is_preparing)
    }

    /// The cards of whole headings.
    fn wide(&self) -> Vec<&Card> {
        self.page.cards.iter().filter(|card| !card.is_single()).collect()
    }
}
