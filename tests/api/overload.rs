//! Too much at once: who sends slowly holds nothing, and who can't be served is told so and when to come again.

use super::{member, problem};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{PASSWORD, TestApp};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// The pool of a [`TestApp`].
const CONNECTIONS: usize = 5;

#[tokio::test]
async fn those_who_send_their_body_slowly_hold_no_connection_to_the_database() {
    let app = TestApp::start().await;
    let (client, _, token) = member(&app).await;
    let mut slow = Vec::new();
    for _ in 0..CONNECTIONS * 2 {
        let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "POST /api/v1/me/consents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let served = client.call(Method::GET, "/me/dashboard", Some(&token), None);
    let served = tokio::time::timeout(Duration::from_secs(5), served).await;
    assert_eq!(served.expect("others are served").status, 200);
}

#[tokio::test]
async fn while_every_connection_is_in_use_the_answer_is_unavailable_and_the_node_stays_ready() {
    let app = TestApp::with("32290413", |_| (), |config| config.database.wait_seconds = 1).await;
    let (client, _, token) = member(&app).await;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(app.ground.database.tenant(app.tenant()).read().await.unwrap());
    }
    let answer = client.call(Method::GET, "/me/dashboard", Some(&token), None).await;
    problem(&answer, 503, "unavailable");
    let ready = tokio::time::timeout(Duration::from_millis(500), client.get("/readyz")).await;
    assert_eq!(ready.expect("an answer at once").status, 200);
    drop(held);
    for _ in 0..100 {
        if client
            .call(Method::GET, "/me/dashboard", Some(&token), None)
            .await
            .status
            == 200
        {
            return;
        }
    }
    panic!("it does not recover");
}

#[tokio::test]
async fn who_comes_when_the_hashing_queue_is_full_is_told_to_come_again() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let who = app.sign_up().await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (client, body) = (app.client(), json!({"user_id": who.user_id, "password": PASSWORD}));
        crowd.spawn(async move { client.call(Method::POST, "/sessions", None, Some(body)).await });
    }
    let answers = crowd.join_all().await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(
        !refused.is_empty() && refused.len() < answers.len(),
        "{}",
        refused.len()
    );
    for answer in refused {
        problem(answer, 503, "overloaded");
    }
}
