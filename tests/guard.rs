//! What proves a person, on a real database: throttles, codes and links, most of all where two come at once.

mod mailed_links;

use audit::Origin;
use chrono::TimeDelta;
use database::{Durability, TenantTransaction};
use guard::{
    codes::{self, CodeVerdict, TypedCode},
    links::{self, Link},
    sessions::{self, Carrier, Limits, SubjectKind},
    throttle::{self, Rule, Taken},
};
use kernel::{Keys, Secret, TenantId};
use std::{future::Future, time::Duration};
use testkit::TestDatabase;
use tokio::task::JoinSet;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_mins(1);
/// Five tries, then 15 minutes, then an hour (the issue, step 1).
const IDENTITY: Rule<'static> = Rule {
    name: "identity",
    tries: 5,
    window: Duration::from_mins(30),
    waits: &[Duration::from_mins(15), Duration::from_hours(1)],
};

async fn write(db: &TestDatabase) -> TenantTransaction {
    db.database.tenant(db.tenant).write(Durability::Safe).await.unwrap()
}

async fn take(db: &TestDatabase, key: &str) -> Taken {
    let tx = write(db).await;
    let taken = throttle::take(&tx, &db.keys, db.clock.now(), &IDENTITY, key)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    taken
}

/// Runs the same fifty times at once and counts the answers that `is` right.
async fn at_once<T, F>(make: impl Fn() -> F, is: impl Fn(&T) -> bool) -> usize
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut all: JoinSet<T> = (0..50).map(|_| make()).collect();
    let mut right = 0;
    while let Some(answer) = all.join_next().await {
        right += usize::from(is(&answer.unwrap()));
    }
    right
}

// security.md 1, 3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_tries_at_the_same_time_count_as_five() {
    let db = TestDatabase::new().await;
    let free = at_once(
        || {
            let (database, keys, now) = (db.database.tenant(db.tenant), db.keys.clone(), db.clock.now());
            async move {
                let tx = database.write(Durability::Safe).await.unwrap();
                let taken = throttle::take(&tx, &keys, now, &IDENTITY, "123-456").await.unwrap();
                tx.commit().await.unwrap();
                taken
            }
        },
        |taken| *taken == Taken::Free,
    )
    .await;
    assert_eq!(free, 5);
    let until = db.clock.now() + TimeDelta::minutes(15);
    assert_eq!(take(&db, "123-456").await, Taken::Wait { until });
    assert_eq!(take(&db, "123-457").await, Taken::Free);
}

#[tokio::test]
async fn waits_grow_repeat_at_the_longest_and_start_anew_after_a_quiet_day() {
    let db = TestDatabase::new().await;
    for minutes in [15, 60, 60] {
        for _ in 0..5 {
            assert_eq!(take(&db, "key").await, Taken::Free);
        }
        let until = db.clock.now() + TimeDelta::minutes(minutes);
        assert_eq!(take(&db, "key").await, Taken::Wait { until });
        // Asking again while waiting neither counts nor prolongs.
        db.clock.advance(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
        assert_eq!(take(&db, "key").await, Taken::Wait { until });
        db.clock.advance(TimeDelta::seconds(1));
    }
    db.clock.advance(TimeDelta::days(1));
    for _ in 0..5 {
        assert_eq!(take(&db, "key").await, Taken::Free);
    }
    let until = db.clock.now() + TimeDelta::minutes(15);
    assert_eq!(take(&db, "key").await, Taken::Wait { until });
}

#[tokio::test]
async fn tries_of_an_earlier_window_do_not_count() {
    let db = TestDatabase::new().await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(take(&db, "key").await, Taken::Free);
        }
        db.clock.advance(TimeDelta::minutes(30));
    }
}

#[tokio::test]
async fn success_forgives_the_owner_and_gives_a_shared_key_its_one_try_back() {
    let db = TestDatabase::new().await;
    let now = db.clock.now();
    for _ in 0..5 {
        assert_eq!(take(&db, "owner").await, Taken::Free);
        assert_eq!(take(&db, "shared").await, Taken::Free);
    }
    let tx = write(&db).await;
    throttle::forgive(&tx, &db.keys, &IDENTITY, "owner").await.unwrap();
    throttle::give_back(&tx, &db.keys, now, &IDENTITY, "shared")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for _ in 0..5 {
        assert_eq!(take(&db, "owner").await, Taken::Free);
    }
    assert_eq!(take(&db, "shared").await, Taken::Free);
    let until = now + TimeDelta::minutes(15);
    assert_eq!(take(&db, "shared").await, Taken::Wait { until });
}

#[tokio::test]
async fn an_insurers_count_only_reports_and_never_refuses() {
    let db = TestDatabase::new().await;
    let tx = write(&db).await;
    for expected in 1..=20 {
        let count = throttle::count(&tx, &db.keys, db.clock.now(), &IDENTITY, "insurer")
            .await
            .unwrap();
        assert_eq!(count, expected);
    }
    let later = db.clock.now() + TimeDelta::minutes(31);
    assert_eq!(
        throttle::count(&tx, &db.keys, later, &IDENTITY, "insurer")
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_rule_of_one_try_waits_from_the_second_on() {
    let db = TestDatabase::new().await;
    let once = Rule {
        name: "once",
        tries: 1,
        window: MINUTE,
        waits: &[],
    };
    let (now, tx) = (db.clock.now(), write(&db).await);
    let first = throttle::take(&tx, &db.keys, now, &once, "key").await.unwrap();
    let second = throttle::take(&tx, &db.keys, now, &once, "key").await.unwrap();
    assert_eq!(
        (first, second),
        (
            Taken::Free,
            Taken::Wait {
                until: now + TimeDelta::minutes(1)
            }
        )
    );
}

#[tokio::test]
async fn without_waits_of_its_own_a_rule_waits_until_its_window_ends_and_no_longer() {
    let db = TestDatabase::new().await;
    let (begun, tx) = (db.clock.now(), write(&db).await);
    let twice = Rule {
        name: "twice",
        tries: 2,
        window: MINUTE * 15,
        waits: &[],
    };
    let take = async |minutes| {
        let now = begun + TimeDelta::minutes(minutes);
        throttle::take(&tx, &db.keys, now, &twice, "key").await.unwrap()
    };
    let until = begun + TimeDelta::minutes(15);
    assert_eq!((take(0).await, take(14).await), (Taken::Free, Taken::Free));
    assert_eq!(take(14).await, Taken::Wait { until });
    // The next window begins with its own first try.
    assert_eq!((take(20).await, take(21).await), (Taken::Free, Taken::Free));
    let until = begun + TimeDelta::minutes(35);
    assert_eq!(take(34).await, Taken::Wait { until });
    assert_eq!(take(35).await, Taken::Free);
}

#[tokio::test]
async fn a_look_tells_how_rules_stand_and_counts_nothing() {
    let db = TestDatabase::new().await;
    let (now, tx) = (db.clock.now(), write(&db).await);
    let watched = [
        (IDENTITY, "tried".to_owned()),
        (IDENTITY, "full".to_owned()),
        (IDENTITY, "fresh".to_owned()),
    ];
    for (key, tries) in [("tried", 2), ("full", 5)] {
        for _ in 0..tries {
            throttle::count_failure(&tx, &db.keys, now, &IDENTITY, key)
                .await
                .unwrap();
        }
    }
    let look = async |later| {
        let standing = throttle::look(&tx, &db.keys, now + later, &watched).await.unwrap();
        standing
            .iter()
            .map(|standing| (standing.tries, standing.wait, standing.counted))
            .collect::<Vec<_>>()
    };
    let until = Some(now + TimeDelta::minutes(15));
    for _ in 0..2 {
        assert_eq!(
            look(TimeDelta::zero()).await,
            [(2, None, true), (5, until, true), (0, None, false)]
        );
    }
    // Windows and waits that are over count no longer; what is left of them may be forgiven.
    assert_eq!(
        look(TimeDelta::minutes(15)).await,
        [(2, None, true), (0, None, true), (0, None, false)]
    );
    assert_eq!(
        look(TimeDelta::minutes(30)).await,
        [(0, None, true), (0, None, true), (0, None, false)]
    );
}

// security.md 72
#[tokio::test]
async fn refusals_are_told_once_their_minute_is_over_by_the_next_or_by_the_sweep() {
    let db = TestDatabase::new().await;
    let (begun, mut tx) = (db.clock.now(), write(&db).await);
    let at = |seconds| begun + TimeDelta::seconds(seconds);
    let mut told = Vec::new();
    for second in [0, 1, 59, 60, 61] {
        let over = throttle::count_refusal(&tx, at(second), "refused", b"id")
            .await
            .unwrap();
        told.extend(over.map(|over| (second, over.count, over.from, over.to)));
    }
    assert_eq!(told, [(60, 3, at(0), at(59))]);
    assert!(
        throttle::count_refusal(&tx, at(61), "refused", b"other")
            .await
            .unwrap()
            .is_none()
    );
    for (second, counts) in [
        (119, vec![]),
        (121, vec![(b"id".to_vec(), 2), (b"other".to_vec(), 1)]),
        (200, vec![]),
    ] {
        let over = throttle::finished_refusals(&mut tx, at(second), &["refused"])
            .await
            .unwrap();
        let mut over: Vec<_> = over.into_iter().map(|over| (over.key_hash, over.count)).collect();
        over.sort();
        assert_eq!(over, counts, "{second}");
    }
}

async fn issue(db: &TestDatabase, subject: Uuid) -> String {
    let mut tx = write(db).await;
    let code = codes::issue(
        &mut tx,
        &db.keys,
        db.clock.now(),
        subject,
        "sign_up",
        TimeDelta::minutes(10),
    )
    .await
    .unwrap();
    assert_eq!(code.expires_at(), db.clock.now() + TimeDelta::minutes(10));
    tx.commit().await.unwrap();
    code.digits().to_owned()
}

fn typed_code(typed: &str) -> TypedCode {
    TypedCode::parse(typed).unwrap()
}

async fn check(db: &TestDatabase, subject: Uuid, typed: &str) -> CodeVerdict {
    let mut tx = write(db).await;
    let verdict = codes::check(
        &mut tx,
        &db.keys,
        db.clock.now(),
        subject,
        "sign_up",
        &typed_code(typed),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    verdict
}

// security.md 14
#[tokio::test]
async fn a_stored_code_is_a_keyed_hash_bound_to_whom_it_is_for() {
    let db = TestDatabase::new().await;
    let subjects = [1, 2].map(Uuid::from_u128);
    let code = issue(&db, subjects[0]).await;
    let plain = format!("code_hash IN ('{code}'::bytea, sha256('{code}'::bytea))");
    assert_eq!(
        (
            db.count("codes", "length(code_hash) > 32").await,
            db.count("codes", &plain).await
        ),
        (1, 0)
    );
    // Its row opens nothing for another subject, nor under another key.
    let copy = format!(
        "UPDATE codes SET subject_id = '{}' WHERE tenant_id = {} AND subject_id = '{}'",
        subjects[1], db.tenant, subjects[0]
    );
    assert_eq!(check(&db, subjects[0], &another(&code)).await, CodeVerdict::Wrong);
    testkit::sql(db.tenant, &copy).await;
    assert_eq!(check(&db, subjects[1], &code).await, CodeVerdict::Wrong);
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

// security.md 9–14
#[tokio::test]
async fn a_code_opens_once_and_in_time_only() {
    let db = TestDatabase::new().await;
    let (subject, stranger) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let code = issue(&db, subject).await;
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
    let wrong = another(&code);
    assert_eq!(check(&db, subject, &wrong).await, CodeVerdict::Wrong, "{wrong}");
    for no_code in [
        "",
        "abcdef",
        "00000000000000000000",
        &code[..5],
        "'; DROP TABLE codes; --",
    ] {
        assert!(TypedCode::parse(no_code).is_err(), "{no_code}");
    }
    assert_eq!(check(&db, stranger, &code).await, CodeVerdict::Wrong);
    let wide: String = code
        .bytes()
        .filter_map(|b| char::from_u32(0xFF10 + u32::from(b - b'0')))
        .collect();
    assert_eq!(check(&db, subject, &format!(" {wide} ")).await, CodeVerdict::Right);
    assert_eq!(check(&db, subject, &code).await, CodeVerdict::Used);

    let late = issue(&db, subject).await;
    db.clock.advance(TimeDelta::minutes(10));
    assert_eq!(check(&db, subject, &late).await, CodeVerdict::Late);
}

#[tokio::test]
async fn a_newer_code_supersedes_the_older_and_says_so() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(3);
    let (first, second) = (issue(&db, subject).await, issue(&db, subject).await);
    if first != second {
        assert_eq!(check(&db, subject, &first).await, CodeVerdict::Superseded);
    }
    assert_eq!(check(&db, subject, &second).await, CodeVerdict::Right);
    // After its use, too: the older one was never the right one.
    if first != second {
        assert_eq!(check(&db, subject, &first).await, CodeVerdict::Superseded);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_right_codes_at_the_same_time_one_is_right() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(4);
    let code = issue(&db, subject).await;
    let right = at_once(
        || {
            let (database, keys, now) = (db.database.tenant(db.tenant), db.keys.clone(), db.clock.now());
            let code = code.clone();
            async move {
                let mut tx = database.write(Durability::Safe).await.unwrap();
                let verdict = codes::check(&mut tx, &keys, now, subject, "sign_up", &typed_code(&code))
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                verdict
            }
        },
        |verdict| *verdict == CodeVerdict::Right,
    )
    .await;
    assert_eq!(right, 1);
}

#[tokio::test]
async fn a_code_outlives_a_new_current_key_but_not_the_loss_of_its_own() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(5);
    let old = Keys::new("old", [("old".to_owned(), [7; 32])]).unwrap();
    let rotated = Keys::new("new", [("old".to_owned(), [7; 32]), ("new".to_owned(), [8; 32])]).unwrap();
    let lost = Keys::new("new", [("new".to_owned(), [8; 32])]).unwrap();
    let (now, mut tx) = (db.clock.now(), write(&db).await);
    let code = codes::issue(&mut tx, &old, now, subject, "email", TimeDelta::minutes(10))
        .await
        .unwrap();
    let digits = &typed_code(code.digits());
    assert_eq!(
        codes::check(&mut tx, &lost, now, subject, "email", digits)
            .await
            .unwrap(),
        CodeVerdict::Wrong
    );
    assert_eq!(
        codes::check(&mut tx, &old, now, subject, "sign_up", digits)
            .await
            .unwrap(),
        CodeVerdict::Wrong
    );
    assert_eq!(
        codes::check(&mut tx, &rotated, now, subject, "email", digits)
            .await
            .unwrap(),
        CodeVerdict::Right
    );
}

async fn session(db: &TestDatabase, subject: Uuid) -> Secret {
    let limits = Limits {
        idle: MINUTE * 30,
        absolute: MINUTE * 720,
    };
    let tx = write(db).await;
    let (now, kind, origin) = (db.clock.now(), SubjectKind::Member, Origin::worker());
    let token = sessions::open(&tx, &db.keys, now, kind, subject, limits, &origin, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    token.secret
}

// security.md 51
#[tokio::test]
async fn nothing_of_one_insurer_exists_for_another() {
    let (db, other) = (TestDatabase::new().await, TestDatabase::new().await);
    let subject = Uuid::from_u128(12);
    let secret = session(&db, subject).await;
    let code = issue(&db, subject).await;
    let (now, keys) = (db.clock.now(), &db.keys);
    let mut tx = write(&db).await;
    let link = links::issue(&mut tx, keys, now, subject, "password", TimeDelta::minutes(30))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // The platform's counts are everybody's: a key of this test's own.
    let mine = format!("of {}", db.tenant);
    for _ in 0..6 {
        take(&db, &mine).await;
    }
    for tenant in [other.tenant, TenantId::PLATFORM] {
        let mut tx = db.database.tenant(tenant).write(Durability::Safe).await.unwrap();
        assert!(
            sessions::load(&tx, keys, now, Carrier::Cookie, &secret)
                .await
                .unwrap()
                .is_none()
        );
        assert!(sessions::list(&mut tx, now, subject).await.unwrap().is_empty());
        assert_eq!(sessions::end_all(&mut tx, subject, None).await.unwrap(), 0);
        assert_eq!(
            codes::check(&mut tx, keys, now, subject, "sign_up", &typed_code(&code))
                .await
                .unwrap(),
            CodeVerdict::Wrong
        );
        assert_eq!(
            links::peek(&mut tx, keys, now, &link.secret, "password").await.unwrap(),
            Link::Unknown
        );
        assert_eq!(
            throttle::take(&tx, keys, now, &IDENTITY, &mine).await.unwrap(),
            Taken::Free
        );
    }
}

#[tokio::test]
async fn sweeping_takes_what_ran_out_days_ago_and_nothing_else() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(13);
    session(&db, subject).await;
    issue(&db, subject).await;
    take(&db, "key").await;
    let mut tx = write(&db).await;
    links::issue(
        &mut tx,
        &db.keys,
        db.clock.now(),
        subject,
        "password",
        TimeDelta::minutes(30),
    )
    .await
    .unwrap();
    assert_eq!(
        guard::sweep(&mut tx, db.clock.now() + TimeDelta::days(1))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        guard::sweep(&mut tx, db.clock.now() + TimeDelta::days(3))
            .await
            .unwrap(),
        4
    );
    tx.commit().await.unwrap();
}
