//! What the console's home tells of deliveries, and what a person's page tells of both kinds: of the insurer, never of the
//! person.

use super::{
    deliveries::{label, path},
    import,
};
use crate::{
    kind::Kind,
    permissions::{STATEMENTS_CORRECT, STATEMENTS_IMPORT, STATEMENTS_READ},
    published::newest,
    waiting::{Waiting, left_to_staff, waiting},
};
use access::MEMBERS_VIEW;
use askama::Template;
use database::{DatabaseError, TenantTransaction};
use kernel::calendar;
use module::PersonPanel;
use pages::{HomePanel, HomeTask, HomeTaskSource, visit::Trouble, words::grouped};
use staff::Clerk;
use std::sync::Arc;

/// What waits, for whoever looks at deliveries.
pub(crate) fn home() -> Vec<HomePanel> {
    vec![HomePanel {
        id: "statements",
        heading: "医療費・お薬の提供分",
        permission: Some(STATEMENTS_READ),
        of_all: true,
        draw: Arc::new(|tx, clerk, _| Box::pin(waits(tx, clerk))),
    }]
}

/// What programs sent, for whoever decides on it.
pub(crate) fn home_tasks() -> Vec<HomeTaskSource> {
    vec![HomeTaskSource {
        permission: STATEMENTS_IMPORT,
        ask: Arc::new(|tx| Box::pin(sent(tx))),
    }]
}

async fn sent(tx: &TenantTransaction) -> Result<Option<HomeTask>, DatabaseError> {
    Ok(left_to_staff(tx).await?.map(|left| HomeTask {
        text: import::SENT,
        path: import::left_path(&left),
        count: left.runs,
        since: left.since,
    }))
}

/// Whether and when something was published: the same whoever's page it is.
pub(crate) fn person() -> Vec<PersonPanel> {
    vec![PersonPanel {
        permission: MEMBERS_VIEW,
        draw: Arc::new(|tx, _| Box::pin(last(tx))),
    }]
}

#[derive(Template)]
#[template(path = "console/statements_waiting.html")]
struct WaitingPanel {
    lines: Vec<Line>,
    may_settle: bool,
}

/// A delivery that waits.
struct Line {
    path: String,
    name: String,
    is_ready: bool,
    /// When it is to be published.
    planned: Option<String>,
    /// Rows that wait.
    held: Option<String>,
}

async fn waits(tx: &TenantTransaction, clerk: &Clerk) -> Result<Option<String>, Trouble> {
    let lines: Vec<Line> = waiting(tx).await?.iter().map(Line::of).collect();
    let may_settle = clerk.may(STATEMENTS_CORRECT) && lines.iter().any(|line| line.held.is_some());
    let panel = WaitingPanel { lines, may_settle };
    Ok(Some(panel.render()?))
}

impl Line {
    fn of(waiting: &Waiting) -> Self {
        let (kind, month, version) = (waiting.kind.label(), label(waiting.label), waiting.version);
        Self {
            path: path(waiting.delivery),
            name: format!("{kind} {month} 第{version}版"),
            is_ready: waiting.is_ready,
            planned: waiting.publish_at.map(calendar::moment),
            held: (waiting.held > 0).then(|| grouped(waiting.held)),
        }
    }
}

#[derive(Template)]
#[template(path = "console/statements_person.html")]
struct PersonSection {
    /// Of each kind what is said of it.
    lines: Vec<(&'static str, String)>,
}

async fn last(tx: &TenantTransaction) -> Result<Option<String>, Trouble> {
    let newest = newest(tx).await?;
    if newest.is_empty() {
        return Ok(None);
    }
    let of_kind = |kind: Kind| {
        let found = newest.iter().find(|(known, ..)| *known == kind);
        let said = found.map_or_else(
            || "まだ公開していません".to_owned(),
            |(_, month, at)| format!("{}まで（{}に公開）", label(*month), calendar::moment(*at)),
        );
        (kind.label(), said)
    };
    let lines = Kind::ALL.map(of_kind).into();
    Ok(Some(PersonSection { lines }.render()?))
}
