//! The queue of jobs: leases that are somebody's, tries that count, handlers that misbehave.

use chrono::TimeDelta;
use database::{Database, DatabaseError, Durability};
use jobs::{
    Due, Job, JobError, Jobs, LetGo, Queue, Worker,
    due::{self, LEASE, Rank},
};
use kernel::{Keys, TenantId};
use serde::{Deserialize, Serialize};
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::TestDatabase;
use tokio::sync::{Notify, Semaphore};

#[derive(Serialize, Deserialize)]
struct Chore {
    typed: String,
}

impl Job for Chore {
    const QUEUE: &'static str = "test_chore";
    const TRIES: i32 = 3;
}

async fn enqueue(db: &TestDatabase, keys: &Keys) {
    let mut tx = db.write(db.tenant).await;
    let now = db.clock.now();
    let chore = Chore { typed: "x".into() };
    jobs::enqueue(&mut tx, keys, now, now, &chore).await.unwrap();
    tx.commit().await.unwrap();
}

fn worker<H, F>(db: &TestDatabase, keys: &Keys, handler: H) -> Worker
where
    H: Fn(TenantId, Chore) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), JobError>> + Send + 'static,
{
    let (database, clock) = (db.database.clone(), db.clock.clone());
    let jobs = Jobs::new(database.clone(), keys.clone(), clock.clone(), handler);
    Worker::new(database, clock).serving(jobs)
}

async fn ends(_: TenantId, _: Chore) -> Result<(), JobError> {
    Ok(())
}

/// Works a few rounds, with time for every lease and wait between them.
async fn rounds(db: &TestDatabase, worker: &Worker, rounds: usize) {
    for _ in 0..rounds {
        worker.run_once_for(db.tenant).await.unwrap();
        db.clock.advance(TimeDelta::hours(2));
        db.end_leases().await;
    }
}

async fn due(db: &TestDatabase) -> usize {
    let query = format!(
        "SELECT '' AS line FROM due WHERE tenant_id = {} AND queue NOT LIKE 'dead.%'",
        db.tenant
    );
    db.lines(&query).await.len()
}

async fn leased(db: &TestDatabase) -> usize {
    let query = format!(
        "SELECT '' AS line FROM due WHERE tenant_id = {} AND leased_by IS NOT NULL",
        db.tenant
    );
    db.lines(&query).await.len()
}

#[tokio::test]
async fn a_job_whose_handler_panics_is_a_dead_letter_after_its_tries() {
    let db = TestDatabase::new().await;
    enqueue(&db, &db.keys).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let poisoned = worker(&db, &db.keys, move |_, chore: Chore| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { panic!("{}", chore.typed) }
    });
    rounds(&db, &poisoned, 6).await;
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(db.count("jobs", "dead_at IS NOT NULL").await, 1);
    assert_eq!(due(&db).await, 0);
}

#[tokio::test]
async fn a_job_that_never_comes_to_an_end_is_given_up_before_it_has_ended_many_workers() {
    let db = TestDatabase::new().await;
    enqueue(&db, &db.keys).await;
    // Workers took it, and were killed.
    let taken = format!("UPDATE due SET takes = 3 WHERE tenant_id = {}", db.tenant);
    testkit::sql(db.tenant, &taken).await;
    rounds(&db, &worker(&db, &db.keys, ends), 1).await;
    let dead = "dead_at IS NOT NULL AND last_error = 'never came to an end'";
    assert_eq!((db.count("jobs", dead).await, due(&db).await), (1, 0));
}

#[tokio::test]
async fn a_missing_key_is_no_try_and_a_worker_that_has_it_does_the_job() {
    let db = TestDatabase::new().await;
    let (old, new) = (("test".to_owned(), [7; 32]), ("next".to_owned(), [8; 32]));
    let rotated = Keys::new("next", [old, new]).unwrap();
    enqueue(&db, &rotated).await;
    rounds(&db, &worker(&db, &db.keys, ends), 10).await;
    assert_eq!(db.count("jobs", "dead_at IS NULL AND attempts = 0").await, 1);
    rounds(&db, &worker(&db, &rotated, ends), 1).await;
    assert_eq!((db.count("jobs", "true").await, due(&db).await), (0, 0));
}

#[tokio::test]
async fn whoever_comes_back_done_after_the_lease_leaves_the_job_to_who_has_it_now() {
    comes_back_after_the_lease(|| Ok(())).await;
}

#[tokio::test]
async fn whoever_fails_after_the_lease_leaves_the_job_to_who_has_it_now() {
    comes_back_after_the_lease(|| Err(JobError("failed late".into()))).await;
}

/// Two have the job, the second by right: how the first ends changes nothing.
async fn comes_back_after_the_lease(end: fn() -> Result<(), JobError>) {
    let db = TestDatabase::new().await;
    enqueue(&db, &db.keys).await;
    let held = |started: &Arc<Notify>, go_on: &Arc<Notify>, end: fn() -> Result<(), JobError>| {
        let (started, go_on) = (Arc::clone(started), Arc::clone(go_on));
        worker(&db, &db.keys, move |_, _| {
            let (started, go_on) = (Arc::clone(&started), Arc::clone(&go_on));
            async move {
                started.notify_one();
                go_on.notified().await;
                end()
            }
        })
    };
    let bells: Vec<Arc<Notify>> = (0..4).map(|_| Arc::default()).collect();
    let (slow, quick) = (held(&bells[0], &bells[1], end), held(&bells[2], &bells[3], || Ok(())));
    let tenant = db.tenant;
    let first = tokio::spawn(async move { slow.run_once_for(tenant).await });
    bells[0].notified().await;
    db.end_leases().await;
    let second = tokio::spawn(async move { quick.run_once_for(tenant).await });
    bells[2].notified().await;
    bells[1].notify_one();
    first.await.unwrap().unwrap();
    assert_eq!(db.count("jobs", "attempts = 2 AND last_error IS NULL").await, 1);
    assert_eq!(leased(&db).await, 1);
    bells[3].notify_one();
    second.await.unwrap().unwrap();
    assert_eq!((db.count("jobs", "true").await, due(&db).await), (0, 0));
}

#[derive(Serialize, Deserialize)]
struct Longer;

impl Job for Longer {
    const QUEUE: &'static str = "test_longer";
}

#[tokio::test]
async fn a_job_longer_than_its_lease_is_held_and_done_once() {
    let db = TestDatabase::new().await;
    let mut tx = db.write(db.tenant).await;
    let now = db.clock.now();
    jobs::enqueue(&mut tx, &db.keys, now, now, &Longer).await.unwrap();
    tx.commit().await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let worker = || {
        let (database, clock, calls) = (db.database.clone(), db.clock.clone(), Arc::clone(&calls));
        let jobs = Jobs::new(database.clone(), db.keys.clone(), clock.clone(), move |_, _: Longer| {
            calls.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::time::sleep(LEASE + Duration::from_secs(5)).await;
                Ok(())
            }
        });
        Worker::new(database, clock).serving(jobs)
    };
    let (told, stopped) = tokio::sync::watch::channel(false);
    let (one, other) = (worker(), worker());
    let drain = Duration::from_mins(1);
    let ended = tokio::time::sleep(LEASE + Duration::from_secs(7));
    let stop = async {
        ended.await;
        told.send_replace(true);
    };
    tokio::join!(one.run(stopped.clone(), drain), other.run(stopped, drain), stop);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!((db.count("jobs", "true").await, due(&db).await), (0, 0));
}

#[derive(Serialize, Deserialize)]
struct Fair {
    whose: String,
}

impl Job for Fair {
    const QUEUE: &'static str = "test_fair";
}

#[tokio::test]
async fn what_one_insurer_left_to_do_by_the_hundred_delays_no_other() {
    let (many, one) = (TestDatabase::new().await, TestDatabase::new().await);
    one.clock.advance(TimeDelta::seconds(30));
    for (db, whose, jobs) in [(&many, "many", 100), (&one, "one", 1)] {
        let mut tx = db.write(db.tenant).await;
        let now = db.clock.now();
        for _ in 0..jobs {
            let job = Fair { whose: whose.into() };
            jobs::enqueue(&mut tx, &db.keys, now, now, &job).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let done = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&done);
    let (database, clock) = (one.database.clone(), one.clock.clone());
    let jobs = Jobs::new(
        database.clone(),
        one.keys.clone(),
        clock.clone(),
        move |_, job: Fair| {
            noted.lock().unwrap().push(job.whose);
            async { Ok(()) }
        },
    );
    let worker = Worker::new(database, clock).serving(jobs);
    while worker.run_once().await.unwrap() > 0 {}
    let done = done.lock().unwrap().clone();
    assert_eq!(done.len(), 101);
    let place = done.iter().position(|whose| whose == "one").unwrap();
    // Thirty seconds came before it, each of which was another's turn.
    assert!((28..40).contains(&place), "place {place}");
}

const KEEPING: &str = "test_keeping";

/// Work that keeps its place until it is let go on: of four places an insurer has half.
#[derive(Clone)]
struct Keeping {
    database: Database,
    taken: Arc<Mutex<Vec<TenantId>>>,
    go_on: Arc<Semaphore>,
}

impl Keeping {
    /// Waits until so many were taken; of whom.
    async fn has(&self, count: usize) -> Vec<TenantId> {
        let taken = async {
            loop {
                let taken = self.taken.lock().unwrap().clone();
                if taken.len() >= count {
                    return taken;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), taken).await.unwrap()
    }
}

impl Queue for Keeping {
    fn name(&self) -> &'static str {
        KEEPING
    }

    fn share(&self) -> usize {
        2
    }

    fn work(&self, due: Due, _: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(async move {
            self.taken.lock().unwrap().push(due.tenant);
            self.go_on.acquire().await.unwrap().forget();
            let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
            due::finish(&mut tx, &due).await?;
            tx.commit().await
        })
    }
}

#[tokio::test]
async fn an_insurer_keeps_no_more_than_its_share_of_the_places_and_another_finds_the_rest() {
    let (many, other) = (TestDatabase::new().await, TestDatabase::new().await);
    // All of the first one's stand before the other's.
    other.clock.advance(TimeDelta::seconds(30));
    for db in [&many, &other] {
        let mut tx = db.write(db.tenant).await;
        for item in 1..=6 {
            let (item, now) = (uuid::Uuid::from_u128(item), db.clock.now());
            due::schedule(&mut tx, KEEPING, item, now, Rank::Soon).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let queue = Keeping {
        database: other.database.clone(),
        taken: Arc::default(),
        go_on: Arc::new(Semaphore::new(0)),
    };
    let worker = Worker::new(other.database.clone(), other.clock.clone()).serving(queue.clone());
    let (first, second) = (worker.clone(), worker.clone());
    let first = tokio::spawn(async move { first.run_once().await });
    queue.has(2).await;
    let second = tokio::spawn(async move { second.run_once().await });
    let taken = queue.has(4).await;
    assert_eq!(taken, [many.tenant, many.tenant, other.tenant, other.tenant]);
    assert_eq!(worker.run_once().await.unwrap(), 0, "no place is left");
    queue.go_on.add_permits(12);
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (2, 2));
    while worker.run_once().await.unwrap() > 0 {}
    assert_eq!(queue.has(12).await.len(), 12);
}

#[tokio::test]
async fn only_a_commit_rings_and_whoever_listens_is_woken() {
    let db = TestDatabase::new().await;
    let other = TestDatabase::new().await;
    let mut listener = other.database.listen("test_bell").await.unwrap();
    let soon = Duration::from_millis(200);
    let mut tx = db.write(db.tenant).await;
    tx.ring();
    assert!(tokio::time::timeout(soon, db.database.rung()).await.is_err(), "not yet");
    tx.rollback().await.unwrap();
    assert!(tokio::time::timeout(soon, db.database.rung()).await.is_err(), "undone");
    enqueue(&db, &db.keys).await;
    tokio::time::timeout(soon, db.database.rung()).await.expect("rung");
    assert!(
        tokio::time::timeout(soon, listener.heard()).await.is_err(),
        "nobody notified"
    );
    db.database.notify("test_bell").await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), listener.heard()).await;
    heard.expect("woken").unwrap();
}

#[tokio::test]
async fn a_line_in_due_without_its_job_or_mail_is_taken_out_and_keeps_nobody_busy() {
    let db = TestDatabase::new().await;
    let now = db.clock.now();
    let mut tx = db.write(db.tenant).await;
    due::schedule(&mut tx, Chore::QUEUE, uuid::Uuid::from_u128(1), now, Rank::Bulk)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let worker = worker(&db, &db.keys, ends);
    let emptied = async { while worker.run_once_for(db.tenant).await.unwrap() > 0 {} };
    tokio::time::timeout(Duration::from_secs(10), emptied)
        .await
        .expect("an end");
    assert_eq!(due(&db).await, 0);
}

#[tokio::test]
async fn what_a_failed_job_leaves_tells_nothing_that_was_typed() {
    #[derive(Serialize, Deserialize)]
    struct Older {
        typed: Vec<String>,
    }
    impl Job for Older {
        const QUEUE: &'static str = Chore::QUEUE;
    }
    let db = TestDatabase::new().await;
    let mut tx = db.write(db.tenant).await;
    let (now, typed) = (db.clock.now(), vec!["ケンポ".into()]);
    jobs::enqueue(&mut tx, &db.keys, now, now, &Older { typed })
        .await
        .unwrap();
    tx.commit().await.unwrap();
    rounds(&db, &worker(&db, &db.keys, ends), 1).await;
    assert_eq!(
        db.lines("SELECT last_error AS line FROM jobs").await,
        ["payload does not read"]
    );
}

fn event(number: u128) -> jobs::Event {
    jobs::Event {
        kind: "test.event",
        subject: uuid::Uuid::from_u128(number),
        payload: serde_json::json!({}),
    }
}

#[tokio::test]
async fn events_have_positions_without_gaps_in_the_order_of_commit() {
    let db = TestDatabase::new().await;
    let (tenant, now) = (db.database.tenant(db.tenant), db.clock.now());
    // Told first and committed last; told and undone; many at once.
    let mut slow = tenant.write(Durability::Safe).await.unwrap();
    jobs::publish(&mut slow, now, event(1));
    let mut undone = tenant.write(Durability::Safe).await.unwrap();
    jobs::publish(&mut undone, now, event(2));
    undone.rollback().await.unwrap();
    let mut quick = tenant.write(Durability::Safe).await.unwrap();
    let many = jobs::SameEvents {
        kind: "test.event",
        subjects: (3..6003).map(uuid::Uuid::from_u128).collect(),
        payload: serde_json::json!({}),
    };
    jobs::publish_all(&mut quick, now, many);
    quick.commit().await.unwrap();
    slow.commit().await.unwrap();
    let lines = db
        .lines("SELECT position || ' ' || right(subject::text, 4) AS line FROM events ORDER BY position")
        .await;
    assert_eq!(lines.len(), 6001);
    assert_eq!(
        (&*lines[0], &*lines[5999], &*lines[6000]),
        ("1 0003", "6000 1772", "6001 0001")
    );
}

#[tokio::test]
async fn many_who_tell_at_once_get_a_position_each() {
    let db = TestDatabase::new().await;
    let mut all = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (tenant, now) = (db.database.tenant(db.tenant), db.clock.now());
        all.spawn(async move {
            let mut tx = tenant.write(Durability::Safe).await.unwrap();
            jobs::publish(&mut tx, now, event(number));
            tx.commit().await.unwrap();
        });
    }
    all.join_all().await;
    let lines = db
        .lines("SELECT position::text AS line FROM events ORDER BY position")
        .await;
    let positions: Vec<String> = (1..=20).map(|position| position.to_string()).collect();
    assert_eq!(lines, positions);
}
