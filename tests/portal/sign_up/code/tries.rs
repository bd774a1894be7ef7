//! How many wrong codes are taken, and of whom (security.md 13).

use super::{ACCOUNT, CODE, RESEND, enter};
use crate::portal::{leads, other_than, says};
use std::time::{Duration, Instant};
use testkit::{TestApp, account, unique};
use tokio::task::JoinSet;

// security.md 13
#[tokio::test]
async fn after_five_wrong_codes_one_starts_again_and_it_is_no_failed_identity() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    // Not a code at all is no try.
    for typed in ["", "abcdef", "12345", "🙂🙂🙂🙂🙂🙂"] {
        assert_eq!(enter(&client, typed).await.status, 422);
    }
    for left in (1..=4).rev() {
        says(&enter(&client, other_than(&code)).await, 422, &format!("あと{left}回"));
    }
    leads(&enter(&client, other_than(&code)).await, "/portal/signup");
    says(&client.get("/portal/signup").await, 200, "5回入力されたため");
    assert_eq!(
        app.insurer.count("throttles", "rule = 'identity' AND tries > 0").await,
        0
    );
    app.identified().await;
}

#[tokio::test]
async fn the_right_code_after_five_wrong_ones_opens_nothing() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let ticket = client.cookie("__Host-ticket").unwrap();
    for _ in 0..5 {
        enter(&client, other_than(&code)).await;
    }
    client.set_cookie("__Host-ticket", &ticket);
    leads(&enter(&client, &code).await, "/portal/signup");
    assert_eq!(app.insurer.count("accounts", "true").await, 0);
}

// security.md 13
#[tokio::test]
async fn a_ticket_without_tries_sends_no_further_code() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let (code, ticket) = (app.code_for(&email).await, client.cookie("__Host-ticket").unwrap());
    for _ in 0..5 {
        enter(&client, other_than(&code)).await;
    }
    app.later(61);
    let ended = "5回入力されたため";
    for path in [ACCOUNT, RESEND] {
        client.set_cookie("__Host-ticket", &ticket);
        leads(
            &client.send_form(path, &account(&user_id, "other@example.jp")).await,
            "/portal/signup",
        );
        says(&client.get("/portal/signup").await, 200, ended);
    }
    client.set_cookie("__Host-ticket", &ticket);
    leads(&client.get(ACCOUNT).await, "/portal/signup");
    assert_eq!(app.mailbox.mails().len(), 1);
}

// security.md 13: only wrong ones count.
#[tokio::test]
async fn a_right_code_that_is_late_or_was_replaced_costs_no_try() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let late = app.code_for(&email).await;
    app.later(600);
    for _ in 0..6 {
        says(&enter(&client, &late).await, 422, "有効期限（10分）が切れました");
    }
    leads(&client.press(RESEND).await, CODE);
    let code = app.code_for(&email).await;
    if code != late {
        for _ in 0..6 {
            says(&enter(&client, &late).await, 422, "新しい認証番号をお送りしています");
        }
    }
    says(&enter(&client, other_than(&code)).await, 422, "あと4回");
    // Of the person's own count neither.
    assert_eq!(app.insurer.count("wrong_codes", "failures = 1").await, 1);
    leads(&enter(&client, &code).await, "/portal/");
    assert_eq!(app.insurer.count("wrong_codes", "true").await, 0);
}

// security.md 13, 68
#[tokio::test]
async fn wrong_codes_of_a_person_are_counted_over_all_their_sign_ups_until_the_desk_opens_it() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.code_failures = 7).await;
    let (first, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    for _ in 0..5 {
        enter(&first, other_than(&code)).await;
    }
    let (second, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    for _ in 0..2 {
        assert_eq!(enter(&second, other_than(&code)).await.status, 422);
    }
    // The right one neither; whoever it is is told to call their own insurer's desk, whatever the browser looked at
    // meanwhile, with nothing left to type in vain; and nothing is mailed to anybody.
    second.set_cookie("__Host-insurer", "00000000");
    let answer = enter(&second, &code).await;
    says(&answer, 403, "窓口へお電話ください");
    says(&answer, 403, "050-2030-4706");
    assert!(!answer.text.contains("<form"), "{}", answer.text);
    app.later(60);
    says(&second.press(RESEND).await, 403, "窓口へお電話ください");
    assert_eq!(app.mails_to(&email).await.len(), 1);
    let third = app.identified().await;
    let fresh = format!("{}@example.jp", unique("fresh"));
    let refused = third.send_form(ACCOUNT, &account(&unique("user"), &fresh)).await;
    says(&refused, 403, "窓口へお電話ください");
    assert!(!refused.text.contains("<form"), "{}", refused.text);
    assert!(app.mails_to(&fresh).await.is_empty());
    // A week changes nothing; the desk's word does.
    app.later(7 * 24 * 3600);
    let late = app.identified().await;
    assert_eq!(
        late.send_form(ACCOUNT, &account(&unique("user"), &fresh)).await.status,
        403
    );
    let person = app
        .insurer
        .lines("SELECT person_id::text AS line FROM wrong_codes")
        .await;
    let person = kernel::PersonId(person[0].parse().unwrap());
    let mut tx = app.write(app.tenant()).await;
    assert!(accounts::unlock(&mut tx, app.clock().now(), person).await.unwrap());
    assert!(!accounts::unlock(&mut tx, app.clock().now(), person).await.unwrap());
    tx.commit().await.unwrap();
    leads(&late.send_form(ACCOUNT, &account(&unique("user"), &fresh)).await, CODE);
    leads(&enter(&late, &app.code_for(&fresh).await).await, "/portal/");
}

// security.md 1, 13
#[tokio::test]
async fn wrong_codes_and_mails_count_by_network_too() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.code_network_tries = 2;
        config.limits.send_network_tries = 3;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let client = app.client();
    let begin = async || {
        let client = client.stranger();
        client.send_form("/portal/signup", &app.identity(&app.person)).await;
        let email = format!("{}@example.jp", unique("one"));
        let sent = client
            .send_form(ACCOUNT, &account(&unique("user"), &email))
            .await
            .status;
        (client, email, sent.as_u16())
    };
    let mut statuses = Vec::new();
    let mut last = None;
    for _ in 0..4 {
        let (client, email, sent) = begin().await;
        statuses.push(sent);
        if sent == 303 {
            last = Some((client, email));
        }
    }
    assert_eq!(statuses, [303, 303, 303, 429]);
    let (client, email) = last.unwrap();
    let code = app.code_for(&email).await;
    for status in [422, 422, 429] {
        assert_eq!(enter(&client, other_than(&code)).await.status, status);
    }
    assert_eq!(enter(&client, &code).await.status, 429);
    app.later(15 * 60 - 1);
    assert_eq!(enter(&client, &code).await.status, 429);
    app.later(1);
    says(&enter(&client, &code).await, 422, "有効期限（10分）が切れました");
}

// security.md 13
#[tokio::test]
async fn a_resend_gives_no_further_tries() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    for _ in 0..3 {
        enter(&client, other_than(&code)).await;
    }
    app.later(60);
    leads(&client.press(RESEND).await, CODE);
    let code = app.code_for(&email).await;
    says(&enter(&client, other_than(&code)).await, 422, "あと1回");
    leads(&enter(&client, other_than(&code)).await, "/portal/signup");
}

// security.md 13
#[tokio::test(flavor = "multi_thread")]
async fn fifty_wrong_codes_at_once_count_as_five() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let (code, ticket) = (app.code_for(&email).await, client.cookie("__Host-ticket").unwrap());
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (client, wrong, ticket) = (client.stranger(), other_than(&code), ticket.clone());
        all.spawn(async move {
            client.set_cookie("__Host-ticket", &ticket);
            enter(&client, wrong).await.status.as_u16()
        });
    }
    let answers = all.join_all().await;
    // A page may say 422 or, once the fifth is counted, lead to the start; the trail tells which try was what, and those
    // that were not looked at are only counted.
    assert!(
        answers.iter().filter(|status| **status == 422).count() <= 4,
        "{answers:?}"
    );
    assert_eq!(
        app.insurer
            .count("throttles", "rule = 'refused_code' AND tries = 45")
            .await,
        1
    );
    for (outcome, times) in [("code_wrong", 4), ("code_tries_used_up", 1)] {
        let told = format!("action = 'sign_up.confirm' AND outcome = '{outcome}'");
        assert_eq!(app.insurer.count("audit_events", &told).await, times, "{outcome}");
    }
    assert_eq!(
        app.insurer
            .lines("SELECT tries::text AS line FROM sign_up_tickets")
            .await,
        ["5"]
    );
    client.set_cookie("__Host-ticket", &ticket);
    leads(&enter(&client, &code).await, "/portal/signup");
}

// security.md 13
#[tokio::test]
async fn further_codes_count_by_network_as_first_ones_do() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.send_network_tries = 2).await;
    let client = app.client();
    let identity = app.identity(&app.person);
    leads(&client.send_form("/portal/signup", &identity).await, ACCOUNT);
    let form = account(&unique("user"), &format!("{}@example.jp", unique("one")));
    leads(&client.send_form(ACCOUNT, &form).await, CODE);
    app.later(60);
    leads(&client.press(RESEND).await, CODE);
    app.later(60);
    assert_eq!(client.press(RESEND).await.status, 429);
    // The window began with the first of them.
    app.later(13 * 60);
    leads(&client.press(RESEND).await, CODE);
}

// security.md 3, 72
#[tokio::test]
async fn many_wrong_codes_at_one_insurer_raise_an_alarm_slow_further_ones_down_and_refuse_nobody() {
    let quick = |config: &mut madoguchi::config::Config| {
        config.limits.identity_alarm = 3;
        config.limits.identity_alarm_delay = 1;
    };
    let app = TestApp::with("32290413", |_| (), quick).await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let mut late = Vec::new();
    for _ in 0..4 {
        let begun = Instant::now();
        assert_eq!(enter(&client, other_than(&code)).await.status, 422);
        late.push(begun.elapsed() >= Duration::from_secs(1));
    }
    assert_eq!(late, [false, false, true, true]);
    let alarms = "action = 'alarm.raise' AND outcome = 'code_insurer'";
    assert_eq!(app.insurer.count("audit_events", alarms).await, 1);
    leads(&enter(&client, &code).await, "/portal/");
}
