//! How often one may try, and how long one waits then.

use super::at_once;
use chrono::TimeDelta;
use database::Durability;
use guard::throttle::{self, Rule, Taken};
use std::time::Duration;
use testkit::TestDatabase;

const MINUTE: Duration = Duration::from_mins(1);

/// Five tries, then 15 minutes, then an hour (security.md 3).
pub(super) const IDENTITY: Rule<'static> = Rule {
    name: "identity",
    tries: 5,
    window: Duration::from_mins(30),
    waits: &[Duration::from_mins(15), Duration::from_hours(1)],
};

pub(super) async fn take(db: &TestDatabase, key: &str) -> Taken {
    let tx = db.write(db.tenant).await;
    let taken = throttle::take(&tx, &db.keys, db.clock.now(), &IDENTITY, key)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    taken
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
    let tx = db.write(db.tenant).await;
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
    let tx = db.write(db.tenant).await;
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
    let (now, tx) = (db.clock.now(), db.write(db.tenant).await);
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
    let (begun, tx) = (db.clock.now(), db.write(db.tenant).await);
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
    let (now, tx) = (db.clock.now(), db.write(db.tenant).await);
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
    let (begun, mut tx) = (db.clock.now(), db.write(db.tenant).await);
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
