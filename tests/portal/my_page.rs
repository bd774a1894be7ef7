//! The my page: what it shows, and what it costs.

use crate::portal::says;
use tenancy::{Feature, FeatureState, Features};
use testkit::TestApp;

const MY_PAGE: &str = "/portal/mypage";

#[tokio::test]
async fn the_my_page_takes_seven_statements_at_most_in_two_transactions() {
    let app = TestApp::counting().await;
    let (known, who) = app.member().await;
    known.get(MY_PAGE).await;
    let client = app.inside(&who).await;
    app.warm().await;
    // Whose a session is must be looked up once, which is one more; from the second page on it is known.
    for most in [8, 7] {
        let before = (app.ground.database.statements(), app.ground.database.transactions());
        assert_eq!(client.get(MY_PAGE).await.status, 200);
        let statements = app.ground.database.statements() - before.0;
        assert!((1..=most).contains(&statements), "{statements}");
        // To let the member in, and to show the page; each sends its BEGIN with its first statements.
        assert_eq!(app.ground.database.transactions() - before.1, 2);
    }
}

#[tokio::test]
async fn it_shows_who_one_is_the_last_log_in_and_the_manuals_menu() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    says(&client.get(MY_PAGE).await, 200, "はじめてのログインです");
    app.later(17);
    let again = app.inside(&who).await;
    let page = again.get(MY_PAGE).await;
    says(&page, 200, "前回ログイン 2026年11月22日 12:00:00");
    let mut rest = page.text.as_str();
    for text in [
        "健保 祥子さん",
        "マイページ",
        "各種申請・登録",
        "被扶養者資格調査",
        "インフルエンザ補助金申請",
        "WEB申請",
        "被扶養者連絡先登録",
        "通院",
        "医療費通知",
        "上手な医療のかかり方",
        "お薬",
        "ジェネリック差額明細",
        "上手なお薬との付き合い",
        "組合からのお知らせ",
        "健保 祥子さんへのお知らせ",
    ] {
        let at = rest
            .find(text)
            .unwrap_or_else(|| panic!("{text} is missing or out of order"));
        rest = &rest[at + text.len()..];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_data_the_my_page_says_so_and_never_names_an_amount() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let page = member.get("/portal/mypage").await;
    for text in [
        "はじめてのログインです",
        "まだデータがありません",
        "準備中",
        "最近の医療費",
        "削減可能金額",
    ] {
        says(&page, 200, text);
    }
    assert!(!page.text.contains('¥') && !page.text.contains("0円"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_modules_guide_does_not_exist_and_its_menu_entry_is_gone() {
    let hide = |folder: &mut tenancy::Folder| {
        folder.settings.modules = Features::from_iter([(Feature::MedicineGuide, FeatureState::Open)]);
    };
    let app = TestApp::with("32290413", hide, |_| ()).await;
    let (member, _) = app.member().await;
    assert_eq!(member.get("/portal/guides/medical-guide").await.status, 404);
    says(
        &member.get("/portal/guides/medicine-guide").await,
        200,
        "上手なお薬との付き合い",
    );
    let page = member.get("/portal/mypage").await.text;
    for absent in [
        "上手な医療のかかり方",
        "被扶養者資格調査",
        "最近の医療費",
        "削減可能金額",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[tokio::test]
async fn a_module_that_is_hidden_is_not_there_and_no_money_is_invented() {
    let app = TestApp::with("139998", |_| (), |_| ()).await;
    let (client, _) = app.member().await;
    let page = client.get(MY_PAGE).await;
    says(&page, 200, "WEB申請");
    assert!(!page.text.contains("被扶養者資格調査") && !page.text.contains("被扶養者連絡先登録"));
    assert!(!page.text.contains("¥0") && !page.text.contains("0円"));
    says(&page, 200, "準備中");
}

#[tokio::test]
async fn guides_are_real_pages_and_what_is_no_guide_does_not_exist() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for slug in ["medical-guide", "medicine-guide", "family-statements"] {
        let page = client.get(&format!("/portal/guides/{slug}")).await;
        assert_eq!(page.status, 200, "{slug}");
        let links = page.text.split("href=\"/").skip(1);
        for link in links.filter_map(|rest| rest.split('"').next()) {
            let status = client.get(&format!("/{link}")).await.status.as_u16();
            assert!([200, 303].contains(&status), "{slug}: /{link}: {status}");
        }
    }
    for slug in ["faq", "nothing", "..%2F..%2Fetc%2Fpasswd", "%00", "💊"] {
        assert_eq!(
            client.get(&format!("/portal/guides/{slug}")).await.status,
            404,
            "{slug}"
        );
    }
}

#[tokio::test]
async fn a_page_of_ones_own_is_never_kept_by_caches() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for path in [MY_PAGE, "/portal/account", "/portal/notices", "/portal/"] {
        assert_eq!(client.get(path).await.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_there_at_every_step_with_the_way_back() {
    let app = TestApp::start().await;
    says(&app.client().get("/portal/help").await, 200, "ログイン画面に戻る");
    says(
        &app.identified().await.get("/portal/help").await,
        200,
        "登録の続きに戻る",
    );
    let (member, _) = app.member().await;
    let help = member.get("/portal/help").await;
    for text in [
        "マイページに戻る",
        "050-2030-4706",
        "受付",
        "お勤め先の共済事務担当課",
        "マイナポータル",
    ] {
        says(&help, 200, text);
    }
}
