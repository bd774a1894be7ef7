//! What somebody may not see of medicines leaves no trace, and no name in a file is markup.

use super::{BRAND, GENERIC, MEDICINES, MY_PAGE, family, from, medicine, show};
use crate::statements::pages::{Family, hidden::plain, tells, tells_nothing_of};
use kernel::PersonId;
use statements::{
    disclosures::{self, AskedBy},
    visibility::Audience,
};

/// Every page of the other side, and its file.
async fn pages(family: &Family) -> Vec<String> {
    let child = family.ids["1-02"];
    let mut pages = Vec::new();
    for path in [
        MEDICINES.to_owned(),
        format!("{MEDICINES}?person={child}"),
        format!("{MEDICINES}/2026-07"),
        format!("{MEDICINES}/2026-05"),
        format!("{MEDICINES}/2025-12"),
        format!("{MEDICINES}/files"),
        MY_PAGE.to_owned(),
    ] {
        let (statements, page) = (family.statements(&path).await, family.page(&path).await);
        let page = plain(family, &page.normalized()).await;
        pages.push(format!("{statements} statements\n{page}"));
    }
    for year in ["2026", "2025"] {
        let wish = [("year", year), ("file", "medicines"), ("current_password", "")];
        let file = family.father.post("/portal/medicines/files", &wish).await;
        assert_eq!(file.status, 200, "{}", file.text);
        pages.push(file.text);
    }
    pages
}

/// What is the same in both families; of others the insurer has published every month.
fn shared() -> Vec<String> {
    let mut rows = vec![
        medicine("2026-09", "m1", "1-00", "2026-07", BRAND),
        medicine("2026-09", "m2", "1-01", "2026-06", GENERIC),
    ];
    for (nth, month) in ["2025-12", "2026-05", "2026-07"].into_iter().enumerate() {
        rows.push(medicine("2026-09", &format!("o{nth}"), "2-00", month, BRAND));
    }
    rows
}

fn of_child() -> Vec<String> {
    let row = |claim: &str, month: &str| from("隠れ町薬局", "2026-09", claim, "1-02", month, "内服,999000001,9,60,3");
    vec![row("h1", "2025-12"), row("h2", "2026-05"), row("h3", "2026-07")]
}

async fn with_and_without() -> (Family, Family) {
    let (with, without) = (Box::pin(family()).await, Box::pin(family()).await);
    Box::pin(show(&with, &[shared(), of_child()].concat())).await;
    Box::pin(show(&without, &shared())).await;
    (with, without)
}

async fn are_alike(with: &Family, without: &Family) {
    for family in [with, without] {
        // He has seen what there was to be seen.
        family.page(MEDICINES).await;
        family.app.later(60);
        family.app.warm().await;
        // The session is noted as used, and the insurer read anew, by whichever page comes first.
        family.page(MY_PAGE).await;
    }
    let (told, plain) = (pages(with).await, pages(without).await);
    for (told, plain) in told.iter().zip(&plain) {
        assert_eq!(told, plain);
    }
    assert!(told[0].contains("最大1,080円"), "{}", told[0]);
    assert!(told.iter().all(|page| !page.contains("隠れ町")));
}

// security.md 74
#[tokio::test]
async fn of_a_protected_child_the_pages_and_files_of_medicines_differ_in_no_byte_from_those_without_its_medicines() {
    let (with, without) = Box::pin(with_and_without()).await;
    for family in [&with, &without] {
        family.protect("1-02").await;
    }
    are_alike(&with, &without).await;
}

#[tokio::test]
async fn medicines_that_somebody_keeps_to_themselves_are_missing_in_the_same_way() {
    let (with, without) = Box::pin(with_and_without()).await;
    let mut tx = with.desk.test.write(with.desk.tenant()).await;
    let whose: (PersonId, _) = (with.ids["1-02"], super::Kind::Medicines);
    let wish = (Audience::SelfOnly, Audience::Household);
    disclosures::set(&mut tx, with.app.clock().now(), whose, wish, AskedBy::Person)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    are_alike(&with, &without).await;
}

// security.md 51
#[tokio::test]
async fn another_insurers_medicines_do_not_exist() {
    let (here, there) = (family().await, family().await);
    let row = from("よその薬局", "2026-09", "m1", "1-01", "2026-07", BRAND);
    show(&there, &[row]).await;
    show(&here, &[medicine("2026-09", "m1", "1-00", "2026-07", BRAND)]).await;
    let answer = here
        .father
        .get(&format!("{MEDICINES}?person={}", there.ids["1-01"]))
        .await;
    assert_eq!(answer.status, 404);
    tells_nothing_of(&here.page("/portal/medicines/2026-07").await, &["よその薬局"]);
}

#[tokio::test]
async fn a_pharmacys_name_is_never_markup() {
    let family = family().await;
    let row = from("<b>薬局</b>髙﨑𠮷", "2026-09", "m1", "1-00", "2026-07", BRAND);
    show(&family, &[row]).await;
    let page = family.page("/portal/medicines/2026-07").await;
    tells(&page, &["薬局", "髙﨑𠮷"]);
    tells_nothing_of(&page, &["<b>薬局"]);
}
