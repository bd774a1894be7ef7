//! What waits is said on the pages of what it is about, whoever opens them.

use super::{agree, app, clerks, give, told, wish};
use crate::portal::says;
use access::Role;
use tenancy::ApprovalAction;

#[tokio::test]
async fn a_colleagues_pages_tell_of_what_waits_about_them() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let third = app.clerk(&[Role::Viewer]).await;
    assert_eq!(give(&boss, &third, &["viewer", "administrator"]).await.status, 303);
    let first = wish(&app).await;
    let page = format!("/console/staff/{}", third.staff_id);
    let [roles, factor] = ["roles", "factor"].map(|way| format!("{page}/{way}"));
    told(&[&boss, &other], &[&page, &roles, &factor], &first).await;
    assert_eq!(agree(&other, &first).await.status, 303);
    assert!(!boss.get(&page).await.text.contains("承認を待っています"));
    assert_eq!(boss.post(&factor, &[]).await.status, 303);
    let second = wish(&app).await;
    told(&[&boss, &other], &[&page, &factor], &second).await;
}

#[tokio::test]
async fn a_draft_of_terms_tells_of_its_publication_that_waits() {
    let app = app(&[ApprovalAction::Terms]).await;
    let [asker, other] = clerks(&app, &[Role::Administrator]).await;
    let [draft, publish] = ["draft", "publish"].map(|page| format!("/console/terms/addendum/2/{page}"));
    let typed = [
        ("version", ""),
        ("title", "個人情報の取り扱いについて"),
        ("effective_on", "2027-04-01"),
        ("changes", "保存の期間を改めました。"),
        ("again", "yes"),
        ("body", "## 第1条\n\n保存は5年とします。"),
    ];
    assert_eq!(asker.post(&draft, &typed).await.status, 303);
    let form = asker.hidden(&publish).await.with("why", "法の改正");
    let asked = asker.send_form(&publish, &form).await;
    assert_eq!(
        (asked.status.as_u16(), asked.location()),
        (303, "/console/terms"),
        "{}",
        asked.text
    );
    let wish = wish(&app).await;
    told(&[&asker, &other], &["/console/terms", &draft, &publish], &wish).await;
    // Whoever agrees sees what changes in the text, line by line.
    says(&other.get(&wish).await, 200, "<table class=\"compare\">");
}
