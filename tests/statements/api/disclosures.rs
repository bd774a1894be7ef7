//! Who sees one's statements, as a program of whoever was proven by facts says it: narrower, and never wider; and whoever may be the
//! spouse learns nothing of what is in force.

use super::{Program, protect};
use crate::{
    api::{flaws, problem},
    statements::family::{WORDS, in_force, keep, kept},
};
use kernel::PersonId;
use reqwest::Method;
use serde_json::{Value, json};
use tenancy::{Feature, FeatureState, Features};
use testkit::{Answer, PASSWORD, TestApp};

pub(super) const PATH: &str = "/me/disclosures/costs";

impl Program {
    /// Says who is to see them, on a condition where one is given.
    pub(super) async fn put(&self, body: &Value, if_match: Option<&str>) -> Answer {
        let address = format!("/api/v1{PATH}");
        let mut request = self
            .client
            .request(Method::PUT, &address)
            .bearer_auth(&self.token)
            .json(body);
        if let Some(if_match) = if_match {
            request = request.header("If-Match", if_match);
        }
        self.client.send(request).await
    }
}

pub(super) async fn program(app: &TestApp) -> Program {
    let (_, who) = app.member().await;
    Program::of(app, &who).await
}

/// Done, with what the state is called by from now on.
#[track_caller]
pub(super) fn is_done(answer: &Answer, etag: &str) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(answer.header("etag"), format!("\"{etag}\""));
}

#[tokio::test]
async fn whoever_was_proven_by_facts_is_told_and_answered_the_same_whatever_is_in_force() {
    let app = TestApp::start().await;
    let program = program(&app).await;
    let mut seen = Vec::new();
    for word in WORDS {
        keep(&app, word).await;
        let mut told = vec![program.get(PATH).await.normalized()];
        for chosen in WORDS {
            for if_match in [None, Some("*"), Some("\"untold\""), Some("\"household\"")] {
                keep(&app, word).await;
                let body = json!({"audience": chosen, "password": PASSWORD});
                let answer = program.put(&body, if_match).await;
                told.push(answer.normalized().replace(answer.header("x-request-id"), ""));
            }
        }
        seen.push(told);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    let shown = program.get(PATH).await;
    assert_eq!(shown.json(), json!({"kind": "costs", "audience": null}));
    assert_eq!(shown.header("etag"), "\"untold\"");
}

#[tokio::test]
async fn facts_narrow_and_never_widen() {
    let app = TestApp::start().await;
    let program = program(&app).await;
    for (nth, word) in WORDS.iter().enumerate() {
        for (chosen, name) in WORDS.iter().enumerate().skip(1) {
            keep(&app, word).await;
            is_done(&program.put(&json!({"audience": name}), None).await, "untold");
            assert_eq!(in_force(&app).await, WORDS[nth.max(chosen)], "{word} → {name}");
        }
        keep(&app, word).await;
        // Not with the password either.
        for body in [
            json!({"audience": "household"}),
            json!({"audience": "household", "password": PASSWORD}),
        ] {
            problem(&program.put(&body, None).await, 403, "disclosure_not_widened");
        }
        assert_eq!(in_force(&app).await, *word);
    }
    keep(&app, "household").await;
    is_done(&program.put(&json!({"audience": "self_only"}), None).await, "untold");
    assert_eq!(kept(&app).await, ["costs self_only api"]);
}

#[tokio::test]
async fn a_change_stands_in_the_trail_by_its_way_in_and_programs_are_told_whose_alone() {
    let app = TestApp::start().await;
    let program = program(&app).await;
    let events = async || {
        app.insurer
            .count(
                "events",
                "kind = 'disclosure.changed' AND payload = '{\"kind\": \"costs\"}'",
            )
            .await
    };
    for _ in 0..2 {
        is_done(&program.put(&json!({"audience": "self_only"}), None).await, "untold");
    }
    problem(
        &program.put(&json!({"audience": "household"}), None).await,
        403,
        "disclosure_not_widened",
    );
    let by_api = "action = 'disclosure.change' AND channel = 'api'";
    assert_eq!(
        (app.insurer.count("audit_events", by_api).await, events().await),
        (3, 1)
    );
    // Of whoever is protected programs hear nothing.
    let person = app.insurer.lines("SELECT person_id::text AS line FROM persons").await;
    protect(&app, PersonId::parse(&person[0]).unwrap()).await;
    is_done(&program.put(&json!({"audience": "suppressed"}), None).await, "untold");
    assert_eq!((in_force(&app).await.as_str(), events().await), ("suppressed", 1));
}

#[tokio::test]
async fn what_is_no_kind_no_audience_or_no_wish_at_all_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let program = program(&app).await;
    for path in ["/me/disclosures/visits", "/me/disclosures/COSTS", "/me/disclosures/%00"] {
        problem(&program.get(path).await, 404, "not_found");
        let body = Some(json!({"audience": "suppressed"}));
        let put = program.client.call(Method::PUT, path, Some(&program.token), body);
        problem(&put.await, 404, "not_found");
    }
    for (body, pointer, code) in [
        (json!({}), "/audience", "required"),
        (json!({"audience": null}), "/audience", "type"),
        (json!({"audience": "everybody"}), "/audience", "not_a_choice"),
        (json!({"audience": ""}), "/audience", "not_a_choice"),
        (json!({"audience": "self_only\u{0}"}), "/audience", "characters"),
        (json!({"audience": "self_only", "password": 1}), "/password", "type"),
    ] {
        let refused = problem(&program.put(&body, None).await, 422, "fields");
        assert_eq!(flaws(&refused), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    assert!(kept(&app).await.is_empty());
}

#[tokio::test]
async fn what_the_insurer_hides_is_no_choice_and_what_it_prepares_is_one() {
    let features = [(Feature::CostStatements, FeatureState::Preparing)];
    let app = TestApp::with(
        "32290413",
        move |folder| folder.settings.modules = Features::from_iter(features),
        |_| (),
    )
    .await;
    let program = program(&app).await;
    is_done(&program.put(&json!({"audience": "suppressed"}), None).await, "untold");
    problem(&program.get("/me/disclosures/medicines").await, 404, "not_found");
}
