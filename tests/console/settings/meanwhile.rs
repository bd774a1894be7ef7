//! Two who save one form, one after the other or at the same time.

use super::{DESK, administrator, filled, revision, revisions, save, seen, send};
use access::Role;
use chrono::TimeDelta;
use testkit::TestApp;

#[tokio::test]
async fn who_saves_after_another_is_shown_both_and_loses_nothing() {
    let app = TestApp::start().await;
    let (first, second) = (
        administrator(&app).await,
        app.clerk_named("管理　二子", &[Role::Administrator]).await,
    );
    let shown = second.get(DESK).await;
    save(&first, DESK, &[("phone", "03-1111-1111")]).await;
    let typed = filled(&shown, &[("phone", "03-2222-2222"), ("why", "番号の変更")]);
    let refused = send(&second, DESK, &typed).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    // Theirs, what it was, and what was typed.
    for value in ["03-1111-1111", "050-2030-4706", "value=\"03-2222-2222\"", "番号の変更"] {
        assert!(refused.text.contains(value), "{value}: {}", refused.text);
    }
    assert_eq!(seen(&app).await.desk.phone, "03-1111-1111");
    // Having seen it, they may.
    let again = send(&second, DESK, &filled(&refused, &[])).await;
    assert_eq!(again.status, 303, "{}", again.text);
    assert_eq!(seen(&app).await.desk.phone, "03-2222-2222");
    assert_eq!(revisions(&app).await.len(), 3);
}

#[tokio::test]
async fn a_mistake_does_not_make_one_forget_that_another_has_saved() {
    let app = TestApp::start().await;
    let (first, second) = (administrator(&app).await, administrator(&app).await);
    let shown = second.get(DESK).await;
    save(&first, DESK, &[("phone", "03-1111-1111")]).await;
    let refused = send(&second, DESK, &filled(&shown, &[("phone", "1"), ("why", "番号")])).await;
    assert_eq!((refused.status.as_u16(), revision(&refused)), (422, "1".to_owned()));
    let late = send(&second, DESK, &filled(&refused, &[("phone", "03-2222-2222")])).await;
    assert_eq!(late.status, 409);
}

#[tokio::test]
async fn of_two_who_save_at_the_same_time_one_is_told() {
    let app = TestApp::start().await;
    let (first, second) = (administrator(&app).await, administrator(&app).await);
    let (one, other) = tokio::join!(
        save(&first, DESK, &[("phone", "03-1111-1111")]),
        save(&second, DESK, &[("phone", "03-2222-2222")])
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    // One after the other they may both be right: then the later one had seen the former.
    assert!(
        statuses == [303, 409] || revisions(&app).await.len() == 3,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn a_suspension_between_showing_and_saving_is_no_change_of_settings() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let page = clerk.get(DESK).await;
    let (database, now) = (&app.ground.database, app.clock().now());
    tenancy::suspend(database, now, app.tenant(), "test").await.unwrap();
    app.later(2);
    // Nobody of a suspended insurer's is inside.
    let fields = filled(&page, &[("phone", "03-1111-1111"), ("why", "番号")]);
    let shut = send(&clerk, DESK, &fields).await;
    assert_eq!(shut.status, 403, "{}", shut.text);
    tenancy::resume(database, now + TimeDelta::seconds(3), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    let clerk = app.in_another_browser(&clerk).await;
    let saved = send(
        &clerk,
        DESK,
        &fields
            .iter()
            .filter(|(name, _)| name != "for")
            .cloned()
            .collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(seen(&app).await.desk.phone, "03-1111-1111");
}
