//! The loop that takes due work and hands it to its queue, until told to stop.
//!
//! One look serves all queues. Each has its places, so one that hangs holds no other up; whatever ends frees its place,
//! and the next look fills it. While anything is held its lease is renewed.

use crate::{
    Due, LetGo,
    ages::Ages,
    bell,
    due::{self, Free},
    lease::caught,
};
use database::{Database, DatabaseError};
use kernel::{Clock, TenantId, WorkerId};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use uuid::Uuid;

/// How often an idle worker looks that nothing wakes.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks of a busy one: what ended meanwhile is made up for at once.
const GAP: Duration = Duration::from_millis(25);
/// Between two renewals of what is held: several fit into a lease.
const BEAT: Duration = Duration::from_secs(5);
/// How often the queues' ages are looked at: well within the time between two scrapes.
const MEASURE: Duration = Duration::from_secs(5);
/// How long giving back may take; it is one statement each.
const GIVING_BACK: Duration = Duration::from_secs(5);
/// Between two tries to reach the database.
const RETRY: Duration = Duration::from_secs(1);
/// After an outage: whoever brought something to its end during it, here or elsewhere, notes it before it is taken anew.
const NOTING: Duration = Duration::from_secs(2);

/// A kind of work. `work` reads the item inside its insurer, does it, and in the transaction that notes its end takes it
/// out of `due` or puts it back there ([`due::finish`], [`due::put_back`]).
pub trait Queue: Send + Sync + 'static {
    /// The queue's name in `due`.
    fn name(&self) -> &'static str;

    /// How many of its items a worker does side by side. A quarter is kept from [`due::Rank::Bulk`].
    fn width(&self) -> usize {
        4
    }

    /// How many of one insurer's items a worker does side by side: less than its width where an item may hold its place for
    /// long, waiting for somebody, so that the insurer's others find one.
    fn share(&self) -> usize {
        self.width()
    }

    /// Works on one item, and gives it back where told to let go. `Err` is an outage: the item stays leased for a while.
    fn work(&self, due: Due, let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>>;
}

/// Takes due work over all insurers. Any number of workers may run, on any number of machines.
#[derive(Clone)]
pub struct Worker {
    database: Database,
    clock: Clock,
    id: WorkerId,
    queues: Vec<Arc<dyn Queue>>,
    held: Held,
    ages: Ages,
}

impl Worker {
    /// A worker on no queue yet.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            id: WorkerId::new(clock.now()),
            database,
            clock,
            queues: Vec::new(),
            held: Held::default(),
            ages: Ages::default(),
        }
    }

    /// Adds a queue to serve.
    #[must_use]
    pub fn serving(mut self, queue: impl Queue) -> Self {
        self.queues.push(Arc::new(queue));
        self
    }

    /// The names of the queues that it serves.
    pub fn queues(&self) -> Vec<&'static str> {
        self.queues.iter().map(|queue| queue.name()).collect()
    }

    /// Works until `stop` turns true. What is under way then may take `drain` longer; after that it is given back, for
    /// another process to take up at once.
    pub async fn run(&self, stop: watch::Receiver<bool>, drain: Duration) {
        let (tell, told) = watch::channel(false);
        let let_go = LetGo::when(told);
        let woken = Notify::new();
        let patience = async {
            stopped(stop.clone()).await;
            tokio::time::sleep(drain).await;
            tell.send_replace(true);
            tokio::time::sleep(GIVING_BACK).await;
        };
        tokio::select! {
            () = Box::pin(self.serve(stop.clone(), &let_go, &woken)) => {}
            () = patience => tracing::warn!("some work could not be given back; its leases run out"),
            () = Box::pin(bell::hear(&self.database, &woken)) => {}
            () = Box::pin(self.beat()) => {}
            () = Box::pin(self.measure()) => {}
        }
    }

    /// Works on what is due now, once, as much of it as there are places for; the number of items that moved on.
    pub async fn run_once(&self) -> Result<usize, DatabaseError> {
        self.once(None).await
    }

    /// As [`run_once`](Self::run_once) for a single insurer.
    pub async fn run_once_for(&self, tenant: TenantId) -> Result<usize, DatabaseError> {
        self.once(Some(tenant)).await
    }

    async fn once(&self, of: Option<TenantId>) -> Result<usize, DatabaseError> {
        let mut hands = JoinSet::new();
        for due in self.take(of).await? {
            self.start(&mut hands, due, LetGo::never());
        }
        let ended = hands.join_all().await;
        Ok(ended.into_iter().filter(|moved| *moved).count())
    }

    /// Tells the queues' ages to the metrics: at each scrape, so that they grow whatever becomes of the loops.
    pub fn tell_ages(&self) {
        let now = self.clock.now();
        for queue in &self.queues {
            if let Some(age) = self.ages.of(queue.name(), now) {
                metrics::gauge!("queue_age_seconds", "queue" => queue.name()).set(age);
            }
        }
    }

    /// Fills free places until told to stop, then sees to its end what is under way.
    async fn serve(&self, mut stop: watch::Receiver<bool>, let_go: &LetGo, woken: &Notify) {
        let mut hands = JoinSet::new();
        while !*stop.borrow_and_update() {
            let taken = match self.take(None).await {
                Ok(taken) => taken,
                // Too many ask at once; nothing is away.
                Err(DatabaseError::Busy) => Vec::new(),
                Err(error) => {
                    tracing::warn!(%error, "worker pauses: the database is away");
                    tokio::select! {
                        () = self.recover() => {}
                        _ = stop.changed() => {}
                    }
                    continue;
                }
            };
            let idle = taken.is_empty();
            for due in taken {
                self.start(&mut hands, due, let_go.clone());
            }
            tokio::time::sleep(GAP).await;
            while hands.try_join_next().is_some() {}
            if idle || self.free().is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = woken.notified() => {}
                    _ = hands.join_next(), if !hands.is_empty() => {}
                    _ = stop.changed() => {}
                }
            }
        }
        while hands.join_next().await.is_some() {}
    }

    /// Takes what there are places for.
    async fn take(&self, of: Option<TenantId>) -> Result<Vec<Due>, DatabaseError> {
        let free = self.free();
        if free.is_empty() {
            return Ok(Vec::new());
        }
        due::take(&self.database, self.id, &free, of, self.clock.now()).await
    }

    fn free(&self) -> Vec<Free> {
        let held = self.held.lock();
        let free = |queue: &Arc<dyn Queue>| {
            let (name, width) = (queue.name(), queue.width());
            let of_queue = held.values().filter(|due| due.queue == name);
            let held: Vec<TenantId> = of_queue.map(|due| due.tenant).collect();
            let places = width.saturating_sub(held.len());
            Free {
                queue: name,
                places,
                bulk: places.saturating_sub(width / 4),
                share: queue.share(),
                held,
            }
        };
        self.queues.iter().map(free).filter(|free| free.places > 0).collect()
    }

    /// Hands an item to its queue; gives true where it moved on.
    fn start(&self, hands: &mut JoinSet<bool>, due: Due, let_go: LetGo) {
        let queue = self.queues.iter().find(|queue| queue.name() == due.queue);
        let (Some(queue), Some(holding)) = (queue.cloned(), self.held.hold(due)) else {
            return;
        };
        hands.spawn(async move {
            let _holding = holding;
            let (queue_name, tenant, item) = (due.queue, due.tenant.0, due.item);
            match caught(queue.work(due, let_go)).await {
                Ok(Ok(())) => true,
                Ok(Err(error)) => {
                    tracing::warn!(queue = queue_name, tenant, %item, %error, "work failed; it is due again after its lease");
                    false
                }
                Err(_) => {
                    tracing::warn!(queue = queue_name, tenant, %item, "work panicked; it is due again after its lease");
                    false
                }
            }
        });
    }

    /// Waits until the database answers again and ends have been noted.
    async fn recover(&self) {
        loop {
            tokio::time::sleep(RETRY).await;
            if self.renew().await.is_ok() {
                break;
            }
        }
        tokio::time::sleep(NOTING).await;
    }

    /// Renews what is held, beat by beat.
    async fn beat(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "leases could not be renewed");
            }
        }
    }

    async fn renew(&self) -> Result<(), DatabaseError> {
        let held: Vec<Due> = self.held.lock().values().copied().collect();
        due::renew(&self.database, self.id, &held).await
    }

    /// Looks how old the queues are, also while the loop is held up.
    async fn measure(&self) {
        self.ages.see(self.clock.now(), []);
        let queues = self.queues();
        loop {
            let now = self.clock.now();
            match due::oldest(&self.database, &queues, now).await {
                Ok(oldest) => self.ages.see(now, oldest),
                Err(error) => tracing::warn!(%error, "the queues' ages are not known"),
            }
            tokio::time::sleep(MEASURE).await;
        }
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender's end means the same.
    drop(stop.wait_for(|stop| *stop).await);
}

type Key = (TenantId, &'static str, Uuid);

/// What this process is working on.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<HashMap<Key, Due>>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Due>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds an item until the holding is dropped. None where its first taking is still at work, as after an outage that
    /// was longer than its lease: taken anew by the same holder, it is renewed.
    fn hold(&self, due: Due) -> Option<Holding> {
        let key = (due.tenant, due.queue, due.item);
        let first = self.lock().insert(key, due).is_none();
        first.then(|| Holding(self.clone(), key))
    }
}

struct Holding(Held, Key);

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}
