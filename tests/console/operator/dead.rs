//! Jobs that died and mails that reached nobody: seen over all insurers, tried again, sent again, or dropped.

use super::{alone, platform_trail, trail};
use crate::smtp::Smtp;
use jobs::{Job, Worker};
use kernel::EmailAddress;
use mail::{Body, Letter, Mailbox, Message, Postman, Registry, Sender, Transport};
use pages::kinds;
use serde::{Deserialize, Serialize};
use testkit::TestApp;
use uuid::Uuid;

/// In the queue of failed identities, and none of them.
#[derive(Serialize, Deserialize)]
struct Unreadable(String);

impl Job for Unreadable {
    const QUEUE: &'static str = "sign_up_attempt";
}

pub(in crate::console) async fn one_dies(app: &TestApp) -> Uuid {
    let mut tx = app.write(app.tenant()).await;
    let now = app.clock().now();
    let secret = Unreadable("健保太郎".into());
    let id = jobs::enqueue(&mut tx, app.keys(), now, now, &secret).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..Unreadable::TRIES {
        app.work().await;
        app.later(7_200);
    }
    id.0
}

async fn queue_of(app: &TestApp, item: Uuid) -> Vec<String> {
    app.insurer
        .lines(&format!("SELECT queue AS line FROM due WHERE item = '{item}'"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_is_out_of_poll_and_age_and_is_tried_again_or_dropped_once() {
    let (_installation, app, operator) = alone().await;
    let id = one_dies(&app).await;
    assert_eq!(queue_of(&app, id).await, ["dead.sign_up_attempt"]);
    let ages = jobs::due::oldest(&app.ground.database, &["sign_up_attempt"], app.clock().now()).await;
    assert_eq!(ages.unwrap(), [("sign_up_attempt".to_owned(), None)]);
    let operator = app.in_another_browser(&operator).await;
    let list = operator.get("/operator/jobs").await;
    assert!(
        list.text.contains("本人確認の失敗の記録（sign_up_attempt）")
            && list.text.contains("内容を読み取れませんでした"),
        "{}",
        list.text
    );
    assert!(!list.text.contains("健保太郎"), "{}", list.text);
    let at = |code: &str, verb: &str| format!("/operator/jobs/{code}/{id}/{verb}");
    let code = app.insurer.code.to_string();
    // Under the platform's name or another's it is not there.
    assert_eq!(operator.press(&at("platform", "retry")).await.status, 409);
    assert_eq!(operator.press(&at("nobody", "retry")).await.status, 404);
    assert_eq!(operator.press(&at(&code, "retry")).await.status, 303);
    assert_eq!(queue_of(&app, id).await, ["sign_up_attempt"]);
    assert_eq!(operator.press(&at(&code, "retry")).await.status, 409);
    assert_eq!(operator.press(&at(&code, "drop")).await.status, 409);
    app.work().await;
    assert_eq!(app.insurer.count("jobs", "attempts = 1 AND dead_at IS NULL").await, 1);
    for _ in 1..Unreadable::TRIES {
        app.later(7_200);
        app.work().await;
    }
    let operator = app.in_another_browser(&operator).await;
    let drop = at(&code, "drop");
    let same = app.in_another_browser(&operator).await;
    let (one, other) = tokio::join!(operator.press(&drop), same.press(&drop));
    let mut both = [one.status.as_u16(), other.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [303, 409]);
    assert!(queue_of(&app, id).await.is_empty());
    assert_eq!(app.insurer.count("jobs", "true").await, 0);
    let (own, staff) = (trail(&app, "job.%").await, platform_trail(&app, "job.%").await);
    let id = operator.staff_id.0;
    assert_eq!(
        own,
        [format!("job.retry operator {id}"), format!("job.drop operator {id}")]
    );
    assert_eq!(staff, [format!("job.retry staff {id}"), format!("job.drop staff {id}")]);
}

// security.md 58
#[tokio::test(flavor = "multi_thread")]
async fn what_died_is_listed_over_all_insurers_until_it_has_served_its_time() {
    let (_installation, app, operator) = alone().await;
    let id = one_dies(&app).await;
    let kept = i64::from(app.retention.dead_job_days) + 1;
    app.later(kept * 86_400);
    let now = app.clock().now();
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    assert!(queue_of(&app, id).await.is_empty());
    let operator = app.in_another_browser(&operator).await;
    assert!(operator.get("/operator/jobs").await.text.contains("ありません"));
}

#[derive(Serialize, Deserialize)]
struct Plain(String);

impl Message for Plain {
    const TEMPLATE: &'static str = "test.plain";
    fn subject(&self) -> String {
        "お知らせ".into()
    }
    fn text(&self) -> String {
        self.0.clone()
    }
    fn html(&self) -> String {
        Body::new(&self.0).html("お知らせ")
    }
}

#[derive(Serialize, Deserialize)]
struct Code(String);

impl Message for Code {
    const TEMPLATE: &'static str = "test.code";
    const RANK: jobs::due::Rank = jobs::due::Rank::Awaited;
    fn subject(&self) -> String {
        "認証番号".into()
    }
    fn text(&self) -> String {
        self.0.clone()
    }
    fn html(&self) -> String {
        Body::new(&self.0).html("認証番号")
    }
}

fn postman(app: &TestApp, transport: Transport) -> Worker {
    let registry = Registry::new().with::<Plain>().with::<Code>();
    let (database, clock) = (app.ground.database.clone(), app.clock().clone());
    let postman = Postman::new(
        database.clone(),
        app.keys().clone(),
        clock.clone(),
        registry,
        transport,
        4,
    );
    Worker::new(database, clock).serving(postman)
}

async fn post<M: Message>(app: &TestApp, message: &M) -> Uuid {
    let mut tx = app.write(app.tenant()).await;
    let letter = Letter {
        sender: Sender {
            name: "共済".into(),
            address: EmailAddress::parse("kyosai@ibss.example").unwrap(),
        },
        to: EmailAddress::parse("refused@example.jp").unwrap(),
        subject_id: None,
        expires_at: None,
        message,
    };
    let id = mail::post(&mut tx, app.keys(), app.clock().now(), letter)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id.0
}

// security.md 58
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_reached_nobody_is_sent_again_where_it_holds_no_code_and_only_for_a_week() {
    let (_installation, app, operator) = alone().await;
    let server = Smtp::start(&[]).await;
    let refusing = postman(&app, Transport::smtp(&server.url, 4).unwrap());
    let plain = post(&app, &Plain("中身のことば".into())).await;
    let code = post(&app, &Code("611898".into())).await;
    refusing.run_once_for(app.tenant()).await.unwrap();
    assert_eq!(queue_of(&app, plain).await, ["dead.mail"]);
    assert_eq!(queue_of(&app, code).await, ["dead.mail"]);
    assert_eq!(app.insurer.count("mails", "sealed IS NOT NULL").await, 1);
    let list = operator.get("/operator/mails").await;
    assert!(
        list.text.contains("test.plain") && list.text.contains("test.code") && list.text.contains("r***d@ex***.jp"),
        "{}",
        list.text
    );
    for secret in ["refused@", "中身のことば", "611898"] {
        assert!(!list.text.contains(secret), "{}", list.text);
    }
    let send = |id: Uuid| format!("/operator/mails/{}/{id}/send", app.insurer.code);
    assert!(
        list.text.contains(&send(plain)) && !list.text.contains(&send(code)),
        "{}",
        list.text
    );
    let refused = async |id: Uuid, words: &str| {
        let answer = operator.press(&send(id)).await;
        assert!(
            answer.status == 409 && answer.text.contains(words),
            "{id}: {}",
            answer.text
        );
    };
    refused(code, "このメールは、もう一度は送れません").await;
    assert_eq!(operator.press(&send(plain)).await.status, 303);
    refused(plain, "この項目は、もう一覧にありません").await;
    refused(Uuid::from_u128(7), "この項目は、もう一覧にありません").await;
    for malformed in ["x", "", "00000000", "%00"] {
        let path = format!("/operator/mails/{}/{malformed}/send", app.insurer.code);
        assert_eq!(operator.press(&path).await.status, 404, "{malformed}");
    }
    let mailbox = Mailbox::new();
    postman(&app, Transport::Mailbox(mailbox.clone()))
        .run_once_for(app.tenant())
        .await
        .unwrap();
    assert_eq!(mailbox.mails().len(), 1);
    assert_eq!(app.insurer.count("mails", "sealed IS NOT NULL").await, 0);
    assert_eq!(app.insurer.count("mails", "state = 'sent'").await, 1);
    // A week later it can't be sent any more, and what it said is erased.
    let late = post(&app, &Plain("遅いことば".into())).await;
    refusing.run_once_for(app.tenant()).await.unwrap();
    app.later(7 * 86_400 + 1);
    let operator = app.in_another_browser(&operator).await;
    assert_eq!(operator.press(&send(late)).await.status, 409);
    let now = app.clock().now();
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    assert_eq!(app.insurer.count("mails", "sealed IS NOT NULL").await, 0);
    assert!(queue_of(&app, late).await.is_empty());
    assert!(operator.get("/operator/mails").await.text.contains("ありません"));
}

/// Every name that a source gives to its queue or message.
fn named(folder: &std::path::Path, found: &mut Vec<(bool, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let own = source.split("#[cfg(test)]").next().unwrap();
            for line in own.lines() {
                let name = |after: &str| line.split_once(after).and_then(|(_, rest)| rest.split('"').next());
                found.extend(
                    name("const QUEUE: &'static str = \"")
                        .or(name("const QUEUE: &str = \""))
                        .map(|name| (true, name.into())),
                );
                found.extend(name("const TEMPLATE: &'static str = \"").map(|name| (false, name.into())));
                // As the macros of messages have it: its struct, its name, its subject.
                let of_macro = line.contains(", \"【").then(|| line.split('"').nth(1)).flatten();
                found.extend(of_macro.map(|name| (false, name.into())));
            }
        }
    }
}

#[test]
fn every_queue_and_every_message_has_a_name_in_words() {
    let mut found = Vec::new();
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    for entry in std::fs::read_dir(crates).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() && !source.parent().unwrap().ends_with("bench") {
            named(&source, &mut found);
        }
    }
    let unnamed: Vec<_> = found
        .iter()
        .filter(|(is_queue, name)| {
            if *is_queue {
                kinds::work(name) == kinds::work("")
            } else {
                kinds::mail(name) == kinds::mail("")
            }
        })
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
    let queues = found.iter().filter(|(is_queue, _)| *is_queue).count();
    assert!(queues > 9 && found.len() - queues > 20, "{found:?}");
}
