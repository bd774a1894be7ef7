//! Imports that are cancelled, killed, or come beside another.

use super::{HANAKO, SHOKO, bring, compare, compared, file, held, kept, present, press};
use access::Role;
use testkit::TestApp;
use tokio::time::{Duration, sleep, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_changes_nothing_and_one_that_ended_is_not_cancelled() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = compared(&app, &clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    let lock = held(&app).await;
    press(&clerk, &run, "start").await;
    let ((), ()) = tokio::join!(app.work(), async {
        sleep(Duration::from_millis(500)).await;
        assert_eq!(press(&clerk, &run, "cancel").await.status, 303);
    });
    lock.rollback().await.unwrap();
    app.work().await;
    assert_eq!(present(&app).await, 1);
    assert_eq!(kept(&app).await, 0);
    let told = clerk.get(&run).await;
    assert!(
        told.text.contains("が中止しました。名簿は何も変わっていません"),
        "{}",
        told.text
    );
    let again = press(&clerk, &run, "cancel").await;
    assert!(again.text.contains("もう終わっています"), "{}", again.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_is_killed_is_taken_up_and_imported_once() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = compared(&app, &clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    let lock = held(&app).await;
    press(&clerk, &run, "start").await;
    let killed = timeout(Duration::from_secs(1), app.work()).await;
    assert!(killed.is_err(), "it waits for its turn");
    lock.rollback().await.unwrap();
    app.insurer.end_leases().await;
    app.work().await;
    assert_eq!(present(&app).await, 2);
    assert!(clerk.get(&run).await.text.contains("取り込みました"));
    assert_eq!(app.insurer.count("roster_changes", "kind = 'new'").await, 2);
}

#[tokio::test]
async fn one_file_of_an_insurer_is_at_work_at_a_time_and_each_step_is_taken_once() {
    let app = TestApp::start().await;
    let (first, second) = (
        app.clerk(&[Role::Eligibility]).await,
        app.clerk(&[Role::Administrator]).await,
    );
    let one = bring(&first, file(&[SHOKO, HANAKO]).as_bytes()).await;
    app.later(1);
    let two = bring(&second, file(&[SHOKO]).as_bytes()).await;
    compare(&first, &one).await;
    let beside = compare(&second, &two).await;
    assert!(beside.text.contains("ほかの取り込みが進んでいます"), "{}", beside.text);
    app.work().await;
    assert_eq!(press(&first, &one, "start").await.status, 303);
    let twice = press(&second, &one, "start").await;
    assert!(twice.text.contains("先に進んでいます"), "{}", twice.text);
    app.work().await;
    assert_eq!(present(&app).await, 2);
    assert_eq!(compare(&second, &two).await.status, 303);
}
