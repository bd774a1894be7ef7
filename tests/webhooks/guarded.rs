//! Where webhooks don't go: what is not public is not connected to, whatever a name resolves to and whatever was set before.

use super::{Answer, Hook, Receiver, app, create};
use access::{SCOPES, scope::WEBHOOKS_MANAGE};
use testkit::TestApp;

// security.md 62
#[tokio::test]
async fn a_name_that_resolves_to_what_is_not_public_is_not_connected_to() {
    let app = TestApp::start().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    let url = format!("https://localhost:{}/", receiver.address.port());
    let hook = Hook::with(&program, &url, &["import.finished"]).await;
    hook.test().await;
    app.work().await;
    let delivery = hook.delivery().await;
    assert_eq!(delivery["reason"], "address_refused", "{delivery}");
    assert!(receiver.taken().is_empty());
}

// security.md 62
#[tokio::test]
async fn what_was_set_while_more_was_allowed_is_judged_anew_by_whoever_sends() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let hook = Hook::with(&app.program(&SCOPES).await, &receiver.url(), &["import.finished"]).await;
    let named = format!("http://localhost:{}/", receiver.address.port());
    let named = Hook::with(&app.program(&SCOPES).await, &named, &["import.finished"]).await;
    let strict = app.beside(|_| ()).await;
    let by_name = app
        .beside(|config| {
            config.webhooks.allow_http = true;
            config.webhooks.deny_networks = vec!["198.51.100.0/24".parse().unwrap()];
        })
        .await;
    hook.test().await;
    strict.work().await;
    assert_eq!(hook.delivery().await["reason"], "address_refused");
    named.test().await;
    by_name.work().await;
    assert_eq!(named.delivery().await["reason"], "address_refused");
    assert!(receiver.taken().is_empty());
}

// security.md 62
#[tokio::test]
async fn an_address_is_judged_as_it_is_set_however_it_is_written() {
    let app = TestApp::start().await;
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
    ] {
        let answer = create(&program, url, &["import.finished"]).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], "/url", "{url}");
    }
}
