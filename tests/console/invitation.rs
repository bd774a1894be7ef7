//! Invitations: whom a link lets in, and when it lets nobody in any more.

use super::door::{FACTOR, PASSWORD, accept, accepted, clerk, inside, invite, link, log_in, mail};
use crate::portal::{leads, says};
use access::Role;
use kernel::Outcome;
use staff::{Invited, Stage, reasons};
use testkit::{TestApp, sql};

const GONE: &str = "このリンクは使えなくなりました";

#[tokio::test]
async fn whoever_is_invited_sets_name_and_password_and_goes_on_to_the_second_factor() {
    let app = TestApp::start().await;
    let email = mail();
    assert!(matches!(
        invite(&app, &email, Role::Eligibility).await,
        Outcome::Done(_)
    ));
    let (client, link) = (app.client(), link(&app, &email).await);
    assert!(link.starts_with("/console/invitation?token="), "{link}");
    // Looking uses nothing up.
    for _ in 0..2 {
        let page = client.get(&link).await;
        says(&page, 200, &email);
        says(&page, 200, &app.insurer.insurer.name);
        says(&page, 200, "value=\"事務 一郎\"");
        says(&page, 200, "15文字以上");
    }
    leads(&accept(&client, &link, PASSWORD).await, FACTOR);
    let clerk = clerk(&app, &client).await.unwrap();
    assert_eq!((clerk.email.as_str(), clerk.stage), (email.as_str(), Stage::Pending));
    assert!(clerk.roles.contains(&Role::Eligibility));
    leads(&log_in(&app, &app.client(), &email, PASSWORD).await, FACTOR);
}

// security.md 18, 20
#[tokio::test]
async fn a_short_a_common_or_a_known_password_is_refused_and_the_link_stays() {
    let app = TestApp::start().await;
    let email = mail();
    assert!(matches!(invite(&app, &email, Role::Viewer).await, Outcome::Done(_)));
    let (client, link) = (app.client(), link(&app, &email).await);
    for (password, word) in [
        ("Ken4po#YaAbc12", "15文字"),
        ("passwordpassword", "パスワード"),
        (&email, "パスワード"),
        ("", "パスワードを入力してください"),
    ] {
        let answer = accept(&client, &link, password).await;
        says(&answer, 422, word);
        says(&answer, 422, "value=\"事務 一郎\"");
    }
    assert_eq!(app.insurer.count("staff", "password IS NULL").await, 1);
    leads(&accept(&client, &link, PASSWORD).await, FACTOR);
}

#[tokio::test]
async fn a_link_that_was_used_is_late_or_forged_opens_nothing() {
    let app = TestApp::start().await;
    let (email, late) = (mail(), mail());
    for email in [&email, &late] {
        assert!(matches!(invite(&app, email, Role::Viewer).await, Outcome::Done(_)));
    }
    let used = link(&app, &email).await;
    leads(&accept(&app.client(), &used, PASSWORD).await, FACTOR);
    app.later(61);
    let late = link(&app, &late).await;
    app.later(72 * 3600 - 61);
    let (path, token) = used.split_once('=').unwrap();
    let forged = format!("{path}={}", token.replace(|c: char| c.is_ascii_lowercase(), "x"));
    for link in [
        &used,
        &late,
        &forged,
        "/console/invitation?token=",
        "/console/invitation?token=0.x",
    ] {
        says(&app.client().get(link).await, 409, GONE);
        says(&accept(&app.client(), link, PASSWORD).await, 409, GONE);
    }
    assert_eq!(app.insurer.count("sessions", "true").await, 1);
}

#[tokio::test]
async fn a_second_click_and_a_second_click_at_the_same_time_come_in_as_the_first_did() {
    let app = TestApp::start().await;
    let email = mail();
    assert!(matches!(invite(&app, &email, Role::Viewer).await, Outcome::Done(_)));
    let link = link(&app, &email).await;
    let (one, two) = (app.client(), app.client());
    let (first, second) = tokio::join!(accept(&one, &link, PASSWORD), accept(&two, &link, PASSWORD));
    leads(&first, FACTOR);
    leads(&second, FACTOR);
    // Another password is another person's.
    says(&accept(&app.client(), &link, "himawari-no-niwa-1").await, 409, GONE);
    assert_eq!(app.insurer.count("staff", "true").await, 1);
}

#[tokio::test]
async fn whoever_has_not_come_yet_gets_a_new_link_and_the_old_one_is_closed() {
    let app = TestApp::start().await;
    let email = mail();
    let Outcome::Done(Invited::Sent(first)) = invite(&app, &email, Role::Viewer).await else {
        panic!()
    };
    let old = link(&app, &email).await;
    app.later(1);
    let Outcome::Done(Invited::Sent(again)) = invite(&app, &email.to_uppercase(), Role::Eligibility).await else {
        panic!()
    };
    assert_eq!(
        (again.staff_id, first.is_new, again.is_new),
        (first.staff_id, true, false)
    );
    says(&app.client().get(&old).await, 409, GONE);
    let client = app.client();
    leads(&accept(&client, &link(&app, &email).await, PASSWORD).await, FACTOR);
    let roles = clerk(&app, &client).await.unwrap().roles;
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), [Role::Eligibility]);
}

#[tokio::test]
async fn whoever_works_here_already_is_a_refusal_and_elsewhere_an_account_of_its_own() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let email = mail();
    accepted(&app, &email, Role::Viewer).await;
    assert!(
        invite(&app, &email, Role::Administrator)
            .await
            .is_refused(reasons::STAFF_KNOWN)
    );
    assert_eq!(app.insurer.count("staff_roles", "role = 'administrator'").await, 0);
    let elsewhere = accepted(&other, &email, Role::Viewer).await;
    let clerk = inside(&other, &elsewhere).await;
    assert_eq!(clerk.insurer.tenant_id, other.tenant());
}

#[tokio::test]
async fn support_and_operators_are_invited_by_nobody_of_an_insurer() {
    let app = TestApp::start().await;
    for role in [Role::Support, Role::Operator] {
        let refused = invite(&app, &mail(), role).await;
        assert!(refused.is_refused(reasons::ROLE_NOT_GIVEN), "{role:?}");
    }
    // 事業所担当 needs to know of which workplaces.
    assert!(
        invite(&app, &mail(), Role::Workplace)
            .await
            .is_refused(kernel::outcome::FIELDS)
    );
    assert_eq!(app.insurer.count("staff", "true").await, 0);
}

#[tokio::test]
async fn a_suspended_insurer_lets_nobody_new_in() {
    let app = TestApp::start().await;
    let email = mail();
    assert!(matches!(
        invite(&app, &email, Role::Administrator).await,
        Outcome::Done(_)
    ));
    let link = link(&app, &email).await;
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(60);
    says(&app.client().get(&link).await, 403, "管理画面は停止しています");
    says(
        &accept(&app.client(), &link, PASSWORD).await,
        403,
        "管理画面は停止しています",
    );
}

#[tokio::test]
async fn whom_a_colleague_suspended_meanwhile_the_link_does_not_let_in() {
    let app = TestApp::start().await;
    let email = mail();
    assert!(matches!(invite(&app, &email, Role::Viewer).await, Outcome::Done(_)));
    let link = link(&app, &email).await;
    sql(
        app.tenant(),
        "UPDATE staff SET suspended_at = created_at, suspended_for = 'colleague'",
    )
    .await;
    says(
        &accept(&app.client(), &link, PASSWORD).await,
        403,
        "このアカウントは停止しています",
    );
    assert!(
        invite(&app, &email, Role::Viewer)
            .await
            .is_refused(reasons::STAFF_KNOWN)
    );
}
