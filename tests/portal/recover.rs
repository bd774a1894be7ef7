//! Forgotten password and forgotten user ID: one answer whatever is true, and links that work once.

mod user_id;

use self::user_id::ask_user_id;
use crate::portal::{leads, says};
use tenancy::suspend;
use testkit::{Answer, Client, Fields, PASSWORD, SignedUp, TestApp, unique};

const RESET: &str = "/portal/password/reset";
const NEW: &str = "Asagao3rin#";

async fn forget(app: &TestApp, client: &Client, user_id: &str) -> Answer {
    let fields = [("user_id", user_id)];
    app.with_platform_work(client.post("/portal/password", &fields)).await
}

/// The secret of the newest link mailed to somebody.
async fn link(app: &TestApp, who: &SignedUp) -> String {
    let mails = app.mails_to(&who.email).await;
    let text = &mails.iter().find(|mail| mail.text.contains("token=")).unwrap().text;
    assert!(text.contains(&format!("{}{RESET}?token=", app.url)), "{text}");
    text.split("token=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

async fn reset(client: &Client, token: &str, password: &str) -> Answer {
    client.post(RESET, &[("token", token), ("password", password)]).await
}

async fn log_in(app: &TestApp, who: &SignedUp, password: &str) -> u16 {
    let fields = [("user_id", who.user_id.as_str()), ("password", password)];
    app.client().post("/portal/", &fields).await.status.as_u16()
}

// security.md 33
#[tokio::test]
async fn a_forgotten_password_is_answered_alike_at_the_same_cost_whoever_asks() {
    let app = TestApp::counting().await;
    let who = app.sign_up().await;
    let other = TestApp::start().await.sign_up().await;
    let mut answers = Vec::new();
    for id in [&who.user_id, &other.user_id, &unique("nobody")] {
        let client = app.client();
        app.warm().await;
        let (answer, cost) = app
            .cost_of(&client, "/portal/password", &Fields::new(&[("user_id", id)]))
            .await;
        leads(&answer, "/portal/password?sent=1");
        answers.push((
            answer.normalized(),
            cost,
            client.get(answer.location()).await.normalized(),
        ));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_link_works_with_what_stands_behind_it_in_a_sentence() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    forget(&app, &client, &who.user_id).await;
    let token = link(&app, &who).await;
    for behind in ["。", "%E3%80%82", ".", "%20", "+", "%E3%80%80", "%E2%80%8B", "%3E", ")"] {
        let page = client.get(&format!("{RESET}?token={token}{behind}")).await;
        says(&page, 200, "新しいパスワード");
        assert!(page.text.contains(&format!("value=\"{token}\"")), "{behind}");
    }
    let cut = &token[..token.len() - 1];
    says(
        &client.get(&format!("{RESET}?token={cut}。")).await,
        409,
        "このリンクは使えなくなりました",
    );
    leads(&reset(&client, &format!(" {token}。"), NEW).await, "/portal/");
}

#[tokio::test]
async fn the_mailed_link_sets_a_password_once_ends_all_sessions_and_tells_the_owner() {
    let app = TestApp::start().await;
    let (inside, who) = app.member().await;
    let client = app.client();
    leads(&forget(&app, &client, &who.user_id).await, "/portal/password?sent=1");
    let token = link(&app, &who).await;
    // Looking uses nothing up: mail programs look, too.
    for _ in 0..3 {
        says(
            &client.get(&format!("{RESET}?token={token}")).await,
            200,
            "新しいパスワード",
        );
    }
    says(&reset(&client, &token, "short").await, 422, "8文字以上20文字以内");
    let mails = app.mails_to(&who.email).await.len();
    let done = reset(&client, &token, NEW).await;
    leads(&done, "/portal/");
    assert!(client.cookie("__Host-session").is_none(), "nobody is logged in by it");
    assert_eq!(inside.get("/portal/mypage").await.status, 303);
    assert_eq!(
        (log_in(&app, &who, PASSWORD).await, log_in(&app, &who, NEW).await),
        (422, 303)
    );
    assert_eq!(app.mails_to(&who.email).await.len(), mails + 1);
    says(
        &reset(&client, &token, "Yuri3rin%Na").await,
        409,
        "このリンクは使えなくなりました",
    );
    says(
        &client.get(&format!("{RESET}?token={token}")).await,
        409,
        "このリンクは使えなくなりました",
    );
    assert_eq!(log_in(&app, &who, NEW).await, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_on_the_same_new_password_is_told_that_it_is_done() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    forget(&app, &client, &who.user_id).await;
    let token = link(&app, &who).await;
    let (one, two) = tokio::join!(reset(&client, &token, NEW), reset(&client, &token, NEW));
    for answer in [one, two, reset(&client, &token, NEW).await] {
        leads(&answer, "/portal/");
    }
    let mails = app.mails_to(&who.email).await;
    let told = mails
        .iter()
        .filter(|mail| mail.subject.contains("パスワードが変更されました"));
    assert_eq!(
        told.count(),
        1,
        "{:?}",
        mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>()
    );
    app.later(61);
    assert_eq!(
        reset(&client, &token, NEW).await.status,
        409,
        "a minute later it is no click"
    );
}

// security.md 28
#[tokio::test]
async fn a_new_password_ends_the_wait_that_guesses_brought() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 4).await;
    let who = app.sign_up().await;
    for _ in 0..4 {
        assert_eq!(log_in(&app, &who, "wrong&1234").await, 422);
    }
    assert_eq!(log_in(&app, &who, PASSWORD).await, 403);
    let client = app.client();
    forget(&app, &client, &who.user_id).await;
    let token = link(&app, &who).await;
    leads(&reset(&client, &token, NEW).await, "/portal/");
    // For everybody, and the count begins anew.
    for _ in 0..2 {
        assert_eq!(log_in(&app, &who, "wrong&1234").await, 422);
    }
    assert_eq!(log_in(&app, &who, NEW).await, 303);
}

#[tokio::test]
async fn a_suspended_insurer_mails_no_links_and_sets_no_passwords() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    forget(&app, &client, &who.user_id).await;
    let token = link(&app, &who).await;
    let mails = app.mails_to(&who.email).await.len();
    suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    assert_eq!(client.get(&format!("{RESET}?token={token}")).await.status, 403);
    assert_eq!(reset(&client, &token, NEW).await.status, 403);
    // The answer to who only asks is the same as ever.
    leads(&forget(&app, &client, &who.user_id).await, "/portal/password?sent=1");
    assert_eq!(app.mails_to(&who.email).await.len(), mails);
}

#[tokio::test]
async fn one_network_asks_for_so_many_recoveries() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.recovery_network_tries = 2).await;
    let client = app.client();
    for status in [303, 303, 429] {
        let fields = [("user_id", unique("nobody"))];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(client.post("/portal/password", &fields).await.status, status);
    }
}

// security.md 67
#[tokio::test]
async fn a_neighbours_requests_for_a_reset_mail_keep_nobody_elsewhere_from_one() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.reset_tries = 2;
        config.limits.recovery_id_tries = 5;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let (own, who) = app.member().await;
    let ask = async |client: &Client| {
        let fields = [("user_id", who.user_id.as_str())];
        client.post("/portal/password", &fields).await.status.as_u16()
    };
    let neighbour = app.client();
    for status in [303, 303, 429, 429] {
        assert_eq!(ask(&neighbour).await, status);
    }
    // From elsewhere one asks as before, up to so many a day from everywhere; the own browser always.
    let elsewhere = app.client();
    for status in [303, 303, 429] {
        assert_eq!(ask(&elsewhere).await, status);
    }
    for status in [303, 429] {
        assert_eq!(ask(&app.client()).await, status);
    }
    for status in [303, 303, 429] {
        assert_eq!(ask(&own).await, status);
    }
    app.later(24 * 3600);
    assert_eq!(ask(&app.client()).await, 303);
}

// security.md 67
#[tokio::test]
async fn who_is_refused_because_others_asked_too_often_has_used_nothing_up_of_their_own() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.reset_tries = 2;
        config.limits.identity_tries = 2;
        config.limits.recovery_id_tries = 2;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let reset = Fields::new(&[("user_id", &unique("nobody"))]);
    let reminder = app.identity(&app.person);
    for (path, fields) in [("/portal/password", reset), ("/portal/user-id", reminder)] {
        let ask = async |client: &Client| client.send_form(path, &fields).await.status.as_u16();
        let (others, own) = (app.client(), app.client());
        for status in [303, 303] {
            assert_eq!(ask(&others).await, status, "{path}");
        }
        app.later(24 * 3600 - 60);
        for _ in 0..3 {
            assert_eq!(ask(&own).await, 429, "{path}");
        }
        // The others' day is over, and one's own hour or day has not begun.
        app.later(60);
        for status in [303, 303, 429] {
            assert_eq!(ask(&own).await, status, "{path}");
        }
    }
}

// security.md 36, 67
#[tokio::test]
async fn forgotten_user_ids_are_limited_by_person_and_network_first() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.identity_tries = 2;
        config.limits.recovery_id_tries = 5;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let fields = app.identity(&app.person);
    let ask = async |client: &Client| client.send_form("/portal/user-id", &fields).await.status.as_u16();
    let (one, other) = (app.client(), app.client());
    for (client, status) in [
        (&one, 303),
        (&one, 303),
        (&one, 429),
        (&other, 303),
        (&other, 303),
        (&other, 429),
    ] {
        assert_eq!(ask(client).await, status);
    }
    assert_eq!((ask(&app.client()).await, ask(&app.client()).await), (303, 429));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_used_twice_at_once_sets_one_password() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    forget(&app, &client, &who.user_id).await;
    let token = link(&app, &who).await;
    let (one, two) = tokio::join!(reset(&client, &token, NEW), reset(&client, &token, "Yuri3rin%Na"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let right = if one.status == 303 { NEW } else { "Yuri3rin%Na" };
    assert_eq!(log_in(&app, &who, right).await, 303);
}

#[tokio::test]
async fn a_link_ends_after_30_minutes_and_when_another_or_the_account_itself_changed_the_password() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    // A second request does not close the first link: a stranger could keep closing them.
    forget(&app, &client, &who.user_id).await;
    let first = link(&app, &who).await;
    app.later(60);
    forget(&app, &client, &who.user_id).await;
    let second = link(&app, &who).await;
    assert_ne!(first, second);
    leads(&reset(&client, &first, NEW).await, "/portal/");
    assert_eq!(reset(&client, &second, "Yuri3rin%Na").await.status, 409);
    forget(&app, &client, &who.user_id).await;
    let third = link(&app, &who).await;
    let inside = app.client();
    inside
        .post("/portal/", &[("user_id", &who.user_id), ("password", NEW)])
        .await;
    inside.accept_terms().await;
    let fields = [("current_password", NEW), ("password", "Kiku4mo#Sa")];
    leads(
        &inside.post("/portal/account/password", &fields).await,
        "/portal/account",
    );
    assert_eq!(reset(&client, &third, NEW).await.status, 409);
    forget(&app, &client, &who.user_id).await;
    let fourth = link(&app, &who).await;
    app.later(30 * 60 - 1);
    assert_eq!(client.get(&format!("{RESET}?token={fourth}")).await.status, 200);
    app.later(1);
    assert_eq!(reset(&client, &fourth, NEW).await.status, 409);
    assert_eq!(log_in(&app, &who, "Kiku4mo#Sa").await, 303);
}

#[tokio::test]
async fn a_link_that_went_to_the_old_address_ends_with_the_change_of_address() {
    let app = TestApp::start().await;
    let (inside, who) = app.member().await;
    forget(&app, &app.client(), &who.user_id).await;
    let token = link(&app, &who).await;
    let email = format!("{}@example.jp", unique("new"));
    inside
        .post(
            "/portal/account/email",
            &[("current_password", PASSWORD), ("email", &email)],
        )
        .await;
    let code = app.code_for(&email).await;
    leads(
        &inside.post("/portal/account/email/code", &[("code", &code)]).await,
        "/portal/account",
    );
    assert_eq!(reset(&app.client(), &token, NEW).await.status, 409);
}

#[tokio::test]
async fn a_forged_link_opens_nothing() {
    let app = TestApp::start().await;
    let client = app.client();
    let made_up = format!("{}.{}", app.tenant(), "A".repeat(43));
    for token in ["", "x", &made_up, "2147483647.AAAA", "0.%00", "&#x27;"] {
        assert_eq!(
            client.get(&format!("{RESET}?token={token}")).await.status,
            409,
            "{token}"
        );
        assert_eq!(reset(&client, token, NEW).await.status, 409, "{token}");
    }
    assert_eq!(client.get(RESET).await.status, 409);
}

#[tokio::test]
async fn links_begin_with_the_configured_address_whatever_the_host_header_says() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let request = client.request(reqwest::Method::POST, "/portal/password");
    let request = request
        .header("Sec-Fetch-Site", "same-origin")
        .header("Host", "evil.example");
    let request = request
        .header("X-Forwarded-Host", "evil.example")
        .form(&[("user_id", &who.user_id)]);
    app.with_platform_work(client.send(request)).await;
    link(&app, &who).await;
    assert!(
        app.mails_to(&who.email)
            .await
            .iter()
            .all(|mail| !mail.text.contains("evil.example"))
    );
}

#[tokio::test]
async fn reset_mails_for_one_user_id_are_few() {
    let app = TestApp::start().await;
    let (client, id) = (app.client(), unique("nobody"));
    for _ in 0..5 {
        leads(
            &client.post("/portal/password", &[("user_id", &id)]).await,
            "/portal/password?sent=1",
        );
    }
    says(
        &client.post("/portal/password", &[("user_id", &id)]).await,
        429,
        "しばらく受け付けを止めています",
    );
    says(
        &client.post("/portal/password", &[("user_id", "")]).await,
        422,
        "ユーザーIDを入力してください",
    );
}

// security.md 26
#[tokio::test]
async fn a_full_hashing_queue_leaves_the_link_good() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let who = app.sign_up().await;
    let client = app.client();
    forget(&app, &client, &who.user_id).await;
    let token = link(&app, &who).await;
    let crowd = app.crowd();
    let answer = reset(&client, &token, NEW).await;
    says(&answer, 503, "混み合っています");
    assert!(!answer.header("retry-after").is_empty());
    assert!(answer.text.contains(&token) && !answer.text.contains(NEW));
    drop(crowd);
    leads(&reset(&client, &token, NEW).await, "/portal/");
    assert_eq!(log_in(&app, &who, NEW).await, 303);
}

// security.md 28: what the page of a refused log-in promises.
#[tokio::test]
async fn a_new_password_lets_the_owner_in_at_once_from_a_browser_that_had_to_wait() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let enter = async |password: &str| {
        let fields = [("user_id", who.user_id.as_str()), ("password", password)];
        client.post("/portal/", &fields).await.status.as_u16()
    };
    assert_eq!(enter(PASSWORD).await, 303);
    client.press("/portal/logout").await;
    for _ in 0..10 {
        assert_eq!(enter("wrong&1234").await, 422);
    }
    assert_eq!(enter(PASSWORD).await, 429);
    forget(&app, &client, &who.user_id).await;
    leads(&reset(&client, &link(&app, &who).await, NEW).await, "/portal/");
    assert_eq!(enter(NEW).await, 303);
}

// security.md 55
#[tokio::test]
async fn the_trail_tells_for_whom_a_recovery_was_asked_by_ids_and_hashes() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    forget(&app, &app.client(), &who.user_id).await;
    leads(
        &ask_user_id(&app, &app.identity(&app.person)).await,
        "/portal/user-id?sent=1",
    );
    app.work().await;
    let trail = app
        .insurer
        .lines(
            "SELECT concat_ws(' ', action, outcome, channel, object_kind,
                CASE WHEN detail ? 'number_hash' THEN 'number_hash' END,
                CASE WHEN detail ? 'user_id_hash' THEN 'user_id_hash' END) AS line
             FROM audit_events WHERE action LIKE '%.forgot' ORDER BY 1",
        )
        .await;
    let expected = [
        "password.forgot mailed worker account user_id_hash",
        "user_id.forgot done portal number_hash",
        "user_id.forgot mailed worker account number_hash",
    ];
    assert_eq!(trail, expected);
    // Nobody has looked yet whose the user ID is when it is asked for: that line stands at the platform, by the same hash.
    let hash = "SELECT detail->>'user_id_hash' AS line FROM audit_events WHERE action = 'password.forgot'";
    let hash = app.insurer.lines(hash).await.remove(0);
    let asked = format!(
        "SELECT outcome AS line FROM audit_events
         WHERE action = 'password.forgot' AND channel = 'portal' AND detail->>'user_id_hash' = '{hash}'"
    );
    let platform = Some(kernel::TenantId::PLATFORM);
    assert_eq!(
        testkit::lines_within(&testkit::owner_url(), platform, &asked).await,
        ["done"]
    );
}
