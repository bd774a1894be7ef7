//! Files with faults: what is refused, in which words, and that nothing of it is forgotten.

use super::{
    Desk, HANAKO, SHOKO, TARO, file,
    losses::{town, with_town},
};
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use roster::import::{ImportRefused, Options, Reason};
use std::fmt::Write as _;
use tabular::Fault;

fn lost_on(row: &str, day: &str) -> String {
    row.replace("本人,,", &format!("本人,{day},"))
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_loss_that_have_come_count_as_vanishing_and_those_to_come_do_not() {
    let desk = Desk::new().await;
    let town = town();
    desk.import(&with_town(&town, &[])).await;
    let today = kernel::calendar::today_in_japan(desk.now());
    let shifted = |day: chrono::NaiveDate, persons: usize| {
        let rows: Vec<String> = town
            .iter()
            .enumerate()
            .map(|(nth, row)| {
                if nth < persons {
                    lost_on(row, &day.to_string())
                } else {
                    row.clone()
                }
            })
            .collect();
        file(&rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let why = desk.refused(shifted(today, 20).as_bytes(), Options::default()).await;
    let said = why.to_string();
    assert!(
        said.contains("加入中の20人のうち、0人がファイルになく、20人が今日までの資格喪失日"),
        "{said}"
    );
    assert!(matches!(why, ImportRefused::Loss(vanishing) if (vanishing.covered, vanishing.ended) == (Some(20), 20)));
    assert_eq!(desk.count("persons", "present AND lost_on IS NULL").await, 20);
    desk.refused(shifted(today, 2).as_bytes(), Options::default()).await;
    // The other half of a shift: one missing, one ended.
    let one_less = shifted(today, 2);
    let (header, rows) = one_less.split_once("\r\n").unwrap();
    let (_, rest) = rows.split_once("\r\n").unwrap();
    let both = format!("{header}\r\n{rest}");
    let why = desk.refused(both.as_bytes(), Options::default()).await;
    assert!(matches!(why, ImportRefused::Loss(vanishing) if (vanishing.missing, vanishing.ended) == (1, 1)));
    let tomorrow = today.succ_opt().unwrap();
    let report = desk
        .try_import(shifted(tomorrow, 20).as_bytes(), Options::default())
        .await;
    assert_eq!(report.unwrap().lost, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_once_with_and_once_without_a_branch_is_named_as_one_who_repeats() {
    let desk = Desk::new().await;
    let rows = [
        "公立-12,1,00,ア　ア,,19850401,本人,,,,",
        "公立-12,1,,ア　ア,,19850401,本人,,,,",
        "公立-12,2,,イ　イ,,19850401,本人,,,,P1",
        "公立-12,2,00,イ　イ,,19850401,本人,,,,",
        "公立-12,3,,ウ　ウ,,19850401,本人,,,,P2",
        "公立-12,3,,ウ　ウ,,19850401,本人,,,,",
    ];
    assert_eq!(
        desk.errors(file(&rows).as_bytes()).await,
        [
            (3, "番号", Reason::RepeatedPerson { line: 2 }),
            (5, "番号", Reason::RepeatedPerson { line: 4 }),
            (7, "番号", Reason::RepeatedPerson { line: 6 }),
        ]
    );
    // Told apart by a branch in both, or by a personal id in both; another name or day is another person.
    let told_apart = [
        "公立-12,1,00,ア　ア,,19850401,本人,,,,",
        "公立-12,1,01,ア　ア,,19850401,子,,,,",
        "公立-12,2,,イ　イ,,19850401,本人,,,,P1",
        "公立-12,2,00,イ　イ,,19850401,子,,,,P2",
        "公立-12,3,,ウ　ウ,,19850401,本人,,,,",
        "公立-12,3,00,ウ　オ,,19850401,子,,,,",
        "公立-12,3,01,ウ　ウ,,19850402,子,,,,",
    ];
    assert_eq!(desk.import(&told_apart).await.new, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_a_file_is_in_the_csv_by_line_however_many_they_are() {
    let desk = Desk::new().await;
    let mut rows = Vec::new();
    for number in 0..3_000 {
        rows.push(format!(
            "公立-12,{number},00,ケンポ　タロウ,,1985040{},本人,,,,",
            number % 2
        ));
    }
    rows.extend(rows.clone().into_iter().skip(1).step_by(2));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let refused = desk.refused(file(&rows).as_bytes(), Options::default()).await;
    let ImportRefused::Rows(errors) = &refused else {
        panic!("refused for {refused:?}");
    };
    assert_eq!(
        (errors.kept().len(), errors.more(), errors.count()),
        (1_000, 2_000, 3_000)
    );
    let mut csv = Vec::new();
    errors.write_csv(&mut csv).unwrap();
    let mut expected = "\u{FEFF}行,列,値,理由\r\n".to_owned();
    for line in (2..3_002).step_by(2) {
        let _ = write!(
            expected,
            "{line},生年月日,\"「19850400」\",\"{}\"\r\n",
            Reason::Table(Fault::ImpossibleDate { month: 4, last_day: 30 })
        );
    }
    for nth in 0..1_500 {
        let reason = Reason::RepeatedNumber { line: 3 + 2 * nth };
        let _ = write!(expected, "{},番号,\"\",\"{reason}\"\r\n", 3_002 + nth);
    }
    assert_eq!(String::from_utf8(csv).unwrap(), expected);
    assert_eq!(desk.count("roster_imports", "error_count = 3000").await, 1);
}

/// security.md 53: the row cap of an import.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_more_rows_than_an_import_takes_is_refused_with_the_line_and_the_limit() {
    let desk = Desk::new().await;
    let three = file(&[TARO, SHOKO, HANAKO]);
    let two = Options {
        max_rows: 2,
        ..Options::default()
    };
    let why = desk.refused(three.as_bytes(), two).await;
    let ImportRefused::Rows(errors) = &why else {
        panic!("refused for {why:?}");
    };
    assert_eq!(
        errors.kept()[0].to_string(),
        "4行目：行が多すぎます。一度に取り込めるのは2行までです。"
    );
    assert_eq!(desk.count("persons", "true").await, 0);
    let just = Options {
        max_rows: 3,
        ..Options::default()
    };
    assert_eq!(desk.try_import(three.as_bytes(), just).await.unwrap().new, 3);
    assert_eq!(Options::default().max_rows, 2_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn losses_are_announced_by_ids_alone_and_many_cost_no_more_statements_than_few() {
    #[derive(QueryableByName)]
    struct Event {
        #[diesel(sql_type = Text)]
        keys: String,
    }
    let (few, many) = (Desk::new().await, Desk::new().await);
    let town = town();
    few.import(&with_town(&town[..1], &[TARO])).await;
    many.import(&with_town(&town, &[TARO])).await;
    let mut statements = Vec::new();
    for desk in [&few, &many] {
        let before = desk.database.statements();
        desk.import(&[TARO]).await;
        statements.push(desk.database.statements() - before);
    }
    assert_eq!(statements[0], statements[1]);
    let mut tx = many.database.tenant(many.tenant()).read().await.unwrap();
    let events: Vec<Event> = diesel::sql_query(format!(
        "SELECT (SELECT string_agg(key, ' ') FROM jsonb_object_keys(e.payload) AS key) AS keys
         FROM events e JOIN persons p ON p.tenant_id = e.tenant_id AND p.person_id = e.subject
         WHERE e.tenant_id = {} AND p.lost_on IS NOT NULL AND e.kind = 'member.coverage_lost'",
        many.tenant()
    ))
    .load(&mut *tx)
    .await
    .unwrap();
    assert_eq!(events.len(), 20);
    assert!(events.iter().all(|event| event.keys == "import_id"));
}
