//! What an insurer's programs do with notices: by the rules of the desk, and beside it.

use super::{flaws, problem, programs::Caller};
use crate::console::approvals;
use access::{
    Role,
    scope::{NOTICES_READ, NOTICES_WRITE, Scope},
};
use audit::{Actor, Origin};
use futures_util::future::join_all;
use kernel::PersonId;
use notices::{Draft, To};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp};

const WRITES: [Scope; 2] = [NOTICES_READ, NOTICES_WRITE];
const TITLE: &str = "人間ドックの受付";

fn draft() -> Value {
    json!({"title": TITLE, "body": "**12月25日**までです。"})
}

fn with(more: &Value) -> Value {
    let mut draft = draft();
    draft.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    draft
}

/// Writes a draft.
async fn written(caller: &Caller, body: Value) -> Answer {
    let answer = caller.send(Method::POST, "/notices", &[], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer
}

fn path(answer: &Answer) -> String {
    format!("/notices/{}", answer.json()["id"].as_str().unwrap())
}

/// Publishes or withdraws what is known by this answer.
async fn act(caller: &Caller, known: &Answer, verb: &str) -> Answer {
    let headers = [("If-Match", known.header("etag"))];
    caller
        .send(Method::POST, &format!("{}/{verb}", path(known)), &headers, None)
        .await
}

async fn states(caller: &Caller) -> Vec<String> {
    let list = caller.get("/notices").await.json();
    let lines = list["notices"].as_array().unwrap().iter();
    lines.map(|line| line["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_program_writes_publishes_and_withdraws_and_members_see_what_they_would_of_the_desk() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = written(
        &caller,
        with(&json!({"age_from": 20, "last_day": "2027-03-31", "mail": false})),
    )
    .await;
    assert_eq!(made.header("location"), format!("/api/v1{}", path(&made)));
    let expected = json!({
        "id": made.json()["id"], "state": "draft", "title": TITLE, "body": "**12月25日**までです。", "age_from": 20,
        "with_dependants": false, "last_day": "2027-03-31", "mail": false, "updated_at": made.json()["updated_at"],
    });
    assert_eq!(made.json(), expected);
    let read_at = format!("/portal{}", path(&made));
    assert_eq!(member.get(&read_at).await.status, 404);

    let headers = [("If-Match", made.header("etag"))];
    let replaced = caller.send(Method::PUT, &path(&made), &headers, Some(draft())).await;
    assert_eq!(replaced.json()["state"], "draft");
    // What is absent is not said any more.
    assert!(replaced.json().get("age_from").is_none() && replaced.json().get("last_day").is_none());

    let published = act(&caller, &replaced, "publish").await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    assert_eq!(
        (&published.json()["state"], &published.json()["readers"]),
        (&json!("shown"), &json!(1))
    );
    assert!(member.get(&read_at).await.text.contains("<strong>12月25日</strong>"));
    assert_eq!(states(&caller).await, ["shown"]);
    let headers = [("If-Match", published.header("etag"))];
    let late = caller.send(Method::PUT, &path(&made), &headers, Some(draft())).await;
    problem(&late, 409, "notice_published_already");
    problem(
        &act(&caller, &published, "publish").await,
        409,
        "notice_published_already",
    );
    problem(&act(&caller, &replaced, "publish").await, 412, "precondition_failed");

    let withdrawn = act(&caller, &published, "withdraw").await;
    assert_eq!(withdrawn.json()["state"], "withdrawn");
    assert_eq!(member.get(&read_at).await.status, 404);
    // What is not shown any more stays as it is.
    let twice = act(&caller, &withdrawn, "withdraw").await;
    assert_eq!((twice.status, &twice.text), (StatusCode::OK, &withdrawn.text));
    let lines = "SELECT action AS line FROM audit_events WHERE actor_kind = 'client' AND action LIKE 'notice.%' ORDER BY audit_id";
    let mut lines = app.insurer.lines(lines).await;
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["notice.draft", "notice.edit", "notice.publish", "notice.withdraw"]
    );
}

#[tokio::test]
async fn reading_is_one_scope_and_writing_another_and_neither_is_a_members() {
    let app = TestApp::start().await;
    let (reader, writer) = (
        Caller::new(&app, &[NOTICES_READ]).await,
        Caller::new(&app, &[NOTICES_WRITE]).await,
    );
    let made = written(&writer, draft()).await;
    problem(&writer.get("/notices").await, 403, "insufficient_scope");
    problem(&writer.get(&path(&made)).await, 403, "insufficient_scope");
    assert_eq!(reader.get(&path(&made)).await.text, made.text);
    for (method, path, body) in [
        (Method::POST, "/notices".to_owned(), Some(draft())),
        (Method::PUT, path(&made), Some(draft())),
        (Method::POST, format!("{}/publish", path(&made)), None),
        (Method::POST, format!("{}/withdraw", path(&made)), None),
    ] {
        let answer = reader.send(method, &path, &[("If-Match", "*")], body).await;
        problem(&answer, 403, "insufficient_scope");
    }
    assert_eq!(states(&reader).await, ["draft"]);
}

#[tokio::test]
async fn notices_to_one_person_are_not_there() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let person = app.insurer.lines("SELECT person_id::text AS line FROM persons").await;
    let person = PersonId::parse(&person[0]).unwrap();
    let notice = Draft {
        title: "ご本人あて".into(),
        body: "本文".into(),
        published_at: app.clock().now(),
        ended_at: None,
        mail: false,
    };
    let mut tx = app.write(app.tenant()).await;
    let (origin, notices) = (Origin::command(), app.notices());
    let personal = notices
        .publish(&mut tx, &origin, Actor::System, To::Person(person), &notice)
        .await
        .unwrap();
    notices
        .publish(&mut tx, &origin, Actor::System, To::All, &notice)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let fields = [
        ("title", "下書き"),
        ("body", "本文"),
        ("aim", "number"),
        ("symbol", "100"),
        ("number", "105"),
    ];
    let drafted = clerk.post("/console/notices/new", &fields).await;
    let drafted = drafted.location().strip_prefix("/console").unwrap().to_owned();
    assert_eq!(states(&caller).await, ["shown"]);
    for path in [format!("/notices/{personal}"), drafted] {
        problem(&caller.get(&path).await, 404, "not_found");
        let headers = [("If-Match", "*")];
        problem(
            &caller.send(Method::PUT, &path, &headers, Some(draft())).await,
            404,
            "not_found",
        );
        for verb in ["publish", "withdraw"] {
            let answer = caller
                .send(Method::POST, &format!("{path}/{verb}"), &headers, None)
                .await;
            problem(&answer, 404, "not_found");
        }
    }
}

#[tokio::test]
async fn what_can_not_be_published_says_why_and_stays_a_draft() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    for (body, code) in [
        (with(&json!({"body": ""})), "notice_without_text"),
        (with(&json!({"last_day": "2020-01-01"})), "notice_over_already"),
        (with(&json!({"workplace_code": "なし"})), "notice_to_nobody"),
    ] {
        let made = written(&caller, body).await;
        problem(&act(&caller, &made, "publish").await, 422, code);
        problem(&act(&caller, &made, "withdraw").await, 409, "notice_not_published");
    }
    assert_eq!(states(&caller).await, ["draft"; 3]);
    // One that is to come can be taken back, and its word is another once it has come.
    let made = written(
        &caller,
        with(&json!({"first_day": "2026-12-24", "last_day": "2026-12-24"})),
    )
    .await;
    let published = act(&caller, &made, "publish").await;
    assert_eq!(published.json()["state"], "scheduled");
    assert_eq!(published.json()["published_at"], "2026-12-23T15:00:00Z");
    app.later(60 * 24 * 3600);
    let caller = caller.renewed().await;
    let read = caller.get(&path(&made)).await;
    assert_eq!(read.json()["state"], "ended");
    problem(&act(&caller, &published, "withdraw").await, 412, "precondition_failed");
    assert_eq!(act(&caller, &read, "withdraw").await.text, read.text);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_draft_is_named_at_once() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = written(&caller, draft()).await;
    let named = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = |(at, code): &(&str, &str)| ((*at).to_owned(), (*code).to_owned());
        pairs.iter().map(own).collect()
    };
    for (body, expected) in [
        (json!({}), vec![("/title", "required"), ("/body", "required")]),
        (
            with(&json!({"title": 7, "age_from": 200, "mail": "yes"})),
            vec![("/title", "type"), ("/age_from", "out_of_range"), ("/mail", "type")],
        ),
        (with(&json!({"body": "あ".repeat(6001)})), vec![("/body", "too_long")]),
        (
            with(&json!({
                "title": "一行\n二行", "body": "<b>太字</b>", "age_from": 74, "age_to": 40,
                "first_day": "2026-12-02", "last_day": "2026-12-01",
            })),
            vec![
                ("/title", "characters"),
                ("/body", "html"),
                ("/age_to", "before_other"),
                ("/last_day", "before_other"),
            ],
        ),
        (
            with(&json!({"title": " ", "workplace_code": "x".repeat(41), "first_day": "2026-02-30"})),
            vec![
                ("/title", "empty"),
                ("/workplace_code", "too_long"),
                ("/first_day", "impossible_date"),
            ],
        ),
    ] {
        for (method, path) in [(Method::POST, "/notices".to_owned()), (Method::PUT, path(&made))] {
            let answer = caller
                .send(method, &path, &[("If-Match", "*")], Some(body.clone()))
                .await;
            assert_eq!(flaws(&problem(&answer, 422, "fields")), named(&expected), "{body}");
        }
    }
    assert_eq!(caller.get(&path(&made)).await.text, made.text);
    let nulls = with(&json!({"workplace_code": null, "age_from": null, "first_day": null}));
    assert_eq!(written(&caller, nulls).await.json()["state"], "draft");
}

#[tokio::test]
async fn staff_and_programs_work_on_the_same_draft_and_neither_overwrites_the_other() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let made = written(&caller, draft()).await;
    let page = format!("/console{}", path(&made));
    for page in [&page, "/console/notices"] {
        let text = clerk.get(page).await.text;
        assert!(text.contains(TITLE) && text.contains("基幹システム"), "{text}");
    }
    let fields = [
        ("title", "職員の件名"),
        ("body", "本文"),
        ("aim", "everybody"),
        ("version", "1"),
    ];
    assert_eq!(clerk.post(&format!("{page}/edit"), &fields).await.status, 303);
    problem(&act(&caller, &made, "publish").await, 412, "precondition_failed");
    let read = caller.get(&path(&made)).await;
    assert_eq!(read.json()["title"], "職員の件名");
    let headers = [("If-Match", read.header("etag"))];
    let replaced = caller.send(Method::PUT, &path(&made), &headers, Some(draft())).await;
    assert_eq!(replaced.status, StatusCode::OK);
    // The clerk had the version before.
    let late = clerk
        .post(
            &format!("{page}/edit"),
            &[fields[0], fields[1], fields[2], ("version", "2")],
        )
        .await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("基幹システム"), "{}", late.text);
    let published = act(&caller, &replaced, "publish").await;
    assert_eq!(published.status, StatusCode::OK);
    let text = clerk.get(&page).await.text;
    assert!(text.contains("掲載中") && text.contains("基幹システム"), "{text}");
}

// security.md 73
#[tokio::test]
async fn under_four_eyes_no_program_publishes_and_the_draft_waits_for_staff() {
    let app = approvals::app(&[ApprovalAction::Notice]).await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = written(&caller, draft()).await;
    for _ in 0..2 {
        problem(&act(&caller, &made, "publish").await, 403, "notice_published_by_two");
    }
    assert_eq!(states(&caller).await, ["draft"]);
    assert_eq!(app.insurer.count("audit_events", "action = 'notice.ask'").await, 1);
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let home = clerk.get("/console/").await.text;
    assert!(home.contains("公開を頼まれたお知らせ"), "{home}");
    // With a key it is told the same, not as something that was done.
    let headers = [("If-Match", made.header("etag")), ("Idempotency-Key", "a-1")];
    for _ in 0..2 {
        let answer = caller
            .send(Method::POST, &format!("{}/publish", path(&made)), &headers, None)
            .await;
        problem(&answer, 403, "notice_published_by_two");
    }
}

#[tokio::test]
async fn a_notice_that_is_to_be_told_by_mail_is_told_once_however_often_its_publication_is_sent() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = written(&caller, with(&json!({"mail": true}))).await;
    let headers = [("If-Match", made.header("etag")), ("Idempotency-Key", "a-1")];
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = caller
            .send(Method::POST, &format!("{}/publish", path(&made)), &headers, None)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answers.push(answer.text);
        app.work().await;
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let told = app.mails_to(&who.email).await;
    assert_eq!(
        told.iter()
            .filter(|mail| mail.text.contains("/portal/mails/stop"))
            .count(),
        1
    );
}

#[tokio::test]
async fn members_are_told_by_mail_of_ten_notices_a_day_whoever_publishes() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut drafts = Vec::new();
    for _ in 0..12 {
        drafts.push(written(&caller, with(&json!({"mail": true}))).await);
    }
    let answers = join_all(drafts.iter().map(|draft| act(&caller, draft, "publish"))).await;
    let (published, refused): (Vec<_>, Vec<_>) = drafts
        .iter()
        .zip(&answers)
        .partition(|(_, answer)| answer.status == StatusCode::OK);
    assert_eq!((published.len(), refused.len()), (10, 2));
    for (_, answer) in &refused {
        problem(answer, 429, "notice_mails_used_up");
        let wait: i64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=24 * 3600 + 1).contains(&wait), "{wait}");
    }
    app.work().await;
    let told = app.mails_to(&who.email).await;
    let told = told.iter().filter(|mail| mail.text.contains("/portal/mails/stop"));
    assert_eq!(told.count(), 10);
    // Taking one back makes no room: members were told of it.
    let (_, first) = published[0];
    assert_eq!(act(&caller, first, "withdraw").await.status, StatusCode::OK);
    let (late, _) = refused[0];
    problem(&act(&caller, late, "publish").await, 429, "notice_mails_used_up");
    // Nor is there any for staff, who are told what to do.
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let page = clerk.get(&format!("/console{}/publish", path(late))).await.text;
    assert!(page.contains("メールで知らせる印を外すか"), "{page}");
    // Without a mail it is published, and with one on another day.
    let headers = [("If-Match", late.header("etag"))];
    let silent = caller.send(Method::PUT, &path(late), &headers, Some(draft())).await;
    assert_eq!(act(&caller, &silent, "publish").await.status, StatusCode::OK);
    let (other, _) = refused[1];
    app.later(24 * 3600);
    let caller = caller.renewed().await;
    assert_eq!(act(&caller, other, "publish").await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_many_who_publish_in_any_state_one_does_and_the_others_are_told_that_it_is_published() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let made = written(&caller, draft()).await;
    let (headers, publish) = ([("If-Match", "*")], format!("{}/publish", path(&made)));
    let answers = join_all((0..8).map(|_| caller.send(Method::POST, &publish, &headers, None))).await;
    let (published, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(published.len(), 1);
    for answer in refused {
        problem(answer, 409, "notice_published_already");
    }
    // Whoever goes by a state knew another one.
    problem(&act(&caller, &made, "publish").await, 412, "precondition_failed");
}

#[tokio::test]
async fn what_nobody_sees_is_in_no_title_and_no_text() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &WRITES).await;
    let unseen = with(&json!({"title": "\u{200B}\u{2066}\u{2028}"}));
    let answer = caller.send(Method::POST, "/notices", &[], Some(unseen)).await;
    let empty = [("/title".to_owned(), "empty".to_owned())];
    assert_eq!(flaws(&problem(&answer, 422, "fields")), empty);
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let typed = [("title", "\u{200B}"), ("body", "本文"), ("aim", "everybody")];
    let answer = clerk.post("/console/notices/new", &typed).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let body = json!({"title": "\u{202E}人間ドック\u{2028}の受付", "body": "1行目\u{2066}\u{2029}2行目\u{200B}"});
    let made = written(&caller, body).await.json();
    assert_eq!(
        (&made["title"], &made["body"]),
        (&json!("人間ドック の受付"), &json!("1行目\n2行目"))
    );
}
