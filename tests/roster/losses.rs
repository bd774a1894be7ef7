//! Who loses coverage by an import, and who has it again.

use super::{Desk, HANAKO, TARO, file, identity};
use chrono::TimeDelta;
use roster::{
    Access, ChangeKind, Match,
    import::{ImportRefused, Options},
};

/// Twenty insured persons besides those of a test, so that one of them is less than five per cent.
pub(super) fn town() -> Vec<String> {
    (100..120)
        .map(|number| format!("公立-12,{number},00,マチノ　ヒト,町野　人,19700101,本人,,,,"))
        .collect()
}

pub(super) fn with_town<'a>(town: &'a [String], rows: &[&'a str]) -> Vec<&'a str> {
    rows.iter().copied().chain(town.iter().map(String::as_str)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_five_per_cent_vanishing_is_refused_unless_allowed() {
    let desk = Desk::new().await;
    let town = town();
    desk.import(&with_town(&town, &[])).await;
    let one_less = file(&with_town(&town[1..], &[]));
    let report = desk.try_import(one_less.as_bytes(), Options::default()).await.unwrap();
    assert_eq!((report.lost, report.unchanged), (1, 19));
    let two_less = file(&with_town(&town[2..], &[]));
    let why = desk.refused(two_less.as_bytes(), Options::default()).await;
    assert!(matches!(why, ImportRefused::Loss(vanishing) if (vanishing.covered, vanishing.missing) == (Some(19), 1)));
    assert_eq!(desk.count("persons", "present").await, 19);
    assert_eq!(desk.count("audit_events", "outcome = 'loss'").await, 1);
    let options = Options {
        allow_loss: true,
        ..Options::default()
    };
    assert_eq!(desk.try_import(two_less.as_bytes(), options).await.unwrap().lost, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_says_how_many_may_vanish() {
    let mut desk = Desk::new().await;
    desk.insurer.roster.loss_percent = 20;
    let town = town();
    desk.import(&with_town(&town, &[])).await;
    let four_less = file(&with_town(&town[4..], &[]));
    assert_eq!(
        desk.try_import(four_less.as_bytes(), Options::default())
            .await
            .unwrap()
            .lost,
        4
    );
    let more = file(&with_town(&town[8..], &[]));
    let why = desk.refused(more.as_bytes(), Options::default()).await;
    assert!(matches!(&why, ImportRefused::Loss(vanishing) if vanishing.percent == 20));
    assert!(why.to_string().contains("20％"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_missing_is_lost_and_returns_as_the_same_person() {
    let desk = Desk::new().await;
    desk.import(&[TARO, HANAKO]).await;
    let hanako = desk.one("35", "1982-09-03", "キョウサイ ハナコ").await;
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(desk.import(&[TARO]).await.lost, 1);
    let lost = desk.person(hanako.person_id).await;
    assert_eq!(lost.lost_on, Some(kernel::calendar::today_in_japan(desk.now())));
    assert_eq!(lost.access(desk.now(), 0, false), Access::Ended);
    assert_eq!(
        desk.find(&identity("35", "1982-09-03", "キョウサイ ハナコ")).await,
        Match::None
    );
    assert_eq!(desk.count("events", "kind = 'member.coverage_lost'").await, 1);
    assert_eq!(desk.import(&[TARO]).await.lost, 0);
    assert_eq!(desk.import(&[TARO, HANAKO]).await.returned, 1);
    assert_eq!(desk.one("35", "1982-09-03", "キョウサイ ハナコ").await, hanako);
    let kinds: Vec<_> = desk
        .journal()
        .await
        .into_iter()
        .map(|change| (change.position, change.kind))
        .collect();
    let expected = [ChangeKind::New, ChangeKind::New, ChangeKind::Lost, ChangeKind::Returned];
    assert_eq!(kinds, (1..).zip(expected).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_loss_in_the_file_ends_access_on_that_day_and_may_be_taken_back() {
    let mut desk = Desk::new().await;
    desk.import(&[TARO]).await;
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
    let today = kernel::calendar::today_in_japan(desk.now());
    let ends = TARO.replace("本人,,", &format!("本人,{},", today.succ_opt().unwrap()));
    assert_eq!(desk.import(&[&ends]).await.lost, 1);
    assert_eq!(desk.person(taro).await.access(desk.now(), 0, false), Access::Full);
    assert_eq!(desk.import(&[&ends]).await.unchanged, 1);
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(desk.person(taro).await.access(desk.now(), 0, false), Access::Ended);
    assert_eq!(
        desk.find(&identity("34", "1985-04-01", "ケンポ タロウ")).await,
        Match::None
    );
    desk.insurer.after_loss_days = 30;
    assert_eq!(desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id, taro);
    desk.insurer.after_loss_days = 0;
    assert_eq!(desk.import(&[TARO]).await.returned, 1);
    assert_eq!(desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id, taro);
}
