//! How statements are shown, set in the console: saved with who and why, refused at the fields, held to what a folder is held to,
//! and taken back.

use super::super::settings::{filled, revisions, save, seen, send};
use crate::portal::{leads, says};
use access::Role;
use tenancy::{
    FamilyDefault, Feature, FeatureState, Folder, FormerDependants, OfficialNotice, SavingBasis, StatementSettings,
};
use testkit::{TestApp, TestClerk};

const SETTINGS: &str = "/console/statements/settings";

async fn clerk(app: &TestApp) -> TestClerk {
    app.clerk_named("給付　三子", &[Role::Benefits]).await
}

async fn statements(app: &TestApp) -> StatementSettings {
    seen(app).await.statements
}

fn back(revision: u32) -> String {
    format!("{SETTINGS}/{revision}/take-back")
}

#[tokio::test]
async fn what_is_saved_is_a_revision_with_who_and_why_and_what_was_not_touched_stays() {
    let app = TestApp::start().await;
    let clerk = clerk(&app).await;
    let before = statements(&app).await;
    leads(&save(&clerk, SETTINGS, &[]).await, SETTINGS);
    assert_eq!(revisions(&app).await.len(), 1, "as it was shown it changes nothing");
    let saved = save(&clerk, SETTINGS, &[("months_online", "３６"), ("why", "3年分を見せる")]).await;
    leads(&saved, SETTINGS);
    let after = StatementSettings {
        months_online: 36,
        ..before
    };
    assert_eq!(statements(&app).await, after);
    assert_eq!(revisions(&app).await[1], "2 console 給付　三子 3年分を見せる");
    let trail = "SELECT concat_ws(' ', actor_kind, action, outcome, detail->>'revision') AS line FROM audit_events
        WHERE action IN ('statements.settings', 'insurer.revise')";
    assert_eq!(app.insurer.lines(trail).await, ["staff statements.settings done 2"]);
    let page = clerk.get(SETTINGS).await;
    for told in ["3年分を見せる", "給付　三子さん", "明細を表示する月数：24か月→36か月"] {
        says(&page, 200, told);
    }
}

#[tokio::test]
async fn numbers_are_typed_with_commas_and_with_what_they_count() {
    let app = TestApp::start().await;
    let clerk = clerk(&app).await;
    let typed = [
        ("min_month_yen", "1,000円"),
        ("mails_per_minute", "６，０００通"),
        ("months_online", "36か月"),
        ("exclude_classes", "42、117"),
    ];
    leads(&save(&clerk, SETTINGS, &typed).await, SETTINGS);
    let saved = statements(&app).await;
    assert_eq!(
        (
            saved.generics.min_month_yen,
            saved.mails_per_minute,
            saved.months_online
        ),
        (1_000, 6_000, 36)
    );
    let record = clerk.get(SETTINGS).await;
    for told in ["→1,000円以上", "→6,000通まで"] {
        says(&record, 200, told);
    }
    for (name, wrong) in [("min_month_yen", "1,00円"), ("min_days", "7円札"), ("min_age", "七歳")] {
        assert_eq!(save(&clerk, SETTINGS, &[(name, wrong)]).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn every_setting_is_changed_by_the_form_and_what_takes_reckoning_anew_is_said() {
    let app = TestApp::start().await;
    let clerk = clerk(&app).await;
    let saved = save(
        &clerk,
        SETTINGS,
        &[
            ("months_online", "12"),
            ("arrives_after_months", "3"),
            ("costs_family", "self_only"),
            ("medicines_family", "self_only"),
            ("adult_age", "15"),
            ("former_dependants", "hide"),
            ("official_notice", "paper"),
            ("min_month_yen", "500"),
            ("min_line_yen", "10"),
            ("min_days", "7"),
            ("min_age", "18"),
        ],
    )
    .await;
    leads(&saved, SETTINGS);
    let page = clerk.get(SETTINGS).await;
    says(&page, 200, "消えた明細は戻りません");
    assert!(!page.text.contains("前の計算のまま"));
    let classes = [("exclude_classes", "４２、 117\r\n6250"), ("saving", "least")];
    leads(&save(&clerk, SETTINGS, &classes).await, SETTINGS);
    says(&clerk.get(SETTINGS).await, 200, "前の計算のまま");
    let set = statements(&app).await;
    assert_eq!(
        (set.months_online, set.arrives_after_months, set.adult_age),
        (12, 3, 15)
    );
    assert_eq!(
        (
            set.costs_family,
            set.medicines_family,
            set.former_dependants,
            set.official_notice
        ),
        (
            FamilyDefault::SelfOnly,
            FamilyDefault::SelfOnly,
            FormerDependants::Hide,
            OfficialNotice::Paper
        )
    );
    let generics = set.generics;
    assert_eq!(
        (
            generics.min_month_yen,
            generics.min_line_yen,
            generics.min_days,
            generics.min_age
        ),
        (500, 10, 7, 18)
    );
    assert_eq!(generics.exclude_classes.all().collect::<Vec<_>>(), [42, 117, 6250]);
    assert_eq!(generics.saving, SavingBasis::Least);
    // None at all is a wish, too.
    leads(&save(&clerk, SETTINGS, &[("exclude_classes", "")]).await, SETTINGS);
    assert_eq!(statements(&app).await.generics.exclude_classes.all().count(), 0);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_is_written() {
    let app = TestApp::start().await;
    let clerk = clerk(&app).await;
    for (field, typed, said) in [
        ("months_online", "37", "12～36の数字"),
        ("months_online", "", "12～36の数字"),
        ("arrives_after_months", "0", "1～6の数字"),
        ("costs_family", "suppressed", "家族の医療費の表示を選んでください"),
        ("adult_age", "十八", "15～20の数字"),
        ("min_days", "181", "0～180の数字"),
        ("min_age", "-1", "0～75の数字"),
        ("exclude_classes", "42 42", "同じものは1度だけ"),
        ("exclude_classes", "4", "2～4桁"),
        ("saving", "", "削減可能金額の示し方を選んでください"),
        ("why", "", "変更の理由を入力してください"),
    ] {
        let changed = [(field, typed), ("former_dependants", "hide")];
        let refused = save(&clerk, SETTINGS, &changed).await;
        says(&refused, 422, said);
        assert!(
            refused.text.contains("value=\"hide\" checked"),
            "{field}: {}",
            refused.text
        );
    }
    assert_eq!(revisions(&app).await.len(), 1);
}

/// Families are shown nothing, and no page says that they are.
fn untold(folder: &mut Folder) {
    folder.settings.statements.costs_family = FamilyDefault::SelfOnly;
    folder.settings.statements.medicines_family = FamilyDefault::SelfOnly;
    for part in &mut folder.parts {
        part.files.retain(|file| file.slug != "family-statements");
    }
}

#[tokio::test]
async fn families_are_shown_nothing_before_the_insurers_page_says_so() {
    const NOT_TOLD: &str = "案内のページが必要です";
    let app = TestApp::with("32290413", untold, |_| ()).await;
    let clerk = clerk(&app).await;
    for family in ["costs_family", "medicines_family"] {
        says(&save(&clerk, SETTINGS, &[(family, "household")]).await, 422, NOT_TOLD);
    }
    leads(&save(&clerk, SETTINGS, &[("adult_age", "20")]).await, SETTINGS);
    // What isn't open is shown to nobody; opening it then is held to the same, whoever does it.
    let administrator = app.clerk(&[Role::Administrator]).await;
    let modules = "/console/settings/modules";
    leads(
        &save(&administrator, modules, &[("cost_statements", "preparing")]).await,
        modules,
    );
    leads(
        &save(&clerk, SETTINGS, &[("costs_family", "household")]).await,
        SETTINGS,
    );
    says(
        &save(&administrator, modules, &[("cost_statements", "open")]).await,
        422,
        NOT_TOLD,
    );
    let insurer = seen(&app).await;
    assert_eq!(insurer.modules.wished(Feature::CostStatements), FeatureState::Preparing);
    assert_eq!(insurer.statements.medicines_family, FamilyDefault::SelfOnly);
    // Nor by taking back what closed it.
    let opened = format!("{}/take-back", "/console/settings/revisions/3");
    says(
        &administrator.post(&opened, &[("revision", "4"), ("why", "戻す")]).await,
        422,
        NOT_TOLD,
    );
}

#[tokio::test]
async fn with_its_page_the_insurer_shows_families_what_they_did_not_see() {
    let only = |folder: &mut Folder| folder.settings.statements.costs_family = FamilyDefault::SelfOnly;
    let app = TestApp::with("32290413", only, |_| ()).await;
    let clerk = clerk(&app).await;
    leads(
        &save(&clerk, SETTINGS, &[("costs_family", "household")]).await,
        SETTINGS,
    );
    assert_eq!(statements(&app).await.costs_family, FamilyDefault::Household);
}

#[tokio::test]
async fn whoever_saves_after_a_colleague_is_told_and_shown_both_and_loses_nothing() {
    let app = TestApp::start().await;
    let (first, second) = (clerk(&app).await, clerk(&app).await);
    let page = second.get(SETTINGS).await;
    leads(&save(&first, SETTINGS, &[("adult_age", "20")]).await, SETTINGS);
    let typed = filled(&page, &[("min_age", "30"), ("why", "若い方には提案しない")]);
    let late = send(&second, SETTINGS, &typed).await;
    for both in [
        "ほかの職員が先に変更しました",
        "18歳",
        "20歳",
        "value=\"30\"",
        "若い方には提案しない",
    ] {
        says(&late, 409, both);
    }
    leads(
        &send(&second, SETTINGS, &filled(&late, &[("adult_age", "20")])).await,
        SETTINGS,
    );
    let set = statements(&app).await;
    assert_eq!((set.adult_age, set.generics.min_age), (20, 30));
}

#[tokio::test]
async fn a_change_is_taken_back_once_unless_it_was_changed_since_and_nothing_else_is() {
    let app = TestApp::start().await;
    let clerk = clerk(&app).await;
    leads(&save(&clerk, SETTINGS, &[("adult_age", "20")]).await, SETTINGS);
    leads(&save(&clerk, SETTINGS, &[("months_online", "36")]).await, SETTINGS);
    let ask = clerk.get(&back(2)).await;
    says(&ask, 200, "20歳");
    says(&send(&clerk, &back(2), &filled(&ask, &[])).await, 422, "変更の理由");
    leads(
        &send(&clerk, &back(2), &filled(&ask, &[("why", "元の年齢に戻す")])).await,
        SETTINGS,
    );
    let set = statements(&app).await;
    assert_eq!((set.adult_age, set.months_online), (18, 36), "what came after stays");
    assert_eq!(revisions(&app).await[3], "4 console 給付　三子 元の年齢に戻す");
    // Twice: it isn't there any more.
    says(&clerk.get(&back(2)).await, 200, "元に戻せません");
    let again = clerk.post(&back(2), &[("revision", "4"), ("why", "もう一度")]).await;
    says(&again, 409, "もう一度変更されています");
    // What else the insurer has set is not theirs to take back.
    let administrator = app.clerk(&[Role::Administrator]).await;
    leads(
        &save(&administrator, "/console/settings/desk", &[("phone", "03-1111-1111")]).await,
        "/console/settings/desk",
    );
    leads(&clerk.get(&back(5)).await, SETTINGS);
    let not_theirs = clerk.post(&back(5), &[("revision", "5"), ("why", "戻す")]).await;
    assert_eq!(not_theirs.status, 409, "{}", not_theirs.text);
    assert_eq!(seen(&app).await.desk.phone, "03-1111-1111");
    // What a folder brought is the operator's, and what never was is nowhere.
    leads(&clerk.get(&back(1)).await, SETTINGS);
    assert_eq!(
        clerk.post(&back(1), &[("revision", "5"), ("why", "戻す")]).await.status,
        409
    );
    assert_eq!(clerk.get(&back(99)).await.status, 404);
    assert_eq!(revisions(&app).await.len(), 5);
}
