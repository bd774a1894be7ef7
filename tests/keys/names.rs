//! The directory of user IDs: hashes under a key of their own, which may change while nodes serve.

use crate::{keys::hex, portal::leads};
use kernel::NameKeys;
use madoguchi::{commands::keys::register, config::Config};
use testkit::{Client, NAMES_KEY, TestApp, TestPerson, account, lines, owner_url, pool, start, unique};

const ACCOUNT: &str = "/portal/signup/account";
/// 32 bytes in base64.
pub(crate) const NEXT: &str = "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";

/// Takes the next key of user IDs, and remembers the one before.
pub(crate) fn changing(config: &mut Config) {
    config.keys.names_old = std::mem::replace(&mut config.keys.names, NEXT.into());
}

pub(crate) fn changed(config: &mut Config) {
    config.keys.names = NEXT.into();
}

/// A node that knows both keys beside one that knows the old one alone.
async fn two_nodes() -> (TestApp, TestApp) {
    let before = TestApp::start().await;
    let names = NameKeys::new([4; 32], Some(NAMES_KEY));
    register(&pool(&owner_url()), before.keys(), &names, start())
        .await
        .unwrap();
    let amid = before.beside(changing).await;
    (before, amid)
}

/// The rows of these accounts or tickets.
async fn rows(app: &TestApp, condition: &str) -> usize {
    let tenant = app.tenant();
    let query = format!("SELECT '' AS line FROM login_names WHERE tenant_id = {tenant} AND {condition}");
    lines(&owner_url(), &query).await.len()
}

/// People past the identity page, each at the node that is named first.
async fn identified(app: &TestApp, nodes: &[&TestApp]) -> Vec<Client> {
    let people: Vec<TestPerson> = (0..).map(|n| TestPerson::new(300 + n)).take(nodes.len()).collect();
    let roster: Vec<TestPerson> = [std::slice::from_ref(&app.person), &people].concat();
    app.insurer.import(&roster).await;
    let mut clients = Vec::new();
    for (node, person) in nodes.iter().zip(&people) {
        let client = node.client();
        leads(
            &client.send_form("/portal/signup", &app.identity(person)).await,
            ACCOUNT,
        );
        clients.push(client);
    }
    clients
}

async fn wants(client: &Client, user_id: &str) -> bool {
    let email = format!("{}@example.jp", unique("wants"));
    let answer = client.send_form(ACCOUNT, &account(user_id, &email)).await;
    assert!([303, 422].contains(&answer.status.as_u16()), "{}", answer.text);
    assert!(
        answer.status == 303 || answer.text.contains("すでに使われています"),
        "{}",
        answer.text
    );
    answer.status == 303
}

#[tokio::test]
async fn whoever_reads_the_directory_of_user_ids_learns_none() {
    let app = TestApp::start().await;
    let (_, taken, _) = app.waiting_for_code().await;
    let who = app.sign_up().await;
    let query = "SELECT n::text AS line FROM login_names n";
    let (all, folded) = (lines(&owner_url(), query).await.join("\n"), [who.user_id, taken]);
    for user_id in folded.map(|user_id| user_id.to_lowercase()) {
        assert!(
            !all.contains(&user_id) && !all.contains(&hex(user_id.as_bytes())),
            "{user_id}"
        );
    }
    let kinds = "SELECT DISTINCT data_type::text AS line FROM information_schema.columns
         WHERE table_name = 'login_names' ORDER BY 1";
    let expected = ["bytea", "integer", "timestamp with time zone", "uuid"];
    assert_eq!(lines(&owner_url(), kinds).await, expected, "no place for text");
}

// security.md 70
#[tokio::test]
async fn while_the_key_changes_nodes_before_and_amid_it_find_everybody_and_give_no_user_id_away_twice() {
    let (before, amid) = Box::pin(two_nodes()).await;
    let who = before.sign_up().await;
    leads(&amid.client().log_in(&who).await, "/portal/terms");
    let clients = identified(&before, &[&amid, &before, &amid, &before, &amid]).await;
    assert!(
        !wants(&clients[0], &who.user_id.to_uppercase()).await,
        "one from before"
    );
    let later = unique("later");
    assert!(wants(&clients[0], &later).await);
    assert_eq!(rows(&before, "ticket_id IS NOT NULL").await, 2, "under both keys");
    assert!(
        !wants(&clients[1], &later.to_uppercase()).await,
        "one that is reserved amid"
    );
    // A minute between two codes of one ticket.
    before.later(61);
    let other = unique("other");
    assert!(wants(&clients[0], &other).await);
    assert_eq!(rows(&before, "ticket_id IS NOT NULL").await, 2, "given up under both");
    assert!(wants(&clients[1], &later).await);
    assert!(!wants(&clients[2], &later).await);
    for _ in 0..5 {
        before.later(61);
        let one = unique("at-once");
        let (first, second) = tokio::join!(wants(&clients[3], &one), wants(&clients[4], &one));
        assert!(first != second, "of two at the same time one has it");
    }
}

#[tokio::test]
async fn a_reservation_amid_the_change_ends_with_its_ticket_under_both_keys() {
    let (before, amid) = Box::pin(two_nodes()).await;
    let clients = identified(&before, &[&amid, &before]).await;
    let wanted = unique("wanted");
    assert!(wants(&clients[0], &wanted).await);
    assert!(!wants(&clients[1], &wanted).await);
    before.later(3601);
    let mut tx = before.write(before.tenant()).await;
    let now = before.clock().now();
    accounts::sweep(&mut tx, &amid.app.ground.names, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows(&before, "true").await, 0);
}
