//! How often one may try to log in, from where, and who is never kept out by others (security.md 1, 28).

use super::{MY_PAGE, access::import_lost, form, log_in};
use crate::portal::{leads, says};
use database::Durability;
use guard::throttle::{self, Rule};
use std::time::Duration;
use testkit::{Client, PASSWORD, TestApp, unique};

// security.md 69
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
            let hashes = app.ground.hasher.hashes();
            let answer = log_in(&client, id, PASSWORD).await;
            says(&answer, 429, "しばらく受け付けを止めています");
            assert_eq!(app.ground.hasher.hashes(), hashes, "no work is done for a refused one");
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

// security.md 28, 68
#[tokio::test]
async fn so_many_guesses_from_anywhere_lock_a_user_id_for_strangers_until_a_new_password() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let who = app.sign_up().await;
    // Days apart: what is swept in between is counted in the account.
    for days in 0..4 {
        assert_eq!(
            log_in(&app.client(), &who.user_id, "wrong&1234").await.status,
            422,
            "{days}"
        );
        app.later(3 * 24 * 3600);
        forget(&app, &who.user_id).await;
    }
    for _ in 0..2 {
        let hashes = app.ground.hasher.hashes();
        let answer = log_in(&app.client(), &who.user_id, PASSWORD).await;
        says(&answer, 403, "ログインを止めています");
        says(&answer, 403, "パスワードを再設定して、すぐにログインする");
        assert_eq!(app.ground.hasher.hashes(), hashes);
        app.later(300 * 24 * 3600);
    }
}

// security.md 28
#[tokio::test]
async fn a_right_password_ends_the_count_and_guesses_begin_anew() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let who = app.sign_up().await;
    for _ in 0..3 {
        for _ in 0..3 {
            assert_eq!(log_in(&app.client(), &who.user_id, "wrong&1234").await.status, 422);
        }
        leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, "/portal/terms");
    }
}

/// As if the throttle's row had been swept.
async fn forget(app: &TestApp, user_id: &str) {
    let rule = Rule {
        name: "log_in_id",
        tries: 4,
        window: Duration::from_hours(1),
        waits: &[],
    };
    let platform = app.ground.database.tenant(kernel::TenantId::PLATFORM);
    let tx = platform.write(Durability::Safe).await.unwrap();
    throttle::forgive(&tx, app.keys(), &rule, &format!("strangers|{user_id}"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

// security.md 69
#[tokio::test]
async fn a_lock_looks_the_same_at_the_same_cost_whether_the_user_id_exists_or_not() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.log_in_id_tries = 2;
        config.database.connections = 1;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let who = app.sign_up().await;
    let mut answers = Vec::new();
    for id in [who.user_id.as_str(), &unique("nobody"), &unique("健保 太郎")] {
        for _ in 0..2 {
            assert_eq!(log_in(&app.client(), id, "wrong&1234").await.status, 422);
        }
        // Once for the statements that are prepared at their first use.
        log_in(&app.client(), id, PASSWORD).await;
        app.warm().await;
        app.client().get("/portal/").await;
        let (answer, cost) = app.cost_of(&app.client(), "/portal/", &form(id, PASSWORD)).await;
        answers.push((answer.normalized().replace(id, "ID"), cost));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[0].1.hashes, 0);
}

// security.md 67
#[tokio::test]
async fn what_was_guessed_at_an_unknown_user_id_is_carried_over_to_whoever_registers_it() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 3).await;
    let (client, user_id, email) = app.waiting_for_code().await;
    for _ in 0..2 {
        assert_eq!(log_in(&app.client(), &user_id, "wrong&1234").await.status, 422);
    }
    let code = app.code_for(&email).await;
    leads(
        &client.post("/portal/signup/code", &[("code", &code)]).await,
        "/portal/",
    );
    assert_eq!(app.insurer.count("accounts", "guesses = 2").await, 1);
    // Registering changed nothing for whoever guesses: one more, and it is locked.
    assert_eq!(log_in(&app.client(), &user_id, "wrong&1234").await.status, 422);
    assert_eq!(log_in(&app.client(), &user_id, PASSWORD).await.status, 403);
    // The browser that registered it is no stranger to it.
    leads(&log_in(&client, &user_id, PASSWORD).await, "/portal/terms");
}

// security.md 67
#[tokio::test]
async fn strangers_guesses_do_not_keep_the_owner_out_of_a_browser_of_their_own() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let (own, who) = app.member().await;
    own.press("/portal/logout").await;
    for _ in 0..4 {
        assert_eq!(log_in(&app.client(), &who.user_id, "wrong&1234").await.status, 422);
    }
    assert_eq!(log_in(&app.client(), &who.user_id, PASSWORD).await.status, 403);
    leads(&log_in(&own, &who.user_id, PASSWORD).await, MY_PAGE);
    // That browser has tries of its own, and no more of them than anybody.
    own.press("/portal/logout").await;
    for _ in 0..4 {
        assert_eq!(log_in(&own, &who.user_id, "wrong&1234").await.status, 422);
    }
    assert_eq!(log_in(&own, &who.user_id, PASSWORD).await.status, 403);
    // It is known for the user ID that logged in with it, for no other.
    let other = app.client();
    other.set_cookie("__Host-device", &own.cookie("__Host-device").unwrap());
    let stranger = unique("nobody");
    for _ in 0..4 {
        assert_eq!(log_in(&other, &stranger, "wrong&1234").await.status, 422);
    }
    assert_eq!(log_in(&other, &stranger, "wrong&1234").await.status, 403);
}

// security.md 67
#[tokio::test]
async fn nobody_can_type_their_way_into_another_ones_count() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 2).await;
    let (own, who) = app.member().await;
    own.press("/portal/logout").await;
    for typed in [
        format!("devices|{}", who.user_id),
        format!("{}|devices", who.user_id),
        format!("strangers|{}", who.user_id),
    ] {
        for _ in 0..3 {
            log_in(&app.client(), &typed, "wrong&1234").await;
        }
    }
    leads(&log_in(&own, &who.user_id, PASSWORD).await, MY_PAGE);
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, MY_PAGE);
}

// security.md 66
#[tokio::test]
async fn right_passwords_are_bounded_too_and_a_devices_apart() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_ins = 3).await;
    let (own, who) = app.member().await;
    for _ in 0..2 {
        leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, MY_PAGE);
    }
    let hashes = app.ground.hasher.hashes();
    says(
        &log_in(&app.client(), &who.user_id, PASSWORD).await,
        429,
        "しばらく受け付けを止めています",
    );
    assert_eq!(app.ground.hasher.hashes(), hashes);
    for _ in 0..3 {
        leads(&log_in(&own, &who.user_id, PASSWORD).await, MY_PAGE);
    }
    assert_eq!(log_in(&own, &who.user_id, PASSWORD).await.status, 429);
    app.later(3600);
    leads(&log_in(&app.client(), &who.user_id, PASSWORD).await, MY_PAGE);
}

// security.md 66
#[tokio::test]
async fn an_account_has_so_many_sessions_and_the_oldest_ends() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.sessions = 3).await;
    let (first, who) = app.member().await;
    let mut others = Vec::new();
    for _ in 0..3 {
        app.later(1);
        others.push(app.inside(&who).await);
    }
    assert_eq!(first.get(MY_PAGE).await.status, 303, "the oldest");
    for other in &others {
        assert_eq!(other.get(MY_PAGE).await.status, 200);
    }
    assert_eq!(app.insurer.count("sessions", "true").await, 3);
    let page = others[2].get("/portal/account").await.text;
    assert_eq!(page.matches("<li class=\"card\">").count(), 3);
}

#[tokio::test]
async fn what_cannot_be_a_user_id_is_counted_as_what_was_typed() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_tries = 3).await;
    let client = app.client();
    let typed = unique("健保 太郎");
    for status in [422, 422, 422, 429] {
        assert_eq!(log_in(&client, &typed, "wrong&1234").await.status, status);
    }
    assert_eq!(log_in(&client, "kenpo@example.jp", "wrong&1234").await.status, 422);
}

#[tokio::test]
async fn one_network_has_so_many_log_ins_and_an_ipv6_network_is_a_whole_64() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_network_tries = 3).await;
    for (address, status) in [
        ("2001:db8:11:1::1", 422),
        ("2001:db8:11:1::2", 422),
        ("2001:db8:11:1:ffff::3", 422),
        ("2001:db8:11:1::4", 429),
        ("2001:db8:11:2::4", 422),
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
async fn every_node_knows_at_once_that_a_network_is_full() {
    let limit = |config: &mut madoguchi::config::Config| config.limits.log_in_network_tries = 3;
    let nodes = [
        TestApp::with("32290413", |_| (), limit).await,
        TestApp::with("32290413", |_| (), limit).await,
    ];
    for (node, statuses) in nodes.iter().zip([[422, 422, 422, 429], [429, 429, 429, 429]]) {
        let client = Client::new(&node.url, "2001:db8:13:1::1");
        for status in statuses {
            assert_eq!(log_in(&client, &unique("nobody"), "wrong&1234").await.status, status);
        }
    }
}

// security.md 67
#[tokio::test]
async fn a_whole_48_guesses_at_one_user_id_no_more_than_four_times_as_much_as_a_64() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_tries = 2).await;
    let id = unique("nobody");
    let from = |address: String| Client::new(&app.url, &address);
    for network in 0..4 {
        // Each /64 in a /56 of its own.
        let client = from(format!("2001:db8:77:{network}00::1"));
        for _ in 0..2 {
            assert_eq!(log_in(&client, &id, "wrong&1234").await.status, 422, "{network}");
        }
        assert_eq!(log_in(&client, &id, "wrong&1234").await.status, 429, "{network}");
    }
    let fresh = from("2001:db8:77:900::1".into());
    assert_eq!(log_in(&fresh, &id, "wrong&1234").await.status, 429, "the /48 is full");
    assert_eq!(
        log_in(&from("2001:db8:78::1".into()), &id, "wrong&1234").await.status,
        422
    );
}

// security.md 67
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
async fn only_failures_count_for_a_network_and_then_strangers_wait_and_known_devices_do_not() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_network_tries = 3).await;
    let who = app.sign_up().await;
    let client = app.client();
    for _ in 0..5 {
        leads(&log_in(&client, &who.user_id, PASSWORD).await, "/portal/terms");
    }
    for _ in 0..3 {
        assert_eq!(log_in(&client, &unique("nobody"), "wrong&1234").await.status, 422);
    }
    let hashes = app.ground.hasher.hashes();
    assert_eq!(log_in(&client.stranger(), &who.user_id, PASSWORD).await.status, 429);
    assert_eq!(app.ground.hasher.hashes(), hashes);
    // security.md 67: a neighbour's failures keep no known browser out.
    leads(&log_in(&client, &who.user_id, PASSWORD).await, "/portal/terms");
}

#[tokio::test]
async fn a_right_password_that_may_not_come_in_opens_nothing_and_is_no_failure() {
    let app = TestApp::without_statements().await;
    let who = app.sign_up().await;
    import_lost(&app, &who, "2026-11-01").await;
    let client = app.client();
    for _ in 0..12 {
        assert_eq!(log_in(&client, &who.user_id, PASSWORD).await.status, 403);
    }
    for (table, rows, expected) in [
        ("sessions", "true", 0),
        ("accounts", "last_log_in_at IS NOT NULL", 0),
        ("accounts", "guesses > 0", 0),
        ("audit_events", "action = 'session.open' AND outcome = 'done'", 0),
        ("audit_events", "action = 'session.open' AND outcome <> 'done'", 12),
    ] {
        assert_eq!(app.insurer.count(table, rows).await, expected, "{table}: {rows}");
    }
}
