//! The loops that find due work and hand it to its queue, until told to stop.

use crate::{Due, LetGo, Worked, due};
use database::{Database, DatabaseError};
use futures_util::future::join_all;
use kernel::{Clock, TenantId};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

/// How often an idle worker looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the queues' age is measured: well within the time between two scrapes.
const MEASURE: Duration = Duration::from_secs(5);
/// How long giving back may take; it is one statement each.
const GIVING_BACK: Duration = Duration::from_secs(5);
/// How many items of one queue are worked on side by side.
const ABREAST: usize = 4;
/// How many items are fetched in one look.
const BATCH: i64 = 64;

/// A kind of work. `work` claims the item inside its insurer, does it, and takes it out of `due` or moves it there;
/// an item somebody else has claimed is left alone.
pub trait Queue: Send + Sync + 'static {
    /// The queue's name in `due`.
    fn name(&self) -> &'static str;

    /// Works on one item, and gives it back where told to let go. `Err` is an outage: the item stays due, or leased.
    fn work(&self, due: Due, let_go: LetGo)
    -> Pin<Box<dyn Future<Output = Result<Worked, DatabaseError>> + Send + '_>>;
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

    /// Works until `stop` turns true. What is under way then may take `drain` longer; after that it is given back, for
    /// another process to take up at once. Each queue has a loop of its own: one that hangs holds no other up.
    pub async fn run(&self, stop: watch::Receiver<bool>, drain: Duration) {
        let (tell, told) = watch::channel(false);
        let let_go = LetGo::when(told);
        let loops = self.queues.iter().map(|queue| self.serve(queue, stop.clone(), &let_go));
        let patience = async {
            stopped(stop.clone()).await;
            tokio::time::sleep(drain).await;
            tell.send_replace(true);
            tokio::time::sleep(GIVING_BACK).await;
        };
        tokio::select! {
            _ = join_all(loops) => {}
            () = patience => tracing::warn!("some work could not be given back; its leases run out"),
            () = self.measure() => {}
        }
    }

    /// Works on everything due now, once; the number of items that moved on.
    pub async fn run_once(&self) -> Result<usize, DatabaseError> {
        self.once(None).await
    }

    /// As [`run_once`](Self::run_once) for a single insurer.
    pub async fn run_once_for(&self, tenant: TenantId) -> Result<usize, DatabaseError> {
        self.once(Some(tenant)).await
    }

    async fn once(&self, of: Option<TenantId>) -> Result<usize, DatabaseError> {
        let (_running, stop) = watch::channel(false);
        let mut moved = 0;
        for queue in &self.queues {
            moved += self.look(queue, of, &stop, &LetGo::never()).await?;
        }
        Ok(moved)
    }

    /// One queue's loop. Where nothing moved (idle, or all of it is held by others or failing) it pauses.
    async fn serve(&self, queue: &Arc<dyn Queue>, mut stop: watch::Receiver<bool>, let_go: &LetGo) {
        while !*stop.borrow_and_update() {
            let moved = match self.look(queue, None, &stop, let_go).await {
                Ok(moved) => moved,
                Err(error) => {
                    tracing::warn!(queue = queue.name(), %error, "worker pauses: the database is away");
                    0
                }
            };
            if moved == 0 {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    /// Takes up what is due now, a few items at a time, and none any more once told to stop.
    async fn look(
        &self,
        queue: &Arc<dyn Queue>,
        of: Option<TenantId>,
        stop: &watch::Receiver<bool>,
        let_go: &LetGo,
    ) -> Result<usize, DatabaseError> {
        let items = due::waiting(&self.database, queue.name(), of, self.clock.now(), BATCH).await?;
        let mut moved = 0;
        let mut abreast = JoinSet::new();
        for item in items {
            if abreast.len() >= ABREAST {
                moved += count(abreast.join_next().await.as_ref());
            }
            if *stop.borrow() {
                break;
            }
            let (queue, let_go) = (Arc::clone(queue), let_go.clone());
            abreast.spawn(async move {
                let worked = queue.work(item, let_go).await;
                if let Err(error) = &worked {
                    tracing::warn!(queue = queue.name(), tenant = item.tenant.0, item = %item.item, %error, "work failed; it stays due");
                }
                matches!(worked, Ok(Worked::Moved))
            });
        }
        while let Some(ended) = abreast.join_next().await {
            moved += count(Some(&ended));
        }
        Ok(moved)
    }

    /// Tells how long the oldest item of each queue has waited, also while the loops are held up.
    async fn measure(&self) {
        loop {
            for queue in &self.queues {
                let now = self.clock.now();
                match due::oldest(&self.database, queue.name(), now).await {
                    Ok(oldest) => {
                        let age = oldest.map_or(0.0, |since| (now - since).as_seconds_f64());
                        metrics::gauge!("queue_age_seconds", "queue" => queue.name()).set(age);
                    }
                    Err(error) => tracing::warn!(queue = queue.name(), %error, "the queue's age is not known"),
                }
            }
            tokio::time::sleep(MEASURE).await;
        }
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender's end means the same.
    drop(stop.wait_for(|stop| *stop).await);
}

/// One where an item moved on. A handler that panicked left its lease to run out; the panic is in the log.
fn count(ended: Option<&Result<bool, JoinError>>) -> usize {
    usize::from(matches!(ended, Some(Ok(true))))
}
