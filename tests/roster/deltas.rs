//! Files of changes: whom they lose, whose number is whose afterwards, and which rows stand against each other.

use super::{Desk, HANAKO, HEADER, SHOKO, TARO};
use chrono::{Days, NaiveDate, TimeDelta};
use roster::{
    Access, Match,
    import::{Options, Reason, Report},
};

/// Somebody new under TARO's number and branch.
const NEW: &str = "公立-12,0034,00,シモツケ　ヒカル,下野　光,19950505,本人,,,,";

fn delta(rows: &[(&str, &str)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(row, movement)| format!("{row},{movement}")).collect();
    format!("{HEADER},異動区分\r\n{}\r\n", rows.join("\r\n"))
}

/// The same without a column for branches.
fn without_branches(rows: &[(&str, &str)]) -> String {
    let cut = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let kept = cells.iter().enumerate().filter(|(nth, _)| *nth != 2);
        kept.map(|(_, cell)| *cell).collect::<Vec<_>>().join(",")
    };
    let file = delta(rows);
    file.lines().map(cut).collect::<Vec<_>>().join("\r\n")
}

fn lost_on(row: &str, day: NaiveDate) -> String {
    row.replacen("本人,,", &format!("本人,{day},"), 1)
}

fn today(desk: &Desk) -> NaiveDate {
    kernel::calendar::today_in_japan(desk.now())
}

async fn changes(desk: &Desk, file: &str) -> Report {
    let options = Options {
        allow_loss: true,
        ..Options::default()
    };
    desk.try_import(file.as_bytes(), options).await.unwrap()
}

fn counts(report: &Report) -> (u64, u64, u64, u64, u64) {
    (
        report.new,
        report.changed,
        report.returned,
        report.lost,
        report.unchanged,
    )
}

async fn holders(desk: &Desk, number: &str) -> i64 {
    desk.count(
        "persons",
        &format!("present AND number_key = '{number}' AND branch_key = '0'"),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_lost_gives_their_number_up_in_the_same_file_whatever_its_order() {
    for order in [[0, 1], [1, 0]] {
        let desk = Desk::new().await;
        desk.import(&[TARO, SHOKO, HANAKO]).await;
        let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
        let lost = lost_on(TARO, today(&desk));
        let rows = [(lost.as_str(), "喪失"), (NEW, "追加")];
        let file = delta(&order.map(|nth| rows[nth]));
        assert_eq!(counts(&changes(&desk, &file).await), (1, 0, 0, 1, 0));
        assert_eq!(holders(&desk, "34").await, 1);
        assert_eq!(desk.person(taro).await.access(desk.now(), 0, false), Access::Ended);
        let hikaru = desk.one("34", "1995-05-05", "シモツケ ヒカル").await.person_id;
        assert_ne!(hikaru, taro);
        // Nobody had the number before who has it not now: it is TARO's last one.
        assert_eq!(desk.count("person_numbers", "true").await, 0);
        // The same file once more, and then a whole one, find what is known.
        assert_eq!(counts(&changes(&desk, &file).await), (0, 0, 0, 0, 2));
        assert_eq!(counts(&desk.import(&[NEW, SHOKO, HANAKO]).await), (0, 0, 0, 0, 3));
        // Back under their number they are refused by their line, and under another they are who they were.
        let back = delta(&[(TARO, "追加")]);
        assert_eq!(desk.errors(back.as_bytes()).await, [(2, "番号", Reason::NumberTaken)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_day_of_loss_is_to_come_is_covered_until_then_and_lost_by_a_whole_file_before() {
    let desk = Desk::new().await;
    desk.import(&[TARO, HANAKO]).await;
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
    let lost = lost_on(TARO, today(&desk) + Days::new(10));
    changes(&desk, &delta(&[(&lost, "喪失"), (NEW, "追加")])).await;
    assert_eq!(desk.person(taro).await.access(desk.now(), 0, false), Access::Full);
    assert_eq!(holders(&desk, "34").await, 1);
    assert_eq!(counts(&desk.import(&[NEW, HANAKO]).await), (0, 0, 0, 1, 2));
    assert_eq!(desk.person(taro).await.lost_on, Some(today(&desk)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_coverage_has_ended_gives_their_number_up_though_a_whole_file_still_had_them() {
    let desk = Desk::new().await;
    let yesterday = today(&desk) - Days::new(1);
    desk.import(&[&lost_on(TARO, yesterday), HANAKO]).await;
    assert_eq!(holders(&desk, "34").await, 1);
    let report = changes(&desk, &delta(&[(NEW, "追加")])).await;
    assert_eq!(counts(&report), (1, 0, 0, 0, 0));
    assert_eq!(holders(&desk, "34").await, 1);
    desk.one("34", "1995-05-05", "シモツケ ヒカル").await;
    // Of whom is covered no number is taken.
    let other = NEW.replace("0034", "35");
    let errors = desk.errors(delta(&[(&other, "追加")]).as_bytes()).await;
    assert_eq!(errors, [(2, "番号", Reason::NumberTaken)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_with_ids_swap_numbers_and_move_along_a_chain() {
    let desk = Desk::new().await;
    let (one, two, three) = (format!("{TARO}P1"), format!("{HANAKO}P2"), format!("{NEW}P3"));
    let three = three.replace("0034", "36");
    desk.import(&[&one, &two, &three]).await;
    let number = |row: &str, number: &str| {
        let cells: Vec<&str> = row.splitn(3, ',').collect();
        format!("{},{number},{}", cells[0], cells[2])
    };
    let (swapped, other) = (number(&one, "35"), number(&two, "34"));
    let swap = delta(&[(&swapped, "変更"), (&other, "変更")]);
    assert_eq!(counts(&changes(&desk, &swap).await), (0, 2, 0, 0, 0));
    assert_eq!(desk.count("person_numbers", "true").await, 2);
    // 35 → 34 → 36 → 37.
    let chain = [number(&one, "34"), number(&two, "36"), number(&three, "37")];
    let chain: Vec<(&str, &str)> = chain.iter().map(|row| (row.as_str(), "変更")).collect();
    assert_eq!(counts(&changes(&desk, &delta(&chain)).await), (0, 3, 0, 0, 0));
    // Whoever stands at the end of the chain does not move.
    let onto = [number(&one, "36"), number(&two, "37")];
    let onto: Vec<(&str, &str)> = onto.iter().map(|row| (row.as_str(), "変更")).collect();
    let errors = desk.errors(delta(&onto).as_bytes()).await;
    assert_eq!(errors, [(3, "番号", Reason::NumberTaken)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_column_for_branches_a_number_with_the_same_branch_is_refused_by_its_line() {
    let desk = Desk::new().await;
    let (one, two) = (format!("{TARO}P1"), format!("{HANAKO}P2"));
    desk.import(&[&one, &two]).await;
    let onto = one.replace("0034", "35");
    let alone = without_branches(&[(&onto, "変更")]);
    assert_eq!(desk.errors(alone.as_bytes()).await, [(2, "番号", Reason::BranchTaken)]);
    let beside = without_branches(&[(&two, "変更"), (&onto, "変更")]);
    assert_eq!(desk.errors(beside.as_bytes()).await, [(3, "番号", Reason::BranchTaken)]);
    // With both on the move, and where the number is free, they keep the branches that they have.
    let away = two.replace(",35,", ",36,");
    let both = without_branches(&[(&onto, "変更"), (&away, "変更")]);
    assert_eq!(counts(&changes(&desk, &both).await), (0, 2, 0, 0, 0));
    assert_eq!((holders(&desk, "35").await, holders(&desk, "36").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rows_of_one_person_are_refused_whatever_they_say_of_them() {
    let desk = Desk::new().await;
    desk.import(&[&format!("{TARO}P1"), HANAKO]).await;
    let lost = lost_on(TARO, today(&desk));
    let renamed = TARO.replace("ケンポ　タロウ", "サトウ　タロウ");
    let (moved, lost_with_id) = (format!("{}P1", TARO.replace("0034", "77")), format!("{lost}P1"));
    let lost_and_added = delta(&[(&lost, "喪失"), (&renamed, "追加")]);
    let changed_twice = delta(&[(TARO, "変更"), (&renamed, "変更")]);
    let by_one_id = delta(&[(&moved, "変更"), (&lost_with_id, "喪失")]);
    for (file, column, reason) in [
        (lost_and_added, "番号", Reason::SamePerson { line: 2 }),
        (changed_twice, "番号", Reason::RepeatedNumber { line: 2 }),
        (by_one_id, "個人ID", Reason::RepeatedPersonalId { line: 2 }),
    ] {
        assert_eq!(desk.errors(file.as_bytes()).await, [(3, column, reason)]);
    }
    // A second row that means nobody else any more is of somebody whom the roster does not know.
    let errors = desk
        .errors(delta(&[(&moved, "変更"), (&lost, "喪失")]).as_bytes())
        .await;
    assert_eq!(errors, [(3, "番号", Reason::NotInRoster)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_is_who_they_were_and_their_old_number_is_kept() {
    let desk = Desk::new().await;
    let taro = format!("{TARO}P1");
    desk.import(&[&taro, HANAKO]).await;
    let person = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
    let lost = format!("{}P1", lost_on(TARO, today(&desk)));
    changes(&desk, &delta(&[(&lost, "喪失"), (NEW, "追加")])).await;
    desk.clock.advance(TimeDelta::days(1));
    let back = taro.replace("0034", "99");
    assert_eq!(
        counts(&changes(&desk, &delta(&[(&back, "追加")])).await),
        (0, 0, 1, 0, 0)
    );
    assert_eq!(desk.one("99", "1985-04-01", "ケンポ タロウ").await.person_id, person);
    assert_eq!(desk.count("person_numbers", "number_key = '34'").await, 1);
    // Added as somebody who has left already, one takes no number.
    let gone = lost_on("公立-12,35,00,タビ　ビト,旅　人,19700101,本人,,,,", today(&desk));
    assert_eq!(
        counts(&changes(&desk, &delta(&[(&gone, "追加")])).await),
        (1, 0, 0, 0, 0)
    );
    assert_eq!(holders(&desk, "35").await, 1);
    let identity = super::identity("35", "1970-01-01", "タビ ビト");
    assert_eq!(desk.find(&identity).await, Match::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_changes_are_in_the_counts_of_workplaces_as_if_all_were_counted_anew() {
    let desk = Desk::new().await;
    let row = |symbol: &str, number: u32, relationship: &str| {
        format!("{symbol},{number},00,ケンポ　タロウ,健保　太郎,19850401,{relationship},,,,P{number}")
    };
    let rows = [1, 2, 3, 4].map(|number| row("公立-12", number, "本人"));
    let all: Vec<&str> = rows.iter().map(String::as_str).collect();
    desk.import(&all).await;
    let accounts =
        "INSERT INTO accounts (tenant_id, account_id, person_id, user_id, password, password_changed_at, email,
            email_proven_at, registered_at)
        SELECT tenant_id, person_id, person_id, person_id::text, '', now(), '', now(), '2020-01-01' FROM persons";
    testkit::sql(desk.tenant(), accounts).await;
    desk.import(&all).await;
    assert_eq!(
        desk.count("roster_workplaces", "(insured, registered) = (4, 4)").await,
        1
    );

    let (moved, family, new) = (
        row("公立-13", 1, "本人"),
        row("公立-12", 3, "子"),
        row("公立-14", 5, "本人"),
    );
    let lost = lost_on(&rows[1], today(&desk));
    let file = delta(&[
        (moved.as_str(), "変更"),
        (lost.as_str(), "喪失"),
        (family.as_str(), "変更"),
        (new.as_str(), "追加"),
    ]);
    assert_eq!(counts(&changes(&desk, &file).await), (1, 2, 0, 1, 0));
    let assert_counted = async || {
        let places = "(symbol, insured, registered) IN (('公立-12', 1, 1), ('公立-13', 1, 1), ('公立-14', 1, 0))";
        for condition in [places, "true"] {
            assert_eq!(desk.count("roster_workplaces", condition).await, 3, "{condition}");
        }
        assert_eq!(desk.count("roster_tallies", "(insured, registered) = (3, 2)").await, 1);
    };
    assert_counted().await;
    // The last of a workplace leaves it, and comes back.
    for movement in [("公立-12", 1, 2), ("公立-13", 1, 3)] {
        let (symbol, number, places) = movement;
        changes(&desk, &delta(&[(row(symbol, number, "本人").as_str(), "変更")])).await;
        assert_eq!(desk.count("roster_workplaces", "true").await, places);
    }
    desk.import(&[&moved, &family, &rows[3], &new]).await;
    assert_counted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_counted_while_covered_is_not_counted_twice_once_their_day_of_loss_is_moved_after_midnight() {
    let desk = Desk::new().await;
    desk.import(&[TARO, SHOKO, HANAKO]).await;
    let tomorrow = today(&desk) + Days::new(1);
    changes(&desk, &delta(&[(&lost_on(TARO, tomorrow), "喪失")])).await;
    assert_eq!(desk.count("roster_tallies", "insured = 2").await, 1);
    desk.clock.advance(TimeDelta::days(1));
    changes(&desk, &delta(&[(&lost_on(TARO, tomorrow + Days::new(30)), "喪失")])).await;
    assert_eq!(desk.count("roster_tallies", "insured = 2").await, 1);
}
