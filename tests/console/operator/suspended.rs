//! An insurer that is suspended: who may do it, what stops, what is seen meanwhile, and that all goes on after it.

use super::trail;
use access::Role;
use audit::{Actor, Origin};
use kernel::{InsurerCode, TenantId};
use notices::{Draft, To};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, PASSWORD, TestApp, TestPerson};

#[tokio::test]
async fn an_insurer_is_suspended_and_resumed_after_a_second_factor_and_both_trails_say_why() {
    let app = TestApp::start().await;
    let operator = app.operator(&[Role::Operator]).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let (member, _) = app.member().await;
    let path = format!("/operator/insurers/{}", app.insurer.code);
    let (suspend, resume) = (format!("{path}/suspend"), format!("{path}/resume"));
    let asked = operator.get(&suspend).await;
    assert!(
        asked.status == 200 && asked.text.contains("データは消えません"),
        "{}",
        asked.text
    );
    for why in ["", " ", &"長".repeat(501)] {
        assert_eq!(operator.post(&suspend, &[("why", why)]).await.status, 422, "{why}");
    }
    assert_eq!(member.get("/portal/mypage").await.status, 200);
    let done = operator.post(&suspend, &[("why", "契約の終了")]).await;
    assert_eq!(
        (done.status.as_u16(), done.location()),
        (303, path.as_str()),
        "{}",
        done.text
    );
    app.later(3);
    assert_ne!(member.get("/portal/mypage").await.status, 200);
    assert_ne!(clerk.get("/console/").await.status, 200);
    let shown = operator.get(&path).await;
    assert!(
        shown.text.contains("停止中") && shown.text.contains("再開する"),
        "{}",
        shown.text
    );
    // Twice is once.
    assert_eq!(operator.post(&suspend, &[("why", "もう一度")]).await.status, 303);
    assert_eq!(operator.post(&resume, &[("why", "契約の更新")]).await.status, 303);
    app.later(3);
    assert_eq!(member.get("/portal/mypage").await.status, 200);
    let id = operator.staff_id.0;
    let told = [
        format!("insurer.suspend operator {id}"),
        format!("insurer.resume operator {id}"),
    ];
    let mut lines = trail(&app, "insurer.%").await;
    lines.retain(|line| !line.starts_with("insurer.apply"));
    assert_eq!(lines, told);
    let own = format!("detail->>'insurer' = '{}' AND actor_kind = 'staff'", app.insurer.code);
    let query =
        format!("SELECT detail->>'why' AS line FROM audit_events WHERE tenant_id = 0 AND {own} ORDER BY audit_id");
    let whys = app.insurer.lines_of(TenantId::PLATFORM, &query).await;
    assert_eq!(whys, ["契約の終了", "契約の更新"]);
    // A proof of long ago is none.
    app.later(601);
    for path in [&suspend, &resume] {
        assert!(operator.get(path).await.location().starts_with("/console/prove"));
        let posted = operator.post(path, &[("why", "古い確認")]).await;
        assert!(posted.location().starts_with("/console/prove"), "{}", posted.text);
    }
    assert_eq!(trail(&app, "insurer.%").await.len(), lines.len() + 1);
    let operator = app.in_another_browser(&operator).await;
    let code = InsurerCode::with_check_digit("9912345").unwrap();
    assert_eq!(
        operator.get(&format!("/operator/insurers/{code}/suspend")).await.status,
        404
    );
    assert_eq!(operator.get("/operator/insurers/platform/suspend").await.status, 404);
}

/// A page that says that the portal is closed for now, and whom to call.
fn is_closed(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.text);
    for said in ["ただいまお休みしています", "お問い合わせ"] {
        assert!(answer.text.contains(said), "{what}, {said}: {}", answer.text);
    }
}

async fn api(client: &Client, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, String) {
    let answer = client.call(method, path, token, body).await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

// The order is the operator's; what it closes is seen at another node, which was told nothing but by the database.
#[tokio::test]
async fn a_suspended_insurer_is_closed_on_every_node_within_seconds_and_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let node = app.beside(|_| ()).await;
    let elsewhere = TestApp::start().await;
    let (neighbour, _) = elsewhere.member().await;
    let operator = app.operator(&[Role::Operator]).await;
    let (member, support, who) = (
        node.inside(&app.sign_up().await).await,
        node.support().await,
        TestPerson::new(106),
    );
    app.insurer.import(&[app.person.clone(), who.clone()]).await;
    let clerk = node.clerk(&[Role::Administrator]).await;
    assert_eq!(clerk.get("/console/members").await.status, 200);
    assert_eq!(member.get("/portal/mypage").await.status, 200);
    let registered = app.sign_up_as(&who).await;
    let log_in = json!({"user_id": registered.user_id, "password": PASSWORD});
    let opened = node
        .client()
        .call(Method::POST, "/sessions", None, Some(log_in.clone()))
        .await;
    let token = opened.json()["token"].as_str().unwrap().to_owned();
    let identity = node.client();
    let form = node.identity(&who);
    // A notice whose mails nobody has sent yet, and a link that is under way.
    let draft = Draft {
        title: "健診のお知らせ".into(),
        body: "本文".into(),
        published_at: app.clock().now(),
        ended_at: None,
        mail: true,
    };
    let mut tx = app.write(app.tenant()).await;
    let notices = node.notices();
    let published = notices
        .publish(&mut tx, &Origin::command(), Actor::Operator, To::All, &draft)
        .await;
    published.unwrap();
    tx.commit().await.unwrap();
    let told = async || {
        let mails = node.mails_to(&registered.email).await.into_iter();
        mails.filter(|mail| mail.subject.contains("新しいお知らせ")).count()
    };

    let path = format!("/operator/insurers/{}", app.insurer.code);
    let suspended = operator
        .post(&format!("{path}/suspend"), &[("why", "契約の終了")])
        .await;
    assert_eq!(suspended.status, 303, "{}", suspended.text);
    app.later(3);

    // Who is inside, who wants in, and who is on the way to an account.
    let seen = member.get("/portal/mypage").await;
    is_closed(&seen, "my page");
    assert!(seen.text.contains(&app.insurer.insurer.name), "{}", seen.text);
    is_closed(
        &member.post("/portal/account/email", &[("email", "a@example.jp")]).await,
        "an action",
    );
    is_closed(&node.client().log_in(&registered).await, "log-in");
    is_closed(&identity.send_form("/portal/signup", &form).await, "sign-up");
    let start = format!("/portal/signup?insurer={}", app.insurer.code);
    is_closed(&node.client().get(&start).await, "the sign-up's first page");
    is_closed(
        &node.client().send_form("/portal/user-id", &form).await,
        "a forgotten user ID",
    );
    let forgot = async {
        let fields = [("user_id", registered.user_id.as_str())];
        node.client().post("/portal/password", &fields).await
    };
    let answer = app.with_platform_work(forgot).await;
    assert_eq!(answer.status, 303, "answered alike, whoever asks");
    let mails = node.mails_to(&registered.email).await;
    assert!(
        mails.iter().all(|mail| !mail.text.contains("token=")),
        "no link is mailed"
    );
    assert_eq!(told().await, 0, "mails of notices wait");
    let closed = (403, "insurer_suspended".to_owned());
    let client = node.client();
    assert_eq!(
        api(&client, Method::GET, "/me/dashboard", Some(&token), None).await,
        closed
    );
    assert_eq!(
        api(&client, Method::POST, "/sessions", None, Some(log_in)).await,
        closed
    );
    // Staff are told why; the platform's support may still look, to mend what is to be mended.
    for path in ["/console/", "/console/members"] {
        let answer = clerk.get(path).await;
        assert!(
            answer.status == 403 && answer.text.contains("この保険者の管理画面は停止しています"),
            "{path}: {}",
            answer.text
        );
    }
    assert_eq!(clerk.post("/console/members", &[("q", "1")]).await.status, 403);
    assert_eq!(support.get("/console/").await.status, 200);
    assert_eq!(neighbour.get("/portal/mypage").await.status, 200, "no other insurer's");

    let resumed = operator.post(&format!("{path}/resume"), &[("why", "契約の更新")]).await;
    assert_eq!(resumed.status, 303, "{}", resumed.text);
    app.later(3);
    assert_eq!(member.get("/portal/mypage").await.status, 200, "without another log-in");
    assert_eq!(clerk.get("/console/").await.status, 200, "without another log-in");
    assert_eq!(node.client().log_in(&registered).await.status, 303);
    app.later(3600);
    assert_eq!(told().await, 1, "and once");
}

#[tokio::test]
async fn what_is_under_way_when_an_insurer_is_suspended_goes_no_further_and_on_after_it() {
    let app = TestApp::start().await;
    let (signing_up, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let operator = app.operator(&[Role::Operator]).await;
    let path = format!("/operator/insurers/{}", app.insurer.code);
    operator
        .post(&format!("{path}/suspend"), &[("why", "調査のため")])
        .await;
    app.later(3);
    let confirm = [("code", code.as_str())];
    is_closed(&signing_up.post("/portal/signup/code", &confirm).await, "a code");
    assert_eq!(app.insurer.count("accounts", "true").await, 0);
    operator
        .post(&format!("{path}/resume"), &[("why", "調査が済んだため")])
        .await;
    app.later(3);
    let confirmed = signing_up.post("/portal/signup/code", &confirm).await;
    assert_eq!(
        (confirmed.status.as_u16(), confirmed.location()),
        (303, "/portal/"),
        "{}",
        confirmed.text
    );
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
}

#[tokio::test]
async fn whoever_is_shut_out_with_a_session_can_log_out_and_the_session_has_ended() {
    let app = TestApp::start().await;
    let (clerk, suspended) = (app.clerk(&[Role::Viewer]).await, app.clerk(&[Role::Viewer]).await);
    app.suspend(&suspended).await;
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    for who in [&clerk, &suspended] {
        let page = who.get("/console/").await;
        assert!(
            page.status == 403 && page.text.contains("action=\"/console/logout\""),
            "{}",
            page.text
        );
        let out = who.press("/console/logout").await;
        assert_eq!((out.status.as_u16(), out.location()), (303, "/console/login"));
        assert!(who.cookie("__Host-console").is_none());
        assert!(who.get("/console/login").await.text.contains("ログアウトしました"));
    }
    tenancy::resume(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    clerk.set_cookie("__Host-console", &clerk.session);
    assert!(clerk.get("/console/").await.location().starts_with("/console/login"));
}

#[tokio::test]
async fn who_logs_out_while_the_database_is_away_leaves_no_session_in_the_browser() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    app.ground.database.close();
    let out = clerk.post_bare("/console/logout", &[]).await;
    assert_eq!(
        (out.status.as_u16(), out.location()),
        (303, "/console/login"),
        "{}",
        out.text
    );
    assert!(clerk.cookie("__Host-console").is_none());
}
