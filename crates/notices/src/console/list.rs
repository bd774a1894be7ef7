//! The list: drafts, what is published to members, and what is published to single people.

use super::{DRAFTS, PATH, over_all, sees_protected};
use crate::{
    Cursor, author,
    drafts::{self, Stored},
    published::{self, Head, Kind, Page, Reads, Standing, is_counted, standing},
};
use access::NOTICES_EDIT;
use approvals::Action;
use askama::Template;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::calendar;
use pages::{Reply, Visit, forms::encode, frame::Frame, visit::Trouble, words::grouped};
use staff::Clerk;

/// Lines of a list, and of the drafts where they stand above it.
const PER_PAGE: usize = 20;
/// Wishes that wait are few; more than these are not looked at.
const WAITING: i64 = 1000;
/// The longest title.
const TERM_CHARS: usize = 200;

#[derive(Template)]
#[template(path = "console/notices.html")]
struct ListPage {
    frame: Frame,
    may_write: bool,
    /// The word of the list in the address.
    list: &'static str,
    sought: String,
    drafts: Option<Drafts>,
    published: Option<Shown>,
}

struct Drafts {
    lines: Vec<DraftLine>,
    more: Option<String>,
}

struct DraftLine {
    href: String,
    title: String,
    saved: String,
    by: String,
    is_asked: bool,
    /// Another must agree to its publication.
    is_waiting: bool,
}

struct Shown {
    heading: &'static str,
    lines: Vec<Line>,
    more: Option<String>,
    /// True where a title was sought and nothing of what was looked at has it.
    goes_on: bool,
}

struct Line {
    href: String,
    title: String,
    day: String,
    standing: (&'static str, &'static str),
    is_of_group: bool,
    is_of_folder: bool,
    reads: String,
}

/// `GET /console/notices[?list=drafts|members|people][&title=…][&after=…]`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let list = match visit.query.text("list") {
        "drafts" => "drafts",
        "people" => "people",
        "members" => "members",
        _ => "",
    };
    let after = match visit.query.get("after") {
        None => None,
        Some(text) => Some(Cursor::parse(text).ok_or(Trouble::NotFound)?),
    };
    let sought: String = visit.query.text("title").trim().chars().take(TERM_CHARS).collect();
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let drafts = if list == "drafts" || (list.is_empty() && after.is_none() && sought.is_empty()) {
        Some(drafts(&tx, visit.now, &clerk, after).await?)
    } else {
        None
    };
    let published = if list == "drafts" {
        None
    } else {
        let kind = if list == "people" {
            Kind::ToPeople
        } else {
            Kind::ToMembers
        };
        let page = published::list(&tx, visit.now, (kind, sees_protected(&clerk)), &sought, after, PER_PAGE).await?;
        Some(Shown::new(page, kind, &sought, visit.now))
    };
    visit.html(&ListPage {
        frame: visit.frame().in_section(PATH),
        may_write: clerk.may(NOTICES_EDIT),
        list,
        sought,
        drafts,
        published,
    })
}

async fn drafts(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    clerk: &Clerk,
    after: Option<Cursor>,
) -> Result<Drafts, DatabaseError> {
    let after = after.unwrap_or_else(Cursor::before_all);
    let limit = i64::try_from(PER_PAGE).unwrap_or_default() + 1;
    let after = (after.published_at(), after.id());
    let mut found = drafts::list(tx, sees_protected(clerk), after, limit).await?;
    let is_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let by: Vec<_> = found.iter().map(|draft| draft.updated_by).collect();
    let names = author::names(tx, &by).await?;
    let waiting = approvals::subjects_waiting(tx, now, Action::Notice, WAITING).await?;
    let last = found.last().filter(|_| is_more);
    Ok(Drafts {
        more: last.map(|last| {
            format!(
                "{DRAFTS}&after={}",
                encode(&Cursor::new(last.updated_at, last.id).to_string())
            )
        }),
        lines: found
            .into_iter()
            .map(|draft| {
                let by = names.get(&draft.updated_by).cloned().unwrap_or_default();
                let is_waiting = waiting.contains(&draft.id.0);
                DraftLine::new(draft, by, is_waiting)
            })
            .collect(),
    })
}

impl DraftLine {
    fn new(draft: Stored, by: String, is_waiting: bool) -> Self {
        Self {
            href: super::path(draft.id),
            title: draft.content.title,
            saved: calendar::moment(draft.updated_at),
            by,
            is_asked: draft.asked_at.is_some(),
            is_waiting,
        }
    }
}

impl Shown {
    fn new(page: Page, kind: Kind, sought: &str, now: DateTime<Utc>) -> Self {
        let (heading, word) = match kind {
            Kind::ToMembers => ("公開したお知らせ", "members"),
            Kind::ToPeople => ("個人あてのお知らせ", "people"),
        };
        let Page { heads, next, reads } = page;
        let lines: Vec<Line> = heads
            .into_iter()
            .map(|head| {
                let reads = reads.get(&head.notice_id).copied();
                Line::new(head, reads, now)
            })
            .collect();
        Self {
            heading,
            goes_on: lines.is_empty() && next.is_some(),
            more: next.map(|next| {
                let title = if sought.is_empty() {
                    String::new()
                } else {
                    format!("&title={}", encode(sought))
                };
                format!("{PATH}?list={word}{title}&after={}", encode(&next.to_string()))
            }),
            lines,
        }
    }
}

impl Line {
    fn new(head: Head, reads: Option<Reads>, now: DateTime<Utc>) -> Self {
        Self {
            href: super::path(head.notice_id),
            day: calendar::moment(head.published_at),
            standing: standing_words(standing(now, head.published_at, head.ended_at, head.withdrawn_at)),
            reads: reads_words(is_counted(now, head.published_at), reads, head.readers),
            title: head.title,
            is_of_group: head.is_of_group,
            is_of_folder: head.is_of_folder,
        }
    }
}

/// What it is called, and the colour of its tag.
pub(super) fn standing_words(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Scheduled => ("掲載前", "do"),
        Standing::Shown => ("掲載中", "ok"),
        Standing::Ended => ("掲載終了", ""),
        Standing::Withdrawn => ("取り下げ", "warn"),
    }
}

/// 「12人（公開したとき登録していた340人のうち）」.
pub(super) fn reads_words(is_counted: bool, reads: Option<Reads>, readers: Option<i64>) -> String {
    if !is_counted {
        return "－".into();
    }
    let people = match reads {
        Some(Reads { people, or_more: true }) => format!("{}人以上", grouped(people)),
        reads => format!("{}人", grouped(reads.map_or(0, |reads| reads.people))),
    };
    readers.map_or(people.clone(), |readers| {
        format!("{people}（公開したとき登録していた{}人のうち）", grouped(readers))
    })
}
