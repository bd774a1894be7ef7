//! Who goes first, and that one bad mail holds up no other.

use super::{CodeMail, deliver, letter, post, postman, row, state, worker};
use crate::smtp::Smtp;
use chrono::TimeDelta;
use jobs::Worker;
use kernel::MailId;
use mail::{Body, Letter, MailState, Mailbox, Message, Registry, Transport};
use serde::{Deserialize, Serialize};
use testkit::TestDatabase;

#[derive(Serialize, Deserialize)]
struct NoticeMail {
    panics: bool,
}

impl Message for NoticeMail {
    const TEMPLATE: &'static str = "test.notice";
    fn subject(&self) -> String {
        assert!(!self.panics, "at 健保 太郎");
        "お知らせ".into()
    }
    fn text(&self) -> String {
        "お知らせがあります。\n".into()
    }
    fn html(&self) -> String {
        Body::new("お知らせがあります。").html("お知らせ")
    }
}

async fn post_notice(db: &TestDatabase, to: &str, panics: bool) -> MailId {
    let mut tx = db.write(db.tenant).await;
    let code = letter(to, None);
    let letter = Letter {
        sender: code.sender,
        to: code.to,
        subject_id: code.subject_id,
        expires_at: None,
        message: &NoticeMail { panics },
    };
    let id = mail::post(&mut tx, &db.keys, db.clock.now(), letter).await.unwrap();
    tx.commit().await.unwrap();
    id
}

fn knowing_notices(db: &TestDatabase, mailbox: &Mailbox) -> Worker {
    let registry = Registry::new().with::<CodeMail>().with::<NoticeMail>();
    worker(db, registry, Transport::Mailbox(mailbox.clone()))
}

#[tokio::test]
async fn a_code_goes_before_all_notices_which_leave_a_place_free_for_the_next() {
    let (db, mailbox) = (TestDatabase::new().await, Mailbox::new());
    for number in 0..9 {
        post_notice(&db, &format!("notice-{number}@example.jp"), false).await;
    }
    db.clock.advance(TimeDelta::minutes(1));
    post(&db, "code@example.jp", None).await;
    let postman = knowing_notices(&db, &mailbox);
    assert_eq!(deliver(&db, &postman).await, 3, "of four places");
    assert_eq!(mailbox.mails_to("code@example.jp").len(), 1);
    while deliver(&db, &postman).await > 0 {}
    assert_eq!(mailbox.mails().len(), 10);
}

#[tokio::test]
async fn a_mail_that_panics_is_tried_again_later_and_takes_no_other_with_it() {
    let (db, mailbox) = (TestDatabase::new().await, Mailbox::new());
    let bad = post_notice(&db, "bad@example.jp", true).await;
    let good = post_notice(&db, "good@example.jp", false).await;
    let postman = knowing_notices(&db, &mailbox);
    assert_eq!(deliver(&db, &postman).await, 2);
    assert_eq!(
        (state(&db, bad).await, state(&db, good).await),
        (MailState::Queued, MailState::Sent)
    );
    let left = row(&db, bad).await.whole;
    assert!(left.contains("panicked") && !left.contains("健保"), "{left}");
    assert_eq!(deliver(&db, &postman).await, 0, "not before its time");
}

#[tokio::test]
async fn a_mail_that_never_comes_to_an_end_is_given_up_before_it_has_ended_many_workers() {
    let (db, mailbox) = (TestDatabase::new().await, Mailbox::new());
    let id = post(&db, "taro@example.jp", None).await;
    // Workers took it, and were killed.
    let taken = format!("UPDATE due SET takes = 5 WHERE tenant_id = {}", db.tenant);
    testkit::sql(db.tenant, &taken).await;
    deliver(&db, &knowing_notices(&db, &mailbox)).await;
    assert_eq!(state(&db, id).await, MailState::Undeliverable);
    let left = row(&db, id).await;
    assert!(
        left.sealed.is_none() && left.whole.contains("never came to an end") && left.events == 1,
        "{left:?}"
    );
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn a_postman_who_fails_after_the_lease_leaves_the_mail_to_who_has_it_now() {
    let db = TestDatabase::new().await;
    let id = post(&db, "hang@example.jp", None).await;
    // Neither server answers: each postman has the mail in hand until his server is gone.
    let (mut slow, mut quick) = (Smtp::start(&[]).await, Smtp::start(&[]).await);
    let taken = |url: &str| {
        let (postman, tenant) = (postman(&db, url), db.tenant);
        tokio::spawn(async move { postman.run_once_for(tenant).await })
    };
    let first = taken(&slow.url);
    slow.next().await;
    db.end_leases().await;
    let second = taken(&quick.url);
    quick.next().await;
    drop(slow);
    assert_eq!(first.await.unwrap().unwrap(), 1);
    let left = row(&db, id).await.whole;
    assert_eq!(
        db.count("mails", "attempts = 2 AND last_error IS NULL").await,
        1,
        "{left}"
    );
    // Long enough for whatever was put back to be due.
    db.clock.advance(TimeDelta::minutes(1));
    let third = Smtp::start(&[]).await;
    assert_eq!(deliver(&db, &postman(&db, &third.url)).await, 0, "it is the second's");
    drop(quick);
    assert_eq!(second.await.unwrap().unwrap(), 1);
    assert_eq!(db.count("mails", "last_error IS NOT NULL").await, 1);
    assert_eq!(state(&db, id).await, MailState::Queued);
}
