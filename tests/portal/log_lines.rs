//! What the log says of a request that was refused: its code beside the request's id, and nothing of what was typed.

use serde_json::Value;
use std::sync::{Arc, Mutex, OnceLock};
use testkit::{Answer, TestApp};
use tracing_subscriber::fmt::MakeWriter;

/// The lines of this process, all tests' together: each is told by its request's id.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Logs as the service does.
    pub(crate) fn start() -> Self {
        static LINES: OnceLock<Lines> = OnceLock::new();
        let lines = LINES.get_or_init(|| {
            let lines = Lines::default();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::INFO)
                .with_writer(lines.clone())
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .init();
            lines
        });
        lines.clone()
    }

    /// The codes of an answer's request.
    fn codes(&self, answer: &Answer) -> Vec<String> {
        self.of(answer, "refused", |line| line["code"].as_str().unwrap().to_owned())
    }

    /// The statuses that an answer's request is logged with.
    pub(crate) fn statuses(&self, answer: &Answer) -> Vec<u64> {
        self.of(answer, "answered", |line| line["status"].as_u64().unwrap())
    }

    /// What the lines of this message of an answer's request say.
    pub(crate) fn of<T>(&self, answer: &Answer, message: &str, say: impl Fn(Value) -> T) -> Vec<T> {
        let id = answer.header("x-request-id");
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains(id));
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["message"] == message && line["span"]["id"] == id)
            .map(say)
            .collect()
    }
}

// security.md 55
#[tokio::test]
async fn a_line_is_one_line_in_utc_whatever_the_request_holds() {
    let lines = Lines::start();
    let app = TestApp::start().await;
    let odd = "x31m\",\"level\":\"ERROR\u{2028}";
    let request = app
        .client()
        .request(reqwest::Method::GET, "/portal/notices/7%0a%1b%5b31m?q=%0d%0a%22%7d")
        .header("user-agent", odd.as_bytes())
        .header("referer", odd.as_bytes());
    let answer = app.client().send(request).await;
    assert_eq!(lines.codes(&answer).len(), 1);
    let id = answer.header("x-request-id");
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for line in text.lines().filter(|line| line.contains(id)) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert_ne!(line["level"], "ERROR");
        assert!(!line.to_string().contains("31m"), "nothing of it is in the log: {line}");
    }
}

// security.md 55
#[tokio::test]
async fn every_refusal_of_a_page_stands_in_the_log_by_its_code() {
    let lines = Lines::start();
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let client = app.client();
    let told = async |answer: Answer, code: &str| assert_eq!(lines.codes(&answer), [code], "{}", answer.text);

    told(client.get("/portal/mypage").await, "session_ended").await;
    told(client.get("/portal/nowhere").await, "not_found").await;
    let foreign = client
        .request(reqwest::Method::POST, "/portal/")
        .form(&[("user_id", "x")]);
    told(client.send(foreign).await, "not_own_page").await;
    let unknown = client.request(reqwest::Method::PUT, "/portal/");
    told(client.send(unknown).await, "method_not_allowed").await;
    let long = "x".repeat(70_000);
    told(
        client.post("/portal/", &[("user_id", &long)]).await,
        "payload_too_large",
    )
    .await;
    told(client.post("/portal/", &[]).await, "fields").await;
    let wrong = [("user_id", who.user_id.as_str()), ("password", "wrong&1234")];
    let refused = client.post("/portal/", &wrong).await;
    assert_eq!(lines.statuses(&refused), [422], "though it leads back to the form");
    told(refused, "log_in_failed").await;
    let identity = app.identity(&app.person).with("birth_year", "1986");
    told(client.send_form("/portal/signup", &identity).await, "not_matched").await;

    client.log_in(&who).await;
    told(client.get("/portal/mypage").await, "consent_required").await;
    client.accept_terms().await;
    told(client.get("/portal/notices/7").await, "not_found").await;
    let answer = client.get("/portal/mypage").await;
    assert_eq!((answer.status.as_u16(), lines.codes(&answer).len()), (200, 0));
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for private in [who.user_id.as_str(), &who.email, "wrong&1234", "/portal/notices/7"] {
        assert!(!text.contains(private), "{private}");
    }
}
