//! What programs send, while processes are killed: an import goes on with the next worker, and a file that broke off is as if it
//! had never come.

use super::{
    Installation, Node,
    kills::{locked, until_somebody_waits},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::{Answer, Client, execute_within, lines_within};
use tokio::io::AsyncWriteExt as _;

const IMPORTS: &str = "/api/v1/roster-imports";
const DELTA: &str = "/api/v1/roster-imports?format=ndjson&mode=delta";
const PEOPLE: u32 = 500;

/// People whom the sample roster has not, a line each.
fn file() -> String {
    let line = |number: u32| {
        let person = json!({
            "symbol": "77", "number": number.to_string(), "branch": "00", "kana_name": "コクホ　タロウ",
            "birth_date": "1985-04-01", "relationship": "本人", "movement": "add",
        });
        format!("{person}\n")
    };
    (1..=PEOPLE).map(line).collect()
}

/// A program of the insurer's.
struct Program {
    node: Node,
    token: String,
}

impl Program {
    async fn new(installation: &Installation) -> Self {
        let said = installation
            .done(&[
                "client",
                "create",
                "139998",
                "--name",
                "基幹システム",
                "--contact",
                "system@example.jp",
                "--scope",
                "imports.read",
                "--scope",
                "imports.write",
                "--json",
            ])
            .await;
        let made: Value = serde_json::from_str(&said).unwrap();
        let credentials = format!(
            "{}:{}",
            made["client_id"].as_str().unwrap(),
            made["client_secret"].as_str().unwrap()
        );
        let node = serve(installation).await;
        let client = Client::new(&node.url, "192.0.2.1");
        let request = client
            .request(Method::POST, "/api/v1/oauth/token")
            .header("Authorization", format!("Basic {}", STANDARD.encode(credentials)))
            .form(&[("grant_type", "client_credentials")]);
        let issued = client.send(request).await.json();
        Self {
            node,
            token: issued["access_token"].as_str().unwrap().to_owned(),
        }
    }

    async fn send(&self, method: Method, path: &str, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Answer {
        let client = Client::new(&self.node.url, "192.0.2.1");
        let request = client.request(method, path).bearer_auth(&self.token);
        client.send(with(request)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, |request| request).await.json()
    }

    /// Sends the file under a key.
    async fn sends(&self) -> Answer {
        let answer = self.send(Method::POST, DELTA, |request| {
            request
                .header("Idempotency-Key", "night-1")
                .header("Content-Type", "application/octet-stream")
                .body(file())
        });
        let answer = answer.await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer
    }
}

async fn serve(installation: &Installation) -> Node {
    Node::start(installation.command(&["serve", "--no-worker"])).await
}

async fn work(installation: &Installation) -> Node {
    Node::start(installation.command(&["work"])).await
}

#[tokio::test]
async fn an_import_whose_workers_are_killed_while_they_compare_and_import_is_done_once_by_the_next() {
    let installation = Installation::ready().await;
    let program = Program::new(&installation).await;
    let (url, tenant) = (installation.owner_url(), installation.insurer().await);
    let before = lines_within(&url, Some(tenant), "SELECT '' AS line FROM persons")
        .await
        .len();
    let people = PEOPLE as usize;
    let begun = program.sends().await.json();
    let one = format!("{IMPORTS}/{}", begun["id"].as_str().unwrap());
    // What is read into is written while it compares, and people only when it imports.
    for table in ["roster_staging", "persons"] {
        let held = locked(&installation, &format!("LOCK TABLE {table} IN SHARE MODE")).await;
        let worker = work(&installation).await;
        until_somebody_waits(&installation).await;
        worker.kill().await;
        assert_eq!(program.get(&one).await["state"], "comparing");
        drop(held);
        installation.until(tenant, before, "persons").await;
        let over = "UPDATE due SET due_at = clock_timestamp(), leased_until = clock_timestamp() WHERE queue = 'roster'";
        execute_within(&url, Some(tenant), over).await.unwrap();
    }
    let worker = work(&installation).await;
    installation
        .until(tenant, 1, "roster_runs WHERE by_client AND state = 'finished'")
        .await;
    installation.until(tenant, 0, "upload_pieces").await;
    let done = program.get(&one).await;
    assert_eq!(
        (&done["state"], &done["difference"]["new"]),
        (&json!("finished"), &json!(PEOPLE)),
        "{done}"
    );
    installation.until(tenant, before + people, "persons").await;
    let changes = format!(
        "roster_changes WHERE kind = 'new' AND import_id = '{}'",
        begun["id"].as_str().unwrap()
    );
    installation.until(tenant, people, &changes).await;
    assert!(worker.terminate().await && program.node.terminate().await);
}

#[tokio::test]
async fn a_file_whose_node_is_killed_half_way_is_sent_again_under_its_key_and_leaves_nothing_else() {
    let installation = Installation::ready().await;
    let mut program = Program::new(&installation).await;
    let tenant = installation.insurer().await;
    let address = program.node.url.trim_start_matches("http://").to_owned();
    let whole = file();
    let (half, _) = whole.split_at(whole.len() / 2);
    let head = format!(
        "POST {DELTA} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: night-1\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n{half}",
        program.token,
        whole.len()
    );
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    installation
        .until(tenant, 1, "roster_runs WHERE by_client AND state = 'receiving'")
        .await;
    program.node.kill().await;
    program.node = serve(&installation).await;
    let imports = program.get(IMPORTS).await;
    let by: Vec<&Value> = imports["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["by"])
        .collect();
    assert_eq!(by, ["command"], "that of the sample roster");
    let begun = program.sends().await;
    assert_eq!(program.sends().await.text, begun.text);
    let worker = work(&installation).await;
    installation
        .until(tenant, 1, "roster_runs WHERE by_client AND state = 'finished'")
        .await;
    installation.until(tenant, 1, "roster_runs WHERE by_client").await;
    installation.until(tenant, 0, "upload_pieces").await;
    installation.until(tenant, 0, "uploads").await;
    assert!(worker.terminate().await && program.node.terminate().await);
}
