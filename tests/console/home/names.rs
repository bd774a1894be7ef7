//! Names that the roster does not tell apart, settled by hand.

use super::{looks, panel, panels, words};
use access::{Reach, Role};
use testkit::{TestApp, TestClerk};

/// An insurer with two people whom what is typed does not tell apart, and the address of the page about them.
async fn twins() -> (TestApp, TestClerk, String) {
    let (app, _) = Box::pin(crate::tasks::twins()).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let home = clerk.get("/console/").await;
    assert!(
        panel(&home, "waiting").contains("名寄せできない登録の確認 1件"),
        "{}",
        home.text
    );
    let path = home.text.split("href=\"/console/names/").nth(1).unwrap();
    let path = format!("/console/names/{}", path.split('"').next().unwrap());
    // Home names nobody.
    assert!(!home.text.contains("コクホ") && !home.text.contains("祥子"));
    (app, clerk, path)
}

async fn try_again(app: &TestApp) {
    let typed = app.identity(&app.person);
    assert_eq!(app.client().send_form("/portal/signup", &typed).await.status, 422);
    app.work().await;
}

#[tokio::test]
async fn names_alike_are_shown_with_all_candidates_and_settled_by_a_word() {
    let (app, clerk, path) = twins().await;
    let page = clerk.get(&path).await;
    let said = words(&page.text);
    for expected in ["コクホ　ショウ", "コクホ　シヨウ", "100・105・01", "1985"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(looks(&app).await, ["staff names 2"]);
    assert_eq!(app.insurer.count("audit_subjects", "true").await, 2);
    // Without a word nothing is settled.
    let refused = clerk.post(&path, &[]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("どうなったかを選んでください"),
        "{}",
        refused.text
    );
    assert_eq!(clerk.post(&path, &[("settled", "elsewhere")]).await.status, 422);
    let done = clerk.post(&path, &[("settled", "called")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, "/console/"));
    let home = clerk.get("/console/").await;
    assert!(home.text.contains("対応の結果を記録しました"), "{}", home.text);
    assert!(!panels(&home).contains(&"waiting"));
    let lines = app
        .insurer
        .lines("SELECT concat_ws(' ', actor_kind, outcome, detail) AS line FROM audit_events WHERE action = 'names.settle'")
        .await;
    assert_eq!(lines, ["staff called {}"]);
    // Once more, late.
    let late = clerk.post(&path, &[("settled", "called")]).await;
    assert_eq!(late.status, 303);
    assert!(clerk.get("/console/").await.text.contains("すでに対応が終わっています"));
    assert_eq!(clerk.get(&path).await.status, 404);
    assert_eq!(app.insurer.count("audit_events", "action = 'names.settle'").await, 1);
    // Whoever tries again waits again.
    app.later(24 * 3600 + 1);
    try_again(&app).await;
    let again = app.clerk(&[Role::Eligibility]).await;
    assert_eq!(again.get(&path).await.status, 200);
}

#[tokio::test]
async fn names_alike_are_nobody_elses() {
    let (app, _, path) = twins().await;
    let settle = [("settled", "nothing")];
    for role in [Role::Viewer, Role::CallCentre, Role::Auditor] {
        let clerk = app.clerk(&[role]).await;
        assert_eq!(clerk.get(&path).await.status, 403, "{role:?}");
        assert_eq!(clerk.post(&path, &settle).await.status, 403, "{role:?}");
    }
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::Eligibility], &reach).await;
    assert_eq!(bounded.get(&path).await.status, 403);
    let other = TestApp::start().await;
    let stranger = other.clerk(&[Role::Eligibility]).await;
    assert_eq!(stranger.get(&path).await.status, 404);
    stranger.post(&path, &settle).await;
    assert_eq!(stranger.get("/console/names/nobody").await.status, 404);
    assert_eq!(app.insurer.count("tasks", "true").await, 1);
    assert!(looks(&app).await.is_empty());
}
