//! Log-in, and what ends being logged in.

mod throttle;

use crate::portal::{leads, says};
use accounts::{LogInForm, Outcome};
use audit::Origin;
use database::Durability;
use guard::Password;
use madoguchi::config::Config;
use tenancy::{resume, suspend};
use testkit::{Client, Fields, PASSWORD, SignedUp, TestApp, TestPerson, admin_url, execute, unique};

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
    let answer = app.services.accounts.log_in(&Origin::command(), "", form).await;
    assert!(matches!(answer, Ok(Outcome::Done(_))), "{answer:?}");
}

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

// security.md 27

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
        app.directory.by_tenant(other.tenant()).await.unwrap();
        app.directory.by_tenant(lost.tenant()).await.unwrap();
        app.client().get("/portal/").await;
        let before = (app.database.statements(), app.hasher.hashes());
        let answer = log_in(&app.client(), id, password).await;
        let cost = (app.database.statements() - before.0, app.hasher.hashes() - before.1);
        says(&answer, 422, "ユーザーIDまたはパスワードが違います");
        answers.push((id.to_owned(), answer.normalized().replace(id, "ID"), cost));
    }
    for (id, page, cost) in &answers {
        assert_eq!((cost, page), (&answers[0].2, &answers[0].1), "{id}");
    }
    assert_eq!(answers[0].2.1, 1, "one hash");
}

// security.md 28

// security.md 28

// security.md 28

// security.md 1

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_with_a_password_that_is_changed_meanwhile_opens_nothing() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    // Its one hashing thread is busy, so the log-in has taken its try and waits to be looked at.
    let others: Vec<_> = (0..30)
        .map(|_| {
            let hasher = app.hasher.clone();
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
            .filter(|mail| mail.text.contains("まちがったパスワードが"))
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
    assert!(mails[0].text.contains("まちがったパスワードが5回"), "{}", mails[0].text);
}

// security.md 26

#[tokio::test]
async fn a_full_hashing_queue_answers_503_with_a_time_and_keeps_the_user_id() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let who = app.sign_up().await;
    let crowd = app.crowd();
    app.warm().await;
    let before = app.database.statements();
    let answer = log_in(&app.client(), &who.user_id, PASSWORD).await;
    says(&answer, 503, "混み合っています");
    // In a rush those who are sent away cost the database nothing.
    assert_eq!(app.database.statements(), before);
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

async fn import_lost(app: &TestApp, who: &SignedUp, day: &str) {
    let mut person = who.person.clone();
    person.lost_on = day.into();
    app.insurer.import(&[person]).await;
}

// security.md 41

#[tokio::test]
async fn coverage_lost_by_an_import_ends_access_at_once() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    import_lost(&app, &who, "2026-11-23").await;
    assert_eq!(client.get(MY_PAGE).await.status, 200, "to the last covered day");
    import_lost(&app, &who, "2026-11-22").await;
    let answer = client.get(MY_PAGE).await;
    says(&answer, 403, "資格を失った日を過ぎたため");
    says(&answer, 403, "050-2030-4706");
    assert_eq!(client.press("/portal/account/sessions/end-others").await.status, 403);
    says(
        &log_in(&app.client(), &who.user_id, PASSWORD).await,
        403,
        "資格を失った日を過ぎたため",
    );
    says(
        &log_in(&app.client(), &who.user_id, "wrong&1234").await,
        422,
        "ユーザーIDまたはパスワードが違います",
    );
}

#[tokio::test]
async fn whoever_vanishes_from_the_roster_has_lost_coverage_and_who_returns_has_it_again() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    app.insurer.import(&[TestPerson::new(106)]).await;
    assert_eq!(client.get(MY_PAGE).await.status, 403);
    app.insurer.import(std::slice::from_ref(&who.person)).await;
    assert_eq!(client.get(MY_PAGE).await.status, 200);
}

#[tokio::test]
async fn the_insurers_days_after_loss_are_for_reading_with_a_word_on_it() {
    let app = TestApp::with("32290413", |folder| folder.settings.after_loss_days = 2, |_| ()).await;
    let (client, who) = app.member().await;
    import_lost(&app, &who, "2026-11-21").await;
    says(
        &client.get(MY_PAGE).await,
        200,
        "ご覧になることだけができます（2026年11月22日",
    );
    let again = app.client();
    leads(&log_in(&again, &who.user_id, PASSWORD).await, MY_PAGE);
    app.later(12 * 3600 - 1);
    leads(&log_in(&again, &who.user_id, PASSWORD).await, MY_PAGE);
    app.later(1);
    assert_eq!(again.get(MY_PAGE).await.status, 403);
}

#[tokio::test]
async fn an_insurer_suspended_while_a_member_is_inside_shows_them_out_and_resumed_lets_them_go_on() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    suspend(&app.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    let answer = client.get(MY_PAGE).await;
    says(&answer, 403, "ただいまお休みしています");
    says(&answer, 403, &app.insurer.insurer.name);
    says(
        &log_in(&app.client(), &who.user_id, PASSWORD).await,
        403,
        "ただいまお休みしています",
    );
    assert_eq!(
        client
            .post("/portal/account/email", &[("email", "a@example.jp")])
            .await
            .status,
        403
    );
    resume(&app.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    assert_eq!(client.get(MY_PAGE).await.status, 200);
}

// security.md 55

#[tokio::test]
async fn a_refused_log_in_names_the_account_it_was_for_or_what_was_typed_by_a_hash() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let account = app.insurer.lines("SELECT account_id::text AS line FROM accounts").await;
    let known = "SELECT outcome || ' ' || object_kind || ' ' || object_id AS line FROM audit_events
         WHERE action = 'session.open' AND actor_kind = 'visitor'";
    let client = app.client();
    for _ in 0..=10 {
        log_in(&client, &who.user_id, "wrong&1234").await;
    }
    assert_eq!(
        app.insurer.lines(known).await,
        vec![format!("log_in_failed account {}", account[0]); 10]
    );

    let (one, other) = (unique("nobody"), unique("nobody"));
    let mut hashes = Vec::new();
    for user_id in [&one, &one, &other] {
        let answer = log_in(&app.client(), user_id, "wrong&1234").await;
        let id = answer.header("x-request-id").to_owned();
        let of_request = format!(
            "SELECT detail::text AS line FROM audit_events WHERE action = 'session.open' AND object_id IS NULL AND request_id = '{id}'"
        );
        let platform = Some(kernel::TenantId::PLATFORM);
        let lines = testkit::lines_within(&testkit::owner_url(), platform, &of_request).await;
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].contains("user_id_hash") && !lines[0].contains(user_id.as_str()),
            "{lines:?}"
        );
        hashes.extend(lines);
    }
    assert!(hashes[0] == hashes[1] && hashes[1] != hashes[2], "{hashes:?}");
}

// security.md 55, 72

#[tokio::test]
async fn log_ins_held_off_are_counted_and_told_in_one_line_once_their_minute_is_over() {
    let app = TestApp::start().await;
    let (client, id) = (app.client(), unique("nobody"));
    let platform = Some(kernel::TenantId::PLATFORM);
    let line = |request: &str| {
        format!(
            "SELECT concat_ws(' ', outcome, object_kind, detail->>'refused', detail->>'user_id_hash') AS line
             FROM audit_events WHERE action = 'session.open' AND request_id = '{request}'"
        )
    };
    let failed = log_in(&client, &id, "wrong&1234").await;
    for _ in 0..9 {
        log_in(&client, &id, "wrong&1234").await;
    }
    let mut requests = Vec::new();
    for _ in 0..20 {
        let answer = log_in(&client, &id, "wrong&1234").await;
        assert_eq!(answer.status, 429);
        requests.push(answer.header("x-request-id").to_owned());
    }
    // After the wait ten more fail, and whoever is held off next tells of the twenty.
    app.later(61);
    for _ in 0..10 {
        assert_eq!(log_in(&client, &id, "wrong&1234").await.status, 422);
    }
    let telling = log_in(&client, &id, "wrong&1234").await;
    for request in &requests {
        assert!(
            testkit::lines_within(&testkit::owner_url(), platform, &line(request))
                .await
                .is_empty()
        );
    }
    let hash = testkit::lines_within(&testkit::owner_url(), platform, &line(failed.header("x-request-id"))).await;
    let hash = hash[0].strip_prefix("log_in_failed ").unwrap();
    let told = testkit::lines_within(&testkit::owner_url(), platform, &line(telling.header("x-request-id"))).await;
    assert_eq!(told, [format!("refused 20 {hash}")]);
    // The last ones are told by the sweep.
    app.later(61);
    let mut tx = app
        .database
        .tenant(kernel::TenantId::PLATFORM)
        .write(Durability::Safe)
        .await
        .unwrap();
    accounts::tell_refusals(&mut tx, app.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
    let swept = format!(
        "SELECT detail->>'refused' AS line FROM audit_events WHERE channel = 'worker' AND detail->>'user_id_hash' = '{hash}'"
    );
    assert_eq!(
        testkit::lines_within(&testkit::owner_url(), platform, &swept).await,
        ["1"]
    );
}

// security.md 55

#[tokio::test]
async fn every_log_in_and_its_end_stands_in_the_audit_trail_without_anything_personal() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    log_in(&app.client(), &who.user_id, "wrong&1234").await;
    client.press("/portal/logout").await;
    let trail = app
        .insurer
        .lines("SELECT action || ' ' || outcome || ' ' || actor_kind AS line FROM audit_events ORDER BY audit_id")
        .await;
    for line in [
        "session.open done member",
        "session.open log_in_failed visitor",
        "session.end done member",
    ] {
        assert!(trail.iter().any(|entry| entry == line), "{line}: {trail:?}");
    }
    let all = app
        .insurer
        .lines("SELECT to_jsonb(a)::text AS line FROM audit_events a")
        .await
        .join("\n");
    for private in [
        who.user_id.as_str(),
        &who.email,
        PASSWORD,
        "wrong&1234",
        "1985",
        "ショウコ",
    ] {
        assert!(!all.contains(private), "{private}");
    }
}
