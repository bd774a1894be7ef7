//! Step 3: the code from the mail, and the account it makes.

mod mails;
mod tries;

use crate::portal::{leads, other_than, says};
use testkit::{Client, MARK, TestApp, account, unique};
use tokio::task::JoinSet;

const CODE: &str = "/portal/signup/code";
const RESEND: &str = "/portal/signup/code/resend";
const ACCOUNT: &str = "/portal/signup/account";

async fn enter(client: &Client, code: &str) -> testkit::Answer {
    client.post(CODE, &[("code", code)]).await
}

#[tokio::test]
async fn the_right_code_makes_the_account_and_shows_the_user_id_once_more() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    leads(&enter(&client, &code).await, "/portal/");
    let left = client.cookie("__Host-ticket");
    assert_eq!(left.as_deref(), Some("done"), "of the ticket itself nothing is left");
    let page = client.get("/portal/").await;
    for text in [
        "控えてください",
        &format!("<strong class=\"code\">{user_id}</strong>"),
        &format!("value=\"{user_id}\""),
    ] {
        says(&page, 200, text);
    }
    assert_eq!(app.insurer.count("events", "kind = 'member.registered'").await, 1);
    let left = "registered_at IS NOT NULL AND (password IS NOT NULL OR email IS NOT NULL)";
    assert_eq!(
        app.insurer.count("sign_up_tickets", left).await,
        0,
        "nothing of it stays on the ticket"
    );
}

#[tokio::test]
async fn a_code_is_taken_in_any_width_and_grouping() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let wide: String = code
        .chars()
        .map(|c| char::from_u32(c as u32 - 0x30 + 0xFF10).unwrap())
        .collect();
    leads(
        &enter(&client, &format!(" {}－{} ", &wide[..9], &wide[9..])).await,
        "/portal/",
    );
}

#[tokio::test]
async fn a_pasted_line_of_the_mail_is_its_code_and_one_with_two_codes_is_none_and_costs_no_try() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let page = client.get("/portal/signup/code").await;
    assert!(
        !page.text.contains("maxlength=\"12\""),
        "a browser would cut what is pasted: {}",
        page.text
    );
    let code = app.code_for(&email).await;
    for _ in 0..6 {
        let two = enter(&client, &format!("認証番号：{code} {code}")).await;
        says(&two, 422, "認証番号");
    }
    let line = format!("認証番号：{code}（10分間有効です）");
    leads(&enter(&client, &line).await, "/portal/");
}

// security.md 10
#[tokio::test]
async fn a_code_older_than_ten_minutes_is_refused_and_a_new_one_helps() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    app.later(600);
    says(&enter(&client, &code).await, 422, "有効期限（10分）が切れました");
    leads(&client.press(RESEND).await, CODE);
    let code = app.code_for(&email).await;
    app.later(599);
    leads(&enter(&client, &code).await, "/portal/");
}

#[tokio::test]
async fn the_end_of_a_code_is_not_told_later_than_it_is() {
    let app = TestApp::start().await;
    app.later(16);
    let (client, ..) = app.waiting_for_code().await;
    says(&client.get(CODE).await, 200, "10分以内（12時10分まで）");
}

#[tokio::test]
async fn whoever_comes_back_to_a_code_that_has_run_out_is_told_so_before_they_type_it() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    app.code_for(&email).await;
    app.later(599);
    assert!(!client.get(CODE).await.text.contains("有効期限が切れました"));
    app.later(1);
    let told = "有効期限が切れました。「再送する」を押すと";
    says(&client.get(CODE).await, 200, told);
    leads(&client.press(RESEND).await, CODE);
    assert!(!client.get(CODE).await.text.contains("有効期限が切れました"));
}

#[tokio::test]
async fn a_user_id_lost_before_the_code_leads_back_to_its_field_and_the_code_stays_good() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    // The same person begins once more and takes another name; the first one goes to somebody else.
    app.waiting_for_code().await;
    let other = testkit::TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let rival = app.client();
    leads(&rival.send_form("/portal/signup", &app.identity(&other)).await, ACCOUNT);
    leads(
        &rival.send_form(ACCOUNT, &account(&user_id, "b@example.jp")).await,
        CODE,
    );

    leads(&enter(&client, &code).await, ACCOUNT);
    says(
        &client.get(ACCOUNT).await,
        200,
        "このユーザーIDは、すでに使われています",
    );
    let new = unique("another");
    leads(&client.send_form(ACCOUNT, &account(&new, &email)).await, CODE);
    leads(&enter(&client, &code).await, "/portal/");
    assert_eq!(app.insurer.lines("SELECT user_id AS line FROM accounts").await, [new]);
}

#[tokio::test]
async fn the_new_user_id_is_shown_though_somebody_else_is_logged_in_here() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let other = testkit::TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    leads(
        &client.send_form("/portal/signup", &app.identity(&other)).await,
        ACCOUNT,
    );
    let id = unique("second");
    let email = format!("{id}@example.jp");
    leads(&client.send_form(ACCOUNT, &account(&id, &email)).await, CODE);
    leads(&enter(&client, &app.code_for(&email).await).await, "/portal/");
    says(
        &client.get("/portal/").await,
        200,
        &format!("<strong class=\"code\">{id}</strong>"),
    );
}

#[tokio::test]
async fn the_right_code_a_second_time_is_told_the_same() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let (code, ticket) = (app.code_for(&email).await, client.cookie("__Host-ticket").unwrap());
    leads(&enter(&client, &code).await, "/portal/");
    client.set_cookie("__Host-ticket", &ticket);
    leads(&enter(&client, &code).await, "/portal/");
    says(&client.get("/portal/").await, 200, &user_id);
    client.set_cookie("__Host-ticket", &ticket);
    leads(&enter(&client, other_than(&code)).await, "/portal/signup");
    // Nor does the ticket do anything else any more.
    client.set_cookie("__Host-ticket", &ticket);
    leads(
        &client
            .send_form(ACCOUNT, &account(&unique("user"), "x@example.jp"))
            .await,
        "/portal/signup",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_right_codes_at_once_make_one_account_and_all_are_told_so() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let mut all = JoinSet::new();
    let ticket = client.cookie("__Host-ticket").unwrap();
    // Every form was shown before the first was sent: of a sign-up that is over none is shown any more.
    let mark = client.mark(CODE).await.unwrap();
    for _ in 0..5 {
        let (client, code, ticket, mark) = (client.stranger(), code.clone(), ticket.clone(), mark.clone());
        all.spawn(async move {
            client.set_cookie("__Host-ticket", &ticket);
            let answer = client.post_bare(CODE, &[("code", &code), (MARK, &mark)]).await;
            assert_eq!(answer.status, 303, "{}", answer.text);
            answer.location().to_owned()
        });
    }
    assert_eq!(all.join_all().await, ["/portal/"; 5]);
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
    assert_eq!(app.insurer.count("events", "kind = 'member.registered'").await, 1);
}

#[tokio::test]
async fn two_tickets_of_one_person_make_one_account() {
    let app = TestApp::start().await;
    let (one, _, one_email) = app.waiting_for_code().await;
    let (two, _, two_email) = app.waiting_for_code().await;
    let (one_code, two_code) = (app.code_for(&one_email).await, app.code_for(&two_email).await);
    let (first, second) = tokio::join!(enter(&one, &one_code), enter(&two, &two_code));
    let mut places = [first.location(), second.location()];
    places.sort_unstable();
    assert_eq!(places, ["/portal/", "/portal/signup"]);
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
}

#[tokio::test]
async fn the_page_is_the_same_after_a_look_at_the_mail_app() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let first = client.get(CODE).await;
    says(&first, 200, &email);
    says(&first, 200, "迷惑メールのフォルダー");
    assert_eq!(client.get(CODE).await.normalized(), first.normalized());
}
