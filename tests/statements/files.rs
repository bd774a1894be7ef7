//! What becomes of a file: looked at, refused with a reason, or loaded whole and out of sight.

use super::{
    Desk, by, checked, cost, costs, done, loaded, medicine, medicines, month, refused, table, taken_back, wish,
};
use chrono::TimeDelta;
use statements::{
    Kind,
    delivery::State,
    import::{Imported, Wish},
    reasons::{ImportRefused, Reason},
    tally::Corrected,
};

/// So many rows of the three insured, of claims from this one on.
fn many(label: &str, from: usize, count: usize) -> Vec<String> {
    let row = |nth: usize| {
        let number = u32::try_from(nth % 3 + 1).unwrap();
        cost(label, &format!("{}", from + nth), number, "2026-06", 1_000)
    };
    (0..count).map(row).collect()
}

/// What an insurer's statements leave anywhere, and which transaction wrote each head.
async fn everything(desk: &Desk) -> Vec<String> {
    let mut all = desk
        .test
        .lines("SELECT concat(delivery, ' ', xmin) AS line FROM statement_deliveries")
        .await;
    let tables = [
        "cost_rows",
        "medicine_rows",
        "shared_claims",
        "held_rows",
        "disclosures",
        "audit_events",
        "events",
        "jobs",
    ];
    for table in tables {
        all.push(format!("{table} {}", desk.count(table).await));
    }
    all
}

#[tokio::test]
async fn a_check_writes_nothing() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-07", "A", 1, "2026-05", 1_000)]).await;
    let before = everything(&desk).await;
    let dry = Wish {
        dry_run: true,
        ..wish(Kind::Costs)
    };
    let good = costs(&[cost("2026-08", "A", 1, "2026-05", 1_500)]);
    let found = checked(desk.import_as(&good, dry.clone()).await);
    assert_eq!(
        (found.label, found.tally.rows, found.persons, found.held()),
        (month("2026-08"), 1, 1, 0)
    );
    let unknown = costs(&[cost("2026-08", "A", 9, "2026-05", 1_500)]);
    let wrong = costs(&[cost("2026-08", "A", 1, "2026-13", 1_500)]);
    assert!(matches!(
        refused(desk.import_as(&unknown, dry.clone()).await),
        ImportRefused::Unmatched { rows: 1, unknown: 1 }
    ));
    assert!(matches!(
        refused(desk.import_as(&wrong, dry).await),
        ImportRefused::Rows(_)
    ));
    assert_eq!(everything(&desk).await, before);
}

#[tokio::test]
async fn a_file_is_loaded_whole_and_nothing_of_it_counts_before_it_is_published() {
    let desk = Desk::new().await;
    let rows = [
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 2, "2026-05", 2_000),
        cost("2026-08", "", 3, "2026-06", -300),
    ];
    let delivery = loaded(desk.import(&rows).await);
    assert_eq!((delivery.version, delivery.state), (1, State::Ready));
    assert_eq!((delivery.rows, delivery.persons, delivery.held), (3, 3, 0));
    assert_eq!(delivery.months, [month("2026-05"), month("2026-06")]);
    assert_eq!(
        (delivery.file_name.as_str(), delivery.encoding.as_str()),
        ("costs.csv", "UTF-8")
    );
    assert!(desk.shown(Kind::Costs).await.is_empty());
    let kept = "SELECT concat_ws(' ', line, category, days, institution, total_yen, insurer_yen, public_yen, copay_yen,
        meal_yen, benefit_yen, withdrawn, superseded_by) AS line FROM cost_rows ORDER BY line";
    assert_eq!(
        desk.test.lines(kept).await,
        [
            "2 medical_out 1 東町クリニック 1000 700 0 300 0 0 f",
            "3 medical_out 1 東町クリニック 2000 1400 0 600 0 0 f",
            "4 medical_out 1 東町クリニック -300 -210 0 -90 0 0 f",
        ]
    );
    let published = desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!((published.replaced, published.superseded), (None, 0));
    assert_eq!(
        desk.shown(Kind::Costs).await,
        ["2026-05 B 2000", "2026-06  -300", "2026-06 A 1000"]
    );
}

#[tokio::test]
async fn medicines_are_loaded_beside_costs_of_the_same_claims() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    let rows = [
        medicine("2026-08", "A", 1, "2026-06", 620_000_001),
        medicine("2026-08", "A", 1, "2026-06", 620_000_002),
    ];
    let delivery = loaded(desk.medicines(&rows).await);
    assert_eq!(
        (delivery.kind, delivery.version, delivery.rows),
        (Kind::Medicines, 1, 2)
    );
    desk.publish(Kind::Medicines, "2026-08").await;
    assert_eq!(
        desk.shown(Kind::Medicines).await,
        ["2026-06 A 620000001", "2026-06 A 620000002"]
    );
    let kept = "SELECT concat_ws(' ', form, daily_milli, count, rate, pharmacy, saving_yen, charge_yen) AS line
        FROM medicine_rows ORDER BY line";
    assert_eq!(desk.test.lines(kept).await, ["oral 2000 30 3 西町薬局 0 0"; 2]);
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
    assert_eq!(desk.count("shared_claims").await, 0);
}

#[tokio::test]
async fn more_than_two_in_a_hundred_unknown_is_refused_unless_allowed() {
    let desk = Desk::new().await;
    let mut rows = many("2026-08", 0, 98);
    rows.push(cost("2026-08", "X", 8, "2026-06", 1_000));
    rows.push(cost("2026-08", "Y", 9, "2026-06", 1_000));
    let two = loaded(desk.import(&rows).await);
    assert_eq!((two.rows, two.held, desk.count("held_rows").await), (100, 2, 2));
    rows.push(cost("2026-08", "Z", 7, "2026-06", 1_000));
    let why = refused(desk.import(&rows).await);
    assert!(
        matches!(why, ImportRefused::Unmatched { rows: 101, unknown: 3 }),
        "{why:?}"
    );
    let allowing = Wish {
        allow_unmatched: true,
        ..wish(Kind::Costs)
    };
    let three = loaded(desk.import_as(&costs(&rows), allowing).await);
    assert_eq!((three.version, three.rows, three.held), (3, 101, 3));
}

#[tokio::test]
async fn a_file_half_or_twice_as_long_is_refused_unless_allowed() {
    let desk = Desk::new().await;
    desk.show(&many("2026-06", 0, 20)).await;
    for (count, is_taken) in [(9, false), (10, true), (40, true), (41, false)] {
        let imported = desk.import(&many("2026-07", 100, count)).await;
        if is_taken {
            loaded(imported);
        } else {
            let why = refused(imported);
            assert!(matches!(why, ImportRefused::Deviates { median: 20, .. }), "{why:?}");
        }
    }
    // As many rows, and a third of the yen.
    let cheap: Vec<String> = (0..20)
        .map(|nth| cost("2026-07", &format!("{nth}"), 1, "2026-06", 300))
        .collect();
    let why = refused(desk.import(&cheap).await);
    assert!(
        matches!(
            why,
            ImportRefused::Deviates {
                median: 20_000,
                here: 6_000,
                ..
            }
        ),
        "{why:?}"
    );
    let allowing = Wish {
        allow_deviation: true,
        ..wish(Kind::Costs)
    };
    loaded(desk.import_as(&costs(&cheap), allowing).await);
    // The other kind is another matter.
    loaded(
        desk.medicines(&[medicine("2026-07", "A", 1, "2026-06", 620_000_001)])
            .await,
    );
}

#[tokio::test]
async fn the_same_bytes_as_the_published_version_are_nothing_to_do() {
    let desk = Desk::new().await;
    let rows = [cost("2026-08", "A", 1, "2026-06", 1_000)];
    desk.show(&rows).await;
    let before = everything(&desk).await;
    for dry_run in [false, true] {
        let again = Wish {
            dry_run,
            ..wish(Kind::Costs)
        };
        match desk.import_as(&costs(&rows), again).await {
            Ok(Imported::Nothing { delivery }) => assert_eq!(delivery.version, 1),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(everything(&desk).await, before);
}

#[tokio::test]
async fn the_same_bytes_as_a_withdrawn_one_are_loaded() {
    let desk = Desk::new().await;
    let rows = [cost("2026-08", "A", 1, "2026-06", 1_000)];
    desk.show(&rows).await;
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(loaded(desk.import(&rows).await).version, 2);
}

#[tokio::test]
async fn a_year_without_a_place_is_refused_by_name() {
    let desk = Desk::new().await;
    // Nobody ran the chores of a year and a half.
    desk.test.clock.advance(TimeDelta::days(550));
    let rows = [cost("2028-04", "A", 1, "2028-02", 1_000)];
    let why = refused(desk.import(&rows).await);
    assert!(matches!(why, ImportRefused::NoYear { year: 2028 }), "{why:?}");
    assert_eq!(
        why.to_string(),
        "2028年の明細を入れる場所が、まだありません。何も取り込んでいません。運営者が madoguchi prune（所有者の接続で）で作ってから、もう一度取り込んでください。"
    );
    assert_eq!(desk.list().await[0].state, State::Refused);
}

#[tokio::test]
async fn a_refusal_is_kept_and_a_dry_run_leaves_none() {
    let desk = Desk::new().await;
    let wrong = costs(&[cost("2026-08", "A", 1, "2026-09", 1_000)]);
    let dry = Wish {
        dry_run: true,
        ..wish(Kind::Costs)
    };
    refused(desk.import_as(&wrong, dry).await);
    assert!(desk.list().await.is_empty());
    refused(desk.import_as(&wrong, wish(Kind::Costs)).await);
    let heads = desk.list().await;
    assert_eq!((heads.len(), heads[0].state, heads[0].version), (1, State::Refused, 1));
    assert!(heads[0].ended_at.is_some() && heads[0].purged_at.is_some() && heads[0].months.is_empty());
    let trail = "SELECT concat_ws(' ', outcome, detail->>'errors', object_kind) AS line FROM audit_events
        WHERE action = 'statements.import'";
    assert_eq!(desk.test.lines(trail).await, ["rows 1 delivery"]);
    // Of which label it is nobody knows: the trail alone tells.
    let nameless = table("番号,診療年月,診療区分,医療費の総額,保険者の負担額,窓口相当負担額", &[]);
    refused(desk.import_as(&nameless, wish(Kind::Costs)).await);
    assert_eq!(desk.list().await.len(), 1);
    assert_eq!(desk.test.count("audit_events", "action = 'statements.import'").await, 2);
    // A refused number is not used again.
    assert_eq!(desk.load(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await.version, 2);
}

#[tokio::test]
async fn months_too_old_are_counted_and_left_out() {
    let desk = Desk::with(|folder| folder.settings.statements.months_online = 12).await;
    let rows = [
        cost("2026-08", "A", 1, "2025-10", 1_000),
        cost("2026-08", "B", 1, "2025-11", 1_000),
    ];
    let delivery = loaded(desk.import(&rows).await);
    assert_eq!((delivery.rows, delivery.too_old), (1, 1));
    assert_eq!(delivery.months, [month("2025-11")]);
    assert_eq!(desk.count("cost_rows").await, 1);
    let why = refused(desk.import(&rows[..1]).await);
    assert!(matches!(why, ImportRefused::TooOld { rows: 1 }), "{why:?}");
}

#[tokio::test]
async fn a_label_that_is_given_is_the_files_or_the_file_is_refused() {
    let desk = Desk::new().await;
    let given = |label| Wish {
        label: Some(month(label)),
        ..wish(Kind::Costs)
    };
    let file = costs(&[cost("2026-08", "A", 1, "2026-06", 1_000)]);
    match refused(desk.import_as(&file, given("2026-09")).await) {
        ImportRefused::Rows(errors) => {
            let given = Reason::GivenLabel {
                given: month("2026-09"),
            };
            assert_eq!((errors.count(), &errors.kept()[0].reason), (1, &given));
        }
        other => panic!("{other:?}"),
    }
    let unsaid = costs(&[cost("", "A", 1, "2026-06", 1_000)]);
    assert_eq!(
        loaded(desk.import_as(&unsaid, given("2026-09")).await).label,
        month("2026-09")
    );
    loaded(desk.import_as(&file, given("2026-08")).await);
}

#[tokio::test]
async fn what_a_file_corrects_is_told_before_it_is_loaded() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-06", "A", 1, "2026-04", 1_000),
        cost("2026-06", "B", 1, "2026-04", 2_000),
        cost("2026-06", "C", 1, "2026-04", 3_000),
        cost("2026-06", "D", 1, "2026-04", 4_000),
    ])
    .await;
    // D is later than what comes now, and E was never published.
    desk.show(&[cost("2026-10", "D", 1, "2026-04", 4_400)]).await;
    desk.load(&[cost("2026-07", "E", 1, "2026-04", 5_000)]).await;
    let correction = [
        cost("2026-08", "A", 1, "2026-04", 1_500),
        cost("2026-08", "B", 1, "2026-04", 1_900),
        taken_back("2026-08", "C", 1, "2026-04"),
        cost("2026-08", "D", 1, "2026-04", 9_000),
        cost("2026-08", "E", 1, "2026-04", 5_000),
        cost("2026-08", "F", 1, "2026-04", 6_000),
    ];
    let expected = Corrected {
        claims: 2,
        yen: 400,
        withdrawn: 1,
    };
    let allowing = |dry_run| Wish {
        dry_run,
        allow_deviation: true,
        ..wish(Kind::Costs)
    };
    let found = checked(desk.import_as(&costs(&correction), allowing(true)).await);
    assert_eq!(found.corrected, expected);
    // The same of a version that takes the place of one that did it already.
    desk.show(&correction).await;
    let again = [correction.as_slice(), &[cost("2026-08", "G", 1, "2026-04", 1_000)]].concat();
    let found = checked(desk.import_as(&costs(&again), allowing(true)).await);
    assert_eq!(found.corrected, expected);
}

#[tokio::test]
async fn what_rows_that_wait_would_correct_is_no_longer_shown_and_they_are_not_yet() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-06", "A", 1, "2026-04", 1_000),
        cost("2026-06", "B", 1, "2026-04", 2_000),
    ])
    .await;
    // Nobody has the number 99.
    let correction = [
        cost("2026-08", "A", 1, "2026-04", 1_500),
        cost("2026-08", "B", 99, "2026-04", 2_500),
    ];
    let dry = Wish {
        dry_run: true,
        allow_deviation: true,
        allow_unmatched: true,
        ..wish(Kind::Costs)
    };
    let found = checked(desk.import_as(&costs(&correction), dry.clone()).await);
    let expected = Corrected {
        claims: 2,
        yen: 500 - 2_000,
        withdrawn: 0,
    };
    assert_eq!(found.corrected, expected);
    desk.show(&correction).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-04 A 1500"]);
    // Another version says nothing else of what is shown.
    let again = [
        cost("2026-08", "A", 1, "2026-04", 1_500),
        cost("2026-08", "B", 99, "2026-04", 900),
        cost("2026-08", "C", 1, "2026-04", 4_000),
    ];
    let found = checked(desk.import_as(&costs(&again), dry).await);
    let against = found.against.unwrap();
    assert_eq!((against.new, against.changed, against.gone), (1, 0, 0));
}

#[tokio::test]
async fn the_trail_and_the_events_tell_nothing_of_anybody() {
    let desk = Desk::new().await;
    let rows = [
        cost("2026-08", "CLAIM77", 1, "2026-06", 123_457),
        cost("2026-08", "CLAIM78", 2, "2026-06", 123_457),
    ];
    let wrong = cost("2026-08", "CLAIM79", 1, "2026-09", 123_457);
    refused(desk.import(&[wrong]).await);
    loaded(desk.import(&rows).await);
    desk.publish(Kind::Costs, "2026-08").await;
    desk.withdraw(Kind::Costs, "2026-08").await;
    let at = desk.test.clock.now() + TimeDelta::hours(1);
    let what = (Kind::Costs, month("2026-08"), Some(2));
    done(desk.deliveries.publish_at(desk.tenant(), by(), what, at).await.unwrap());
    let told =
        "SELECT concat_ws(' ', action, outcome, detail) AS line FROM audit_events WHERE action LIKE 'statements.%'
        UNION ALL SELECT concat_ws(' ', kind, payload) FROM events WHERE kind LIKE 'statement.%' ORDER BY 1";
    let told = desk.test.lines(told).await;
    assert_eq!(told.len(), 8, "{told:#?}");
    let secrets = ["CLAIM", "123457", "123,457", "クリニック", "健保", "ケンポ", "1985"];
    for line in &told {
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
    }
    let events = "SELECT concat_ws(' ', e.kind, e.payload->>'kind', e.payload->>'label', e.payload->>'version') AS line
        FROM events e JOIN statement_deliveries d ON d.delivery_id = e.subject ORDER BY position";
    assert_eq!(
        desk.test.lines(events).await,
        [
            "statement.imported costs 2026-08 2",
            "statement.published costs 2026-08 2",
            "statement.withdrawn costs 2026-08 2"
        ]
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_by_line_column_and_reason() {
    let desk = Desk::new().await;
    let row = medicine("2026-08", "A", 1, "2026-06", 620_000_001).replace("内服", "粉");
    match refused(desk.import_as(&medicines(&[row]), wish(Kind::Medicines)).await) {
        ImportRefused::Rows(errors) => {
            let said: Vec<String> = errors.kept().iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), 1);
            assert!(
                said[0].starts_with("2行目「剤形区分」の「粉」：剤形区分として読めません。"),
                "{said:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}
