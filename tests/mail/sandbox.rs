//! A sandbox writes to nobody: its mails are kept.

use super::{CodeMail, deliver, post, postman, state, worker};
use crate::smtp::Smtp;
use chrono::{DateTime, TimeDelta, Utc};
use mail::{
    Body, Letter, MailState, Message, Registry, Transport,
    kept::{self, KeptMail, Reader},
};
use serde::{Deserialize, Serialize};
use std::net::TcpListener;
use testkit::TestDatabase;

async fn sandbox() -> TestDatabase {
    TestDatabase::with("32290413", |folder| folder.settings.sandbox = true).await
}

async fn kept(db: &TestDatabase) -> Vec<KeptMail> {
    let registry = Registry::new().with::<CodeMail>();
    let reader = Reader {
        keys: &db.keys,
        registry: &registry,
    };
    let tx = db.database.tenant(db.tenant).read().await.unwrap();
    let mails = kept::list(&tx, reader, db.clock.now(), (None, 10), "true")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    mails
}

async fn swept(db: &TestDatabase) -> usize {
    let mut tx = db.write(db.tenant).await;
    let long_ago = db.clock.now() - TimeDelta::days(90);
    let deleted = mail::sweep(&mut tx, db.clock.now(), long_ago).await.unwrap();
    tx.commit().await.unwrap();
    deleted
}

#[tokio::test]
async fn no_word_goes_to_the_server_of_mail_while_another_insurers_mail_goes_out() {
    let (db, other, mut server) = (sandbox().await, TestDatabase::new().await, Smtp::start(&[]).await);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let address = format!("smtp://{}", silent.local_addr().unwrap());
    let id = post(&db, "taro.kenpo@example.jp", None).await;
    let theirs = post(&other, "hanako@example.jp", None).await;
    assert_eq!(deliver(&db, &postman(&db, &address)).await, 1);
    assert!(silent.accept().is_err(), "nobody has connected");
    // Nor by the very postman that sends the other's.
    let again = post(&db, "taro.kenpo@example.jp", None).await;
    assert_eq!(deliver(&db, &postman(&db, &server.url)).await, 1);
    assert_eq!(deliver(&other, &postman(&other, &server.url)).await, 1);
    assert_eq!(
        server.next().await["envelope_to"],
        serde_json::json!(["hanako@example.jp"])
    );
    assert!(server.is_quiet().await);
    assert_eq!(state(&other, theirs).await, MailState::Sent);
    for id in [id, again] {
        assert_eq!(state(&db, id).await, MailState::Kept);
    }
    let waiting = format!("tenant_id = {}", db.tenant);
    assert_eq!(db.count("due", &waiting).await, 0);
    // Done is done.
    assert_eq!(deliver(&db, &postman(&db, &server.url)).await, 0);
}

// security.md 58
#[tokio::test]
async fn a_kept_mail_says_all_that_its_reader_would_have_got_and_is_gone_after_a_week() {
    let db = sandbox().await;
    let id = post(&db, "taro.kenpo@example.jp", None).await;
    assert!(kept(&db).await.is_empty(), "while it waits");
    let nowhere = postman(&db, "smtp://127.0.0.1:1");
    deliver(&db, &nowhere).await;
    let [mail] = &kept(&db).await[..] else { panic!("one") };
    let said = mail.said.as_ref().unwrap();
    assert_eq!((mail.id, said.to.as_str()), (id, "taro.kenpo@example.jp"));
    assert_eq!(said.from, "奈良県市町村職員共済組合 <nara-kyosai@ibss.example>");
    assert!(
        said.text.contains("611898") && said.subject.contains("認証番号"),
        "{said:?}"
    );
    // What stands in the database tells nothing of it.
    let row = db.lines("SELECT mails::text AS line FROM mails").await.remove(0);
    assert!(!row.contains("taro.kenpo") && !row.contains("611898"), "{row}");

    db.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(swept(&db).await, 0);
    assert_eq!(kept(&db).await.len(), 1);
    db.clock.advance(TimeDelta::seconds(1));
    assert!(kept(&db).await.is_empty(), "before anybody sweeps");
    assert_eq!(swept(&db).await, 1);
    assert_eq!(db.count("mails", "true").await, 0);
}

#[tokio::test]
async fn a_mail_whose_time_is_over_before_its_turn_is_not_kept_either() {
    let db = sandbox().await;
    let end: DateTime<Utc> = db.clock.now() + TimeDelta::minutes(10);
    let id = post(&db, "taro@example.jp", Some(end)).await;
    db.clock.advance(TimeDelta::minutes(10));
    deliver(&db, &postman(&db, "smtp://127.0.0.1:1")).await;
    assert_eq!(state(&db, id).await, MailState::Expired);
    assert!(kept(&db).await.is_empty());
}

/// Of a release that this process does not know.
#[derive(Serialize, Deserialize)]
struct Later;

impl Message for Later {
    const TEMPLATE: &'static str = "test.later";
    fn subject(&self) -> String {
        "x".into()
    }
    fn text(&self) -> String {
        "x".into()
    }
    fn html(&self) -> String {
        Body::new("x").html("x")
    }
}

#[tokio::test]
async fn a_mail_that_does_not_read_here_is_kept_too_and_says_so() {
    let db = sandbox().await;
    let mut tx = db.write(db.tenant).await;
    let code = super::letter("taro@example.jp", None);
    let letter = Letter {
        sender: code.sender,
        to: code.to,
        subject_id: None,
        expires_at: None,
        message: &Later,
    };
    mail::post(&mut tx, &db.keys, db.clock.now(), letter).await.unwrap();
    tx.commit().await.unwrap();
    let transport = Transport::smtp("smtp://127.0.0.1:1", 1).unwrap();
    deliver(&db, &worker(&db, Registry::new(), transport)).await;
    let [mail] = &kept(&db).await[..] else { panic!("one") };
    assert_eq!((mail.template.as_str(), &mail.said), ("test.later", &None));
}
