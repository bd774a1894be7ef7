//! Who sees a row: each line of the rule by a family of four, and the rule in Rust against the one in SQL by many.

mod families;

use super::{Desk, cost, month};
use accounts::Proof::{self, Facts, Letter};
use chrono::NaiveDate;
use database::Prepared;
use diesel::{QueryableByName, pg::Pg, sql_types::Text};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, StaffId, calendar};
use roster::protection::{self, New};
use statements::{
    Kind,
    disclosures::{self, AskedBy},
    visibility::{Audience, Family, Looking, Viewer, seen},
};
use std::collections::BTreeMap;
use tenancy::{FamilyDefault, Folder, FormerDependants};
use testkit::TestPerson;

/// Under number 1 father, mother and child, with a claim of each that the father was notified of; their aunt under a number of
/// her own.
pub(super) struct Home {
    pub(super) desk: Desk,
    pub(super) ids: BTreeMap<String, PersonId>,
}

pub(super) const FATHER: &str = "1-00";
pub(super) const MOTHER: &str = "1-01";
pub(super) const CHILD: &str = "1-02";
const AUNT: &str = "2-00";

fn person(number: u32, branch: &str, relationship: &str, birth_date: &str) -> TestPerson {
    TestPerson {
        branch: branch.into(),
        relationship: relationship.into(),
        birth_date: birth_date.into(),
        ..TestPerson::new(number)
    }
}

fn people(child: &str) -> [TestPerson; 4] {
    [
        person(1, "00", "本人", "1980-05-05"),
        person(1, "01", "妻", "1982-06-06"),
        person(1, "02", "子", child),
        person(2, "00", "本人", "1984-07-07"),
    ]
}

/// A claim of number 1, called by its branch.
fn claim(branch: &str) -> String {
    let row = cost("2026-08", branch, 1, "2026-06", 1_000);
    row.replacen(",00,,", &format!(",{branch},,"), 1)
}

impl Home {
    pub(super) async fn new(change: impl FnOnce(&mut Folder)) -> Self {
        Self::of(change, "2015-05-05", &["00", "01", "02"]).await
    }

    pub(super) async fn of(change: impl FnOnce(&mut Folder), child: &str, claims: &[&str]) -> Self {
        let desk = Desk::with(change).await;
        desk.test.import(&people(child)).await;
        let rows: Vec<String> = claims.iter().copied().map(claim).collect();
        if !rows.is_empty() {
            desk.show(&rows).await;
        }
        let ids = "SELECT concat(number, '-', branch, ' ', person_id) AS line FROM persons";
        let ids = desk.test.lines(ids).await.into_iter().map(|line| {
            let (who, id) = line.split_once(' ').unwrap();
            (who.to_owned(), PersonId(id.parse().unwrap()))
        });
        let ids = ids.collect();
        Self { desk, ids }
    }

    async fn looking(&self, who: &str, proof: Proof) -> Looking {
        Looking {
            viewer: Viewer {
                person: self.ids[who],
                proof,
            },
            kind: Kind::Costs,
            family: Family::of(&self.desk.insurer().await.statements, Kind::Costs),
            day: calendar::today_in_japan(self.desk.test.clock.now()),
            months: (month("202412"), month("202611")),
        }
    }

    /// The claims that somebody sees.
    async fn sees(&self, who: &str, proof: Proof) -> Vec<String> {
        let looking = self.looking(who, proof).await;
        self.shown(&looking).await
    }

    async fn sees_on(&self, who: &str, day: &str) -> Vec<String> {
        let looking = self.looking(who, Letter).await;
        let day: NaiveDate = day.parse().unwrap();
        self.shown(&Looking { day, ..looking }).await
    }

    async fn shown(&self, looking: &Looking) -> Vec<String> {
        let tx = self.desk.test.database.tenant(self.desk.tenant()).read().await.unwrap();
        shown(&tx, looking).await
    }

    pub(super) async fn ask(&self, who: &str, audience: Audience) {
        let (tenant, now) = (self.desk.tenant(), self.desk.test.clock.now());
        let mut tx = self.desk.test.write(tenant).await;
        let whose = (self.ids[who], Kind::Costs);
        let wish = (audience, Audience::Household);
        disclosures::set(&mut tx, now, whose, wish, AskedBy::Person)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn protect(&self, who: &str, guardian: Option<&str>) {
        let test = &self.desk.test;
        let mut tx = test.write(self.desk.tenant()).await;
        let new = New {
            person: self.ids[who],
            guardian: guardian.map(|guardian| self.ids[guardian]),
            reason: "申し出",
        };
        let set = protection::set(&mut tx, &test.keys, test.clock.now(), StaffId(uuid::Uuid::nil()), new).await;
        assert!(set.unwrap().is_some());
        tx.commit().await.unwrap();
    }
}

#[derive(QueryableByName)]
struct Claim {
    #[diesel(sql_type = Text)]
    claim_key: String,
}

async fn shown(tx: &database::TenantTransaction, looking: &Looking) -> Vec<String> {
    let query = diesel::sql_query(seen(looking.kind, "r.claim_key")).into_boxed::<Pg>();
    let claims: Vec<Claim> = Prepared(looking.bind(tx.tenant(), query))
        .load(&mut &**tx)
        .await
        .unwrap();
    let mut claims: Vec<String> = claims.into_iter().map(|claim| claim.claim_key).collect();
    claims.sort();
    claims
}

#[tokio::test]
async fn a_family_is_seen_by_whom_the_insurer_notifies_and_a_dependant_sees_their_own() {
    let home = Home::new(|_| ()).await;
    for proof in [Facts, Letter] {
        assert_eq!(home.sees(FATHER, proof).await, ["00", "01", "02"]);
        assert_eq!(home.sees(MOTHER, proof).await, ["01"]);
        assert_eq!(home.sees(CHILD, proof).await, ["02"]);
        assert!(home.sees(AUNT, proof).await.is_empty());
    }
    let looking = home.looking(FATHER, Letter).await;
    let before = Looking {
        months: (month("202412"), month("202605")),
        ..looking
    };
    assert!(home.shown(&before).await.is_empty());
    let medicines = Looking {
        kind: Kind::Medicines,
        ..looking
    };
    assert!(home.shown(&medicines).await.is_empty());
}

#[tokio::test]
async fn suppressed_rows_are_seen_by_nobody_themselves_included() {
    let home = Home::new(|_| ()).await;
    home.ask(MOTHER, Audience::Suppressed).await;
    home.ask(FATHER, Audience::Suppressed).await;
    for proof in [Facts, Letter] {
        assert_eq!(home.sees(FATHER, proof).await, ["02"]);
        assert!(home.sees(MOTHER, proof).await.is_empty());
    }
}

#[tokio::test]
async fn facts_open_ones_own_only_as_principal_or_where_the_household_sees_it() {
    let home = Home::new(|_| ()).await;
    home.ask(MOTHER, Audience::SelfOnly).await;
    home.ask(FATHER, Audience::SelfOnly).await;
    assert!(home.sees(MOTHER, Facts).await.is_empty());
    assert_eq!(home.sees(MOTHER, Letter).await, ["01"]);
    for proof in [Facts, Letter] {
        assert_eq!(home.sees(FATHER, proof).await, ["00", "02"]);
    }
}

#[tokio::test]
async fn a_disclosure_holds_from_the_next_statement() {
    let home = Home::new(|_| ()).await;
    let tx = home.desk.test.database.tenant(home.desk.tenant()).read().await.unwrap();
    let looking = home.looking(FATHER, Letter).await;
    assert_eq!(shown(&tx, &looking).await, ["00", "01", "02"]);
    home.ask(MOTHER, Audience::SelfOnly).await;
    assert_eq!(shown(&tx, &looking).await, ["00", "02"]);
    home.ask(MOTHER, Audience::Household).await;
    assert_eq!(shown(&tx, &looking).await, ["00", "01", "02"]);
    // What is usual is not kept.
    assert_eq!(home.desk.count("disclosures").await, 0);
    home.protect(CHILD, None).await;
    assert_eq!(shown(&tx, &looking).await, ["00", "01"]);
}

#[tokio::test]
async fn a_protected_ones_rows_are_for_their_letter_alone() {
    let home = Home::new(|_| ()).await;
    home.protect(MOTHER, None).await;
    for proof in [Facts, Letter] {
        assert_eq!(home.sees(FATHER, proof).await, ["00", "02"]);
    }
    assert!(home.sees(MOTHER, Facts).await.is_empty());
    assert_eq!(home.sees(MOTHER, Letter).await, ["01"]);
    home.protect(FATHER, None).await;
    assert_eq!(home.sees(FATHER, Facts).await, ["02"]);
    assert_eq!(home.sees(FATHER, Letter).await, ["00", "02"]);
}

#[tokio::test]
async fn a_guardian_sees_by_letter_and_not_by_facts() {
    let home = Home::new(|_| ()).await;
    home.protect(CHILD, Some(MOTHER)).await;
    assert_eq!(home.sees(MOTHER, Letter).await, ["01", "02"]);
    assert_eq!(home.sees(MOTHER, Facts).await, ["01"]);
    home.protect(FATHER, Some(AUNT)).await;
    assert_eq!(home.sees(AUNT, Letter).await, ["00"]);
    assert!(home.sees(AUNT, Facts).await.is_empty());
    // A guardian sees what a family would.
    home.ask(CHILD, Audience::SelfOnly).await;
    assert_eq!(home.sees(MOTHER, Letter).await, ["01"]);
}

#[tokio::test]
async fn a_protected_child_without_a_guardian_is_seen_by_neither_parent() {
    let home = Home::new(|_| ()).await;
    home.protect(CHILD, None).await;
    for proof in [Facts, Letter] {
        assert_eq!(home.sees(FATHER, proof).await, ["00", "01"]);
        assert_eq!(home.sees(MOTHER, proof).await, ["01"]);
    }
    assert_eq!(home.sees(CHILD, Letter).await, ["02"]);
}

#[tokio::test]
async fn where_grown_ups_are_seen_by_themselves_a_child_is_seen_until_the_day_before_a_birthday() {
    let self_only = |folder: &mut Folder| folder.settings.statements.costs_family = FamilyDefault::SelfOnly;
    let home = Home::of(self_only, "2008-02-29", &["00", "01", "02"]).await;
    assert_eq!(home.sees_on(FATHER, "2026-02-28").await, ["00", "02"]);
    assert_eq!(home.sees_on(FATHER, "2026-03-01").await, ["00"]);
    assert_eq!(home.sees_on(CHILD, "2026-03-01").await, ["02"]);
    home.ask(CHILD, Audience::SelfOnly).await;
    assert_eq!(home.sees_on(FATHER, "2026-02-28").await, ["00"]);
    let younger = |folder: &mut Folder| {
        self_only(folder);
        folder.settings.statements.adult_age = 15;
    };
    let home = Home::of(younger, "2011-08-08", &["00", "02"]).await;
    assert_eq!(home.sees_on(FATHER, "2026-08-07").await, ["00", "02"]);
    assert_eq!(home.sees_on(FATHER, "2026-08-08").await, ["00"]);
}

#[tokio::test]
async fn former_dependants_are_hidden_where_the_insurer_wants_it_but_never_from_themselves() {
    let hide = |folder: &mut Folder| folder.settings.statements.former_dependants = FormerDependants::Hide;
    let (home, showing) = (Home::new(hide).await, Home::new(|_| ()).await);
    let gone = |lost: &[usize]| {
        let mut people = people("2015-05-05");
        for nth in lost {
            people[*nth].lost_on = "2026-10-01".into();
        }
        people
    };
    home.desk.test.import(&gone(&[1])).await;
    showing.desk.test.import(&gone(&[1])).await;
    assert_eq!(home.sees(FATHER, Letter).await, ["00", "02"]);
    assert_eq!(home.sees(MOTHER, Facts).await, ["01"]);
    assert_eq!(showing.sees(FATHER, Letter).await, ["00", "01", "02"]);
    // Until the day of loss she is a dependant.
    assert_eq!(home.sees_on(FATHER, "2026-09-30").await, ["00", "01", "02"]);
    // They have all gone together.
    home.desk.test.import(&gone(&[0, 1, 2])).await;
    assert_eq!(home.sees(FATHER, Letter).await, ["00", "01", "02"]);
    // A number of one's own.
    let moved = "UPDATE persons SET number_key = '9', lost_on = NULL WHERE branch = '01'";
    testkit::sql(home.desk.tenant(), moved).await;
    assert_eq!(home.sees(FATHER, Letter).await, ["00", "02"]);
    assert_eq!(home.sees(MOTHER, Letter).await, ["01"]);
}

// security.md 74
#[tokio::test]
async fn a_protected_person_leaves_the_answer_as_if_they_had_no_row() {
    let home = Home::new(|_| ()).await;
    home.protect(MOTHER, None).await;
    home.protect(CHILD, Some(MOTHER)).await;
    let without = Home::of(|_| (), "2015-05-05", &["00"]).await;
    for who in [FATHER, AUNT] {
        for proof in [Facts, Letter] {
            assert_eq!(home.sees(who, proof).await, without.sees(who, proof).await, "{who}");
        }
    }
    // In any month, and of either kind.
    for kind in Kind::ALL {
        let asked = async |home: &Home| {
            let looking = home.looking(FATHER, Letter).await;
            let looking = Looking { kind, ..looking };
            home.shown(&looking).await
        };
        assert_eq!(asked(&home).await, asked(&without).await);
    }
}

#[tokio::test]
async fn a_statement_on_visits_locks_at_most_four_years() {
    let home = Home::new(|_| ()).await;
    let tx = home.desk.test.database.tenant(home.desk.tenant()).read().await.unwrap();
    let looking = home.looking(FATHER, Letter).await;
    // Often enough that PostgreSQL no longer plans it for its parameters.
    for _ in 0..10 {
        assert_eq!(shown(&tx, &looking).await, ["00", "01", "02"]);
    }
    let locked = "SELECT c.relname AS claim_key FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
        WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname LIKE 'cost\\_rows%'";
    let locked: Vec<Claim> = diesel::sql_query(locked).load(&mut &*tx).await.unwrap();
    assert!((1..=4).contains(&locked.len()), "{}", locked.len());
}
