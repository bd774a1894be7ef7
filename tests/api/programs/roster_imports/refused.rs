//! Files that are not imported for what is wrong with them, and who is told what that is.

use super::{BOTH, PATH, kept, line, path, sent, worked};
use crate::{
    api::{flaws, problem, programs::Caller},
    console::{
        deltas::{delta, lost},
        roster::{HANAKO, SHOKO, file},
    },
};
use reqwest::Method;
use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn what_is_no_roster_is_refused_before_anything_is_compared() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let whole = file(&[SHOKO]);
    let changes = delta(&[(&lost(&app, SHOKO), "喪失")]);
    for (query, bytes, status, code) in [
        ("", "", 422, "roster_file_empty"),
        ("?format=ndjson", "", 422, "roster_file_empty"),
        ("?format=ndjson", "\n\n", 422, "roster_file_empty"),
        ("", "\u{1}\u{0}x", 422, "roster_file_unreadable"),
        ("?mode=delta", &whole, 422, "roster_mode_mismatch"),
        ("", &changes, 422, "roster_mode_mismatch"),
        ("?mode=all", &whole, 422, "fields"),
        ("?format=xml", &whole, 422, "fields"),
        ("?dry_run=1", &whole, 422, "fields"),
    ] {
        let answer = caller.file(&format!("{PATH}{query}"), &[], bytes.as_bytes()).await;
        problem(&answer, status, code);
    }
    let lines = format!(
        "{}\n{}\n\nnone\n{}",
        line(&json!({})),
        r#"{"symbol": 1, "phone": "03"}"#,
        r#"{"number": true}"#
    );
    let refused = async |query: &str, lines: &str| {
        let answer = caller
            .file(&format!("{PATH}?format=ndjson{query}"), &[], lines.as_bytes())
            .await;
        let mut told = flaws(&problem(&answer, 422, "fields"));
        told.sort_unstable();
        told
    };
    let named = |told: &[(&str, &str)]| -> Vec<(String, String)> {
        told.iter()
            .map(|(at, code)| ((*at).to_owned(), (*code).to_owned()))
            .collect()
    };
    let expected = [
        ("/2/phone", "unknown_key"),
        ("/2/symbol", "type"),
        ("/4", "not_json"),
        ("/5/number", "type"),
    ];
    assert_eq!(refused("", &lines).await, named(&expected));
    let missing = [
        ("/1/birth_date", "required"),
        ("/1/kana_name", "required"),
        ("/1/movement", "required"),
        ("/1/relationship", "required"),
        ("/1/symbol", "required"),
    ];
    assert_eq!(refused("&mode=delta", r#"{"number": "1"}"#).await, named(&missing));
    let moved = line(&json!({"movement": "add"}));
    let answer = caller
        .file(&format!("{PATH}?format=ndjson"), &[], moved.as_bytes())
        .await;
    problem(&answer, 422, "roster_mode_mismatch");
    // Who forgot to say what comes.
    let answer = caller.file(PATH, &[], line(&json!({})).as_bytes()).await;
    let body = problem(&answer, 422, "roster_file_is_json");
    assert!(body["detail"].as_str().unwrap().contains("format=ndjson"), "{body}");
    let json = caller.raw(Method::POST, PATH, &[], b"{}").await;
    problem(&json, 415, "unsupported_media_type");
    assert_eq!(
        (app.insurer.count("roster_runs", "true").await, kept(&app).await),
        (0, 0)
    );
}

#[tokio::test]
async fn the_errors_of_a_file_come_page_by_page_to_whoever_sent_it_alone() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &BOTH).await, Caller::new(&app, &BOTH).await);
    let rows: Vec<String> = (0..7)
        .map(|n| HANAKO.replace("ケンポ　ハナコ", &format!("花子{n}")))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let begun = sent(&caller, "", &file(&rows)).await;
    let refused = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&refused["state"], &refused["errors"]),
        (&json!("refused"), &json!(7)),
        "{refused}"
    );
    let errors = format!("{}/errors", path(&begun));
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("{errors}?limit=3{next}")).await.json();
        seen.extend(page["errors"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let lines: Vec<u64> = seen.iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, (2..=8).collect::<Vec<_>>());
    assert_eq!(
        (&seen[0]["column"], &seen[0]["value"], &seen[0]["code"]),
        (&json!("対象者氏名（カナ）"), &json!("「花子0」"), &json!("not_kana"))
    );
    assert!(
        app.insurer
            .count("audit_events", "action = 'roster.errors' AND actor_kind = 'client'")
            .await
            >= 3
    );
    // Of another's there are none to be read, though everybody sees how many they are.
    let of_other = other.get(&errors).await;
    assert_eq!(
        (of_other.status.as_u16(), of_other.json()),
        (200, json!({"errors": []}))
    );
    assert_eq!(other.get(&path(&begun)).await.json()["is_own"], false);
    // A cursor is of one file's errors, and of one that was not refused there are none.
    let good = sent(&caller, "", &file(&[SHOKO])).await;
    worked(&app, &caller, &good).await;
    let of_good = format!("{}/errors", path(&good));
    assert_eq!(caller.get(&of_good).await.json(), json!({"errors": []}));
    problem(
        &caller
            .get(&format!("{of_good}?cursor={}", &next["&cursor=".len()..]))
            .await,
        400,
        "cursor",
    );
}
