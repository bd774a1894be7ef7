//! 閲覧の記録: who looked at one's statements, and why.

use crate::{
    disclosures::kinds,
    looks::{Looks, LooksAt},
};
use accounts::Member;
use askama::Template;
use ground::Ground;
use kernel::{AuditId, calendar};
use pages::{Reply, Row, Visit, frame::Frame, member, visit::Trouble};
use poem::http::Method;

const PAGE: &str = "/portal/account/looks";
/// The page's entry of the menu.
const ACCOUNT: &str = "/portal/account";

#[derive(Template)]
#[template(path = "looks.html")]
struct LooksPage {
    frame: Frame,
    lines: Vec<Line>,
    more: Option<String>,
    /// True of a page behind the first.
    is_next: bool,
}

struct Line {
    at: String,
    who: String,
    what: &'static str,
    why: &'static str,
}

/// The page's row.
pub(crate) fn rows(ground: &Ground) -> Vec<Row> {
    let looks = LooksAt::new(ground);
    vec![
        member(Method::GET, PAGE, "looks", move |visit, member| {
            show(looks.clone(), visit, member)
        })
        .for_former(),
    ]
}

/// `GET /portal/account/looks[?before=…]`.
async fn show(looks: LooksAt, visit: Visit, member: Member) -> Reply {
    if kinds(&member).is_empty() {
        return Err(Trouble::NotFound);
    }
    let before = AuditId::parse(visit.query.text("before"));
    let Looks { looks, more } = looks.of(&member, before).await?;
    let section = if member.is_former() { super::COSTS } else { ACCOUNT };
    visit.html(&LooksPage {
        frame: visit.frame().in_section(section),
        lines: looks
            .into_iter()
            .map(|look| Line {
                at: calendar::moment(look.at),
                who: look.who,
                what: look.what,
                why: look.why,
            })
            .collect(),
        more: more.map(|before| format!("{PAGE}?before={before}")),
        is_next: before.is_some(),
    })
}
