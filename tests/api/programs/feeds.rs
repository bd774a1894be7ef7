//! Feeds that programs follow: nothing is missed, nothing comes twice, and nobody is in them who is not to be seen.

use super::Caller;
use crate::api::problem;
use access::{
    Role,
    scope::{CONSENTS_READ, MEMBERS_READ, PROTECTED_READ, REGISTRATIONS_IDENTITY_READ, REGISTRATIONS_READ},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use testkit::{PASSWORD, TestApp, TestClerk, TestPerson, unique};

const CHANGES: &str = "/members/changes";
const REGISTRATIONS: &str = "/registrations";
const PROTECTIONS: &str = "/console/protections";

/// A follower of a feed.
struct Follower {
    caller: Caller,
    path: &'static str,
    /// What its entries are called.
    name: &'static str,
    next: Option<String>,
}

impl Follower {
    fn of_changes(caller: Caller) -> Self {
        Self {
            caller,
            path: CHANGES,
            name: "changes",
            next: None,
        }
    }

    fn of_registrations(caller: Caller) -> Self {
        Self {
            caller,
            path: REGISTRATIONS,
            name: "registrations",
            next: None,
        }
    }

    /// The next entries, and whether there are more at once.
    async fn page(&mut self, limit: usize) -> (Vec<Value>, bool) {
        let cursor = self.next.iter().map(|next| format!("&cursor={next}"));
        let cursor: String = cursor.collect();
        let answer = self.caller.get(&format!("{}?limit={limit}{cursor}", self.path)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        self.next = Some(body["next"].as_str().unwrap().to_owned());
        let entries = body[self.name].as_array().unwrap().clone();
        assert!(entries.len() <= limit);
        (entries, body["more"].as_bool().unwrap())
    }

    /// All there is by now.
    async fn rest(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let (entries, more) = self.page(2).await;
            all.extend(entries);
            if !more {
                return all;
            }
        }
    }
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_default()
}

fn people<const N: usize>() -> [TestPerson; N] {
    std::array::from_fn(|n| TestPerson::new(105 + u32::try_from(n).unwrap()))
}

async fn id(app: &TestApp, person: &TestPerson) -> String {
    let query = format!(
        "SELECT person_id::text AS line FROM persons WHERE number = '{}'",
        person.number
    );
    app.insurer.lines(&query).await.remove(0)
}

async fn protect(clerk: &TestClerk, person: &str) {
    let fields = [
        ("subject", person),
        ("guardian", ""),
        ("reason", "支援措置の申し出"),
        ("person", person),
    ];
    assert_eq!(clerk.post(PROTECTIONS, &fields).await.status, 303);
}

async fn lift(clerk: &TestClerk) {
    let list = clerk.get(PROTECTIONS).await.text;
    let id = list.split(&format!("href=\"{PROTECTIONS}/")).nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    let done = clerk
        .post(&format!("{PROTECTIONS}/{id}"), &[("reason", "本人の申し出")])
        .await;
    assert_eq!(done.status, 303, "{}", done.text);
}

async fn looks(app: &TestApp, what: &str) -> usize {
    let line = format!("action = 'people.look' AND actor_kind = 'client' AND detail ->> 'what' = '{what}'");
    app.insurer.count("audit_events", &line).await
}

#[tokio::test]
async fn whoever_begins_now_is_told_of_nothing_before_and_of_everything_after() {
    let app = TestApp::start().await;
    let [own, first, second] = people();
    app.insurer.import(&[own.clone(), first.clone()]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &id(&app, &first).await).await;
    let begin = async |mut follower: Follower| {
        let path = format!("{}?from=now", follower.path);
        let body = follower.caller.get(&path).await.json();
        assert_eq!(
            (&body[follower.name], &body["more"]),
            (&json!([]), &json!(false)),
            "{body}"
        );
        follower.next = Some(body["next"].as_str().unwrap().to_owned());
        // The cursor says where, whoever still says `from`.
        let again = format!("{path}&cursor={}", follower.next.as_deref().unwrap());
        let again = follower.caller.get(&again).await;
        assert_eq!(again.json()[follower.name], json!([]), "{}", again.text);
        follower
    };
    let caller = Caller::new(&app, &[MEMBERS_READ, REGISTRATIONS_READ]).await;
    let mut changes = begin(Follower::of_changes(caller)).await;
    let caller = Caller::new(&app, &[MEMBERS_READ, REGISTRATIONS_READ]).await;
    let mut registrations = begin(Follower::of_registrations(caller)).await;
    app.member().await;
    lift(&clerk).await;
    app.insurer.import(&[own, first, second]).await;
    assert_eq!(kinds(&registrations.rest().await), ["registered"]);
    assert_eq!(kinds(&changes.rest().await), ["new", "changed"]);
    let wrong = registrations.caller.get(&format!("{REGISTRATIONS}?from=then")).await;
    problem(&wrong, 422, "fields");
}

#[tokio::test]
async fn a_follower_of_the_roster_reads_each_change_once_and_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let [first, second, third] = people();
    app.insurer
        .import(&[first.clone(), second.clone(), third.clone()])
        .await;
    let mut follower = Follower::of_changes(Caller::new(&app, &[MEMBERS_READ]).await);
    let (entries, more) = follower.page(2).await;
    assert_eq!((kinds(&entries), more), (vec!["new", "new"], true));
    let rest = follower.rest().await;
    assert_eq!(kinds(&rest), ["new"]);
    let told: BTreeSet<&str> = entries
        .iter()
        .chain(&rest)
        .map(|entry| text(entry, "person_id"))
        .collect();
    assert_eq!(told.len(), 3);
    // A look is a line, and one at nothing is none.
    assert_eq!(looks(&app, "members.changes").await, 2);
    assert!(follower.rest().await.is_empty());
    assert_eq!(looks(&app, "members.changes").await, 2);

    let called = TestPerson {
        name: "健保　翔子".into(),
        ..first.clone()
    };
    app.insurer.import(&[called.clone(), second.clone()]).await;
    let changed = follower.rest().await;
    let of = |id: &str| changed.iter().find(|entry| text(entry, "person_id") == id).unwrap();
    assert_eq!(changed.len(), 2, "{changed:?}");
    let renamed = of(&id(&app, &first).await).clone();
    assert_eq!(text(&renamed, "kind"), "changed");
    assert!(
        renamed["fields"].as_array().unwrap().contains(&"name".into()),
        "{renamed}"
    );
    assert_eq!(text(of(&id(&app, &third).await), "kind"), "lost");
    assert!(follower.rest().await.is_empty());
    // Whoever begins anew reads the same from the first on.
    let mut anew = Follower::of_changes(follower.caller.clone());
    assert_eq!(anew.rest().await.len(), 5);
}

#[tokio::test]
async fn a_cursor_of_another_feed_another_insurer_or_nobody_is_refused() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let scopes = [MEMBERS_READ, REGISTRATIONS_READ];
    let (caller, elsewhere) = (Caller::new(&app, &scopes).await, Caller::new(&other, &scopes).await);
    let next = |answer: testkit::Answer| answer.json()["next"].as_str().unwrap().to_owned();
    let own = next(caller.get(CHANGES).await);
    for cursor in [
        next(caller.get(REGISTRATIONS).await),
        next(elsewhere.get(CHANGES).await),
        "AAJrMQ".to_owned(),
        format!("{own}x"),
    ] {
        problem(&caller.get(&format!("{CHANGES}?cursor={cursor}")).await, 400, "cursor");
    }
    assert_eq!(caller.get(&format!("{CHANGES}?cursor={own}")).await.status, 200);
    problem(&caller.get(&format!("{CHANGES}?limit=0")).await, 422, "fields");
}

// security.md 74
#[tokio::test]
async fn whoever_is_protected_is_in_no_feed_and_comes_back_to_it_once_they_are_no_more() {
    let app = TestApp::start().await;
    let [her, other] = people();
    app.insurer.import(&[her.clone(), other.clone()]).await;
    let her_id = id(&app, &her).await;
    app.sign_up_as(&her).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let scopes = [MEMBERS_READ, REGISTRATIONS_READ];
    let all = [MEMBERS_READ, REGISTRATIONS_READ, PROTECTED_READ];
    let (without, with) = (Caller::new(&app, &scopes).await, Caller::new(&app, &all).await);
    let mut seeing = Follower::of_changes(with.clone());
    seeing.rest().await;

    protect(&clerk, &her_id).await;
    let told = seeing.rest().await;
    assert_eq!((told.len(), text(&told[0], "person_id")), (1, her_id.as_str()));
    assert_eq!(
        (&told[0]["protected"], text(&told[0], "kind")),
        (&Value::Bool(true), "changed")
    );
    // Who begins now hears of the other one alone.
    let (mut changes, mut registrations) = (
        Follower::of_changes(without.clone()),
        Follower::of_registrations(without.clone()),
    );
    let told = changes.rest().await;
    assert_eq!(
        (told.len(), text(&told[0], "person_id")),
        (1, id(&app, &other).await.as_str())
    );
    assert!(registrations.rest().await.is_empty());
    assert_eq!(Follower::of_registrations(with.clone()).rest().await.len(), 1);
    // What happens to her meanwhile, too.
    let called = TestPerson {
        name: "健保　翔子".into(),
        ..her.clone()
    };
    app.insurer.import(&[called, other.clone()]).await;
    assert!(changes.rest().await.is_empty());
    assert_eq!(kinds(&seeing.rest().await), ["changed"]);

    lift(&clerk).await;
    let told = changes.rest().await;
    assert!(told.iter().all(|entry| text(entry, "person_id") == her_id), "{told:?}");
    // Nothing says that there was a protection.
    let last = told.last().unwrap();
    assert_eq!(
        (text(last, "kind"), &last["fields"], &last["protected"]),
        ("changed", &serde_json::json!([]), &Value::Bool(false))
    );
    let told = registrations.rest().await;
    assert!(told.iter().all(|entry| text(entry, "person_id") == her_id), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!((text(last, "kind"), text(last, "state")), ("registered", "open"));
    assert_eq!(last["at"], last["registered_at"]);
    assert!(changes.rest().await.is_empty() && registrations.rest().await.is_empty());
}

// security.md 74
#[tokio::test]
async fn pages_are_as_full_and_end_where_they_would_were_the_protected_not_there() {
    let app = TestApp::start().await;
    let all: [TestPerson; 4] = people();
    app.insurer.import(&all).await;
    for person in &all {
        app.inside(&app.sign_up_as(person).await).await;
    }
    // The first and the last.
    let clerk = app.clerk(&[Role::Eligibility]).await;
    for hidden in [&all[0], &all[3]] {
        protect(&clerk, &id(&app, hidden).await).await;
    }
    let caller = Caller::new(&app, &[MEMBERS_READ, REGISTRATIONS_READ, CONSENTS_READ]).await;
    for (path, name) in [
        ("/consents/service", "consents"),
        ("/members", "members"),
        (REGISTRATIONS, "registrations"),
        (CHANGES, "changes"),
    ] {
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = caller.get(&format!("{path}?limit=1{cursor}")).await.json();
            pages.push(page[name].as_array().unwrap().len());
            let goes_on = page.get("more").map_or(page["next"].is_string(), |more| more == true);
            if !goes_on {
                break;
            }
            cursor = format!("&cursor={}", text(&page, "next"));
        }
        assert_eq!(pages, [1, 1], "{path}");
    }
}

#[tokio::test]
async fn registrations_are_told_with_what_became_of_them_and_identity_takes_a_scope_of_its_own() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let mut plain = Follower::of_registrations(Caller::new(&app, &[REGISTRATIONS_READ]).await);
    let identity = [REGISTRATIONS_READ, REGISTRATIONS_IDENTITY_READ];
    let mut knowing = Follower::of_registrations(Caller::new(&app, &identity).await);
    let told = plain.rest().await;
    assert_eq!((kinds(&told), text(&told[0], "state")), (vec!["registered"], "open"));
    assert!(
        told[0].get("user_id").is_none() && told[0].get("email").is_none(),
        "{told:?}"
    );
    let told = knowing.rest().await;
    assert_eq!(
        (text(&told[0], "user_id"), text(&told[0], "email")),
        (who.user_id.as_str(), who.email.as_str())
    );

    let email = format!("{}@example.jp", unique("new"));
    let fields = [("current_password", PASSWORD), ("email", email.as_str())];
    assert_eq!(client.post("/portal/account/email", &fields).await.status, 303);
    // Nothing has changed until the code is typed.
    assert!(plain.rest().await.is_empty());
    let code = app.code_for(&email).await;
    assert_eq!(
        client
            .post("/portal/account/email/code", &[("code", code.as_str())])
            .await
            .status,
        303
    );
    assert_eq!(kinds(&plain.rest().await), ["email_changed"]);
    assert_eq!(text(&knowing.rest().await[0], "email"), email);

    let closed = client
        .post("/portal/account/close", &[("current_password", PASSWORD)])
        .await;
    assert_eq!(closed.status, 303, "{}", closed.text);
    let told = knowing.rest().await;
    assert_eq!((kinds(&told), text(&told[0], "state")), (vec!["closed"], "closed"));
    assert!(
        told[0].get("user_id").is_none() && told[0].get("email").is_none(),
        "{told:?}"
    );
    // Whoever begins now is told the same, and of each how it stands by now.
    let told = Follower::of_registrations(knowing.caller.clone()).rest().await;
    assert_eq!(kinds(&told), ["registered", "email_changed", "closed"]);
    assert!(
        told.iter()
            .all(|entry| text(entry, "state") == "closed" && entry.get("email").is_none())
    );
    assert_eq!(looks(&app, "registrations").await, 7);
}

#[tokio::test]
async fn of_many_who_register_at_the_same_time_a_follower_misses_nobody() {
    let app = TestApp::start().await;
    let all: [TestPerson; 6] = people();
    app.insurer.import(&all).await;
    let mut follower = Follower::of_registrations(Caller::new(&app, &[REGISTRATIONS_READ]).await);
    let are_done = AtomicBool::new(false);
    let register = async {
        join_all(all.iter().map(|person| app.sign_up_as(person))).await;
        are_done.store(true, Ordering::Relaxed);
    };
    let follow = async {
        let mut told = Vec::new();
        while !are_done.load(Ordering::Relaxed) {
            told.extend(follower.rest().await);
            // Not more often than a client may ask in a minute, which doesn't end here.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        told.extend(follower.rest().await);
        told
    };
    let ((), told) = tokio::join!(register, follow);
    let of: BTreeSet<&str> = told.iter().map(|entry| text(entry, "person_id")).collect();
    assert_eq!((told.len(), of.len()), (6, 6), "{told:?}");
}

#[tokio::test]
async fn a_closing_that_was_refused_is_not_told() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let mut follower = Follower::of_registrations(Caller::new(&app, &[REGISTRATIONS_READ]).await);
    follower.rest().await;
    let wrong = client
        .post("/portal/account/close", &[("current_password", "wrong&1234")])
        .await;
    assert_eq!(wrong.status, 422);
    assert!(follower.rest().await.is_empty());
}
