//! Step-up: the second factor once more before what matters (security.md 42).

use super::factor::{HOME, PROVE, print, send, send_printed, with_app};
use crate::portal::{leads, says};
use access::Role;
use testkit::{TestApp, totp};

const ENROL: &str = "/console/enrol";
const SWITCHES: &str = "/console/approvals/settings";

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
    says(&clerk.get(PROVE).await, 200, "次の方法で確認してください");
    let codes = print(&clerk).await;
    app.later(601);
    let page = clerk.get("/console/prove?next=%2Fconsole%2Fenrol").await;
    says(&page, 200, "もう一度の確認");
    says(&page, 200, "次のどれか1つで確認してください");
    says(&page, 200, "href=\"/console/\">確認せずに、ホームに戻る</a>");
    assert!(page.text.contains("name=\"next\" value=\"/console/enrol\""));
    says(&send(&clerk, PROVE, "000000").await, 422, "コードが違います");
    leads(&clerk.get(ENROL).await, "/console/prove?next=%2Fconsole%2Fenrol");
    leads(&send_printed(&clerk, PROVE, &codes[3]).await, HOME);
    assert_eq!(clerk.get(ENROL).await.status, 200);
    app.later(601);
    says(&send_printed(&clerk, PROVE, &codes[3]).await, 422, "もう使われています");
}

#[tokio::test]
async fn what_was_typed_outlives_the_proof_that_is_asked_for_and_does_nothing_by_itself() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[Role::Administrator]).await;
    let typed = [("revision", "1"), ("on", "terms"), ("why", "規程の改定")];
    app.later(601);
    let late = clerk.post(SWITCHES, &typed).await;
    let next = late.location().strip_prefix("/console/prove?next=").unwrap();
    let back = next.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=");
    // A slip there loses nothing.
    let slip = [("kind", "app"), ("app_code", "000000"), ("next", &*back)];
    for _ in 0..2 {
        says(&clerk.post(PROVE, &slip).await, 422, "コードが違います");
    }
    let proof = [
        ("kind", "app"),
        ("app_code", &*totp(&secret, app.clock().now())),
        ("next", &*back),
    ];
    leads(&clerk.post(PROVE, &proof).await, &back);
    let page = clerk.get(&back).await;
    for said in [
        "まだ送信していません",
        "value=\"terms\" checked",
        "value=\"規程の改定\"",
    ] {
        says(&page, 200, said);
    }
    assert!(!clerk.get(SWITCHES).await.text.contains("規程の改定"));
    // Whoever logs in with the same browser meanwhile is shown nothing of it, sent back or not.
    app.later(601);
    let shown_for_another = app.clerk(&[Role::Administrator]).await;
    let mark = shown_for_another.mark(SWITCHES).await.unwrap();
    let theirs = [typed[0], typed[1], typed[2], ("for", &*mark)];
    let late = clerk.post_bare(SWITCHES, &theirs).await;
    leads(&late, "/console/prove?next=%2Fconsole%2Fapprovals%2Fsettings");
    // Whoever proves nothing goes back to the nearest page that opens without.
    for (next, back) in [
        ("/console/clients/vendor?client_id=cl_0_1", "/console/clients"),
        ("/console/roster/new", "/console/roster/new"),
        ("/console/letters/file", "/console/letters"),
        ("/console/account/password", "/console/account"),
    ] {
        let page = shown_for_another.get(&format!("/console/prove?next={next}")).await;
        says(&page, 200, &format!("href=\"{back}\">確認せずに、前の画面に戻る</a>"));
    }
}

// security.md 52
#[tokio::test]
async fn the_file_that_is_asked_for_over_a_proof_is_of_whom_it_was_to_be() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[Role::Administrator]).await;
    let sent = [
        ("/console/letters/file", [("code", "A01"), ("registered", "yes")]),
        (
            "/console/audit/file",
            [("action", "session.open"), ("from", "2026-11-01")],
        ),
    ];
    for (page, filter) in sent {
        app.later(601);
        let late = clerk.post(page, &filter).await;
        let next = late.location().strip_prefix("/console/prove?next=").unwrap();
        let back = next.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=");
        let proof = [
            ("kind", "app"),
            ("app_code", &*totp(&secret, app.clock().now())),
            ("next", &*back),
        ];
        leads(&clerk.post(PROVE, &proof).await, &back);
        let shown = clerk.get(&back).await;
        says(&shown, 200, "まだ送信していません");
        for (name, value) in filter {
            says(&shown, 200, &format!("name=\"{name}\" value=\"{value}\""));
        }
    }
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
