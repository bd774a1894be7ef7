//! A new e-mail address: a code to the new one, a notice to the old one, and nothing changed before the proof.

use crate::portal::{leads, other_than, says};
use testkit::{Answer, Client, PASSWORD, TestApp, unique};

const ASK: &str = "/portal/account/email";
const CODE: &str = "/portal/account/email/code";
const RESEND: &str = "/portal/account/email/code/resend";

async fn ask(client: &Client, password: &str, email: &str) -> Answer {
    client
        .post(ASK, &[("current_password", password), ("email", email)])
        .await
}

async fn enter(client: &Client, code: &str) -> Answer {
    client.post(CODE, &[("code", code)]).await
}

async fn address(app: &TestApp) -> String {
    app.insurer.lines("SELECT email AS line FROM accounts").await.remove(0)
}

fn fresh() -> String {
    format!("{}@example.jp", unique("new"))
}

// security.md 30, 42
#[tokio::test]
async fn the_address_changes_with_the_code_that_went_to_the_new_one_and_the_old_one_is_told() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let new = fresh();
    let before = app.mails_to(&who.email).await.len();
    // The address that it is already gets no code, and the mended form is not held off.
    let same = ask(&client, PASSWORD, &who.email).await;
    says(&same, 422, "今と同じメールアドレスです");
    leads(&ask(&client, PASSWORD, &new).await, CODE);
    assert_eq!(address(&app).await, who.email, "nothing changes before the proof");
    let code = app.code_for(&new).await;
    assert_eq!(app.mails_to(&who.email).await.len(), before);
    leads(&enter(&client, &code).await, "/portal/account");
    assert_eq!(address(&app).await, new);
    let told = app.mails_to(&who.email).await;
    assert_eq!(told.len(), before + 1);
    assert!(!told[0].text.contains(&new), "only its mask: {}", told[0].text);
    // A second click finds nothing to do.
    leads(&enter(&client, &code).await, "/portal/account");
    says(&client.get("/portal/account").await, 200, "今登録されているもの");
    assert_eq!(address(&app).await, new);
}

// security.md 38
#[tokio::test]
async fn the_session_goes_on_under_a_new_token_after_the_change() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let new = fresh();
    leads(&ask(&client, PASSWORD, &new).await, CODE);
    let stolen = client.cookie("__Host-session").unwrap();
    leads(&enter(&client, &app.code_for(&new).await).await, "/portal/account");
    assert_eq!(client.get("/portal/account").await.status, 200);
    let thief = client.stranger();
    thief.set_cookie("__Host-session", &stolen);
    assert_eq!(thief.get("/portal/account").await.status, 303);
}

// security.md 58
#[tokio::test]
async fn an_address_that_nobody_has_proven_stands_nowhere_in_clear() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let new = fresh();
    leads(&ask(&client, PASSWORD, &new).await, CODE);
    says(&client.get(CODE).await, 200, &new);
    let in_clear = format!("position(convert_to('{new}', 'UTF8') IN email) > 0");
    assert_eq!(app.insurer.count("email_changes", &in_clear).await, 0);
    for table in ["mails", "jobs", "events", "audit_events"] {
        let rows = app
            .insurer
            .lines(&format!("SELECT to_jsonb(t)::text AS line FROM {table} t"))
            .await
            .join("\n");
        assert!(!rows.contains(&new), "{table}: {rows}");
    }
}

#[tokio::test]
async fn a_change_needs_the_present_password_and_an_address() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    says(
        &ask(&client, "wrong&1234", &fresh()).await,
        422,
        "今のパスワードが違います",
    );
    says(&ask(&client, "", "").await, 422, "今のパスワードを入力してください");
    says(&ask(&client, PASSWORD, "abc").await, 422, "のような形で");
    assert_eq!(address(&app).await, who.email);
    assert_eq!(app.insurer.count("email_changes", "true").await, 0);
}

// security.md 13
#[tokio::test]
async fn five_wrong_codes_end_the_change_whatever_address_is_asked_for() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let new = fresh();
    ask(&client, PASSWORD, &new).await;
    let code = app.code_for(&new).await;
    for left in (1..=4).rev() {
        says(&enter(&client, other_than(&code)).await, 422, &format!("あと{left}回"));
    }
    assert_eq!(enter(&client, other_than(&code)).await.status, 422);
    assert_eq!(enter(&client, &code).await.status, 422);
    app.later(61);
    let other = fresh();
    says(&ask(&client, PASSWORD, &other).await, 422, "5回入力されたため");
    says(&client.press(RESEND).await, 422, "5回入力されたため");
    assert!(
        app.mails_to(&other).await.is_empty(),
        "a code that can't be typed is not sent"
    );
    assert_eq!(app.mails_to(&new).await.len(), 1);
    assert_eq!(address(&app).await, who.email);
    // An hour later one may begin anew.
    app.later(3600);
    let client = app.inside(&who).await;
    let third = fresh();
    leads(&ask(&client, PASSWORD, &third).await, CODE);
    leads(&enter(&client, &app.code_for(&third).await).await, "/portal/account");
    assert_eq!(address(&app).await, third);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_wrong_codes_at_once_count_as_five() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let new = fresh();
    ask(&client, PASSWORD, &new).await;
    let code = app.code_for(&new).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, wrong) = (client.clone(), other_than(&code));
        all.spawn(async move { enter(&client, wrong).await.status.as_u16() });
    }
    all.join_all().await;
    assert_eq!(
        app.insurer.lines("SELECT tries::text AS line FROM email_changes").await,
        ["5"]
    );
    assert_eq!(enter(&client, &code).await.status, 422);
    assert_eq!(address(&app).await, who.email);
}

#[tokio::test]
async fn after_six_mails_there_is_no_other_and_the_answer_says_how_long() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    leads(&ask(&client, PASSWORD, &fresh()).await, CODE);
    for _ in 2..=6 {
        app.later(60);
        leads(&client.press(RESEND).await, CODE);
    }
    app.later(60);
    let answer = client.press(RESEND).await;
    says(&answer, 429, "これ以上メールをお送りできません");
}

#[tokio::test]
async fn a_late_or_superseded_code_changes_nothing() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let new = fresh();
    ask(&client, PASSWORD, &new).await;
    let first = app.code_for(&new).await;
    assert_eq!(client.press(RESEND).await.status, 429);
    app.later(61);
    leads(&client.press(RESEND).await, CODE);
    let second = app.code_for(&new).await;
    if first != second {
        assert_eq!(enter(&client, &first).await.status, 422);
    }
    app.later(601);
    says(&enter(&client, &second).await, 422, "有効期限");
    assert_eq!(address(&app).await, who.email);
    // Right once, they cost no try.
    assert_eq!(app.insurer.count("email_changes", "tries = 0").await, 1);
    assert_eq!(app.insurer.count("wrong_codes", "failures > 0").await, 0);
}

#[tokio::test]
async fn a_code_for_one_address_never_proves_another() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let (first, second) = (fresh(), fresh());
    ask(&client, PASSWORD, &first).await;
    let first_code = app.code_for(&first).await;
    app.later(61);
    leads(&ask(&client, PASSWORD, &second).await, CODE);
    let second_code = app.code_for(&second).await;
    if first_code != second_code {
        assert_eq!(enter(&client, &first_code).await.status, 422);
        assert_eq!(address(&app).await, who.email);
    }
    leads(&enter(&client, &second_code).await, "/portal/account");
    assert_eq!(address(&app).await, second);
}

#[tokio::test]
async fn six_mails_in_all_whatever_addresses_are_asked_for() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let before = app.mailbox.mails().len();
    for _ in 0..8 {
        ask(&client, PASSWORD, &fresh()).await;
        app.work().await;
        app.later(61);
    }
    assert_eq!(app.mailbox.mails().len() - before, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_sends_one_mail() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let new = fresh();
    let (one, two) = tokio::join!(ask(&client, PASSWORD, &new), ask(&client, PASSWORD, &new));
    leads(&one, CODE);
    leads(&two, CODE);
    leads(&ask(&client, PASSWORD, &new).await, CODE);
    assert_eq!(app.mails_to(&new).await.len(), 1);
    leads(&enter(&client, &app.code_for(&new).await).await, "/portal/account");
}

#[tokio::test]
async fn a_minute_lies_between_two_codes_whatever_the_address() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    leads(&ask(&client, PASSWORD, &fresh()).await, CODE);
    let other = fresh();
    app.later(59);
    assert_eq!(ask(&client, PASSWORD, &other).await.status, 429);
    assert!(app.mails_to(&other).await.is_empty());
    app.later(1);
    leads(&ask(&client, PASSWORD, &other).await, CODE);
    assert_eq!(app.mails_to(&other).await.len(), 1);
}

// security.md 13, 68
#[tokio::test]
async fn wrong_codes_of_a_change_count_for_the_person_as_those_of_a_sign_up_do() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.code_failures = 3).await;
    let (client, who) = app.member().await;
    let new = fresh();
    leads(&ask(&client, PASSWORD, &new).await, CODE);
    let code = app.code_for(&new).await;
    for _ in 0..3 {
        assert_eq!(enter(&client, other_than(&code)).await.status, 422);
    }
    let answer = enter(&client, &code).await;
    says(&answer, 403, "窓口へお電話ください");
    assert!(!answer.text.contains(CODE), "nothing is left to type or press in vain");
    app.later(60);
    let other = fresh();
    says(&ask(&client, PASSWORD, &other).await, 403, "窓口へお電話ください");
    assert!(
        app.mails_to(&other).await.is_empty(),
        "a code that can't be typed is not sent"
    );
    assert_eq!(address(&app).await, who.email);
}

#[tokio::test]
async fn a_slip_in_the_new_address_is_asked_about_once_before_anything_is_sent() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let typed = format!("{}@docomo.ne.jo", unique("new"));
    let asked = ask(&client, PASSWORD, &typed).await;
    says(&asked, 422, "@docomo.ne.jp ではありませんか");
    says(&asked, 422, &format!("name=\"asked\" value=\"{typed}\""));
    assert!(app.mails_to(&typed).await.is_empty());
    let sure = [("current_password", PASSWORD), ("email", &typed), ("asked", &typed)];
    leads(&client.post(ASK, &sure).await, CODE);
    assert_eq!(app.mails_to(&typed).await.len(), 1);
}
