//! Whom a member can choose between: the roster's list, whoever's rows may be seen.

use accounts::{Carrier, Member};
use chrono::TimeDelta;
use kernel::{Outcome, PersonId, StaffId, TenantSecret};
use roster::protection::{self, New};
use statements::household::{OneOf, household};
use testkit::{TestApp, TestPerson};

struct House {
    app: TestApp,
    /// The insured one.
    member: Member,
}

fn family() -> Vec<TestPerson> {
    let of = |branch: &str, name: &str, relationship: &str| TestPerson {
        branch: branch.into(),
        name: name.into(),
        relationship: relationship.into(),
        ..TestPerson::new(105)
    };
    vec![
        TestPerson::new(105),
        of("01", "健保　太郎", "夫"),
        of("02", "健保　一郎", "子"),
        TestPerson {
            name: "国保　花子".into(),
            ..TestPerson::new(2)
        },
    ]
}

impl House {
    async fn new() -> Self {
        let app = TestApp::start().await;
        app.insurer.import(&family()).await;
        let (client, _) = app.member().await;
        let session = TenantSecret::parse(&client.cookie("__Host-session").unwrap()).unwrap();
        match app.accounts.enter(Carrier::Cookie, &session).await.unwrap() {
            Outcome::Done(member) => Self { app, member },
            Outcome::Refused(refusal) => panic!("{refusal:?}"),
        }
    }

    async fn id(&self, number: u32, branch: &str) -> PersonId {
        let query =
            format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}' AND branch = '{branch}'");
        PersonId::parse(&self.app.insurer.lines(&query).await[0]).unwrap()
    }

    /// As somebody else of the roster, as they are in it now.
    async fn being(&self, number: u32, branch: &str) -> Member {
        let id = self.id(number, branch).await;
        let tx = self
            .app
            .insurer
            .database
            .tenant(self.app.tenant())
            .read()
            .await
            .unwrap();
        Member {
            person: roster::person(&tx, id).await.unwrap().unwrap(),
            ..self.member.clone()
        }
    }

    async fn list(&self, member: &Member, seen: &[PersonId]) -> Vec<OneOf> {
        let tx = self
            .app
            .insurer
            .database
            .tenant(self.app.tenant())
            .read()
            .await
            .unwrap();
        household(&tx, &member.person, self.app.clock().now(), seen)
            .await
            .unwrap()
    }

    async fn names(&self, member: &Member, seen: &[PersonId]) -> Vec<String> {
        self.list(member, seen).await.into_iter().map(|one| one.name).collect()
    }

    /// How many statements a list takes.
    async fn cost(&self, member: &Member, seen: &[PersonId]) -> u64 {
        let tx = self
            .app
            .insurer
            .database
            .tenant(self.app.tenant())
            .read()
            .await
            .unwrap();
        let before = self.app.insurer.database.statements();
        household(&tx, &member.person, self.app.clock().now(), seen)
            .await
            .unwrap();
        self.app.insurer.database.statements() - before
    }
}

#[tokio::test]
async fn the_principal_has_the_rosters_household_and_others_have_themselves() {
    let house = House::new().await;
    let all = ["健保 祥子", "健保 太郎", "健保 一郎"];
    let list = house.list(&house.member, &[]).await;
    assert_eq!(list.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), all);
    assert_eq!(
        list.iter().map(|one| one.is_self).collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(list[1].person, house.id(105, "01").await);
    // Whoever's rows are seen, the list is the same.
    let seen = [list[1].person, list[0].person];
    assert_eq!(house.list(&house.member, &seen).await, list);
    let husband = house.being(105, "01").await;
    let alone = house.list(&husband, &[]).await;
    assert_eq!(alone.len(), 1);
    assert!(alone[0].is_self && alone[0].name == "健保 太郎");
}

// security.md 74
#[tokio::test]
async fn a_protected_person_stands_where_the_roster_lists_them_anyway() {
    let house = House::new().await;
    let before = house.list(&house.member, &[]).await;
    let mut tx = house.app.write(house.app.tenant()).await;
    let new = New {
        person: house.id(105, "01").await,
        guardian: None,
        reason: "申し出",
    };
    let now = house.app.clock().now();
    let set = protection::set(&mut tx, house.app.keys(), now, StaffId(uuid::Uuid::nil()), new).await;
    assert!(set.unwrap().is_some());
    tx.commit().await.unwrap();
    assert_eq!(house.list(&house.member, &[]).await, before);
}

#[tokio::test]
async fn former_dependants_and_wards_are_named_where_rows_of_theirs_are_seen() {
    let house = House::new().await;
    let child = house.id(105, "02").await;
    let ward = house.id(2, "00").await;
    let mut left = family();
    left[2].lost_on = "2026-10-01".into();
    house.app.insurer.import(&left).await;
    let here = ["健保 祥子", "健保 太郎"];
    assert_eq!(house.names(&house.member, &[]).await, here);
    assert_eq!(
        house
            .names(&house.member, &[child, house.member.person.person_id, child])
            .await,
        ["健保 祥子", "健保 太郎", "健保 一郎"]
    );
    let husband = house.being(105, "01").await;
    assert_eq!(house.names(&husband, &[ward]).await, ["健保 太郎", "国保 花子"]);
    // Nobody is nobody.
    let nobody = PersonId::new(house.app.clock().now());
    assert_eq!(house.names(&house.member, &[nobody]).await, here);
}

#[tokio::test]
async fn after_the_loss_the_household_is_that_of_the_last_day() {
    let house = House::new().await;
    let mut gone = family();
    for person in &mut gone[..3] {
        person.lost_on = "2026-10-01".into();
    }
    // He had left before.
    gone[1].lost_on = "2026-04-01".into();
    house.app.insurer.import(&gone).await;
    let me = house.being(105, "00").await;
    assert_eq!(house.names(&me, &[]).await, ["健保 祥子", "健保 一郎"]);
    // One day that is still to come.
    gone[0].lost_on = "2027-04-01".into();
    house.app.insurer.import(&gone).await;
    let me = house.being(105, "00").await;
    assert_eq!(house.names(&me, &[]).await, ["健保 祥子"]);
}

#[tokio::test]
async fn a_list_takes_a_statement_for_the_household_and_one_for_who_is_not_in_it() {
    let house = House::new().await;
    let (me, husband) = (house.member.clone(), house.being(105, "01").await);
    let elsewhere = house.id(2, "00").await;
    house.app.later(TimeDelta::minutes(1).num_seconds());
    let ids = [me.person.person_id, husband.person.person_id];
    assert_eq!(house.cost(&me, &ids).await, 1);
    assert_eq!(house.cost(&me, &[elsewhere]).await, 2);
    assert_eq!(house.cost(&husband, &[husband.person.person_id]).await, 0);
    assert_eq!(house.cost(&husband, &[elsewhere]).await, 1);
}
