//! What programs call, at the large insurer.

use access::scope::{
    AUDIT_READ, CONSENTS_READ, COVERAGE_READ, IMPORTS_READ, INSURER_READ, MAIL_READ, MEMBERS_READ, MEMBERS_WRITE,
    NOTICES_READ, NOTICES_WRITE, PROTECTED_READ, REGISTRATIONS_READ, STATEMENTS_IMPORT,
};
use kernel::Outcome;
use reqwest::Method;
use serde_json::json;
use testkit::{TestApp, TestProgram, by_command, unique};

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
    walk_the_members(app).await;
    walk_of_a_follower(app).await;
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

/// People by number and page by page, for who sees the protected and for who doesn't; one added, changed and lost.
async fn walk_the_members(app: &TestApp) {
    let scopes = [MEMBERS_READ, MEMBERS_WRITE, COVERAGE_READ, PROTECTED_READ];
    for scopes in [&scopes[..3], &scopes] {
        let program = app.program(scopes).await;
        let number = unique("").replace('-', "");
        let facts = json!({
            "symbol": "900", "number": number, "kana_name": "ヤマダ　ハナコ", "birth_date": "1990-01-02",
            "relationship": "本人",
        });
        let call = async |method, path: &str, body| {
            let request = program
                .request(method, &format!("/api/v1{path}"))
                .bearer_auth(&program.token);
            let request = request.header("If-Match", "*");
            let answer = match body {
                Some(body) => program.send(request.json::<serde_json::Value>(&body)).await,
                None => program.send(request).await,
            };
            assert!(answer.status.is_success(), "{path}: {}", answer.text);
            answer.json()
        };
        let (get, post) = (Method::GET, Method::POST);
        let added = call(post.clone(), "/members", Some(facts.clone())).await;
        let one = format!("/members/{}", added["id"].as_str().unwrap());
        let typed = json!({"symbol": "900", "number": facts["number"]});
        call(post.clone(), "/members/search", Some(typed)).await;
        call(get.clone(), &one, None).await;
        let mut moved = facts;
        moved["address"] = "東京都千代田区1-1".into();
        call(Method::PUT, &one, Some(moved)).await;
        let lost = json!({"lost_on": "2027-04-01"});
        call(post, &format!("{one}/end-coverage"), Some(lost)).await;
        call(get.clone(), &format!("{one}/coverage"), None).await;
        for query in [
            "limit=50",
            "registered=true",
            "registered=false",
            "workplace=W7",
            "workplace=W7&registered=false",
            "changed_since=2020-01-01T00:00:00Z",
        ] {
            let page = call(get.clone(), &format!("/members?{query}"), None).await;
            if let Some(next) = page["next"].as_str() {
                call(get.clone(), &format!("/members?{query}&cursor={next}"), None).await;
            }
        }
    }
}

/// What programs follow and list, from the first page to the next.
async fn walk_of_a_follower(app: &TestApp) {
    let scopes = [
        MEMBERS_READ,
        REGISTRATIONS_READ,
        CONSENTS_READ,
        MAIL_READ,
        AUDIT_READ,
        IMPORTS_READ,
        STATEMENTS_IMPORT,
    ];
    let seeing = [&scopes[..], &[PROTECTED_READ]].concat();
    for program in [app.program(&scopes).await, app.program(&seeing).await] {
        for path in [
            "/members/changes",
            "/registrations",
            "/consents/service",
            "/mail",
            "/mail?state=sent",
            "/mail?state=queued",
            "/mail?state=undeliverable",
            "/audit",
            "/audit?from=2026-11-01&until=2026-11-30",
            "/roster-imports",
            "/statement-imports?limit=20",
        ] {
            let answer = program.api(Method::GET, path, None).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            let Some(next) = answer.json()["next"].as_str().map(str::to_owned) else {
                continue;
            };
            let sign = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{sign}cursor={next}");
            assert_eq!(program.api(Method::GET, &path, None).await.status, 200, "{path}");
        }
    }
}
