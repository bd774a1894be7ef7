//! Keys as an operator changes them: made known before they are used, replaced while nodes serve, given up in the end
//! (security.md 70).

use super::{Installation, Node, identity};
use crate::keys::names::{changed, changing};
use kernel::NameKeys;
use madoguchi::commands::keys;
use testkit::{Client, NAMES_KEY, TestApp, TestPerson, account, execute_within, pool, service_url, unique, url_of};

/// 32 bytes in base64, and another 32.
const K2: &str = "CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws=";
const OTHER: &str = "DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw=";

/// Both keys in the ring, and which is current.
fn both(current: &str) -> [(&str, &str); 2] {
    [("MADOGUCHI__KEYS__CURRENT", current), ("MADOGUCHI__KEYS__RING__K2", K2)]
}

impl Installation {
    async fn refuses(&self, arguments: &[&str], variables: &[(&str, &str)], words: &str) {
        let (success, said) = self.run(arguments, variables).await;
        assert!(!success && said.contains(words), "{arguments:?}: {said}");
    }

    async fn does(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let (success, said) = self.run(arguments, variables).await;
        assert!(success, "{arguments:?}: {said}");
        said
    }
}

// security.md 70
#[tokio::test]
async fn a_node_starts_with_the_keys_that_were_registered_with_all_that_are_in_use_and_no_other() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    let (serve, register) = (["serve", "--no-worker"], ["keys", "register"]);
    for start in [&serve[..], &["work"], &serve] {
        // The last time too: starting makes a key known to nobody.
        installation
            .refuses(start, &[], "key `k1` of keys.ring is not registered")
            .await;
    }
    assert!(installation.does(&register, &[]).await.contains("k1"));
    assert!(installation.does(&register, &[]).await.contains("nothing new"));
    installation.does(&["keys", "status"], &[]).await;

    let wrong = [("MADOGUCHI__KEYS__RING__K1", OTHER)];
    let (reseal, rehash, retire) = (["keys", "reseal"], ["keys", "rehash-names"], ["keys", "retire", "k1"]);
    for arguments in [
        &serve[..],
        &["work"],
        &register,
        &["keys", "status"],
        &reseal,
        &rehash,
        &retire,
    ] {
        installation
            .refuses(arguments, &wrong, "not the one that was registered")
            .await;
    }
    let names = [("MADOGUCHI__KEYS__NAMES", OTHER)];
    for arguments in [&serve[..], &reseal, &rehash, &retire] {
        installation
            .refuses(arguments, &names, "keys.names is not registered")
            .await;
    }
    installation
        .refuses(&register, &names, "user IDs stand under another key")
        .await;

    for (arguments, current) in [
        (&serve[..], "k1"),
        (&reseal[..], "k2"),
        (&rehash[..], "k2"),
        (&retire[..], "k2"),
    ] {
        installation
            .refuses(arguments, &both(current), "key `k2` of keys.ring is not registered")
            .await;
    }
    let new = installation.does(&register, &both("k1")).await;
    assert!(new.contains("k2") && !new.contains("k1"), "{new}");
    installation.refuses(&serve, &[], "key `k2` is in use").await;
    let mut command = installation.command(&serve);
    command.envs(both("k1"));
    let node = Node::start(command).await;
    assert_eq!(Client::new(&node.url, "192.0.2.1").get("/readyz").await.status, 200);
    assert!(node.terminate().await);
}

// security.md 70
#[tokio::test]
async fn a_key_is_replaced_while_people_sign_up_and_given_up_once_nothing_hangs_on_it() {
    let installation = Installation::ready().await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    client.send_form("/portal/signup", &identity()).await;
    let id = unique("user");
    let form = account(&id, &format!("{id}@example.jp"));
    let answer = client.send_form("/portal/signup/account", &form).await;
    assert_eq!(answer.location(), "/portal/signup/code", "{}", answer.text);
    assert!(node.terminate().await);

    installation.does(&["keys", "register"], &both("k1")).await;
    let status = installation.does(&["keys", "status"], &both("k2")).await;
    let of_k1 = "k1: in use
  codes.code_hash 1
  mails.sealed 1
  sign_up_tickets.email 1
  sign_up_tickets.password 1
  sign_up_tickets.secret_hash 1
";
    assert!(status.contains(of_k1) && status.contains("k2: current\n"), "{status}");
    let retire = ["keys", "retire", "k1"];
    installation
        .refuses(&retire, &both("k1"), "k1 is the current key")
        .await;
    installation
        .refuses(&retire, &both("k2"), "1 sign_up_tickets.password")
        .await;
    let said = installation.does(&["keys", "reseal"], &both("k2")).await;
    assert!(said.starts_with("3 values"), "{said}");
    let said = installation.does(&["keys", "reseal"], &both("k2")).await;
    assert!(said.starts_with("0 values"), "{said}");
    installation.refuses(&retire, &both("k2"), "1 codes.code_hash").await;

    let mut command = installation.command(&["serve", "--no-worker"]);
    command.envs(both("k2"));
    let node = Node::start(command).await;
    let moved = Client::new(&node.url, "192.0.2.1");
    for name in client.cookie_names() {
        moved.set_cookie(&name, &client.cookie(&name).unwrap());
    }
    let page = moved.get("/portal/signup/code").await;
    assert!(page.text.contains(&format!("{id}@example.jp")), "{}", page.text);
    assert!(node.terminate().await);

    // The sign-up has ended; its time is not this test's to wait for.
    let insurer = installation.insurer().await;
    let swept = "DELETE FROM codes; DELETE FROM sign_up_tickets";
    execute_within(&installation.owner_url(), Some(insurer), swept)
        .await
        .unwrap();
    installation.does(&retire, &both("k2")).await;
    installation
        .refuses(&["serve"], &both("k1"), "key `k1` is retired")
        .await;
    let mut command = installation.command(&["serve", "--no-worker"]);
    command.envs(both("k2")).env_remove("MADOGUCHI__KEYS__RING__K1");
    let node = Node::start(command).await;
    assert_eq!(Client::new(&node.url, "192.0.2.1").get("/readyz").await.status, 200);
    assert!(node.terminate().await);
}

// security.md 70
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_user_id_gets_its_new_hash_while_nodes_serve_and_then_the_old_key_goes() {
    let installation = Installation::new().await;
    let service = url_of(&service_url(), &installation.database);
    let before = TestApp::on(&installation.owner_url(), &service).await;
    let late = TestPerson::new(106);
    before.insurer.import(&[before.person.clone(), late.clone()]).await;
    let early = before.sign_up().await;
    before.later(60);
    let (owner, now) = (pool(&installation.owner_url()), before.clock().now());
    let (alone, names) = (NameKeys::new([4; 32], None), NameKeys::new([4; 32], Some(NAMES_KEY)));
    let ready = async |app: &TestApp| app.client().get("/readyz").await.status == 200;

    assert!(keys::register(&owner, before.keys(), &alone, now).await.is_err());
    let too_early = before.beside(changed).await;
    assert_eq!(too_early.client().log_in(&early).await.status, 503, "not \"wrong\"");
    keys::register(&owner, before.keys(), &names, now).await.unwrap();
    assert!(!ready(&too_early).await);
    let amid = before.beside(changing).await;
    let late = amid.sign_up_as(&late).await;
    assert!(ready(&before).await && ready(&amid).await);

    for _twice in 0..2 {
        let found = keys::rehash_names(&owner, &names, false, now).await.unwrap();
        assert_eq!((found.accounts, found.present, found.old), (2, 2, 2));
    }
    assert!(!ready(&before).await, "who signs up there would be known nowhere else");
    let after = before.beside(changed).await;
    for node in [&amid, &after] {
        assert!(ready(node).await);
        for who in [&early, &late] {
            assert_eq!(node.client().log_in(who).await.status, 303);
        }
    }
    assert!(keys::rehash_names(&owner, &alone, true, now).await.is_err());
    let found = keys::rehash_names(&owner, &names, true, now).await.unwrap();
    assert_eq!((found.accounts, found.present, found.old), (2, 2, 0));
    let rows = testkit::lines(&installation.owner_url(), "SELECT '' AS line FROM login_names").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(after.client().log_in(&early).await.status, 303);
}
