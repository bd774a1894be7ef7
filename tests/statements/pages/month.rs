//! One month in full.

use super::{COSTS, Family, amounts, tells, tells_nothing_of, visit};
use crate::portal::says;
use tenancy::{Feature, FeatureState, Features};

#[tokio::test]
async fn a_month_shows_its_rows_in_full_how_the_amounts_come_about_and_its_neighbours() {
    let family = Family::new().await;
    let stay = amounts(
        "2026-08",
        "c2",
        "1-01",
        "2026-06",
        "医科入院,5,西町病院",
        (300_000, 90_000),
    );
    let rows = [
        visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
        // Meals and what was given back of it.
        stay.replace(",90000,0,0,", ",90000,4900,9570,"),
        amounts("2026-08", "c3", "1-00", "2026-06", "柔整,4,", (4_000, 1_200)),
        visit("2026-08", "c4", "1-00", "2026-05", "南町医院", 2_000),
    ];
    family.desk.show(&rows).await;
    let page = family.page("/portal/costs/2026-06").await;
    tells(
        &page,
        &[
            "2026年6月診療分の医療費",
            "2026年6月診療分の窓口負担は、あなたとご家族で94,200円でした。",
            "健保 太郎さん　東町クリニック",
            "10,000円",
            "7,000円",
            ">0円<",
            "3,000円",
            "身に覚えがない",
            "健保 太郎さん　名前の記録なし",
            "柔整　4日",
            "健保 花子さん　西町病院",
            "医科入院　5日",
            "食事の標準負担額",
            "4,900円",
            "支給額",
            "9,570円",
            "「名前の記録なし」は、",
            r#"<a class="alone" href="/portal/costs/2026-05">前の月（2026年5月）</a>"#,
            r#"<a class="alone" href="/portal/costs/2026-07">次の月（2026年7月）</a>"#,
            "金額の見かた",
            "領収書の代わりにはなりません。",
            "#desk",
        ],
    );
    tells_nothing_of(&page, &["南町医院", " style="]);
    // Amounts that there are none of are not named at a row.
    assert_eq!(page.text.matches("4,900円").count(), 1);
    let may = family.page("/portal/costs/2026-05").await;
    says(&may, 200, "2026年5月診療分の窓口負担は、あなたとご家族で600円でした。");
    tells_nothing_of(&may, &["名前の記録なし"]);
}

#[tokio::test]
async fn a_month_without_a_row_says_so_and_what_is_no_month_or_not_kept_does_not_exist() {
    let family = Family::new().await;
    family
        .desk
        .show(&[visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000)])
        .await;
    let empty = family.page("/portal/costs/2026-08").await;
    says(&empty, 200, "まだデータがありません");
    tells_nothing_of(&empty, &[">0円", "、0円", "次の月"]);
    // Two years are kept.
    let oldest = family.page("/portal/costs/2024-11").await;
    tells_nothing_of(&oldest, &["前の月"]);
    for month in [
        "2024-10",
        "2026-12",
        "2030-01",
        "2026-13",
        "2026-00",
        "2026-6",
        "202606",
        "2026-06-01",
        "R8.6",
        "2026-06%20",
        "x",
        "%00",
        "%F0%9F%92%8A",
        "-1-01",
        "99999999-01",
    ] {
        let answer = family.father.get(&format!("{COSTS}/{month}")).await;
        assert_eq!(answer.status, 404, "{month}");
    }
}

#[tokio::test]
async fn what_is_no_year_or_nobody_of_the_family_does_not_exist() {
    let family = Family::new().await;
    family
        .desk
        .show(&[visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000)])
        .await;
    let own = family.ids["1-00"];
    for query in [
        "year=2025".to_owned(),
        "year=abc".into(),
        "year=02026".into(),
        "year=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%96".into(),
        "year=99999999999999999999".into(),
        "person=0".into(),
        "person=' OR 1=1".into(),
        format!("person={own}0"),
        format!("person={}", family.ids["2-00"]),
        format!("person={}", uuid::Uuid::max()),
    ] {
        let answer = family.father.get(&format!("{COSTS}?{query}")).await;
        assert_eq!(answer.status, 404, "{query}");
    }
    for query in ["", "year=", "year=2026", "person=", "more=1", "year=2026&year=1"] {
        assert_eq!(
            family.father.get(&format!("{COSTS}?{query}")).await.status,
            200,
            "{query}"
        );
    }
}

#[tokio::test]
async fn while_the_insurer_has_not_opened_it_there_is_no_such_page_and_no_way_to_it() {
    for state in [FeatureState::Hidden, FeatureState::Preparing] {
        let close = |folder: &mut tenancy::Folder| {
            folder.settings.modules = Features::from_iter([(Feature::CostStatements, state)]);
        };
        let family = Family::of(close, &super::people()).await;
        family
            .desk
            .show(&[visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000)])
            .await;
        for path in [COSTS, "/portal/costs/2026-06"] {
            assert_eq!(family.father.get(path).await.status, 404, "{path}");
        }
        tells_nothing_of(&family.page("/portal/mypage").await, &[COSTS]);
    }
}
