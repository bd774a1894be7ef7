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
use database::TenantTransaction;
use futures_util::try_join;
use kernel::calendar;
use module::PersonPanel;
use pages::{HomePanel, visit::Trouble, words::grouped};
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
    /// What programs sent, for whoever decides on it.
    sent: Option<Sent>,
    lines: Vec<Line>,
    may_settle: bool,
}

/// Files that wait for a decision.
struct Sent {
    path: String,
    count: String,
    since: String,
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
    let (waiting, left) = try_join!(waiting(tx), left_to_staff(tx))?;
    let lines: Vec<Line> = waiting.iter().map(Line::of).collect();
    let sent = left.filter(|_| clerk.may(STATEMENTS_IMPORT)).map(|left| Sent {
        path: if left.runs == 1 {
            import::path(left.oldest)
        } else {
            import::NEW.to_owned()
        },
        count: grouped(left.runs),
        since: calendar::moment(left.since),
    });
    if lines.is_empty() && sent.is_none() {
        return Ok(None);
    }
    let may_settle = clerk.may(STATEMENTS_CORRECT) && lines.iter().any(|line| line.held.is_some());
    let panel = WaitingPanel {
        sent,
        lines,
        may_settle,
    };
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
