//! Passkeys: what a device's answer opens, and every way in which it is none.

use super::factor::{COOKIE, FACTOR, HOME, PROVE};
use crate::portal::{leads, says};
use testkit::{Answer, Client, Passkey, TestApp, TestClerk, sql};

const PAGE: &str = "/console/enrol/passkey";
const REFUSED: &str = "パスキーを確かめられませんでした";
const OVER: &str = "もう一度操作してください";

/// Somebody inside by a passkey that they have just enrolled.
async fn with_passkey(app: &TestApp) -> (TestClerk, Passkey) {
    let clerk = app.pending_clerk(&[]).await;
    let passkey = enrol(app, &clerk, "/console/enrol/codes").await;
    (clerk, passkey)
}

async fn enrol(app: &TestApp, client: &Client, next: &str) -> Passkey {
    let mut passkey = Passkey::new(&app.url);
    let answer = passkey.enrol(&client.get(PAGE).await.text);
    leads(&client.post(PAGE, &[("answer", &answer), ("label", "鍵")]).await, next);
    passkey
}

async fn send(client: &Client, page: &str, answer: &str) -> Answer {
    client.post(page, &[("kind", "passkey"), ("answer", answer)]).await
}

/// A browser that waits for the second factor, and its page.
async fn waiting(app: &TestApp, clerk: &TestClerk) -> (TestClerk, String) {
    let again = app.pending_again(clerk).await;
    let page = again.get(FACTOR).await;
    says(&page, 200, "data-passkey=\"get\"");
    (again, page.text)
}

#[tokio::test]
async fn a_passkey_leads_inside_and_proves_again() {
    let app = TestApp::start().await;
    let (clerk, mut passkey) = with_passkey(&app).await;
    let (again, page) = waiting(&app, &clerk).await;
    leads(&send(&again, FACTOR, &passkey.prove(&page)).await, HOME);
    let stolen = app.client();
    stolen.set_cookie(COOKIE, &again.session);
    assert_eq!(stolen.get(HOME).await.status, 303);
    app.later(601);
    assert_eq!(again.get("/console/enrol").await.status, 303);
    let page = again.get(PROVE).await.text;
    leads(&send(&again, PROVE, &passkey.prove(&page)).await, HOME);
    assert_eq!(again.get("/console/enrol").await.status, 200);
}

#[tokio::test]
async fn an_answer_works_once_and_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let (clerk, mut passkey) = with_passkey(&app).await;
    let (again, page) = waiting(&app, &clerk).await;
    let answer = passkey.prove(&page);
    leads(&send(&again, FACTOR, &answer).await, HOME);
    says(&send(&again, PROVE, &answer).await, 409, OVER);
    let (again, page) = waiting(&app, &clerk).await;
    app.later(15 * 60);
    says(&send(&again, FACTOR, &passkey.prove(&page)).await, 409, OVER);
    // A refused one is over as well: the page asks anew.
    let (again, page) = waiting(&app, &clerk).await;
    passkey.counter = 0;
    says(&send(&again, FACTOR, &passkey.prove(&page)).await, 422, REFUSED);
    passkey.counter = 100;
    says(&send(&again, FACTOR, &passkey.prove(&page)).await, 422, REFUSED);
}

#[tokio::test]
async fn an_answer_to_another_session_or_another_person_opens_nothing() {
    let app = TestApp::start().await;
    let (clerk, mut passkey) = with_passkey(&app).await;
    let (other, mut theirs) = with_passkey(&app).await;
    let (again, page) = waiting(&app, &clerk).await;
    let (elsewhere, their_page) = waiting(&app, &other).await;
    // My key, asked by their page; their key, asked by mine.
    says(&send(&again, FACTOR, &passkey.prove(&their_page)).await, 422, REFUSED);
    says(
        &send(&elsewhere, FACTOR, &passkey.prove(&their_page)).await,
        422,
        REFUSED,
    );
    let (again, page_two) = waiting(&app, &clerk).await;
    says(&send(&again, FACTOR, &theirs.prove(&page_two)).await, 422, REFUSED);
    assert_ne!(page, page_two);
}

#[tokio::test]
async fn a_counter_that_does_not_grow_is_a_copys_also_at_the_same_time() {
    let app = TestApp::start().await;
    let (clerk, mut passkey) = with_passkey(&app).await;
    // Both challenges were made before either answer came.
    let (one, first) = waiting(&app, &clerk).await;
    let (two, second) = waiting(&app, &clerk).await;
    let answers = [passkey.prove(&first), {
        passkey.counter -= 1;
        passkey.prove(&second)
    }];
    leads(&send(&one, FACTOR, &answers[0]).await, HOME);
    says(&send(&two, FACTOR, &answers[1]).await, 422, REFUSED);
    let (three, third) = waiting(&app, &clerk).await;
    leads(&send(&three, FACTOR, &passkey.prove(&third)).await, HOME);
}

#[tokio::test]
async fn whoever_is_not_verified_or_stands_on_another_site_is_refused() {
    let app = TestApp::start().await;
    let (clerk, mut passkey) = with_passkey(&app).await;
    passkey.verifies = false;
    let (again, page) = waiting(&app, &clerk).await;
    says(&send(&again, FACTOR, &passkey.prove(&page)).await, 422, REFUSED);
    passkey.verifies = true;
    for origin in ["https://evil.example", "http://localhost:1", "https://localhost"] {
        passkey.origin = origin.into();
        let page = again.get(FACTOR).await.text;
        says(&send(&again, FACTOR, &passkey.prove(&page)).await, 422, REFUSED);
    }
    let mut elsewhere = Passkey::new("https://evil.example");
    let inside = app.in_another_browser(&clerk).await;
    let answer = elsewhere.enrol(&inside.get(PAGE).await.text);
    says(&inside.post(PAGE, &[("answer", &answer)]).await, 422, REFUSED);
    let mut unverified = Passkey::new(&app.url);
    unverified.verifies = false;
    let answer = unverified.enrol(&inside.get(PAGE).await.text);
    says(&inside.post(PAGE, &[("answer", &answer)]).await, 422, REFUSED);
}

#[tokio::test]
async fn several_are_kept_and_none_twice() {
    let app = TestApp::start().await;
    let (clerk, mut first) = with_passkey(&app).await;
    let page = clerk.get(PAGE).await.text;
    assert!(
        page.contains("excludeCredentials"),
        "the device is told what it has already"
    );
    let answer = first.enrol(&page);
    says(&clerk.post(PAGE, &[("answer", &answer)]).await, 422, REFUSED);
    let mut second = enrol(&app, &clerk, "/console/account").await;
    for passkey in [&mut first, &mut second] {
        let (again, page) = waiting(&app, &clerk).await;
        leads(&send(&again, FACTOR, &passkey.prove(&page)).await, HOME);
    }
}

// security.md 70
#[tokio::test]
async fn a_sealed_passkey_opens_for_its_owner_alone() {
    let app = TestApp::start().await;
    let (clerk, _) = with_passkey(&app).await;
    let (other, mut theirs) = with_passkey(&app).await;
    let moved = format!(
        "UPDATE staff_factors SET staff_id = '{}' WHERE staff_id = '{}'",
        clerk.staff_id.0, other.staff_id.0
    );
    sql(app.tenant(), &moved).await;
    let (again, page) = waiting(&app, &clerk).await;
    says(&send(&again, FACTOR, &theirs.prove(&page)).await, 422, REFUSED);
}
