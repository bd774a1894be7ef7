//! Argon2id on threads of their own behind a bounded line (security.md 24–27, 66). Never on
//! the runtime's blocking pool, never more work accepted than can be done in good time: who finds no room in line is told
//! so at once. Whoever has other work to do before the hash takes a [`Place`] first, so that in a rush nothing at all is
//! done for those who are sent away.
//!
//! A stored hash is the PHC string sealed with the pepper (AES-GCM, key id inside), so the pepper can be rotated
//! without the passwords. An unknown user costs one hash like a known one.

use crate::{
    Password,
    argon::{Computer, PasswordHash, Stored, Verdict},
    line::{Line, Waiting},
};
use argon2::Params;
use audit::Origin;
use kernel::{KeyError, Keys, Outage, OutageKind, Owner};
use serde::Deserialize;
use std::{
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// Memory in KiB, passes, lanes (OWASP ASVS 5.0 appendix C's least). Raise them here: stored hashes follow at log-in.
pub const HASH_COST: (u32, u32, u32) = (19_456, 2, 1);
/// A thread that had nothing to do for the first time frees its memory, and for the second ends. The allocator keeps freed
/// memory for a second in case it is asked for again, and looks for what is older when a thread ends: only then do the
/// pages go back to the machine.
const QUIET: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(5)];

/// How many threads hash and how many requests may wait for one.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashConfig {
    /// Threads; 0 means one per core.
    pub threads: usize,
    /// Requests of one network that may wait while no others do; then each network has its share, and there may be twice
    /// as many in all. A hash takes some 20 ms: 32 per thread wait under a second.
    pub queue: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No room in line: try again in a few seconds.
    #[error("the hashing line is full")]
    Busy,
    /// The thread that had the work broke off; the next try finds another.
    #[error("a hashing thread broke off")]
    Lost,
    /// The stored hash does not open: nothing is known of the password.
    #[error("a stored password hash does not open: {0}")]
    Key(#[from] KeyError),
}

impl From<HashError> for Outage {
    fn from(error: HashError) -> Self {
        Self::new(OutageKind::Fault, error)
    }
}

/// A place in line, held while its owner makes ready what is to be hashed. Dropped, it is free again.
pub struct Place {
    network: Arc<str>,
    shared: Arc<Shared>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.state().line.leave(&self.network);
    }
}

/// The threads and their line. Threads start when there is work and end when there was none for a while, or with the
/// last clone of this. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    shared: Arc<Shared>,
    _open: Arc<Open>,
}

impl Hasher {
    /// A hasher without threads, for nothing is to be hashed yet.
    pub fn new(keys: &Keys, config: HashConfig) -> Self {
        Self::with(keys, config, HASH_COST, QUIET)
    }

    fn with(keys: &Keys, config: HashConfig, (memory, passes, lanes): (u32, u32, u32), quiet: [Duration; 2]) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let shared = Arc::new(Shared {
            keys: keys.clone(),
            params: Params::new(memory, passes, lanes, None).unwrap_or(Params::DEFAULT),
            most_threads: if config.threads == 0 { cores } else { config.threads },
            quiet,
            state: Mutex::new(State {
                line: Line::new(config.queue),
                threads: 0,
                resting: 0,
                closed: false,
            }),
            arrival: Condvar::new(),
            hashes: AtomicU64::new(0),
        });
        Self {
            _open: Arc::new(Open(Arc::clone(&shared))),
            shared,
        }
    }

    /// Takes a place in line for whoever asks from there.
    pub fn place(&self, origin: &Origin) -> Result<Place, HashError> {
        let network = Arc::from(origin.network());
        if !self.shared.state().line.enter(&network) {
            metrics::counter!("hash_refused_total").increment(1);
            return Err(HashError::Busy);
        }
        let shared = Arc::clone(&self.shared);
        Ok(Place { network, shared })
    }

    /// Hashes a password, for this owner's row alone.
    pub async fn hash(&self, origin: &Origin, owner: Owner, password: Password) -> Result<PasswordHash, HashError> {
        let shared = Arc::clone(&self.shared);
        let hash = self.ask(self.place(origin)?, move |computer| {
            shared.count_hash();
            computer.hash(owner, &password)
        });
        hash.await?.ok_or(HashError::Lost)
    }

    /// A right password hashed anew where its hash has aged; where there is no place for that now, some other log-in does it.
    pub async fn renewed(
        &self,
        verdict: Verdict,
        origin: &Origin,
        owner: Owner,
        password: Password,
    ) -> Option<PasswordHash> {
        if verdict.rehash {
            self.hash(origin, owner, password).await.ok()
        } else {
            None
        }
    }

    /// Compares a typed password with the stored hash; `None` (nobody of that name) costs the same and never matches.
    pub async fn verify(
        &self,
        origin: &Origin,
        password: Password,
        stored: Option<Stored>,
    ) -> Result<Verdict, HashError> {
        self.verify_at(self.place(origin)?, password, stored).await
    }

    /// [`Hasher::verify`] for whoever took a place before: never busy.
    pub async fn verify_at(
        &self,
        place: Place,
        password: Password,
        stored: Option<Stored>,
    ) -> Result<Verdict, HashError> {
        let shared = Arc::clone(&self.shared);
        let verdict = self.ask(place, move |computer| {
            shared.count_hash();
            computer.verify(&password, stored.as_ref())
        });
        Ok(verdict.await??)
    }

    /// Hashes computed so far: what tests of equal cost count.
    pub fn hashes(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }

    /// Requests waiting now, for metrics.
    pub fn waiting(&self) -> usize {
        self.shared.state().line.waiting()
    }

    async fn ask<T, W>(&self, place: Place, work: W) -> Result<T, HashError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Computer) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.shared.queue(place, Box::new(Asked { work, answer }));
        answered.await.map_err(|_| HashError::Lost)
    }
}

/// Work for a thread, whatever its answer.
trait Task: Send {
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>, computer: &mut Computer);
}

struct Asked<W, T> {
    work: W,
    answer: oneshot::Sender<T>,
}

impl<T: Send, W: FnOnce(&mut Computer) -> T + Send> Task for Asked<W, T> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, computer: &mut Computer) {
        // Nobody may wait for it any more.
        let _ = self.answer.send((self.work)(computer));
    }
}

impl Waiting for Box<dyn Task> {
    fn is_abandoned(&self) -> bool {
        self.as_ref().is_abandoned()
    }
}

struct Shared {
    keys: Keys,
    params: Params,
    most_threads: usize,
    quiet: [Duration; 2],
    state: Mutex<State>,
    arrival: Condvar,
    hashes: AtomicU64,
}

struct State {
    line: Line<Box<dyn Task>>,
    threads: usize,
    /// Threads that wait for an arrival.
    resting: usize,
    closed: bool,
}

/// Lives as long as any clone of the hasher: then the threads are told to end.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.arrival.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_hash(&self) {
        self.hashes.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("hashes_total").increment(1);
    }

    fn queue(self: &Arc<Self>, place: Place, task: Box<dyn Task>) {
        let mut state = self.state();
        state.line.push(&place.network, task);
        let lacking = state.line.waiting() > state.resting && state.threads < self.most_threads;
        state.threads += usize::from(lacking);
        drop(state);
        // Only now, so that nobody slips in between.
        drop(place);
        if lacking {
            self.start_thread();
        } else {
            self.arrival.notify_one();
        }
    }

    fn start_thread(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let started = std::thread::Builder::new()
            .name("hash".into())
            .spawn(move || work(&shared));
        if let Err(error) = started {
            tracing::error!(%error, "a hashing thread did not start");
            let mut state = self.state();
            state.threads -= 1;
            if state.threads == 0 {
                // Who waits would wait for ever.
                while state.line.pop().is_some() {}
            }
        }
    }

    /// The next task; none where the thread was without one for so long, or where there will be no more.
    fn next(&self, patience: Duration) -> Option<Box<dyn Task>> {
        let mut state = self.state();
        loop {
            if let Some(task) = state.line.pop() {
                return Some(task);
            }
            if state.closed {
                return None;
            }
            state.resting += 1;
            let (woken, waited) = self
                .arrival
                .wait_timeout(state, patience)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.resting -= 1;
            if waited.timed_out() && state.line.waiting() == 0 {
                return None;
            }
        }
    }

    /// True where the thread may end: under the lock, so that no task comes in between.
    fn ends(&self) -> bool {
        let mut state = self.state();
        let ends = state.line.waiting() == 0;
        state.threads -= usize::from(ends);
        ends
    }
}

/// One thread. Its memory is taken at the first task and used for all that follow.
fn work(shared: &Shared) {
    let mut computer = Computer::new(shared.keys.clone(), shared.params.clone());
    loop {
        let [first, second] = shared.quiet;
        let mut task = shared.next(first);
        if task.is_none() {
            computer.rest();
            task = shared.next(second);
        }
        match task {
            Some(task) => run(task, &mut computer),
            None if shared.ends() => return,
            None => {}
        }
    }
}

/// A panic costs whoever waits for this task their answer, and nobody else anything.
fn run(task: Box<dyn Task>, computer: &mut Computer) {
    if catch_unwind(AssertUnwindSafe(|| task.run(computer))).is_err() {
        metrics::counter!("hash_panics_total").increment(1);
        tracing::error!("a hashing thread broke off and goes on");
        computer.rest();
    }
}

#[cfg(test)]
mod tests;
