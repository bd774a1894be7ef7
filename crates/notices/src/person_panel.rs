//! The notices to one person, on their page for staff.

use crate::schema::{notice_reads, notices};
use access::{NOTICES_EDIT, NOTICES_VIEW};
use askama::Template;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, PersonId, calendar};
use module::{PersonPanel, Shown};
use pages::visit::Trouble;
use std::sync::Arc;
use uuid::Uuid;

/// Notices listed at most.
const LISTED: usize = 20;

/// What they were sent, and for whoever writes notices the way to write one.
pub(crate) fn panels() -> Vec<PersonPanel> {
    vec![
        PersonPanel {
            permission: NOTICES_VIEW,
            draw: Arc::new(|tx, shown| Box::pin(draw(tx, shown))),
        },
        PersonPanel {
            permission: NOTICES_EDIT,
            draw: Arc::new(|_, shown| {
                let person = shown.person;
                Box::pin(async move { Ok(Some(WriteLink { person }.render()?)) })
            }),
        },
    ]
}

#[derive(Template)]
#[template(path = "console/person_write.html")]
struct WriteLink {
    person: PersonId,
}

#[derive(Template)]
#[template(path = "console/person_notices.html")]
struct Panel {
    lines: Vec<Line>,
    /// True where there are more than are listed.
    is_cut: bool,
}

struct Line {
    title: String,
    published: String,
    state: &'static str,
}

async fn draw(tx: &TenantTransaction, shown: &Shown) -> Result<Option<String>, Trouble> {
    let rows = rows(tx, shown).await?;
    let panel = Panel {
        is_cut: rows.len() == LISTED,
        lines: rows.into_iter().map(|row| row.line(shown.now)).collect(),
    };
    Ok(Some(panel.render()?))
}

#[derive(Queryable)]
struct Row {
    title: String,
    published_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
}

impl Row {
    fn line(self, now: DateTime<Utc>) -> Line {
        Line {
            title: self.title,
            published: calendar::moment(self.published_at),
            state: match (self.ended_at, self.read_at) {
                _ if self.withdrawn_at.is_some() => "取り下げ",
                _ if self.published_at > now => "掲載前",
                (_, Some(_)) => "既読",
                (Some(end), None) if end <= now => "掲載終了（未読）",
                _ => "未読",
            },
        }
    }
}

async fn rows(tx: &TenantTransaction, shown: &Shown) -> Result<Vec<Row>, DatabaseError> {
    let reader = shown.account.unwrap_or(AccountId(Uuid::nil()));
    let tenant = tx.tenant();
    Ok(notices::table
        .left_join(
            notice_reads::table.on(notice_reads::tenant_id
                .eq(tenant)
                .and(notice_reads::account_id.eq(reader))
                .and(notice_reads::notice_id.eq(notices::notice_id))),
        )
        .filter(notices::tenant_id.eq(tenant))
        .filter(notices::person_id.eq(shown.person))
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("audience = 'person'"))
        .order((notices::published_at.desc(), notices::notice_id.desc()))
        .limit(i64::try_from(LISTED).unwrap_or(i64::MAX))
        .select((
            notices::title,
            notices::published_at,
            notices::ended_at,
            notices::withdrawn_at,
            notice_reads::at.nullable(),
        ))
        .load(&mut &**tx)
        .await?)
}
