//! A user ID that a browser remembers: only where that was asked for, only there, and until it is told to forget.

use crate::portal::{leads, says};
use testkit::{Answer, Client, PASSWORD, SignedUp, TestApp, TestPerson};

const COOKIE: &str = "__Host-remembered";
const OTHER: &str = "別のIDでログインする";

async fn log_in(client: &Client, who: &SignedUp, password: &str, ticked: bool) -> Answer {
    let mut fields = vec![("user_id", who.user_id.as_str()), ("password", password)];
    if ticked {
        fields.push(("remember", "1"));
    }
    client.post("/portal/", &fields).await
}

#[tokio::test]
async fn a_user_id_is_remembered_only_where_it_was_ticked_and_shown_in_no_other_browser() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let page = client.get("/portal/").await.text;
    assert!(
        page.contains("name=\"remember\"") && !page.contains(" checked"),
        "{page}"
    );
    assert_eq!(log_in(&client, &who, PASSWORD, false).await.status, 303);
    assert!(client.cookie(COOKIE).is_none_or(|value| value.is_empty()));
    client.press("/portal/logout").await;
    assert!(!client.get("/portal/").await.text.contains(&who.user_id));
    assert_eq!(log_in(&client, &who, PASSWORD, true).await.status, 303);
    // What the browser keeps says nothing in clear.
    assert!(!client.cookie(COOKIE).unwrap().contains(&who.user_id));
    client.press("/portal/logout").await;
    let page = client.get("/portal/").await;
    says(&page, 200, OTHER);
    assert!(page.text.contains(&format!("value=\"{}\"", who.user_id)));
    assert!(page.header("cache-control").contains("no-store"));
    // Without a tick it goes on.
    assert_eq!(log_in(&client, &who, PASSWORD, false).await.status, 303);
    client.press("/portal/logout").await;
    says(&client.get("/portal/").await, 200, &who.user_id);
    assert!(!app.client().get("/portal/").await.text.contains(&who.user_id));
}

#[tokio::test]
async fn the_button_forgets_it_and_leads_back_to_where_log_in_was_to_lead() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    client.press("/portal/logout").await;
    assert_eq!(log_in(&client, &who, PASSWORD, true).await.status, 303);
    client.press("/portal/logout").await;
    let answer = client
        .post("/portal/forget-user-id", &[("next", "/portal/notices")])
        .await;
    leads(&answer, "/portal/?next=%2Fportal%2Fnotices");
    let page = client.get("/portal/").await.text;
    assert!(!page.contains(&who.user_id) && !page.contains(OTHER));
    // Nowhere else than to our own pages; and a second time there is nothing to forget.
    let answer = client
        .post("/portal/forget-user-id", &[("next", "https://evil.example/")])
        .await;
    leads(&answer, "/portal/");
}

#[tokio::test]
async fn a_refused_form_shows_what_was_typed_and_neither_remembers_nor_shows_anothers() {
    let app = TestApp::start().await;
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let (mine, theirs) = (app.sign_up().await, app.sign_up_as(&other).await);
    let client = app.client();
    assert_eq!(log_in(&client, &theirs, "wrong&1234", true).await.status, 422);
    assert!(client.cookie(COOKIE).is_none());
    assert_eq!(log_in(&client, &mine, PASSWORD, true).await.status, 303);
    client.press("/portal/logout").await;
    let kept = client.cookie(COOKIE);
    let refused = log_in(&client, &theirs, "wrong&1234", true).await;
    says(&refused, 422, &theirs.user_id);
    assert!(!refused.text.contains(&mine.user_id) && !refused.text.contains(OTHER));
    assert!(refused.text.contains(" checked"), "the tick stays as it was");
    assert_eq!(client.cookie(COOKIE), kept);
    // Somebody else who comes in without a tick takes nobody's place.
    assert_eq!(log_in(&client, &theirs, PASSWORD, false).await.status, 303);
    client.press("/portal/logout").await;
    says(&client.get("/portal/").await, 200, &mine.user_id);
    assert_eq!(log_in(&client, &theirs, PASSWORD, true).await.status, 303);
    client.press("/portal/logout").await;
    let page = client.get("/portal/").await.text;
    assert!(page.contains(&theirs.user_id) && !page.contains(&mine.user_id));
}

#[tokio::test]
async fn what_is_no_cookie_of_ours_is_passed_over_and_a_closed_account_is_forgotten() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    client.press("/portal/logout").await;
    for forged in ["", "x", "AAAA", &client.cookie("__Host-device").unwrap()] {
        client.set_cookie(COOKIE, forged);
        let page = client.get("/portal/").await;
        assert!(page.status == 200 && !page.text.contains(OTHER), "{forged}");
    }
    assert_eq!(log_in(&client, &who, PASSWORD, true).await.status, 303);
    let answer = client
        .post("/portal/account/close", &[("current_password", PASSWORD)])
        .await;
    leads(&answer, "/portal/");
    assert!(!client.get("/portal/").await.text.contains(&who.user_id));
}
