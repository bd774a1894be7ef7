//! What is asked of a whole file: a statement or two for thousands of numbers, and what is known from before is not asked again.

use super::{Roster, id, number};
use chrono::NaiveDate;
use roster::{NumberKey, RESOLVED_AT_ONCE, Resolved, Resolver, forget, resolve};

#[tokio::test]
async fn five_thousand_are_one_statement_and_with_ids_two() {
    let roster = Roster::new().await;
    roster
        .import(&["A 1 00 1980-05-05 本人", "B 2 00 1984-07-07 本人"])
        .await;
    let keys = (0..RESOLVED_AT_ONCE).map(|nth| number(&format!("{} 00 - 2026-10", nth % 50)));
    let mut keys: Vec<NumberKey> = keys.collect();
    for statements in [1, 2] {
        let tx = roster.0.database.tenant(roster.0.tenant).read().await.unwrap();
        let before = roster.0.database.statements();
        let resolved = resolve(&tx, &keys).await.unwrap();
        assert_eq!(roster.0.database.statements() - before, statements);
        let found = resolved
            .iter()
            .filter(|resolved| matches!(resolved, Resolved::One { .. }));
        assert_eq!((resolved.len(), found.count()), (RESOLVED_AT_ONCE, 200));
        keys[0].personal_id = "X".into();
    }
    // Nothing is asked of nobody.
    let tx = roster.0.database.tenant(roster.0.tenant).read().await.unwrap();
    let before = roster.0.database.statements();
    assert_eq!(resolve(&tx, &[]).await.unwrap(), []);
    assert_eq!(roster.0.database.statements(), before);
}

#[tokio::test]
async fn what_is_kept_through_a_file_is_as_the_roster_stands() {
    let roster = Roster::new().await;
    let mut resolver = Resolver::default();
    let keys = ["1 00 - 2026-10", "2 00 - 2026-10", "2 00 - 2027-01"].map(number);
    let mut asked = async || roster.asked_of(&mut resolver, &keys).await;
    assert_eq!(asked().await, ["unknown"; 3], "there is no roster yet");
    roster.import(&["A 1 00 1980-05-05 本人"]).await;
    assert_eq!(asked().await, ["A A", "unknown", "unknown"]);
    assert_eq!(asked().await, ["A A", "unknown", "unknown"]);
    // From the twelfth of December on A has another number, and B is new.
    roster
        .import(&["A 2 00 1980-05-05 本人", "B 3 00 1984-07-07 本人"])
        .await;
    assert_eq!(asked().await, ["A A", "A A", "A A"]);
    roster.import(&["B 2 00 1984-07-07 本人 2026-12-28"]).await;
    assert_eq!(asked().await, ["A A", "A A", "B B"]);
}

#[tokio::test]
async fn what_is_kept_is_told_apart_by_all_that_a_row_says() {
    let roster = Roster::new().await;
    let (a, b) = ("A 7 00 1980-05-05 本人", "B 77 00 1980-05-05 本人");
    let (t, u) = ("T 7 02 2015-05-05 子", "U 7 03 2015-05-05 子");
    roster.import(&[a, b, t, u, "W 7 01 1982-06-06 妻"]).await;
    roster.import(&[a, b, t, u, "W 9 00 1982-06-06 本人"]).await;
    let mut keys: Vec<NumberKey> = [
        "7 00 - 2026-10",
        "7 01 - 2026-10",
        // Another month, birth date, branch or number each.
        "7 01 - 2027-03",
        "7 01 1982-06-06 2026-10",
        "7 01 1982-06-07 2026-10",
        "7 02 - 2026-10",
        "7 03 2015-05-05 2026-10",
        "7 - 2015-05-05 2026-10",
        "77 00 - 2026-10",
        "9 00 - 2027-03",
    ]
    .map(number)
    .into();
    // Another 記号, or a 個人ID that is somebody else's, or nobody's.
    let first = keys[0].clone();
    let symbol_key = "200".into();
    keys.push(NumberKey { symbol_key, ..first });
    keys.extend([id("W", "7 00 - 2026-10"), id("X", "7 00 - 2026-10")]);
    let told = roster.asked(&keys).await;
    assert_eq!(
        told,
        [
            "A A", "W A", "unknown", "W A", "unknown", "T A", "U A", "several", "B B", "W W", "unknown", "W A", "A A"
        ]
    );
    let mut resolver = Resolver::default();
    for _ in 0..2 {
        for (key, told) in keys.iter().zip(&told) {
            let asked = roster.asked_of(&mut resolver, std::slice::from_ref(key)).await;
            assert_eq!(asked, [told.as_str()], "{key:?}");
        }
    }
}

#[tokio::test]
async fn numbers_are_asked_for_once_and_those_of_whoever_may_be_forgotten_again() {
    let roster = Roster::new().await;
    let lost = "L 2 00 1984-07-07 本人 1999-04-01 2020-01-01";
    roster.import(&["A 1 00 1980-05-05 本人", lost]).await;
    let mut resolver = Resolver::default();
    let mut asked = async |key: &str| {
        let before = roster.0.database.statements();
        let tx = roster.0.database.tenant(roster.0.tenant).read().await.unwrap();
        let resolved = resolver.resolve(&tx, &[number(key)]).await.unwrap();
        let statements = roster.0.database.statements() - before;
        (roster.told(resolved).await.remove(0), statements)
    };
    let of = |who: &str, statements| (who.to_owned(), statements);
    assert_eq!(asked("1 00 - 2026-10").await, of("A A", 2));
    assert_eq!(asked("1 00 - 2026-09").await, of("A A", 1));
    assert_eq!(asked("3 00 - 2026-10").await, of("unknown", 2));
    assert_eq!(asked("3 00 - 2026-10").await, of("unknown", 1));
    for _ in 0..2 {
        assert_eq!(asked("2 00 1984-07-07 2019-10").await, of("L L", 2));
    }
    let mut tx = roster.0.write(roster.0.tenant).await;
    let long_ago = NaiveDate::from_ymd_opt(2021, 1, 1).unwrap();
    let forgotten = forget::empty(&mut tx, roster.0.clock.now(), long_ago, 100).await;
    assert_eq!(forgotten.unwrap().len(), 1);
    tx.commit().await.unwrap();
    assert_eq!(asked("2 00 1984-07-07 2019-10").await, of("unknown", 2));
    assert_eq!(asked("1 00 - 2026-09").await, of("A A", 1));
}
