//! Log-in of staff: who comes as far as the second factor, and what everybody else is told.

use super::door::{FACTOR, PASSWORD, WRONG, accept, accepted, clerk, invite, link, log_in, mail};
use crate::portal::{leads, says};
use access::Role;
use audit::Origin;
use database::Durability;
use guard::throttle::{self, Rule};
use kernel::{Outcome, TenantId};
use staff::{By, Grant, Invitation, Stage};
use std::time::Duration;
use tenancy::{resume, suspend};
use testkit::{Client, TestApp, sql};

#[tokio::test]
async fn code_mail_and_password_lead_to_the_second_factor_and_no_further() {
    let app = TestApp::start().await;
    let email = mail();
    let client = accepted(&app, &email, Role::Administrator).await;
    client.press("/console/logout").await;
    let page = client.get("/console/login").await;
    says(&page, 200, &format!("value=\"{}\"", app.insurer.code.as_str()));
    let answer = log_in(&app, &client, &email.to_uppercase(), PASSWORD).await;
    leads(&answer, FACTOR);
    let set = answer.set_cookies().join("\n");
    assert!(
        set.contains("__Host-console=") && set.contains("SameSite=Strict"),
        "{set}"
    );
    assert_eq!(clerk(&app, &client).await.unwrap().stage, Stage::Pending);
    let home = client.get("/console/").await;
    assert!(home.location().starts_with(FACTOR), "{}", home.location());
}

#[tokio::test]
async fn what_was_asked_for_is_kept_and_nothing_foreign() {
    let app = TestApp::start().await;
    let email = mail();
    accepted(&app, &email, Role::Viewer).await;
    for (next, kept) in [
        ("/console/", "?next=%2Fconsole%2F"),
        ("https://evil.example/", ""),
        ("//evil.example", ""),
        ("/portal/mypage", ""),
        ("/console/login", ""),
    ] {
        let fields = [
            ("insurer_code", app.insurer.code.as_str()),
            ("email", &email),
            ("password", PASSWORD),
            ("next", next),
        ];
        leads(
            &app.client().post("/console/login", &fields).await,
            &format!("{FACTOR}{kept}"),
        );
    }
}

#[tokio::test]
async fn operators_log_in_at_their_own_door_without_a_code_and_at_no_other() {
    let app = TestApp::start().await;
    let email = mail();
    let invitation = Invitation {
        email: email.clone(),
        name: "運用 花子".into(),
        grants: vec![Grant::all(Role::Operator)],
    };
    let by = By::Operator(TenantId::PLATFORM);
    let sent = app
        .with_platform_work(app.staff.invite(&Origin::command(), by, &invitation))
        .await;
    assert!(matches!(sent.unwrap(), Outcome::Done(_)));
    let link = link(&app, &email).await;
    leads(&accept(&app.client(), &link, PASSWORD).await, FACTOR);
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    leads(&app.client().post("/operator/login", &fields).await, FACTOR);
    says(
        &log_in(&app, &app.client(), &email, PASSWORD).await,
        422,
        "どれかが違います",
    );
    // Nor an insurer's at theirs.
    let own = mail();
    accepted(&app, &own, Role::Administrator).await;
    let fields = [("email", own.as_str()), ("password", PASSWORD)];
    says(
        &app.client().post("/operator/login", &fields).await,
        422,
        "どれかが違います",
    );
}

#[tokio::test]
async fn empty_and_mistyped_fields_are_named() {
    let app = TestApp::start().await;
    let fields = [("insurer_code", ""), ("email", " "), ("password", "")];
    let answer = app.client().post("/console/login", &fields).await;
    for field in ["保険者指定コード", "メールアドレス", "パスワード"] {
        says(&answer, 422, &format!("{field}を入力してください"));
    }
    says(
        &app.client().post("/operator/login", &[]).await,
        422,
        "メールアドレスを入力してください",
    );
}

// security.md 27, 69
#[tokio::test]
async fn whatever_is_wrong_has_the_same_answer_at_the_same_cost() {
    let app = TestApp::counting().await;
    let other = TestApp::start().await;
    let (known, foreign, invited, suspended) = (mail(), mail(), mail(), mail());
    accepted(&app, &known, Role::Viewer).await;
    accepted(&app, &suspended, Role::Viewer).await;
    sql(
        app.tenant(),
        &format!("UPDATE staff SET suspended_at = created_at, suspended_for = 'colleague' WHERE email = '{suspended}'"),
    )
    .await;
    accepted(&other, &foreign, Role::Viewer).await;
    assert!(matches!(invite(&app, &invited, Role::Viewer).await, Outcome::Done(_)));
    let (own, long) = (app.insurer.code.as_str().to_owned(), "x".repeat(3000));
    let unregistered = kernel::InsurerCode::with_check_digit("3299999").unwrap();
    let mut answers = Vec::new();
    for (code, email, password) in [
        (own.as_str(), known.as_str(), WRONG),
        (&own, &foreign, PASSWORD),
        (&own, &invited, PASSWORD),
        (&own, &suspended, WRONG),
        (&own, &mail(), PASSWORD),
        (&own, "健保 太郎", PASSWORD),
        (&own, &known, &long),
        (unregistered.as_str(), &known, PASSWORD),
    ] {
        app.warm().await;
        app.client().get("/console/login").await;
        let _ = app.ground.directory.by_code(&unregistered).await;
        let before = (app.ground.database.statements(), app.ground.hasher.hashes());
        let client = app.client();
        let request = client
            .request(reqwest::Method::POST, "/console/login")
            .header("Sec-Fetch-Site", "same-origin")
            .form(&[("insurer_code", code), ("email", email), ("password", password)]);
        let answer = client.send(request).await;
        let cost = (
            app.ground.database.statements() - before.0,
            app.ground.hasher.hashes() - before.1,
        );
        let page = client.get(answer.location()).await;
        says(
            &page,
            200,
            "保険者指定コード、メールアドレス、パスワードのどれかが違います",
        );
        let page = page.text.replace(email, "MAIL").replace(code, "CODE");
        answers.push((format!("{code} {email}"), answer.normalized() + page.as_str(), cost));
    }
    for (who, page, cost) in &answers {
        assert_eq!(page, &answers[0].1, "{who}");
        assert_eq!(cost.1, 1, "{who}: one hash");
        // Whether a code is an insurer's is public; an unknown one is asked for anew each time.
        if !who.starts_with(unregistered.as_str()) {
            assert_eq!(cost, &answers[0].2, "{who}");
        }
    }
}

// security.md 69
#[tokio::test]
async fn ten_wrong_passwords_wait_whether_the_mail_is_known_or_not_and_elsewhere_one_may_still_enter() {
    let app = TestApp::start().await;
    let email = mail();
    accepted(&app, &email, Role::Viewer).await;
    for email in [&email, &mail()] {
        let client = app.client();
        for _ in 0..10 {
            assert_eq!(log_in(&app, &client, email, WRONG).await.status, 422);
        }
        let hashes = app.ground.hasher.hashes();
        let answer = log_in(&app, &client, email, PASSWORD).await;
        says(&answer, 429, "しばらく受け付けを止めています");
        says(&answer, 429, "/console/password");
        assert_eq!(app.ground.hasher.hashes(), hashes, "no work is done for a refused one");
    }
    leads(&log_in(&app, &app.client(), &email, PASSWORD).await, FACTOR);
}

// security.md 28, 67, 68
#[tokio::test]
async fn a_hundred_guesses_lock_out_strangers_and_not_the_browser_that_is_known() {
    let app = TestApp::start().await;
    let email = mail();
    let own = accepted(&app, &email, Role::Viewer).await;
    own.press("/console/logout").await;
    // As if days of guessing had been swept from the throttle.
    sql(app.tenant(), "UPDATE staff SET guesses = 99").await;
    assert_eq!(log_in(&app, &app.client(), &email, WRONG).await.status, 422);
    let hashes = app.ground.hasher.hashes();
    says(
        &log_in(&app, &app.client(), &email, PASSWORD).await,
        403,
        "ログインを止めています",
    );
    assert_eq!(app.ground.hasher.hashes(), hashes);
    leads(&log_in(&app, &own, &email, PASSWORD).await, FACTOR);
    // It has guesses of its own, and no more of them.
    sql(app.tenant(), "UPDATE staff SET device_guesses = 100").await;
    says(
        &log_in(&app, &own, &email, PASSWORD).await,
        403,
        "ログインを止めています",
    );
    // Known for the account that logged in with it, for no other.
    let other = mail();
    accepted(&app, &other, Role::Viewer).await;
    sql(app.tenant(), "UPDATE staff SET guesses = 100, device_guesses = 0").await;
    says(
        &log_in(&app, &own, &other, PASSWORD).await,
        403,
        "ログインを止めています",
    );
}

// security.md 67
#[tokio::test]
async fn a_network_that_guesses_at_many_waits_and_known_browsers_there_do_not() {
    let app = TestApp::start().await;
    let email = mail();
    let own = accepted(&app, &email, Role::Viewer).await;
    let address = "198.18.77.1";
    let rule = Rule {
        name: "staff_log_in_network",
        tries: 1000,
        window: Duration::from_mins(15),
        waits: &[],
    };
    let platform = app.ground.database.tenant(TenantId::PLATFORM);
    let tx = platform.write(Durability::Safe).await.unwrap();
    let now = app.clock().now();
    for _ in 0..1000 {
        throttle::count_failure(&tx, app.keys(), now, &rule, address)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let client = Client::new(&app.url, address);
    says(
        &log_in(&app, &client, &email, PASSWORD).await,
        429,
        "しばらく受け付けを止めています",
    );
    let known = own.cookie("__Host-console-device").unwrap();
    client.set_cookie("__Host-console-device", &known);
    leads(&log_in(&app, &client, &email, PASSWORD).await, FACTOR);
}

// security.md 26
#[tokio::test]
async fn a_full_hashing_queue_answers_503_before_any_look_and_keeps_what_was_typed() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let email = mail();
    accepted(&app, &email, Role::Viewer).await;
    let crowd = app.crowd();
    app.warm().await;
    let before = app.ground.database.statements();
    let answer = log_in(&app, &app.client(), &email, PASSWORD).await;
    says(&answer, 503, "混み合っています");
    assert_eq!(app.ground.database.statements(), before);
    assert!(answer.text.contains(&format!("value=\"{email}\"")) && !answer.text.contains(PASSWORD));
    drop(crowd);
    leads(&log_in(&app, &app.client(), &email, PASSWORD).await, FACTOR);
}

#[tokio::test]
async fn whoever_is_suspended_is_told_so_with_the_right_password_alone() {
    let app = TestApp::start().await;
    let email = mail();
    let client = accepted(&app, &email, Role::Viewer).await;
    let id = clerk(&app, &client).await.unwrap().staff_id;
    let (origin, by) = (Origin::command(), By::Operator(app.tenant()));
    assert!(matches!(
        app.staff.suspend(&origin, by, id).await.unwrap(),
        Outcome::Done(())
    ));
    assert!(clerk(&app, &client).await.is_none(), "sessions end at once");
    says(
        &log_in(&app, &client, &email, PASSWORD).await,
        403,
        "このアカウントは停止しています",
    );
    says(&log_in(&app, &client, &email, WRONG).await, 422, "どれかが違います");
    assert!(app.mails_to(&email).await[0].text.contains("停止されました"));
    assert!(matches!(
        app.staff.resume(&origin, by, id).await.unwrap(),
        Outcome::Done(())
    ));
    leads(&log_in(&app, &client, &email, PASSWORD).await, FACTOR);
}

#[tokio::test]
async fn an_account_unused_for_ninety_days_is_suspended_at_log_in_and_by_the_sweep() {
    let app = TestApp::start().await;
    let (early, late) = (mail(), mail());
    accepted(&app, &early, Role::Viewer).await;
    accepted(&app, &late, Role::Viewer).await;
    app.later(90 * 24 * 3600 - 1);
    leads(&log_in(&app, &app.client(), &late, PASSWORD).await, FACTOR);
    app.later(1);
    says(
        &log_in(&app, &app.client(), &early, PASSWORD).await,
        403,
        "このアカウントは停止しています",
    );
    assert_eq!(app.insurer.count("staff", "suspended_for = 'unused'").await, 1);
    app.later(90 * 24 * 3600);
    let insurer = app.ground.directory.by_tenant(app.tenant()).await.unwrap().unwrap();
    assert_eq!(app.staff.sweep(&insurer, app.clock().now()).await.unwrap(), 1);
    assert_eq!(app.staff.sweep(&insurer, app.clock().now()).await.unwrap(), 0);
    assert_eq!(app.insurer.count("staff", "suspended_for = 'unused'").await, 2);
    assert_eq!(app.insurer.count("sessions", "true").await, 0);
    // Whom a colleague lets in again has ninety days more.
    let id = app.staff.named(app.tenant(), &early).await.unwrap().unwrap();
    let resumed = app
        .staff
        .resume(&Origin::command(), By::Operator(app.tenant()), id)
        .await;
    assert!(matches!(resumed.unwrap(), Outcome::Done(())));
    leads(&log_in(&app, &app.client(), &early, PASSWORD).await, FACTOR);
}

#[tokio::test]
async fn staff_of_a_suspended_insurer_stay_outside() {
    let app = TestApp::start().await;
    let email = mail();
    let client = accepted(&app, &email, Role::Administrator).await;
    suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(60);
    says(
        &log_in(&app, &client, &email, PASSWORD).await,
        403,
        "管理画面は停止しています",
    );
    assert!(clerk(&app, &client).await.is_none());
    resume(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(60);
    leads(&log_in(&app, &client, &email, PASSWORD).await, FACTOR);
}

// security.md 38
#[tokio::test]
async fn a_browser_has_one_session_and_the_one_before_ends() {
    let app = TestApp::start().await;
    let (first, second) = (mail(), mail());
    let client = accepted(&app, &first, Role::Viewer).await;
    let before = client.cookie("__Host-console").unwrap();
    accepted(&app, &second, Role::Viewer).await;
    leads(&log_in(&app, &client, &second, PASSWORD).await, FACTOR);
    client.set_cookie("__Host-console", &before);
    assert!(clerk(&app, &client).await.is_none());
}

// security.md 30
#[tokio::test]
async fn a_log_in_after_many_wrong_passwords_is_told_by_mail_once_a_day() {
    let app = TestApp::start().await;
    let email = mail();
    accepted(&app, &email, Role::Viewer).await;
    for _ in 0..2 {
        for _ in 0..5 {
            log_in(&app, &app.client(), &email, WRONG).await;
        }
        leads(&log_in(&app, &app.client(), &email, PASSWORD).await, FACTOR);
        let mails = app.mails_to(&email).await;
        let told = mails
            .iter()
            .filter(|mail| mail.text.contains("間違ったパスワードが5回"));
        assert_eq!(told.count(), 1);
    }
}
