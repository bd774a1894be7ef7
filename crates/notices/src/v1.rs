//! The notices of the member whose token it is.

pub(crate) mod programs;

use crate::{Cursor, Notices, Shelf};
use edge::Rights;
use kernel::{NoticeId, text};
use operations::{
    Example, Group, Tag,
    answer::Done,
    call::{Call, Inside, up},
    failure::{Failure, Flaw},
    get,
    params::{CursorText, IdSegment, PageLimit, Query, Segment},
    text::Time,
};
use poem_openapi::{Object, OpenApi};
use serde_json::{Value, json};

/// Lines of a page where nobody asks for another number.
const USUAL: u32 = 20;

struct NoticesApi(Notices);

/// The operations.
pub(crate) fn group(notices: Notices) -> Group {
    let next = "2026-11-01T00:00:00.000000Z_0197a3c0-0000-7000-8000-00000000004d";
    let id = line_example().get("id").cloned().unwrap_or_default();
    let mut one = line_example();
    if let Some(fields) = one.as_object_mut() {
        fields.insert("body".into(), "お申し込みは12月25日までです。".into());
    }
    let rows = vec![
        get(
            "/me/notices",
            "list_notices",
            Rights::Member,
            &["fields"],
            Example {
                parameters: vec![("limit", json!(20))],
                answer: Some(json!({"notices": [line_example()], "next": next})),
                links: Some(json!({
                    "notice": {
                        "operationId": "get_notice",
                        "description": "Reads a line's notice.",
                        "parameters": {"id": "$response.body#/notices/0/id"},
                    },
                })),
                ..Example::default()
            },
        ),
        get(
            "/me/notices/:id",
            "get_notice",
            Rights::Member,
            &["not_found"],
            Example {
                parameters: vec![("id", id)],
                answer: Some(one),
                ..Example::default()
            },
        ),
    ];
    Group::new(rows, NoticesApi(notices))
}

/// A line as the document shows it.
pub fn line_example() -> Value {
    json!({
        "id": "0197a3c0-0000-7000-8000-00000000004d",
        "audience": "insurer",
        "title": "人間ドックの受付を始めました",
        "published_at": "2026-11-01T00:00:00Z",
        "unread": true,
    })
}

/// A page of notices, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct NoticeList {
    /// The lines.
    pub notices: Vec<NoticeLine>,
    /// Hand it in as `cursor` for the next page; absent at the end. Nothing is missed or shown twice while new notices
    /// arrive.
    pub next: Option<String>,
}

/// A line of a list.
#[derive(Object)]
pub struct NoticeLine {
    /// To read it by.
    pub id: String,
    /// `insurer` for all its members (組合からのお知らせ), `person` for this one, `site` for everybody.
    pub audience: String,
    /// Plain text.
    pub title: String,
    /// Since when it is shown.
    pub published_at: Time,
    /// True until the member opened it, by page or by API.
    pub unread: bool,
}

impl From<crate::NoticeHead> for NoticeLine {
    fn from(head: crate::NoticeHead) -> Self {
        Self {
            id: head.id.to_string(),
            audience: head.audience.as_str().into(),
            title: head.title,
            published_at: head.published_at.into(),
            unread: head.unread,
        }
    }
}

/// A notice to read.
#[derive(Object)]
pub struct Notice {
    /// To read it by.
    pub id: String,
    /// `insurer`, `person` or `site`.
    pub audience: String,
    /// Plain text.
    pub title: String,
    /// Since when it is shown.
    pub published_at: Time,
    /// True where this was the first time that the member opened it.
    pub unread: bool,
    /// Markdown; raw HTML in it is not to be trusted.
    pub body: String,
}

#[OpenApi(tag = "Tag::Member")]
impl NoticesApi {
    /// Notices
    ///
    /// The insurer's and the member's own, newest first, page by page.
    #[oai(path = "/me/notices", method = "get", operation_id = "list_notices")]
    async fn list(
        &self,
        Inside(member): Inside,
        /// Lines of a page, 20 where it is absent.
        limit: Query<PageLimit>,
        /// `next` of the page before.
        cursor: Query<CursorText>,
    ) -> poem::Result<Done<NoticeList>> {
        let after = match cursor.text {
            Some(text) => Some(Cursor::parse(&text).ok_or_else(unknown_cursor)?),
            None => None,
        };
        let limit = limit.text.as_deref().and_then(text::number).unwrap_or(USUAL);
        let page = up(self.0.page(&member, Shelf::Both, after, limit).await)?;
        Ok(Done(NoticeList {
            notices: page.notices.into_iter().map(NoticeLine::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }))
    }

    /// One notice
    ///
    /// Marks it as read; HEAD doesn't. Another person's, another insurer's or an ended notice does not exist here.
    #[oai(path = "/me/notices/:id", method = "get", operation_id = "get_notice")]
    async fn get(
        &self,
        call: Call,
        Inside(member): Inside,
        /// `id` of the notice.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<Notice>> {
        let id = NoticeId::parse(&id.text).ok_or_else(|| Failure::of("not_found"))?;
        let Self(notices) = self;
        let notice = call.done(if call.is_head {
            notices.peek(&member, id).await
        } else {
            notices.open(&member, id).await
        })?;
        Ok(Done(Notice {
            id: notice.head.id.to_string(),
            audience: notice.head.audience.as_str().into(),
            title: notice.head.title,
            published_at: notice.head.published_at.into(),
            unread: notice.head.unread,
            body: notice.body,
        }))
    }
}

fn unknown_cursor() -> Failure {
    Failure::fields(vec![Flaw::new("/cursor", "not_a_choice")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        assert!(flaws::<NoticeLine>(&line_example()).is_empty());
    }
}
