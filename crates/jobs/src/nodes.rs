//! The processes that run: each says of itself every [`BEAT`] that it is alive, and takes its row away when it ends. One
//! that says nothing for [`STALE`] is told as silent, and its row goes after [`KEPT`].

use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::NodeId;
use std::time::Duration;

/// Between two words of a process.
pub const BEAT: Duration = Duration::from_secs(15);
/// After so long without a word it is told as silent.
pub const STALE: TimeDelta = TimeDelta::seconds(60);
/// After so long without one it is forgotten.
const KEPT: TimeDelta = TimeDelta::days(7);

mod table {
    diesel::table! {
        nodes (node_id) {
            node_id -> Uuid,
            kind -> Text,
            version -> Text,
            migration -> Text,
            key_ids -> Array<Text>,
            queues -> Array<Text>,
            started_at -> Timestamptz,
            seen_at -> Timestamptz,
        }
    }
}
use table::nodes;

/// A process, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = nodes)]
pub struct Node {
    /// Which.
    pub node_id: NodeId,
    /// `serve`, `serve_alone` (without a worker) or `work`.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// The newest migration that it knows.
    pub migration: String,
    /// The keys of its ring, by their ids; the current one first.
    pub key_ids: Vec<String>,
    /// The queues that it works on.
    pub queues: Vec<String>,
    /// Since when it runs.
    pub started_at: DateTime<Utc>,
    /// When it last said so.
    pub seen_at: DateTime<Utc>,
}

impl Node {
    /// True where it has said nothing for too long.
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        now - self.seen_at > STALE
    }
}

/// Says that it is alive, and forgets those that were silent for long.
pub async fn beat(database: &Database, node: &Node) -> Result<(), DatabaseError> {
    let mut tx = database.directory().await?;
    diesel::insert_into(nodes::table)
        .values(node)
        .on_conflict(nodes::node_id)
        .do_update()
        .set(nodes::seen_at.eq(node.seen_at))
        .execute(&mut *tx)
        .await?;
    diesel::delete(nodes::table)
        .filter(nodes::seen_at.lt(node.seen_at - KEPT))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// Says that it ends.
pub async fn leave(database: &Database, node: NodeId) -> Result<(), DatabaseError> {
    let mut tx = database.directory().await?;
    diesel::delete(nodes::table.find(node)).execute(&mut *tx).await?;
    tx.commit().await
}

/// All of them, the oldest first; so many at most.
pub async fn all(database: &Database) -> Result<Vec<Node>, DatabaseError> {
    let mut tx = database.directory().await?;
    let all = nodes::table
        .order((nodes::started_at, nodes::node_id))
        .limit(MOST)
        .select(Node::as_select())
        .load(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(all)
}

/// Of more nobody could read the table.
const MOST: i64 = 500;
