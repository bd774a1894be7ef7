//! Imports that are cancelled, killed, or come beside another.

use super::{bring, bring_as, check, check_with, checked, count, deliveries, file, loaded, press, rows};
use crate::portal::says;
use access::Role;
use database::{Durability, TenantTransaction};
use diesel_async::SimpleAsyncConnection as _;
use statements::Kind;
use testkit::TestApp;
use tokio::time::{Duration, sleep, timeout};

/// A load does not come to its end for as long as this is held.
async fn held(app: &TestApp) -> TenantTransaction {
    let tenant = app.app.ground.database.tenant(app.tenant());
    let mut tx = tenant.write(Durability::Safe).await.unwrap();
    let hold = format!(
        "SELECT FROM statement_deliveries WHERE tenant_id = {} AND delivery = 1 FOR UPDATE",
        app.tenant()
    );
    tx.batch_execute(&hold).await.unwrap();
    tx
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cancelled_leaves_nothing_and_one_that_ended_is_not_cancelled() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let first = loaded(&app, &clerk, &file(&rows("2026-07", 2, 0))).await;
    says(&press(&clerk, &first, "cancel").await, 409, "もう終わっています");
    let run = checked(&app, &clerk, &file(&rows("2026-08", 3, 0))).await;
    let lock = held(&app).await;
    press(&clerk, &run, "load").await;
    let ((), ()) = tokio::join!(app.work(), async {
        sleep(Duration::from_millis(800)).await;
        assert_eq!(press(&clerk, &run, "cancel").await.status, 303);
    });
    lock.rollback().await.unwrap();
    says(
        &clerk.get(&run).await,
        200,
        "窓口　花子が中止しました。何も取り込んでいません。",
    );
    assert_eq!(
        deliveries(&app).await,
        ["costs 2026-07 ready 2 0", "costs 2026-08 refused 3 0"]
    );
    assert_eq!(count(&app, "uploads").await, 0);
    // The kind is free at once.
    loaded(&app, &clerk, &file(&rows("2026-08", 3, 0))).await;
    says(&press(&clerk, &run, "load").await, 409, "先に進んでいます");
}

#[tokio::test]
async fn a_file_that_waits_for_its_check_is_cancelled() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let run = bring(&clerk, &file(&rows("2026-08", 1, 0))).await;
    check(&clerk, &run).await;
    assert_eq!(press(&clerk, &run, "cancel").await.status, 303);
    app.work().await;
    says(&clerk.get(&run).await, 200, "中止しました");
    says(&press(&clerk, &run, "cancel").await, 409, "もう終わっています");
    assert_eq!(
        (count(&app, "uploads").await, count(&app, "statement_deliveries").await),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_worker_is_killed_is_taken_up_and_done_once() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    loaded(&app, &clerk, &file(&rows("2026-07", 2, 0))).await;
    let run = checked(&app, &clerk, &file(&rows("2026-08", 3, 0))).await;
    let lock = held(&app).await;
    press(&clerk, &run, "load").await;
    let killed = timeout(Duration::from_secs(2), app.work()).await;
    assert!(killed.is_err(), "it waits for its turn");
    lock.rollback().await.unwrap();
    app.insurer.end_leases().await;
    app.work().await;
    says(&clerk.get(&run).await, 200, "取り込みました");
    assert_eq!(
        deliveries(&app).await,
        [
            "costs 2026-07 ready 2 0",
            "costs 2026-08 refused 3 0",
            "costs 2026-08 ready 3 0"
        ]
    );
    assert_eq!(count(&app, "uploads").await, 0);
}

#[tokio::test]
async fn a_run_that_nobody_works_on_any_more_is_broken_and_may_be_begun_again() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let run = bring(&clerk, &file(&rows("2026-08", 2, 0))).await;
    check(&clerk, &run).await;
    let dead = "UPDATE jobs SET dead_at = created_at WHERE queue = 'statement_runs';
                UPDATE due SET queue = 'dead.statement_runs' WHERE queue = 'statement_runs'";
    let tenant = app.tenant();
    testkit::sql(
        tenant,
        &dead.replace("WHERE", &format!("WHERE tenant_id = {tenant} AND")),
    )
    .await;
    app.expect_dead_jobs(1);
    says(&clerk.get(&run).await, 200, "進み具合");
    app.later(6);
    let page = clerk.get(&run).await;
    says(&page, 200, "取り込みは途中で終わりました");
    says(&page, 200, "もう一度始める");
    assert_eq!(press(&clerk, &run, "again").await.status, 303);
    says(&press(&clerk, &run, "again").await, 409, "先に進んでいます");
    check(&clerk, &run).await;
    app.work().await;
    assert_eq!(press(&clerk, &run, "load").await.status, 303);
    app.work().await;
    assert_eq!(deliveries(&app).await, ["costs 2026-08 ready 2 0"]);
}

#[tokio::test]
async fn one_file_of_a_kind_is_at_work_at_a_time_and_each_step_is_taken_once() {
    let app = TestApp::start().await;
    let (first, second) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Benefits]).await);
    let one = bring(&first, &file(&rows("2026-08", 2, 0))).await;
    app.later(1);
    let two = bring(&second, &file(&rows("2026-07", 2, 0))).await;
    let medicines = bring_as(&second, Kind::Medicines, MEDICINES).await;
    check(&first, &one).await;
    says(
        &check_with(&second, &two, &[]).await,
        409,
        "同じ種類の取り込みが進んでいます",
    );
    check(&second, &medicines).await;
    app.work().await;
    assert_eq!(press(&first, &one, "load").await.status, 303);
    says(&press(&second, &one, "load").await, 409, "先に進んでいます");
    app.work().await;
    assert_eq!(deliveries(&app).await, ["costs 2026-08 ready 2 0"]);
    check(&second, &two).await;
    app.work().await;
    says(&second.get(&two).await, 200, "取り込む内容の確認");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_load_the_same_file_at_the_same_time_one_does() {
    let app = TestApp::start().await;
    let (first, second) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Benefits]).await);
    let run = checked(&app, &first, &file(&rows("2026-08", 2, 0))).await;
    let (one, other) = tokio::join!(press(&first, &run, "load"), press(&second, &run, "load"));
    let done = [&one, &other].iter().filter(|answer| answer.status == 303).count();
    assert_eq!(done, 1, "{} {}", one.status, other.status);
    app.work().await;
    assert_eq!(deliveries(&app).await, ["costs 2026-08 ready 2 0"]);
}

/// A row of a medicine, well formed.
const MEDICINES: &str = "処理年月,番号,記号,枝番,調剤年月,剤形区分,医薬品コード,1日量,日数,負担割合\r\n\
                         2026-08,105,100,00,2026-06,内服,620000001,1,30,3\r\n";
