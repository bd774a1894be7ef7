//! What is kept no longer: versions that count no more, months that are too old, people who are forgotten.

use super::{Desk, by, cost, done, medicine, month};
use chrono::TimeDelta;
use kernel::PersonId;
use statements::{
    Kind,
    delivery::State,
    purge::{AT_ONCE, forget, sweep},
    reasons::PURGED,
};
use testkit::TestPerson;

impl Desk {
    /// What the hourly sweep does.
    pub(super) async fn sweep(&self) -> usize {
        let mut tx = self.test.write(self.tenant()).await;
        let swept = sweep(&mut tx, &self.test.keys, 24, self.test.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        swept
    }

    /// Adds so many rows to a delivery, as a load does that has come to its end.
    async fn add_rows(&self, delivery: i32, month: &str, rows: i64) {
        let add = format!(
            "INSERT INTO cost_rows (tenant_id, month, delivery, line, principal_id, person_id, claim_key, category, days,
                institution, total_yen, insurer_yen, public_yen, copay_yen, meal_yen, benefit_yen, withdrawn)
             SELECT {}, '{month}-01', {delivery}, n, p.person_id, p.person_id, '', 'pharmacy', 1, '', 10, 7, 0, 3, 0, 0, false
             FROM (SELECT person_id FROM persons WHERE number_key = '1') AS p, generate_series(100, 99 + {rows}) AS n",
            self.tenant()
        );
        testkit::sql(self.tenant(), &add).await;
    }

    async fn rows_of(&self, delivery: i32) -> usize {
        self.test.count("cost_rows", &format!("delivery = {delivery}")).await
    }
}

#[tokio::test]
async fn a_version_is_kept_seven_days_and_purged_in_chunks() {
    let desk = Desk::new().await;
    let first = desk.load(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await.delivery.0;
    // More than goes at once.
    desk.add_rows(first, "2026-06", 10 * AT_ONCE + 500).await;
    desk.publish(Kind::Costs, "2026-08").await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 2_000)]).await;
    desk.test.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(desk.sweep().await, 0);
    desk.test.clock.advance(TimeDelta::seconds(1));
    assert_eq!(desk.sweep().await, 100_000);
    // From the first row on it is never shown again.
    let version = desk
        .list()
        .await
        .into_iter()
        .find(|head| head.delivery.0 == first)
        .unwrap();
    assert_eq!((version.state, version.months.len()), (State::Replaced, 1));
    assert_eq!(version.purged_at, Some(desk.test.clock.now()));
    assert!(
        desk.try_publish(Kind::Costs, "2026-08", Some(1))
            .await
            .is_refused(PURGED)
    );
    assert_eq!(desk.rows_of(first).await, 501);
    assert_eq!(desk.sweep().await, 501);
    assert_eq!((desk.rows_of(first).await, desk.sweep().await), (0, 0));
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 2000"]);
    let head = desk.list().await.into_iter().find(|head| head.version == 1).unwrap();
    assert!(head.months.is_empty(), "its head stays");
}

#[tokio::test]
async fn what_is_withdrawn_or_broken_off_goes_and_what_is_shown_or_waits_stays() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-06", "A", 1, "2026-04", 1_000)]).await;
    desk.show(&[cost("2026-07", "B", 1, "2026-05", 1_000)]).await;
    desk.show(&[cost("2026-08", "C", 1, "2026-06", 1_000)]).await;
    desk.withdraw(Kind::Costs, "2026-07").await;
    desk.withdraw(Kind::Costs, "2026-08").await;
    let later = desk.test.clock.now() + TimeDelta::days(9);
    let wish = (Kind::Costs, month("2026-08"), Some(1));
    done(
        desk.deliveries
            .publish_at(desk.tenant(), by(), wish, later)
            .await
            .unwrap(),
    );
    let ready = desk.load(&[cost("2026-09", "D", 1, "2026-06", 1_000)]).await;
    let dead = desk.load(&[cost("2026-10", "E", 1, "2026-06", 1_000)]).await;
    let died = format!(
        "UPDATE statement_deliveries SET state = 'loading', leased_by = gen_random_uuid(), leased_until = clock_timestamp()
         WHERE delivery = {}",
        dead.delivery.0
    );
    testkit::sql(desk.tenant(), &died).await;
    desk.test.clock.advance(TimeDelta::days(8));
    assert_eq!(desk.sweep().await, 2);
    let kept = "SELECT claim_key AS line FROM cost_rows ORDER BY 1";
    assert_eq!(desk.test.lines(kept).await, ["A", "C", "D"]);
    let heads = desk.list().await;
    let state = |number| heads.iter().find(|head| head.delivery.0 == number).unwrap().state;
    assert_eq!(
        (state(dead.delivery.0), state(ready.delivery.0)),
        (State::Refused, State::Ready)
    );
}

#[tokio::test]
async fn a_load_that_lives_is_left_alone() {
    let desk = Desk::new().await;
    let load = desk.load(&[cost("2024-12", "A", 1, "2024-11", 1_000)]).await;
    let lives = "UPDATE statement_deliveries SET state = 'loading', leased_by = gen_random_uuid(),
        leased_until = clock_timestamp() + interval '1 minute'";
    testkit::sql(desk.tenant(), lives).await;
    desk.test.clock.advance(TimeDelta::days(60));
    assert_eq!(desk.sweep().await, 0);
    assert_eq!(desk.rows_of(load.delivery.0).await, 1);
}

#[tokio::test]
async fn months_past_the_insurers_own_go() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-08", "A", 1, "2024-11", 1_000),
        cost("2026-08", "B", 1, "2024-12", 2_000),
        cost("2026-08", "C", 1, "2026-06", 3_000),
    ])
    .await;
    let medicines = desk
        .medicines(&[medicine("2026-08", "A", 1, "2024-11", 620_000_001)])
        .await;
    super::loaded(medicines);
    assert_eq!(desk.sweep().await, 0, "24 months back from November 2026");
    desk.test.clock.advance(TimeDelta::days(10));
    assert_eq!(desk.sweep().await, 2);
    assert_eq!(desk.shown(Kind::Costs).await, ["2024-12 B 2000", "2026-06 C 3000"]);
    let months: Vec<_> = desk.list().await.into_iter().map(|head| head.months).collect();
    assert_eq!(months, [vec![month("2024-12"), month("2026-06")], vec![]]);
    assert_eq!(desk.sweep().await, 0);
    // What stays is whole, and may be withdrawn and published anew.
    desk.withdraw(Kind::Costs, "2026-08").await;
    done(desk.try_publish(Kind::Costs, "2026-08", Some(1)).await);
}

#[tokio::test]
async fn a_second_sweep_finds_nothing() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 9, "2026-06", 1_000),
    ])
    .await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_500)]).await;
    desk.test.clock.advance(TimeDelta::days(7));
    assert!(desk.sweep().await > 0);
    assert_eq!(desk.sweep().await, 0);
}

#[tokio::test]
async fn who_is_forgotten_leaves_no_row() {
    let desk = Desk::new().await;
    let wife = TestPerson {
        branch: "01".to_owned(),
        kana_name: "ケンポ　ハナコ".to_owned(),
        name: "健保　花子".to_owned(),
        birth_date: "1986-02-03".to_owned(),
        relationship: "妻".to_owned(),
        ..TestPerson::new(1)
    };
    desk.test.clock.advance(TimeDelta::hours(1));
    let roster = |more: &[TestPerson]| -> Vec<TestPerson> {
        let insured = (1..=3).map(TestPerson::new);
        insured.chain([wife.clone()]).chain(more.iter().cloned()).collect()
    };
    desk.test.import(&roster(&[])).await;
    let of_wife = cost("2026-08", "B", 1, "2026-06", 2_000).replacen(",00,,", ",01,,", 1);
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        of_wife,
        cost("2026-08", "C", 2, "2026-06", 3_000),
        cost("2026-08", "D", 9, "2026-06", 4_000),
    ])
    .await;
    super::loaded(
        desk.medicines(&[medicine("2026-08", "A", 1, "2026-06", 620_000_001)])
            .await,
    );
    desk.test.clock.advance(TimeDelta::hours(1));
    desk.test.import(&roster(&[TestPerson::new(9)])).await;
    assert_eq!(desk.sweep().await, 1);
    let disclose = format!(
        "INSERT INTO disclosures SELECT {}, person_id, 'costs', 'self_only', 'person', '2026-11-22' FROM persons",
        desk.tenant()
    );
    testkit::sql(desk.tenant(), &disclose).await;
    let person = async |condition: &str| {
        let query = format!("SELECT person_id::text AS line FROM persons WHERE {condition}");
        PersonId::parse(&desk.test.lines(&query).await[0]).unwrap()
    };
    let insured = person("number_key = '1' AND branch = '00'").await;
    let settled = person("number_key = '9'").await;
    let forget_them = async |people: &[PersonId]| {
        let mut tx = desk.test.write(desk.tenant()).await;
        forget(&mut tx, people, &[]).await.unwrap();
        tx.commit().await.unwrap();
    };
    forget_them(&[insured, settled]).await;
    let left = "SELECT claim_key AS line FROM cost_rows ORDER BY 1";
    assert_eq!(
        desk.test.lines(left).await,
        ["B", "C"],
        "those of others stay, whoever was notified of them"
    );
    assert_eq!(
        (desk.count("medicine_rows").await, desk.count("held_rows").await),
        (0, 0)
    );
    assert_eq!(desk.count("disclosures").await, 3);
    forget_them(&[person("branch = '01'").await]).await;
    assert_eq!(desk.test.lines(left).await, ["C"]);
    forget_them(&[]).await;
    assert_eq!(desk.test.lines(left).await, ["C"]);
}

#[tokio::test]
async fn months_that_are_no_whole_chunk_are_counted_too() {
    let desk = Desk::new().await;
    let rows: Vec<String> = (1..=9)
        .map(|month| cost("2026-10", &month.to_string(), 1, &format!("2026-0{month}"), 1_000))
        .collect();
    let delivery = desk.load(&rows).await.delivery.0;
    for month in 1..=9 {
        desk.add_rows(delivery, &format!("2026-0{month}"), AT_ONCE + 2_000)
            .await;
    }
    desk.publish(Kind::Costs, "2026-10").await;
    desk.withdraw(Kind::Costs, "2026-10").await;
    desk.test.clock.advance(TimeDelta::days(7));
    assert_eq!(desk.sweep().await, 100_000);
}
