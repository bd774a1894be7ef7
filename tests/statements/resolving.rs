//! Whom numbers of a month mean, as the roster tells it: people keep what was theirs, and numbers go on to others.

use audit::{Actor, Origin};
use chrono::{NaiveDate, TimeDelta};
use kernel::{Branch, PersonId, Relation};
use roster::{
    Bearer, NumberKey, RESOLVED_AT_ONCE, Resolved, Resolver, bearers, forget,
    import::{Options, import},
    resolve, resolve_as,
};
use std::collections::BTreeMap;
use tabular::Source;
use tenancy::Folder;
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
async fn the_principal_is_the_numbers_in_that_month_not_todays() {
    let roster = Roster::new().await;
    let husband = "H 1 00 1980-05-05 本人";
    roster
        .import(&[husband, "W 1 01 1982-06-06 妻", "C 1 02 2012-04-02 子"])
        .await;
    // They part, and the child goes with its mother.
    roster
        .import(&[husband, "W 6 00 1982-06-06 本人", "C 6 01 2012-04-02 子"])
        .await;
    let before = ["1 01 - 2026-10", "1 02 2012-04-02 2026-10", "1 00 - 2026-10"];
    assert_eq!(roster.numbers(&before).await, ["W H", "C H", "H H"]);
    let after = ["6 00 - 2027-01", "6 01 - 2027-01", "1 00 - 2027-01"];
    assert_eq!(roster.numbers(&after).await, ["W W", "C W", "H H"]);
    // An old number on a later claim: told by the birth date, and no longer the husband's business.
    let late = ["1 01 1982-06-06 2027-01", "1 02 2012-04-02 2027-01"];
    assert_eq!(roster.numbers(&late).await, ["W W", "unknown"]);
}

#[tokio::test]
async fn a_societys_principal_is_its_member() {
    let with_code = |folder: &mut Folder| {
        folder.settings.relations = [("01".to_owned(), Relation::Principal)].into();
    };
    let roster = Roster(TestDatabase::with("139998", with_code).await);
    roster
        .import(&[
            "A 1 01 1980-05-05 世帯主",
            "B 1 02 1982-06-06 妻",
            "C 2 01 1970-01-01 01",
            "D 2 02 2001-07-07 子",
        ])
        .await;
    let asked = ["1 01 - 2026-10", "1 02 - 2026-10", "2 01 - 2026-10", "2 02 - 2026-10"];
    assert_eq!(roster.numbers(&asked).await, ["A A", "B A", "C C", "D C"]);
}

#[tokio::test]
async fn none_or_several_principals_hold_the_row() {
    let roster = Roster::new().await;
    roster
        .import(&[
            "A 1 01 1982-06-06 妻",
            "B 2 00 1980-05-05 本人",
            "C 2 01 1981-05-05 本人",
            "D 2 02 2012-04-02 子",
        ])
        .await;
    let asked = ["1 01 - 2026-10", "2 02 - 2026-10", "2 01 - 2026-10", "3 00 - 2026-10"];
    assert_eq!(roster.numbers(&asked).await, ["unknown", "several", "C C", "unknown"]);
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
async fn five_thousand_are_one_statement_and_with_ids_two() {
    let roster = Roster::new().await;
    roster
        .import(&["A 1 00 1980-05-05 本人", "B 2 00 1984-07-07 本人"])
        .await;
    let keys = (0..RESOLVED_AT_ONCE).map(|nth| number(&format!("{} 00 - 2026-10", nth % 50)));
    let mut keys: Vec<NumberKey> = keys.collect();
    for statements in [1, 2] {
        let tx = roster.0.database.tenant(roster.0.tenant).read().await.unwrap();
        let before = roster.0.database.statements();
        let resolved = resolve(&tx, &keys).await.unwrap();
        assert_eq!(roster.0.database.statements() - before, statements);
        let found = resolved
            .iter()
            .filter(|resolved| matches!(resolved, Resolved::One { .. }));
        assert_eq!((resolved.len(), found.count()), (RESOLVED_AT_ONCE, 200));
        keys[0].personal_id = "X".into();
    }
    // Nothing is asked of nobody.
    let tx = roster.0.database.tenant(roster.0.tenant).read().await.unwrap();
    let before = roster.0.database.statements();
    assert_eq!(resolve(&tx, &[]).await.unwrap(), []);
    assert_eq!(roster.0.database.statements(), before);
}

#[tokio::test]
async fn what_is_kept_through_a_file_is_as_the_roster_stands() {
    let roster = Roster::new().await;
    let mut resolver = Resolver::default();
    let keys = ["1 00 - 2026-10", "2 00 - 2026-10", "2 00 - 2027-01"].map(number);
    let mut asked = async || roster.asked_of(&mut resolver, &keys).await;
    assert_eq!(asked().await, ["unknown"; 3], "there is no roster yet");
    roster.import(&["A 1 00 1980-05-05 本人"]).await;
    assert_eq!(asked().await, ["A A", "unknown", "unknown"]);
    assert_eq!(asked().await, ["A A", "unknown", "unknown"]);
    // From the twelfth of December on A has another number, and B is new.
    roster
        .import(&["A 2 00 1980-05-05 本人", "B 3 00 1984-07-07 本人"])
        .await;
    assert_eq!(asked().await, ["A A", "A A", "A A"]);
    roster.import(&["B 2 00 1984-07-07 本人 2026-12-28"]).await;
    assert_eq!(asked().await, ["A A", "A A", "B B"]);
}

#[tokio::test]
async fn what_is_kept_is_told_apart_by_all_that_a_row_says() {
    let roster = Roster::new().await;
    let (a, b) = ("A 7 00 1980-05-05 本人", "B 77 00 1980-05-05 本人");
    let (t, u) = ("T 7 02 2015-05-05 子", "U 7 03 2015-05-05 子");
    roster.import(&[a, b, t, u, "W 7 01 1982-06-06 妻"]).await;
    roster.import(&[a, b, t, u, "W 9 00 1982-06-06 本人"]).await;
    let mut keys: Vec<NumberKey> = [
        "7 00 - 2026-10",
        "7 01 - 2026-10",
        // Another month, birth date, branch or number each.
        "7 01 - 2027-03",
        "7 01 1982-06-06 2026-10",
        "7 01 1982-06-07 2026-10",
        "7 02 - 2026-10",
        "7 03 2015-05-05 2026-10",
        "7 - 2015-05-05 2026-10",
        "77 00 - 2026-10",
        "9 00 - 2027-03",
    ]
    .map(number)
    .into();
    // Another 記号, or a 個人ID that is somebody else's, or nobody's.
    let first = keys[0].clone();
    let symbol_key = "200".into();
    keys.push(NumberKey { symbol_key, ..first });
    keys.extend([id("W", "7 00 - 2026-10"), id("X", "7 00 - 2026-10")]);
    let told = roster.asked(&keys).await;
    assert_eq!(
        told,
        [
            "A A", "W A", "unknown", "W A", "unknown", "T A", "U A", "several", "B B", "W W", "unknown", "W A", "A A"
        ]
    );
    let mut resolver = Resolver::default();
    for _ in 0..2 {
        for (key, told) in keys.iter().zip(&told) {
            let asked = roster.asked_of(&mut resolver, std::slice::from_ref(key)).await;
            assert_eq!(asked, [told.as_str()], "{key:?}");
        }
    }
}

#[tokio::test]
async fn numbers_are_asked_for_once_and_those_of_whoever_may_be_forgotten_again() {
    let roster = Roster::new().await;
    let lost = "L 2 00 1984-07-07 本人 1999-04-01 2020-01-01";
    roster.import(&["A 1 00 1980-05-05 本人", lost]).await;
    let mut resolver = Resolver::default();
    let mut asked = async |key: &str| {
        let before = roster.0.database.statements();
        let tx = roster.0.database.tenant(roster.0.tenant).read().await.unwrap();
        let resolved = resolver.resolve(&tx, &[number(key)]).await.unwrap();
        let statements = roster.0.database.statements() - before;
        (roster.told(resolved).await.remove(0), statements)
    };
    let of = |who: &str, statements| (who.to_owned(), statements);
    assert_eq!(asked("1 00 - 2026-10").await, of("A A", 2));
    assert_eq!(asked("1 00 - 2026-09").await, of("A A", 1));
    assert_eq!(asked("3 00 - 2026-10").await, of("unknown", 2));
    assert_eq!(asked("3 00 - 2026-10").await, of("unknown", 1));
    for _ in 0..2 {
        assert_eq!(asked("2 00 1984-07-07 2019-10").await, of("L L", 2));
    }
    let mut tx = roster.0.write(roster.0.tenant).await;
    let long_ago = NaiveDate::from_ymd_opt(2021, 1, 1).unwrap();
    let forgotten = forget::empty(&mut tx, roster.0.clock.now(), long_ago, 100).await;
    assert_eq!(forgotten.unwrap().len(), 1);
    tx.commit().await.unwrap();
    assert_eq!(asked("2 00 1984-07-07 2019-10").await, of("unknown", 2));
    assert_eq!(asked("1 00 - 2026-09").await, of("A A", 1));
}

#[tokio::test]
async fn nobody_is_notified_by_a_number_that_they_left_as_a_dependant() {
    let roster = Roster::new().await;
    for number in [1, 2] {
        let people = ["H N 00 1980-05-05 本人", "W N 01 1982-06-06 妻", "C N 02 2004-04-02 子"];
        let people = people.map(|row| row.replace('N', &number.to_string()));
        roster.import(&people.each_ref().map(String::as_str)).await;
    }
    let asked = ["1 00 - 2026-10", "1 01 - 2026-10", "1 02 - 2026-10"];
    let working = "C 9 00 2004-04-02 本人";
    roster
        .import(&["H 2 00 1980-05-05 本人", "W 2 01 1982-06-06 妻", working])
        .await;
    assert_eq!(roster.numbers(&asked).await, ["H H", "W H", "C H"]);
    roster
        .import(&["H 6 01 1980-05-05 夫", "W 6 00 1982-06-06 本人", working])
        .await;
    assert_eq!(roster.numbers(&asked).await, ["unknown", "W W", "C C"]);
}

#[tokio::test]
async fn where_the_insured_one_of_a_number_changed_what_was_before_waits() {
    let roster = Roster::new().await;
    let child = "C 1 02 2012-04-02 子";
    let (husband, wife) = ("H 1 00 1980-05-05", "W 1 01 1982-06-06");
    roster
        .import(&[
            &format!("{husband} 本人"),
            &format!("{wife} 妻"),
            child,
            "A 2 00 1970-01-01 本人",
        ])
        .await;
    let before = ["1 00 - 2026-10", "1 01 - 2026-10", "1 02 - 2026-10"];
    assert_eq!(roster.numbers(&before).await, ["H H", "W H", "C H"]);
    // Another word for the same changes nothing.
    roster
        .import(&[
            &format!("{husband} 本人"),
            &format!("{wife} 配偶者"),
            child,
            "A 2 00 1970-01-01 被保険者",
        ])
        .await;
    assert_eq!(roster.numbers(&before).await, ["H H", "W H", "C H"]);
    assert_eq!(roster.numbers(&["2 00 - 2026-10"]).await, ["A A"]);
    // They change places, on the twenty-second of December.
    roster
        .import(&[
            &format!("{husband} 夫"),
            &format!("{wife} 本人"),
            child,
            "A 2 00 1970-01-01 被保険者",
        ])
        .await;
    assert_eq!(roster.numbers(&before).await, ["several", "several", "several"]);
    let after = ["1 00 - 2027-01", "1 01 - 2027-01", "1 02 - 2027-01", "2 00 - 2026-10"];
    assert_eq!(roster.numbers(&after).await, ["H W", "W W", "C W", "A A"]);
}

#[tokio::test]
async fn where_the_member_of_a_society_changed_what_was_before_waits() {
    let roster = Roster(TestDatabase::with("139998", |_| ()).await);
    let (husband, wife) = ("A 1 01 1980-05-05", "B 1 02 1982-06-06");
    roster
        .import(&[&format!("{husband} 世帯主"), &format!("{wife} 妻")])
        .await;
    assert_eq!(
        roster.numbers(&["1 01 - 2026-10", "1 02 - 2026-10"]).await,
        ["A A", "B A"]
    );
    roster
        .import(&[&format!("{husband} 夫"), &format!("{wife} 世帯主")])
        .await;
    let asked = ["1 01 - 2026-10", "1 02 - 2026-10", "1 01 - 2027-01", "1 02 - 2027-01"];
    assert_eq!(roster.numbers(&asked).await, ["several", "several", "A B", "B B"]);
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
