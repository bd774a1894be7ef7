//! Sign-up, log-in, consent, my page, notices and recovery, as a program walks them.

use super::{accept, identity, member, problem, token};
use audit::{Actor, Origin};
use notices::{Draft, To};
use reqwest::{Method, StatusCode};
use serde_json::json;
use testkit::{PASSWORD, TestApp};

#[tokio::test]
async fn a_program_walks_from_the_identity_to_the_my_page_and_out() {
    let app = TestApp::start().await;
    let client = app.client();
    let post = |path: &'static str, body| client.call(Method::POST, path, None, Some(body));
    let user_id = format!("api-{}", app.insurer.code);
    let email = format!("{user_id}@example.jp");

    let answer = post("/signup/identity", identity(&app, &app.person)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    assert!(answer.json().get("email_hint").is_none());

    let account = json!({"ticket": ticket, "user_id": user_id, "password": PASSWORD, "email": email});
    let answer = post("/signup/account", account.clone()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert!(answer.json()["code_expires_at"].is_string());

    problem(
        &post("/signup/code/resend", json!({"ticket": ticket})).await,
        429,
        "resend_too_soon",
    );
    problem(
        &post("/signup/code", json!({"ticket": ticket, "code": "abc"})).await,
        422,
        "fields",
    );
    let code = app.code_for(&email).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    problem(
        &post("/signup/code", json!({"ticket": ticket, "code": wrong})).await,
        422,
        "code_wrong",
    );
    for _double_click in 0..2 {
        let answer = post("/signup/code", json!({"ticket": ticket, "code": code})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        assert_eq!(answer.json()["user_id"], user_id.as_str());
    }
    problem(&post("/signup/account", account).await, 409, "ticket_expired");

    let answer = post(
        "/sessions",
        json!({"user_id": user_id.to_uppercase(), "password": PASSWORD}),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert!(answer.headers.get("set-cookie").is_none());
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let due = answer.json()["consents_required"].clone();
    assert!(due.as_array().is_some_and(|due| !due.is_empty()));

    let get = |path: &'static str| client.call(Method::GET, path, Some(&token), None);
    for closed in ["/me/dashboard", "/me/notices"] {
        problem(&get(closed).await, 403, "consent_required");
    }
    let consents = get("/me/consents").await.json();
    assert_eq!(consents["due"].as_array().map(Vec::len), due.as_array().map(Vec::len));
    assert!(
        consents["due"][0]["body"]
            .as_str()
            .is_some_and(|body| body.contains("適用"))
    );
    accept(&client, &token).await;
    let consents = get("/me/consents").await.json();
    assert_eq!(consents["due"], json!([]));
    assert_eq!(consents["given"].as_array().map(Vec::len), due.as_array().map(Vec::len));

    let dashboard = get("/me/dashboard").await;
    assert_eq!(dashboard.status, StatusCode::OK, "{}", dashboard.text);
    assert_eq!(dashboard.json()["name"], "健保 祥子");
    assert!(dashboard.json().get("recent_cost").is_none());

    let out = client
        .call(Method::DELETE, "/sessions/current", Some(&token), None)
        .await;
    assert_eq!((out.status, out.text.as_str()), (StatusCode::NO_CONTENT, ""));
    problem(&get("/me/dashboard").await, 401, "session_ended");
    problem(
        &client
            .call(Method::DELETE, "/sessions/current", Some(&token), None)
            .await,
        401,
        "session_ended",
    );
}

#[tokio::test]
async fn an_identity_that_does_not_match_and_one_that_is_registered_get_one_answer() {
    let app = TestApp::start().await;
    app.sign_up().await;
    let client = app.client();
    let mut stranger = identity(&app, &app.person);
    stranger["birth_date"] = "1985-04-02".into();
    let mut bodies = Vec::new();
    for body in [stranger, identity(&app, &app.person)] {
        let answer = client.call(Method::POST, "/signup/identity", None, Some(body)).await;
        let mut body = problem(&answer, 422, "not_matched");
        body["request_id"].take();
        bodies.push(body);
    }
    assert_eq!(bodies[0], bodies[1]);
}

// security.md 3
#[tokio::test]
async fn five_failures_on_one_number_make_it_wait_and_say_how_long() {
    let app = TestApp::start().await;
    let mut body = identity(&app, &app.person);
    body["kana_name"] = "ベツ ジン".into();
    for _ in 0..5 {
        let answer = app
            .client()
            .call(Method::POST, "/signup/identity", None, Some(body.clone()))
            .await;
        problem(&answer, 422, "not_matched");
    }
    let answer = app
        .client()
        .call(Method::POST, "/signup/identity", None, Some(body))
        .await;
    let waits = problem(&answer, 429, "wait")["retry_after"].as_i64().unwrap();
    assert!((890..=901).contains(&waits), "{waits}");
}

#[tokio::test]
async fn an_insurer_is_told_with_its_colours_desk_modules_and_terms() {
    let app = TestApp::start().await;
    let client = app.client();
    let answer = client
        .call(Method::GET, &format!("/insurers/{}", app.insurer.code), None, None)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let insurer = answer.json();
    assert_eq!(insurer["code"], app.insurer.code.as_str());
    assert_eq!(
        (insurer["name"].as_str(), insurer["state"].as_str()),
        (Some("奈良県市町村職員共済組合"), Some("open"))
    );
    assert_eq!(insurer["desk"]["phone"], "050-2030-4706");
    // The frozen clock stands on a Sunday, and Monday is 勤労感謝の日.
    assert_eq!(
        (insurer["desk"]["open"].as_bool(), insurer["desk"]["opens_at"].as_str()),
        (Some(false), Some("2026-11-24T01:00:00Z"))
    );
    assert!(
        insurer["branding"]["strong"]
            .as_str()
            .is_some_and(|color| color.starts_with('#'))
    );
    assert!(insurer["modules"].as_array().is_some_and(|modules| !modules.is_empty()));
    assert!(
        insurer["terms"]
            .as_array()
            .unwrap()
            .iter()
            .any(|terms| terms["document"] == "service")
    );

    let code = app.insurer.code.as_str();
    let other = if code.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("/insurers/{}{other}", &code[..code.len() - 1]);
    let body = problem(&client.call(Method::GET, &mistyped, None, None).await, 422, "fields");
    assert_eq!(body["errors"][0]["code"], "check_digit");
    problem(
        &client.call(Method::GET, "/insurers/06999015", None, None).await,
        404,
        "not_found",
    );
}

#[tokio::test]
async fn notices_come_page_by_page_and_are_read_once_opened() {
    let app = TestApp::start().await;
    let (client, _, token) = member(&app).await;
    for number in 1..=3 {
        let mut tx = app.write(app.tenant()).await;
        let draft = Draft {
            title: format!("お知らせ{number}"),
            body: "本文".into(),
            published_at: app.clock().now() - chrono::TimeDelta::minutes(number),
            ended_at: None,
            mail: false,
        };
        app.notices()
            .publish(&mut tx, &Origin::command(), Actor::System, To::All, &draft)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let list = async |query: String| {
        let answer = client
            .call(Method::GET, &format!("/me/notices{query}"), Some(&token), None)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    };
    let mut titles = Vec::new();
    let mut query = "?limit=1".to_owned();
    let mut id = String::new();
    loop {
        let page = list(query).await;
        for line in page["notices"].as_array().unwrap() {
            assert_eq!(line["unread"], true);
            titles.push(line["title"].as_str().unwrap().to_owned());
            line["id"].as_str().unwrap().clone_into(&mut id);
        }
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=1&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(titles, ["お知らせ1", "お知らせ2", "お知らせ3"]);

    let one = format!("/me/notices/{id}");
    // Who asks only whether it is there has read nothing.
    let head = client.call(Method::HEAD, &one, Some(&token), None).await;
    assert_eq!(head.status, StatusCode::OK);
    let opened = client.call(Method::GET, &one, Some(&token), None).await;
    assert_eq!(opened.json()["unread"], true);
    assert_eq!(
        (opened.json()["title"].as_str(), opened.json()["body"].as_str()),
        (Some("お知らせ3"), Some("本文"))
    );
    let lines = list(String::new()).await["notices"].clone();
    let unread: Vec<_> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["unread"].as_bool().unwrap())
        .collect();
    assert_eq!(unread, [true, true, false]);
}

// security.md 33
#[tokio::test]
async fn a_forgotten_password_is_reset_once_by_the_mailed_link_and_ends_all_sessions() {
    let app = TestApp::start().await;
    let (client, who, old) = member(&app).await;
    let post = |path: &'static str, body| client.call(Method::POST, path, None, Some(body));

    let ask = async || {
        let known = post("/password-resets", json!({"user_id": who.user_id})).await;
        (
            known,
            post(
                "/password-resets",
                json!({"user_id": format!("nobody-{}", app.insurer.code)}),
            )
            .await,
        )
    };
    let (known, unknown) = app.with_platform_work(ask()).await;
    assert_eq!(
        (known.status, unknown.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_eq!(known.text, unknown.text);

    let mails = app.mails_to(&who.email).await;
    let (_, rest) = mails.iter().find_map(|mail| mail.text.split_once("token=")).unwrap();
    let link: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
    let password = "Asagao3rin#";
    let weak = post("/password-resets/complete", json!({"token": link, "password": "short"})).await;
    assert_eq!(problem(&weak, 422, "fields")["errors"][0]["pointer"], "/password");
    // As it stands in a sentence.
    let done = post(
        "/password-resets/complete",
        json!({"token": format!("{link}。"), "password": password}),
    )
    .await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
    // The same once more is the same request sent twice; another password is another use.
    for (password, status) in [(password, 204), ("Yuri3rin%Na", 409)] {
        let again = post(
            "/password-resets/complete",
            json!({"token": link, "password": password}),
        )
        .await;
        assert_eq!(again.status, status, "{}", again.text);
    }

    problem(
        &client.call(Method::GET, "/me/dashboard", Some(&old), None).await,
        401,
        "session_ended",
    );
    let log_in = |password| post("/sessions", json!({"user_id": who.user_id, "password": password}));
    problem(&log_in(PASSWORD).await, 401, "log_in_failed");
    assert_eq!(log_in(password).await.status, StatusCode::CREATED);
}

// security.md 36
#[tokio::test]
async fn a_forgotten_user_id_goes_to_the_proven_address_alone() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let mut other = identity(&app, &app.person);
    other["birth_date"] = "1985-04-02".into();
    let before = app.mails_to(&who.email).await.len();
    let unknown = client.call(Method::POST, "/user-id-reminders", None, Some(other)).await;
    assert_eq!(app.mails_to(&who.email).await.len(), before);
    let known = client
        .call(
            Method::POST,
            "/user-id-reminders",
            None,
            Some(identity(&app, &app.person)),
        )
        .await;
    assert_eq!((known.status, &known.text), (StatusCode::ACCEPTED, &unknown.text));
    let mails = app.mails_to(&who.email).await;
    assert_eq!(mails.len(), before + 1);
    assert!(mails.iter().any(|mail| mail.text.contains(&who.user_id)));
}

#[tokio::test]
async fn consent_to_a_revision_that_is_not_in_force_records_nothing() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let token = token(&client, &who).await;
    for consents in [
        json!([{"document": "service", "revision": 99}]),
        json!([{"document": "nonsense", "revision": 1}]),
    ] {
        let body = Some(json!({"consents": consents}));
        let answer = client.call(Method::POST, "/me/consents", Some(&token), body).await;
        problem(&answer, 409, "revision_outdated");
    }
    let consents = client
        .call(Method::GET, "/me/consents", Some(&token), None)
        .await
        .json();
    assert_eq!(consents["given"], json!([]));
}
