//! Webhooks by real processes: killed in the middle of sending, and by TLS.

use super::{Installation, Node, tls::Certificates};
use crate::webhooks::receiver::{Answer, Receiver};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use testkit::Client;
use tokio::process::Command;

/// A node whose webhooks may go to loopback.
fn allowed(installation: &Installation, arguments: &[&str]) -> Command {
    let mut command = installation.command(arguments);
    command
        .env("MADOGUCHI__WEBHOOKS__ALLOW_HTTP", "true")
        .env("MADOGUCHI__WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8,::1/128");
    command
}

/// A worker that trusts these authorities.
async fn worker(installation: &Installation, authority: Option<&Path>) -> Node {
    let mut command = allowed(installation, &["work"]);
    if let Some(authority) = authority {
        command.env("SSL_CERT_FILE", authority);
    }
    Node::start(command).await
}

/// A program at a node, with its token.
struct Program {
    client: Client,
    token: String,
}

impl Program {
    async fn new(installation: &Installation, node: &Node) -> Self {
        let arguments = [
            "client",
            "create",
            "139998",
            "--name",
            "基幹システム",
            "--contact",
            "system@example.jp",
            "--scope",
            "webhooks.manage",
            "--json",
        ];
        let said = installation.done(&arguments).await;
        let made: Value = serde_json::from_str(said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
        let client = Client::new(&node.url, "192.0.2.1");
        let request = client.request(Method::POST, "/api/v1/oauth/token").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", made["client_id"].as_str().unwrap()),
            ("client_secret", made["client_secret"].as_str().unwrap()),
        ]);
        let token = client.send(request).await.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { client, token }
    }

    async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.client.call(method, path, Some(&self.token), body).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json()
    }

    /// An endpoint at this URL that a test is sent to.
    async fn tries(&self, url: &str) -> String {
        let body = json!({ "url": url, "events": ["import.finished"] });
        let made = self.api(Method::POST, "/webhooks", Some(body)).await;
        let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
        self.api(Method::POST, &format!("{path}/test"), None).await;
        path
    }

    /// What became of its only delivery, once something has.
    async fn told(&self, path: &str) -> Value {
        for _ in 0..400 {
            let listed = self.api(Method::GET, &format!("{path}/deliveries"), None).await;
            let delivery = listed["deliveries"][0].clone();
            if delivery["tries"].as_i64().unwrap() > 0 {
                return delivery;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("nothing became of it");
    }
}

#[tokio::test]
async fn a_worker_killed_while_a_webhook_is_on_its_way_leaves_it_to_another_which_sends_it_under_the_same_id() {
    let installation = Installation::ready().await;
    let node = Node::start(allowed(&installation, &["serve", "--no-worker"])).await;
    let program = Program::new(&installation, &node).await;
    let receiver = Receiver::start(Answer::Hang).await;
    let path = program.tries(&receiver.url()).await;
    let first = worker(&installation, None).await;
    receiver.has(1).await;
    first.kill().await;
    receiver.then(Answer::Status(204));
    // Its lease runs out within seconds.
    let second = worker(&installation, None).await;
    let taken = receiver.has(2).await;
    assert_eq!((taken[0].id(), &taken[0].text), (taken[1].id(), &taken[1].text));
    assert_eq!(program.told(&path).await["state"], "delivered");
    assert!(second.terminate().await);
}

// security.md 62
#[tokio::test]
async fn a_receiver_is_known_by_a_certificate_of_an_authority_that_the_system_trusts_and_of_its_name() {
    let installation = Installation::ready().await;
    let node = Node::start(allowed(&installation, &["serve", "--no-worker"])).await;
    let program = Program::new(&installation, &node).await;
    let certificates = Certificates::new();
    let receiver = Receiver::by_tls(Answer::Status(204), &certificates.certificate, &certificates.key).await;
    let port = receiver.address.port();
    for (host, authority, expected) in [
        ("127.0.0.1", &certificates, "delivered"),
        ("localhost", &certificates, "delivered"),
        // Of another name, and by another authority.
        ("127.0.0.2", &certificates, "waiting"),
        ("127.0.0.1", &Certificates::new(), "waiting"),
    ] {
        let url = format!("https://{host}:{port}/{expected}/{}", authority.authority().display());
        let path = program.tries(&url).await;
        let worker = worker(&installation, Some(&authority.authority())).await;
        let delivery = program.told(&path).await;
        assert_eq!(delivery["state"], expected, "{host}: {delivery}");
        assert!(worker.terminate().await);
    }
    assert_eq!(receiver.taken().len(), 2);
}
