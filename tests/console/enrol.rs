//! Setting a second factor up, and who may.

use super::factor::{COOKIE, ENROL_APP, FACTOR, HOME, enrol_app, print, printed, secret, send, with_app};
use crate::portal::{leads, says};
use access::Role;
use futures_util::future::join;
use reqwest::Method;
use testkit::{TestApp, totp};

const ENROL: &str = "/console/enrol";
const PASSKEY: &str = "/console/enrol/passkey";
const CODES: &str = "/console/account/codes";
const KEPT: &str = "SELECT kind AS line FROM staff_factors ORDER BY factor_id";

#[tokio::test]
async fn whoever_has_none_is_led_to_set_one_up_and_then_is_inside_and_all_are_told() {
    let app = TestApp::start().await;
    let administrator = app.clerk(&[Role::Administrator]).await;
    let clerk = app.pending_clerk(&[]).await;
    assert!(clerk.get(HOME).await.location().starts_with(FACTOR));
    leads(&clerk.get(FACTOR).await, ENROL);
    says(&clerk.get(ENROL).await, 200, "認証アプリを登録する");
    let secret = secret(&clerk).await;
    assert!(secret.split(' ').all(|group| group.len() == 4), "{secret}");
    let code = totp(&secret, app.clock().now());
    let answer = clerk
        .post(ENROL_APP, &[("app_code", &code), ("label", "私の電話")])
        .await;
    leads(&answer, "/console/enrol/codes");
    says(&clerk.get("/console/enrol/codes").await, 200, "確認コードを作る");
    says(&clerk.get("/console/account").await, 200, "私の電話");
    for address in [&clerk.email, &administrator.email] {
        let told = app.mails_to(address).await;
        assert!(told[0].text.contains("登録されました"), "{}", told[0].text);
        assert!(!told[0].text.contains(&secret));
    }
    let trail = "SELECT outcome AS line FROM audit_events WHERE action = 'factor.enrol'";
    assert_eq!(app.insurer.lines(trail).await, ["done"]);
    let stolen = app.client();
    stolen.set_cookie(COOKIE, &clerk.session);
    assert_eq!(
        stolen.get(HOME).await.status,
        303,
        "the password's token opens nothing any more"
    );
}

#[tokio::test]
async fn the_page_shows_one_secret_until_a_right_code_comes() {
    let app = TestApp::start().await;
    let clerk = app.pending_clerk(&[]).await;
    let first = secret(&clerk).await;
    assert_eq!(secret(&clerk).await, first);
    let wrong = clerk
        .post(ENROL_APP, &[("app_code", "000000"), ("label", "電話")])
        .await;
    says(&wrong, 422, "コードが違います");
    assert!(wrong.text.contains(&first) && wrong.text.contains("value=\"電話\""));
    assert_eq!(app.insurer.lines(KEPT).await, [""; 0]);
    let other = app.pending_again(&clerk).await;
    assert_ne!(secret(&other).await, first, "each session has its own");
    // After a quarter of an hour it is another.
    app.later(15 * 60);
    let code = totp(&first, app.clock().now());
    says(
        &clerk.post(ENROL_APP, &[("app_code", &code)]).await,
        409,
        "もう一度操作してください",
    );
    assert_ne!(secret(&clerk).await, first);
}

#[tokio::test]
async fn the_password_alone_sets_up_no_second_factor_more() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    let thief = app.pending_again(&clerk).await;
    for page in [ENROL, ENROL_APP, PASSKEY] {
        let answer = thief.get(page).await;
        assert!(
            answer.location().starts_with("/console/prove"),
            "{page}: {}",
            answer.location()
        );
    }
    let answer = thief.post(ENROL_APP, &[("app_code", "123456")]).await;
    assert!(answer.location().starts_with("/console/prove"), "{}", answer.location());
    assert!(thief.press(CODES).await.location().starts_with(FACTOR));
    assert_eq!(app.insurer.lines(KEPT).await, ["totp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_set_the_first_one_up_at_once_one_is_inside() {
    let app = TestApp::start().await;
    let clerk = app.pending_clerk(&[]).await;
    let thief = app.pending_again(&clerk).await;
    let now = app.clock().now();
    let codes = [totp(&secret(&clerk).await, now), totp(&secret(&thief).await, now)];
    let mine = [("app_code", &*codes[0])];
    let theirs = [("app_code", &*codes[1])];
    let (one, two) = join(clerk.post(ENROL_APP, &mine), thief.post(ENROL_APP, &theirs)).await;
    let mut led = [one.location().to_owned(), two.location().to_owned()];
    led.sort();
    assert_eq!(led[0], "/console/enrol/codes", "{led:?}");
    assert!(led[1].starts_with("/console/prove"), "{led:?}");
    assert_eq!(app.insurer.lines(KEPT).await, ["totp"]);
}

#[tokio::test]
async fn one_more_takes_a_factor_that_was_just_proven() {
    let app = TestApp::start().await;
    let (clerk, first) = with_app(&app, &[]).await;
    app.later(601);
    let answer = clerk.get(ENROL_APP).await;
    leads(&answer, "/console/prove?next=%2Fconsole%2Fenrol%2Fapp");
    leads(
        &send(&clerk, "/console/prove", &totp(&first, app.clock().now())).await,
        HOME,
    );
    let second = enrol_app(&app, &clerk).await;
    for secret in [first, second] {
        let again = app.pending_again(&clerk).await;
        leads(&send(&again, FACTOR, &totp(&secret, app.clock().now())).await, HOME);
    }
    for _ in 2..10 {
        enrol_app(&app, &clerk).await;
    }
    says(&clerk.get(ENROL_APP).await, 409, "これ以上は登録できません");
}

#[tokio::test]
async fn printed_codes_are_shown_once() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    leads(&clerk.press(CODES).await, CODES);
    // Whether the page is there may be asked without looking at it.
    clerk.send(clerk.request(Method::HEAD, CODES)).await;
    let other = app.in_another_browser(&clerk).await;
    says(&other.get(CODES).await, 200, "新しく作ってください");
    let page = clerk.get(CODES).await;
    assert_eq!(printed(&page).len(), 10);
    says(&clerk.get(CODES).await, 200, "新しく作ってください");
    let hashes = "SELECT count(DISTINCT code_hash)::text AS line FROM staff_codes";
    assert_eq!(app.insurer.lines(hashes).await, ["10"]);
    let told = app.mails_to(&clerk.email).await;
    assert!(
        told.iter()
            .all(|mail| printed(&page).iter().all(|code| !mail.text.contains(code)))
    );
    assert_eq!(print(&clerk).await.len(), 10);
    assert_eq!(
        app.insurer.lines(hashes).await,
        ["10"],
        "a new list takes the old one's place"
    );
}

#[tokio::test]
async fn what_a_browser_makes_up_for_a_new_passkey_is_refused_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let clerk = app.pending_clerk(&[]).await;
    let page = clerk.get(PASSKEY).await;
    says(&page, 200, "data-passkey=\"create\"");
    assert!(page.text.contains("&#34;userVerification&#34;:&#34;required&#34;") || page.text.contains("required"));
    let made_up =
        r#"{"id":"AA","rawId":"AA","type":"public-key","response":{"attestationObject":"AA","clientDataJSON":"AA"}}"#;
    for answer in ["", "{}", made_up] {
        says(
            &clerk.post(PASSKEY, &[("answer", answer)]).await,
            422,
            "パスキーを確かめられませんでした",
        );
    }
    assert_eq!(app.insurer.lines(KEPT).await, [""; 0]);
}

#[tokio::test]
async fn support_sets_nothing_up_at_an_insurer() {
    let app = TestApp::start().await;
    let support = app.support().await;
    for page in [ENROL_APP, PASSKEY, "/console/account", CODES, "/console/enrol/codes"] {
        assert_eq!(support.get(page).await.status, 403, "{page}");
    }
}
