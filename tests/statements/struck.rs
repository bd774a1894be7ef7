//! Claims that staff withdrew, as members see them, and what is left of them.

use super::{
    Desk, by, done, medicine,
    views::{always, row},
    visibility::{FATHER, Home},
};
use accounts::Proof::Letter;
use kernel::{PersonId, StaffId, StruckClaimId};
use statements::{
    Kind,
    claims::Claim,
    desk,
    published::published,
    purge,
    struck::{StrikeReason, Wish},
};

fn claim(kind: Kind, key: &str) -> Claim {
    Claim {
        kind,
        month: super::month("2026-06"),
        key: key.into(),
    }
}

impl Desk {
    async fn strike(&self, claim: &Claim, until: &str) -> StruckClaimId {
        let (actor, origin) = by();
        let desk = desk::Desk {
            staff: StaffId(uuid::Uuid::nil()),
            actor,
            origin: &origin,
            sees_protected: true,
        };
        let wish = Wish {
            until: super::month(until),
            reason: StrikeReason::Wrong,
            text: "",
        };
        done(
            self.deliveries
                .strike(&*self.insurer().await, desk, (claim, wish))
                .await
                .unwrap(),
        )
    }

    async fn restore(&self, id: StruckClaimId) {
        let (actor, origin) = by();
        let desk = desk::Desk {
            staff: StaffId(uuid::Uuid::nil()),
            actor,
            origin: &origin,
            sees_protected: true,
        };
        done(self.deliveries.restore(&*self.insurer().await, desk, id).await.unwrap());
    }
}

#[tokio::test]
async fn whoever_saw_the_row_is_told_that_it_was_withdrawn_and_nobody_else_is() {
    let home = Home::of(|_| (), "2015-05-05", &[]).await;
    home.desk
        .show(&[
            row("2026-08", "A", "00", "2026-06", 1_000),
            row("2026-08", "B", "00", "2026-06", 2_000),
        ])
        .await;
    let first = home.moment();
    let struck = home.desk.strike(&claim(Kind::Costs, "A"), "2026-08").await;
    let second = home.moment();
    assert_eq!(home.changed(FATHER, Kind::Costs, first).await, (0, 1));
    assert_eq!(home.changed(FATHER, Kind::Costs, second).await, (0, 0), "seen since");
    let view = home.desk.view(home.ids[FATHER], Letter, always()).await;
    let tx = home.desk.test.database.tenant(home.desk.tenant()).read().await.unwrap();
    let rows = view.costs(&tx).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.claim.as_str()).collect::<Vec<_>>(), ["B"]);
    let told = published(&tx, Kind::Costs, always()).await.unwrap();
    assert!(told.has_changed_since(first) && !told.has_changed_since(second));
    drop(tx);
    home.desk.restore(struck).await;
    let third = home.moment();
    assert_eq!(
        home.changed(FATHER, Kind::Costs, first).await,
        (0, 0),
        "seen is what is shown again"
    );
    // A later label's is a correction of what was seen, not a withdrawal.
    home.desk.strike(&claim(Kind::Costs, "A"), "2026-08").await;
    home.desk.show(&[row("2026-09", "A", "00", "2026-06", 900)]).await;
    assert_eq!(home.changed(FATHER, Kind::Costs, third).await, (1, 0));
}

#[tokio::test]
async fn all_medicines_of_a_claim_go_and_come_back_with_it() {
    let desk = Desk::new().await;
    let of = |claim: &str, drug| medicine("2026-08", claim, 1, "2026-06", drug);
    desk.medicines(&[of("A", 620_000_001), of("A", 620_000_002), of("B", 620_000_003)])
        .await
        .unwrap();
    desk.publish(Kind::Medicines, "2026-08").await;
    let struck = desk.strike(&claim(Kind::Medicines, "A"), "2026-08").await;
    assert_eq!(desk.shown(Kind::Medicines).await, ["2026-06 B 620000003"]);
    desk.restore(struck).await;
    assert_eq!(desk.shown(Kind::Medicines).await.len(), 3);
}

#[tokio::test]
async fn withdrawals_go_with_their_month_and_with_whom_they_are_of() {
    let desk = Desk::new().await;
    desk.show(&[
        super::cost("2026-08", "A", 1, "2026-06", 1_000),
        super::cost("2026-08", "B", 2, "2026-06", 1_000),
    ])
    .await;
    for key in ["A", "B"] {
        desk.strike(&claim(Kind::Costs, key), "2026-08").await;
    }
    let one = "SELECT person_id::text AS line FROM persons WHERE number_key = '1'";
    let one = PersonId::parse(&desk.test.lines(one).await[0]).unwrap();
    let mut tx = desk.test.write(desk.tenant()).await;
    purge::forget(&mut tx, &[one], &[]).await.unwrap();
    tx.commit().await.unwrap();
    let left = "SELECT claim_key AS line FROM struck_claims";
    assert_eq!(desk.test.lines(left).await, ["B"]);
    desk.test.clock.advance(chrono::TimeDelta::days(3 * 365));
    desk.sweep().await;
    assert!(desk.test.lines(left).await.is_empty());
}
