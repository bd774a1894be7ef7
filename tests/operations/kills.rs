//! Processes killed at the worst moment: what was committed is there, and is done once more at most.

use super::{
    Installation, Node,
    drugs::with_medicines,
    identity,
    statements::{ago, rows},
};
use crate::smtp::{Smtp, code_in};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Client, PASSWORD, account, execute_within, lines, lines_within, unique};

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

/// A lock of somebody's who does not let go before they are dropped.
pub(super) async fn locked(installation: &Installation, lock: &str) -> AsyncPgConnection {
    let mut connection = AsyncPgConnection::establish(&installation.owner_url()).await.unwrap();
    let tenant = installation.insurer().await;
    for message in ["BEGIN", &format!("SET LOCAL madoguchi.tenant_id = '{tenant}'"), lock] {
        connection.batch_execute(message).await.unwrap();
    }
    connection
}

/// Waits until somebody waits for a lock.
pub(super) async fn until_somebody_waits(installation: &Installation) {
    let waiting = "SELECT '' AS line FROM pg_locks WHERE NOT granted
        AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    for _ in 0..300 {
        if !lines(&installation.owner_url(), waiting).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody ever waits");
}

/// `statements` with these words, killed once it waits for a lock.
pub(super) async fn killed_at(installation: &Installation, lock: &str, words: &[&str]) {
    let lock = locked(installation, lock).await;
    let mut command = installation
        .command(&[&["statements"], words].concat())
        .spawn()
        .unwrap();
    until_somebody_waits(installation).await;
    command.kill().await.unwrap();
    drop(lock);
}

/// An insurer with a file of ten claims.
pub(super) async fn delivered() -> Installation {
    let installation = Installation::ready().await;
    installation.file("costs.csv", &rows(0..10, 1_000));
    installation
}

#[tokio::test]
async fn an_import_killed_while_it_looks_leaves_nothing() {
    let installation = delivered().await;
    let (label, tenant) = (ago(1), installation.insurer().await);
    let import = ["import", "139998", "costs.csv", "--kind", "costs", "--label", &label];
    killed_at(&installation, "LOCK TABLE persons IN ACCESS EXCLUSIVE MODE", &import).await;
    assert!(installation.states().await.is_empty());
    let (success, said) = installation.statements(&import.join(" ")).await;
    assert!(success, "{said}");
    installation.until(tenant, 10, "cost_rows").await;
}

#[tokio::test]
async fn a_load_killed_half_way_shows_nothing_and_the_next_is_whole_once_its_lease_is_over() {
    let installation = delivered().await;
    let (label, tenant) = (ago(1), installation.insurer().await);
    let import = ["import", "139998", "costs.csv", "--kind", "costs", "--label", &label];
    killed_at(&installation, "LOCK TABLE cost_rows IN SHARE MODE", &import).await;
    assert_eq!(installation.states().await, ["1 loading"]);
    let publish = format!("publish 139998 costs {label}");
    let (success, said) = installation.statements(&publish).await;
    assert!(!success, "{said}");
    let (success, said) = installation.statements(&import.join(" ")).await;
    assert!(!success && said.contains("ほかで進んでいます"), "{said}");
    let over = "UPDATE statement_deliveries SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL";
    execute_within(&installation.owner_url(), Some(tenant), over)
        .await
        .unwrap();
    let (success, said) = installation.statements(&import.join(" ")).await;
    assert!(success && said.contains("10 rows"), "{said}");
    assert_eq!(installation.states().await, ["1 refused", "2 ready"]);
    let (success, said) = installation.statements(&publish).await;
    assert!(success, "{said}");
    installation
        .until(tenant, 10, "cost_rows WHERE delivery = 2 AND superseded_by IS NULL")
        .await;
}

#[tokio::test]
async fn a_publication_killed_half_way_leaves_the_version_before_and_can_be_done_again() {
    let installation = delivered().await;
    let label = ago(1);
    let (import, publish) = (
        format!("import 139998 costs.csv --kind costs --label {label}"),
        ["publish", "139998", "costs", &label],
    );
    for total in [1_000, 2_000] {
        installation.file("costs.csv", &rows(0..10, total));
        assert!(installation.statements(&import).await.0);
        if total == 1_000 {
            assert!(installation.statements(&publish.join(" ")).await.0);
        }
    }
    // Once the heads are read and the version before is replaced.
    killed_at(
        &installation,
        "LOCK TABLE shared_claims IN ACCESS EXCLUSIVE MODE",
        &publish,
    )
    .await;
    assert_eq!(installation.states().await, ["1 published", "2 ready"]);
    let (success, said) = installation.statements(&publish.join(" ")).await;
    assert!(
        success && said.contains("version 2, 10 rows; version 1 replaced"),
        "{said}"
    );
    assert_eq!(installation.states().await, ["1 replaced", "2 published"]);
}

/// More members, each with a row of the delivery as the only registered one has it.
async fn crowd(installation: &Installation, many: u32) {
    let tenant = installation.insurer().await;
    let people = format!(
        "INSERT INTO persons SELECT (jsonb_populate_record(p, jsonb_build_object(
             'person_id', md5('mailed' || n)::uuid, 'number', n::text, 'number_key', n::text))).*
         FROM persons p, generate_series(10001, 10000 + {many}) n WHERE p.number = '2001' AND p.branch = '01';
         INSERT INTO accounts (tenant_id, account_id, person_id, user_id, password, password_changed_at, email,
             email_proven_at, registered_at)
         SELECT {tenant}, md5('account' || n)::uuid, md5('mailed' || n)::uuid, 'bulk-' || n, a.password, a.registered_at,
             'bulk-' || n || '@example.jp', a.registered_at, a.registered_at
         FROM accounts a, generate_series(10001, 10000 + {many}) n;
         INSERT INTO cost_rows SELECT (jsonb_populate_record(r, jsonb_build_object('line', n,
             'principal_id', md5('mailed' || n)::uuid, 'person_id', md5('mailed' || n)::uuid))).*
         FROM cost_rows r, generate_series(10001, 10000 + {many}) n WHERE r.claim_key = 'R0'"
    );
    execute_within(&installation.owner_url(), Some(tenant), &people)
        .await
        .unwrap();
}

#[tokio::test]
async fn workers_killed_in_the_middle_of_a_mailing_tell_everybody_and_nobody_twice() {
    let installation = delivered().await;
    let (url, tenant) = (installation.owner_url(), installation.insurer().await);
    installation.mails_per_minute(10).await;
    let mut smtp = Smtp::start(&[]).await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let relay = smtp.url.clone();
    let work = async || {
        let mut command = installation.command(&["work"]);
        command.env("MADOGUCHI__MAIL__URL", &relay);
        Node::start(command).await
    };
    let client = Client::new(&node.url, "192.0.2.1");
    client.send_form("/portal/signup", &identity()).await;
    let id = unique("user");
    let form = account(&id, &format!("{id}@example.jp"));
    client.send_form("/portal/signup/account", &form).await;
    let worker = work().await;
    let code = code_in(&smtp.next().await);
    worker.terminate().await;
    let answer = client.post("/portal/signup/code", &[("code", &code)]).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
    let label = ago(1);
    let import = format!("import 139998 costs.csv --kind costs --label {label}");
    assert!(installation.statements(&import).await.0);
    crowd(&installation, 14).await;
    assert!(
        installation
            .statements(&format!("publish 139998 costs {label}"))
            .await
            .0
    );

    // The first dies over the first ten, of whom nobody is told; the second over the rest, once the ten are told.
    let at_once = "UPDATE due SET due_at = clock_timestamp(), leased_until = clock_timestamp()
        WHERE queue = 'statement_mail'";
    let written = "mails WHERE template = 'new_statement'";
    let sent = "mails WHERE template = 'new_statement' AND state = 'sent'";
    // Held up by this once its mails are written, and before it notes up to whom it came.
    let lock = "LOCK TABLE statement_mailings IN SHARE MODE";
    let held = locked(&installation, lock).await;
    let first = work().await;
    until_somebody_waits(&installation).await;
    first.kill().await;
    drop(held);
    installation.until(tenant, 0, written).await;
    execute_within(&url, Some(tenant), at_once).await.unwrap();
    let second = work().await;
    let mut told = BTreeSet::new();
    for _ in 0..10 {
        told.insert(smtp.next().await["headers"]["To"].to_string());
    }
    installation.until(tenant, 10, sent).await;
    let held = locked(&installation, lock).await;
    execute_within(&url, Some(tenant), at_once).await.unwrap();
    until_somebody_waits(&installation).await;
    second.kill().await;
    drop(held);
    installation.until(tenant, 10, written).await;
    execute_within(&url, Some(tenant), at_once).await.unwrap();
    let third = work().await;
    for _ in 0..5 {
        told.insert(smtp.next().await["headers"]["To"].to_string());
    }
    installation.until(tenant, 15, sent).await;
    execute_within(&url, Some(tenant), at_once).await.unwrap();
    let ended = "statement_mailings WHERE ended_at IS NOT NULL AND told = 15";
    installation.until(tenant, 1, ended).await;
    assert!(smtp.is_quiet().await);
    assert_eq!(told.len(), 15, "{told:?}");
    assert!(third.terminate().await && node.terminate().await);
}

#[tokio::test]
async fn a_reckoning_killed_half_way_is_done_whole_by_the_next_once_its_lease_is_over() {
    let installation = with_medicines().await;
    let tenant = installation.insurer().await;
    let wrong = "UPDATE medicine_rows SET class = '1', saving_yen = 7, charge_yen = 7";
    execute_within(&installation.owner_url(), Some(tenant), wrong)
        .await
        .unwrap();
    let recompute = ["recompute", "139998"];
    killed_at(&installation, "LOCK TABLE medicine_rows IN SHARE MODE", &recompute).await;
    installation
        .until(tenant, 3, "medicine_rows WHERE saving_yen = 7")
        .await;
    let (success, said) = installation.statements("recompute 139998").await;
    assert!(!success && said.contains("ほかで進んでいます"), "{said}");
    let over = "UPDATE statement_deliveries SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL";
    execute_within(&installation.owner_url(), Some(tenant), over)
        .await
        .unwrap();
    let (success, said) = installation.statements("recompute 139998").await;
    assert!(success && said.contains("3 rows, 3 changed"), "{said}");
    installation
        .until(tenant, 0, "medicine_rows WHERE saving_yen = 7")
        .await;
    assert_eq!(installation.states().await, ["1 ready"]);
}
