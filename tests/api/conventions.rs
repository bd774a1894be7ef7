//! What holds for every operation of programs: a request that comes twice is done once, lists go by cursor, whoever changes
//! something knows how it stands, and answers are compressed, timed and named alike.

use super::{flaws, problem, programs::Caller};
use ::operations::Repeat;
use access::{
    SCOPES,
    scope::{NOTICES_READ, NOTICES_WRITE, PROTECTED_READ, REGISTRATIONS_IDENTITY_READ, Scope},
};
use edge::Rights;
use madoguchi::retention::sweep_insurer;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Answer, TestApp, sql};

const DAY: i64 = 24 * 3600;
const KEY: &str = "Idempotency-Key";
const WRITES: [Scope; 2] = [NOTICES_READ, NOTICES_WRITE];

fn draft(title: &str) -> Value {
    json!({"title": title, "body": "**12月25日**までです。"})
}

async fn keyed(caller: &Caller, key: &str, body: Value) -> Answer {
    caller.send(Method::POST, "/notices", &[(KEY, key)], Some(body)).await
}

async fn drafts(app: &TestApp) -> usize {
    app.insurer.count("notice_drafts", "true").await
}

fn is_replayed(answer: &Answer) -> bool {
    answer
        .headers
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true")
}

#[tokio::test]
async fn what_is_sent_again_with_its_key_is_done_once_and_answered_alike() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let first = keyed(&caller, "a-1", draft("ひとつ")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert!(!is_replayed(&first));
    let again = keyed(&caller, "a-1", draft("ひとつ")).await;
    assert!(is_replayed(&again));
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    for name in ["etag", "location", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    // In whatever order its fields stand, it is the same request; without a key each is its own.
    let turned = br#"{"body": "**12\u670825\u65e5**\u307e\u3067\u3067\u3059\u3002", "title": "\u3072\u3068\u3064"}"#;
    assert!(is_replayed(
        &caller.raw(Method::POST, "/notices", &[(KEY, "a-1")], turned).await
    ));
    assert_eq!(drafts(&app).await, 1);
    for _ in 0..2 {
        let other = caller.send(Method::POST, "/notices", &[], Some(draft("ひとつ"))).await;
        assert_eq!(other.status, StatusCode::CREATED);
        assert_ne!(other.text, first.text);
    }
    assert_eq!(drafts(&app).await, 3);
    assert_eq!(app.insurer.count("audit_events", "action = 'notice.draft'").await, 3);
}

#[tokio::test]
async fn a_key_that_came_with_something_else_is_refused_and_is_nobody_elses() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &WRITES).await, Caller::new(&app, &WRITES).await);
    let first = keyed(&caller, "a-1", draft("ひとつ")).await;
    problem(
        &keyed(&caller, "a-1", draft("ふたつ")).await,
        422,
        "idempotency_key_reused",
    );
    assert_eq!(drafts(&app).await, 1);
    // Another client's key is its own, and so is that of another operation.
    assert_eq!(keyed(&other, "a-1", draft("ふたつ")).await.status, StatusCode::CREATED);
    let path = format!("/notices/{}/publish", first.json()["id"].as_str().unwrap());
    let headers = [(KEY, "a-1"), ("If-Match", first.header("etag"))];
    let published = caller.send(Method::POST, &path, &headers, None).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    // Which notice it is about is a part of what is asked for.
    let second = format!("/notices/{}/publish", kernel::NoticeId::new(app.clock().now()));
    let mistaken = caller.send(Method::POST, &second, &headers, None).await;
    problem(&mistaken, 422, "idempotency_key_reused");
    // A token that was renewed is the same client's.
    let renewed = caller.renewed().await;
    assert!(is_replayed(&keyed(&renewed, "a-1", draft("ひとつ")).await));
    // What changes something by itself, as a whole, takes no key.
    let put = format!(
        "/notices/{}",
        keyed(&caller, "a-2", draft("みっつ")).await.json()["id"]
            .as_str()
            .unwrap()
    );
    for title in ["よっつ", "いつつ"] {
        let headers = [(KEY, "a-1"), ("If-Match", "*")];
        let answer = caller.send(Method::PUT, &put, &headers, Some(draft(title))).await;
        assert_eq!(
            (answer.status, answer.json()["title"].as_str()),
            (StatusCode::OK, Some(title))
        );
    }
}

#[tokio::test]
async fn of_twenty_at_the_same_time_one_is_done() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let all = (0..20).map(|_| keyed(&caller, "a-1", draft("ひとつ")));
    let answers = futures_util::future::join_all(all).await;
    let made: BTreeSet<&str> = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .map(|answer| answer.text.as_str())
        .collect();
    assert_eq!((made.len(), drafts(&app).await), (1, 1));
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::CREATED) {
        problem(answer, 409, "idempotency_in_progress");
    }
    assert!(is_replayed(&keyed(&caller, "a-1", draft("ひとつ")).await));
}

#[tokio::test]
async fn what_was_refused_has_done_nothing_and_its_key_is_free_again() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    problem(&keyed(&caller, "a-1", draft(" ")).await, 422, "fields");
    problem(&keyed(&caller, "a-1", json!({})).await, 422, "fields");
    assert_eq!(app.insurer.count("idempotency_keys", "true").await, 0);
    assert_eq!(keyed(&caller, "a-1", draft("ひとつ")).await.status, StatusCode::CREATED);
    let reader = Caller::new(&app, &[NOTICES_READ]).await;
    problem(&keyed(&reader, "a-1", draft("ひとつ")).await, 403, "insufficient_scope");
    assert_eq!(app.insurer.count("idempotency_keys", "true").await, 1);
}

#[tokio::test]
async fn whoever_died_while_doing_it_left_nothing_behind_and_is_waited_for_a_minute() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    keyed(&caller, "a-1", draft("ひとつ")).await;
    // As it stands before anything is done.
    sql(
        app.tenant(),
        "UPDATE idempotency_keys SET sealed = NULL; DELETE FROM notice_drafts",
    )
    .await;
    problem(
        &keyed(&caller, "a-1", draft("ひとつ")).await,
        409,
        "idempotency_in_progress",
    );
    sql(app.tenant(), "UPDATE idempotency_keys SET leased_until = '2020-01-01'").await;
    let anew = keyed(&caller, "a-1", draft("ひとつ")).await;
    assert_eq!(
        (anew.status, is_replayed(&anew), drafts(&app).await),
        (StatusCode::CREATED, false, 1)
    );
    assert!(is_replayed(&keyed(&caller, "a-1", draft("ひとつ")).await));
}

// security.md 58
#[tokio::test]
async fn an_answer_is_kept_sealed_for_a_day_and_deleted() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let first = keyed(&caller, "a-1", draft("ひみつの件名")).await;
    let rows = app
        .insurer
        .lines("SELECT encode(sealed, 'escape') AS line FROM idempotency_keys")
        .await;
    assert!(!rows[0].contains("title") && !rows[0].is_empty());
    app.later(DAY - 60);
    let caller = caller.renewed().await;
    assert!(is_replayed(&keyed(&caller, "a-1", draft("ひみつの件名")).await));
    app.later(120);
    let anew = keyed(&caller, "a-1", draft("ひみつの件名")).await;
    assert!(!is_replayed(&anew));
    assert_ne!(anew.json()["id"], first.json()["id"]);
    app.later(DAY);
    sweep_insurer(&app.app, app.tenant(), app.clock().now()).await.unwrap();
    assert_eq!(app.insurer.count("idempotency_keys", "true").await, 0);
}

#[tokio::test]
async fn a_key_has_one_to_255_visible_characters_and_comes_once() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let long = "k".repeat(256);
    for bad in ["", " ", "a b", &long, "\u{e9}"] {
        let answer = keyed(&caller, bad, draft("ひとつ")).await;
        let body = problem(&answer, 422, "fields");
        assert_eq!(flaws(&body)[0].0, "/Idempotency-Key", "{bad:?}");
    }
    let twice = caller
        .send(
            Method::POST,
            "/notices",
            &[(KEY, "a"), (KEY, "a")],
            Some(draft("ひとつ")),
        )
        .await;
    let expected = [("/Idempotency-Key".to_owned(), "repeated".to_owned())];
    assert_eq!(flaws(&problem(&twice, 422, "fields")), expected);
    assert_eq!(drafts(&app).await, 0);
    assert_eq!(
        keyed(&caller, &long[1..], draft("ひとつ")).await.status,
        StatusCode::CREATED
    );
}

/// Whoever adds one that takes a key shows here that it keeps its answer.
#[test]
fn these_operations_take_a_key() {
    let table = madoguchi::modules::operations(&madoguchi::modules::without_database());
    let keyed = table.rows().filter(|row| row.handler.repeat == Repeat::Keyed);
    let names: Vec<&str> = keyed.map(|row| row.name).collect();
    let expected = [
        "import_roster",
        "confirm_roster_import",
        "cancel_roster_import",
        "enable_webhook",
        "test_webhook",
        "replay_webhook_delivery",
        "replay_webhook_deliveries",
        "draft_notice",
        "publish_notice",
        "withdraw_notice",
        "import_statements",
        "cancel_statement_import",
        "publish_statement_delivery",
        "withdraw_statement_delivery",
        "add_member",
        "end_member_coverage",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_scopes_that_are_offered_are_those_that_an_operation_asks_for() {
    let table = madoguchi::modules::operations(&madoguchi::modules::without_database());
    let asked = table.rows().filter_map(|row| match row.rights {
        Rights::Client(scope) => Some(scope.as_str()),
        _ => None,
    });
    // These ask for nothing of their own: they say how much others tell.
    let more = [PROTECTED_READ, REGISTRATIONS_IDENTITY_READ].map(Scope::as_str);
    let expected: BTreeSet<&str> = asked.chain(more).collect();
    assert_eq!(SCOPES.into_iter().map(Scope::as_str).collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn a_list_goes_by_cursor_and_misses_and_repeats_nothing_while_more_are_written() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut written = Vec::new();
    for number in 0..7 {
        app.later(1);
        let answer = caller
            .send(Method::POST, "/notices", &[], Some(draft(&format!("{number}"))))
            .await;
        written.push(answer.json()["id"].clone());
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("/notices?limit=3{next}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let page = page.json();
        seen.extend(
            page["notices"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["id"].clone()),
        );
        // Newer ones come before the first, which was shown already.
        app.later(1);
        caller.send(Method::POST, "/notices", &[], Some(draft("新しい"))).await;
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    written.reverse();
    assert_eq!(seen, written);
}

#[tokio::test]
async fn a_cursor_that_was_not_handed_out_for_this_list_and_insurer_is_refused() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (caller, theirs) = (Caller::new(&app, &WRITES).await, Caller::new(&other, &WRITES).await);
    let cursor = async |caller: &Caller, app: &TestApp| {
        for _ in 0..2 {
            app.later(1);
            caller.send(Method::POST, "/notices", &[], Some(draft("ひとつ"))).await;
        }
        caller.get("/notices?limit=1").await.json()["next"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (mine, foreign) = (cursor(&caller, &app).await, cursor(&theirs, &other).await);
    assert_eq!(
        caller.get(&format!("/notices?cursor={mine}")).await.status,
        StatusCode::OK
    );
    let mut altered = mine.clone();
    let last = if altered.pop() == Some('A') { 'B' } else { 'A' };
    altered.push(last);
    for bad in [foreign.as_str(), &altered, "", "x", "2026-11-22", &"A".repeat(5000)] {
        problem(&caller.get(&format!("/notices?cursor={bad}")).await, 400, "cursor");
    }
    for (query, code) in [
        ("limit=0", "out_of_range"),
        ("limit=201", "out_of_range"),
        ("limit=x", "type"),
        ("cursor=a&cursor=b", "repeated"),
    ] {
        let body = problem(&caller.get(&format!("/notices?{query}")).await, 422, "fields");
        assert_eq!(flaws(&body)[0].1, code, "{query}");
        let says_range = body["errors"][0]["detail"].as_str().unwrap().contains("from 1 to 200");
        assert_eq!(says_range, code != "repeated", "{body}");
    }
    assert_eq!(
        caller.get("/notices?limit=200&colour=blue").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn whoever_changes_something_says_which_state_they_know_and_changes_no_other() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = caller.send(Method::POST, "/notices", &[], Some(draft("ひとつ"))).await;
    let path = made.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let put = async |tag: &str, title: &str| {
        caller
            .send(Method::PUT, &path, &[("If-Match", tag)], Some(draft(title)))
            .await
    };
    for (method, path, body) in [
        (Method::PUT, path.clone(), Some(draft("ふたつ"))),
        (Method::POST, format!("{path}/publish"), None),
        (Method::POST, format!("{path}/withdraw"), None),
    ] {
        let bare = caller.send(method.clone(), &path, &[], body.clone()).await;
        problem(&bare, 428, "precondition_required");
        let send = async |tag: &str| {
            caller
                .send(method.clone(), &path, &[("If-Match", tag)], body.clone())
                .await
        };
        problem(&send("\"other\"").await, 412, "precondition_failed");
        // Nothing could ever stand so: that is told apart.
        let (bare, weak) = (
            made.header("etag").replace('"', ""),
            format!("W/{}", made.header("etag")),
        );
        for (tag, said) in [(bare, "double quotes"), (weak, "weak")] {
            let body = problem(&send(&tag).await, 412, "precondition_failed");
            assert!(body["detail"].as_str().unwrap().contains(said), "{body}");
        }
    }
    let read = caller.get(&path).await;
    assert_eq!((read.header("etag"), &read.text), (made.header("etag"), &made.text));
    let changed = put(made.header("etag"), "ふたつ").await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_ne!(changed.header("etag"), made.header("etag"));
    problem(&put(made.header("etag"), "みっつ").await, 412, "precondition_failed");
    // Of several at the same instant one knew how it stood.
    let all = ["一", "二", "三", "四", "五"].map(|title| put(changed.header("etag"), title));
    let answers = futures_util::future::join_all(all).await;
    let done = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(done, 1);
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
        problem(answer, 412, "precondition_failed");
    }
    assert_eq!(put("*", "どれでも").await.status, StatusCode::OK);
    // It stands for any state by itself, and names none among others.
    problem(&put("\"other\", *", "どれか").await, 412, "precondition_failed");
}

#[tokio::test]
async fn reads_are_compressed_where_it_pays_and_nothing_else_is() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    for number in 0..12 {
        caller
            .send(Method::POST, "/notices", &[], Some(draft(&format!("{number}"))))
            .await;
    }
    let http = reqwest::Client::builder().no_gzip().build().unwrap();
    let ask = async |method: Method, path: &str, accepted: &str, body: Option<Value>| {
        let mut request = http
            .request(method, format!("{}/api/v1{path}", app.url))
            .bearer_auth(caller.token())
            .header(header::ACCEPT_ENCODING, accepted);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    };
    let coding = |answer: &reqwest::Response| answer.headers().get(header::CONTENT_ENCODING).cloned();
    let list = ask(Method::GET, "/notices", "gzip", None).await;
    assert_eq!(coding(&list).unwrap(), "gzip");
    assert_eq!(list.headers()[header::VARY], "Accept-Encoding");
    assert!(list.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
    let plain = ask(Method::GET, "/notices", "gzip;q=0", None).await;
    assert_eq!(coding(&plain), None);
    assert_eq!(plain.headers()[header::VARY], "Accept-Encoding");
    // Short ones, those whose tag names these very bytes, and whatever is not read alone.
    let long = json!({"title": "長い", "body": "あ".repeat(2000)});
    let made = ask(Method::POST, "/notices", "gzip", Some(long)).await;
    assert_eq!(coding(&made), None);
    let path = made.headers()["location"].to_str().unwrap().to_owned();
    for path in ["/notices?limit=1", path.strip_prefix("/api/v1").unwrap()] {
        assert_eq!(coding(&ask(Method::GET, path, "gzip", None).await), None, "{path}");
    }
}

#[tokio::test]
async fn answers_are_named_timed_in_utc_and_take_no_offence_at_what_they_do_not_know() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut body = draft("ひとつ");
    body["colour"] = json!({"deep": [1, null]});
    let made = caller.send(Method::POST, "/notices", &[], Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(made.json().get("colour").is_none());
    let time = made.json()["updated_at"].as_str().unwrap().to_owned();
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    assert!(chrono::DateTime::parse_from_rfc3339(&time).is_ok());
    let refused = caller.get("/notices/0197a3c0-0000-7000-8000-00000000004d").await;
    let body = problem(&refused, 404, "not_found");
    assert_eq!(body["request_id"], refused.header("x-request-id"));
    for answer in [
        &made,
        &caller.get("/notices").await,
        &app.client().get("/api/v1/nowhere").await,
    ] {
        assert!(kernel::RequestId::parse(answer.header("x-request-id")).is_some());
    }
}
