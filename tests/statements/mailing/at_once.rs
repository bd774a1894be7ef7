//! All at one moment: a roster comes, coverage ends, somebody is protected, and a delivery is published while people look and mails
//! are written. What is left is what some order of these would leave.

use super::{NEIGHBOUR, Street, cost, of_family, people, visit};
use crate::{
    console::facts::mend,
    portal::{leads, says},
    statements::Kind,
};
use access::Role;
use kernel::calendar;
use roster::import::{ImportError, ImportRefused};
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::{Answer, TestPerson};

const PAGE: &str = "/portal/costs";

/// A row of the child's that tells where the family is.
fn at_the_dentist(label: &str, claim: &str) -> String {
    visit(label, "02", claim, "2026-07", 5_000).replace("東町クリニック", "港町こども歯科")
}

fn tells_of_the_child(page: &Answer) -> bool {
    page.text.contains("港町こども歯科")
}

// security.md 74
#[tokio::test(flavor = "multi_thread")]
async fn a_roster_a_loss_a_protection_and_a_publication_at_one_moment_end_as_if_one_after_another() {
    for _ in 0..3 {
        let street = Box::pin(Street::new()).await;
        let test = &street.desk.test;
        let before = [
            visit("2026-09", "00", "F0", "2026-07", 1_000),
            at_the_dentist("2026-09", "C0"),
            cost("2026-09", "N0", 2, "2026-07", 1_000),
        ];
        street.desk.show(&before).await;
        street.told().await;
        street.app.later(3_600);
        let comes = [
            visit("2026-10", "00", "F1", "2026-08", 2_000),
            at_the_dentist("2026-10", "C1"),
            cost("2026-10", "N1", 2, "2026-08", 2_000),
            // Of whom the roster will know in a moment.
            cost("2026-10", "K1", 3, "2026-08", 2_000),
        ];
        street.load(&comes).await;
        street.app.later(60);
        let (eligibility, admin) = (
            street.app.clerk(&[Role::Eligibility]).await,
            street.app.clerk(&[Role::Administrator]).await,
        );
        let father = street.inside(&street.father).await;
        let (child, lost) = (street.ids[&of_family("02")], street.ids[NEIGHBOUR]);
        let (is_protected, is_over) = (AtomicBool::new(false), AtomicBool::new(false));

        let imports = async {
            let more: Vec<TestPerson> = people().into_iter().chain([TestPerson::new(3)]).collect();
            // Whoever comes second to the roster is told so, and comes again.
            while let Err(error) = test.try_import(&more).await {
                assert!(matches!(error, ImportError::Refused(ImportRefused::Running)), "{error}");
            }
        };
        let loses = async {
            let today = calendar::today_in_japan(street.app.clock().now()).to_string();
            loop {
                let (_, written) = mend(&admin, lost, &[("lost_on", &today)]).await;
                if written.status == 303 {
                    break;
                }
                says(&written, 409, "取り込");
            }
        };
        let protects = async {
            let child = child.to_string();
            let fields = [
                ("subject", child.as_str()),
                ("person", &child),
                ("guardian", ""),
                ("reason", "申し出"),
            ];
            leads(
                &eligibility.post("/console/protections", &fields).await,
                "/console/protections",
            );
            is_protected.store(true, Ordering::SeqCst);
        };
        let publishes = street.desk.publish(Kind::Costs, "2026-10");
        let deeds = async {
            tokio::join!(imports, loses, protects, publishes);
            is_over.store(true, Ordering::SeqCst);
        };
        let looks = async {
            while !is_over.load(Ordering::SeqCst) {
                let hidden = is_protected.load(Ordering::SeqCst);
                let page = father.get(PAGE).await;
                says(&page, 200, "東町クリニック");
                assert!(!(hidden && tells_of_the_child(&page)), "{}", page.text);
            }
        };
        let works = async {
            while !is_over.load(Ordering::SeqCst) {
                street.app.worker.run_once_for(street.app.tenant()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(deeds, looks, works);

        // Nothing of the four is lost.
        assert_eq!(test.count("persons", "number = '3' AND lost_on IS NULL").await, 1);
        assert_eq!(
            test.count("persons", &format!("lost_on IS NOT NULL AND person_id = '{lost}'"))
                .await,
            1
        );
        assert_eq!(test.count("protections", &format!("person_id = '{child}'")).await, 1);
        // What waited for the newcomer is theirs, whichever of the two was first.
        street.app.later(3_600);
        let (fathers, _) = street.told().await;
        let mut tx = test.write(street.desk.tenant()).await;
        let now = street.app.clock().now();
        statements::purge::sweep(&mut tx, &test.keys, 24, now).await.unwrap();
        tx.commit().await.unwrap();
        let shown = street.desk.shown(Kind::Costs).await;
        assert_eq!(shown.len(), 7, "{shown:?}");
        assert!(shown.iter().any(|row| row == "2026-08 K1 2000"), "{shown:?}");

        // He is told of his own row, once, and sees nothing of the child's; whoever lost coverage sees what was theirs.
        assert_eq!(fathers, 2);
        // Their sessions are over by now.
        let (father, neighbour) = (
            street.inside(&street.father).await,
            street.inside(&street.neighbour).await,
        );
        let page = father.get(PAGE).await;
        says(&page, 200, "600円");
        assert!(!tells_of_the_child(&page), "{}", page.text);
        says(&neighbour.get(PAGE).await, 200, "600円");
    }
}
