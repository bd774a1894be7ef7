//! Publishing and taking back by pages: now and at a time, once, and never something else than what was shown.

use super::deliveries::{HOME, app, publish, send, states, take_back};
use crate::{
    portal::says,
    statements::{cost, load_at},
};
use access::Role;
use tenancy::Features;
use testkit::{Client, TestApp, TestPerson};

const NOTICE: &str = "医療費通知に新しい分を載せました";

async fn loaded(app: &TestApp, total: i64) {
    load_at(app, &[cost("2026-08", "A", 1, "2026-06", total)]).await;
}

/// Number 1, logged in.
async fn member(app: &TestApp) -> Client {
    let who = app.sign_up_as(&TestPerson::new(1)).await;
    app.inside(&who).await
}

async fn sees(member: &Client, amount: &str) -> bool {
    let page = member.get("/portal/costs").await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.text.contains(amount)
}

#[tokio::test]
async fn what_is_published_is_seen_at_once_and_what_is_taken_back_is_gone_and_both_say_who_did_it() {
    let app = app().await;
    let member = member(&app).await;
    let clerk = app.clerk_named("給付　一子", &[Role::Benefits]).await;
    loaded(&app, 1_000).await;
    // Neither now nor at a time.
    says(
        &send(&clerk, &format!("{HOME}/1/publish"), &[]).await,
        422,
        "今すぐ公開するか",
    );
    assert!(!sees(&member, "300円").await);
    assert_eq!(publish(&clerk, 1).await.location(), format!("{HOME}/1"));
    // Ids of the same instant stand in no order.
    app.later(1);
    assert!(sees(&member, "300円").await);
    let page = clerk.get(&format!("{HOME}/1")).await;
    says(&page, 200, "公開中");
    says(&page, 200, "給付　一子");
    // Without a reason.
    says(&take_back(&clerk, 1, "").await, 422, "取り下げる理由を選んでください");
    says(
        &take_back(&clerk, 1, "none of these").await,
        422,
        "取り下げる理由を選んでください",
    );
    assert!(sees(&member, "300円").await);
    assert_eq!(take_back(&clerk, 1, "wrong_amounts").await.status, 303);
    app.later(1);
    assert!(!sees(&member, "300円").await);
    let page = clerk.get(&format!("{HOME}/1")).await;
    says(&page, 200, "金額や区分に誤りがあった");
    says(&clerk.get(&format!("{HOME}/1/publish")).await, 200, "もう一度公開する");
    // A version later; and the one before once more.
    loaded(&app, 2_000).await;
    assert_eq!(publish(&clerk, 2).await.status, 303);
    app.later(1);
    assert!(sees(&member, "600円").await);
    assert_eq!(publish(&clerk, 1).await.status, 303);
    assert!(sees(&member, "300円").await && !sees(&member, "600円").await);
    assert_eq!(states(&app).await, ["1 published true", "2 replaced true"]);
    says(&clerk.get(&format!("{HOME}/2/publish")).await, 200, "この版に戻す");
    let trail = "SELECT concat_ws(' ', action, detail->>'version', detail->>'why') AS line FROM audit_events
        WHERE action LIKE 'statements.%' AND actor_kind = 'staff' ORDER BY audit_id";
    let trail = app.insurer.lines(trail).await;
    let expected = [
        "statements.publish 1",
        "statements.withdraw 1 wrong_amounts",
        "statements.publish 2",
        "statements.publish 1",
    ];
    assert_eq!(trail, expected);
    assert_eq!(app.insurer.count("events", "kind = 'statement.withdrawn'").await, 1);
}

#[tokio::test]
async fn a_time_is_typed_as_people_do_and_what_is_decided_before_is_done_instead() {
    let app = app().await;
    let (one, two) = (
        app.clerk(&[Role::Benefits]).await,
        app.clerk_named("予約　二郎", &[Role::Benefits]).await,
    );
    loaded(&app, 1_000).await;
    let page = format!("{HOME}/1/publish");
    for at in [
        "",
        "2020-01-01 08:00",
        "2099-01-01 08:00",
        "2026-12-05",
        "あした",
        "2026-13-05 08:00",
    ] {
        let refused = send(&two, &page, &[("when", "at"), ("at", at)]).await;
        says(&refused, 422, "公開する日時");
        assert!(refused.text.contains(&format!("value=\"{at}\"")), "{at}");
    }
    assert_eq!(app.insurer.count("jobs", "queue = 'statement_publish'").await, 0);
    let tomorrow = kernel::calendar::in_japan(app.clock().now())
        .date_naive()
        .succ_opt()
        .unwrap();
    let at = format!("{} 8:00", tomorrow.format("%Y年%-m月%-d日"));
    assert_eq!(send(&two, &page, &[("when", "at"), ("at", &at)]).await.status, 303);
    says(&one.get(HOME).await, 200, "公開予約");
    says(&one.get(&format!("{HOME}/1")).await, 200, "予約　二郎");
    says(&one.get("/console/").await, 200, "公開予約");
    app.work().await;
    assert_eq!(states(&app).await, ["1 ready false"]);
    // Given up, it never comes.
    let withdraw = format!("{HOME}/1/withdraw");
    says(&one.get(&withdraw).await, 200, "予約を取り消します");
    assert_eq!(send(&one, &withdraw, &[]).await.status, 303);
    says(&one.get(&format!("{HOME}/1")).await, 200, "未公開");
    assert_eq!(send(&two, &page, &[("when", "at"), ("at", &at)]).await.status, 303);
    app.later(24 * 3600);
    app.work().await;
    assert_eq!(states(&app).await, ["1 published true"]);
    let one = app.in_another_browser(&one).await;
    says(&one.get(&format!("{HOME}/1")).await, 200, "予約　二郎");
    assert_eq!(app.insurer.count("events", "kind = 'statement.published'").await, 1);
    // To give up what is planned of a version leaves the one that is shown.
    loaded(&app, 2_000).await;
    let at = format!("{} 8:00", (tomorrow + chrono::TimeDelta::days(3)).format("%Y-%m-%d"));
    let two = app.in_another_browser(&two).await;
    let planned = send(&two, &format!("{HOME}/2/publish"), &[("when", "at"), ("at", &at)]).await;
    assert_eq!(planned.status, 303, "{}", planned.text);
    says(
        &one.get(&format!("{HOME}/1/withdraw")).await,
        200,
        "予約も、なくなります",
    );
    assert_eq!(send(&one, &format!("{HOME}/2/withdraw"), &[]).await.status, 303);
    assert_eq!(states(&app).await, ["1 published true", "2 ready false"]);
    // The trail tells plans from deeds.
    let trail = "SELECT concat_ws(' ', count(*), actor_kind, action) AS line FROM audit_events
        WHERE action ~ '^statements.(plan|publish|withdraw)' GROUP BY actor_kind, action ORDER BY action";
    let expected = [
        "3 staff statements.plan",
        "2 staff statements.plan.cancel",
        "1 system statements.publish",
    ];
    assert_eq!(app.insurer.lines(trail).await, expected);
}

#[tokio::test]
async fn a_form_does_nothing_to_what_is_not_as_it_was_shown_and_says_what_became_of_it() {
    let app = app().await;
    let (one, two) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Benefits]).await);
    loaded(&app, 1_000).await;
    let page = format!("{HOME}/1/publish");
    let seen = one.hidden(&page).await.with("when", "now");
    assert_eq!(publish(&two, 1).await.status, 303);
    let late = one.send_form(&page, &seen).await;
    says(&late, 409, "もう公開しています");
    says(&late, 409, "公開中");
    // Withdrawn meanwhile, it is not shown again by an old form; nor is another version replaced that was not told of.
    assert_eq!(take_back(&two, 1, "other").await.status, 303);
    says(
        &one.send_form(&page, &seen).await,
        409,
        "画面を開いたあとに変わりました",
    );
    loaded(&app, 2_000).await;
    let other = one.hidden(&format!("{HOME}/2/publish")).await.with("when", "now");
    assert_eq!(publish(&two, 1).await.status, 303);
    let late = one.send_form(&format!("{HOME}/2/publish"), &other).await;
    says(&late, 409, "画面を開いたあとに変わりました");
    says(&late, 409, "第1版が、この版に置き換わります");
    assert_eq!(states(&app).await, ["1 published true", "2 ready false"]);
    // Taken back twice.
    let withdraw = format!("{HOME}/1/withdraw");
    let seen = one.hidden(&withdraw).await.with("why", "other");
    assert_eq!(take_back(&two, 1, "too_early").await.status, 303);
    says(
        &one.send_form(&withdraw, &seen).await,
        409,
        "画面を開いたあとに変わりました",
    );
    says(&one.get(&withdraw).await, 303, "");
    // Another delivery's word, and none.
    let strange = [("seen", "2.ready.0.0"), ("when", "now")];
    assert_eq!(one.post(&page, &strange).await.status, 409);
    assert_eq!(one.post(&page, &[("when", "now")]).await.status, 409);
    assert_eq!(states(&app).await, ["1 withdrawn true", "2 ready false"]);
}

#[tokio::test]
async fn of_two_who_publish_at_the_same_instant_one_does() {
    let app = app().await;
    let (one, two) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Benefits]).await);
    loaded(&app, 1_000).await;
    let page = format!("{HOME}/1/publish");
    let forms = (
        one.hidden(&page).await.with("when", "now"),
        two.hidden(&page).await.with("when", "now"),
    );
    let (first, second) = tokio::join!(one.send_form(&page, &forms.0), two.send_form(&page, &forms.1));
    let mut answers = [first.status.as_u16(), second.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [303, 409]);
    assert_eq!(app.insurer.count("events", "kind = 'statement.published'").await, 1);
    assert_eq!(states(&app).await, ["1 published true"]);
}

#[tokio::test]
async fn a_notice_tells_everybody_the_same_once_and_with_what_it_tells_of() {
    let app = app().await;
    let member = member(&app).await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let notices = async || app.insurer.lines("SELECT title || body AS line FROM notices").await;
    let before = notices().await.len();
    loaded(&app, 1_000).await;
    let page = format!("{HOME}/1/publish");
    assert_eq!(
        send(&clerk, &page, &[("when", "now"), ("notice", "1")]).await.status,
        303
    );
    says(&member.get("/portal/notices").await, 200, NOTICE);
    let all = notices().await;
    assert_eq!(all.len(), before + 1);
    let said = all.iter().find(|line| line.contains(NOTICE)).unwrap();
    assert!(
        !said.contains("2026") && !said.contains("円") && said.contains("/portal/costs"),
        "{said}"
    );
    // Planned, it comes with it and not before.
    loaded(&app, 2_000).await;
    let tomorrow = kernel::calendar::in_japan(app.clock().now())
        .date_naive()
        .succ_opt()
        .unwrap();
    let at = format!("{tomorrow}T08:00");
    let planned = [("when", "at"), ("at", at.as_str()), ("notice", "1")];
    assert_eq!(send(&clerk, &format!("{HOME}/2/publish"), &planned).await.status, 303);
    says(&clerk.get(&format!("{HOME}/2")).await, 200, "お知らせも載せる");
    assert_eq!(notices().await.len(), before + 1);
    app.later(24 * 3600);
    app.work().await;
    assert_eq!(notices().await.len(), before + 2);
    assert_eq!(states(&app).await, ["1 replaced true", "2 published true"]);
    // Not asked for, it does not come.
    let clerk = app.in_another_browser(&clerk).await;
    assert_eq!(publish(&clerk, 1).await.status, 303);
    assert_eq!(notices().await.len(), before + 2);
}

#[tokio::test]
async fn no_notice_leads_to_a_page_that_members_do_not_have() {
    let app = app().await;
    loaded(&app, 1_000).await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let page = format!("{HOME}/1/publish");
    let form = clerk.hidden(&page).await.with("when", "now").with("notice", "1");
    assert!(clerk.get(&page).await.text.contains("お知らせも載せる"));
    let shut = |folder: &mut tenancy::Folder| folder.settings.modules = Features::default();
    app.insurer.apply(shut).await;
    assert!(!clerk.get(&page).await.text.contains("お知らせも載せる"));
    says(
        &clerk.send_form(&page, &form).await,
        422,
        "お知らせは、まだ載せられません",
    );
    assert_eq!(states(&app).await, ["1 ready false"]);
    assert_eq!(publish(&clerk, 1).await.status, 303);
}
