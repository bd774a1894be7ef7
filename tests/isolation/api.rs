//! Every operation of the API, as a stranger, as a member of another insurer with this one's ids, and without consent.

use super::{MARK, Other, moved};
use access::SCOPES;
use chrono::TimeDelta;
use edge::Rights;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, PASSWORD, TestApp, unique};

/// Path, body, and the statuses that a stranger and a member of another insurer get; for strangers only where the
/// operation is public.
fn case(name: &str, here: &TestApp, other: &Other) -> (String, Option<Value>, u16, u16) {
    let person = &other.app.person;
    let identity = json!({
        "insurer_code": here.insurer.code.as_str(), "symbol": person.symbol, "number": "9999",
        "birth_date": person.birth_date, "kana_name": person.kana_name,
    });
    let secret = format!("{}.{}", other.app.tenant(), "A".repeat(43));
    let at = |path: &str, stranger, member| (path.to_owned(), None, stranger, member);
    let with = |path: &str, body, stranger, member| (path.to_owned(), Some(body), stranger, member);
    match name {
        "get_insurer" => at("/insurers/12345678", 422, 422),
        "identify" => with("/signup/identity", identity, 422, 422),
        "create_account" => {
            let body =
                json!({"ticket": secret, "user_id": "somebody-1", "password": PASSWORD, "email": "a@example.jp"});
            with("/signup/account", body, 409, 409)
        }
        "confirm_code" => with("/signup/code", json!({"ticket": secret, "code": "123456"}), 409, 409),
        "resend_code" => with("/signup/code/resend", json!({"ticket": secret}), 409, 409),
        "create_session" => {
            let body = json!({"user_id": other.who.user_id, "password": "wrong"});
            with("/sessions", body, 401, 401)
        }
        "end_current_session" => at("/sessions/current", 401, 204),
        "request_password_reset" => with("/password-resets", json!({"user_id": unique("nobody")}), 202, 202),
        "complete_password_reset" => {
            let body = json!({"token": secret, "password": "Asagao3rin#"});
            with("/password-resets/complete", body, 409, 409)
        }
        "request_user_id_reminder" => with("/user-id-reminders", identity, 202, 202),
        "list_consents" => at("/me/consents", 401, 200),
        "give_consents" => with(
            "/me/consents",
            json!({"consents": [{"document": "points", "revision": 1}]}),
            401,
            0,
        ),
        "get_dashboard" => at("/me/dashboard", 401, 200),
        "list_notices" => at("/me/notices", 401, 200),
        "get_notice" => at(&format!("/me/notices/{}", other.notice), 401, 404),
        "get_cost_year" => at(&format!("/me/cost-statements?person_id={}", other.person), 401, 404),
        "get_cost_month" => at("/me/cost-statements/2026-09", 401, 200),
        "get_tax_year" => at("/me/cost-statements/tax/2026", 401, 404),
        "get_medicines" => at(&format!("/me/medicines?person_id={}", other.person), 401, 404),
        "get_medicine_month" => at("/me/medicines/2026-09", 401, 200),
        "get_disclosure" => at("/me/disclosures/costs", 401, 200),
        "put_disclosure" => with("/me/disclosures/costs", json!({"audience": "self_only"}), 401, 204),
        // The file is none.
        "import_roster" | "list_roster_imports" => at("/roster-imports", 401, 401),
        "get_roster_import" => at(&format!("/roster-imports/{}", other.import), 401, 401),
        "list_roster_import_errors" => at(&format!("/roster-imports/{}/errors", other.import), 401, 401),
        "confirm_roster_import" => at(&format!("/roster-imports/{}/confirm", other.import), 401, 401),
        "cancel_roster_import" => at(&format!("/roster-imports/{}/cancel", other.import), 401, 401),
        "import_statements" => at("/statement-imports?kind=costs", 401, 401),
        "list_statement_imports" => at("/statement-imports", 401, 401),
        "get_statement_import" => at(&format!("/statement-imports/{}", other.statements.0), 401, 401),
        "list_statement_import_errors" => at(&format!("/statement-imports/{}/errors", other.statements.0), 401, 401),
        "cancel_statement_import" => at(&format!("/statement-imports/{}/cancel", other.statements.0), 401, 401),
        "list_statement_deliveries" => at("/statement-deliveries", 401, 401),
        "get_statement_delivery" => at(&format!("/statement-deliveries/{}", other.statements.1), 401, 401),
        "publish_statement_delivery" => with(
            &format!("/statement-deliveries/{}/publish", other.statements.1),
            json!({}),
            401,
            401,
        ),
        "withdraw_statement_delivery" => with(
            &format!("/statement-deliveries/{}/withdraw", other.statements.1),
            json!({"reason": "other"}),
            401,
            401,
        ),
        "list_insurer_notices" => at("/notices", 401, 401),
        "draft_notice" => with("/notices", json!({"title": "件名", "body": ""}), 401, 401),
        "get_insurer_notice" => at(&format!("/notices/{}", other.notice), 401, 401),
        "replace_notice_draft" => with(
            &format!("/notices/{}", other.notice),
            json!({"title": "件名", "body": ""}),
            401,
            401,
        ),
        "publish_notice" => at(&format!("/notices/{}/publish", other.notice), 401, 401),
        "withdraw_notice" => at(&format!("/notices/{}/withdraw", other.notice), 401, 401),
        "list_members" => at("/members", 401, 401),
        "add_member" => with("/members", facts(), 401, 401),
        "search_members" => with(
            "/members/search",
            json!({"symbol": person.symbol, "number": person.number}),
            401,
            401,
        ),
        "get_member" => at(&format!("/members/{}", other.person), 401, 401),
        "replace_member" => with(&format!("/members/{}", other.person), facts(), 401, 401),
        "get_member_coverage" => at(&format!("/members/{}/coverage", other.person), 401, 401),
        "end_member_coverage" => with(
            &format!("/members/{}/end-coverage", other.person),
            json!({"lost_on": "2026-11-22"}),
            401,
            401,
        ),
        "get_member_disclosure" => at(&format!("/members/{}/disclosures/costs", other.person), 401, 401),
        "put_member_disclosure" => with(
            &format!("/members/{}/disclosures/costs", other.person),
            json!({"audience": "self_only"}),
            401,
            401,
        ),
        "count_notice_reads" => at(&format!("/notices/{}/reads", other.notice), 401, 401),
        "follow_member_changes" => at("/members/changes", 401, 401),
        "follow_registrations" => at("/registrations", 401, 401),
        "count_consents" => at("/consents", 401, 401),
        "list_document_consents" => at("/consents/service", 401, 401),
        "list_mails" => at("/mail", 401, 401),
        "list_audit_lines" => at("/audit", 401, 401),
        "list_links" => at("/links", 401, 401),
        "list_webhooks" => at("/webhooks", 401, 401),
        "create_webhook" => with("/webhooks", webhook(), 401, 401),
        "get_webhook" | "delete_webhook" => at(&format!("/webhooks/{}", other.webhook), 401, 401),
        "replace_webhook" => with(&format!("/webhooks/{}", other.webhook), webhook(), 401, 401),
        "rotate_webhook_secret" => at(&format!("/webhooks/{}/rotate-secret", other.webhook), 401, 401),
        "enable_webhook" => at(&format!("/webhooks/{}/enable", other.webhook), 401, 401),
        "test_webhook" => at(&format!("/webhooks/{}/test", other.webhook), 401, 401),
        "list_webhook_deliveries" => at(&format!("/webhooks/{}/deliveries", other.webhook), 401, 401),
        "replay_webhook_delivery" => at(&format!("/webhooks/{0}/deliveries/{0}/replay", other.webhook), 401, 401),
        "replay_webhook_deliveries" => with(
            &format!("/webhooks/{}/replay", other.webhook),
            json!({"from": other.app.clock().now(), "until": other.app.clock().now() + TimeDelta::hours(1)}),
            401,
            401,
        ),
        // These take forms, which this is none of.
        "create_token" => with("/oauth/token", json!({}), 400, 400),
        "revoke_token" => with("/oauth/revoke", json!({}), 400, 400),
        "get_client" => at("/client", 401, 401),
        "get_document" => at("/openapi.json", 200, 200),
        name => panic!("the operation {name} has no case here: add one"),
    }
}

/// One to nobody, each time at another place.
fn webhook() -> Value {
    json!({"url": format!("https://hooks.example.jp/{}", unique("in")), "events": ["import.finished"]})
}

/// Somebody whom neither insurer has.
fn facts() -> Value {
    json!({
        "symbol": "900", "number": "9001", "kana_name": "ヤマダ　ハナコ", "birth_date": "1990-01-02",
        "relationship": "本人",
    })
}

/// What a program of this insurer, which may do everything, gets of an operation with the other's ids.
#[expect(clippy::match_same_arms, reason = "the operations of a thing stand together")]
fn of_program(name: &str) -> u16 {
    match name {
        "get_client" | "list_insurer_notices" | "list_members" | "search_members" => 200,
        "list_roster_imports" | "list_statement_imports" | "list_statement_deliveries" => 200,
        "follow_member_changes" | "follow_registrations" | "count_consents" | "list_document_consents" => 200,
        "list_mails" | "list_audit_lines" | "list_links" => 200,
        "draft_notice" | "add_member" => 201,
        "import_roster" | "import_statements" => 415,
        "get_member" | "replace_member" | "get_member_coverage" | "end_member_coverage" => 404,
        "get_insurer_notice" | "replace_notice_draft" | "publish_notice" | "withdraw_notice" => 404,
        "get_roster_import" | "list_roster_import_errors" | "confirm_roster_import" | "cancel_roster_import" => 404,
        "get_statement_import" | "list_statement_import_errors" | "cancel_statement_import" => 404,
        "get_statement_delivery" | "publish_statement_delivery" | "withdraw_statement_delivery" => 404,
        "count_notice_reads" | "get_member_disclosure" | "put_member_disclosure" => 404,
        "list_webhooks" => 200,
        "create_webhook" => 201,
        "get_webhook"
        | "replace_webhook"
        | "delete_webhook"
        | "rotate_webhook_secret"
        | "enable_webhook"
        | "test_webhook"
        | "list_webhook_deliveries"
        | "replay_webhook_delivery"
        | "replay_webhook_deliveries" => 404,
        name => panic!("the operation {name} has no case of a program here: add one"),
    }
}

async fn token(client: &Client, who: &testkit::SignedUp) -> String {
    let body = json!({"user_id": who.user_id, "password": PASSWORD});
    let answer = client.call(Method::POST, "/sessions", None, Some(body)).await;
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn call(here: &TestApp, other: &Other, name: &str, method: &str, token: Option<&str>) -> Answer {
    let (path, body, ..) = case(name, here, other);
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let client = here.client();
    // Whatever state it is in: what isn't there has none.
    let request = client
        .request(method, &format!("/api/v1{path}"))
        .header("If-Match", "*");
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let request = body.iter().fold(request, reqwest::RequestBuilder::json);
    client.send(request).await
}

#[tokio::test]
async fn a_stranger_gets_401_from_every_operation_that_is_not_public() {
    let (here, other) = (TestApp::start().await, Other::new().await);
    let theirs = token(&other.app.client(), &other.who).await;
    for route in here.operations.table.rows() {
        // No token, rubbish, a made-up secret, and another insurer's secret under this insurer's number.
        let made_up = format!("{}.{}", here.tenant(), "A".repeat(43));
        for token in [None, Some("rubbish"), Some(&made_up), Some(&moved(&theirs, &here))] {
            let answer = call(&here, &other, route.name, route.method.as_str(), token).await;
            let expected = match route.rights {
                Rights::Public | Rights::Ticket => case(route.name, &here, &other).2,
                Rights::Session | Rights::Member | Rights::Client(_) => 401,
                staffs => panic!("{}: {staffs:?} in the API", route.name),
            };
            assert_eq!(answer.status, expected, "{} {token:?}: {}", route.name, answer.text);
            assert!(!answer.text.contains(MARK), "{}", route.name);
        }
    }
}

// security.md 51
#[tokio::test]
async fn a_member_of_another_insurer_finds_nothing_of_this_one_by_any_operation() {
    let (here, other) = (TestApp::start().await, Other::new().await);
    let (client, who) = here.member().await;
    for route in here.operations.table.rows() {
        // An account has so many sessions, and the oldest ends.
        here.later(1);
        let token = token(&client, &who).await;
        let answer = call(&here, &other, route.name, route.method.as_str(), Some(&token)).await;
        match case(route.name, &here, &other).3 {
            // Points terms are none of theirs: whatever the answer, no consent is written.
            0 => assert_eq!(here.insurer.count("consents", "document = 'points'").await, 0),
            expected => assert_eq!(answer.status, expected, "{}: {}", route.name, answer.text),
        }
        for theirs in [MARK, &other.who.email, &other.who.user_id] {
            assert!(!answer.text.contains(theirs), "{} tells {theirs}", route.name);
        }
    }
    let theirs = token(&other.app.client(), &other.who).await;
    let answer = call(&here, &other, "get_notice", "GET", Some(&theirs)).await;
    assert!(
        answer.status == 200 && answer.text.contains(MARK),
        "their own member reads it: {}",
        answer.text
    );
}

// security.md 51
#[tokio::test]
async fn a_program_of_another_insurer_finds_nothing_of_this_one_by_any_operation() {
    let (here, other) = (TestApp::start().await, Other::new().await);
    let program = here.program(&SCOPES).await;
    let theirs = other.app.program(&SCOPES).await;
    for route in here.operations.table.rows() {
        if !matches!(route.rights, Rights::Client(_)) {
            continue;
        }
        let answer = call(&here, &other, route.name, route.method.as_str(), Some(&program.token)).await;
        assert_eq!(answer.status, of_program(route.name), "{}: {}", route.name, answer.text);
        assert!(!answer.text.contains(MARK), "{}: {}", route.name, answer.text);
        let bare = theirs.token.replace("mdg_at_", "");
        let token = format!("mdg_at_{}", moved(&bare, &here));
        let answer = call(&here, &other, route.name, route.method.as_str(), Some(&token)).await;
        assert_eq!(answer.status, 401, "{}: {}", route.name, answer.text);
    }
    let answer = theirs.api(Method::GET, "/client", None).await;
    assert!(answer.status == 200 && answer.text.contains(MARK), "{}", answer.text);
}

/// Scopes against operations, as it is reviewed: which one lets a program in, at its own insurer, and what a token of one
/// insurer gets at another. Each is tried with its scope and with every other.
#[tokio::test]
async fn the_matrix_of_scopes_and_operations() {
    let (here, other) = (TestApp::start().await, Other::new().await);
    let mut programs = Vec::new();
    for scope in SCOPES {
        programs.push((scope, here.program(&[scope]).await));
    }
    let mut lines = Vec::new();
    for route in here.operations.table.rows() {
        let Rights::Client(asked) = route.rights else { continue };
        let mut open = Vec::new();
        for (scope, program) in &programs {
            let answer = call(&here, &other, route.name, route.method.as_str(), Some(&program.token)).await;
            assert_ne!(answer.status, 401, "{} {scope}", route.name);
            if answer.status == 403 {
                assert_eq!(answer.json()["code"], "insufficient_scope", "{} {scope}", route.name);
            } else {
                open.push(scope.as_str());
            }
        }
        assert_eq!(open, [asked.as_str()], "{}", route.name);
        lines.push(format!(
            "{} {} | {} | own {}",
            route.method,
            route.path,
            open.join(" "),
            of_program(route.name)
        ));
    }
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn without_consent_every_operation_of_members_answers_403() {
    let (here, other) = (TestApp::start().await, Other::new().await);
    let who = here.sign_up().await;
    for route in here.operations.table.rows() {
        // Of so many log-ins the oldest end, and of one instant any.
        here.later(1);
        let token = token(&here.client(), &who).await;
        let answer = call(&here, &other, route.name, route.method.as_str(), Some(&token)).await;
        if route.rights == Rights::Member {
            assert_eq!(answer.status, 403, "{}", route.name);
            assert_eq!(answer.json()["code"], "consent_required", "{}", route.name);
        } else {
            assert_ne!(answer.status, 403, "{}", route.name);
        }
    }
}
