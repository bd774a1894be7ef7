//! Names as they come: markup, rare characters, long ones.

use super::{COSTS, Family, amounts, people, tells, tells_nothing_of, visit};
use testkit::TestPerson;

#[tokio::test]
async fn whatever_an_institution_or_a_person_is_called_is_text() {
    let [father, mother, child, other] = people();
    let rare = TestPerson {
        name: "髙﨑　𠮷之助".into(),
        ..mother
    };
    let family = Family::of(|_| (), &[father, rare, child, other]).await;
    let long = "医療法人社団".repeat(16);
    let rows = [
        visit(
            "2026-08",
            "c1",
            "1-01",
            "2026-06",
            "<b>東町</b><script>alert(1)</script>",
            1_000,
        ),
        visit("2026-08", "c3", "1-01", "2026-06", "髙﨑𠮷内科", 1_000),
        visit("2026-08", "c4", "1-01", "2026-06", &long, 1_000),
        amounts("2026-08", "c5", "1-01", "2026-06", "あはき,3,", (3_000, 900)),
    ];
    family.desk.show(&rows).await;
    for path in [COSTS, "/portal/costs/2026-06"] {
        let page = family.page(path).await;
        for part in ["髙﨑 𠮷之助", "髙﨑𠮷内科", "&#60;b&#62;東町", &long, "名前の記録なし"] {
            tells(&page, &[part]);
        }
        tells_nothing_of(&page, &["<b>", "<script>alert"]);
    }
}

#[tokio::test]
async fn rows_without_a_claim_number_that_take_each_other_back_are_one_or_none() {
    let family = Family::new().await;
    let row = |institution: &str, total: i64| {
        amounts(
            "2026-08",
            "",
            "1-00",
            "2026-06",
            &format!("医科外来,1,{institution}"),
            (total, total / 5),
        )
    };
    let rows = [
        row("東町クリニック", 1_500),
        row("東町クリニック", -1_500),
        row("東町クリニック", 1_200),
        row("西町医院", 4_000),
        row("西町医院", -4_000),
    ];
    family.desk.show(&rows).await;
    let page = family.page(COSTS).await;
    tells(
        &page,
        &["あなたとご家族で240円でした", "東町クリニック", "訂正", "1,200円"],
    );
    tells_nothing_of(&page, &["西町医院", "1,500円"]);
}
