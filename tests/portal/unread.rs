//! What is refused before any look is counted by network, and told in one line a minute (security.md 55, 72).

use kernel::TenantId;
use testkit::{Client, Fields, TestApp, lines_within, owner_url};

/// What the platform's trail says of a request.
async fn told_by(answer: &testkit::Answer) -> Vec<String> {
    let query = format!(
        "SELECT concat_ws(' ', action, outcome, detail->>'refused', detail ? 'network_hash') AS line
         FROM audit_events WHERE request_id = '{}'",
        answer.header("x-request-id")
    );
    lines_within(&owner_url(), Some(TenantId::PLATFORM), &query).await
}

async fn reset(client: &Client, token: &str) -> testkit::Answer {
    let fields = [("token", token), ("password", "Asagao3rin#")];
    client.post("/portal/password/reset", &fields).await
}

// security.md 55, 72
#[tokio::test]
async fn forms_that_do_not_read_and_dead_links_leave_one_line_a_minute_and_network() {
    let app = TestApp::start().await;
    let (client, ..) = app.waiting_for_code().await;
    let unread = app.identity(&app.person).with("number", "");
    for (path, form, line) in [
        ("/portal/signup", unread.clone(), "sign_up.identify fields 3 t"),
        (
            "/portal/signup/code",
            Fields::new(&[("code", "12")]),
            "sign_up.confirm fields 3 t",
        ),
        (
            "/portal/password",
            Fields::new(&[("user_id", "健保")]),
            "password.forgot fields 3 t",
        ),
        ("/portal/user-id", unread, "user_id.forgot fields 3 t"),
    ] {
        for _ in 0..3 {
            let answer = client.send_form(path, &form).await;
            assert_eq!(answer.status, 422, "{path}");
            assert!(told_by(&answer).await.is_empty(), "{path}");
        }
        app.later(61);
        assert_eq!(told_by(&client.send_form(path, &form).await).await, [line]);
    }

    let dead = format!("{}.{}", app.tenant(), "A".repeat(43));
    for _ in 0..2 {
        assert!(told_by(&reset(&client, &dead).await).await.is_empty());
    }
    app.later(61);
    let looked = client.get(&format!("/portal/password/reset?token={dead}")).await;
    assert_eq!(told_by(&looked).await, ["password.reset link_expired 2 t"]);
}
