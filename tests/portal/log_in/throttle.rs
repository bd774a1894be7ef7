//! How often one may try to log in, from where, and who is never kept out by others (security.md 1, 28).

use super::{MY_PAGE, import_lost, log_in};
use crate::portal::{leads, says};
use testkit::{Client, PASSWORD, TestApp, unique};

#[tokio::test]
async fn ten_wrong_passwords_wait_whether_the_user_id_exists_or_not_and_elsewhere_one_may_still_enter() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    for id in [who.user_id.as_str(), &unique("nobody")] {
        let client = app.client();
        for wait in [60, 300] {
            for _ in 0..10 {
                assert_eq!(log_in(&client, id, "wrong&1234").await.status, 422);
            }
            let hashes = app.hasher.hashes();
            let answer = log_in(&client, id, PASSWORD).await;
            says(&answer, 429, "しばらく受け付けを止めています");
            assert_eq!(answer.header("retry-after"), (wait + 1).to_string());
            assert_eq!(app.hasher.hashes(), hashes, "no work is done for a refused one");
            app.later(wait + 1);
        }
    }
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
}

#[tokio::test]
async fn a_right_password_clears_what_wrong_ones_counted() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    for _ in 0..2 {
        for _ in 0..9 {
            assert_eq!(log_in(&client, &who.user_id, "wrong&1234").await.status, 422);
        }
        leads(&log_in(&client, &who.user_id, PASSWORD).await, "/portal/terms");
    }
}

#[tokio::test]
async fn guesses_from_many_networks_at_one_user_id_are_counted_too() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let who = app.sign_up().await;
    for _ in 0..4 {
        assert_eq!(log_in(&app.client(), &who.user_id, "wrong&1234").await.status, 422);
    }
    for hours in [1, 22] {
        app.later(hours * 3600);
        let answer = log_in(&app.client(), &who.user_id, PASSWORD).await;
        says(&answer, 429, "しばらく受け付けを止めています");
        says(&answer, 429, "パスワードを再設定して、すぐにログインする");
    }
    app.later(3601);
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
}

#[tokio::test]
async fn strangers_guesses_do_not_keep_the_owner_out_of_a_browser_of_their_own() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let (own, who) = app.member().await;
    own.press("/portal/logout").await;
    for _ in 0..4 {
        assert_eq!(log_in(&app.client(), &who.user_id, "wrong&1234").await.status, 422);
    }
    assert_eq!(log_in(&app.client(), &who.user_id, PASSWORD).await.status, 429);
    leads(&log_in(&own, &who.user_id, PASSWORD).await, MY_PAGE);
    // That browser has tries of its own, and no more of them than anybody.
    own.press("/portal/logout").await;
    for _ in 0..10 {
        assert_eq!(log_in(&own, &who.user_id, "wrong&1234").await.status, 422);
    }
    assert_eq!(log_in(&own, &who.user_id, PASSWORD).await.status, 429);
    // It is known for the user ID that logged in with it, for no other.
    let other = app.client();
    other.set_cookie("__Host-device", &own.cookie("__Host-device").unwrap());
    let stranger = unique("nobody");
    for _ in 0..4 {
        assert_eq!(log_in(&other, &stranger, "wrong&1234").await.status, 422);
    }
    assert_eq!(log_in(&other, &stranger, "wrong&1234").await.status, 429);
}

#[tokio::test]
async fn what_cannot_be_a_user_id_is_counted_as_what_was_typed() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_tries = 3).await;
    let client = app.client();
    for status in [422, 422, 422, 429] {
        assert_eq!(log_in(&client, "健保 太郎", "wrong&1234").await.status, status);
    }
    assert_eq!(log_in(&client, "kenpo@example.jp", "wrong&1234").await.status, 422);
}

#[tokio::test]
async fn one_network_has_so_many_log_ins_and_an_ipv6_network_is_a_whole_64() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_network_tries = 3).await;
    for (address, status) in [
        ("2001:db8:0:1::1", 422),
        ("2001:db8:0:1::2", 422),
        ("2001:db8:0:1:ffff::3", 422),
        ("2001:db8:0:1::4", 429),
        ("2001:db8:0:2::4", 422),
    ] {
        let client = Client::new(&app.url, address);
        assert_eq!(
            log_in(&client, &unique("nobody"), "wrong&1234").await.status,
            status,
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_node_that_did_not_count_a_networks_failures_hears_of_them_at_the_first() {
    let limit = |config: &mut madoguchi::config::Config| config.limits.log_in_network_tries = 3;
    let nodes = [
        TestApp::with("32290413", |_| (), limit).await,
        TestApp::with("32290413", |_| (), limit).await,
    ];
    for (node, statuses) in nodes.iter().zip([[422, 422, 422, 429], [422, 429, 429, 429]]) {
        let client = Client::new(&node.url, "2001:db8:0:3::1");
        for status in statuses {
            assert_eq!(log_in(&client, &unique("nobody"), "wrong&1234").await.status, status);
        }
    }
}

#[tokio::test]
async fn what_one_network_is_refused_does_not_lock_the_user_id_for_others() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.log_in_tries = 3;
        config.limits.log_in_id_tries = 6;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let who = app.sign_up().await;
    let guesser = app.client();
    for status in [422, 422, 422, 429, 429, 429, 429, 429] {
        assert_eq!(log_in(&guesser, &who.user_id, "wrong&1234").await.status, status);
    }
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
}

#[tokio::test]
async fn only_failures_count_for_a_network_and_then_a_right_password_waits_too() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_network_tries = 3).await;
    let who = app.sign_up().await;
    let client = app.client();
    for _ in 0..5 {
        leads(&log_in(&client, &who.user_id, PASSWORD).await, "/portal/terms");
    }
    for _ in 0..3 {
        assert_eq!(log_in(&client, &unique("nobody"), "wrong&1234").await.status, 422);
    }
    let hashes = app.hasher.hashes();
    assert_eq!(log_in(&client, &who.user_id, PASSWORD).await.status, 429);
    assert_eq!(app.hasher.hashes(), hashes);
}

#[tokio::test]
async fn a_right_password_that_may_not_come_in_opens_nothing_and_is_no_failure() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    import_lost(&app, &who, "2026-11-01").await;
    let client = app.client();
    for _ in 0..12 {
        assert_eq!(log_in(&client, &who.user_id, PASSWORD).await.status, 403);
    }
    for (table, rows, expected) in [
        ("sessions", "true", 0),
        ("accounts", "last_log_in_at IS NOT NULL", 0),
        ("throttles", "rule LIKE 'log_in%' AND tries > 0", 0),
        ("audit_events", "action = 'session.open' AND outcome = 'done'", 0),
        ("audit_events", "action = 'session.open' AND outcome <> 'done'", 12),
    ] {
        assert_eq!(app.insurer.count(table, rows).await, expected, "{table}: {rows}");
    }
}
