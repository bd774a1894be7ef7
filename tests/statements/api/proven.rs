//! Whoever was proven by letter: they are told what is in force, go by it, and widen it with the password.

use super::{
    Program,
    disclosures::{PATH, is_done, program},
    protect,
};
use crate::{
    api::{flaws, problem},
    statements::family::{WORDS, by_letter, in_force, keep},
};
use kernel::PersonId;
use serde_json::{Value, json};
use testkit::{PASSWORD, TestApp};

const OUTDATED: &str = "disclosure_otherwise_by_now";

async fn proven(app: &TestApp) -> Program {
    let program = program(app).await;
    by_letter(app).await;
    program
}

fn wish(audience: &str) -> Value {
    json!({"audience": audience})
}

fn with(audience: &str, password: &str) -> Value {
    json!({"audience": audience, "password": password})
}

// security.md 38
// security.md 42
#[tokio::test]
async fn a_letter_narrows_at_once_and_widens_with_the_password_under_a_new_token() {
    let app = TestApp::start().await;
    let mut program = proven(&app).await;
    for (nth, word) in WORDS.iter().enumerate() {
        for (chosen, name) in WORDS.iter().enumerate() {
            keep(&app, word).await;
            if chosen >= nth {
                let done = program.put(&wish(name), None).await;
                is_done(&done, name);
                assert!(done.headers.get("session-token").is_none());
            } else {
                for (body, code) in [(wish(name), "empty"), (with(name, "wrong&1234"), "password_wrong")] {
                    let refused = problem(&program.put(&body, None).await, 422, "fields");
                    assert_eq!(flaws(&refused), [("/password".to_owned(), code.to_owned())]);
                    assert_eq!(in_force(&app).await, *word);
                }
                let done = program.put(&with(name, PASSWORD), None).await;
                is_done(&done, name);
                let token = done.header("session-token").to_owned();
                problem(&program.get(PATH).await, 401, "session_ended");
                program.token = token;
            }
            assert_eq!(in_force(&app).await, *name, "{word} → {name}");
            let shown = program.get(PATH).await;
            assert_eq!(shown.json(), json!({"kind": "costs", "audience": name}));
            assert_eq!(shown.header("etag"), format!("\"{name}\""));
        }
    }
}

#[tokio::test]
async fn what_goes_by_a_state_that_is_none_any_more_changes_nothing() {
    let app = TestApp::start().await;
    let program = proven(&app).await;
    for (stale, code) in [
        ("\"self_only\"", OUTDATED),
        ("\"untold\"", OUTDATED),
        ("household", "precondition_failed"),
        ("W/\"household\"", "precondition_failed"),
        ("", "precondition_failed"),
    ] {
        let refused = program.put(&wish("suppressed"), Some(stale)).await;
        problem(&refused, 412, code);
    }
    assert_eq!(in_force(&app).await, "household");
    is_done(
        &program.put(&wish("self_only"), Some("\"household\"")).await,
        "self_only",
    );
    // Sent once more, it goes by what is over.
    problem(
        &program.put(&wish("self_only"), Some("\"household\"")).await,
        412,
        OUTDATED,
    );
    let either = "\"household\", \"self_only\"";
    is_done(&program.put(&wish("suppressed"), Some(either)).await, "suppressed");
    is_done(&program.put(&wish("suppressed"), Some("*")).await, "suppressed");
    // The password makes no way around it.
    let refused = program.put(&with("household", PASSWORD), Some("\"household\"")).await;
    problem(&refused, 412, OUTDATED);
    assert_eq!(in_force(&app).await, "suppressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_go_by_the_same_state_at_the_same_moment_one_does() {
    let app = TestApp::start().await;
    let program = proven(&app).await;
    for _ in 0..5 {
        keep(&app, "household").await;
        let (first, second) = (wish("suppressed"), wish("self_only"));
        let (one, two) = tokio::join!(
            program.put(&first, Some("\"household\"")),
            program.put(&second, Some("\"household\""))
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 412]);
        let done = if one.status == 204 { "suppressed" } else { "self_only" };
        assert_eq!(in_force(&app).await, done);
    }
}

// security.md 74
#[tokio::test]
async fn no_program_widens_anything_for_whoever_is_protected() {
    let app = TestApp::start().await;
    let program = proven(&app).await;
    keep(&app, "suppressed").await;
    let person = app.insurer.lines("SELECT person_id::text AS line FROM persons").await;
    protect(&app, PersonId::parse(&person[0]).unwrap()).await;
    let refused = program.put(&with("household", PASSWORD), None).await;
    problem(&refused, 403, "disclosure_not_widened");
    assert_eq!(in_force(&app).await, "suppressed");
    keep(&app, "household").await;
    is_done(&program.put(&wish("self_only"), None).await, "self_only");
    // Their own they see again, and nobody else does.
    keep(&app, "suppressed").await;
    is_done(&program.put(&with("self_only", PASSWORD), None).await, "self_only");
}

#[tokio::test]
async fn the_passwords_tries_are_counted_with_those_of_the_pages() {
    let app = TestApp::start().await;
    let program = proven(&app).await;
    keep(&app, "suppressed").await;
    for _ in 0..10 {
        problem(
            &program.put(&with("household", "wrong&1234"), None).await,
            422,
            "fields",
        );
    }
    problem(&program.put(&with("household", PASSWORD), None).await, 429, "wait");
    assert_eq!(in_force(&app).await, "suppressed");
}
