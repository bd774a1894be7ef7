//! Finding an insurer, and how it stands.

use super::alone;
use kernel::InsurerCode;
use std::fmt::Write as _;
use testkit::execute;

#[tokio::test(flavor = "multi_thread")]
async fn insurers_are_found_by_code_name_and_kana_and_listed_page_by_page() {
    let (installation, app, operator) = alone().await;
    let mut made = String::new();
    for number in 1..=120 {
        let code = InsurerCode::with_check_digit(&format!("34{number:05}")).unwrap();
        let comma = if number == 1 { "" } else { ", " };
        write!(
            made,
            "{comma}({}, '{code}', '第{number}健保', 'ダイ{number}ケンポ')",
            5_000 + number
        )
        .unwrap();
    }
    let copy = format!(
        "INSERT INTO insurers
         SELECT made.tenant, made.code, made.name, kind, state, revision,
             settings || jsonb_build_object('kana', made.kana), created_at, updated_at, applied_by
         FROM insurers, (VALUES {made}) AS made (tenant, code, name, kana) WHERE tenant_id = {}",
        app.tenant()
    );
    execute(&installation.owner_url(), &copy).await.unwrap();
    let all = operator.get("/operator/").await;
    assert!(all.text.contains("121件あります"), "{}", all.text);
    let mut seen = 0;
    let mut page = all;
    loop {
        seen += page
            .text
            .matches("<th scope=\"row\" data-l=\"名前\"><a href=\"/operator/insurers/")
            .count();
        let Some((_, rest)) = page.text.split_once("<p class=\"more\"><a href=\"") else {
            break;
        };
        let path = rest
            .split('"')
            .next()
            .unwrap()
            .replace("&#38;", "&")
            .replace("&amp;", "&");
        page = operator.get(&path).await;
        assert_eq!(page.status, 200);
    }
    assert_eq!(seen, 121);
    for (sought, name) in [
        ("3400007", "第7健保"),
        ("第77", "第77健保"),
        ("だい９９けんぽ", "第99健保"),
        ("ﾀﾞｲ120", "第120健保"),
    ] {
        let found = operator
            .get(&format!("/operator/?q={}", pages::forms::encode(sought)))
            .await;
        assert!(
            found.text.contains("1件あります") && found.text.contains(name),
            "{sought}: {}",
            found.text
        );
    }
    let nobody = operator.get("/operator/?q=%25_%00").await;
    assert_eq!(nobody.status, 200);
    // How it stands: who registered, and when the roster came.
    app.sign_up().await;
    let own = operator.get(&format!("/operator/?q={}", app.insurer.code)).await;
    assert!(own.text.contains("1日未満"), "{}", own.text);
    app.later(3 * 86_400);
    let operator = app.in_another_browser(&operator).await;
    let own = operator.get(&format!("/operator/insurers/{}", app.insurer.code)).await;
    assert!(own.text.contains("3日") && own.text.contains("稼働中"), "{}", own.text);
    // Nothing of its members.
    assert!(
        !own.text.contains(&app.person.name) && !own.text.contains(&app.person.kana_name),
        "{}",
        own.text
    );
}
