//! Rows that wait for the roster: sealed, sought again, and gone once they are somebody's.

use super::{Desk, cost, month};
use chrono::TimeDelta;
use kernel::{HeldRowId, KeyError, PersonId};
use statements::{Kind, held::try_again, purge};
use std::time::Duration;
use testkit::{TestDatabase, TestPerson};

impl Desk {
    /// What the hourly sweep does of rows that wait.
    pub(super) async fn seek(&self) -> usize {
        let mut tx = self.test.write(self.tenant()).await;
        let mut settled = 0;
        for kind in Kind::ALL {
            settled += try_again(&mut tx, &self.test.keys, self.test.clock.now(), kind)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        settled
    }

    /// Imports the three insured and these as the whole roster, an hour later.
    pub(super) async fn roster(&self, more: &[TestPerson]) {
        self.test.clock.advance(TimeDelta::hours(1));
        let people: Vec<TestPerson> = (1..=3).map(TestPerson::new).chain(more.iter().cloned()).collect();
        self.test.import(&people).await;
    }

    /// Line and reason of rows that wait, and how many that are by their deliveries.
    async fn waiting(&self) -> (Vec<String>, Vec<String>) {
        let rows = "SELECT concat(line, ' ', reason) AS line FROM held_rows WHERE settled_at IS NULL ORDER BY 1";
        let counts = "SELECT held::text AS line FROM statement_deliveries ORDER BY delivery";
        (self.test.lines(rows).await, self.test.lines(counts).await)
    }

    async fn person(&self, number: u32, branch: &str) -> PersonId {
        let query = format!(
            "SELECT person_id::text AS line FROM persons WHERE number_key = '{number}' AND branch = '{branch}'"
        );
        PersonId::parse(&self.test.lines(&query).await[0]).unwrap()
    }
}

/// A child of a number's.
fn child(number: u32, branch: &str, birth_date: &str, kana_name: &str) -> TestPerson {
    TestPerson {
        branch: branch.to_owned(),
        birth_date: birth_date.to_owned(),
        kana_name: format!("ケンポ　{kana_name}"),
        name: format!("健保　{kana_name}"),
        relationship: "長男".to_owned(),
        ..TestPerson::new(number)
    }
}

/// A row without 枝番, of whoever was born on a day.
fn born(label: &str, claim: &str, number: u32, birth_date: &str, treated: &str) -> String {
    cost(label, claim, number, treated, 1_000).replacen(",00,,", &format!(",,{birth_date},"), 1)
}

#[tokio::test]
async fn a_newborn_waits_and_is_found_after_the_next_roster() {
    let desk = Desk::new().await;
    desk.show(&[
        born("2026-08", "A", 1, "2026-06-20", "2026-06"),
        cost("2026-08", "B", 2, "2026-06", 2_000),
    ])
    .await;
    assert_eq!(desk.waiting().await, (vec!["2 unknown".into()], vec!["1".into()]));
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 2000"]);
    desk.roster(&[child(1, "01", "2026-06-20", "ハナ")]).await;
    assert_eq!(desk.seek().await, 1);
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000", "2026-06 B 2000"]);
    assert_eq!(desk.waiting().await, (vec![], vec!["0".into()]));
    let whose = "SELECT concat(person_id, ' ', principal_id) AS line FROM cost_rows WHERE claim_key = 'A'";
    let (newborn, principal) = (desk.person(1, "01").await, desk.person(1, "00").await);
    assert_eq!(desk.test.lines(whose).await, [format!("{newborn} {principal}")]);
    let trail = "SELECT concat(actor_kind, ' ', outcome, ' ', detail ->> 'settled') AS line FROM audit_events
        WHERE action = 'statements.held'";
    assert_eq!(desk.test.lines(trail).await, ["system done 1"]);
    assert_eq!(desk.seek().await, 0);
}

#[tokio::test]
async fn twins_without_a_branch_wait_as_several() {
    let desk = Desk::new().await;
    let twins = [
        child(1, "01", "2026-05-05", "イチ"),
        child(1, "02", "2026-05-05", "ニコ"),
    ];
    desk.roster(&twins).await;
    desk.show(&[born("2026-08", "A", 1, "2026-05-05", "2026-06")]).await;
    assert_eq!(desk.waiting().await.0, ["2 several"]);
    desk.roster(&twins).await;
    assert_eq!(desk.seek().await, 0);
    assert!(desk.shown(Kind::Costs).await.is_empty());
    assert_eq!(desk.waiting().await.1, ["1"]);
}

#[tokio::test]
async fn a_number_not_yet_in_the_roster_is_sought_after_each_import_and_once_a_day() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 9, "2026-06", 1_000)]).await;
    let tried = "SELECT (held_tried_at IS NOT NULL)::text AS line FROM statement_deliveries";
    desk.test.clock.advance(TimeDelta::hours(1));
    assert_eq!(desk.seek().await, 0);
    assert_eq!(desk.test.lines(tried).await, ["false"], "nothing has changed");
    desk.test.clock.advance(TimeDelta::days(1));
    assert_eq!(desk.seek().await, 0);
    assert_eq!(desk.test.lines(tried).await, ["true"], "a day has passed");
    desk.roster(&[TestPerson::new(9)]).await;
    assert_eq!(desk.seek().await, 1);
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
}

#[tokio::test]
async fn what_waits_in_a_version_that_is_loaded_is_whole_once_it_is_published() {
    let desk = Desk::new().await;
    desk.load(&[cost("2026-08", "A", 9, "2026-06", 1_000)]).await;
    desk.roster(&[TestPerson::new(9)]).await;
    assert_eq!(desk.seek().await, 1);
    assert!(desk.shown(Kind::Costs).await.is_empty());
    desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
}

#[tokio::test]
async fn what_waited_is_superseded_like_any_row() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-07", "A", 1, "2026-05", 1_000)]).await;
    // A correction that waits hides what it corrects: it may be another's by now.
    desk.show(&[cost("2026-08", "A", 9, "2026-05", 1_500)]).await;
    assert!(desk.shown(Kind::Costs).await.is_empty());
    desk.show(&[cost("2026-09", "B", 9, "2026-06", 700)]).await;
    desk.show(&[cost("2026-10", "B", 2, "2026-06", 800)]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 800"]);
    desk.roster(&[TestPerson::new(9)]).await;
    assert_eq!(desk.seek().await, 2);
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-05 A 1500", "2026-06 B 800"]);
    desk.withdraw(Kind::Costs, "2026-10").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-05 A 1500", "2026-06 B 700"]);
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-05 A 1000", "2026-06 B 700"]);
}

// security.md 70
#[tokio::test]
async fn what_is_sealed_opens_for_its_insurer_alone_and_is_gone_once_settled() {
    let (desk, other) = (Desk::new().await, TestDatabase::new().await);
    desk.show(&[cost("2026-08", "CLAIM-77", 9, "2026-06", 1_234)]).await;
    let kept = desk
        .test
        .lines("SELECT concat(held_id, ' ', encode(sealed, 'hex')) AS line FROM held_rows")
        .await;
    let (id, hex) = kept[0].split_once(' ').unwrap();
    let sealed: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let told = |part: &str| sealed.windows(part.len()).any(|bytes| bytes == part.as_bytes());
    assert!(!told("CLAIM-77") && !told("1234") && !told("東町"));
    let (id, keys) = (HeldRowId::parse(id).unwrap(), &desk.test.keys);
    let opened = keys.open("held row", id.of(desk.tenant()), &sealed).unwrap();
    assert!(String::from_utf8_lossy(&opened).contains("CLAIM-77"));
    for (purpose, owner) in [
        ("held row", id.of(other.tenant)),
        ("held row", HeldRowId::new(desk.test.clock.now()).of(desk.tenant())),
        ("upload", id.of(desk.tenant())),
    ] {
        assert_eq!(keys.open(purpose, owner, &sealed).err(), Some(KeyError::Sealed));
    }
    desk.roster(&[TestPerson::new(9)]).await;
    assert_eq!(desk.seek().await, 1);
    let person = desk.person(9, "00").await;
    let settled = "SELECT concat(octet_length(sealed), ' ', settled_person_id) AS line FROM held_rows";
    assert_eq!(desk.test.lines(settled).await, [format!("0 {person}")]);
}

// security.md 70
#[tokio::test]
async fn a_waiting_row_copied_to_another_opens_nothing_and_settles_nothing() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-08", "A", 9, "2026-06", 1_000),
        cost("2026-08", "B", 8, "2026-06", 2_000),
    ])
    .await;
    let copy = "UPDATE held_rows h SET sealed = o.sealed FROM held_rows o WHERE h.line = 2 AND o.line = 3";
    testkit::sql(desk.tenant(), copy).await;
    desk.roster(&[TestPerson::new(9), TestPerson::new(8)]).await;
    // It stays and keeps back nothing else: what waits beside it is settled, and what has served its time goes.
    assert_eq!(desk.seek().await, 1);
    assert_eq!(desk.waiting().await, (vec!["2 unknown".into()], vec!["1".into()]));
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 2000"]);
    desk.show(&[cost("2026-08", "C", 1, "2026-06", 3_000)]).await;
    desk.test.clock.advance(TimeDelta::days(7));
    desk.sweep().await;
    assert_eq!((desk.count("cost_rows").await, desk.count("held_rows").await), (1, 0));
}

#[tokio::test]
async fn of_very_many_rows_over_all_deliveries_each_hour_has_its_part() {
    let desk = Desk::new().await;
    for (label, claim) in [("2026-08", "A"), ("2026-09", "B")] {
        let rows: Vec<String> = (0..6)
            .map(|nth| cost(label, &format!("{claim}{nth}"), 9, "2026-06", 1_000))
            .collect();
        desk.show(&rows).await;
    }
    // As if each of them had thirty thousand more: together too many for one hour.
    testkit::sql(desk.tenant(), "UPDATE statement_deliveries SET held = held + 30000").await;
    desk.roster(&[TestPerson::new(9)]).await;
    assert_eq!(desk.seek().await, 6, "one half of each");
    let left = "SELECT concat(delivery, ' ', count(*)) AS line FROM held_rows WHERE settled_at IS NULL GROUP BY delivery ORDER BY 1";
    assert_eq!(desk.test.lines(left).await, ["1 3", "2 3"]);
    desk.test.clock.advance(TimeDelta::hours(1));
    assert_eq!(desk.seek().await, 6, "the other in the next hour");
    assert!(desk.test.lines(left).await.is_empty());
}

#[tokio::test]
async fn who_is_forgotten_while_their_row_is_settled_leaves_none() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 9, "2026-06", 1_000)]).await;
    desk.roster(&[TestPerson::new(9)]).await;
    let long_ago = "UPDATE persons SET lost_on = '2010-01-01' WHERE number_key = '9'";
    let (now, person) = (desk.test.clock.now(), desk.person(9, "00").await);
    let mut settling = desk.test.write(desk.tenant()).await;
    let settled = try_again(&mut settling, &desk.test.keys, now, Kind::Costs).await;
    assert_eq!(settled.unwrap(), 1);
    testkit::sql(desk.tenant(), long_ago).await;
    let mut forgetting = desk.test.write(desk.tenant()).await;
    let before = "2015-01-01".parse().unwrap();
    let people = roster::forget::empty(&mut forgetting, now, before, 10).await.unwrap();
    assert_eq!(people, [person]);
    let forgetting = tokio::spawn(async move {
        purge::forget(&mut forgetting, &people, &[]).await.unwrap();
        forgetting.commit().await.unwrap();
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!forgetting.is_finished(), "it waits for who settles");
    settling.commit().await.unwrap();
    forgetting.await.unwrap();
    assert_eq!((desk.count("cost_rows").await, desk.count("held_rows").await), (0, 0));
}

#[tokio::test]
async fn of_a_month_that_is_kept_no_longer_nothing_waits() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-08", "A", 9, "2024-12", 1_000),
        cost("2026-08", "B", 1, "2026-06", 2_000),
    ])
    .await;
    desk.test.clock.advance(TimeDelta::days(60));
    desk.sweep().await;
    assert_eq!(desk.list().await[0].months, [month("2026-06")]);
    desk.roster(&[TestPerson::new(9)]).await;
    desk.sweep().await;
    assert_eq!(
        (desk.count("held_rows").await, desk.waiting().await.1),
        (0, vec!["0".to_owned()])
    );
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 2000"]);
}

#[tokio::test]
async fn the_row_goes_with_its_delivery() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 9, "2026-06", 1_000)]).await;
    desk.show(&[cost("2026-08", "B", 1, "2026-06", 2_000)]).await;
    assert_eq!(desk.count("held_rows").await, 1);
    desk.test.clock.advance(TimeDelta::days(7));
    desk.sweep().await;
    assert_eq!(
        (desk.count("held_rows").await, desk.count("shared_claims").await),
        (0, 0)
    );
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 2000"]);
}
