//! `madoguchi distribute`, and what refuses to run without it, on a stand-in for the cluster: a plain PostgreSQL with
//! functions of Citus' names that note what they were asked (`stand_in.sql`). The real one can't be had here.

use super::{Installation, Node};
use std::{collections::BTreeMap, time::Duration};
use testkit::{Client, admin_url, execute, lines, owner_url, url_of};
use tokio::sync::Mutex;
use url::Url;

const STAND_IN: &str = include_str!("stand_in.sql");

/// A migrated installation with rows in it, on a stand-in that knows no table yet.
async fn cluster() -> Installation {
    static ONE_BY_ONE: Mutex<()> = Mutex::const_new(());
    let installation = Installation::ready().await;
    let admin = installation.admin_url();
    execute(&admin, STAND_IN).await.unwrap();
    // Where the extension is loaded, anybody may set it. Of all databases at once, so one test at a time.
    let _turn = ONE_BY_ONE.lock().await;
    let owner = Url::parse(&owner_url()).unwrap().username().to_owned();
    execute(
        &admin,
        &format!("GRANT SET ON PARAMETER citus.propagate_set_commands TO {owner}"),
    )
    .await
    .unwrap();
    installation
}

impl Installation {
    /// The superuser's address of this database.
    fn admin_url(&self) -> String {
        url_of(&admin_url(), &self.database)
    }

    async fn asked(&self) -> Vec<String> {
        lines(
            &self.admin_url(),
            "SELECT call AS line FROM asked.calls ORDER BY number",
        )
        .await
    }

    async fn comments(&self) -> BTreeMap<String, String> {
        let rows = lines(
            &self.admin_url(),
            "SELECT relname || '|' || coalesce(obj_description(oid), '') AS line FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
        )
        .await;
        let pair = |row: String| {
            row.split_once('|')
                .map(|(name, comment)| (name.to_owned(), comment.to_owned()))
        };
        rows.into_iter().filter_map(pair).collect()
    }

    /// Years that are attached to their table.
    async fn attached(&self) -> Vec<String> {
        let attached = "SELECT relname::text AS line FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1";
        lines(&self.admin_url(), attached).await
    }
}

#[tokio::test]
async fn every_table_is_distributed_once_and_its_rights_are_as_before() {
    let installation = cluster().await;
    let (before, attached) = (installation.comments().await, installation.attached().await);
    assert!(
        attached.iter().any(|year| year.starts_with("cost_rows_")),
        "{attached:?}"
    );
    let said = installation.done(&["distribute"]).await;
    let asked = installation.asked().await;

    let place = |name: &str| asked.iter().position(|call| call.starts_with(&format!("{name} ")));
    for (name, comment) in &before {
        let calls: Vec<&String> = asked
            .iter()
            .filter(|call| call.starts_with(&format!("{name} ")))
            .collect();
        let first = calls.first().map(|call| call.as_str()).unwrap_or_default();
        let (kind, _) = comment.split_once(';').unwrap_or_default();
        match (name.as_str(), kind) {
            ("__diesel_schema_migrations", _) => assert!(calls.is_empty(), "{calls:?}"),
            // They go with their whole.
            (name, _) if attached.iter().any(|year| year == name) => assert!(calls.is_empty(), "{calls:?}"),
            ("insurers" | "support_open" | "maintenances", _) => assert_eq!(first, format!("{name} everywhere")),
            ("due" | "nodes", _) => assert_eq!(calls, [&format!("{name} here")]),
            ("login_names", _) => assert!(
                first.ends_with(" beside none") && !first.contains("tenant_id"),
                "{first}"
            ),
            (name, "reference") => assert_eq!(first, format!("{name} everywhere")),
            (name, "tenant") => assert!(first.starts_with(&format!("{name} by tenant_id beside ")), "{first}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(
        place("accounts") < place("consents") && place("notices") < place("notice_reads"),
        "{asked:?}"
    );
    assert_eq!(
        asked
            .iter()
            .filter(|call| call.contains("by tenant_id beside none"))
            .count(),
        1
    );
    // Whatever lay here is emptied once nothing is left to be distributed.
    let emptied = asked.iter().position(|call| call.ends_with(" emptied here")).unwrap();
    assert!(
        asked[emptied..].iter().all(|call| call.ends_with(" emptied here")),
        "{asked:?}"
    );
    assert!(asked.contains(&"persons emptied here".to_owned()), "{asked:?}");

    assert_eq!(
        installation.comments().await,
        before,
        "due and nodes lost their comments and have them again"
    );
    let unforced = "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND obj_description(oid) LIKE 'tenant;%' AND NOT (relrowsecurity AND relforcerowsecurity AND relpersistence = 'p')";
    assert_eq!(lines(&installation.admin_url(), unforced).await, Vec::<String>::new());
    assert!(said.contains("create_distributed_table"), "{said}");

    let again = installation.done(&["distribute"]).await;
    assert!(again.contains("nothing to be done"), "{again}");
    assert_eq!(installation.asked().await, asked);
}

#[tokio::test]
async fn nodes_refuse_until_the_tables_are_distributed_and_the_setting_is_there() {
    let installation = cluster().await;
    for command in ["serve", "work"] {
        let (done, said) = installation.run(&[command], &[]).await;
        assert!(!done && said.contains("persons is not distributed"), "{said}");
        assert!(said.contains("citus.propagate_set_commands"), "{said}");
    }
    installation.done(&["distribute"]).await;
    // What stood in the tables stays with the coordinator, which this one is not.
    installation.done(&["keys", "register"]).await;
    let node = Node::start(installation.command(&["serve"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    assert_eq!(client.get("/readyz").await.status, 200);

    // A table that came by itself, while the node runs.
    let admin = installation.admin_url();
    execute(
        &admin,
        "DELETE FROM pg_dist_partition WHERE logicalrelid = 'consents'::regclass",
    )
    .await
    .unwrap();
    // Good news of a moment ago holds for a moment.
    let mut answer = client.get("/readyz").await;
    for _ in 0..10 {
        if answer.status == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        answer = client.get("/readyz").await;
    }
    assert_eq!(answer.status, 503);
    assert_eq!(answer.text, "not distributed");
    execute(
        &admin,
        "INSERT INTO pg_dist_partition VALUES ('consents', 'h', 'tenant_id', 1, 's')",
    )
    .await
    .unwrap();
    assert_eq!(client.get("/readyz").await.status, 200);
    assert!(node.terminate().await);

    // The tables alone are not enough.
    let reset = format!(
        "ALTER DATABASE \"{}\" RESET citus.propagate_set_commands",
        installation.database
    );
    execute(&admin, &reset).await.unwrap();
    let (done, said) = installation.run(&["work"], &[]).await;
    assert!(!done && said.contains("citus.propagate_set_commands"), "{said}");
    assert!(!said.contains("is not distributed"), "{said}");
}

#[tokio::test]
async fn a_database_that_is_no_cluster_and_a_table_of_no_kind_are_refused() {
    let installation = Installation::ready().await;
    let (done, said) = installation.run(&["distribute"], &[]).await;
    assert!(!done && said.contains("no extension citus"), "{said}");

    let installation = cluster().await;
    execute(&installation.owner_url(), "CREATE TABLE stray (id int)")
        .await
        .unwrap();
    let (done, said) = installation.run(&["distribute"], &[]).await;
    assert!(!done && said.contains("table stray is of no known kind"), "{said}");
    assert_eq!(installation.asked().await, Vec::<String>::new(), "nothing is begun");
    let (done, said) = installation.run(&["work"], &[]).await;
    assert!(!done && said.contains("stray is not distributed"), "{said}");
    execute(&installation.owner_url(), "DROP TABLE stray").await.unwrap();

    // Halfway through something is in the way; once it is gone, the next run goes on.
    execute(&installation.admin_url(), "ALTER FUNCTION asked.note RENAME TO away")
        .await
        .unwrap();
    let (done, said) = installation.run(&["distribute"], &[]).await;
    assert!(!done && said.contains("create_reference_table"), "{said}");
    execute(&installation.admin_url(), "ALTER FUNCTION asked.away RENAME TO note")
        .await
        .unwrap();
    installation.done(&["distribute"]).await;
}

#[tokio::test]
async fn a_later_tenant_table_is_distributed_where_the_cluster_is() {
    let make =
        "CREATE UNLOGGED TABLE pets (tenant_id int NOT NULL, pet_id int NOT NULL, PRIMARY KEY (tenant_id, pet_id));
        SELECT tenant_table('pets', 'pets', 'select, insert')";
    let installation = cluster().await;
    let owner = installation.owner_url();
    // The extension is there, but nothing is distributed yet: this is what `distribute` is for.
    execute(&owner, &make.replace("pet", "toy")).await.unwrap();
    assert_eq!(installation.asked().await, Vec::<String>::new());
    execute(&owner, "DROP TABLE toys").await.unwrap();

    installation.done(&["distribute"]).await;
    execute(&owner, make).await.unwrap();
    let asked = installation.asked().await;
    assert!(
        asked.last().unwrap().starts_with("pets by tenant_id beside "),
        "{asked:?}"
    );
    let forced = "SELECT relname::text AS line FROM pg_class WHERE relname = 'pets' AND relforcerowsecurity";
    assert_eq!(lines(&owner, forced).await, ["pets"]);
    let again = installation.done(&["distribute"]).await;
    assert!(again.contains("nothing to be done"), "{again}");

    // Other kinds wait for the command.
    execute(
        &owner,
        "CREATE TABLE banks (code text PRIMARY KEY); SELECT reference_table('banks', 'statements', 'select')",
    )
    .await
    .unwrap();
    installation.done(&["distribute"]).await;
    assert_eq!(installation.asked().await.last().unwrap(), "banks everywhere");
    // A year made there is distributed there, and then attached.
    let year = "SELECT tenant_year('cost_rows', 'statements', 2040); SELECT attach_year('cost_rows', 2040)";
    execute(&owner, year).await.unwrap();
    let asked = installation.asked().await;
    assert!(
        asked.last().unwrap().starts_with("cost_rows_2040 by tenant_id beside "),
        "{asked:?}"
    );
    let forced = forced.replace("pets", "cost_rows_2040");
    assert_eq!(lines(&owner, &forced).await, ["cost_rows_2040"]);
    let again = installation.done(&["distribute"]).await;
    assert!(again.contains("nothing to be done"), "{again}");
    let odd = "SELECT directory_table('banks', 'statements', 'select', 'somewhere')";
    assert!(execute(&owner, odd).await.unwrap_err().contains("somewhere"));
}
