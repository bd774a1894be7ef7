//! People of the roster whom a program adds, changes, and whose coverage it ends: by the rules of facts by hand.

mod side_by_side;

use super::{
    Caller,
    members::{family, path, protect},
};
use crate::{
    api::{flaws, problem},
    console::{
        approvals,
        facts::{id_of, load, said},
        roster::held,
    },
};
use access::scope::{COVERAGE_READ, MEMBERS_READ, MEMBERS_WRITE, PROTECTED_READ, Scope};
use kernel::PersonId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp};

const WRITES: [Scope; 3] = [MEMBERS_READ, MEMBERS_WRITE, COVERAGE_READ];
/// Both of the family, as a later file brings them again.
const FILE: [&str; 2] = [
    "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,shoko@example.jp,090-1234-5678,A01,P-1",
    "100,105,01,ケンポ　タロウ,,20150401,子,,,,A01",
];

/// What was answered of a person, as it is sent to replace them.
pub(super) fn facts_of(answer: &Answer) -> Value {
    let mut facts = answer.json();
    let fields = facts.as_object_mut().unwrap();
    for told in [
        "id",
        "insured",
        "in_roster",
        "registered",
        "protected",
        "created_at",
        "updated_at",
        "personal_id",
    ] {
        fields.remove(told);
    }
    facts
}

fn hanako() -> Value {
    json!({
        "symbol": "300", "number": "1", "branch": "00", "kana_name": "ヤマダ　ハナコ", "name": "山田　花子",
        "birth_date": "1990-01-02", "relationship": "本人", "acquired_on": "2026-11-01", "workplace_code": "B02",
    })
}

fn but(mut facts: Value, field: &str, value: &str) -> Value {
    facts[field] = json!(value);
    facts
}

async fn add(caller: &Caller, facts: Value) -> Answer {
    caller.send(Method::POST, "/members", &[], Some(facts)).await
}

async fn put(caller: &Caller, person: PersonId, known: &str, facts: Value) -> Answer {
    caller
        .send(Method::PUT, &path(person), &[("If-Match", known)], Some(facts))
        .await
}

async fn end(caller: &Caller, person: PersonId, headers: &[(&str, &str)], lost_on: &str) -> Answer {
    let body = json!({ "lost_on": lost_on });
    let at = format!("{}/end-coverage", path(person));
    caller.send(Method::POST, &at, headers, Some(body)).await
}

async fn lines(app: &TestApp, action: &str) -> usize {
    let condition = format!("action = '{action}' AND actor_kind = 'client'");
    app.insurer.count("audit_events", &condition).await
}

#[tokio::test]
async fn whom_a_program_adds_is_in_the_roster_and_stays_there_without_the_file() {
    let (app, ..) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = add(&caller, but(hanako(), "kana_name", "やまだ　はなこ")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let person = PersonId::parse(made.json()["id"].as_str().unwrap()).unwrap();
    assert_eq!(made.header("location"), format!("/api/v1{}", path(person)));
    let again = caller.get(&path(person)).await;
    assert_eq!((again.json(), again.header("etag")), (made.json(), made.header("etag")));
    assert_eq!(facts_of(&made), hanako());
    assert_eq!(lines(&app, "roster.add").await, 1);
    let kind = "SELECT kind AS line FROM roster_changes ORDER BY position DESC LIMIT 1";
    assert_eq!(app.insurer.lines(kind).await, ["new"]);

    load(&app, &FILE).await;
    assert_eq!(said(&app, person, "present").await, "true");
    assert_eq!(caller.get(&path(person)).await.json().get("lost_on"), None);
}

#[tokio::test]
async fn who_is_there_already_is_not_added_and_all_that_is_wrong_is_told_at_once() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let taken = but(but(hanako(), "symbol", "100"), "number", "0105");
    problem(&add(&caller, taken).await, 422, "roster_number_taken");
    let mut there = facts_of(&caller.get(&path(shoko)).await);
    there["branch"] = json!("");
    problem(&add(&caller, there).await, 422, "roster_person_there");
    problem(
        &add(&caller, but(hanako(), "lost_on", "2010-01-01")).await,
        422,
        "fields",
    );
    let long_ago = but(but(hanako(), "acquired_on", "1999-01-01"), "lost_on", "2001-01-01");
    problem(&add(&caller, long_ago).await, 422, "roster_forgotten_at_once");
    let wrong = json!({
        "symbol": "300", "number": "x".repeat(41), "kana_name": "山田", "birth_date": "2026-02-31", "relationship": "",
        "gender": "3", "email": "nobody", "address": "x".repeat(201),
    });
    let body = problem(&add(&caller, wrong).await, 422, "fields");
    let mut pointers: Vec<String> = flaws(&body).into_iter().map(|(pointer, _)| pointer).collect();
    pointers.sort_unstable();
    let expected = [
        "/address",
        "/birth_date",
        "/email",
        "/gender",
        "/kana_name",
        "/number",
        "/relationship",
    ];
    assert_eq!(pointers, expected);
    problem(&add(&caller, json!({"number": "1"})).await, 422, "fields");
    assert_eq!(lines(&app, "roster.add").await, 0);
    let lock = held(&app).await;
    problem(&add(&caller, hanako()).await, 409, "roster_import_running");
    lock.rollback().await.unwrap();
    assert_eq!(add(&caller, hanako()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn whoever_is_added_twice_with_one_key_is_one_person() {
    let (app, ..) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let headers = [("Idempotency-Key", "hanako-1")];
        let answer = caller.send(Method::POST, "/members", &headers, Some(hanako())).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answers.push((
            answer.text.clone(),
            answer.header("etag").to_owned(),
            answer.header("location").to_owned(),
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(lines(&app, "roster.add").await, 1);
    let headers = [("Idempotency-Key", "hanako-1")];
    let other = but(hanako(), "number", "2");
    let answer = caller.send(Method::POST, "/members", &headers, Some(other)).await;
    problem(&answer, 422, "idempotency_key_reused");
    // What was refused is nothing that was done.
    let headers = [("Idempotency-Key", "hanako-2")];
    let answer = caller.send(Method::POST, "/members", &headers, Some(hanako())).await;
    problem(&answer, 422, "roster_number_taken");
    let other = but(hanako(), "number", "3");
    let answer = caller.send(Method::POST, "/members", &headers, Some(other)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
}

#[tokio::test]
async fn facts_are_replaced_as_a_whole_by_whoever_knows_how_they_stand_and_hold_over_the_next_file() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let known = caller.get(&path(shoko)).await;
    let facts = facts_of(&known);
    app.later(1);
    // As it is already: nothing is written.
    let same = put(&caller, shoko, known.header("etag"), facts.clone()).await;
    assert_eq!((same.status, same.json()), (StatusCode::OK, known.json()));
    assert_eq!(
        (same.header("etag"), lines(&app, "roster.mend").await),
        (known.header("etag"), 0)
    );

    let mut moved = but(facts.clone(), "address", "東京都千代田区1-1");
    moved.as_object_mut().unwrap().remove("phone");
    let changed = put(&caller, shoko, known.header("etag"), moved.clone()).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(facts_of(&changed), moved);
    assert_eq!(changed.json()["personal_id"], "P-1", "only an import sets it");
    assert_eq!(lines(&app, "roster.mend").await, 1);
    for stale in [known.header("etag"), "\"1\"", "W/\"1\"", ""] {
        let late = put(&caller, shoko, stale, facts.clone()).await;
        problem(&late, 412, "precondition_failed");
    }
    let without = caller.send(Method::PUT, &path(shoko), &[], Some(facts.clone())).await;
    problem(&without, 428, "precondition_required");
    assert_eq!(said(&app, shoko, "address").await, "東京都千代田区1-1");

    load(&app, &FILE).await;
    let after = caller.get(&path(shoko)).await.json();
    assert_eq!(after["address"], "東京都千代田区1-1");
    assert!(
        after.get("phone").is_none(),
        "the file says what the one before said: {after}"
    );

    let lock = held(&app).await;
    problem(
        &put(&caller, shoko, "*", facts.clone()).await,
        409,
        "roster_import_running",
    );
    lock.rollback().await.unwrap();
    let taken = but(facts.clone(), "branch", "01");
    problem(&put(&caller, shoko, "*", taken).await, 422, "roster_number_taken");
    let back = put(&caller, shoko, "*", facts.clone()).await;
    assert_eq!(facts_of(&back), facts);
}

// security.md 74
#[tokio::test]
async fn an_answer_that_tells_of_a_person_is_given_again_only_while_they_may_be_seen() {
    let (app, ..) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let facts = but(hanako(), "phone", "090-0000-0001");
    let headers = [("Idempotency-Key", "hanako-1")];
    let send = async || {
        caller
            .send(Method::POST, "/members", &headers, Some(facts.clone()))
            .await
    };
    let made = send().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let person = PersonId::parse(made.json()["id"].as_str().unwrap()).unwrap();
    let ends = [("If-Match", "*"), ("Idempotency-Key", "end-1")];
    let ended = end(&caller, person, &ends, "2026-12-01").await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    // What is given again is one more look.
    let looks = lines(&app, "person.look").await;
    assert_eq!(send().await.text, made.text);
    assert_eq!(end(&caller, person, &ends, "2026-12-01").await.text, ended.text);
    assert_eq!(lines(&app, "person.look").await, looks + 2);

    protect(&app, person).await;
    problem(&caller.get(&path(person)).await, 404, "not_found");
    problem(&send().await, 404, "not_found");
    problem(&end(&caller, person, &ends, "2026-12-01").await, 404, "not_found");
    assert_eq!(lines(&app, "person.look").await, looks + 2);
}

// security.md 74
#[tokio::test]
async fn of_a_protected_person_no_twin_is_added_and_no_more_is_told_than_of_a_taken_number() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut there = facts_of(&caller.get(&path(shoko)).await);
    there["branch"] = json!("");
    protect(&app, shoko).await;
    problem(&add(&caller, there.clone()).await, 422, "roster_number_taken");
    let seeing = Caller::new(&app, &[MEMBERS_READ, MEMBERS_WRITE, PROTECTED_READ]).await;
    problem(&add(&seeing, there).await, 422, "roster_person_there");
    assert_eq!(lines(&app, "roster.add").await, 0);
}

#[tokio::test]
async fn what_is_sent_otherwise_than_the_reference_says_is_refused() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let packed = [("Content-Encoding", "gzip")];
    let answer = caller.send(Method::POST, "/members", &packed, Some(hanako())).await;
    problem(&answer, 415, "unsupported_media_type");
    problem(&caller.get("/members?workplace=%ff").await, 400, "bad_request");
    let facts = facts_of(&caller.get(&path(shoko)).await);
    let moved = but(facts, "phone", "1");
    problem(
        &put(&caller, shoko, "*, \"x\"", moved).await,
        412,
        "precondition_failed",
    );
    let bare = caller.token().strip_prefix("mdg_at_").unwrap();
    let client = app.client();
    let request = client.request(Method::GET, "/api/v1/members").bearer_auth(bare);
    problem(&client.send(request).await, 401, "invalid_token");
    for name in ["=1+1", "＝山田", "'山田", "山田\u{202E}花子", "\u{2066}山田"] {
        let body = problem(&add(&caller, but(hanako(), "name", name)).await, 422, "fields");
        assert_eq!(flaws(&body)[0].0, "/name", "{name}");
    }
    assert_eq!(lines(&app, "roster.add").await + lines(&app, "roster.mend").await, 0);
}

// security.md 73
#[tokio::test]
async fn under_four_eyes_no_program_mends_a_birth_date_and_everything_else_it_does() {
    let app = approvals::app(&[ApprovalAction::BirthDate]).await;
    load(&app, &FILE).await;
    let shoko = id_of(&app, "105", "00").await;
    let caller = Caller::new(&app, &WRITES).await;
    let facts = facts_of(&caller.get(&path(shoko)).await);
    let born = but(but(facts.clone(), "birth_date", "1985-04-02"), "phone", "1");
    problem(&put(&caller, shoko, "*", born).await, 403, "member_birth_date_by_two");
    assert_eq!(said(&app, shoko, "birth_date").await, "1985-04-01");
    assert_eq!(said(&app, shoko, "phone").await, "090-1234-5678");
    let phone = put(&caller, shoko, "*", but(facts, "phone", "1")).await;
    assert_eq!(phone.status, StatusCode::OK, "{}", phone.text);
    assert_eq!(add(&caller, hanako()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn coverage_ends_on_the_day_that_is_said_and_that_holds_over_the_next_file() {
    let (app, shoko, taro) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let known = caller.get(&path(shoko)).await;
    let headers = [("If-Match", known.header("etag")), ("Idempotency-Key", "end-1")];
    app.later(1);
    let ended = end(&caller, shoko, &headers, "2026-11-22").await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    let over = json!({"as_of": "2026-11-22", "covered": false, "until": "2026-11-21"});
    assert_eq!(ended.json(), over);
    let again = end(&caller, shoko, &headers, "2026-11-22").await;
    assert_eq!(
        (again.text.as_str(), again.header("idempotency-replayed")),
        (ended.text.as_str(), "true")
    );
    problem(
        &end(&caller, shoko, &headers[..1], "2026-11-22").await,
        412,
        "precondition_failed",
    );
    let known = ended.header("etag");
    let same = end(&caller, shoko, &[("If-Match", known)], "令和8年11月22日").await;
    assert_eq!((same.text.as_str(), same.header("etag")), (ended.text.as_str(), known));
    assert_eq!(lines(&app, "roster.mend").await, 1);
    let kind = "SELECT kind AS line FROM roster_changes ORDER BY position DESC LIMIT 1";
    assert_eq!(app.insurer.lines(kind).await, ["lost"]);

    load(&app, &FILE).await;
    assert_eq!(said(&app, shoko, "lost_on").await, "2026-11-22");
    assert_eq!(said(&app, taro, "lost_on").await, "");
    let coming = end(&caller, taro, &[("If-Match", "*")], "2027-04-01").await;
    assert_eq!(
        coming.json(),
        json!({"as_of": "2026-11-22", "covered": true, "until": "2027-03-31"})
    );
}

#[tokio::test]
async fn a_day_before_another_that_it_follows_is_told_as_that_and_a_day_that_is_none_as_one() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut facts = but(facts_of(&caller.get(&path(shoko)).await), "acquired_on", "1998-04-01");
    let replaced = put(&caller, shoko, "*", facts.clone()).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text);
    let refused = end(&caller, shoko, &[("If-Match", "*")], "1990-01-01").await;
    let body = problem(&refused, 422, "fields");
    assert_eq!(flaws(&body), [("/lost_on".to_owned(), "before_other".to_owned())]);
    assert!(
        body["errors"][0]["detail"].as_str().unwrap().contains("`acquired_on`"),
        "{body}"
    );
    for (day, code) in [
        ("4/1", "date_shape"),
        ("1700-01-01", "date_shape"),
        ("2026-02-30", "impossible_date"),
    ] {
        facts["acquired_on"] = json!(day);
        let refused = put(&caller, shoko, "*", facts.clone()).await;
        let told = flaws(&problem(&refused, 422, "fields"));
        assert_eq!(told, [("/acquired_on".to_owned(), code.to_owned())], "{day}");
    }
}

#[tokio::test]
async fn an_end_of_coverage_that_is_none_is_refused() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    for (day, code) in [
        ("", "empty"),
        ("never", "date_incomplete"),
        ("2026-02-31", "impossible_date"),
    ] {
        let body = problem(&end(&caller, shoko, &[("If-Match", "*")], day).await, 422, "fields");
        assert_eq!(flaws(&body), [("/lost_on".to_owned(), code.to_owned())], "{day}");
    }
    problem(
        &end(&caller, shoko, &[], "2026-11-22").await,
        428,
        "precondition_required",
    );
    let long_ago = end(&caller, shoko, &[("If-Match", "*")], "2001-01-01").await;
    problem(&long_ago, 422, "roster_forgotten_at_once");
    let since = put(
        &caller,
        shoko,
        "*",
        but(facts_of(&caller.get(&path(shoko)).await), "acquired_on", "2026-01-01"),
    )
    .await;
    assert_eq!(since.status, StatusCode::OK, "{}", since.text);
    problem(
        &end(&caller, shoko, &[("If-Match", "*")], "2025-12-31").await,
        422,
        "fields",
    );
    let lock = held(&app).await;
    let running = end(&caller, shoko, &[("If-Match", "*")], "2026-11-22").await;
    problem(&running, 409, "roster_import_running");
    lock.rollback().await.unwrap();
    assert_eq!(said(&app, shoko, "lost_on").await, "");
}
