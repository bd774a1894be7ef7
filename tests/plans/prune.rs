//! What the owner deletes because its time is over.

use chrono::TimeDelta;
use database::Database;
use local_cluster::{DATABASE, LocalCluster};
use testkit::TestApp;

/// What the owner prunes, and as whom here.
pub(super) const PRUNED: [&str; 4] = ["audit_events", "audit_subjects", "events", "roster_changes"];
pub(super) const PRUNER: &str = "pruner";
/// Lines of each that are old, in each round.
const OLD: usize = 20;

/// Connections of a role that may what the owner may, so that nothing else the tests do as the owner is looked at.
pub(super) fn pruner(cluster: &LocalCluster) -> Database {
    let mut url = url::Url::parse(&cluster.owner_url(DATABASE)).unwrap();
    let grant = format!(
        "DROP ROLE IF EXISTS {PRUNER}; CREATE ROLE {PRUNER} LOGIN PASSWORD '{}' IN ROLE {}",
        url.password().unwrap(),
        url.username()
    );
    cluster.sql("postgres", &grant).unwrap();
    url.set_username(PRUNER).unwrap();
    testkit::pool(url.as_str())
}

/// What the owner deletes every day, at the large insurer.
pub(super) async fn prune(app: &TestApp, pruner: &Database) {
    let (tenant, before) = (pruner.tenant(app.tenant()), app.clock().now() - TimeDelta::days(1830));
    assert_eq!(audit::forget(&tenant, before, app.clock().now()).await.unwrap(), OLD);
    assert_eq!(jobs::forget(&tenant, before).await.unwrap(), OLD);
    assert_eq!(roster::changes::forget(&tenant, before).await.unwrap(), OLD);
}

/// Lines that have served their time.
pub(super) fn old_lines(tenant: i32) -> String {
    let id = "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid";
    // Each round's are sealed anew: what is older than a seal was added.
    format!(
        "DELETE FROM audit_segments WHERE tenant_id = {tenant}; DELETE FROM audit_seals WHERE tenant_id = {tenant};
         INSERT INTO audit_events SELECT {tenant}, {id}, '2019-01-01', 'system', NULL, 'test.line', 'done', NULL, NULL,
             'command', NULL, NULL, '{{}}' FROM generate_series(1, {OLD}) n;
         INSERT INTO audit_subjects SELECT {tenant}, {id}, {id}, '2019-01-01' FROM generate_series(1, {OLD}) n;
         INSERT INTO events SELECT {tenant}, {id}, 'test', {id}, '{{}}', '2019-01-01' FROM generate_series(1, {OLD}) n;
         INSERT INTO roster_changes SELECT {tenant}, -n, {id}, {id}, 'new', '{{}}', '2019-01-01'
             FROM generate_series(1, {OLD}) n"
    )
}
