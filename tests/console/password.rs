//! A forgotten password of staff, and a changed one.

use super::door::{FACTOR, PASSWORD, WRONG, accepted, clerk, inside, invite, link, log_in, mail, token};
use crate::portal::{leads, says};
use access::Role;
use audit::{Channel, Origin};
use kernel::{Outcome, outcome};
use staff::reasons;
use testkit::{Answer, Client, TestApp, sql};

const NEW: &str = "yamabuki-ga-saku-7";
const GONE: &str = "このリンクは使えなくなりました";

async fn forget(app: &TestApp, client: &Client, email: &str) -> Answer {
    let fields = [("insurer_code", app.insurer.code.as_str()), ("email", email)];
    app.with_platform_work(client.post("/console/password", &fields)).await
}

async fn reset(client: &Client, link: &str, password: &str) -> Answer {
    let fields = [("token", token(link)), ("password", password)];
    client.post("/console/password/reset", &fields).await
}

// security.md 33
#[tokio::test]
async fn a_forgotten_password_is_answered_alike_at_the_same_cost_whoever_asks() {
    let app = TestApp::start().await;
    let other = TestApp::start().await;
    let (known, foreign) = (mail(), mail());
    accepted(&app, &known, Role::Viewer).await;
    accepted(&other, &foreign, Role::Viewer).await;
    let mut answers = Vec::new();
    for email in [&known, &foreign, &mail()] {
        let client = app.client();
        app.warm().await;
        let before = (app.ground.database.statements(), app.ground.hasher.hashes());
        let fields = [("insurer_code", app.insurer.code.as_str()), ("email", email.as_str())];
        let answer = client.post("/console/password", &fields).await;
        let cost = (
            app.ground.database.statements() - before.0,
            app.ground.hasher.hashes() - before.1,
        );
        leads(&answer, "/console/password?sent=1");
        answers.push((
            answer.normalized(),
            cost,
            client.get(answer.location()).await.normalized(),
        ));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

// security.md 34
#[tokio::test]
async fn a_mailed_link_sets_a_new_password_once_and_ends_every_session() {
    let app = TestApp::start().await;
    let email = mail();
    let inside = accepted(&app, &email, Role::Viewer).await;
    let client = app.client();
    leads(&forget(&app, &client, &email).await, "/console/password?sent=1");
    let link = link(&app, &email).await;
    assert!(link.starts_with("/console/password/reset?token="), "{link}");
    says(&client.get(&link).await, 200, &email);
    says(&reset(&client, &link, "Ken4po#YaAbc12").await, 422, "15文字");
    // A hundred guesses don't matter any more either.
    sql(app.tenant(), "UPDATE staff SET guesses = 100").await;
    for _ in 0..2 {
        leads(&reset(&client, &link, NEW).await, "/console/login");
    }
    assert!(clerk(&app, &inside).await.is_none());
    assert!(
        app.mails_to(&email).await[0]
            .text
            .contains("パスワードが変更されました")
    );
    says(&log_in(&app, &client, &email, PASSWORD).await, 422, "どれかが違います");
    // The second factor is asked as ever.
    leads(&log_in(&app, &client, &email, NEW).await, FACTOR);
    says(&reset(&client, &link, WRONG).await, 409, GONE);
    app.later(61);
    says(&reset(&client, &link, NEW).await, 409, GONE);
}

#[tokio::test]
async fn a_reset_link_ends_after_half_an_hour_and_with_a_suspension() {
    let app = TestApp::start().await;
    let (late, shut) = (mail(), mail());
    for email in [&late, &shut] {
        accepted(&app, email, Role::Viewer).await;
        forget(&app, &app.client(), email).await;
    }
    let (late, of_shut) = (link(&app, &late).await, link(&app, &shut).await);
    sql(
        app.tenant(),
        &format!("UPDATE staff SET suspended_at = created_at, suspended_for = 'colleague' WHERE email = '{shut}'"),
    )
    .await;
    says(&reset(&app.client(), &of_shut, NEW).await, 403, "停止しています");
    app.later(30 * 60);
    says(&app.client().get(&late).await, 409, GONE);
    says(&reset(&app.client(), &late, NEW).await, 409, GONE);
}

#[tokio::test]
async fn nobody_is_mailed_who_may_not_come_in() {
    let app = TestApp::start().await;
    let (invited, shut) = (mail(), mail());
    assert!(matches!(invite(&app, &invited, Role::Viewer).await, Outcome::Done(_)));
    accepted(&app, &shut, Role::Viewer).await;
    sql(
        app.tenant(),
        "UPDATE staff SET suspended_at = created_at, suspended_for = 'colleague' WHERE password IS NOT NULL",
    )
    .await;
    for email in [&invited, &shut] {
        let before = app.mails_to(email).await.len();
        leads(&forget(&app, &app.client(), email).await, "/console/password?sent=1");
        assert_eq!(app.mails_to(email).await.len(), before, "{email}");
    }
}

// security.md 32
#[tokio::test]
async fn the_sixth_mail_asked_for_within_an_hour_waits() {
    let app = TestApp::start().await;
    let (client, email) = (app.client(), mail());
    for _ in 0..5 {
        leads(&forget(&app, &client, &email).await, "/console/password?sent=1");
    }
    says(
        &forget(&app, &client, &email).await,
        429,
        "しばらく受け付けを止めています",
    );
}

// security.md 38, 42
#[tokio::test]
async fn ones_own_password_is_changed_with_the_present_one_and_other_sessions_end() {
    let app = TestApp::start().await;
    let email = mail();
    let client = accepted(&app, &email, Role::Viewer).await;
    let elsewhere = app.client();
    leads(&log_in(&app, &elsewhere, &email, PASSWORD).await, FACTOR);
    let (who, old) = (inside(&app, &client).await, client.cookie("__Host-console").unwrap());
    let origin = Origin {
        channel: Channel::Console,
        ..Origin::command()
    };
    let wrong = app.staff.change_password(&origin, &who, WRONG, NEW).await.unwrap();
    assert!(wrong.is_refused(outcome::FIELDS));
    let same = app
        .staff
        .change_password(&origin, &who, PASSWORD, PASSWORD)
        .await
        .unwrap();
    assert!(same.is_refused(outcome::FIELDS));
    let Outcome::Done(token) = app.staff.change_password(&origin, &who, PASSWORD, NEW).await.unwrap() else {
        panic!("refused")
    };
    assert!(clerk(&app, &elsewhere).await.is_none());
    client.set_cookie("__Host-console", &token.reveal());
    assert!(clerk(&app, &client).await.is_some());
    client.set_cookie("__Host-console", &old);
    assert!(clerk(&app, &client).await.is_none(), "the token is renewed");
    assert!(
        app.mails_to(&email).await[0]
            .text
            .contains("パスワードが変更されました")
    );
    leads(&log_in(&app, &app.client(), &email, NEW).await, FACTOR);
    for _ in 0..11 {
        let _ = app.staff.change_password(&origin, &who, WRONG, PASSWORD).await.unwrap();
    }
    let held = app.staff.change_password(&origin, &who, NEW, PASSWORD).await.unwrap();
    assert!(held.is_refused(reasons::STAFF_WAIT));
}
