//! What is asked: it waits with its difference, is told, and ends by an answer or by itself.

use super::{APPROVALS, DAY, agree, app, ask_to_lift, clerks, give, in_force, protected, roles, states, told, wish};
use crate::portal::says;
use access::Role;
use futures_util::future::join_all;

// security.md 73
#[tokio::test]
async fn a_protection_is_lifted_once_another_agrees_to_what_was_shown() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    says(
        &asker.get("/console/protections").await,
        200,
        "ほかの職員の承認を待っています",
    );
    assert_eq!(in_force(&app).await, 1);
    let wish = wish(&app).await;
    told(&[&asker, &other], &["/console/protections", &lift], &wish).await;
    // A second time is the same wish.
    ask_to_lift(&asker, &lift).await;
    assert_eq!(states(&app).await, ["waiting"]);
    // What waits is told, and never what it is about.
    app.work().await;
    let mails = app.mails_to(&other.email).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.text.contains("承認")).collect();
    assert_eq!(told.len(), 1);
    assert!(!told[0].text.contains("祥子") && !told[0].text.contains("申し出"));
    says(&other.get("/console/").await, 200, "承認を待っている申請");
    says(&other.get(APPROVALS).await, 200, &wish);
    let page = other.get(&wish).await;
    for said in ["健保　祥子", "支援措置の申し出", "本人の申し出", "承認する"] {
        says(&page, 200, said);
    }
    let sealed = "position(convert_to('祥子', 'UTF8') in sealed) = 0";
    assert_eq!(app.insurer.count("approvals", sealed).await, 1);
    assert!(app.insurer.count("audit_events", "detail->>'what' = 'approval'").await > 0);
    // The same person twice never.
    assert!(!asker.get(&wish).await.text.contains(&format!("{wish}/agree")));
    says(&agree(&asker, &wish).await, 403, "自分の申請");
    assert_eq!(in_force(&app).await, 1);
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!((in_force(&app).await, states(&app).await), (0, vec!["done".to_owned()]));
    assert!(
        !other
            .get("/console/protections")
            .await
            .text
            .contains("承認を待っています")
    );
    says(&agree(&other, &wish).await, 409, "もう待っていません");
    app.work().await;
    let mails = app.mails_to(&asker.email).await;
    assert!(mails.iter().any(|mail| mail.text.contains("承認され、行われました")));
    let who = format!("action = 'protection.lift' AND actor_id = '{}'", asker.staff_id.0);
    assert_eq!(app.insurer.count("audit_events", &who).await, 1);
    let who = format!("action = 'approval.agree' AND actor_id = '{}'", other.staff_id.0);
    assert_eq!(app.insurer.count("audit_events", &who).await, 1);
}

#[tokio::test]
async fn a_wish_is_declined_with_a_word_taken_back_or_lapses_after_seven_days() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let first = wish(&app).await;
    let decline = format!("{first}/decline");
    says(
        &other.post(&decline, &[("word", " ")]).await,
        422,
        "断る理由を入力してください",
    );
    for (word, said) in [
        ("あ".repeat(501), "500文字以内"),
        ("本人に\u{7}".to_owned(), "断る理由"),
    ] {
        says(&other.post(&decline, &[("word", &word)]).await, 422, said);
    }
    assert_eq!(states(&app).await, ["waiting"]);
    assert_eq!(asker.post(&decline, &[("word", "x")]).await.status, 403);
    assert_eq!(other.post(&format!("{first}/withdraw"), &[]).await.status, 404);
    assert_eq!(
        other.post(&decline, &[("word", "本人に確かめてください")]).await.status,
        303
    );
    says(&asker.get(&first).await, 200, "本人に確かめてください");
    says(&agree(&other, &first).await, 409, "もう待っていません");
    ask_to_lift(&asker, &lift).await;
    let second = wish(&app).await;
    assert_eq!(asker.post(&format!("{second}/withdraw"), &[]).await.status, 303);
    says(&agree(&other, &second).await, 409, "もう待っていません");
    ask_to_lift(&asker, &lift).await;
    let third = wish(&app).await;
    app.later(7 * DAY);
    let (asker, other) = (
        app.in_another_browser(&asker).await,
        app.in_another_browser(&other).await,
    );
    says(&agree(&other, &third).await, 409, "もう待っていません");
    assert_eq!(in_force(&app).await, 1);
    assert_eq!(states(&app).await, ["declined", "withdrawn", "waiting"]);
    let now = app.clock().now();
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    assert_eq!(states(&app).await, ["declined", "withdrawn", "lapsed"]);
    app.work().await;
    let mails = app.mails_to(&asker.email).await;
    assert!(mails.iter().any(|mail| mail.text.contains("期限が過ぎたか")));
    says(&asker.get(&format!("{APPROVALS}?list=asked")).await, 200, &first);
    says(&other.get(&format!("{APPROVALS}?list=decided")).await, 200, &third);
}

// security.md 73
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_twice_at_the_same_instant_has_one_wish() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    join_all([ask_to_lift(&asker, &lift), ask_to_lift(&asker, &lift)]).await;
    assert_eq!(states(&app).await, ["waiting"]);
    let told = app.mails_to(&other.email).await;
    assert_eq!(told.iter().filter(|mail| mail.text.contains("承認を待って")).count(), 1);
    // Another word is another wish: the one that waits is taken back first.
    let differing = asker.post(&lift, &[("reason", "家族の申し出")]).await;
    says(&differing, 409, "同じ対象の申請が、承認を待っています");
    // A colleague's wish about the same is their own.
    ask_to_lift(&other, &lift).await;
    assert_eq!(states(&app).await, ["waiting", "waiting"]);
}

// security.md 72
#[tokio::test]
async fn who_asks_and_takes_back_again_and_again_fills_nobodys_mailbox() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    let told = async || {
        let mails = app.mails_to(&other.email).await;
        mails.iter().filter(|mail| mail.text.contains("承認を待って")).count()
    };
    for _ in 0..13 {
        ask_to_lift(&asker, &lift).await;
        let withdraw = format!("{}/withdraw", wish(&app).await);
        assert_eq!(asker.post(&withdraw, &[]).await.status, 303);
    }
    assert_eq!(told().await, 10);
    // What is asked beyond waits all the same, and is told where mails led before.
    ask_to_lift(&asker, &lift).await;
    let last = wish(&app).await;
    assert_eq!(told().await, 10);
    says(&other.get(APPROVALS).await, 200, &last);
    // Another's wishes have a count of their own.
    ask_to_lift(&other, &lift).await;
    let mails = app.mails_to(&asker.email).await;
    assert_eq!(
        mails.iter().filter(|mail| mail.text.contains("承認を待って")).count(),
        1
    );
    app.later(3600);
    let asker = app.in_another_browser(&asker).await;
    assert_eq!(asker.post(&format!("{last}/withdraw"), &[]).await.status, 303);
    ask_to_lift(&asker, &lift).await;
    assert_eq!(told().await, 11);
}

const COLLEAGUE: &str = "ほかの職員の申請が、承認を待っています";

// security.md 73
#[tokio::test]
async fn a_colleagues_roles_are_wished_once_at_a_time_and_an_older_wish_never_gives_again_what_was_taken() {
    let app = app(&[]).await;
    let [one, two] = clerks(&app, &[Role::Administrator]).await;
    let new = app.clerk(&[Role::Viewer]).await;
    assert_eq!(give(&one, &new, &["administrator"]).await.status, 303);
    let first = wish(&app).await;
    says(&give(&two, &new, &["benefits"]).await, 409, COLLEAGUE);
    assert_eq!(states(&app).await, ["waiting"]);
    // One that an earlier release let in beside it ends with it.
    testkit::sql(app.tenant(), BESIDE).await;
    assert_eq!(agree(&two, &first).await.status, 303);
    assert_eq!(roles(&app, &new).await, ["administrator"]);
    assert_eq!(app.insurer.count("approvals", "state = 'waiting'").await, 0);
    // What one changes alone ends what waits.
    let reader = app.clerk(&[Role::Viewer]).await;
    assert_eq!(give(&one, &reader, &["administrator"]).await.status, 303);
    let second = "SELECT approval_id::text AS line FROM approvals WHERE state = 'waiting'";
    let second = format!("{APPROVALS}/{}", app.insurer.lines(second).await.remove(0));
    assert_eq!(give(&two, &reader, &["viewer", "call_centre"]).await.status, 303);
    assert_eq!(give(&two, &reader, &["viewer"]).await.status, 303);
    says(&agree(&two, &second).await, 409, "もう待っていません");
    assert_eq!(roles(&app, &reader).await, ["viewer"]);
}

// security.md 73
#[tokio::test]
async fn a_factor_is_wished_away_once_at_a_time() {
    let app = app(&[]).await;
    let [one, two, three] = clerks(&app, &[Role::Administrator]).await;
    let reset = format!("/console/staff/{}/factor", three.staff_id);
    assert_eq!(one.post(&reset, &[]).await.status, 303);
    let first = wish(&app).await;
    says(&two.post(&reset, &[]).await, 409, COLLEAGUE);
    testkit::sql(app.tenant(), BESIDE).await;
    assert_eq!(agree(&two, &first).await.status, 303);
    assert_eq!(app.insurer.count("approvals", "state = 'waiting'").await, 0);
    let done = "action = 'staff.reset_factor'";
    assert_eq!(app.insurer.count("audit_events", done).await, 1);
}

// security.md 73
#[tokio::test]
async fn somebody_is_invited_by_one_wish_at_a_time() {
    let app = app(&[]).await;
    let [one, two] = clerks(&app, &[Role::Administrator]).await;
    let typed = |mail: &'static str| [("email", mail), ("name", "新人"), ("role", "administrator")];
    let invite = "/console/staff/invite";
    assert_eq!(one.post(invite, &typed("new@example.jp")).await.status, 303);
    let first = wish(&app).await;
    says(&two.post(invite, &typed("New@example.jp")).await, 409, COLLEAGUE);
    // Somebody else is another matter.
    assert_eq!(two.post(invite, &typed("other@example.jp")).await.status, 303);
    assert_eq!(agree(&two, &first).await.status, 303);
    assert_eq!(states(&app).await, ["done", "waiting"]);
}

/// A wish as the one that waits, of somebody else's.
const BESIDE: &str = "INSERT INTO approvals SELECT tenant_id, gen_random_uuid(), action, kind, subject_id, person_id,
    beneficiary_id, sealed, state, gen_random_uuid(), asked_at, ends_at, decided_by, decided_at, word, also FROM approvals
    WHERE state = 'waiting'";
