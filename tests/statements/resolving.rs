//! Whom numbers of a month mean, as the roster tells it: people keep what was theirs, and numbers go on to others.

mod kept;
mod principals;

use audit::{Actor, Origin};
use chrono::{NaiveDate, TimeDelta};
use kernel::{Branch, PersonId};
use roster::{
    Bearer, NumberKey, Resolved, Resolver, bearers, forget,
    import::{Options, import},
    resolve, resolve_as,
};
use std::collections::BTreeMap;
use tabular::Source;
use testkit::TestDatabase;

const HEADER: &str =
    "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格取得日,資格喪失日,個人ID";

/// An insurer whose people are called by their 個人ID.
struct Roster(TestDatabase);

/// A row of somebody: `who number branch birth relationship acquired lost`.
fn row(text: &str) -> String {
    let mut parts = text.split(' ');
    let [who, number, branch, birth, relationship] = std::array::from_fn(|_| parts.next().unwrap().trim_matches('-'));
    let [acquired, lost] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    format!("100,{number},{branch},ケンポ　タロウ,健保　太郎,{birth},{relationship},{acquired},{lost},{who}\n")
}

/// A key by a number: `number branch birth month`, with `-` for what is not given.
fn number(text: &str) -> NumberKey {
    let parts: Vec<&str> = text.split(' ').map(|part| part.trim_matches('-')).collect();
    NumberKey {
        symbol_key: "100".into(),
        number_key: parts[0].into(),
        branch_key: Branch::parse(parts[1]).unwrap().key().into(),
        personal_id: String::new(),
        birth_date: (!parts[2].is_empty()).then(|| parts[2].parse().unwrap()),
        month: format!("{}-01", parts[3]).parse().unwrap(),
    }
}

/// The same, of whoever has a 個人ID.
fn id(who: &str, text: &str) -> NumberKey {
    NumberKey {
        personal_id: who.into(),
        ..number(text)
    }
}

impl Roster {
    async fn new() -> Self {
        Self(TestDatabase::new().await)
    }

    /// Imports these people as the insurer's whole roster, ten days after what was imported before.
    async fn import(&self, people: &[&str]) {
        let Self(test) = self;
        test.clock.advance(TimeDelta::days(10));
        let rows: String = people.iter().copied().map(row).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{HEADER}\n{rows}")).unwrap();
        let insurer = test.directory.by_tenant(test.tenant).await.unwrap().unwrap();
        let options = Options {
            allow_loss: true,
            ..Options::default()
        };
        let (with, by) = ((&test.database, &test.keys), (Actor::Operator, Origin::command()));
        let file = Source::file(file.path());
        import(with, &insurer, file, options, by, &test.clock, |_| ())
            .await
            .unwrap();
    }

    /// By what people are called here.
    async fn called(&self) -> BTreeMap<PersonId, String> {
        let ids = "SELECT concat(person_id, ' ', personal_id) AS line FROM persons";
        self.0.lines(ids).await.iter().map(|line| called(line)).collect()
    }

    /// Person and principal by their 個人ID.
    async fn asked(&self, keys: &[NumberKey]) -> Vec<String> {
        let tx = self.0.database.tenant(self.0.tenant).read().await.unwrap();
        let resolved = resolve(&tx, keys).await.unwrap();
        self.told(resolved).await
    }

    /// The same by whoever resolves a whole file.
    async fn asked_of(&self, resolver: &mut Resolver, keys: &[NumberKey]) -> Vec<String> {
        let tx = self.0.database.tenant(self.0.tenant).read().await.unwrap();
        let resolved = resolver.resolve(&tx, keys).await.unwrap();
        self.told(resolved).await
    }

    /// The same of people whom somebody names, in a month.
    async fn named(&self, asked: &[(&str, &str)]) -> Vec<String> {
        let called = self.called().await;
        let id = |who: &str| called.iter().find(|(_, called)| *called == who).unwrap().0;
        let month = |month: &str| format!("{month}-01").parse().unwrap();
        let asked: Vec<(PersonId, NaiveDate)> = asked.iter().map(|(who, of)| (*id(who), month(of))).collect();
        let tx = self.0.database.tenant(self.0.tenant).read().await.unwrap();
        let resolved = resolve_as(&tx, &asked).await.unwrap();
        self.told(resolved).await
    }

    async fn told(&self, resolved: Vec<Resolved>) -> Vec<String> {
        let called = self.called().await;
        let told = resolved.into_iter().map(|resolved| match resolved {
            Resolved::One { person, principal } => format!("{} {}", called[&person], called[&principal]),
            Resolved::Unknown => "unknown".into(),
            Resolved::Several => "several".into(),
        });
        told.collect()
    }

    /// Who has to do with each of these, with a star who has it now.
    async fn bearers(&self, keys: &[NumberKey]) -> Vec<String> {
        let called = self.called().await;
        let tx = self.0.database.tenant(self.0.tenant).read().await.unwrap();
        let found = bearers(&tx, keys).await.unwrap();
        let told = found.into_iter().map(|found| {
            let one =
                |bearer: &Bearer| format!("{}{}", called[&bearer.person], if bearer.has_it_now { "*" } else { "" });
            let mut of_one: Vec<String> = found.iter().map(one).collect();
            of_one.sort_unstable();
            of_one.dedup();
            of_one.join(" ")
        });
        told.collect()
    }

    async fn numbers(&self, keys: &[&str]) -> Vec<String> {
        let keys: Vec<NumberKey> = keys.iter().copied().map(number).collect();
        self.asked(&keys).await
    }
}

fn called(line: &str) -> (PersonId, String) {
    let (id, who) = line.split_once(' ').unwrap();
    (PersonId(id.parse().unwrap()), who.to_owned())
}

#[tokio::test]
async fn a_former_number_is_still_theirs_and_the_next_holders_from_then_on() {
    let roster = Roster::new().await;
    roster.import(&["A 1 00 1980-05-05 本人"]).await;
    // On the twelfth of December.
    roster.import(&["A 5 00 1980-05-05 本人"]).await;
    let asked = [
        "1 00 - 2026-10",
        "5 00 - 2026-10",
        "5 00 - 2027-01",
        "1 00 1980-05-05 2027-01",
        // Whoever has it by then.
        "1 00 - 2027-01",
    ];
    assert_eq!(roster.numbers(&asked).await, ["A A", "A A", "A A", "A A", "unknown"]);
    roster
        .import(&["A 5 00 1980-05-05 本人", "B 1 00 1990-09-09 本人 2026-12-20"])
        .await;
    let asked = [
        "1 00 - 2026-10",
        "1 00 - 2027-01",
        "1 - 1980-05-05 2027-01",
        "1 - 1990-09-09 2027-01",
    ];
    assert_eq!(roster.numbers(&asked).await, ["A A", "B B", "A A", "B B"]);
}

#[tokio::test]
async fn a_personal_id_goes_before_the_number() {
    let roster = Roster::new().await;
    roster
        .import(&[
            "A 1 00 1980-05-05 本人",
            "B 1 01 1982-06-06 妻",
            "C 2 00 1984-07-07 本人",
        ])
        .await;
    roster
        .import(&[
            "A 7 00 1980-05-05 本人",
            "B 7 01 1982-06-06 妻",
            "C 2 00 1984-07-07 本人",
        ])
        .await;
    let keys = [
        id("B", "- - - 2026-10"),
        id("B", "1 01 - 2026-10"),
        id("B", "2 00 - 2026-10"),
        id("B", "- - 1982-06-06 2027-01"),
        id("B", "1 01 1980-05-05 2026-10"),
        id("Z", "2 00 - 2026-10"),
        id("Z", "- - - 2026-10"),
    ];
    let told = ["B A", "B A", "B A", "B A", "unknown", "C C", "unknown"];
    assert_eq!(roster.asked(&keys).await, told);
}

#[tokio::test]
async fn who_was_forgotten_is_nobody_and_another_insurers_are_nobody_here() {
    let roster = Roster::new().await;
    let people = ["A 1 00 1980-05-05 本人 1999-04-01 2020-01-01", "B 2 00 1984-07-07 本人"];
    roster.import(&people).await;
    let keys = [number("1 00 1980-05-05 2019-10"), id("A", "- - - 2019-10")];
    assert_eq!(roster.asked(&keys).await, ["A A", "A A"]);
    let other = Roster::new().await;
    other.import(&["Y 9 00 1980-05-05 本人"]).await;
    assert_eq!(other.asked(&keys).await, ["unknown", "unknown"]);
    let mut tx = roster.0.write(roster.0.tenant).await;
    let long_ago = NaiveDate::from_ymd_opt(2021, 1, 1).unwrap();
    let forgotten = forget::empty(&mut tx, roster.0.clock.now(), long_ago, 100).await;
    assert_eq!(forgotten.unwrap().len(), 1);
    tx.commit().await.unwrap();
    assert_eq!(roster.asked(&keys).await, ["unknown", "unknown"]);
}

#[tokio::test]
async fn a_row_that_names_nothing_but_a_number_waits() {
    let roster = Roster::new().await;
    roster
        .import(&["A 1 00 1980-05-05 本人", "B 2 - 1984-07-07 本人"])
        .await;
    let asked = [
        "1 - - 2026-10",
        "1 - 1980-05-05 2026-10",
        // The roster has no branches there.
        "2 - - 2026-10",
        "2 01 - 2026-10",
        "2 - 1984-07-07 2026-10",
    ];
    assert_eq!(
        roster.numbers(&asked).await,
        ["unknown", "A A", "unknown", "unknown", "B B"]
    );
}

#[tokio::test]
async fn whoever_is_named_by_hand_has_the_principal_of_their_number_in_that_month() {
    let roster = Roster::new().await;
    let husband = "H 1 00 1980-05-05 本人";
    roster
        .import(&[
            husband,
            "W 1 01 1982-06-06 妻",
            "C 1 02 2012-04-02 子",
            "L 8 01 1990-01-01 妻",
        ])
        .await;
    roster
        .import(&[
            husband,
            "W 6 00 1982-06-06 本人",
            "C 6 01 2012-04-02 子",
            "L 8 01 1990-01-01 妻",
        ])
        .await;
    let asked = [
        ("W", "2026-10"),
        ("C", "2026-10"),
        ("C", "2027-01"),
        ("H", "2026-10"),
        ("L", "2026-10"),
        ("W", "2027-01"),
    ];
    assert_eq!(
        roster.named(&asked).await,
        ["W H", "C H", "C W", "H H", "unknown", "W W"]
    );
    let keys = [
        number("1 - - 2026-10"),
        number("1 01 - 2026-10"),
        number("6 00 1980-05-05 2026-10"),
        number("9 00 - 2026-10"),
        id("C", "9 00 - 2026-10"),
        id("L", "- - - 2026-10"),
    ];
    let told = ["C H* W", "C H W", "C W", "", "C*", "L*"];
    assert_eq!(roster.bearers(&keys).await, told);
}
