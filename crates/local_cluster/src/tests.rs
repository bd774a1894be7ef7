//! A real server each: they take seconds, so each states several things.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A folder that the server's user can enter.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn options(folder: &Path) -> ClusterOptions {
    ClusterOptions {
        folder: folder.to_owned(),
        durable: false,
        connections: 20,
        keeps_statements: false,
    }
}

#[test]
fn a_cluster_keeps_its_data_over_restart_stop_and_kill() {
    let folder = open_folder();
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    cluster
        .sql(
            DATABASE,
            "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('窓口')",
        )
        .unwrap();
    let (url, port) = (cluster.service_url(DATABASE), cluster.port());
    cluster.restart().unwrap();
    assert_eq!(
        (cluster.service_url(DATABASE), cluster.port()),
        (url, port),
        "clients find it again"
    );
    assert_eq!(cluster.sql(DATABASE, "TABLE kept").unwrap(), "窓口\n");

    // A second program must not stop the first one's server.
    assert!(matches!(
        LocalCluster::start(&options(folder.path())),
        Err(ClusterError::InUse { .. })
    ));
    cluster.stop().unwrap();

    // Killed with its server running: the next start ends it and begins anew.
    let mut killed = LocalCluster::start(&options(folder.path())).unwrap();
    killed.stopped = true;
    drop(killed);
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    assert_eq!(cluster.sql(DATABASE, "TABLE kept").unwrap(), "窓口\n");

    // A power cut, after which the server's id belongs to somebody else.
    let pid_file = cluster.home.data().join("postmaster.pid");
    cluster.stop().unwrap();
    std::fs::write(&pid_file, format!("{}\nnowhere\n", std::process::id())).unwrap();
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    assert_eq!(cluster.sql(DATABASE, "TABLE kept").unwrap(), "窓口\n");
}

#[test]
fn the_service_owns_nothing_and_nobody_but_the_superuser_escapes_row_level_security() {
    let folder = open_folder();
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    let psql = |url: String, sql: &str| {
        run(
            Command::new(cluster.binaries().program("psql")).args(["-XAtc", sql, &url]),
            None,
        )
    };

    let rights =
        "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user";
    assert_eq!(psql(cluster.owner_url(DATABASE), rights).unwrap(), "f\n");
    assert_eq!(psql(cluster.service_url(DATABASE), rights).unwrap(), "f\n");
    assert_eq!(
        psql(cluster.owner_url(DATABASE), "CREATE TABLE mine (id int)").unwrap(),
        "CREATE TABLE\n"
    );
    assert!(psql(cluster.service_url(DATABASE), "TABLE mine").is_err());
    assert!(psql(cluster.service_url(DATABASE), "CREATE TABLE yours (id int)").is_err());

    let stranger = cluster
        .service_url(DATABASE)
        .replace(&cluster.passwords.service, "wrong");
    assert!(
        psql(stranger, "SELECT 1").is_err(),
        "loopback is shared with other users of the machine"
    );

    cluster.create_database("copy \"1\"", Some(DATABASE)).unwrap();
    assert_eq!(
        cluster.sql("copy%20%221%22", "SELECT count(*) FROM mine").unwrap(),
        "0\n"
    );
    cluster.drop_database("copy \"1\"").unwrap();
    assert_eq!(
        cluster
            .sql(DATABASE, "SHOW timezone; SHOW server_encoding; SHOW fsync")
            .unwrap(),
        "UTC\nUTF8\noff\n"
    );
}

#[test]
fn statements_are_kept_without_their_values_where_that_is_wanted() {
    let folder = open_folder();
    let mut options = options(folder.path());
    options.keeps_statements = true;
    let cluster = LocalCluster::start(&options).unwrap();
    cluster
        .sql(
            DATABASE,
            "CREATE EXTENSION pg_stat_statements; BEGIN; SELECT 4711; COMMIT",
        )
        .unwrap();
    let kept = cluster.sql(DATABASE, "SELECT query FROM pg_stat_statements").unwrap();
    assert!(kept.lines().any(|sql| sql == "SELECT $1"), "{kept}");
    assert!(!kept.contains("4711") && !kept.contains("COMMIT"), "{kept}");
    cluster.stop().unwrap();
    options.keeps_statements = false;
    let cluster = LocalCluster::start(&options).unwrap();
    assert_eq!(cluster.sql(DATABASE, "SHOW shared_preload_libraries").unwrap(), "\n");
}

#[test]
fn a_half_made_cluster_is_made_anew() {
    let folder = open_folder();
    let (home, lock) = Home::open(folder.path()).unwrap();
    std::fs::create_dir(home.join("data.making")).unwrap();
    std::fs::write(home.join("data.making/PG_VERSION"), "15").unwrap();
    drop(lock);
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    assert_eq!(cluster.sql("postgres", "SELECT 1").unwrap(), "1\n");
}

#[test]
fn a_folder_closed_to_the_servers_user_is_replaced_by_one_that_is_found_again() {
    let folder = tempfile::tempdir().unwrap(); // mode 0700
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    cluster.sql(DATABASE, "CREATE TABLE kept (id int)").unwrap();
    cluster.stop().unwrap();
    let cluster = LocalCluster::start(&options(folder.path())).unwrap();
    assert_eq!(cluster.sql(DATABASE, "SELECT count(*) FROM kept").unwrap(), "0\n");
    let home = cluster.home.path().to_owned();
    cluster.stop().unwrap();
    std::fs::remove_dir_all(home).unwrap();
}
