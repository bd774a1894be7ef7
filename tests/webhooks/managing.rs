//! Endpoints set, read, changed and ended by the program whose they are.

use super::{Answer, EVENTS, Hook, Receiver, app, create, happens};
use access::{
    SCOPES,
    scope::{MEMBERS_READ, WEBHOOKS_MANAGE},
};
use clients::Conditions;
use kernel::TenantId;
use reqwest::Method;
use serde_json::json;
use testkit::{Answer as Said, TestApp, TestDatabase, by_command, conditions};

const URL: &str = "https://hooks.example.jp/in";

fn refused(answer: &Said, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.json()["code"], code, "{}", answer.text);
}

#[tokio::test]
async fn an_endpoint_is_set_with_a_secret_that_is_shown_once_and_stands_in_no_row() {
    let app = TestApp::start().await;
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    let hook = Hook::with(
        &program,
        URL,
        &["notice.published", "import.finished", "import.finished"],
    )
    .await;
    let shown = hook.shown().await;
    assert_eq!(
        shown,
        json!({
            "id": hook.id, "url": URL, "events": ["import.finished", "notice.published"], "state": "active",
            "created_at": shown["created_at"],
        })
    );
    let listed = program.api(Method::GET, "/webhooks", None).await;
    assert_eq!(listed.json(), json!({ "webhooks": [shown] }));
    let (_, bytes) = hook.secret.split_once('_').unwrap();
    let rows = "SELECT to_jsonb(w)::text || encode(secret, 'base64') AS line FROM webhook_endpoints w
        UNION ALL SELECT detail::text FROM audit_events UNION ALL SELECT to_jsonb(k)::text FROM idempotency_keys k";
    for row in app.insurer.lines(rows).await {
        assert!(!row.contains(bytes), "{row}");
    }
    assert_eq!(
        app.insurer
            .lines("SELECT concat_ws(' ', action, actor_kind, detail->>'host') AS line FROM audit_events WHERE action LIKE 'webhook.%'")
            .await,
        ["webhook.create client hooks.example.jp"]
    );
    // Not even an Idempotency-Key gives it out again.
    let request = program
        .request(Method::POST, "/api/v1/webhooks")
        .bearer_auth(&program.token)
        .header("idempotency-key", "once")
        .json(&json!({ "url": "https://hooks.example.jp/other", "events": ["import.finished"] }));
    let again = request.try_clone().unwrap();
    assert_eq!(program.send(request).await.status, 201);
    refused(&program.send(again).await, 409, "webhook_exists");
}

#[tokio::test]
async fn what_is_wrong_is_told_field_by_field_and_nothing_is_set() {
    let app = TestApp::start().await;
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    for (url, events, expected) in [
        ("", vec!["import.finished"], vec![("/url", "empty")]),
        (
            "http://hooks.example.jp/",
            vec!["import.finished"],
            vec![("/url", "url_shape")],
        ),
        (
            "https://u:p@hooks.example.jp/",
            vec!["nothing.known"],
            vec![("/url", "url_shape"), ("/events/0", "not_a_choice")],
        ),
        (
            "https://127.0.0.1/",
            vec!["import.finished"],
            vec![("/url", "not_public")],
        ),
        (
            "https://[::ffff:10.0.0.1]/",
            vec!["webhook.test"],
            vec![("/url", "not_public"), ("/events/0", "not_a_choice")],
        ),
        (URL, vec![], vec![("/events", "too_few")]),
    ] {
        let answer = create(&program, url, &events).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text);
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        assert_eq!(told, expected, "{url}");
        let choices = errors.iter().filter(|error| error["code"] == "not_a_choice");
        for choice in choices {
            assert!(
                choice["detail"].as_str().unwrap().contains("`import.finished`"),
                "{choice}"
            );
        }
    }
    assert_eq!(app.insurer.count("webhook_endpoints", "true").await, 0);
}

#[tokio::test]
async fn a_client_has_ten_at_most_also_at_the_same_time_and_one_for_a_url() {
    let app = TestApp::start().await;
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    let urls: Vec<String> = (0..13).map(|n| format!("{URL}/{n}")).collect();
    let made = urls.iter().map(|url| create(&program, url, &["import.finished"]));
    let mut statuses: Vec<u16> = futures_util::future::join_all(made)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[201; 10].as_slice(), &[409; 3]].concat());
    assert_eq!(app.insurer.count("webhook_endpoints", "true").await, 10);
    let one = app.program(&[WEBHOOKS_MANAGE]).await;
    Hook::with(&one, URL, &["import.finished"]).await;
    refused(&create(&one, URL, &["import.finished"]).await, 409, "webhook_exists");
    // With an empty query it is the same place.
    let queried = format!("{URL}?");
    refused(
        &create(&one, &queried, &["import.finished"]).await,
        409,
        "webhook_exists",
    );
    let other = Hook::with(&one, &format!("{URL}/other"), &["import.finished"]).await;
    let same = json!({ "url": URL, "events": ["import.finished"] });
    refused(&other.act(Method::PUT, "", Some(same)).await, 409, "webhook_exists");
}

#[tokio::test]
async fn one_is_changed_by_whoever_knows_how_it_stands() {
    let app = TestApp::start().await;
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    let hook = Hook::with(&program, URL, &["import.finished"]).await;
    let path = format!("/api/v1{}", hook.path());
    let put = async |etag: Option<&str>| {
        let request = program.request(Method::PUT, &path).bearer_auth(&program.token);
        let request = etag
            .into_iter()
            .fold(request, |request, etag| request.header("if-match", etag));
        let body = json!({ "url": "https://hooks.example.jp/new", "events": ["notice.published"], "unknown": 1 });
        program.send(request.json(&body)).await
    };
    refused(&put(None).await, 428, "precondition_required");
    refused(&put(Some("\"none\"")).await, 412, "precondition_failed");
    let changed = put(Some(&hook.etag)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_ne!(changed.header("etag"), hook.etag);
    assert!(changed.json()["secret"].is_null());
    refused(&put(Some(&hook.etag)).await, 412, "precondition_failed");
    assert_eq!(hook.shown().await["events"], json!(["notice.published"]));
    // A new secret, too, is asked for by whoever knows it: sent again it makes no other.
    let rotate = async |etag: &str| {
        let path = format!("{path}/rotate-secret");
        let request = program.request(Method::POST, &path).bearer_auth(&program.token);
        program.send(request.header("if-match", etag)).await
    };
    let rotated = rotate(changed.header("etag")).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert!(rotated.json()["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(rotated.json()["old_secret_until"].is_string());
    refused(&rotate(changed.header("etag")).await, 412, "precondition_failed");
}

#[tokio::test]
async fn an_ended_one_is_nothing_to_anybody_and_its_secret_is_erased() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = Hook::of(&app, &receiver, &EVENTS).await;
    hook.test().await;
    app.work().await;
    assert_eq!(hook.act(Method::DELETE, "", None).await.status, 204);
    refused(&hook.act(Method::DELETE, "", None).await, 404, "not_found");
    for (method, verb) in [
        (Method::GET, ""),
        (Method::GET, "/deliveries"),
        (Method::POST, "/test"),
        (Method::POST, "/enable"),
        (Method::POST, "/rotate-secret"),
    ] {
        refused(&hook.act(method, verb, None).await, 404, "not_found");
    }
    app.later(600);
    app.work().await;
    assert_eq!(receiver.taken().len(), 1, "what waited is not sent");
    let erased = "secret IS NULL AND old_secret IS NULL AND state = 'ended'";
    assert_eq!(app.insurer.count("webhook_endpoints", erased).await, 1);
    // The same URL may be set anew.
    Hook::with(&hook.program, &receiver.url(), &["import.finished"]).await;
    madoguchi::retention::sweep_insurer(&app, app.tenant(), app.clock().now())
        .await
        .unwrap();
    assert_eq!(app.insurer.count("webhook_endpoints", "true").await, 1);
    assert_eq!(app.insurer.count("webhook_deliveries", "true").await, 0);
}

#[tokio::test]
async fn one_of_another_client_or_without_the_scope_is_nobodys() {
    let app = TestApp::start().await;
    let hook = Hook::with(&app.program(&[WEBHOOKS_MANAGE]).await, URL, &["import.finished"]).await;
    let others = app.program(&SCOPES).await;
    assert_eq!(
        others.api(Method::GET, "/webhooks", None).await.json(),
        json!({ "webhooks": [] })
    );
    let theirs = Hook {
        program: others,
        ..hook
    };
    for (method, verb) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::GET, "/deliveries"),
        (Method::POST, "/test"),
        (Method::POST, "/enable"),
        (Method::POST, "/rotate-secret"),
    ] {
        refused(&theirs.act(method, verb, None).await, 404, "not_found");
    }
    let reader = app.program(&[MEMBERS_READ]).await;
    refused(
        &reader.api(Method::GET, "/webhooks", None).await,
        403,
        "insufficient_scope",
    );
}

// security.md 41
#[tokio::test]
async fn endpoints_of_a_client_that_was_suspended_are_started_by_hand_once_it_is_back() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(500)).await;
    let hook = Hook::of(&app, &receiver, &["member.coverage_lost"]).await;
    let gone = Hook::with(&hook.program, URL, &["import.finished"]).await;
    testkit::sql(
        app.tenant(),
        &format!(
            "UPDATE webhook_endpoints SET state = 'disabled', why = 'gone' WHERE webhook_id = '{}'",
            gone.id
        ),
    )
    .await;
    happens(&app, "member.coverage_lost", &[uuid::Uuid::new_v4()]).await;
    app.work().await;
    let id = hook.program.name.client_id;
    assert!(app.clients.suspend(app.tenant(), id, by_command()).await.is_ok());
    let stopped = "state = 'given_up' AND reason = 'client_stopped'";
    assert_eq!(app.insurer.count("webhook_deliveries", stopped).await, 1);
    assert!(app.clients.resume(app.tenant(), id, by_command()).await.is_ok());
    let why = async |hook: &Hook| hook.shown().await["disabled_because"].clone();
    assert_eq!(why(&hook).await, "client_stopped");
    assert_eq!(why(&gone).await, "gone");
    refused(&hook.act(Method::POST, "/test", None).await, 409, "webhook_disabled");
    let enabled = hook.act(Method::POST, "/enable", None).await;
    assert_eq!(enabled.json()["state"], "active", "{}", enabled.text);
    hook.test().await;
    app.work().await;
    assert_eq!(receiver.taken().len(), 2, "what waited is not sent");
}

// security.md 41
#[tokio::test]
async fn a_vendors_endpoints_end_at_every_insurer_and_a_grant_that_is_given_anew_starts_none() {
    let (app, other) = (app().await, TestDatabase::new().await);
    let vendor = app.client_at(TenantId::PLATFORM, Conditions::default()).await;
    let (id, name) = (vendor.name.client_id, vendor.name.to_string());
    let grant = async |tenant| {
        let conditions = conditions(&[WEBHOOKS_MANAGE]);
        let granted = app.clients.grant(tenant, &name, &conditions, by_command()).await;
        assert!(granted.is_ok_and(|granted| matches!(granted, kernel::Outcome::Done(_))));
    };
    let at = async |code: &str| {
        let mut there = vendor.clone();
        there.token = there.new_token(&[("insurer_code", code)]).await;
        there
    };
    let (here_code, there_code) = (app.insurer.code.as_str(), other.code.as_str());
    for (tenant, code) in [(app.tenant(), here_code), (other.tenant, there_code)] {
        grant(tenant).await;
        Hook::with(&at(code).await, URL, &["import.finished"]).await;
    }
    let stopped = "state = 'disabled' AND why = 'client_stopped'";
    let both = async || {
        [
            app.insurer.count("webhook_endpoints", stopped).await,
            other.count("webhook_endpoints", stopped).await,
        ]
    };
    assert_eq!(both().await, [0, 0]);
    let platform = TenantId::PLATFORM;
    assert!(app.clients.suspend(platform, id, by_command()).await.is_ok());
    assert_eq!(both().await, [1, 1]);
    assert!(app.clients.resume(platform, id, by_command()).await.is_ok());
    assert_eq!(both().await, [1, 1]);
    let there = at(there_code).await;
    let listed = there.api(Method::GET, "/webhooks", None).await.json();
    let enable = format!("/webhooks/{}/enable", listed["webhooks"][0]["id"].as_str().unwrap());
    assert_eq!(there.api(Method::POST, &enable, None).await.status, 200);
    assert_eq!(both().await, [1, 0]);
    // Taken back and given anew it is the same grant.
    assert!(app.clients.ungrant(other.tenant, id, by_command()).await.is_ok());
    grant(other.tenant).await;
    assert_eq!(both().await, [1, 1]);
    let again = at(there_code).await;
    refused(&create(&again, URL, &["import.finished"]).await, 409, "webhook_exists");
}

#[tokio::test]
async fn whoever_sets_or_starts_an_endpoint_while_the_client_is_suspended_leaves_none_that_is_active() {
    let app = app().await;
    let hook = Hook::with(&app.program(&[WEBHOOKS_MANAGE]).await, URL, &["import.finished"]).await;
    let id = hook.program.name.client_id;
    for round in 0..5 {
        let mut program = hook.program.clone();
        program.token = program.new_token(&[]).await;
        let enable = format!("/webhooks/{}/enable", hook.id);
        let url = format!("{URL}/{round}");
        let (made, enabled, suspended) = tokio::join!(
            create(&program, &url, &["import.finished"]),
            program.api(Method::POST, &enable, None),
            app.clients.suspend(app.tenant(), id, by_command()),
        );
        assert!(suspended.is_ok());
        assert!([201, 401, 409].contains(&made.status.as_u16()), "{}", made.text);
        assert!([200, 401, 409].contains(&enabled.status.as_u16()), "{}", enabled.text);
        assert_eq!(app.insurer.count("webhook_endpoints", "state = 'active'").await, 0);
        assert!(app.clients.resume(app.tenant(), id, by_command()).await.is_ok());
        assert_eq!(hook.act(Method::POST, "/enable", None).await.status, 200);
    }
}
