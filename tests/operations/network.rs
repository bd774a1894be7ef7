//! A node that PostgreSQL does not answer, or does not let write: what it says of itself, and that it ends in time.

use super::{Installation, Node};
use std::time::{Duration, Instant};
use testkit::{Client, Network, admin_url, execute, service_url, url_of};

/// The same node, by way of a network.
fn behind(installation: &Installation, network: &Network, arguments: &[&str]) -> tokio::process::Command {
    let mut command = installation.command(arguments);
    let url = network.url(&url_of(&service_url(), &installation.database));
    command
        .env("MADOGUCHI__DATABASE__URL", url)
        .env("MADOGUCHI__HTTP__DRAIN_SECONDS", "3");
    command
}

/// Asks until the answer is this one; within seconds.
async fn until_ready_says(node: &Node, status: u16, text: &str) {
    let client = Client::new(&node.url, "192.0.2.1");
    let begun = Instant::now();
    loop {
        let answer = client.get("/readyz").await;
        if (answer.status.as_u16(), answer.text.as_str()) == (status, text) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{text}: {}", answer.text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

// security.md 65
#[tokio::test]
async fn a_node_whose_database_is_silent_says_so_and_ends_in_time_when_told_to() {
    let installation = Installation::ready().await;
    let network = Network::before(&service_url()).await;
    let node = Node::start(behind(&installation, &network, &["serve"])).await;
    let worker = Node::start(behind(&installation, &network, &["work"])).await;
    until_ready_says(&node, 200, "ok").await;
    network.silence();
    until_ready_says(&node, 503, "database away").await;
    // In the middle of whatever they ask: what is under way may be at it till the drain is over.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = Instant::now();
    assert!(node.terminate().await);
    assert!(worker.terminate().await);
    assert!(told.elapsed() < Duration::from_secs(12), "{:?}", told.elapsed());
}

// security.md 65
#[tokio::test]
async fn a_database_that_takes_nothing_that_is_written_makes_a_node_unready() {
    let installation = Installation::ready().await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    until_ready_says(&node, 200, "ok").await;
    let database = &installation.database;
    let role = url::Url::parse(&service_url()).unwrap().username().to_owned();
    let set = async |setting: &str| {
        execute(&admin_url(), setting).await.unwrap();
        // It holds for those who come now.
        let close = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        execute(&admin_url(), &close).await.unwrap();
    };
    // As on a standby.
    set(&format!(
        "ALTER DATABASE \"{database}\" SET default_transaction_read_only = on"
    ))
    .await;
    until_ready_says(&node, 503, "database read-only").await;
    set(&format!(
        "ALTER DATABASE \"{database}\" RESET default_transaction_read_only"
    ))
    .await;
    until_ready_says(&node, 200, "ok").await;
    // As on a full disk: there is no room for what is new.
    set(&format!(
        "ALTER ROLE {role} IN DATABASE \"{database}\" SET temp_file_limit = 0"
    ))
    .await;
    until_ready_says(&node, 503, "database failing").await;
    set(&format!(
        "ALTER ROLE {role} IN DATABASE \"{database}\" RESET temp_file_limit"
    ))
    .await;
    until_ready_says(&node, 200, "ok").await;
    assert!(node.terminate().await);
}

#[tokio::test]
async fn a_node_told_to_end_says_so_first_and_answers_until_its_delay_is_over() {
    let installation = Installation::ready().await;
    let mut command = installation.command(&["serve", "--no-worker"]);
    command.env("MADOGUCHI__HTTP__DRAIN_DELAY_SECONDS", "3");
    let node = Node::start(command).await;
    let (kept, url) = (Client::new(&node.url, "192.0.2.1"), node.url.clone());
    assert_eq!(kept.get("/portal/").await.status, 200);
    let told = Instant::now();
    let ending = tokio::spawn(node.terminate());
    tokio::time::sleep(Duration::from_millis(500)).await;
    for client in [&kept, &Client::new(&url, "192.0.2.2")] {
        assert_eq!(client.get("/portal/").await.status, 200);
        let ready = client.get("/readyz").await;
        assert_eq!((ready.status.as_u16(), ready.text.as_str()), (503, "draining"));
    }
    assert!(ending.await.unwrap());
    let took = told.elapsed();
    assert!(
        took >= Duration::from_secs(3) && took < Duration::from_secs(10),
        "{took:?}"
    );
}
