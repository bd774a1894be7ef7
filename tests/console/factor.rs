//! The second factor at log-in: what opens, what is refused, and how tries are counted.

use crate::portal::{leads, says};
use access::Role;
use futures_util::future::join_all;
use testkit::{Answer, Client, TestApp, TestClerk, sql, totp};

pub(super) const FACTOR: &str = "/console/login/factor";
pub(super) const PROVE: &str = "/console/prove";
pub(super) const HOME: &str = "/console/";
pub(super) const ENROL_APP: &str = "/console/enrol/app";
pub(super) const COOKIE: &str = "__Host-console";
const WRONG: &str = "コードが違います";
const USED: &str = "もう使われています";
const WAIT: &str = "受け付けを止めています";

/// The secret that the page of an authenticator app shows.
pub(super) async fn secret(client: &Client) -> String {
    let page = client.get(ENROL_APP).await;
    says(&page, 200, "id=\"secret\"");
    let (_, rest) = page.text.split_once("id=\"secret\">").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// Enrols an app and waits until it shows its next code.
pub(crate) async fn enrol_app(app: &TestApp, client: &Client) -> String {
    let secret = secret(client).await;
    let code = totp(&secret, app.clock().now());
    let answer = client.post(ENROL_APP, &[("app_code", &code), ("label", "")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    app.later(30);
    secret
}

/// Somebody with an app, inside.
pub(super) async fn with_app(app: &TestApp, roles: &[Role]) -> (TestClerk, String) {
    let clerk = app.pending_clerk(roles).await;
    let secret = enrol_app(app, &clerk).await;
    (clerk, secret)
}

/// Sends an app's digits.
pub(super) async fn send(client: &Client, page: &str, code: &str) -> Answer {
    client.post(page, &[("kind", "app"), ("app_code", code)]).await
}

/// Sends a printed code.
pub(super) async fn send_printed(client: &Client, page: &str, code: &str) -> Answer {
    client.post(page, &[("kind", "printed"), ("printed_code", code)]).await
}

/// Makes a list of printed codes and looks at it.
pub(super) async fn print(client: &Client) -> Vec<String> {
    leads(&client.press("/console/account/codes").await, "/console/account/codes");
    printed(&client.get("/console/account/codes").await)
}

/// The codes on a page.
pub(super) fn printed(page: &Answer) -> Vec<String> {
    let codes = page.text.split("<strong class=\"code\">").skip(1);
    codes.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn the_digits_of_ones_own_app_lead_inside_and_on_to_where_one_wanted() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let again = app.pending_again(&clerk).await;
    for page in [HOME, "/console/account", PROVE, "/console/enrol/codes"] {
        let answer = again.get(page).await;
        assert!(answer.location().starts_with(FACTOR), "{page}: {}", answer.location());
    }
    says(&again.get(FACTOR).await, 200, "認証アプリ");
    let fields = [
        ("kind", "app"),
        ("app_code", &*totp(&secret, app.clock().now())),
        ("next", "/console/account"),
    ];
    let answer = again.post(FACTOR, &fields).await;
    leads(&answer, "/console/account");
    assert!(
        answer
            .set_cookies()
            .iter()
            .any(|cookie| cookie.contains("SameSite=Strict"))
    );
    says(&again.get("/console/account").await, 200, "アカウント");
    leads(&again.get(FACTOR).await, HOME);
}

#[tokio::test]
async fn nobody_is_led_to_another_site_or_round_in_circles() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    for next in [
        "//evil.example/",
        "https://evil.example/console/",
        PROVE,
        FACTOR,
        "/portal/mypage",
    ] {
        let again = app.pending_again(&clerk).await;
        app.later(30);
        let code = totp(&secret, app.clock().now());
        let fields = [("kind", "app"), ("app_code", &*code), ("next", next)];
        leads(&again.post(FACTOR, &fields).await, HOME);
    }
}

// security.md 38
#[tokio::test]
async fn the_session_goes_on_under_a_new_token_and_the_old_one_is_worth_nothing() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    for page in [FACTOR, PROVE] {
        let again = match page {
            FACTOR => app.pending_again(&clerk).await,
            _ => app.in_another_browser(&clerk).await,
        };
        app.later(30);
        leads(&send(&again, page, &totp(&secret, app.clock().now())).await, HOME);
        let stolen = app.client();
        stolen.set_cookie(COOKIE, &again.session);
        let answer = stolen.get("/console/account").await;
        assert!(answer.location().starts_with("/console/login"), "{}", answer.location());
        assert_eq!(again.get("/console/account").await.status, 200);
    }
}

#[tokio::test]
async fn wrong_digits_are_told_and_what_is_no_code_costs_no_try() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let again = app.pending_again(&clerk).await;
    let code = totp(&secret, app.clock().now());
    says(&send(&again, FACTOR, other_than(&code)).await, 422, WRONG);
    let guesses = "SELECT factor_guesses::text AS line FROM staff WHERE factor_guesses > 0";
    assert_eq!(app.insurer.lines(guesses).await, ["1"]);
    for (typed, said) in [
        ("", "入力してください"),
        ("12345", "6桁の数字"),
        ("abcdef", "6桁の数字"),
    ] {
        says(&send(&again, FACTOR, typed).await, 422, said);
    }
    assert_eq!(app.insurer.lines(guesses).await, ["1"]);
    let wide: String = code
        .chars()
        .map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap())
        .collect();
    leads(&send(&again, FACTOR, &wide).await, HOME);
    assert_eq!(app.insurer.lines(guesses).await, [""; 0], "a right one ends the count");
}

// security.md 31
#[tokio::test]
async fn a_step_counts_once_and_one_beside_it_too_but_not_two() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    app.later(300);
    let at = |steps: i64| totp(&secret, app.clock().now() + chrono::TimeDelta::seconds(30 * steps));
    let log_in = async |code: String| {
        let again = app.pending_again(&clerk).await;
        send(&again, FACTOR, &code).await
    };
    says(&log_in(at(-2)).await, 422, WRONG);
    says(&log_in(at(2)).await, 422, WRONG);
    leads(&log_in(at(-1)).await, HOME);
    says(&log_in(at(-1)).await, 422, USED);
    leads(&log_in(at(0)).await, HOME);
    says(&log_in(at(0)).await, 422, USED);
    leads(&log_in(at(1)).await, HOME);
    // What lies before a step that was used is over with it.
    says(&log_in(at(0)).await, 422, USED);
}

// security.md 31
#[tokio::test]
async fn the_code_that_enrolled_an_app_opens_nothing_more() {
    let app = TestApp::start().await;
    let clerk = app.pending_clerk(&[]).await;
    let secret = secret(&clerk).await;
    let code = totp(&secret, app.clock().now());
    leads(
        &clerk.post(ENROL_APP, &[("app_code", &code)]).await,
        "/console/enrol/codes",
    );
    let again = app.pending_again(&clerk).await;
    says(&send(&again, FACTOR, &code).await, 422, USED);
}

// security.md 31
#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_code_many_times_at_once_one_counts() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let code = totp(&secret, app.clock().now());
    let browsers = join_all((0..6).map(|_| app.pending_again(&clerk))).await;
    let answers = join_all(browsers.iter().map(|browser| send(browser, FACTOR, &code))).await;
    let inside = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(inside, 1);
    assert!(
        answers
            .iter()
            .all(|answer| [303, 422].contains(&answer.status.as_u16()))
    );
}

#[tokio::test]
async fn anothers_factor_and_anothers_insurer_open_nothing() {
    let app = TestApp::start().await;
    let (_, theirs) = with_app(&app, &[]).await;
    let (clerk, mine) = with_app(&app, &[]).await;
    let again = app.pending_again(&clerk).await;
    says(
        &send(&again, FACTOR, &totp(&theirs, app.clock().now())).await,
        422,
        WRONG,
    );
    let elsewhere = TestApp::start().await;
    let (_, secret) = again.session.split_once('.').unwrap();
    let forged = app.client();
    forged.set_cookie(COOKIE, &format!("{}.{secret}", elsewhere.tenant()));
    let answer = send(&forged, FACTOR, &totp(&mine, app.clock().now())).await;
    assert_ne!(answer.status, 200);
    assert!(
        !answer
            .set_cookies()
            .iter()
            .any(|cookie| cookie.contains("SameSite=Strict"))
    );
    leads(&send(&again, FACTOR, &totp(&mine, app.clock().now())).await, HOME);
}

// security.md 70
#[tokio::test]
async fn a_sealed_factor_opens_in_its_own_row_and_for_its_owner_alone() {
    let app = TestApp::start().await;
    let (first, first_secret) = with_app(&app, &[]).await;
    let (second, second_secret) = with_app(&app, &[]).await;
    let (mine, theirs) = (first.staff_id.0, second.staff_id.0);
    let codes = |secret: &str| totp(secret, app.clock().now());
    // Their whole row, given to me.
    let moved = format!("UPDATE staff_factors SET staff_id = '{mine}' WHERE staff_id = '{theirs}'");
    sql(app.tenant(), &moved).await;
    let again = app.pending_again(&first).await;
    says(&send(&again, FACTOR, &codes(&second_secret)).await, 422, WRONG);
    leads(&send(&again, FACTOR, &codes(&first_secret)).await, HOME);
    // Their secret, in my row.
    app.later(30);
    let copied = "UPDATE staff_factors t SET sealed = o.sealed FROM staff_factors o WHERE o.factor_id <> t.factor_id";
    sql(app.tenant(), copied).await;
    let again = app.pending_again(&first).await;
    for secret in [&first_secret, &second_secret] {
        says(&send(&again, FACTOR, &codes(secret)).await, 422, WRONG);
    }
}

#[tokio::test]
async fn a_printed_code_works_once_however_it_is_typed_and_its_use_is_told() {
    let app = TestApp::start().await;
    let administrator = app.clerk(&[Role::Administrator]).await;
    let (clerk, _) = with_app(&app, &[]).await;
    let codes = print(&clerk).await;
    assert_eq!(codes.len(), 10);
    let mails = [
        app.mails_to(&clerk.email).await.len(),
        app.mails_to(&administrator.email).await.len(),
    ];
    let again = app.pending_again(&clerk).await;
    let typed = codes[0].to_lowercase().replace('-', " ");
    leads(&send_printed(&again, FACTOR, &typed).await, HOME);
    let once_more = app.pending_again(&clerk).await;
    says(&send_printed(&once_more, FACTOR, &codes[0]).await, 422, USED);
    says(
        &send_printed(&once_more, FACTOR, "AAAA-AAAA-AAAA-AAAA").await,
        422,
        WRONG,
    );
    for (address, before) in [&clerk.email, &administrator.email].into_iter().zip(mails) {
        let told = app.mails_to(address).await;
        assert_eq!(told.len(), before + 1);
        assert!(
            told[0].text.contains("印刷した確認コードが使われました"),
            "{}",
            told[0].text
        );
    }
    says(&again.get("/console/account").await, 200, "まだ使えるもの 9個");
    let newer = print(&again).await;
    says(&send_printed(&once_more, FACTOR, &codes[1]).await, 422, WRONG);
    leads(&send_printed(&once_more, FACTOR, &newer[1]).await, HOME);
}

#[tokio::test]
async fn anothers_printed_codes_open_nothing_and_are_not_used_up() {
    let app = TestApp::start().await;
    let (first, _) = with_app(&app, &[]).await;
    let (second, _) = with_app(&app, &[]).await;
    let theirs = print(&second).await;
    print(&first).await;
    let again = app.pending_again(&first).await;
    says(&send_printed(&again, FACTOR, &theirs[0]).await, 422, WRONG);
    let moved = format!(
        "DELETE FROM staff_codes WHERE staff_id = '{mine}';
         UPDATE staff_codes SET staff_id = '{mine}' WHERE staff_id = '{theirs}'",
        mine = first.staff_id.0,
        theirs = second.staff_id.0
    );
    sql(app.tenant(), &moved).await;
    says(&send_printed(&again, FACTOR, &theirs[0]).await, 422, WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_printed_code_many_times_at_once_one_counts() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    let codes = print(&clerk).await;
    let browsers = join_all((0..6).map(|_| app.pending_again(&clerk))).await;
    let answers = join_all(browsers.iter().map(|browser| send_printed(browser, FACTOR, &codes[0]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
}

// security.md 28
#[tokio::test]
async fn ten_wrong_ones_of_a_kind_wait_and_another_kind_does_not() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let codes = print(&clerk).await;
    let again = app.pending_again(&clerk).await;
    let code = totp(&secret, app.clock().now());
    for _ in 0..10 {
        says(&send(&again, FACTOR, other_than(&code)).await, 422, WRONG);
    }
    says(&send(&again, FACTOR, &code).await, 429, WAIT);
    leads(&send_printed(&again, FACTOR, &codes[0]).await, HOME);
    let later = app.pending_again(&clerk).await;
    says(&send(&later, FACTOR, &code).await, 429, WAIT);
    app.later(61);
    leads(&send(&later, FACTOR, &totp(&secret, app.clock().now())).await, HOME);
}

// security.md 28
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_count_as_many() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let code = other_than(&totp(&secret, app.clock().now()));
    let browsers = join_all((0..25).map(|_| app.pending_again(&clerk))).await;
    let answers = join_all(browsers.iter().map(|browser| send(browser, FACTOR, code))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 422).count();
    let held_off = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((looked_at, held_off), (10, 15));
}

// security.md 28, 68
#[tokio::test]
async fn a_hundred_wrong_ones_in_all_kinds_end_all_kinds_until_a_colleague_helps() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[]).await;
    let codes = print(&clerk).await;
    let again = app.pending_again(&clerk).await;
    let code = totp(&secret, app.clock().now());
    sql(app.tenant(), "UPDATE staff SET factor_guesses = 99").await;
    says(&send(&again, FACTOR, other_than(&code)).await, 422, WRONG);
    says(&send(&again, FACTOR, &code).await, 403, "確認を止めています");
    says(&send_printed(&again, FACTOR, &codes[0]).await, 403, "管理者に");
    app.later(24 * 3600);
    let next_day = app.pending_again(&clerk).await;
    let code = totp(&secret, app.clock().now());
    says(&send(&next_day, FACTOR, &code).await, 403, "確認を止めています");
}

#[tokio::test]
async fn what_a_browser_makes_up_for_a_passkey_is_refused() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[]).await;
    let again = app.pending_again(&clerk).await;
    let made_up = r#"{"id":"AA","rawId":"AA","type":"public-key","response":{"authenticatorData":"AA","clientDataJSON":"AA","signature":"AA","userHandle":null}}"#;
    for answer in ["", "{}", "null", "[]", &"[".repeat(5000)] {
        let fields = [("kind", "passkey"), ("answer", answer)];
        says(
            &again.post(FACTOR, &fields).await,
            422,
            "パスキーを確かめられませんでした",
        );
    }
    // Well formed, but nothing was asked.
    let fields = [("kind", "passkey"), ("answer", made_up)];
    says(&again.post(FACTOR, &fields).await, 409, "もう一度操作してください");
}
