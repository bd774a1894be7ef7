//! The loop that finds due work and hands it to its queue, until told to stop.

use crate::{Due, due};
use database::{Database, DatabaseError};
use kernel::{Clock, TenantId};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// How often an idle worker looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How many items of one queue are worked on side by side.
const ABREAST: usize = 4;
/// How many items are fetched in one look.
const BATCH: i64 = 64;

/// A kind of work. `work` claims the item inside its insurer, does it, and takes it out of `due` or moves it there;
/// an item somebody else has claimed is left alone.
pub trait Queue: Send + Sync + 'static {
    /// The queue's name in `due`.
    fn name(&self) -> &'static str;

    /// Works on one item. `Err` is an outage: the item stays due.
    fn work(&self, due: Due) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>>;
}

/// Finds due work over all insurers. Any number of workers may run, on any number of machines.
#[derive(Clone)]
pub struct Worker {
    database: Database,
    clock: Clock,
    queues: Vec<Arc<dyn Queue>>,
}

impl Worker {
    /// A worker on no queue yet.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            queues: Vec::new(),
        }
    }

    /// Adds a queue to serve.
    #[must_use]
    pub fn serving(mut self, queue: impl Queue) -> Self {
        self.queues.push(Arc::new(queue));
        self
    }

    /// Works until `stop` turns true; what is under way is finished first.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow_and_update() {
            let worked = match self.run_once().await {
                Ok(worked) => worked,
                Err(error) => {
                    tracing::warn!(%error, "worker pauses: the database is away");
                    0
                }
            };
            if worked == 0 {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    /// Works on everything due now, once; the number of items taken up.
    pub async fn run_once(&self) -> Result<usize, DatabaseError> {
        let mut worked = 0;
        for queue in &self.queues {
            worked += self.serve(queue, None).await?;
        }
        Ok(worked)
    }

    /// As [`run_once`](Self::run_once) for a single insurer.
    pub async fn run_once_for(&self, tenant: TenantId) -> Result<usize, DatabaseError> {
        let mut worked = 0;
        for queue in &self.queues {
            worked += self.serve(queue, Some(tenant)).await?;
        }
        Ok(worked)
    }

    async fn serve(&self, queue: &Arc<dyn Queue>, of: Option<TenantId>) -> Result<usize, DatabaseError> {
        let now = self.clock.now();
        let items = due::waiting(&self.database, queue.name(), of, now, BATCH).await?;
        if of.is_none() {
            // The longest waiting comes first. What fails stays due, and grows old in the next look.
            let age = items
                .first()
                .map_or(0.0, |oldest| (now - oldest.since).as_seconds_f64());
            metrics::gauge!("queue_age_seconds", "queue" => queue.name()).set(age);
        }
        let worked = items.len();
        let mut abreast = JoinSet::new();
        for item in items {
            if abreast.len() >= ABREAST {
                abreast.join_next().await;
            }
            let queue = Arc::clone(queue);
            abreast.spawn(async move {
                if let Err(error) = queue.work(item).await {
                    tracing::warn!(queue = queue.name(), tenant = item.tenant.0, item = %item.item, %error, "work failed; it stays due");
                }
            });
        }
        while abreast.join_next().await.is_some() {}
        Ok(worked)
    }
}
