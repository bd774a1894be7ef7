//! What somebody may not see leaves no trace on any page: not in an amount, a year, a heading, the scale of the bars, the
//! number of statements, nor in what is told of changes.

use super::{COSTS, Family, people, visit};
use crate::statements::taken_back;

/// Every page of the other side.
async fn pages(family: &Family) -> Vec<String> {
    let child = family.ids["1-02"];
    let mut pages = Vec::new();
    let paths = [
        COSTS.to_owned(),
        format!("{COSTS}?year=2025"),
        format!("{COSTS}?year=2026&person={child}"),
        format!("{COSTS}/2026-06"),
        format!("{COSTS}/2026-05"),
        format!("{COSTS}/2025-12"),
        "/portal/mypage".to_owned(),
    ];
    for (nth, path) in paths.into_iter().enumerate() {
        // Now and then a node asks for the insurer's revision besides.
        let mut statements = u64::MAX;
        for _ in 0..3 {
            statements = statements.min(family.statements(&path).await);
        }
        let page = family.page(&path).await;
        pages.push(format!(
            "page {nth}: {statements} statements\n{}",
            plain(family, &page.normalized()).await
        ));
    }
    pages
}

/// Without what differs between any two families.
pub(super) async fn plain(family: &Family, text: &str) -> String {
    let mark = family.father.mark("/portal/account").await.unwrap();
    let text = text
        .replace(&mark, "MARK")
        .replace(family.app.insurer.code.as_str(), "CODE");
    family
        .ids
        .iter()
        .fold(text, |text, (who, id)| text.replace(&id.to_string(), who))
}

/// What is the same in both families; of others the insurer has published every month.
pub(super) fn shared() -> Vec<String> {
    let mut rows = vec![
        visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
        visit("2026-08", "c2", "1-01", "2026-06", "西町医院", 5_000),
    ];
    for (nth, month) in ["2025-12", "2026-05", "2026-06"].into_iter().enumerate() {
        rows.push(visit("2026-08", &format!("o{nth}"), "2-00", month, "別の病院", 1_000));
    }
    rows
}

/// The child was treated, dearly, in months in which nobody else was.
pub(super) fn of_child() -> Vec<String> {
    vec![
        visit("2026-08", "h1", "1-02", "2025-12", "隠れ町小児科", 80_000),
        visit("2026-08", "h2", "1-02", "2026-05", "隠れ町小児科", 70_000),
        visit("2026-08", "h3", "1-02", "2026-06", "隠れ町小児科", 60_000),
        visit("2026-08", "", "1-02", "2026-06", "隠れ町小児科", 500),
    ]
}

// security.md 74
#[tokio::test]
async fn of_a_protected_child_the_pages_of_the_other_side_differ_in_no_byte_from_those_of_a_family_without_its_visits()
{
    let (with, without) = (Family::new().await, Family::new().await);
    with.desk.show(&[shared(), of_child()].concat()).await;
    without.desk.show(&shared()).await;
    for family in [&with, &without] {
        // He has seen what there was to be seen.
        family.protect("1-02").await;
        family.page(COSTS).await;
        family.app.later(60);
        family.app.warm().await;
    }
    // What becomes of the child's claims is not told either.
    let news = vec![visit("2026-09", "c1", "1-00", "2026-06", "東町クリニック", 20_000)];
    let of_child = vec![
        visit("2026-09", "h1", "1-02", "2025-12", "隠れ町小児科", 8_000),
        taken_back("2026-09", "h2", 1, "2026-05").replacen(",00,,", ",02,,", 1),
    ];
    with.desk.show(&[news.clone(), of_child].concat()).await;
    without.desk.show(&news).await;
    let (told, plain) = (pages(&with).await, pages(&without).await);
    for (told, plain) in told.iter().zip(&plain) {
        assert_eq!(told, plain);
    }
    assert!(told[0].contains("20,000円"), "{}", told[0]);
    assert!(told.iter().all(|page| !page.contains("隠れ町")));
}

#[tokio::test]
async fn whoever_keeps_theirs_to_themselves_is_missing_in_the_same_way() {
    use statements::visibility::Audience;
    let (with, without) = (Family::new().await, Family::new().await);
    with.desk.show(&[shared(), of_child()].concat()).await;
    without.desk.show(&shared()).await;
    with.ask("1-02", Audience::SelfOnly).await;
    for family in [&with, &without] {
        family.app.warm().await;
    }
    assert_eq!(pages(&with).await, pages(&without).await);
}

// security.md 51
#[tokio::test]
async fn another_insurers_people_and_rows_do_not_exist() {
    let (here, there) = (Family::new().await, Family::of(|_| (), &people()).await);
    there
        .desk
        .show(&[visit("2026-08", "c1", "1-01", "2026-06", "よその医院", 5_000)])
        .await;
    here.desk
        .show(&[visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 1_000)])
        .await;
    for person in [there.ids["1-01"], here.ids["2-00"], kernel::PersonId(uuid::Uuid::nil())] {
        let answer = here.father.get(&format!("{COSTS}?person={person}")).await;
        assert_eq!(answer.status, 404, "{person}");
    }
    for path in [COSTS.to_owned(), format!("{COSTS}/2026-06")] {
        assert!(!here.page(&path).await.text.contains("よその医院"));
    }
}
