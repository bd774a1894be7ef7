//! What administrators do with their colleagues' accounts.

use super::door::{FACTOR, PASSWORD, accepted, clerk, inside, invite, link, log_in, mail, token};
use crate::portal::{leads, says};
use access::{Reach, Role};
use approvals::Asked;
use audit::Origin;
use kernel::{Outcome, StaffId, outcome};
use staff::{By, Clerk, Grant, State, reasons};
use testkit::{Client, TestApp};

/// An administrator of the app's insurer, inside.
async fn administrator(app: &TestApp) -> (Client, Clerk) {
    let client = accepted(app, &mail(), Role::Administrator).await;
    let clerk = inside(app, &client).await;
    (client, clerk)
}

async fn colleague(app: &TestApp) -> (Client, StaffId, String) {
    let email = mail();
    let client = accepted(app, &email, Role::Viewer).await;
    let id = clerk(app, &client).await.unwrap().staff_id;
    (client, id, email)
}

fn is_done<T>(outcome: &Outcome<T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}

async fn set(app: &TestApp, by: By<'_>, id: StaffId, grants: &[Grant]) -> Outcome<Asked> {
    let origin = Origin::command();
    app.staff.set_roles(&origin, by, id, grants, None).await.unwrap()
}

// security.md 41
#[tokio::test]
async fn new_roles_end_the_sessions_of_whoever_has_them_and_are_told_with_before_and_after() {
    let app = TestApp::start().await;
    let (_, boss) = administrator(&app).await;
    let (client, id, email) = colleague(&app).await;
    let grants = [
        Grant::all(Role::Eligibility),
        Grant {
            role: Role::Workplace,
            reach: Reach::Workplaces {
                symbols: vec!["１０".into()],
                codes: vec![],
            },
        },
    ];
    assert!(is_done(&set(&app, By::Clerk(&boss), id, &grants).await));
    assert!(clerk(&app, &client).await.is_none());
    leads(&log_in(&app, &client, &email, PASSWORD).await, FACTOR);
    let who = clerk(&app, &client).await.unwrap();
    assert!(who.roles.contains(&Role::Eligibility) && !who.roles.contains(&Role::Viewer));
    assert!(
        matches!(&who.reach, Reach::Workplaces { symbols, .. } if symbols == &["10"]),
        "{:?}",
        who.reach
    );
    let told = app
        .insurer
        .lines("SELECT (detail->'before' ? 'viewer')::text || (detail->'after' ? 'eligibility')::text AS line FROM audit_events WHERE action = 'staff.roles'")
        .await;
    assert_eq!(told, ["truetrue"]);
    // Nothing new ends nobody's session.
    assert!(is_done(&set(&app, By::Clerk(&boss), id, &grants).await));
    assert!(clerk(&app, &client).await.is_some());
}

#[tokio::test]
async fn nobody_gives_themself_anything_nor_what_is_nobodys_to_give() {
    let app = TestApp::start().await;
    let (_, boss) = administrator(&app).await;
    let (_, id, _) = colleague(&app).await;
    let more = [Grant::all(Role::Administrator), Grant::all(Role::Benefits)];
    assert!(
        set(&app, By::Clerk(&boss), boss.staff_id, &more)
            .await
            .is_refused(reasons::OWN_ROLES)
    );
    for role in [Role::Support, Role::Operator] {
        let refused = set(&app, By::Clerk(&boss), id, &[Grant::all(role)]).await;
        assert!(refused.is_refused(reasons::ROLE_NOT_GIVEN));
    }
    // Of codes that no roster has it is said at their field.
    for code in ["1".repeat(10_000), "1\u{7}2".to_owned()] {
        let reach = Reach::Workplaces {
            symbols: vec![],
            codes: vec![code],
        };
        let role = Role::Workplace;
        match set(&app, By::Clerk(&boss), id, &[Grant { role, reach }]).await {
            Outcome::Refused(refusal) => assert_eq!(refusal.fields[0].field.name, "codes"),
            Outcome::Done(asked) => panic!("{asked:?}"),
        }
    }
    let nobody = StaffId::new(app.clock().now());
    assert!(
        set(&app, By::Clerk(&boss), nobody, &[])
            .await
            .is_refused(outcome::NOT_FOUND)
    );
}

// security.md 51
#[tokio::test]
async fn another_insurers_people_do_not_exist_here() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (_, boss) = administrator(&app).await;
    let (client, id, _) = colleague(&other).await;
    let (origin, by) = (Origin::command(), By::Clerk(&boss));
    assert!(set(&app, by, id, &[]).await.is_refused(outcome::NOT_FOUND));
    assert!(
        app.staff
            .suspend(&origin, by, id)
            .await
            .unwrap()
            .is_refused(outcome::NOT_FOUND)
    );
    assert!(
        app.staff
            .resume(&origin, by, id)
            .await
            .unwrap()
            .is_refused(outcome::NOT_FOUND)
    );
    assert!(
        app.staff
            .reset_factor(&origin, by, id)
            .await
            .unwrap()
            .is_refused(outcome::NOT_FOUND)
    );
    assert!(clerk(&other, &client).await.is_some());
    assert_eq!(app.staff.list(app.tenant()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    let (_, boss) = administrator(&app).await;
    // Whoever has not accepted yet, or is suspended, runs nothing.
    assert!(matches!(
        invite(&app, &mail(), Role::Administrator).await,
        Outcome::Done(_)
    ));
    let (origin, by) = (Origin::command(), By::Clerk(&boss));
    assert!(
        set(&app, by, boss.staff_id, &[])
            .await
            .is_refused(reasons::LAST_ADMINISTRATOR)
    );
    let refused = app.staff.suspend(&origin, by, boss.staff_id).await.unwrap();
    assert!(refused.is_refused(reasons::LAST_ADMINISTRATOR));
    let (_, second) = administrator(&app).await;
    assert!(is_done(&app.staff.suspend(&origin, by, second.staff_id).await.unwrap()));
    assert!(
        set(&app, by, boss.staff_id, &[])
            .await
            .is_refused(reasons::LAST_ADMINISTRATOR)
    );
    assert!(is_done(&app.staff.resume(&origin, by, second.staff_id).await.unwrap()));
    // Nor does whoever is bounded.
    let reach = Reach::Workplaces {
        symbols: vec!["10".into()],
        codes: vec![],
    };
    let whole = Grant::all(Role::Administrator);
    let bound = Grant {
        role: Role::Workplace,
        reach,
    };
    assert!(is_done(&set(&app, by, second.staff_id, &[whole.clone(), bound]).await));
    assert!(
        set(&app, by, boss.staff_id, &[])
            .await
            .is_refused(reasons::LAST_ADMINISTRATOR)
    );
    assert!(is_done(&set(&app, by, second.staff_id, &[whole]).await));
    assert!(is_done(&set(&app, by, boss.staff_id, &[]).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_who_remove_each_other_at_the_same_time_one_stays() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        let ((_, one), (_, two)) = (administrator(&app).await, administrator(&app).await);
        let origin = Origin::command();
        let (first, second) = tokio::join!(
            app.staff.suspend(&origin, By::Clerk(&one), two.staff_id),
            set(&app, By::Clerk(&two), one.staff_id, &[])
        );
        let done = usize::from(is_done(&first.unwrap())) + usize::from(is_done(&second));
        assert_eq!(done, 1);
        testkit::sql(app.tenant(), "DELETE FROM staff_roles").await;
    }
}

// security.md 34
#[tokio::test]
async fn a_reset_second_factor_ends_sessions_and_asks_for_the_mailed_link() {
    let app = TestApp::start().await;
    let (_, boss) = administrator(&app).await;
    let (client, id, email) = colleague(&app).await;
    let sealed = format!(
        "INSERT INTO staff_codes (tenant_id, staff_id, code_hash) VALUES ({}, '{id}', 'x')",
        app.tenant()
    );
    testkit::sql(app.tenant(), &sealed).await;
    let (origin, by) = (Origin::command(), By::Clerk(&boss));
    assert!(
        app.staff
            .reset_factor(&origin, by, boss.staff_id)
            .await
            .unwrap()
            .is_refused(reasons::OWN_FACTOR)
    );
    assert!(is_done(&app.staff.reset_factor(&origin, by, id).await.unwrap()));
    assert_eq!(app.insurer.count("staff_codes", "true").await, 0);
    assert!(clerk(&app, &client).await.is_none());
    assert!(app.mails_to(&boss.email).await[0].text.contains("取り消されました"));
    // A password alone, which is all that whoever talked an administrator into this may have, opens nothing.
    says(
        &log_in(&app, &client, &email, PASSWORD).await,
        403,
        "メールのリンクからログインしてください",
    );
    let link = link(&app, &email).await;
    assert!(link.starts_with("/console/login/link?token="), "{link}");
    says(&client.get(&link).await, 200, &email);
    let by_link = async |client: &Client, password: &str| {
        let fields = [("token", token(&link)), ("password", password)];
        client.post("/console/login/link", &fields).await
    };
    says(&by_link(&client, "himawari-no-niwa-1").await, 422, "どれかが違います");
    leads(&by_link(&client, PASSWORD).await, FACTOR);
    // Whoever stops there leaves the password worth nothing still; the link is good until a factor is kept.
    says(
        &log_in(&app, &app.client(), &email, PASSWORD).await,
        403,
        "メールのリンクからログインしてください",
    );
    let again = app.client();
    leads(&by_link(&again, PASSWORD).await, FACTOR);
    crate::console::factor::enrol_app(&app, &again).await;
    says(
        &by_link(&app.client(), PASSWORD).await,
        409,
        "このリンクは使えなくなりました",
    );
    leads(&log_in(&app, &app.client(), &email, PASSWORD).await, FACTOR);
}

#[tokio::test]
async fn the_list_says_who_has_what_since_when_and_by_whom() {
    let app = TestApp::start().await;
    let (_, boss) = administrator(&app).await;
    let (_, id, email) = colleague(&app).await;
    let invited = mail();
    assert!(matches!(invite(&app, &invited, Role::Viewer).await, Outcome::Done(_)));
    assert!(is_done(
        &set(&app, By::Clerk(&boss), id, &[Grant::all(Role::Auditor)]).await
    ));
    let list = app.staff.list(app.tenant()).await.unwrap();
    let of = |email: &str| list.iter().find(|colleague| colleague.email == email).unwrap();
    assert_eq!((of(&invited).state, of(&email).state), (State::Invited, State::Active));
    let role = &of(&email).roles[0];
    assert_eq!(
        (role.role, role.granted_by.as_deref()),
        (Role::Auditor, Some("事務 一郎"))
    );
    assert_eq!(of(&boss.email).roles[0].granted_by, None);
    assert_eq!(of(&email).last_log_in_at, None, "a password alone is no log-in");
}

#[tokio::test]
async fn the_page_of_a_deed_that_makes_no_sense_any_more_says_why_and_offers_nothing() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let page = format!("/console/staff/{}", app.clerk(&[Role::Viewer]).await.staff_id);
    let says_why = async |deed: &str, why: &str| {
        let answer = boss.get(&format!("{page}/{deed}")).await;
        says(&answer, 200, why);
        assert!(
            !answer.text.contains("<button class=\"btn\">"),
            "{deed}: {}",
            answer.text
        );
    };
    says_why("resume", "停止していません").await;
    says_why("invitation", "この方は、すでに登録されています").await;
    assert_eq!(boss.post(&format!("{page}/suspend"), &[]).await.status, 303);
    // Of two administrators neither leaves the other alone by shutting themself out.
    let two = app.clerk(&[Role::Administrator]).await;
    let own = format!("/console/staff/{}", two.staff_id);
    assert!(!two.get(&own).await.text.contains("アカウントを停止する"));
    let refused = two.post(&format!("{own}/suspend"), &[]).await;
    says(&refused, 403, "自分のアカウントは停止できません");
    assert_eq!(two.get("/console/").await.status, 200);
    says_why("suspend", "すでに停止しています").await;
    says_why("factor", "先に停止を解いてから").await;
}
