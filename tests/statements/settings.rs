//! `[statements]` of an insurer's tenant.toml.

use std::path::Path;
use tempfile::TempDir;
use tenancy::{Directory, FamilyDefault, Folder, FormerDependants, OfficialNotice, StatementSettings};
use testkit::{TestDatabase, execute, owner_url, tenants};

/// What the plainest folder reads as with these lines at its end.
pub(super) fn read(lines: &str) -> Result<StatementSettings, Vec<String>> {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("32290413");
    std::fs::create_dir(&folder).unwrap();
    let shipped = tenants().join("32290413");
    let text = std::fs::read_to_string(shipped.join("tenant.toml")).unwrap();
    std::fs::copy(shipped.join("logo.png"), folder.join("logo.png")).unwrap();
    std::fs::write(folder.join("tenant.toml"), format!("{text}\n{lines}")).unwrap();
    let folder = Folder::read(&folder, &[]);
    folder
        .map(|folder| folder.settings.statements)
        .map_err(|problems| problems.iter().map(|problem| problem.reason.clone()).collect())
}

#[test]
fn what_is_not_said_is_as_usual() {
    let usual = StatementSettings {
        months_online: 24,
        generics: tenancy::GenericSettings::default(),
        costs_family: FamilyDefault::Household,
        medicines_family: FamilyDefault::Household,
        adult_age: 18,
        former_dependants: FormerDependants::Show,
        arrives_after_months: 2,
        official_notice: OfficialNotice::None,
        mails_per_minute: 600,
    };
    assert_eq!(read(""), Ok(usual));
    assert_eq!(read("[statements]"), Ok(usual));
    let said = StatementSettings {
        months_online: 36,
        medicines_family: FamilyDefault::SelfOnly,
        ..usual
    };
    assert_eq!(
        read("[statements]\nmonths_online = 36\nmedicines_family = \"self_only\""),
        Ok(said)
    );
}

#[test]
fn what_is_out_of_bounds_is_refused_by_key_and_range() {
    for (line, refused) in [
        (
            "months_online = 11",
            "statements.months_online must be a whole number from 12 to 36",
        ),
        (
            "months_online = 37",
            "statements.months_online must be a whole number from 12 to 36",
        ),
        (
            "months_online = \"24\"",
            "statements.months_online must be a whole number from 12 to 36",
        ),
        (
            "months_online = 24.0",
            "statements.months_online must be a whole number from 12 to 36",
        ),
        (
            "adult_age = 14",
            "statements.adult_age must be a whole number from 15 to 20",
        ),
        (
            "adult_age = 21",
            "statements.adult_age must be a whole number from 15 to 20",
        ),
        (
            "adult_age = -1",
            "statements.adult_age must be a whole number from 15 to 20",
        ),
        (
            "costs_family = \"suppressed\"",
            "statements.costs_family must be one of household, self_only, not \"suppressed\"",
        ),
        (
            "medicines_family = \"Household\"",
            "statements.medicines_family must be one of household, self_only, not \"Household\"",
        ),
        (
            "former_dependants = \"yes\"",
            "statements.former_dependants must be one of show, hide, not \"yes\"",
        ),
        (
            "former_dependants = true",
            "statements.former_dependants must be text in quotation marks",
        ),
        (
            "arrives_after_months = 0",
            "statements.arrives_after_months must be a whole number from 1 to 6",
        ),
        (
            "arrives_after_months = 7",
            "statements.arrives_after_months must be a whole number from 1 to 6",
        ),
        (
            "official_notice = \"xml\"",
            "statements.official_notice must be one of none, paper, not \"xml\"",
        ),
        (
            "mails_per_minute = 9",
            "statements.mails_per_minute must be a whole number from 10 to 6000",
        ),
        (
            "mails_per_minute = 6001",
            "statements.mails_per_minute must be a whole number from 10 to 6000",
        ),
        ("month_online = 24", "unknown key statements.month_online"),
    ] {
        let reasons = read(&format!("[statements]\n{line}")).unwrap_err();
        assert!(
            matches!(reasons.as_slice(), [reason] if reason.starts_with(refused)),
            "{line}: {reasons:?}"
        );
    }
}

async fn exported(test: &TestDatabase, folder: &Path) -> (String, StatementSettings) {
    tenancy::export(&test.database, test.clock.now(), test.tenant, folder, &[])
        .await
        .unwrap();
    let text = std::fs::read_to_string(folder.join("tenant.toml")).unwrap();
    (text, Folder::read(folder, &[]).unwrap().settings.statements)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_reads_back_and_what_is_usual_is_not_written() {
    let said = StatementSettings {
        months_online: 12,
        generics: tenancy::GenericSettings::default(),
        costs_family: FamilyDefault::SelfOnly,
        medicines_family: FamilyDefault::Household,
        adult_age: 20,
        former_dependants: FormerDependants::Hide,
        arrives_after_months: 3,
        official_notice: OfficialNotice::Paper,
        mails_per_minute: 60,
    };
    let test = TestDatabase::with("32290413", |folder| folder.settings.statements = said).await;
    assert_eq!(test.insurer.statements, said);
    let out = TempDir::new().unwrap();
    let folder = |name: &str| out.path().join(name).join(test.code.as_str());
    let (text, read) = exported(&test, &folder("said")).await;
    assert!(text.contains("[statements]\nmonths_online = 12\n"), "{text}");
    assert_eq!(read, said);
    test.apply(|folder| folder.settings.statements = StatementSettings::default())
        .await;
    let (text, read) = exported(&test, &folder("usual")).await;
    assert!(!text.contains("[statements]"), "{text}");
    assert_eq!(read, StatementSettings::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_revision_without_the_table_has_the_defaults() {
    let test = TestDatabase::with("32290413", |folder| folder.settings.statements.months_online = 36).await;
    let without = format!(
        "UPDATE insurers SET settings = settings - 'statements' WHERE tenant_id = {}",
        test.tenant
    );
    execute(&owner_url(), &without).await.unwrap();
    let directory = Directory::new(test.database.clone(), test.clock.clone());
    let insurer = directory.by_tenant(test.tenant).await.unwrap().unwrap();
    assert_eq!(insurer.statements, StatementSettings::default());
}
