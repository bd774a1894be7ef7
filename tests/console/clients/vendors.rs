//! Vendors' programs: made by the platform, let in by each insurer for itself, shut out by either.

use super::{CLIENTS, Made, by_staff, deed, enters, shown, text_of, token, trail};
use crate::portal::{leads, says};
use access::Role;
use testkit::{TestApp, TestClerk, unique};

const VENDORS: &str = "/operator/clients";
const VENDOR: &str = "/console/clients/vendor";

/// A vendor's program under a name of its own: tests share the platform.
async fn vendors(operator: &TestClerk) -> (Made, String) {
    let name = unique("健診サービス");
    let typed = [("name", &*name), ("contact", "vendor@example.jp")];
    let made = shown(operator, &operator.post(&format!("{VENDORS}/new"), &typed).await).await;
    (made, name)
}

/// Lets it in; its page there.
async fn let_in(boss: &TestClerk, made: &Made) -> Made {
    let fields = [("client_id", &*made.client_id), ("scopes", "insurer.read")];
    let granted = boss.post(VENDOR, &fields).await;
    assert_eq!(granted.status, 303, "{}", granted.text);
    Made {
        path: granted.location().to_owned(),
        client_id: made.client_id.clone(),
        secret: made.secret.clone(),
    }
}

async fn token_at(app: &TestApp, made: &Made) -> Result<String, serde_json::Value> {
    token(app, made, &[("insurer_code", app.insurer.code.as_str())]).await
}

#[tokio::test]
async fn a_vendors_program_may_do_nothing_until_an_insurer_lets_it_in() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let operator = app.operator(&[Role::Operator]).await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (made, name) = vendors(&operator).await;
    assert!(made.client_id.starts_with("cl_0_"), "{}", made.client_id);
    says(&operator.get(VENDORS).await, 200, &name);
    says(
        &operator.get(&made.path).await,
        200,
        "保険者の管理者に許可してもらってください",
    );
    assert!(token_at(&app, &made).await.is_err());
    // Whose id it is stands there before anything is given.
    let asked = boss.get(&format!("{VENDOR}?client_id={}", made.client_id)).await;
    says(&asked, 200, &name);
    assert!(!asked.text.contains("vendor@example.jp"), "{}", asked.text);
    let capitals = made.client_id.to_uppercase();
    says(&boss.get(&format!("{VENDOR}?client_id={capitals}")).await, 200, &name);
    let fields = [("client_id", &*made.client_id)];
    says(
        &boss.post(VENDOR, &fields).await,
        422,
        "権限の範囲を、1つ以上選んでください",
    );
    let here = let_in(&boss, &made).await;
    let page = boss.get(&here.path).await;
    for said in [&*name, "許可しました", "事業者", "保険者と接続の内容を見る"] {
        says(&page, 200, said);
    }
    // Whoever asks for it once more is led there before they choose anything.
    let again = boss.get(&format!("{VENDOR}?client_id={}", made.client_id)).await;
    says(&again, 200, "すでに許可されています");
    says(&again, 200, &format!("href=\"{}\"", here.path));
    assert!(!again.text.contains("name=\"scopes\""), "{}", again.text);
    // Its secrets and its contact are the platform's, who is asked.
    assert!(
        !page.text.contains("/rotate") && !page.text.contains("vendor@example.jp"),
        "{}",
        page.text
    );
    says(
        &page,
        200,
        "事業者の連絡先は運営に登録されています。運営にお問い合わせください。",
    );
    says(&operator.get(&made.path).await, 200, "vendor@example.jp");
    says(
        &boss.get(&format!("{}/rotate", here.path)).await,
        200,
        "秘密鍵は事業者が管理しています",
    );
    assert_eq!(deed(&boss, &here, "rotate").await.status, 404);
    says(&operator.get(&made.path).await, 200, &app.insurer.insurer.name);
    let held = token_at(&app, &made).await.unwrap();
    assert_eq!(enters(&app, &held).await, 200);
    assert!(
        token_at(&other, &made).await.is_err(),
        "another insurer has not let it in"
    );
    says(
        &boss.post(VENDOR, &[fields[0], ("scopes", "insurer.read")]).await,
        409,
        "すでに許可されています",
    );
    assert_eq!(trail(&app).await, ["client.grant staff console done"]);
}

#[tokio::test]
async fn an_insurer_shuts_a_vendors_program_out_for_itself_and_lets_it_in_anew() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let operator = app.operator(&[Role::Operator]).await;
    let (made, _) = vendors(&operator).await;
    let (boss, elsewhere) = (
        app.clerk(&[Role::Administrator]).await,
        other.clerk(&[Role::Administrator]).await,
    );
    let here = let_in(&boss, &made).await;
    let_in(&elsewhere, &made).await;
    let (held, theirs) = (
        token_at(&app, &made).await.unwrap(),
        token_at(&other, &made).await.unwrap(),
    );
    leads(&deed(&boss, &here, "suspend").await, &here.path);
    assert_eq!((enters(&app, &held).await, enters(&other, &theirs).await), (401, 200));
    leads(&deed(&boss, &here, "resume").await, &here.path);
    let held = token_at(&app, &made).await.unwrap();
    says(&boss.get(&format!("{}/revoke", here.path)).await, 200, "許可を取り消す");
    leads(&deed(&boss, &here, "revoke").await, &here.path);
    assert_eq!((enters(&app, &held).await, enters(&other, &theirs).await), (401, 200));
    assert!(token_at(&app, &made).await.is_err());
    let page = boss.get(&here.path).await;
    for said in ["もう一度許可する", "許可の取り消し済み"] {
        says(&page, 200, said);
    }
    let again = boss.get(&format!("{}/revoke", here.path)).await;
    says(&again, 200, "許可は、すでに取り消されています");
    let_in(&boss, &made).await;
    assert_eq!(enters(&app, &token_at(&app, &made).await.unwrap()).await, 200);
    assert_eq!(
        trail(&app).await,
        by_staff(["grant", "suspend", "resume", "ungrant", "grant"])
    );
}

// security.md 41
#[tokio::test]
async fn what_the_platform_suspends_is_out_of_every_insurer_before_the_answer_and_no_insurer_resumes_it() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let operator = app.operator(&[Role::Operator]).await;
    let (made, name) = vendors(&operator).await;
    let (boss, elsewhere) = (
        app.clerk(&[Role::Administrator]).await,
        other.clerk(&[Role::Administrator]).await,
    );
    let here = let_in(&boss, &made).await;
    let_in(&elsewhere, &made).await;
    let tokens = (
        token_at(&app, &made).await.unwrap(),
        token_at(&other, &made).await.unwrap(),
    );
    says(
        &operator.get(&format!("{}/suspend", made.path)).await,
        200,
        "すべての保険者で",
    );
    leads(&deed(&operator, &made, "suspend").await, &made.path);
    assert_eq!(
        (enters(&app, &tokens.0).await, enters(&other, &tokens.1).await),
        (401, 401)
    );
    says(&boss.get(CLIENTS).await, 200, "運営が停止中");
    leads(&deed(&boss, &here, "resume").await, &here.path);
    assert!(token_at(&app, &made).await.is_err());
    assert!(
        trail(&app)
            .await
            .contains(&"client.suspend operator console done".to_owned())
    );
    // It can be let in nowhere meanwhile.
    let third = TestApp::start().await;
    let third_boss = third.clerk(&[Role::Administrator]).await;
    let asked = third_boss.get(&format!("{VENDOR}?client_id={}", made.client_id)).await;
    says(&asked, 200, "登録されていません");
    assert!(
        asked.text.contains("エラー：") && asked.text.contains("aria-invalid"),
        "{}",
        asked.text
    );
    assert!(!asked.text.contains(&name));
    let fields = [("client_id", &*made.client_id), ("scopes", "insurer.read")];
    says(
        &third_boss.post(VENDOR, &fields).await,
        409,
        "この連携先は見つかりません",
    );
    leads(&deed(&operator, &made, "resume").await, &made.path);
    assert_eq!(enters(&app, &token_at(&app, &made).await.unwrap()).await, 200);
    leads(&deed(&operator, &made, "revoke").await, &made.path);
    assert!(token_at(&other, &made).await.is_err());
    // What its home has ended no insurer can let in again.
    let ended = boss.get(&here.path).await;
    says(&ended, 200, ">終了</span>");
    assert!(!ended.text.contains("もう一度許可する"), "{}", ended.text);
}

#[tokio::test]
async fn who_names_no_program_is_told_that_the_id_is_missing() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let first = boss.get(VENDOR).await;
    assert!(!first.text.contains("エラー："), "{}", first.text);
    for typed in ["", "%20", "%E3%80%80"] {
        let asked = boss.get(&format!("{VENDOR}?client_id={typed}")).await;
        says(&asked, 200, "連携先のIDを入力してください");
        assert!(asked.text.contains("aria-invalid"), "{}", asked.text);
    }
    for fields in [vec![], vec![("client_id", "　"), ("scopes", "insurer.read")]] {
        says(&boss.post(VENDOR, &fields).await, 422, "連携先のIDを入力してください");
    }
    assert!(trail(&app).await.is_empty());
}

#[tokio::test]
async fn a_vendors_secret_is_changed_by_the_platform_and_its_bounds_hold_everywhere() {
    let app = TestApp::start().await;
    let operator = app.operator(&[Role::Operator]).await;
    let (made, _) = vendors(&operator).await;
    let here = let_in(&app.clerk(&[Role::Administrator]).await, &made).await;
    assert_eq!(here.client_id, made.client_id);
    let page = operator.get(&format!("{}/change", made.path)).await;
    assert!(
        !page.text.contains("name=\"scopes\""),
        "scopes are each insurer's: {}",
        page.text
    );
    let held = token_at(&app, &made).await.unwrap();
    let form = format!("{}/change", made.path);
    leads(
        &operator.post(&form, &[("networks", "203.0.113.0/24")]).await,
        &made.path,
    );
    assert_eq!(enters(&app, &held).await, 401);
    assert!(token_at(&app, &made).await.is_err(), "from elsewhere");
    leads(&operator.post(&form, &[]).await, &made.path);
    let rotated = deed(&operator, &made, "rotate").await;
    let page = operator.get(rotated.location()).await;
    let secret = text_of(&page.text, "client_secret").unwrap().to_owned();
    assert!(token_at(&app, &Made { secret, ..made }).await.is_ok());
}

#[tokio::test]
async fn a_vendors_program_is_called_otherwise_by_the_platform_and_by_no_insurer() {
    let app = TestApp::start().await;
    let operator = app.operator(&[Role::Operator]).await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let (made, _) = vendors(&operator).await;
    let here = let_in(&boss, &made).await;
    let name = unique("健診の新しい名前");
    let typed = [("name", &*name), ("contact", "other@example.jp")];
    assert_eq!(boss.get(&format!("{}/rename", here.path)).await.status, 404);
    assert_eq!(boss.post(&format!("{}/rename", here.path), &typed).await.status, 404);
    assert!(!boss.get(&here.path).await.text.contains("/rename"));
    leads(
        &operator.post(&format!("{}/rename", made.path), &typed).await,
        &made.path,
    );
    says(&operator.get(&made.path).await, 200, "other@example.jp");
    for path in [&*here.path, CLIENTS] {
        says(&boss.get(path).await, 200, &name);
    }
    let line = "client.rename operator console done".to_owned();
    assert!(trail(&app).await.contains(&line));
}
