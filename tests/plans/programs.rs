//! What programs call, at the large insurer.

use access::scope::{INSURER_READ, NOTICES_READ, NOTICES_WRITE};
use kernel::Outcome;
use reqwest::Method;
use serde_json::json;
use testkit::{TestApp, TestProgram, by_command};

/// A program from its token to the end of it.
pub(super) async fn walk_of_a_program(app: &TestApp) {
    let program = app.program(&[INSURER_READ, NOTICES_READ, NOTICES_WRITE]).await;
    let call = async || program.api(Method::GET, "/client", None).await.status;
    assert_eq!(call().await, 200);
    let mut page = "/notices?limit=100".to_owned();
    for _ in 0..3 {
        let listed = program.api(Method::GET, &page, None).await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        page = format!("/notices?limit=100&cursor={}", listed.json()["next"].as_str().unwrap());
    }
    // A draft once, however often it comes; what was refused gives its key free.
    let draft = async |title: &str| {
        let request = program
            .request(Method::POST, "/api/v1/notices")
            .bearer_auth(&program.token);
        let body = json!({ "title": title, "body": "本文" });
        program
            .send(request.header("idempotency-key", "plans").json(&body))
            .await
    };
    assert_eq!(draft(&"長".repeat(1000)).await.status, 422);
    let first = draft("お知らせ").await;
    let again = draft("お知らせ").await;
    assert_eq!(
        (first.status.as_u16(), again.status.as_u16()),
        (201, 201),
        "{}",
        first.text
    );
    assert_eq!(again.header("idempotency-replayed"), "true");
    let one = format!("/notices/{}", first.json()["id"].as_str().unwrap());
    assert_eq!(program.api(Method::GET, &one, None).await.status, 200);
    let wrong = TestProgram {
        secret: "wrong".into(),
        ..program.clone()
    };
    assert_eq!(wrong.ask(&[]).await.status, 401);
    assert_eq!(program.ask(&[]).await.status, 200);
    app.clients.write_uses().await.unwrap();
    let id = program.name.client_id;
    let tx = app.write(app.tenant()).await;
    assert_eq!(app.clients.uses(&tx, id, 30).await.unwrap().len(), 1);
    assert!(app.clients.one(&tx, id).await.unwrap().is_some());
    drop(tx);
    let suspended = app.clients.suspend(app.tenant(), id, by_command()).await;
    assert!(matches!(suspended, Ok(Outcome::Done(()))));
    assert_eq!(call().await, 401);
}
