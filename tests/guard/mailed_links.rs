//! The secrets of mailed links: looked at freely, used up once.

use super::at_once;
use chrono::{DateTime, TimeDelta, Utc};
use database::{Durability, TenantTransaction};
use guard::links::{self, LinkState};
use kernel::Secret;
use testkit::TestDatabase;
use uuid::Uuid;

async fn peek(
    tx: &mut TenantTransaction,
    db: &TestDatabase,
    now: DateTime<Utc>,
    secret: &Secret,
    purpose: &'static str,
) -> LinkState {
    links::peek(tx, &db.keys, now, secret, purpose).await.unwrap()
}

async fn use_up(
    tx: &mut TenantTransaction,
    db: &TestDatabase,
    now: DateTime<Utc>,
    secret: &Secret,
    purpose: &'static str,
) -> LinkState {
    links::use_up(tx, &db.keys, now, secret, purpose).await.unwrap()
}

// security.md 33
#[tokio::test]
async fn a_link_may_be_looked_at_but_works_once_and_closes_the_others() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(6);
    let ttl = TimeDelta::minutes(30);
    let (now, mut tx) = (db.clock.now(), db.write(db.tenant).await);
    let first = links::issue(&mut tx, &db.keys, now, subject, "password", ttl)
        .await
        .unwrap();
    let second = links::issue(&mut tx, &db.keys, now, subject, "password", ttl)
        .await
        .unwrap();
    let other = links::issue(&mut tx, &db.keys, now, subject, "email", ttl)
        .await
        .unwrap();
    assert_eq!(first.tenant, db.tenant);
    let open = LinkState::Open { subject };
    for _ in 0..3 {
        assert_eq!(peek(&mut tx, &db, now, &first.secret, "password").await, open);
    }
    assert_eq!(
        peek(&mut tx, &db, now, &first.secret, "email").await,
        LinkState::Unknown
    );
    assert_eq!(
        use_up(&mut tx, &db, now, &Secret::random(), "password").await,
        LinkState::Unknown
    );
    assert_eq!(
        peek(&mut tx, &db, now + ttl, &first.secret, "password").await,
        LinkState::Late
    );
    assert_eq!(
        use_up(&mut tx, &db, now + ttl, &first.secret, "password").await,
        LinkState::Late
    );
    assert_eq!(use_up(&mut tx, &db, now, &first.secret, "password").await, open);
    let used = LinkState::Used { subject, at: now };
    assert_eq!(use_up(&mut tx, &db, now, &first.secret, "password").await, used);
    assert_eq!(peek(&mut tx, &db, now, &second.secret, "password").await, used);
    assert_eq!(peek(&mut tx, &db, now, &other.secret, "email").await, open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_uses_of_a_link_at_the_same_time_one_succeeds() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(7);
    let mut tx = db.write(db.tenant).await;
    let link = links::issue(
        &mut tx,
        &db.keys,
        db.clock.now(),
        subject,
        "password",
        TimeDelta::minutes(30),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let opened = at_once(
        || {
            let (database, keys, now) = (db.database.tenant(db.tenant), db.keys.clone(), db.clock.now());
            let secret = link.secret.clone();
            async move {
                let mut tx = database.write(Durability::Safe).await.unwrap();
                let used = links::use_up(&mut tx, &keys, now, &secret, "password").await.unwrap();
                tx.commit().await.unwrap();
                used
            }
        },
        |used| *used == LinkState::Open { subject },
    )
    .await;
    assert_eq!(opened, 1);
}
