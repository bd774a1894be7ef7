//! Who sees somebody's statements, as a program says it: by the desk's rule, and nothing more.

use super::Caller;
use crate::api::{flaws, problem};
use access::{
    Role,
    scope::{DISCLOSURES_WRITE, MEMBERS_READ, PROTECTED_READ},
};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenancy::FamilyDefault;
use testkit::{Answer, TestApp, sql};

/// The one person of the roster, and a program.
struct Case {
    app: TestApp,
    caller: Caller,
    id: String,
}

impl Case {
    async fn new() -> Self {
        Self::of(TestApp::start().await).await
    }

    async fn of(app: TestApp) -> Self {
        let caller = Caller::new(&app, &[DISCLOSURES_WRITE]).await;
        let id = app
            .insurer
            .lines("SELECT person_id::text AS line FROM persons")
            .await
            .remove(0);
        Self { app, caller, id }
    }

    fn path(&self, kind: &str) -> String {
        format!("/members/{}/disclosures/{kind}", self.id)
    }

    async fn get(&self) -> Answer {
        self.caller.get(&self.path("costs")).await
    }

    async fn put(&self, known: &str, body: Value) -> Answer {
        self.put_as(&self.caller, known, body).await
    }

    async fn put_as(&self, caller: &Caller, known: &str, body: Value) -> Answer {
        caller
            .send(Method::PUT, &self.path("costs"), &[("If-Match", known)], Some(body))
            .await
    }

    /// What is kept, and who asked for it.
    async fn kept(&self) -> Vec<String> {
        let query = "SELECT concat_ws(' ', kind, audience, source) AS line FROM disclosures";
        self.app.insurer.lines(query).await
    }

    /// What the trail tells of changes.
    async fn trail(&self) -> Vec<String> {
        let query = "SELECT concat_ws(' ', outcome, detail->>'from', detail->>'to', detail->>'identified') AS line
            FROM audit_events WHERE action = 'disclosure.change' AND actor_kind = 'client' ORDER BY 1";
        self.app.insurer.lines(query).await
    }
}

#[tokio::test]
async fn a_program_reads_and_narrows_who_sees_somebodys_statements_once_however_often_it_says_so() {
    let case = Case::new().await;
    let told = case.get().await;
    assert_eq!(told.status, 200, "{}", told.text);
    let usual = json!({"member_id": case.id, "kind": "costs", "audience": "household"});
    assert_eq!(told.json(), usual);
    let wish = json!({"audience": "self_only"});
    let said = case.put(told.header("etag"), wish.clone()).await;
    assert_eq!(said.status, 200, "{}", said.text);
    assert_eq!(
        (&said.json()["audience"], &said.json()["asked"]),
        (&json!("self_only"), &json!("self_only"))
    );
    assert_eq!(said.header("etag"), case.get().await.header("etag"));
    assert_eq!(case.kept().await, ["costs self_only client"]);
    // The state of before is nobody's to go by, and what stands already is not done again.
    problem(
        &case.put(told.header("etag"), wish.clone()).await,
        412,
        "precondition_failed",
    );
    assert_eq!(case.put(said.header("etag"), wish.clone()).await.json(), said.json());
    assert_eq!(case.put("*", wish.clone()).await.json(), said.json());
    assert_eq!(case.trail().await, ["done household self_only"]);
    assert_eq!(case.app.insurer.count("events", "kind = 'disclosure.changed'").await, 1);
    let without = case
        .caller
        .send(Method::PUT, &case.path("costs"), &[], Some(wish))
        .await;
    problem(&without, 428, "precondition_required");
    // Staff read who asked.
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let page = clerk.get(&format!("/console/statements/disclosures/{}", case.id)).await;
    assert!(page.text.contains("自分だけに表示する（連携先、"), "{}", page.text);
    // Each time it is told who sees them is a look at that person.
    let looks = format!(
        "action = 'person.look' AND actor_kind = 'client' AND object_id = '{}'",
        case.id
    );
    assert_eq!(case.app.insurer.count("audit_events", &looks).await, 4);
}

// security.md 42
#[tokio::test]
async fn a_program_widens_only_what_the_desk_would_and_says_how_staff_made_sure_of_who_asks() {
    let case = Case::new().await;
    assert_eq!(case.put("*", json!({"audience": "suppressed"})).await.status, 200);
    for wish in ["self_only", "household", "usual"] {
        let refused = case.put("*", json!({"audience": wish})).await;
        let named = [("/identified".to_owned(), "required".to_owned())];
        assert_eq!(flaws(&problem(&refused, 422, "fields")), named, "{wish}");
    }
    for (body, at) in [
        (json!({"audience": "everybody"}), "/audience"),
        (json!({"audience": "usual", "identified": "by_ear"}), "/identified"),
        (json!({"identified": "post"}), "/audience"),
    ] {
        let refused = case.put("*", body).await;
        assert_eq!(problem(&refused, 422, "fields")["errors"][0]["pointer"], at);
    }
    let wider = case
        .put("*", json!({"audience": "self_only", "identified": "post"}))
        .await;
    assert_eq!(wider.json()["audience"], "self_only", "{}", wider.text);
    // Whoever made the account with what the family knows is shown to no more.
    case.app.sign_up().await;
    let wish = json!({"audience": "usual", "identified": "counter"});
    problem(&case.put("*", wish.clone()).await, 403, "disclosure_account_unproven");
    assert_eq!(case.kept().await, ["costs self_only client"]);
    sql(case.app.tenant(), "UPDATE accounts SET proof = 'letter'").await;
    let lifted = case.put("*", wish).await;
    assert_eq!(
        (&lifted.json()["audience"], &lifted.json()["asked"]),
        (&json!("household"), &json!(null))
    );
    assert!(case.kept().await.is_empty());
    assert_eq!(
        case.trail().await,
        [
            "disclosure_account_unproven",
            "done household suppressed",
            "done self_only household counter",
            "done suppressed self_only post",
        ]
    );
}

// security.md 74
#[tokio::test]
async fn the_protected_are_there_for_programs_that_may_see_them_and_are_shown_to_nobody_more() {
    let case = Case::new().await;
    assert_eq!(case.put("*", json!({"audience": "self_only"})).await.status, 200);
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let fields = [
        ("subject", case.id.as_str()),
        ("person", &case.id),
        ("reason", "支援措置"),
    ];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    let unknown = case
        .caller
        .get("/members/0197a3c0-0000-7000-8000-000000000011/disclosures/costs")
        .await;
    let without_id = |answer: &Answer| answer.text.split("\"request_id\"").next().unwrap().to_owned();
    for answer in [
        case.get().await,
        case.put("*", json!({"audience": "suppressed"})).await,
        case.put("\"stale\"", json!({"audience": "suppressed"})).await,
    ] {
        problem(&answer, 404, "not_found");
        assert_eq!(without_id(&answer), without_id(&unknown));
    }
    let seeing = Caller::new(&case.app, &[DISCLOSURES_WRITE, PROTECTED_READ]).await;
    let wish = json!({"audience": "household", "identified": "counter"});
    problem(&case.put_as(&seeing, "*", wish).await, 403, "disclosure_protected");
    let narrower = case.put_as(&seeing, "*", json!({"audience": "suppressed"})).await;
    assert_eq!(narrower.json()["audience"], "suppressed", "{}", narrower.text);
    assert_eq!(
        case.app.insurer.count("events", "kind = 'disclosure.changed'").await,
        1,
        "of before alone"
    );
}

#[tokio::test]
async fn of_two_programs_that_go_by_the_same_state_one_is_told_that_it_is_over() {
    let case = Case::new().await;
    let other = Caller::new(&case.app, &[DISCLOSURES_WRITE]).await;
    let known = case.get().await.header("etag").to_owned();
    let wish = |word: &str| json!({"audience": word});
    let (one, two) = tokio::join!(
        case.put(&known, wish("self_only")),
        case.put_as(&other, &known, wish("suppressed"))
    );
    let mut told = [one.status.as_u16(), two.status.as_u16()];
    told.sort_unstable();
    assert_eq!(told, [200, 412]);
    assert_eq!(case.trail().await.len(), 1);
}

#[tokio::test]
async fn of_many_who_say_it_in_any_state_each_does_or_is_told_that_another_was_faster() {
    let case = Case::new().await;
    let wish = |audience: &str| json!({"audience": audience, "identified": "post"});
    let wishes = ["self_only", "suppressed"].repeat(4);
    let answers = join_all(wishes.iter().map(|audience| case.put("*", wish(audience)))).await;
    let (done, late): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::OK);
    for answer in late {
        problem(answer, 409, "disclosure_meanwhile");
    }
    let stands = case.get().await.json()["asked"].as_str().unwrap().to_owned();
    assert_eq!(case.kept().await, [format!("costs {stands} client")]);
    assert!(done.iter().any(|answer| answer.json()["asked"] == stands), "{stands}");
    // Each change begins where the one before it ended, and the last one ends with what stands.
    let trail = case.trail().await;
    let at = |nth: usize| {
        trail
            .iter()
            .filter(|line| line.split(' ').nth(nth) == Some(stands.as_str()))
            .count()
    };
    assert_eq!(at(2), at(1) + 1, "{trail:?}");
    let told = case.app.insurer.count("events", "kind = 'disclosure.changed'").await;
    assert_eq!(told, trail.len());
}

#[tokio::test]
async fn what_is_usual_is_the_insurers_and_what_it_hides_is_nobodys_to_choose() {
    let app = Box::pin(TestApp::with(
        "32290413",
        |folder| folder.settings.statements.costs_family = FamilyDefault::SelfOnly,
        |_| (),
    ));
    let case = Case::of(app.await).await;
    assert_eq!(case.get().await.json()["audience"], "self_only");
    let wider = case
        .put("*", json!({"audience": "household", "identified": "post"}))
        .await;
    assert_eq!(wider.json()["asked"], "household", "{}", wider.text);
    // Nothing asked for any more is narrower here.
    assert_eq!(
        case.put("*", json!({"audience": "usual"})).await.json()["audience"],
        "self_only"
    );
    for path in [case.path("points"), "/members/nobody/disclosures/costs".into()] {
        problem(&case.caller.get(&path).await, 404, "not_found");
    }
    let reader = Caller::new(&case.app, &[MEMBERS_READ]).await;
    problem(&reader.get(&case.path("costs")).await, 403, "insufficient_scope");
    let case = Case::of(Box::pin(TestApp::without_statements()).await).await;
    problem(&case.get().await, 404, "not_found");
}
