//! What a process says of itself while it runs, for the operators' page: that it is alive, its version, keys, migrations and
//! queues. Where the database is away it says nothing, and others see it as silent.

use crate::app::App;
use database::DatabaseError;
use jobs::nodes::{self, BEAT, Node};
use kernel::NodeId;
use std::time::Duration;
use tokio::{sync::watch, time::timeout};

/// How long a process that ends waits to have said so.
const LEAVING: Duration = Duration::from_secs(2);

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pages and API, with the worker beside them.
    Serve,
    /// Pages and API alone.
    ServeAlone,
    /// Background work alone.
    Work,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::ServeAlone => "serve_alone",
            Self::Work => "work",
        }
    }
}

/// Says so again and again until `stop` turns true, and then that it ends.
pub(crate) async fn run(app: &App, kind: Kind, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let (database, clock) = (&app.ground.database, &app.ground.clock);
    let mut node = node(app, kind).map_err(std::io::Error::other)?;
    let node_id = node.node_id;
    let beats = async {
        loop {
            node.seen_at = clock.now();
            if let Err(error) = nodes::beat(database, &node).await {
                tracing::warn!(%error, "this process could not say that it is alive");
            }
            tokio::time::sleep(BEAT).await;
        }
    };
    tokio::select! {
        () = beats => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    // Where the database is silent nobody waits for this: others see by the time that it has ended.
    match timeout(LEAVING, nodes::leave(database, node_id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "this process could not say that it ends"),
        Err(_) => tracing::warn!("this process could not say in time that it ends"),
    }
    Ok(())
}

fn node(app: &App, kind: Kind) -> Result<Node, DatabaseError> {
    let (keys, now) = (&app.ground.keys, app.ground.clock.now());
    let mut key_ids: Vec<String> = keys.ids().map(str::to_owned).collect();
    key_ids.sort_by_key(|id| (id != keys.current(), id.clone()));
    let queues = match kind {
        Kind::Serve | Kind::Work => app.worker.queues(),
        Kind::ServeAlone => Vec::new(),
    };
    Ok(Node {
        node_id: NodeId::new(now),
        kind: kind.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        migration: database::latest_migration()?,
        key_ids,
        queues: queues.into_iter().map(str::to_owned).collect(),
        started_at: now,
        seen_at: now,
    })
}
