//! Tokens: asked for, given back, and whatever is wrong with that.

use super::{asks, is_let_in, is_shut_out, refused};
use access::scope::{INSURER_READ, MEMBERS_READ, NOTICES_READ};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use kernel::TenantId;
use reqwest::Method;
use testkit::{Answer, Client, TestApp, TestProgram, by_command, conditions};

async fn form(client: &Client, path: &str, basic: Option<(&str, &str)>, fields: &[(&str, &str)]) -> Answer {
    let mut request = client.request(Method::POST, &format!("/api/v1/oauth/{path}"));
    if let Some((id, secret)) = basic {
        request = request.header(
            "Authorization",
            format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))),
        );
    }
    client.send(request.form(fields)).await
}

const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

// security.md 59
#[tokio::test]
async fn a_program_gets_a_token_for_an_hour_and_calls_with_it() {
    let app = TestApp::start().await;
    let program = app
        .client_at(app.tenant(), conditions(&[INSURER_READ, MEMBERS_READ]))
        .await;
    let name = program.name.to_string();
    assert!(name.starts_with(&format!("cl_{}_", app.tenant())), "{name}");
    assert!(program.secret.starts_with("mdg_cs_"));
    let answer = form(&program, "token", Some((&name, &program.secret)), &[CREDENTIALS]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.headers.get("set-cookie").is_none());
    let json = answer.json();
    assert_eq!(
        (
            json["token_type"].as_str(),
            json["expires_in"].as_i64(),
            json["scope"].as_str()
        ),
        (Some("Bearer"), Some(3600), Some("insurer.read members.read"))
    );
    assert!(json["access_token"].as_str().unwrap().starts_with("mdg_at_"));
    // The other way, narrower.
    let mut narrow = program.clone();
    narrow.token = program
        .new_token(&[("scope", "insurer.read"), ("unknown", "ignored")])
        .await;
    let answer = asks(&narrow).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    assert_eq!(json["client_id"], name);
    assert_eq!(json["insurer"]["code"], app.insurer.code.as_str());
    assert_eq!(json["scopes"], serde_json::json!(["insurer.read"]));
    assert!(json.get("expires_on").is_none());
    assert_eq!(
        answer.header("ratelimit-policy"),
        r#""client";q=600;w=60, "insurer";q=3000;w=60"#
    );
    assert_eq!(
        answer.header("ratelimit"),
        r#""client";r=597;t=60, "insurer";r=2997;t=60"#
    );
    app.later(3599);
    is_let_in(&narrow).await;
    app.later(1);
    is_shut_out(&narrow).await;
    let lines = app
        .insurer
        .lines(
            "SELECT action || ' ' || outcome || ' ' || actor_kind AS line FROM audit_events
         WHERE action = 'token.issue'",
        )
        .await;
    assert_eq!(lines, ["token.issue done client"; 2]);
}

#[tokio::test]
async fn a_malformed_request_of_a_token_is_told_which_field_is_wrong() {
    let app = TestApp::start().await;
    let program = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let vendors = app
        .client_at(kernel::TenantId::PLATFORM, clients::Conditions::default())
        .await;
    let (own, vendor) = (
        (program.name.to_string(), program.secret),
        (vendors.name.to_string(), vendors.secret),
    );
    let long = "x".repeat(2000);
    for ((name, secret), fields, said) in [
        (&own, &[][..], "grant_type: Is missing."),
        (
            &own,
            &[CREDENTIALS, CREDENTIALS],
            "grant_type: Was given more than once.",
        ),
        (&own, &[CREDENTIALS, ("scope", long.as_str())], "scope: "),
        (
            &own,
            &[CREDENTIALS, ("\"範囲\\", "a"), ("\"範囲\\", "b")],
            "????: Was given more than once.",
        ),
        (
            &own,
            &[CREDENTIALS, ("insurer_code", "1")],
            "insurer_code: An insurer code has 8 digits",
        ),
        (
            &own,
            &[CREDENTIALS, ("client_secret", "x")],
            "leave client_id and client_secret out",
        ),
        (&vendor, &[CREDENTIALS], "insurer_code: Is missing."),
    ] {
        let answer = form(&app.client(), "token", Some((name, secret)), fields).await;
        refused(&answer, 400, "invalid_request");
        let told = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(told.contains(said), "{told}");
        assert!(
            told.bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)),
            "{told}"
        );
    }
}

// security.md 60
#[tokio::test]
async fn what_is_wrong_with_a_request_of_a_token_is_told_in_oauths_own_shape() {
    let app = TestApp::start().await;
    let program = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let (name, secret) = (program.name.to_string(), program.secret.as_str());
    let (id, own) = (("client_id", name.as_str()), ("client_secret", secret));
    let basic = Some((name.as_str(), secret));
    let password = [("grant_type", "password"), ("username", "a"), ("password", "b")];
    for (basic, fields, status, error) in [
        (basic, &[][..], 400, "invalid_request"),
        (basic, &password[..], 400, "unsupported_grant_type"),
        (basic, &[CREDENTIALS, CREDENTIALS], 400, "invalid_request"),
        (basic, &[CREDENTIALS, own], 400, "invalid_request"),
        (basic, &[CREDENTIALS, id, own], 400, "invalid_request"),
        (
            basic,
            &[CREDENTIALS, ("client_id", "cl_1_other")],
            400,
            "invalid_request",
        ),
        (None, &[CREDENTIALS], 401, "invalid_client"),
        (None, &[CREDENTIALS, id], 401, "invalid_client"),
        (None, &[CREDENTIALS, own], 401, "invalid_client"),
        (Some((&name, "")), &[CREDENTIALS], 401, "invalid_client"),
        (basic, &[CREDENTIALS, ("scope", "members.read")], 400, "invalid_scope"),
        (
            basic,
            &[CREDENTIALS, ("scope", "insurer.read no.such")],
            400,
            "invalid_scope",
        ),
        (
            basic,
            &[CREDENTIALS, ("insurer_code", "12345678")],
            400,
            "invalid_request",
        ),
        (
            basic,
            &[CREDENTIALS, ("insurer_code", "99999999")],
            400,
            "invalid_request",
        ),
    ] {
        let answer = form(&app.client(), "token", basic, fields).await;
        refused(&answer, status, error);
        assert!(!answer.text.contains(secret), "{fields:?}");
    }
    let unknown = form(
        &app.client(),
        "token",
        basic,
        &[CREDENTIALS, ("scope", "insurer.read no.such")],
    )
    .await;
    let told = unknown.json()["error_description"].as_str().unwrap().to_owned();
    assert!(told.starts_with("scope no.such: Must be `"), "{told}");
    assert!(told.contains("`insurer.read`"), "{told}");
    let client = app.client();
    let json = client
        .call(Method::POST, "/oauth/token", None, Some(serde_json::json!({})))
        .await;
    refused(&json, 400, "invalid_request");
    let get = client.call(Method::GET, "/oauth/token", None, None).await;
    refused(&get, 405, "method_not_allowed");
    assert_eq!(get.header("allow"), "POST");
    let long = "x".repeat(70_000);
    let answer = form(&client, "token", basic, &[CREDENTIALS, ("scope", &long)]).await;
    refused(&answer, 400, "invalid_request");
    // A field that is empty was not sent; what nobody knows is ignored.
    for fields in [
        &[CREDENTIALS, ("scope", "")][..],
        &[CREDENTIALS, id],
        &[CREDENTIALS, ("code", "x")],
    ] {
        let answer = form(&client, "token", basic, fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

// security.md 27
#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_have_the_same_answer_at_the_same_cost() {
    let app = TestApp::counting().await;
    app.warm().await;
    let known = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let vendor = app.client_at(TenantId::PLATFORM, conditions(&[])).await;
    let gone = format!("cl_{}_{}", app.tenant(), "0".repeat(32));
    let elsewhere = format!("cl_2000000000_{}", "0".repeat(32));
    let mut seen = Vec::new();
    for _prepared in 0..2 {
        seen.clear();
        for (id, secret) in [
            (known.name.to_string(), "wrong".to_owned()),
            (known.name.to_string(), vendor.secret.clone()),
            (vendor.name.to_string(), known.secret.clone()),
            (gone.clone(), known.secret.clone()),
            (elsewhere.clone(), known.secret.clone()),
            ("nobody".to_owned(), "wrong".to_owned()),
        ] {
            let client = app.client();
            let before = (app.ground.database.statements(), app.ground.database.transactions());
            let answer = form(&client, "token", Some((&id, &secret)), &[CREDENTIALS]).await;
            let after = (app.ground.database.statements(), app.ground.database.transactions());
            refused(&answer, 401, "invalid_client");
            let cost = (after.0 - before.0, after.1 - before.1);
            seen.push((cost, answer.normalized()));
        }
    }
    for (nth, one) in seen.iter().enumerate() {
        assert_eq!(*one, seen[0], "{nth}");
    }
}

// security.md 67
#[tokio::test]
async fn wrong_secrets_wait_and_the_right_one_never_does() {
    let app = TestApp::start().await;
    let program = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let name = program.name.to_string();
    let stranger = app.client();
    let wrong = || form(&stranger, "token", Some((&name, "mdg_cs_wrong")), &[CREDENTIALS]);
    for _ in 0..10 {
        refused(&wrong().await, 401, "invalid_client");
    }
    let held = wrong().await;
    refused(&held, 429, "too_many_requests");
    assert_eq!(held.header("retry-after"), "61");
    refused(&wrong().await, 429, "too_many_requests");
    let other = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let neighbour = form(
        &stranger,
        "token",
        Some((&other.name.to_string(), &other.secret)),
        &[CREDENTIALS],
    )
    .await;
    assert_eq!(
        neighbour.status, 200,
        "another client at the same address: {}",
        neighbour.text
    );
    assert_eq!(
        program.ask(&[]).await.status,
        200,
        "the same client from its own address"
    );
    let answers =
        join_all((0..3).map(|_| form(&stranger, "token", Some((&name, &program.secret)), &[CREDENTIALS]))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "whatever others got wrong there"
    );
    refused(&wrong().await, 401, "invalid_client");
}

#[tokio::test]
async fn a_token_that_is_given_back_is_over_at_once_and_nobody_gives_back_anothers() {
    let app = TestApp::start().await;
    let (mine, other) = (app.program(&[INSURER_READ]).await, app.program(&[INSURER_READ]).await);
    let revoke = async |who: &TestProgram, token: &str| {
        let basic = (who.name.to_string(), who.secret.clone());
        form(&app.client(), "revoke", Some((&basic.0, &basic.1)), &[("token", token)]).await
    };
    let bare = mine.token.replace("mdg_at_", "");
    for token in [other.token.as_str(), "rubbish", &bare, &mine.secret] {
        let answer = revoke(&mine, token).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{token}");
    }
    is_let_in(&mine).await;
    is_let_in(&other).await;
    for _twice in 0..2 {
        assert_eq!(revoke(&mine, &mine.token).await.status, 200);
        is_shut_out(&mine).await;
    }
    is_let_in(&other).await;
    let nobody = form(
        &app.client(),
        "revoke",
        Some(("nobody", "x")),
        &[("token", &other.token)],
    )
    .await;
    refused(&nobody, 401, "invalid_client");
    refused(
        &form(&app.client(), "revoke", None, &[("token", &other.token)]).await,
        401,
        "invalid_client",
    );
    is_let_in(&other).await;
}

// security.md 61
#[tokio::test]
async fn a_replaced_secret_works_another_day_and_one_that_was_replaced_twice_does_not() {
    let app = TestApp::start().await;
    let first = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let rotate = async || {
        let rotated = app
            .clients
            .rotate(app.tenant(), first.name.client_id, None, by_command())
            .await;
        let kernel::Outcome::Done(rotated) = rotated.unwrap() else {
            panic!()
        };
        let with = |secret| TestProgram {
            secret,
            ..first.clone()
        };
        (with(rotated.secret), rotated.old_until)
    };
    let (second, until) = rotate().await;
    assert_eq!(until, Some(app.clock().now() + chrono::TimeDelta::hours(24)));
    for program in [&first, &second] {
        assert_eq!(program.ask(&[]).await.status, 200);
    }
    app.later(24 * 3600 - 1);
    assert_eq!(first.ask(&[]).await.status, 200);
    app.later(1);
    refused(&first.ask(&[]).await, 401, "invalid_client");
    let (third, _) = rotate().await;
    assert_eq!(second.ask(&[]).await.status, 200);
    let (fourth, _) = rotate().await;
    refused(&second.ask(&[]).await, 401, "invalid_client");
    for program in [&third, &fourth] {
        assert_eq!(program.ask(&[]).await.status, 200);
    }
    // What is kept of each is a hash behind the id of its key.
    let hashes = "length(secret_hash) = 34 + get_byte(secret_hash, 1)";
    assert_eq!(app.insurer.count("client_secrets", hashes).await, 2);
}

#[tokio::test]
async fn programs_find_the_endpoints_by_their_metadata() {
    let app = TestApp::start().await;
    let answer = app.client().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let json = answer.json();
    assert_eq!(json["issuer"], app.url);
    assert_eq!(json["token_endpoint"], format!("{}/api/v1/oauth/token", app.url));
    assert_eq!(json["revocation_endpoint"], format!("{}/api/v1/oauth/revoke", app.url));
    assert_eq!(json["grant_types_supported"], serde_json::json!(["client_credentials"]));
    assert_eq!(json["scopes_supported"].as_array().unwrap().len(), access::SCOPES.len());
    let post = app.client().post("/.well-known/oauth-authorization-server", &[]).await;
    super::super::problem(&post, 405, "method_not_allowed");
    // A token in the address is none.
    let program = app.program(&[NOTICES_READ, INSURER_READ]).await;
    let path = format!("/client?access_token={}", program.token);
    let answer = app.client().call(Method::GET, &path, None, None).await;
    super::super::problem(&answer, 401, "invalid_token");
}
