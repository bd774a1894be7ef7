//! Sealed values are bound to whose they are: a copied row opens nobody else's account (security.md 70).

use testkit::{PASSWORD, SignedUp, TestApp, TestPerson, sql};

/// The hash of [`KNOWN`], sealed as it was before owners were part of it: under the tests' key, bound to nothing.
const OLDER: &str = "04746573740000000000000000000000004c7b5aa36f161be94b6ee5649962517f521ca06ea5bd7a21e47ec4cb5101c5e747a354a6c86988c5e13c21\
    627958552277956cd91e9594be302bf9b551125e5e00888e973ca8683f4c4fbf3a38df662cbedafcdcb2309cd0d6c390e320331f00adde7b1f57c72d\
    3d0ed9249308dd105b37";

const KNOWN: &str = "Himawari&2026";

async fn log_in(app: &TestApp, who: &SignedUp) -> u16 {
    let form = [("user_id", who.user_id.as_str()), ("password", KNOWN)];
    app.client().post("/portal/", &form).await.status.as_u16()
}

async fn two() -> (TestApp, SignedUp, SignedUp) {
    let app = TestApp::start().await;
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let (mine, theirs) = (app.sign_up().await, app.sign_up_as(&other).await);
    (app, mine, theirs)
}

async fn password(app: &TestApp, who: &SignedUp) -> String {
    let query = format!(
        "SELECT password::text AS line FROM accounts WHERE user_id = '{}'",
        who.user_id
    );
    app.insurer.lines(&query).await.remove(0)
}

async fn set_password(app: &TestApp, who: &SignedUp, stored: &str) {
    let update = format!(
        "UPDATE accounts SET password = '{stored}' WHERE user_id = '{}'",
        who.user_id
    );
    sql(app.tenant(), &update).await;
}

/// Tries counted on log-ins at the insurer.
async fn tries(app: &TestApp) -> Vec<String> {
    let query = "SELECT rule || ' ' || tries AS line FROM throttles WHERE rule LIKE 'log_in%' AND tries > 0 ORDER BY 1";
    app.insurer.lines(query).await
}

// security.md 70
#[tokio::test]
async fn a_password_copied_into_anothers_account_opens_nothing_and_counts_no_try() {
    let (app, mine, theirs) = two().await;
    let known = password(&app, &mine).await;
    let own = password(&app, &theirs).await;
    set_password(&app, &theirs, &known).await;
    let client = app.client();
    for _ in 0..12 {
        let answer = client.log_in(&theirs).await;
        assert_eq!(answer.status, 503, "neither right nor wrong: {}", answer.text);
    }
    assert_eq!(tries(&app).await, [""; 0]);
    set_password(&app, &theirs, &own).await;
    assert_eq!(client.log_in(&theirs).await.status, 303, "as if nothing had been");

    let elsewhere = TestApp::start().await;
    let third = elsewhere.sign_up().await;
    set_password(&elsewhere, &third, &known).await;
    assert_eq!(elsewhere.client().log_in(&third).await.status, 503);
}

// security.md 25, 70
#[tokio::test]
async fn a_password_sealed_before_it_was_bound_opens_and_is_sealed_anew_at_log_in() {
    let (app, mine, theirs) = two().await;
    set_password(&app, &mine, &format!("\\x{OLDER}")).await;
    let wrong = [("user_id", mine.user_id.as_str()), ("password", "Asagao3rin#")];
    assert_eq!(app.client().post("/portal/", &wrong).await.status, 422);
    assert!(password(&app, &mine).await.ends_with(OLDER));
    assert_eq!(log_in(&app, &mine).await, 303);
    let anew = password(&app, &mine).await;
    assert!(!anew.ends_with(OLDER));
    assert_eq!(log_in(&app, &mine).await, 303);
    assert_eq!(password(&app, &mine).await, anew);
    set_password(&app, &theirs, &anew).await;
    assert_eq!(log_in(&app, &theirs).await, 503);
}

#[tokio::test]
async fn the_password_is_asked_for_again_and_a_copied_one_counts_no_try_there_either() {
    let (app, mine, theirs) = two().await;
    let client = app.inside(&theirs).await;
    let known = password(&app, &mine).await;
    set_password(&app, &theirs, &known).await;
    let form = [("current_password", PASSWORD), ("password", "Asagao3rin#")];
    for _ in 0..12 {
        assert_eq!(client.post("/portal/account/password", &form).await.status, 503);
    }
    assert_eq!(tries(&app).await, [""; 0]);
}

/// Copies the one row of a queue's table into another insurer, where it is due as well.
async fn copy(from: &TestApp, to: &TestApp, table: &str, columns: &str, queue: &str) {
    let query = format!("SELECT to_jsonb(r)::text AS line FROM (SELECT {columns} FROM {table}) r");
    let row = from.insurer.lines(&query).await.remove(0);
    let id = columns.split(',').next().unwrap();
    let copy = format!(
        "INSERT INTO {table} (tenant_id, {columns})
             SELECT {}, {columns} FROM jsonb_populate_record(null::{table}, '{row}');
         INSERT INTO due (tenant_id, queue, item, due_at, since)
             SELECT tenant_id, '{queue}', {id}, created_at, created_at FROM {table}",
        to.tenant()
    );
    sql(to.tenant(), &copy).await;
}

// security.md 70
#[tokio::test]
async fn a_mail_copied_to_another_insurer_does_not_open_there() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (_, _, email) = app.waiting_for_code().await;
    let columns = "mail_id, template, masked_to, message_id, subject_id, sealed, state, attempts, created_at";
    copy(&app, &other, "mails", columns, "mail").await;
    other.work().await;
    assert!(other.mailbox.mails_to(&email).is_empty());
    let state = other.insurer.lines("SELECT last_error AS line FROM mails").await;
    assert_eq!(state, ["does not open"]);
    assert!(!app.mails_to(&email).await.is_empty(), "where it belongs it does");
}

// security.md 70
#[tokio::test]
async fn a_job_copied_to_another_insurer_does_not_open_there() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let who = app.sign_up().await;
    let before = app.mails_to(&who.email).await.len();
    // Registered already: the page says nothing, a job tells the address on record.
    let again = app
        .client()
        .send_form("/portal/signup", &app.identity(&app.person))
        .await;
    assert_eq!(again.status, 422);
    let columns = "job_id, queue, payload, attempts, created_at";
    copy(&app, &other, "jobs", columns, "sign_up_attempt").await;
    other.work().await;
    let state = other.insurer.lines("SELECT last_error AS line FROM jobs").await;
    assert_eq!(state, ["sealed value does not open"]);
    assert_eq!(
        app.mails_to(&who.email).await.len(),
        before + 1,
        "where it belongs it does"
    );
}

// security.md 70
#[tokio::test]
async fn an_address_copied_to_another_ticket_or_insurer_does_not_open_there() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (client, _, email) = app.waiting_for_code().await;
    let code = "/portal/signup/code";
    assert!(client.get(code).await.text.contains(&email));
    let sealed = "SELECT email::text AS line FROM sign_up_tickets";
    let sealed = app.insurer.lines(sealed).await.remove(0);
    let (neighbour, ..) = app.waiting_for_code().await;
    let (stranger, ..) = other.waiting_for_code().await;
    for (app, reader) in [(&app, &neighbour), (&other, &stranger)] {
        sql(app.tenant(), &format!("UPDATE sign_up_tickets SET email = '{sealed}'")).await;
        let page = reader.get(code).await;
        assert!(page.status == 503 && !page.text.contains(&email), "{}", page.text);
    }
    assert!(client.get(code).await.text.contains(&email), "where it belongs it does");
}
