//! The member's own account: password and sessions.

use crate::portal::{leads, says};
use testkit::{Answer, Client, PASSWORD, TestApp};

const ACCOUNT: &str = "/portal/account";
const PAGE: &str = "/portal/account/password";
const NEW: &str = "Asagao3rin#";
const SESSION: &str = "__Host-session";

async fn change(client: &Client, current: &str, new: &str) -> Answer {
    client
        .post(PAGE, &[("current_password", current), ("password", new)])
        .await
}

// security.md 30, 38
#[tokio::test]
async fn a_changed_password_holds_at_once_ends_other_sessions_and_is_told_by_mail() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let elsewhere = app.inside(&who).await;
    let mails = app.mails_to(&who.email).await.len();
    let stolen = app.client();
    stolen.set_cookie(SESSION, &client.cookie(SESSION).unwrap());
    leads(&change(&client, PASSWORD, NEW).await, ACCOUNT);
    assert_eq!(
        stolen.get(ACCOUNT).await.status,
        303,
        "the session goes on under a new token"
    );
    says(&client.get(ACCOUNT).await, 200, "パスワードを変更しました");
    assert_eq!(elsewhere.get(ACCOUNT).await.status, 303);
    assert_eq!(app.mails_to(&who.email).await.len(), mails + 1);
    let log_in = async |password: &str| {
        let fields = [("user_id", who.user_id.as_str()), ("password", password)];
        app.client().post("/portal/", &fields).await.status.as_u16()
    };
    assert_eq!((log_in(PASSWORD).await, log_in(NEW).await), (422, 303));
}

#[tokio::test]
async fn a_change_needs_the_present_password_and_a_new_one_by_the_rule() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for (current, new, said) in [
        ("", NEW, "今のパスワードを入力してください"),
        ("wrong&1234", NEW, "今のパスワードが違います"),
        (PASSWORD, "", "パスワードを入力してください"),
        (PASSWORD, "short", "8文字以上20文字以内"),
        (PASSWORD, PASSWORD, "今と同じパスワードです"),
        (PASSWORD, "19850401&a", "見破られやすい"),
    ] {
        says(&change(&client, current, new).await, 422, said);
    }
    says(&change(&client, "", "").await, 422, "今のパスワードを入力してください");
    assert_eq!(client.get(ACCOUNT).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_on_a_changed_password_is_told_that_it_is_done() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    app.later(3600 / 4);
    let (one, two) = tokio::join!(change(&client, PASSWORD, NEW), change(&client, PASSWORD, NEW));
    for answer in [one, two, change(&client, PASSWORD, NEW).await] {
        leads(&answer, ACCOUNT);
    }
    assert_eq!(client.get(ACCOUNT).await.status, 200);
    let mails = app.mails_to(&who.email).await;
    let told = mails
        .iter()
        .filter(|mail| mail.subject.contains("パスワードが変更されました"));
    assert_eq!(told.count(), 1);
    // What is no second click is wrong as ever.
    says(
        &change(&client, PASSWORD, "Yuri3rin%Na").await,
        422,
        "今のパスワードが違います",
    );
    app.later(61);
    says(&change(&client, PASSWORD, NEW).await, 422, "今のパスワードが違います");
}

// security.md 28
#[tokio::test]
async fn guessing_the_present_password_from_inside_is_throttled_too() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for _ in 0..10 {
        assert_eq!(change(&client, "wrong&1234", NEW).await.status, 422);
    }
    says(
        &change(&client, PASSWORD, NEW).await,
        429,
        "しばらく受け付けを止めています",
    );
    app.later(61);
    leads(&change(&client, PASSWORD, NEW).await, ACCOUNT);
}

// security.md 28, 68
#[tokio::test]
async fn guesses_from_inside_are_bounded_for_good_and_keep_nobody_out_who_logs_in() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.log_in_id_tries = 2).await;
    let (client, who) = app.member().await;
    for _ in 0..2 {
        assert_eq!(change(&client, "wrong&1234", NEW).await.status, 422);
    }
    says(&change(&client, PASSWORD, NEW).await, 403, "ログインを止めています");
    app.later(24 * 3600);
    let client = app.inside(&who).await;
    assert_eq!(change(&client, PASSWORD, NEW).await.status, 403);
}

// security.md 26
#[tokio::test]
async fn a_full_hashing_queue_costs_no_try_of_the_present_password() {
    let app = TestApp::with("32290413", |_| (), |config| config.hash.queue = 1).await;
    let (client, _) = app.member().await;
    let crowd = app.crowd();
    for _ in 0..12 {
        let answer = change(&client, PASSWORD, NEW).await;
        says(&answer, 503, "混み合っています");
        assert!(!answer.header("retry-after").is_empty());
    }
    drop(crowd);
    leads(&change(&client, PASSWORD, NEW).await, ACCOUNT);
}

// security.md 41
#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let (second, third) = (app.inside(&who).await, app.inside(&who).await);
    let page = client.get(ACCOUNT).await.text;
    let ends: Vec<&str> = page
        .split("action=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let ends: Vec<&&str> = ends.iter().filter(|path| path.ends_with("/end")).collect();
    assert_eq!(ends.len(), 2, "not the one that asks");
    leads(&client.press(ends[0]).await, ACCOUNT);
    let alive = [
        second.get(ACCOUNT).await.status.as_u16(),
        third.get(ACCOUNT).await.status.as_u16(),
    ];
    assert_eq!(alive.iter().filter(|status| **status == 200).count(), 1);
    // A second click: there is no such session any more.
    says(&client.press(ends[0]).await, 404, "すでにログアウトしています");
    app.inside(&who).await;
    leads(&client.press("/portal/account/sessions/end-others").await, ACCOUNT);
    says(&client.get(ACCOUNT).await, 200, "2台");
    assert_eq!(app.insurer.count("sessions", "true").await, 1);
    assert_eq!(client.press("/portal/account/sessions/rubbish/end").await.status, 404);
}

#[tokio::test]
async fn a_neighbours_session_does_not_exist() {
    let app = TestApp::start().await;
    let other = testkit::TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let (client, _) = app.member().await;
    let neighbour = app.sign_up_as(&other).await;
    let theirs = app.inside(&neighbour).await;
    let mine = format!(
        "SELECT session_id::text AS line FROM sessions JOIN accounts ON subject_id = account_id AND user_id = '{}'",
        neighbour.user_id
    );
    let ids = app.insurer.lines(&mine).await;
    let answer = client.press(&format!("/portal/account/sessions/{}/end", ids[0])).await;
    assert_eq!(answer.status, 404);
    client.press("/portal/account/sessions/end-others").await;
    assert_eq!(theirs.get(ACCOUNT).await.status, 200);
    assert!(!client.get(ACCOUNT).await.text.contains(&neighbour.email));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_loss_of_coverage_pages_can_be_read_and_the_account_kept_safe() {
    let allow = |folder: &mut tenancy::Folder| folder.settings.after_loss_days = 30;
    let app = TestApp::with("32290413", allow, |_| ()).await;
    let (member, who) = app.member().await;
    let mut lost = who.person.clone();
    lost.lost_on = "2026-11-20".into();
    app.insurer.import(&[lost]).await;
    says(&member.get("/portal/mypage").await, 200, "2026年12月19日");
    let change = [("current_password", PASSWORD), ("password", "Asagao3rin&")];
    leads(
        &member.post("/portal/account/password", &change).await,
        "/portal/account",
    );
}
