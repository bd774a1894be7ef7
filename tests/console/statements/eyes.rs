//! Publishing under four eyes: whoever imported a delivery asks another; anybody else is the other.

use super::deliveries::{HOME, people, publish, send, states};
use crate::{
    console::approvals::{agree, clerks, states as wishes, told, wish},
    portal::says,
    statements::{cost, load_at},
};
use access::Role;
use tenancy::ApprovalAction;
use testkit::{TestApp, TestClerk};

async fn app() -> TestApp {
    let change = |folder: &mut tenancy::Folder| folder.settings.approvals.say(ApprovalAction::Statements, true);
    let app = Box::pin(TestApp::with("32290413", change, |_| ())).await;
    people(&app).await;
    app
}

/// A delivery that this one has imported.
async fn imported(app: &TestApp, clerk: &TestClerk, total: i64) -> i32 {
    let loaded = load_at(app, &[cost("2026-08", "A", 1, "2026-06", total)]).await;
    let (by, no) = (clerk.staff_id.0, loaded.delivery.0);
    let said = format!("UPDATE statement_deliveries SET imported_by = '{by}' WHERE delivery = {no}");
    testkit::sql(app.tenant(), &said).await;
    no
}

// security.md 73
#[tokio::test]
async fn whoever_imported_a_delivery_publishes_it_once_another_agrees_and_it_is_as_it_was_shown() {
    let app = app().await;
    let [importer, other] = clerks(&app, &[Role::Benefits]).await;
    let no = imported(&app, &importer, 1_000).await;
    let asked = send(
        &importer,
        &format!("{HOME}/{no}/publish"),
        &[("when", "now"), ("notice", "1")],
    )
    .await;
    assert_eq!(
        (asked.status.as_u16(), asked.location()),
        (303, format!("{HOME}/{no}").as_str())
    );
    assert_eq!(states(&app).await, ["1 ready false"]);
    let first = wish(&app).await;
    told(&[&importer, &other], &[format!("{HOME}/{no}").as_str()], &first).await;
    let shown = other.get(&first).await;
    for said in [
        "医療費通知などの公開",
        "2026年8月処理分",
        "第1版",
        "承認されたとき",
        "載せる",
    ] {
        says(&shown, 200, said);
    }
    says(&agree(&importer, &first).await, 403, "自分の申請");
    // Once more it is the same wish; otherwise than it waits it is not asked for.
    let again = send(
        &importer,
        &format!("{HOME}/{no}/publish"),
        &[("when", "now"), ("notice", "1")],
    )
    .await;
    assert_eq!(
        (again.status.as_u16(), wishes(&app).await),
        (303, vec!["waiting".to_owned()])
    );
    assert_eq!(publish(&importer, no).await.status, 409);
    assert_eq!(agree(&other, &first).await.status, 303);
    app.work().await;
    assert_eq!(states(&app).await, ["1 published true"]);
    let by = format!("published_by = '{}'", importer.staff_id.0);
    assert_eq!(app.insurer.count("statement_deliveries", &by).await, 1);
    assert_eq!(
        app.insurer.count("notices", "title LIKE '%新しい分を載せました'").await,
        1
    );
    assert_eq!(wishes(&app).await, ["done"]);
    // Taking back is never held up.
    let taken = send(&importer, &format!("{HOME}/{no}/withdraw"), &[("why", "wrong_people")]).await;
    assert_eq!(taken.status, 303);
    assert_eq!(states(&app).await, ["1 withdrawn true"]);
}

// security.md 73
#[tokio::test]
async fn what_became_otherwise_since_it_was_asked_for_is_not_published_by_agreeing() {
    let app = app().await;
    let [importer, other] = clerks(&app, &[Role::Benefits]).await;
    let no = imported(&app, &importer, 1_000).await;
    assert_eq!(publish(&importer, no).await.status, 303);
    let asked = wish(&app).await;
    // Whoever didn't import it is the second pair of eyes.
    let newer = imported(&app, &importer, 2_000).await;
    assert_eq!(publish(&other, newer).await.status, 303);
    says(&agree(&other, &asked).await, 409, "変わ");
    app.work().await;
    assert_eq!(states(&app).await, ["1 ready false", "2 published true"]);
    assert_eq!(wishes(&app).await, ["lapsed"]);
    // A time that has passed is not agreed to either.
    let at = kernel::calendar::in_japan(app.clock().now() + chrono::TimeDelta::hours(1));
    let at = at.format("%Y-%m-%d %H:%M").to_string();
    let asked = send(
        &importer,
        &format!("{HOME}/{no}/publish"),
        &[("when", "at"), ("at", &at)],
    )
    .await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    let asked = wish(&app).await;
    says(&other.get(&asked).await, 200, "公開する日時");
    app.later(2 * 3600);
    let other = app.in_another_browser(&other).await;
    says(&agree(&other, &asked).await, 409, "公開する日時を過ぎています");
    app.work().await;
    assert_eq!(states(&app).await, ["1 ready false", "2 published true"]);
    assert_eq!(wishes(&app).await, ["lapsed", "waiting"]);
}

// security.md 73
#[tokio::test]
async fn an_importer_whom_nobody_else_can_agree_to_is_told_so_and_where_it_is_not_under_four_eyes_goes_on() {
    let app = app().await;
    let [importer] = clerks(&app, &[Role::Benefits]).await;
    let no = imported(&app, &importer, 1_000).await;
    says(&publish(&importer, no).await, 409, "承認できる職員がほかにいません");
    assert_eq!(states(&app).await, ["1 ready false"]);
    app.insurer
        .apply(|folder| folder.settings.approvals.say(ApprovalAction::Statements, false))
        .await;
    assert_eq!(publish(&importer, no).await.status, 303);
    assert_eq!(states(&app).await, ["1 published true"]);
}

// security.md 73
#[tokio::test]
async fn the_second_eye_is_shown_what_a_version_changes_against_the_one_that_it_replaces() {
    let app = app().await;
    let [importer, other] = clerks(&app, &[Role::Benefits]).await;
    let first = imported(&app, &importer, 1_000).await;
    assert_eq!(publish(&other, first).await.status, 303);
    let second = imported(&app, &importer, 400).await;
    assert_eq!(publish(&importer, second).await.status, 303);
    let asked = wish(&app).await;
    let shown = other.get(&asked).await;
    for said in [
        "新しいレセプト0件、金額が変わるレセプト1件、なくなるレセプト0件",
        "1,000円",
        "400円",
        "－600円",
        "保留（取り込んだとき）",
    ] {
        says(&shown, 200, said);
    }
    assert_eq!(agree(&other, &asked).await.status, 303);
    app.work().await;
    assert_eq!(states(&app).await, ["1 replaced true", "2 published true"]);
}
