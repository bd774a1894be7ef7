//! The trail's proof: whatever is altered, taken away or added is found by line, what came late is told from it, and
//! neither two sealers nor one that is killed do harm.

use audit::{
    Actor, Entry, Look, Origin,
    proof::{self, Anchor, Finding, Report, Seal, What},
    record,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::Durability;
use kernel::TenantId;
use serde_json::json;
use std::fmt::Write as _;
use testkit::{TestDatabase, admin_url, execute, owner_url, pool, url_of};
use url::Url;
use uuid::Uuid;

const CLERK: Actor = Actor::Staff(Uuid::from_u128(7));

/// As somebody before whom nothing is hidden or kept.
async fn tamper(statement: &str) {
    let database = Url::parse(&owner_url()).unwrap().path().to_owned();
    execute(&url_of(&admin_url(), &database), statement).await.unwrap();
}

/// The statement that brings a row back.
async fn keep(test: &TestDatabase, table: &str, of: &str) -> String {
    let row = test
        .lines(&format!("SELECT to_json(t)::text AS line FROM {table} t {of}"))
        .await
        .remove(0);
    format!("INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, '{row}')")
}

async fn write(test: &TestDatabase, at: DateTime<Utc>, number: u32) {
    let tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
    let entry = Entry {
        actor: CLERK,
        action: "test.line",
        object: Some(("person", Uuid::from_u128(number.into()))),
        outcome: "done",
        detail: json!({ "number": number, "a": null, "deep": { "z": [1, "二"], "y": true } }),
    };
    record(&tx, at, &Origin::command(), entry).await.unwrap();
    tx.commit().await.unwrap();
}

async fn look(test: &TestDatabase, people: &[Uuid]) {
    let tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
    let list = Look::list("members", vec![], people);
    audit::look(&tx, test.clock.now(), &Origin::command(), CLERK, list)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn seal(test: &TestDatabase) -> usize {
    let mut sealed = 0;
    while proof::seal(&test.database.tenant(test.tenant), test.clock.now())
        .await
        .unwrap()
        .is_some()
    {
        sealed += 1;
    }
    sealed
}

async fn verify(test: &TestDatabase) -> Report {
    against(test, test.tenant, None).await
}

async fn against(test: &TestDatabase, tenant: TenantId, anchor: Option<&Anchor>) -> Report {
    let kept_since = test.clock.now() - TimeDelta::days(1830);
    proof::verify(&test.database.tenant(tenant), kept_since, anchor)
        .await
        .unwrap()
}

async fn head(test: &TestDatabase) -> Seal {
    proof::anchor(&test.database.tenant(test.tenant))
        .await
        .unwrap()
        .unwrap()
}

/// The ids of the lines that this file wrote, in their order.
async fn lines(test: &TestDatabase) -> Vec<Uuid> {
    let query = "SELECT audit_id::text AS line FROM audit_events WHERE action IN ('test.line', 'people.look') ORDER BY audit_id";
    let lines = test.lines(query).await;
    lines.iter().map(|line| line.parse().unwrap()).collect()
}

/// Lines over five minutes, a look at two people among them, all sealed and settled.
async fn sealed() -> TestDatabase {
    let test = TestDatabase::new().await;
    for number in 0..10 {
        write(&test, test.clock.now(), number).await;
        if number == 4 {
            look(&test, &[Uuid::from_u128(100), Uuid::from_u128(101)]).await;
        }
        test.clock.advance(TimeDelta::seconds(30));
    }
    test.clock.advance(proof::SETTLES);
    assert!(seal(&test).await > 4);
    let report = verify(&test).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert!(report.lines > 10, "{report:?}");
    let head = head(&test).await;
    assert_eq!(head.settled, head.segment);
    test
}

fn only(report: &Report) -> Finding {
    assert_eq!(report.findings.len(), 1, "{report:?}");
    report.findings[0]
}

// security.md 55
#[tokio::test]
async fn every_column_that_is_altered_is_found_by_its_line() {
    let test = sealed().await;
    let columns = test
        .lines(
            "SELECT column_name::text AS line FROM information_schema.columns
             WHERE table_name = 'audit_events' AND column_name NOT IN ('tenant_id', 'audit_id')",
        )
        .await;
    assert!(columns.len() > 10, "{columns:?}");
    for (line, column) in lines(&test).await.into_iter().cycle().zip(columns) {
        let other = match column.as_str() {
            "at" => "at + interval '1 microsecond'",
            "actor_kind" => "'system'",
            "actor_id" | "object_id" | "request_id" => "gen_random_uuid()",
            "detail" => "detail || '{\"number\": 1.0}'",
            _ => "'another'",
        };
        let whole = format!("WHERE tenant_id = {} AND audit_id = '{line}'", test.tenant);
        let kept = keep(&test, "audit_events", &whole).await;
        tamper(&format!("UPDATE audit_events SET {column} = {other} {whole}")).await;
        let finding = only(&verify(&test).await);
        assert_eq!((finding.line, finding.what), (Some(line), What::Altered), "{column}");
        tamper(&format!("DELETE FROM audit_events {whole}; {kept}")).await;
        assert!(verify(&test).await.findings.is_empty(), "{column}");
    }
}

// security.md 55
#[tokio::test]
async fn a_line_that_is_taken_away_is_missing_and_one_in_its_place_was_added() {
    let test = sealed().await;
    let line = lines(&test).await[3];
    let of = format!("tenant_id = {} AND audit_id", test.tenant);
    tamper(&format!("DELETE FROM audit_events WHERE {of} = '{line}'")).await;
    let gone = only(&verify(&test).await);
    assert_eq!((gone.line, gone.what), (Some(line), What::Missing));

    let other = Uuid::from_u128(line.as_u128() + 1);
    let next = lines(&test).await[3];
    tamper(&format!(
        "INSERT INTO audit_events SELECT (e).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object('audit_id', '{other}')) AS e
             FROM audit_events e WHERE {of} = '{next}') found"
    ))
    .await;
    let found = verify(&test).await.findings;
    let mut whats: Vec<_> = found.iter().map(|found| (found.line, found.what)).collect();
    whats.sort_by_key(|(line, _)| *line);
    assert_eq!(whats, [(Some(line), What::Missing), (Some(other), What::Added)]);
    assert!(found.iter().all(|other| other.segment == gone.segment));
}

// security.md 55
#[tokio::test]
async fn whom_a_look_shows_is_proven_with_its_line() {
    let test = sealed().await;
    let of = format!("WHERE tenant_id = {}", test.tenant);
    for change in [
        format!(
            "DELETE FROM audit_subjects {of} AND subject_id = '{}'",
            Uuid::from_u128(100)
        ),
        format!(
            "UPDATE audit_subjects SET subject_id = '{}' {of} AND subject_id = '{}'",
            Uuid::from_u128(102),
            Uuid::from_u128(101)
        ),
        format!(
            "INSERT INTO audit_subjects SELECT tenant_id, gen_random_uuid(), audit_id, at FROM audit_subjects {of} LIMIT 1"
        ),
    ] {
        tamper(&change).await;
        let found = only(&verify(&test).await);
        assert_eq!(found.what, What::Altered, "{change}");
    }
    // Of no line.
    let test = sealed().await;
    let line = Uuid::from_u128(lines(&test).await[2].as_u128() + 1);
    tamper(&format!(
        "INSERT INTO audit_subjects VALUES ({}, gen_random_uuid(), '{line}', now())",
        test.tenant
    ))
    .await;
    let found = only(&verify(&test).await);
    assert_eq!((found.line, found.what), (Some(line), What::Added));
}

// security.md 55
#[tokio::test]
async fn a_line_that_came_after_its_segment_was_closed_is_sealed_as_late_and_no_other() {
    let test = TestDatabase::new().await;
    let begun = test.clock.now();
    write(&test, begun, 1).await;
    test.clock.advance(proof::CLOSES + TimeDelta::seconds(1));
    assert_eq!(seal(&test).await, 1);
    assert!(verify(&test).await.findings.is_empty());
    // An import's transaction ends.
    write(&test, begun, 2).await;
    let [first, second] = lines(&test).await[..] else {
        panic!()
    };
    let late = if lines_number(&test, first).await == 2 {
        first
    } else {
        second
    };
    let open = only(&verify(&test).await);
    assert_eq!((open.line, open.what), (Some(late), What::Unlisted));
    test.clock.advance(proof::SETTLES);
    assert_eq!(seal(&test).await, 1);
    let report = verify(&test).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(report.late, [(2, late)]);
    assert_eq!(seal(&test).await, 0, "there is nothing more to say");
    // What comes now can't be late any more.
    write(&test, begun, 3).await;
    assert_eq!(seal(&test).await, 0);
    assert_eq!(only(&verify(&test).await).what, What::Added);
    // And a late line is a line like others.
    tamper(&format!(
        "UPDATE audit_events SET outcome = 'x' WHERE tenant_id = {} AND audit_id = '{late}'",
        test.tenant
    ))
    .await;
    let found = verify(&test).await.findings;
    assert!(
        found
            .iter()
            .any(|found| found.line == Some(late) && found.what == What::Altered),
        "{found:?}"
    );
}

async fn lines_number(test: &TestDatabase, line: Uuid) -> u32 {
    let query = format!("SELECT detail->>'number' AS line FROM audit_events WHERE audit_id = '{line}'");
    test.lines(&query).await[0].parse().unwrap()
}

// security.md 55
#[tokio::test]
async fn a_chain_that_is_mended_in_itself_is_found_by_the_seal_that_was_kept_elsewhere() {
    let test = sealed().await;
    let kept = Anchor::from(&head(&test).await);
    let text = format!("139998 {kept}");
    assert_eq!(Anchor::parse(&text), Some(kept.clone()));
    assert!(against(&test, test.tenant, Some(&kept)).await.findings.is_empty());
    // Sealed anew from the beginning, without one line.
    let line = lines(&test).await[0];
    let of = format!("WHERE tenant_id = {}", test.tenant);
    tamper(&format!(
        "DELETE FROM audit_events {of} AND audit_id = '{line}'; DELETE FROM audit_seals {of}; DELETE FROM audit_segments {of}"
    ))
    .await;
    assert_eq!(
        only(&against(&test, test.tenant, Some(&kept)).await).what,
        What::NoSeal,
        "nothing is sealed"
    );
    seal(&test).await;
    assert!(verify(&test).await.findings.is_empty());
    assert_eq!(only(&against(&test, test.tenant, Some(&kept)).await).what, What::Anchor);
    for wrong in [
        "",
        "57",
        "57:abc",
        "0:",
        &format!("x:{}", "a".repeat(64)),
        &format!("-1:{}", "a".repeat(64)),
    ] {
        assert_eq!(Anchor::parse(wrong), None, "{wrong}");
    }
}

/// The SHA-256 of a canonical text, in SQL: whoever may write into the tables can make seals, too.
fn digest(kind: &str, columns: &str) -> String {
    format!(
        "(SELECT sha256(convert_to(string_agg(coalesce(octet_length(part)::text || ':' || part, '-') || chr(10), '' ORDER BY nth), 'UTF8'))
          FROM unnest(ARRAY['{kind}', {columns}]::text[]) WITH ORDINALITY AS parts (part, nth))"
    )
}

// security.md 55
#[tokio::test]
async fn a_seal_that_somebody_makes_brings_no_line_into_what_was_settled() {
    let test = sealed().await;
    let tenant = test.tenant;
    let next = lines(&test).await[3];
    let line = Uuid::from_u128(next.as_u128() - 1);
    tamper(&format!(
        "INSERT INTO audit_events SELECT (e).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object('audit_id', '{line}')) AS e
             FROM audit_events e WHERE tenant_id = {tenant} AND audit_id = '{next}') found"
    ))
    .await;
    let time = |column: &str| format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')");
    let of_line = digest(
        "line",
        &format!(
            "e.tenant_id::text, e.audit_id::text, {}, e.actor_kind, e.actor_id::text, e.action, e.outcome, e.object_kind,
             e.object_id::text, e.channel, e.address, e.request_id::text, e.detail::text",
            time("e.at")
        ),
    );
    let of_seal = digest(
        "seal",
        &format!(
            "{tenant}::text, segment::text, before_id::text, settled::text, '0', '1', digests_hash, previous, {}",
            time("sealed_at")
        ),
    );
    tamper(&format!(
        "WITH list AS (
             SELECT uuid_send(e.audit_id) || {of_line} AS digests FROM audit_events e
             WHERE e.tenant_id = {tenant} AND e.audit_id = '{line}'
         ), made AS (
             SELECT h.segment + 1 AS segment, h.before_id, h.settled, encode(sha256(digests), 'hex') AS digests_hash,
                 h.hash AS previous, h.sealed_at, digests
             FROM audit_seals h, list WHERE h.tenant_id = {tenant} ORDER BY h.segment DESC LIMIT 1
         ), seal AS (
             INSERT INTO audit_seals
                 (tenant_id, segment, before_id, settled, lines, late, digests_hash, previous, hash, sealed_at)
             SELECT {tenant}, segment, before_id, settled, 0, 1, digests_hash, previous, encode({of_seal}, 'hex'), sealed_at
             FROM made
         )
         INSERT INTO audit_segments (tenant_id, segment, digests) SELECT {tenant}, segment, digests FROM made"
    ))
    .await;
    // The chain is whole; the line is none of those that it may bring.
    let found = only(&verify(&test).await);
    assert_eq!((found.line, found.what), (Some(line), What::Added));
}

// security.md 55
#[tokio::test]
async fn a_line_that_its_segment_knows_is_not_what_a_later_seal_says_of_it() {
    let test = TestDatabase::new().await;
    write(&test, test.clock.now(), 1).await;
    test.clock.advance(proof::CLOSES + TimeDelta::seconds(1));
    assert_eq!(seal(&test).await, 1);
    let line = lines(&test).await[0];
    // The list is away until the segment was looked at again, and then back.
    let of = format!("WHERE tenant_id = {} AND segment = 1", test.tenant);
    let kept = keep(&test, "audit_segments", &of).await;
    tamper(&format!(
        "UPDATE audit_segments SET digests = '' {of};
         UPDATE audit_events SET outcome = 'x' WHERE tenant_id = {} AND audit_id = '{line}'",
        test.tenant
    ))
    .await;
    test.clock.advance(proof::SETTLES);
    assert_eq!(seal(&test).await, 1);
    tamper(&format!("DELETE FROM audit_segments {of}; {kept}")).await;
    let found = only(&verify(&test).await);
    assert_eq!((found.segment, found.line, found.what), (1, Some(line), What::Altered));
}

// security.md 55
#[tokio::test]
async fn a_seal_far_ahead_and_a_list_without_a_seal_hold_nobody_up() {
    let test = sealed().await;
    let head = head(&test).await.segment;
    tamper(&format!(
        "INSERT INTO audit_segments VALUES ({}, {}, 'x')",
        test.tenant,
        head + 1
    ))
    .await;
    write(&test, test.clock.now(), 11).await;
    test.clock.advance(proof::SETTLES);
    assert!(seal(&test).await > 0, "sealing goes on");
    let found = only(&verify(&test).await);
    assert_eq!((found.segment, found.line), (head + 1, None));
    assert_eq!(found.what, What::List);
    tamper(&format!(
        "INSERT INTO audit_seals SELECT tenant_id, {}, before_id, settled, lines, late, digests_hash, previous, hash, sealed_at
             FROM audit_seals WHERE tenant_id = {} ORDER BY segment DESC LIMIT 1",
        i64::MAX,
        test.tenant
    ))
    .await;
    let report = verify(&test).await;
    assert!(report.more > 0, "those between are gone");
    assert!(report.findings.iter().any(|found| found.what == What::NoSeal));
    assert_eq!(seal(&test).await, 0, "there is no number behind it");
}

#[tokio::test]
async fn a_seal_that_is_changed_or_gone_is_found() {
    let test = sealed().await;
    let of = format!("WHERE tenant_id = {} AND segment = 2", test.tenant);
    for (column, value) in [
        ("before_id", "gen_random_uuid()"),
        ("settled", "settled + 1"),
        ("lines", "lines + 1"),
        ("late", "1"),
        ("digests_hash", "digests_hash || 'x'"),
        ("previous", "'x'"),
        ("hash", "'x'"),
        ("sealed_at", "sealed_at + interval '1 second'"),
    ] {
        let kept = keep(&test, "audit_seals", &of).await;
        tamper(&format!("UPDATE audit_seals SET {column} = {value} {of}")).await;
        let found = verify(&test).await.findings;
        assert!(
            found
                .iter()
                .any(|found| found.what == What::Seal && [2, 3].contains(&found.segment)),
            "{column}: {found:?}"
        );
        tamper(&format!("DELETE FROM audit_seals {of}; {kept}")).await;
    }
    tamper(&format!("UPDATE audit_segments SET digests = digests || '\\x00' {of}")).await;
    assert_eq!(only(&verify(&test).await).what, What::List);
    tamper(&format!("DELETE FROM audit_segments {of}")).await;
    assert_eq!(only(&verify(&test).await).what, What::List);
    tamper(&format!("DELETE FROM audit_seals {of}")).await;
    let found = verify(&test).await.findings;
    assert!(
        found
            .iter()
            .any(|found| (found.segment, found.what) == (2, What::NoSeal)),
        "{found:?}"
    );
}

// security.md 55
#[tokio::test]
async fn pruning_takes_whole_segments_the_oldest_first_and_the_chain_stays() {
    let test = sealed().await;
    let kept = Anchor::from(&head(&test).await);
    let all = verify(&test).await.lines;
    let owner = pool(&owner_url()).tenant(test.tenant);
    // In the middle of the third minute: the first two go.
    let begun = testkit::start();
    let before = begun + TimeDelta::seconds(150);
    let pruned = audit::forget(&owner, before, test.clock.now()).await.unwrap();
    assert!(pruned > 0 && pruned < all, "{pruned} of {all}");
    let report = proof::verify(&test.database.tenant(test.tenant), before, Some(&kept))
        .await
        .unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(report.lines, all - pruned);
    assert!(report.first > 1);
    assert_eq!(head(&test).await.segment, kept.segment, "seals stay");
    assert_eq!(audit::forget(&owner, before, test.clock.now()).await.unwrap(), 0);
    // Before their time nobody takes them away unseen.
    let early = verify(&test).await.findings;
    assert!(
        !early.is_empty() && early.iter().all(|found| found.what == What::Early),
        "{early:?}"
    );
    // Nor does anything come back.
    tamper(&format!(
        "INSERT INTO audit_events SELECT (e).* FROM (SELECT jsonb_populate_record(e, '{{\"audit_id\": \"00000000-0000-7000-8000-000000000001\"}}') AS e
             FROM audit_events e WHERE tenant_id = {} LIMIT 1) found",
        test.tenant
    ))
    .await;
    let report = proof::verify(&test.database.tenant(test.tenant), before, None)
        .await
        .unwrap();
    assert_eq!(only(&report).what, What::Added);
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
async fn a_segment_is_a_minute_or_ten_thousand_lines_at_most() {
    let test = TestDatabase::new().await;
    let id = kernel::AuditId::least(test.clock.now());
    let many = format!(
        "INSERT INTO audit_events SELECT {}, (left('{id}', 24) || lpad(to_hex(n), 12, '0'))::uuid, '{}', 'system', NULL, 'test.line',
             'done', NULL, NULL, 'worker', NULL, NULL, '{{}}' FROM generate_series(1, 12000) n",
        test.tenant,
        test.clock.now()
    );
    tamper(&many).await;
    test.clock.advance(proof::SETTLES);
    seal(&test).await;
    let sizes = test
        .lines("SELECT lines::text AS line FROM audit_seals ORDER BY segment")
        .await;
    assert_eq!(sizes[0], "10000", "{sizes:?}");
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
