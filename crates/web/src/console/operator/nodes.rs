//! 稼働状況: which processes are alive, what they are, and how long what waits has waited.

use access::OPERATOR_HEALTH;
use askama::Template;
use chrono::{DateTime, Utc};
use database::Readiness;
use jobs::nodes::Node;
use kernel::calendar;
use pages::{Reply, Row, Visit, frame::Frame, kinds, staff};
use poem::http::Method;
use staff::Clerk;

const PATH: &str = "/operator/nodes";

/// The rows of this page.
pub(super) fn rows() -> Vec<Row> {
    vec![staff(Method::GET, PATH, "operator.nodes", OPERATOR_HEALTH, show)]
}

#[derive(Template)]
#[template(path = "console/operator/nodes.html")]
struct NodesPage {
    frame: Frame,
    database: String,
    is_ready: bool,
    /// More than one version, newest migration or set of keys among those that are alive.
    differ: bool,
    nodes: Vec<Line>,
    /// Of each what it is called, its code, and how long it has waited.
    queues: Vec<(&'static str, String, String)>,
}

/// A process.
struct Line {
    kind: &'static str,
    is_stale: bool,
    version: String,
    migration: String,
    keys: String,
    started: String,
    seen: String,
}

impl Line {
    fn of(node: &Node, now: DateTime<Utc>) -> Self {
        Self {
            kind: match &*node.kind {
                "serve" => "画面とAPI、裏の処理",
                "serve_alone" => "画面とAPI",
                _ => "裏の処理",
            },
            is_stale: node.is_stale(now),
            version: node.version.clone(),
            migration: node.migration.clone(),
            keys: node.key_ids.join("、"),
            started: calendar::moment(node.started_at),
            seen: calendar::moment(node.seen_at),
        }
    }
}

/// `GET /operator/nodes`.
async fn show(visit: Visit, _: Clerk) -> Reply {
    let (database, now) = (&visit.services.database, visit.now);
    let nodes = jobs::nodes::all(database).await?;
    let mut names: Vec<&str> = nodes.iter().flat_map(|node| &node.queues).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let oldest = jobs::due::oldest(database, &names, now).await?;
    let readiness = database.readiness().await;
    let mut alive = nodes.iter().filter(|node| !node.is_stale(now));
    let told = |node: &Node| {
        let mut keys = node.key_ids.clone();
        keys.sort_unstable();
        (node.version.clone(), node.migration.clone(), keys)
    };
    let first = alive.next().map(told);
    visit.html(&NodesPage {
        database: database_words(readiness),
        is_ready: readiness == Readiness::Ready,
        differ: alive.any(|node| Some(told(node)) != first),
        nodes: nodes.iter().map(|node| Line::of(node, now)).collect(),
        queues: oldest
            .into_iter()
            .map(|(queue, since)| {
                let waited = since.map_or("待ちなし".to_owned(), |since| waited(since, now));
                (kinds::work(&queue), queue, waited)
            })
            .collect(),
        frame: visit.frame().in_section(PATH),
    })
}

fn database_words(readiness: Readiness) -> String {
    match readiness {
        Readiness::Ready => "使えます".to_owned(),
        Readiness::Pending(count) => format!("まだ行っていない移行が{count}件あります"),
        Readiness::Undistributed => "分散していない表があります".to_owned(),
        Readiness::ReadOnly => "書き込めません".to_owned(),
        Readiness::Failing => "問い合わせを断られました".to_owned(),
        Readiness::Away => "答えがありません".to_owned(),
    }
}

fn waited(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - since).num_seconds() {
        seconds @ ..60 => format!("{}秒", seconds.max(0)),
        seconds @ 60..3600 => format!("{}分", seconds / 60),
        seconds => format!("{}時間{}分", seconds / 3600, seconds % 3600 / 60),
    }
}
