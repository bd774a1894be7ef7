//! Imports of statements that come to nothing, by whom or for what.

use super::{ALL, IMPORTS, file, path, sent, worked};
use crate::{api::programs::Caller, portal::says};
use access::Role;
use kernel::Outcome;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, TestApp, by_command};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

// security.md 41
#[tokio::test]
async fn of_whoever_is_revoked_while_its_file_comes_or_is_checked_nothing_is_loaded() {
    let app = TestApp::start().await;
    let (caller, whole) = (Caller::new(&app, &ALL).await, file("2026-08", 3));
    let address = app.url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let head = format!(
        "POST /api/v1{IMPORTS}?kind=costs HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        caller.token(),
        whole.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&whole.as_bytes()[..10]).await.unwrap();
    while app.insurer.count("uploads", "true").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let revoke = async |caller: &Caller| {
        let revoked = app.clients.revoke(app.tenant(), caller.0.name.client_id, by_command());
        assert!(matches!(revoked.await, Ok(Outcome::Done(()))));
    };
    revoke(&caller).await;
    stream.write_all(&whole.as_bytes()[10..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 401") && answer.contains("invalid_token"),
        "{answer}"
    );
    assert_eq!(app.insurer.count("statement_runs", "true").await, 0);
    assert_eq!(app.insurer.count("uploads", "true").await, 0);

    let other = Caller::new(&app, &ALL).await;
    sent(&other, "?kind=costs", &whole).await;
    revoke(&other).await;
    app.work().await;
    let states = "SELECT state AS line FROM statement_runs";
    assert_eq!(app.insurer.lines(states).await, ["cancelled"]);
    assert_eq!(app.insurer.count("statement_deliveries", "true").await, 0);
}

#[tokio::test]
async fn why_an_import_of_statements_was_cancelled_is_told_to_programs_and_to_the_staff() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &ALL).await, Caller::new(&app, &ALL).await);
    let clerk = app.clerk(&[Role::Benefits]).await;
    let page = |sent: &Answer| format!("/console/statements/runs/{}", sent.json()["id"].as_str().unwrap());
    let told = async |sent: &Answer, code: &str, said: &str| {
        let one = caller.get(&path(sent)).await.json();
        assert_eq!(
            (&one["state"], &one["cancelled_code"]),
            (&json!("cancelled"), &json!(code)),
            "{one}"
        );
        let said = format!("{said}中止しました。何も取り込んでいません。");
        says(&clerk.get(&page(sent)).await, 200, &said);
    };
    let dry_run = "?kind=costs&dry_run=true";
    let first = sent(&caller, dry_run, &file("2026-08", 1)).await;
    let checked = worked(&app, &caller, &first).await;
    assert_eq!(
        (&checked["state"], checked.get("cancelled_code")),
        (&json!("checked"), None)
    );
    let second = sent(&caller, dry_run, &file("2026-08", 2)).await;
    told(&first, "replaced", "」の次のファイルに置き換わったため、").await;

    let cancel = format!("{}/cancel", path(&second));
    let cancelled = caller.send(Method::POST, &cancel, &[], None).await;
    assert_eq!(cancelled.json()["cancelled_code"], "client", "{}", cancelled.text);
    told(&second, "client", "」が").await;

    let third = sent(&caller, dry_run, &file("2026-08", 3)).await;
    let cancelled = clerk.post(&format!("{}/cancel", page(&third)), &[]).await;
    assert_eq!(cancelled.status, 303, "{}", cancelled.text);
    told(&third, "staff", "窓口　花子が").await;

    let fourth = sent(&other, dry_run, &file("2026-08", 4)).await;
    let client = other.0.name.client_id;
    let suspended = app.clients.suspend(app.tenant(), client, by_command()).await;
    assert!(matches!(suspended, Ok(Outcome::Done(()))));
    told(&fourth, "client_stopped", "」を停止または終了したため、").await;
}
