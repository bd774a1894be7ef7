//! How segments are closed: by whom, when, how long they are, and by which clock.

use super::{What, head, lines, many, only, proof, seal, tamper, until, unwritten, verify, write};
use crate::operations::Installation;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::Worker;
use kernel::Clock;
use std::fmt::Write as _;
use testkit::{TestApp, TestDatabase, admin_url, execute, service_url, url_of};
use url::Url;
use uuid::Uuid;

#[tokio::test]
async fn a_segment_is_a_minute_or_ten_thousand_lines_at_most() {
    for (count, expected) in [
        (9_999, &["9999", "0"][..]),
        (10_000, &["10000", "0"]),
        (10_001, &["10000", "1", "0"]),
        (20_000, &["10000", "10000", "0"]),
    ] {
        let test = unwritten().await;
        let begun = test.clock.now();
        tamper(&many(&test, begun, count)).await;
        test.clock.advance(proof::SETTLES + TimeDelta::minutes(2));
        seal(&test).await;
        let sizes = test
            .lines("SELECT lines::text AS line FROM audit_seals ORDER BY segment")
            .await;
        assert_eq!(sizes, expected, "{count}");
        let report = verify(&test).await;
        assert!(report.findings.is_empty(), "{report:?}");
        assert_eq!(report.lines, count as usize);
        assert!(until(&report) >= begun && until(&report) <= begun + TimeDelta::minutes(1));
        // The last line of the first segment and the first of the next are each in theirs.
        let all = lines(&test).await;
        for (segment, line) in (1..).zip([all.get(9_999), all.get(10_000)].into_iter().flatten()) {
            let of = format!("WHERE tenant_id = {} AND audit_id = '{line}'", test.tenant);
            tamper(&format!("UPDATE audit_events SET outcome = 'x' {of}")).await;
            let found = only(&verify(&test).await);
            assert_eq!(
                (found.segment, found.line, found.what),
                (segment, Some(*line), What::Altered)
            );
            tamper(&format!("UPDATE audit_events SET outcome = 'done' {of}")).await;
        }
    }
}

#[tokio::test]
async fn where_nothing_came_one_empty_segment_settles_what_was_and_no_further_one_is_closed() {
    let test = unwritten().await;
    assert_eq!(seal(&test).await, 0, "there is nothing to seal");
    assert!(verify(&test).await.head.is_none());
    write(&test, test.clock.now(), 1).await;
    test.clock.advance(proof::CLOSES + TimeDelta::minutes(1));
    assert_eq!(seal(&test).await, 1);
    let closed = until(&verify(&test).await);
    test.clock.advance(proof::SETTLES);
    assert_eq!(seal(&test).await, 1);
    let last = head(&test).await;
    assert_eq!((last.segment, last.lines, last.late, last.settled), (2, 0, 0, 2));
    test.clock.advance(TimeDelta::days(30));
    assert_eq!(seal(&test).await, 0);
    let report = verify(&test).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!((report.lines, until(&report)), (1, closed));
    // It has a list as others have.
    let of = format!("WHERE tenant_id = {} AND segment = 2", test.tenant);
    tamper(&format!("UPDATE audit_segments SET digests = '\\x00' {of}")).await;
    let found = only(&verify(&test).await);
    assert_eq!((found.segment, found.what), (2, What::List));
}

async fn seal_by(test: &TestDatabase, now: DateTime<Utc>) -> usize {
    let mut sealed = 0;
    while proof::seal(&test.database.tenant(test.tenant), now)
        .await
        .unwrap()
        .is_some()
    {
        sealed += 1;
    }
    sealed
}

#[tokio::test]
async fn a_clock_that_goes_backwards_closes_nothing_twice_and_its_lines_are_late_and_not_forged() {
    let test = unwritten().await;
    let begun = test.clock.now();
    for number in 0..3 {
        write(&test, begun + TimeDelta::minutes(20 * i64::from(number)), number).await;
    }
    let now = begun + TimeDelta::minutes(55);
    assert_eq!(seal_by(&test, now).await, 3);
    let closed = until(&verify(&test).await);
    // The sealer's own clock: an hour, and a year.
    for back in [TimeDelta::hours(1), TimeDelta::days(365)] {
        assert_eq!(seal_by(&test, now - back).await, 0);
        let report = verify(&test).await;
        assert!(report.findings.is_empty(), "{report:?}");
        assert_eq!(until(&report), closed);
    }
    // A node's, which wrote a line as of before.
    write(&test, begun + TimeDelta::minutes(10), 9).await;
    assert_eq!(only(&verify(&test).await).what, What::Unlisted);
    assert_eq!(seal_by(&test, now - TimeDelta::hours(1)).await, 0);
    let later = now + proof::SETTLES;
    seal_by(&test, later).await;
    let report = verify(&test).await;
    assert!(report.findings.is_empty() && report.late.len() == 1, "{report:?}");
    assert_eq!(report.lines, 4);
    assert!(until(&report) >= closed);
}

#[tokio::test]
async fn sealers_whose_clocks_differ_make_one_chain() {
    let test = unwritten().await;
    let begun = test.clock.now();
    for number in 0..20 {
        write(&test, begun + TimeDelta::minutes(15 * i64::from(number)), number).await;
    }
    let end = begun + TimeDelta::hours(10);
    let clocks = [0, 3, 5, 8].map(|hours| end - TimeDelta::hours(hours));
    futures_util::future::join_all(clocks.map(|now| seal_by(&test, now))).await;
    seal_by(&test, end).await;
    let report = verify(&test).await;
    assert!(report.findings.is_empty() && report.late.is_empty(), "{report:?}");
    assert_eq!(report.lines, 20);
    assert!(until(&report) > begun + TimeDelta::minutes(15 * 19));
}

#[tokio::test]
async fn two_sealers_at_the_same_time_make_one_chain() {
    let test = TestDatabase::new().await;
    for number in 0..20 {
        write(&test, test.clock.now(), number).await;
        test.clock.advance(TimeDelta::seconds(20));
    }
    test.clock.advance(proof::SETTLES);
    futures_util::future::join_all((0..4).map(|_| seal(&test))).await;
    seal(&test).await;
    let report = verify(&test).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(report.lines, test.count("audit_events", "true").await);
}

#[tokio::test]
async fn a_sealer_that_is_killed_in_the_middle_has_done_nothing() {
    let test = TestDatabase::new().await;
    write(&test, test.clock.now(), 1).await;
    test.clock.advance(proof::SETTLES);
    for milliseconds in 0..6 {
        let tenant = test.database.tenant(test.tenant);
        let sealing = proof::seal(&tenant, test.clock.now());
        drop(tokio::time::timeout(std::time::Duration::from_millis(milliseconds), sealing).await);
        let seals = test.count("audit_seals", "true").await;
        assert_eq!(seals, test.count("audit_segments", "true").await);
        assert!(verify(&test).await.findings.is_empty());
    }
    seal(&test).await;
    assert!(verify(&test).await.findings.is_empty());
}

#[tokio::test]
async fn the_worker_seals_every_insurer_and_one_insurers_proof_says_nothing_of_anothers() {
    let app = testkit::TestApp::start().await;
    let other = testkit::TestApp::start().await;
    app.later(3600);
    other.later(3600);
    let insurers = [app.tenant(), other.tenant()];
    for tenant in insurers {
        let item = "'00000000-0000-0000-0000-000000000000', now() - interval '9 years', now(), 2, now()";
        tamper(&format!("INSERT INTO due VALUES ({tenant}, 'audit.seal', {item})")).await;
        app.worker.run_once_for(tenant).await.unwrap();
        let head = proof::anchor(&app.ground.database.tenant(tenant)).await.unwrap();
        assert!(head.is_some(), "{tenant}");
    }
    let due = app
        .insurer
        .lines(&format!(
            "SELECT due_at::text AS line FROM due WHERE queue = 'audit.seal' AND tenant_id = {}",
            app.tenant()
        ))
        .await;
    assert_eq!(due.len(), 1, "it comes again");
    tamper(&format!(
        "UPDATE audit_events SET outcome = 'x' WHERE tenant_id = {}",
        other.tenant()
    ))
    .await;
    let kept_since = app.clock().now() - TimeDelta::days(1830);
    let mut found = String::new();
    for tenant in insurers {
        let report = proof::verify(&app.ground.database.tenant(tenant), kept_since, None)
            .await
            .unwrap();
        write!(found, "{} ", !report.findings.is_empty()).unwrap();
    }
    assert_eq!(found, "false true ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_whose_clock_is_hours_ahead_closes_nothing_early_and_no_honest_line_looks_added() {
    let installation = Installation::new().await;
    let (owner, service) = (installation.owner_url(), url_of(&service_url(), &installation.database));
    let app = Box::pin(TestApp::on(&owner, &service)).await;
    let test = &app.insurer;
    // Of two clocks one is ahead of the other: here it is everybody else's that goes behind.
    let behind = TimeDelta::hours(9);
    let role = Url::parse(&service).unwrap().username().to_owned();
    let clock = format!(
        "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql
             AS $$ SELECT pg_catalog.clock_timestamp() - interval '{behind}' $$;
         DELETE FROM audit_events;
         DELETE FROM due;
         INSERT INTO due VALUES ({}, 'audit.seal', '{}', now() - interval '9 years', now(), 2, now());
         ALTER ROLE {role} IN DATABASE \"{}\" SET search_path = public, pg_catalog",
        test.tenant,
        Uuid::nil(),
        installation.database
    );
    execute(&url_of(&admin_url(), &installation.database), &clock)
        .await
        .unwrap();
    let database = testkit::pool(&service);
    let sealer = proof::Sealer::new(database.clone(), Clock::system());
    let worker = Worker::new(database, Clock::system()).serving(sealer);
    let now = Clock::system().now() - behind;
    for number in 0..2 {
        write(test, now + TimeDelta::seconds(number.into()), number).await;
        worker.run_once_for(test.tenant).await.unwrap();
        let due = "UPDATE due SET due_at = now() - interval '9 years'";
        execute(&owner, due).await.unwrap();
        worker.run_once_for(test.tenant).await.unwrap();
    }
    let report = verify(test).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert!(report.head.is_none(), "{report:?}");
}
