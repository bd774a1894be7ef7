//! Facts by hand and imports that are undone: what an import ended holds again with its undoing, as if the import had not been.

use super::{
    facts::{id_of, jiro, load, mended, said},
    undo::{HANAKO, SHOKO, last_run, undo},
};
use crate::portal::says;
use access::Role;
use chrono::TimeDelta;
use kernel::PersonId;
use testkit::{TestApp, TestClerk};

/// The facts that hold, each with what the last file said and since when.
async fn held(app: &TestApp) -> Vec<String> {
    let facts = "SELECT concat_ws(' ', person_id, field, from_file, set_at) AS line FROM facts_by_hand ORDER BY 1";
    app.insurer.lines(facts).await
}

async fn undone(app: &TestApp, clerk: &TestClerk, run: &str) -> String {
    let begun = undo(clerk, run).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    app.work().await;
    app.later(1);
    begun.location().to_owned()
}

async fn two() -> (TestApp, TestClerk, PersonId) {
    let app = TestApp::start().await;
    load(&app, &[SHOKO, HANAKO]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let shoko = id_of(&app, "105", "00").await;
    (app, clerk, shoko)
}

#[tokio::test]
async fn a_fact_that_an_undone_import_ended_holds_again_since_when_it_did() {
    let (app, clerk, shoko) = two().await;
    mended(
        &clerk,
        shoko,
        &[("name", "健保　幸子"), ("phone", "03-1"), ("number", "777")],
    )
    .await;
    let before = held(&app).await;
    assert_eq!(before.len(), 3);
    // Another name and another number: both facts are over, the third is not.
    let other = SHOKO.replace("健保　祥子", "健保　翔子");
    let other = other.replace("100,105,00", "100,888,00");
    load(&app, &[&other, HANAKO]).await;
    assert_eq!(said(&app, shoko, "name || number || phone").await, "健保　翔子88803-1");
    assert_eq!(held(&app).await.len(), 1);
    let run = last_run(&app).await;
    undone(&app, &clerk, &run).await;
    assert_eq!(said(&app, shoko, "name || number || phone").await, "健保　幸子77703-1");
    assert_eq!(held(&app).await, before);
    // They hold against what the files said before, and end with what is new.
    assert_eq!(load(&app, &[SHOKO, HANAKO]).await.changed, 0);
    assert_eq!(held(&app).await, before);
    load(&app, &[&SHOKO.replace("健保　祥子", "健保　彰子"), HANAKO]).await;
    assert_eq!(said(&app, shoko, "name || number").await, "健保　彰子777");
}

#[tokio::test]
async fn a_fact_that_ended_without_changing_anybody_holds_again_too() {
    let (app, clerk, shoko) = two().await;
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    let before = held(&app).await;
    // The file says what the hand said: of her nothing changes.
    let same = SHOKO.replace("健保　祥子", "健保　幸子");
    load(&app, &[&same, &HANAKO.replace("健保　花子", "健保　華子")]).await;
    assert_eq!(held(&app).await, [""; 0]);
    let run = last_run(&app).await;
    undone(&app, &clerk, &run).await;
    assert_eq!(held(&app).await, before);
    load(&app, &[SHOKO, HANAKO]).await;
    assert_eq!(said(&app, shoko, "name").await, "健保　幸子");
}

#[tokio::test]
async fn whom_staff_added_waits_the_rest_of_the_thirty_days_once_the_import_that_brought_them_is_undone() {
    let (app, clerk, _) = two().await;
    assert_eq!(clerk.post("/console/members/add", &jiro("900", &[])).await.status, 303);
    let jiro = id_of(&app, "900", "00").await;
    let before = held(&app).await;
    app.insurer.clock.advance(TimeDelta::days(20));
    let brought = "100,900,00,スズキ　ジロウ,鈴木　次郎,19850401,本人,,,,B01";
    load(&app, &[SHOKO, HANAKO, brought]).await;
    assert_eq!(held(&app).await, [""; 0]);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = last_run(&app).await;
    undone(&app, &clerk, &run).await;
    assert_eq!(held(&app).await, before);
    assert_eq!(said(&app, jiro, "present || workplace_code").await, "true");
    app.insurer.clock.advance(TimeDelta::days(9));
    assert_eq!(load(&app, &[SHOKO, HANAKO]).await.lost, 0);
    app.insurer.clock.advance(TimeDelta::days(2));
    assert_eq!(load(&app, &[SHOKO, HANAKO]).await.lost, 1);
    // Lost for the time alone: undone, they are back, and the next file loses them again.
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = last_run(&app).await;
    undone(&app, &clerk, &run).await;
    assert_eq!(said(&app, jiro, "present").await, "true");
    assert_eq!(load(&app, &[SHOKO, HANAKO]).await.lost, 1);
}

#[tokio::test]
async fn whoever_changed_since_keeps_what_was_set_since_and_is_listed() {
    let (app, clerk, shoko) = two().await;
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    load(&app, &[&SHOKO.replace("健保　祥子", "健保　翔子"), HANAKO]).await;
    let run = last_run(&app).await;
    mended(&clerk, shoko, &[("name", "健保　咲子")]).await;
    let since = held(&app).await;
    assert!(since.len() == 1 && since[0].contains("健保　翔子"), "{since:?}");
    let undoing = undone(&app, &clerk, &run).await;
    assert_eq!(held(&app).await, since);
    let page = clerk.get(&undoing).await;
    says(&page, 200, "1人は戻しませんでした");
    says(&page, 200, "健保　咲子");
}

#[tokio::test]
async fn an_undoing_that_is_undone_ends_the_facts_again_and_undone_once_more_brings_them_back() {
    let (app, clerk, shoko) = two().await;
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    let before = held(&app).await;
    load(&app, &[&SHOKO.replace("健保　祥子", "健保　翔子"), HANAKO]).await;
    let import = last_run(&app).await;
    let first = undone(&app, &clerk, &import).await;
    assert_eq!(held(&app).await, before);
    let second = undone(&app, &clerk, &first).await;
    assert_eq!(said(&app, shoko, "name").await, "健保　翔子");
    assert_eq!(held(&app).await, [""; 0]);
    undone(&app, &clerk, &second).await;
    assert_eq!(said(&app, shoko, "name").await, "健保　幸子");
    assert_eq!(held(&app).await, before);
}
