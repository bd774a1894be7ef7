//! Seals that are altered, made, or gone: from the middle of the chain, from its end, or with all that follows.

use super::{
    Anchor, What, against, digest, head, keep, lines, only, proof, seal, sealed, tamper, tampered, until, verify, write,
};
use chrono::TimeDelta;

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
async fn a_seal_that_is_made_to_fit_itself_does_not_fit_the_next() {
    let test = sealed().await;
    let fitting = digest(
        "seal",
        &format!(
            "{}::text, segment::text, before_id::text, settled::text, lines::text, late::text, digests_hash, previous,
             to_char(sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
            test.tenant
        ),
    );
    let of = format!("WHERE tenant_id = {} AND segment = 2", test.tenant);
    tamper(&format!(
        "UPDATE audit_seals SET sealed_at = sealed_at + interval '1 day' {of};
         UPDATE audit_seals SET hash = encode({fitting}, 'hex') {of}"
    ))
    .await;
    let found = only(&verify(&test).await);
    assert_eq!((found.segment, found.line, found.what), (3, None, What::Seal));
}

// security.md 55
#[tokio::test]
async fn a_seal_changed_with_all_after_it_is_found_by_any_of_them_that_was_kept_elsewhere() {
    let test = sealed().await;
    let (last, tenant) = (Anchor::from(&head(&test).await), test.tenant);
    let seals = test
        .lines("SELECT segment || ':' || hash AS line FROM audit_seals ORDER BY segment")
        .await;
    // The third segment's second line is altered, and all is sealed anew from there on.
    let line = lines(&test).await[4];
    let own = format!("WHERE tenant_id = {tenant} AND segment >= 3");
    tamper(&format!(
        "UPDATE audit_events SET outcome = 'x' WHERE tenant_id = {tenant} AND audit_id = '{line}';
         DELETE FROM audit_seals {own}; DELETE FROM audit_segments {own}"
    ))
    .await;
    test.clock.advance(TimeDelta::seconds(1));
    seal(&test).await;
    let report = verify(&test).await;
    assert!(report.findings.is_empty(), "the chain fits itself: {report:?}");
    assert_eq!(report.head.unwrap().segment, last.segment);
    for kept in &seals {
        let (_, kept) = Anchor::parse(kept).unwrap();
        let found = against(&test, tenant, Some(&kept)).await.findings;
        if kept.segment < 3 {
            assert!(found.is_empty(), "{found:?}");
        } else {
            assert_eq!(
                (found[0].segment, found[0].what, found.len()),
                (kept.segment, What::Anchor, 1)
            );
        }
    }
}

// security.md 55
#[tokio::test]
async fn without_its_last_segments_the_trail_is_sealed_up_to_before_and_the_seal_kept_elsewhere_tells() {
    let test = sealed().await;
    let (kept, tenant) = (Anchor::from(&head(&test).await), test.tenant);
    let sealed_until = until(&verify(&test).await);
    // The last one is empty: it settles those before it.
    let from = kept.segment - 1;
    let own = format!("WHERE tenant_id = {tenant} AND segment >= {from}");
    let last = lines(&test).await.pop().unwrap();
    tamper(&format!(
        "DELETE FROM audit_events WHERE tenant_id = {tenant} AND audit_id >= '{last}';
         DELETE FROM audit_seals {own}; DELETE FROM audit_segments {own}"
    ))
    .await;
    let report = verify(&test).await;
    assert!(
        report.findings.is_empty() && until(&report) < sealed_until,
        "{report:?}"
    );
    let found = only(&against(&test, tenant, Some(&kept)).await);
    assert_eq!((found.segment, found.what), (kept.segment, What::NoSeal));
    // Nor does it help to seal what is left, and what comes, up to that number.
    for number in 20..24 {
        write(&test, test.clock.now(), number).await;
        test.clock.advance(TimeDelta::minutes(2));
    }
    test.clock.advance(proof::SETTLES);
    seal(&test).await;
    let found = only(&against(&test, tenant, Some(&kept)).await);
    assert_eq!((found.segment, found.what), (kept.segment, What::Anchor));
}

// security.md 55
#[tokio::test]
async fn a_chain_that_is_mended_in_itself_is_found_by_the_seal_that_was_kept_elsewhere() {
    let test = sealed().await;
    let kept = Anchor::from(&head(&test).await);
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

#[test]
fn a_kept_line_says_whose_seal_it_is_and_its_end_alone_does_not() {
    let hash = "aF".repeat(32);
    let kept = Anchor {
        segment: 57,
        hash: hash.to_lowercase(),
    };
    let seal = format!("57:{hash}");
    for (line, whose) in [
        (seal.clone(), None),
        (format!(" {seal}\n"), None),
        (format!("139998 {seal}"), Some("139998")),
        (format!("platform\t{seal} "), Some("platform")),
        (format!("2026-11-26 139998  {seal}"), Some("2026-11-26 139998")),
    ] {
        assert_eq!(Anchor::parse(&line), Some((whose, kept.clone())), "{line}");
    }
    let hash = "a".repeat(64);
    for wrong in [
        "",
        " ",
        "57",
        "57:abc",
        "0:",
        &format!("x:{hash}"),
        &format!("-1:{hash}"),
        &format!("0:{hash}"),
        &format!("9223372036854775808:{hash}"),
        &format!("57:{hash}0"),
        &format!("57:{}", "あ".repeat(64)),
        &format!("57:{hash} 139998"),
    ] {
        assert_eq!(Anchor::parse(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn no_seal_has_a_number_that_no_sealer_gives() {
    let test = sealed().await;
    let of = format!("WHERE tenant_id = {} AND segment = 2", test.tenant);
    for change in [
        "UPDATE audit_seals SET segment = 0",
        "UPDATE audit_seals SET segment = -1",
        "UPDATE audit_seals SET settled = -1",
        "UPDATE audit_seals SET settled = 3",
        "UPDATE audit_seals SET lines = -1",
        "UPDATE audit_seals SET late = -1",
        "UPDATE audit_segments SET segment = 0",
    ] {
        let refused = tampered(&format!("{change} {of}")).await.unwrap_err();
        assert!(refused.contains("_check"), "{change}: {refused}");
    }
    let channel = format!(
        "UPDATE audit_events SET channel = 'window' WHERE tenant_id = {}",
        test.tenant
    );
    assert!(
        tampered(&channel)
            .await
            .unwrap_err()
            .contains("audit_events_channel_check")
    );
}
