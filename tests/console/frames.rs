//! Pages of refusals: they stand in the console's frame, and whoever is inside keeps their menu on them.

use crate::portal::{leads, says};
use access::Role;
use pages::{Reply, Table, Visit, mount, staff_session};
use poem::{Endpoint as _, Request, http};
use reqwest::Method;
use staff::Clerk;
use testkit::{Answer, Client, TestApp};

const FRAME: &str = "<body class=\"console\">";
const MENU: &str = "<nav class=\"nav\"";
const LOG_OUT: &str = "action=\"/console/logout\"";

/// Addresses that nobody serves, one that takes no such method, and posts that nobody can read or that are not ours.
async fn refusals(client: &Client) -> Vec<(u16, Answer)> {
    let post = || client.request(Method::POST, "/console/logout");
    let ours = || post().header("sec-fetch-site", "same-origin");
    let (unreadable, broken) = (
        ours().header("content-type", "application/json").body("{}"),
        ours()
            .header("content-type", "application/x-www-form-urlencoded")
            .body("a=%FF"),
    );
    vec![
        (404, client.get("/console/nowhere").await),
        (404, client.get("/console/nowhere/at/all").await),
        (404, client.get("/operator/nowhere").await),
        (404, client.post_bare("/console/nowhere", &[("a", "b")]).await),
        (405, client.send(client.request(Method::DELETE, "/console/")).await),
        (403, client.send(post().form(&[("a", "b")])).await),
        (415, client.send(unreadable).await),
        (400, client.send(broken).await),
        (413, client.send(ours().form(&[("a", "x".repeat(70_000))])).await),
    ]
}

#[tokio::test]
async fn a_refusal_keeps_the_frame_and_the_menu_of_whoever_is_inside() {
    let app = TestApp::start().await;
    let clerk = app.clerk_named("保険　守子", &[Role::Viewer]).await;
    let mark = clerk.mark("/console/logout").await.unwrap();
    for (status, page) in refusals(&clerk).await {
        says(&page, status, FRAME);
        for text in [&mark, MENU, LOG_OUT, "保険　守子", "閲覧のみ", "href=\"/console/\""] {
            assert!(page.text.contains(text), "{status}: {text} is missing: {}", page.text);
        }
        assert!(!page.text.contains("/portal/"), "{status}: {}", page.text);
    }
    assert_eq!(clerk.get("/console/").await.status, 200, "nobody was logged out");
}

#[tokio::test]
async fn a_refusal_tells_strangers_members_and_ended_sessions_nothing_and_leads_on_in_the_consoles_frame() {
    let app = TestApp::start().await;
    let clerk = app.clerk_named("保険　守子", &[Role::Viewer]).await;
    clerk.press("/console/logout").await;
    clerk.set_cookie("__Host-console", &clerk.session);
    let (member, _) = app.member().await;
    for client in [&app.client(), &member, &clerk.client] {
        for (status, page) in refusals(client).await {
            says(&page, status, FRAME);
            assert!(page.text.contains("href=\"/console/\""), "{status}: {}", page.text);
            for text in [MENU, LOG_OUT, "保険　守子", "/portal/"] {
                assert!(!page.text.contains(text), "{status}: {text}: {}", page.text);
            }
        }
    }
}

#[tokio::test]
async fn a_buttons_address_leads_to_its_page_for_whoever_comes_by_history() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    leads(&clerk.get("/console/logout").await, "/console/");
    assert_eq!(clerk.get("/console/").await.status, 200, "nobody was logged out");
}

#[tokio::test]
async fn before_the_second_factor_a_refusal_offers_no_menu_but_log_out() {
    let app = TestApp::start().await;
    let clerk = app.pending_clerk(&[Role::Administrator]).await;
    for (status, page) in refusals(&clerk).await {
        says(&page, status, FRAME);
        assert!(
            page.text.contains(LOG_OUT) && !page.text.contains(MENU),
            "{status}: {}",
            page.text
        );
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_console_says_so_in_its_frame_and_lets_nobody_in() {
    let app = TestApp::start().await;
    let clerk = app.clerk_named("保険　守子", &[Role::Administrator]).await;
    app.ground.database.close();
    for path in ["/console/", "/console/nowhere"] {
        let page = clerk.get(path).await;
        let status = if path == "/console/" { 503 } else { 404 };
        says(&page, status, FRAME);
        assert!(
            !page.text.contains("保険　守子") && !page.text.contains(LOG_OUT),
            "{}",
            page.text
        );
    }
}

// security.md 56
#[tokio::test]
async fn a_page_that_panics_is_an_outage_in_the_frame_of_whoever_is_inside() {
    async fn panics(_: Visit, _: Clerk) -> Reply {
        panic!("保険　守子の住所")
    }
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    let own = staff_session(http::Method::GET, "/console/panics", "panics", panics);
    let mut services = app.pages.clone();
    services.table = Table::new(services.table.rows().iter().cloned().chain([own]));
    let request = Request::builder()
        .uri_str("/console/panics")
        .header("cookie", format!("__Host-console={}", clerk.session))
        .finish();
    let mut response = mount(services).call(request).await.unwrap();
    assert_eq!(response.status(), 503);
    let text = response.take_body().into_string().await.unwrap();
    for expected in [FRAME, MENU, LOG_OUT] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("保険　守子"), "{text}");
}
