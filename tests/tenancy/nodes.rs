//! Insurers as running nodes see them, who ask for few of them and seldom.

use super::{Disk, apply, new_code, tenant};
use chrono::TimeDelta;
use tenancy::{Directory, InsurerState, StateChange};
use testkit::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_shows_within_the_cache_time_and_survives_a_new_revision() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    let tenant = tenant(&test, &code).await;
    let node = Directory::new(test.database.clone(), test.clock.clone());
    assert!(node.by_tenant(tenant).await.unwrap().unwrap().is_open());
    let now = test.clock.now();
    assert_eq!(
        tenancy::suspend(&test.database, now, tenant, "tests").await.unwrap(),
        StateChange::Done
    );
    assert_eq!(
        tenancy::suspend(&test.database, now, tenant, "tests").await.unwrap(),
        StateChange::AlreadySo
    );
    test.clock.advance(TimeDelta::seconds(2));
    assert_eq!(
        node.by_tenant(tenant).await.unwrap().unwrap().state,
        InsurerState::Suspended
    );
    disk.edit("#1b6e3c", "#f39800");
    apply(&test, &disk).await.unwrap();
    test.clock.advance(TimeDelta::seconds(2));
    assert_eq!(
        node.by_code(&code).await.unwrap().unwrap().state,
        InsurerState::Suspended
    );
    assert_eq!(
        tenancy::resume(&test.database, now, tenant, "tests").await.unwrap(),
        StateChange::Done
    );
    test.clock.advance(TimeDelta::seconds(2));
    assert!(node.by_code(&code).await.unwrap().unwrap().is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machines_own_time_ends_what_a_node_remembers() {
    let test = TestDatabase::new().await;
    let code = new_code();
    apply(&test, &Disk::new(&code)).await.unwrap();
    let node = Directory::new(test.database.clone(), test.clock.clone());
    let tenant = node.by_code(&code).await.unwrap().unwrap().tenant_id;
    tenancy::suspend(&test.database, test.clock.now(), tenant, "tests")
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2_200)).await;
    assert!(!node.by_code(&code).await.unwrap().unwrap().is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_is_loaded_once_until_its_revision_changes_however_long_it_is_asked_for() {
    let test = TestDatabase::new().await;
    let (code, other) = (new_code(), new_code());
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    apply(&test, &Disk::new(&other)).await.unwrap();
    let node = Directory::new(test.database.clone(), test.clock.clone());
    let ask = async || {
        let before = test.database.statements();
        for code in [&code, &other, &code] {
            node.by_code(code).await.unwrap().unwrap();
        }
        node.platform().await.unwrap();
        assert!(node.by_code(&new_code()).await.unwrap().is_none());
        test.database.statements() - before
    };
    assert_eq!(ask().await, 4, "a look, and one for each");
    for _ in 0..10 {
        test.clock.advance(TimeDelta::seconds(2));
        assert_eq!(ask().await, 1, "a look");
    }
    let tenant = tenant(&test, &code).await;
    disk.edit("#1b6e3c", "#f39800");
    apply(&test, &disk).await.unwrap();
    test.clock.advance(TimeDelta::seconds(2));
    assert_eq!(ask().await, 2, "a look, and the one that changed");
    tenancy::suspend(&test.database, test.clock.now(), tenant, "tests")
        .await
        .unwrap();
    test.clock.advance(TimeDelta::seconds(2));
    assert_eq!(ask().await, 2, "a look, and the one that changed");
    assert!(!node.by_code(&code).await.unwrap().unwrap().is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_cost_one_statement_and_an_unregistered_code_is_remembered_too() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let node = Directory::new(test.database.clone(), test.clock.clone());
    let before = test.database.statements();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (node, code) = (node.clone(), code.clone());
            tokio::spawn(async move { node.by_code(&code).await.unwrap().is_none() })
        })
        .collect();
    for answer in asked {
        assert!(answer.await.unwrap());
    }
    assert_eq!(test.database.statements() - before, 1);
}
