//! A node whose keys are not the ones that the database knows touches nothing (security.md 70).

use super::names::NEXT;
use madoguchi::config::Config;
use reqwest::Method;
use serde_json::json;
use testkit::{PASSWORD, TestApp};

// security.md 70
#[tokio::test]
async fn a_node_with_a_wrong_key_is_not_ready_calls_no_password_wrong_and_counts_no_try() {
    let app = TestApp::start().await;
    let (browser, who) = app.member().await;
    let wrong_ring = |config: &mut Config| drop(config.keys.ring.insert("test".into(), NEXT.into()));
    let wrong_names = |config: &mut Config| config.keys.names = "DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw=".into();
    for wrong in [app.beside(wrong_ring).await, app.beside(wrong_names).await] {
        let ready = wrong.client().get("/readyz").await;
        assert_eq!((ready.status.as_u16(), &*ready.text), (503, "keys not proven"));
        assert_eq!(wrong.client().get("/livez").await.status, 200);
        let client = wrong.client();
        for _ in 0..12 {
            assert_eq!(client.log_in(&who).await.status, 503);
        }
        let form = json!({ "user_id": who.user_id, "password": PASSWORD });
        let answer = client.call(Method::POST, "/sessions", None, Some(form)).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        let identity = app.identity(&app.person);
        assert_eq!(client.send_form("/portal/signup", &identity).await.status, 503);
        let inside = wrong.client();
        inside.set_cookie("__Host-session", &browser.cookie("__Host-session").unwrap());
        assert_eq!(inside.get("/portal/mypage").await.status, 503, "nor is a session ended");
        assert!(
            wrong.app.worker.run_once_for(app.tenant()).await.is_err(),
            "nor any work done"
        );
    }
    let tries = "SELECT rule AS line FROM throttles WHERE rule LIKE 'log_in%' AND tries > 0";
    assert_eq!(app.insurer.lines(tries).await, [""; 0]);
    assert_eq!(browser.get("/portal/mypage").await.status, 200);
    assert_eq!(app.client().get("/readyz").await.status, 200);
}
