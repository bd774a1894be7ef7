//! ジェネリック差額明細: the window of six months, and a month medicine by medicine.

use super::{MEDICINES, Program, id};
use crate::{
    api::problem,
    statements::{
        DRUGS, Kind, Wish,
        at_home::{AtHome, NUMBER, SYMBOL},
        loaded, medicines, wish,
    },
};
use serde_json::json;
use testkit::{execute, owner_url};

/// Two a day of the brand for thirty days, at three tenths: 1,800 yen, of which 1,080 could be saved.
pub(super) const BRAND: &str = "西町薬局,内服,999000001,2,30,3";
/// 280 of a generic, which with 60 of the brand are 82.4 %.
const GENERIC: &str = "西町薬局,内服,999000011,10,28,3";

/// A medicine of one of the family, by branch and claim, with its cells from 薬局等名称 to 負担割合.
pub(super) fn row(branch: &str, claim: &str, month: &str, cells: &str) -> String {
    format!("2026-09,{claim},{SYMBOL},{NUMBER},{branch},,{month},{cells},")
}

async fn shown(rows: &[String]) -> AtHome {
    let home = AtHome::new().await;
    show(&home, rows).await;
    home
}

/// Loads and publishes.
pub(super) async fn show(home: &AtHome, rows: &[String]) {
    execute(&owner_url(), DRUGS).await.unwrap();
    let allowing = Wish {
        allow_deviation: true,
        allow_unmatched: true,
        ..wish(Kind::Medicines)
    };
    loaded(home.desk.import_as(&medicines(rows), allowing).await);
    home.desk.publish(Kind::Medicines, "2026-09").await;
}

#[tokio::test]
async fn the_window_tells_the_share_of_generics_and_what_could_be_saved_of_each_and_of_all() {
    let home = shown(&[
        row("00", "m1", "2026-07", BRAND),
        row("01", "m2", "2026-06", GENERIC),
        // Older than the window.
        row("00", "m3", "2026-01", BRAND),
    ])
    .await;
    let program = Program::at(&home).await;
    let window = program.told(MEDICINES).await;
    assert_eq!(window["people"].as_array().unwrap().len(), 3);
    assert_eq!(window["generic_per_mille"], 824);
    assert_eq!(
        window["saving"],
        json!({"month": "2026-07", "yen": 1_080, "basis": "most"})
    );
    assert_eq!(
        window["months"],
        json!([
            {"month": "2026-07", "generic_per_mille": 0, "saving_yen": 1_080},
            {"month": "2026-06", "generic_per_mille": 1_000, "saving_yen": 0},
            {"month": "2026-05"},
            {"month": "2026-04"},
            {"month": "2026-03"},
            {"month": "2026-02"},
        ])
    );
    let hers = program
        .told(&format!("{MEDICINES}?person_id={}", id(&home, "01").await))
        .await;
    assert_eq!(hers["generic_per_mille"], 1_000);
    assert!(hers.get("saving").is_none());
    let childs = program
        .told(&format!("{MEDICINES}?person_id={}", id(&home, "02").await))
        .await;
    assert!(childs.get("generic_per_mille").is_none());
    assert!(
        childs["months"]
            .as_array()
            .unwrap()
            .iter()
            .all(|month| month.get("saving_yen").is_none())
    );
}

#[tokio::test]
async fn a_month_tells_each_medicine_with_what_could_be_taken_instead_and_what_is_paid_extra() {
    let mut rows = vec![
        row("00", "m1", "2026-07", BRAND),
        row("00", "m2", "2026-07", "西町薬局,内服,999000002,2,30,3"),
        row("01", "m3", "2026-07", ",屯服,999000011,0.5,7,3"),
        row("01", "m4", "2026-05", "西町薬局,内服,999999999,1,30,3"),
    ];
    // One of a hundred may be unknown.
    rows.extend((0..99).map(|nth| row("02", &format!("o{nth}"), "2026-06", GENERIC)));
    let home = shown(&rows).await;
    let [father, mother] = [id(&home, "00").await, id(&home, "01").await].map(|id| id.to_string());
    let program = Program::at(&home).await;
    let month = program.told(&format!("{MEDICINES}/2026-07")).await;
    let brand = json!({
        "person_id": father, "drug": "999000001", "name": "アサガオ錠5mg", "pharmacy": "西町薬局", "form": "oral",
        "daily_milli": 2_000, "unit": "錠", "count": 30, "share_tenths": 3, "share_yen": 1_800, "charge_yen": 0,
        "candidates": [
            {"name": "アサガオ錠5mg「みほん」", "saving_yen": 1_080},
            {"name": "アサガオ錠5mg「れいだい」", "saving_yen": 1_080},
            {"name": "アサガオ5mg錠（各社の製品）", "saving_yen": 540},
        ],
    });
    assert_eq!(month["rows"][0], brand);
    assert_eq!(
        (&month["rows"][1]["share_yen"], &month["rows"][1]["charge_yen"]),
        (&json!(1_530), &json!(990))
    );
    let hers = json!({
        "person_id": mother, "drug": "999000011", "name": "アサガオ錠5mg「みほん」", "form": "as_needed", "daily_milli": 500,
        "unit": "錠", "count": 7, "share_tenths": 3, "share_yen": 42, "charge_yen": 0, "candidates": [],
    });
    assert_eq!(month["rows"][2], hers);
    let unknown = program.told(&format!("{MEDICINES}/2026-05")).await["rows"][0].clone();
    assert_eq!(unknown["name"], "名称を確認できないお薬");
    assert!(unknown.get("unit").is_none() && unknown.get("share_yen").is_none());
}

#[tokio::test]
async fn before_anything_is_published_there_is_no_month_and_what_is_no_month_does_not_exist() {
    let home = AtHome::new().await;
    let program = Program::at(&home).await;
    let window = program.told(MEDICINES).await;
    assert_eq!(
        (&window["months"], &window["changed"]["corrected"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(program.told(&format!("{MEDICINES}/2026-07")).await["rows"], json!([]));
    for path in ["/2026-7", "/2026-12", "/2024-10", "/x", "?person_id=x", "?person_id="] {
        problem(&program.get(&format!("{MEDICINES}{path}")).await, 404, "not_found");
    }
}
