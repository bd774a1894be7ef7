//! The API from outside: the pipeline as a program walks it, every refusal with its problem+json, and schemathesis over
//! the document.

mod bad_input;
mod clients;
mod conformance;
mod conventions;
mod device;
mod document;
mod notices;
mod overload;
mod pipeline;
mod programs;
mod sign_up;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Answer, Client, PASSWORD, SignedUp, TestApp, TestPerson};

/// The identity fields of a person at this test's insurer.
fn identity(app: &TestApp, person: &TestPerson) -> Value {
    json!({
        "insurer_code": app.insurer.code.as_str(),
        "symbol": person.symbol,
        "number": person.number,
        "birth_date": person.birth_date,
        "kana_name": person.kana_name,
    })
}

/// A token of a new session.
pub(crate) async fn token(client: &Client, who: &SignedUp) -> String {
    let body = json!({"user_id": who.user_id, "password": PASSWORD});
    let answer = client.call(Method::POST, "/sessions", None, Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["token"].as_str().unwrap().to_owned()
}

/// Accepts whatever is due.
async fn accept(client: &Client, token: &str) {
    let due = client.call(Method::GET, "/me/consents", Some(token), None).await.json()["due"].clone();
    let due: Vec<Value> = due
        .as_array()
        .unwrap()
        .iter()
        .map(|terms| json!({"document": terms["document"], "revision": terms["revision"]}))
        .collect();
    let answer = client
        .call(
            Method::POST,
            "/me/consents",
            Some(token),
            Some(json!({"consents": due})),
        )
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
}

/// A member who has accepted the terms, with a token.
async fn member(app: &TestApp) -> (Client, SignedUp, String) {
    let who = app.sign_up().await;
    let client = app.client();
    let token = token(&client, &who).await;
    accept(&client, &token).await;
    (client, who, token)
}

/// Asserts a problem of this status and code, in the one shape all have; answers its body.
#[track_caller]
pub(crate) fn problem(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(
        (body["status"].as_u64(), body["code"].as_str()),
        (Some(u64::from(status)), Some(code))
    );
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    match status {
        401 if code == "invalid_token" => {
            let challenge = answer.header("www-authenticate");
            assert!(
                ["Bearer", r#"Bearer error="invalid_token""#].contains(&challenge),
                "{challenge}"
            );
        }
        401 => assert_eq!(answer.header("www-authenticate"), "Bearer"),
        405 => assert!(!answer.header("allow").is_empty()),
        429 | 503 => assert_eq!(body["retry_after"].to_string(), answer.header("retry-after")),
        _ => {}
    }
    body
}

/// The pointers of a problem's errors with their codes.
pub(crate) fn flaws(body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}
