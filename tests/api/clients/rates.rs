//! How much a client may ask, and how often it did.

use super::super::problem;
use super::{asks, is_let_in, refused};
use access::scope::{INSURER_READ, MEMBERS_READ};
use clients::Day;
use futures_util::future::join_all;
use reqwest::Method;
use testkit::{Answer, TestApp, TestProgram};

#[tokio::test]
async fn a_client_that_asks_too_much_waits_for_the_rest_of_its_minute_and_no_other_does() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    let other = app.program(&[INSURER_READ]).await;
    // Its token was the first.
    for _ in 0..20 {
        for answer in join_all((0..30).map(|_| asks(&program))).await {
            assert!([200, 429].contains(&answer.status.as_u16()), "{}", answer.text);
        }
    }
    app.later(20);
    let answer = asks(&program).await;
    problem(&answer, 429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), "41");
    assert!(
        answer
            .header("ratelimit")
            .starts_with(r#""client";r=0;t=40, "insurer";r=239"#)
    );
    refused(&program.ask(&[]).await, 429, "too_many_requests");
    is_let_in(&other).await;
    app.later(40);
    is_let_in(&program).await;
    app.clients.write_uses().await.unwrap();
    let tx = app.write(app.tenant()).await;
    let uses = app.clients.uses(&tx, program.name.client_id, 30).await.unwrap();
    assert_eq!(uses.len(), 1);
    let Day {
        calls, errors, refused, ..
    } = uses[0];
    assert_eq!((calls, errors, refused), (602, 2, 2));
}

async fn gives_back(program: &TestProgram) -> Answer {
    let name = program.name.to_string();
    let fields = [
        ("token", "mdg_at_1.x"),
        ("client_id", &name),
        ("client_secret", &program.secret),
    ];
    let request = program.request(Method::POST, "/api/v1/oauth/revoke");
    program.send(request.form(&fields)).await
}

#[tokio::test]
async fn whoever_asks_for_tokens_or_gives_them_back_too_often_waits_whatever_they_ask_for() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    // Its token was the first.
    for _ in 0..20 {
        for answer in join_all((0..30).map(|_| gives_back(&program))).await {
            assert!([200, 429].contains(&answer.status.as_u16()), "{}", answer.text);
        }
    }
    let late = gives_back(&program).await;
    refused(&late, 429, "too_many_requests");
    assert!(!late.header("retry-after").is_empty());
    // Of an insurer that has not let it in, too.
    refused(
        &program.ask(&[("insurer_code", "32290413")]).await,
        429,
        "too_many_requests",
    );
    is_let_in(&program).await;
    app.later(60);
    assert_eq!(gives_back(&program).await.status, 200);
}

#[tokio::test]
async fn calls_errors_and_scopes_are_counted_by_day_and_written_together() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ, MEMBERS_READ]).await;
    let mut narrow = program.clone();
    narrow.token = program.new_token(&[("scope", "members.read")]).await;
    is_let_in(&program).await;
    problem(&asks(&narrow).await, 403, "insufficient_scope");
    let uses = async |days| {
        let tx = app.write(app.tenant()).await;
        app.clients.uses(&tx, program.name.client_id, days).await.unwrap()
    };
    assert!(uses(30).await.is_empty(), "nothing waits for it");
    app.clients.write_uses().await.unwrap();
    app.later(24 * 3600);
    let mut next = program.clone();
    next.token = program.new_token(&[]).await;
    is_let_in(&next).await;
    is_let_in(&next).await;
    for _nothing_twice in 0..2 {
        app.clients.write_uses().await.unwrap();
    }
    let days: Vec<_> = uses(30)
        .await
        .iter()
        .map(|day| (day.calls, day.errors, day.refused))
        .collect();
    assert_eq!(days, [(2, 0, 0), (2, 1, 0)]);
    assert_eq!(uses(1).await.len(), 1);
    let tx = app.write(app.tenant()).await;
    let shown = app.clients.one(&tx, program.name.client_id).await.unwrap().unwrap();
    assert_eq!(shown.grant.last_used_at, Some(app.clock().now()));
    let used: Vec<_> = shown.used.into_keys().collect();
    assert_eq!(used, [INSURER_READ], "a scope that was refused was of no use");
}
