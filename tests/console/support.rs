//! Support by the platform: asked for, granted, entered, and ended in each of the ways.

use crate::portal::says;
use access::Role;
use chrono::TimeDelta;
use testkit::{Answer, TestApp, TestClerk};

/// An administrator and an operator of the platform.
async fn both(app: &TestApp) -> (TestClerk, TestClerk) {
    let administrator = app.clerk_named("管理　一子", &[Role::Administrator]).await;
    (administrator, app.operator(&[Role::Operator]).await)
}

fn ask_path(app: &TestApp) -> String {
    format!("/operator/insurers/{}/support", app.insurer.code)
}

async fn ask(app: &TestApp, operator: &TestClerk) -> Answer {
    let wish = [("reason", "登録が進まない件の確認"), ("hours", "2")];
    operator.post(&ask_path(app), &wish).await
}

/// The last grant asked for.
async fn latest(app: &TestApp) -> String {
    let query = "SELECT grant_id::text AS line FROM support_grants ORDER BY asked_at DESC, grant_id DESC LIMIT 1";
    app.insurer.lines(query).await.remove(0)
}

async fn asked(app: &TestApp, operator: &TestClerk) -> String {
    app.later(1);
    let answer = ask(app, operator).await;
    assert_eq!(
        (answer.status.as_u16(), answer.location()),
        (303, "/operator/"),
        "{}",
        answer.text
    );
    // Each mail leaves in its turn.
    app.work().await;
    latest(app).await
}

async fn answer(administrator: &TestClerk, grant: &str, verb: &str, hours: &str) -> Answer {
    let path = format!("/console/support/{grant}/{verb}");
    administrator.post(&path, &[("hours", hours)]).await
}

async fn enter(operator: &TestClerk, grant: &str) -> Answer {
    operator.post(&format!("/operator/support/{grant}/enter"), &[]).await
}

/// An operator who is inside an insurer as its support, with the grant and the administrator who gave it.
async fn inside(app: &TestApp) -> (TestClerk, TestClerk, String) {
    let (administrator, operator) = both(app).await;
    let grant = asked(app, &operator).await;
    let granted = answer(&administrator, &grant, "grant", "2").await;
    assert_eq!((granted.status.as_u16(), granted.location()), (303, "/console/support"));
    let entered = enter(&operator, &grant).await;
    assert_eq!(
        (entered.status.as_u16(), entered.location()),
        (303, "/console/"),
        "{}",
        entered.text
    );
    app.work().await;
    (administrator, operator, grant)
}

/// True while the browser is support's.
async fn is_inside(operator: &TestClerk) -> bool {
    let home = operator.get("/console/").await;
    home.status == 200 && home.text.contains("運営のサポート担当として")
}

/// Waits until the session of support is noted as in use, which happens beside the request.
async fn touched(app: &TestApp) {
    let touched = format!("subject_kind = 'support' AND last_seen_at >= '{}'", app.clock().now());
    while app.insurer.count("sessions", &touched).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn trail(app: &TestApp) -> Vec<String> {
    app.insurer
        .lines(
            "SELECT concat_ws(' ', action, actor_kind, detail->>'why') AS line FROM audit_events
             WHERE action LIKE 'support.%' ORDER BY at, audit_id",
        )
        .await
}

/// What was mailed to somebody, the first first.
async fn subjects(app: &TestApp, to: &TestClerk) -> Vec<String> {
    app.work().await;
    let mut mails = app.mails_to(&to.email).await;
    mails.sort_by_key(|mail| mail.at);
    mails.into_iter().map(|mail| mail.subject).collect()
}

#[tokio::test]
async fn support_is_asked_for_granted_entered_and_left() {
    let app = TestApp::start().await;
    let (administrator, operator) = both(&app).await;
    let other = app.clerk(&[Role::Eligibility]).await;
    let grant = asked(&app, &operator).await;
    let home = operator.get("/operator/").await;
    assert!(
        home.text.contains("返事待ち") && !home.text.contains("/enter"),
        "{}",
        home.text
    );
    let listed = administrator.get("/console/support").await;
    assert!(listed.text.contains("登録が進まない件の確認") && listed.text.contains("運用　太郎"));
    app.later(1);
    let granted = answer(&administrator, &grant, "grant", "4").await;
    assert_eq!((granted.status.as_u16(), granted.location()), (303, "/console/support"));
    app.later(1);
    let entered = enter(&operator, &grant).await;
    assert_eq!((entered.status.as_u16(), entered.location()), (303, "/console/"));
    // On every page of the insurer, while it lasts.
    assert!(is_inside(&operator).await);
    app.work().await;
    app.later(1);
    let left = operator.post("/console/support/leave", &[]).await;
    assert_eq!((left.status.as_u16(), left.location()), (303, "/operator/"));
    // The browser is the operator's own again.
    assert_eq!(operator.get("/operator/").await.status, 200);
    assert!(!is_inside(&operator).await);
    assert_eq!(
        trail(&app).await,
        [
            "support.ask support",
            "support.grant staff",
            "support.enter support",
            "support.end support operator"
        ]
    );
    let named = format!(
        "actor_kind = 'support' AND actor_id = '{}' AND detail->>'grant' = '{grant}'",
        operator.staff_id.0
    );
    assert_eq!(app.insurer.count("audit_events", &named).await, 3);
    assert_eq!(
        subjects(&app, &administrator).await,
        [
            "【管理画面】運営サポートの依頼が届いています",
            "【管理画面】運営サポートが始まりました",
            "【管理画面】運営サポートが終わりました"
        ]
    );
    assert!(subjects(&app, &other).await.is_empty());
}

#[tokio::test]
async fn a_wish_says_why_and_for_how_long_and_nobody_enters_before_it_is_granted() {
    let app = TestApp::start().await;
    let (administrator, operator) = both(&app).await;
    for (reason, hours) in [
        ("", "2"),
        ("確認", ""),
        ("確認", "3"),
        ("確認", "-1"),
        (&"長".repeat(501), "1"),
    ] {
        let answer = operator
            .post(&ask_path(&app), &[("reason", reason), ("hours", hours)])
            .await;
        assert!(answer.location() != "/operator/", "{reason} {hours}");
    }
    assert_eq!(app.insurer.count("support_grants", "true").await, 0);
    assert_eq!(operator.get("/operator/insurers/99999999/support").await.status, 404);
    let grant = asked(&app, &operator).await;
    assert_eq!(enter(&operator, &grant).await.status, 403);
    for hours in ["", "3", "24"] {
        answer(&administrator, &grant, "grant", hours).await;
    }
    assert_eq!(enter(&operator, &grant).await.status, 403);
    app.later(1);
    assert_eq!(answer(&administrator, &grant, "end", "").await.status, 303);
    assert_eq!(enter(&operator, &grant).await.status, 409);
    assert_eq!(answer(&administrator, &grant, "grant", "1").await.status, 409);
    assert_eq!(trail(&app).await.last().unwrap(), "support.end staff declined");
}

#[tokio::test]
async fn a_wish_that_nobody_answers_lapses_after_seven_days() {
    let app = TestApp::start().await;
    let (administrator, operator) = both(&app).await;
    let grant = asked(&app, &operator).await;
    assert_eq!(ask(&app, &operator).await.status, 409);
    app.later(7 * 24 * 3600);
    app.work().await;
    let administrator = app.in_another_browser(&administrator).await;
    let operator = app.in_another_browser(&operator).await;
    assert_eq!(answer(&administrator, &grant, "grant", "1").await.status, 409);
    assert_ne!(asked(&app, &operator).await, grant);
}

#[tokio::test]
async fn support_ends_at_once_when_an_administrator_ends_it_and_no_replay_brings_it_back() {
    let app = TestApp::start().await;
    let (administrator, operator, grant) = inside(&app).await;
    let cookie = operator.cookie("__Host-console").unwrap();
    app.later(60);
    assert_eq!(answer(&administrator, &grant, "end", "").await.status, 303);
    // On the next request; the browser is the operator's own again.
    let next = operator.get("/console/").await;
    assert_eq!((next.status.as_u16(), next.location()), (303, "/operator/"));
    assert_eq!(operator.get("/operator/").await.status, 200);
    assert_eq!(enter(&operator, &grant).await.status, 409);
    let thief = app.client();
    thief.set_cookie("__Host-console", &cookie);
    assert!(thief.get("/console/").await.location().starts_with("/console/login"));
    // Ending twice is ending once.
    assert_eq!(answer(&administrator, &grant, "end", "").await.status, 303);
    assert_eq!(trail(&app).await.last().unwrap(), "support.end staff administrator");
    assert_eq!(app.insurer.count("sessions", "subject_kind = 'support'").await, 0);
}

#[tokio::test]
async fn support_ends_when_its_hours_are_over() {
    let app = TestApp::start().await;
    let (administrator, operator, grant) = inside(&app).await;
    // In use all the while: it is not idleness that ends it.
    for _ in 0..7 {
        app.later(17 * 60);
        assert!(is_inside(&operator).await);
        touched(&app).await;
    }
    app.later(60 + 1);
    assert!(!is_inside(&operator).await);
    let again = app
        .in_another_browser(&TestClerk {
            grant: None,
            ..operator.clone()
        })
        .await;
    assert_eq!(enter(&again, &grant).await.status, 409);
    let told = subjects(&app, &administrator).await;
    assert_eq!(told.last().unwrap(), "【管理画面】運営サポートが終わりました");
    assert_eq!(trail(&app).await.last().unwrap(), "support.end system over");
}

#[tokio::test]
async fn support_ends_with_the_operators_account_and_does_not_come_back_with_it() {
    let app = TestApp::start().await;
    let (_, operator, grant) = inside(&app).await;
    app.later(1);
    app.suspend(&operator).await;
    assert!(!is_inside(&operator).await);
    assert_eq!(trail(&app).await.last().unwrap(), "support.end system account");
    let ended = format!("grant_id = '{grant}' AND ended_for = 'account'");
    assert_eq!(app.insurer.count("support_grants", &ended).await, 1);

    // Their second factor was reset: somebody else may have it.
    let (_, operator, _) = inside(&app).await;
    let reset = format!(
        "UPDATE staff SET factor_reset_at = '{}' WHERE tenant_id = 0 AND staff_id = '{}'",
        app.clock().now(),
        operator.staff_id.0
    );
    testkit::sql(kernel::TenantId::PLATFORM, &reset).await;
    assert!(!is_inside(&operator).await);

    let (_, operator, grant) = inside(&app).await;
    app.revoke(&operator).await;
    assert!(!is_inside(&operator).await);
    app.later(1);
    app.grant(&operator, Role::Operator).await;
    let back = app.in_another_browser(&operator).await;
    assert_eq!(enter(&back, &grant).await.status, 409);
}

#[tokio::test]
async fn a_grant_is_one_operators_at_one_insurer() {
    let (app, elsewhere) = (TestApp::start().await, TestApp::start().await);
    let (administrator, operator) = both(&app).await;
    let grant = asked(&app, &operator).await;
    let stranger = elsewhere.clerk(&[Role::Administrator]).await;
    for verb in ["grant", "end"] {
        assert_eq!(answer(&stranger, &grant, verb, "1").await.status, 404);
    }
    assert_eq!(stranger.get(&format!("/console/support/{grant}")).await.status, 404);
    assert_eq!(answer(&administrator, &grant, "grant", "1").await.status, 303);
    let colleague = app.operator(&[Role::Operator]).await;
    assert_eq!(enter(&colleague, &grant).await.status, 404);
    // Nobody of the insurer grants it but an administrator, nor enters by it.
    let clerk = app.clerk(&[Role::Eligibility]).await;
    assert_eq!(answer(&clerk, &grant, "grant", "1").await.status, 403);
    assert_ne!(enter(&administrator, &grant).await.status, 303);
    assert_eq!(enter(&operator, &grant).await.location(), "/console/");
}

#[tokio::test]
async fn at_the_same_time_one_wish_is_made_one_answer_counts_and_two_operators_are_inside() {
    let app = TestApp::start().await;
    let (administrator, operator) = both(&app).await;
    let answers = futures_util::future::join_all((0..5).map(|_| ask(&app, &operator))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(app.insurer.count("support_grants", "true").await, 1);
    let grant = latest(&app).await;
    let (one, two) = tokio::join!(
        answer(&administrator, &grant, "grant", "1"),
        answer(&administrator, &grant, "grant", "8")
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let (_, other, theirs) = inside(&app).await;
    assert_eq!(enter(&operator, &grant).await.location(), "/console/");
    assert!(is_inside(&operator).await && is_inside(&other).await);
    answer(&administrator, &theirs, "end", "").await;
    assert!(is_inside(&operator).await && !is_inside(&other).await);
}

#[tokio::test]
async fn support_sees_and_changes_nothing_that_its_role_does_not_allow() {
    let app = TestApp::start().await;
    let (_, operator, grant) = inside(&app).await;
    for path in [
        "/console/support",
        "/console/account",
        "/console/enrol",
        "/console/prove",
    ] {
        let status = operator.get(path).await.status;
        assert!(matches!(status.as_u16(), 403 | 404), "{path}: {status}");
    }
    assert_eq!(operator.get("/operator/").await.status, 403);
    for path in [
        "/console/support/{}/grant",
        "/console/support/{}/end",
        "/operator/support/{}/enter",
    ] {
        let answer = operator.post(&path.replace("{}", &grant), &[("hours", "8")]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    // Whoever logs out leaves the browser to nobody.
    assert_eq!(operator.post("/console/logout", &[]).await.status, 303);
    assert!(
        operator
            .get("/operator/")
            .await
            .location()
            .starts_with("/operator/login")
    );
    let administrator = app.clerk(&[Role::Administrator]).await;
    assert_eq!(administrator.post("/console/support/leave", &[]).await.status, 403);
}

const NOT_YET: &str = "まだ送信していません";

/// The page to which the proof that was asked for leads back.
async fn back(clerk: &TestClerk, answer: &Answer, begins: &str) -> Answer {
    let next = answer.location().strip_prefix("/console/prove?next=").unwrap();
    let page = next.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=");
    assert!(page.starts_with(begins), "{page}");
    clerk.get(&page).await
}

// security.md 42
#[tokio::test]
async fn letting_support_in_and_entering_ask_for_a_second_factor_just_proven() {
    let app = TestApp::start().await;
    let (administrator, operator) = both(&app).await;
    let grant = asked(&app, &operator).await;
    app.later(TimeDelta::minutes(11).num_seconds());
    let granted = answer(&administrator, &grant, "grant", "1").await;
    // The page that holds the form asks for the proof as well.
    let again = back(&administrator, &granted, "/console/support/").await;
    assert!(
        again.location().starts_with("/console/prove?next="),
        "{}",
        again.location()
    );
    // The proof leads back to the page that holds the form, which says that nothing is done yet.
    let entered = enter(&operator, &grant).await;
    says(&back(&operator, &entered, "/operator/?").await, 200, NOT_YET);
    let granted = "granted_at IS NOT NULL";
    assert_eq!(app.insurer.count("support_grants", granted).await, 0);
    // Ending it never waits for a proof.
    assert_eq!(
        answer(&administrator, &grant, "end", "").await.location(),
        "/console/support"
    );
}

#[tokio::test]
async fn insurers_are_found_by_a_part_of_the_name_or_the_beginning_of_the_code() {
    let app = TestApp::start().await;
    let operator = app.operator(&[Role::Operator]).await;
    let code = app.insurer.code.to_string();
    let begin: String = code.chars().take(7).collect();
    for sought in [code.as_str(), &begin] {
        let found = operator.get(&format!("/operator/?q={sought}")).await;
        let link = format!("href=\"/operator/insurers/{code}\"");
        assert!(found.text.contains(&link), "{sought}: {}", found.text);
    }
    let none = operator.get("/operator/?q=nobody-at-all").await;
    assert!(none.text.contains("当てはまる保険者がありません"));
}
