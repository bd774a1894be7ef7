//! 最近の医療費 on the my page: the newest month that the pages show, with their sum.

use super::{COSTS, Family, amounts, people, visit};
use crate::{portal::says, statements::Kind};
use reqwest::Method;
use serde_json::{Value, json};
use statements::visibility::Audience;
use testkit::PASSWORD;

const MY_PAGE: &str = "/portal/mypage";
const NONE: &str = "<h3>最近の医療費</h3>\n<p>まだデータがありません。</p>";

async fn card(family: &Family) -> String {
    let page = family.page(MY_PAGE).await.text;
    let (_, card) = page.split_once("<h3>最近の医療費</h3>").unwrap();
    let (_, card) = card.split_once("<p>").unwrap();
    card.split_once("</p>").unwrap().0.to_owned()
}

#[tokio::test]
async fn the_card_shows_the_newest_month_of_the_family_and_that_it_is_new_until_it_was_looked_at() {
    let family = Family::new().await;
    says(&family.page(MY_PAGE).await, 200, NONE);
    family
        .desk
        .show(&[
            visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
            visit("2026-08", "c2", "1-02", "2026-06", "西町小児科", 800),
            visit("2026-08", "c3", "1-01", "2026-05", "南町医院", 90_000),
            // Somebody else's.
            visit("2026-08", "c4", "2-00", "2026-07", "別の病院", 70_000),
        ])
        .await;
    let june = "2026年6月 3,240円（窓口負担）";
    let new = format!("{june} <span class=\"tag\">新着</span>");
    assert_eq!(card(&family).await, new);
    // Looking at the my page is no look at the statement.
    assert_eq!(card(&family).await, new);
    family.page(COSTS).await;
    assert_eq!(card(&family).await, june);
    family.app.later(60);
    family
        .desk
        .show(&[visit("2026-09", "c5", "1-01", "2026-07", "南町医院", 1_000)])
        .await;
    assert_eq!(
        card(&family).await,
        "2026年7月 300円（窓口負担） <span class=\"tag\">新着</span>"
    );
    family.desk.withdraw(Kind::Costs, "2026-09").await;
    assert_eq!(card(&family).await, june);
}

#[tokio::test]
async fn what_is_taken_back_without_a_number_is_no_month_and_what_cost_nothing_is() {
    let family = Family::new().await;
    let dentist = "歯科外来,1,歯科";
    family
        .desk
        .show(&[
            amounts("2026-08", "", "1-00", "2026-06", dentist, (1_500, 450)),
            amounts("2026-08", "", "1-00", "2026-06", dentist, (-1_500, -450)),
            amounts("2026-08", "", "1-00", "2026-05", dentist, (1_500, 450)),
            amounts("2026-08", "", "1-00", "2026-05", dentist, (-1_500, -450)),
            amounts("2026-08", "", "1-00", "2026-05", dentist, (1_200, 360)),
        ])
        .await;
    assert!(card(&family).await.starts_with("2026年5月 360円（窓口負担）"));
    family
        .desk
        .show(&[amounts(
            "2026-09",
            "z1",
            "1-02",
            "2026-07",
            "医科外来,1,小児科",
            (5_000, 0),
        )])
        .await;
    assert!(card(&family).await.starts_with("2026年7月 0円（窓口負担）"));
}

#[tokio::test]
async fn the_card_goes_back_over_the_years_to_the_newest_month_that_is_seen() {
    let family = Family::new().await;
    family
        .desk
        .show(&[
            visit("2026-08", "c1", "1-00", "2024-12", "東町クリニック", 10_000),
            visit("2026-08", "c2", "1-01", "2025-02", "西町医院", 20_000),
            visit("2026-08", "c3", "1-01", "2026-06", "南町医院", 30_000),
            visit("2026-08", "c4", "1-02", "2025-02", "西町小児科", 1_000),
        ])
        .await;
    assert!(card(&family).await.starts_with("2026年6月 9,000円"));
    family.ask("1-01", Audience::SelfOnly).await;
    assert!(card(&family).await.starts_with("2025年2月 300円"));
    family.protect("1-02").await;
    assert!(card(&family).await.starts_with("2024年12月 3,000円"));
}

// security.md 74
#[tokio::test]
async fn the_card_shows_nobodys_row_that_may_not_be_seen() {
    let family = Family::new().await;
    family
        .desk
        .show(&[
            visit("2026-08", "c1", "1-01", "2026-06", "西町医院", 20_000),
            visit("2026-08", "c2", "1-02", "2026-05", "西町小児科", 1_000),
            visit("2026-08", "c3", "1-00", "2026-04", "東町クリニック", 2_000),
        ])
        .await;
    assert!(card(&family).await.starts_with("2026年6月 6,000円"));
    family.ask("1-01", Audience::SelfOnly).await;
    assert!(card(&family).await.starts_with("2026年5月 300円"));
    family.protect("1-02").await;
    assert!(card(&family).await.starts_with("2026年4月 600円"));
    family.ask("1-00", Audience::Suppressed).await;
    says(&family.page(MY_PAGE).await, 200, NONE);
}

#[tokio::test]
async fn an_insurer_that_only_prepares_it_is_asked_nothing() {
    use tenancy::{Feature, FeatureState, Features};
    let family = Family::of(
        |folder| {
            let features = [(Feature::CostStatements, FeatureState::Preparing)];
            folder.settings.modules = Features::from_iter(features);
        },
        &people(),
    )
    .await;
    family
        .desk
        .show(&[visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000)])
        .await;
    says(&family.page(MY_PAGE).await, 200, NONE);
}

#[tokio::test]
async fn programs_are_told_the_month_and_the_sum_and_no_more() {
    let family = Family::new().await;
    let who = family.app.sign_up_as(&people()[3]).await;
    let client = family.app.inside(&who).await;
    let body = json!({ "user_id": who.user_id, "password": PASSWORD });
    let opened = client.call(Method::POST, "/sessions", None, Some(body)).await.json();
    let token = opened["token"].as_str().unwrap();
    let told = async || {
        let overview = client.call(Method::GET, "/me/dashboard", Some(token), None).await;
        overview.json()["recent_cost"].clone()
    };
    assert_eq!(told().await, Value::Null);
    family
        .desk
        .show(&[visit("2026-08", "c1", "2-00", "2026-06", "東町クリニック", 10_000)])
        .await;
    assert_eq!(told().await, json!({ "year": 2026, "month": 6, "yen": 3000 }));
}
