//! What was corrected or taken back since it was seen: told once, to whoever saw it.

use super::{COSTS, Family, people, visit};
use crate::{
    portal::says,
    statements::{Kind, taken_back},
};
use reqwest::Method;

const SINCE: &str = "前回ご覧になったあとに";

async fn seen_and_changed() -> Family {
    let family = Family::new().await;
    let rows = [
        visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
        visit("2026-08", "c2", "1-00", "2026-06", "西町医院", 5_000),
        visit("2026-08", "c3", "1-01", "2025-12", "南町医院", 5_000),
    ];
    family.desk.show(&rows).await;
    let first = family.page(COSTS).await;
    assert!(!first.text.contains(SINCE), "{}", first.text);
    family.app.later(60);
    let news = [
        visit("2026-09", "c1", "1-00", "2026-06", "東町クリニック", 8_000),
        taken_back("2026-09", "c2", 1, "2026-06"),
        visit("2026-09", "c4", "1-00", "2026-07", "北町医院", 1_000),
    ];
    family.desk.show(&news).await;
    family
}

#[tokio::test]
async fn what_was_corrected_and_taken_back_is_told_once_above_the_rows_and_tagged_for_good() {
    let family = seen_and_changed().await;
    let page = family.page(COSTS).await;
    super::tells(
        &page,
        &[
            "前回ご覧になったあとに、1件が訂正され、1件が取り下げられました。",
            "診療月ごとの明細",
            "8,000円",
        ],
    );
    assert_eq!(page.text.matches(">訂正<").count(), 1, "{}", page.text);
    let again = family.page(COSTS).await;
    assert!(!again.text.contains(SINCE));
    assert_eq!(again.text.matches(">訂正<").count(), 1);
    // Whatever year or person the page was of.
    family.app.later(60);
    family
        .desk
        .show(&[taken_back("2026-10", "c3", 1, "2025-12").replacen(",00,,", ",01,,", 1)])
        .await;
    let of = format!("{COSTS}?year=2026&person={}", family.ids["1-00"]);
    says(
        &family.page(&of).await,
        200,
        "前回ご覧になったあとに、1件が取り下げられました。",
    );
    assert!(!family.page(&format!("{COSTS}?year=2025")).await.text.contains(SINCE));
}

// security.md 43
#[tokio::test]
async fn a_page_that_nobody_reads_marks_nothing_as_seen() {
    let family = seen_and_changed().await;
    let head = family.father.request(Method::HEAD, COSTS);
    assert_eq!(family.father.send(head).await.status, 200);
    for (name, value) in [
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ] {
        let ahead = family.father.request(Method::GET, COSTS).header(name, value);
        says(&family.father.send(ahead).await, 200, SINCE);
    }
    family.page("/portal/costs/2026-06").await;
    says(&family.page(COSTS).await, 200, SINCE);
    assert!(!family.page(COSTS).await.text.contains(SINCE));
}

#[tokio::test]
async fn who_never_looked_is_told_of_nothing_and_nor_is_who_had_no_such_row() {
    let family = seen_and_changed().await;
    let other = family.other(&people()[3]).await;
    for _ in 0..2 {
        let page = other.get(COSTS).await;
        says(&page, 200, "まだデータがありません");
        assert!(!page.text.contains(SINCE));
    }
}

#[tokio::test]
async fn a_delivery_that_is_taken_back_as_a_whole_is_told_where_no_row_is_left() {
    let family = Family::new().await;
    family
        .desk
        .show(&[visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000)])
        .await;
    family.page(COSTS).await;
    family.app.later(60);
    family.desk.withdraw(Kind::Costs, "2026-08").await;
    let page = family.page(COSTS).await;
    super::tells(
        &page,
        &[
            "前回ご覧になったあとに、1件が取り下げられました。",
            "まだデータがありません",
        ],
    );
    assert!(!family.page(COSTS).await.text.contains(SINCE));
}
