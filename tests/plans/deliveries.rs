//! Deliveries at the large insurer: loaded, published, corrected and taken back, with rows at both ends of the years, and one that
//! waits for the roster.

use audit::{Actor, Origin};
use chrono::TimeDelta;
use kernel::{Outcome, StaffId};
use statements::{
    Deliveries, Kind, Month,
    claims::{self, Claim},
    desk,
    held::waiting,
    import::{Imported, Wish},
    purge,
    reading::MAX_ROWS,
    remembered, struck,
};
use std::{io::Cursor, sync::Arc};
use tabular::{Mapping, Opened, Source};
use tenancy::{Feature, FeatureState, Features, Insurer};
use testkit::TestApp;

const HEADER: &str =
    "レセプト番号,記号,番号,枝番,診療年月,診療区分,医療機関等名称,医療費の総額,保険者の負担額,窓口相当負担額";
/// Rows of one month and one label.
const FEW: u32 = 5;

/// The months that the insurer keeps reach to the oldest year, and members may look at them.
pub(super) async fn keep_long(app: &TestApp) {
    app.insurer
        .apply(|folder| {
            folder.settings.statements.months_online = 36;
            folder.settings.modules = Features::from_iter([(Feature::CostStatements, FeatureState::Open)]);
        })
        .await;
    app.later(3);
}

/// In each round a month's label, its correction by the next one's, and the correction taken back.
pub(super) async fn deliver(app: &TestApp, round: usize) {
    let insurer = app.insurer.directory.by_tenant(app.tenant()).await.unwrap().unwrap();
    let desk = Desk {
        deliveries: Deliveries::new(&app.ground),
        insurer,
        number: 1000 + round,
        round,
    };
    for (label, total) in [("2026-09", 1_000), ("2026-10", 1_500)] {
        desk.load(label, total).await;
        let published = desk.publish(label).await;
        assert!(published.delivery.rows >= u64::from(2 * FEW));
        let corrected = if label == "2026-10" { u64::from(2 * FEW) } else { 0 };
        assert!(published.superseded >= corrected, "{}", published.superseded);
    }
    by_hand(app, &desk).await;
    settle(app, round).await;
    let what = (Kind::Costs, month("2026-10"));
    let back = desk.deliveries.withdraw(app.tenant(), by(), what).await.unwrap();
    assert!(matches!(back, Outcome::Done(_)), "{back:?}");
    desk.publish("2026-10").await;
    tell(app).await;
}

/// A batch of the members who may be told of it; of the rest nobody waits for their turn.
async fn tell(app: &TestApp) {
    app.worker.run_once_for(app.tenant()).await.unwrap();
    let looked_at = app.insurer.count("statement_mailings", "come_to IS NOT NULL").await;
    assert!(looked_at > 0, "nobody was looked at");
    let rest = "DELETE FROM due WHERE queue = 'statement_mail'";
    testkit::execute_within(&app.insurer.owner_url(), Some(app.tenant()), rest)
        .await
        .unwrap();
}

/// Staff look at what waits, and withdraw a claim, which is put back.
async fn by_hand(app: &TestApp, desk: &Desk) {
    let (keys, origin) = (&app.ground.keys, Origin::command());
    let staff = StaffId(uuid::Uuid::nil());
    let tx = app.write(app.tenant()).await;
    let filter = waiting::Filter::default();
    let page = waiting::page(&tx, keys, &filter, waiting::After::default(), false)
        .await
        .unwrap();
    let row = page.rows.last().unwrap();
    waiting::one(&tx, keys, row.id, false).await.unwrap().unwrap();
    remembered::list(&tx, None, false).await.unwrap();
    let claim = Claim {
        kind: Kind::Costs,
        month: month("2026-09"),
        key: format!("K{}-0", desk.round),
    };
    let place = claims::find(&tx, &claim).await.unwrap().unwrap();
    assert_eq!(claims::at(&tx, place).await.unwrap(), Some(claim.clone()));
    let rows = claims::rows(&tx, &claim, false).await.unwrap();
    let until = claims::until(&rows).unwrap();
    struck::list(&tx, keys, None, false).await.unwrap();
    tx.commit().await.unwrap();
    let by = desk::Desk {
        staff,
        actor: Actor::Operator,
        origin: &origin,
        sees_protected: false,
    };
    let wish = struck::Wish {
        until,
        reason: struck::StrikeReason::Wrong,
        text: "",
    };
    let struck = desk.deliveries.strike(&desk.insurer, by, (&claim, wish)).await.unwrap();
    let Outcome::Done(struck) = struck else {
        panic!("{struck:?}");
    };
    let back = desk.deliveries.restore(&desk.insurer, by, struck).await.unwrap();
    assert!(matches!(back, Outcome::Done(_)), "{back:?}");
}

/// The roster learns of whom a row waits for, and a day goes by.
async fn settle(app: &TestApp, round: usize) {
    let known = format!(
        "UPDATE persons SET number = '{0}', number_key = '{0}' WHERE symbol = '200' AND number = '{1}'",
        unknown(round),
        200 + round
    );
    testkit::execute_within(&app.insurer.owner_url(), Some(app.tenant()), &known)
        .await
        .unwrap();
    let mut tx = app.write(app.tenant()).await;
    let later = app.clock().now() + TimeDelta::days(2);
    let swept = purge::sweep(&mut tx, &app.ground.keys, 36, later).await.unwrap();
    assert!(swept >= 1, "{swept}");
    tx.commit().await.unwrap();
}

/// A number that nobody has yet.
fn unknown(round: usize) -> usize {
    777_000 + round
}

/// Rows of one month that no delivery owns, written by the superuser: they are only mass.
pub(super) fn much(tenant: i32, rows: u32) -> String {
    format!(
        "INSERT INTO cost_rows (tenant_id, delivery, month, line, principal_id, person_id, claim_key, category, days, institution,
             total_yen, insurer_yen, public_yen, copay_yen, meal_yen, benefit_yen, withdrawn)
         SELECT {tenant}, 1000, '2026-09-01', n, gen_random_uuid(), gen_random_uuid(), 'C' || n, 'medical_out', 1, '', 0, 0, 0, 0, 0, 0,
             false
         FROM generate_series(1, {rows}) n"
    )
}

/// A delivery of so many claims of the same month.
pub(super) async fn bring(app: &TestApp, claims: u32) {
    let insurer = app.insurer.directory.by_tenant(app.tenant()).await.unwrap().unwrap();
    let desk = Desk {
        deliveries: Deliveries::new(&app.ground),
        insurer,
        number: 1000,
        round: 0,
    };
    let rows = (0..claims).map(|nth| row(&format!("K{nth}"), (100, desk.number), "2026-09", 1_000));
    let file = format!("{HEADER}\r\n{}", rows.collect::<String>());
    desk.bring("2026-10", file).await;
}

fn row(claim: &str, (symbol, number): (u32, usize), month: &str, total: u32) -> String {
    let copay = total * 3 / 10;
    let insurer = total - copay;
    format!("{claim},{symbol},{number},00,{month},医科外来,東町クリニック,{total},{insurer},{copay}\r\n")
}

struct Desk {
    deliveries: Deliveries,
    insurer: Arc<Insurer>,
    number: usize,
    round: usize,
}

impl Desk {
    async fn load(&self, label: &str, total: u32) {
        let row = |claim: &str, symbol: u32, number: usize, month: &str| row(claim, (symbol, number), month, total);
        let mut file = format!("{HEADER}\r\n");
        for month in ["2023-12", "2026-09"] {
            for nth in 0..FEW {
                file += &row(&format!("K{}-{nth}", self.round), 100, self.number, month);
            }
        }
        file += &row(&format!("W{}", self.round), 200, unknown(self.round), "2026-09");
        self.bring(label, file).await;
    }

    async fn bring(&self, label: &str, file: String) {
        let source = || {
            let bytes = file.as_bytes().to_vec();
            Source::new("costs.csv", move || {
                let of = bytes.len() as u64;
                let stream = Box::new(Cursor::new(bytes));
                Ok(Opened { stream, of })
            })
        };
        let wish = Wish {
            kind: Kind::Costs,
            label: Some(month(label)),
            dry_run: false,
            allow_deviation: true,
            allow_unmatched: true,
            max_rows: MAX_ROWS,
            mapping: Mapping::default(),
            run: None,
            by: by(),
        };
        let imported = self.deliveries.import(&self.insurer, source, wish, |_| ()).await;
        assert!(matches!(imported, Ok(Imported::Loaded { .. })), "{imported:?}");
    }

    async fn publish(&self, label: &str) -> statements::publish::Published {
        let what = (Kind::Costs, month(label), None);
        let published = self
            .deliveries
            .publish(self.insurer.tenant_id, by(), what)
            .await
            .unwrap();
        match published {
            Outcome::Done(published) => published,
            Outcome::Refused(refusal) => panic!("{refusal:?}"),
        }
    }
}

fn by() -> (Actor, Origin) {
    (Actor::Operator, Origin::command())
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}
