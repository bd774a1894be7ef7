//! Imports under four eyes: what several of them lose counts together, and no file corrects a birth date that one person alone
//! may not mend.

use super::{
    approvals::{agree, app, clerks, states, told, wish},
    deltas::{delta, imported, lost},
    roster::{HANAKO, SHOKO, bring, chosen, compare_as, compared, file, present, press},
};
use crate::portal::says;
use access::Role;
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp, TestClerk};

const DAY: i64 = 24 * 3600;

fn townsman(number: usize) -> String {
    format!("100,{number},00,マチノ　ヒト,町野　人,19700101,本人,")
}

/// A whole file of whoever is in every roster, and the people of these numbers.
fn town(numbers: std::ops::Range<usize>) -> String {
    let rows: Vec<String> = numbers.map(townsman).collect();
    file(
        &std::iter::once(SHOKO)
            .chain(rows.iter().map(String::as_str))
            .collect::<Vec<_>>(),
    )
}

/// Forty people, by a file of the console's.
async fn settle(app: &TestApp, clerk: &TestClerk) {
    imported(app, clerk, &town(200..239)).await;
    assert_eq!(present(app).await, 40);
}

fn losing(app: &TestApp, numbers: &[usize]) -> String {
    let rows: Vec<String> = numbers.iter().map(|number| lost(app, &townsman(*number))).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|row| (row.as_str(), "喪失")).collect();
    delta(&rows)
}

async fn start(clerk: &TestClerk, run: &str) -> Answer {
    clerk.post(&format!("{run}/start"), &[("agree", "1")]).await
}

// security.md 53
#[tokio::test]
async fn losses_in_slices_count_together_for_seven_days() {
    let app = app(&[ApprovalAction::ImportLoss]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    settle(&app, &asker).await;
    imported(&app, &asker, &losing(&app, &[200])).await;
    imported(&app, &asker, &losing(&app, &[201])).await;
    assert_eq!((present(&app).await, states(&app).await.len()), (38, 0));
    let run = compared(&app, &asker, losing(&app, &[202]).as_bytes()).await;
    let page = asker.get(&run).await.text;
    for said in [
        "この7日間のほかの取り込みでも、2人が資格を失っています（はじめの取り込みの前に加入中の人は40人）",
        "合わせて5％を超えています",
        "name=\"agree\"",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    says(
        &asker.get(&format!("{run}/undo")).await,
        200,
        "この取り込みは取り消せません",
    );
    let alone = press(&asker, &run, "start").await;
    assert!(
        alone.text.contains("資格喪失の人数を確かめてください"),
        "{}",
        alone.text
    );
    assert_eq!(start(&asker, &run).await.status, 303);
    app.work().await;
    assert_eq!(present(&app).await, 38);
    let first = wish(&app).await;
    says(&other.get(&first).await, 200, "この7日間の取り込みで資格を失った人");
    told(&[&asker, &other], &[&run], &first).await;
    assert_eq!(agree(&other, &first).await.status, 303);
    app.work().await;
    assert_eq!(present(&app).await, 37);
    // A file that loses nobody asks nobody; and after a week the next one begins anew.
    imported(&app, &asker, &town(203..239)).await;
    app.later(7 * DAY);
    let asker = app.in_another_browser(&asker).await;
    imported(&app, &asker, &losing(&app, &[203])).await;
    assert_eq!((present(&app).await, states(&app).await.len()), (36, 1));
}

// security.md 53
#[tokio::test]
async fn a_slice_that_was_compared_before_the_others_is_counted_when_it_begins() {
    let app = app(&[ApprovalAction::ImportLoss]).await;
    let [one, two] = clerks(&app, &[Role::Eligibility]).await;
    settle(&app, &one).await;
    let first = compared(&app, &one, losing(&app, &[200, 201]).as_bytes()).await;
    app.later(1);
    let second = compared(&app, &two, losing(&app, &[202, 203]).as_bytes()).await;
    assert_eq!(press(&one, &first, "start").await.status, 303);
    app.work().await;
    assert_eq!(present(&app).await, 38);
    app.later(1);
    let late = press(&two, &second, "start").await;
    assert!(late.text.contains("資格喪失の人数を確かめてください"), "{}", late.text);
    // What is undone was not lost.
    assert_eq!(press(&one, &first, "undo").await.status, 303);
    app.work().await;
    app.later(1);
    assert_eq!(press(&two, &second, "start").await.status, 303);
    app.work().await;
    assert_eq!((present(&app).await, states(&app).await.len()), (38, 0));
}

// security.md 53
#[tokio::test]
async fn a_day_of_loss_to_come_counts_as_one_that_has() {
    let app = app(&[ApprovalAction::ImportLoss]).await;
    let [asker, _other] = clerks(&app, &[Role::Eligibility]).await;
    settle(&app, &asker).await;
    let today = kernel::calendar::today_in_japan(app.clock().now());
    let (today, later) = (today.to_string(), (today + chrono::Days::new(1)).to_string());
    let tomorrow = losing(&app, &[200, 201, 202]).replace(&today, &later);
    let run = compared(&app, &asker, tomorrow.as_bytes()).await;
    let page = asker.get(&run).await.text;
    assert!(
        page.contains("3人に、あすから先の資格喪失日が付きます。合わせて5％を超えています"),
        "{page}"
    );
    assert_eq!(start(&asker, &run).await.status, 303);
    app.work().await;
    assert_eq!(states(&app).await, ["waiting"]);
    assert_eq!(app.insurer.count("persons", "lost_on IS NOT NULL").await, 0);
}

async fn born(app: &TestApp) -> String {
    let query = "SELECT birth_date::text AS line FROM persons WHERE number = '105'";
    app.insurer.lines(query).await.remove(0)
}

// security.md 53
#[tokio::test]
async fn a_birth_date_is_corrected_by_a_file_once_another_agrees_and_so_is_that_undone() {
    let app = app(&[ApprovalAction::BirthDate]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    imported(&app, &asker, &file(&[SHOKO, HANAKO])).await;
    let mended = SHOKO.replace("19850401", "19840229");
    let mut run = String::new();
    for file in [delta(&[(&mended, "変更")]), file(&[&mended, HANAKO])] {
        app.later(1);
        run = compared(&app, &asker, file.as_bytes()).await;
        let page = asker.get(&run).await.text;
        assert!(page.contains("生年月日（1985年") && page.contains("1984年"), "{page}");
        let waits = press(&asker, &run, "start").await;
        assert_eq!(
            (waits.status.as_u16(), waits.location()),
            (303, run.as_str()),
            "{}",
            waits.text
        );
        app.work().await;
        assert_eq!(born(&app).await, "1985-04-01");
        app.later(1);
    }
    assert_eq!(states(&app).await, ["waiting", "waiting"]);
    let last = wish(&app).await;
    says(&other.get(&last).await, 200, "生年月日の訂正");
    // Whoever agrees sees of whom.
    says(&other.get(&run).await, 200, "健保　祥子");
    assert_eq!(agree(&other, &last).await.status, 303);
    app.work().await;
    assert_eq!(born(&app).await, "1984-02-29");
    let waits = press(&asker, &run, "undo").await;
    assert_eq!(
        (waits.status.as_u16(), waits.location()),
        (303, run.as_str()),
        "{}",
        waits.text
    );
    app.work().await;
    assert_eq!(born(&app).await, "1984-02-29");
    let undo = wish(&app).await;
    says(&other.get(&undo).await, 200, "前のものに戻ります");
    assert_eq!(agree(&other, &undo).await.status, 303);
    app.work().await;
    assert_eq!(born(&app).await, "1985-04-01");
    // And so is the undoing of that.
    let undoing = "SELECT run_id::text AS line FROM roster_runs WHERE undoes IS NOT NULL";
    let undoing = format!("/console/roster/runs/{}", app.insurer.lines(undoing).await[0]);
    assert_eq!(press(&asker, &undoing, "undo").await.location(), undoing);
    app.work().await;
    assert_eq!(born(&app).await, "1985-04-01");
}

// security.md 53
#[tokio::test]
async fn what_is_compared_anew_is_not_what_another_agrees_to_and_one_wish_is_for_all_of_a_file() {
    let app = app(&[ApprovalAction::ImportLoss, ApprovalAction::BirthDate]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    imported(&app, &asker, &file(&[SHOKO, HANAKO])).await;
    let mended = SHOKO.replace("19850401", "19840229");
    let run = bring(&asker, file(&[&mended]).as_bytes()).await;
    let columns = chosen(&asker.get(&run).await.text);
    compare_as(&asker, &run, &columns).await;
    app.work().await;
    assert_eq!(start(&asker, &run).await.status, 303);
    assert_eq!(states(&app).await, ["waiting"]);
    let first = wish(&app).await;
    let page = other.get(&first).await;
    says(&page, 200, "資格を失います");
    says(&page, 200, "生年月日の訂正");
    assert_eq!(compare_as(&asker, &run, &columns).await.status, 303);
    app.work().await;
    says(&agree(&other, &first).await, 409, "内容が変わったため");
    app.work().await;
    assert_eq!((born(&app).await.as_str(), present(&app).await), ("1985-04-01", 2));
    assert_eq!(start(&asker, &run).await.status, 303);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    app.work().await;
    assert_eq!((born(&app).await.as_str(), present(&app).await), ("1984-02-29", 1));
    assert_eq!(states(&app).await, ["lapsed", "done"]);
}

#[tokio::test]
async fn a_birth_date_that_nobody_was_shown_to_change_is_not_changed() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let other = HANAKO.replace("19900401", "19900501");
    let run = compared(&app, &clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    assert!(clerk.get(&run).await.text.contains("新規"));
    let colleague = app.clerk(&[Role::Administrator]).await;
    imported(&app, &colleague, &file(&[SHOKO, &other])).await;
    assert_eq!(press(&clerk, &run, "start").await.status, 303);
    app.work().await;
    let page = clerk.get(&run).await.text;
    assert!(page.contains("生年月日が変わる方が増えていました"), "{page}");
    assert_eq!(app.insurer.count("persons", "birth_date = '1990-05-01'").await, 1);
}

// security.md 53
#[tokio::test]
async fn no_more_people_are_lost_than_were_shown() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let colleague = app.clerk(&[Role::Administrator]).await;
    imported(&app, &colleague, &town(200..210)).await;
    let run = compared(&app, &clerk, town(201..210).as_bytes()).await;
    says(&clerk.get(&run).await, 200, "1人がファイルになく");
    imported(&app, &colleague, &town(200..220)).await;
    assert_eq!(start(&clerk, &run).await.status, 303);
    app.work().await;
    says(&clerk.get(&run).await, 200, "11人がファイルになく");
    says(&clerk.get(&run).await, 200, "取り込みませんでした");
    assert_eq!(present(&app).await, 21);
}

// security.md 53
#[tokio::test]
async fn whom_an_undoing_left_lost_counts_on() {
    let app = app(&[ApprovalAction::ImportLoss]).await;
    let [asker, _other] = clerks(&app, &[Role::Eligibility]).await;
    settle(&app, &asker).await;
    let gone = losing(&app, &[200, 201]);
    let run = imported(&app, &asker, &gone).await;
    // Changed since, they are left as they are.
    imported(&app, &asker, &gone.replace("町野　人", "町野　仁")).await;
    assert_eq!(press(&asker, &run, "undo").await.status, 303);
    app.work().await;
    app.later(1);
    assert_eq!(app.insurer.count("persons", "lost_on IS NOT NULL").await, 2);
    let run = compared(&app, &asker, losing(&app, &[202]).as_bytes()).await;
    let page = asker.get(&run).await;
    says(&page, 200, "この7日間のほかの取り込みでも、2人が資格を失っています");
}

#[tokio::test]
async fn an_earlier_day_of_loss_asks_for_a_second_factor_as_a_first_one_does() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let today = kernel::calendar::today_in_japan(app.clock().now());
    let later = today + chrono::Days::new(30);
    imported(&app, &clerk, &file(&[&format!("{SHOKO}{later}"), HANAKO])).await;
    let run = compared(&app, &clerk, file(&[&format!("{SHOKO}{today}"), HANAKO]).as_bytes()).await;
    app.later(601);
    let asked = start(&clerk, &run).await;
    assert!(asked.location().starts_with("/console/prove"), "{}", asked.location());
}

/// How many have a day of loss.
async fn lost_on(app: &TestApp, day: chrono::NaiveDate) -> usize {
    app.insurer.count("persons", &format!("lost_on = '{day}'")).await
}

// security.md 53
#[tokio::test]
async fn a_day_of_loss_that_an_undoing_or_its_own_undoing_moves_back_counts_as_a_loss() {
    let app = app(&[ApprovalAction::ImportLoss]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let today = kernel::calendar::today_in_japan(app.clock().now());
    let (near, far) = (today + chrono::Days::new(30), today + chrono::Days::new(300));
    let with = |day: chrono::NaiveDate| {
        let leaving = (236..239).map(|number| format!("{}{day}\r\n", townsman(number)));
        format!("{}{}", town(200..236), leaving.collect::<String>())
    };
    imported(&app, &asker, &with(near)).await;
    // Covered for longer nobody is lost.
    let later = imported(&app, &asker, &with(far)).await;
    assert_eq!((lost_on(&app, far).await, states(&app).await.len()), (3, 0));
    let asked = asker.get(&format!("{later}/undo")).await;
    says(&asked, 200, "資格喪失日を遅らせた3人");
    app.later(601);
    let unproven = press(&asker, &later, "undo").await;
    assert!(unproven.location().starts_with("/console/prove"), "{}", unproven.text);
    let asker = app.in_another_browser(&asker).await;
    let other = app.in_another_browser(&other).await;
    let undone = async |run: &str, waits: bool| {
        let asked = press(&asker, run, "undo").await;
        assert_eq!(
            (asked.status.as_u16(), asked.location() == run),
            (303, waits),
            "{}",
            asked.text
        );
        if waits {
            app.work().await;
            let wish = wish(&app).await;
            says(&other.get(&wish).await, 200, "うち3人が資格を失います");
            assert_eq!(agree(&other, &wish).await.status, 303);
        }
        app.work().await;
        app.later(1);
        super::undo::last_run(&app).await
    };
    let first = undone(&later, true).await;
    assert_eq!(lost_on(&app, near).await, 3);
    let second = undone(&first, false).await;
    assert_eq!(lost_on(&app, far).await, 3);
    undone(&second, true).await;
    assert_eq!(lost_on(&app, near).await, 3);
}

// security.md 53
#[tokio::test]
async fn an_undoing_that_has_become_more_than_was_shown_is_not_done_and_is_asked_for_anew() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    settle(&app, &clerk).await;
    let run = imported(&app, &clerk, &town(200..241)).await;
    // Two of forty-two are as many as usual; of thirty-nine they are not.
    let begun = press(&clerk, &run, "undo").await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let today = kernel::calendar::today_in_japan(app.clock().now()).to_string();
    for number in ["200", "201", "202"] {
        let person = super::facts::id_of(&app, number, "00").await;
        super::facts::mended(&clerk, person, &[("lost_on", &today)]).await;
    }
    app.work().await;
    let page = clerk.get(begun.location()).await;
    says(&page, 200, "確かめたときより増えていました");
    let new = "number IN ('239', '240') AND lost_on IS NULL";
    assert_eq!(app.insurer.count("persons", new).await, 2);
    app.later(1);
    let again = press(&clerk, &run, "undo").await;
    assert_eq!(again.status, 303, "{}", again.text);
    app.work().await;
    says(&clerk.get(again.location()).await, 200, "取り消しました");
    assert_eq!(app.insurer.count("persons", new).await, 0);
}
