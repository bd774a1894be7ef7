//! 職員: who works here, and what an administrator does with their accounts.

use crate::portal::{leads, says};
use access::Role;
use testkit::{Answer, TestApp, TestClerk};

const STAFF: &str = "/console/staff";

async fn roles(app: &TestApp, clerk: &TestClerk) -> Vec<String> {
    let query = format!(
        "SELECT role AS line FROM staff_roles WHERE staff_id = '{}' ORDER BY role",
        clerk.staff_id.0
    );
    app.insurer.lines(&query).await
}

fn of(clerk: &TestClerk) -> String {
    format!("{STAFF}/{}", clerk.staff_id)
}

async fn deed(boss: &TestClerk, whose: &TestClerk, deed: &str) -> Answer {
    boss.post(&format!("{}/{deed}", of(whose)), &[]).await
}

#[tokio::test]
async fn the_list_says_who_has_what_since_when_and_by_whom() {
    let app = TestApp::start().await;
    let boss = app.clerk_named("管理　一郎", &[Role::Administrator]).await;
    let clerk = app.clerk_named("閲覧　二郎", &[Role::Viewer]).await;
    let list = boss.get(STAFF).await;
    for said in ["管理　一郎", "閲覧　二郎", "利用中", "閲覧のみ", &clerk.email] {
        says(&list, 200, said);
    }
    let page = format!("{}/roles", of(&clerk));
    let form = boss.hidden(&page).await.with("role", "call_centre");
    leads(&boss.send_form(&page, &form).await, &of(&clerk));
    let shown = boss.get(&of(&clerk)).await;
    for said in ["コールセンター", "管理　一郎", "役割を変更しました"] {
        says(&shown, 200, said);
    }
    // The auditor looks and changes nothing.
    let auditor = app.clerk(&[Role::Auditor]).await;
    let seen = auditor.get(&of(&clerk)).await;
    says(&seen, 200, "コールセンター");
    assert!(!seen.text.contains("役割を変更する"));
    assert_eq!(auditor.get(&page).await.status, 403);
    assert_eq!(deed(&auditor, &clerk, "suspend").await.status, 403);
}

#[tokio::test]
async fn a_clerk_of_workplaces_is_given_them_and_without_any_refused() {
    let app = TestApp::start().await;
    let (boss, clerk) = (
        app.clerk(&[Role::Administrator]).await,
        app.clerk(&[Role::Viewer]).await,
    );
    let page = format!("{}/roles", of(&clerk));
    let form = boss.hidden(&page).await.with("role", "workplace");
    says(&boss.send_form(&page, &form).await, 422, "担当する記号か事業所コード");
    assert_eq!(roles(&app, &clerk).await, ["viewer"]);
    let form = form.with("symbols", "１００、200").with("codes", "A-1");
    leads(&boss.send_form(&page, &form).await, &of(&clerk));
    let held = "SELECT symbols::text || workplaces::text AS line FROM staff_roles WHERE role = 'workplace'";
    assert_eq!(app.insurer.lines(held).await, ["{100,200}{A-1}"]);
    says(&boss.get(&page).await, 200, "100、200");
}

#[tokio::test]
async fn a_role_reaches_a_hundred_symbols_and_codes_and_each_counts_once() {
    let app = TestApp::start().await;
    let (boss, clerk) = (
        app.clerk(&[Role::Administrator]).await,
        app.clerk(&[Role::Viewer]).await,
    );
    let page = format!("{}/roles", of(&clerk));
    let list = |from: u32, to: u32| (from..to).map(|n| n.to_string()).collect::<Vec<_>>().join("、");
    let form = boss.hidden(&page).await.with("role", "workplace");
    let over = form
        .clone()
        .with("symbols", &list(100, 161))
        .with("codes", &list(100, 140));
    says(&boss.send_form(&page, &over).await, 422, "合わせて100件以内");
    let flood = form.clone().with("codes", &list(1000, 5_000));
    says(&boss.send_form(&page, &flood).await, 422, "合わせて100件以内");
    assert_eq!(roles(&app, &clerk).await, ["viewer"]);
    let codes = list(100, 201);
    let invited = [
        ("email", "reach@staff.example.jp"),
        ("name", "事業　所子"),
        ("role", "workplace"),
        ("codes", codes.as_str()),
    ];
    let refused = boss.post("/console/staff/invite", &invited).await;
    says(&refused, 422, "合わせて100件以内");
    let twice = format!("{}、{}", list(100, 160), list(100, 160));
    let whole = form.with("symbols", &twice).with("codes", &list(100, 140));
    leads(&boss.send_form(&page, &whole).await, &of(&clerk));
    let held = "SELECT (cardinality(symbols) + cardinality(workplaces))::text AS line
        FROM staff_roles WHERE role = 'workplace'";
    assert_eq!(app.insurer.lines(held).await, ["100"]);
}

#[tokio::test]
async fn of_two_who_change_the_same_roles_the_later_one_is_told_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let [one, two] = [
        app.clerk(&[Role::Administrator]).await,
        app.clerk(&[Role::Administrator]).await,
    ];
    let clerk = app.clerk(&[Role::Viewer]).await;
    let page = format!("{}/roles", of(&clerk));
    let (first, second) = (one.hidden(&page).await, two.hidden(&page).await);
    leads(
        &one.send_form(&page, &first.with("role", "call_centre")).await,
        &of(&clerk),
    );
    let told = two.send_form(&page, &second.with("role", "health")).await;
    says(&told, 409, "ほかの職員が、先に役割を変更しました");
    assert!(told.text.contains("今の役割：コールセンター"), "{}", told.text);
    assert!(told.text.contains("value=\"health\" checked"), "{}", told.text);
    assert_eq!(roles(&app, &clerk).await, ["call_centre"]);
    // Now that both were seen it goes through.
    let again = two.hidden(&page).await.with("role", "health");
    leads(&two.send_form(&page, &again).await, &of(&clerk));
    assert_eq!(roles(&app, &clerk).await, ["health"]);
}

#[tokio::test]
async fn the_last_administrator_neither_leaves_nor_is_shut_out_and_nobody_gives_themself_anything() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let page = format!("{}/roles", of(&boss));
    let form = boss.hidden(&page).await;
    let refused = boss.send_form(&page, &form.with("role", "viewer")).await;
    assert_ne!(refused.status, 303);
    assert_eq!(roles(&app, &boss).await, ["administrator"]);
    assert_ne!(deed(&boss, &boss, "suspend").await.status, 303);
    assert_ne!(deed(&boss, &boss, "factor").await.status, 303);
    let more = [
        ("seen", "administrator:None:None"),
        ("role", "administrator"),
        ("role", "benefits"),
    ];
    assert_ne!(boss.post(&page, &more).await.status, 303);
    assert_eq!(roles(&app, &boss).await, ["administrator"]);
}

#[tokio::test]
async fn whoever_is_suspended_is_out_until_they_are_resumed() {
    let app = TestApp::start().await;
    let (boss, clerk) = (
        app.clerk(&[Role::Administrator]).await,
        app.clerk(&[Role::Viewer]).await,
    );
    says(
        &boss.get(&format!("{}/suspend", of(&clerk))).await,
        200,
        "今のログインはすぐに終わり",
    );
    leads(&deed(&boss, &clerk, "suspend").await, &of(&clerk));
    assert_eq!(clerk.get("/console/").await.status, 303);
    says(&boss.get(&of(&clerk)).await, 200, "停止中");
    leads(&deed(&boss, &clerk, "resume").await, &of(&clerk));
    says(&boss.get(&of(&clerk)).await, 200, "利用中");
    // Once: the second of two clicks changes nothing.
    deed(&boss, &clerk, "resume").await;
    for email in [&clerk.email, &boss.email] {
        let mails = app.mails_to(email).await;
        let told = mails.iter().filter(|mail| mail.text.contains("停止が解かれました"));
        assert_eq!(told.count(), 1, "{email}");
    }
    leads(&deed(&boss, &clerk, "factor").await, &of(&clerk));
    app.work().await;
    let mails = app.mails_to(&clerk.email).await;
    assert!(mails.iter().any(|mail| mail.text.contains("/console/login/link")));
}

#[tokio::test]
async fn an_invitation_is_sent_and_sent_again() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let invite = "/console/staff/invite";
    says(
        &boss.post(invite, &[("email", "nobody"), ("name", "")]).await,
        422,
        "氏名",
    );
    let fields = [
        ("email", "shin@staff.example.jp"),
        ("name", "新任　花子"),
        ("role", "viewer"),
    ];
    leads(&boss.post(invite, &fields).await, STAFF);
    says(&boss.get(STAFF).await, 200, "招待中");
    let query = "SELECT staff_id::text AS line FROM staff WHERE email = 'shin@staff.example.jp'";
    let id = app.insurer.lines(query).await.remove(0);
    let again = format!("{STAFF}/{id}/invitation");
    assert_eq!(boss.post(&again, &[]).await.status, 303);
    app.work().await;
    assert_eq!(app.mails_to("shin@staff.example.jp").await.len(), 2);
    let known = [
        ("email", boss.email.as_str()),
        ("name", "管理　一郎"),
        ("role", "viewer"),
    ];
    assert_ne!(boss.post(invite, &known).await.status, 303);
}

// security.md 72
#[tokio::test]
async fn links_fill_nobodys_mailbox() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let fields = [
        ("email", "ikutabimo@staff.example.jp"),
        ("name", "新任　花子"),
        ("role", "viewer"),
    ];
    leads(&boss.post("/console/staff/invite", &fields).await, STAFF);
    let query = "SELECT staff_id::text AS line FROM staff WHERE email = 'ikutabimo@staff.example.jp'";
    let again = format!("{STAFF}/{}/invitation", app.insurer.lines(query).await.remove(0));
    for _ in 0..9 {
        assert_eq!(boss.post(&again, &[]).await.status, 303);
    }
    for _ in 0..3 {
        says(&boss.post(&again, &[]).await, 429, "この方へのメールが続いています");
    }
    assert_eq!(app.mails_to("ikutabimo@staff.example.jp").await.len(), 10);
    // The last link that was mailed works on; an hour later another is.
    app.later(3600);
    let boss = app.in_another_browser(&boss).await;
    assert_eq!(boss.post(&again, &[]).await.status, 303);
    let clerk = app.clerk(&[Role::Viewer]).await;
    for nth in 0..12 {
        let reset = deed(&boss, &clerk, "factor").await;
        assert_eq!(
            reset.status.as_u16(),
            if nth < 10 { 303 } else { 429 },
            "{}",
            reset.text
        );
    }
    // Nor do those who are shut out and let in again and again, nor the administrators, who are told of it.
    let clerk = app.clerk(&[Role::Viewer]).await;
    for nth in 0..12 {
        leads(&deed(&boss, &clerk, "suspend").await, &of(&clerk));
        let resumed = deed(&boss, &clerk, "resume").await;
        assert_eq!(
            resumed.status.as_u16(),
            if nth < 10 { 303 } else { 429 },
            "{}",
            resumed.text
        );
    }
}

#[tokio::test]
async fn what_an_administrator_does_asks_for_a_second_factor_and_ends_at_their_own_insurer() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let boss = app.clerk(&[Role::Administrator]).await;
    let theirs = other.clerk(&[Role::Viewer]).await;
    for (path, is_post) in [
        (of(&theirs), false),
        (format!("{}/roles", of(&theirs)), true),
        (format!("{}/suspend", of(&theirs)), true),
        (format!("{}/resume", of(&theirs)), true),
        (format!("{}/factor", of(&theirs)), true),
        (format!("{}/invitation", of(&theirs)), true),
    ] {
        assert_eq!(boss.get(&path).await.status, 404, "{path}");
        if is_post {
            assert_eq!(boss.post(&path, &[]).await.status, 404, "{path}");
        }
    }
    assert_eq!(theirs.get("/console/").await.status, 200);
    let clerk = app.clerk(&[Role::Viewer]).await;
    app.later(700);
    let led = deed(&boss, &clerk, "suspend").await;
    assert!(led.location().starts_with("/console/prove"), "{}", led.location());
    assert_eq!(clerk.get("/console/").await.status, 200);
}
