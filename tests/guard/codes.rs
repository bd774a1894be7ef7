//! Mailed codes: of the right subject, once, in time, under a key that is still there.

use super::at_once;
use chrono::TimeDelta;
use database::Durability;
use guard::codes::{self, CodeVerdict, TypedCode};
use kernel::Keys;
use testkit::TestDatabase;
use uuid::Uuid;

pub(super) async fn issue(db: &TestDatabase, subject: Uuid) -> String {
    let mut tx = db.write(db.tenant).await;
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

pub(super) fn typed_code(typed: &str) -> TypedCode {
    TypedCode::parse(typed).unwrap()
}

async fn check(db: &TestDatabase, subject: Uuid, typed: &str) -> CodeVerdict {
    let mut tx = db.write(db.tenant).await;
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
    let (now, mut tx) = (db.clock.now(), db.write(db.tenant).await);
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
