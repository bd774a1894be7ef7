//! Terms: what must be accepted, in which revision, and the ledger that nobody can rewrite.

use crate::portal::{leads, says};
use chrono::TimeDelta;
use testkit::{Fields, TestApp, execute_within, service_url};

const TERMS: &str = "/portal/terms";

async fn logged_in(app: &TestApp) -> testkit::Client {
    let who = app.sign_up().await;
    let client = app.client();
    client.log_in(&who).await;
    client
}

/// The next revision of the insurer's addendum, in force in a minute.
async fn revise(app: &TestApp) {
    let from = app.clock().now() + TimeDelta::minutes(1);
    app.insurer
        .apply(|folder| {
            let mut file = folder
                .terms
                .iter()
                .find(|file| file.head.document == "addendum")
                .unwrap()
                .clone();
            file.head.revision += 1;
            file.head.effective_at = from;
            file.head.content_hash = "f".repeat(64);
            file.changes = Some("第3条を改めました".into());
            folder.settings.terms.push(file.head.clone());
            folder.terms.push(file);
        })
        .await;
}

async fn ledger(app: &TestApp) -> Vec<String> {
    app.insurer
        .lines("SELECT owner::text || ' ' || document || ' ' || revision AS line FROM consents ORDER BY 1")
        .await
}

#[tokio::test]
async fn all_terms_in_force_are_shown_in_full_and_nothing_is_ticked_beforehand() {
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    let page = client.get(TERMS).await;
    for text in [
        "窓口 Madoguchi 利用規約",
        "個人情報の取り扱いについて",
        "利用規約に同意する",
        "同意しない（ログアウト）",
    ] {
        says(&page, 200, text);
    }
    assert!(!page.text.contains(" checked") && !page.text.contains("value=\"points:"));
    // The service terms are in their second revision; to whom the first is unknown, nothing changed.
    assert!(page.text.contains("value=\"service:2\"") && !page.text.contains("id=\"changes\""));
}

#[tokio::test]
async fn points_terms_are_for_members_of_insurers_that_bought_points() {
    let mut app = TestApp::with("06139992", |_| (), |_| ()).await;
    app.person.employee_number = "K-1".into();
    app.insurer.import(std::slice::from_ref(&app.person)).await;
    let client = logged_in(&app).await;
    says(&client.get(TERMS).await, 200, "ポイントサービス利用規約");
    leads(&client.accept_terms().await, "/portal/mypage");
    let tenant = app.tenant();
    let mut expected = vec![
        "0 points 1".to_owned(),
        "0 service 2".to_owned(),
        format!("{tenant} addendum 1"),
    ];
    expected.sort();
    assert_eq!(ledger(&app).await, expected);
}

#[tokio::test]
async fn without_the_tick_or_without_naming_every_document_nothing_is_accepted() {
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    let shown = client.hidden(TERMS).await;
    says(
        &client.send_form(TERMS, &shown).await,
        422,
        "利用規約に同意する場合は、チェックを入れてください",
    );
    for due in [
        &[][..],
        &[("due", "service:2")],
        &[("due", "service:1"), ("due", "addendum:1")],
        &[("due", "x")],
    ] {
        let mut fields = vec![("agree", "yes")];
        fields.extend(due);
        says(&client.post(TERMS, &fields).await, 409, "利用規約が新しくなりました");
    }
    assert!(ledger(&app).await.is_empty());
    leads(
        &client.get("/portal/mypage").await,
        "/portal/terms?next=%2Fportal%2Fmypage",
    );
}

#[tokio::test]
async fn consent_names_document_revision_hash_time_and_from_where_and_is_written_once() {
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    let form = client.hidden(TERMS).await.with("agree", "yes");
    let (one, two) = tokio::join!(client.send_form(TERMS, &form), client.send_form(TERMS, &form));
    leads(&one, "/portal/mypage");
    leads(&two, "/portal/mypage");
    leads(&client.send_form(TERMS, &form).await, "/portal/mypage");
    assert_eq!(ledger(&app).await.len(), 2);
    let whole = format!(
        "length(content_hash) = 64 AND channel = 'portal' AND address LIKE '10.%' AND at = '{}'",
        app.clock().now()
    );
    assert_eq!(app.insurer.count("consents", &whole).await, 2);
    assert_eq!(app.insurer.count("events", "kind = 'consent.given'").await, 2);
    says(
        &client.get("/portal/account/consents").await,
        200,
        "窓口 Madoguchi 利用規約",
    );
    says(&client.get("/portal/account/consents/service/2").await, 200, "第1条");
    assert_eq!(client.get("/portal/account/consents/service/1").await.status, 404);
}

#[tokio::test]
async fn a_revision_that_comes_into_force_while_inside_must_be_accepted_first_and_leads_back() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    revise(&app).await;
    app.later(59);
    assert_eq!(
        client.get("/portal/account").await.status,
        200,
        "until then the old one holds"
    );
    app.later(2);
    let asked = client.get("/portal/account").await;
    leads(&asked, "/portal/terms?next=%2Fportal%2Faccount");
    let page = client.get(asked.location()).await;
    says(&page, 200, "第3条を改めました");
    assert!(!page.text.contains("value=\"service:2\""), "only what is due");
    let form = client.hidden(asked.location()).await.with("agree", "yes");
    leads(&client.send_form(TERMS, &form).await, "/portal/account");
    assert_eq!(ledger(&app).await.len(), 3);
}

#[tokio::test]
async fn consent_to_a_revision_replaced_while_reading_is_asked_again() {
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    let read = client.hidden(TERMS).await.with("agree", "yes");
    revise(&app).await;
    app.later(61);
    let answer = client.send_form(TERMS, &read).await;
    says(&answer, 409, "お読みいただいているあいだに、利用規約が新しくなりました");
    says(&answer, 409, "value=\"addendum:2\"");
    // Whoever has just read the first revision is told what the second changes.
    says(&answer, 409, "第3条を改めました");
    assert!(ledger(&app).await.is_empty());
    leads(&client.accept_terms().await, "/portal/mypage");
}

#[tokio::test]
async fn consent_leads_on_to_where_one_wanted_and_nowhere_else() {
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    let asked = client.get("/portal/account/email").await;
    leads(&asked, "/portal/terms?next=%2Fportal%2Faccount%2Femail");
    let form = client.hidden(asked.location()).await.with("agree", "yes");
    leads(&client.send_form(TERMS, &form).await, "/portal/account/email");
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    let form = client
        .hidden(TERMS)
        .await
        .with("agree", "yes")
        .with("next", "https://evil.example/");
    leads(&client.send_form(TERMS, &form).await, "/portal/mypage");
}

#[tokio::test]
async fn whoever_does_not_agree_logs_out() {
    let app = TestApp::start().await;
    let client = logged_in(&app).await;
    assert_eq!(client.get("/portal/help").await.status, 200);
    leads(&client.press("/portal/logout").await, "/portal/");
    leads(&client.get(TERMS).await, "/portal/");
    assert_eq!(
        client.send_form(TERMS, &Fields::new(&[("agree", "yes")])).await.status,
        303
    );
    assert!(ledger(&app).await.is_empty());
}

#[tokio::test]
async fn neither_ledger_nor_trail_can_be_changed_by_the_service() {
    let app = TestApp::start().await;
    app.member().await;
    for table in ["consents", "audit_events"] {
        assert!(app.insurer.count(table, "true").await > 0);
        for change in [
            format!("UPDATE {table} SET channel = 'x'"),
            format!("DELETE FROM {table}"),
        ] {
            let refused = execute_within(&service_url(), Some(app.tenant()), &change)
                .await
                .unwrap_err();
            assert!(refused.contains("permission denied"), "{change}: {refused}");
        }
    }
}
