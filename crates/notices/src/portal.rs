//! 組合からのお知らせ and …さんへのお知らせ: the lists page by page, and each notice at its own address. Opening one marks
//! it as read.

use crate::{Audience, Cursor, Notice, NoticeHead, Notices, Shelf};
use accounts::Member;
use askama::Template;
use kernel::{NoticeId, Outcome};
use pages::{
    Reply, Visit, forms,
    frame::Frame,
    lines::{Day, Line},
    markdown,
    visit::Trouble,
};

/// Lines on a page of a list.
const PER_PAGE: u32 = 20;
/// Lines of each list where both stand on one page.
const PER_LIST: u32 = 10;

/// Notices as lines that lead to `under/<id>`.
pub fn lines(heads: &[NoticeHead], under: &str) -> Vec<Line> {
    let line = |head: &NoticeHead| Line {
        href: format!("{under}/{}", head.id),
        title: head.title.clone(),
        day: Day::of(head.published_at),
        unread: head.unread,
    };
    heads.iter().map(line).collect()
}

/// One of the two lists on the page.
struct List {
    heading: String,
    /// The fragment and the `list` of the query.
    name: &'static str,
    lines: Vec<Line>,
    /// The address of what is older.
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "notices.html")]
struct ListPage {
    frame: Frame,
    heading: String,
    lists: Vec<List>,
    /// True on a page that shows one list from further down.
    is_older: bool,
}

#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct NoticePage {
    pub frame: Frame,
    pub title: String,
    pub day: Day,
    /// To whom it is.
    pub kind: String,
    /// Rendered and tame.
    pub body: String,
    pub back: &'static str,
}

/// `GET /portal/notices[?list=…&after=…]`.
pub(crate) async fn show(notices: Notices, visit: Visit, member: Member) -> Reply {
    let shelves = [Shelf::Insurer, Shelf::Personal];
    let after = match visit.query.get("after") {
        None => None,
        Some(text) => Some(Cursor::parse(text).ok_or(Trouble::NotFound)?),
    };
    let wanted = match visit.query.get("list") {
        None if after.is_none() => None,
        Some(list) => Some(
            shelves
                .into_iter()
                .find(|shelf| name(*shelf) == list)
                .ok_or(Trouble::NotFound)?,
        ),
        None => return Err(Trouble::NotFound),
    };
    let limit = if wanted.is_some() { PER_PAGE } else { PER_LIST };
    let mut lists = Vec::new();
    for shelf in shelves
        .into_iter()
        .filter(|shelf| wanted.is_none_or(|wanted| wanted == *shelf))
    {
        let page = notices.page(&member, shelf, after, limit).await?;
        lists.push(List {
            heading: heading(shelf, &member.person.called()),
            name: name(shelf),
            lines: lines(&page.notices, "/portal/notices"),
            older: page.next.map(|next| {
                format!(
                    "/portal/notices?list={}&after={}",
                    name(shelf),
                    forms::encode(&next.to_string())
                )
            }),
        });
    }
    let frame = visit.frame().in_section("/portal/notices");
    let heading = wanted.map_or_else(|| "お知らせ".into(), |shelf| heading(shelf, &member.person.called()));
    visit.html(&ListPage {
        frame,
        heading,
        lists,
        is_older: wanted.is_some(),
    })
}

/// `GET /portal/notices/:id`.
pub(crate) async fn open(notices: Notices, visit: Visit, member: Member) -> Reply {
    let id = NoticeId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let opened = if visit.is_head {
        notices.peek(&member, id).await?
    } else {
        notices.open(&member, id).await?
    };
    let notice = match opened {
        Outcome::Done(notice) => notice,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let shelf = if notice.head.audience == Audience::Person {
        Shelf::Personal
    } else {
        Shelf::Insurer
    };
    let frame = visit.frame().in_section("/portal/notices");
    visit.html(&NoticePage::new(
        frame,
        notice,
        heading(shelf, &member.person.called()),
        "/portal/notices",
    ))
}

impl NoticePage {
    pub(crate) fn new(frame: Frame, notice: Notice, kind: String, back: &'static str) -> Self {
        Self {
            frame,
            day: Day::of(notice.head.published_at),
            title: notice.head.title,
            kind,
            body: markdown::render(&notice.body, 2),
            back,
        }
    }
}

/// The list's name in addresses.
fn name(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Insurer => "insurer",
        Shelf::Personal => "personal",
        Shelf::Both => "",
    }
}

/// The manual's words.
fn heading(shelf: Shelf, person: &str) -> String {
    match shelf {
        Shelf::Insurer => "組合からのお知らせ".into(),
        Shelf::Personal => format!("{person}さんへのお知らせ"),
        Shelf::Both => "お知らせ".into(),
    }
}
