//! What the pipeline keeps, and until when.

use crate::{keys::hex, portal::leads};
use accounts::{Carrier, Proof};
use chrono::{DateTime, Utc};
use kernel::{Outcome, TenantSecret};
use testkit::{PASSWORD, TestApp, unique};

async fn sweep(app: &TestApp, before: DateTime<Utc>) -> usize {
    let mut tx = app.write(app.tenant()).await;
    let deleted = accounts::sweep(&mut tx, &app.ground.names, before).await.unwrap();
    tx.commit().await.unwrap();
    deleted
}

async fn reserved(app: &TestApp, user_id: &str) -> usize {
    let hash = hex(&app.ground.names.hashes(user_id)[0]);
    let query = format!("SELECT '' AS line FROM login_names WHERE name_hash = '\\x{hash}'");
    app.insurer.lines(&query).await.len()
}

// security.md 58
#[tokio::test]
async fn sweeping_takes_ended_sign_ups_their_reserved_user_ids_and_unfinished_changes_of_address_alone() {
    let app = TestApp::start().await;
    let (member, who) = app.member().await;
    app.later(1);
    let other = testkit::TestPerson::new(777);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let client = app.client();
    let identity = app.identity(&other);
    leads(
        &client.send_form("/portal/signup", &identity).await,
        "/portal/signup/account",
    );
    let (user_id, email) = (unique("late"), format!("{}@example.jp", unique("late")));
    let form = testkit::account(&user_id, &email);
    leads(
        &client.send_form("/portal/signup/account", &form).await,
        "/portal/signup/code",
    );
    let email = format!("{}@example.jp", unique("new"));
    let wanted = [("current_password", PASSWORD), ("email", email.as_str())];
    leads(
        &member.post("/portal/account/email", &wanted).await,
        "/portal/account/email/code",
    );

    let kept = async || {
        let tickets = app.insurer.count("sign_up_tickets", "true").await;
        (tickets, app.insurer.count("email_changes", "true").await)
    };
    let end = app.clock().now() + chrono::TimeDelta::hours(1);
    let before = kept().await;
    assert_eq!(before.1, 1);
    // The member's own sign-up began a second before.
    let deleted = sweep(&app, end).await;
    assert_eq!(kept().await, (1, 1));
    assert_eq!((deleted, reserved(&app, &user_id).await), (before.0 - 1, 1));
    assert_eq!(sweep(&app, end + chrono::TimeDelta::seconds(1)).await, 2);
    assert_eq!(kept().await, (0, 0));
    assert_eq!(reserved(&app, &user_id).await, 0);
    assert_eq!(reserved(&app, &who.user_id).await, 1, "an account keeps its name");
    assert_eq!(member.get("/portal/mypage").await.status, 200);
}

#[tokio::test]
async fn a_log_in_updates_its_account_on_its_page_and_in_no_index() {
    let db = testkit::TestDatabase::new().await;
    let indexed = "SELECT indexdef AS line FROM pg_indexes WHERE tablename = 'accounts'
         AND indexdef ~ 'password|last_log_in_at|previous_log_in_at'";
    assert!(db.lines(indexed).await.is_empty());
    let room = "SELECT array_to_string(reloptions, ' ') AS line FROM pg_class WHERE oid = 'accounts'::regclass";
    assert_eq!(db.lines(room).await, ["fillfactor=85"]);
}

#[tokio::test]
async fn whoever_signed_up_by_the_rosters_facts_is_a_member_by_facts_until_their_account_says_otherwise() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let session = TenantSecret::parse(&client.cookie("__Host-session").unwrap()).unwrap();
    for (set, proof) in [
        ("", Proof::Facts),
        ("UPDATE accounts SET proof = 'letter'", Proof::Letter),
    ] {
        testkit::sql(app.tenant(), set).await;
        let member = app.accounts.enter(Carrier::Cookie, &session).await.unwrap();
        assert!(
            matches!(member, Outcome::Done(member) if member.proof == proof),
            "{proof:?}"
        );
    }
    let unknown = "UPDATE accounts SET proof = 'guessed'";
    let refused = testkit::execute_within(&testkit::owner_url(), Some(app.tenant()), unknown).await;
    assert!(refused.unwrap_err().contains("accounts_proof_check"));
}
