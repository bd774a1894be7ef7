//! Log-in: who comes in, where to, and what a wrong password says.

mod access;
mod session;
mod throttle;
mod trail;

use crate::portal::{leads, says};
use accounts::LogInForm;
use audit::Origin;
use guard::Password;
use kernel::Outcome;
use madoguchi::config::Config;
use testkit::{Client, Fields, PASSWORD, TestApp, TestPerson, admin_url, execute, unique};

const MY_PAGE: &str = "/portal/mypage";
const SESSION: &str = "__Host-session";

fn form(user_id: &str, password: &str) -> Fields {
    Fields::new(&[("user_id", user_id), ("password", password)])
}

async fn log_in(client: &Client, user_id: &str, password: &str) -> testkit::Answer {
    client.send_form("/portal/", &form(user_id, password)).await
}

#[tokio::test]
async fn whoever_logs_in_comes_to_the_terms_and_then_to_the_my_page() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    leads(
        &log_in(&client, &who.user_id.to_uppercase(), PASSWORD).await,
        "/portal/terms",
    );
    leads(&client.accept_terms().await, MY_PAGE);
    says(&client.get(MY_PAGE).await, 200, "健保 祥子さん");
    // From then on the log-in page leads there, and so does the start.
    leads(&client.get("/portal/").await, MY_PAGE);
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, MY_PAGE);
}

#[tokio::test]
async fn a_log_in_comes_through_where_the_database_has_just_closed_every_connection() {
    let name = unique("node");
    let named = |config: &mut madoguchi::config::Config| {
        config.database.url = format!("{}?application_name={name}", config.database.url);
    };
    let app = TestApp::with("32290413", |_| (), named).await;
    let who = app.sign_up().await;
    let end = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '{name}'");
    // Behind the back of this thread's runtime, which hears of it only while the log-in is under way.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(execute(&admin_url(), &end)).unwrap();
    })
    .join()
    .unwrap();
    let form = LogInForm {
        user_id: who.user_id,
        password: PASSWORD.into(),
        device: None,
    };
    let answer = app.accounts.log_in(&Origin::command(), "", form).await;
    assert!(matches!(answer, Ok(Outcome::Done(_))), "{answer:?}");
}

// security.md 27, 69
#[tokio::test]
async fn an_unknown_user_id_and_a_wrong_password_have_the_same_answer_at_the_same_cost() {
    let app = TestApp::counting().await;
    let (_, who) = app.member().await;
    let (other, lost) = (TestApp::start().await, TestApp::start().await);
    let foreign = other.sign_up().await;
    let gone = lost.sign_up().await;
    lost.insurer.import(&[TestPerson::new(106)]).await;
    let mut answers = Vec::new();
    let long = "x".repeat(3000);
    for (id, password) in [
        (who.user_id.as_str(), "wrong&1234"),
        (&foreign.user_id, "wrong&1234"),
        (&gone.user_id, "wrong&1234"),
        (&unique("nobody"), "wrong&1234"),
        ("健保 太郎", "wrong&1234"),
        (&who.user_id, &long),
    ] {
        app.warm().await;
        app.ground.directory.by_tenant(other.tenant()).await.unwrap();
        app.ground.directory.by_tenant(lost.tenant()).await.unwrap();
        app.client().get("/portal/").await;
        let (answer, cost) = app.cost_of(&app.client(), "/portal/", &form(id, password)).await;
        says(&answer, 422, "ユーザーIDまたはパスワードが違います");
        answers.push((id.to_owned(), answer.normalized().replace(id, "ID"), cost));
    }
    for (id, page, cost) in &answers {
        assert_eq!((cost, page), (&answers[0].2, &answers[0].1), "{id}");
    }
    assert_eq!(answers[0].2.hashes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_with_a_password_that_is_changed_meanwhile_opens_nothing() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    // Its one hashing thread is busy, so the log-in has taken its try and waits to be looked at.
    let others: Vec<_> = (0..30)
        .map(|_| {
            let hasher = app.ground.hasher.clone();
            tokio::spawn(async move {
                hasher
                    .verify(&Origin::command(), Password::typed(PASSWORD), None)
                    .await
                    .is_ok()
            })
        })
        .collect();
    let client = app.client();
    let (answer, ()) = tokio::join!(log_in(&client, &who.user_id, PASSWORD), async {
        while app.insurer.count("accounts", "guesses = 1").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let change = "UPDATE accounts SET password_changed_at = password_changed_at + interval '1 second'";
        testkit::sql(app.tenant(), change).await;
    });
    says(&answer, 422, "違います");
    assert_eq!(app.insurer.count("sessions", "true").await, 0);
    for other in others {
        assert!(other.await.unwrap());
    }
    leads(&log_in(&client, &who.user_id, PASSWORD).await, "/portal/terms");
}

#[tokio::test]
async fn empty_fields_are_named() {
    let app = TestApp::start().await;
    let answer = log_in(&app.client(), " ", "").await;
    says(&answer, 422, "ユーザーIDを入力してください");
    says(&answer, 422, "パスワードを入力してください");
}

// security.md 30
#[tokio::test]
async fn a_log_in_after_many_wrong_passwords_is_told_by_mail_once_a_day() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let told = async || {
        let mails = app.mails_to(&who.email).await;
        mails
            .iter()
            .filter(|mail| mail.text.contains("間違ったパスワードが"))
            .count()
    };
    // From elsewhere, and one too few.
    for _ in 0..4 {
        says(
            &log_in(&app.client(), &who.user_id, "wrong&1234").await,
            422,
            "違います",
        );
    }
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
    assert_eq!(told().await, 0);
    // It began a new count.
    for _ in 0..2 {
        for _ in 0..5 {
            log_in(&app.client(), &who.user_id, "wrong&1234").await;
        }
        leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
        assert_eq!(told().await, 1);
    }
    let mails = app.mails_to(&who.email).await;
    assert!(mails[0].text.contains("間違ったパスワードが5回"), "{}", mails[0].text);
}

// security.md 26
#[tokio::test]
async fn a_full_hashing_queue_answers_503_with_a_time_and_keeps_the_user_id() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let who = app.sign_up().await;
    let crowd = app.crowd();
    app.warm().await;
    let before = app.ground.database.statements();
    let answer = log_in(&app.client(), &who.user_id, PASSWORD).await;
    says(&answer, 503, "混み合っています");
    // In a rush those who are sent away cost the database nothing.
    assert_eq!(app.ground.database.statements(), before);
    assert!(!answer.header("retry-after").is_empty());
    assert!(answer.text.contains(&format!("value=\"{}\"", who.user_id)) && !answer.text.contains(PASSWORD));
    drop(crowd);
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
}

// security.md 66
#[tokio::test]
async fn a_crowd_behind_one_address_is_served_last_and_keeps_nobody_else_out() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client_at = |address| Client::new(&app.url, address);
    let crowd = app.crowd_of([198, 18, 0, 1].into());
    assert_eq!(
        crowd.len(),
        Config::defaults().unwrap().hash.queue,
        "alone, a network may have every place"
    );
    says(
        &log_in(&client_at("198.18.0.1"), &who.user_id, PASSWORD).await,
        503,
        "混み合っています",
    );
    leads(
        &log_in(&client_at("198.18.0.2"), &who.user_id, PASSWORD).await,
        "/portal/terms",
    );
    drop(crowd);
    leads(
        &log_in(&client_at("198.18.0.1"), &who.user_id, PASSWORD).await,
        "/portal/terms",
    );
}

#[tokio::test]
async fn log_in_leads_nowhere_but_to_own_pages() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/portal/logout",
        "javascript:alert(1)",
    ] {
        let answer = app
            .client()
            .send_form("/portal/", &form(&who.user_id, PASSWORD).with("next", next))
            .await;
        leads(&answer, MY_PAGE);
    }
}
