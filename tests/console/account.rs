//! One's own account: factors, sessions, log-ins.

use super::factor::{FACTOR, enrol_app, send, with_app};
use crate::portal::{leads, says};
use access::{Reach, Role};
use testkit::{Client, TestApp, totp};

const ACCOUNT: &str = "/console/account";

/// The pages of one's factors, as the account page links to them.
async fn factors(client: &Client) -> Vec<String> {
    let page = client.get(ACCOUNT).await;
    let links = page.text.split("href=\"/console/account/factors/").skip(1);
    links
        .map(|rest| format!("{ACCOUNT}/factors/{}", rest.split('"').next().unwrap()))
        .collect()
}

#[tokio::test]
async fn one_reads_who_one_is_and_over_whom_ones_roles_reach() {
    let app = TestApp::start().await;
    let clerk = app
        .clerk_named("窓口　花子", &[Role::Eligibility, Role::NoticeEditor])
        .await;
    let page = clerk.get(ACCOUNT).await;
    for said in [
        "窓口　花子",
        &clerk.email,
        "資格担当・お知らせ編集",
        "この保険者の全員",
        "ありません",
    ] {
        says(&page, 200, said);
    }
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec!["A1".into()],
    };
    let clerk = app.clerk_reaching(&[Role::Workplace], &reach).await;
    says(
        &clerk.get(ACCOUNT).await,
        200,
        "記号が 100 の方と、事業所コードが A1 の方",
    );
}

#[tokio::test]
async fn the_last_factor_stays_and_of_two_one_can_be_removed_which_is_told() {
    let app = TestApp::start().await;
    let administrator = app.clerk(&[Role::Administrator]).await;
    let (clerk, first) = with_app(&app, &[]).await;
    let own = factors(&clerk).await;
    says(&clerk.get(&own[0]).await, 200, "最後の1つ");
    let remove = format!("{}/remove", own[0]);
    says(&clerk.press(&remove).await, 409, "最後の1つは解除できません");
    enrol_app(&app, &clerk).await;
    leads(&clerk.press(&remove).await, ACCOUNT);
    for address in [&clerk.email, &administrator.email] {
        let told = app.mails_to(address).await;
        assert!(told.iter().any(|mail| mail.text.contains("削除されました")), "{told:?}");
    }
    assert_eq!(clerk.press(&remove).await.status, 404);
    let again = app.pending_again(&clerk).await;
    says(
        &send(&again, FACTOR, &totp(&first, app.clock().now())).await,
        422,
        "コードが違います",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_factors_removed_at_once_one_stays() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    enrol_app(&app, &clerk).await;
    let own = factors(&clerk).await;
    let paths = [format!("{}/remove", own[0]), format!("{}/remove", own[1])];
    futures_util::future::join(clerk.press(&paths[0]), clerk.press(&paths[1])).await;
    assert_eq!(factors(&clerk).await.len(), 1);
}

#[tokio::test]
async fn factors_are_renamed_and_a_name_is_asked_for() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    let own = factors(&clerk).await.remove(0);
    let rename = format!("{own}/rename");
    leads(&clerk.post(&rename, &[("label", "金庫の電話<b>")]).await, ACCOUNT);
    says(&clerk.get(ACCOUNT).await, 200, "金庫の電話&#60;b&#62;");
    says(
        &clerk.post(&rename, &[("label", "　")]).await,
        422,
        "名前を入力してください",
    );
    let long = "あ".repeat(41);
    says(&clerk.post(&rename, &[("label", &long)]).await, 422, "40文字以内");
}

// security.md 42
#[tokio::test]
async fn changing_factors_takes_a_factor_that_was_just_proven() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    enrol_app(&app, &clerk).await;
    let own = factors(&clerk).await.remove(0);
    app.later(601);
    for path in ["rename", "remove"] {
        let answer = clerk.post(&format!("{own}/{path}"), &[("label", "x")]).await;
        assert!(
            answer.location().starts_with("/console/prove?next="),
            "{}",
            answer.location()
        );
    }
    assert!(clerk.get(&own).await.location().starts_with("/console/prove?next="));
    let codes = clerk.press("/console/account/codes").await;
    assert!(
        codes.location().starts_with("/console/prove?next="),
        "{}",
        codes.location()
    );
    assert_eq!(factors(&clerk).await.len(), 2);
}

// security.md 51
#[tokio::test]
async fn anothers_factors_and_sessions_are_not_there() {
    let (app, elsewhere) = (TestApp::start().await, TestApp::start().await);
    let (theirs, _) = with_app(&app, &[]).await;
    enrol_app(&app, &theirs).await;
    let own = factors(&theirs).await.remove(0);
    let session = "SELECT session_id::text AS line FROM sessions ORDER BY created_at LIMIT 1";
    let session = app.insurer.lines(session).await.remove(0);
    for stranger in [
        app.clerk(&[Role::Administrator]).await,
        elsewhere.clerk(&[Role::Administrator]).await,
    ] {
        assert_eq!(stranger.get(&own).await.status, 404);
        for path in ["rename", "remove"] {
            let answer = stranger.post(&format!("{own}/{path}"), &[("label", "x")]).await;
            assert_eq!(answer.status, 404, "{path}");
        }
        let end = format!("{ACCOUNT}/sessions/{session}/end");
        says(&stranger.press(&end).await, 404, "今はログインしていません");
    }
    assert_eq!(theirs.get(ACCOUNT).await.status, 200);
    assert_eq!(factors(&theirs).await.len(), 2);
}

#[tokio::test]
async fn other_devices_are_sent_away() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    let elsewhere = app.in_another_browser(&clerk).await;
    let page = clerk.get(ACCOUNT).await;
    says(&page, 200, "この機器");
    let (_, rest) = page.text.split_once("action=\"/console/account/sessions/").unwrap();
    let end = format!("{ACCOUNT}/sessions/{}", rest.split('"').next().unwrap());
    leads(&clerk.press(&end).await, ACCOUNT);
    assert_eq!(elsewhere.get(ACCOUNT).await.status, 303);
    says(&clerk.press(&end).await, 404, "今はログインしていません");
    let (second, third) = (
        app.in_another_browser(&clerk).await,
        app.in_another_browser(&clerk).await,
    );
    leads(&clerk.press("/console/account/sessions/end-others").await, ACCOUNT);
    says(&clerk.get(ACCOUNT).await, 200, "ほかの機器（2台）をログアウトしました");
    assert_eq!(
        (second.get(ACCOUNT).await.status, third.get(ACCOUNT).await.status),
        (303.try_into().unwrap(), 303.try_into().unwrap())
    );
}

#[tokio::test]
async fn ones_log_ins_of_ninety_days_are_shown_and_nobody_elses() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let (other, _) = with_app(&app, &[]).await;
    let again = app.pending_again(&clerk).await;
    says(&send(&again, FACTOR, "000000").await, 422, "コードが違います");
    leads(
        &send(&again, FACTOR, &totp(&secret, app.clock().now())).await,
        "/console/",
    );
    let page = again.get(ACCOUNT).await;
    says(&page, 200, "ログインしました");
    says(&page, 200, "2つ目の確認ができませんでした");
    assert!(!other.get(ACCOUNT).await.text.contains("ログインしました"));
    app.later(91 * 24 * 3600);
    let later = app.in_another_browser(&clerk).await;
    says(&later.get(ACCOUNT).await, 200, "記録はありません");
}
