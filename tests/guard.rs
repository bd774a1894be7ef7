//! What proves a person, on a real database: throttles, codes and links, most of all where two come at once.

mod codes;
mod mailed_links;
mod throttles;

use audit::Origin;
use chrono::TimeDelta;
use codes::{issue, typed_code};
use guard::{
    codes::CodeVerdict,
    links::{self, LinkState},
    sessions::{self, Carrier, Limits, SubjectKind},
    throttle::Taken,
};
use kernel::{Secret, TenantId};
use std::{future::Future, time::Duration};
use testkit::TestDatabase;
use throttles::{IDENTITY, take};
use tokio::task::JoinSet;
use uuid::Uuid;

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

async fn session(db: &TestDatabase, subject: Uuid) -> Secret {
    let limits = Limits {
        idle: Duration::from_mins(30),
        absolute: Duration::from_hours(12),
    };
    let tx = db.write(db.tenant).await;
    let (now, kind, origin) = (db.clock.now(), SubjectKind::Member, Origin::worker());
    let token = sessions::open(
        &tx,
        &db.keys,
        now,
        &origin,
        sessions::Opening::new(kind, subject, limits, ""),
    )
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
    let mut tx = db.write(db.tenant).await;
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
        let mut tx = db.write(tenant).await;
        assert!(
            sessions::load(&tx, keys, now, Carrier::Cookie, &secret)
                .await
                .unwrap()
                .is_none()
        );
        assert!(sessions::list(&mut tx, now, subject).await.unwrap().is_empty());
        assert_eq!(sessions::end_all(&mut tx, subject, None).await.unwrap(), 0);
        assert_eq!(
            guard::codes::check(&mut tx, keys, now, subject, "sign_up", &typed_code(&code))
                .await
                .unwrap(),
            CodeVerdict::Wrong
        );
        assert_eq!(
            links::peek(&mut tx, keys, now, &link.secret, "password").await.unwrap(),
            LinkState::Unknown
        );
        assert_eq!(
            guard::throttle::take(&tx, keys, now, &IDENTITY, &mine).await.unwrap(),
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
    let mut tx = db.write(db.tenant).await;
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
