//! PostgreSQL restarted under a load.

use super::{
    Deliveries, Desk, Kind, loaded,
    loads::{long, stopped_halfway},
    refused, wish,
};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use local_cluster::{ClusterOptions, DATABASE, LocalCluster};
use statements::{delivery::State, import::ImportError, reasons::ImportRefused};
use std::time::Duration;
use testkit::{TestApp, TestPerson, execute_within, lines};
use tokio::time::sleep;

fn cluster() -> LocalCluster {
    let options = ClusterOptions {
        folder: concat!(env!("CARGO_TARGET_TMPDIR"), "/restarted-load-cluster").into(),
        durable: false,
        connections: 40,
        keeps_statements: false,
    };
    let cluster = LocalCluster::start(&options).unwrap();
    cluster.drop_database(DATABASE).unwrap();
    cluster.create_database(DATABASE, None).unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_restarted_under_a_load_shows_nothing_of_it_and_the_next_is_whole() {
    let cluster = tokio::task::spawn_blocking(cluster).await.unwrap();
    let app = TestApp::on(&cluster.owner_url(DATABASE), &cluster.service_url(DATABASE)).await;
    let desk = Desk {
        deliveries: Deliveries::new(&app.ground),
        test: app.insurer.clone(),
    };
    let people: Vec<TestPerson> = (1..=3).map(TestPerson::new).collect();
    desk.test.import(&people).await;
    let load = stopped_halfway(&desk).await;
    // The rows to come wait in an open transaction.
    let owner = cluster.owner_url(DATABASE);
    let mut other = AsyncPgConnection::establish(&owner).await.unwrap();
    other
        .batch_execute("BEGIN; LOCK TABLE cost_rows IN SHARE MODE")
        .await
        .unwrap();
    let loading = tokio::spawn(load.go_on());
    while lines(&owner, "SELECT '' AS line FROM pg_locks WHERE NOT granted")
        .await
        .is_empty()
    {
        sleep(Duration::from_millis(20)).await;
    }
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.restart().unwrap();
        cluster
    });
    let cluster = cluster.await.unwrap();
    let broken = loading.await.unwrap();
    assert!(matches!(broken, Err(ImportError::Outage(_))), "{broken:?}");
    assert_eq!(desk.list().await[0].state, State::Loading);
    assert!(desk.shown(Kind::Costs).await.is_empty());
    let why = refused(desk.import_as(&long(), wish(Kind::Costs)).await);
    assert!(matches!(why, ImportRefused::AtWork), "{why:?}");
    let lapse = "UPDATE statement_deliveries SET leased_until = clock_timestamp() WHERE state = 'loading'";
    execute_within(&owner, Some(desk.tenant()), lapse).await.unwrap();
    let delivery = loaded(desk.import_as(&long(), wish(Kind::Costs)).await);
    assert_eq!((delivery.version, delivery.rows), (2, 12_000));
    desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!(desk.shown(Kind::Costs).await.len(), 12_000);
    drop((desk, app, cluster));
}
