//! Rows of medicines are reckoned by the master that was in force: as they are loaded, and when they are found after they waited.

use super::{Desk, checked, loaded, medicine, medicines, month, refused, wish};
use statements::{Kind, drugs, import::Imported, reasons::ImportRefused};
use tenancy::{GenericSettings, MedicineClasses, SavingBasis};
use testkit::TestPerson;

const RECKONED: &str =
    "SELECT concat_ws(' ', drug, '[' || class || ']', saving_yen, charge_yen) AS line FROM medicine_rows ORDER BY line";

fn rows(codes: &[u32]) -> Vec<String> {
    codes
        .iter()
        .map(|code| medicine("2026-08", "A", 1, "2026-06", *code))
        .collect()
}

async fn with(generics: GenericSettings) -> Desk {
    Desk::with(move |folder| folder.settings.statements.generics = generics).await
}

#[tokio::test]
async fn a_row_has_class_saving_and_charge_of_its_months_master() {
    let desk = Desk::new().await;
    let mut file = rows(&[999_000_001, 999_000_002, 999_000_011, 999_000_015, 620_000_001]);
    file.push("2026-08,B,100,1,00,,2026-06,,,,,,,1".into());
    loaded(desk.medicines(&file).await);
    // Two a day for thirty days, at three tenths.
    let mut expected = vec![
        "999000001 [2] 1080 0",
        "999000002 [2] 810 990",
        "999000011 [3] 0 0",
        "999000015 [★] 0 0",
        "620000001 [] 0 0",
        " [] 0 0",
    ];
    let mut found = desk.test.lines(RECKONED).await;
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_an_insurer_proposes_decides_what_is_saved() {
    let usual = GenericSettings::default();
    let least = GenericSettings {
        saving: SavingBasis::Least,
        ..usual
    };
    let never = GenericSettings {
        exclude_classes: MedicineClasses::of(&[999]).unwrap(),
        ..usual
    };
    for (generics, expected) in [(least, "999000001 [2] 180 0"), (never, "999000001 [2] 0 0")] {
        let desk = with(generics).await;
        loaded(desk.medicines(&rows(&[999_000_001])).await);
        assert_eq!(desk.test.lines(RECKONED).await, [expected]);
    }
}

#[tokio::test]
async fn what_waited_is_reckoned_like_any_row() {
    let desk = Desk::new().await;
    let file = medicines(&[medicine("2026-08", "A", 8, "2026-06", 999_000_001)]);
    let allowing = statements::import::Wish {
        allow_unmatched: true,
        ..wish(Kind::Medicines)
    };
    assert_eq!(loaded(desk.import_as(&file, allowing).await).held, 1);
    desk.test.import(&[TestPerson::new(8)]).await;
    desk.test.clock.advance(chrono::TimeDelta::hours(25));
    let mut tx = desk.test.write(desk.tenant()).await;
    statements::purge::sweep(&mut tx, &desk.test.keys, 24, desk.test.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(desk.test.lines(RECKONED).await, ["999000001 [2] 1080 0"]);
}

#[tokio::test]
async fn more_than_one_in_a_hundred_of_no_known_medicine_is_refused() {
    let desk = Desk::new().await;
    let mut file = rows(&[999_000_011; 99]);
    file.push(medicine("2026-08", "A", 1, "2026-06", 999_999_999));
    let found = checked(desk.medicines(&file).await);
    assert_eq!((found.unknown_drugs, found.without_master), (1, None));
    let unknown = "SELECT concat(class, saving_yen, charge_yen) AS line FROM medicine_rows WHERE drug = '999999999'";
    assert_eq!(desk.test.lines(unknown).await, ["00"]);
    file.push(medicine("2026-08", "A", 1, "2026-06", 999_999_998));
    let why = refused(desk.medicines(&file).await);
    assert!(
        matches!(why, ImportRefused::UnknownDrugs { rows: 101, unknown: 2 }),
        "{why:?}"
    );
    // Costs are of no medicine.
    assert!(matches!(
        desk.import(&[super::cost("2026-08", "A", 1, "2026-06", 1_000)]).await,
        Ok(Imported::Loaded { .. })
    ));
}

#[tokio::test]
async fn codes_are_looked_up_for_their_months_with_what_is_cheaper() {
    let desk = Desk::new().await;
    let (may, june, long_ago) = (month("2026-05"), month("2026-06"), month("2019-12"));
    let tx = desk.test.database.tenant(desk.tenant()).read().await.unwrap();
    let before = desk.test.database.statements();
    let asked = [
        (june, "999000001"),
        (june, "999000001"),
        (may, "999000012"),
        (june, "999999999"),
        (long_ago, "999000001"),
    ];
    let known = drugs::of(&tx, &asked).await.unwrap();
    assert_eq!(desk.test.database.statements() - before, 1);
    assert_eq!(known.name(june, "999000001"), "アサガオ錠5mg");
    assert_eq!(known.name(may, "999000012"), "アサガオ5mg錠（各社の製品）");
    for (month, code) in [(june, "999999999"), (long_ago, "999000001"), (may, "999000001")] {
        assert_eq!(known.name(month, code), "名称を確認できないお薬");
    }
    let usual = GenericSettings::default();
    let found = known.candidates(june, "999000001", &usual);
    let codes: Vec<&str> = found.iter().map(|drug| drug.code.as_str()).collect();
    assert_eq!(codes, ["999000011", "999000013", "999000012"]);
    assert!(known.candidates(may, "999000012", &usual).is_empty());
    assert!(drugs::of(&tx, &[]).await.unwrap().drug(june, "999000001").is_none());
}
