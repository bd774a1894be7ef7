//! Step 2: user ID, password, address; and that no step can be skipped.

use crate::portal::{leads, says};
use testkit::{Client, PASSWORD, TestApp, TestPerson, account, unique};

const CODE: &str = "/portal/signup/code";
const ACCOUNT: &str = "/portal/signup/account";

// security.md 4
#[tokio::test]
async fn no_step_can_be_skipped() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    leads(&client.get(CODE).await, ACCOUNT);
    leads(&client.post(CODE, &[("code", "123456")]).await, ACCOUNT);
    leads(&client.press("/portal/signup/code/resend").await, ACCOUNT);
    let stranger = client.stranger();
    for path in [ACCOUNT, CODE] {
        leads(&stranger.get(path).await, "/portal/signup");
        leads(
            &stranger
                .post(path, &[("code", "123456"), ("user_id", "somebody")])
                .await,
            "/portal/signup",
        );
    }
    says(
        &stranger.get("/portal/signup").await,
        200,
        "もう一度はじめから登録してください",
    );
}

#[tokio::test]
async fn a_forged_ticket_opens_nothing() {
    let app = TestApp::start().await;
    let client = app.client();
    let secret = "A".repeat(43);
    let tenant = app.tenant();
    for forged in [
        format!("{tenant}.{secret}"),
        format!("2147483647.{secret}"),
        "0.x".into(),
        "'; --".into(),
        String::new(),
    ] {
        client.set_cookie("__Host-ticket", &forged);
        leads(&client.get(ACCOUNT).await, "/portal/signup");
        assert!(client.cookie("__Host-ticket").is_none(), "{forged}: it is taken away");
    }
}

#[tokio::test]
async fn a_ticket_ends_after_60_minutes() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    app.later(3599);
    assert_eq!(client.get(ACCOUNT).await.status, 200);
    app.later(1);
    leads(&client.get(ACCOUNT).await, "/portal/signup");
    says(&client.get("/portal/signup").await, 200, "60分で消えます");
    assert!(client.cookie("__Host-ticket").is_none());
    let late = app.identified().await;
    assert_eq!(late.get(ACCOUNT).await.status, 200);
    app.later(3601);
    leads(
        &late.send_form(ACCOUNT, &account(&unique("user"), "a@example.jp")).await,
        "/portal/signup",
    );
}

#[tokio::test]
async fn the_ticket_is_a_cookie_of_60_minutes_for_this_host_alone() {
    let app = TestApp::start().await;
    let answer = app
        .client()
        .send_form("/portal/signup", &app.identity(&app.person))
        .await;
    let cookies = answer.set_cookies();
    let ticket = cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-ticket="))
        .unwrap();
    assert!(
        ticket.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600"),
        "{ticket}"
    );
    for cookie in cookies {
        assert!(
            cookie.starts_with("__Host-") && cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"),
            "{cookie}"
        );
    }
}

/// Two clients, each past the identity page as a person of its own.
async fn two(app: &TestApp) -> (Client, Client) {
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let second = app.client();
    leads(
        &second.send_form("/portal/signup", &app.identity(&other)).await,
        ACCOUNT,
    );
    (app.identified().await, second)
}

#[tokio::test]
async fn a_user_id_is_one_whatever_the_case_reserved_for_a_tickets_life_and_free_after() {
    let app = TestApp::start().await;
    let (first, second) = two(&app).await;
    let id = unique("Reserved");
    leads(&first.send_form(ACCOUNT, &account(&id, "a@example.jp")).await, CODE);
    let taken = second
        .send_form(ACCOUNT, &account(&id.to_uppercase(), "b@example.jp"))
        .await;
    says(&taken, 422, "このユーザーIDは、すでに使われています");
    assert!(
        taken.text.contains(&format!("value=\"{}\"", id.to_uppercase())),
        "what was typed stays"
    );
    assert!(!taken.text.contains(PASSWORD));
    app.later(3601);
    let (_, second) = two(&app).await;
    leads(&second.send_form(ACCOUNT, &account(&id, "b@example.jp")).await, CODE);
}

#[tokio::test]
async fn whoever_chooses_another_user_id_gives_the_first_one_up() {
    let app = TestApp::start().await;
    let (first, second) = two(&app).await;
    let (id, other) = (unique("first"), unique("second"));
    leads(&first.send_form(ACCOUNT, &account(&id, "a@example.jp")).await, CODE);
    leads(&first.send_form(ACCOUNT, &account(&other, "a@example.jp")).await, CODE);
    leads(&second.send_form(ACCOUNT, &account(&id, "b@example.jp")).await, CODE);
}

#[tokio::test]
async fn a_user_id_of_another_insurers_member_is_taken_too() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let who = other.sign_up().await;
    let answer = app
        .identified()
        .await
        .send_form(ACCOUNT, &account(&who.user_id, "a@example.jp"))
        .await;
    says(&answer, 422, "すでに使われています");
}

#[tokio::test]
async fn user_ids_follow_the_manuals_rule() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    for (typed, said) in [
        ("", "ユーザーIDを入力してください"),
        ("abcde", "6文字以上"),
        ("a,bcdef", "「,」は使えません。ユーザーIDは、英字・数字と @ - _ +"),
        ("abc[def", "@ - _ +"),
        ("ab.cdef", "「.」は使えません"),
        ("ab cdef", "空白は使えません"),
        ("健保太郎太郎", "「健」は使えません"),
        ("sakura_hana7", "窓口で使う名前"),
        ("administrator", "窓口で使う名前"),
    ] {
        says(
            &client.send_form(ACCOUNT, &account(typed, "a@example.jp")).await,
            422,
            said,
        );
    }
    says(
        &client
            .send_form(ACCOUNT, &account(&"a".repeat(51), "a@example.jp"))
            .await,
        422,
        "50文字以内",
    );
}

// security.md 17–22
#[tokio::test]
async fn passwords_follow_both_rules_and_the_refusal_says_why() {
    let app = TestApp::start().await;
    let id = unique("user");
    for (typed, said) in [
        ("", "パスワードを入力してください"),
        ("Himawa&", "8文字以上20文字以内"),
        ("himawariyama", "パスワードに、数字・記号が入っていません"),
        (
            "Chizuru-1961",
            "「-」は使えません。使える記号は ?!@#%&#38;()_+ です（15文字以上なら、どの文字も使えます）",
        ),
        ("Sakura7+hanami", "多くの人が使っていて"),
        ("password1!", "多くの人が使っていて"),
        ("!!Himawari_2026", "多くの人が使っていて"),
        ("k3np0#123", "多くの人が使っていて"),
        ("1qaz@WSX", "多くの人が使っていて"),
        ("NaraKyousai#1", "見破られやすいもの"),
        ("kenpo_shoko5", "見破られやすいもの"),
        ("19850401!a", "見破られやすいもの"),
        ("S600401!ab", "見破られやすいもの"),
        (&format!("{id}&9"), "見破られやすいもの"),
    ] {
        let answer = app
            .identified()
            .await
            .send_form(ACCOUNT, &account(&id, "a@example.jp").with("password", typed))
            .await;
        says(&answer, 422, said);
        assert!(
            typed.is_empty() || !answer.text.contains(&format!("value=\"{typed}\"")),
            "no password comes back"
        );
    }
    for good in [
        "Himawari2rin&",
        "ひまわりの花が咲いている丘で会う",
        &"長い合言葉 ".repeat(20),
    ] {
        let answer = app
            .identified()
            .await
            .send_form(
                ACCOUNT,
                &account(&unique("user"), "a@example.jp").with("password", good),
            )
            .await;
        leads(&answer, CODE);
    }
}

#[tokio::test]
async fn an_address_that_the_insurer_registered_is_masked_and_cannot_be_replaced_by_posting_another() {
    let mut app = TestApp::start().await;
    app.person.email = format!("{}@mihon.example.jp", unique("shoko"));
    app.insurer.import(std::slice::from_ref(&app.person)).await;
    let client = app.identified().await;
    let page = client.get(ACCOUNT).await;
    assert!(
        !page.text.contains(&app.person.email) && !page.text.contains("name=\"email\""),
        "{}",
        page.text
    );
    says(&page, 200, "***");
    let other = format!("{}@example.jp", unique("other"));
    leads(
        &client.send_form(ACCOUNT, &account(&unique("user"), &other)).await,
        CODE,
    );
    assert!(app.mails_to(&other).await.is_empty());
    assert_eq!(app.mails_to(&app.person.email).await.len(), 1);
    let page = client.get(CODE).await;
    assert!(page.text.contains("***") && !page.text.contains(&app.person.email));
}

#[tokio::test]
async fn the_code_goes_to_the_address_whose_mask_was_shown_whatever_the_roster_says_meanwhile() {
    let mut app = TestApp::start().await;
    app.person.email = format!("{}@mihon.example.jp", unique("shoko"));
    app.insurer.import(std::slice::from_ref(&app.person)).await;
    let client = app.identified().await;
    let removed = TestPerson {
        email: String::new(),
        ..app.person.clone()
    };
    app.insurer.import(&[removed]).await;
    says(&client.get(ACCOUNT).await, 200, "***");
    let form = account(&unique("user"), "");
    leads(&client.send_form(ACCOUNT, &form).await, CODE);
    assert_eq!(app.mails_to(&app.person.email).await.len(), 1);
}

#[tokio::test]
async fn a_form_that_is_refused_changes_nothing() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    for _ in 0..5 {
        app.later(60);
        leads(&client.press("/portal/signup/code/resend").await, CODE);
        app.work().await;
    }
    let written = "SELECT user_id || encode(password, 'hex') AS line FROM sign_up_tickets";
    let before = app.insurer.lines(written).await;
    let other = unique("other");
    let refused = client.send_form(ACCOUNT, &account(&other, "other@example.jp")).await;
    says(&refused, 429, "お送りできる回数を超えました");
    assert_eq!(app.insurer.lines(written).await, before);
    // The user ID of the code under way stays reserved, and the refused one is free.
    let (_, second) = two(&app).await;
    let taken = second.send_form(ACCOUNT, &account(&user_id, "b@example.jp")).await;
    says(&taken, 422, "すでに使われています");
    leads(&second.send_form(ACCOUNT, &account(&other, "b@example.jp")).await, CODE);
    let code = app.code_for(&email).await;
    leads(&client.post(CODE, &[("code", &code)]).await, "/portal/");
}

#[tokio::test]
async fn within_a_minute_an_unchanged_address_is_sent_no_other_code_whatever_else_is_mended() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let mended = unique("mended");
    leads(&client.send_form(ACCOUNT, &account(&mended, &email)).await, CODE);
    assert_eq!(app.mails_to(&email).await.len(), 1);
    leads(&client.post(CODE, &[("code", &code)]).await, "/portal/");
    says(&client.get("/portal/").await, 200, &mended);
}

#[tokio::test]
async fn a_suspension_in_the_middle_of_a_sign_up_is_told_at_its_next_step() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(61);
    let closed = "ただいまお休みしています";
    says(
        &client.send_form(ACCOUNT, &account(&user_id, &email)).await,
        403,
        closed,
    );
    says(&client.press("/portal/signup/code/resend").await, 403, closed);
    says(&client.post(CODE, &[("code", "123456")]).await, 403, closed);
    assert_eq!(app.mails_to(&email).await.len(), 1);
}

#[tokio::test]
async fn odd_but_deliverable_addresses_are_warned_about_and_taken() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    let odd = format!("_ab..cd---{}.@docomo.ne.jp", unique("x"));
    leads(&client.send_form(ACCOUNT, &account(&unique("user"), &odd)).await, CODE);
    says(&client.get(CODE).await, 200, "届かない場合があります");
    assert_eq!(app.mails_to(&odd).await.len(), 1);
    for (typed, said) in [("", "メールアドレスを入力してください"), ("abc", "のような形で")] {
        says(
            &app.identified()
                .await
                .send_form(ACCOUNT, &account(&unique("user"), typed))
                .await,
            422,
            said,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_create_sends_one_mail() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    let id = unique("user");
    let email = format!("{id}@example.jp");
    let form = account(&id, &email);
    let (one, two) = tokio::join!(client.send_form(ACCOUNT, &form), client.send_form(ACCOUNT, &form));
    leads(&one, CODE);
    leads(&two, CODE);
    // And once more by the back button.
    leads(&client.send_form(ACCOUNT, &form).await, CODE);
    assert_eq!(app.mails_to(&email).await.len(), 1);
    let code = app.code_for(&email).await;
    leads(&client.post(CODE, &[("code", &code)]).await, "/portal/");
}

#[tokio::test]
async fn the_mail_comes_from_the_insurer_with_the_manuals_words() {
    let app = TestApp::start().await;
    let (_, _, email) = app.waiting_for_code().await;
    let mails = app.mails_to(&email).await;
    assert!(
        mails[0].from.contains(app.insurer.insurer.sender.address.as_str()),
        "{}",
        mails[0].from
    );
    assert!(mails[0].subject.contains("認証番号"), "{}", mails[0].subject);
    for text in ["10分", "自動"] {
        assert!(mails[0].text.contains(text), "{text}: {}", mails[0].text);
    }
}

#[tokio::test]
async fn back_keeps_what_was_typed_but_the_password() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    let form = account("half-way-there", "half@example.jp").with("act", "back");
    let back = client.send_form(ACCOUNT, &form).await;
    leads(&back, "/portal/signup?back=1");
    let page = client.get(back.location()).await;
    for text in [
        "value=\"ケンポ　ショウコ\"",
        "value=\"105\"",
        "<option value=\"1985\" selected",
    ] {
        says(&page, 200, text);
    }
    leads(
        &client.send_form("/portal/signup", &app.identity(&app.person)).await,
        ACCOUNT,
    );
    let page = client.get(ACCOUNT).await;
    for text in ["value=\"half-way-there\"", "value=\"half@example.jp\""] {
        says(&page, 200, text);
    }
    assert!(!page.text.contains(PASSWORD));
}

#[tokio::test]
async fn back_keeps_a_correction_that_is_newer_than_what_was_sent() {
    let app = TestApp::start().await;
    let (client, user_id, _) = app.waiting_for_code().await;
    let form = account("better-name", "better@example.jp").with("act", "back");
    leads(&client.send_form(ACCOUNT, &form).await, "/portal/signup?back=1");
    leads(
        &client.send_form("/portal/signup", &app.identity(&app.person)).await,
        ACCOUNT,
    );
    let page = client.get(ACCOUNT).await;
    for text in ["value=\"better-name\"", "value=\"better@example.jp\""] {
        says(&page, 200, text);
    }
    // Once sent, that is what counts again.
    app.later(60);
    let sent = unique("best-name");
    leads(
        &client.send_form(ACCOUNT, &account(&sent, "best@example.jp")).await,
        CODE,
    );
    let page = client.get(ACCOUNT).await;
    says(&page, 200, &format!("value=\"{sent}\""));
    assert!(!page.text.contains("better") && !page.text.contains(&user_id));
}

// security.md 26
#[tokio::test]
async fn a_full_hashing_queue_answers_503_with_a_time_and_keeps_what_was_typed() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let client = app.identified().await;
    let id = unique("user");
    let form = account(&id, "a@example.jp");
    let crowd = app.crowd();
    let answer = client.send_form(ACCOUNT, &form).await;
    says(&answer, 503, "混み合っています");
    assert!(!answer.header("retry-after").is_empty());
    assert!(answer.text.contains(&format!("value=\"{id}\"")) && !answer.text.contains(PASSWORD));
    drop(crowd);
    leads(&client.send_form(ACCOUNT, &form).await, CODE);
}
