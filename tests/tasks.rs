//! What waits for somebody: one row for each matter, counted for staff, gone when it is settled or its person forgotten.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::PersonId;
use serde_json::json;
use tasks::{Matter, State, Whose};
use testkit::{TestApp, TestDatabase, TestPerson};
use uuid::Uuid;

const SUBJECT: Uuid = Uuid::from_u128(7);

fn for_staff(permission: &'static str, subject: Uuid) -> Matter {
    Matter {
        whose: Whose::Permission(permission),
        module: "survey",
        subject,
    }
}

fn state(key: &'static str, waiting: bool) -> State {
    State {
        key,
        waiting,
        due_on: None,
        link: Some("/console/survey".into()),
        parameters: json!({ "sheets": 2 }),
    }
}

async fn set(test: &TestDatabase, matter: Matter, state: &State) {
    let mut tx = test.write(test.tenant).await;
    tasks::set(&mut tx, test.clock.now(), matter, state).await.unwrap();
    tx.commit().await.unwrap();
}

async fn settle(test: &TestDatabase, matter: Matter) -> bool {
    let mut tx = test.write(test.tenant).await;
    let settled = tasks::settle(&mut tx, matter).await.unwrap();
    tx.commit().await.unwrap();
    settled
}

/// What the console's home says: permission, state, how many, and for how many seconds the oldest has waited.
async fn home(test: &TestDatabase) -> Vec<String> {
    let tx = test.database.tenant(test.tenant).read().await.unwrap();
    let waiting = tasks::waiting(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let seconds = |since: DateTime<Utc>| (test.clock.now() - since).num_seconds();
    let line = |w: tasks::Waiting| format!("{} {} {} {}", w.permission, w.state, w.matters, seconds(w.since));
    waiting.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_matter_has_one_row_and_waits_since_it_came_to_stand_as_it_does() {
    let test = TestDatabase::new().await;
    let matter = for_staff("survey.review", SUBJECT);
    set(&test, matter, &state("submitted", true)).await;
    test.clock.advance(TimeDelta::seconds(60));
    set(&test, matter, &state("submitted", true)).await;
    assert_eq!(home(&test).await, ["survey.review submitted 1 60"]);
    set(&test, matter, &state("returned", true)).await;
    assert_eq!(home(&test).await, ["survey.review returned 1 0"]);
    // It stands, but waits for somebody else.
    set(&test, matter, &state("returned", false)).await;
    assert!(home(&test).await.is_empty());
    assert_eq!(test.count("tasks", "true").await, 1);
}

#[tokio::test]
async fn the_consoles_home_counts_by_permission_and_knows_nothing_of_persons_or_other_insurers() {
    let (test, other) = (TestDatabase::new().await, TestDatabase::new().await);
    for (nth, permission) in ["survey.review", "survey.review", "members.identify"]
        .into_iter()
        .enumerate()
    {
        set(
            &test,
            for_staff(permission, Uuid::from_u128(nth as u128)),
            &state("open", true),
        )
        .await;
    }
    let theirs = Matter {
        whose: Whose::Person(PersonId(SUBJECT)),
        ..for_staff("", SUBJECT)
    };
    set(&test, theirs, &state("open", true)).await;
    assert_eq!(
        home(&test).await,
        ["members.identify open 1 0", "survey.review open 2 0"]
    );
    assert!(home(&other).await.is_empty());
    assert!(!settle(&other, theirs).await);
}

#[tokio::test]
async fn a_settled_matter_is_gone_and_its_neighbours_are_not() {
    let test = TestDatabase::new().await;
    let matter = for_staff("survey.review", SUBJECT);
    let person = |id| Matter {
        whose: Whose::Person(PersonId(Uuid::from_u128(id))),
        ..matter
    };
    let all = [matter, for_staff("survey.approve", SUBJECT), person(1), person(2)];
    for matter in all {
        set(&test, matter, &state("open", true)).await;
    }
    for (left, matter) in all.into_iter().enumerate().rev() {
        assert!(settle(&test, matter).await);
        assert!(!settle(&test, matter).await);
        assert_eq!(test.count("tasks", "true").await, left);
    }
}

// security.md 58
#[tokio::test]
async fn with_an_emptied_person_goes_what_was_theirs_or_about_them() {
    let test = TestDatabase::new().await;
    let gone = PersonId(SUBJECT);
    let theirs = Matter {
        whose: Whose::Person(gone),
        ..for_staff("", Uuid::from_u128(1))
    };
    let others = for_staff("survey.review", Uuid::from_u128(2));
    for matter in [theirs, for_staff("survey.review", gone.0), others] {
        set(&test, matter, &state("open", true)).await;
    }
    let mut tx = test.write(test.tenant).await;
    tasks::empty(&mut tx, &[gone]).await.unwrap();
    tx.commit().await.unwrap();
    let left = test.lines("SELECT subject::text AS line FROM tasks").await;
    assert_eq!(left, [others.subject.to_string()]);
}

/// An insurer with two people whom what is typed does not tell apart, and the task about them.
pub(crate) async fn twins() -> (TestApp, [TestPerson; 2]) {
    let mut app = TestApp::with("139998", |_| (), |_| ()).await;
    let twin = |branch: &str, kana: &str| TestPerson {
        branch: branch.into(),
        kana_name: kana.into(),
        ..TestPerson::new(105)
    };
    let twins = [twin("01", "コクホ　ショウ"), twin("02", "コクホ　シヨウ")];
    app.insurer.import(&twins).await;
    app.person = TestPerson {
        // ホ and ボ fold alike, and so do the two names then.
        kana_name: "コクボ　ショウ".into(),
        ..twins[0].clone()
    };
    let typed = app.identity(&app.person);
    assert_eq!(app.client().send_form("/portal/signup", &typed).await.status, 422);
    app.work().await;
    assert_eq!(home(&app.insurer).await, ["members.edit names_alike 1 0"]);
    (app, twins)
}

/// What a node's sweep settles.
async fn swept(app: &TestApp) -> usize {
    let mut tx = app.write(app.tenant()).await;
    let settled = accounts::alike::settle(&mut tx, &app.insurer.insurer, app.clock().now()).await;
    tx.commit().await.unwrap();
    settled.unwrap()
}

#[tokio::test]
async fn names_wait_for_staff_until_the_roster_tells_them_apart() {
    let (app, mut twins) = twins().await;
    assert_eq!(swept(&app).await, 0);
    app.insurer.import(&twins).await;
    assert_eq!(swept(&app).await, 0, "the roster says what it said");
    twins[1].kana_name = "コクホ　ツバサ".into();
    app.insurer.import(&twins).await;
    assert_eq!(swept(&app).await, 1);
    assert!(home(&app.insurer).await.is_empty());
}

#[tokio::test]
async fn names_wait_no_longer_once_one_of_them_has_left_or_all_are_registered() {
    let (app, twins) = self::twins().await;
    app.insurer.import(&twins[..1]).await;
    app.later(400 * 24 * 3600);
    assert_eq!(swept(&app).await, 1, "left");

    let (app, twins) = self::twins().await;
    app.sign_up_as(&twins[0]).await;
    assert_eq!(swept(&app).await, 0, "one is registered");
    app.sign_up_as(&twins[1]).await;
    assert_eq!(swept(&app).await, 1, "both are");
}
