//! Processes killed at the worst moment: what was committed is there, and is done once more at most.

use super::{Installation, Node};
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use testkit::{Client, Fields, PASSWORD, account, execute, lines_within, unique};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// `tests/python/smtp_server.py`, which tells every mail it received.
struct Smtp {
    url: String,
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Smtp {
    async fn start() -> Self {
        let python = std::env::var("MADOGUCHI_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/smtp_server.py"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut smtp = Self {
            url: String::new(),
            _child: child,
            lines,
        };
        smtp.url = format!("smtp://127.0.0.1:{}", smtp.next().await["listening"]);
        smtp
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("a mail in time").unwrap().unwrap()).unwrap()
    }
}

fn code_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 6)
        .unwrap()
        .to_owned()
}

/// A person of the sample roster of 139998.
fn identity() -> Fields {
    Fields::new(&[
        ("insurer_code", "139998"),
        ("symbol", "10"),
        ("number", "2001"),
        ("birth_year", "1968"),
        ("birth_month", "11"),
        ("birth_day", "3"),
        ("kana_name", "コクホ　ジロウ"),
    ])
}

/// The same browser at another node: its cookies are the host's, whatever the port.
fn moved(client: &Client, node: &Node) -> Client {
    let to = Client::new(&node.url, "192.0.2.1");
    for name in client.cookie_names() {
        to.set_cookie(&name, &client.cookie(&name).unwrap());
    }
    to
}

#[tokio::test]
async fn a_node_killed_after_each_step_of_a_sign_up_loses_nothing_and_another_goes_on() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start().await;
    let serve = async || Node::start(installation.command(&["serve", "--no-worker"])).await;
    let node = serve().await;
    let client = Client::new(&node.url, "192.0.2.1");
    let answer = client.send_form("/portal/signup", &identity()).await;
    assert_eq!(answer.location(), "/portal/signup/account", "{}", answer.text);
    node.kill().await;
    let node = serve().await;
    let client = moved(&client, &node);
    let id = unique("user");
    let answer = client
        .send_form("/portal/signup/account", &account(&id, &format!("{id}@example.jp")))
        .await;
    assert_eq!(answer.location(), "/portal/signup/code", "{}", answer.text);
    // Killed between commit and send: the mail is in the outbox, and whoever works sends it.
    node.kill().await;
    let mut work = installation.command(&["work"]);
    let worker = Node::start({
        work.env("MADOGUCHI__MAIL__URL", &smtp.url);
        work
    })
    .await;
    let code = code_in(&smtp.next().await);
    worker.kill().await;
    let node = serve().await;
    let client = moved(&client, &node);
    assert_eq!(client.get("/portal/signup/code").await.status, 200);
    let answer = client.post("/portal/signup/code", &[("code", &code)]).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
    let answer = client
        .post("/portal/", &[("user_id", &id), ("password", PASSWORD)])
        .await;
    assert_eq!(answer.location(), "/portal/terms", "{}", answer.text);
    node.kill().await;
    let node = serve().await;
    let client = moved(&client, &node);
    assert_eq!(client.accept_terms().await.location(), "/portal/mypage");
    assert_eq!(client.get("/portal/mypage").await.status, 200);
    assert!(node.terminate().await);
}

#[tokio::test]
async fn a_worker_killed_while_sending_sends_once_more_under_the_same_message_id() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start().await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    client.send_form("/portal/signup", &identity()).await;
    let id = unique("user");
    // The server takes the mail and never answers.
    let form = account(&id, &format!("hang-{id}@example.jp"));
    client.send_form("/portal/signup/account", &form).await;
    let work = async || {
        let mut command = installation.command(&["work"]);
        command.env("MADOGUCHI__MAIL__URL", &smtp.url);
        Node::start(command).await
    };
    let worker = work().await;
    let second = work().await;
    let first = smtp.next().await;
    worker.kill().await;
    second.kill().await;
    // The lease runs out.
    let url = installation.owner_url();
    let tenant = testkit::lines(
        &url,
        "SELECT tenant_id::text AS line FROM insurers WHERE insurer_code = '139998'",
    )
    .await;
    let tenant: i32 = tenant[0].parse().unwrap();
    let ended = format!(
        "BEGIN; SET LOCAL madoguchi.tenant_id = '{tenant}'; UPDATE mails SET leased_until = created_at;
         UPDATE due SET due_at = (SELECT created_at FROM mails); COMMIT"
    );
    execute(&url, &ended).await.unwrap();
    let command = {
        let mut command = installation.command(&["work"]);
        command.env("MADOGUCHI__MAIL__URL", &smtp.url);
        command
    };
    let worker = Node::start(command).await;
    let again = smtp.next().await;
    assert_eq!(again["headers"]["Message-ID"], first["headers"]["Message-ID"]);
    assert_eq!(code_in(&again), code_in(&first));
    let sent = "SELECT state AS line FROM mails";
    for _ in 0..100 {
        if lines_within(&url, Some(kernel::TenantId(tenant)), sent).await == ["sent"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(lines_within(&url, Some(kernel::TenantId(tenant)), sent).await, ["sent"]);
    assert!(worker.terminate().await);
    let answer = client.post("/portal/signup/code", &[("code", &code_in(&first))]).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
}
