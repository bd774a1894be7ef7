//! What the page costs: statements and bytes, however much there is to show.

use super::{COSTS, Family, visit};
use crate::portal::says;
use reqwest::Method;
use std::time::Duration;

/// So many visits of the family in each of these months.
fn visits(label: &str, months: &[&str], each: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for month in months {
        for nth in 0..each {
            let who = ["1-00", "1-01", "1-02"][nth % 3];
            let at = format!("東町第{nth}クリニック{month}");
            let total = 1_000 + i64::try_from(nth).unwrap() * 370;
            rows.push(visit(label, &format!("{month}-{nth}"), who, month, &at, total));
        }
    }
    rows
}

impl Family {
    /// Waits until the father's session is noted as used: no page waits for that.
    async fn until_noted(&self) {
        let noted = format!("last_seen_at = '{}'", self.app.clock().now());
        for _ in 0..300 {
            if self.desk.test.count("sessions", &noted).await > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it is never noted");
    }
}

/// Bytes of a page as browsers get it.
async fn bytes(family: &Family, path: &str) -> usize {
    let request = family.father.request(Method::GET, path).header("Accept-Encoding", "br");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "br");
    response.bytes().await.unwrap().len()
}

const MONTHS: [&str; 6] = ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"];

#[tokio::test]
async fn a_year_of_a_hundred_and_twenty_rows_is_on_one_page_of_fifteen_kilobytes() {
    let family = Family::new().await;
    family.desk.show(&visits("2026-08", &MONTHS, 20)).await;
    let page = family.page(COSTS).await;
    assert_eq!(page.text.matches("身に覚えがない</a>").count(), 120);
    assert!(!page.text.contains("月ごとのページで"));
    let bytes = bytes(&family, COSTS).await;
    assert!(bytes <= 15 * 1024, "{bytes}");
}

#[tokio::test]
async fn of_a_longer_year_the_newest_months_are_shown_and_the_others_are_linked() {
    let family = Family::new().await;
    family.desk.show(&visits("2026-08", &MONTHS, 25)).await;
    let page = family.page(COSTS).await;
    assert_eq!(page.text.matches("身に覚えがない</a>").count(), 100);
    super::tells(
        &page,
        &[
            // The sum and the bars are of the whole year.
            "2026年の窓口負担は、あなたとご家族で",
            r#"<a href="/portal/costs/2026-01">1月</a>"#,
            "2026年6月診療分",
            "2026年3月診療分",
            "月ごとのページでご覧ください",
            r#"<a href="/portal/costs/2026-02">2026年2月診療分</a>"#,
            r#"<a href="/portal/costs/2026-01">2026年1月診療分</a>"#,
        ],
    );
    super::tells_nothing_of(&page, &["クリニック2026-02"]);
    says(&family.page("/portal/costs/2026-02").await, 200, "クリニック2026-02");
}

#[tokio::test]
async fn the_page_takes_nine_statements_at_most_however_many_rows_there_are() {
    let family = Family::new().await;
    family.desk.show(&visits("2026-08", &MONTHS, 20)).await;
    family.app.warm().await;
    family.page("/portal/mypage").await;
    let first = family.statements(COSTS).await;
    assert!(first <= 9, "{first}");
    for (label, total) in [("2026-09", 1_000), ("2026-10", 2_000)] {
        family.app.later(60);
        let again = visit(label, "2026-06-0", "1-00", "2026-06", "東町クリニック", total);
        family.desk.show(&[again]).await;
        // The session is noted as used, beside it, and the insurer read anew, by whichever page comes first.
        family.page("/portal/mypage").await;
        family.until_noted().await;
        let corrected = family.statements(COSTS).await;
        assert!(corrected <= 9, "{corrected}");
    }
    for path in [COSTS, "/portal/costs?year=2026", "/portal/costs/2026-06"] {
        let statements = family.statements(path).await;
        assert!((1..=9).contains(&statements), "{path}: {statements}");
    }
}
