//! Statements that programs bring and publish: checked, guarded and shown as those of the console are.

mod cancelled;
mod listed;

use super::{
    Caller,
    members::{family, protect},
};
use crate::{
    api::{flaws, problem},
    console::approvals,
    portal::says,
    statements::{cost, costs},
};
use access::{
    Role,
    scope::{PROTECTED_READ, STATEMENTS_IMPORT, STATEMENTS_PUBLISH, STATEMENTS_READ, Scope},
};
use reqwest::Method;
use serde_json::{Value, json};
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp};

const ALL: [Scope; 3] = [STATEMENTS_IMPORT, STATEMENTS_READ, STATEMENTS_PUBLISH];
const IMPORTS: &str = "/statement-imports";
const DELIVERIES: &str = "/statement-deliveries";

/// Rows of the one person of every test's roster.
fn file(label: &str, count: usize) -> String {
    let row = |nth| cost(label, &format!("{label}-{nth}"), 105, "2026-06", 1_000);
    costs(&(0..count).map(row).collect::<Vec<_>>())
}

async fn sent(caller: &Caller, query: &str, bytes: &str) -> Answer {
    let answer = caller.file(&format!("{IMPORTS}{query}"), &[], bytes.as_bytes()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer
}

fn path(answer: &Answer) -> String {
    format!("{IMPORTS}/{}", answer.json()["id"].as_str().unwrap())
}

async fn worked(app: &TestApp, caller: &Caller, sent: &Answer) -> Value {
    app.work().await;
    app.later(1);
    caller.get(&path(sent)).await.json()
}

/// The delivery of a label, loaded by a program, as it is read.
async fn delivery(app: &TestApp, caller: &Caller, label: &str) -> Answer {
    let begun = sent(caller, "?kind=costs", &file(label, 3)).await;
    assert_eq!(worked(app, caller, &begun).await["state"], "loaded");
    let list = caller.get(DELIVERIES).await.json();
    let id = list["deliveries"][0]["id"].as_str().unwrap().to_owned();
    caller.get(&format!("{DELIVERIES}/{id}")).await
}

async fn act(caller: &Caller, known: &Answer, verb: &str, body: Value) -> Answer {
    let path = format!("{DELIVERIES}/{}/{verb}", known.json()["id"].as_str().unwrap());
    let headers = [("If-Match", known.header("etag"))];
    caller.send(Method::POST, &path, &headers, Some(body)).await
}

#[tokio::test]
async fn a_loaded_import_names_its_delivery_and_how_many_rows_it_read_and_a_refused_one_says_why_by_a_word() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &ALL).await;
    let begun = sent(&caller, "?kind=costs", &file("2026-08", 3)).await;
    let loaded = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&loaded["state"], &loaded["rows"], &loaded["percent"]),
        (&json!("loaded"), &json!(3), &json!(100)),
        "{loaded}"
    );
    let one = caller
        .get(&format!("{DELIVERIES}/{}", loaded["delivery"].as_str().unwrap()))
        .await;
    assert_eq!(
        (one.status.as_u16(), &one.json()["state"]),
        (200, &json!("ready")),
        "{}",
        one.text
    );
    // Nothing has to be said of how.
    let publish = format!("{DELIVERIES}/{}/publish", one.json()["id"].as_str().unwrap());
    let headers = [("If-Match", one.header("etag"))];
    let published = caller.send(Method::POST, &publish, &headers, None).await;
    assert_eq!(published.status, 200, "{}", published.text);
    let again = sent(&caller, "?kind=costs", &file("2026-08", 3)).await;
    let nothing = worked(&app, &caller, &again).await;
    assert_eq!(
        (&nothing["state"], &nothing["refused_code"], nothing.get("delivery")),
        (&json!("refused"), &json!("same_file"), None),
        "{nothing}"
    );
    let wrong = sent(
        &caller,
        "?kind=costs",
        &file("2026-09", 1).replace("2026-06", "2026-13"),
    )
    .await;
    let refused = worked(&app, &caller, &wrong).await;
    assert_eq!(
        (&refused["refused_code"], &refused["errors"], &refused["percent"]),
        (&json!("rows"), &json!(1), &json!(100)),
        "{refused}"
    );
}

#[tokio::test]
async fn what_was_known_of_a_publication_before_is_not_known_of_the_same_versions_next() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &ALL).await;
    let first = delivery(&app, &caller, "2026-08").await;
    let published = act(&caller, &first, "publish", json!({})).await;
    assert_eq!(published.status, 200, "{}", published.text);
    app.later(1);
    let back = act(&caller, &published, "withdraw", json!({"reason": "other"})).await;
    assert_eq!(back.status, 200, "{}", back.text);
    app.later(1);
    let again = act(&caller, &back, "publish", json!({})).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.json()["state"], published.json()["state"]);
    assert_ne!(again.header("etag"), published.header("etag"));
    problem(
        &act(&caller, &published, "withdraw", json!({"reason": "other"})).await,
        412,
        "precondition_failed",
    );
    app.later(1);
    let back_again = act(&caller, &again, "withdraw", json!({"reason": "other"})).await;
    assert_eq!(back_again.status, 200, "{}", back_again.text);
    assert_ne!(back_again.header("etag"), back.header("etag"));
}

#[tokio::test]
async fn a_file_is_checked_and_loaded_and_its_delivery_published_and_withdrawn() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &ALL).await;
    let known = delivery(&app, &caller, "2026-08").await;
    let one = known.json();
    for (field, expected) in [
        ("kind", json!("costs")),
        ("label", json!("2026-08")),
        ("state", json!("ready")),
        ("rows", json!(3)),
    ] {
        assert_eq!(one[field], expected, "{field}: {one}");
    }
    let published = act(&caller, &known, "publish", json!({})).await;
    assert_eq!(
        (published.status.as_u16(), &published.json()["state"]),
        (200, &json!("published"))
    );
    problem(
        &act(&caller, &known, "publish", json!({})).await,
        412,
        "precondition_failed",
    );
    problem(
        &act(&caller, &published, "publish", json!({})).await,
        409,
        "statement_already_published",
    );
    let wrong = act(&caller, &published, "withdraw", json!({"reason": "mood"})).await;
    let wrong = problem(&wrong, 422, "fields")["errors"][0].clone();
    assert_eq!(wrong["pointer"], "/reason");
    assert!(
        wrong["detail"].as_str().unwrap().contains("`wrong_amounts` or"),
        "{wrong}"
    );
    let label = caller
        .file(&format!("{IMPORTS}?kind=costs&label=202611"), &[], b"")
        .await;
    let label = problem(&label, 422, "fields")["errors"][0].clone();
    assert_eq!(label["detail"], "Must be a month, as `2026-10`.");
    let back = act(&caller, &published, "withdraw", json!({"reason": "wrong_amounts"})).await;
    assert_eq!(back.json()["state"], "withdrawn", "{}", back.text);
    problem(
        &act(&caller, &back, "withdraw", json!({"reason": "other"})).await,
        409,
        "statement_not_published",
    );
    let again = act(&caller, &back, "publish", json!({"at": "2026-12-24T00:00:00Z"})).await;
    assert_eq!(again.json()["publish_at"], "2026-12-24T00:00:00Z", "{}", again.text);
    for (at, code) in [
        ("2020-01-01T00:00:00Z", "statement_past"),
        ("2999-01-01T00:00:00Z", "fields"),
        ("soon", "fields"),
    ] {
        problem(&act(&caller, &again, "publish", json!({"at": at})).await, 422, code);
    }
    let path = format!("{DELIVERIES}/{}/publish", one["id"].as_str().unwrap());
    problem(
        &caller.send(Method::POST, &path, &[], Some(json!({}))).await,
        428,
        "precondition_required",
    );
    let lines = "SELECT DISTINCT action AS line FROM audit_events WHERE actor_kind = 'client' AND action LIKE 'statements.%' ORDER BY 1";
    let lines = app.insurer.lines(lines).await;
    for said in [
        "statements.bring",
        "statements.publish",
        "statements.start",
        "statements.withdraw",
    ] {
        assert!(lines.iter().any(|line| line == said), "{said}: {lines:?}");
    }
}

#[tokio::test]
async fn what_is_unusual_waits_for_the_staff_and_a_dry_run_loads_nothing() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &ALL).await;
    let dry = sent(&caller, "?kind=costs&dry_run=true", &file("2026-08", 3)).await;
    let checked = worked(&app, &caller, &dry).await;
    assert_eq!(
        (&checked["state"], &checked["doubts"]),
        (&json!("checked"), &json!([])),
        "{checked}"
    );
    assert_eq!(
        (&checked["found"]["rows"], &checked["dry_run"]),
        (&json!(3), &json!(true))
    );
    // Of a number that nobody has.
    let unknown = costs(&[cost("2026-08", "A", 999, "2026-06", 1_000)]);
    let begun = sent(&caller, "?kind=costs", &unknown).await;
    let waits = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&waits["state"], &waits["doubts"]),
        (&json!("checked"), &json!(["unmatched"])),
        "{waits}"
    );
    assert_eq!(worked(&app, &caller, &dry).await["state"], "cancelled");
    assert_eq!(caller.get(DELIVERIES).await.json()["deliveries"], json!([]));
    let clerk = app.clerk(&[Role::Benefits]).await;
    let page = format!("/console/statements/runs/{}", begun.json()["id"].as_str().unwrap());
    let link = format!("<a href=\"{page}\">連携先から届いた明細の確認</a><span><strong>1件</strong>");
    let home = clerk.get("/console/").await;
    says(&home, 200, &link);
    // Among what waits, first of all.
    let (_, waiting) = home.text.split_once("id=\"waiting\"").unwrap();
    assert!(waiting.split("</section>").next().unwrap().contains(&link), "{waiting}");
    let link = format!("<a href=\"{page}\">連携先から届いた明細の確認</a>を待っています（1件）");
    says(&clerk.get("/console/statements").await, 200, &link);
    let auditor = app.clerk(&[Role::Auditor]).await;
    for page in ["/console/", "/console/statements"] {
        assert!(!auditor.get(page).await.text.contains("連携先から届いた明細"));
    }
    let other = Caller::new(&app, &ALL).await;
    let cancel = format!("{}/cancel", path(&begun));
    problem(
        &other.send(Method::POST, &cancel, &[], None).await,
        403,
        "statement_import_of_others",
    );
    let cancelled = caller.send(Method::POST, &cancel, &[], None).await;
    assert_eq!(cancelled.json()["state"], "cancelled", "{}", cancelled.text);
    problem(
        &caller.send(Method::POST, &cancel, &[], None).await,
        409,
        "statement_run_over",
    );
    assert_eq!(app.insurer.count("upload_pieces", "true").await, 0);
}

#[tokio::test]
async fn what_a_program_sent_stays_its_own_beside_who_of_the_staff_had_it_loaded() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &ALL).await, app.clerk(&[Role::Benefits]).await);
    let of = |answer: &Answer| format!("/console/statements/runs/{}", answer.json()["id"].as_str().unwrap());
    let dry = sent(&caller, "?kind=costs&dry_run=true", &file("2026-08", 3)).await;
    app.work().await;
    app.later(1);
    let told = clerk.get(&of(&dry)).await;
    says(&told, 200, "試し（取り込みません）");
    assert!(!told.text.contains("/load\""), "{}", told.text);
    let refused = clerk.post(&format!("{}/load", of(&dry)), &[("agree", "1")]).await;
    says(&refused, 409, "連携先が試しに送ったものです");
    let mut rows: Vec<_> = (0..3)
        .map(|nth| cost("2026-08", &format!("K{nth}"), 105, "2026-06", 1_000))
        .collect();
    rows.push(cost("2026-08", "U", 999, "2026-06", 1_000));
    let begun = sent(&caller, "?kind=costs", &costs(&rows)).await;
    assert_eq!(worked(&app, &caller, &begun).await["state"], "checked");
    let loaded = clerk.post(&format!("{}/load", of(&begun)), &[("agree", "1")]).await;
    assert_eq!(loaded.status, 303, "{}", loaded.text);
    let done = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&done["state"], &done["by"], &done["is_own"]),
        (&json!("loaded"), &json!("client"), &json!(true)),
        "{done}"
    );
    for page in [&of(&begun), "/console/statements/import"] {
        says(&clerk.get(page).await, 200, "（取り込みの確認：窓口　花子）");
    }
    let by = format!("imported_by = '{}'", clerk.staff_id.0);
    assert_eq!(app.insurer.count("statement_deliveries", &by).await, 1);
}

#[tokio::test]
async fn staff_are_told_what_to_do_about_a_file_that_a_program_sent_and_that_was_refused() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &ALL).await, app.clerk(&[Role::Benefits]).await);
    let bad = file("2026-08", 2).replace("医科外来", "内科");
    let begun = sent(&caller, "?kind=costs", &bad).await;
    app.work().await;
    let page = clerk
        .get(&format!(
            "/console/statements/runs/{}",
            begun.json()["id"].as_str().unwrap()
        ))
        .await;
    for said in [
        "連携先のシステムの担当者に、誤りを直して送り直すように頼んでください",
        "誤りの内容は、ファイルを送った連携先が受け取っています",
    ] {
        says(&page, 200, said);
    }
    // A file that is published already says so in the list, too.
    let known = delivery(&app, &caller, "2026-08").await;
    assert_eq!(act(&caller, &known, "publish", json!({})).await.status, 200);
    app.later(1);
    let again = sent(&caller, "?kind=costs", &file("2026-08", 3)).await;
    assert_eq!(worked(&app, &caller, &again).await["refused_code"], "same_file");
    says(
        &clerk.get("/console/statements/import").await,
        200,
        "<td data-l=\"内容\">同じファイルを公開済み",
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_file_of_statements_is_told_by_line_to_whoever_sent_it() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &ALL).await, Caller::new(&app, &ALL).await);
    let bad = file("2026-08", 2).replace("医科外来", "内科");
    let begun = sent(&caller, "?kind=costs", &bad).await;
    let refused = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&refused["state"], &refused["errors"]),
        (&json!("refused"), &json!(2)),
        "{refused}"
    );
    let errors = format!("{}/errors", path(&begun));
    let page = caller.get(&format!("{errors}?limit=1")).await.json();
    let first = &page["errors"][0];
    assert_eq!(
        (&first["line"], &first["column"], &first["value"], &first["code"]),
        (&json!(2), &json!("診療区分"), &json!("「内科」"), &json!("category"))
    );
    let next = page["next"].as_str().unwrap();
    let page = caller.get(&format!("{errors}?cursor={next}")).await.json();
    assert_eq!((&page["errors"][0]["line"], page.get("next")), (&json!(3), None));
    let of_other = other.get(&errors).await;
    assert_eq!(
        (of_other.status.as_u16(), of_other.json()),
        (200, json!({"errors": []}))
    );
    for (query, bytes, status, code) in [
        ("", &*file("2026-08", 1), 422, "fields"),
        ("?kind=points", "", 422, "fields"),
        ("?kind=costs&label=202608", "", 422, "fields"),
        ("?kind=costs", "", 422, "statement_file_empty"),
        ("?kind=costs", "傷病名,番号\n風邪,1\n", 422, "statement_file_forbidden"),
    ] {
        problem(
            &caller.file(&format!("{IMPORTS}{query}"), &[], bytes.as_bytes()).await,
            status,
            code,
        );
    }
    let missing = caller.file(IMPORTS, &[], b"x").await;
    assert_eq!(
        flaws(&problem(&missing, 422, "fields")),
        [("/kind".to_owned(), "required".to_owned())]
    );
    let (key, file) = ([("Idempotency-Key", "october")], file("2026-08", 3));
    let path = format!("{IMPORTS}?kind=costs");
    let first = caller.file(&path, &key, file.as_bytes()).await;
    app.work().await;
    let again = caller.file(&path, &key, file.as_bytes()).await;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.text),
        ("true", &first.text)
    );
    assert_eq!(app.insurer.count("statement_runs", "true").await, 2);
}

// security.md 73
#[tokio::test]
async fn where_two_of_the_staff_publish_no_program_does() {
    let app = approvals::app(&[ApprovalAction::Statements]).await;
    let caller = Caller::new(&app, &ALL).await;
    let known = delivery(&app, &caller, "2026-08").await;
    problem(
        &act(&caller, &known, "publish", json!({})).await,
        403,
        "statement_published_by_two",
    );
    assert_eq!(
        caller
            .get(&format!("{DELIVERIES}/{}", known.json()["id"].as_str().unwrap()))
            .await
            .json()["state"],
        "ready"
    );
    let reader = Caller::new(&app, &[STATEMENTS_READ]).await;
    problem(
        &act(&reader, &known, "publish", json!({})).await,
        403,
        "insufficient_scope",
    );
}

// security.md 74
#[tokio::test]
async fn rows_of_a_protected_person_are_nobodys_to_a_program_that_may_not_see_them() {
    let (app, shoko, _) = family().await;
    protect(&app, shoko).await;
    let told = async |caller: &Caller, born: &str| {
        let row = format!("2026-10,100,105,00,{born},2026-08,医科外来,1,5230,3661,1569");
        let file = format!(
            "処理年月,記号,番号,枝番,生年月日,診療年月,診療区分,日数,医療費の総額,保険者の負担額,窓口相当負担額\n{row}\n"
        );
        let begun = sent(caller, "?kind=costs&dry_run=true", &file).await;
        let found = worked(&app, caller, &begun).await["found"].clone();
        (found["persons"].as_u64(), found["unknown"].as_u64())
    };
    let without = Caller::new(&app, &[STATEMENTS_IMPORT]).await;
    for born in ["19850401", "19850402"] {
        assert_eq!(told(&without, born).await, (Some(0), Some(1)), "{born}");
    }
    let with = Caller::new(&app, &[STATEMENTS_IMPORT, PROTECTED_READ]).await;
    assert_eq!(told(&with, "19850401").await, (Some(1), Some(0)));
}
