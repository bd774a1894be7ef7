//! Argon2id, and the blocklist's look-ups, on threads of their own behind a bounded line (security.md 24–27, 66). Never on
//! the runtime's blocking pool, never more work accepted than can be done in good time: who finds no room in line is told
//! so at once. Whoever has other work to do before the hash takes a [`Place`] first, so that in a rush nothing at all is
//! done for those who are sent away.
//!
//! A stored hash is the PHC string sealed with the pepper (AES-GCM, key id inside), so the pepper can be rotated
//! without the passwords. An unknown user costs one hash like a known one.

use crate::{
    Candidate, Password,
    argon::{Computer, PasswordHash, Stored, Verdict},
    line::{Line, Waiting},
};
use argon2::Params;
use audit::Origin;
use kernel::{KeyError, Keys, Owner, Problem};
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
/// A thread that had nothing to do for so long frees its memory.
const QUIET: Duration = Duration::from_secs(20);
/// So long afterwards it ends. The allocator keeps freed memory for a second in case it is asked for again, and looks for
/// what is older when a thread ends: only then do the pages go back to the machine.
const LAST: Duration = Duration::from_secs(5);

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
        Self::with_cost(keys, config, HASH_COST)
    }

    fn with_cost(keys: &Keys, config: HashConfig, (memory, passes, lanes): (u32, u32, u32)) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let shared = Arc::new(Shared {
            keys: keys.clone(),
            params: Params::new(memory, passes, lanes, None).unwrap_or(Params::DEFAULT),
            most_threads: if config.threads == 0 { cores } else { config.threads },
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

    /// Looks a new password up in the blocklist: work for these threads too, and refused in a rush like a hash.
    pub async fn screen(&self, origin: &Origin, candidate: Candidate) -> Result<Result<Password, Problem>, HashError> {
        self.ask(self.place(origin)?, move |_| candidate.screen()).await
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
        let mut task = shared.next(QUIET);
        if task.is_none() {
            computer.rest();
            task = shared.next(LAST);
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
mod tests {
    use super::*;

    const CHEAP: (u32, u32, u32) = (64, 1, 1);
    const NO: Verdict = Verdict {
        matches: false,
        rehash: false,
    };

    const HERE: Origin = Origin {
        address: None,
        request_id: None,
        channel: audit::Channel::Worker,
    };

    const OWNER: Owner = Owner {
        tenant: kernel::TenantId(7),
        id: uuid::Uuid::from_u128(1),
    };

    async fn stored(hasher: &Hasher) -> Stored {
        let hash = hasher.hash(&HERE, OWNER, Password::typed("Kenpo#24")).await.unwrap();
        Stored { hash, owner: OWNER }
    }

    fn keys(current: &str) -> Keys {
        Keys::new(current, [("a".to_owned(), [1; 32]), ("b".to_owned(), [2; 32])]).unwrap()
    }

    fn cheap(keys: &Keys) -> Hasher {
        Hasher::with_cost(keys, HashConfig { threads: 1, queue: 4 }, CHEAP)
    }

    #[tokio::test]
    async fn only_the_same_password_matches() {
        let hasher = cheap(&keys("a"));
        let stored = stored(&hasher).await;
        let verdict = async |typed: &str| {
            hasher
                .verify(&HERE, Password::typed(typed), Some(stored.clone()))
                .await
                .unwrap()
        };
        assert_eq!(
            verdict("Kenpo#24").await,
            Verdict {
                matches: true,
                rehash: false
            }
        );
        assert_eq!(
            verdict("Ｋｅｎｐｏ＃２４").await,
            Verdict {
                matches: true,
                rehash: false
            }
        );
        for wrong in ["kenpo#24", "Kenpo#24 ", "", &"x".repeat(9000)] {
            assert_eq!(verdict(wrong).await, NO, "{wrong}");
        }
    }

    // security.md 27
    #[tokio::test]
    async fn nobody_an_empty_and_an_endless_password_cost_one_hash_each() {
        let hasher = cheap(&keys("a"));
        let stored = stored(&hasher).await;
        let endless = "x".repeat(100_000);
        for (typed, stored) in [
            ("Kenpo#24", None),
            ("", Some(stored.clone())),
            (&endless, Some(stored.clone())),
            (&endless, None),
            ("Kenpo#24", Some(stored)),
        ] {
            let before = hasher.hashes();
            let _ = hasher.verify(&HERE, Password::typed(typed), stored).await.unwrap();
            assert_eq!(hasher.hashes() - before, 1);
        }
    }

    // security.md 24, 25
    #[tokio::test]
    async fn raised_parameters_or_a_new_pepper_ask_for_a_new_hash() {
        let stored = stored(&cheap(&keys("a"))).await;
        let asks = async |hasher: Hasher| {
            let verdict = hasher
                .verify(&HERE, Password::typed("Kenpo#24"), Some(stored.clone()))
                .await
                .unwrap();
            assert!(verdict.matches);
            let wrong = hasher
                .verify(&HERE, Password::typed("Kenpo#25"), Some(stored.clone()))
                .await
                .unwrap();
            assert_eq!(wrong, NO);
            verdict.rehash
        };
        assert!(!asks(cheap(&keys("a"))).await);
        assert!(asks(cheap(&keys("b"))).await);
        assert!(
            asks(Hasher::with_cost(
                &keys("a"),
                HashConfig { threads: 1, queue: 4 },
                (128, 1, 1)
            ))
            .await
        );
        let lost = Keys::new("b", [("b".to_owned(), [2; 32])]).unwrap();
        let unknown = cheap(&lost)
            .verify(&HERE, Password::typed("Kenpo#24"), Some(stored))
            .await;
        assert_eq!(unknown, Err(HashError::Key(KeyError::Missing("a".into()))));
    }

    // security.md 26
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn past_the_queue_the_answer_is_busy_at_once_and_the_rest_is_served() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 1, queue: 3 }, (19_456, 2, 1));
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let hasher = hasher.clone();
            waiting.push(tokio::spawn(async move {
                hasher.verify(&HERE, Password::typed("x"), None).await
            }));
        }
        let mut served = 0;
        for task in waiting {
            served += usize::from(task.await.unwrap().is_ok());
        }
        assert!((3..=8).contains(&served), "{served}");
        assert_eq!(hasher.hashes(), served as u64);
        assert!(hasher.verify(&HERE, Password::typed("x"), None).await.is_ok());
    }

    #[tokio::test]
    async fn who_gave_up_waiting_costs_no_hash_and_no_place() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 1, queue: 1 }, (19_456, 2, 1));
        let busy = hasher.clone();
        let first = tokio::spawn(async move { busy.verify(&HERE, Password::typed("x"), None).await });
        tokio::time::sleep(Duration::from_millis(5)).await;
        {
            let mut gone = std::pin::pin!(hasher.verify(&HERE, Password::typed("x"), None));
            // Polled once, so it is in line; then dropped.
            tokio::select! { biased; _ = &mut gone => {}, () = std::future::ready(()) => {} }
        }
        assert!(hasher.verify(&HERE, Password::typed("x"), None).await.is_ok());
        assert!(first.await.unwrap().is_ok());
        assert!(hasher.hashes() <= 3);
    }

    #[tokio::test]
    async fn who_holds_a_place_is_served_and_a_place_given_up_is_free() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 1, queue: 2 }, CHEAP);
        let (first, second) = (hasher.place(&HERE).unwrap(), hasher.place(&HERE).unwrap());
        assert!(hasher.place(&HERE).is_err() && hasher.verify(&HERE, Password::typed("x"), None).await.is_err());
        assert!(hasher.verify_at(first, Password::typed("x"), None).await.is_ok());
        let third = hasher.place(&HERE).unwrap();
        assert!(hasher.place(&HERE).is_err());
        drop((second, third));
        assert!(hasher.place(&HERE).is_ok() && hasher.hashes() == 1);
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer_and_no_thread() {
        let hasher = cheap(&keys("a"));
        for _ in 0..3 {
            let place = hasher.place(&HERE).unwrap();
            let broken = hasher.ask(place, |_| -> bool { panic!("a test") }).await;
            assert_eq!(broken, Err(HashError::Lost));
        }
        let stored = stored(&hasher).await;
        let verdict = hasher.verify(&HERE, Password::typed("Kenpo#24"), Some(stored)).await;
        assert!(verdict.unwrap().matches);
        assert_eq!(hasher.shared.state().threads, 1);
    }

    #[tokio::test]
    async fn threads_start_with_the_work_there_is_and_no_more_than_are_allowed() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 2, queue: 9 }, CHEAP);
        assert_eq!(hasher.shared.state().threads, 0);
        assert!(hasher.hash(&HERE, OWNER, Password::typed("x")).await.is_ok());
        assert_eq!(hasher.shared.state().threads, 1);
        let hashes = (0..9).map(|_| hasher.hash(&HERE, OWNER, Password::typed("x")));
        assert!(futures_util::future::join_all(hashes).await.iter().all(Result::is_ok));
        assert_eq!(hasher.shared.state().threads, 2);
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_hasher() {
        let hasher = cheap(&keys("a"));
        let shared = Arc::downgrade(&hasher.shared);
        drop(hasher.clone());
        assert!(hasher.hash(&HERE, OWNER, Password::typed("x")).await.is_ok());
        drop(hasher);
        for _ in 0..200 {
            if shared.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a thread still holds the queue");
    }
}
