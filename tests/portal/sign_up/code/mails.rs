//! How often a code is mailed, and which address it proves.

use super::{ACCOUNT, CODE, RESEND, enter};
use crate::portal::{leads, says};
use testkit::{TestApp, account, unique};

#[tokio::test]
async fn an_earlier_mails_code_is_refused_with_a_word_on_the_newer_one() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let first = app.code_for(&email).await;
    app.later(60);
    leads(&client.press(RESEND).await, CODE);
    says(&client.get(CODE).await, 200, "もう一度お送りしました");
    let second = app.code_for(&email).await;
    if first != second {
        says(&enter(&client, &first).await, 422, "新しい認証番号をお送りしています");
    }
    leads(&enter(&client, &second).await, "/portal/");
}

#[tokio::test]
async fn mails_come_a_minute_apart_and_six_in_all() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let too_soon = client.press(RESEND).await;
    says(&too_soon, 429, "さきほどメールをお送りしたばかりです");
    app.later(59);
    assert_eq!(client.press(RESEND).await.status, 429);
    app.later(1);
    for _ in 0..5 {
        leads(&client.press(RESEND).await, CODE);
        app.work().await;
        app.later(60);
    }
    says(&client.press(RESEND).await, 429, "お送りできる回数を超えました");
    assert_eq!(app.mails_to(&email).await.len(), 6);
    // Nor by way of the account page.
    let answer = client
        .send_form(ACCOUNT, &account(&unique("user"), "other@example.jp"))
        .await;
    says(&answer, 429, "お送りできる回数を超えました");
    let code = app.code_for(&email).await;
    leads(&enter(&client, &code).await, "/portal/");
}

#[tokio::test]
async fn where_all_mails_are_sent_starting_again_begins_anew() {
    let app = TestApp::start().await;
    let (client, _, _) = app.waiting_for_code().await;
    for _ in 0..5 {
        app.later(60);
        leads(&client.press(RESEND).await, CODE);
    }
    says(
        &client.get(CODE).await,
        200,
        "<a href=\"/portal/signup\">はじめから登録</a>",
    );
    assert_eq!(client.get("/portal/signup").await.status, 200);
    let ticket = client.cookie("__Host-ticket");
    leads(
        &client.send_form("/portal/signup", &app.identity(&app.person)).await,
        ACCOUNT,
    );
    assert_ne!(client.cookie("__Host-ticket"), ticket);
    let id = unique("anew");
    let email = format!("{id}@example.jp");
    leads(&client.send_form(ACCOUNT, &account(&id, &email)).await, CODE);
    leads(&enter(&client, &app.code_for(&email).await).await, "/portal/");
}

#[tokio::test]
async fn where_all_mails_are_sent_the_page_promises_none_and_shows_nothing_to_press_that_could_only_be_refused() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    for _ in 0..5 {
        app.later(60);
        leads(&client.press(RESEND).await, CODE);
    }
    let code = app.code_for(&email).await;
    let page = client.get(CODE).await;
    says(&page, 200, "お送りできる回数を超えました");
    for gone in ["を過ぎたら", "/resend\"", "メールアドレスを直す"] {
        assert!(!page.text.contains(gone), "{gone}: {}", page.text);
    }
    assert!(page.text.contains("name=\"code\""), "the last code may still be typed");
    // Past its ten minutes there is nothing left to type, and no error beside it that promises another mail.
    app.later(600);
    for page in [client.get(CODE).await, enter(&client, &code).await] {
        assert!(page.text.contains("はじめから登録する"), "{}", page.text);
        for gone in ["name=\"code\"", "再送する", "入力し、メールアドレス登録"] {
            assert!(!page.text.contains(gone), "{gone}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn back_after_a_finished_sign_up_leads_to_the_log_in_and_after_one_that_is_over_to_its_start() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    leads(&enter(&client, &app.code_for(&email).await).await, "/portal/");
    for page in [ACCOUNT, CODE] {
        leads(&client.get(page).await, "/portal/");
    }
    assert!(!client.get("/portal/").await.text.contains("消えます"));
    // Where nothing was finished there is nothing to log in with.
    leads(&app.client().get(CODE).await, "/portal/signup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_resend_sends_one_mail() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    app.work().await;
    app.later(60);
    let (one, two) = tokio::join!(client.press(RESEND), client.press(RESEND));
    // The slower one is told of the same mail, or that one has just been sent.
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [303, 303] || statuses == [303, 429], "{statuses:?}");
    assert_eq!(app.mails_to(&email).await.len(), 2);
    leads(&enter(&client, &app.code_for(&email).await).await, "/portal/");
}

// security.md 13
#[tokio::test]
async fn the_pause_between_two_codes_holds_whatever_the_address() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let others: Vec<String> = (0..3).map(|_| format!("{}@example.jp", unique("stranger"))).collect();
    for other in &others {
        let answer = client.send_form(ACCOUNT, &account(&user_id, other)).await;
        says(&answer, 429, "さきほどメールをお送りしたばかりです");
        assert!(app.mails_to(other).await.is_empty());
    }
    // Refused, it changed nothing; a minute later it is sent.
    app.later(60);
    leads(&client.send_form(ACCOUNT, &account(&user_id, &others[0])).await, CODE);
    assert_eq!(app.mails_to(&others[0]).await.len(), 1);
    if app.code_for(&others[0]).await != code {
        says(&enter(&client, &code).await, 422, "新しい認証番号");
    }
}

#[tokio::test]
async fn a_code_never_proves_another_address_than_the_one_it_went_to() {
    let app = TestApp::start().await;
    let (client, user_id, first) = app.waiting_for_code().await;
    let first_code = app.code_for(&first).await;
    let second = format!("{}@example.jp", unique("second"));
    app.later(60);
    leads(&client.send_form(ACCOUNT, &account(&user_id, &second)).await, CODE);
    let second_code = app.code_for(&second).await;
    if first_code != second_code {
        says(&enter(&client, &first_code).await, 422, "新しい認証番号");
        assert_eq!(app.insurer.count("accounts", "true").await, 0);
    }
    leads(&enter(&client, &second_code).await, "/portal/");
    assert_eq!(app.insurer.lines("SELECT email AS line FROM accounts").await, [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_addresses_at_the_same_moment_prove_only_the_one_that_got_the_code() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    let id = unique("user");
    let (a, b) = (format!("a-{id}@example.jp"), format!("b-{id}@example.jp"));
    let (a_form, b_form) = (account(&id, &a), account(&id, &b));
    tokio::join!(client.send_form(ACCOUNT, &a_form), client.send_form(ACCOUNT, &b_form));
    app.work().await;
    let (to_a, to_b) = (app.mails_to(&a).await.len(), app.mails_to(&b).await.len());
    let page = client.get(CODE).await.text;
    let proven = if page.contains(&a) { &a } else { &b };
    assert!(to_a + to_b >= 1 && page.contains(proven));
    let code = app.code_for(proven).await;
    leads(&enter(&client, &code).await, "/portal/");
    assert_eq!(
        app.insurer.lines("SELECT email AS line FROM accounts").await,
        [proven.as_str()]
    );
}

#[tokio::test]
async fn an_expired_code_is_never_sent_and_the_page_says_so() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    app.later(601);
    assert!(app.mails_to(&email).await.is_empty());
    let page = client.get(CODE).await;
    says(&page, 200, "お送りできませんでした");
    leads(&client.press(RESEND).await, CODE);
    assert_eq!(app.mails_to(&email).await.len(), 1);
}
