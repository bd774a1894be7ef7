//! Rosters that programs send: imported as those of the console are, guarded as they are, and told of line by line.

mod decided;
mod received;
mod refused;

use super::Caller;
use crate::{
    api::problem,
    console::{
        approvals,
        roster::{HANAKO, SHOKO, file, present},
    },
    portal::says,
};
use access::{
    Role,
    scope::{IMPORTS_READ, IMPORTS_WRITE, Scope},
};
use reqwest::Method;
use serde_json::{Value, json};
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp};

const BOTH: [Scope; 2] = [IMPORTS_READ, IMPORTS_WRITE];
const PATH: &str = "/roster-imports";

async fn sent(caller: &Caller, query: &str, bytes: &str) -> Answer {
    let answer = caller.file(&format!("{PATH}{query}"), &[], bytes.as_bytes()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer
}

fn path(answer: &Answer) -> String {
    format!("{PATH}/{}", answer.json()["id"].as_str().unwrap())
}

/// How it stands once a worker has done what it can.
async fn worked(app: &TestApp, caller: &Caller, sent: &Answer) -> Value {
    app.work().await;
    app.later(1);
    caller.get(&path(sent)).await.json()
}

async fn act(caller: &Caller, path: &str, verb: &str) -> Answer {
    caller.send(Method::POST, &format!("{path}/{verb}"), &[], None).await
}

fn line(members: &Value) -> String {
    let mut line = json!({
        "symbol": "100", "number": "106", "branch": "00", "kana_name": "ケンポ　ハナコ", "name": "健保　花子",
        "birth_date": "1990-04-01", "relationship": "本人",
    });
    line.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    line.to_string()
}

async fn kept(app: &TestApp) -> usize {
    app.insurer.count("upload_pieces", "true").await
}

#[tokio::test]
async fn a_whole_roster_is_compared_and_imported_and_stands_in_the_consoles_list() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &BOTH).await, app.clerk(&[Role::Eligibility]).await);
    let begun = sent(&caller, "", &file(&[SHOKO, HANAKO])).await;
    assert_eq!(begun.header("location"), format!("/api/v1{}", path(&begun)));
    assert_eq!(
        (&begun.json()["state"], &begun.json()["by"]),
        (&json!("comparing"), &json!("client"))
    );
    assert_eq!(present(&app).await, 1);
    let done = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&done["state"], &done["is_own"]),
        (&json!("finished"), &json!(true)),
        "{done}"
    );
    let difference = &done["difference"];
    for (count, expected) in [("rows", 2), ("new", 1), ("unchanged", 1), ("lost", 0)] {
        assert_eq!(difference[count], expected, "{count}: {difference}");
    }
    assert_eq!(difference["mode"], "whole");
    assert_eq!((present(&app).await, kept(&app).await), (2, 0));
    let list = caller.get(PATH).await.json();
    assert_eq!(list["imports"][0]["id"], begun.json()["id"]);
    let page = clerk.get("/console/roster").await.text;
    for said in ["連携データ（全員分）", "基幹システム", "完了"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let lines = "SELECT action AS line FROM audit_events WHERE actor_kind = 'client' AND action LIKE 'roster.%' ORDER BY action";
    assert_eq!(app.insurer.lines(lines).await, ["roster.bring", "roster.import"]);
}

#[tokio::test]
async fn lines_of_json_are_a_roster_too_and_say_what_changes() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let add = sent(
        &caller,
        "?format=ndjson&mode=delta",
        &format!(
            "{}\n\n{}",
            line(&json!({"movement": "add"})),
            line(&json!({"number": "107", "movement": "add"}))
        ),
    )
    .await;
    let done = worked(&app, &caller, &add).await;
    assert_eq!(
        (&done["state"], &done["difference"]["new"]),
        (&json!("finished"), &json!(2)),
        "{done}"
    );
    assert_eq!(
        (&done["difference"]["mode"], &done["format"]),
        (&json!("delta"), &json!("ndjson"))
    );
    assert_eq!(present(&app).await, 3);
    // A word that is none, and somebody whom the roster does not know: by the lines as they were sent.
    let rows = [
        line(&json!({"movement": "change"})),
        line(&json!({"movement": "gone"})),
        line(&json!({"number": "999", "movement": "lose", "kana_name": "健保"})),
        line(&json!({
            "number": "998", "movement": "change", "kana_name": "ヤマダ　イチロウ", "name": "山田　一郎", "birth_date": "1970-01-01",
        })),
    ];
    let wrong = sent(&caller, "?format=ndjson&mode=delta", &rows.join("\n")).await;
    let refused = worked(&app, &caller, &wrong).await;
    assert_eq!(
        (&refused["state"], &refused["refused"]),
        (&json!("refused"), &json!("rows")),
        "{refused}"
    );
    let errors = caller.get(&format!("{}/errors", path(&wrong))).await.json();
    let told: Vec<_> = errors["errors"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&told[0]["line"], &told[0]["column"]),
        (&json!(2), &json!("movement")),
        "{errors}"
    );
    assert_eq!(
        (&told[0]["code"], &told[0]["value"]),
        (&json!("movement"), &json!("「gone」"))
    );
    assert!(told[0]["detail"].as_str().unwrap().contains("「add」"), "{errors}");
    let last = told.last().unwrap();
    assert_eq!(
        (&last["line"], &last["code"]),
        (&json!(4), &json!("not_in_roster")),
        "{errors}"
    );
    assert_eq!(
        (&told[1]["line"], &told[1]["code"]),
        (&json!(3), &json!("not_kana")),
        "{errors}"
    );
    assert_eq!(present(&app).await, 3);
}

#[tokio::test]
async fn what_of_a_file_means_nothing_is_told_to_whoever_sent_it() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &BOTH).await, Caller::new(&app, &BOTH).await);
    let movement = json!({"movement": "add", "tel": "03-1234-5678"});
    let lines = sent(&caller, "?format=ndjson&mode=delta", &line(&movement)).await;
    let done = worked(&app, &caller, &lines).await;
    assert_eq!(
        (&done["state"], &done["unknown_columns"]),
        (&json!("finished"), &json!(["tel"])),
        "{done}"
    );
    assert_eq!((&done["rows"], &done["percent"]), (&json!(1), &json!(100)), "{done}");
    assert_eq!(other.get(&path(&lines)).await.json().get("unknown_columns"), None);
    let table = file(&[SHOKO, HANAKO]);
    let marked = |(nth, row): (usize, &str)| format!("{row},{}\n", if nth == 0 { "色" } else { "赤" });
    let table: String = table.lines().enumerate().map(marked).collect();
    let dry = sent(&caller, "?dry_run=true", &table).await;
    let compared = worked(&app, &caller, &dry).await;
    assert_eq!(compared["unknown_columns"], json!(["色"]), "{compared}");
    assert_eq!(act(&caller, &path(&dry), "confirm").await.status, 200);
    let done = worked(&app, &caller, &dry).await;
    assert_eq!(
        (&done["state"], &done["unknown_columns"]),
        (&json!("finished"), &json!(["色"])),
        "{done}"
    );
}

#[tokio::test]
async fn of_columns_that_mean_nothing_the_first_are_told_and_how_many_they_are() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let columns: Vec<String> = (0..1_200).map(|nth| format!("列{nth}")).collect();
    let more = |nth: usize| {
        if nth == 0 {
            columns.join(",")
        } else {
            vec!["1"; columns.len()].join(",")
        }
    };
    let widened = |(nth, row): (usize, &str)| format!("{row},{}\n", more(nth));
    let table: String = file(&[SHOKO, HANAKO]).lines().enumerate().map(widened).collect();
    let dry = sent(&caller, "?dry_run=true", &table).await;
    let compared = worked(&app, &caller, &dry).await;
    let told = |import: &Value| {
        (
            import["unknown_columns"].clone(),
            import["unknown_columns_in_all"].clone(),
        )
    };
    assert_eq!(told(&compared), (json!(columns[..50]), json!(1_200)));
    assert_eq!(act(&caller, &path(&dry), "confirm").await.status, 200);
    assert_eq!(told(&worked(&app, &caller, &dry).await), told(&compared));
}

#[tokio::test]
async fn a_dry_run_waits_until_it_is_confirmed_or_cancelled_or_the_next_file_comes() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let first = sent(&caller, "?dry_run=true", &file(&[SHOKO, HANAKO])).await;
    let compared = worked(&app, &caller, &first).await;
    assert_eq!(
        (&compared["state"], &compared["waits_for"], &compared["dry_run"]),
        (&json!("compared"), &json!("confirmation"), &json!(true))
    );
    assert_eq!(compared["difference"]["new"], 1);
    let second = sent(&caller, "?dry_run=true", &file(&[SHOKO, HANAKO])).await;
    assert_eq!(worked(&app, &caller, &first).await["state"], "cancelled");
    let moved_on = problem(
        &act(&caller, &path(&first), "confirm").await,
        409,
        "roster_run_moved_on",
    );
    assert!(
        moved_on["detail"].as_str().unwrap().contains("`cancelled`"),
        "{moved_on}"
    );
    assert_eq!(present(&app).await, 1);
    let confirmed = act(&caller, &path(&second), "confirm").await;
    assert_eq!(
        (
            confirmed.status.as_u16(),
            &confirmed.json()["state"],
            &confirmed.json()["dry_run"]
        ),
        (200, &json!("running"), &json!(false))
    );
    assert_eq!(worked(&app, &caller, &second).await["state"], "finished");
    assert_eq!(present(&app).await, 2);
    let over = problem(&act(&caller, &path(&second), "cancel").await, 409, "roster_run_over");
    assert!(over["detail"].as_str().unwrap().contains("`finished`"), "{over}");

    let third = sent(&caller, "", &file(&[SHOKO])).await;
    let cancelled = act(&caller, &path(&third), "cancel").await;
    assert_eq!(cancelled.json()["state"], "cancelled", "{}", cancelled.text);
    assert_eq!(worked(&app, &caller, &third).await["state"], "cancelled");
    assert_eq!((present(&app).await, kept(&app).await), (2, 0));
}

// security.md 53
#[tokio::test]
async fn more_losses_than_usual_wait_for_the_staff_and_no_program_agrees_to_them() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &BOTH).await, app.clerk(&[Role::Eligibility]).await);
    let begun = sent(&caller, "", &file(&[HANAKO])).await;
    let waits = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&waits["state"], &waits["waits_for"]),
        (&json!("compared"), &json!("loss")),
        "{waits}"
    );
    problem(
        &act(&caller, &path(&begun), "confirm").await,
        422,
        "roster_loss_not_agreed",
    );
    // What waits goes on waiting when the next file comes, and the staff decide on it as on one of theirs.
    sent(&caller, "?dry_run=true", &file(&[SHOKO])).await;
    app.work().await;
    let page = format!("/console/roster/runs/{}", begun.json()["id"].as_str().unwrap());
    assert!(clerk.get(&page).await.text.contains("健保　花子"));
    assert_eq!(present(&app).await, 1);
    let started = clerk.post(&format!("{page}/start"), &[("agree", "1")]).await;
    assert_eq!(started.status, 303, "{}", started.text);
    // What the staff have decided on is theirs, and who brought it stays who that was.
    problem(
        &act(&caller, &path(&begun), "cancel").await,
        403,
        "roster_import_of_others",
    );
    let done = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&done["state"], &done["by"], &done["is_own"]),
        (&json!("finished"), &json!("client"), &json!(true))
    );
    for told in [&page, "/console/roster"] {
        says(&clerk.get(told).await, 200, "（取り込みの確認：窓口　花子）");
    }
    let trail = "SELECT concat(actor_kind, ' ', detail->>'brought_by' = started_by::text) AS line
        FROM audit_events JOIN roster_runs ON run_id = object_id WHERE action = 'roster.start'";
    assert_eq!(app.insurer.lines(trail).await, ["staff t"]);
}

// security.md 53
#[tokio::test]
async fn what_two_of_the_staff_agree_to_no_program_does() {
    let app = approvals::app(&[ApprovalAction::BirthDate]).await;
    let caller = Caller::new(&app, &BOTH).await;
    let corrected = SHOKO.replace("19850401", "19850402");
    let begun = sent(&caller, "", &file(&[&corrected])).await;
    let waits = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&waits["state"], &waits["waits_for"]),
        (&json!("compared"), &json!("birth_dates")),
        "{waits}"
    );
    problem(
        &act(&caller, &path(&begun), "confirm").await,
        403,
        "roster_import_by_two",
    );
    assert_eq!(app.insurer.count("persons", "birth_date = '1985-04-02'").await, 0);
}

#[tokio::test]
async fn a_file_that_is_sent_again_with_its_key_is_imported_once() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let key = [("Idempotency-Key", "night-1")];
    let (bytes, other) = (file(&[SHOKO, HANAKO]), file(&[SHOKO]));
    let first = caller.file(PATH, &key, bytes.as_bytes()).await;
    assert_eq!(first.status, 202, "{}", first.text);
    app.work().await;
    let again = caller.file(PATH, &key, bytes.as_bytes()).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(
        (again.header("idempotency-replayed"), again.header("location")),
        ("true", first.header("location"))
    );
    // Another file, or another wish, is another request.
    problem(
        &caller.file(PATH, &key, other.as_bytes()).await,
        422,
        "idempotency_key_reused",
    );
    let dry = format!("{PATH}?dry_run=true");
    problem(
        &caller.file(&dry, &key, bytes.as_bytes()).await,
        422,
        "idempotency_key_reused",
    );
    assert_eq!(
        (app.insurer.count("roster_runs", "true").await, kept(&app).await),
        (1, 0)
    );
    // What is only compared waits on, also where its file comes once more.
    let key = [("Idempotency-Key", "evening")];
    let first = caller.file(&dry, &key, other.as_bytes()).await;
    worked(&app, &caller, &first).await;
    let again = caller.file(&dry, &key, other.as_bytes()).await;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.text),
        ("true", &first.text)
    );
    assert_eq!(caller.get(&path(&first)).await.json()["state"], "compared");
    // What was refused has done nothing, and its key is free.
    let key = [("Idempotency-Key", "night-2")];
    problem(
        &caller.file(&format!("{PATH}?mode=delta"), &key, other.as_bytes()).await,
        422,
        "roster_mode_mismatch",
    );
    assert_eq!(caller.file(PATH, &key, other.as_bytes()).await.status, 202);
    problem(
        &caller.file(PATH, &[("Idempotency-Key", "")], other.as_bytes()).await,
        422,
        "fields",
    );
}
