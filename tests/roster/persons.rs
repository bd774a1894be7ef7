//! Whom a row means: the same person under a new number, name or birth date, or another one.

use super::{
    Desk, HANAKO, TARO, file, identity,
    losses::{town, with_town},
};
use roster::{Match, import::Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_id_carries_a_person_over_a_new_number() {
    let desk = Desk::new().await;
    let before = "公立-12,1,00,ケンポ　タロウ,健保　太郎,19850401,本人,,,,P1";
    let after = "公立-13,900,01,ケンポ　タロウ,健保　太郎,19850401,本人,,,,P1";
    desk.import(&[before]).await;
    let taro = desk.one("1", "1985-04-01", "ケンポ タロウ").await.person_id;
    assert_eq!(desk.import(&[after]).await.changed, 1);
    let now = desk.person(taro).await;
    assert_eq!((now.symbol.as_str(), now.number.as_str()), ("公立-13", "900"));
    let journal = desk.journal().await;
    assert_eq!(journal.last().unwrap().fields, ["symbol", "number", "branch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_may_swap_branches_and_a_left_number_may_be_given_anew() {
    let desk = Desk::new().await;
    desk.import(&[
        "公立-12,1,01,ケンポ　ハル,健保　春,20100401,子,,,,P1",
        "公立-12,1,02,ケンポ　ナツ,健保　夏,20110401,子,,,,P2",
        "公立-12,2,00,ケンポ　アキ,健保　秋,19500401,本人,,,,P3",
    ])
    .await;
    let report = desk
        .import(&[
            "公立-12,1,02,ケンポ　ハル,健保　春,20100401,子,,,,P1",
            "公立-12,1,01,ケンポ　ナツ,健保　夏,20110401,子,,,,P2",
            "公立-12,2,00,ケンポ　フユ,健保　冬,19900401,本人,,,,P4",
        ])
        .await;
    assert_eq!((report.new, report.changed, report.lost), (1, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_birth_date_and_name_under_the_same_number_is_another_person() {
    let desk = Desk::new().await;
    desk.import(&[TARO]).await;
    let other = "公立-12,0034,00,ケンポ　ジロウ,健保　次郎,19850402,本人,,,,";
    let report = desk.import(&[other]).await;
    assert_eq!((report.new, report.lost, report.corrected.persons), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_birth_date_is_the_same_person_and_shown_as_a_correction() {
    let corrected = TARO.replace("19850401", "19840401");
    let another_kana = corrected.replace("ケンポ　タロウ", "ケンポ　タラウ");
    for (before, after) in [
        (TARO.to_owned(), corrected.clone()),
        (TARO.to_owned(), another_kana.replace("健保　太郎", "健保太郎")),
        (TARO.replace(",00,", ",,"), corrected.replace(",00,", ",,")),
        (format!("{TARO}P1"), format!("{another_kana}P1")),
    ] {
        let desk = Desk::new().await;
        let town = town();
        desk.import(&with_town(&town, &[&before])).await;
        let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
        let rows = file(&with_town(&town, &[&after]));
        let report = desk.try_import(rows.as_bytes(), Options::default()).await.unwrap();
        assert_eq!((report.new, report.changed, report.lost), (0, 1, 0), "{after}");
        assert_eq!(
            (report.corrected.persons, report.corrected.lines.as_slice()),
            (1, [2].as_slice()),
            "{after}"
        );
        assert_eq!(desk.person(taro).await.birth_date.date().to_string(), "1984-04-01");
        assert!(
            desk.journal()
                .await
                .last()
                .unwrap()
                .fields
                .contains(&"birth_date".to_owned())
        );
        let old = identity("34", "1985-04-01", "ケンポ タロウ");
        assert_eq!(desk.find(&old).await, Match::None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_taken_only_where_it_leaves_no_choice_and_of_who_was_in_the_last_roster() {
    let desk = Desk::new().await;
    let twins = [
        "公立-12,34,,ケンポ　ハル,,20100401,子,,,,",
        "公立-12,34,,ケンポ　ハル,,20120401,子,,,,",
    ];
    desk.import(&twins).await;
    let both = twins.map(|row| row.replace("0401", "0402"));
    let report = desk.import(&[&both[0], &both[1]]).await;
    assert_eq!((report.new, report.lost, report.corrected.persons), (2, 2, 0));
    let desk = Desk::new().await;
    desk.import(&[TARO, HANAKO]).await;
    desk.import(&[HANAKO]).await;
    let namesake = TARO.replace("19850401", "20050401");
    let report = desk.import(&[&namesake, HANAKO]).await;
    assert_eq!((report.new, report.returned, report.corrected.persons), (1, 0, 0));
    let two_ids = [
        format!("{TARO}P1"),
        format!("{}P2", TARO.replace("19850401", "19850402")),
    ];
    let desk = Desk::new().await;
    desk.import(&[&two_ids[0]]).await;
    let report = desk.import(&[&two_ids[1]]).await;
    assert_eq!((report.new, report.lost), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_branches_a_new_name_is_the_same_person_where_that_leaves_no_choice() {
    let desk = Desk::new().await;
    desk.import(&["公立-12,1,,ヤマダ　ハナコ,山田　花子,19850401,本人,,,,"])
        .await;
    let hanako = desk.one("1", "1985-04-01", "ヤマダ ハナコ").await.person_id;
    let report = desk
        .import(&["公立-12,1,00,サトウ　ハナコ,佐藤　花子,19850401,本人,,,,"])
        .await;
    assert_eq!((report.changed, report.new), (1, 0));
    assert_eq!(desk.one("1", "1985-04-01", "サトウ ハナコ").await.person_id, hanako);
}
