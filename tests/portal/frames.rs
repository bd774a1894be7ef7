//! Pages of refusals: whoever is logged in keeps their menu on them.

use crate::portal::says;
use reqwest::Method;
use testkit::{Client, TestApp};

const LOG_OUT: &str = "action=\"/portal/logout\"";
const MENU: &str = "<nav class=\"nav\"";

/// An address that nobody serves, one that takes no such method, and a form that nobody can read.
async fn refusals(client: &Client) -> Vec<(u16, testkit::Answer)> {
    let unreadable = client
        .request(Method::POST, "/portal/account/email")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "same-origin")
        .body("{}");
    vec![
        (404, client.get("/portal/nowhere").await),
        (404, client.get("/portal/notices/1").await),
        (405, client.send(client.request(Method::DELETE, "/portal/help")).await),
        (415, client.send(unreadable).await),
    ]
}

#[tokio::test]
async fn a_page_that_is_not_there_keeps_the_frame_of_whoever_is_logged_in() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    // The log-out button's, which is this member's alone.
    let mark = client.mark("/portal/account").await.unwrap();
    for (status, page) in refusals(&client).await {
        assert!(page.text.contains(&mark), "{}", page.text);
        says(&page, status, &app.insurer.insurer.name);
        assert!(page.text.contains(MENU) && page.text.contains(LOG_OUT), "{}", page.text);
        assert!(page.text.contains("マイページへ"), "{}", page.text);
        assert!(!page.text.contains("はじめの画面へ"), "{}", page.text);
    }
}

#[tokio::test]
async fn strangers_ended_sessions_and_files_have_a_visitors_frame() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let session = client.cookie("__Host-session").unwrap();
    assert!(!client.get("/assets/none.css").await.text.contains(MENU));
    client.press("/portal/logout").await;
    client.set_cookie("__Host-session", &session);
    for client in [client, app.client()] {
        for path in ["/portal/nowhere", "/assets/none.css", "/assets/none/at/all"] {
            let page = client.get(path).await;
            says(&page, 404, "はじめの画面へ");
            assert!(
                !page.text.contains(MENU) && !page.text.contains(LOG_OUT),
                "{}",
                page.text
            );
        }
    }
}

#[tokio::test]
async fn while_the_database_is_away_a_missing_page_is_still_answered() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let before = app.ground.database.statements();
    client.get("/assets/none.css").await;
    assert_eq!(
        app.ground.database.statements(),
        before,
        "files ask the database nothing"
    );
    app.ground.database.close();
    let page = client.get("/portal/nowhere").await;
    says(&page, 404, "ページが見つかりません");
    assert!(!page.text.contains(LOG_OUT), "{}", page.text);
}
