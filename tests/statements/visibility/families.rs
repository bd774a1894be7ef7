//! Many families, each with its own quarrels: what the rule says of every row is what PostgreSQL answers.

use crate::statements::{Desk, month};
use accounts::Proof;
use chrono::{NaiveDate, TimeDelta};
use kernel::{PersonId, calendar};
use statements::{
    Kind,
    visibility::{Audience, Family, Looking, Of, Seen, Standing, Viewer, may_see, visible},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};
use testkit::TestPerson;

const FAMILIES: u32 = 200;
/// Around the birthdays from which insurers count people as grown up.
const BIRTHS: [&str; 7] = [
    "1980-05-05",
    "2006-11-22",
    "2006-11-23",
    "2008-11-22",
    "2008-11-23",
    "2011-11-22",
    "2011-11-23",
];
const LOST: [&str; 6] = ["", "", "", "2026-03-01", "2026-11-22", "2026-11-23"];

/// Throws of one seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.throw(sides) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.throw(all.len())]
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

struct Somebody {
    id: PersonId,
    number: String,
    birth: NaiveDate,
    lost: Option<NaiveDate>,
    said: BTreeMap<Kind, Audience>,
    is_protected: bool,
    guardian: Option<PersonId>,
}

struct Row {
    kind: Kind,
    key: Seen,
    person: usize,
    principal: usize,
    counts: bool,
}

struct Crowd {
    desk: Desk,
    people: Vec<Somebody>,
    rows: Vec<Row>,
}

/// Four of each number; what differs is thrown.
async fn crowd(dice: &mut Dice) -> Crowd {
    let desk = Desk::new().await;
    let mut people = Vec::new();
    for number in 1..=FAMILIES {
        for (branch, relationship) in [("00", "本人"), ("01", "妻"), ("02", "子"), ("03", "子")] {
            people.push(TestPerson {
                branch: branch.into(),
                relationship: relationship.into(),
                birth_date: dice.of(&BIRTHS).into(),
                lost_on: dice.of(&LOST).into(),
                ..TestPerson::new(number)
            });
        }
    }
    desk.test.import(&people).await;
    let ids = "SELECT concat(number, '-', branch, ' ', person_id) AS line FROM persons";
    let ids: BTreeMap<String, PersonId> = desk.test.lines(ids).await.iter().map(|line| read(line)).collect();
    let people = people.into_iter().map(|person| Somebody {
        id: ids[&format!("{}-{}", person.number, person.branch)],
        number: person.number,
        birth: day(&person.birth_date),
        lost: (!person.lost_on.is_empty()).then(|| day(&person.lost_on)),
        said: BTreeMap::new(),
        is_protected: false,
        guardian: None,
    });
    let mut crowd = Crowd {
        people: people.collect(),
        rows: Vec::new(),
        desk,
    };
    let mut sql = deliveries(crowd.desk.tenant().0);
    quarrel(&mut crowd, dice, &mut sql);
    treat(&mut crowd, dice, &mut sql);
    testkit::sql(crowd.desk.tenant(), &sql).await;
    crowd
}

fn read(line: &str) -> (String, PersonId) {
    let (who, id) = line.split_once(' ').unwrap();
    (who.to_owned(), PersonId(id.parse().unwrap()))
}

/// Of each kind one that is published and one that was.
fn deliveries(tenant: i32) -> String {
    let head = |delivery: i32, kind: Kind, version: i32, state: &str| {
        format!(
            "INSERT INTO statement_deliveries (tenant_id, delivery, delivery_id, kind, label, version, state, file_name,
                 file_hash, encoding, rows, held, too_old, persons, months, totals, imported_at)
             VALUES ({tenant}, {delivery}, gen_random_uuid(), '{kind}', '2026-08-01', {version}, '{state}', '', '', '',
                 0, 0, 0, 0, '{{}}', '{{}}', now());"
        )
    };
    [
        head(1, Kind::Costs, 2, "published"),
        head(2, Kind::Costs, 1, "replaced"),
        head(3, Kind::Medicines, 2, "published"),
        head(4, Kind::Medicines, 1, "replaced"),
    ]
    .concat()
}

/// Some move out, some are protected, some don't want to be seen.
fn quarrel(crowd: &mut Crowd, dice: &mut Dice, sql: &mut String) {
    let tenant = crowd.desk.tenant();
    let all: Vec<PersonId> = crowd.people.iter().map(|person| person.id).collect();
    for (nth, person) in crowd.people.iter_mut().enumerate() {
        let id = person.id;
        if dice.one_in(8) {
            person.number = format!("M{nth}");
            let number = &person.number;
            write!(
                sql,
                "UPDATE persons SET number_key = '{number}' WHERE person_id = '{id}';"
            )
            .unwrap();
        }
        if dice.one_in(3) {
            // One of the family or of the next, or nobody.
            let guardian = all.get(nth / 4 * 4 + dice.throw(8)).copied();
            let guardian = guardian.filter(|guardian| *guardian != id && !dice.one_in(3));
            let is_lifted = dice.one_in(3);
            person.is_protected = !is_lifted;
            person.guardian = guardian.filter(|_| !is_lifted);
            let guardian = guardian.map_or("NULL".into(), |guardian| format!("'{guardian}'"));
            let lifted = if is_lifted {
                "'00000000-0000-0000-0000-000000000000', now(), ''"
            } else {
                "NULL, NULL, NULL"
            };
            write!(
                sql,
                "INSERT INTO protections (tenant_id, protection_id, person_id, guardian_id, reason, set_by, set_at, lifted_by,
                     lifted_at, lifted_reason)
                 VALUES ({tenant}, gen_random_uuid(), '{id}', {guardian}, '', '{id}', now(), {lifted});"
            )
            .unwrap();
        }
        for kind in Kind::ALL {
            if dice.one_in(2) {
                continue;
            }
            let audience = dice.of(&Audience::ALL);
            person.said.insert(kind, audience);
            let audience = audience.as_str();
            write!(
                sql,
                "INSERT INTO disclosures VALUES ({tenant}, '{id}', '{kind}', '{audience}', 'person', now());"
            )
            .unwrap();
        }
    }
}

/// Each has a few rows of either kind, of which some don't count, and rarely all by one whom the insurer notified.
fn treat(crowd: &mut Crowd, dice: &mut Dice, sql: &mut String) {
    let tenant = crowd.desk.tenant();
    for nth in 0..crowd.people.len() {
        let father = nth / 4 * 4;
        let stranger = (father + 4) % crowd.people.len();
        let others = [(); 3].map(|()| dice.of(&Kind::ALL));
        for kind in Kind::ALL.into_iter().chain(others) {
            let principal = dice.of(&[father, father, father, nth, nth, father + 1, stranger]);
            let is_published = !dice.one_in(6);
            let (withdrawn, superseded) = (dice.one_in(8), dice.one_in(8));
            let (treated, is_asked) = dice.of(&[("2026-06", true), ("2025-12", true), ("2024-11", false)]);
            let delivery = i32::from(kind == Kind::Medicines) * 2 + 2 - i32::from(is_published);
            let key = Seen {
                month: month(treated),
                delivery,
                line: i32::try_from(crowd.rows.len()).unwrap(),
            };
            let (person_id, principal_id) = (crowd.people[nth].id, crowd.people[principal].id);
            let values = match kind {
                Kind::Costs => "'medical_out', 1, '', 1000, 700, 0, 300, 0, 0",
                Kind::Medicines => "'612345678', 'oral', 2000, 30, 3, '', '', 0, 0",
            };
            let superseded_by = if superseded { "9" } else { "NULL" };
            write!(
                sql,
                "INSERT INTO {} VALUES ({tenant}, '{treated}-01', {delivery}, {}, '{principal_id}', '{person_id}', '', {values},
                     {withdrawn}, {superseded_by});",
                kind.table(),
                key.line
            )
            .unwrap();
            crowd.rows.push(Row {
                kind,
                key,
                person: nth,
                principal,
                counts: is_published && !withdrawn && !superseded && is_asked,
            });
        }
    }
}

impl Crowd {
    /// What the rule says.
    fn expected(&self, looking: &Looking) -> BTreeSet<Seen> {
        let may = |row: &&Row| {
            let (person, principal) = (&self.people[row.person], &self.people[row.principal]);
            let of = Of {
                person: person.id,
                principal: principal.id,
            };
            let standing = Standing {
                said: person.said.get(&looking.kind).copied(),
                is_child: looking.day.years_since(person.birth).unwrap() < looking.family.adult_age.into(),
                is_protected: person.is_protected,
                guardian: person.guardian,
                has_left: has_left(person, principal, looking.day),
            };
            may_see(&looking.viewer, &of, &standing, &looking.family)
        };
        let rows = self.rows.iter().filter(|row| row.kind == looking.kind && row.counts);
        rows.filter(may).map(|row| row.key).collect()
    }
}

fn has_left(person: &Somebody, principal: &Somebody, day: NaiveDate) -> bool {
    let is_lost = person.lost.is_some_and(|lost| lost <= day);
    let goes_along = principal.lost.is_some() && principal.lost <= person.lost;
    person.id != principal.id && (person.number != principal.number || is_lost && !goes_along)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rule_in_rust_and_in_sql_agree_on_random_families() {
    let seed = RandomState::new().hash_one("families");
    let mut dice = Dice(seed);
    let crowd = crowd(&mut dice).await;
    let database = crowd
        .desk
        .test
        .database
        .tenant(crowd.desk.tenant())
        .within(Duration::from_mins(5));
    let tx = database.read().await.unwrap();
    let mut seen_rows = 0;
    for person in &crowd.people {
        for proof in [Proof::Facts, Proof::Letter] {
            let looking = Looking {
                viewer: Viewer {
                    person: person.id,
                    proof,
                },
                kind: dice.of(&Kind::ALL),
                family: Family {
                    self_only: dice.one_in(2),
                    hides_former: dice.one_in(2),
                    adult_age: dice.of(&[15, 18, 20]),
                },
                day: calendar::today_in_japan(crowd.desk.test.clock.now()) + TimeDelta::days(dice.of(&[0, 0, 1, -300])),
                months: (month("202501"), month("202611")),
            };
            let rows = visible(&tx, &looking).await.unwrap();
            let once: BTreeSet<Seen> = rows.iter().copied().collect();
            assert_eq!(once.len(), rows.len(), "seed {seed}: a row twice for {looking:?}");
            assert_eq!(once, crowd.expected(&looking), "seed {seed}: {looking:?}");
            seen_rows += rows.len();
        }
    }
    assert!(seen_rows > 500, "seed {seed}: {seen_rows} rows were seen at all");
}
