//! Deliveries listed, and sent once more: one, or those of a time.

use super::{Answer, Hook, Receiver, app, happens, ids, lost};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::TestApp;

const LOST: [&str; 1] = ["member.coverage_lost"];

#[tokio::test]
async fn deliveries_are_listed_by_page_and_state_and_a_cursor_is_good_for_its_list_alone() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    let other = Hook::with(&hook.program, &format!("{}&b", receiver.url()), &LOST).await;
    for _ in 0..5 {
        happens(&app, LOST[0], &ids::<1>()).await;
        app.later(1);
    }
    receiver.next(&[Answer::Status(500)]);
    app.work().await;
    let mut seen = BTreeSet::new();
    let mut query = "/deliveries?limit=2".to_owned();
    let mut cursor = None;
    for lines in [2, 2, 1] {
        let page = hook.act(Method::GET, &query, None).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let page = page.json();
        let deliveries = page["deliveries"].as_array().unwrap();
        assert_eq!(deliveries.len(), lines);
        seen.extend(deliveries.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        if let Some(next) = page["next"].as_str() {
            cursor = Some(next.to_owned());
            query = format!("/deliveries?limit=2&cursor={next}");
        }
    }
    assert_eq!(seen.len(), 5);
    let cursor = cursor.unwrap();
    let narrowed = hook
        .act(
            Method::GET,
            &format!("/deliveries?state=delivered&cursor={cursor}"),
            None,
        )
        .await;
    assert_eq!(narrowed.status, 400, "{}", narrowed.text);
    let elsewhere = other
        .act(Method::GET, &format!("/deliveries?cursor={cursor}"), None)
        .await;
    assert_eq!(
        (elsewhere.status.as_u16(), &elsewhere.json()["code"]),
        (400, &json!("cursor"))
    );
    let wrong = hook.act(Method::GET, "/deliveries?state=lost", None).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let of = async |hook: &Hook, state: &str| {
        let listed = hook.act(Method::GET, &format!("/deliveries?state={state}"), None).await;
        listed.json()["deliveries"].as_array().unwrap().len()
    };
    let waiting = of(&hook, "waiting").await + of(&other, "waiting").await;
    assert_eq!(waiting, 1);
    assert_eq!(of(&hook, "failed").await, 0);
}

#[tokio::test]
async fn one_is_sent_once_more_under_its_id_however_often_that_is_asked_with_one_key() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<1>()).await;
    app.work().await;
    let first = receiver.taken().remove(0);
    let path = format!("/api/v1{}/deliveries/{}/replay", hook.path(), first.id());
    for _ in 0..2 {
        let request = hook
            .program
            .request(Method::POST, &path)
            .bearer_auth(&hook.program.token);
        let replayed = hook.program.send(request.header("idempotency-key", "once")).await;
        assert_eq!(replayed.json(), json!({ "deliveries": 1 }), "{}", replayed.text);
    }
    app.work().await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!((taken[1].id(), &taken[1].text), (first.id(), &first.text));
    // One that is on its way is, without it.
    receiver.then(Answer::Status(500));
    let again = format!("/deliveries/{}/replay", first.id());
    assert_eq!(hook.act(Method::POST, &again, None).await.status, 200);
    let twice = hook.act(Method::POST, &again, None).await;
    assert_eq!(twice.json()["code"], "webhook_delivery_waiting", "{}", twice.text);
    let nobodys = format!("/deliveries/{}/replay", uuid::Uuid::new_v4());
    assert_eq!(hook.act(Method::POST, &nobodys, None).await.status, 404);
}

#[tokio::test]
async fn of_a_time_what_did_not_arrive_is_sent_once_more_and_all_of_it_where_it_is_asked_for() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    let from = app.clock().now();
    happens(&app, LOST[0], &ids::<3>()).await;
    app.work().await;
    app.later(60);
    let until = app.clock().now();
    happens(&app, LOST[0], &ids::<2>()).await;
    app.work().await;
    let replay = async |range: Value| hook.act(Method::POST, "/replay", Some(range)).await;
    assert_eq!(
        replay(json!({ "from": from, "until": until })).await.json()["deliveries"],
        0
    );
    let all = replay(json!({ "from": from, "until": until, "delivered": true })).await;
    assert_eq!(all.json()["deliveries"], 3, "{}", all.text);
    app.work().await;
    assert_eq!(receiver.taken().len(), 8);
    for (range, pointer, code) in [
        (json!({ "from": until, "until": from }), "/until", "not_later"),
        (
            json!({ "from": from - chrono::TimeDelta::days(31), "until": until }),
            "/from",
            "too_long_ago",
        ),
        (
            json!({ "from": "2026-11-27", "until": "2026-11-28T00:00:00" }),
            "/from",
            "type",
        ),
    ] {
        let refused = replay(range).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let body = refused.json();
        let error = &body["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code)),
            "{body}"
        );
    }
    for range in [
        json!({ "from": "yesterday", "until": until }),
        json!({ "until": until }),
    ] {
        let refused = replay(range).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/from", "{}", refused.text);
    }
}

#[tokio::test]
async fn of_two_ranges_at_the_same_instant_each_message_is_counted_in_one_and_sent_once() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    let from = app.clock().now();
    happens(&app, LOST[0], &ids::<3>()).await;
    app.later(60);
    let until = app.clock().now();
    happens(&app, LOST[0], &ids::<2>()).await;
    app.work().await;
    app.later(60);
    let replay = async |until: chrono::DateTime<chrono::Utc>| {
        let range = json!({ "from": from, "until": until, "delivered": true });
        let again = hook.act(Method::POST, "/replay", Some(range)).await;
        assert_eq!(again.status, 200, "{}", again.text);
        again.json()["deliveries"].as_u64().unwrap()
    };
    let (first, all) = tokio::join!(replay(until), replay(app.clock().now()));
    assert_eq!(first + all, 5, "{first} and {all}");
    app.work().await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 10);
    for message in &taken {
        assert_eq!(taken.iter().filter(|one| one.id() == message.id()).count(), 2);
    }
}

#[tokio::test]
async fn no_more_than_ten_thousand_are_sent_once_more_at_a_time() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    lost(&app, &hook.id, app.clock().now(), 10_001).await;
    let range = json!({ "from": app.clock().now(), "until": app.clock().now() + chrono::TimeDelta::hours(1) });
    let refused = hook.act(Method::POST, "/replay", Some(range)).await;
    assert_eq!(refused.json()["code"], "webhook_range_too_large", "{}", refused.text);
    assert_eq!(app.insurer.count("webhook_deliveries", "state = 'waiting'").await, 0);
}

#[tokio::test]
async fn of_what_waits_for_a_later_try_the_next_ten_thousand_are_sent_at_once() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    lost(&app, &hook.id, app.clock().now(), 10_001).await;
    let wait = "UPDATE webhook_deliveries d
        SET state = 'waiting', finished_at = NULL, next_at = happened_at + (3600 + n) * interval '1 second'
        FROM (SELECT event_id, row_number() OVER (ORDER BY event_id) AS n FROM webhook_deliveries) AS nth
        WHERE d.event_id = nth.event_id";
    testkit::execute_within(&app.insurer.owner_url(), Some(app.tenant()), wait)
        .await
        .unwrap();
    for left in [1, 0] {
        assert_eq!(hook.act(Method::POST, "/enable", None).await.status, 200);
        assert_eq!(app.insurer.count("webhook_deliveries", "tries = 8").await, left);
    }
}

#[tokio::test]
async fn what_became_of_deliveries_is_kept_for_thirty_days() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<2>()).await;
    app.work().await;
    let sweep = async || {
        madoguchi::retention::sweep_insurer(&app, app.tenant(), app.clock().now())
            .await
            .unwrap()
    };
    app.later(30 * 24 * 3600);
    sweep().await;
    assert_eq!(app.insurer.count("webhook_deliveries", "true").await, 2);
    app.later(1);
    sweep().await;
    assert_eq!(app.insurer.count("webhook_deliveries", "true").await, 0);
    // Numbers go on.
    let subject = app
        .insurer
        .lines("SELECT subject::text AS line FROM events WHERE kind = 'member.coverage_lost' LIMIT 1");
    let subject = uuid::Uuid::parse_str(&subject.await[0]).unwrap();
    happens(&app, LOST[0], &[subject]).await;
    app.work().await;
    assert_eq!(receiver.taken().last().unwrap().sequence(), 2);
    drop(hook);
}

/// Two messages of one subject that a broken receiver has not taken: the second stands behind the first.
async fn broken(app: &TestApp, receiver: &Receiver) -> Hook {
    let hook = Hook::of(app, receiver, &["member.coverage_lost", "member.returned"]).await;
    let [one] = ids();
    happens(app, "member.coverage_lost", &[one]).await;
    app.later(1);
    happens(app, "member.returned", &[one]).await;
    app.work().await;
    app.later(5);
    app.work().await;
    assert_eq!(receiver.taken().len(), 2);
    receiver.then(Answer::Status(200));
    hook
}

fn kinds(receiver: &Receiver) -> Vec<String> {
    let taken = receiver.taken();
    taken.iter().map(super::receiver::Message::kind).skip(2).collect()
}

const BOTH: [&str; 2] = ["member.coverage_lost", "member.returned"];

#[tokio::test]
async fn what_waits_for_a_later_try_is_sent_at_once_with_what_it_stands_behind() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = broken(&app, &receiver).await;
    app.work().await;
    assert!(kinds(&receiver).is_empty(), "not before its time");
    let deliveries = hook.deliveries().await;
    let second = deliveries.iter().find(|one| one["type"] == BOTH[1]).unwrap();
    let replay = format!("/deliveries/{}/replay", second["id"].as_str().unwrap());
    assert_eq!(hook.act(Method::POST, &replay, None).await.status, 200);
    let twice = hook.act(Method::POST, &replay, None).await;
    assert_eq!(twice.json()["code"], "webhook_delivery_waiting", "{}", twice.text);
    app.work().await;
    assert_eq!(kinds(&receiver), BOTH);
}

#[tokio::test]
async fn of_a_time_what_waits_for_a_later_try_is_counted_and_sent() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = broken(&app, &receiver).await;
    let now = app.clock().now();
    let range = json!({ "from": now - chrono::TimeDelta::hours(1), "until": now });
    for deliveries in [2, 0] {
        let again = hook.act(Method::POST, "/replay", Some(range.clone())).await;
        assert_eq!(again.json(), json!({ "deliveries": deliveries }), "{}", again.text);
    }
    app.work().await;
    assert_eq!(kinds(&receiver), BOTH);
}

#[tokio::test]
async fn at_another_place_and_where_it_is_enabled_what_waits_is_sent_at_once() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = broken(&app, &receiver).await;
    let elsewhere = Receiver::start(Answer::Status(500)).await;
    let moved = json!({ "url": elsewhere.url(), "events": BOTH });
    assert_eq!(hook.act(Method::PUT, "", Some(moved.clone())).await.status, 200);
    app.work().await;
    assert_eq!(elsewhere.taken().len(), 1);
    let waiting = hook.deliveries().await;
    let tries: Vec<_> = waiting.iter().map(|one| one["tries"].as_i64().unwrap()).collect();
    assert_eq!(tries.iter().max(), Some(&1), "as what is new: {waiting:?}");
    // The same place again is no other.
    elsewhere.then(Answer::Status(200));
    assert_eq!(hook.act(Method::PUT, "", Some(moved)).await.status, 200);
    app.work().await;
    assert_eq!(elsewhere.taken().len(), 1);
    assert_eq!(hook.act(Method::POST, "/enable", None).await.status, 200);
    app.work().await;
    assert_eq!(elsewhere.taken().len(), 3);
    assert!(kinds(&receiver).is_empty());
}
