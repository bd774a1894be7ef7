//! What strangers and broken programs send: each gets its problem+json, and nothing opens.

use super::{flaws, identity, member, problem, token};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tenancy::{Features, Folder};
use testkit::TestApp;

/// Every operation of the served document: method, path with something in its parameters, who may come in.
async fn operations(app: &TestApp) -> Vec<(Method, String, String)> {
    let document = app.client().call(Method::GET, "/openapi.json", None, None).await.json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{code}", app.insurer.code.as_str())
            .replace("{id}", "0197a3c0-0000-7000-8000-00000000004d");
        for (method, operation) in methods.as_object().unwrap() {
            let access = operation["x-access"].as_str().unwrap().to_owned();
            found.push((method.to_uppercase().parse().unwrap(), path.clone(), access));
        }
    }
    found
}

#[tokio::test]
async fn nothing_behind_a_token_opens_without_a_live_one() {
    let app = TestApp::start().await;
    let (client, _, good) = member(&app).await;
    let (tenant, secret) = good.split_once('.').unwrap();
    let foreign = format!("{}.{secret}", tenant.parse::<i32>().unwrap() + 1);
    let forged = format!("{tenant}.{}", "A".repeat(43));
    let mut guarded = 0;
    for (method, path, access) in operations(&app).await {
        let code = match access.as_str() {
            "session" | "member" => "session_ended",
            "client" => "invalid_token",
            _ => continue,
        };
        guarded += 1;
        for bad in [None, Some("x"), Some(foreign.as_str()), Some(forged.as_str())] {
            let body = [Method::POST, Method::PUT].contains(&method).then(|| json!({}));
            problem(&client.call(method.clone(), &path, bad, body).await, 401, code);
        }
    }
    assert!(guarded >= 6);
    assert_eq!(
        client
            .call(Method::GET, "/me/dashboard", Some(&good), None)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_cookie_of_the_portal_opens_nothing_here() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    assert!(!client.cookie_names().is_empty());
    problem(
        &client.call(Method::GET, "/me/dashboard", None, None).await,
        401,
        "session_ended",
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_as_problems_too() {
    let app = TestApp::start().await;
    let client = app.client();
    for path in [
        "/nowhere",
        "/",
        "/insurers",
        "/insurers/1/2",
        "/sessions/",
        "/me/notices/",
    ] {
        problem(&client.call(Method::GET, path, None, None).await, 404, "not_found");
    }
    for path in ["/api/nowhere", "/api/v2/sessions", "/api/v1"] {
        problem(&client.get(path).await, 404, "not_found");
    }
    for (method, path, allow) in [
        (Method::GET, "/sessions", "POST"),
        (Method::PUT, "/me/consents", "GET, POST, HEAD"),
        (Method::OPTIONS, "/sessions", "POST"),
        (Method::TRACE, "/openapi.json", "GET, HEAD"),
        (Method::POST, "/sessions/current", "DELETE"),
    ] {
        let answer = client.call(method, path, None, None).await;
        problem(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
        assert!(
            answer
                .headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control"))
        );
    }
}

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let app = TestApp::start().await;
    let answer = app.client().call(Method::HEAD, "/openapi.json", None, None).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn bodies_that_are_no_json_are_told_apart() {
    let app = TestApp::start().await;
    let client = app.client();
    let send = async |kind: &'static str, body: Vec<u8>| {
        let request = client
            .request(Method::POST, "/api/v1/sessions")
            .header(header::CONTENT_TYPE, kind)
            .body(body);
        client.send(request).await
    };
    let json = "application/json";
    let good = br#"{"user_id": "somebody-else", "password": "x"}"#.to_vec();
    problem(&send(json, good.clone()).await, 401, "log_in_failed");
    for kind in ["application/json; charset=utf-8", "application/json; charset=utf8"] {
        problem(&send(kind, good.clone()).await, 401, "log_in_failed");
    }
    problem(
        &send(json, [b"\xEF\xBB\xBF", good.as_slice()].concat()).await,
        401,
        "log_in_failed",
    );
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=shift_jis",
        "application/xml",
    ] {
        problem(&send(kind, good.clone()).await, 415, "unsupported_media_type");
    }
    for broken in [
        "",
        "{",
        "{\"user_id\": \"a\"",
        "nonsense",
        "{\"user_id\": \"\\ud800\", \"password\": \"x\"}",
        &"[".repeat(500),
    ] {
        problem(&send(json, broken.into()).await, 400, "malformed_json");
    }
    problem(
        &send(json, b"{\"user_id\": \"\xff\xfe\", \"password\": \"x\"}".to_vec()).await,
        400,
        "encoding",
    );
    problem(&send(json, b"\x82\xa0".to_vec()).await, 400, "encoding");
    let utf16: Vec<u8> = "\u{FEFF}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    problem(&send(json, utf16).await, 400, "encoding");
    let large = problem(&send(json, vec![b' '; 70_000]).await, 413, "body_too_large");
    assert!(large["detail"].as_str().unwrap().contains("64 KiB"), "{large}");
    // What is packed is told as that.
    let packed = client
        .request(Method::POST, "/api/v1/sessions")
        .header(header::CONTENT_TYPE, json)
        .header(header::CONTENT_ENCODING, "gzip")
        .body(good);
    let packed = problem(&client.send(packed).await, 415, "unsupported_media_type");
    assert!(
        packed["detail"].as_str().unwrap().contains("Content-Encoding"),
        "{packed}"
    );
}

#[tokio::test]
async fn every_field_to_be_mended_is_named_at_once() {
    let app = TestApp::start().await;
    let client = app.client();
    let post = |path: &'static str, body: Value| client.call(Method::POST, path, None, Some(body));
    let named = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(at, code)| ((*at).to_owned(), (*code).to_owned()))
            .collect()
    };

    // JSON of another type than documented.
    for (body, expected) in [
        (json!({}), vec![("/user_id", "required"), ("/password", "required")]),
        (
            json!({"user_id": 7, "password": ["x"]}),
            vec![("/user_id", "type"), ("/password", "type")],
        ),
        (
            json!({"user_id": "a\u{0}b", "password": "x"}),
            vec![("/user_id", "characters")],
        ),
        (
            json!({"user_id": "a".repeat(1025), "password": "x"}),
            vec![("/user_id", "too_long")],
        ),
        (json!([]), vec![("", "type")]),
        (json!(null), vec![("", "type")]),
    ] {
        let body = problem(&post("/sessions", body).await, 422, "fields");
        assert_eq!(flaws(&body), named(&expected));
    }

    // Values that mean nothing.
    let nonsense = json!({
        "insurer_code": "32290414",
        "symbol": "100",
        "number": "",
        "birth_date": "1985-04-31",
        "kana_name": "健保太郎",
    });
    let body = problem(&post("/signup/identity", nonsense).await, 422, "fields");
    let expected = [
        ("/insurer_code", "check_digit"),
        ("/number", "empty"),
        ("/birth_date", "impossible_date"),
        ("/kana_name", "not_kana"),
    ];
    assert_eq!(flaws(&body), named(&expected));

    // A sign is no digit.
    let mut signed = super::identity(&app, &app.person);
    signed["birth_date"] = "1985-+4-+1".into();
    let body = problem(&post("/signup/identity", signed).await, 422, "fields");
    assert_eq!(flaws(&body), named(&[("/birth_date", "characters")]));
}

#[tokio::test]
async fn parameters_are_held_to_their_rule() {
    let app = TestApp::start().await;
    let (client, _, token) = member(&app).await;
    for (query, code) in [
        ("limit=0", "out_of_range"),
        ("limit=101", "out_of_range"),
        ("limit=ten", "type"),
        ("limit=", "type"),
        ("limit=1&limit=2", "repeated"),
        ("cursor=forged", "not_a_choice"),
        ("cursor=2026-06-15T00:00:00Z_0197a3c0", "not_a_choice"),
    ] {
        let answer = client
            .call(Method::GET, &format!("/me/notices?{query}"), Some(&token), None)
            .await;
        let body = problem(&answer, 422, "fields");
        assert_eq!(body["errors"][0]["code"], code, "{query}");
    }
    let unknown = client
        .call(Method::GET, "/me/notices?colour=blue", Some(&token), None)
        .await;
    assert_eq!(unknown.status, StatusCode::OK);
    for id in ["0197a3c0-0000-7000-8000-00000000004d", "nonsense", "%00", "%E3%81%82"] {
        problem(
            &client
                .call(Method::GET, &format!("/me/notices/{id}"), Some(&token), None)
                .await,
            404,
            "not_found",
        );
    }
    problem(
        &client.call(Method::GET, "/me/notices/%FF", Some(&token), None).await,
        400,
        "bad_request",
    );
}

#[tokio::test]
async fn tickets_and_links_that_were_never_handed_out_are_refused_like_old_ones() {
    let app = TestApp::start().await;
    let client = app.client();
    let post = |path: &'static str, body: Value| client.call(Method::POST, path, None, Some(body));
    for forged in [
        "",
        "x",
        "0.AAAA",
        &format!("{}.{}", app.tenant(), "A".repeat(43)),
        &format!("999999.{}", "A".repeat(43)),
    ] {
        let account =
            json!({"ticket": forged, "user_id": "abcdef", "password": "Himawari2rin&", "email": "a@example.jp"});
        problem(&post("/signup/account", account).await, 409, "ticket_expired");
        problem(
            &post("/signup/code", json!({"ticket": forged, "code": "123456"})).await,
            409,
            "ticket_expired",
        );
        problem(
            &post("/signup/code/resend", json!({"ticket": forged})).await,
            409,
            "ticket_expired",
        );
        let reset = json!({"token": forged, "password": "Himawari2rin&"});
        problem(&post("/password-resets/complete", reset).await, 409, "link_expired");
    }
}

#[tokio::test]
async fn a_step_that_was_skipped_is_named() {
    let app = TestApp::start().await;
    let client = app.client();
    let ticketed = client
        .call(
            Method::POST,
            "/signup/identity",
            None,
            Some(identity(&app, &app.person)),
        )
        .await
        .json();
    for (path, body) in [
        ("/signup/code", json!({"ticket": ticketed["ticket"], "code": "123456"})),
        ("/signup/code/resend", json!({"ticket": ticketed["ticket"]})),
    ] {
        problem(
            &client.call(Method::POST, path, None, Some(body)).await,
            409,
            "step_missing",
        );
    }
}

#[tokio::test]
async fn while_an_insurer_is_suspended_only_log_out_is_open() {
    let app = TestApp::start().await;
    let (client, who, inside) = member(&app).await;
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    problem(
        &client.call(Method::GET, "/me/dashboard", Some(&inside), None).await,
        403,
        "insurer_suspended",
    );
    let body = json!({"user_id": who.user_id, "password": testkit::PASSWORD});
    problem(
        &client.call(Method::POST, "/sessions", None, Some(body)).await,
        403,
        "insurer_suspended",
    );
    let answer = client
        .call(Method::GET, &format!("/insurers/{}", app.insurer.code), None, None)
        .await;
    assert_eq!(answer.json()["state"], "suspended");
    let out = client
        .call(Method::DELETE, "/sessions/current", Some(&inside), None)
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);

    tenancy::resume(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    problem(
        &client.call(Method::GET, "/me/dashboard", Some(&inside), None).await,
        401,
        "session_ended",
    );
    assert!(!token(&client, &who).await.is_empty());
}

#[tokio::test]
async fn recovery_from_a_suspended_insurer_is_refused_where_that_tells_nothing() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let post = |path: &'static str, body| client.call(Method::POST, path, None, Some(body));
    app.with_platform_work(post("/password-resets", json!({"user_id": who.user_id})))
        .await;
    let mails = app.mails_to(&who.email).await;
    let (_, rest) = mails.iter().find_map(|mail| mail.text.split_once("token=")).unwrap();
    let link: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    let asked = post("/password-resets", json!({"user_id": who.user_id})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    let complete = json!({"token": link, "password": "Asagao3rin#"});
    problem(
        &post("/password-resets/complete", complete).await,
        403,
        "insurer_suspended",
    );
    problem(
        &post("/user-id-reminders", identity(&app, &app.person)).await,
        403,
        "insurer_suspended",
    );
}

#[tokio::test]
async fn lost_coverage_and_a_full_hashing_queue_have_names_of_their_own() {
    let without_statements = |folder: &mut Folder| folder.settings.modules = Features::default();
    let app = TestApp::with("32290413", without_statements, |config| config.hash.queue = 1).await;
    let (client, who, inside) = member(&app).await;
    let log_in = || {
        let body = json!({"user_id": who.user_id, "password": testkit::PASSWORD});
        client.call(Method::POST, "/sessions", None, Some(body))
    };
    let crowd = app.crowd();
    problem(&log_in().await, 503, "overloaded");
    drop(crowd);
    let mut person = who.person.clone();
    person.lost_on = "2026-11-22".into();
    app.insurer.import(&[person]).await;
    problem(&log_in().await, 403, "coverage_ended");
    problem(
        &client.call(Method::GET, "/me/dashboard", Some(&inside), None).await,
        403,
        "coverage_ended",
    );
}

// security.md 41
#[tokio::test]
async fn who_may_read_statements_alone_is_let_in_and_told_so_by_every_other_operation() {
    let app = TestApp::start().await;
    let (client, who, inside) = member(&app).await;
    let mut person = who.person.clone();
    person.lost_on = "2026-11-21".into();
    app.insurer.import(&[person]).await;
    let call = |method, path: &'static str, token: &str| {
        let (client, token) = (client.clone(), token.to_owned());
        async move { client.call(method, path, Some(&token), None).await }
    };
    for path in ["/me/dashboard", "/me/notices"] {
        problem(&call(Method::GET, path, &inside).await, 403, "coverage_ended");
    }
    assert_eq!(call(Method::GET, "/me/consents", &inside).await.status, StatusCode::OK);
    let body = json!({"user_id": who.user_id, "password": testkit::PASSWORD});
    let opened = client.call(Method::POST, "/sessions", None, Some(body)).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text);
    let token = opened.json()["token"].as_str().unwrap().to_owned();
    problem(&call(Method::GET, "/me/dashboard", &token).await, 403, "coverage_ended");
    let ended = call(Method::DELETE, "/sessions/current", &token).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_reference_page_loads_nothing_and_the_rest_of_api_is_a_problem() {
    let app = TestApp::start().await;
    let client = app.client();
    let page = client.get("/api/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.text.contains("POST") && !page.text.contains("<script"));
    // Each operation and chapter leads back to the contents, and so do the three lists after them.
    let leads_back = page.text.matches("href=\"#contents\"").count();
    assert_eq!(leads_back, page.text.matches("<section ").count() + 3);
    let moved = client.get("/api").await;
    assert_eq!(
        (moved.status, moved.location()),
        (StatusCode::PERMANENT_REDIRECT, "/api/")
    );
}
