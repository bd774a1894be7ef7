//! What an insurer's programs do, by a [`Caller`] with headers of its own.

mod disclosures;
mod feeds;
mod members;
mod members_changed;
mod records;
mod roster_imports;
mod statements;

use access::Scope;
use reqwest::{Method, header};
use serde_json::Value;
use testkit::{Answer, TestApp, TestProgram};

/// One that is let in.
#[derive(Clone)]
pub(crate) struct Caller(TestProgram);

impl Caller {
    /// A new client with a token of all these scopes.
    pub(crate) async fn new(app: &TestApp, scopes: &[Scope]) -> Self {
        Self(app.program(scopes).await)
    }

    /// The same client with a new token.
    pub(crate) async fn renewed(&self) -> Self {
        Self(TestProgram {
            token: self.0.new_token(&[]).await,
            ..self.0.clone()
        })
    }

    pub(crate) fn token(&self) -> &str {
        &self.0.token
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// A request with these headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        match body {
            Some(body) => self.raw(method, path, headers, body.to_string().as_bytes()).await,
            None => self.0.send(self.request(method, path, headers)).await,
        }
    }

    /// The same with a body of JSON as it is written.
    pub(crate) async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = self
            .request(method, path, headers)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_vec());
        self.0.send(request).await
    }

    /// Sends a file.
    pub(crate) async fn file(&self, path: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Answer {
        let request = self
            .request(Method::POST, path, headers)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(bytes.to_vec());
        self.0.send(request).await
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self
            .0
            .request(method, &format!("/api/v1{path}"))
            .bearer_auth(self.token());
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
    }
}
