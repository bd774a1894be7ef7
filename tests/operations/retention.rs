//! What has served its time is deleted (security.md 58): by every node, and, of what the service may only add to, by the
//! owner.

use super::{Installation, Node};
use kernel::TenantId;
use testkit::{execute, execute_within, lines_within};

async fn put(installation: &Installation, tenant: TenantId, rows: &str) {
    execute_within(&installation.owner_url(), Some(tenant), rows)
        .await
        .unwrap();
}

/// A dead job of an insurer, by the years since its death.
fn dead_job(tenant: TenantId, years: u32) -> String {
    format!(
        "INSERT INTO jobs SELECT {tenant}, gen_random_uuid(), 'forgotten_user_id', '\\x00', 8, NULL, 'x', at, at
         FROM (SELECT current_timestamp - interval '{years} years' AS at) t"
    )
}

#[tokio::test]
async fn a_node_sweeps_when_it_starts_and_forgets_what_was_typed_with_a_dead_job() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    for tenant in [insurer, TenantId::PLATFORM] {
        put(
            &installation,
            tenant,
            &format!("{}; {}", dead_job(tenant, 1), dead_job(tenant, 0)),
        )
        .await;
    }
    let worker = Node::start(installation.command(&["work"])).await;
    for tenant in [insurer, TenantId::PLATFORM] {
        installation.until(tenant, 1, "jobs").await;
    }
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn an_insurer_that_cannot_be_swept_keeps_no_other_from_it() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    put(&installation, insurer, &dead_job(insurer, 1)).await;
    put(&installation, TenantId::PLATFORM, &dead_job(TenantId::PLATFORM, 1)).await;
    // Of the platform, which comes first, nothing can be deleted.
    execute(
        &installation.owner_url(),
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER refuse BEFORE DELETE ON jobs FOR EACH ROW WHEN (OLD.tenant_id = 0) EXECUTE FUNCTION refuse()",
    )
    .await
    .unwrap();
    let worker = Node::start(installation.command(&["work"])).await;
    installation.until(insurer, 0, "jobs").await;
    installation.until(TenantId::PLATFORM, 1, "jobs").await;
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn the_trail_is_kept_for_five_years_and_the_owner_deletes_what_is_older() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    let lines = "SELECT '' AS line FROM audit_events WHERE action = 'test.line'";
    for years in [4, 6] {
        put(
            &installation,
            insurer,
            &format!(
                "INSERT INTO audit_events SELECT {insurer}, gen_random_uuid(), current_timestamp - interval '{years} years',
                 'system', NULL, 'test.line', 'done', NULL, NULL, 'command', NULL, NULL, '{{}}';
                 INSERT INTO events SELECT {insurer}, gen_random_uuid(), 'test', gen_random_uuid(), '{{}}',
                 current_timestamp - interval '{years} years'"
            ),
        )
        .await;
    }
    let said = installation.done(&["prune"]).await;
    assert!(
        said.contains("deleted 1 lines of the audit trail and 1 events"),
        "{said}"
    );
    let url = installation.owner_url();
    assert_eq!(lines_within(&url, Some(insurer), lines).await.len(), 1);
    assert_eq!(
        lines_within(&url, Some(insurer), "SELECT '' AS line FROM events WHERE kind = 'test'")
            .await
            .len(),
        1
    );
    let (done, said) = installation
        .run(&["prune"], &[("MADOGUCHI__RETENTION__AUDIT_DAYS", "365")])
        .await;
    assert!(!done && said.contains("retention.audit_days"), "{said}");
}
