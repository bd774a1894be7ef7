//! What became of rows since somebody saw them: told once, by what they may see today, and not to whoever never looked.

use super::{
    Desk, done, loaded, medicine, medicines, taken_back,
    views::{always, row},
    visibility::{CHILD, FATHER, Home, MOTHER},
    wish,
};
use accounts::Proof::Letter;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::AccountId;
use statements::{
    Kind, Months,
    import::Wish,
    marks::{mark_seen, seen_at},
    published::published,
    purge::{forget, sweep},
    view::Changed,
};

const NOTHING: (u32, u32) = (0, 0);

impl Home {
    /// With nothing published.
    async fn empty() -> Self {
        Self::of(|_| (), "2015-05-05", &[]).await
    }

    /// The present moment, which is over an hour later.
    pub(super) fn moment(&self) -> DateTime<Utc> {
        let now = self.desk.test.clock.now();
        self.desk.test.clock.advance(TimeDelta::hours(1));
        now
    }

    /// What was corrected and withdrawn of what somebody saw.
    pub(super) async fn changed(&self, who: &str, kind: Kind, seen_at: DateTime<Utc>) -> (u32, u32) {
        let view = self.desk.view(self.ids[who], Letter, always()).await;
        let tx = self.desk.test.database.tenant(self.desk.tenant()).read().await.unwrap();
        let Changed { corrected, withdrawn } = view.changed_since(&tx, kind, seen_at).await.unwrap();
        (corrected, withdrawn)
    }

    async fn costs_changed(&self, seen_at: DateTime<Utc>) -> (u32, u32) {
        self.changed(FATHER, Kind::Costs, seen_at).await
    }
}

#[tokio::test]
async fn a_row_that_was_corrected_is_told_until_it_was_seen() {
    let home = Home::empty().await;
    home.desk.show(&[row("2026-08", "A", "00", "2026-06", 1_000)]).await;
    let first = home.moment();
    assert_eq!(home.costs_changed(first).await, NOTHING);
    home.desk.show(&[row("2026-09", "A", "00", "2026-06", 900)]).await;
    let second = home.moment();
    assert_eq!(home.costs_changed(first).await, (1, 0));
    assert_eq!(home.costs_changed(second).await, NOTHING, "published before");
    // Twice is once.
    home.desk.show(&[row("2026-10", "A", "00", "2026-06", 800)]).await;
    assert_eq!(home.costs_changed(first).await, (1, 0));
    assert_eq!(home.costs_changed(second).await, (1, 0));
    // There and back is not at all.
    home.desk.show(&[row("2026-11", "A", "00", "2026-06", 1_000)]).await;
    assert_eq!(home.costs_changed(first).await, NOTHING);
    assert_eq!(home.costs_changed(second).await, (1, 0));
}

#[tokio::test]
async fn any_part_of_a_row_is_a_correction_and_the_same_once_more_is_none() {
    for (old, new, told) in [
        ("東町クリニック", "西町クリニック", (1, 0)),
        ("医科外来", "医科入院", (1, 0)),
        ("医科外来,1,", "医科外来,2,", (1, 0)),
        (",0,0,", ",0,50,", (1, 0)),
        ("東町クリニック", "東町クリニック", NOTHING),
    ] {
        let home = Home::empty().await;
        home.desk.show(&[row("2026-08", "A", "00", "2026-06", 1_000)]).await;
        let seen = home.moment();
        let again = row("2026-09", "A", "00", "2026-06", 1_000).replacen(old, new, 1);
        home.desk.show(&[again]).await;
        assert_eq!(home.costs_changed(seen).await, told, "{old} {new}");
    }
}

#[tokio::test]
async fn a_claim_that_was_taken_back_is_told_and_so_is_a_whole_delivery() {
    let home = Home::empty().await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1_000),
            row("2026-08", "B", "01", "2026-06", 2_000),
            // Nobody paid for it, and it is there no more.
            row("2026-08", "C", "02", "2026-06", 0),
        ])
        .await;
    let seen = home.moment();
    home.desk.show(&[taken_back("2026-09", "A", 1, "2026-06")]).await;
    assert_eq!(home.costs_changed(seen).await, (0, 1));
    home.desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(home.costs_changed(seen).await, (0, 3));
    assert_eq!(home.changed(MOTHER, Kind::Costs, seen).await, (0, 1));
    done(home.desk.try_publish(Kind::Costs, "2026-08", Some(1)).await);
    assert_eq!(home.costs_changed(seen).await, NOTHING, "seen is what is published now");
}

#[tokio::test]
async fn a_version_in_the_place_of_another_is_told_by_its_differences() {
    let home = Home::empty().await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1_000),
            row("2026-08", "B", "00", "2026-06", 2_000),
            row("2026-08", "C", "00", "2026-06", 3_000),
        ])
        .await;
    let seen = home.moment();
    home.desk
        .show(&[
            row("2026-08", "D", "00", "2026-06", 4_000),
            row("2026-08", "B", "00", "2026-06", 2_200),
            row("2026-08", "A", "00", "2026-06", 1_000),
        ])
        .await;
    // One is new, one the same.
    assert_eq!(home.costs_changed(seen).await, (1, 1));
    let later = home.moment();
    home.desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(home.costs_changed(later).await, (0, 3));
}

#[tokio::test]
async fn what_was_corrected_by_a_label_that_is_taken_back_is_as_it_was() {
    let home = Home::empty().await;
    home.desk.show(&[row("2026-08", "A", "00", "2026-06", 1_000)]).await;
    let first = home.moment();
    home.desk.show(&[row("2026-09", "A", "00", "2026-06", 900)]).await;
    let second = home.moment();
    home.desk.withdraw(Kind::Costs, "2026-09").await;
    assert_eq!(home.costs_changed(first).await, NOTHING);
    assert_eq!(home.costs_changed(second).await, (1, 0));
}

#[tokio::test]
async fn rows_without_a_number_are_told_by_their_sum() {
    let home = Home::empty().await;
    home.desk
        .show(&[
            row("2026-08", "", "00", "2026-06", 1_500),
            row("2026-08", "", "01", "2026-06", 500),
        ])
        .await;
    let first = home.moment();
    home.desk
        .show(&[
            row("2026-09", "", "00", "2026-06", -1_500),
            row("2026-09", "", "00", "2026-06", 1_200),
        ])
        .await;
    assert_eq!(home.costs_changed(first).await, (1, 0));
    let second = home.moment();
    home.desk.show(&[row("2026-10", "", "00", "2026-06", -1_200)]).await;
    assert_eq!(home.costs_changed(first).await, (0, 1));
    assert_eq!(home.costs_changed(second).await, (0, 1));
}

#[tokio::test]
async fn what_is_new_is_no_change_of_what_was_seen() {
    let home = Home::empty().await;
    let before = home.moment();
    home.desk.show(&[row("2026-08", "A", "00", "2026-06", 1_000)]).await;
    assert_eq!(home.costs_changed(before).await, NOTHING);
    let seen = home.moment();
    home.desk
        .show(&[
            row("2026-09", "B", "00", "2026-06", 2_000),
            row("2026-09", "C", "01", "2025-12", 2_000),
        ])
        .await;
    assert_eq!(home.costs_changed(seen).await, NOTHING);
    // Not published yet.
    home.desk.load(&[row("2026-10", "A", "00", "2026-06", 900)]).await;
    assert_eq!(home.costs_changed(seen).await, NOTHING);
}

// security.md 74
#[tokio::test]
async fn nothing_is_told_of_rows_that_may_not_be_seen_today() {
    let home = Home::empty().await;
    let rows = |label: &str, total| {
        ["00", "01", "02"].map(|branch| row(label, &format!("{branch}-A"), branch, "2026-06", total))
    };
    home.desk.show(&rows("2026-08", 1_000)).await;
    let seen = home.moment();
    home.desk.show(&rows("2026-09", 900)).await;
    assert_eq!(home.costs_changed(seen).await, (3, 0));
    home.protect(MOTHER, None).await;
    assert_eq!(home.costs_changed(seen).await, (2, 0));
    assert_eq!(home.changed(MOTHER, Kind::Costs, seen).await, (1, 0));
    home.ask(CHILD, statements::visibility::Audience::SelfOnly).await;
    assert_eq!(home.costs_changed(seen).await, (1, 0));
    // A claim that turns out to be hers is his no more, and nothing else is told.
    home.desk.show(&[row("2026-10", "00-A", "01", "2026-06", 900)]).await;
    assert_eq!(home.costs_changed(seen).await, (0, 1));
}

#[tokio::test]
async fn medicines_are_told_by_claim_and_not_by_what_is_reckoned() {
    let home = Home::empty().await;
    let load = async |label: &str, rows: &[String]| {
        let allowing = Wish {
            allow_deviation: true,
            ..wish(Kind::Medicines)
        };
        loaded(home.desk.import_as(&medicines(rows), allowing).await);
        home.desk.publish(Kind::Medicines, label).await;
    };
    let line = |label, claim, drug| medicine(label, claim, 1, "2026-06", drug);
    load(
        "2026-08",
        &[
            line("2026-08", "A", 620_000_001),
            line("2026-08", "A", 620_000_002),
            line("2026-08", "B", 620_000_003),
            line("2026-08", "", 620_000_004),
        ],
    )
    .await;
    let seen = home.moment();
    let changed = async || home.changed(FATHER, Kind::Medicines, seen).await;
    testkit::sql(
        home.desk.tenant(),
        "UPDATE medicine_rows SET saving_yen = 300, class = '2'",
    )
    .await;
    assert_eq!(changed().await, NOTHING);
    let back = "2026-09,B,100,1,00,,2026-06,,,,,,,1".to_owned();
    load("2026-09", &[line("2026-09", "A", 620_000_001), back]).await;
    assert_eq!(changed().await, (1, 1));
    assert_eq!(home.costs_changed(seen).await, NOTHING);
    home.desk.withdraw(Kind::Medicines, "2026-08").await;
    assert_eq!(changed().await, (1, 2));
}

#[tokio::test]
async fn a_version_that_was_replaced_is_told_while_its_rows_are_kept() {
    let home = Home::empty().await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1_000),
            row("2026-08", "B", "00", "2026-06", 2_000),
        ])
        .await;
    let seen = home.moment();
    home.desk.show(&[row("2026-08", "B", "00", "2026-06", 2_000)]).await;
    assert_eq!(home.costs_changed(seen).await, (0, 1));
    let desk = &home.desk;
    desk.test.clock.advance(TimeDelta::days(8));
    let mut tx = desk.test.write(desk.tenant()).await;
    let swept = sweep(&mut tx, &desk.test.keys, 24, desk.test.clock.now()).await;
    assert!(swept.unwrap() >= 2);
    tx.commit().await.unwrap();
    assert_eq!(home.costs_changed(seen).await, NOTHING);
}

#[tokio::test]
async fn a_mark_is_an_accounts_and_a_kinds_never_goes_back_and_is_forgotten() {
    let desk = Desk::new().await;
    let (mine, others) = (
        AccountId::new(desk.test.clock.now()),
        AccountId::new(desk.test.clock.now()),
    );
    let of = async |account, kind| {
        let tx = desk.test.database.tenant(desk.tenant()).read().await.unwrap();
        seen_at(&tx, account, kind).await.unwrap()
    };
    let mark = async |account, at| {
        let mut tx = desk.test.write(desk.tenant()).await;
        mark_seen(&mut tx, account, Kind::Costs, at).await.unwrap();
        tx.commit().await.unwrap();
    };
    assert_eq!(of(mine, Kind::Costs).await, None, "never looked");
    let first = desk.test.clock.now();
    let second = first + TimeDelta::hours(1);
    mark(mine, first).await;
    assert_eq!(of(mine, Kind::Costs).await, Some(first));
    assert_eq!(of(mine, Kind::Medicines).await, None);
    assert_eq!(of(others, Kind::Costs).await, None);
    mark(mine, second).await;
    // Another window that was slower.
    mark(mine, first).await;
    assert_eq!(of(mine, Kind::Costs).await, Some(second));
    mark(others, first).await;
    let mut tx = desk.test.write(desk.tenant()).await;
    forget(&mut tx, &[], &[mine]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(of(mine, Kind::Costs).await, None);
    assert_eq!(of(others, Kind::Costs).await, Some(first));
}

#[tokio::test]
async fn what_is_published_while_somebody_looks_is_news_to_them() {
    let home = Home::empty().await;
    let desk = &home.desk;
    desk.show(&[row("2026-08", "A", "00", "2026-06", 1_000)]).await;
    // It counts from before the look, and is committed behind it.
    let begun = home.moment();
    home.moment();
    let online = Months::online(&desk.insurer().await.statements, desk.test.clock.now());
    let told = async || {
        let tx = desk.test.database.tenant(desk.tenant()).read().await.unwrap();
        published(&tx, Kind::Costs, online).await.unwrap()
    };
    let mark = told().await.changed_at.unwrap();
    assert!(!told().await.is_news_to(Some(mark)) && told().await.is_news_to(None));
    desk.show(&[row("2026-09", "A", "00", "2026-06", 900)]).await;
    let earlier = format!(
        "UPDATE statement_deliveries SET published_at = timestamptz '{begun}' + interval '1 minute' WHERE label = '2026-09-01'"
    );
    testkit::sql(desk.tenant(), &earlier).await;
    assert!(told().await.is_news_to(Some(mark)));
    assert_eq!(home.costs_changed(mark).await, (1, 0));
}
