//! Files on their way in: too large, broken off, several at the same time, and of whom they are who is shut out meanwhile.

use super::{BOTH, PATH, act, kept, path, sent, worked};
use crate::{
    api::{problem, programs::Caller},
    console::roster::{HANAKO, SHOKO, file, present},
    portal::says,
};
use access::{Role, scope::IMPORTS_READ};
use kernel::{Outage, Outcome};
use serde_json::json;
use std::time::Duration;
use testkit::{TestApp, by_command, conditions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A request of a file of so many bytes, of which none has been sent yet.
async fn begin(app: &TestApp, caller: &Caller, length: u64) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let head = format!(
        "POST /api/v1{PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
        caller.token()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn one_file_is_at_work_at_a_time_and_one_that_is_too_large_or_breaks_off_leaves_nothing() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &BOTH).await, Caller::new(&app, &BOTH).await);
    let begun = sent(&caller, "", &file(&[SHOKO])).await;
    let busy = other.file(PATH, &[], file(&[SHOKO]).as_bytes()).await;
    problem(&busy, 409, "roster_another_run");
    problem(
        &act(&other, &path(&begun), "cancel").await,
        403,
        "roster_import_of_others",
    );
    assert_eq!(worked(&app, &caller, &begun).await["state"], "finished");

    let mut stream = begin(&app, &caller, (512 << 20) + 1).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 422") && answer.contains("roster_file_too_large"),
        "{answer}"
    );
    let mut stream = begin(&app, &caller, 1000).await;
    stream.write_all(b"half").await.unwrap();
    stream.shutdown().await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(caller.get(PATH).await.json()["imports"].as_array().unwrap().len(), 1);
    // Whatever was left of it goes when the next comes.
    let next = sent(&caller, "", &file(&[SHOKO])).await;
    worked(&app, &caller, &next).await;
    assert_eq!(
        (app.insurer.count("roster_runs", "true").await, kept(&app).await),
        (2, 0)
    );
}

/// The same with its first bytes, of which something is kept already.
async fn half(app: &TestApp, caller: &Caller, whole: &str) -> TcpStream {
    let mut stream = begin(app, caller, whole.len() as u64).await;
    stream.write_all(&whole.as_bytes()[..10]).await.unwrap();
    while app.insurer.count("roster_runs", "state = 'receiving'").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream
}

/// What comes of it once the rest is sent.
async fn ended(mut stream: TcpStream, whole: &str) -> String {
    stream.write_all(&whole.as_bytes()[10..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn done(outcome: &Result<Outcome<()>, Outage>) {
    assert!(matches!(outcome, Ok(Outcome::Done(()))), "{outcome:?}");
}

// security.md 41
#[tokio::test]
async fn of_whoever_is_shut_out_while_its_file_comes_nothing_is_kept() {
    let app = TestApp::start().await;
    let whole = file(&[SHOKO, HANAKO]);
    let (clients, tenant) = (&app.clients, app.tenant());
    for how in ["suspended", "back again", "revoked", "of less", "of nobody"] {
        let caller = Caller::new(&app, &BOTH).await;
        let id = caller.0.name.client_id;
        let stream = half(&app, &caller, &whole).await;
        match how {
            "of less" => {
                let less = conditions(&[IMPORTS_READ]);
                done(&clients.change(tenant, id, &less, by_command()).await);
            }
            "of nobody" => {
                let (database, now) = (&app.ground.database, app.clock().now());
                tenancy::suspend(database, now, tenant, "test").await.unwrap();
            }
            "revoked" => done(&clients.revoke(tenant, id, by_command()).await),
            _ => done(&clients.suspend(tenant, id, by_command()).await),
        }
        if how == "back again" {
            done(&clients.resume(tenant, id, by_command()).await);
        }
        let answer = ended(stream, &whole).await;
        let (status, code) = match how {
            "of less" => (403, "insufficient_scope"),
            _ => (401, "invalid_token"),
        };
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(code),
            "{how}: {answer}"
        );
        assert_eq!(
            (app.insurer.count("roster_runs", "true").await, kept(&app).await),
            (0, 0),
            "{how}"
        );
    }
}

// security.md 41
#[tokio::test]
async fn what_a_worker_has_of_a_program_that_is_suspended_is_cancelled_and_waits_where_only_its_scope_is_gone() {
    let app = TestApp::start().await;
    let (clients, tenant, whole) = (&app.clients, app.tenant(), file(&[SHOKO, HANAKO]));
    let suspended = Caller::new(&app, &BOTH).await;
    let stopped = sent(&suspended, "", &whole).await;
    let id = suspended.0.name.client_id;
    done(&clients.suspend(tenant, id, by_command()).await);
    done(&clients.resume(tenant, id, by_command()).await);
    app.work().await;
    let states = "SELECT state AS line FROM roster_runs ORDER BY created_at";
    assert_eq!(app.insurer.lines(states).await, ["cancelled"]);
    assert_eq!((present(&app).await, kept(&app).await), (1, 0));
    let why = "SELECT concat_ws(' ', actor_kind, detail->>'state', detail->>'why') AS line
        FROM audit_events WHERE action = 'roster.cancel'";
    assert_eq!(app.insurer.lines(why).await, ["system comparing client_stopped"]);
    let page = format!("/console/roster/runs/{}", stopped.json()["id"].as_str().unwrap());
    says(
        &app.clerk(&[Role::Eligibility]).await.get(&page).await,
        200,
        "」を停止または終了したため、中止しました。名簿は何も変わっていません。",
    );

    let narrowed = Caller::new(&app, &BOTH).await;
    let told = narrowed.get(&path(&stopped)).await.json();
    assert_eq!(
        (&told["state"], &told["cancelled_code"]),
        (&json!("cancelled"), &json!("client_stopped"))
    );
    let begun = sent(&narrowed, "", &whole).await;
    let less = conditions(&[IMPORTS_READ]);
    done(
        &clients
            .change(tenant, narrowed.0.name.client_id, &less, by_command())
            .await,
    );
    assert_eq!(worked(&app, &narrowed, &begun).await["state"], "compared");
    assert_eq!(present(&app).await, 1, "it waits for the staff");
    let waits = "SELECT detail->>'waits' AS line FROM audit_events WHERE action = 'roster.wait'";
    assert_eq!(app.insurer.lines(waits).await, ["client_stopped"]);
}

// security.md 64
#[tokio::test]
async fn a_program_has_two_files_on_their_way_and_keeps_nobody_else_out() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &BOTH).await, Caller::new(&app, &BOTH).await);
    let whole = file(&[SHOKO]);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = begin(&app, &caller, 1000).await;
        stream.write_all(b"a").await.unwrap();
        held.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let third = caller.file(PATH, &[], whole.as_bytes()).await;
    problem(&third, 503, "overloaded");
    assert!(!third.header("retry-after").is_empty());
    let begun = sent(&other, "", &whole).await;
    assert_eq!(worked(&app, &other, &begun).await["state"], "finished");
    drop(held);
    for _ in 0..100 {
        if caller.file(PATH, &[], whole.as_bytes()).await.status == 202 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("their places are not given back");
}

#[tokio::test]
async fn a_file_whose_place_another_has_taken_is_told_so() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let whole = file(&[SHOKO]);
    let mut first = begin(&app, &caller, whole.len() as u64).await;
    first.write_all(&whole.as_bytes()[..10]).await.unwrap();
    while app.insurer.count("roster_runs", "true").await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let second = sent(&caller, "", &whole).await;
    first.write_all(&whole.as_bytes()[10..]).await.unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 409") && answer.contains("roster_file_replaced"),
        "{answer}"
    );
    assert_eq!(worked(&app, &caller, &second).await["state"], "finished");
    // So many at the same time: one is begun, and nobody is told that there is something wrong with the file.
    let keyed = [("Idempotency-Key", "night-1")];
    for headers in [&keyed[..0], &keyed[..]] {
        let many = (0..6).map(|_| caller.file(PATH, headers, whole.as_bytes()));
        for answer in futures_util::future::join_all(many).await {
            assert!([202, 409, 503].contains(&answer.status.as_u16()), "{}", answer.text);
        }
        app.work().await;
    }
}
