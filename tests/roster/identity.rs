//! Whom a typed identity means, over the real import.

use super::{Desk, HANAKO, SHOKO, TARO, identity};
use kernel::EmployeeNumber;
use roster::{Level, Match, import::Options};
use tabular::Encoding;
use tenancy::{InsurerKind, SignUpSettings};

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_matched_strict_before_folded() {
    let desk = Desk::new().await;
    desk.import(&[TARO, SHOKO]).await;
    for (kana, level) in [("けんぽ たろう", Level::Strict), ("ケンホ タロウ", Level::Folded)] {
        match desk.find(&identity("34", "1985-04-01", kana)).await {
            Match::One { level: found, .. } => assert_eq!(found, level, "{kana}"),
            other => panic!("{kana}: {other:?}"),
        }
    }
    for (number, birth_date, kana) in [
        ("35", "1985-04-01", "ケンポ タロウ"),
        ("34", "1985-04-02", "ケンポ タロウ"),
        ("34", "1985-04-01", "ケンポ ジロウ"),
        // A dependant does not sign up.
        ("34", "1987-08-25", "ケンポ ショウコ"),
    ] {
        assert_eq!(
            desk.find(&identity(number, birth_date, kana)).await,
            Match::None,
            "{number} {birth_date} {kana}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_of_a_national_health_household_are_told_apart_by_the_strict_name_only() {
    let desk = Desk::of(InsurerKind::NationalHealth).await;
    desk.import(&[
        "公立-12,1,01,コクホ　ケンタ,国保　健太,20000401,子,,,,",
        "公立-12,1,02,コクホ　ゲンタ,国保　元太,20000401,子,,,,",
    ])
    .await;
    let genta = desk.one("1", "2000-04-01", "こくほ げんた").await;
    assert_eq!(genta.name, "国保　元太");
    assert!(genta.insured);
    let both = desk.find(&identity("1", "2000-04-01", "ゴクホ ケンタ")).await;
    assert!(
        matches!(&both, Match::Several { people } if people.len() == 2 && people.contains(&genta.person_id)),
        "{both:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_employee_number_counts_where_the_insurer_asks_for_it() {
    let mut desk = Desk::new().await;
    desk.import(&["公立-12,1,00,ケンポ　タロウ,健保　太郎,19850401,本人,,,E-0012,"])
        .await;
    let mut typed = identity("1", "1985-04-01", "ケンポ タロウ");
    assert!(matches!(desk.find(&typed).await, Match::One { .. }));
    desk.insurer.sign_up = SignUpSettings { employee_number: true };
    assert_eq!(desk.find(&typed).await, Match::None);
    typed.employee_number = EmployeeNumber::parse("E0012").ok();
    assert_eq!(desk.find(&typed).await, Match::None);
    typed.employee_number = EmployeeNumber::parse("ｅ－0012").ok();
    assert!(matches!(desk.find(&typed).await, Match::One { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_found_in_another_insurers_roster() {
    let (desk, other) = (Desk::new().await, Desk::new().await);
    desk.import(&[TARO]).await;
    other.import(&[HANAKO]).await;
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    assert_eq!(
        other.find(&identity("34", "1985-04-01", "ケンポ タロウ")).await,
        Match::None
    );
    let tx = other.database.tenant(other.tenant()).read().await.unwrap();
    assert_eq!(roster::person(&tx, taro.person_id).await.unwrap(), None);
    assert_eq!(other.import(&[HANAKO]).await.unchanged, 1);
    assert_eq!(desk.count("persons", "present").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_rosters_are_taken_whole_and_a_second_time_change_nothing() {
    for (code, kind, encoding) in [
        ("32290413", InsurerKind::MutualAid, Encoding::Utf8Bom),
        ("06139992", InsurerKind::HealthInsurance, Encoding::Utf8Bom),
        ("139998", InsurerKind::NationalHealth, Encoding::Utf8),
    ] {
        let desk = Desk::of(kind).await;
        let file = std::fs::read(format!(
            "{}/../tenants/{code}/sample-roster.csv",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap();
        let report = desk.try_import(&file, Options::default()).await.unwrap();
        assert_eq!((report.encoding, report.new), (encoding, report.rows), "{code}");
        assert_eq!(report.unknown_columns, Vec::<String>::new(), "{code}");
        let again = desk.try_import(&file, Options::default()).await.unwrap();
        assert_eq!(again.unchanged, report.rows, "{code}");
        shows_what_is_hard(&desk, code).await;
    }
}

/// What names, numbers and losses are like in real rosters is in each of the invented ones.
async fn shows_what_is_hard(desk: &Desk, code: &str) {
    let own = format!("FROM persons WHERE tenant_id = {}", desk.tenant());
    let households = format!("(SELECT DISTINCT tenant_id, symbol_key, number_key {own}) AS households");
    let count = desk.count(&households, "true").await;
    assert!((45..=55).contains(&count), "{code}: {count} households");
    let namesakes = format!(
        "(SELECT tenant_id {own} GROUP BY tenant_id, kana_strict, birth_date HAVING count(*) > 1) AS namesakes"
    );
    let twins = format!(
        "(SELECT tenant_id {own} GROUP BY tenant_id, symbol_key, number_key, birth_date
          HAVING count(DISTINCT kana_strict) > 1) AS twins"
    );
    let today = kernel::calendar::today_in_japan(desk.now());
    let (ended, to_end) = (format!("lost_on <= '{today}'"), format!("lost_on > '{today}'"));
    for (table, condition) in [
        ("persons", "name LIKE '%髙﨑%'"),
        ("persons", "name LIKE '%𠮷%'"),
        ("persons", "name ~ '^[A-Z]+' AND kana_name ~ '^\\S+\\s\\S+\\s\\S+'"),
        ("persons", "symbol ~ '[-－ー‐]'"),
        ("persons", "symbol ~ '[一-龠]'"),
        ("persons", "number LIKE '0%'"),
        ("persons", &ended),
        ("persons", &to_end),
        (&namesakes, "true"),
        (if code == "139998" { &twins } else { &namesakes }, "true"),
    ] {
        assert!(desk.count(table, condition).await > 0, "{code}: {condition}");
    }
}
