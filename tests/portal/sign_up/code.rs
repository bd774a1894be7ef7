//! Step 3: the code from the mail, and the account it makes.

use crate::portal::{leads, other_than, says};
use database::Durability;
use testkit::{Client, TestApp, account, unique};
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
    assert!(client.cookie("__Host-ticket").is_none());
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
    assert!(!too_soon.header("retry-after").is_empty());
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
    leads(&enter(&client, &code).await, "/portal/");
    assert_eq!(app.insurer.count("wrong_codes", "true").await, 0);
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
        assert!(!answer.header("retry-after").is_empty());
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
    // The right one neither; whoever it is is told to call, and nothing is mailed to anybody.
    let answer = enter(&second, &code).await;
    says(&answer, 403, "窓口へお電話ください");
    says(&answer, 403, "050-2030-4706");
    let third = app.identified().await;
    let fresh = format!("{}@example.jp", unique("fresh"));
    let refused = third.send_form(ACCOUNT, &account(&unique("user"), &fresh)).await;
    says(&refused, 403, "窓口へお電話ください");
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
    let mut tx = app.database.tenant(app.tenant()).write(Durability::Safe).await.unwrap();
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
async fn ten_right_codes_at_once_make_one_account_and_all_are_told_so() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let mut all = JoinSet::new();
    let ticket = client.cookie("__Host-ticket").unwrap();
    for _ in 0..5 {
        let (client, code, ticket) = (client.stranger(), code.clone(), ticket.clone());
        all.spawn(async move {
            client.set_cookie("__Host-ticket", &ticket);
            enter(&client, &code).await.location().to_owned()
        });
    }
    assert_eq!(all.join_all().await, ["/portal/"; 5]);
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
    assert_eq!(app.insurer.count("events", "kind = 'member.registered'").await, 1);
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

#[tokio::test]
async fn the_page_is_the_same_after_a_look_at_the_mail_app() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let first = client.get(CODE).await;
    says(&first, 200, &email);
    says(&first, 200, "迷惑メールフォルダ");
    assert_eq!(client.get(CODE).await.normalized(), first.normalized());
}
