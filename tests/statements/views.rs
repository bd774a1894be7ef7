//! What a viewer gets of rows that are theirs to see: as they were delivered, of the months that are kept, and nothing of
//! anybody else's.

use super::{
    Desk, cost, done, medicine, month, taken_back,
    visibility::{CHILD, FATHER, Home, MOTHER},
};
use accounts::Proof::{self, Facts, Letter};
use kernel::PersonId;
use statements::{
    Category, Form, Kind, Months,
    sums::{Yen, by_month, is_late, shown},
    view::{Cost, Medicine, View},
    visibility::{Audience, Viewer},
};
use tenancy::StatementSettings;

/// More than any insurer keeps.
pub(super) fn always() -> Months {
    Months {
        first: month("202301"),
        last: month("202812"),
    }
}

impl Desk {
    pub(super) async fn view(&self, person: PersonId, proof: Proof, months: Months) -> View {
        let settings = self.insurer().await.statements;
        View::of(Viewer { person, proof }, &settings, self.test.clock.now(), months)
    }
}

impl Home {
    async fn costs(&self, who: &str, proof: Proof, months: Months) -> Vec<Cost> {
        let view = self.desk.view(self.ids[who], proof, months).await;
        let tx = self.desk.test.database.tenant(self.desk.tenant()).read().await.unwrap();
        view.costs(&tx).await.unwrap()
    }

    async fn medicines(&self, who: &str, proof: Proof) -> Vec<Medicine> {
        let view = self.desk.view(self.ids[who], proof, always()).await;
        let tx = self.desk.test.database.tenant(self.desk.tenant()).read().await.unwrap();
        view.medicines(&tx).await.unwrap()
    }

    async fn medicine(&self, claim: &str, branch: &str) {
        let row = medicine("2026-08", claim, 1, "2026-06", 620_000_001);
        let row = row.replacen(",00,,", &format!(",{branch},,"), 1);
        self.desk.medicines(&[row]).await.unwrap();
        self.desk.publish(Kind::Medicines, "2026-08").await;
    }

    /// Claims with their totals, a correction with a star.
    async fn told(&self, who: &str) -> Vec<String> {
        let rows = self.costs(who, Letter, always()).await;
        let told = |row: Cost| {
            let star = if row.is_correction { "*" } else { "" };
            format!("{}{} {}", row.claim, star, row.yen.total)
        };
        rows.into_iter().map(told).collect()
    }
}

/// A row of somebody of number 1.
pub(super) fn row(label: &str, claim: &str, branch: &str, month: &str, total: i64) -> String {
    cost(label, claim, 1, month, total).replacen(",00,,", &format!(",{branch},,"), 1)
}

#[tokio::test]
async fn a_row_is_read_as_it_was_delivered() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    let line = "2026-09,H1,100,1,00,,2026-06,医科入院,12,中央病院,300000,210000,1000,89000,5520,20000,";
    let published = home.desk.show(&[line.into()]).await;
    let expected = Cost {
        month: month("2026-06"),
        label: month("2026-09"),
        delivery: published.delivery.delivery.0,
        line: 2,
        person: home.ids[FATHER],
        claim: "H1".into(),
        category: Category::MedicalIn,
        days: 12,
        institution: "中央病院".into(),
        yen: Yen {
            total: 300_000,
            insurer: 210_000,
            public: 1_000,
            copay: 89_000,
            meal: 5_520,
            benefit: 20_000,
        },
        is_correction: false,
    };
    let rows = home.costs(FATHER, Facts, always()).await;
    assert_eq!(rows, [expected]);
    let settings = home.desk.insurer().await.statements;
    assert!(is_late(&rows[0], settings.arrives_after_months));

    home.medicine("M1", "00").await;
    let rows = home.medicines(FATHER, Facts).await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (row.drug.as_str(), row.form, row.daily_milli, row.count, row.rate),
        ("620000001", Form::Oral, 2_000, 30, 3)
    );
    assert_eq!(
        (row.pharmacy.as_str(), row.month, row.label, row.person),
        ("西町薬局", month("2026-06"), month("2026-08"), home.ids[FATHER])
    );
}

#[tokio::test]
async fn rows_come_the_newest_month_first_by_person_and_as_they_were_delivered() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    home.desk
        .show(&[
            row("2026-09", "D", "00", "2026-07", 4),
            row("2026-09", "C", "00", "2026-06", 3),
        ])
        .await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1),
            row("2026-08", "B", "00", "2026-06", 2),
            row("2026-08", "E", "01", "2026-06", 5),
        ])
        .await;
    let mut june = vec!["A 1", "B 2", "C 3"];
    if home.ids[MOTHER] < home.ids[FATHER] {
        june.insert(0, "E 5");
    } else {
        june.push("E 5");
    }
    june.insert(0, "D 4");
    assert_eq!(home.told(FATHER).await, june);
}

#[tokio::test]
async fn months_are_those_asked_for_and_kept() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    home.desk
        .show(&[
            row("2026-11", "new", "00", "2026-11", 1),
            row("2026-11", "year", "00", "2025-11", 2),
            row("2026-11", "old", "00", "2025-10", 3),
            row("2026-11", "oldest", "00", "2024-11", 4),
        ])
        .await;
    let claims = async |months: Months, months_online: u32| {
        let viewer = Viewer {
            person: home.ids[FATHER],
            proof: Facts,
        };
        let settings = StatementSettings {
            months_online,
            ..StatementSettings::default()
        };
        let view = View::of(viewer, &settings, home.desk.test.clock.now(), months);
        let tx = home.desk.test.database.tenant(home.desk.tenant()).read().await.unwrap();
        let rows = view.costs(&tx).await.unwrap();
        rows.into_iter().map(|row| row.claim).collect::<Vec<_>>()
    };
    assert_eq!(claims(always(), 24).await, ["new", "year", "old", "oldest"]);
    assert_eq!(claims(Months::year(2025), 24).await, ["year", "old"]);
    assert_eq!(claims(Months::one(month("2025-10")), 24).await, ["old"]);
    // Before anything is deleted.
    assert_eq!(claims(always(), 12).await, ["new", "year"]);
    assert!(claims(Months::year(2024), 12).await.is_empty());
    assert!(claims(Months::one(month("2025-10")), 12).await.is_empty());
}

#[tokio::test]
async fn a_correction_is_one_where_an_earlier_row_of_theirs_was_published() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    let desk = &home.desk;
    desk.show(&[
        row("2026-08", "A", "00", "2026-06", 1_000),
        row("2026-08", "B", "01", "2026-06", 500),
    ])
    .await;
    assert_eq!(home.told(MOTHER).await, ["B 500"]);
    desk.show(&[row("2026-09", "A", "00", "2026-06", 900)]).await;
    let father = async || {
        let mut told = home.told(FATHER).await;
        told.sort();
        told
    };
    assert_eq!(father().await, ["A* 900", "B 500"]);
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(father().await, ["A 900"]);
    done(desk.try_publish(Kind::Costs, "2026-08", Some(1)).await);
    assert_eq!(father().await, ["A* 900", "B 500"]);
    desk.withdraw(Kind::Costs, "2026-09").await;
    assert_eq!(father().await, ["A 1000", "B 500"]);
    // Taken back once, and claimed again.
    desk.show(&[taken_back("2026-10", "A", 1, "2026-06")]).await;
    desk.show(&[row("2026-11", "A", "00", "2026-06", 1_100)]).await;
    assert_eq!(father().await, ["A* 1100", "B 500"]);
}

// security.md 74
#[tokio::test]
async fn a_claim_that_was_given_to_somebody_else_is_no_correction_of_theirs() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    home.desk.show(&[row("2026-08", "A", "01", "2026-06", 1_000)]).await;
    home.desk.show(&[row("2026-09", "A", "00", "2026-06", 1_000)]).await;
    assert_eq!(home.told(FATHER).await, ["A 1000"]);
    assert!(home.told(MOTHER).await.is_empty());
}

#[tokio::test]
async fn costs_and_medicines_go_each_by_their_own_wish() {
    let home = Home::new(|_| ()).await;
    home.medicine("M", "01").await;
    assert_eq!(home.medicines(FATHER, Facts).await.len(), 1);
    // She hides what she had treated, and her medicines are the family's.
    home.ask(MOTHER, Audience::SelfOnly).await;
    assert_eq!(home.costs(FATHER, Letter, always()).await.len(), 2);
    assert_eq!(home.medicines(FATHER, Letter).await.len(), 1);
    let self_only = |folder: &mut tenancy::Folder| {
        folder.settings.statements.medicines_family = tenancy::FamilyDefault::SelfOnly;
    };
    let home = Home::new(self_only).await;
    home.medicine("M", "01").await;
    assert_eq!(home.costs(FATHER, Facts, always()).await.len(), 3);
    assert!(home.medicines(FATHER, Facts).await.is_empty());
    assert_eq!(home.medicines(MOTHER, Letter).await.len(), 1);
}

// security.md 74
#[tokio::test]
async fn benefits_and_sums_are_of_visible_rows_alone() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    let with_benefit = |claim, branch, total, benefit| {
        let row = row("2026-08", claim, branch, "2026-06", total);
        row.replacen(",0,0,", &format!(",0,{benefit},"), 1)
    };
    home.desk
        .show(&[
            with_benefit("A", "00", 100_000, 5_000),
            with_benefit("B", "01", 200_000, 7_000),
            with_benefit("C", "02", 10_000, 0),
        ])
        .await;
    let sum = async || {
        let rows = home.costs(FATHER, Letter, always()).await;
        let sum = rows.iter().map(|row| row.yen).sum::<Yen>();
        assert_eq!(by_month(&rows), [(month("2026-06"), sum)]);
        (sum.total, sum.copay, sum.benefit)
    };
    assert_eq!(sum().await, (310_000, 93_000, 12_000));
    home.protect(MOTHER, None).await;
    assert_eq!(sum().await, (110_000, 33_000, 5_000));
    home.protect(CHILD, None).await;
    assert_eq!(sum().await, (100_000, 30_000, 5_000));
}

#[tokio::test]
async fn a_core_that_gives_no_numbers_corrects_by_pairs() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    let desk = &home.desk;
    desk.show(&[row("2026-08", "", "00", "2026-06", 1_500)]).await;
    desk.show(&[
        row("2026-09", "", "00", "2026-06", -1_500),
        row("2026-09", "", "00", "2026-06", 1_200),
    ])
    .await;
    let rows = home.costs(FATHER, Facts, always()).await;
    assert_eq!(rows.len(), 3);
    let rows = shown(rows);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].yen.total, rows[0].yen.copay, rows[0].days), (1_200, 360, 1));
    assert!(rows[0].is_correction && !is_late(&rows[0], 2));
    desk.show(&[row("2026-10", "", "00", "2026-06", -1_200)]).await;
    assert!(shown(home.costs(FATHER, Facts, always()).await).is_empty());
}

#[tokio::test]
async fn rows_are_one_statement_whoever_looks() {
    let home = Home::new(|_| ()).await;
    home.medicine("M", "01").await;
    let database = &home.desk.test.database;
    for who in [FATHER, MOTHER] {
        let view = home.desk.view(home.ids[who], Letter, always()).await;
        let tx = database.tenant(home.desk.tenant()).read().await.unwrap();
        let seen = home.desk.test.clock.now();
        view.costs(&tx).await.unwrap();
        let before = database.statements();
        view.costs(&tx).await.unwrap();
        view.medicines(&tx).await.unwrap();
        view.changed_since(&tx, Kind::Costs, seen).await.unwrap();
        assert_eq!(database.statements() - before, 3, "{who}");
    }
}
