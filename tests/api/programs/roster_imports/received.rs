//! Files on their way in: too large, broken off, several at the same time.

use super::{BOTH, PATH, act, kept, path, sent, worked};
use crate::{
    api::{problem, programs::Caller},
    console::roster::{SHOKO, file},
};
use testkit::TestApp;
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
            assert!([202, 409].contains(&answer.status.as_u16()), "{}", answer.text);
        }
        app.work().await;
    }
}
