//! Step-up: the second factor once more before what matters (security.md 42).

use super::factor::{HOME, PROVE, print, send, send_printed, with_app};
use crate::portal::{leads, says};
use testkit::{TestApp, totp};

const ENROL: &str = "/console/enrol";

// security.md 42
#[tokio::test]
async fn what_was_proven_counts_for_ten_minutes() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    app.later(569);
    assert_eq!(clerk.get(ENROL).await.status, 200);
    app.later(1);
    leads(&clerk.get(ENROL).await, "/console/prove?next=%2Fconsole%2Fenrol");
    let fields = [
        ("kind", "app"),
        ("app_code", &*totp(&secret, app.clock().now())),
        ("next", ENROL),
    ];
    leads(&clerk.post(PROVE, &fields).await, ENROL);
    assert_eq!(clerk.get(ENROL).await.status, 200);
}

#[tokio::test]
async fn it_is_asked_for_in_the_same_ways_and_refused_as_carefully() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    let codes = print(&clerk).await;
    app.later(601);
    let page = clerk.get("/console/prove?next=%2Fconsole%2Fenrol").await;
    says(&page, 200, "もう一度の確認");
    assert!(page.text.contains("name=\"next\" value=\"/console/enrol\""));
    says(&send(&clerk, PROVE, "000000").await, 422, "コードが違います");
    leads(&clerk.get(ENROL).await, "/console/prove?next=%2Fconsole%2Fenrol");
    leads(&send_printed(&clerk, PROVE, &codes[3]).await, HOME);
    assert_eq!(clerk.get(ENROL).await.status, 200);
    app.later(601);
    says(&send_printed(&clerk, PROVE, &codes[3]).await, 422, "もう使われています");
}

#[tokio::test]
async fn a_pending_session_is_led_to_log_in_s_own_page() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let again = app.pending_again(&clerk).await;
    let answer = send(&again, PROVE, &totp(&secret, app.clock().now())).await;
    assert!(
        answer.location().starts_with("/console/login/factor"),
        "{}",
        answer.location()
    );
    assert_eq!(again.get(HOME).await.status, 303);
}

#[tokio::test]
async fn support_proves_itself_where_it_came_from() {
    let app = TestApp::start().await;
    let support = app.support().await;
    assert_eq!(support.get(PROVE).await.status, 403);
    assert_eq!(send(&support, PROVE, "123456").await.status, 403);
}
