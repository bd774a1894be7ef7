//! What a token opens, and what shuts its holder out with the next request.

use super::super::{member, problem};
use super::{asks, is_let_in, is_shut_out, refused};
use access::scope::{INSURER_READ, MEMBERS_READ};
use chrono::NaiveDate;
use clients::Conditions;
use futures_util::future::join_all;
use kernel::{Outage, Outcome};
use reqwest::Method;
use testkit::{TestApp, by_command, conditions};

fn done(outcome: &Result<Outcome<()>, Outage>) {
    assert!(matches!(outcome, Ok(Outcome::Done(()))), "{outcome:?}");
}

// security.md 41
#[tokio::test]
async fn a_suspended_client_is_cut_off_with_its_next_request_and_comes_back_with_new_tokens() {
    let app = TestApp::start().await;
    let mut program = app.program(&[INSURER_READ]).await;
    let (clients, tenant, id) = (&app.clients, app.tenant(), program.name.client_id);
    for _twice in 0..2 {
        done(&clients.suspend(tenant, id, by_command()).await);
        is_shut_out(&program).await;
        refused(&program.ask(&[]).await, 401, "invalid_client");
    }
    done(&clients.resume(tenant, id, by_command()).await);
    is_shut_out(&program).await;
    program.token = program.new_token(&[]).await;
    is_let_in(&program).await;
    done(&clients.revoke(tenant, id, by_command()).await);
    is_shut_out(&program).await;
    refused(&program.ask(&[]).await, 401, "invalid_client");
    for refused in [
        clients.resume(tenant, id, by_command()).await.unwrap(),
        clients.suspend(tenant, id, by_command()).await.unwrap(),
    ] {
        assert!(refused.is_refused(clients::reasons::CLIENT_REVOKED));
    }
    let rotated = clients.rotate(tenant, id, None, by_command()).await.unwrap();
    assert!(rotated.is_refused(clients::reasons::CLIENT_REVOKED));
    let query =
        "SELECT action AS line FROM audit_events WHERE object_kind = 'client' AND actor_kind = 'operator' ORDER BY 1";
    assert_eq!(
        app.insurer.lines(query).await,
        ["client.create", "client.resume", "client.revoke", "client.suspend"]
    );
}

#[tokio::test]
async fn no_token_outlives_a_suspension_that_came_while_it_was_made() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    let asking = join_all((0..8).map(|_| program.ask(&[])));
    let suspending = app.clients.suspend(app.tenant(), program.name.client_id, by_command());
    let (answers, suspended) = tokio::join!(asking, suspending);
    done(&suspended);
    for answer in answers.iter().filter(|answer| answer.status == 200) {
        let mut late = program.clone();
        late.token = answer.json()["access_token"].as_str().unwrap().to_owned();
        is_shut_out(&late).await;
    }
    assert_eq!(app.insurer.count("client_tokens", "true").await, 0);
}

#[tokio::test]
async fn a_suspended_insurers_programs_are_shut_out_with_it() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    let database = &app.ground.database;
    let now = app.clock().now();
    tenancy::suspend(database, now, app.tenant(), "test").await.unwrap();
    app.later(3);
    is_shut_out(&program).await;
    refused(&program.ask(&[]).await, 400, "unauthorized_client");
    tenancy::resume(database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    is_let_in(&program).await;
}

#[tokio::test]
async fn the_last_day_ends_a_client_and_its_tokens_with_it() {
    let app = TestApp::start().await;
    // The clock begins on 24 November at ten in Japan.
    let today: NaiveDate = kernel::calendar::today_in_japan(app.clock().now());
    let last = today.succ_opt().unwrap();
    let ends = Conditions {
        expires_on: Some(last),
        ..conditions(&[INSURER_READ])
    };
    let mut program = app.client_at(app.tenant(), ends).await;
    let over = kernel::calendar::start_of_day(last.succ_opt().unwrap());
    let until = (over - app.clock().now()).num_seconds();
    app.later(until - 600);
    let answer = program.ask(&[]).await;
    assert_eq!(answer.json()["expires_in"], 600, "{}", answer.text);
    program.token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(asks(&program).await.json()["expires_on"], last.to_string());
    app.later(599);
    is_let_in(&program).await;
    app.later(1);
    is_shut_out(&program).await;
    refused(&program.ask(&[]).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn from_another_network_a_client_is_nobody_and_the_trail_tells_it_once_an_hour() {
    let app = TestApp::start().await;
    let bound = Conditions {
        networks: vec!["203.0.113.0/24".into(), "2001:db8:7::/48".into()],
        ..conditions(&[INSURER_READ])
    };
    let mut program = app.client_at(app.tenant(), bound).await;
    refused(&program.ask(&[]).await, 401, "invalid_client");
    let elsewhere = program.client.clone();
    program.client = testkit::Client::new(&app.url, "203.0.113.9");
    program.token = program.new_token(&[]).await;
    is_let_in(&program).await;
    program.client = testkit::Client::new(&app.url, "2001:db8:7:1::2");
    is_let_in(&program).await;
    program.client = elsewhere;
    let told = async || {
        app.insurer
            .count("audit_events", "action = 'client.enter' AND outcome = 'network'")
            .await
    };
    for _ in 0..3 {
        is_shut_out(&program).await;
    }
    assert_eq!(told().await, 1);
    app.later(3599);
    program.client = testkit::Client::new(&app.url, "203.0.113.9");
    program.token = program.new_token(&[]).await;
    app.later(2);
    program.client = app.client();
    is_shut_out(&program).await;
    assert_eq!(told().await, 2);
}

// security.md 59
#[tokio::test]
async fn a_token_opens_what_its_scopes_say_and_a_changed_grant_holds_for_the_next_request() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ, MEMBERS_READ]).await;
    is_let_in(&program).await;
    let change = async |scopes: &[access::Scope]| {
        let changed = app
            .clients
            .change(app.tenant(), program.name.client_id, &conditions(scopes), by_command())
            .await;
        done(&changed);
    };
    change(&[MEMBERS_READ]).await;
    let answer = asks(&program).await;
    let body = problem(&answer, 403, "insufficient_scope");
    assert!(body["detail"].as_str().unwrap().contains("`insurer.read`"), "{body}");
    assert_eq!(
        answer.header("www-authenticate"),
        r#"Bearer error="insufficient_scope", scope="insurer.read""#
    );
    assert!(answer.header("ratelimit").starts_with(r#""client";r="#));
    // What a token never had it does not gain.
    let mut narrow = program.clone();
    narrow.token = program.new_token(&[("scope", "members.read")]).await;
    change(&[INSURER_READ, MEMBERS_READ]).await;
    problem(&asks(&narrow).await, 403, "insufficient_scope");
    is_let_in(&program).await;
}

#[tokio::test]
async fn whoever_brings_no_token_is_told_of_no_error_in_it() {
    let app = TestApp::start().await;
    let client = app.client();
    for (brought, challenge) in [
        (None, "Bearer"),
        (Some("Basic YTpi"), "Bearer"),
        (Some("Bearer"), r#"Bearer error="invalid_token""#),
        (Some("bearer rubbish"), r#"Bearer error="invalid_token""#),
    ] {
        let request = client.request(Method::GET, "/api/v1/client");
        let request = brought
            .into_iter()
            .fold(request, |request, value| request.header("Authorization", value));
        let answer = client.send(request).await;
        problem(&answer, 401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), challenge, "{brought:?}");
    }
}

// security.md 37
#[tokio::test]
async fn tokens_of_members_and_of_programs_open_nothing_of_each_others() {
    let app = TestApp::start().await;
    let (client, _, of_member) = member(&app).await;
    let program = app.program(&[INSURER_READ]).await;
    let call = async |path: &'static str, token: String| client.call(Method::GET, path, Some(&token), None).await;
    problem(&call("/client", of_member.clone()).await, 401, "invalid_token");
    problem(
        &call("/client", format!("mdg_at_{of_member}")).await,
        401,
        "invalid_token",
    );
    for path in ["/me/dashboard", "/me/consents"] {
        problem(&call(path, program.token.clone()).await, 401, "session_ended");
        problem(
            &call(path, program.token.replace("mdg_at_", "")).await,
            401,
            "session_ended",
        );
    }
    // Nor is a token good at another insurer, nor a secret anything but what it is.
    let other = TestApp::start().await;
    let (tenant, secret) = program.token.trim_start_matches("mdg_at_").split_once('.').unwrap();
    assert_eq!(tenant, app.tenant().to_string());
    problem(
        &call("/client", format!("mdg_at_{}.{secret}", other.tenant())).await,
        401,
        "invalid_token",
    );
    problem(&call("/client", program.secret.clone()).await, 401, "invalid_token");
    is_let_in(&program).await;
}

#[tokio::test]
async fn a_request_asks_one_statement_of_a_programs_token_and_none_of_what_says_that_it_is_a_members() {
    let app = TestApp::counting().await;
    let program = app.program(&[INSURER_READ]).await;
    let (client, _, of_member) = member(&app).await;
    let unknown = format!("mdg_at_{}.{}", app.tenant(), "A".repeat(43));
    let mut costs = Vec::new();
    for _prepared in 0..2 {
        costs.clear();
        for token in [&program.token, &of_member, &unknown] {
            let before = (app.ground.database.statements(), app.ground.database.transactions());
            client.call(Method::GET, "/client", Some(token), None).await;
            let after = (app.ground.database.statements(), app.ground.database.transactions());
            costs.push((after.0 - before.0, after.1 - before.1));
        }
    }
    assert_eq!(costs, [(1, 1), (0, 0), (1, 1)]);
}
