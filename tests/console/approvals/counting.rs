//! Whether two can agree: who counts, and that nobody ends four eyes by shutting the others'.

use super::{DAY, NOBODY, agree, app, ask_to_lift, clerks, in_force, protected, refused_to_lift, states, wish};
use crate::{
    console::{
        door::{PASSWORD, accept, invite, link, mail},
        factor::enrol_app,
    },
    portal::says,
};
use access::Role;
use audit::Origin;
use kernel::{Outcome, StaffId};
use staff::{By, Invited};
use testkit::{Answer, TestApp, TestClerk};

async fn deed(boss: &TestClerk, id: StaffId, deed: &str) -> Answer {
    boss.post(&format!("/console/staff/{id}/{deed}"), &[]).await
}

/// Days go by, and somebody works on.
async fn days(app: &TestApp, days: i64, clerk: &TestClerk) -> TestClerk {
    app.later(days * DAY);
    let now = app.clock().now();
    let worked = format!(
        "UPDATE staff SET last_log_in_at = '{now}' WHERE staff_id = '{}'",
        clerk.staff_id
    );
    testkit::sql(app.tenant(), &worked).await;
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    app.in_another_browser(clerk).await
}

// security.md 73
#[tokio::test]
async fn shutting_one_pair_of_eyes_does_not_end_four() {
    let app = app(&[]).await;
    let [boss, eyes, others] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    ask_to_lift(&boss, &lift).await;
    for shut in [&eyes, &others] {
        assert_eq!(deed(&boss, shut.staff_id, "suspend").await.status, 303);
    }
    let first = wish(&app).await;
    says(&boss.get(&first).await, 200, "今、承認できる職員がほかにいません");
    assert_eq!(boss.post(&format!("{first}/withdraw"), &[]).await.status, 303);
    refused_to_lift(&boss, &lift).await;
    assert_eq!((in_force(&app).await, states(&app).await.len()), (1, 1));
    // Let in again, they agree to nothing for a week.
    assert_eq!(deed(&boss, eyes.staff_id, "resume").await.status, 303);
    ask_to_lift(&boss, &lift).await;
    let eyes = app.in_another_browser(&eyes).await;
    says(&agree(&eyes, &wish(&app).await).await, 403, "まだ承認できません");
    app.later(6 * DAY);
    let boss = app.in_another_browser(&boss).await;
    assert_eq!(
        boss.post(&format!("{}/withdraw", wish(&app).await), &[]).await.status,
        303
    );
    ask_to_lift(&boss, &lift).await;
    let wish = wish(&app).await;
    let eyes = app.in_another_browser(&eyes).await;
    says(&agree(&eyes, &wish).await, 403, "まだ承認できません");
    app.later(DAY);
    let eyes = app.in_another_browser(&eyes).await;
    assert_eq!(agree(&eyes, &wish).await.status, 303);
    assert_eq!(in_force(&app).await, 0);
}

// security.md 73
#[tokio::test]
async fn whom_a_colleague_suspended_counts_on_however_long_until_the_operator_says_otherwise() {
    let app = app(&[]).await;
    let [boss, eyes] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    assert_eq!(deed(&boss, eyes.staff_id, "suspend").await.status, 303);
    let boss = days(&app, 100, &boss).await;
    refused_to_lift(&boss, &lift).await;
    assert_eq!(in_force(&app).await, 1);
    // Nor does their role go by one hand, nor a new pair of eyes come.
    for given in [&["viewer"][..], &[]] {
        says(&super::give(&boss, &eyes, given).await, 409, NOBODY);
        assert_eq!(super::roles(&app, &eyes).await, ["administrator"], "{given:?}");
    }
    let fields = [
        ("email", "eyes@staff.example.jp"),
        ("name", "新任　一郎"),
        ("role", "administrator"),
    ];
    says(&boss.post("/console/staff/invite", &fields).await, 409, NOBODY);
    assert_eq!(app.insurer.count("staff", "email = 'eyes@staff.example.jp'").await, 0);
    let by = By::Operator(app.tenant());
    for _ in 0..2 {
        let shut = app.staff.suspend(&Origin::command(), by, eyes.staff_id).await.unwrap();
        assert!(matches!(shut, Outcome::Done(())));
    }
    assert_eq!(app.insurer.count("audit_events", "action = 'staff.suspend'").await, 2);
    assert!(states(&app).await.is_empty());
    ask_to_lift(&boss, &lift).await;
    assert_eq!(in_force(&app).await, 0);
}

#[tokio::test]
async fn an_account_that_nobody_used_for_90_days_counts_no_more() {
    let app = app(&[]).await;
    let [boss, gone] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    let boss = days(&app, 100, &boss).await;
    assert_eq!(app.insurer.count("staff", "suspended_for = 'unused'").await, 1);
    ask_to_lift(&boss, &lift).await;
    assert_eq!(in_force(&app).await, 0);
    // A colleague's word afterwards changes nothing.
    assert_eq!(deed(&boss, gone.staff_id, "suspend").await.status, 303);
    assert_eq!(app.insurer.count("staff", "suspended_for = 'unused'").await, 1);
}

// security.md 73
#[tokio::test]
async fn whose_factor_a_colleague_reset_agrees_to_nothing_for_a_week() {
    let app = app(&[]).await;
    let [boss, eyes] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    assert_eq!(deed(&boss, eyes.staff_id, "factor").await.status, 303);
    ask_to_lift(&boss, &lift).await;
    assert_eq!(in_force(&app).await, 1, "they count on");
    let eyes = app.in_another_browser(&eyes).await;
    says(&agree(&eyes, &wish(&app).await).await, 403, "まだ承認できません");
    let boss = days(&app, 7, &boss).await;
    ask_to_lift(&boss, &lift).await;
    let eyes = app.in_another_browser(&eyes).await;
    assert_eq!(agree(&eyes, &wish(&app).await).await.status, 303);
    assert_eq!(in_force(&app).await, 0);
}

// security.md 73
#[tokio::test]
async fn a_role_is_held_from_when_its_holder_first_came_in_and_not_from_the_invitation() {
    let app = app(&[]).await;
    let [boss] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    let email = mail();
    let Outcome::Done(Invited::Sent(sent)) = invite(&app, &email, Role::Administrator).await else {
        panic!("not invited");
    };
    let boss = days(&app, 8, &boss).await;
    assert_eq!(deed(&boss, sent.staff_id, "invitation").await.status, 303);
    // Nor from the password: it lets nobody in.
    let client = app.client();
    assert_eq!(accept(&client, &link(&app, &email).await, PASSWORD).await.status, 303);
    let new = TestClerk {
        client,
        tenant: app.tenant(),
        staff_id: sent.staff_id,
        email,
        session: String::new(),
        grant: None,
    };
    let boss = days(&app, 8, &boss).await;
    let pending = app.pending_again(&new).await;
    enrol_app(&app, &pending).await;
    let new = app.in_another_browser(&new).await;
    // They neither count nor agree yet.
    let text = boss.get("/console/approvals/settings").await.text;
    assert!(text.contains("保護の解除（承認できる職員：1人）"), "{text}");
    ask_to_lift(&boss, &lift).await;
    assert_eq!((in_force(&app).await, states(&app).await.len()), (0, 0));
    let boss = days(&app, 7, &boss).await;
    assert_eq!(
        super::give(&boss, &new, &["administrator", "benefits"]).await.status,
        303
    );
    assert_eq!(
        super::roles(&app, &new).await,
        ["administrator", "benefits"],
        "of two one gains"
    );
    let text = boss.get("/console/approvals/settings").await.text;
    assert!(text.contains("保護の解除（承認できる職員：2人）"), "{text}");
}

#[tokio::test]
async fn where_the_only_other_is_whose_factor_it_is_it_is_reset_at_once() {
    let app = app(&[]).await;
    let [boss, whose] = clerks(&app, &[Role::Administrator]).await;
    let reset = format!("/console/staff/{}/factor", whose.staff_id);
    assert_eq!(boss.post(&reset, &[]).await.status, 303);
    assert!(states(&app).await.is_empty());
    let is_reset = format!("staff_id = '{}' AND factor_reset_at IS NOT NULL", whose.staff_id.0);
    assert_eq!(app.insurer.count("staff", &is_reset).await, 1);
}
