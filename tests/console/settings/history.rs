//! The history of revisions, and taking one back.

use super::{BRANDING, DESK, REVISIONS, administrator, filled, revisions, save, seen, send};
use testkit::{TestApp, sql};

#[tokio::test]
async fn a_change_is_taken_back_by_a_revision_of_its_own_unless_it_was_changed_since() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    save(&clerk, DESK, &[("phone", "03-1111-1111"), ("desk_name", "新しい窓口")]).await;
    save(&clerk, BRANDING, &[("brand_color", "#f39800")]).await;
    let path = format!("{REVISIONS}/2/take-back");
    let ask = clerk.get(&path).await;
    assert!(
        ask.text.contains("03-1111-1111") && ask.text.contains("050-2030-4706"),
        "{}",
        ask.text
    );
    let back = send(&clerk, &path, &filled(&ask, &[("why", "元の番号に戻す")])).await;
    assert_eq!(
        (back.status.as_u16(), back.location()),
        (303, REVISIONS),
        "{}",
        back.text
    );
    let insurer = seen(&app).await;
    assert_eq!(
        (insurer.desk.phone.as_str(), insurer.desk.name.as_str()),
        ("050-2030-4706", "専用コールセンター")
    );
    assert_eq!(insurer.brand.color.to_string(), "#f39800", "what came after stays");
    assert_eq!(revisions(&app).await[3], "4 console 管理　一子 元の番号に戻す");
    // Twice: it isn't there any more.
    let late = clerk.get(&path).await;
    assert!(
        late.text.contains("もう一度変わった項目") && !late.text.contains("name=\"why\""),
        "{}",
        late.text
    );
    let again = clerk.post(&path, &[("revision", "4"), ("why", "もう一度")]).await;
    assert_eq!(again.status, 409, "{}", again.text);
    save(&clerk, BRANDING, &[("brand_color", "#00a0e9")]).await;
    let path = format!("{REVISIONS}/3/take-back");
    let late = clerk.post(&path, &[("revision", "5"), ("why", "色を戻す")]).await;
    assert_eq!(late.status, 409);
    for value in ["#1b6e3c", "#f39800", "#00a0e9"] {
        assert!(late.text.contains(value), "{value}: {}", late.text);
    }
    assert_eq!(seen(&app).await.brand.color.to_string(), "#00a0e9");
    // What a folder brought is the operator's to take back.
    let first = clerk
        .post(
            &format!("{REVISIONS}/1/take-back"),
            &[("revision", "5"), ("why", "戻す")],
        )
        .await;
    assert_eq!(first.status, 409);
    assert_eq!(clerk.get(&format!("{REVISIONS}/99")).await.status, 404);
}

#[tokio::test]
async fn the_history_is_read_page_by_page() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let more = "INSERT INTO insurer_revisions
        SELECT tenant_id, revision + n, settings, content_hash, applied_at, applied_by, note, channel, why
        FROM insurer_revisions, generate_series(1, 60) n";
    sql(app.tenant(), more).await;
    let first = clerk.get(REVISIONS).await.text;
    assert!(
        first.contains("/revisions/61\"") && first.contains("?before=12\"") && !first.contains("/revisions/11\""),
        "{first}"
    );
    let second = clerk.get(&format!("{REVISIONS}?before=12")).await.text;
    assert!(
        second.contains("/revisions/11\"") && second.contains("/revisions/1\"") && !second.contains("before="),
        "{second}"
    );
}

#[tokio::test]
async fn of_a_taking_back_and_a_saving_at_the_same_time_the_later_is_told_and_shown_both() {
    let app = TestApp::start().await;
    let (first, second) = (administrator(&app).await, administrator(&app).await);
    save(&first, DESK, &[("phone", "03-1111-1111")]).await;
    let path = format!("{REVISIONS}/2/take-back");
    let back = filled(&first.get(&path).await, &[("why", "元の番号に戻す")]);
    let saved = filled(
        &second.get(DESK).await,
        &[("phone", "03-2222-2222"), ("why", "新しい番号")],
    );
    let (back, saved) = tokio::join!(send(&first, &path, &back), send(&second, DESK, &saved));
    let phone = seen(&app).await.desk.phone;
    let (late, stands) = match (back.status.as_u16(), saved.status.as_u16()) {
        (303, 409) => (saved, "050-2030-4706"),
        (409, 303) => (back, "03-2222-2222"),
        statuses => panic!("{statuses:?}"),
    };
    assert_eq!(phone, stands);
    for both in [stands, "03-1111-1111"] {
        assert!(late.text.contains(both), "{both}: {}", late.text);
    }
    assert_eq!(revisions(&app).await.len(), 3);
    // Taken back after the other has saved: nothing of theirs is lost.
    let again = first.post(&path, &[("revision", "3"), ("why", "もう一度")]).await;
    assert_eq!(again.status, 409, "{}", again.text);
    assert_eq!(seen(&app).await.desk.phone, stands);
}
