//! 接続先 of a client on its page: seen, stopped, started and tried by an insurer's administrators.

use crate::{
    portal::{leads, says},
    webhooks::lost,
};
use access::{Role, SCOPES};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::calendar;
use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestApp, TestClerk, TestProgram};

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
    let sent = boss.get(&page).await;
    says(&sent, 200, "0回（これから送り直し）");
    says(&sent, 200, "公開されていないアドレス（前に送ったとき）");
    // Behind the newest there is a way back to them.
    let newest = format!("<a href=\"{page}\">いちばん新しい通知を見る</a>");
    assert!(!sent.text.contains(&newest));
    says(&boss.get(&format!("{page}?after={event}")).await, 200, &newest);
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
    // Nor does it come to life under another id, or leave its place to another.
    let path = format!("/api/v1/webhooks/{id}");
    let asked = |method| {
        let request = program.request(method, &path).bearer_auth(&program.token);
        request.header("if-match", "*")
    };
    let moved = json!({ "url": format!("{URL}/moved"), "events": ["import.finished"] });
    for request in [asked(Method::DELETE), asked(Method::PUT).json(&moved)] {
        let answer = program.send(request).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert_eq!(answer.json()["code"], "webhook_stopped_by_insurer");
    }
    let same = json!({ "url": URL, "events": ["import.finished"] });
    let anew = program.api(Method::POST, "/webhooks", Some(same)).await;
    assert_eq!(anew.json()["code"], "webhook_exists", "{}", anew.text);
    assert_eq!(boss.press(&format!("{page}/test")).await.status, 409);
    leads(&boss.press(&format!("{page}/start")).await, &page);
    let shown = program.api(Method::GET, &format!("/webhooks/{id}"), None).await;
    assert_eq!(shown.json()["state"], "active");
    let trail = "SELECT concat_ws(' ', action, actor_kind) AS line FROM audit_events WHERE action LIKE 'webhook.%able' ORDER BY 1";
    assert_eq!(
        app.insurer.lines(trail).await,
        ["webhook.disable staff", "webhook.enable staff"]
    );
    assert_eq!(program.send(asked(Method::DELETE)).await.status, 204);
}

#[tokio::test]
async fn the_page_of_a_client_that_is_stopped_says_so_and_offers_nothing_that_would_be_sent() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (program, page, _) = hooked(&app).await;
    let client = format!("/console/clients/{}", program.name.client_id);
    let asked = boss.get(&format!("{client}/suspend")).await;
    says(&asked, 200, "1つずつ再開するまで送られません");
    leads(&boss.press(&format!("{client}/suspend")).await, &client);
    says(&boss.get(&client).await, 200, "停止中（連携先の停止による）");
    let shown = boss.get(&page).await;
    for said in ["停止中（連携先の停止による）", "通知は送られません", "通知を停止する"] {
        says(&shown, 200, said);
    }
    for way in ["/start\"", "/test\"", "/replay\""] {
        assert!(!shown.text.contains(&format!("{page}{way}")), "{way}");
    }
    for verb in ["start", "test", "replay"] {
        let asked = boss.get(&format!("{page}/{verb}")).await;
        says(&asked, 200, "先に、連携先の画面で、連携先を使えるようにしてください");
    }
    assert_eq!(boss.press(&format!("{page}/start")).await.status, 409);
    leads(&boss.press(&format!("{client}/resume")).await, &client);
    says(
        &boss.get(&page).await,
        200,
        "連携先を停止したときに、通知も停止しました",
    );
    leads(&boss.press(&format!("{page}/start")).await, &page);
    says(&boss.get(&page).await, 200, "利用中");
    // Its last day is over: nothing was stopped, and nothing is sent.
    testkit::sql(app.tenant(), "UPDATE client_grants SET expires_on = '2000-01-01'").await;
    let shown = boss.get(&page).await;
    says(&shown, 200, "送っていません（連携先の停止による）");
    assert!(!shown.text.contains("を送っています"), "{}", shown.text);
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

/// A moment as staff type it.
fn typed(at: DateTime<Utc>) -> String {
    calendar::in_japan(at).format("%Y-%m-%d %H:%M").to_string()
}

/// Asks how many that are.
async fn counted(clerk: &TestClerk, page: &str, [from, until]: [&str; 2], more: &str) -> Answer {
    let [from, until] = [from, until].map(|typed| typed.replace(' ', "+"));
    clerk
        .get(&format!("{page}/replay?from={from}&until={until}{more}"))
        .await
}

#[tokio::test]
async fn what_did_not_arrive_in_a_time_is_sent_once_more_after_it_was_said_how_many_that_are() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (_, page, _) = hooked(&app).await;
    let (_, id) = page.rsplit_once('/').unwrap();
    let (range, now) = (format!("{page}/replay"), app.clock().now());
    says(
        &boss.get(&page).await,
        200,
        &format!("<a href=\"{range}\">期間を決めて送り直す"),
    );
    says(
        &boss.get(&range).await,
        200,
        "30日前までの通知を、一度に10,000件まで送り直せます",
    );
    lost(&app, id, now - TimeDelta::hours(2), 3).await;
    lost(&app, id, now - TimeDelta::hours(26), 2).await;
    let arrived = "UPDATE webhook_deliveries SET state = 'delivered', status = 200
        WHERE event_id = (SELECT event_id FROM webhook_deliveries ORDER BY event_id DESC LIMIT 1)";
    testkit::sql(app.tenant(), arrived).await;
    let (from, until) = (typed(now - TimeDelta::hours(3)), typed(now));
    let time = [&*from, &*until];
    let asked = counted(&boss, &page, time, "").await;
    for said in ["<dd>2件</dd>", "2件を送り直す", "届かなかった通知だけ"] {
        says(&asked, 200, said);
    }
    says(&counted(&boss, &page, time, "&delivered=1").await, 200, "3件を送り直す");
    let earlier = typed(now - TimeDelta::hours(4));
    let nothing = counted(&boss, &page, [&earlier, &from], "").await;
    says(&nothing, 200, "送り直す通知は、ありません");
    assert!(!nothing.text.contains("件を送り直す"), "{}", nothing.text);
    let waiting = async || app.insurer.count("webhook_deliveries", "state = 'waiting'").await;
    assert_eq!(waiting().await, 0);
    let fields = [("from", &*from), ("until", &*until)];
    leads(&boss.post(&range, &fields).await, &page);
    says(&boss.get(&page).await, 200, "2件を送り直します");
    assert_eq!(waiting().await, 2);
    // Pressed twice.
    leads(&boss.post(&range, &fields).await, &page);
    says(&boss.get(&page).await, 200, "送り直す通知は、ありませんでした");
    leads(
        &boss.post(&range, &[fields[0], fields[1], ("delivered", "1")]).await,
        &page,
    );
    assert_eq!(waiting().await, 3);
    let trail = "SELECT concat_ws(' ', actor_kind, detail->>'deliveries', (detail->>'until')::timestamptz - (detail->>'from')::timestamptz)
        AS line FROM audit_events WHERE action = 'webhook.replay' ORDER BY 1";
    let lines = ["staff 0 03:00:00", "staff 1 03:00:00", "staff 2 03:00:00"];
    assert_eq!(app.insurer.lines(trail).await, lines);
}

#[tokio::test]
async fn a_time_that_is_none_or_too_much_of_it_is_said_at_its_field_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (_, page, _) = hooked(&app).await;
    let (_, id) = page.rsplit_once('/').unwrap();
    let (range, now) = (format!("{page}/replay"), app.clock().now());
    lost(&app, id, now - TimeDelta::hours(2), 10_001).await;
    let [before, until] = [now - TimeDelta::hours(3), now].map(typed);
    let old = typed(now - TimeDelta::days(31));
    for (from, until, said) in [
        ("", "", "始まりの日時を入力してください"),
        (&*before, "", "終わりの日時を入力してください"),
        ("昨日", &*until, "始まりの日時を、2026-12-05 22:00や"),
        ("2026-11-31 08:00", &*until, "11月は30日までです"),
        (
            &*until,
            &*before,
            "終わりの日時は、始まりより後の日時を入力してください",
        ),
        (
            &*before,
            &*before,
            "終わりの日時は、始まりより後の日時を入力してください",
        ),
        (&*old, &*until, "始まりの日時は、30日前より後の日時を入力してください"),
        (&*before, &*until, "一度に送り直せるのは、1万件までです"),
    ] {
        let asked = counted(&boss, &page, [from, until], "").await;
        says(&asked, 200, said);
        assert!(!asked.text.contains("件を送り直す"), "{from}–{until}");
        let sent = boss.post(&range, &[("from", from), ("until", until)]).await;
        says(&sent, 422, said);
        says(&sent, 422, &format!("name=\"until\" type=\"text\" value=\"{until}\""));
    }
    leads(&boss.press(&format!("{page}/stop")).await, &page);
    says(&boss.get(&range).await, 200, "先に、通知を再開してください");
    let sent = boss.post(&range, &[("from", &*before), ("until", &*until)]).await;
    assert_eq!(sent.status, 409, "{}", sent.text);
    assert_eq!(app.insurer.count("webhook_deliveries", "state = 'waiting'").await, 0);
}

#[tokio::test]
async fn a_time_is_sent_once_more_by_the_insurers_own_administrators_alone_who_have_just_proven_it() {
    let (app, elsewhere) = (TestApp::start().await, TestApp::start().await);
    let (_, page, _) = hooked(&app).await;
    let (_, id) = page.rsplit_once('/').unwrap();
    let (range, now) = (format!("{page}/replay"), app.clock().now());
    lost(&app, id, now - TimeDelta::hours(2), 1).await;
    let [from, until] = [now - TimeDelta::hours(3), now].map(typed);
    let fields = [("from", &*from), ("until", &*until)];
    let others: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| role.is_given() && ![Role::Administrator, Role::Workplace].contains(role))
        .collect();
    let (stranger, colleague) = (elsewhere.clerk(&[Role::Administrator]).await, app.clerk(&others).await);
    for (clerk, status) in [(&stranger, 404), (&colleague, 403)] {
        assert_eq!(clerk.get(&range).await.status, status);
        assert_eq!(clerk.post(&range, &fields).await.status, status);
    }
    let boss = app.clerk(&[Role::Administrator]).await;
    app.later(601);
    let answer = boss.post(&range, &fields).await;
    assert!(answer.location().starts_with("/console/prove?next="), "{}", answer.text);
    assert_eq!(app.insurer.count("webhook_deliveries", "state = 'waiting'").await, 0);
}
