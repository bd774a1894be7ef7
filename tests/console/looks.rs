//! Looks at people: which are lines of the trail, and who saw whom.

use audit::{
    Actor, Look, Origin,
    read::{self, About, Filter, Lines, Recorded},
};
use chrono::TimeDelta;
use database::Durability;
use kernel::AuditId;
use serde_json::json;
use testkit::TestDatabase;
use uuid::Uuid;

const CLERK: Actor = Actor::Staff(Uuid::from_u128(7));
const COLLEAGUE: Actor = Actor::Staff(Uuid::from_u128(8));
const PROGRAM: Actor = Actor::Client(Uuid::from_u128(11));
const PERSON: Uuid = Uuid::from_u128(100);
const SUPPORT: Actor = Actor::Support {
    operator: Uuid::from_u128(9),
    grant: Uuid::from_u128(10),
};

async fn look(test: &TestDatabase, actor: Actor, look: Look<'_>) {
    let tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
    audit::look(&tx, test.clock.now(), &Origin::command(), actor, look)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn open(test: &TestDatabase, actor: Actor) {
    look(test, actor, Look::person("member", &PERSON)).await;
}

async fn seen(test: &TestDatabase, person: Uuid, before: Option<AuditId>, limit: i64) -> Vec<Recorded> {
    let filter = Filter {
        about: Some(About {
            person,
            lines: Lines::Looks,
        }),
        ..Filter::default()
    };
    let tx = test.database.tenant(test.tenant).read().await.unwrap();
    let seen = read::list(&tx, &filter, before, limit).await.unwrap();
    tx.commit().await.unwrap();
    seen
}

#[tokio::test]
async fn who_saw_somebody_is_told_of_programs_as_of_staff_page_by_page() {
    let test = TestDatabase::new().await;
    for actor in [PROGRAM, CLERK, PROGRAM] {
        open(&test, actor).await;
        test.clock.advance(TimeDelta::seconds(1));
    }
    let others = [Uuid::from_u128(101)];
    look(
        &test,
        PROGRAM,
        Look::list("members", vec!["number"], &[PERSON, others[0]]),
    )
    .await;
    look(&test, PROGRAM, Look::person("member", &others[0])).await;
    let all = seen(&test, PERSON, None, 10).await;
    let kinds: Vec<_> = all
        .iter()
        .map(|seen| (seen.actor_kind.as_str(), seen.action.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("client", "people.look"),
            ("client", "person.look"),
            ("staff", "person.look"),
            ("client", "person.look")
        ]
    );
    let (mut paged, mut before) = (Vec::new(), None);
    while let Some(one) = seen(&test, PERSON, before, 1).await.pop() {
        before = Some(one.audit_id);
        paged.push(one);
    }
    assert_eq!(paged, all);
    // A program's line of one person is found as it is.
    assert_eq!(test.count("audit_subjects", "true").await, 3);
}

#[tokio::test]
async fn a_list_is_one_line_with_the_names_of_its_filters_and_everybody_it_showed() {
    let test = TestDatabase::new().await;
    let people: Vec<Uuid> = (1..=50).map(Uuid::from_u128).collect();
    let twice = [&people[..], &people[..1]].concat();
    look(&test, CLERK, Look::list("members", vec!["kana", "workplace"], &twice)).await;
    look(&test, CLERK, Look::list("members", vec!["number"], &[])).await;
    assert_eq!(test.count("audit_events", "action = 'people.look'").await, 2);
    assert_eq!(test.count("audit_subjects", "true").await, 50);
    for person in [people[0], people[49]] {
        let lines = seen(&test, person, None, 10).await;
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].actor_id, Some(Uuid::from_u128(7)));
        let detail = json!({ "what": "members", "filters": ["kana", "workplace"], "people": 51 });
        assert_eq!(lines[0].detail, detail);
    }
    assert!(seen(&test, Uuid::from_u128(51), None, 10).await.is_empty());
    // A list is a line each time.
    look(&test, CLERK, Look::list("members", vec!["number"], &people[..1])).await;
    assert_eq!(seen(&test, people[0], None, 10).await.len(), 2);
}

#[tokio::test]
async fn a_persons_page_is_a_line_at_the_first_look_of_each_clerk_within_the_hour() {
    let test = TestDatabase::new().await;
    open(&test, CLERK).await;
    open(&test, CLERK).await;
    open(&test, COLLEAGUE).await;
    look(&test, CLERK, Look::person("member", &Uuid::from_u128(101))).await;
    assert_eq!(seen(&test, PERSON, None, 10).await.len(), 2);
    test.clock.advance(TimeDelta::minutes(59));
    open(&test, CLERK).await;
    assert_eq!(seen(&test, PERSON, None, 10).await.len(), 2);
    // Whatever else stands in the trail, a list is no look at the page.
    test.clock.advance(TimeDelta::minutes(1));
    look(&test, CLERK, Look::list("members", vec![], &[PERSON])).await;
    open(&test, CLERK).await;
    open(&test, CLERK).await;
    assert_eq!(seen(&test, PERSON, None, 10).await.len(), 4);
}

#[tokio::test]
async fn a_clock_that_was_ahead_for_a_while_hides_no_look_afterwards() {
    let test = TestDatabase::new().await;
    test.clock.advance(TimeDelta::days(1));
    open(&test, CLERK).await;
    test.clock.advance(-TimeDelta::days(1));
    open(&test, CLERK).await;
    open(&test, CLERK).await;
    assert_eq!(seen(&test, PERSON, None, 10).await.len(), 2);
}

#[tokio::test]
async fn of_fifty_pages_of_a_person_opened_at_once_one_is_a_line() {
    let test = TestDatabase::new().await;
    futures_util::future::join_all((0..50).map(|_| open(&test, CLERK))).await;
    assert_eq!(seen(&test, PERSON, None, 100).await.len(), 1);
}

#[tokio::test]
async fn a_look_with_a_word_why_of_support_or_of_a_program_is_always_a_line() {
    let test = TestDatabase::new().await;
    let client = Actor::Client(Uuid::from_u128(11));
    for _ in 0..2 {
        look(&test, CLERK, Look::person("member", &PERSON).because("phone_call")).await;
        open(&test, SUPPORT).await;
        open(&test, client).await;
    }
    let lines = seen(&test, PERSON, None, 10).await;
    assert_eq!(lines.len(), 6);
    let of = |kind: &str| lines.iter().find(|line| line.actor_kind == kind).unwrap();
    assert_eq!(of("staff").detail, json!({ "what": "member", "reason": "phone_call" }));
    let by = json!({ "what": "member", "grant": Uuid::from_u128(10) });
    assert_eq!(of("support").detail, by);
    assert_eq!(of("support").actor_id, Some(Uuid::from_u128(9)));
    // What asked for no word is still the first of its hour.
    open(&test, CLERK).await;
    assert_eq!(seen(&test, PERSON, None, 10).await.len(), 7);
}

#[tokio::test]
async fn who_saw_a_person_is_read_page_by_page_the_latest_first() {
    let test = TestDatabase::new().await;
    for number in 0..5 {
        look(
            &test,
            Actor::Staff(Uuid::from_u128(number)),
            Look::person("member", &PERSON),
        )
        .await;
        test.clock.advance(TimeDelta::seconds(1));
    }
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = seen(&test, PERSON, before, 2).await;
        let Some(last) = page.last() else { break };
        before = Some(last.audit_id);
        found.extend(page.iter().map(|line| line.actor_id.unwrap().as_u128()));
    }
    assert_eq!(found, [4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn a_look_that_is_undone_counts_for_none() {
    let test = TestDatabase::new().await;
    let tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
    let page = Look::person("member", &PERSON);
    audit::look(&tx, test.clock.now(), &Origin::command(), CLERK, page)
        .await
        .unwrap();
    drop(tx);
    open(&test, CLERK).await;
    assert_eq!(seen(&test, PERSON, None, 10).await.len(), 1);
}

#[tokio::test]
async fn what_stood_for_an_hour_is_swept() {
    let test = TestDatabase::new().await;
    open(&test, CLERK).await;
    test.clock.advance(TimeDelta::minutes(30));
    open(&test, COLLEAGUE).await;
    for (minutes, left) in [(0, 2), (30, 1), (30, 0)] {
        test.clock.advance(TimeDelta::minutes(minutes));
        let mut tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
        audit::sweep(&mut tx, test.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(test.count("audit_looks", "true").await, left, "{minutes}");
    }
}
