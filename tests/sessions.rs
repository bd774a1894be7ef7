//! Sessions on a real database: when they end, and for whom.

use audit::{Channel, Origin};
use chrono::TimeDelta;
use database::{Database, DatabaseConfig, Timeouts};
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl as _;
use guard::sessions::{self, Carrier, Limits, Opening, Session, SubjectKind};
use kernel::{Keys, Secret};
use scoped_futures::ScopedFutureExt as _;
use std::time::Duration;
use testkit::TestDatabase;
use uuid::Uuid;

/// Thirty minutes, twelve hours (security.md 39).
const LIMITS: Limits = Limits {
    idle: Duration::from_mins(30),
    absolute: Duration::from_hours(12),
};

async fn open(db: &TestDatabase, subject: Uuid) -> Secret {
    let origin = Origin {
        address: Some([192, 0, 2, 7].into()),
        request_id: None,
        channel: Channel::Portal,
    };
    let tx = db.write(db.tenant).await;
    let agent = "Mozilla/5.0\u{0} (X11)";
    let now = db.clock.now();
    let token = sessions::open(
        &tx,
        &db.keys,
        now,
        &origin,
        Opening::new(SubjectKind::Member, subject, LIMITS, agent),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    token.secret
}

async fn load(db: &TestDatabase, secret: &Secret) -> Option<Session> {
    let tx = db.database.tenant(db.tenant).read().await.unwrap();
    sessions::load(&tx, &db.keys, db.clock.now(), Carrier::Cookie, secret)
        .await
        .unwrap()
}

async fn touch(db: &TestDatabase, session: &Session) -> u64 {
    let before = db.database.statements();
    let mut tx = db.write(db.tenant).await;
    sessions::touch(&mut tx, db.clock.now(), session).await.unwrap();
    tx.commit().await.unwrap();
    db.database.statements() - before
}

// security.md 37, 39
#[tokio::test]
async fn a_session_ends_when_idle_and_after_its_time_however_busy() {
    let db = TestDatabase::new().await;
    let subject = Uuid::from_u128(8);
    let secret = open(&db, subject).await;
    let session = load(&db, &secret).await.unwrap();
    assert_eq!((session.subject, session.subject_kind), (subject, SubjectKind::Member));
    assert_eq!(
        (session.address.as_deref(), &*session.agent),
        (Some("192.0.2.7"), "Mozilla/5.0 (X11)")
    );
    assert_eq!(session.expires_at, db.clock.now() + TimeDelta::hours(12));

    for _ in 0..24 {
        db.clock.advance(TimeDelta::minutes(29));
        let session = load(&db, &secret).await.unwrap();
        touch(&db, &session).await;
    }
    db.clock.advance(TimeDelta::minutes(24));
    assert!(load(&db, &secret).await.is_none(), "twelve hours are over");

    let idle = open(&db, subject).await;
    db.clock.advance(TimeDelta::minutes(30));
    assert!(load(&db, &idle).await.is_none());
    assert!(load(&db, &Secret::random()).await.is_none());
}

#[tokio::test]
async fn a_session_is_touched_once_a_minute_at_most() {
    let db = TestDatabase::new().await;
    let secret = open(&db, Uuid::from_u128(9)).await;
    let mut session = load(&db, &secret).await.unwrap();
    db.clock.advance(TimeDelta::seconds(59));
    assert_eq!(touch(&db, &session).await, 0);
    db.clock.advance(TimeDelta::seconds(1));
    assert_eq!(touch(&db, &session).await, 1);
    session = load(&db, &secret).await.unwrap();
    assert_eq!(session.last_seen_at, db.clock.now());
    assert_eq!(touch(&db, &session).await, 0);
}

// security.md 41
#[tokio::test]
async fn an_ended_session_is_gone_at_once_and_the_kept_one_stays() {
    let db = TestDatabase::new().await;
    let (subject, stranger) = (Uuid::from_u128(10), Uuid::from_u128(11));
    let (first, second, third) = (
        open(&db, subject).await,
        open(&db, subject).await,
        open(&db, subject).await,
    );
    let theirs = open(&db, stranger).await;
    let kept = load(&db, &second).await.unwrap();
    let one = load(&db, &first).await.unwrap();

    let mut tx = db.write(db.tenant).await;
    assert_eq!(sessions::list(&mut tx, db.clock.now(), subject).await.unwrap().len(), 3);
    assert!(
        !sessions::end(&mut tx, stranger, one.id).await.unwrap(),
        "another's session is not theirs to end"
    );
    assert!(sessions::end(&mut tx, subject, one.id).await.unwrap());
    assert!(!sessions::end(&mut tx, subject, one.id).await.unwrap());
    assert_eq!(sessions::end_all(&mut tx, subject, Some(kept.id)).await.unwrap(), 1);
    assert_eq!(sessions::list(&mut tx, db.clock.now(), subject).await.unwrap(), [kept]);
    tx.commit().await.unwrap();

    assert!(load(&db, &first).await.is_none() && load(&db, &third).await.is_none());
    assert!(load(&db, &second).await.is_some() && load(&db, &theirs).await.is_some());
    let mut tx = db.write(db.tenant).await;
    assert_eq!(sessions::end_all(&mut tx, subject, None).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(load(&db, &second).await.is_none());
}

async fn renew(db: &TestDatabase, session: &Session) -> Option<Secret> {
    let mut tx = db.write(db.tenant).await;
    let token = sessions::renew(&mut tx, &db.keys, Carrier::Cookie, session)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    token.map(|token| token.secret)
}

// security.md 38
#[tokio::test]
async fn whoever_renews_by_one_token_twice_gets_one_that_lives_and_by_an_older_one_none() {
    let db = TestDatabase::new().await;
    let first = open(&db, Uuid::from_u128(13)).await;
    let session = load(&db, &first).await.unwrap();
    let one = renew(&db, &session).await.unwrap();
    let other = renew(&db, &session).await.unwrap();
    assert!(load(&db, &first).await.is_none());
    let renewed = load(&db, &one).await.unwrap();
    assert_eq!(load(&db, &other).await, Some(renewed.clone()));
    // The next proof makes both worthless, and the first token renews nothing any more.
    let last = renew(&db, &renewed).await.unwrap();
    assert!(load(&db, &one).await.is_none() && load(&db, &last).await.is_some());
    assert!(renew(&db, &session).await.is_none());
    // Nor does any token once the session has ended.
    let last = load(&db, &last).await.unwrap();
    let mut tx = db.write(db.tenant).await;
    assert!(sessions::end(&mut tx, last.subject, last.id).await.unwrap());
    tx.commit().await.unwrap();
    assert!(renew(&db, &last).await.is_none());
}

/// With BEGIN, on a connection that has prepared nothing yet, and on the same one the second time.
async fn with_begin(db: &TestDatabase, keys: &Keys, secret: &Secret) -> [Option<Session>; 2] {
    let database = Database::connect(&DatabaseConfig {
        url: testkit::service_url(),
        owner_url: None,
        connections: 1,
        wait_seconds: 5,
        timeouts: Timeouts::default(),
    })
    .unwrap();
    let (tenant, now) = (database.tenant(db.tenant), db.clock.now());
    let read = async || {
        let first = tenant.read_with(|tx| sessions::load(tx, keys, now, Carrier::Cookie, secret).scope_boxed());
        let (tx, session) = first.await.unwrap();
        tx.commit().await.unwrap();
        session
    };
    [read().await, read().await]
}

#[tokio::test]
async fn what_is_read_with_begin_is_found_on_a_fresh_connection_as_on_a_known_one() {
    let db = TestDatabase::new().await;
    let secret = open(&db, Uuid::from_u128(12)).await;
    let [fresh, known] = with_begin(&db, &db.keys, &secret).await;
    assert!(fresh.is_some() && fresh == known);
    assert_eq!(with_begin(&db, &db.keys, &Secret::random()).await, [None, None]);
    // Another insurer's: it does not exist.
    let other = TestDatabase::new().await;
    assert_eq!(with_begin(&other, &db.keys, &secret).await, [None, None]);
    // Hashed with what is the older key now: a second statement finds it.
    let older = Keys::new("new", [("test".to_owned(), [7; 32]), ("new".to_owned(), [8; 32])]).unwrap();
    let [fresh, known] = with_begin(&db, &older, &secret).await;
    assert!(fresh.is_some() && fresh == known);
}

#[tokio::test]
async fn an_answer_of_any_size_is_read_with_begin() {
    #[derive(QueryableByName)]
    struct Large {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let db = TestDatabase::new().await;
    let tenant = db.database.tenant(db.tenant);
    let large = tenant.read_with(|tx| {
        async move {
            let rows = diesel::sql_query("SELECT repeat('x', 1000) AS text FROM generate_series(1, 20000)");
            Ok(rows.load::<Large>(&mut &**tx).await?)
        }
        .scope_boxed()
    });
    let (tx, rows) = tokio::time::timeout(Duration::from_secs(30), large)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.text.len()).sum::<usize>(), 20_000_000);
}
