//! A year of 医療費通知: what stands on the page, and how it is narrowed.

use super::{COSTS, Family, amounts, people, tells, tells_nothing_of, visit};
use crate::portal::says;
use statements::visibility::Audience;
use testkit::TestPerson;

const ALWAYS: [&str; 4] = [
    "診療を受けた月のおよそ3か月後に載ります。請求が遅れると、もっと後になります。",
    "窓口の額は10円未満を四捨五入するため、数円ちがうことがあります。自治体の助成などで実際の支払いが少ないこともあります。",
    "ご家族の分は、ご本人の希望などにより表示していないことがあります。",
    "領収書の代わりにはなりません。",
];

/// Of all three in May and June of 2026, of the mother in 2025, of somebody else in both years.
async fn shown() -> Family {
    let family = Family::new().await;
    let rows = [
        visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
        visit("2026-08", "c2", "1-01", "2026-05", "西町医院", 5_000),
        amounts("2026-08", "c3", "1-02", "2026-06", "歯科外来,2,南町歯科", (2_000, 0)),
        amounts("2026-08", "c4", "1-01", "2025-12", "調剤,1,北町薬局", (1_000, 300)),
        visit("2026-08", "c5", "2-00", "2026-04", "別の病院", 90_000),
    ];
    family.desk.show(&rows).await;
    family
}

#[tokio::test]
async fn a_year_is_a_sum_in_a_sentence_months_as_bars_and_rows_by_month() {
    let family = shown().await;
    let page = family.page(COSTS).await;
    tells(
        &page,
        &[
            "2026年の窓口負担は、あなたとご家族で4,500円でした（6月診療分まで）。",
            "月ごとの総額と窓口負担",
            // The dearest month takes the whole width, the others their part of it.
            r#"<a href="/portal/costs/2026-06">6月</a>"#,
            r#"<rect class="a" width="100.0" height="9"/><rect class="b" y="10" width="25.0" height="9"/>"#,
            "12,000円",
            "3,000円",
            r#"<a href="/portal/costs/2026-05">5月</a>"#,
            r#"width="41.6""#,
            "診療の明細",
            "2026年6月診療分",
            "健保 太郎",
            "医科外来",
            "東町クリニック",
            "1日",
            "10,000円",
            "7,000円",
            "3,000円",
            "身に覚えがない",
            "健保 一郎",
            "歯科外来",
            "南町歯科",
            "2日",
            "2,000円",
            // Truly nothing.
            ">0円<",
            "2026年5月診療分",
            "健保 花子",
            "西町医院",
        ],
    );
    tells(&page, &ALWAYS);
    tells_nothing_of(&page, &["別の病院", "北町薬局", " style=", "まだデータがありません"]);
    // June's claims came in August, as they do; May's came late.
    assert_eq!(page.text.matches("遅れて届いた分").count(), 1);
    let my_page = family.father.get("/portal/mypage").await;
    says(&my_page, 200, r#"<a href="/portal/costs">医療費通知</a>"#);
}

#[tokio::test]
async fn it_is_narrowed_to_a_year_and_to_one_of_the_family() {
    let family = shown().await;
    let of = |who: &str| format!("{COSTS}?year=2026&person={}", family.ids[who]);
    let page = family.page(&of("1-01")).await;
    says(
        &page,
        200,
        "2026年の健保 花子さんの窓口負担は、1,500円でした（6月診療分まで）。",
    );
    tells_nothing_of(&page, &["東町クリニック", "南町歯科"]);
    let chosen = format!(r#"<option value="{}" selected>健保 花子</option>"#, family.ids["1-01"]);
    says(&page, 200, &chosen);
    // One's own, and one who paid nothing.
    says(
        &family.page(&of("1-00")).await,
        200,
        "2026年のあなたの窓口負担は、3,000円でした",
    );
    says(
        &family.page(&of("1-02")).await,
        200,
        "2026年の健保 一郎さんの窓口負担は、0円でした",
    );
    let before = family.page(&format!("{COSTS}?year=2025&person=")).await;
    tells(
        &before,
        &[
            "2026年（令和8年）",
            r#"<option value="2025" selected>"#,
            "あなたとご家族で300円でした（12月診療分まで）",
        ],
    );
    tells(&before, &["調剤", "北町薬局", "1回"]);
    tells_nothing_of(&before, &["西町医院"]);
}

#[tokio::test]
async fn years_and_family_are_offered_alike_whether_or_not_there_is_a_row_and_nothing_is_never_zero() {
    let family = shown().await;
    let other = family.other(&people()[3]).await;
    let page = other.get(&format!("{COSTS}?year=2025")).await;
    says(&page, 200, "まだデータがありません");
    tells(
        &page,
        &[r#"<option value="2026">"#, r#"<option value="2025" selected>"#],
    );
    tells(&page, &ALWAYS);
    tells_nothing_of(&page, &[">0円", "、0円", "受診者</label>", "<table"]);
    says(
        &other.get(COSTS).await,
        200,
        "2026年のあなたの窓口負担は、27,000円でした（6月診療分まで）。",
    );
    // Whoever has no row is listed all the same.
    let child = format!("{COSTS}?year=2025&person={}", family.ids["1-02"]);
    let page = family.page(&child).await;
    says(&page, 200, "まだデータがありません");
    tells_nothing_of(&page, &[">0円", "、0円"]);
}

#[tokio::test]
async fn before_anything_is_published_there_is_no_year_and_no_sum() {
    let family = Family::new().await;
    let page = family.page(COSTS).await;
    says(&page, 200, "まだデータがありません");
    tells(&page, &ALWAYS);
    tells_nothing_of(&page, &[">0円", "、0円", "表示する", "<table"]);
}

#[tokio::test]
async fn the_sum_falls_at_the_next_look_once_somebody_wants_theirs_for_themselves() {
    let family = shown().await;
    says(&family.page(COSTS).await, 200, "あなたとご家族で4,500円でした");
    family.ask("1-01", Audience::SelfOnly).await;
    let page = family.page(COSTS).await;
    says(
        &page,
        200,
        "2026年の窓口負担は、あなたとご家族で3,000円でした（6月診療分まで）。",
    );
    tells_nothing_of(&page, &["西町医院", "2026年5月"]);
    tells_nothing_of(&family.page(&format!("{COSTS}?year=2025")).await, &["北町薬局"]);
    family.ask("1-01", Audience::Household).await;
    says(&family.page(COSTS).await, 200, "あなたとご家族で4,500円でした");
}

#[tokio::test]
async fn who_was_a_dependant_is_named_at_their_rows_and_is_no_choice_any_more() {
    let family = shown().await;
    let gone: Vec<TestPerson> = people()
        .into_iter()
        .map(|person| TestPerson {
            lost_on: if person.branch == "01" {
                "2026-10-01".into()
            } else {
                String::new()
            },
            ..person
        })
        .collect();
    family.app.insurer.import(&gone).await;
    let page = family.page(COSTS).await;
    tells(&page, &["あなたとご家族で4,500円でした", "健保 花子", "西町医院"]);
    tells_nothing_of(&page, &[">健保 花子</option>"]);
    let of = format!("{COSTS}?person={}", family.ids["1-01"]);
    assert_eq!(family.father.get(&of).await.status, 404);
}
