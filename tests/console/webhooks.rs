//! 接続先 of a client on its page: seen, stopped, started and tried by an insurer's administrators.

use crate::portal::{leads, says};
use access::{Role, SCOPES};
use reqwest::Method;
use serde_json::json;
use testkit::{TestApp, TestProgram};

const URL: &str = "https://localhost:9/in";

/// A program with an endpoint that nothing reaches, and the endpoint's page.
async fn hooked(app: &TestApp) -> (TestProgram, String, String) {
    let program = app.program(&SCOPES).await;
    let body = json!({ "url": URL, "events": ["import.finished", "member.registered"] });
    let made = program.api(Method::POST, "/webhooks", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let body = made.json();
    let id = body["id"].as_str().unwrap();
    let page = format!("/console/clients/{}/webhooks/{id}", program.name.client_id);
    (program, page, body["secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_endpoint_stands_on_its_clients_page_with_what_became_of_deliveries_and_never_its_secret() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (program, page, secret) = hooked(&app).await;
    let client = format!("/console/clients/{}", program.name.client_id);
    let listed = boss.get(&client).await;
    for said in [URL, "利用中", "名簿の取り込みの終わりか確認待ち", &page, "接続先の登録"] {
        says(&listed, 200, said);
    }
    says(&boss.get(&page).await, 200, "この期間の通知はありません");
    says(
        &boss.get(&format!("{page}/test")).await,
        200,
        "個人の情報を含まないテスト通知",
    );
    leads(&boss.press(&format!("{page}/test")).await, &page);
    app.work().await;
    let shown = boss.get(&page).await;
    for said in [
        "テスト",
        "送信待ち",
        "公開されていないアドレス",
        "届いていません",
        "1回",
    ] {
        says(&shown, 200, said);
    }
    for page in [&listed, &shown] {
        assert!(!page.text.contains(&secret), "{}", page.text);
    }
    // Sent once more by hand where it is tried no more.
    testkit::sql(
        app.tenant(),
        "UPDATE webhook_deliveries SET state = 'failed', next_at = NULL, finished_at = happened_at",
    )
    .await;
    let again = boss.get(&page).await;
    let (_, rest) = again.text.split_once("/replay\"").unwrap();
    assert!(rest.contains("送り直す"));
    let event = app
        .insurer
        .lines("SELECT event_id::text AS line FROM webhook_deliveries")
        .await
        .remove(0);
    leads(&boss.press(&format!("{page}/deliveries/{event}/replay")).await, &page);
    assert_eq!(app.insurer.count("webhook_deliveries", "state = 'waiting'").await, 1);
}

#[tokio::test]
async fn what_staff_stop_only_staff_start_again() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (program, page, _) = hooked(&app).await;
    says(&boss.get(&format!("{page}/start")).await, 200, "停止していません");
    says(
        &boss.get(&format!("{page}/stop")).await,
        200,
        "送信を待っている通知は送られません",
    );
    leads(&boss.press(&format!("{page}/stop")).await, &page);
    says(&boss.get(&page).await, 200, "停止中（職員による）");
    let (_, id) = page.rsplit_once('/').unwrap();
    let enabled = program.api(Method::POST, &format!("/webhooks/{id}/enable"), None).await;
    assert_eq!(enabled.status, 403, "{}", enabled.text);
    assert_eq!(enabled.json()["code"], "webhook_stopped_by_insurer");
    assert_eq!(boss.press(&format!("{page}/test")).await.status, 409);
    leads(&boss.press(&format!("{page}/start")).await, &page);
    let shown = program.api(Method::GET, &format!("/webhooks/{id}"), None).await;
    assert_eq!(shown.json()["state"], "active");
    let trail = "SELECT concat_ws(' ', action, actor_kind) AS line FROM audit_events WHERE action LIKE 'webhook.%able' ORDER BY 1";
    assert_eq!(
        app.insurer.lines(trail).await,
        ["webhook.disable staff", "webhook.enable staff"]
    );
}

// security.md 42
#[tokio::test]
async fn without_a_proof_of_late_nothing_is_stopped() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (_, page, _) = hooked(&app).await;
    app.later(601);
    let answer = boss.press(&format!("{page}/stop")).await;
    assert!(answer.location().starts_with("/console/prove?next="), "{}", answer.text);
    assert_eq!(app.insurer.count("webhook_endpoints", "state = 'active'").await, 1);
}
