//! Endpoints that nothing reaches for days, or that are gone.

use super::{Answer, Hook, Receiver, app, happens, ids};
use reqwest::Method;
use serde_json::json;
use testkit::TestApp;

const LOST: [&str; 1] = ["member.coverage_lost"];
const DAY: i64 = 24 * 3600;

async fn mailed(app: &TestApp) -> Vec<String> {
    let mails = "SELECT template AS line FROM mails WHERE template = 'webhook_disabled'";
    app.insurer.lines(mails).await
}

#[tokio::test]
async fn after_five_days_of_nothing_but_failures_an_endpoint_is_disabled_and_its_contact_is_told() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    for day in 0..5 {
        happens(&app, LOST[0], &ids::<1>()).await;
        app.work().await;
        assert_eq!(hook.shown().await["state"], "active", "day {day}");
        app.later(DAY);
    }
    happens(&app, LOST[0], &ids::<2>()).await;
    app.work().await;
    let shown = hook.shown().await;
    assert_eq!(
        (&shown["state"], &shown["disabled_because"]),
        (&json!("disabled"), &json!("failing"))
    );
    assert_eq!(mailed(&app).await.len(), 1);
    let letters = "SELECT concat_ws(' ', action, actor_kind, detail->>'why') AS line FROM audit_events
        WHERE action = 'webhook.disable'";
    assert_eq!(app.insurer.lines(letters).await, ["webhook.disable system failing"]);
    // Nothing waits, and what happens from now on is noted and not sent.
    let tried = receiver.taken().len();
    receiver.then(Answer::Status(200));
    happens(&app, LOST[0], &ids::<1>()).await;
    app.later(DAY);
    app.work().await;
    assert_eq!(receiver.taken().len(), tried);
    let deliveries = hook.deliveries().await;
    assert!(
        deliveries.iter().all(|delivery| delivery["state"] != "waiting"),
        "{deliveries:?}"
    );
    assert_eq!(hook.act(Method::POST, "/test", None).await.status, 409);
    // Enabled, it is sent what happens, and what it has missed where it asks for it.
    let enabled = hook.act(Method::POST, "/enable", None).await;
    assert_eq!(enabled.json()["state"], "active", "{}", enabled.text);
    happens(&app, LOST[0], &ids::<1>()).await;
    app.work().await;
    assert_eq!(receiver.taken().len(), tried + 1);
    let range = json!({ "from": app.clock().now() - chrono::TimeDelta::days(20), "until": app.clock().now() });
    let replayed = hook.act(Method::POST, "/replay", Some(range)).await;
    assert_eq!(replayed.json(), json!({ "deliveries": 8 }), "{}", replayed.text);
    app.work().await;
    assert_eq!(receiver.taken().len(), tried + 9);
    assert_eq!(mailed(&app).await.len(), 1);
}

#[tokio::test]
async fn one_message_that_arrives_is_enough_to_go_on() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    for day in 0..12 {
        if day % 4 == 3 {
            receiver.next(&[Answer::Status(200)]);
        }
        hook.test().await;
        app.work().await;
        app.later(DAY);
    }
    assert_eq!(hook.shown().await["state"], "active");
    assert!(mailed(&app).await.is_empty());
}

#[tokio::test]
async fn an_endpoint_that_says_that_it_is_gone_is_disabled_at_once() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(410)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<1>()).await;
    app.work().await;
    assert_eq!(hook.shown().await["disabled_because"], "gone");
    assert_eq!(mailed(&app).await.len(), 1);
    app.later(DAY);
    app.work().await;
    assert_eq!(receiver.taken().len(), 1);
    assert_eq!(hook.delivery().await["state"], "given_up");
}
