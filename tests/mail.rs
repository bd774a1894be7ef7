//! The outbox against a real SMTP server: what arrives, and what happens on bad days. Each test has a server of its own
//! and delivers only its own insurer's mails.

mod lane;
mod sandbox;

use crate::smtp::Smtp;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{QueryableByName, sql_types};
use diesel_async::RunQueryDsl;
use jobs::{Worker, due::Rank};
use kernel::{EmailAddress, MailId, TenantId};
use mail::{Body, Letter, MailState, Mailbox, Message, Postman, Registry, Sender, Transport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testkit::TestDatabase;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct CodeMail {
    code: String,
}

impl Message for CodeMail {
    const TEMPLATE: &'static str = "test.code";
    const RANK: Rank = Rank::Awaited;
    fn subject(&self) -> String {
        "【ユーザーID 作成用認証番号のお知らせ】髙﨑𠮷さま".into()
    }
    fn text(&self) -> String {
        format!("認証番号: {}\n", self.code)
    }
    fn html(&self) -> String {
        Body::new("10分以内に入力してください")
            .code("認証番号", &self.code)
            .html("認証番号")
    }
}

/// A worker with a postman alone, who goes to this server.
fn postman(db: &TestDatabase, url: &str) -> Worker {
    let registry = Registry::new().with::<CodeMail>();
    worker(db, registry, Transport::smtp(url, 4).unwrap())
}

fn worker(db: &TestDatabase, registry: Registry, transport: Transport) -> Worker {
    let (database, keys, clock) = (db.database.clone(), db.keys.clone(), db.clock.clone());
    let postman = Postman::new(database.clone(), keys, clock.clone(), registry, transport, 4);
    Worker::new(database, clock).serving(postman)
}

async fn post(db: &TestDatabase, to: &str, expires_at: Option<DateTime<Utc>>) -> MailId {
    let mut tx = db.write(db.tenant).await;
    let id = mail::post(&mut tx, &db.keys, db.clock.now(), letter(to, expires_at))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

fn letter(to: &str, expires_at: Option<DateTime<Utc>>) -> Letter<'static, CodeMail> {
    static MAIL: std::sync::LazyLock<CodeMail> = std::sync::LazyLock::new(|| CodeMail { code: "611898".into() });
    Letter {
        sender: Sender {
            name: "奈良県市町村職員共済組合".into(),
            address: EmailAddress::parse("nara-kyosai@ibss.example").unwrap(),
        },
        to: EmailAddress::parse(to).unwrap(),
        subject_id: Some(Uuid::from_u128(42)),
        expires_at,
        message: &MAIL,
    }
}

/// Works on what is due in this test's insurer; gives how many items there were.
async fn deliver(db: &TestDatabase, postman: &Worker) -> usize {
    postman.run_once_for(db.tenant).await.unwrap()
}

async fn state(db: &TestDatabase, id: MailId) -> MailState {
    let mut tx = db.database.tenant(db.tenant).read().await.unwrap();
    mail::state(&mut tx, id).await.unwrap().unwrap()
}

#[derive(QueryableByName, Debug)]
struct Row {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Binary>)]
    sealed: Option<Vec<u8>>,
    #[diesel(sql_type = sql_types::Text)]
    whole: String,
    #[diesel(sql_type = sql_types::BigInt)]
    events: i64,
}

async fn row(db: &TestDatabase, id: MailId) -> Row {
    let mut tx = db.database.tenant(db.tenant).read().await.unwrap();
    diesel::sql_query(
        "SELECT sealed, mails::text AS whole,
                (SELECT count(*) FROM events WHERE tenant_id = $1 AND kind = 'mail.undeliverable') AS events
         FROM mails WHERE tenant_id = $1 AND mail_id = $2",
    )
    .bind::<sql_types::Integer, _>(db.tenant)
    .bind::<sql_types::Uuid, _>(id)
    .get_result(&mut *tx)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_mail_arrives_in_both_forms_under_its_own_id_and_what_was_sealed_is_erased() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let id = post(&db, "taro.kenpo@example.jp", None).await;
    assert_eq!(state(&db, id).await, MailState::Queued);
    let waiting = row(&db, id).await;
    assert!(waiting.sealed.is_some() && waiting.whole.contains("t***o@ex***.jp"));
    assert!(!waiting.whole.contains("taro.kenpo") && !waiting.whole.contains("611898"));

    assert_eq!(deliver(&db, &postman(&db, &server.url)).await, 1);
    let mail = server.next().await;
    assert_eq!(mail["envelope_from"], "nara-kyosai@ibss.example");
    assert_eq!(mail["envelope_to"], serde_json::json!(["taro.kenpo@example.jp"]));
    let header = |name: &str| mail["headers"][name].as_str().unwrap().to_owned();
    assert_eq!(header("Subject"), "【ユーザーID 作成用認証番号のお知らせ】髙﨑𠮷さま");
    assert_eq!(header("From"), "奈良県市町村職員共済組合 <nara-kyosai@ibss.example>");
    assert_eq!(header("To"), "taro.kenpo@example.jp");
    assert_eq!(header("Message-ID"), format!("<{id}@ibss.example>"));
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(
        DateTime::parse_from_rfc2822(&header("Date")).unwrap().timestamp(),
        db.clock.now().timestamp()
    );
    assert_eq!(mail["content_type"], "multipart/alternative");
    assert_eq!(mail["text"].as_str().unwrap().trim_end(), "認証番号: 611898");
    let html = mail["html"].as_str().unwrap();
    assert!(html.contains("認証番号") && html.contains(">611898</strong>"), "{html}");
    assert_eq!(
        (&mail["defects"], &mail["ascii"]),
        (&serde_json::json!([]), &Value::Bool(true))
    );

    assert_eq!(state(&db, id).await, MailState::Sent);
    assert!(row(&db, id).await.sealed.is_none());
    assert_eq!(deliver(&db, &postman(&db, &server.url)).await, 0);
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn addresses_with_signs_in_odd_places_are_sent_to() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let postman = postman(&db, &server.url);
    for odd in ["_ab..cd---@example.co.jp", "abc.@docomo.example", "-a-@example.jp"] {
        let id = post(&db, odd, None).await;
        deliver(&db, &postman).await;
        assert_eq!(state(&db, id).await, MailState::Sent, "{odd}");
        assert_eq!(server.next().await["envelope_to"], serde_json::json!([odd]));
    }
}

#[tokio::test]
async fn a_server_that_is_down_gets_the_mail_once_it_is_up() {
    let (db, server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let (port, postman) = (server.port.to_string(), postman(&db, &server.url));
    drop(server);
    let id = post(&db, "taro@example.jp", None).await;
    for wait in [5, 30] {
        assert_eq!(deliver(&db, &postman).await, 1);
        assert_eq!(state(&db, id).await, MailState::Queued);
        db.clock.advance(TimeDelta::seconds(wait - 1));
        assert_eq!(deliver(&db, &postman).await, 0, "not before its time");
        db.clock.advance(TimeDelta::seconds(1));
    }
    let mut server = Smtp::start(&["--port", &port]).await;
    assert_eq!(deliver(&db, &postman).await, 1);
    assert_eq!(state(&db, id).await, MailState::Sent);
    server.next().await;
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_refused_recipient_is_told_at_once_and_a_busy_server_is_asked_again() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let postman = postman(&db, &server.url);
    let refused = post(&db, "refused@example.jp", None).await;
    let (busy, denied) = (
        post(&db, "busy@example.jp", None).await,
        post(&db, "denied@example.jp", None).await,
    );
    assert_eq!(deliver(&db, &postman).await, 3);
    assert_eq!(state(&db, refused).await, MailState::Undeliverable);
    let dead = row(&db, refused).await;
    assert!(
        dead.sealed.is_none() && dead.whole.contains("server answered 550") && dead.events == 1,
        "{dead:?}"
    );
    assert!(
        !dead.whole.contains("refused@example.jp"),
        "the server's words, and the address in them, are not kept"
    );
    for waiting in [busy, denied] {
        assert_eq!(state(&db, waiting).await, MailState::Queued);
    }

    db.clock.advance(TimeDelta::days(4));
    assert_eq!(deliver(&db, &postman).await, 2);
    for given_up in [busy, denied] {
        assert_eq!(state(&db, given_up).await, MailState::Undeliverable);
        assert_eq!(row(&db, given_up).await.events, 3);
    }
    assert_eq!(deliver(&db, &postman).await, 0);
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_server_that_refuses_the_sender_does_not_make_the_recipients_address_bad() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let postman = postman(&db, &server.url);
    for sender in ["refused@ibss.example", "denied@ibss.example"] {
        let mut tx = db.write(db.tenant).await;
        let mut letter = letter("taro@example.jp", None);
        letter.sender.address = EmailAddress::parse(sender).unwrap();
        let id = mail::post(&mut tx, &db.keys, db.clock.now(), letter).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(deliver(&db, &postman).await, 1);
        assert_eq!(state(&db, id).await, MailState::Queued, "{sender}");
    }
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_connection_dropped_after_the_mail_was_taken_means_one_duplicate_under_the_same_id() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let postman = postman(&db, &server.url);
    let id = post(&db, "drop@example.jp", None).await;
    deliver(&db, &postman).await;
    assert_eq!(state(&db, id).await, MailState::Queued);
    db.clock.advance(TimeDelta::seconds(5));
    deliver(&db, &postman).await;
    assert_eq!(state(&db, id).await, MailState::Sent);
    let (first, second) = (server.next().await, server.next().await);
    assert_eq!(first["headers"]["Message-ID"], second["headers"]["Message-ID"]);
    db.clock.advance(TimeDelta::days(1));
    assert_eq!(deliver(&db, &postman).await, 0);
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_leaves_the_mail_to_the_next_after_its_lease() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let id = post(&db, "hang@example.jp", None).await;
    let dying = postman(&db, &server.url);
    let first = tokio::select! {
        _ = deliver(&db, &dying) => panic!("the server never answers"),
        mail = server.next() => mail,
    };
    drop(dying);
    let next = postman(&db, &server.url);
    assert_eq!(deliver(&db, &next).await, 0, "leased");
    db.end_leases().await;
    assert_eq!(deliver(&db, &next).await, 1);
    assert_eq!(state(&db, id).await, MailState::Sent);
    assert_eq!(
        server.next().await["headers"]["Message-ID"],
        first["headers"]["Message-ID"]
    );
}

#[tokio::test]
async fn a_mail_whose_business_was_rolled_back_was_never_posted() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let mut tx = db.write(db.tenant).await;
    mail::post(&mut tx, &db.keys, db.clock.now(), letter("taro@example.jp", None))
        .await
        .unwrap();
    drop(tx);
    assert_eq!(deliver(&db, &postman(&db, &server.url)).await, 0);
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_mail_past_its_time_is_never_sent_and_says_so() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let id = post(&db, "taro@example.jp", Some(db.clock.now() + TimeDelta::minutes(10))).await;
    db.clock.advance(TimeDelta::minutes(10));
    let postman = postman(&db, &server.url);
    assert_eq!(deliver(&db, &postman).await, 1);
    assert_eq!(state(&db, id).await, MailState::Expired);
    assert!(row(&db, id).await.sealed.is_none());
    assert_eq!(deliver(&db, &postman).await, 0);
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_mail_that_fails_until_its_end_expires_on_time() {
    let (db, server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let postman = postman(&db, &server.url);
    let end = db.clock.now() + TimeDelta::minutes(10);
    let id = post(&db, "busy@example.jp", Some(end)).await;
    while db.clock.now() < end {
        assert_eq!(state(&db, id).await, MailState::Queued);
        deliver(&db, &postman).await;
        db.clock.advance(TimeDelta::seconds(30));
    }
    deliver(&db, &postman).await;
    assert_eq!(state(&db, id).await, MailState::Expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_postmen_at_the_same_door_one_delivers() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let id = post(&db, "taro@example.jp", None).await;
    let postmen: Vec<_> = (0..8).map(|_| postman(&db, &server.url)).collect();
    tokio::join!(
        deliver(&db, &postmen[0]),
        deliver(&db, &postmen[1]),
        deliver(&db, &postmen[2]),
        deliver(&db, &postmen[3]),
        deliver(&db, &postmen[4]),
        deliver(&db, &postmen[5]),
        deliver(&db, &postmen[6]),
        deliver(&db, &postmen[7]),
    );
    assert_eq!(state(&db, id).await, MailState::Sent);
    server.next().await;
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn credentials_are_given_where_they_are_asked_for_and_wrong_ones_only_wait() {
    let (db, mut server) = (
        TestDatabase::new().await,
        Smtp::start(&["--login", "mado:guchi@1"]).await,
    );
    let id = post(&db, "taro@example.jp", None).await;
    let address = format!("127.0.0.1:{}", server.port);
    for url in [format!("smtp://{address}"), format!("smtp://mado:wrong@{address}")] {
        deliver(&db, &postman(&db, &url)).await;
        assert_eq!(
            state(&db, id).await,
            MailState::Queued,
            "our own mistake is no reason to give a mail up"
        );
        db.clock.advance(TimeDelta::minutes(1));
    }
    deliver(&db, &postman(&db, &format!("smtp://mado:guchi%401@{address}"))).await;
    assert_eq!(state(&db, id).await, MailState::Sent);
    server.next().await;
}

#[tokio::test]
async fn where_tls_is_required_a_server_without_it_gets_nothing() {
    let (db, mut server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let id = post(&db, "taro@example.jp", None).await;
    deliver(&db, &postman(&db, &format!("{}?tls=required", server.url))).await;
    deliver(&db, &postman(&db, &server.url.replace("smtp:", "smtps:"))).await;
    assert_eq!(state(&db, id).await, MailState::Queued);
    assert!(server.is_quiet().await);
}

#[tokio::test]
async fn a_worker_that_does_not_know_the_template_leaves_the_mail_to_one_that_does() {
    let db = TestDatabase::new().await;
    let id = post(&db, "taro@example.jp", None).await;
    let mailbox = Mailbox::new();
    let with = |registry| worker(&db, registry, Transport::Mailbox(mailbox.clone()));
    deliver(&db, &with(Registry::new())).await;
    assert_eq!(state(&db, id).await, MailState::Queued);
    db.clock.advance(TimeDelta::seconds(5));
    deliver(&db, &with(Registry::new().with::<CodeMail>())).await;
    assert_eq!(state(&db, id).await, MailState::Sent);
    let mails = mailbox.mails_to("taro@example.jp");
    assert_eq!((mails.len(), &*mails[0].text), (1, "認証番号: 611898\n"));
}

// security.md 51
#[tokio::test]
async fn another_insurer_knows_nothing_of_a_mail() {
    let (db, other) = (TestDatabase::new().await, TestDatabase::new().await);
    let id = post(&db, "taro@example.jp", None).await;
    for tenant in [other.tenant, TenantId::PLATFORM] {
        let mut tx = db.write(tenant).await;
        assert_eq!(mail::state(&mut tx, id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_record_of_a_mail_is_swept_in_the_end_but_not_while_it_waits() {
    let (db, server) = (TestDatabase::new().await, Smtp::start(&[]).await);
    let sent = post(&db, "taro@example.jp", None).await;
    deliver(&db, &postman(&db, &server.url)).await;
    let waiting = post(&db, "hanako@example.jp", None).await;
    let mut tx = db.write(db.tenant).await;
    let later = db.clock.now() + TimeDelta::days(100);
    assert_eq!(mail::sweep(&mut tx, later, later).await.unwrap(), 1);
    assert_eq!(mail::state(&mut tx, sent).await.unwrap(), None);
    assert_eq!(mail::state(&mut tx, waiting).await.unwrap(), Some(MailState::Queued));
}
