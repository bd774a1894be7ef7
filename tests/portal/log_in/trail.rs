//! What log-ins leave in the audit trail.

use super::log_in;
use testkit::{PASSWORD, TestApp, unique};

// security.md 55
#[tokio::test]
async fn a_refused_log_in_names_the_account_it_was_for_or_what_was_typed_by_a_hash() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let account = app.insurer.lines("SELECT account_id::text AS line FROM accounts").await;
    let known = "SELECT outcome || ' ' || object_kind || ' ' || object_id AS line FROM audit_events
         WHERE action = 'session.open' AND actor_kind = 'visitor'";
    let client = app.client();
    for _ in 0..=10 {
        log_in(&client, &who.user_id, "wrong&1234").await;
    }
    assert_eq!(
        app.insurer.lines(known).await,
        vec![format!("log_in_failed account {}", account[0]); 10]
    );

    let (one, other) = (unique("nobody"), unique("nobody"));
    let mut hashes = Vec::new();
    for user_id in [&one, &one, &other] {
        let answer = log_in(&app.client(), user_id, "wrong&1234").await;
        let id = answer.header("x-request-id").to_owned();
        let of_request = format!(
            "SELECT detail::text AS line FROM audit_events WHERE action = 'session.open' AND object_id IS NULL AND request_id = '{id}'"
        );
        let platform = Some(kernel::TenantId::PLATFORM);
        let lines = testkit::lines_within(&testkit::owner_url(), platform, &of_request).await;
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].contains("user_id_hash") && !lines[0].contains(user_id.as_str()),
            "{lines:?}"
        );
        hashes.extend(lines);
    }
    assert!(hashes[0] == hashes[1] && hashes[1] != hashes[2], "{hashes:?}");
}

// security.md 55, 72
#[tokio::test]
async fn log_ins_held_off_are_counted_and_told_in_one_line_once_their_minute_is_over() {
    let app = TestApp::start().await;
    let (client, id) = (app.client(), unique("nobody"));
    let platform = Some(kernel::TenantId::PLATFORM);
    let line = |request: &str| {
        format!(
            "SELECT concat_ws(' ', outcome, object_kind, detail->>'refused', detail->>'user_id_hash') AS line
             FROM audit_events WHERE action = 'session.open' AND request_id = '{request}'"
        )
    };
    let failed = log_in(&client, &id, "wrong&1234").await;
    for _ in 0..9 {
        log_in(&client, &id, "wrong&1234").await;
    }
    let mut requests = Vec::new();
    for _ in 0..20 {
        let answer = log_in(&client, &id, "wrong&1234").await;
        assert_eq!(answer.status, 429);
        requests.push(answer.header("x-request-id").to_owned());
    }
    // After the wait ten more fail, and whoever is held off next tells of the twenty.
    app.later(61);
    for _ in 0..10 {
        assert_eq!(log_in(&client, &id, "wrong&1234").await.status, 422);
    }
    let telling = log_in(&client, &id, "wrong&1234").await;
    for request in &requests {
        assert!(
            testkit::lines_within(&testkit::owner_url(), platform, &line(request))
                .await
                .is_empty()
        );
    }
    let hash = testkit::lines_within(&testkit::owner_url(), platform, &line(failed.header("x-request-id"))).await;
    let hash = hash[0].strip_prefix("log_in_failed ").unwrap();
    let told = testkit::lines_within(&testkit::owner_url(), platform, &line(telling.header("x-request-id"))).await;
    assert_eq!(told, [format!("refused 20 {hash}")]);
    // The last ones are told by the sweep.
    app.later(61);
    let mut tx = app.write(kernel::TenantId::PLATFORM).await;
    accounts::tell_refusals(&mut tx, app.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
    let swept = format!(
        "SELECT detail->>'refused' AS line FROM audit_events WHERE channel = 'worker' AND detail->>'user_id_hash' = '{hash}'"
    );
    assert_eq!(
        testkit::lines_within(&testkit::owner_url(), platform, &swept).await,
        ["1"]
    );
}

// security.md 55
#[tokio::test]
async fn every_log_in_and_its_end_stands_in_the_audit_trail_without_anything_personal() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    log_in(&app.client(), &who.user_id, "wrong&1234").await;
    client.press("/portal/logout").await;
    let trail = app
        .insurer
        .lines("SELECT action || ' ' || outcome || ' ' || actor_kind AS line FROM audit_events ORDER BY audit_id")
        .await;
    for line in [
        "session.open done member",
        "session.open log_in_failed visitor",
        "session.end done member",
    ] {
        assert!(trail.iter().any(|entry| entry == line), "{line}: {trail:?}");
    }
    let all = app
        .insurer
        .lines("SELECT to_jsonb(a)::text AS line FROM audit_events a")
        .await
        .join("\n");
    for private in [
        who.user_id.as_str(),
        &who.email,
        PASSWORD,
        "wrong&1234",
        "1985",
        "ショウコ",
    ] {
        assert!(!all.contains(private), "{private}");
    }
}
