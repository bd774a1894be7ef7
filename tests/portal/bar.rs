//! Rows of the security bar that no one step drives alone.

use crate::portal::{leads, says};
use testkit::{Client, PASSWORD, TestApp, account, unique};

const MY_PAGE: &str = "/portal/mypage";
const SESSION: &str = "__Host-session";
const CODE: &str = "/portal/signup/code";

/// The start tags of a page's password fields.
fn password_fields(page: &str) -> Vec<&str> {
    let tags = page
        .split("<input ")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap());
    tags.filter(|tag| tag.contains("type=\"password\"")).collect()
}

// security.md 15
#[tokio::test]
async fn a_mailed_code_proves_an_address_and_lets_nobody_in() {
    let app = TestApp::start().await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    leads(&client.post(CODE, &[("code", &code)]).await, "/portal/");
    assert!(client.cookie(SESSION).is_none());
    assert_eq!(client.get(MY_PAGE).await.status, 303);
    // Neither does a code stand in for the password, nor is one asked for beside it.
    let with = async |password: &str| {
        let fields = [("user_id", user_id.as_str()), ("password", password)];
        client.post("/portal/", &fields).await
    };
    assert_eq!(with(&code).await.status, 422);
    let mails = app.mails_to(&email).await.len();
    leads(&with(PASSWORD).await, "/portal/terms");
    assert_eq!(app.mails_to(&email).await.len(), mails);
}

// security.md 21
#[tokio::test]
async fn a_password_grows_as_old_as_its_owner_likes_and_has_no_hint() {
    let app = TestApp::start().await;
    let page = app.identified().await.get("/portal/signup/account").await.text;
    let names = |page: &str| {
        let names = page
            .split("name=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let asked = names(&page);
    assert!(asked.contains(&"password".to_owned()), "{asked:?}");
    assert!(
        !asked
            .iter()
            .any(|name| ["hint", "question", "answer"].iter().any(|part| name.contains(part))),
        "{asked:?}"
    );
    let who = app.sign_up().await;
    app.later(9 * 365 * 24 * 3600);
    let client = app.client();
    assert_eq!(client.log_in(&who).await.status, 303);
    client.accept_terms().await;
    assert_eq!(client.get(MY_PAGE).await.status, 200);
}

// security.md 23
#[tokio::test]
async fn managers_paste_and_a_look_at_what_was_typed_are_never_in_the_way() {
    let app = TestApp::start().await;
    let signing_up = app.identified().await;
    let (member, _) = app.member().await;
    for (client, path, kinds) in [
        (&app.client(), "/portal/", &["current-password"][..]),
        (&signing_up, "/portal/signup/account", &["new-password"]),
        (
            &member,
            "/portal/account/password",
            &["current-password", "new-password"],
        ),
        (&member, "/portal/account/email", &["current-password"]),
    ] {
        let page = client.get(path).await.text;
        let fields = password_fields(&page);
        assert_eq!(fields.len(), kinds.len(), "{path}");
        for (field, kind) in fields.iter().zip(kinds) {
            assert!(field.contains(&format!("autocomplete=\"{kind}\"")), "{path}: {field}");
            assert!(
                !field.contains("maxlength") && !field.contains("readonly"),
                "{path}: {field}"
            );
        }
        assert!(page.contains("data-reveal"), "{path}");
    }
    for path in ["/portal/", "/portal/signup/account"] {
        let page = signing_up.get(path).await.text;
        assert!(page.contains("autocomplete=\"username\""), "{path}");
        let script = page
            .split("src=\"")
            .find_map(|rest| rest.split('"').next().filter(|path| path.contains("/app")));
        let script = app.client().get(script.expect("a script")).await;
        says(&script, 200, "data-reveal");
        assert!(!script.text.contains("paste"));
    }
}

// security.md 38
#[tokio::test]
async fn a_session_planted_before_log_in_is_none_afterwards() {
    let app = TestApp::start().await;
    let elsewhere = TestApp::start().await;
    let (thief, _) = elsewhere.member().await;
    let who = app.sign_up().await;
    let planted = thief.cookie(SESSION).unwrap();
    for value in [planted.as_str(), "7.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let client = app.client();
        client.set_cookie(SESSION, value);
        assert_eq!(client.log_in(&who).await.status, 303);
        let session = client.cookie(SESSION).unwrap();
        assert_ne!(session, value);
        let other = Client::new(&app.url, "198.51.100.7");
        other.set_cookie(SESSION, value);
        assert!(!other.get("/portal/account").await.text.contains(&who.user_id));
    }
}

// security.md 56
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_lets_nobody_in_and_tells_nobody_why() {
    let app = TestApp::start().await;
    let signing_up = app.identified().await;
    assert_eq!(signing_up.get("/portal/signup/account").await.status, 200);
    let (member, who) = app.member().await;
    app.app.ground.database.close();
    let log_in = [("user_id", who.user_id.as_str()), ("password", PASSWORD)];
    let form = account(&unique("user"), "a@example.jp");
    let answers = [
        member.get(MY_PAGE).await,
        member.get("/portal/account").await,
        app.client().post("/portal/", &log_in).await,
        signing_up.send_form("/portal/signup/account", &form).await,
        app.client()
            .call(reqwest::Method::GET, "/me/dashboard", Some("7.AAAA"), None)
            .await,
    ];
    for answer in answers {
        assert!([503, 401].contains(&answer.status.as_u16()), "{}", answer.text);
        assert!(
            answer.set_cookies().iter().all(|cookie| !cookie.starts_with(SESSION)),
            "{:?}",
            answer.set_cookies()
        );
        for private in [
            // Not the user ID: log-in's own page keeps what was typed into it.
            &*who.email,
            "postgres",
            "SQL",
            "database",
            "pool",
            "panicked",
        ] {
            assert!(!answer.text.contains(private), "{private}: {}", answer.text);
        }
    }
}
