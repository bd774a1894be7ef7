//! Messages on their way: receivers that answer badly, that hang, workers that die.

use super::{Answer, Hook, Receiver, app, happens, ids};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use testkit::TestApp;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpListener,
    time::{Instant, timeout},
};

const LOST: [&str; 1] = ["member.coverage_lost"];

#[tokio::test]
async fn a_message_is_tried_again_after_each_wait_under_the_same_id_and_at_last_no_more() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    hook.test().await;
    app.work().await;
    let hours = |hours: i64| hours * 3600;
    let waits = [5, 300, 1800, hours(2), hours(5), hours(10), hours(10)];
    for (tries, wait) in (1..).zip(waits) {
        assert_eq!(receiver.taken().len(), tries);
        let delivery = hook.delivery().await;
        assert_eq!(
            (&delivery["state"], &delivery["tries"], &delivery["status"]),
            (&json!("waiting"), &json!(tries), &json!(500))
        );
        app.later(wait - 1);
        app.work().await;
        assert_eq!(receiver.taken().len(), tries, "not before its time");
        app.later(1);
        app.work().await;
    }
    let taken = receiver.taken();
    assert_eq!(taken.len(), 8);
    assert!(
        taken
            .iter()
            .all(|message| message.id() == taken[0].id() && message.text == taken[0].text)
    );
    assert!(taken.iter().all(|message| message.is_signed_by(&hook.secret)));
    app.later(hours(24));
    app.work().await;
    assert_eq!(receiver.taken().len(), 8);
    assert_eq!(hook.delivery().await["state"], "failed");
    let shown = hook.shown().await;
    assert!(
        shown["failing_since"].is_string() && shown["last_success_at"].is_null(),
        "{shown}"
    );
}

// security.md 62
#[tokio::test]
async fn a_redirect_is_a_failure_and_leads_nowhere() {
    let app = app().await;
    let elsewhere = Receiver::start(Answer::Status(200)).await;
    let receiver = Receiver::start(Answer::To(elsewhere.url())).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    hook.test().await;
    app.work().await;
    assert_eq!((receiver.taken().len(), elsewhere.taken().len()), (1, 0));
    let delivery = hook.delivery().await;
    assert_eq!(
        (&delivery["state"], &delivery["status"]),
        (&json!("waiting"), &json!(302))
    );
}

// security.md 62
#[tokio::test]
async fn of_an_answer_the_status_counts_and_nothing_else_is_kept_or_waited_for() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    for (answer, state, reason) in [
        (Answer::Status(202), "delivered", None),
        (Answer::Endless, "delivered", None),
        (Answer::SlowBody, "delivered", None),
        (Answer::CloseHalfWay, "waiting", Some("no_answer")),
        (Answer::EndlessHead, "waiting", Some("no_answer")),
        (Answer::Status(404), "waiting", None),
    ] {
        receiver.next(std::slice::from_ref(&answer));
        let known = receiver.taken().len();
        let begun = Instant::now();
        hook.test().await;
        app.work().await;
        assert!(
            begun.elapsed() < Duration::from_secs(6),
            "{answer:?}: {:?}",
            begun.elapsed()
        );
        assert_eq!(receiver.taken().len(), known + 1, "{answer:?}");
        let last = &hook.deliveries().await[0];
        assert_eq!(
            (last["state"].as_str(), last["reason"].as_str()),
            (Some(state), reason),
            "{answer:?}"
        );
        app.later(1);
    }
    let rows = "SELECT concat(to_jsonb(d)::text) AS line FROM webhook_deliveries d
        UNION ALL SELECT detail::text FROM audit_events";
    assert!(app.insurer.lines(rows).await.iter().all(|row| !row.contains("theirs")));
    assert!(!hook.act(Method::GET, "/deliveries", None).await.text.contains("theirs"));
}

#[tokio::test]
async fn nobody_there_or_nothing_by_tls_is_told_by_a_word() {
    let app = app().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let in_clear = format!("https://{}/", listener.local_addr().unwrap());
    // It answers whatever comes in clear.
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await);
        }
    });
    let gone = Receiver::start(Answer::Status(200)).await.url();
    for (url, why) in [
        (gone.as_str(), "no_connection"),
        ("http://nobody.invalid/", "no_address"),
        (in_clear.as_str(), "tls"),
    ] {
        let program = app.program(&access::SCOPES).await;
        let hook = Hook::with(&program, url, &LOST).await;
        hook.test().await;
        app.work().await;
        assert_eq!(hook.delivery().await["reason"], why, "{url}");
    }
    server.abort();
}

#[tokio::test]
async fn of_a_subject_nothing_overtakes_what_waits_for_its_next_try_and_other_subjects_go_on() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &["member.coverage_lost", "member.returned"]).await;
    let [one, other] = ids();
    receiver.next(&[Answer::Status(503)]);
    happens(&app, "member.coverage_lost", &[one]).await;
    app.work().await;
    happens(&app, "member.returned", &[one]).await;
    happens(&app, "member.coverage_lost", &[other]).await;
    app.work().await;
    let told = || -> Vec<(String, i64)> {
        let taken = receiver.taken();
        taken
            .iter()
            .map(|message| (message.subject(), message.sequence()))
            .collect()
    };
    let (one, other) = (one.to_string(), other.to_string());
    assert_eq!(told(), [(one.clone(), 1), (other.clone(), 1)]);
    // What stands behind it is put off with it.
    let deliveries = hook.deliveries().await;
    let waiting = deliveries.iter().filter(|delivery| delivery["state"] == "waiting");
    let next: Vec<&str> = waiting.map(|delivery| delivery["next_at"].as_str().unwrap()).collect();
    assert!(next.len() == 2 && next[0] == next[1], "{deliveries:?}");
    app.later(5);
    app.work().await;
    assert_eq!(told()[2..], [(one.clone(), 1), (one, 2)]);
    assert!(
        hook.deliveries()
            .await
            .iter()
            .all(|delivery| delivery["state"] == "delivered")
    );
}

/// The receivers' messages come while one of them never answers.
#[tokio::test]
async fn a_receiver_that_hangs_holds_its_own_place_and_nobody_elses() {
    let app = app().await;
    let hanging = Receiver::start(Answer::Hang).await;
    let stuck = Hook::of(&app, &hanging, &LOST).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let receiver = Receiver::start(Answer::Status(200)).await;
        Hook::of(&app, &receiver, &LOST).await;
        others.push(receiver);
    }
    happens(&app, "member.coverage_lost", &ids::<30>()).await;
    let begun = Instant::now();
    let arrived = async {
        for receiver in &others {
            receiver.has(30).await;
        }
    };
    tokio::select! {
        () = app.work() => {}
        () = arrived => {}
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // No more than a few are on their way to it at the same time.
    assert!((1..=4).contains(&hanging.taken().len()), "{}", hanging.taken().len());
    assert!(
        stuck
            .deliveries()
            .await
            .iter()
            .all(|delivery| delivery["state"] == "waiting")
    );
}

#[tokio::test]
async fn fifteen_seconds_are_enough_for_anybody() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Hang).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<8>()).await;
    let begun = Instant::now();
    app.work().await;
    let took = begun.elapsed();
    assert!((14..20).contains(&took.as_secs()), "{took:?}");
    let deliveries = hook.deliveries().await;
    let tried = deliveries.iter().filter(|delivery| delivery["tries"] == 1);
    assert!(
        tried.clone().all(|delivery| delivery["reason"] == "timeout"),
        "{deliveries:?}"
    );
    // What would hang as well is not tried, and all who answer go before it.
    assert_eq!((tried.count(), receiver.taken().len()), (4, 4));
    let due = format!(
        "SELECT rank::text AS line FROM due WHERE queue = 'webhook' AND tenant_id = {}",
        app.tenant()
    );
    assert_eq!(app.insurer.lines(&due).await, ["2"]);
}

/// A worker that dies in the middle of sending.
#[tokio::test]
async fn what_a_killed_worker_was_sending_is_sent_again_under_the_same_id() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Hang).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    hook.test().await;
    tokio::select! {
        () = app.work() => panic!("it hangs"),
        _ = receiver.has(1) => {}
    }
    receiver.then(Answer::Status(200));
    app.work().await;
    assert_eq!(receiver.taken().len(), 1, "its lease is not over");
    app.insurer.end_leases().await;
    app.work().await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].id(), taken[1].id());
    assert_eq!(hook.delivery().await["state"], "delivered");
}

/// And one that dies between writing deliveries and noting how far it came: nothing is written twice.
#[tokio::test]
async fn two_workers_at_the_same_events_tell_each_once() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    Hook::of(&app, &receiver, &LOST).await;
    let second = app.beside(|config| {
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let second = second.await;
    for _ in 0..5 {
        happens(&app, "member.coverage_lost", &ids::<20>()).await;
        tokio::join!(app.work(), second.work());
    }
    app.work().await;
    let mut told: Vec<String> = receiver.taken().iter().map(super::receiver::Message::subject).collect();
    told.sort();
    told.dedup();
    assert_eq!((told.len(), receiver.taken().len()), (100, 100));
}

/// A worker that is told to end gives back what it holds, for another to take up at once.
#[tokio::test]
async fn a_suspended_client_or_insurer_is_sent_nothing_and_one_that_is_back_is() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    let id = hook.program.name.client_id;
    let by = testkit::by_command;
    assert!(app.clients.suspend(app.tenant(), id, by()).await.is_ok());
    happens(&app, "member.coverage_lost", &ids::<1>()).await;
    app.work().await;
    assert!(receiver.taken().is_empty());
    assert!(app.clients.resume(app.tenant(), id, by()).await.is_ok());
    happens(&app, "member.coverage_lost", &ids::<1>()).await;
    app.work().await;
    assert!(receiver.taken().is_empty(), "nobody has started it again");
    let enable = async || assert_eq!(hook.act(Method::POST, "/enable", None).await.status, 200);
    enable().await;
    happens(&app, "member.coverage_lost", &ids::<1>()).await;
    app.work().await;
    assert_eq!(
        receiver.taken().len(),
        1,
        "what happened while it was suspended is none of its"
    );
    // What waits is not sent either.
    receiver.then(Answer::Status(500));
    happens(&app, "member.coverage_lost", &ids::<1>()).await;
    app.work().await;
    assert!(app.clients.suspend(app.tenant(), id, by()).await.is_ok());
    app.later(5);
    app.work().await;
    assert_eq!(receiver.taken().len(), 2);
    assert_eq!(
        app.insurer
            .count("webhook_deliveries", "reason = 'client_stopped'")
            .await,
        1
    );
    // Its last day is over.
    assert!(app.clients.resume(app.tenant(), id, by()).await.is_ok());
    enable().await;
    receiver.then(Answer::Status(200));
    let last = "UPDATE client_grants SET expires_on = '2000-01-01'";
    testkit::sql(app.tenant(), last).await;
    happens(&app, "member.coverage_lost", &ids::<1>()).await;
    app.work().await;
    assert_eq!(receiver.taken().len(), 2);
}

#[tokio::test]
async fn two_secrets_sign_for_a_day_and_then_the_new_one_alone() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    let rotate = async || {
        let rotated = hook.act(Method::POST, "/rotate-secret", None).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        rotated.json()["secret"].as_str().unwrap().to_owned()
    };
    let sent = async |app: &TestApp| {
        hook.test().await;
        app.work().await;
        receiver.taken().pop().unwrap()
    };
    let second = rotate().await;
    let both = sent(&app).await;
    assert_eq!(both.signatures().len(), 2);
    assert!(both.is_signed_by(&hook.secret) && both.is_signed_by(&second));
    let third = rotate().await;
    let both = sent(&app).await;
    assert!(!both.is_signed_by(&hook.secret) && both.is_signed_by(&second) && both.is_signed_by(&third));
    app.later(24 * 3600);
    let one = sent(&app).await;
    assert_eq!(one.signatures().len(), 1);
    assert!(one.is_signed_by(&third));
    assert!(hook.shown().await["old_secret_until"].is_null());
    madoguchi::retention::sweep_insurer(&app, app.tenant(), app.clock().now())
        .await
        .unwrap();
    assert_eq!(app.insurer.count("webhook_endpoints", "old_secret IS NULL").await, 1);
}

#[tokio::test]
async fn whoever_may_end_waits_for_nobody_who_hangs() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Hang).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    hook.test().await;
    // While it is on its way nothing is locked: the endpoint is read, changed and ended.
    tokio::select! {
        () = app.work() => panic!("it hangs"),
        () = async {
            receiver.has(1).await;
            assert_eq!(hook.delivery().await["state"], "waiting");
            let deleted = timeout(Duration::from_secs(3), hook.act(Method::DELETE, "", None)).await;
            assert_eq!(deleted.unwrap().status, 204);
        } => {}
    }
    app.insurer.end_leases().await;
    receiver.then(Answer::Status(200));
    app.work().await;
    assert_eq!(receiver.taken().len(), 1);
}
