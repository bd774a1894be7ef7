//! Files of changes in the console: whom they touch, whose number is whose once they are undone, and numbers set by hand beside
//! those of files.

use super::{
    facts::{id_of, load, mend, mended},
    roster::{HANAKO, HEADER, SHOKO, compared, present, press},
};
use access::Role;
use testkit::{TestApp, TestClerk};

/// Somebody new under Shoko's number and branch.
const NEW: &str = "100,105,00,ベツノ　ヒト,別野　人,19910203,本人,";

pub(crate) fn delta(rows: &[(&str, &str)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(row, movement)| format!("{row},{movement}")).collect();
    format!("{HEADER},異動区分\r\n{}\r\n", rows.join("\r\n"))
}

/// The row with the tests' day as its 資格喪失日.
pub(crate) fn lost(app: &TestApp, row: &str) -> String {
    format!("{row}{}", kernel::calendar::today_in_japan(app.clock().now()))
}

/// A file imported by one person, to its end; where its run is.
pub(super) async fn imported(app: &TestApp, clerk: &TestClerk, file: &str) -> String {
    app.later(1);
    let run = compared(app, clerk, file.as_bytes()).await;
    let started = clerk.post(&format!("{run}/start"), &[("agree", "1")]).await;
    assert_eq!(started.status, 303, "{}", started.text);
    app.work().await;
    app.later(1);
    run
}

/// Who has a number, and whether they are covered.
async fn holders(app: &TestApp, number: &str) -> Vec<String> {
    let query = format!(
        "SELECT concat_ws(' ', kana_name, CASE WHEN present THEN 'present' END, CASE WHEN lost_on IS NULL THEN 'covered' END)
             AS line
         FROM persons WHERE number = '{number}' ORDER BY person_id"
    );
    app.insurer.lines(&query).await
}

#[tokio::test]
async fn a_file_of_changes_touches_whom_it_names_and_loses_nobody_by_absence() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = compared(&app, &clerk, delta(&[(HANAKO, "追加")]).as_bytes()).await;
    let page = clerk.get(&run).await.text;
    assert!(
        page.contains("異動分のファイルです") && !page.contains("合わせて5％"),
        "{page}"
    );
    press(&clerk, &run, "start").await;
    app.work().await;
    assert_eq!(present(&app).await, 2);
    app.later(1);
    // Whom the roster does not know can't be changed.
    let unknown = "100,999,00,ケンポ　ダレカ,,19850401,本人,";
    let run = compared(&app, &clerk, delta(&[(unknown, "変更")]).as_bytes()).await;
    let page = clerk.get(&run).await.text;
    assert!(page.contains("加入者の名簿に見つかりません"), "{page}");
    assert_eq!(present(&app).await, 2);
}

#[tokio::test]
async fn a_number_that_went_to_another_comes_back_when_the_file_is_undone_and_not_once_the_other_has_changed() {
    for has_changed in [false, true] {
        let app = TestApp::start().await;
        let clerk = app.clerk(&[Role::Eligibility]).await;
        let gone = lost(&app, SHOKO);
        let run = imported(
            &app,
            &clerk,
            &delta(&[(&gone, "喪失"), (NEW, "追加"), (HANAKO, "追加")]),
        )
        .await;
        assert_eq!(
            holders(&app, "105").await,
            ["ケンポ　ショウコ", "ベツノ　ヒト present covered"]
        );
        if has_changed {
            let other = "SELECT person_id::text AS line FROM persons WHERE kana_name = 'ベツノ　ヒト'";
            let other = kernel::PersonId::parse(&app.insurer.lines(other).await[0]).unwrap();
            assert_eq!(mend(&clerk, other, &[("phone", "03-1")]).await.1.status, 303);
        }
        let undone = clerk.post(&format!("{run}/undo"), &[]).await;
        assert_eq!(undone.status, 303, "{}", undone.text);
        app.work().await;
        let page = clerk.get(undone.location()).await.text;
        assert!(page.contains("取り消しました"), "{page}");
        let whose = holders(&app, "105").await;
        if has_changed {
            assert_eq!(whose, ["ケンポ　ショウコ", "ベツノ　ヒト present covered"]);
            assert!(page.contains("2人は戻しませんでした"), "{page}");
        } else {
            assert_eq!(whose, ["ケンポ　ショウコ present covered", "ベツノ　ヒト"]);
        }
        assert_eq!(app.insurer.count("person_numbers", "true").await, 0);
        assert_eq!(
            holders(&app, "106").await,
            ["ケンポ　ハナコ"],
            "whom the file brought is lost"
        );
    }
}

#[tokio::test]
async fn a_number_by_hand_is_one_persons_though_two_have_had_it() {
    let app = TestApp::start().await;
    let (shoko, hanako) = (format!("{SHOKO},,,A01"), format!("{HANAKO},,,A01"));
    load(&app, &[&shoko, &hanako]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let (first, second) = (id_of(&app, "105", "00").await, id_of(&app, "106", "00").await);
    assert_eq!(mend(&clerk, first, &[("number", "300")]).await.1.status, 303);
    load(&app, &[&hanako]).await;
    assert_eq!(mend(&clerk, second, &[("number", "300")]).await.1.status, 303);
    // The file brings the first one again, under the number that it always said.
    let report = load(&app, &[&shoko, &hanako]).await;
    assert_eq!((report.returned, report.new, report.lost), (1, 0, 0));
    assert_eq!(
        (id_of(&app, "105", "00").await, id_of(&app, "300", "00").await),
        (first, second)
    );
}

#[tokio::test]
async fn numbers_swapped_by_hand_stay_so_until_the_file_has_one_for_somebody_else() {
    let app = TestApp::start().await;
    let (shoko, hanako) = (format!("{SHOKO},,,A01"), format!("{HANAKO},,,A01"));
    load(&app, &[&shoko, &hanako]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let (first, second) = (id_of(&app, "105", "00").await, id_of(&app, "106", "00").await);
    for (person, number) in [(first, "300"), (second, "105"), (first, "106")] {
        mended(&clerk, person, &[("number", number)]).await;
    }
    let report = load(&app, &[&shoko, &hanako]).await;
    assert_eq!((report.changed, report.new, report.lost), (0, 0, 0));
    assert_eq!(
        (id_of(&app, "106", "00").await, id_of(&app, "105", "00").await),
        (first, second)
    );
    // Whose number goes to another has the file's again, and so has whoever had that one by hand.
    mended(&clerk, second, &[("number", "300")]).await;
    let other = NEW.replace("105", "300");
    load(&app, &[&shoko, &hanako, &format!("{other},,,A01")]).await;
    assert_eq!(
        (id_of(&app, "105", "00").await, id_of(&app, "106", "00").await),
        (first, second)
    );
}

async fn last_run(app: &TestApp) -> String {
    let query = "SELECT run_id::text AS line FROM roster_runs ORDER BY created_at DESC LIMIT 1";
    format!("/console/roster/runs/{}", app.insurer.lines(query).await.remove(0))
}

#[tokio::test]
async fn whose_day_of_loss_is_taken_back_is_in_the_roster_again_though_they_had_given_their_number_up() {
    let app = TestApp::start().await;
    let yesterday = kernel::calendar::today_in_japan(app.clock().now()).pred_opt().unwrap();
    load(&app, &[SHOKO, HANAKO]).await;
    load(&app, &[&format!("{SHOKO}{yesterday}"), HANAKO]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let lost = last_run(&app).await;
    let given = imported(&app, &clerk, &delta(&[(NEW, "追加")])).await;
    assert_eq!(
        holders(&app, "105").await,
        ["ケンポ　ショウコ", "ベツノ　ヒト present covered"]
    );
    for run in [given, lost] {
        let undone = clerk.post(&format!("{run}/undo"), &[]).await;
        assert_eq!(undone.status, 303, "{}", undone.text);
        app.work().await;
        app.later(1);
    }
    assert_eq!(
        holders(&app, "105").await,
        ["ケンポ　ショウコ present covered", "ベツノ　ヒト"]
    );
    assert_eq!(load(&app, &[HANAKO]).await.lost, 1);
}
