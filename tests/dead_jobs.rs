//! What the tests' own server watches over: no job dies unnoticed.

use chrono::TimeDelta;
use jobs::Job;
use serde::{Deserialize, Serialize};
use testkit::TestApp;

/// In the queue of failed identities, and none of them.
#[derive(Serialize, Deserialize)]
struct Unreadable(u8);

impl Job for Unreadable {
    const QUEUE: &'static str = "sign_up_attempt";
}

async fn one_dies(app: &TestApp) {
    let mut tx = app.write(app.tenant()).await;
    let now = app.clock().now();
    jobs::enqueue(&mut tx, app.keys(), now, now, &Unreadable(1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for _ in 0..Unreadable::TRIES {
        app.work().await;
        app.clock().advance(TimeDelta::hours(2));
    }
}

#[tokio::test]
#[should_panic(expected = "jobs left dead: [\"sign_up_attempt: payload does not read\"]")]
async fn a_test_fails_that_leaves_a_dead_job() {
    one_dies(&TestApp::start().await).await;
}

#[tokio::test]
async fn a_test_may_say_that_a_job_is_to_die() {
    let app = TestApp::start().await;
    app.expect_dead_jobs(1);
    one_dies(&app).await;
}

#[tokio::test]
#[should_panic(expected = "jobs left dead: []")]
async fn a_test_fails_whose_job_was_to_die_and_did_not() {
    TestApp::start().await.expect_dead_jobs(1);
}
