//! What the steps of sign-up refuse, code by code.

use super::{flaws, identity, problem};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Answer, Client, PASSWORD, TestApp, TestPerson, unique};

/// A sign-up of a program's own.
struct SignUp {
    client: Client,
    ticket: String,
    user_id: String,
    email: String,
}

impl SignUp {
    async fn of(app: &TestApp, person: &TestPerson) -> Self {
        let client = app.client();
        let body = Some(identity(app, person));
        let answer = client.call(Method::POST, "/signup/identity", None, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let user_id = unique("api");
        Self {
            client,
            ticket: answer.json()["ticket"].as_str().unwrap().to_owned(),
            email: format!("{user_id}@example.jp"),
            user_id,
        }
    }

    /// As far as the code.
    async fn sent(app: &TestApp) -> Self {
        let sign_up = Self::of(app, &app.person).await;
        let answer = sign_up.account().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        sign_up
    }

    async fn post(&self, path: &str, mut body: Value) -> Answer {
        body["ticket"] = self.ticket.as_str().into();
        self.client.call(Method::POST, path, None, Some(body)).await
    }

    async fn account(&self) -> Answer {
        let body = json!({"user_id": self.user_id, "password": PASSWORD, "email": self.email});
        self.post("/signup/account", body).await
    }

    async fn code(&self, code: &str) -> Answer {
        self.post("/signup/code", json!({"code": code})).await
    }

    async fn resend(&self) -> Answer {
        self.post("/signup/code/resend", json!({})).await
    }
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

// security.md 10, 13
#[tokio::test]
async fn a_late_code_a_superseded_one_and_used_up_sends_have_codes_of_their_own() {
    let app = TestApp::start().await;
    let sign_up = SignUp::sent(&app).await;
    let first = app.code_for(&sign_up.email).await;
    app.later(600);
    problem(&sign_up.code(&first).await, 422, "code_late");
    for _ in 0..5 {
        assert_eq!(sign_up.resend().await.status, StatusCode::ACCEPTED);
        app.work().await;
        app.later(60);
    }
    if app.code_for(&sign_up.email).await != first {
        problem(&sign_up.code(&first).await, 422, "code_superseded");
    }
    problem(&sign_up.resend().await, 429, "sends_used_up");
    problem(&sign_up.account().await, 429, "sends_used_up");
}

// security.md 13
#[tokio::test]
async fn used_up_tries_end_a_ticket_and_no_code_is_sent_any_more() {
    let app = TestApp::start().await;
    let sign_up = SignUp::sent(&app).await;
    let code = app.code_for(&sign_up.email).await;
    for _ in 0..4 {
        problem(&sign_up.code(other_than(&code)).await, 422, "code_wrong");
    }
    for typed in [other_than(&code), &code] {
        problem(&sign_up.code(typed).await, 422, "code_tries_used_up");
    }
    app.later(61);
    problem(&sign_up.resend().await, 422, "code_tries_used_up");
    problem(&sign_up.account().await, 422, "code_tries_used_up");
    assert_eq!(app.mails_to(&sign_up.email).await.len(), 1);
}

#[tokio::test]
async fn a_code_whose_person_registered_by_another_ticket_is_used_and_makes_nothing() {
    let app = TestApp::start().await;
    let (one, two) = (SignUp::sent(&app).await, SignUp::sent(&app).await);
    let (one_code, two_code) = (app.code_for(&one.email).await, app.code_for(&two.email).await);
    assert_eq!(one.code(&one_code).await.status, StatusCode::CREATED);
    problem(&two.code(&two_code).await, 409, "ticket_expired");
    problem(&two.code(&two_code).await, 422, "code_used");
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
}

#[tokio::test]
async fn a_user_id_lost_before_the_code_is_named_and_the_code_stays_good_for_another() {
    let app = TestApp::start().await;
    let mut sign_up = SignUp::sent(&app).await;
    let code = app.code_for(&sign_up.email).await;
    // The same person begins once more and takes another name; the first one goes to somebody else.
    SignUp::sent(&app).await;
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let mut rival = SignUp::of(&app, &other).await;
    rival.user_id.clone_from(&sign_up.user_id);
    assert_eq!(rival.account().await.status, StatusCode::ACCEPTED);

    let body = problem(&sign_up.code(&code).await, 422, "fields");
    assert_eq!(flaws(&body), [("/user_id".into(), "user_id_taken".into())]);
    sign_up.user_id = unique("another");
    assert_eq!(sign_up.account().await.status, StatusCode::ACCEPTED);
    let answer = sign_up.code(&code).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.json()["user_id"], sign_up.user_id.as_str());
}

#[tokio::test]
async fn a_suspension_in_the_middle_of_a_sign_up_is_told_at_its_next_step() {
    let app = TestApp::start().await;
    let sign_up = SignUp::sent(&app).await;
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(61);
    for answer in [
        sign_up.account().await,
        sign_up.resend().await,
        sign_up.code("123456").await,
    ] {
        problem(&answer, 403, "insurer_suspended");
    }
    assert_eq!(app.mails_to(&sign_up.email).await.len(), 1);
}

// security.md 67
#[tokio::test]
async fn the_program_that_registered_is_known_to_the_user_id_from_the_start() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 1).await;
    let sign_up = SignUp::sent(&app).await;
    let log_in = async |password: &str, device: &Value| {
        let body = json!({"user_id": sign_up.user_id, "password": password, "device": device});
        app.client().call(Method::POST, "/sessions", None, Some(body)).await
    };
    // Somebody guesses at it before it is anybody's.
    problem(&log_in("wrong&1234", &Value::Null).await, 401, "log_in_failed");
    let registered = sign_up.code(&app.code_for(&sign_up.email).await).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.text);
    problem(&log_in(PASSWORD, &Value::Null).await, 403, "log_in_locked");
    let known = log_in(PASSWORD, &registered.json()["device"]).await;
    assert_eq!(known.status, StatusCode::CREATED, "{}", known.text);
}

#[tokio::test]
async fn an_odd_address_is_taken_with_a_warning() {
    let app = TestApp::start().await;
    let mut sign_up = SignUp::of(&app, &app.person).await;
    assert_eq!(sign_up.account().await.json()["unusual"], false);
    app.later(60);
    sign_up.email = format!("_ab..cd---{}.@docomo.ne.jp", unique("x"));
    let sent = sign_up.account().await.json();
    assert_eq!(
        (&sent["unusual"], &sent["sent_to"]),
        (&json!(true), &json!(sign_up.email))
    );
}

#[tokio::test]
async fn a_ticket_takes_only_so_many_account_forms_and_says_how_long_to_wait() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.account_posts = 2).await;
    let sign_up = SignUp::of(&app, &app.person).await;
    for _ in 0..2 {
        assert_eq!(sign_up.account().await.status, StatusCode::ACCEPTED);
    }
    problem(&sign_up.account().await, 429, "wait");
}
