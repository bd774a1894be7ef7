//! A year, a month and a tax year of 医療費通知.

use super::{COSTS, Program, id};
use crate::{
    api::{flaws, problem},
    statements::at_home::{AtHome, NUMBER, SYMBOL, paid, row},
};
use serde_json::{Value, json};
use tenancy::{Feature, FeatureState, Features, OfficialNotice};
use testkit::TestPerson;

fn yen(total: i64, insurer: i64, copay: i64, meal: i64, benefit: i64) -> Value {
    json!({"total": total, "insurer": insurer, "public": 0, "copay": copay, "meal": meal, "benefit": benefit})
}

#[tokio::test]
async fn a_year_is_told_with_its_sum_its_months_and_its_rows() {
    let home = AtHome::paid().await;
    let [father, mother, child] = [id(&home, "00").await, id(&home, "01").await, id(&home, "02").await];
    let program = Program::at(&home).await;
    let year = program.told(COSTS).await;
    assert_eq!(
        (&year["years"], &year["year"], &year["arrived_until"]),
        (&json!([2026]), &json!(2026), &json!("2026-08"))
    );
    let person = |id: kernel::PersonId, name: &str, is_self: bool| json!({"person_id": id.to_string(), "name": name, "is_self": is_self, "is_listed": true});
    assert_eq!(
        year["people"],
        json!([
            person(father, "北村 一郎", true),
            person(mother, "北村 花子", false),
            person(child, "北村 次郎", false)
        ])
    );
    // What the page says in its sentence.
    assert_eq!(year["yen"], yen(218_667, 153_067, 65_600, 4_900, 20_000));
    assert!(home.father.get("/portal/costs").await.text.contains("65,600円"));
    assert_eq!(
        year["months"],
        json!([
            {"month": "2026-08", "yen": yen(2_667, 1_867, 800, 0, 0)},
            {"month": "2026-07", "yen": yen(14_000, 9_800, 4_200, 0, 0)},
            {"month": "2026-06", "yen": yen(202_000, 141_400, 60_600, 4_900, 20_000)},
        ])
    );
    let rows = year["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    // The file names no institution of it.
    let judo = json!({
        "month": "2026-08", "processed_in": "2026-10", "person_id": child.to_string(), "category": "judo", "days": 3,
        "yen": yen(2_667, 1_867, 800, 0, 0), "is_correction": false, "is_late": false,
    });
    assert_eq!(rows[0], judo);
    let hospital = json!({
        "month": "2026-06", "processed_in": "2026-10", "person_id": mother.to_string(), "category": "medical_in", "days": 9,
        "institution": "中央病院", "yen": yen(192_000, 134_400, 57_600, 4_900, 20_000),
        "is_correction": false, "is_late": true,
    });
    assert_eq!(rows[4], hospital);
    let hers = program.told(&format!("{COSTS}?year=2026&person_id={mother}")).await;
    assert_eq!(hers["rows"], json!([hospital]));
    assert_eq!(
        (&hers["yen"], &hers["people"]),
        (&yen(192_000, 134_400, 57_600, 4_900, 20_000), &year["people"])
    );
}

#[tokio::test]
async fn a_month_is_told_by_itself() {
    let home = AtHome::paid().await;
    let program = Program::at(&home).await;
    let month = program.told(&format!("{COSTS}/2026-07")).await;
    assert_eq!(
        (&month["month"], &month["yen"]),
        (&json!("2026-07"), &yen(14_000, 9_800, 4_200, 0, 0))
    );
    let institutions: Vec<&Value> = month["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["institution"])
        .collect();
    assert_eq!(institutions, ["東町クリニック", "西町薬局"]);
    // Kept, and nothing came of it: no ¥0.
    let none = program.told(&format!("{COSTS}/2026-09")).await;
    assert_eq!(none["rows"], json!([]));
    assert!(none.get("yen").is_none());
}

#[tokio::test]
async fn a_tax_year_is_summed_as_on_its_page_and_without_any_number() {
    let home = AtHome::with(|folder| folder.settings.statements.official_notice = OfficialNotice::Paper).await;
    home.desk.show(&paid()).await;
    let child = id(&home, "02").await;
    let program = Program::at(&home).await;
    let answer = program.get(&format!("{COSTS}/tax/2026")).await;
    let year = answer.json();
    assert_eq!(
        year["sums"],
        json!({"with_institution": 69_700, "without_institution": 800, "benefit": 20_000})
    );
    assert_eq!(year["groups"].as_array().unwrap().len(), 4);
    let childs = json!({"person_id": child.to_string(), "purpose": "treatment", "paid": 800, "benefit": 0});
    assert_eq!(year["groups"][3], childs);
    assert_eq!(year["missing"], json!(["2026-09", "2026-10", "2026-11", "2026-12"]));
    assert_eq!(year["official_notice"], "paper");
    assert!(year.get("kept_from").is_none());
    for number in [SYMBOL, NUMBER, home.app.insurer.code.as_str()] {
        assert!(!answer.text.contains(number), "{number}: {}", answer.text);
    }
}

#[tokio::test]
async fn of_the_year_in_which_keeping_begins_it_is_said_from_when_on() {
    let home = AtHome::new().await;
    home.desk
        .show(&[row(
            ("00", "F1"),
            "2024-12,医科外来,1,東町クリニック,1000,700,0,300,0,0",
        )])
        .await;
    let program = Program::at(&home).await;
    let year = program.told(&format!("{COSTS}/tax/2024")).await;
    assert_eq!(year["kept_from"], "2024-11");
    assert_eq!(year["sums"]["with_institution"], 300);
}

#[tokio::test]
async fn lines_that_correct_each_other_without_a_number_are_one_or_none() {
    let home = AtHome::new().await;
    let of = |institution: &str, total: i64| {
        let cells = format!("2026-06,医科外来,1,{institution},{total},{total},0,0,0,0");
        row(("00", ""), &cells)
    };
    home.desk
        .show(&[
            of("東町クリニック", 1_500),
            of("東町クリニック", -1_500),
            of("東町クリニック", 1_200),
            of("西町医院", 900),
            of("西町医院", -900),
        ])
        .await;
    let year = Program::at(&home).await.told(COSTS).await;
    let rows = year["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["yen"], &rows[0]["is_correction"]),
        (&yen(1_200, 1_200, 0, 0, 0), &json!(true))
    );
}

#[tokio::test]
async fn who_may_see_no_row_is_told_no_nought_and_before_anything_is_published_no_year() {
    let home = AtHome::new().await;
    let program = Program::at(&home).await;
    let nothing = program.told(COSTS).await;
    assert_eq!((&nothing["years"], &nothing["rows"]), (&json!([]), &json!([])));
    assert_eq!(nothing["people"].as_array().unwrap().len(), 3);
    for absent in ["year", "yen", "arrived_until"] {
        assert!(nothing.get(absent).is_none(), "{absent}");
    }
    let others = [super::super::at_home::family(), vec![TestPerson::new(1)]].concat();
    home.app.insurer.import(&others).await;
    home.desk
        .show(&[crate::statements::cost("2026-10", "X1", 1, "2026-06", 1_000)])
        .await;
    let year = program.told(COSTS).await;
    assert_eq!(
        (&year["year"], &year["rows"], &year["months"]),
        (&json!(2026), &json!([]), &json!([]))
    );
    assert!(year.get("yen").is_none());
    let tax = program.told(&format!("{COSTS}/tax/2026")).await;
    assert!(tax.get("sums").is_none());
}

#[tokio::test]
async fn what_is_not_published_not_kept_not_listed_or_not_written_so_does_not_exist() {
    let home = AtHome::paid().await;
    let program = Program::at(&home).await;
    let nobody = uuid::Uuid::nil();
    for path in [
        format!("{COSTS}?year=2025"),
        format!("{COSTS}?year=9999"),
        format!("{COSTS}?person_id={nobody}"),
        format!("{COSTS}?person_id="),
        format!("{COSTS}?person_id=x"),
        format!("{COSTS}/2026-13"),
        format!("{COSTS}/2026-6"),
        format!("{COSTS}/202606"),
        format!("{COSTS}/R8.6"),
        format!("{COSTS}/2024-10"),
        format!("{COSTS}/2026-12"),
        format!("{COSTS}/%00"),
        format!("{COSTS}/tax"),
        format!("{COSTS}/tax/2025"),
        format!("{COSTS}/tax/02026"),
        format!("{COSTS}/tax/+2026"),
        format!("{COSTS}/tax/99999999999"),
    ] {
        problem(&program.get(&path).await, 404, "not_found");
    }
    for (query, code) in [
        ("year=", "type"),
        ("year=x", "type"),
        ("year=02026", "type"),
        ("year=0", "out_of_range"),
        ("year=10000", "out_of_range"),
        ("year=2026&year=2026", "repeated"),
    ] {
        let body = problem(&program.get(&format!("{COSTS}?{query}")).await, 422, "fields");
        assert_eq!(flaws(&body), [("/year".to_owned(), code.to_owned())], "{query}");
    }
}

#[tokio::test]
async fn what_the_insurer_has_not_opened_does_not_exist() {
    for state in [FeatureState::Hidden, FeatureState::Preparing] {
        let home = AtHome::with(|folder| {
            let features = [(Feature::CostStatements, state), (Feature::GenericSavings, state)];
            folder.settings.modules = Features::from_iter(features);
        })
        .await;
        home.desk.show(&paid()).await;
        let program = Program::at(&home).await;
        for path in [
            COSTS,
            "/me/cost-statements/2026-06",
            "/me/cost-statements/tax/2026",
            super::MEDICINES,
            "/me/medicines/2026-06",
        ] {
            problem(&program.get(path).await, 404, "not_found");
        }
    }
}
