//! A session is good where it was opened: its token is brought by cookie or as a bearer token, never both.

use reqwest::Method;
use serde_json::json;
use testkit::{PASSWORD, TestApp};

async fn bearer(app: &TestApp, token: &str) -> u16 {
    let answer = app.client().call(Method::GET, "/me/consents", Some(token), None).await;
    answer.status.as_u16()
}

async fn cookie(app: &TestApp, token: &str) -> (u16, String) {
    let client = app.client();
    client.set_cookie("__Host-session", token);
    let answer = client.get("/portal/account").await;
    (answer.status.as_u16(), answer.location().to_owned())
}

// security.md 32, 37, 40
#[tokio::test]
async fn a_cookies_value_is_no_bearer_token_and_a_bearer_token_is_no_cookie() {
    let app = TestApp::start().await;
    let (browser, who) = app.member().await;
    let from_cookie = browser.cookie("__Host-session").unwrap();
    let form = json!({ "user_id": who.user_id, "password": PASSWORD });
    let opened = app.client().call(Method::POST, "/sessions", None, Some(form)).await;
    let from_api = opened.json()["token"].as_str().unwrap().to_owned();

    assert_eq!(bearer(&app, &from_api).await, 200);
    assert_eq!(bearer(&app, &from_cookie).await, 401);
    assert_eq!(cookie(&app, &from_cookie).await.0, 200);
    let (status, led) = cookie(&app, &from_api).await;
    assert!(status == 303 && led.starts_with("/portal/?next="), "{status} {led}");
    // Nor does either end the other's.
    let client = app.client();
    let end = client.call(Method::DELETE, "/sessions/current", Some(&from_cookie), None);
    assert_eq!(end.await.status, 401);
    assert_eq!(cookie(&app, &from_cookie).await.0, 200);
}
