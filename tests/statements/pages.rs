//! 医療費通知 and ジェネリック差額明細 as a family reads them in the portal.

mod bounds;
mod card;
mod hidden;
mod looks;
mod medicines;
mod month;
mod odd;
mod preview;
mod told;
mod year;

use super::{Desk, Kind, ground};
use kernel::PersonId;
use roster::protection::{self, New};
use statements::{
    Deliveries,
    disclosures::{self, AskedBy},
    visibility::Audience,
};
use std::collections::BTreeMap;
use tenancy::Folder;
use testkit::{Answer, Client, TestApp, TestPerson, sql};

const COSTS: &str = "/portal/costs";

/// A father who is logged in, his wife and their child under number 1; under number 2 somebody insured on their own.
struct Family {
    app: TestApp,
    desk: Desk,
    father: Client,
    /// By number and branch: `1-02`.
    ids: BTreeMap<String, PersonId>,
}

fn person(number: u32, branch: &str, (name, relationship): (&str, &str), birth_date: &str) -> TestPerson {
    TestPerson {
        branch: branch.into(),
        name: name.into(),
        relationship: relationship.into(),
        birth_date: birth_date.into(),
        ..TestPerson::new(number)
    }
}

fn people() -> [TestPerson; 4] {
    [
        person(1, "00", ("健保　太郎", "本人"), "1980-05-05"),
        person(1, "01", ("健保　花子", "妻"), "1982-06-06"),
        person(1, "02", ("健保　一郎", "子"), "2015-05-05"),
        person(2, "00", ("別家　次郎", "本人"), "1984-07-07"),
    ]
}

impl Family {
    async fn new() -> Self {
        Box::pin(Self::of(|_| (), &people())).await
    }

    async fn of(change: impl FnOnce(&mut Folder), people: &[TestPerson]) -> Self {
        // One connection prepares each statement once, so that statements count evenly.
        let app = TestApp::with("32290413", change, |config| config.database.connections = 1);
        let app = Box::pin(app).await;
        app.insurer.import(people).await;
        let desk = Desk {
            deliveries: Deliveries::new(&ground(&app.insurer)),
            test: app.insurer.clone(),
        };
        let who = app.sign_up_as(&people[0]).await;
        let father = app.inside(&who).await;
        let ids = "SELECT concat(number, '-', branch, ' ', person_id) AS line FROM persons";
        let ids = desk.test.lines(ids).await.into_iter().map(|line| {
            let (who, id) = line.split_once(' ').unwrap();
            (who.to_owned(), PersonId(id.parse().unwrap()))
        });
        let ids = ids.collect();
        Self { app, desk, father, ids }
    }

    /// Whoever else is insured, logged in.
    async fn other(&self, person: &TestPerson) -> Client {
        let who = self.app.sign_up_as(person).await;
        self.app.inside(&who).await
    }

    /// Whoever is no principal, with an account. Here such people can't sign up, elsewhere they may: it is one that another made.
    async fn dependant(&self, who: &str) -> Client {
        let made = self.app.sign_up_as(&people()[3]).await;
        let (from, to) = (self.ids["2-00"], self.ids[who]);
        let whose = format!("UPDATE accounts SET person_id = '{to}' WHERE person_id = '{from}'");
        sql(self.desk.tenant(), &whose).await;
        self.app.inside(&made).await
    }

    async fn page(&self, path: &str) -> Answer {
        let page = self.father.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        page
    }

    async fn ask(&self, who: &str, audience: Audience) {
        let (tenant, now) = (self.desk.tenant(), self.app.clock().now());
        let mut tx = self.desk.test.write(tenant).await;
        let whose = (self.ids[who], Kind::Costs);
        let wish = (audience, Audience::Household);
        disclosures::set(&mut tx, now, whose, wish, AskedBy::Person)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn protect(&self, who: &str) {
        let test = &self.desk.test;
        let mut tx = test.write(self.desk.tenant()).await;
        let new = New {
            person: self.ids[who],
            guardian: None,
            reason: "申し出",
        };
        let staff = kernel::StaffId(uuid::Uuid::nil());
        let set = protection::set(&mut tx, &test.keys, test.clock.now(), staff, new).await;
        assert!(set.unwrap().is_some());
        tx.commit().await.unwrap();
    }

    /// Statements that a page of the father's takes, entering included.
    async fn statements(&self, path: &str) -> u64 {
        let before = self.app.ground.database.statements();
        self.page(path).await;
        self.app.ground.database.statements() - before
    }
}

/// A visit: of whom, by number and branch, in which month, where, and what it cost, of which three tenths were paid.
fn visit(label: &str, claim: &str, who: &str, month: &str, institution: &str, total: i64) -> String {
    let copay = total * 3 / 10;
    amounts(
        label,
        claim,
        who,
        month,
        &format!("医科外来,1,{institution}"),
        (total, copay),
    )
}

/// The same with what else stands in a row.
fn amounts(label: &str, claim: &str, who: &str, month: &str, what: &str, (total, copay): (i64, i64)) -> String {
    let (number, branch) = who.split_once('-').unwrap();
    let insurer = total - copay;
    format!("{label},{claim},100,{number},{branch},,{month},{what},{total},{insurer},0,{copay},0,0,")
}

/// The page holds each of these, one behind the other.
#[track_caller]
fn tells(page: &Answer, parts: &[&str]) {
    let mut rest = page.text.as_str();
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing or out of order: {}", page.text));
        rest = &rest[at + part.len()..];
    }
}

#[track_caller]
fn tells_nothing_of(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(!page.text.contains(part), "{part}: {}", page.text);
    }
}
