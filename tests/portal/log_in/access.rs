//! Who may still come in after a loss of coverage, or while the insurer is closed.

use super::{MY_PAGE, log_in};
use crate::portal::{leads, says};
use tenancy::{resume, suspend};
use testkit::{PASSWORD, SignedUp, TestApp, TestPerson};

pub(super) async fn import_lost(app: &TestApp, who: &SignedUp, day: &str) {
    let mut person = who.person.clone();
    person.lost_on = day.into();
    app.insurer.import(&[person]).await;
}

// security.md 41
#[tokio::test]
async fn coverage_lost_by_an_import_ends_access_at_once() {
    let app = TestApp::without_statements().await;
    let (client, who) = app.member().await;
    import_lost(&app, &who, "2026-11-23").await;
    assert_eq!(client.get(MY_PAGE).await.status, 200, "to the last covered day");
    import_lost(&app, &who, "2026-11-22").await;
    let answer = client.get(MY_PAGE).await;
    says(&answer, 403, "資格を失った日を過ぎたため");
    says(&answer, 403, "050-2030-4706");
    assert_eq!(client.press("/portal/account/sessions/end-others").await.status, 403);
    says(
        &log_in(&app.client(), &who.user_id, PASSWORD).await,
        403,
        "資格を失った日を過ぎたため",
    );
    says(
        &log_in(&app.client(), &who.user_id, "wrong&1234").await,
        422,
        "ユーザーIDまたはパスワードが違います",
    );
}

#[tokio::test]
async fn whoever_vanishes_from_the_roster_has_lost_coverage_and_who_returns_has_it_again() {
    let app = TestApp::without_statements().await;
    let (client, who) = app.member().await;
    app.insurer.import(&[TestPerson::new(106)]).await;
    assert_eq!(client.get(MY_PAGE).await.status, 403);
    app.insurer.import(std::slice::from_ref(&who.person)).await;
    assert_eq!(client.get(MY_PAGE).await.status, 200);
}

#[tokio::test]
async fn the_insurers_days_after_loss_are_for_reading_with_a_word_on_it() {
    let two_days = |folder: &mut tenancy::Folder| {
        folder.settings.after_loss_days = 2;
        folder.settings.modules = tenancy::Features::default();
    };
    let app = TestApp::with("32290413", two_days, |_| ()).await;
    let (client, who) = app.member().await;
    import_lost(&app, &who, "2026-11-21").await;
    says(
        &client.get(MY_PAGE).await,
        200,
        "2026年11月22日（日）までご覧になれます。新しい申請はできません。パスワードとメールアドレスの変更はできます。",
    );
    let again = app.client();
    leads(&log_in(&again, &who.user_id, PASSWORD).await, MY_PAGE);
    app.later(12 * 3600 - 1);
    leads(&log_in(&again, &who.user_id, PASSWORD).await, MY_PAGE);
    app.later(1);
    assert_eq!(again.get(MY_PAGE).await.status, 403);
}

#[tokio::test]
async fn an_insurer_suspended_while_a_member_is_inside_shows_them_out_and_resumed_lets_them_go_on() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    let answer = client.get(MY_PAGE).await;
    says(&answer, 403, "ただいまお休みしています");
    says(&answer, 403, &app.insurer.insurer.name);
    says(
        &log_in(&app.client(), &who.user_id, PASSWORD).await,
        403,
        "ただいまお休みしています",
    );
    assert_eq!(
        client
            .post("/portal/account/email", &[("email", "a@example.jp")])
            .await
            .status,
        403
    );
    // The log-in page, opened or tried meanwhile, ends nothing.
    assert_eq!(client.get("/portal/").await.status, 200);
    says(
        &log_in(&client, &who.user_id, PASSWORD).await,
        403,
        "ただいまお休みしています",
    );
    resume(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    assert_eq!(client.get(MY_PAGE).await.status, 200);
}
