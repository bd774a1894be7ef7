//! Whole segments that are pruned, and what else is taken away where that was done, or while it is.

use super::{Anchor, What, head, lines, many, only, proof, seal, sealed, tamper, until, unwritten, verify};
use chrono::{DateTime, TimeDelta, Utc};
use database::TenantDatabase;
use testkit::{TestDatabase, owner_url, pool};

/// As the owner, who prunes.
fn owner(test: &TestDatabase) -> TenantDatabase {
    pool(&owner_url()).tenant(test.tenant)
}

async fn kept_since(test: &TestDatabase, since: DateTime<Utc>) -> proof::Report {
    proof::verify(&test.database.tenant(test.tenant), since, None)
        .await
        .unwrap()
}

// security.md 55
#[tokio::test]
async fn pruning_takes_whole_segments_the_oldest_first_and_the_chain_stays() {
    let test = sealed().await;
    let kept = Anchor::from(&head(&test).await);
    let all = verify(&test).await.lines;
    // In the middle of the third minute: the first two go.
    let begun = testkit::start();
    let before = begun + TimeDelta::seconds(150);
    let pruned = audit::forget(&owner(&test), before, test.clock.now()).await.unwrap();
    assert!(pruned > 0 && pruned < all, "{pruned} of {all}");
    let report = proof::verify(&test.database.tenant(test.tenant), before, Some(&kept))
        .await
        .unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(report.lines, all - pruned);
    assert!(report.first > 1);
    assert_eq!(head(&test).await.segment, kept.segment, "seals stay");
    assert_eq!(audit::forget(&owner(&test), before, test.clock.now()).await.unwrap(), 0);
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

// security.md 55
#[tokio::test]
async fn after_pruning_neither_a_seal_nor_the_first_segment_goes_unseen() {
    let test = sealed().await;
    let before = testkit::start() + TimeDelta::seconds(150);
    audit::forget(&owner(&test), before, test.clock.now()).await.unwrap();
    let pruned = kept_since(&test, before).await;
    assert!(pruned.findings.is_empty() && pruned.first > 1, "{pruned:?}");
    let (tenant, first) = (test.tenant, pruned.first);
    // The first segment that is left, as if it had been pruned.
    let own = format!("WHERE tenant_id = {tenant} AND segment = {first}");
    tamper(&format!(
        "DELETE FROM audit_subjects WHERE tenant_id = {tenant} AND audit_id < (SELECT before_id FROM audit_seals {own});
         DELETE FROM audit_events WHERE tenant_id = {tenant} AND audit_id < (SELECT before_id FROM audit_seals {own});
         DELETE FROM audit_segments {own}"
    ))
    .await;
    let report = kept_since(&test, before).await;
    let found = only(&report);
    assert_eq!((found.segment, found.line, found.what), (first, None, What::Early));
    assert_eq!(until(&report), until(&pruned));
    // A seal of those that were pruned, and then all of them.
    tamper(&format!(
        "DELETE FROM audit_seals WHERE tenant_id = {tenant} AND segment = 1"
    ))
    .await;
    let found = kept_since(&test, before).await.findings;
    assert_eq!((found[0].segment, found[0].what), (1, What::NoSeal));
    tamper(&format!(
        "DELETE FROM audit_seals WHERE tenant_id = {tenant} AND segment <= {first}"
    ))
    .await;
    let found = kept_since(&test, before).await.findings;
    let gone: Vec<i64> = found
        .iter()
        .filter(|found| found.what == What::NoSeal)
        .map(|found| found.segment)
        .collect();
    assert_eq!(gone, (1..=first).collect::<Vec<_>>(), "{found:?}");
}

/// Ten thousand lines in each of three minutes, and one of a day that is kept.
async fn crowded() -> (TestDatabase, DateTime<Utc>) {
    let test = unwritten().await;
    let begun = test.clock.now();
    for minutes in [0, 5, 10] {
        tamper(&many(&test, begun + TimeDelta::minutes(minutes), 10_000)).await;
    }
    let kept = begun + TimeDelta::days(1);
    tamper(&many(&test, kept, 1)).await;
    test.clock.advance(TimeDelta::days(2));
    (test, kept)
}

// security.md 55
#[tokio::test(flavor = "multi_thread")]
async fn what_is_pruned_while_it_is_verified_is_not_called_forged() {
    let (test, kept) = crowded().await;
    seal(&test).await;
    let database = test.database.tenant(test.tenant);
    let owner = owner(&test);
    let verifying = async {
        loop {
            let report = proof::verify(&database, kept, None).await.unwrap();
            assert!(
                report.findings.is_empty() && report.more == 0,
                "{:?}",
                report.findings.first()
            );
            if report.lines == 1 {
                return report;
            }
        }
    };
    let (report, pruned) = tokio::join!(verifying, audit::forget(&owner, kept, test.clock.now()));
    assert_eq!(pruned.unwrap(), 30_000);
    assert!(until(&report) > kept && report.first > 3, "{report:?}");
}

// security.md 55
#[tokio::test(flavor = "multi_thread")]
async fn whoever_seals_while_others_prune_makes_one_chain_of_what_is_left() {
    let (test, kept) = crowded().await;
    let (one, other) = (owner(&test), owner(&test));
    let now = test.clock.now();
    let prune = async |owner: &TenantDatabase| audit::forget(owner, kept, now).await.unwrap();
    let (first, second, ..) = tokio::join!(prune(&one), prune(&other), seal(&test), seal(&test));
    // Whoever found that a segment was not settled yet left it to the next day.
    let third = prune(&one).await;
    assert_eq!(first + second + third, 30_000, "each line once");
    seal(&test).await;
    let report = kept_since(&test, kept).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!((report.lines, lines(&test).await.len()), (1, 1));
    assert!(until(&report) > kept && report.late.is_empty());
}
