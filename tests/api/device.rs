//! What a program has of its device's secret, and that pages and programs are equally strong.

use super::problem;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Answer, Client, PASSWORD, SignedUp, TestApp, unique};

async fn log_in(client: &Client, who: &SignedUp, password: &str, device: Option<&Value>) -> Answer {
    let mut body = json!({"user_id": who.user_id, "password": password});
    if let Some(device) = device {
        body["device"] = device.clone();
    }
    client.call(Method::POST, "/sessions", None, Some(body)).await
}

// security.md 67
#[tokio::test]
async fn a_program_with_its_devices_secret_is_not_kept_out_by_strangers() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.log_in_id_tries = 3;
        config.limits.log_in_network_tries = 5;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let who = app.sign_up().await;
    let program = app.client();
    let device = log_in(&program, &who, PASSWORD, None).await.json()["device"].clone();
    // Guesses from elsewhere, and a neighbour who uses the program's own network up.
    for _ in 0..3 {
        problem(
            &log_in(&app.client(), &who, "wrong&1234", None).await,
            401,
            "log_in_failed",
        );
    }
    problem(&log_in(&app.client(), &who, PASSWORD, None).await, 403, "log_in_locked");
    let nobody = SignedUp {
        user_id: unique("nobody"),
        ..who.clone()
    };
    for status in [401, 401, 401, 403] {
        assert_eq!(log_in(&program, &nobody, PASSWORD, None).await.status, status);
    }
    for _ in 0..2 {
        let other = SignedUp {
            user_id: unique("nobody"),
            ..who.clone()
        };
        problem(&log_in(&program, &other, PASSWORD, None).await, 401, "log_in_failed");
    }
    let other = SignedUp {
        user_id: unique("nobody"),
        ..who.clone()
    };
    problem(&log_in(&program, &other, PASSWORD, None).await, 429, "wait");
    let again = log_in(&program, &who, PASSWORD, Some(&device)).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.text);
    // It is given anew, and the old one is good as well; both have tries of their own, and no more than anybody.
    let renewed = again.json()["device"].clone();
    for (device, status) in [(&device, 401), (&renewed, 401), (&device, 401), (&renewed, 403)] {
        assert_eq!(log_in(&program, &who, "wrong&1234", Some(device)).await.status, status);
    }
}

// security.md 67
#[tokio::test]
async fn a_devices_secret_is_good_for_its_user_id_alone_and_opens_nothing() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 1).await;
    let who = app.sign_up().await;
    let device = log_in(&app.client(), &who, PASSWORD, None).await.json()["device"].clone();
    let other = SignedUp {
        user_id: unique("nobody"),
        ..who.clone()
    };
    problem(
        &log_in(&app.client(), &other, PASSWORD, None).await,
        401,
        "log_in_failed",
    );
    // Not that one's device, so a stranger to it: locked like any, at its first try.
    problem(
        &log_in(&app.client(), &other, PASSWORD, Some(&device)).await,
        403,
        "log_in_locked",
    );
    problem(
        &log_in(&app.client(), &who, "wrong&1234", None).await,
        401,
        "log_in_failed",
    );
    let text = device.as_str().unwrap();
    for forged in [json!(""), json!("AAAA"), json!(&text[1..]), json!("🙂"), Value::Null] {
        problem(
            &log_in(&app.client(), &who, PASSWORD, Some(&forged)).await,
            403,
            "log_in_locked",
        );
    }
    let bearer = app.client().call(Method::GET, "/me/dashboard", Some(text), None).await;
    assert_eq!(bearer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        log_in(&app.client(), &who, PASSWORD, Some(&device)).await.status,
        StatusCode::CREATED
    );
}

// security.md 32
#[tokio::test]
async fn guesses_at_the_pages_and_at_the_api_are_one_count() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let who = app.sign_up().await;
    for _ in 0..2 {
        problem(
            &log_in(&app.client(), &who, "wrong&1234", None).await,
            401,
            "log_in_failed",
        );
        let fields = [("user_id", who.user_id.as_str()), ("password", "wrong&1234")];
        assert_eq!(app.client().post("/portal/", &fields).await.status, 422);
    }
    problem(&log_in(&app.client(), &who, PASSWORD, None).await, 403, "log_in_locked");
    assert_eq!(app.client().log_in(&who).await.status, 403);
}
