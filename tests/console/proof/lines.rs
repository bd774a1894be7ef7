//! Lines that are altered, taken away, added, swapped, or came late.

use super::{What, digest, keep, lines, lines_number, only, proof, seal, sealed, tamper, until, verify, write};
use chrono::TimeDelta;
use testkit::TestDatabase;
use uuid::Uuid;

// security.md 55
#[tokio::test]
async fn every_column_that_is_altered_is_found_by_its_line() {
    let test = sealed().await;
    let sealed_until = until(&verify(&test).await);
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
            "channel" => "'portal'",
            "actor_id" | "object_id" | "request_id" => "gen_random_uuid()",
            "detail" => "detail || '{\"number\": 1.0}'",
            _ => "'another'",
        };
        let whole = format!("WHERE tenant_id = {} AND audit_id = '{line}'", test.tenant);
        let kept = keep(&test, "audit_events", &whole).await;
        tamper(&format!("UPDATE audit_events SET {column} = {other} {whole}")).await;
        let report = verify(&test).await;
        let finding = only(&report);
        assert_eq!((finding.line, finding.what), (Some(line), What::Altered), "{column}");
        assert_eq!(until(&report), sealed_until, "{column}");
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
async fn two_lines_that_are_swapped_are_both_found() {
    let test = sealed().await;
    let [_, one, .., other, _] = lines(&test).await[..] else {
        panic!()
    };
    let of = |line: Uuid| format!("WHERE tenant_id = {} AND audit_id = '{line}'", test.tenant);
    let (first, second) = (
        keep(&test, "audit_events", &of(one)).await,
        keep(&test, "audit_events", &of(other)).await,
    );
    let [into, back] = [(&first, one, other), (&second, other, one)]
        .map(|(kept, own, others)| kept.replace(&own.to_string(), &others.to_string()));
    tamper(&format!(
        "DELETE FROM audit_events {}; DELETE FROM audit_events {}; {into}; {back}",
        of(one),
        of(other)
    ))
    .await;
    let report = verify(&test).await;
    let found: Vec<_> = report.findings.iter().map(|found| (found.line, found.what)).collect();
    assert_eq!(found, [(Some(one), What::Altered), (Some(other), What::Altered)]);
    assert_ne!(report.findings[0].segment, report.findings[1].segment);
    let of_both = format!(
        "DELETE FROM audit_events {}; DELETE FROM audit_events {}; {first}; {second}",
        of(one),
        of(other)
    );
    tamper(&of_both).await;
    assert!(verify(&test).await.findings.is_empty());
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
