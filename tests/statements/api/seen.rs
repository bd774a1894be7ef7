//! Reading by a program is reading: what is news on the pages is none any more, and what has changed is told once.

use super::{COSTS, MEDICINES, Program};
use crate::{
    api::problem,
    statements::{
        Kind,
        at_home::{AtHome, family, row},
        taken_back,
    },
};
use reqwest::Method;
use serde_json::json;

const NEW: &str = "<span class=\"tag\">新着</span>";

// security.md 43
#[tokio::test]
async fn what_a_program_has_read_is_no_news_to_the_member_but_a_head_reads_nothing() {
    let home = AtHome::paid().await;
    let program = Program::at(&home).await;
    let is_news = async || home.father.get("/portal/mypage").await.text.contains(NEW);
    program.told(&format!("{COSTS}/2026-06")).await;
    program.told(&format!("{COSTS}/tax/2026")).await;
    assert_eq!(program.head(COSTS).await.status, 200);
    assert!(is_news().await);
    program.told(COSTS).await;
    assert!(!is_news().await);
}

#[tokio::test]
async fn what_became_of_rows_since_is_told_once() {
    let home = AtHome::paid().await;
    let program = Program::at(&home).await;
    let changed = async || program.told(COSTS).await["changed"].clone();
    let none = json!({"corrected": 0, "withdrawn": 0});
    assert_eq!(changed().await, none);
    home.app.later(60);
    let news = [
        row(("00", "F1"), "2026-06,医科外来,2,東町クリニック,20000,14000,0,6000,0,0").replacen("2026-10", "2026-11", 1),
        taken_back("2026-11", "C1", 1, "2026-08").replacen("100,1,00", "77123,4455667,02", 1),
    ];
    home.desk.show(&news).await;
    // Whose page is refused has seen nothing.
    problem(&program.get(&format!("{COSTS}?person_id=x")).await, 404, "not_found");
    assert_eq!(changed().await, json!({"corrected": 1, "withdrawn": 1}));
    assert_eq!(changed().await, none);
    let year = program.told(COSTS).await;
    let corrected = year["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["is_correction"] == true);
    assert_eq!(corrected.count(), 1);
}

// security.md 41
#[tokio::test]
async fn a_former_member_reads_their_statements_and_chooses_nothing_any_more() {
    let home = AtHome::paid().await;
    let mut people = family();
    for person in &mut people {
        person.lost_on = "2026-11-21".into();
    }
    home.app.insurer.import(&people).await;
    let program = Program::at(&home).await;
    for path in [
        COSTS,
        "/me/cost-statements/2026-06",
        "/me/cost-statements/tax/2026",
        MEDICINES,
        "/me/medicines/2026-06",
    ] {
        program.told(path).await;
    }
    assert_eq!(program.told(COSTS).await["yen"]["copay"], 65_600);
    let disclosure = "/me/disclosures/costs";
    problem(&program.get(disclosure).await, 403, "coverage_ended");
    let body = Some(json!({"audience": "suppressed"}));
    let put = program.client.call(Method::PUT, disclosure, Some(&program.token), body);
    problem(&put.await, 403, "coverage_ended");
}

#[tokio::test]
async fn what_is_taken_back_is_gone_with_the_next_request() {
    let home = AtHome::paid().await;
    let program = Program::at(&home).await;
    assert_eq!(program.told(COSTS).await["rows"].as_array().unwrap().len(), 5);
    home.desk.withdraw(Kind::Costs, "2026-10").await;
    let year = program.told(COSTS).await;
    assert_eq!((&year["years"], &year["rows"]), (&json!([]), &json!([])));
}
