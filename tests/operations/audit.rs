//! `madoguchi audit`: what a worker sealed is held against the rows, and against a seal that was kept elsewhere.

use super::{Installation, Node};
use kernel::{AuditId, TenantId};
use testkit::{admin_url, execute, url_of};

/// Lines of an insurer, so many minutes ago.
fn lines(tenant: TenantId, minutes: i64, count: u32) -> String {
    let at = chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
    let id = AuditId::least(at);
    format!(
        "INSERT INTO audit_events SELECT {tenant}, (left('{id}', 24) || lpad(to_hex(n), 12, '0'))::uuid, '{at}', 'system', NULL,
             'test.line', 'done', NULL, NULL, 'worker', NULL, NULL, '{{}}' FROM generate_series(1, {count}) n;"
    )
}

async fn tamper(installation: &Installation, statement: &str) {
    let url = url_of(&admin_url(), &installation.database);
    execute(&url, statement).await.unwrap();
}

/// Lets a worker seal until an insurer has so many seals.
async fn sealed(installation: &Installation, tenant: TenantId, seals: usize) {
    let worker = Node::start(installation.command(&["work"])).await;
    installation.until(tenant, seals, "audit_seals").await;
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn a_worker_seals_and_what_is_altered_after_is_found_by_segment_and_line() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    let said = installation.done(&["audit", "verify", "139998"]).await;
    assert!(said.contains("nothing of 139998 is sealed yet"), "{said}");
    let (done, said) = installation.run(&["audit", "anchor", "139998"], &[]).await;
    assert!(!done && said.contains("nothing of 139998 is sealed yet"), "{said}");
    assert_eq!(installation.done(&["audit", "anchor"]).await, "", "none has a seal yet");
    tamper(
        &installation,
        &format!("{} {}", lines(insurer, 600, 3), lines(TenantId::PLATFORM, 600, 3)),
    )
    .await;
    // Its segment, and the seal that settles it.
    sealed(&installation, insurer, 2).await;
    installation.until(TenantId::PLATFORM, 2, "audit_seals").await;

    let said = installation.done(&["audit", "verify", "139998"]).await;
    assert!(
        said.contains("is sealed up to") && said.contains("3 lines are as they were sealed"),
        "{said}"
    );
    let anchors = installation.done(&["audit", "anchor"]).await;
    assert!(
        anchors.contains("platform 2:") && anchors.contains("139998 2:"),
        "{anchors}"
    );
    let anchor = installation.done(&["audit", "anchor", "139998"]).await;
    let verify = ["audit", "verify", "139998", "--anchor", anchor.trim()];
    installation.done(&verify).await;
    let wrong = format!("2:{}", "0".repeat(64));
    let (done, said) = installation
        .run(&["audit", "verify", "139998", "--anchor", &wrong], &[])
        .await;
    assert!(!done && said.contains("not the one that was kept elsewhere"), "{said}");

    // Another insurer's seal, though it is a good one, tells nothing of this trail.
    let other = installation.done(&["audit", "anchor", "platform"]).await;
    for (line, words) in [
        (other.trim(), "is a seal of platform, not of 139998"),
        (&format!("nobody {wrong}"), "a code has 8 digits"),
        (&format!("000000 {wrong}"), "no insurer has this code"),
        ("", "takes a line"),
        ("139998", "takes a line"),
        ("139998 2:abc", "takes a line"),
    ] {
        let (done, said) = installation
            .run(&["audit", "verify", "139998", "--anchor", line], &[])
            .await;
        assert!(
            !done && said.contains(words) && said.contains("--anchor"),
            "{line}: {said}"
        );
        assert!(!said.contains("findings"), "nothing is held against it: {said}");
    }
    for (arguments, words) in [
        (&["audit", "verify", "000000"][..], "no insurer has this code"),
        (&["audit", "verify", "139997"], "its last digit should be 8"),
        (&["audit", "anchor", "000000"], "no insurer has this code"),
        (&["audit", "anchor", "nobody"], "a code has 8 digits"),
        (&["audit", "verify"], "<CODE>"),
    ] {
        let (done, said) = installation.run(arguments, &[]).await;
        assert!(!done && said.contains(words), "{arguments:?}: {said}");
    }
    // As it is written by hand, the code means the same.
    let by_hand = format!("１３９９９８  {wrong}");
    let (done, said) = installation
        .run(&["audit", "verify", "139998", "--anchor", &by_hand], &[])
        .await;
    assert!(!done && said.contains("not the one that was kept elsewhere"), "{said}");

    for (change, what) in [
        ("UPDATE audit_events SET outcome = 'x'", "altered"),
        ("DELETE FROM audit_events", "missing"),
    ] {
        let one =
            format!("{change} WHERE tenant_id = {insurer} AND action = 'test.line' AND right(audit_id::text, 1) = '2'");
        tamper(&installation, &one).await;
        let (done, said) = installation.run(&["audit", "verify", "139998"], &[]).await;
        assert!(
            !done && said.contains("segment 1, line ") && said.contains(what),
            "{change}: {said}"
        );
    }
    // Another insurer's is none the worse.
    let said = installation.done(&["audit", "verify", "platform"]).await;
    assert!(said.contains("lines are as they were sealed"), "{said}");
}

#[tokio::test]
async fn pruning_keeps_the_chain_and_goes_on_after_it_was_killed() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    let years = |years: i64| years * 365 * 24 * 60;
    tamper(
        &installation,
        &format!(
            "{} {} {}",
            lines(insurer, years(6), 5000),
            lines(insurer, years(6) - 10, 5000),
            lines(insurer, years(4), 10)
        ),
    )
    .await;
    let mut prune = installation.command(&["prune"]).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    prune.kill().await.unwrap();
    installation.done(&["prune"]).await;
    installation
        .until(insurer, 10, "audit_events WHERE action = 'test.line'")
        .await;
    let said = installation.done(&["audit", "verify", "139998"]).await;
    assert!(
        said.contains("segments 1 to 2 are pruned") && said.contains("10 lines are as they were sealed"),
        "{said}"
    );
}
