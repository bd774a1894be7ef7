//! Who is notified of a row: the principal of its number in its month, whoever that is today.

use super::Roster;
use kernel::Relation;
use tenancy::Folder;
use testkit::TestDatabase;

#[tokio::test]
async fn the_principal_is_the_numbers_in_that_month_not_todays() {
    let roster = Roster::new().await;
    let husband = "H 1 00 1980-05-05 本人";
    roster
        .import(&[husband, "W 1 01 1982-06-06 妻", "C 1 02 2012-04-02 子"])
        .await;
    // They part, and the child goes with its mother.
    roster
        .import(&[husband, "W 6 00 1982-06-06 本人", "C 6 01 2012-04-02 子"])
        .await;
    let before = ["1 01 - 2026-10", "1 02 2012-04-02 2026-10", "1 00 - 2026-10"];
    assert_eq!(roster.numbers(&before).await, ["W H", "C H", "H H"]);
    let after = ["6 00 - 2027-01", "6 01 - 2027-01", "1 00 - 2027-01"];
    assert_eq!(roster.numbers(&after).await, ["W W", "C W", "H H"]);
    // An old number on a later claim: told by the birth date, and no longer the husband's business.
    let late = ["1 01 1982-06-06 2027-01", "1 02 2012-04-02 2027-01"];
    assert_eq!(roster.numbers(&late).await, ["W W", "unknown"]);
}

#[tokio::test]
async fn a_societys_principal_is_its_member() {
    let with_code = |folder: &mut Folder| {
        folder.settings.relations = [("01".to_owned(), Relation::Principal)].into();
    };
    let roster = Roster(TestDatabase::with("139998", with_code).await);
    roster
        .import(&[
            "A 1 01 1980-05-05 世帯主",
            "B 1 02 1982-06-06 妻",
            "C 2 01 1970-01-01 01",
            "D 2 02 2001-07-07 子",
        ])
        .await;
    let asked = ["1 01 - 2026-10", "1 02 - 2026-10", "2 01 - 2026-10", "2 02 - 2026-10"];
    assert_eq!(roster.numbers(&asked).await, ["A A", "B A", "C C", "D C"]);
}

#[tokio::test]
async fn none_or_several_principals_hold_the_row() {
    let roster = Roster::new().await;
    roster
        .import(&[
            "A 1 01 1982-06-06 妻",
            "B 2 00 1980-05-05 本人",
            "C 2 01 1981-05-05 本人",
            "D 2 02 2012-04-02 子",
        ])
        .await;
    let asked = ["1 01 - 2026-10", "2 02 - 2026-10", "2 01 - 2026-10", "3 00 - 2026-10"];
    assert_eq!(roster.numbers(&asked).await, ["unknown", "several", "C C", "unknown"]);
}

#[tokio::test]
async fn nobody_is_notified_by_a_number_that_they_left_as_a_dependant() {
    let roster = Roster::new().await;
    for number in [1, 2] {
        let people = ["H N 00 1980-05-05 本人", "W N 01 1982-06-06 妻", "C N 02 2004-04-02 子"];
        let people = people.map(|row| row.replace('N', &number.to_string()));
        roster.import(&people.each_ref().map(String::as_str)).await;
    }
    let asked = ["1 00 - 2026-10", "1 01 - 2026-10", "1 02 - 2026-10"];
    let working = "C 9 00 2004-04-02 本人";
    roster
        .import(&["H 2 00 1980-05-05 本人", "W 2 01 1982-06-06 妻", working])
        .await;
    assert_eq!(roster.numbers(&asked).await, ["H H", "W H", "C H"]);
    roster
        .import(&["H 6 01 1980-05-05 夫", "W 6 00 1982-06-06 本人", working])
        .await;
    assert_eq!(roster.numbers(&asked).await, ["unknown", "W W", "C C"]);
}

#[tokio::test]
async fn where_the_insured_one_of_a_number_changed_what_was_before_waits() {
    let roster = Roster::new().await;
    let child = "C 1 02 2012-04-02 子";
    let (husband, wife) = ("H 1 00 1980-05-05", "W 1 01 1982-06-06");
    roster
        .import(&[
            &format!("{husband} 本人"),
            &format!("{wife} 妻"),
            child,
            "A 2 00 1970-01-01 本人",
        ])
        .await;
    let before = ["1 00 - 2026-10", "1 01 - 2026-10", "1 02 - 2026-10"];
    assert_eq!(roster.numbers(&before).await, ["H H", "W H", "C H"]);
    // Another word for the same changes nothing.
    roster
        .import(&[
            &format!("{husband} 本人"),
            &format!("{wife} 配偶者"),
            child,
            "A 2 00 1970-01-01 被保険者",
        ])
        .await;
    assert_eq!(roster.numbers(&before).await, ["H H", "W H", "C H"]);
    assert_eq!(roster.numbers(&["2 00 - 2026-10"]).await, ["A A"]);
    // They change places, on the twenty-second of December.
    roster
        .import(&[
            &format!("{husband} 夫"),
            &format!("{wife} 本人"),
            child,
            "A 2 00 1970-01-01 被保険者",
        ])
        .await;
    assert_eq!(roster.numbers(&before).await, ["several", "several", "several"]);
    let after = ["1 00 - 2027-01", "1 01 - 2027-01", "1 02 - 2027-01", "2 00 - 2026-10"];
    assert_eq!(roster.numbers(&after).await, ["H W", "W W", "C W", "A A"]);
}

#[tokio::test]
async fn where_the_member_of_a_society_changed_what_was_before_waits() {
    let roster = Roster(TestDatabase::with("139998", |_| ()).await);
    let (husband, wife) = ("A 1 01 1980-05-05", "B 1 02 1982-06-06");
    roster
        .import(&[&format!("{husband} 世帯主"), &format!("{wife} 妻")])
        .await;
    assert_eq!(
        roster.numbers(&["1 01 - 2026-10", "1 02 - 2026-10"]).await,
        ["A A", "B A"]
    );
    roster
        .import(&[&format!("{husband} 夫"), &format!("{wife} 世帯主")])
        .await;
    let asked = ["1 01 - 2026-10", "1 02 - 2026-10", "1 01 - 2027-01", "1 02 - 2027-01"];
    assert_eq!(roster.numbers(&asked).await, ["several", "several", "A B", "B B"]);
}
