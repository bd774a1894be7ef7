//! 確定申告用: a year's sums as the tax return asks for them, and nothing that the tax office has blacked out.

use super::{
    at_home::{AtHome, NUMBER, SYMBOL, family, paid, row},
    cost,
};
use crate::portal::says;
use reqwest::Method;
use tenancy::{Feature, FeatureState, Features, OfficialNotice};
use testkit::TestPerson;

const TAX: &str = "/portal/costs/tax/2026";

/// What is read: the page's text without its tags.
fn text(page: &str) -> String {
    let (mut text, mut is_tag) = (String::new(), false);
    for c in page.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text
}

#[tokio::test]
async fn a_year_is_summed_with_and_without_institution_and_benefits_beside_them() {
    let home = AtHome::paid().await;
    let page = home.father.get(TAX).await;
    says(&page, 200, "2026年（令和8年）分の医療費（確定申告用）");
    for said in [
        "① 支払った医療費（医療機関名のある分）</dt><dd>69,700円",
        "② 支払った医療費（医療機関名のない分）</dt><dd>800円（医療機関名がないため、領収書が必要です）",
        "③ 補てんされる金額のめやす（支給額）</dt><dd>20,000円",
        "9月・10月・11月・12月診療分は、まだ届いていません。領収書をもとに申告してください。",
    ] {
        says(&page, 200, said);
    }
    let rows: Vec<&str> = page.text.split("<tr><th scope=\"row\">").skip(1).collect();
    let has = |who: &str, what: &[&str]| {
        let found = rows.iter().filter(|row| row.starts_with(who));
        found.filter(|row| what.iter().all(|part| row.contains(part))).count()
    };
    assert_eq!(rows.len(), 4);
    // The months of one institution are one line.
    assert_eq!(has("北村 一郎", &["東町クリニック", "診療・治療", ">6,000円<"]), 1);
    assert_eq!(has("北村 一郎", &["西町薬局", "医薬品購入", ">1,200円<"]), 1);
    assert_eq!(has("北村 花子", &["中央病院", ">62,500円<", ">20,000円<"]), 1);
    assert_eq!(has("北村 次郎", &["領収書が必要です", ">800円<", ">0円<"]), 1);
}

#[tokio::test]
async fn what_the_page_is_good_for_is_said_as_the_insurer_has_it() {
    let none = "この印刷は申告に添付できません。明細書を作る控えとしてお使いください。領収書は5年間保管してください。";
    let paper = "1月下旬にお送りする医療費通知（書面）を添付してください。";
    for (notice, said, unsaid) in [
        (OfficialNotice::None, none, paper),
        (OfficialNotice::Paper, paper, none),
    ] {
        let home = AtHome::with(|folder| folder.settings.statements.official_notice = notice).await;
        home.desk.show(&paid()).await;
        let page = home.father.get(TAX).await;
        says(&page, 200, said);
        says(&page, 200, "マイナポータル");
        says(&page, 200, "data-print");
        assert!(!page.text.contains(unsaid), "{}", page.text);
    }
}

#[tokio::test]
async fn all_months_are_there_once_the_delivery_two_months_after_december_is() {
    let home = AtHome::paid().await;
    home.app.later(120 * 24 * 3600);
    let rows =
        [row(("00", "F9"), "2026-12,医科外来,1,東町クリニック,1000,700,0,300,0,0").replacen("2026-10", "2027-01", 1)];
    home.desk.show(&rows).await;
    let father = home.app.inside(&home.who).await;
    says(
        &father.get(TAX).await,
        200,
        "12月診療分は、まだ届いていません。領収書をもとに申告してください。",
    );
    let rows = [row(("00", "F8"), "2026-12,医科外来,1,南医院,1000,700,0,300,0,0").replacen("2026-10", "2027-02", 1)];
    home.desk.show(&rows).await;
    let page = father.get(TAX).await;
    says(&page, 200, "70,300円");
    assert!(!page.text.contains("まだ届いていません"), "{}", page.text);
}

#[tokio::test]
async fn who_may_see_no_row_finds_that_there_is_nothing_yet_and_no_nought() {
    let home = AtHome::new().await;
    let people = [family(), vec![TestPerson::new(1)]].concat();
    home.app.insurer.import(&people).await;
    home.desk.show(&[cost("2026-10", "X1", 1, "2026-06", 1_000)]).await;
    let page = home.father.get(TAX).await;
    says(&page, 200, "まだデータがありません");
    assert!(!page.text.contains(">0円"), "{}", page.text);
}

#[tokio::test]
async fn a_year_that_is_not_published_or_not_written_so_is_no_page() {
    let home = AtHome::paid().await;
    for year in [
        "2025",
        "2027",
        "2019",
        "02026",
        "+2026",
        "2026年",
        "-2026",
        "99999999999",
        "x",
    ] {
        let answer = home.father.get(&format!("/portal/costs/tax/{year}")).await;
        assert_eq!(answer.status, 404, "{year}");
    }
    let head = home.father.send(home.father.request(Method::HEAD, TAX)).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_eq!(head.header("cache-control"), "no-store");
}

#[tokio::test]
async fn where_the_insurer_has_not_opened_costs_there_is_neither_page_nor_file() {
    for state in [FeatureState::Hidden, FeatureState::Preparing] {
        let home = AtHome::with(|folder| {
            folder.settings.modules = Features::from_iter([(Feature::CostStatements, state)]);
        })
        .await;
        home.desk.show(&paid()).await;
        let wish = [("year", "2026"), ("file", "rows")];
        for answer in [
            home.father.get(TAX).await,
            home.father.get("/portal/costs/files").await,
            home.father.post("/portal/costs/files", &wish).await,
        ] {
            assert_eq!(answer.status, 404, "{state:?}");
        }
    }
}

#[tokio::test]
async fn no_number_of_the_insurance_stands_on_the_page_or_on_its_print() {
    let home = AtHome::paid().await;
    let page = home.father.get(TAX).await;
    says(&page, 200, "北村 花子");
    for number in [SYMBOL, NUMBER] {
        assert!(!page.text.contains(number), "{number}: {}", page.text);
    }
    // The logo's address has the insurer's code; nobody reads or prints it.
    let code = home.app.insurer.code.as_str();
    assert!(!text(&page.text).contains(code), "{}", page.text);
}
