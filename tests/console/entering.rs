//! Coming in with a session: what it costs, and whom it lets in.

use crate::portal::{leads, says};
use access::{Permission, Reach, Role};
use kernel::{Outcome, TenantSecret};
use staff::Clerk;
use testkit::{TestApp, TestClerk};

/// An address that costs nothing but to see who is there.
const NOWHERE: &str = "/console/nowhere";

async fn enter(app: &TestApp, clerk: &TestClerk) -> Option<Clerk> {
    let session = TenantSecret::parse(&clerk.session).unwrap();
    match app.staff.enter(&session).await.unwrap() {
        Outcome::Done(clerk) => Some(clerk),
        Outcome::Refused(_) => None,
    }
}

#[tokio::test]
async fn coming_in_takes_one_transaction_and_no_statement_more_once_the_node_has_seen_the_session() {
    let app = TestApp::counting().await;
    let clerk = app.clerk(&[Role::Eligibility, Role::Auditor]).await;
    app.warm().await;
    clerk.get(NOWHERE).await;
    let mut counted = Vec::new();
    let other = app.in_another_browser(&clerk).await;
    for _ in 0..3 {
        let before = (app.ground.database.statements(), app.ground.database.transactions());
        says(&other.get(NOWHERE).await, 404, "窓口　花子");
        assert_eq!(app.ground.database.transactions() - before.1, 1);
        counted.push(app.ground.database.statements() - before.0);
    }
    // The session, the row and the roles; all in the round trip of their BEGIN but the first time, which asks for the
    // latter two once it knows whose they are.
    assert!(counted.iter().all(|statements| *statements == 3), "{counted:?}");
}

#[tokio::test]
async fn what_a_clerk_may_do_is_what_their_roles_of_this_insurer_allow_together() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Health, Role::Auditor]).await;
    let inside = enter(&app, &clerk).await.unwrap();
    for (permission, expected) in [
        (access::NOTICES_EDIT, true),
        (access::AUDIT_VIEW, true),
        (access::NOTICES_PUBLISH, false),
        (access::MEMBERS_VIEW, false),
        (Permission("members.nothing"), false),
    ] {
        assert_eq!(inside.may(permission), expected, "{permission}");
    }
    app.grant(&clerk, Role::NoticeEditor).await;
    assert!(enter(&app, &clerk).await.unwrap().may(access::NOTICES_PUBLISH));
    app.revoke(&clerk).await;
    assert!(enter(&app, &clerk).await.unwrap().permissions.is_empty());
}

#[tokio::test]
async fn a_role_that_nobody_gives_is_worth_nothing_in_a_row() {
    let app = TestApp::start().await;
    for role in [Role::Support, Role::Operator] {
        let clerk = app.clerk(&[role]).await;
        assert_eq!(enter(&app, &clerk).await.unwrap().permissions.len(), 0, "{role:?}");
    }
    let operator = app.operator(&[Role::Operator, Role::Administrator]).await;
    let inside = enter(&app, &operator).await.unwrap();
    assert!(inside.may(access::OPERATOR_INSURERS) && !inside.may(access::STAFF_MANAGE));
}

#[tokio::test]
async fn one_role_that_is_bound_to_workplaces_bounds_all() {
    let app = TestApp::start().await;
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec!["本社".into()],
    };
    let clerk = app.clerk_reaching(&[Role::Workplace], &reach).await;
    app.grant(&clerk, Role::Viewer).await;
    assert_eq!(enter(&app, &clerk).await.unwrap().reach, reach);
    let unbound = app.clerk(&[Role::Workplace]).await;
    let nobody = Reach::Workplaces {
        symbols: vec![],
        codes: vec![],
    };
    assert_eq!(
        enter(&app, &unbound).await.unwrap().reach,
        nobody,
        "nobody is reached without a word whom"
    );
}

// security.md 39
#[tokio::test]
async fn a_session_of_staff_ends_after_half_an_hour_of_silence_and_after_twelve_hours_of_work() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    app.later(29 * 60);
    assert_eq!(clerk.get("/console/").await.status, 200);
    let silent = app.in_another_browser(&clerk).await;
    app.later(30 * 60);
    leads(&silent.get("/console/").await, "/console/login?next=%2Fconsole%2F");
    assert_eq!(silent.cookie("__Host-console"), None);
    // Said once, and to nobody who was not inside and sends nothing.
    let lost = "入力の途中だった内容は、保存されていません";
    says(&silent.get("/console/login").await, 200, lost);
    assert!(!silent.get("/console/login").await.text.contains(lost));
    assert!(silent.get("/console/").await.set_cookies().is_empty());
    // Whoever was logged out in another window sends a form.
    let form = silent.post_bare("/console/members", &[("q", "1")]).await;
    assert!(form.location().starts_with("/console/login"), "{}", form.location());
    says(&silent.get("/console/login").await, 200, lost);
    let busy = app.in_another_browser(&clerk).await;
    for _ in 0..35 {
        app.later(20 * 60);
        assert_eq!(busy.get("/console/").await.status, 200);
        // The touch is written beside the request.
        let touched = format!("last_seen_at = '{}'", app.clock().now());
        while app.insurer.count("sessions", &touched).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    app.later(20 * 60);
    leads(&busy.get("/console/").await, "/console/login?next=%2Fconsole%2F");
}

#[tokio::test]
async fn support_is_inside_as_long_as_its_grant_and_no_longer() {
    let app = TestApp::start().await;
    let support = app.support().await;
    let inside = enter(&app, &support).await.unwrap();
    assert!(inside.may(access::MEMBERS_VIEW) && !inside.may(access::EXPORT_PERSONAL));
    assert_eq!(inside.insurer.tenant_id, app.tenant());
    says(&support.get("/console/").await, 200, "運営のサポート担当として");
    let end = format!("UPDATE support_grants SET ended_at = '{}'", app.clock().now());
    testkit::sql(app.tenant(), &end).await;
    leads(&support.get("/console/").await, "/console/login?next=%2Fconsole%2F");
}

#[tokio::test]
async fn whoever_may_not_is_told_which_roles_may_and_how_to_come_by_one() {
    let app = TestApp::start().await;
    let administrator = app.clerk(&[Role::Administrator]).await;
    let page = administrator.get("/console/statements").await;
    for said in [
        "この画面は、「給付担当」「監査」の役割の方が使えます。",
        "ご自分に役割を付けることはできません。",
        "<a href=\"/console/staff/invite\">職員を招待する</a>",
    ] {
        says(&page, 403, said);
    }
    let editor = app.clerk(&[Role::NoticeEditor]).await;
    let page = editor.get("/console/statements/import").await;
    says(&page, 403, "この画面は、「給付担当」の役割の方が使えます。");
    says(&page, 403, "管理者に役割の追加を頼んでください。");
    assert!(!page.text.contains("/console/staff/invite"), "{}", page.text);
    // Who has the role, for some workplaces alone.
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::Eligibility], &reach).await;
    says(
        &bounded.get("/console/roster/new").await,
        403,
        "担当する範囲が決められている",
    );
    // What is no role of an insurer's is named to nobody.
    let page = administrator.get("/operator/").await;
    assert!(!page.text.contains("運用者"), "{}", page.text);
}
