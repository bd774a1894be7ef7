//! What an insurer has published: years and months on offer, alike for everybody.

use super::{
    Desk, cost,
    views::row,
    visibility::{FATHER, Home, MOTHER},
};
use chrono::TimeDelta;
use statements::{
    Kind, Month, Months,
    published::{Published, published},
    sums::tax_year,
};
use tenancy::StatementSettings;

impl Desk {
    async fn published(&self, kind: Kind, months_online: u32) -> Published {
        let settings = StatementSettings {
            months_online,
            ..StatementSettings::default()
        };
        let online = Months::online(&settings, self.test.clock.now());
        let tx = self.test.database.tenant(self.tenant()).read().await.unwrap();
        published(&tx, kind, online).await.unwrap()
    }
}

fn months(texts: &[&str]) -> Vec<Month> {
    texts.iter().map(|text| super::month(text)).collect()
}

#[tokio::test]
async fn years_and_labels_are_those_of_what_is_published() {
    let desk = Desk::new().await;
    assert_eq!(desk.published(Kind::Costs, 24).await, Published::default());
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 2, "2025-11", 1_000),
    ])
    .await;
    let first = desk.test.clock.now();
    desk.test.clock.advance(TimeDelta::hours(1));
    desk.load(&[cost("2026-09", "C", 3, "2024-12", 1_000)]).await;
    let published = desk.published(Kind::Costs, 24).await;
    let expected = Published {
        years: vec![2026, 2025],
        labels: months(&["2026-08"]),
        last_at: Some(first),
        changed_at: Some(first),
    };
    assert_eq!(published, expected);
    desk.publish(Kind::Costs, "2026-09").await;
    let second = desk.test.clock.now();
    let published = desk.published(Kind::Costs, 24).await;
    assert_eq!(
        (&*published.years, &*published.labels),
        (&[2026, 2025, 2024][..], &*months(&["2026-09", "2026-08"]))
    );
    assert_eq!((published.last_at, published.changed_at), (Some(second), Some(second)));
    desk.test.clock.advance(TimeDelta::hours(1));
    desk.withdraw(Kind::Costs, "2026-09").await;
    let published = desk.published(Kind::Costs, 24).await;
    assert_eq!((published.last_at, &*published.years), (Some(first), &[2026, 2025][..]));
    assert_eq!(published.changed_at, Some(desk.test.clock.now()));
    assert!(published.has_changed_since(second));
    assert_eq!(desk.published(Kind::Medicines, 24).await, Published::default());
}

#[tokio::test]
async fn a_year_that_is_kept_no_longer_is_not_offered_though_its_rows_are_still_there() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 1, "2025-11", 1_000),
        cost("2026-08", "C", 1, "2024-11", 1_000),
    ])
    .await;
    assert_eq!(desk.published(Kind::Costs, 24).await.years, [2026, 2025, 2024]);
    assert_eq!(desk.published(Kind::Costs, 23).await.years, [2026, 2025]);
    assert_eq!(desk.published(Kind::Costs, 12).await.years, [2026, 2025]);
    desk.test.clock.advance(TimeDelta::days(31));
    assert_eq!(desk.published(Kind::Costs, 12).await.years, [2026]);
}

// security.md 74
#[tokio::test]
async fn years_are_the_same_whoever_of_their_people_is_hidden() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1_000),
            row("2026-08", "B", "01", "2025-06", 1_000),
        ])
        .await;
    let before = home.desk.published(Kind::Costs, 24).await;
    assert_eq!(before.years, [2026, 2025]);
    home.protect(MOTHER, None).await;
    assert_eq!(home.desk.published(Kind::Costs, 24).await, before);
}

// security.md 74
#[tokio::test]
async fn a_hidden_persons_rows_change_nothing_of_a_tax_year() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1_000),
            row("2026-08", "B", "01", "2026-06", 2_000),
        ])
        .await;
    let year = async || {
        let view = home
            .desk
            .view(home.ids[FATHER], accounts::Proof::Letter, Months::year(2026))
            .await;
        let tx = home.desk.test.database.tenant(home.desk.tenant()).read().await.unwrap();
        let rows = view.costs(&tx).await.unwrap();
        tax_year(&rows, 2026, &home.desk.published(Kind::Costs, 24).await, 2)
    };
    let both = year().await;
    assert_eq!((both.with_institution, both.groups.len()), (900, 2));
    assert_eq!(both.missing[0], super::month("2026-07"));
    home.protect(MOTHER, None).await;
    let alone = year().await;
    assert_eq!((alone.with_institution, alone.groups.len()), (300, 1));
    assert_eq!(alone.missing, both.missing);
}
