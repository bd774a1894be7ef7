//! Two insurers on one database: nothing of one exists for the other, by any table and any route. The lists of tables
//! and routes come from the catalogue and the route tables, so a new one without a case fails here.

mod api;
mod console;
mod portal;
mod tables;

use crate::statements::{cost, costs};
use access::scope::{IMPORTS_WRITE, STATEMENTS_IMPORT, Scope, WEBHOOKS_MANAGE};
use audit::{Actor, Origin};
use kernel::{NoticeId, PersonId};
use notices::{Draft, To};
use reqwest::Method;
use std::collections::BTreeMap;
use tables::tenant_tables;
use tenancy::PartFile;
use testkit::{Answer, Client, Fields, SignedUp, TestApp, TestDatabase};

/// Stands in everything that belongs to the other insurer.
const MARK: &str = "ヨソノモノ";

/// The other insurer, with a member inside and everything that a member may have.
struct Other {
    app: TestApp,
    client: Client,
    who: SignedUp,
    notice: NoticeId,
    personal: NoticeId,
    person: PersonId,
    /// The id of the member's session.
    session: String,
    /// A program's import of a roster.
    import: String,
    /// Its import of statements, and the delivery that came of it.
    statements: (String, String),
    /// A program's webhook.
    webhook: String,
}

impl Other {
    async fn new() -> Self {
        let mut app = TestApp::with(
            "06139992",
            |folder| {
                folder.settings.name = format!("{MARK}健康保険組合");
                for page in folder.parts.iter_mut().flat_map(|part| &mut part.files) {
                    *page = PartFile::written(&page.slug, &[("title", MARK)], MARK);
                }
            },
            |_| (),
        )
        .await;
        app.person.employee_number = "K-1".into();
        app.person.name = format!("{MARK}　太郎");
        app.insurer.import(std::slice::from_ref(&app.person)).await;
        let (client, who) = app.member().await;
        let person = app.insurer.lines("SELECT person_id::text AS line FROM persons").await;
        let notice = publish(&app, To::All).await;
        let person = PersonId::parse(&person[0]).unwrap();
        let personal = publish(&app, To::Person(person)).await;
        let sessions = app.insurer.lines("SELECT session_id::text AS line FROM sessions").await;
        let import = import(&app).await;
        let statements = statements(&app).await;
        let webhook = webhook(&app).await;
        Self {
            app,
            client,
            who,
            notice,
            personal,
            person,
            session: sessions[0].clone(),
            import,
            statements,
            webhook,
        }
    }

    fn insurer(&self) -> &TestDatabase {
        &self.app.insurer
    }
}

async fn publish(app: &TestApp, to: To) -> NoticeId {
    let draft = Draft {
        title: format!("{MARK}のお知らせ"),
        body: MARK.into(),
        published_at: app.clock().now(),
        ended_at: None,
        mail: false,
    };
    let mut tx = app.write(app.tenant()).await;
    let notices = &app.notices();
    let id = notices
        .publish(&mut tx, &Origin::command(), Actor::System, to, &draft)
        .await;
    tx.commit().await.unwrap();
    id.unwrap()
}

/// A file that a program only has compared.
async fn import(app: &TestApp) -> String {
    let file = "被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称\n9,9,ヨソノ　モノ,1975-04-12,本人\n";
    brought(app, IMPORTS_WRITE, "/roster-imports?dry_run=true", file.to_owned()).await
}

/// An endpoint of a program.
async fn webhook(app: &TestApp) -> String {
    let program = app.program(&[WEBHOOKS_MANAGE]).await;
    let body = serde_json::json!({ "url": format!("https://hooks.example.jp/{MARK}"), "events": ["import.finished"] });
    let made = program.api(reqwest::Method::POST, "/webhooks", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// A file of statements that a program has loaded, and its delivery.
async fn statements(app: &TestApp) -> (String, String) {
    let file = costs(&[cost("2026-08", "A", 105, "2026-06", 1_000)]);
    let import = brought(app, STATEMENTS_IMPORT, "/statement-imports?kind=costs", file).await;
    let deliveries = "SELECT delivery_id::text AS line FROM statement_deliveries";
    (import, app.insurer.lines(deliveries).await.remove(0))
}

async fn brought(app: &TestApp, scope: Scope, path: &str, file: String) -> String {
    let program = app.program(&[scope]).await;
    let request = program
        .request(Method::POST, &format!("/api/v1{path}"))
        .bearer_auth(&program.token)
        .header("Content-Type", "application/octet-stream")
        .body(file);
    let answer = program.send(request).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    app.work().await;
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// A secret with another insurer's number before it.
fn moved(secret: &str, to: &TestApp) -> String {
    let (_, rest) = secret.split_once('.').unwrap();
    format!("{}.{rest}", to.tenant())
}

/// A page's request.
async fn send(client: &Client, method: &Method, path: &str, fields: &Fields) -> Answer {
    if *method == Method::POST {
        client.send_form(path, fields).await
    } else {
        client.get(path).await
    }
}

/// A file that pages name.
async fn asset(app: &TestApp) -> String {
    let page = app.client().get("/portal/").await.text;
    let (_, rest) = page.split_once("\"/assets/").unwrap();
    format!("/assets/{}", rest.split('"').next().unwrap())
}

/// What every table holds of an insurer.
async fn rows(insurer: &TestDatabase) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for table in tenant_tables().await {
        let all = format!("SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') AS line FROM {table} t");
        rows.insert(table, insurer.lines(&all).await.remove(0));
    }
    rows
}

/// What they hold now, and which of them held something else before.
async fn changed_by(
    insurer: &TestDatabase,
    before: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let now = rows(insurer).await;
    let changed = now.iter().filter(|(table, held)| before[*table] != **held);
    let changed = changed.map(|(table, _)| table.clone()).collect();
    (now, changed)
}

/// A post that no page of ours sent is refused, whatever else it says.
async fn never_from_a_foreign_page(client: &Client, name: &str, path: &str, own: &str) {
    for headers in [
        &[][..],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", own)],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ] {
        let request = client.request(Method::POST, path).form(&[("code", "123456")]);
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = client.send(request).await;
        assert_eq!(answer.status, 403, "{name} {headers:?}");
        assert!(answer.set_cookies().is_empty(), "{name}");
    }
}

/// Methods that an address does not have are refused with those it has.
async fn refuses_other_methods(client: &Client, name: &str, own: &Method, path: &str) {
    for other in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = client.send(client.request(other.clone(), path)).await;
        assert_eq!(answer.status, 405, "{name} {other}");
        let allowed: Vec<&str> = answer.header("allow").split(", ").collect();
        assert!(allowed.contains(&own.as_str()), "{name}: {allowed:?}");
        assert_eq!(allowed.contains(&"HEAD"), allowed.contains(&"GET"), "{name}");
    }
}
