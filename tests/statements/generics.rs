//! What `[statements]` of an insurer's tenant.toml says of generics.

use super::settings::read;
use tempfile::TempDir;
use tenancy::{Folder, GenericSettings, MedicineClasses, SavingBasis};
use testkit::TestDatabase;

fn generics(lines: &str) -> Result<GenericSettings, Vec<String>> {
    read(&format!("[statements]\n{lines}")).map(|settings| settings.generics)
}

fn said() -> GenericSettings {
    GenericSettings {
        min_month_yen: 0,
        min_line_yen: 100,
        min_days: 14,
        min_age: 35,
        exclude_classes: MedicineClasses::of(&[42, 1179]).unwrap(),
        saving: SavingBasis::Least,
    }
}

#[test]
fn what_is_not_said_of_generics_is_as_usual() {
    let usual = GenericSettings::default();
    assert_eq!(
        (usual.min_month_yen, usual.min_age, usual.saving),
        (300, 0, SavingBasis::Most)
    );
    assert_eq!(usual.exclude_classes.all().collect::<Vec<u16>>(), [42, 117, 625]);
    assert_eq!(generics(""), Ok(usual));
    let lines = "min_month_yen = 0\nmin_line_yen = 100\nmin_days = 14\nmin_age = 35\nexclude_classes = [\"42\", \"1179\"]\nsaving = \"least\"";
    assert_eq!(generics(lines), Ok(said()));
    let none = GenericSettings {
        exclude_classes: MedicineClasses::of(&[]).unwrap(),
        ..usual
    };
    assert_eq!(generics("exclude_classes = []"), Ok(none));
}

#[test]
fn what_of_generics_is_out_of_bounds_is_refused_by_key_and_range() {
    let many = format!(
        "exclude_classes = [{}]",
        (11..24).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
    );
    for (line, refused) in [
        (
            "min_month_yen = -1",
            "statements.min_month_yen must be a whole number from 0 to 100000",
        ),
        (
            "min_line_yen = 100001",
            "statements.min_line_yen must be a whole number from 0 to 100000",
        ),
        (
            "min_days = 181",
            "statements.min_days must be a whole number from 0 to 180",
        ),
        ("min_age = 76", "statements.min_age must be a whole number from 0 to 75"),
        (
            "saving = \"best\"",
            "statements.saving must be one of most, least, not \"best\"",
        ),
        (
            "exclude_classes = [\"042\"]",
            "statements.exclude_classes must be of two to four digits of 薬効分類 each, not \"042\"",
        ),
        (
            "exclude_classes = [\"42\", \"42\"]",
            "statements.exclude_classes names \"42\" twice",
        ),
        (many.as_str(), "statements.exclude_classes may name 12 classes at most"),
        ("exclude_classes = 42", "statements.exclude_classes must be a list"),
    ] {
        let reasons = generics(line).unwrap_err();
        assert!(
            matches!(reasons.as_slice(), [reason] if reason.starts_with(refused)),
            "{line}: {reasons:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_generics_reads_back() {
    let test = TestDatabase::with("32290413", |folder| folder.settings.statements.generics = said()).await;
    assert_eq!(test.insurer.statements.generics, said());
    let out = TempDir::new().unwrap();
    let folder = out.path().join(test.code.as_str());
    tenancy::export(&test.database, test.clock.now(), test.tenant, &folder, &[])
        .await
        .unwrap();
    assert_eq!(Folder::read(&folder, &[]).unwrap().settings.statements.generics, said());
}
