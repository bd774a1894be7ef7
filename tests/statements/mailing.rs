//! Mails that costs or medicines were published: who gets them, what they say, and who gets none.

mod at_once;
mod bounds;
mod rule;
mod taken_back;

use super::{
    DRUGS, Desk, Kind,
    at_home::{NUMBER, SYMBOL, family},
    cost, costs, ground, loaded, wish,
};
use kernel::PersonId;
use roster::protection::{self, New};
use statements::{Deliveries, import::Wish};
use std::collections::BTreeMap;
use tenancy::{Feature, FeatureState, Folder};
use testkit::{Client, SignedUp, TestApp, TestPerson, sql};

const WISHES: &str = "/portal/account/mails";

/// A father, registered, with wife and child under his number; under number 2 a neighbour, registered too.
struct Street {
    app: TestApp,
    desk: Desk,
    father: SignedUp,
    neighbour: SignedUp,
    /// By number and branch.
    ids: BTreeMap<String, PersonId>,
}

const NEIGHBOUR: &str = "2-00";

fn people() -> Vec<TestPerson> {
    let mut people = family();
    people.push(TestPerson::new(2));
    people
}

/// Says how far the insurer is with these features; the others are open.
fn put(folder: &mut Folder, features: &[Feature], state: FeatureState) {
    let of = |feature: Feature| {
        let state = if features.contains(&feature) {
            state
        } else {
            FeatureState::Open
        };
        (feature, state)
    };
    folder.settings.modules = Feature::ALL.iter().copied().map(of).collect();
}

/// Who is called so by number and branch.
fn of_family(branch: &str) -> String {
    format!("{NUMBER}-{branch}")
}

/// A visit of one of the family.
fn visit(label: &str, branch: &str, claim: &str, month: &str, total: i64) -> String {
    let copay = total * 3 / 10;
    let insurer = total - copay;
    format!(
        "{label},{claim},{SYMBOL},{NUMBER},{branch},,{month},医科外来,1,東町クリニック,{total},{insurer},0,{copay},0,0,"
    )
}

impl Street {
    async fn new() -> Self {
        Box::pin(Self::with(|_| ())).await
    }

    async fn with(change: impl FnOnce(&mut Folder)) -> Self {
        let app = Box::pin(TestApp::with("32290413", change, |_| ())).await;
        Box::pin(Self::on(app)).await
    }

    async fn on(app: TestApp) -> Self {
        testkit::execute(&testkit::owner_url(), DRUGS).await.unwrap();
        let people = people();
        app.insurer.import(&people).await;
        let father = app.sign_up_as(&people[0]).await;
        let neighbour = app.sign_up_as(&people[3]).await;
        let desk = Desk {
            deliveries: Deliveries::new(&ground(&app.insurer)),
            test: app.insurer.clone(),
        };
        let ids = "SELECT concat(number, '-', branch, ' ', person_id) AS line FROM persons";
        let ids = desk.test.lines(ids).await.into_iter().map(|line| {
            let (who, id) = line.split_once(' ').unwrap();
            (who.to_owned(), PersonId(id.parse().unwrap()))
        });
        let ids = ids.collect();
        Self {
            app,
            desk,
            father,
            neighbour,
            ids,
        }
    }

    /// How many mails each has had: the father and the neighbour.
    async fn told(&self) -> (usize, usize) {
        self.app.work().await;
        (self.count(&self.father), self.count(&self.neighbour))
    }

    fn count(&self, who: &SignedUp) -> usize {
        let mails = self.app.mailbox.mails_to(&who.email);
        mails
            .iter()
            .filter(|mail| mail.subject.contains("のお知らせがあります"))
            .count()
    }

    async fn inside(&self, who: &SignedUp) -> Client {
        self.app.inside(who).await
    }

    /// Loads another version of a label, whatever it holds.
    async fn load(&self, rows: &[String]) {
        let allowing = Wish {
            allow_deviation: true,
            allow_unmatched: true,
            ..wish(Kind::Costs)
        };
        loaded(self.desk.import_as(&costs(rows), allowing).await);
    }

    async fn prove(&self, who: &str) {
        let id = self.ids[who];
        let proven = format!("UPDATE accounts SET proof = 'letter' WHERE person_id = '{id}'");
        sql(self.app.tenant(), &proven).await;
    }

    async fn protect(&self, who: &str, guardian: Option<&str>) {
        let test = &self.desk.test;
        let mut tx = test.write(self.desk.tenant()).await;
        let new = New {
            person: self.ids[who],
            guardian: guardian.map(|guardian| self.ids[guardian]),
            reason: "申し出",
        };
        let staff = kernel::StaffId(uuid::Uuid::nil());
        let set = protection::set(&mut tx, &test.keys, test.clock.now(), staff, new).await;
        assert!(set.unwrap().is_some());
        tx.commit().await.unwrap();
    }

    /// Writes the mails of the next members, and sends none yet.
    async fn write(&self) -> usize {
        self.app.worker.run_once_for(self.app.tenant()).await.unwrap();
        self.waiting().await
    }

    /// Does something to the insurer's places in a queue: others' are in the same table.
    async fn queued(&self, set: &str, queue: &str) {
        let tenant = self.app.tenant();
        let set = format!("UPDATE due SET {set} WHERE tenant_id = {tenant} AND queue = '{queue}'");
        sql(tenant, &set).await;
    }

    /// Whether there is a mailing in the queue, alive or dead.
    async fn is_queued(&self) -> bool {
        let tenant = self.app.tenant();
        let ours = format!("tenant_id = {tenant} AND queue LIKE '%statement_mail'");
        self.desk.test.count("due", &ours).await > 0
    }

    /// Mails that are written and not sent.
    async fn waiting(&self) -> usize {
        self.desk
            .test
            .count("mails", "template = 'new_statement' AND state = 'queued'")
            .await
    }
}
