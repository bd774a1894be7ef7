//! Webhooks from outside: set by a program's operations, sent to real receivers on loopback.

mod delivering;
mod failing;
mod guarded;
mod managing;
pub(crate) mod receiver;
mod replaying;
mod told;
mod under_way;

use access::{SCOPES, Scope};
use chrono::{DateTime, Utc};
use receiver::{Answer, Receiver};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer as Said, TestApp, TestPerson, TestProgram};
use uuid::Uuid;

/// All that an endpoint may ask for.
pub(crate) const EVENTS: [&str; 11] = [
    "consent.given",
    "disclosure.changed",
    "import.finished",
    "mail.undeliverable",
    "member.coverage_lost",
    "member.registered",
    "member.returned",
    "notice.published",
    "statement.imported",
    "statement.published",
    "statement.withdrawn",
];

/// An insurer whose webhooks may go to loopback.
async fn app() -> TestApp {
    TestApp::with("32290413", |_| (), to_loopback).await
}

pub(crate) fn to_loopback(config: &mut madoguchi::config::Config) {
    config.webhooks.allow_http = true;
    config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
}

/// An endpoint of a program.
pub(crate) struct Hook {
    pub(crate) program: TestProgram,
    pub(crate) id: String,
    secret: String,
    etag: String,
}

impl Hook {
    /// One for a receiver, of a new program that may do everything but see protected people.
    pub(crate) async fn of(app: &TestApp, receiver: &Receiver, events: &[&str]) -> Self {
        let scopes: Vec<Scope> = SCOPES
            .into_iter()
            .filter(|scope| *scope != access::scope::PROTECTED_READ)
            .collect();
        Self::with(&app.program(&scopes).await, &receiver.url(), events).await
    }

    /// One of a program.
    pub(crate) async fn with(program: &TestProgram, url: &str, events: &[&str]) -> Self {
        let made = create(program, url, events).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let body = made.json();
        Self {
            program: program.clone(),
            id: body["id"].as_str().unwrap().to_owned(),
            secret: body["secret"].as_str().unwrap().to_owned(),
            etag: made.header("etag").to_owned(),
        }
    }

    fn path(&self) -> String {
        format!("/webhooks/{}", self.id)
    }

    async fn shown(&self) -> Value {
        let answer = self.act(Method::GET, "", None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Does something to it, whatever state it is in, with a token of that moment: the clock goes on by days.
    pub(crate) async fn act(&self, method: Method, verb: &str, body: Option<Value>) -> Said {
        let path = format!("/api/v1{}{verb}", self.path());
        let token = self.program.new_token(&[]).await;
        let request = self.program.request(method, &path).bearer_auth(token);
        let request = body
            .iter()
            .fold(request.header("if-match", "*"), reqwest::RequestBuilder::json);
        self.program.send(request).await
    }

    async fn deliveries(&self) -> Vec<Value> {
        let listed = self.act(Method::GET, "/deliveries?limit=200", None).await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        listed.json()["deliveries"].as_array().unwrap().clone()
    }

    /// The only delivery.
    async fn delivery(&self) -> Value {
        let mut deliveries = self.deliveries().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries.remove(0)
    }

    async fn test(&self) {
        let tested = self.act(Method::POST, "/test", None).await;
        assert_eq!(tested.status, 200, "{}", tested.text);
    }
}

async fn create(program: &TestProgram, url: &str, events: &[&str]) -> Said {
    program
        .api(Method::POST, "/webhooks", Some(json!({ "url": url, "events": events })))
        .await
}

/// Something happened to these: as a business transaction says it.
pub(crate) async fn happens(app: &TestApp, kind: &'static str, subjects: &[Uuid]) {
    let now = app.clock().now();
    let mut tx = app.write(app.tenant()).await;
    for subject in subjects {
        let event = jobs::Event {
            kind,
            subject: *subject,
            payload: json!({}),
        };
        jobs::publish(&mut tx, now, event);
    }
    tx.commit().await.unwrap();
}

/// The id of an event of a time, as SQL: they begin with it.
pub(crate) fn id_at(at: &str, nth: &str) -> String {
    format!(
        "(lpad(to_hex(floor(extract(epoch FROM {at}) * 1000)::int8), 12, '0') || '70008' || lpad(to_hex({nth}), 15, '0'))::uuid"
    )
}

/// So many messages of a time were tried in vain.
pub(crate) async fn lost(app: &TestApp, webhook: &str, at: DateTime<Utc>, count: u32) {
    let rows = format!(
        "INSERT INTO webhook_deliveries (tenant_id, webhook_id, event_id, kind, subject, sequence, position, happened_at, state,
            tries, finished_at)
         SELECT tenant_id, webhook_id, {}, 'member.coverage_lost', gen_random_uuid(), 1, 1, at, 'failed', 8, at
         FROM webhook_endpoints, generate_series(1, {count}) n, (SELECT timestamptz '{at}' AS at) AS moment
         WHERE webhook_id = '{webhook}'",
        id_at("at", "n")
    );
    testkit::execute_within(&app.insurer.owner_url(), Some(app.tenant()), &rows)
        .await
        .unwrap();
}

fn ids<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| Uuid::new_v4())
}

/// The id of the person with this number.
async fn id_of(app: &TestApp, person: &TestPerson) -> String {
    let query = format!(
        "SELECT person_id::text AS line FROM persons WHERE number = '{}'",
        person.number
    );
    app.insurer.lines(&query).await.remove(0)
}
