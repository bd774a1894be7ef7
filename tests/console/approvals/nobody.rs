//! A wish never waits for nobody: it is refused, with whom it takes, or it ends once there is nobody left.

use super::{NOBODY, agree, app, ask_to_lift, clerks, in_force, protected, states, wish};
use crate::{
    console::notices::{person, protect, publish, write},
    portal::says,
};
use access::Role;
use tenancy::ApprovalAction;
use testkit::{TestApp, TestClerk, TestPerson};

async fn sweep(app: &TestApp) {
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), app.clock().now())
        .await
        .unwrap();
}

/// Whether they were told that a wish of theirs came to nothing.
async fn is_told(app: &TestApp, clerk: &TestClerk) -> bool {
    app.work().await;
    let mails = app.mails_to(&clerk.email).await;
    mails
        .iter()
        .any(|mail| mail.text.contains("行われないまま終わりました"))
}

/// How many wishes they were told of that wait for them.
async fn asked(app: &TestApp, clerk: &TestClerk) -> usize {
    app.work().await;
    let mails = app.mails_to(&clerk.email).await;
    mails.iter().filter(|mail| mail.text.contains("承認を待って")).count()
}

// security.md 73
#[tokio::test]
async fn what_nobody_else_can_agree_to_is_refused_with_whom_it_takes() {
    let app = app(&[ApprovalAction::Export]).await;
    let [alone] = clerks(&app, &[Role::Eligibility]).await;
    app.insurer.import(&[TestPerson::new(101)]).await;
    let fields = [
        ("code", ""),
        ("symbol", ""),
        ("registered", "no"),
        ("encoding", "utf-8"),
    ];
    let refused = alone.post("/console/letters/file", &fields).await;
    says(&refused, 409, NOBODY);
    says(&refused, 409, "同じ権限を7日以上");
    assert!(states(&app).await.is_empty());
    assert_eq!(app.insurer.count("letters", "true").await, 0);
    // Whoever will have held it for a week before seven days are over can.
    let new = app.clerk(&[Role::Eligibility]).await;
    assert_eq!(alone.post("/console/letters/file", &fields).await.status, 303);
    assert_eq!(asked(&app, &new).await, 1);
}

// security.md 73
#[tokio::test]
async fn the_page_of_the_file_of_consents_says_that_nobody_else_can_agree() {
    let app = app(&[ApprovalAction::Export]).await;
    let [alone] = clerks(&app, &[Role::Administrator]).await;
    says(
        &alone.post("/console/terms/addendum/1/consents", &[]).await,
        409,
        NOBODY,
    );
    assert!(states(&app).await.is_empty());
}

// security.md 73
#[tokio::test]
async fn a_notice_to_a_protected_person_is_agreed_to_by_whoever_may_know_of_them() {
    let app = app(&[ApprovalAction::Notice]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let [editor] = clerks(&app, &[Role::NoticeEditor]).await;
    let boss = app.in_another_browser(&boss).await;
    app.member().await;
    let people = [105, 106].map(testkit::TestPerson::new);
    app.insurer.import(&people).await;
    protect(&app, &person(&app, 105, "00").await).await;
    let aim = [("aim", "number"), ("symbol", "100"), ("number", "105")];
    let draft = write(&boss, &aim).await;
    assert_eq!(publish(&boss, &draft).await.status, 303);
    let first = wish(&app).await;
    assert_eq!(agree(&editor, &first).await.status, 404);
    assert_eq!((asked(&app, &other).await, asked(&app, &editor).await), (1, 0));
    assert_eq!(boss.post(&format!("{first}/withdraw"), &[]).await.status, 303);
    // Where there is but the editor, nobody can.
    app.revoke(&other).await;
    says(&publish(&boss, &draft).await, 409, NOBODY);
    assert_eq!(states(&app).await, ["withdrawn"]);
    // To anybody else the editor agrees.
    let draft = write(&boss, &[]).await;
    let asked = publish(&boss, &draft).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    assert_eq!(agree(&editor, &wish(&app).await).await.status, 303);
}

// security.md 73
#[tokio::test]
async fn a_wish_ends_once_nobody_is_left_who_may_know_of_its_person_and_who_asked_is_told() {
    let app = app(&[ApprovalAction::Notice]).await;
    let [first, _second] = clerks(&app, &[Role::NoticeEditor]).await;
    app.member().await;
    let draft = write(&first, &[("aim", "number"), ("symbol", "100"), ("number", "105")]).await;
    assert_eq!(publish(&first, &draft).await.status, 303);
    sweep(&app).await;
    assert_eq!(states(&app).await, ["waiting"]);
    protect(&app, &person(&app, 105, "00").await).await;
    sweep(&app).await;
    assert_eq!(states(&app).await, ["lapsed"]);
    assert!(is_told(&app, &first).await);
}

// security.md 73
#[tokio::test]
async fn a_wish_ends_once_the_last_who_could_agree_is_shut_out_but_not_while_one_is_to_come() {
    let app = app(&[]).await;
    let [boss, eyes] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    ask_to_lift(&boss, &lift).await;
    let deed = async |deed: &str| {
        let path = format!("/console/staff/{}/{deed}", eyes.staff_id);
        assert_eq!(boss.post(&path, &[]).await.status, 303);
    };
    app.later(1);
    deed("factor").await;
    sweep(&app).await;
    assert_eq!(states(&app).await, ["lapsed"], "they agree a second too late");
    ask_to_lift(&boss, &lift).await;
    sweep(&app).await;
    assert_eq!(states(&app).await, ["lapsed", "waiting"]);
    deed("suspend").await;
    sweep(&app).await;
    assert_eq!(states(&app).await, ["lapsed", "lapsed"]);
    assert!(is_told(&app, &boss).await);
    assert_eq!(in_force(&app).await, 1);
}
