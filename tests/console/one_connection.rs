//! Nothing waits for a second connection while it holds one: many who do so at the same time have all there are, and wait for
//! each other. Here there is one, and whatever is kept for a while of the insurers is never found fresh, so each look at them
//! takes a connection of its own.

use super::{
    approvals::{agree, give, states, wish},
    facts,
    operator::dead::one_dies,
};
use access::Role;
use chrono::TimeDelta;
use kernel::TenantId;
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp, TestClerk};

/// One connection, everything under four eyes, and three administrators who can agree.
async fn app() -> (TestApp, [TestClerk; 3]) {
    let change = |folder: &mut tenancy::Folder| {
        for action in ApprovalAction::SWITCHED {
            folder.settings.approvals.say(action, true);
        }
    };
    let app = TestApp::with("32290413", change, |config| {
        config.database.connections = 1;
        config.database.wait_seconds = 2;
    });
    let app = Box::pin(app).await;
    let clerks = super::approvals::clerks(&app, &[Role::Administrator]).await;
    app.clock().step(TimeDelta::seconds(3));
    (app, clerks)
}

#[track_caller]
fn done(answer: &Answer) {
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(
        !answer.location().starts_with("/console/prove"),
        "{}",
        answer.location()
    );
}

/// Somebody else agrees to what was asked last.
async fn agreed(app: &TestApp, other: &TestClerk) {
    let (wish, other) = (wish(app).await, app.in_another_browser(other).await);
    done(&agree(&other, &wish).await);
    assert_eq!(states(app).await.last().unwrap(), "done");
}

#[tokio::test]
async fn what_staff_do_to_staff_and_the_switches_take_one_connection_at_a_time() {
    let (app, [boss, other, third]) = app().await;
    let fresh = async || app.in_another_browser(&boss).await;
    let viewer = app.clerk(&[Role::Viewer]).await;
    let at = |deed: &str| format!("/console/staff/{}/{deed}", third.staff_id);
    done(&fresh().await.post(&at("factor"), &[]).await);
    agreed(&app, &other).await;
    done(&give(&fresh().await, &viewer, &["viewer", "benefits"]).await);
    agreed(&app, &other).await;
    let invited = [
        ("email", "one@staff.example.jp"),
        ("name", "新任　一郎"),
        ("role", "eligibility"),
    ];
    done(&fresh().await.post("/console/staff/invite", &invited).await);
    agreed(&app, &other).await;
    let query = "SELECT staff_id::text AS line FROM staff WHERE email = 'one@staff.example.jp'";
    let new = app.insurer.lines(query).await.remove(0);
    done(
        &fresh()
            .await
            .post(&format!("/console/staff/{new}/invitation"), &[])
            .await,
    );
    for deed in ["suspend", "resume"] {
        done(&fresh().await.post(&at(deed), &[]).await);
    }
    let page = "/console/approvals/settings";
    let clerk = fresh().await;
    let form = clerk.hidden(page).await.with("why", "規程の改定").with("on", "grant");
    done(&clerk.send_form(page, &form).await);
    agreed(&app, &other).await;
    done(&give(&fresh().await, &viewer, &["viewer", "administrator"]).await);
    let declined = format!("{}/decline", wish(&app).await);
    let word = [("word", "本人に確かめてください")];
    done(&app.in_another_browser(&other).await.post(&declined, &word).await);
    done(&give(&fresh().await, &viewer, &["viewer", "administrator"]).await);
    app.later(8 * 24 * 3600);
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), app.clock().now())
        .await
        .unwrap();
    assert_eq!(states(&app).await.last().unwrap(), "lapsed");
    app.work().await;
    assert!(app.mails_to(&boss.email).await.len() > 4);
}

#[tokio::test]
async fn what_staff_do_for_people_takes_one_connection_at_a_time() {
    let (app, [boss, other, _]) = app().await;
    let fresh = async || app.in_another_browser(&boss).await;
    app.clock().step(TimeDelta::zero());
    let member = app.sign_up().await;
    app.clock().step(TimeDelta::seconds(3));
    let person = facts::id_of(&app, "105", "00").await;
    let email = format!("/console/members/{person}/email");
    done(&fresh().await.post(&email, &[("email", "atarashii@example.jp")]).await);
    agreed(&app, &other).await;
    let (_, waits) = facts::mend(&fresh().await, person, &[("birth_date", "1984-02-29")]).await;
    done(&waits);
    agreed(&app, &other).await;
    let notice = [
        ("title", "人間ドックのご案内"),
        ("body", "お申し込みください。"),
        ("aim", "everybody"),
        ("mail", "1"),
    ];
    // What is too long for a cookie is kept in a row until the form is shown again.
    let long = "お申し込みください。".repeat(400);
    let refused = fresh()
        .await
        .post(
            "/console/notices/new",
            &[("title", ""), ("body", &long), ("aim", "everybody")],
        )
        .await;
    assert!(
        refused.status == 422 && refused.text.contains(&long),
        "{}",
        refused.text
    );
    let drafted = fresh().await.post("/console/notices/new", &notice).await;
    done(&drafted);
    let publish = format!("{}/publish", drafted.location());
    let clerk = fresh().await;
    let form = clerk.hidden(&publish).await;
    done(&clerk.send_form(&publish, &form).await);
    agreed(&app, &other).await;
    let mails = app.mails_to(&member.email).await;
    assert!(mails.iter().any(|mail| mail.text.contains("/portal/mails/stop")));
    for page in ["", "/service/1", "/service/2/difference", "/addendum/1/consents"] {
        assert_eq!(
            fresh().await.get(&format!("/console/terms{page}")).await.status,
            200,
            "{page}"
        );
    }
    let id = person.to_string();
    let protect = [
        ("subject", id.as_str()),
        ("person", &id),
        ("reason", "支援措置の申し出"),
    ];
    done(&fresh().await.post("/console/protections", &protect).await);
    let query = "SELECT protection_id::text AS line FROM protections";
    let lift = format!("/console/protections/{}/lift", app.insurer.lines(query).await.remove(0));
    done(&fresh().await.post(&lift, &[("reason", "本人の申し出")]).await);
    agreed(&app, &other).await;
    assert_eq!(app.insurer.count("protections", "lifted_at IS NULL").await, 0);
}

#[tokio::test]
async fn what_operators_do_to_an_insurer_takes_one_connection_and_stands_in_both_trails() {
    let (app, _) = app().await;
    app.clock().step(TimeDelta::zero());
    let job = one_dies(&app).await;
    app.clock().step(TimeDelta::seconds(3));
    let operator = app.operator(&[Role::Operator]).await;
    let (code, why) = (&app.insurer.code, [("why", "保守のため")]);
    for path in [
        format!("/operator/insurers/{code}/suspend"),
        format!("/operator/insurers/{code}/resume"),
        format!("/operator/jobs/{code}/{job}/drop"),
    ] {
        done(&app.in_another_browser(&operator).await.post(&path, &why).await);
    }
    assert_eq!(app.insurer.count("jobs", "true").await, 0);
    let lines = |actor: &str| {
        format!(
            "SELECT action AS line FROM audit_events WHERE actor_kind = '{actor}' AND actor_id = '{}'
                 AND action = ANY('{{insurer.suspend,insurer.resume,job.drop}}') ORDER BY audit_id",
            operator.staff_id.0
        )
    };
    let deeds = ["insurer.suspend", "insurer.resume", "job.drop"];
    assert_eq!(app.insurer.lines(&lines("operator")).await, deeds);
    assert_eq!(app.insurer.lines_of(TenantId::PLATFORM, &lines("staff")).await, deeds);
}
