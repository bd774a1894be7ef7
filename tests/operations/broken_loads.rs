//! Loads and sweeps of deliveries broken off by a kill or by the database: nothing of them is seen, and the next is whole.

use super::{
    Installation, Node,
    kills::{delivered, killed_at, locked, until_somebody_waits},
    statements::{ago, rows},
};
use testkit::{execute, execute_within, lines_within};

impl Installation {
    async fn rows_of(&self, delivery: u32) -> usize {
        let query = format!("SELECT '' AS line FROM cost_rows WHERE delivery = {delivery}");
        lines_within(&self.owner_url(), Some(self.insurer().await), &query)
            .await
            .len()
    }

    async fn change(&self, statements: &str) {
        let tenant = self.insurer().await;
        execute_within(&self.owner_url(), Some(tenant), statements)
            .await
            .unwrap();
    }

    /// Imports, which is refused while the load before still holds its lease, and taken once that has lapsed.
    async fn import_after_the_lease(&self, import: &str) {
        let (success, said) = self.statements(import).await;
        assert!(!success && said.contains("ほかで進んでいます"), "{said}");
        self.change("UPDATE statement_deliveries SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL")
            .await;
        let (success, said) = self.statements(import).await;
        assert!(success, "{said}");
    }
}

const IMPORT: &str = "import 139998 costs.csv --kind costs --label LABEL";

#[tokio::test]
async fn a_load_killed_between_its_last_rows_and_its_end_is_never_shown_and_the_next_is_whole() {
    let installation = delivered().await;
    assert!(installation.statements(IMPORT).await.0);
    assert!(installation.statements("publish 139998 costs LABEL").await.0);
    installation.file("costs.csv", &rows(0..10, 2_000));
    let label = ago(1);
    let import = ["import", "139998", "costs.csv", "--kind", "costs", "--label", &label];
    // The first head is what a load's end waits for, and nothing before it.
    let lock = "SELECT FROM statement_deliveries WHERE delivery = 1 FOR UPDATE";
    killed_at(&installation, lock, &import).await;
    assert_eq!(installation.states().await, ["1 published", "2 loading"]);
    assert_eq!(installation.rows_of(2).await, 10, "all of its rows are there");
    let (success, said) = installation.statements("publish 139998 costs LABEL --version 2").await;
    assert!(!success, "{said}");
    installation.import_after_the_lease(IMPORT).await;
    assert_eq!(installation.states().await, ["1 published", "2 refused", "3 ready"]);
    let (success, said) = installation.statements("publish 139998 costs LABEL").await;
    assert!(
        success && said.contains("version 3, 10 rows; version 1 replaced"),
        "{said}"
    );
}

#[tokio::test]
async fn a_purge_that_is_killed_is_ended_by_the_next_sweep() {
    let installation = delivered().await;
    for total in [1_000, 2_000] {
        installation.file("costs.csv", &rows(0..10, total));
        assert!(installation.statements(IMPORT).await.0);
        assert!(installation.statements("publish 139998 costs LABEL").await.0);
    }
    installation
        .change("UPDATE statement_deliveries SET ended_at = ended_at - interval '8 days' WHERE ended_at IS NOT NULL")
        .await;
    let lock = locked(&installation, "LOCK TABLE cost_rows IN SHARE MODE").await;
    let node = Node::start(installation.command(&["work"])).await;
    until_somebody_waits(&installation).await;
    node.kill().await;
    drop(lock);
    assert_eq!((installation.rows_of(1).await, installation.rows_of(2).await), (10, 10));
    assert_eq!(installation.states().await, ["1 replaced", "2 published"]);
    let node = Node::start(installation.command(&["work"])).await;
    let tenant = installation.insurer().await;
    installation.until(tenant, 0, "cost_rows WHERE delivery = 1").await;
    assert!(node.terminate().await);
    assert_eq!(installation.rows_of(2).await, 10);
    let (success, said) = installation.statements("publish 139998 costs LABEL --version 1").await;
    assert!(!success, "what was purged is not published: {said}");
}

#[tokio::test]
async fn a_statement_that_fails_half_way_leaves_nothing_to_be_seen_and_the_next_load_is_whole() {
    let installation = delivered().await;
    installation.file("costs.csv", &rows(0..12_000, 1_000));
    // As a full disk does, in the second transaction.
    let year = ago(3)[..4].to_owned();
    let fail = format!(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON cost_rows_{year} FOR EACH ROW WHEN (NEW.line > 11000) EXECUTE FUNCTION fail()"
    );
    execute(&installation.owner_url(), &fail).await.unwrap();
    let (success, said) = installation.statements(IMPORT).await;
    assert!(!success && !said.contains("panicked"), "{said}");
    assert_eq!(installation.states().await, ["1 loading"]);
    assert_eq!(installation.rows_of(1).await, 10_000, "whole transactions alone");
    let (success, said) = installation.statements("publish 139998 costs LABEL").await;
    assert!(!success, "{said}");
    let mend = format!("DROP TRIGGER fail ON cost_rows_{year}; DROP FUNCTION fail()");
    execute(&installation.owner_url(), &mend).await.unwrap();
    installation.import_after_the_lease(IMPORT).await;
    assert_eq!(installation.states().await, ["1 refused", "2 ready"]);
    assert_eq!(installation.rows_of(2).await, 12_000);
}
