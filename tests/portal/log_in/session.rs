//! The session that a log-in opens: its cookie, its life and its end.

use super::{MY_PAGE, SESSION, form, log_in};
use crate::portal::{leads, says};
use testkit::{PASSWORD, TestApp};

// security.md 40
#[tokio::test]
async fn the_session_is_an_opaque_cookie_for_this_host_new_at_each_log_in_and_ends_with_the_browser() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    client.set_cookie(SESSION, &format!("{}.{}", app.tenant(), "B".repeat(43)));
    let answer = log_in(&client, &who.user_id, PASSWORD).await;
    let cookies = answer.set_cookies();
    let session = cookies.iter().find(|cookie| cookie.starts_with(SESSION)).unwrap();
    assert!(
        session.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{session}"
    );
    let first = client.cookie(SESSION).unwrap();
    assert!(!first.contains("BBBB") && first.len() > 43);
    log_in(&client, &who.user_id, PASSWORD).await;
    let second = client.cookie(SESSION).unwrap();
    assert_ne!(second, first);
    // Only its keyed hash is stored.
    let (_, secret) = second.split_once('.').unwrap();
    let stored = app
        .insurer
        .lines("SELECT to_jsonb(s)::text AS line FROM sessions s")
        .await;
    assert!(stored.len() == 1 && !stored[0].contains(secret));
}

// security.md 39
#[tokio::test]
async fn a_session_ends_after_30_idle_minutes_and_leads_back_after_log_in() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    app.later(30 * 60 - 1);
    assert_eq!(client.get("/portal/account").await.status, 200);
    // The note that the session is in use is written beside the answer.
    settle(&app, 30 * 60 - 1).await;
    app.later(30 * 60);
    let ended = client.get("/portal/notices?list=insurer").await;
    leads(&ended, "/portal/?next=%2Fportal%2Fnotices%3Flist%3Dinsurer");
    assert!(client.cookie(SESSION).is_none());
    let page = client.get(ended.location()).await;
    says(&page, 200, "安全のため、ログアウトしました");
    says(&page, 200, "入力の途中だった内容は、保存されていません");
    says(
        &page,
        200,
        "<input type=\"hidden\" name=\"next\" value=\"/portal/notices?list=insurer\">",
    );
    let back = form(&who.user_id, PASSWORD).with("next", "/portal/notices?list=insurer");
    leads(
        &client.send_form("/portal/", &back).await,
        "/portal/notices?list=insurer",
    );
}

/// Waits until the session's last use is noted, `seconds` after the clock's start or later.
async fn settle(app: &TestApp, seconds: i64) {
    let seen = format!(
        "last_seen_at >= '{}'",
        testkit::start() + chrono::TimeDelta::seconds(seconds)
    );
    for _ in 0..100 {
        if app.insurer.count("sessions", &seen).await > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the session was not touched");
}

#[tokio::test]
async fn a_session_in_use_ends_after_12_hours() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for _ in 0..25 {
        app.later(28 * 60);
        assert_eq!(client.get(MY_PAGE).await.status, 200, "{}", app.elapsed());
        settle(&app, app.elapsed().num_seconds()).await;
    }
    app.later(20 * 60);
    assert_eq!(client.get(MY_PAGE).await.status, 303);
}

#[tokio::test]
async fn a_form_sent_with_an_ended_session_leads_back_to_its_page() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    app.later(3600);
    let fields = [("current_password", PASSWORD), ("password", "Asagao3rin#")];
    let answer = client.post("/portal/account/password", &fields).await;
    leads(&answer, "/portal/?next=%2Fportal%2Faccount%2Fpassword");
}

// security.md 41, 45
#[tokio::test]
async fn log_out_ends_the_session_on_the_server_and_clears_the_browser() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let session = client.cookie(SESSION).unwrap();
    says(&client.get("/portal/logout").await, 200, "ログアウト");
    assert_eq!(client.get(MY_PAGE).await.status, 200, "by GET it only asks");
    let answer = client.press("/portal/logout").await;
    leads(&answer, "/portal/");
    assert_eq!(answer.header("clear-site-data"), "\"storage\"");
    assert!(
        answer
            .set_cookies()
            .iter()
            .any(|cookie| cookie.starts_with("__Host-session=;") && cookie.contains("Max-Age=0"))
    );
    client.set_cookie(SESSION, &session);
    leads(&client.get(MY_PAGE).await, "/portal/?next=%2Fportal%2Fmypage");
    assert_eq!(app.insurer.count("sessions", "true").await, 0);
    // Once more, and without any session: the same.
    client.set_cookie(SESSION, &session);
    leads(&client.press("/portal/logout").await, "/portal/");
    leads(&app.client().press("/portal/logout").await, "/portal/");
}
