//! ジェネリック差額明細 as a family reads it: 使用率 and what could be saved, medicine by medicine, on the card and as a file.

mod file;
mod out_of_sight;

use super::{Family, people, tells, tells_nothing_of};
use crate::{
    portal::says,
    statements::{DRUGS, Kind, Wish, loaded, medicines, wish},
};
use reqwest::Method;
use serde_json::{Value, json};
use statements::publish::Published;
use tenancy::{Feature, FeatureState, Features, Folder, GenericSettings, SavingBasis};
use testkit::{PASSWORD, execute, owner_url};

const MEDICINES: &str = "/portal/medicines";
const MY_PAGE: &str = "/portal/mypage";
const NONE: &str = "まだデータがありません";
const NEW: &str = "<span class=\"tag\">新着</span>";

async fn family() -> Family {
    with(|_| ()).await
}

async fn with(change: impl FnOnce(&mut Folder)) -> Family {
    execute(&owner_url(), DRUGS).await.unwrap();
    Family::of(change, &people()).await
}

async fn with_generics(generics: GenericSettings) -> Family {
    with(move |folder| folder.settings.statements.generics = generics).await
}

/// A medicine: of whom, by number and branch, in which month, and its cells from 剤形区分 to 負担割合.
fn medicine(label: &str, claim: &str, who: &str, month: &str, what: &str) -> String {
    from("西町薬局", label, claim, who, month, what)
}

fn from(pharmacy: &str, label: &str, claim: &str, who: &str, month: &str, what: &str) -> String {
    let (number, branch) = who.split_once('-').unwrap();
    format!("{label},{claim},100,{number},{branch},,{month},{pharmacy},{what},")
}

/// Two a day of the brand for thirty days, at three tenths: 1,800 yen, of which 1,080 could be saved.
const BRAND: &str = "内服,999000001,2,30,3";
/// 280 of a generic, which with 60 of the brand are 82.4 %.
const GENERIC: &str = "内服,999000011,10,28,3";
/// Chosen without need.
const CHOSEN: &str = "内服,999000002,2,30,3";

/// Loads and publishes.
async fn show(family: &Family, rows: &[String]) -> Published {
    let allowing = Wish {
        allow_deviation: true,
        allow_unmatched: true,
        ..wish(Kind::Medicines)
    };
    let desk = &family.desk;
    let delivery = loaded(desk.import_as(&medicines(rows), allowing).await);
    desk.publish(Kind::Medicines, &delivery.label.to_string()).await
}

/// The father's brand of July, the mother's generic of June, and what is older than the six newest months.
async fn shown() -> Family {
    let family = Box::pin(family()).await;
    let rows = [
        medicine("2026-09", "m1", "1-00", "2026-07", BRAND),
        medicine("2026-09", "m2", "1-01", "2026-06", GENERIC),
        medicine("2026-09", "m3", "1-00", "2026-01", "内服,999000001,9,90,3"),
        medicine("2026-09", "m4", "2-00", "2026-05", BRAND),
    ];
    Box::pin(show(&family, &rows)).await;
    family
}

#[tokio::test]
async fn the_page_tells_the_share_of_generics_and_the_month_that_could_save_most_of_six() {
    let family = shown().await;
    let page = family.page(MEDICINES).await;
    tells(
        &page,
        &[
            "あなたとご家族の、直近6か月分のお薬です。",
            "82.4%",
            "1か月あたり最大1,080円（2026年7月）",
            r#"<a href="/portal/medicines/2026-07">2026年7月</a>"#,
            "0.0%",
            "1,080円",
            r#"<a href="/portal/medicines/2026-06">2026年6月</a>"#,
            "100.0%",
            ">0円<",
            r#"<a href="/portal/medicines/2026-02">2026年2月</a>"#,
            ">—<",
            r#"href="/portal/medicines/2026-01">前の月（2026年1月）"#,
            "切り替えは医師・薬剤師にご相談ください。",
            r#"<a class="alone" href="/portal/guides/medicine-guide">上手なお薬との付き合い</a>"#,
            "診療を受けた月のおよそ3か月後に載ります。",
            "技術料は入っていません。",
            "新しいジェネリック医薬品が出ると、お薬が同じでも下がることがあります。",
        ],
    );
    // What is older or another's counts in nothing.
    tells_nothing_of(&page, &["14,580円", "別家"]);
    let hers = family.page(&format!("{MEDICINES}?person={}", family.ids["1-01"])).await;
    tells(&hers, &["健保 花子さんの、", "100.0%", "ご案内する金額はありません"]);
    let his = family.page(&format!("{MEDICINES}?person={}", family.ids["1-00"])).await;
    tells(&his, &["あなたの、", "0.0%", "最大1,080円"]);
    let childs = family.page(&format!("{MEDICINES}?person={}", family.ids["1-02"])).await;
    says(&childs, 200, NONE);
    tells_nothing_of(&childs, &["0円", "0.0%"]);
}

#[tokio::test]
async fn a_month_shows_each_medicine_with_what_could_be_taken_instead_and_what_is_paid_extra() {
    let family = family().await;
    let rows = [
        medicine("2026-09", "m1", "1-00", "2026-07", BRAND),
        medicine("2026-09", "m1", "1-00", "2026-07", CHOSEN),
        from("", "2026-09", "m2", "1-01", "2026-07", "屯服,999000011,0.5,7,3"),
    ];
    Box::pin(show(&family, &rows)).await;
    let page = family.page("/portal/medicines/2026-07").await;
    tells(
        &page,
        &[
            "2026年7月のお薬",
            "健保 太郎さん　アサガオ錠5mg</h2>",
            "内服　西町薬局",
            "60錠（1日2錠を30日分）",
            "1,800円",
            // The cheapest first, of equals by name; the fourth is not shown.
            "アサガオ錠5mg「みほん」",
            "1,080円",
            "アサガオ錠5mg「れいだい」",
            "1,080円",
            "アサガオ5mg錠（各社の製品）",
            "540円",
            "身に覚えがない",
            "健保 太郎さん　アサガオ錠5mg</h2>",
            "1,530円",
            "特別の料金（めやす）",
            "990円",
            "健保 花子さん　アサガオ錠5mg「みほん」</h2>",
            "屯服　名前の記録なし",
            "3.5錠（1回0.5錠を7回分）",
            "42円",
            r#"<a class="alone" href="/portal/medicines/2026-06">前の月（2026年6月）</a>"#,
            r#"<a class="alone" href="/portal/medicines/2026-08">次の月（2026年8月）</a>"#,
            "切り替えは医師・薬剤師にご相談ください。",
            "#desk",
        ],
    );
    tells_nothing_of(&page, &["「でも」", "「ほか」", "（選）", "180円"]);
}

#[tokio::test]
async fn the_card_shows_both_figures_and_that_they_are_new_until_they_were_looked_at() {
    let family = family().await;
    says(
        &family.page(MY_PAGE).await,
        200,
        "使用率と削減可能金額は、まだデータがありません。",
    );
    let shown = shown().await;
    let page = shown.page(MY_PAGE).await;
    let figures = "<dt>削減可能金額</dt><dd>1か月あたり最大1,080円（2026年7月）</dd>";
    tells(&page, &["ジェネリック利用状況", "82.4%", NEW, figures]);
    shown.page(MEDICINES).await;
    let page = shown.page(MY_PAGE).await;
    tells(&page, &["82.4%", figures]);
    tells_nothing_of(&page, &[NEW]);
    // A head of the page is no look at it.
    shown.app.later(60);
    show(&shown, &[medicine("2026-10", "m5", "1-01", "2026-08", GENERIC)]).await;
    let head = shown.father.request(Method::HEAD, MEDICINES);
    assert_eq!(shown.father.send(head).await.status, 200);
    tells(&shown.page(MY_PAGE).await, &[NEW]);
}

#[tokio::test]
async fn where_nothing_has_a_generic_there_is_no_share_and_where_nothing_is_known_no_name() {
    let family = family().await;
    let mut rows = vec![
        medicine("2026-09", "m1", "1-00", "2026-07", "外用,620000001,10,1,3"),
        medicine("2026-09", "m2", "1-00", "2026-06", "内服,999999999,1,30,3"),
    ];
    // One of a hundred may be unknown.
    rows.extend((0..99).map(|nth| medicine("2026-09", &format!("o{nth}"), "2-00", "2026-07", GENERIC)));
    Box::pin(show(&family, &rows)).await;
    let none = "—（対象となるお薬がありません）";
    tells(&family.page(MEDICINES).await, &[none, "ご案内する金額はありません"]);
    tells(&family.page(MY_PAGE).await, &[none, "ご案内する金額はありません"]);
    let july = family.page("/portal/medicines/2026-07").await;
    tells(&july, &["試薬", "外用", "10錠", "30円"]);
    let june = family.page("/portal/medicines/2026-06").await;
    tells(&june, &["名称を確認できないお薬", "—（価格を確認できません）"]);
    tells_nothing_of(&june, &["削減可能金額", "0円"]);
}

#[tokio::test]
async fn what_an_insurer_does_not_propose_is_no_saving_and_has_no_candidates() {
    let usual = GenericSettings::default();
    let strict = [
        GenericSettings {
            min_month_yen: 1_081,
            ..usual
        },
        GenericSettings {
            min_line_yen: 1_081,
            ..usual
        },
        GenericSettings { min_days: 31, ..usual },
        // He is forty-six.
        GenericSettings { min_age: 47, ..usual },
    ];
    for generics in strict {
        let family = with_generics(generics).await;
        show(&family, &[medicine("2026-09", "m1", "1-00", "2026-07", BRAND)]).await;
        for path in [MEDICINES, MY_PAGE] {
            says(&family.page(path).await, 200, "ご案内する金額はありません");
        }
        let month = family.page("/portal/medicines/2026-07").await;
        tells(&month, &["アサガオ錠5mg", "1,800円"]);
        tells_nothing_of(&month, &["削減可能金額", "みほん"]);
    }
    let least = GenericSettings {
        saving: SavingBasis::Least,
        min_month_yen: 0,
        min_age: 46,
        ..usual
    };
    let family = with_generics(least).await;
    show(&family, &[medicine("2026-09", "m1", "1-00", "2026-07", BRAND)]).await;
    for path in [MEDICINES, MY_PAGE] {
        says(&family.page(path).await, 200, "1か月あたり少なくとも180円（2026年7月）");
    }
}

#[tokio::test]
async fn a_month_whose_row_pays_nothing_proposes_nothing() {
    let family = family().await;
    show(
        &family,
        &[medicine("2026-09", "m1", "1-00", "2026-07", "内服,999000001,2,30,0")],
    )
    .await;
    says(&family.page(MEDICINES).await, 200, "ご案内する金額はありません");
    let month = family.page("/portal/medicines/2026-07").await;
    tells(&month, &["<dd>0円</dd>"]);
    tells_nothing_of(&month, &["削減可能金額"]);
}

#[tokio::test]
async fn what_is_no_month_nobody_of_the_family_or_not_open_does_not_exist() {
    let family = shown().await;
    let own = family.ids["1-00"];
    for path in [
        "/2024-10".to_owned(),
        "/2026-12".into(),
        "/2026-7".into(),
        "/202607".into(),
        "/R8.7".into(),
        "/x".into(),
        "/%00".into(),
        format!("?person={own}0"),
        "?person=' OR 1=1".into(),
        format!("?person={}", family.ids["2-00"]),
        format!("?person={}", uuid::Uuid::max()),
    ] {
        let answer = family.father.get(&format!("{MEDICINES}{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    says(&family.page(&format!("{MEDICINES}/2026-08")).await, 200, NONE);
    for state in [FeatureState::Hidden, FeatureState::Preparing] {
        let close = move |folder: &mut Folder| {
            folder.settings.modules = Features::from_iter([(Feature::GenericSavings, state)]);
        };
        let closed = with(close).await;
        show(&closed, &[medicine("2026-09", "m1", "1-00", "2026-07", BRAND)]).await;
        for path in [MEDICINES, "/portal/medicines/2026-07", "/portal/medicines/files"] {
            assert_eq!(closed.father.get(path).await.status, 404, "{path}");
        }
        tells_nothing_of(&closed.page(MY_PAGE).await, &[MEDICINES, "1,080円"]);
    }
}

#[tokio::test]
async fn the_guide_is_named_only_where_it_is_open() {
    let family = with(|folder| {
        folder.settings.modules = Features::from_iter([(Feature::GenericSavings, FeatureState::Open)]);
    })
    .await;
    tells_nothing_of(&family.page(MEDICINES).await, &["medicine-guide"]);
}

#[tokio::test]
async fn what_became_of_medicines_since_they_were_seen_is_told_once() {
    let family = shown().await;
    family.page(MEDICINES).await;
    family.app.later(60);
    let news = [
        medicine("2026-10", "m1", "1-00", "2026-07", "内服,999000001,1,30,3"),
        "2026-10,m2,100,1,01,,2026-06,,,,,,,1".to_owned(),
    ];
    show(&family, &news).await;
    let told = "前回ご覧になったあとに、1件が訂正され、1件が取り下げられました。";
    tells(&family.page(MEDICINES).await, &[told, "最大540円"]);
    tells_nothing_of(&family.page(MEDICINES).await, &["前回ご覧になった"]);
}

#[tokio::test]
async fn pages_take_nine_statements_at_most_and_the_my_page_with_both_cards_seven() {
    let family = shown().await;
    family
        .desk
        .show(&[super::visit(
            "2026-08",
            "c1",
            "1-00",
            "2026-06",
            "東町クリニック",
            1_000,
        )])
        .await;
    family.app.warm().await;
    family.page(MEDICINES).await;
    for (path, most) in [(MEDICINES, 9), ("/portal/medicines/2026-07", 9), (MY_PAGE, 7)] {
        let statements = family.statements(path).await;
        assert!((1..=most).contains(&statements), "{path}: {statements}");
    }
}

#[tokio::test]
async fn programs_are_told_the_share_in_thousandths_too_and_of_nothing_none() {
    let family = family().await;
    let who = family.app.sign_up_as(&people()[3]).await;
    let client = family.app.inside(&who).await;
    let body = json!({ "user_id": who.user_id, "password": PASSWORD });
    let opened = client.call(Method::POST, "/sessions", None, Some(body)).await.json();
    let token = opened["token"].as_str().unwrap();
    let told = async || {
        let overview = client.call(Method::GET, "/me/dashboard", Some(token), None).await;
        overview.json()["generic_use"].clone()
    };
    assert_eq!(told().await, Value::Null);
    let row = |month: &str, what: &str| medicine("2026-09", month, "2-00", month, what);
    show(&family, &[row("2026-07", "外用,620000001,10,1,3")]).await;
    assert_eq!(told().await, Value::Null);
    show(&family, &[row("2026-07", BRAND), row("2026-06", GENERIC)]).await;
    assert_eq!(
        told().await,
        json!({ "percent": 82, "per_mille": 824, "reducible_yen": 1080 })
    );
}
