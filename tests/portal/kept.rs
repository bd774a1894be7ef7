//! What is kept for its time and then gone (security.md 58), by the node's own sweep on the tests' clock.

use super::{leads, notices::publish, says};
use madoguchi::retention::sweep_insurer;
use testkit::{TestApp, TestPerson, account};

const ACCOUNT: &str = "/portal/signup/account";

async fn sweep(app: &TestApp) -> usize {
    sweep_insurer(app, app.tenant(), app.clock().now()).await.unwrap()
}

fn later(app: &TestApp, days: i64) {
    app.later(days * 24 * 3600);
}

// security.md 58
#[tokio::test(flavor = "multi_thread")]
async fn marks_of_read_notices_are_swept_after_a_year_and_none_before() {
    let app = TestApp::start().await;
    let (old, new) = (
        publish(&app, "古いお知らせ").await,
        publish(&app, "新しいお知らせ").await,
    );
    let (member, who) = app.member().await;
    says(
        &member.get(&format!("/portal/notices/{old}")).await,
        200,
        "古いお知らせ",
    );
    later(&app, 200);
    let member = app.inside(&who).await;
    says(
        &member.get(&format!("/portal/notices/{new}")).await,
        200,
        "新しいお知らせ",
    );
    let marks = async || {
        app.insurer
            .lines("SELECT notice_id::text AS line FROM notice_reads")
            .await
    };
    later(&app, 164);
    sweep(&app).await;
    assert_eq!(marks().await.len(), 2);
    later(&app, 2);
    sweep(&app).await;
    assert_eq!(marks().await, [new.to_string()]);
    // What is that old has no mark on the pages either: swept or not, nothing is unread again.
    says(
        &app.inside(&who).await.get("/portal/mypage").await,
        200,
        "未読はありません",
    );
    assert_eq!(sweep(&app).await, 0);
}

// security.md 58
#[tokio::test(flavor = "multi_thread")]
async fn the_user_id_of_a_forgotten_account_is_nobodys_for_a_year_and_then_free() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let (gone, other) = (
        TestPerson {
            lost_on: "2010-04-01".into(),
            ..app.person.clone()
        },
        TestPerson::new(106),
    );
    app.insurer.import(&[gone, other.clone()]).await;
    let ask = async || {
        let client = app.client();
        leads(
            &client.send_form("/portal/signup", &app.identity(&other)).await,
            ACCOUNT,
        );
        client.send_form(ACCOUNT, &account(&who.user_id, "b@example.jp")).await
    };
    let taken = "このユーザーIDは、すでに使われています";
    sweep(&app).await;
    assert_eq!(app.insurer.count("accounts", "emptied_at IS NOT NULL").await, 1);
    for months in [0, 11] {
        later(&app, months * 30);
        sweep(&app).await;
        says(&ask().await, 422, taken);
    }
    later(&app, 60);
    sweep(&app).await;
    leads(&ask().await, "/portal/signup/code");
}
