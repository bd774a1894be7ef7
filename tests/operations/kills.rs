//! Processes killed at the worst moment: what was committed is there, and is done once more at most.

use super::{Installation, Node, identity};
use crate::smtp::{Smtp, code_in};
use std::time::Duration;
use testkit::{Client, PASSWORD, account, lines_within, unique};

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
    let mut smtp = Smtp::start(&[]).await;
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
    let mut smtp = Smtp::start(&[]).await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    client.send_form("/portal/signup", &identity()).await;
    let id = unique("user");
    // The server takes the mail and never answers.
    let form = account(&id, &format!("hang-{id}@example.jp"));
    client.send_form("/portal/signup/account", &form).await;
    let relay = smtp.url.clone();
    let work = async || {
        let mut command = installation.command(&["work"]);
        command.env("MADOGUCHI__MAIL__URL", &relay);
        Node::start(command).await
    };
    let worker = work().await;
    let second = work().await;
    let first = smtp.next().await;
    worker.kill().await;
    second.kill().await;
    let (url, insurer) = (installation.owner_url(), installation.insurer().await);
    // Its lease runs out within seconds.
    let worker = work().await;
    let again = smtp.next().await;
    assert_eq!(again["headers"]["Message-ID"], first["headers"]["Message-ID"]);
    assert_eq!(code_in(&again), code_in(&first));
    let sent = "SELECT state AS line FROM mails";
    for _ in 0..100 {
        if lines_within(&url, Some(insurer), sent).await == ["sent"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(lines_within(&url, Some(insurer), sent).await, ["sent"]);
    assert!(worker.terminate().await);
    let answer = client.post("/portal/signup/code", &[("code", &code_in(&first))]).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
}
