//! Argon2id, and the blocklist's look-ups, on threads of their own behind a bounded queue (security.md 24–27). Never on the runtime's blocking pool,
//! never more work accepted than can be done in good time: past the queue the answer is [`Busy`], at once. Whoever has
//! other work to do before the hash takes a [`Place`] first, so that in a rush nothing at all is done for those who are
//! sent away.
//!
//! A stored hash is the PHC string sealed with the pepper (AES-GCM, key id inside), so the pepper can be rotated
//! without the passwords. An unknown user costs one hash like a known one.

use crate::{
    Candidate, Password,
    argon::{Computer, PasswordHash, Verdict},
};
use argon2::Params;
use kernel::{Keys, Problem};
use serde::Deserialize;
use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// Memory in KiB, passes, lanes (OWASP ASVS 5.0 appendix C's least). Raise them here: stored hashes follow at log-in.
pub const HASH_COST: (u32, u32, u32) = (19_456, 2, 1);
/// A thread that had nothing to do for so long gives its memory back.
const IDLE: Duration = Duration::from_secs(20);

/// How many threads hash and how many requests may wait for one.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashConfig {
    /// Threads; 0 means one per core.
    pub threads: usize,
    /// Requests that may wait. A hash takes some 20 ms: 32 per thread wait under a second.
    pub queue: usize,
}

/// All threads busy and the queue full: try again in a few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hashing queue is full")]
pub struct Busy;

/// A place in line, held while its owner makes ready what is to be hashed. Dropped, it is free again.
pub struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.places = line.places.saturating_sub(1);
    }
}

/// The threads and their queue. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Hasher {
    shared: Arc<Shared>,
    _threads: Arc<Threads>,
}

impl Hasher {
    /// Starts the threads.
    pub fn new(keys: &Keys, config: HashConfig) -> Self {
        Self::with_cost(keys, config, HASH_COST)
    }

    fn with_cost(keys: &Keys, config: HashConfig, (memory, passes, lanes): (u32, u32, u32)) -> Self {
        let shared = Arc::new(Shared {
            keys: keys.clone(),
            params: Params::new(memory, passes, lanes, None).unwrap_or(Params::DEFAULT),
            room: config.queue.max(1),
            line: Mutex::default(),
            arrival: Condvar::new(),
            hashes: AtomicU64::new(0),
        });
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        for number in 0..if config.threads == 0 { cores } else { config.threads } {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("hash-{number}"));
            if let Err(error) = thread.spawn(move || work(&shared)) {
                tracing::error!(%error, number, "a hashing thread did not start");
            }
        }
        Self {
            _threads: Arc::new(Threads(Arc::clone(&shared))),
            shared,
        }
    }

    /// Takes a place in line.
    pub fn place(&self) -> Result<Place, Busy> {
        let mut line = self.shared.line();
        if line.is_full(self.shared.room) {
            // Those who gave up make room before anybody is sent away.
            line.tasks.retain(|task| !task.is_abandoned());
        }
        if line.is_full(self.shared.room) {
            metrics::counter!("hash_refused_total").increment(1);
            return Err(Busy);
        }
        line.places += 1;
        drop(line);
        Ok(Place(Arc::clone(&self.shared)))
    }

    /// Looks a new password up in the blocklist: work for these threads too, and refused in a rush like a hash.
    pub async fn screen(&self, candidate: Candidate) -> Result<Result<Password, Problem>, Busy> {
        let place = self.place()?;
        let (answer, screened) = oneshot::channel();
        self.shared.queue(place, Task::Screen { candidate, answer });
        screened.await.map_err(|_| Busy)
    }

    /// Hashes a password.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Busy> {
        let place = self.place()?;
        let (answer, hashed) = oneshot::channel();
        self.shared.queue(place, Task::Hash { password, answer });
        // No answer comes only from a thread that is gone.
        hashed.await.map_err(|_| Busy)
    }

    /// Compares a typed password with the stored hash; `None` (nobody of that name) costs the same and never matches.
    pub async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Verdict, Busy> {
        let place = self.place()?;
        self.verify_at(place, password, stored).await
    }

    /// [`Hasher::verify`] for whoever took a place before; busy only where the threads are gone.
    pub async fn verify_at(
        &self,
        place: Place,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, Busy> {
        let (answer, verdict) = oneshot::channel();
        self.shared.queue(
            place,
            Task::Verify {
                password,
                stored,
                answer,
            },
        );
        verdict.await.map_err(|_| Busy)
    }

    /// Hashes computed so far: what tests of equal cost count.
    pub fn hashes(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }

    /// Requests waiting now, for metrics.
    pub fn waiting(&self) -> usize {
        self.shared.line().tasks.len()
    }
}

enum Task {
    Screen {
        candidate: Candidate,
        answer: oneshot::Sender<Result<Password, Problem>>,
    },
    Hash {
        password: Password,
        answer: oneshot::Sender<PasswordHash>,
    },
    Verify {
        password: Password,
        stored: Option<PasswordHash>,
        answer: oneshot::Sender<Verdict>,
    },
}

impl Task {
    /// True where nobody waits for the answer any more: the work is spared.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Screen { answer, .. } => answer.is_closed(),
            Self::Hash { answer, .. } => answer.is_closed(),
            Self::Verify { answer, .. } => answer.is_closed(),
        }
    }
}

struct Shared {
    keys: Keys,
    params: Params,
    room: usize,
    line: Mutex<Line>,
    arrival: Condvar,
    hashes: AtomicU64,
}

#[derive(Default)]
struct Line {
    tasks: VecDeque<Task>,
    /// Held by those who come with their tasks in a moment.
    places: usize,
    closed: bool,
}

impl Line {
    fn is_full(&self, room: usize) -> bool {
        self.tasks.len() + self.places >= room
    }
}

/// Lives as long as any clone of the hasher: then the threads are told to end.
struct Threads(Arc<Shared>);

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.line().closed = true;
        self.0.arrival.notify_all();
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_hash(&self) {
        self.hashes.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("hashes_total").increment(1);
    }

    fn queue(&self, place: Place, task: Task) {
        self.line().tasks.push_back(task);
        // Only now, so that nobody slips in between.
        drop(place);
        self.arrival.notify_one();
    }

    /// The next task, or `None` after a while without one, or at the end.
    fn next(&self) -> Next {
        let mut line = self.line();
        loop {
            while let Some(task) = line.tasks.pop_front() {
                if !task.is_abandoned() {
                    return Next::Task(task);
                }
            }
            if line.closed {
                return Next::End;
            }
            let (woken, waited) = self
                .arrival
                .wait_timeout(line, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            line = woken;
            if waited.timed_out() && line.tasks.is_empty() && !line.closed {
                return Next::Nothing;
            }
        }
    }
}

enum Next {
    Task(Task),
    Nothing,
    End,
}

/// One thread: its memory is taken at the first task, used for all that follow, and given back in quiet times.
fn work(shared: &Shared) {
    let mut computer = Computer::new(shared.keys.clone(), shared.params.clone());
    loop {
        match shared.next() {
            Next::Task(task) => match task {
                Task::Screen { candidate, answer } => {
                    let _ = answer.send(candidate.screen());
                }
                Task::Hash { password, answer } => {
                    shared.count_hash();
                    if let Some(hash) = computer.hash(&password) {
                        let _ = answer.send(hash);
                    }
                }
                Task::Verify {
                    password,
                    stored,
                    answer,
                } => {
                    shared.count_hash();
                    let _ = answer.send(computer.verify(&password, stored.as_ref()));
                }
            },
            Next::Nothing => computer.rest(),
            Next::End => return,
        }
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

    fn keys(current: &str) -> Keys {
        Keys::new(current, [("a".to_owned(), [1; 32]), ("b".to_owned(), [2; 32])]).unwrap()
    }

    fn cheap(keys: &Keys) -> Hasher {
        Hasher::with_cost(keys, HashConfig { threads: 1, queue: 4 }, CHEAP)
    }

    #[tokio::test]
    async fn only_the_same_password_matches() {
        let hasher = cheap(&keys("a"));
        let stored = hasher.hash(Password::typed("Kenpo#24")).await.unwrap();
        let verdict = async |typed: &str| {
            hasher
                .verify(Password::typed(typed), Some(stored.clone()))
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
        let stored = hasher.hash(Password::typed("Kenpo#24")).await.unwrap();
        let endless = "x".repeat(100_000);
        for (typed, stored) in [
            ("Kenpo#24", None),
            ("", Some(stored.clone())),
            (&endless, Some(stored.clone())),
            (&endless, None),
            ("Kenpo#24", Some(stored)),
        ] {
            let before = hasher.hashes();
            let _ = hasher.verify(Password::typed(typed), stored).await.unwrap();
            assert_eq!(hasher.hashes() - before, 1);
        }
    }

    // security.md 24, 25
    #[tokio::test]
    async fn raised_parameters_or_a_new_pepper_ask_for_a_new_hash() {
        let stored = cheap(&keys("a")).hash(Password::typed("Kenpo#24")).await.unwrap();
        let asks = async |hasher: Hasher| {
            let verdict = hasher
                .verify(Password::typed("Kenpo#24"), Some(stored.clone()))
                .await
                .unwrap();
            assert!(verdict.matches);
            let wrong = hasher
                .verify(Password::typed("Kenpo#25"), Some(stored.clone()))
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
        assert_eq!(
            cheap(&lost)
                .verify(Password::typed("Kenpo#24"), Some(stored))
                .await
                .unwrap(),
            NO
        );
    }

    // security.md 26
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn past_the_queue_the_answer_is_busy_at_once_and_the_rest_is_served() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 1, queue: 3 }, (19_456, 2, 1));
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let hasher = hasher.clone();
            waiting.push(tokio::spawn(
                async move { hasher.verify(Password::typed("x"), None).await },
            ));
        }
        let mut served = 0;
        for task in waiting {
            served += usize::from(task.await.unwrap().is_ok());
        }
        assert!((3..=8).contains(&served), "{served}");
        assert_eq!(hasher.hashes(), served as u64);
        assert!(hasher.verify(Password::typed("x"), None).await.is_ok());
    }

    #[tokio::test]
    async fn who_gave_up_waiting_costs_no_hash_and_no_place() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 1, queue: 1 }, (19_456, 2, 1));
        let busy = hasher.clone();
        let first = tokio::spawn(async move { busy.verify(Password::typed("x"), None).await });
        tokio::time::sleep(Duration::from_millis(5)).await;
        {
            let mut gone = std::pin::pin!(hasher.verify(Password::typed("x"), None));
            // Polled once, so it is in line; then dropped.
            tokio::select! { biased; _ = &mut gone => {}, () = std::future::ready(()) => {} }
        }
        assert!(hasher.verify(Password::typed("x"), None).await.is_ok());
        assert!(first.await.unwrap().is_ok());
        assert!(hasher.hashes() <= 3);
    }

    #[tokio::test]
    async fn who_holds_a_place_is_served_and_a_place_given_up_is_free() {
        let hasher = Hasher::with_cost(&keys("a"), HashConfig { threads: 1, queue: 2 }, CHEAP);
        let (first, second) = (hasher.place().unwrap(), hasher.place().unwrap());
        assert!(hasher.place().is_err() && hasher.verify(Password::typed("x"), None).await.is_err());
        assert!(hasher.verify_at(first, Password::typed("x"), None).await.is_ok());
        let third = hasher.place().unwrap();
        assert!(hasher.place().is_err());
        drop((second, third));
        assert!(hasher.place().is_ok() && hasher.hashes() == 1);
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_hasher() {
        let hasher = cheap(&keys("a"));
        let shared = Arc::downgrade(&hasher.shared);
        drop(hasher.clone());
        assert!(hasher.hash(Password::typed("x")).await.is_ok());
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
