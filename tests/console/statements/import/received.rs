//! Files on their way into the console: as many as may be, and whose they are who is shut out meanwhile.

use super::{NEW, bring, count, file, form, rows, send, trail};
use crate::{console::half_sent::HalfSent, portal::says};
use access::Role;
use edge::FILES;
use statements::Kind;
use testkit::{Answer, TestApp, TestClerk};
use tokio::time::{Duration, sleep, timeout};

/// A file of which all but the end has been sent.
async fn begin(app: &TestApp, clerk: &TestClerk, file: &str) -> HalfSent {
    HalfSent::new(app, clerk, &format!("{NEW}/{}", Kind::Costs), &form(file.as_bytes())).await
}

/// Waits until so many of the insurer's are on their way.
async fn begun(app: &TestApp, files: usize) {
    let all = async {
        while count(app, "uploads").await < files {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), all).await.expect("they are received");
}

/// What is answered to a file that finds no place.
async fn refused(clerk: &TestClerk, file: &str) -> Answer {
    let answer = send(clerk, Kind::Costs, form(file.as_bytes())).await;
    says(&answer, 503, "ただいま混み合っています");
    says(&answer, 503, "管理画面");
    assert!(!answer.header("retry-after").is_empty());
    answer
}

// security.md 64
#[tokio::test]
async fn a_clerk_has_two_files_on_their_way_and_the_third_is_answered_by_a_page_of_theirs() {
    let app = TestApp::start().await;
    let (clerk, colleague) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Benefits]).await);
    let whole = file(&rows("2026-08", 1, 0));
    let (first, _second) = (begin(&app, &clerk, &whole).await, begin(&app, &clerk, &whole).await);
    begun(&app, 2).await;
    says(&refused(&clerk, &whole).await, 503, "ログアウト");
    assert_eq!(count(&app, "uploads").await, 2, "nothing of it is kept");
    bring(&colleague, &whole).await;
    let answer = first.end().await;
    assert!(answer.contains("/console/statements/runs/"), "{answer}");
    bring(&clerk, &whole).await;
}

// security.md 64
#[tokio::test]
async fn an_insurer_has_half_of_the_places_for_files_and_where_all_are_taken_the_console_says_so() {
    let app = TestApp::with("32290413", |_| (), |config| config.http.body_seconds = 300).await;
    let (other, third) = (TestApp::start().await, TestApp::start().await);
    // All at the one server, whosever they are.
    let clerk = async |of: &TestApp| {
        let clerk = of.clerk(&[Role::Benefits]).await;
        app.in_another_browser(&clerk).await
    };
    let whole = file(&rows("2026-08", 1, 0));
    let mut coming = Vec::new();
    for insurer in [&app, &other] {
        for _ in 0..FILES / 4 {
            let clerk = clerk(insurer).await;
            for _ in 0..2 {
                coming.push(begin(&app, &clerk, &whole).await);
            }
        }
        begun(insurer, FILES / 2).await;
        refused(&clerk(insurer).await, &whole).await;
        assert_eq!(count(insurer, "uploads").await, FILES / 2);
    }
    let last = clerk(&third).await;
    refused(&last, &whole).await;
    // Whoever has come gives their place to the next.
    let answer = coming.pop().unwrap().end().await;
    assert!(answer.contains("/console/statements/runs/"), "{answer}");
    bring(&last, &whole).await;
}

// security.md 41
#[tokio::test]
async fn of_a_clerk_who_is_suspended_while_their_statements_come_nothing_is_kept() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let coming = begin(&app, &clerk, &file(&rows("2026-08", 2, 0))).await;
    begun(&app, 1).await;
    app.suspend(&clerk).await;
    let answer = coming.end().await;
    assert!(
        answer.starts_with("HTTP/1.1 303") && !answer.contains("/statements/runs/"),
        "{answer}"
    );
    for table in ["uploads", "upload_pieces", "statement_runs"] {
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
    assert!(trail(&app).await.is_empty());
}
